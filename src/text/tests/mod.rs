//! Glyphs, boxes and pixels of drawn text.

mod boxes;
mod fallback;
mod pixels;

use super::{Drawing, Faces, Style, Typeface};
use crate::color::Color;
use crate::pixel::{View, ViewMut, needed_bytes};
use std::sync::Arc;

const RED: Color = Color { red: 200, green: 30, blue: 10 };

/// A font of the letters a and b, which takes every a away.
const DELETES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fonts/deletes-a.ttf");

fn style(size_px: u32) -> Style {
    Style { typeface: Typeface::WqyZenhei, size_px, color: RED, shadow: 0 }
}

fn line_of(faces: &Arc<Faces>, text: &str, style: &Style) -> Drawing {
    faces.line(text, style).unwrap_or_else(|| panic!("{text:?} leaves no ink"))
}

fn line(text: &str, style: &Style) -> Drawing {
    line_of(&Arc::new(Faces::embedded()), text, style)
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
