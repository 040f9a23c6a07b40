//! Text: one line of it, shaped and drawn as straight-alpha pixels.
//!
//! A [`Typeface`] is a name of the process language. [`Faces`] maps it to a list of font faces, the
//! machine's first and the embedded ones behind them, and lays a line out; the [`Drawing`] knows its
//! box at once and its pixels on demand, so that planning hardly needs pixels. A character that none
//! of the list has comes from any face of the machine that has it. Left out are several lines,
//! right-to-left order, hinting and coloured glyphs.

mod characters;
mod coverage;
mod drawing;
mod face;
mod faces;
mod line;
mod machine;
#[cfg(test)]
mod tests;
mod typeface;

pub use drawing::Drawing;
pub use faces::Faces;
pub use typeface::Typeface;

use crate::color::Color;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub typeface: Typeface,
    /// Em size in pixels, 1..=1000; what lies outside counts as the nearer end.
    pub size_px: u32,
    pub color: Color,
    /// Opacity of the shadow in percent, 0..=100; 0 for none.
    pub shadow: u32,
}
