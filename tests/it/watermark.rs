//! Watermarks, held against places and colours worked out by hand. Source: the specification, section 5.

use crate::support::pictures::{flat, from_fn};
use crate::support::request::{ask, base64, header, pixels, png};
use crate::support::{fixture, parse, probe, processor};
use pixelpass::error::{Code, Ec, Error};
use pixelpass::geometry::{Rect, Size};
use pixelpass::pixel::Frame;
use pixelpass::plan::{Asset, Rules};
use pixelpass::text::{Faces, Style};
use std::sync::Arc;

const WHITE: [u8; 4] = [255, 255, 255, 255];
const BLACK: [u8; 4] = [0, 0, 0, 255];
const RED: [u8; 4] = [255, 0, 0, 255];
const CLEAR: [u8; 4] = [255, 255, 255, 0];

/// The pixels of a picture processed with one overlay under the key `o`.
fn laid(process: &str, main: &Frame, overlay: &Frame) -> Frame {
    let answer = ask(&processor(), process, &png(main), &[("o", &png(overlay))]);
    pixels(&answer.unwrap_or_else(|error| panic!("{process}: {error}")).bytes)
}

/// A watermark of the overlay `o`, with a process string of its own where `nested` is not empty.
fn overlay(nested: &str) -> String {
    let query = if nested.is_empty() { String::new() } else { format!("?x-oss-process=image/{nested}") };
    format!("watermark,image_{}", base64(&format!("o{query}")))
}

fn at(frame: &Frame, x: u32, y: u32) -> [u8; 4] {
    frame.view().texel(x, y).map(|channel| channel as u8)
}

/// Left, top, width, height.
type Place = (u32, u32, u32, u32);

/// Asserts that just these boxes are red and all else is white.
fn assert_red(frame: &Frame, boxes: &[Place], context: &str) {
    let inside = |x, y| {
        boxes
            .iter()
            .any(|(left, top, width, height)| (*left..left + width).contains(&x) && (*top..top + height).contains(&y))
    };
    for y in 0..frame.size().height {
        for x in 0..frame.size().width {
            let expected = if inside(x, y) { RED } else { WHITE };
            assert_eq!(at(frame, x, y), expected, "{context}: ({x}, {y})");
        }
    }
}

#[test]
fn a_mark_may_be_made_darker_and_flatter_before_it_is_laid() {
    let (main, grey) = (flat(Size::new(20, 11), WHITE), flat(Size::new(4, 4), [200, 100, 0, 255]));
    // 4.2: 200 - 39 · 1.275 = 150.275, 100 - 49.725 = 50.275, 0. 4.3: k = tan(0.36 · 45°) = 0.29053, so that
    // 127.5 + k · (150 - 127.5) = 134.04, 127.5 + k · (50 - 127.5) = 104.98, 127.5 - k · 127.5 = 90.46.
    for (nested, expected) in [
        ("bright,-39", [150, 50, 0, 255]),
        ("bright,-39/contrast,-64", [134, 105, 90, 255]),
        ("resize,P_10/bright,-39//contrast,-64/format,png", [134, 105, 90, 255]),
    ] {
        let frame = laid(&format!("image/{},g_nw,x_1,y_1", overlay(nested)), &main, &grey);
        assert_eq!((at(&frame, 1, 1), at(&frame, 0, 0)), (expected, WHITE), "{nested}");
    }
    for nested in ["circle,r_2", "blur,r_1,s_1", "sharpen,100", "ignore-error,1", "flip,1"] {
        let error = parse(&format!("image/{}", overlay(nested))).expect_err(nested);
        assert_eq!(error.code, Code::InvalidArgument, "{nested}");
    }
}

#[test]
fn nine_anchors() {
    let (main, red) = (flat(Size::new(20, 11), WHITE), flat(Size::new(3, 2), RED));
    // Columns: 4; floor(17 / 2); 20 - 3 - 4. Rows: 3; floor(9 / 2); 11 - 2 - 3.
    let anchors = [
        ("nw", 4, 3),
        ("north", 8, 3),
        ("ne", 13, 3),
        ("west", 4, 4),
        ("center", 8, 4),
        ("east", 13, 4),
        ("sw", 4, 6),
        ("south", 8, 6),
        ("se", 13, 6),
    ];
    for (name, x, y) in anchors {
        for voffset in [0, 2, -2] {
            let process = format!("image/{},g_{name},x_4,y_3,voffset_{voffset}", overlay(""));
            let middle = ["west", "center", "east"].contains(&name);
            let y = if middle { (y + voffset) as u32 } else { y as u32 };
            assert_red(&laid(&process, &main, &red), &[(x, y, 3, 2)], &process);
        }
    }
}

