//! Which face shows which character.

use super::{DELETES, line, line_of, pixels, style, texels};
use crate::geometry::Size;
use crate::text::{Faces, Style, Typeface};
use std::sync::Arc;

/// A font of boxes for α, ℃ and U+13000, and of glyphs without outlines for ½ and U+13001.
const RARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fonts/rare.ttf");

#[test]
fn every_typeface_has_chinese_latin_and_emoji() {
    let faces = Arc::new(Faces::embedded());
    for typeface in Typeface::ALL {
        let drawing = line_of(&faces, "Hello 图片服务! 123 😀", &Style { typeface, ..style(40) });
        let glyphs = drawing.glyphs();
        assert_eq!(glyphs.len(), 17, "{typeface:?}");
        assert!(glyphs.iter().all(|ink| ink.shape.glyph != 0), "{typeface:?}");
        let text = faces.chain(typeface).chosen();
        let (emoji, others) = glyphs.split_last().unwrap();
        assert!(others.iter().all(|ink| Arc::ptr_eq(&ink.face, text)));
        assert!(!Arc::ptr_eq(&emoji.face, text));
        // Every glyph but the three spaces leaves ink.
        let drawn = drawing.glyphs().iter().filter(|ink| {
            let coverage = faces.glyphs().coverage(&ink.face, ink.shape, -1000..1000);
            coverage.is_some_and(|coverage| coverage.values.contains(&255))
        });
        assert_eq!(drawn.count(), 14, "{typeface:?}");
    }
}

/// Characters of each script, common and rare, first and last of the sets that national standards name.
const SCRIPTS: &[(&str, &str)] = &[
    ("Simplified Chinese", "图片服务语说这们国为时会发经过还进动样听见问东车马鱼鸟龙齑"),
    ("Traditional Chinese", "龍語圖書館這們國為時會發經過還進動樣聽見問東車馬魚鳥齡齒齊麼體點臺灣鬱籲龘"),
    ("Hong Kong", "咗喺嘅冇啲嚟嗰冚𨋢㗎"),
    ("Kana", "あいうえおがぱゃっゝゞんゔゕゖアイウエオヴヵヶヷヺーｱｶﾞﾟ"),
    ("Kanji", "漢字圧囲円売変対応気楽働峠辻込込匂𠮷﨑髙瀧凜熙"),
    ("Hangul", "가각한글대국민뷁힣햏똠펲쑝ㄱㅎㅏㅣ"),
    ("Pinyin and Bopomofo", "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňɑɡㄅㄆㄇㄩˊˇˋ˙"),
    ("Signs", "℃℉Å№℡ⅠⅤⅩⅫⅰⅹ①⑳㈱㎡㎏½⅓¼※→↓■□▲●★〒々〆〇〜、。「」『』【】《》〈〉・…‥―％＆＠￥￦￡￠ＡＺａｚ０９"),
    ("Latin, Greek and Cyrillic", "AZaz09ÄÖÜßéñçőŁŞğİıŒ€£¥©®™ΓΩαωЯяЁёїЎ"),
];

#[test]
fn scripts_come_out_on_a_bare_machine() {
    let faces = Arc::new(Faces::embedded());
    for (script, text) in SCRIPTS {
        let boxed = pixels(&line("\u{13000}", &style(40)));
        let mut seen: Vec<(char, Vec<u8>)> = Vec::new();
        for character in text.chars() {
            let drawing = line_of(&faces, &character.to_string(), &style(40));
            let [ink] = drawing.glyphs() else { panic!("{script}: {character} is {:?}", drawing.glyphs()) };
            assert_ne!(ink.shape.glyph, 0, "{script}: {character}");
            let pixels = pixels(&drawing);
            assert_ne!(pixels, boxed, "{script}: {character}");
            assert!(pixels.chunks(4).filter(|texel| texel[3] > 0).count() > 12, "{script}: {character}");
            let twin = seen.iter().find(|(other, drawn)| *other != character && *drawn == pixels);
            assert_eq!(twin.map(|(other, _)| other), None, "{script}: looks like {character}");
            seen.push((character, pixels));
        }
    }
    assert!(!faces.has_reported_missing());
}

