//! Text: shaping and drawing of one line, faces and their fallbacks.

use crate::color::Color;
use crate::geometry::{Rect, Size};
use crate::pixel::ViewMut;
use std::fmt;
use std::sync::Arc;

/// A face of the language's table, by the name that a process string gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Typeface {
    #[default]
    WqyZenhei,
    WqyMicrohei,
    FangzhengShusong,
    FangzhengKaiti,
    FangzhengHeiti,
    FangzhengFangsong,
    DroidSansFallback,
}

impl Typeface {
    /// The typeface with this name, aliases included.
    pub fn parse(_name: &str) -> Option<Typeface> {
        None
    }

    /// The name in the process string.
    pub fn name(self) -> &'static str {
        "wqy-zenhei"
    }
}

/// The faces of this machine and the embedded ones; one for the whole process, shared by all threads.
#[derive(Debug)]
pub struct Faces {}

impl Faces {
    /// The embedded faces alone: the same on every machine.
    pub fn embedded() -> Faces {
        Faces {}
    }

    /// The machine's faces, with the embedded ones behind them.
    pub fn system() -> Faces {
        Faces {}
    }

    /// Lays out one line of `text`.
    pub fn line(self: &Arc<Faces>, _text: &str, _style: &Style) -> Drawing {
        Drawing { size: Size::new(1, 1) }
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub typeface: Typeface,
    /// Em size in pixels, 1..=1000.
    pub size_px: u32,
    pub color: Color,
    /// Opacity of the shadow in percent; 0 for none.
    pub shadow: u32,
}

/// A line laid out, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    size: Size,
}

impl Drawing {
    /// The whole box, shadow included.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The part of the box that `window` shows.
    pub fn windowed(self, _window: Rect) -> Drawing {
        self
    }

    /// Draws the box, or its window, in straight alpha; `target` has just its size.
    pub fn draw(&self, _target: &mut ViewMut) {}
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text")
    }
}
