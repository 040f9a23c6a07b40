//! What the tests of the GPU engine share: an engine, pictures, plans, and the CPU's reference.
//!
//! No adapter is a failure, unless the environment variable `PIXELPASS_TEST_GPU` is `auto` (one
//! line says that nothing ran) or `off`.

mod frames;
mod parity;
mod service;

use super::*;
use crate::format::{Format, Output, Probe};
use crate::geometry::Orientation;
use crate::kernel::{Args, Band, Inputs, blend, sharpen};
use crate::pixel::{View, ViewMut};
use crate::plan::{Canvas, Layer, Operand, Origin, Pass, Rules};
use std::sync::OnceLock;

/// An engine of its own, where the tests may use one.
fn start(options: Options) -> Option<GpuEngine> {
    let mode = std::env::var("PIXELPASS_TEST_GPU").unwrap_or_default();
    if mode == "off" {
        return None;
    }
    match GpuEngine::start(options) {
        Ok((engine, _)) => Some(engine),
        Err(error) if mode == "auto" => {
            println!("GPU tests did not run: {error}");
            None
        }
        Err(error) => panic!("{error}; PIXELPASS_TEST_GPU=auto or off does without"),
    }
}

/// The engine of the tests that do not disturb each other.
fn shared() -> Option<&'static GpuEngine> {
    static ENGINE: OnceLock<Option<GpuEngine>> = OnceLock::new();
    ENGINE.get_or_init(|| start(Options::default())).as_ref()
}

/// Packed noise; with `alpha` a mixture of 0, 1, 254, 255 and noise, else opaque.
fn noise(size: Size, alpha: bool, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut bytes = Vec::new();
    for _ in 0..size.pixels() {
        let [red, green, blue, pick] = [next(), next(), next(), next()];
        let level = match pick % 8 {
            0 | 1 => 0,
            2 => 1,
            3 => 254,
            4 | 5 => 255,
            _ => next(),
        };
        bytes.extend([red, green, blue, if alpha { level } else { 255 }]);
    }
    bytes
}

/// The plan of `verbs` over a source of `size`.
fn plan(size: Size, alpha: bool, format: Format, verbs: impl FnOnce(&mut Canvas)) -> Arc<Plan> {
    let orientation = Orientation::Upright;
    let probe = Probe { format: Format::Png, size, orientation, frames: 1, alpha, quality: None };
    let mut canvas = Canvas::new(&probe, &Rules::default(), &[]);
    verbs(&mut canvas);
    Arc::new(canvas.finish(Output::still(format)).unwrap())
}

/// A plan with an overlay, both sharpened, the overlay once more, then tiled over the source.
pub(super) fn with_overlay() -> Arc<Plan> {
    let (size, overlay) = (Size::new(70, 40), Size::new(19, 23));
    let layer = |origin, size| Layer { origin, size, stored: size, reduction: 1 };
    let sharpen =
        |size: Size, amount| Args::Sharpen(sharpen::Params { width: size.width, height: size.height, amount });
    let tiles = blend::Params {
        width: size.width,
        height: size.height,
        left: -5,
        top: 3,
        step_x: 25,
        step_y: 24,
        overlay_width: overlay.width,
        overlay_height: overlay.height,
        opacity: 70,
    };
    let pass = |args, src, overlay| Pass { args, src, overlay, table: None };
    Arc::new(Plan {
        layers: vec![layer(Origin::Source, size), layer(Origin::Asset(0), overlay)],
        passes: vec![
            pass(sharpen(size, 60), Operand::Layer(0), None),
            pass(sharpen(overlay, 100), Operand::Layer(1), None),
            pass(sharpen(overlay, 200), Operand::Pass(1), None),
            pass(Args::Blend(tiles), Operand::Pass(0), Some(Operand::Pass(2))),
        ],
        opaque: false,
        output: Output::still(Format::Png),
        planar: None,
    })
}

/// A frame of `engine` with packed `pixels`.
fn frame(engine: &dyn Engine, size: Size, pixels: &[u8]) -> Frame {
    let mut frame = engine.frame(size).unwrap();
    let mut target = frame.view_mut();
    for (y, row) in (0..).zip(pixels.chunks_exact(size.width as usize * 4)) {
        target.row(y).copy_from_slice(row);
    }
    frame
}

/// The packed result of `engine`.
fn run(engine: &GpuEngine, plan: &Arc<Plan>, pixels: &[u8]) -> Result<Vec<u8>, Declined> {
    let layer = frame(engine, plan.layers[0].size, pixels);
    Ok(engine.run(plan, vec![layer], vec![], &Cancel::never())?.frames[0].view().to_vec())
}

/// The packed result of every pass by the readable reference.
fn reference(plan: &Plan, pixels: &[u8]) -> Vec<u8> {
    let mut pictures = vec![pixels.to_vec()];
    let place = |operand| match operand {
        Operand::Layer(index) => index,
        Operand::Pass(index) => 1 + index,
    };
    let pitch = |size: Size| size.width as usize * 4;
    for pass in &plan.passes {
        let view = |operand| {
            let size = plan.size_of(operand);
            View::new(size, pitch(size), &pictures[place(operand)])
        };
        let src = view(pass.src);
        let overlay = pass.overlay.map_or(src, view);
        let size = pass.args.size();
        let mut result = vec![0; pitch(size) * size.height as usize];
        let inputs = Inputs { src, overlay, table: pass.table.as_deref().unwrap_or_default() };
        let rows = ViewMut::new(size, pitch(size), &mut result);
        pass.args.run_reference(&inputs, &mut Band { first_row: 0, rows });
        pictures.push(result);
    }
    pictures.pop().unwrap_or_default()
}
