//! Boxes, glyphs and pixels of drawn text.

use super::coverage::{Glyphs, Shape};
use super::{Drawing, Faces, Style, Typeface};
use crate::color::Color;
use crate::geometry::{Rect, Size};
use crate::pixel::{View, ViewMut, needed_bytes};
use std::sync::Arc;

const RED: Color = Color { red: 200, green: 30, blue: 10 };

fn style(size_px: u32) -> Style {
    Style { typeface: Typeface::WqyZenhei, size_px, color: RED, shadow: 0 }
}

fn line(text: &str, style: &Style) -> Drawing {
    Arc::new(Faces::embedded()).line(text, style)
}

/// The drawing's pixels, drawn over noise in rows with padding.
fn pixels(drawing: &Drawing) -> Vec<u8> {
    let size = drawing.size();
    let pitch = size.width as usize * 4 + 12;
    let mut bytes = vec![77; needed_bytes(size, pitch)];
    drawing.draw(&mut ViewMut::new(size, pitch, &mut bytes));
    View::new(size, pitch, &bytes).to_vec()
}

fn texels(drawing: &Drawing) -> Vec<[u8; 4]> {
    pixels(drawing).as_chunks().0.to_vec()
}

/// The sum of advances that the face's own table gives, in font units; without kerning.
fn advance_units(faces: &Faces, text: &str) -> f64 {
    let font = faces.chain(Typeface::WqyZenhei).chosen().font();
    let (charmap, metrics) = (font.charmap(), font.glyph_metrics(&[]));
    text.chars().map(|character| f64::from(metrics.advance_width(charmap.map(character)))).sum()
}

#[test]
fn names_and_aliases_are_known() {
    for typeface in Typeface::ALL {
        assert_eq!(Typeface::parse(typeface.name()), Some(typeface));
        assert_eq!(Typeface::ALL[typeface as usize], typeface);
    }
    assert_eq!(Typeface::default().name(), "wqy-zenhei");
    assert_eq!(Typeface::parse("fangzhenghei"), Some(Typeface::FangzhengHeiti));
    assert_eq!(Typeface::parse("droidsans0Pllback"), Some(Typeface::DroidSansFallback));
    for unknown in ["", "arial", "WQY-ZENHEI", "wqy-zenhei "] {
        assert_eq!(Typeface::parse(unknown), None, "{unknown:?}");
    }
}

#[test]
fn boxes_are_the_sum_of_advances_by_ascent_and_descent() {
    // The face has 2048 units per em, ascent 1918 and descent 483: 2401 × 40 ÷ 2048 = 46.9.
    // An ideograph's advance is 2048 × 1.0 em; the sum of two at 40 px is 80.
    assert_eq!(line("图片", &style(40)).size(), Size::new(80, 47));
    assert_eq!(line("图片", &style(2048)).size(), Size::new(2000, 1173), "1000 px is the largest size");
    let faces = Arc::new(Faces::embedded());
    for text in ["iiii", "MMMM", "图片服务", "123"] {
        for size_px in [1_u32, 7, 40, 333, 1000] {
            let width = (advance_units(&faces, text) * f64::from(size_px) / 2048.0).ceil() as u32;
            let height = (2401 * size_px).div_ceil(2048);
            assert_eq!(faces.line(text, &style(size_px)).size(), Size::new(width, height), "{text} at {size_px}");
        }
    }
    let narrow = faces.line("iiii", &style(40)).size().width;
    let wide = faces.line("MMMM", &style(40)).size().width;
    assert!(2 * narrow < wide, "{narrow} and {wide}");
    assert_eq!(faces.line("", &style(40)).size(), Size::new(1, 47));
}

#[test]
fn letters_stand_on_the_baseline() {
    // At 100 px the ascent is 93.7, so that row 94 is the first below the baseline; an M is 1462 units
    // = 71.4 px high and lies between 199 units = 9.7 px and 1583 units = 77.3 px from the pen.
    let drawing = line("M", &style(100));
    let width = drawing.size().width as usize;
    let inked: Vec<_> =
        texels(&drawing).iter().enumerate().filter(|(_, texel)| texel[3] > 0).map(|(at, _)| at).collect();
    let rows = inked.iter().map(|at| at / width);
    assert_eq!((rows.clone().min(), rows.max()), (Some(22), Some(93)));
    let columns = inked.iter().map(|at| at % width);
    assert_eq!((columns.clone().min(), columns.max()), (Some(9), Some(77)));
}