#[test]
fn the_worked_examples() {
    let (main, red) = (flat(Size::new(400, 267), WHITE), flat(Size::new(100, 100), RED));
    let (plain, percent) = (overlay(""), overlay("resize,P_30"));
    let tiles = [0, 120, 240, 360].map(|x| [0, 110, 220].map(|y| (x, y, 100, 100)));
    let cases: [(String, &[Place]); 6] = [
        (format!("image/{plain}"), &[(290, 157, 100, 100)]),
        (format!("image/resize,w_400/{percent},g_se,x_10,y_10"), &[(310, 177, 80, 80)]),
        (format!("image/resize,w_300/{percent},g_se,x_10,y_10"), &[(230, 130, 60, 60)]),
        (format!("image/{plain},g_west,voffset_20"), &[(10, 103, 100, 100)]),
        (format!("image/{plain},g_center,x_50,y_50"), &[(150, 83, 100, 100)]),
        (format!("image/{plain},fill_1,padx_20,pady_10"), tiles.as_flattened()),
    ];
    for (process, boxes) in cases {
        assert_red(&laid(&process, &main, &red), boxes, &process);
    }
    // 90 % of red over white: green and blue (255 * (25500 - 22950) + 12750) / 25500 = 26.
    let frame = laid(&format!("image/{percent},t_90,g_se,x_10,y_10"), &main, &red);
    assert_eq!(at(&frame, 310, 177), [255, 26, 26, 255]);
    assert_eq!((at(&frame, 309, 177), at(&frame, 390, 256)), (WHITE, WHITE));
}

#[test]
fn percent_as_a_key_of_its_own_is_the_same() {
    let (main, red) = (flat(Size::new(400, 267), WHITE), flat(Size::new(100, 100), RED));
    assert_red(&laid(&format!("image/{},P_30", overlay("")), &main, &red), &[(310, 177, 80, 80)], "P_30");
    // The page's example: 10 % of a square of 100 is a square of 10.
    let square = flat(Size::new(100, 100), WHITE);
    let process = format!("image/{},g_nw,x_0,y_0", overlay("resize,P_10"));
    assert_red(&laid(&process, &square, &flat(Size::new(200, 200), RED)), &[(0, 0, 10, 10)], "reduced");
    assert_red(&laid(&process, &square, &flat(Size::new(4, 4), RED)), &[(0, 0, 10, 10)], "enlarged");
}

#[test]
fn opacity_is_exact() {
    let (main, black) = (flat(Size::new(4, 4), WHITE), flat(Size::new(4, 4), BLACK));
    // 255 * (100 - t) / 100, rounded half up.
    for (opacity, expected) in [(100, 0), (99, 3), (90, 26), (50, 128), (33, 171), (1, 252), (0, 255)] {
        let frame = laid(&format!("image/{},t_{opacity},g_nw,x_0,y_0", overlay("")), &main, &black);
        assert_eq!(at(&frame, 2, 1), [expected, expected, expected, 255], "t_{opacity}");
    }
}

#[test]
fn no_opacity_leaves_the_picture() {
    let main = from_fn(Size::new(9, 5), |x, y| [x as u8 * 20, y as u8 * 40, 7, (x * y) as u8 * 7 + 3]);
    for fill in [0, 1] {
        let frame = laid(&format!("image/{},t_0,fill_{fill}", overlay("")), &main, &flat(Size::new(2, 2), RED));
        assert_eq!(frame.view().to_vec(), main.view().to_vec());
    }
}

#[test]
fn a_larger_overlay_is_clipped() {
    let main = flat(Size::new(3, 2), WHITE);
    let large = from_fn(Size::new(8, 7), |x, y| [x as u8, y as u8, 0, 255]);
    // West: x = 1, y = floor((2 - 7) / 2) = -3. Centre: x = floor(-5 / 2) = -3. East: x = 3 - 8 - 1.
    for (place, left, top) in [("west", 1, -3), ("center", -3, -3), ("se", -6, -6), ("nw", 1, 1)] {
        let frame = laid(&format!("image/{},g_{place},x_1,y_1", overlay("")), &main, &large);
        assert_eq!(frame.size(), main.size());
        for (x, y) in [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)] {
            let (dx, dy) = (x - left, y - top);
            let covered = (0..8).contains(&dx) && (0..7).contains(&dy);
            let expected = if covered { [dx as u8, dy as u8, 0, 255] } else { WHITE };
            assert_eq!(at(&frame, x as u32, y as u32), expected, "{place} ({x}, {y})");
        }
    }
}

