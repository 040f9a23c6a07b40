//! Text marks: margins to the ink, shadows as recorded. Source: the specification, sections 5.2, 5.4 and 13.1.

use crate::support::pictures::flat;
use crate::support::processor;
use crate::support::request::{ask, base64, pixels, png};
use pixelpass::geometry::{Rect, Size};
use pixelpass::pixel::Frame;

const WHITE: [u8; 4] = [255, 255, 255, 255];
const RED: [u8; 4] = [255, 0, 0, 255];

/// A picture with watermarks: `process` is what follows `image/`; the key `o` is a red square of 30.
fn marked(size: Size, process: &str) -> Frame {
    let square = png(&flat(Size::new(30, 30), RED));
    let answer = ask(&processor(), &format!("image/{process}"), &png(&flat(size, WHITE)), &[("o", &square)]);
    pixels(&answer.unwrap_or_else(|error| panic!("{process}: {error}")).bytes)
}

/// A text mark with these arguments.
fn text(text: &str, arguments: &str) -> String {
    format!("watermark,text_{},{arguments}", base64(text))
}

fn texels(frame: &Frame) -> Vec<[u8; 4]> {
    frame.view().to_vec().as_chunks().0.to_vec()
}

/// The smallest box around the pixels that are not white.
fn ink(frame: &Frame) -> Rect {
    let Size { width, height } = frame.size();
    let texels = texels(frame);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let inked = places.filter(|(x, y)| texels[(y * width + x) as usize] != WHITE);
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for (x, y) in inked {
        (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
    }
    assert!(left < right, "no ink");
    Rect { x: left, y: top, width: right - left, height: bottom - top }
}

fn darkest(frame: &Frame) -> u8 {
    texels(frame).iter().map(|texel| texel[0]).min().unwrap_or(255)
}

fn assert_equal(one: &Frame, other: &Frame, context: &str) {
    let width = one.size().width as usize;
    assert_eq!(one.size(), other.size(), "{context}");
    for (index, (one, other)) in texels(one).iter().zip(texels(other)).enumerate() {
        assert_eq!(*one, other, "{context}: ({}, {})", index % width, index / width);
    }
}

const ANCHORS: [&str; 9] = ["nw", "north", "ne", "west", "center", "east", "sw", "south", "se"];

#[test]
fn margins_go_to_the_ink() {
    let (width, height) = (401_u32, 268_u32);
    // Letters without descenders and with, ones that hang high, and ones that begin right of their pen.
    for line in ["xoxo", "gypsy", "\"'", "一", "图片服务", "Äg 龍한"] {
        let mut sizes = Vec::new();
        for (index, anchor) in ANCHORS.into_iter().enumerate() {
            for (x, y, shadow) in [(0, 0, 0), (16, 9, 0), (16, 9, 100)] {
                // Red text and a black shadow on white can be told apart: the shadow is grey.
                let arguments = format!("size_40,color_FF0000,g_{anchor},x_{x},y_{y},shadow_{shadow}");
                let frame = marked(Size::new(width, height), &text(line, &arguments));
                let (found, context) = (ink(&only_red(&frame)), format!("{line} {arguments}"));
                let left = [x, (width - found.width) / 2, width - found.width.min(width) - x][index % 3];
                let top = [y, (height - found.height) / 2, height - found.height - y][index / 3];
                assert_eq!((found.x, found.y), (left, top), "{context}: {found:?}");
                sizes.push(found.size());
            }
        }
        assert!(sizes.windows(2).all(|pair| pair[0] == pair[1]), "{line}: {sizes:?}");
    }
}

/// The frame with everything white that is not partly red: a black shadow on white is grey.
fn only_red(frame: &Frame) -> Frame {
    let reddened = |texel: [u8; 4]| if texel[0] > texel[1] { texel } else { WHITE };
    Frame::packed(frame.size(), texels(frame).into_iter().flat_map(reddened).collect())
}

#[test]
fn a_mark_as_recorded() {
    // Size 20, g_se,x_16,y_10: the ink ends 16 pixels from the right and 10 from the bottom, its shadow
    // 15 and 9. On white, 228 is the darkest value of shadow_10 and 127 that of shadow_50.
    let size = Size::new(300, 100);
    for (shadow, value) in [(10, 228), (50, 127), (100, 0)] {
        let mark =
            |arguments: &str| marked(size, &text("FileLine 12", &format!("size_20,t_70,g_se,x_16,y_10{arguments}")));
        let plain = ink(&mark(",color_000000"));
        assert_eq!((plain.x + plain.width, plain.y + plain.height), (300 - 16, 100 - 10));
        let frame = mark(&format!(",color_FFFFFF,shadow_{shadow}"));
        assert_eq!(darkest(&frame), value, "shadow_{shadow}");
        let shadowed = ink(&mark(&format!(",color_000000,shadow_{shadow}")));
        assert_eq!((shadowed.x, shadowed.y), (plain.x, plain.y), "shadow_{shadow}: nothing moves");
        let end = (shadowed.x + shadowed.width, shadowed.y + shadowed.height);
        assert_eq!(end, (300 - 15, 100 - 9), "shadow_{shadow}");
    }
}

#[test]
fn opacity_does_not_count_for_the_shadow() {
    for opacity in [1, 30, 70, 100] {
        let frame = marked(Size::new(200, 80), &text("LE", &format!("color_FFFFFF,shadow_50,t_{opacity},size_50")));
        assert_eq!(darkest(&frame), 127, "t_{opacity}");
    }
    let frame = marked(Size::new(200, 80), &text("LE", "color_FFFFFF,shadow_50,t_0,size_50"));
    assert_eq!(darkest(&frame), 255, "nothing of it can be seen");
}

#[test]
fn a_shadow_is_the_same_text_in_black_below() {
    let size = Size::new(260, 240);
    // d = R(size / 20), turned clockwise: (d cos - d sin, d sin + d cos), rounded.
    let turns = [
        ("size_40", 0, (2, 2)),
        ("size_16", 0, (1, 1)),
        ("size_29", 0, (1, 1)),
        ("size_30", 0, (2, 2)),
        ("size_100", 0, (5, 5)),
        ("size_40", 90, (-2, 2)),
        ("size_40", 180, (-2, -2)),
        ("size_40", 270, (2, -2)),
        ("size_40", 45, (0, 3)),
        ("size_60", 30, (1, 4)),
    ];
    for (font, angle, (right, down)) in turns {
        let mark = |color: &str, opacity: u32, x: i32, y: i32, more: &str| {
            let arguments = format!("{font},rotate_{angle},color_{color},t_{opacity},g_nw,x_{x},y_{y}{more}");
            text("gRÄ图", &arguments)
        };
        for opacity in [100, 70] {
            let shadowed = marked(size, &mark("FFE080", opacity, 20, 30, ",shadow_100"));
            let black = mark("000000", 100, 20 + right, 30 + down, "");
            let above = mark("FFE080", opacity, 20, 30, "");
            let expected = marked(size, &format!("{black}/{above}"));
            assert_equal(&shadowed, &expected, &above);
        }
    }
    // Cut off at the picture's sides as the text is.
    let near = "g_se,x_0,y_0,size_40,color_FFE080";
    let shadowed = marked(size, &text("gRÄ图", &format!("{near},shadow_100")));
    let clean = ink(&marked(size, &text("gRÄ图", near)));
    let black = format!("g_nw,x_{},y_{},size_40,color_000000", clean.x + 2, clean.y + 2);
    let expected = marked(size, &format!("{}/{}", text("gRÄ图", &black), text("gRÄ图", near)));
    assert_equal(&shadowed, &expected, near);
}

#[test]
fn mixed_marks_have_the_shadow_of_their_text_alone() {
    let size = Size::new(260, 140);
    for (order, angle) in [(0, 0), (1, 0), (0, 90), (1, 180)] {
        let picture = base64("o");
        let mark = |color: &str, more: &str| {
            let text = base64("gRÄ");
            format!(
                "watermark,image_{picture},text_{text},color_{color},size_40,order_{order},align_1,interval_4,\
                 rotate_{angle},g_nw,x_20,y_10{more}"
            )
        };
        let shadowed = marked(size, &mark("FFFFFF", ",shadow_50"));
        let plain = marked(size, &mark("FFFFFF", ""));
        let black = ink(&only_grey(&marked(size, &mark("000000", ""))));
        let (right, down) = [(2, 2), (-2, 2), (-2, -2)][angle / 90];
        // The shadow's own box is that of the text, moved; of it the text hides nothing at the far sides.
        let shadow = ink(&only_grey(&shadowed));
        let far = |place: Rect, x: i32, y: i32| {
            let (right, bottom) = (place.x + place.width, place.y + place.height);
            (if right_of(x) { right } else { place.x } as i32, if right_of(y) { bottom } else { place.y } as i32)
        };
        let (x, y) = far(black, right, down);
        assert_eq!(far(shadow, right, down), (x + right, y + down), "{order} {angle}");
        assert_eq!(darkest(&only_grey(&shadowed)), 127, "{order} {angle}");
        for (shadowed, plain) in texels(&shadowed).into_iter().zip(texels(&plain)) {
            assert!(plain == WHITE || shadowed == plain, "{order} {angle}: the picture throws no shadow and has none");
        }
    }
}

fn right_of(offset: i32) -> bool {
    offset > 0
}

/// The frame with everything white that is red.
fn only_grey(frame: &Frame) -> Frame {
    let grey = |texel: [u8; 4]| if texel[0] == texel[1] { texel } else { WHITE };
    Frame::packed(frame.size(), texels(frame).into_iter().flat_map(grey).collect())
}

#[test]
fn tiles_of_text_step_by_ink_and_gap() {
    let size = Size::new(333, 222);
    let one = ink(&marked(size, &text("Rx", "size_20,color_FF0000,g_nw,x_0,y_0")));
    assert_eq!((one.x, one.y), (0, 0));
    let (step_x, step_y) = (one.width + 7, one.height + 5);
    let single = texels(&marked(size, &text("Rx", "size_20,color_FFFFFF,shadow_50,g_nw,x_0,y_0,t_70")));
    let tiles = marked(size, &text("Rx", "size_20,color_FFFFFF,shadow_50,fill_1,padx_7,pady_5,t_70"));
    // Gaps are wider than the shadow of one pixel: every tile is as the single mark.
    for (index, tile) in texels(&tiles).into_iter().enumerate() {
        let (x, y) = (index as u32 % size.width % step_x, index as u32 / size.width % step_y);
        assert_eq!(tile, single[(y * size.width + x) as usize], "({x}, {y})");
    }
    // Without gaps a tile's shadow lies below its neighbours: no text is darker for it.
    let plain = marked(size, &text("Rx", "size_20,color_FF0000,fill_1"));
    let shadowed = marked(size, &text("Rx", "size_20,color_FF0000,fill_1,shadow_100"));
    let mut below = 0;
    for (plain, shadowed) in texels(&plain).into_iter().zip(texels(&shadowed)) {
        assert!(plain != RED || shadowed == RED);
        below += u32::from(plain == WHITE && shadowed[0] < 128);
    }
    assert!(below > 100, "{below}");
}

#[test]
fn blank_text_draws_nothing() {
    let size = Size::new(60, 40);
    for blank in [" ", "\n", "\u{3000}\u{3000}", "\u{200B}"] {
        for more in ["shadow_100", "fill_1", "rotate_30", "size_1000"] {
            let frame = marked(size, &text(blank, more));
            assert!(texels(&frame).iter().all(|texel| *texel == WHITE), "{blank:?} {more}");
        }
        // Beside a picture it takes no room.
        let mixed = format!("watermark,image_{},text_{},g_se,x_3,y_4,interval_9", base64("o"), base64(blank));
        assert_eq!(ink(&marked(size, &mixed)), Rect { x: 60 - 30 - 3, y: 40 - 30 - 4, width: 30, height: 30 });
    }
}
