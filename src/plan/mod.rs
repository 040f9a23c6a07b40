//! Plans: what the engines run, as plain data.
//!
//! A plan holds every number final: sizes are integers, tables are filled. It prints itself, a
//! line a pass, for people who debug and for the tests of planning, which need no pixels.

pub mod canvas;
mod coverage;
mod known;
mod limits;
mod overlay;
pub mod planar;
mod rotation;
mod scaling;
pub mod stream;
pub mod tone;
pub mod weights;

pub use canvas::Canvas;
pub use overlay::{Overlay, Pair, Placing, Spot};

use crate::format::{Formats, Output, Probe};
use crate::geometry::Size;
use crate::kernel::Args;
use crate::limits::Limits;
use crate::text::{Drawing, Faces};
use planar::Axes;
use std::fmt;
use std::sync::Arc;
use weights::Resample;

/// Where a pass reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// A decoded picture: index into [`Plan::layers`].
    Layer(usize),
    /// The result of an earlier pass: index into [`Plan::passes`].
    Pass(usize),
}

/// Where a layer's pixels come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The source; of an animation each frame in turn.
    Source,
    /// A watermark picture: index into the assets that came with the source.
    Asset(usize),
    /// Drawn text.
    Text(Arc<Drawing>),
}

/// A picture to be decoded or drawn; layer 0 is the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub origin: Origin,
    /// The size of the pixels.
    pub size: Size,
    /// The size in the file; `size` is this divided by `reduction`, rounded up.
    pub stored: Size,
    /// The decoder shall deliver 1/`reduction` of each side: 1, 2, 4 or 8.
    pub reduction: u32,
}

/// What planning has to keep to, beside the picture itself.
#[derive(Debug, Clone)]
pub struct Rules {
    pub limits: Limits,
    pub resample: Resample,
    /// The formats that answers can have.
    pub writable: Formats,
    /// Animations stay animated under `quality` and `auto-orient`, which the documentation of OSS makes stills of.
    pub keep_frames: bool,
    /// What text is drawn with.
    pub faces: Arc<Faces>,
}

impl Default for Rules {
    /// The limits and the filter of OSS, every format, the embedded faces.
    fn default() -> Rules {
        let faces = Arc::new(Faces::embedded());
        let resample = Resample::default();
        Rules { limits: Limits::OSS, resample, writable: Formats::all(), keep_frames: false, faces }
    }
}

/// A watermark picture by its object key, and what its header tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    pub key: String,
    pub probe: Probe,
}

/// One dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    pub args: Args,
    pub src: Operand,
    /// A second picture, where the kernel reads one.
    pub overlay: Option<Operand>,
    /// Host-computed numbers, in the kernel's layout.
    pub table: Option<Arc<[u32]>>,
}

/// Layers, the passes over them in order, and how to encode the last one's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub layers: Vec<Layer>,
    pub passes: Vec<Pass>,
    /// Whether every pixel of the result is opaque.
    pub opaque: bool,
    pub output: Output,
    /// Where the passes are one resize, or none, of a JPEG into a JPEG: its axes, by which the
    /// planes of the source can be resized instead.
    pub planar: Option<Axes>,
}

impl Plan {
    /// What holds the result.
    pub fn result(&self) -> Operand {
        match self.passes.len() {
            0 => Operand::Layer(0),
            count => Operand::Pass(count - 1),
        }
    }

    /// The size of a layer or of a pass's result.
    pub fn size_of(&self, operand: Operand) -> Size {
        match operand {
            Operand::Layer(index) => self.layers[index].size,
            Operand::Pass(index) => self.passes[index].args.size(),
        }
    }

    /// The size of the result.
    pub fn result_size(&self) -> Size {
        self.size_of(self.result())
    }

    /// The last pass that reads `operand`, if any does.
    pub fn last_reader(&self, operand: Operand) -> Option<usize> {
        self.passes.iter().rposition(|pass| pass.src == operand || pass.overlay == Some(operand))
    }

    /// Most bytes of pixels alive at a time when results are dropped after their last reader:
    /// what a run needs at 4 bytes a pixel, tables not counted.
    pub fn peak_bytes(&self) -> u64 {
        let bytes = |operand| self.size_of(operand).pixels() * 4;
        let layers: u64 = (0..self.layers.len()).map(|index| bytes(Operand::Layer(index))).sum();
        let mut alive = layers;
        let mut peak = alive;
        for index in 0..self.passes.len() {
            alive += bytes(Operand::Pass(index));
            peak = peak.max(alive);
            let earlier = (0..self.layers.len()).map(Operand::Layer).chain((0..index).map(Operand::Pass));
            alive -= earlier.filter(|operand| self.last_reader(*operand) == Some(index)).map(bytes).sum::<u64>();
        }
        peak
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Layer(index) => write!(f, "layer {index}"),
            Operand::Pass(index) => write!(f, "pass {}", index + 1),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, layer) in self.layers.iter().enumerate() {
            write!(f, "layer {index}: {}", layer.size)?;
            match &layer.origin {
                Origin::Source => {}
                Origin::Asset(asset) => write!(f, " of asset {asset}")?,
                Origin::Text(drawing) => write!(f, " {drawing}")?,
            }
            match layer.reduction {
                1 => writeln!(f)?,
                reduction => writeln!(f, " (decoded at 1/{reduction} of {})", layer.stored)?,
            }
        }
        for (index, pass) in self.passes.iter().enumerate() {
            write!(f, "pass {}: {} of {}", index + 1, pass.args, pass.src)?;
            if let Some(overlay) = pass.overlay {
                write!(f, " with {overlay}")?;
            }
            if let Some(table) = &pass.table {
                write!(f, ", table {} words", table.len())?;
            }
            writeln!(f)?;
        }
        write!(f, "output: {} {}", self.result_size(), self.output)
    }
}
