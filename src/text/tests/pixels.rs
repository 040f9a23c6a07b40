//! What is drawn: colours, shadows, windows, and the glyphs that are kept.

use super::{line, line_of, pixels, style, texels};
use crate::color::Color;
use crate::geometry::{Rect, Size};
use crate::text::coverage::{Glyphs, Shape};
use crate::text::drawing::shadow_alpha;
use crate::text::{Faces, Style, Typeface};
use std::sync::Arc;

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
fn a_shadow_is_the_ink_in_black() {
    let faces = Arc::new(Faces::embedded());
    for (size_px, offset) in [(1, 1), (16, 1), (20, 1), (29, 1), (30, 2), (40, 2), (100, 5), (1000, 50)] {
        let plain = line_of(&faces, "Mi图", &style(size_px));
        let shadowed = line_of(&faces, "Mi图", &Style { shadow: 1, ..style(size_px) });
        assert_eq!(shadowed.shadow_offset(), offset, "{size_px} px");
        assert_eq!(pixels(&shadowed), pixels(&plain), "{size_px} px: the line is as it is without");
        assert_eq!(shadowed.shadow().unwrap().size(), plain.size(), "{size_px} px");
        assert!(plain.shadow().is_none());
    }
    let drawing = line_of(&faces, "M图", &Style { shadow: 50, color: Color::BLACK, ..style(100) });
    let mut seen = 0;
    for (line, shadow) in texels(&drawing).iter().zip(texels(&drawing.shadow().unwrap())) {
        // Half of a line's alpha and half a level more: 128 is the shadow's own alpha.
        let expected = (2 * u32::from(line[3]) * 128 + 255) / 510;
        assert_eq!(shadow, [line[0], line[1], line[2], expected as u8]);
        seen += u32::from(line[3] == 255);
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn shadows_are_as_dark_as_recorded() {
    // On white: 255 - 27 = 228 and 255 - 128 = 127.
    assert_eq!((shadow_alpha(10), shadow_alpha(50)), (27, 128));
    assert_eq!(shadow_alpha(100), 255);
    let alphas: Vec<_> = (1..=100).map(shadow_alpha).collect();
    assert!(alphas.is_sorted_by(|one, next| one < next), "{alphas:?}");
    for (percent, alpha) in (1..).zip(alphas) {
        let exact = f64::from(percent) * 2.55;
        assert!((0.0..2.0).contains(&(f64::from(alpha) - exact)), "{percent} %: {alpha}");
    }
}

#[test]
fn a_window_shows_what_a_crop_would() {
    let faces = Arc::new(Faces::embedded());
    let whole = line_of(&faces, "Äpfel, 图片 😀 fj", &style(50));
    let Size { width, height } = whole.size();
    let rows: Vec<Vec<[u8; 4]>> = texels(&whole).chunks(width as usize).map(<[_]>::to_vec).collect();
    let mut windows = vec![Rect { x: 0, y: 0, width: 1, height: 1 }, whole.size().rect()];
    windows.extend((0..width - 9).map(|x| Rect { x, y: x % (height - 19), width: 9, height: 20 }));
    for window in windows {
        // New faces: nothing is kept from the whole, so that glyphs outside are passed over.
        let drawing = line("Äpfel, 图片 😀 fj", &style(50)).windowed(window);
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
    let whole = line_of(&faces, &"M".repeat(64), &style(1000));
    assert!(whole.size().pixels() > 39_000_000, "{}", whole.size());
    let window = Rect { x: whole.size().width - 400, y: 500, width: 400, height: 267 };
    let drawing = whole.windowed(window);
    let texels = texels(&drawing);
    assert_eq!(texels.len(), 400 * 267);
    assert!(texels.iter().any(|texel| texel[3] == 255));
    // Of the 64 glyphs, at four steps between two pixels, only those were drawn that reach the box's
    // sides or the window: each of 676 × 714 pixels.
    assert!(faces.glyphs().kept_bytes() < 3 * 500_000, "{}", faces.glyphs().kept_bytes());
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
    let drawing = line_of(&faces, "Hi\n\"图\"", &Style { shadow: 50, ..style(40) });
    assert_eq!(drawing, drawing.clone());
    assert_eq!(drawing.to_string(), r#"text "Hi \"图\"" wqy-zenhei 40 px #C81E0A"#);
    let shadow = drawing.shadow().unwrap();
    assert_eq!(shadow.to_string(), format!("shadow 50 % of {drawing}"));
    assert_ne!(shadow, drawing);
    let window = Rect { x: 1, y: 2, width: 3, height: 4 };
    let size = drawing.size();
    let part = drawing.clone().windowed(window);
    assert!(part.to_string().ends_with(&format!(", 3x4+1+2 of {size}")), "{part}");
    assert_ne!(drawing, part);
    assert_ne!(drawing, line_of(&faces, "Hi", &style(40)));
    assert_eq!(line_of(&faces, "a", &style(9)).to_string(), r#"text "a" wqy-zenhei 9 px #C81E0A"#);
}