#[test]
fn an_overlay_of_the_same_colour_leaves_no_halo() {
    let color = [13, 140, 201];
    let texel = |alpha| [color[0], color[1], color[2], alpha];
    let soft = from_fn(Size::new(40, 30), |x, y| match x.min(39 - x).min(y).min(29 - y) {
        // What nothing shows through has another colour, which must not bleed.
        0..=2 => [255, 255, 255, 0],
        edge => texel((edge * 21).min(255) as u8),
    });
    let main = flat(Size::new(60, 50), texel(255));
    for nested in ["", "resize,w_17", "rotate,30", "resize,P_90", "rounded-corners,r_9"] {
        let rest = if nested.is_empty() { "t_63,rotate_17" } else { "t_100" };
        let frame = laid(&format!("image/{},{rest},g_center", overlay(nested)), &main, &soft);
        for (index, found) in frame.view().to_vec().chunks_exact(4).enumerate() {
            let off = found.iter().zip(texel(255)).map(|(a, b)| a.abs_diff(b)).max();
            // Where alpha is small, a resampled colour is rounded; it then hardly counts.
            assert!(
                off <= Some(u8::from(!nested.is_empty() || rest.contains("rotate"))),
                "{nested} {index}: {found:?}"
            );
        }
    }
    let plain = laid(&format!("image/{},t_40,g_center", overlay("")), &flat(Size::new(60, 50), texel(255)), &{
        from_fn(Size::new(40, 30), |x, _| texel(x as u8 * 6))
    });
    assert_eq!(plain.view().to_vec(), main.view().to_vec());
}

#[test]
fn alpha_follows_source_over() {
    // a = 100 * 100, k = 15500, D = 255 * a + 100 * k = 4100000: alpha 160.8, red 158.6, green 96.4.
    let main = flat(Size::new(4, 4), [0, 255, 0, 100]);
    let frame = laid(&format!("image/{},x_1,y_1", overlay("")), &main, &flat(Size::new(2, 2), [255, 0, 0, 100]));
    assert_eq!(at(&frame, 1, 1), [159, 96, 0, 161]);
    assert_eq!(at(&frame, 0, 0), [0, 255, 0, 100]);
    // Over nothing the overlay stays what it is; its own holes stay holes.
    let nothing = flat(Size::new(4, 4), CLEAR);
    let frame = laid(&format!("image/{},x_1,y_1", overlay("")), &nothing, &flat(Size::new(2, 2), [9, 80, 70, 128]));
    assert_eq!((at(&frame, 2, 2), at(&frame, 3, 3)), ([9, 80, 70, 128], CLEAR));
    let frame =
        laid(&format!("image/{},t_50,g_nw,x_0,y_0", overlay("")), &nothing, &flat(Size::new(20, 20), [9, 80, 70, 128]));
    assert_eq!(at(&frame, 0, 0)[3], 64);
}

#[test]
fn two_watermarks_in_one_chain() {
    let (main, red) = (flat(Size::new(20, 11), WHITE), flat(Size::new(3, 2), RED));
    let process = format!("image/{one},g_nw,x_1,y_1/{one},g_se,x_2,y_3", one = overlay(""));
    assert_red(&laid(&process, &main, &red), &[(1, 1, 3, 2), (15, 6, 3, 2)], &process);
    // The second lies over the first, and sees the picture as the action between left it.
    let (red, blue) = (flat(Size::new(4, 4), RED), flat(Size::new(2, 2), [0, 0, 255, 255]));
    let (first, second) = (base64("r"), base64("b"));
    let process =
        format!("image/watermark,image_{first},g_nw,x_0,y_0/crop,w_6,h_6/watermark,image_{second},g_se,x_3,y_3");
    let files = [("r", png(&red)), ("b", png(&blue))];
    let files: Vec<_> = files.iter().map(|(key, file)| (*key, file.as_slice())).collect();
    let frame = pixels(&ask(&processor(), &process, &png(&main), &files).expect("an answer").bytes);
    assert_eq!(frame.size(), Size::new(6, 6));
    assert_eq!((at(&frame, 0, 0), at(&frame, 1, 1), at(&frame, 2, 2)), (RED, [0, 0, 255, 255], [0, 0, 255, 255]));
    assert_eq!((at(&frame, 3, 3), at(&frame, 4, 4)), (RED, WHITE));
}

fn style(size_px: u32) -> Style {
    let color = pixelpass::color::Color::BLACK;
    Style { typeface: Default::default(), size_px, color, shadow: 0 }
}