#[test]
fn whole_blocks_are_there() {
    let faces = Faces::embedded();
    let chain = faces.chain(Typeface::default());
    let lacking = |range: std::ops::RangeInclusive<char>| {
        range.filter(|character| faces.face_for(chain, *character, false).is_none()).collect::<String>()
    };
    assert_eq!(lacking('\u{4E00}'..='\u{9FEF}'), "", "unified ideographs");
    assert_eq!(lacking('\u{AC00}'..='\u{D7A3}'), "", "Hangul syllables");
    assert_eq!(lacking('\u{3131}'..='\u{318E}'), "", "Hangul letters");
    assert_eq!(lacking('\u{3041}'..='\u{3096}'), "", "Hiragana");
    assert_eq!(lacking('\u{3099}'..='\u{30FF}'), "", "Katakana");
    assert_eq!(lacking('\u{3105}'..='\u{312F}'), "", "Bopomofo");
    assert_eq!(lacking('\u{FF01}'..='\u{FFBE}'), "", "full and half widths");
    assert_eq!(lacking(' '..='~'), "", "ASCII");
    assert_eq!(lacking('\u{A0}'..='\u{17F}'), "", "Latin");
    assert_eq!(lacking('\u{13000}'..='\u{13001}'), "\u{13000}\u{13001}", "and what nobody has is lacking");
}

#[test]
fn a_glyph_without_an_outline_counts_as_missing() {
    let rare = vec![(Typeface::WqyZenhei, "Rare".to_owned())];
    let faces = Arc::new(Faces::of_files(&[RARE], rare));
    let chosen = faces.chain(Typeface::WqyZenhei).chosen().clone();
    assert_ne!(chosen.key(), faces.trusted().key());
    let keys = |text: &str| -> Vec<u64> {
        line_of(&faces, text, &style(40)).glyphs().iter().map(|ink| ink.face.key()).collect()
    };
    // The chosen face maps ½ to a glyph that has none.
    assert!(chosen.has('℃') && !chosen.has('½'));
    assert_ne!(chosen.font().charmap().map('½'), 0);
    let [centigrade, half] = keys("℃½")[..] else { panic!("two glyphs") };
    assert_eq!(centigrade, chosen.key());
    assert_ne!(half, chosen.key());
    assert_eq!(texels(&line_of(&faces, "½", &style(40))), texels(&line("½", &style(40))));
    for blank in [' ', '\u{3000}', '\u{200D}'] {
        assert!(faces.trusted().has(blank), "{blank:?} needs none");
    }
}

#[test]
fn broken_glyphs_of_the_embedded_face_come_from_another() {
    let faces = Arc::new(Faces::embedded());
    // ½ with two figures and a stroke, ǖ with a letter and three marks: wider or higher than what is left
    // of them in the face for text, whose ½ ends with the stroke at 0.58 em.
    for (character, least) in [("½", Size::new(60, 60)), ("¾", Size::new(60, 60)), ("ǖ", Size::new(35, 75))] {
        let drawing = line_of(&faces, character, &style(100));
        assert_ne!(drawing.glyphs()[0].face.key(), faces.trusted().key(), "{character}");
        let Size { width, height } = drawing.size();
        assert!(width >= least.width && height >= least.height, "{character}: {width}x{height}");
    }
}

#[test]
fn emoji_sequences_are_one_glyph() {
    for sequence in ["🇨🇳", "👍🏽", "❤️", "1️⃣", "☺️"] {
        let drawing = line(sequence, &style(40));
        let glyphs: Vec<u16> = drawing.glyphs().iter().map(|ink| ink.shape.glyph).collect();
        assert!(matches!(glyphs[..], [glyph] if glyph != 0), "{sequence}: {glyphs:?}");
    }
}