#[test]
fn kerning_draws_letters_together() {
    let faces = Arc::new(Faces::embedded());
    let kerned = f64::from(faces.line("AVAVAVAV", &style(1000)).size().width);
    let loose = advance_units(&faces, "AVAVAVAV") * 1000.0 / 2048.0;
    assert!(kerned < loose - 100.0, "{kerned} of {loose}");
}

#[test]
fn every_typeface_has_chinese_latin_and_emoji() {
    let faces = Arc::new(Faces::embedded());
    for typeface in Typeface::ALL {
        let drawing = faces.line("Hello 图片服务! 123 😀", &Style { typeface, ..style(40) });
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
    let drawing = faces.line("\u{13000}", &style(40));
    let [ink] = drawing.glyphs() else { panic!("{:?}", drawing.glyphs()) };
    assert_eq!(ink.shape.glyph, 0);
    assert!(Arc::ptr_eq(&ink.face, faces.chain(Typeface::WqyZenhei).chosen()));
    assert!(texels(&drawing).iter().any(|texel| texel[3] > 200));
}

#[test]
fn control_characters_are_spaces() {
    let faces = Arc::new(Faces::embedded());
    let spaces = faces.line("a b  c d", &style(24));
    for text in ["a\nb\r\nc\td", "a\u{0}b\u{7F}\u{85}c\u{2028}d", "a\u{2029}b\u{1B}\u{B}c\u{9F}d"] {
        let drawing = faces.line(text, &style(24));
        assert_eq!(drawing, spaces, "{text:?}");
        assert_eq!(pixels(&drawing), pixels(&spaces), "{text:?}");
    }
}

#[test]
fn invisible_characters_take_no_room() {
    let plain = line("ab图", &style(24));
    let marked = line("a\u{200B}b\u{FEFF}图\u{FE0F}", &style(24));
    assert_eq!(plain.size(), marked.size());
    assert_eq!(pixels(&plain), pixels(&marked));
}

#[test]
fn colour_and_alpha_are_exact_where_a_glyph_covers() {
    let drawing = line("M", &style(100));
    let texels = texels(&drawing);
    let full = texels.iter().filter(|texel| texel[3] == 255).count();
    let none = texels.iter().filter(|texel| texel[3] == 0).count();
    assert!(full > 1000 && none > 1000, "{full} and {none} of {}", texels.len());
    assert!(full + none < texels.len(), "some pixels are covered in part");
    for texel in texels {
        match texel[3] {
            0 => assert_eq!(texel, [255, 255, 255, 0]),
            alpha => assert_eq!(texel, [200, 30, 10, alpha]),
        }
    }
}

#[test]
fn a_shadow_grows_the_box_and_lies_below() {
    let faces = Arc::new(Faces::embedded());
    for (size_px, offset) in [(1, 1), (29, 1), (30, 2), (40, 2), (100, 5), (1000, 50)] {
        let plain = faces.line("Mi图", &style(size_px)).size();
        let shadowed = faces.line("Mi图", &Style { shadow: 1, ..style(size_px) }).size();
        assert_eq!(shadowed, Size::new(plain.width + offset, plain.height + offset), "{size_px} px");
    }
    let plain = faces.line("M图", &style(100));
    let shadowed = faces.line("M图", &Style { shadow: 50, ..style(100) });
    let (width, wider) = (plain.size().width as usize, shadowed.size().width as usize);
    let (above, mixed) = (texels(&plain), texels(&shadowed));
    let at =
        |x: usize, y: usize| if x < width && y < plain.size().height as usize { above[y * width + x][3] } else { 0 };
    let mut seen = [0; 3];
    for (index, texel) in mixed.iter().enumerate() {
        let (x, y) = (index % wider, index / wider);
        let below = if x >= 5 && y >= 5 { at(x - 5, y - 5) } else { 0 };
        match (at(x, y), below) {
            (255, _) => assert_eq!(*texel, [200, 30, 10, 255]),
            (0, 255) => assert_eq!(*texel, [0, 0, 0, 128]), // 255 × 50 % = 127.5
            (0, 0) => assert_eq!(*texel, [255, 255, 255, 0]),
            _ => continue,
        }
        seen[usize::from(texel[3] == 255) + 2 * usize::from(texel[3] == 0)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn half_covered_text_over_shadow_is_source_over() {
    // Text 51 (20 %) in red 200 over full shadow at 40 % (102): alpha 0.2 + 0.4 × 0.8 = 0.52 = 132.6,
    // red 200 × 0.2 ÷ 0.52 = 76.9, green 30 × 0.2 ÷ 0.52 = 11.5, blue 10 × 0.2 ÷ 0.52 = 3.8.
    assert_eq!(super::drawing::mixed(RED, 51, 255, 40), [77, 12, 4, 133]);
    assert_eq!(super::drawing::mixed(RED, 0, 255, 100), [0, 0, 0, 255]);
    assert_eq!(super::drawing::mixed(RED, 1, 0, 0), [200, 30, 10, 1]);
}

#[test]
fn a_window_shows_what_a_crop_would() {
    let faces = Arc::new(Faces::embedded());
    let whole = faces.line("Äpfel, 图片 😀 fj", &Style { shadow: 60, ..style(50) });
    let Size { width, height } = whole.size();
    let rows: Vec<Vec<[u8; 4]>> = texels(&whole).chunks(width as usize).map(<[_]>::to_vec).collect();
    let mut windows = vec![Rect { x: 0, y: 0, width: 1, height: 1 }, whole.size().rect()];
    windows.extend((0..width - 9).map(|x| Rect { x, y: x % (height - 20), width: 9, height: 20 }));
    for window in windows {
        // New faces: nothing is kept from the whole, so that glyphs outside are passed over.
        let drawing = line("Äpfel, 图片 😀 fj", &Style { shadow: 60, ..style(50) }).windowed(window);
        assert_eq!(drawing.size(), window.size());
        let (x, y) = (window.x as usize, window.y as usize);
        let crop = rows[y..y + window.height as usize].iter().map(|row| &row[x..x + window.width as usize]);
        assert_eq!(texels(&drawing), crop.collect::<Vec<_>>().concat(), "{window}");
    }
}

#[test]
fn a_window_beyond_the_box_is_transparent() {
    let drawing = line("M", &style(20)).windowed(Rect { x: 10_000, y: u32::MAX, width: 2, height: 2 });
    assert_eq!(texels(&drawing), [[255, 255, 255, 0]; 4]);
}

#[test]
fn a_huge_line_is_drawn_through_a_small_window() {
    let faces = Arc::new(Faces::embedded());
    let whole = faces.line(&"M".repeat(64), &style(1000));
    assert!(whole.size().pixels() > 50_000_000, "{}", whole.size());
    let window = Rect { x: whole.size().width - 400, y: 500, width: 400, height: 267 };
    let drawing = whole.windowed(window);
    let texels = texels(&drawing);
    assert_eq!(texels.len(), 400 * 267);
    assert!(texels.iter().any(|texel| texel[3] == 255));
    // Only what reaches the window was drawn: one glyph of less than 1000 × 1000.
    assert!(faces.glyphs().kept_bytes() < 1_000_000);
}

#[test]
fn the_glyph_cache_is_bounded() {
    let faces = Faces::embedded();
    let face = faces.chain(Typeface::default()).chosen();
    let bound = 64 * 1024;
    let mut glyphs = Glyphs::new(bound);
    let shape = |glyph, size_px| Shape { glyph, size_px, phase: 0 };
    let first = glyphs.coverage(face, shape(40, 60), -1000..1000).unwrap();
    let mut largest = 0;
    for glyph in 1..600 {
        glyphs.coverage(face, shape(glyph, 60), -1000..1000).unwrap();
        largest = largest.max(glyphs.kept_bytes());
        assert!(largest <= bound, "{largest}");
    }
    assert!(largest > bound / 2, "{largest}: glyphs are kept at all");
    let again = glyphs.coverage(face, shape(40, 60), -1000..1000).unwrap();
    assert!(!Arc::ptr_eq(&first, &again), "the first glyph was dropped");
    assert_eq!(first.values, again.values);
    let kept = glyphs.coverage(face, shape(40, 60), -1000..1000).unwrap();
    assert!(Arc::ptr_eq(&again, &kept), "the last glyph was kept");
    let before = glyphs.kept_bytes();
    glyphs.coverage(face, shape(40, 1000), -2000..2000).unwrap();
    assert_eq!(glyphs.kept_bytes(), before, "a glyph over the bound is not kept");
}

#[test]
fn drawings_compare_and_print() {
    let faces = Arc::new(Faces::embedded());
    let drawing = faces.line("Hi\n\"图\"", &Style { shadow: 50, ..style(40) });
    assert_eq!(drawing, drawing.clone());
    assert_eq!(drawing.to_string(), r#"text "Hi \"图\"" wqy-zenhei 40 px #C81E0A shadow 50 %"#);
    let window = Rect { x: 1, y: 2, width: 3, height: 4 };
    let size = drawing.size();
    let part = drawing.clone().windowed(window);
    assert!(part.to_string().ends_with(&format!(", 3x4+1+2 of {size}")), "{part}");
    assert_ne!(drawing, part);
    assert_ne!(drawing, faces.line("Hi", &style(40)));
    assert_eq!(faces.line("a", &style(9)).to_string(), r#"text "a" wqy-zenhei 9 px #C81E0A"#);
}

#[test]
fn faces_of_the_machine_draw_all_that_the_embedded_ones_do() {
    let faces = Arc::new(Faces::system(Vec::new()));
    for typeface in Typeface::ALL {
        let drawing = faces.line("Hello 图片服务! 123 😀", &Style { typeface, ..style(40) });
        assert!(drawing.glyphs().iter().all(|ink| ink.shape.glyph != 0), "{typeface:?}");
        assert!(texels(&drawing).iter().any(|texel| texel[3] == 255), "{typeface:?}");
    }
}

/// A font of the letters a and b, which takes every a away.
const DELETES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fonts/deletes-a.ttf");

#[test]
fn settings_name_the_family_of_a_typeface() {
    let kaiti = Typeface::FangzhengKaiti;
    let named = ["No Such Family", "Deletes"].map(|family| (kaiti, family.to_owned()));
    let faces = Arc::new(Faces::of_files(&[DELETES], named.into()));
    let chosen = |typeface| faces.chain(typeface).chosen().key();
    assert_ne!(chosen(kaiti), faces.trusted().key());
    assert_eq!(chosen(Typeface::FangzhengHeiti), faces.trusted().key());
    // Ascent and descent of the font are 800 and 200 of 1000 units, an advance is 500.
    let style = Style { typeface: kaiti, ..style(40) };
    assert_eq!(faces.line("b", &style).size(), Size::new(20, 40));
    // What the family does not have comes from the embedded faces.
    assert_eq!(faces.line("b图", &style).glyphs()[1].face.key(), faces.trusted().key());
    let unnamed = Arc::new(Faces::of_files(&[DELETES], Vec::new()));
    assert_eq!(unnamed.chain(kaiti).chosen().key(), unnamed.trusted().key());
}

#[test]
fn a_face_that_cannot_be_shaped_gives_way_to_the_embedded_one() {
    let style = Style { typeface: Typeface::WqyZenhei, ..style(40) };
    let faces = Arc::new(Faces::of_files(&[DELETES], vec![(style.typeface, "Deletes".to_owned())]));
    let drawing = faces.line("bab", &style);
    assert!(drawing.glyphs().iter().all(|ink| ink.shape.glyph != 0));
    assert!(texels(&drawing).iter().any(|texel| texel[3] == 255));
    if cfg!(debug_assertions) {
        // Here the shaper counts with a check, and panics.
        assert!(drawing.glyphs().iter().all(|ink| ink.face.key() == faces.trusted().key()));
        assert_eq!(drawing.glyphs().len(), 3);
    }
    // The shaper is as good as new.
    assert_eq!(faces.line("bb", &style).size(), Size::new(40, 40));
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
            let drawing = faces.line(&text, &Style { shadow: 50, ..style(1 + random(20)) });
            assert_eq!(texels(&drawing).len() as u64, drawing.size().pixels(), "{text:?}");
        }
    }
}