fn text_size(text: &str, size_px: u32) -> Size {
    Arc::new(Faces::embedded()).line(text, &style(size_px)).expect(text).size()
}

/// The smallest box around the pixels that `is_ink` picks.
fn ink(frame: &Frame, is_ink: impl Fn([u8; 4]) -> bool) -> Rect {
    let Size { width, height } = frame.size();
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).filter(|(x, y)| is_ink(at(frame, *x, *y)));
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for (x, y) in places {
        (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
    }
    assert!(left < right, "no ink");
    Rect { x: left, y: top, width: right - left, height: bottom - top }
}

#[test]
fn mixed_order_alignment_and_interval() {
    let (main, red) = (flat(Size::new(300, 120), WHITE), flat(Size::new(30, 10), RED));
    let text = text_size("Hello", 40);
    assert!(text.height > 20, "{text}");
    for (order, align, interval) in [(0, 0, 0), (0, 1, 7), (0, 2, 0), (1, 0, 7), (1, 1, 0), (1, 2, 5)] {
        let process =
            format!("image/{},text_SGVsbG8,order_{order},align_{align},interval_{interval},g_nw,x_3,y_4", overlay(""));
        let frame = laid(&process, &main, &red);
        let left = if order == 1 { 3 + text.width + interval } else { 3 };
        let top = 4 + [0, (text.height - 10) / 2, text.height - 10][align];
        let found = ink(&frame, |texel| texel == RED);
        assert_eq!(found, Rect { x: left, y: top, width: 30, height: 10 }, "{process}");
        let found = ink(&frame, |texel| texel != RED && texel != WHITE);
        let x = if order == 1 { 3 } else { 3 + 30 + interval };
        assert_eq!(found, Rect { x, y: 4, width: text.width, height: text.height }, "{process}");
    }
    // The box is as high as its higher part, whichever that is.
    let tall = flat(Size::new(10, 100), RED);
    let frame = laid(&format!("image/{},text_SGVsbG8,align_2,x_0,y_0", overlay("")), &main, &tall);
    let x = 300 - text.width - 10;
    assert_eq!(ink(&frame, |texel| texel == RED), Rect { x, y: 20, width: 10, height: 100 });
    let found = ink(&frame, |texel| texel != RED && texel != WHITE);
    assert_eq!(found, Rect { x: 300 - text.width, y: 120 - text.height, ..text.rect() });
}

#[test]
fn tiles_are_one_pass() {
    let header = probe(Size::new(400, 267), false);
    let pictures = [Asset { key: "o".to_owned(), probe: probe(Size::new(10, 10), true) }];
    let mixed = format!("image/{},text_SGVsbG8,fill_1,padx_3", overlay(""));
    // A mixed overlay is put together by a blend of its own, once.
    for (process, blends) in [
        (format!("image/{},fill_1,padx_3,pady_2", overlay("")), 1),
        ("image/watermark,text_SGVsbG8,fill_1,size_10".to_owned(), 1),
        // A shadow is a pass of its own.
        ("image/watermark,text_SGVsbG8,fill_1,size_10,shadow_50".to_owned(), 2),
        ("image/watermark,text_SGVsbG8,shadow_50,rotate_30".to_owned(), 2),
        ("image/watermark,text_SGVsbG8,shadow_0".to_owned(), 1),
        ("image/watermark,text_SGVsbG8,shadow_50,t_0".to_owned(), 0),
        ("image/watermark,text_IA".to_owned(), 0),
        (mixed, 2),
        (format!("image/{}", overlay("")), 1),
        (format!("image/{},t_0", overlay("")), 0),
    ] {
        let pipe = parse(&process).expect(&process);
        let plan = pipe.chains()[0].plan(&header, &Rules::default(), &pictures).expect(&process);
        let found = plan.passes.iter().filter(|pass| pass.args.to_string().starts_with("blend")).count();
        assert_eq!(found, blends, "{process}\n{plan}");
    }
}

#[test]
fn a_turned_overlay() {
    let main = flat(Size::new(20, 11), WHITE);
    let row = from_fn(Size::new(4, 2), |x, y| [(y * 4 + x) as u8, 0, 0, 255]);
    for process in [
        format!("image/{},rotate_90,g_nw,x_5,y_6", overlay("")),
        format!("image/{},g_nw,x_5,y_6", overlay("rotate,90")),
    ] {
        let frame = laid(&process, &main, &row);
        assert_eq!(ink(&frame, |texel| texel != WHITE), Rect { x: 5, y: 6, width: 2, height: 4 });
        // 0 1 2 3    4 0
        // 4 5 6 7 -> 5 1 and so on
        let reds = [0, 1, 2, 3].map(|y| [at(&frame, 5, 6 + y)[0], at(&frame, 6, 6 + y)[0]]);
        assert_eq!(reds, [[4, 0], [5, 1], [6, 2], [7, 3]], "{process}");
    }
    // The turned box counts for the place: 20 - 2 - 10, and 11 - 4 - 3.
    let frame = laid(&format!("image/{},rotate_270,y_3", overlay("")), &main, &row);
    assert_eq!(ink(&frame, |texel| texel != WHITE), Rect { x: 8, y: 4, width: 2, height: 4 });
}

