//! What tests share: made pictures, a comparison with two numbers, running plans, the GPU's state.

pub mod compare;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod pictures;
pub mod server;

use pixelpass::cancel::Cancel;
use pixelpass::engine::Engine;
use pixelpass::engine::cpu::{CpuEngine, Seats};
use pixelpass::format::{Format, Output, Probe};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::plan::weights::Resample;
use pixelpass::plan::{Canvas, Plan};
use pixelpass::process::Chain;
use std::sync::Arc;

/// A header for a made picture. PNG, so that nothing is decoded at a reduced size.
pub fn probe(size: Size, alpha: bool) -> Probe {
    Probe { format: Format::Png, size, orientation: Orientation::Upright, frames: 1, alpha, quality: None }
}

/// The plan of a process string for a made picture.
pub fn plan(process: &str, size: Size, alpha: bool) -> Arc<Plan> {
    let chain = Chain::parse(process).unwrap_or_else(|error| panic!("{process}: {error}"));
    let plan = chain.plan(&probe(size, alpha), &Limits::OSS, Resample::Lanczos);
    Arc::new(plan.unwrap_or_else(|error| panic!("{process} on {size}: {error}")))
}

/// A plan out of canvas verbs.
pub fn plan_of(size: Size, alpha: bool, verbs: impl FnOnce(&mut Canvas)) -> Arc<Plan> {
    let mut canvas = Canvas::new(&probe(size, alpha), Limits::OSS, Resample::Lanczos);
    verbs(&mut canvas);
    Arc::new(canvas.finish(Output::still(Format::Png)).unwrap())
}

/// A copy of `source` in a frame of the engine's own.
pub fn frame_for(engine: &dyn Engine, source: &Frame) -> Frame {
    let mut frame = engine.frame(source.size()).unwrap_or_else(|declined| panic!("{declined}"));
    let mut target = frame.view_mut();
    for y in 0..source.size().height {
        target.row(y).copy_from_slice(source.view().row(y));
    }
    frame
}

/// Runs a plan over one picture.
pub fn run(engine: &dyn Engine, plan: &Arc<Plan>, source: &Frame) -> Frame {
    run_with(engine, plan, source, &[])
}

/// Runs a plan over one picture and the layers after it.
pub fn run_with(engine: &dyn Engine, plan: &Arc<Plan>, source: &Frame, overlays: &[Frame]) -> Frame {
    let overlays = overlays.iter().map(|overlay| frame_for(engine, overlay)).collect();
    let done = engine.run(plan, vec![frame_for(engine, source)], overlays, &Cancel::never());
    done.unwrap_or_else(|declined| panic!("{declined}\n{plan}")).frames.remove(0)
}

/// The fast CPU engine on two cores.
pub fn cpu() -> CpuEngine {
    CpuEngine::new(Seats::new(2))
}

/// A file of the project's fixtures.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
