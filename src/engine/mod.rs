//! Engines run plans. There are two, GPU and CPU, and they are handed the very same plan.
//!
//! An engine cannot see actions, so it cannot compute geometry of its own. It hands out the frames
//! that decoders write into, so that pixels arrive where it reads them. When it cannot take a plan
//! it says so with [`Declined`], and the caller takes the plan to the other engine: a lost or
//! failing adapter is not the caller's error.

pub mod choice;
pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::geometry::Size;
use crate::pixel::{Frame, ViewMut};
use crate::plan::Plan;
use crate::plan::planar::Planar;
use crate::plan::stream::Stream;
use crate::plane::{PlaneMut, Samples};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cpu,
    Gpu,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Cpu => "cpu",
            Kind::Gpu => "gpu",
        }
    }
}

/// Results and what they took.
#[derive(Debug)]
pub struct Done {
    /// One for each source frame, in order.
    pub frames: Vec<Frame>,
    /// Waiting for the engine.
    pub queue: Duration,
    /// Uploading, running, reading back.
    pub run: Duration,
}

/// Why an engine did not run a plan.
#[derive(Debug)]
pub enum Declined {
    /// The plan passes a limit of the adapter, or the byte budget.
    Limit(&'static str),
    /// The queue is full.
    Busy,
    /// The device is lost, stuck or refuses; it is being rebuilt.
    Failed(String),
    /// Running the plan on another engine would not help.
    Error(Error),
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Declined::Limit(limit) => write!(f, "over the GPU's {limit}"),
            Declined::Busy => f.write_str("GPU queue full"),
            Declined::Failed(what) => write!(f, "GPU failed: {what}"),
            Declined::Error(error) => error.fmt(f),
        }
    }
}

/// Fills a few rows of the source with those that come next, from top to bottom.
pub type NextRows<'a> = dyn FnMut(&mut ViewMut) -> Result<(), Error> + 'a;

/// Fills all planes of the source.
pub type DecodePlanes<'a> = dyn FnMut(&mut [PlaneMut]) -> Result<(), Error> + 'a;

/// A runner of plans.
pub trait Engine: Send + Sync {
    fn kind(&self) -> Kind;

    /// A frame for a layer to be decoded into; its old content is undefined.
    fn frame(&self, size: Size) -> Result<Frame, Declined>;

    /// Runs every pass of `plan` for each of `sources` as layer 0, with `overlays` as the layers
    /// after it (all frames of this engine, in the plan's order). With no passes the results are
    /// the sources.
    fn run(
        &self,
        plan: &Arc<Plan>,
        sources: Vec<Frame>,
        overlays: Vec<Frame>,
        cancel: &Cancel,
    ) -> Result<Done, Declined>;

    /// The result of a plan's first pass over a source that comes in rows; the same bytes as from
    /// the whole source. Engines that want the source whole decline.
    fn stream(&self, _stream: &Stream, _next_rows: &mut NextRows, _cancel: &Cancel) -> Result<Frame, Declined> {
        Err(Declined::Limit("way of taking sources: whole"))
    }

    /// Whether the engine runs [`Planar`] plans.
    fn takes_planes(&self) -> bool {
        false
    }

    /// The planes of a planar plan's result. Engines that take only pixels decline.
    fn planes(&self, _planar: &Planar, _decode: &mut DecodePlanes, _cancel: &Cancel) -> Result<Vec<Samples>, Declined> {
        Err(Declined::Limit("way of taking sources: as pixels"))
    }
}