#[test]
fn a_missing_character_is_a_box_of_the_chosen_face() {
    let faces = Arc::new(Faces::embedded());
    let drawing = line_of(&faces, "\u{13000}", &style(40));
    let [ink] = drawing.glyphs() else { panic!("{:?}", drawing.glyphs()) };
    assert_eq!(ink.shape.glyph, 0);
    assert!(Arc::ptr_eq(&ink.face, faces.chain(Typeface::WqyZenhei).chosen()));
    assert!(texels(&drawing).iter().any(|texel| texel[3] > 200));
}

#[test]
fn a_missing_character_is_logged_once() {
    let faces = Arc::new(Faces::embedded());
    assert!(faces.line("a図\u{200D}\u{2003}", &style(40)).is_some());
    assert!(!faces.has_reported_missing());
    line_of(&faces, "\u{13000}\u{13000}", &style(40));
    assert!(faces.has_reported_missing());
    assert!(!faces.report_missing('\u{13000}'), "not again");
    // Clients choose characters: the log names a number of them.
    let reported = ('\u{13001}'..='\u{13400}').filter(|character| faces.report_missing(*character)).count();
    assert_eq!(reported, 255);
    assert!(!faces.report_missing('\u{E000}'));
}

#[test]
fn a_face_of_the_machine_is_asked_before_a_box_is_drawn() {
    // α is in the embedded face too, U+13000 is not; letters are boxes of 400 by 600 of 1000 units.
    let faces = Arc::new(Faces::of_files(&[RARE], Vec::new()));
    let drawing = line_of(&faces, "α\u{13000}", &style(40));
    let keys: Vec<_> = drawing.glyphs().iter().map(|ink| ink.face.key()).collect();
    assert_eq!(keys[0], faces.trusted().key());
    assert_ne!(keys[1], faces.trusted().key());
    assert!(!faces.has_reported_missing());
    // 400 × 40 ÷ 1000 by 600 × 40 ÷ 1000.
    assert_eq!(line_of(&faces, "\u{13000}", &style(40)).size(), Size::new(16, 24));
    // The same face, not read again, whichever typeface asks.
    let again = line_of(&faces, "\u{13000}", &Style { typeface: Typeface::FangzhengKaiti, ..style(20) });
    assert_eq!(again.glyphs()[0].face.key(), keys[1]);
    for missing in ["\u{13001}", "\u{13002}"] {
        let drawing = line_of(&faces, missing, &style(40));
        assert_eq!((drawing.glyphs()[0].shape.glyph, drawing.glyphs()[0].face.key()), (0, keys[0]), "{missing:?}");
    }
    assert!(!faces.report_missing('\u{13001}') && !faces.report_missing('\u{13002}'), "both were logged");
}

#[test]
fn faces_of_the_machine_draw_all_that_the_embedded_ones_do() {
    let faces = Arc::new(Faces::system(Vec::new()));
    for typeface in Typeface::ALL {
        let drawing = line_of(&faces, "Hello 图片服务! 123 😀", &Style { typeface, ..style(40) });
        assert!(drawing.glyphs().iter().all(|ink| ink.shape.glyph != 0), "{typeface:?}");
        assert!(texels(&drawing).iter().any(|texel| texel[3] == 255), "{typeface:?}");
    }
}

#[test]
fn settings_name_the_family_of_a_typeface() {
    let kaiti = Typeface::FangzhengKaiti;
    let named = ["No Such Family", "Deletes"].map(|family| (kaiti, family.to_owned()));
    let faces = Arc::new(Faces::of_files(&[DELETES], named.into()));
    let chosen = |typeface| faces.chain(typeface).chosen().key();
    assert_ne!(chosen(kaiti), faces.trusted().key());
    assert_eq!(chosen(Typeface::FangzhengHeiti), faces.trusted().key());
    // A letter is a box of 400 by 600 of 1000 units that stands on the baseline.
    let style = Style { typeface: kaiti, ..style(40) };
    assert_eq!(line_of(&faces, "b", &style).size(), Size::new(16, 24));
    // What the family does not have comes from the embedded faces.
    assert_eq!(line_of(&faces, "b图", &style).glyphs()[1].face.key(), faces.trusted().key());
    let unnamed = Arc::new(Faces::of_files(&[DELETES], Vec::new()));
    assert_eq!(unnamed.chain(kaiti).chosen().key(), unnamed.trusted().key());
}