#[test]
fn the_orientation_of_an_overlay_counts() {
    let main = flat(Size::new(500, 500), BLACK);
    let source = png(&main);
    let file = fixture("images/jpeg/orient_6.jpg");
    let stored = header(&file).size;
    assert_ne!(stored.width, stored.height);
    for (nested, size) in [("", stored.swapped()), ("auto-orient,1", stored.swapped()), ("auto-orient,0", stored)] {
        let process = format!("image/{},g_nw,x_7,y_9", overlay(nested));
        let frame = pixels(&ask(&processor(), &process, &source, &[("o", &file)]).expect(&process).bytes);
        let found = ink(&frame, |texel| texel != BLACK);
        assert_eq!(found, Rect { x: 7, y: 9, width: size.width, height: size.height }, "{process}");
    }
}

fn refusal(process: &str, pictures: &[(&str, &[u8])]) -> Error {
    ask(&processor(), process, &png(&flat(Size::new(20, 11), WHITE)), pictures).expect_err(process)
}

#[test]
fn a_picture_that_cannot_be_used() {
    let process = format!("image/{}", overlay(""));
    assert_eq!(refusal(&process, &[]).code, Code::WatermarkError);
    let whole = png(&flat(Size::new(30, 30), RED));
    let text = fixture("images/bad/text.txt");
    for broken in [&whole[..whole.len() / 2], &whole[..20], &[], &text] {
        assert_eq!(refusal(&process, &[("o", broken)]).code, Code::WatermarkError, "{} bytes", broken.len());
    }
}

#[test]
fn formats_of_a_watermark() {
    let process = format!("image/{},x_0,y_0", overlay(""));
    for name in ["gif/2x2.gif", "gif/example.gif", "heic/alpha.heic", "avif/alpha.avif", "bad/only_ftyp.heic"] {
        let error = refusal(&process, &[("o", &fixture(&format!("images/{name}")))]);
        assert_eq!((error.code, error.ec), (Code::WatermarkError, Some(Ec::image(27))), "{name}");
    }
    let source = png(&flat(Size::new(20, 11), WHITE));
    for name in ["bmp/rgb24.bmp", "tiff/none_rgb.tif", "webp/anim_lossless_alpha.webp", "jpeg/orient_1.jpg"] {
        let file = fixture(&format!("images/{name}"));
        let answer = ask(&processor(), &process, &source, &[("o", &file)]);
        assert!(answer.is_ok(), "{name}: {:?}", answer.err());
    }
}

#[test]
fn a_fourth_picture_is_too_many() {
    let watermarks = |keys: &[&str]| {
        let steps: Vec<_> = keys.iter().map(|key| format!("watermark,image_{}", base64(key))).collect();
        format!("image/{}", steps.join("/"))
    };
    assert!(parse(&watermarks(&["a", "b", "c", "a", "b"])).is_ok());
    let error = parse(&watermarks(&["a", "b", "c", "d"])).expect_err("four pictures");
    assert_eq!(error.ec, Some(Ec::image(26)));
}

#[test]
fn base64_is_forgiving() {
    let main = png(&flat(Size::new(60, 60), WHITE));
    let red = png(&flat(Size::new(5, 5), RED));
    // "??>" is Pz8-, "?>?" is Pz4_, "o" is bw==.
    for (key, spellings) in [("??>", &["Pz8-", "Pz8+", "Pz8 "][..]), ("?>?", &["Pz4_"]), ("o", &["bw==", "bw=", "bw"])]
    {
        for spelling in spellings {
            let process = format!("image/watermark,image_{spelling},x_0,y_0");
            let frame = pixels(&ask(&processor(), &process, &main, &[(key, &red)]).expect(&process).bytes);
            assert_red(&frame, &[(55, 55, 5, 5)], &process);
        }
    }
    for wrong in ["b", "b*==", "b==w"] {
        let error = parse(&format!("image/watermark,image_{wrong}")).expect_err(wrong);
        assert_eq!((error.code, error.ec), (Code::BadRequest, Some(Ec::image(265))), "{wrong}");
    }
}
