//! Where glyphs stand, and the box of their ink.

use super::{line, line_of, pixels, style, texels};
use crate::geometry::Size;
use crate::text::coverage::Coverage;
use crate::text::{Drawing, Faces, Typeface};
use std::sync::Arc;

/// The sum of advances that the face's own table gives, in font units; without kerning.
fn advance_units(faces: &Faces, text: &str) -> f64 {
    let font = faces.chain(Typeface::WqyZenhei).chosen().font();
    let (charmap, metrics) = (font.charmap(), font.glyph_metrics(&[]));
    text.chars().map(|character| f64::from(metrics.advance_width(charmap.map(character)))).sum()
}

#[test]
fn boxes_are_those_of_the_ink() {
    // Outlines of the face in 2048ths of an em, from left to right by from the baseline up:
    // M 199..1583 by 0..1462, g 37..1020 by -492..1118, an ideograph has an advance of 2048.
    // At 100 px M is 9.7..77.3 by 0..71.4; at 40 px it is 3.9..30.9 by 0..28.6.
    assert_eq!(line("M", &style(100)).size(), Size::new(78 - 9, 72));
    assert_eq!(line("M", &style(40)).size(), Size::new(31 - 3, 29));
    // 0.7..19.9 by -9.6..21.8.
    assert_eq!(line("g", &style(40)).size(), Size::new(20, 22 + 10));
    // 168..1872 by 744..896: a stroke that stands high over the baseline, 8.2..91.4 by 36.3..43.8.
    assert_eq!(line("一", &style(100)).size(), Size::new(92 - 8, 44 - 36));
    // 184..1864 by -184..1592 beside 88..1832 by -184..1640: 3.6..75.8 by -3.6..32.03.
    assert_eq!(line("图片", &style(40)).size(), Size::new(76 - 3, 33 + 4));
    assert_eq!(line("M", &style(2048)).size(), line("M", &style(1000)).size(), "1000 px is the largest size");
    assert_eq!(line(" M\u{3000}", &style(100)).size(), Size::new(78 - 9, 72), "spaces leave no ink");
}

/// How many columns and rows at each side of a drawing have no covered pixel: left, top, right, bottom.
fn bare_sides(drawing: &Drawing) -> [usize; 4] {
    let (width, texels) = (drawing.size().width as usize, texels(drawing));
    let rows: Vec<_> = texels.chunks(width).collect();
    let row_is_bare = |row: &&&[[u8; 4]]| row.iter().all(|texel| texel[3] == 0);
    let column_is_bare = |x: &usize| rows.iter().all(|row| row[*x][3] == 0);
    [
        (0..width).take_while(column_is_bare).count(),
        rows.iter().take_while(row_is_bare).count(),
        (0..width).rev().take_while(column_is_bare).count(),
        rows.iter().rev().take_while(row_is_bare).count(),
    ]
}

#[test]
fn the_box_is_the_smallest_that_holds_all_ink() {
    let faces = Arc::new(Faces::embedded());
    // The last sizes are those of glyphs that are measured by their outlines where that is enough.
    for text in ["iH", "图片", "gypsy", ".", "' ,", "한글 ½", "Äfj龍", "----", "/\\/", "℃oO"] {
        for size_px in [1, 2, 7, 20, 40, 101, 333, 1000] {
            let drawing = line_of(&faces, text, &style(size_px));
            assert_eq!(bare_sides(&drawing), [0; 4], "{text} at {size_px} px");
            // Nothing is cut off: what these glyphs cover is all there, since none covers another.
            let glyphs = drawing.glyphs().iter();
            let covered = glyphs.map(|ink| {
                let coverage = faces.glyphs().coverage(&ink.face, ink.shape, i64::MIN..i64::MAX).unwrap();
                coverage.values.iter().map(|value| u64::from(*value)).sum::<u64>()
            });
            let drawn: u64 = texels(&drawing).iter().map(|texel| u64::from(texel[3])).sum();
            assert_eq!(drawn, covered.sum::<u64>(), "{text} at {size_px} px");
        }
    }
}

#[test]
fn coverage_is_trimmed_to_what_is_covered() {
    let values = [0, 0, 0, 0, 0, 0, 9, 0, 0, 7, 0, 0, 0, 0, 0, 0];
    let trimmed = Coverage::trimmed(10, -20, 4, &values);
    assert_eq!((trimmed.left, trimmed.top, trimmed.width), (11, -19, 2));
    assert_eq!(trimmed.values, [0, 9, 7, 0]);
    let whole = Coverage::trimmed(3, 4, 2, &[1, 0, 0, 1]);
    assert_eq!((whole.left, whole.top, whole.width, whole.values), (3, 4, 2, vec![1, 0, 0, 1]));
    for (width, nothing) in [(3, vec![0; 9]), (0, vec![]), (4, vec![])] {
        assert!(Coverage::trimmed(3, 4, width, &nothing).values.is_empty());
    }
}

#[test]
fn a_line_without_ink_is_none() {
    let faces = Arc::new(Faces::embedded());
    for text in
        ["", " ", "   ", "\n\t\r", "\u{3000}\u{2003}\u{A0}", "\u{200B}\u{FEFF}", "\u{200D}", "\u{3164}", "\u{2800}"]
    {
        for size_px in [1, 40, 1000] {
            assert!(faces.line(text, &style(size_px)).is_none(), "{text:?} at {size_px} px");
        }
    }
}

#[test]
fn advances_and_kerning_place_the_letters() {
    let faces = Arc::new(Faces::embedded());
    // From the first letter's left side to the last one's right: one letter more makes it longer by its advance.
    for text in ["iii", "MMM", "图图图", "111"] {
        for size_px in [40_u32, 333, 1000] {
            let width = |text: &str| f64::from(line_of(&faces, text, &style(size_px)).size().width);
            let last = text.chars().last().unwrap();
            let advance = advance_units(&faces, &last.to_string()) * f64::from(size_px) / 2048.0;
            let grown = width(&format!("{text}{last}")) - width(text);
            assert!((grown - advance).abs() <= 1.0, "{text} at {size_px} px: {grown} and {advance}");
        }
    }
    let kerned = f64::from(line_of(&faces, "AVAVAVAV", &style(1000)).size().width);
    let loose = advance_units(&faces, "AVAVAVAV") * 1000.0 / 2048.0;
    assert!(kerned < loose - 100.0, "{kerned} of {loose}");
}

#[test]
fn control_characters_are_spaces() {
    let faces = Arc::new(Faces::embedded());
    let spaces = line_of(&faces, "a b  c d", &style(24));
    for text in ["a\nb\r\nc\td", "a\u{0}b\u{7F}\u{85}c\u{2028}d", "a\u{2029}b\u{1B}\u{B}c\u{9F}d"] {
        let drawing = line_of(&faces, text, &style(24));
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