#[test]
fn a_face_that_cannot_be_shaped_gives_way_to_the_embedded_one() {
    let style = Style { typeface: Typeface::WqyZenhei, ..style(40) };
    let faces = Arc::new(Faces::of_files(&[DELETES], vec![(style.typeface, "Deletes".to_owned())]));
    let drawing = line_of(&faces, "bab", &style);
    assert!(drawing.glyphs().iter().all(|ink| ink.shape.glyph != 0));
    assert!(texels(&drawing).iter().any(|texel| texel[3] == 255));
    if cfg!(debug_assertions) {
        // Here the shaper counts with a check, and panics.
        assert!(drawing.glyphs().iter().all(|ink| ink.face.key() == faces.trusted().key()));
        assert_eq!(drawing.glyphs().len(), 3);
    }
    // The shaper is as good as new: an advance of 500 units and a box of 400 by 600.
    assert_eq!(line_of(&faces, "bb", &style).size(), Size::new(20 + 16, 24));
}

#[test]
fn any_text_can_be_drawn() {
    // Characters of every script that shapes in its own way, marks and joiners among them.
    let ranges = [0x20..0x250, 0x300..0x370, 0x590..0x700, 0x900..0xE80, 0x1000..0x1100, 0x1780..0x1800];
    let more =
        [0x200B..0x2070, 0x2E80..0xD7A4, 0xFB00..0xFE10, 0x1_1000..0x1_1100, 0x1_F1E6..0x1_F700, 0xE_0000..0xE_0200];
    let ranges: Vec<_> = ranges.into_iter().chain(more).collect();
    let mut state = 7_u64;
    let mut random = |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u32 % below
    };
    for faces in [Arc::new(Faces::embedded()), Arc::new(Faces::system(Vec::new()))] {
        for _ in 0..2000 {
            let text: String = (0..random(16))
                .filter_map(|_| {
                    let range = &ranges[random(ranges.len() as u32) as usize];
                    char::from_u32(range.start + random(range.end - range.start))
                })
                .collect();
            let Some(drawing) = faces.line(&text, &style(1 + random(20))) else { continue };
            assert_eq!(texels(&drawing).len() as u64, drawing.size().pixels(), "{text:?}");
        }
    }
}

#[test]
fn broken_fonts_of_the_machine_do_no_harm() {
    let path = std::env::temp_dir().join(format!("pixelpass-broken-{}.ttf", std::process::id()));
    let mut state = 3_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    let mut drawn = 0;
    for round in 0..300 {
        let mut bytes = std::fs::read(if round % 2 == 0 { RARE } else { DELETES }).unwrap();
        for _ in 0..1 + random(6) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        bytes.truncate(if random(8) == 0 { random(bytes.len()) } else { usize::MAX });
        std::fs::write(&path, &bytes).unwrap();
        let rare = vec![(Typeface::WqyZenhei, "Rare".to_owned())];
        let faces = Arc::new(Faces::of_files(&[path.to_str().unwrap()], rare));
        for text in ["ab½α", "\u{13000}\u{13001}", "bab\u{13000}"] {
            let Some(drawing) = faces.line(text, &style(30)) else { continue };
            let seen = crate::geometry::Rect { x: 0, y: 0, width: 200, height: 200 };
            drawn += usize::from(texels(&drawing.windowed(seen)).iter().any(|texel| texel[3] > 0));
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert!(drawn > 300, "{drawn}");
}
