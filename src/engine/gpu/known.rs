//! A small plan that runs every kernel once: it warms the pipelines, since some drivers compile at
//! the first dispatch, and its answer is known, since the CPU's reference computes it too.
//!
//! The convolved picture is opaque, so that nothing is ever rounded in floats and every adapter has
//! to give the very same bytes.

use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::format::{Format, Output};
use crate::geometry::Size;
use crate::kernel::{Args, Band, Inputs, blend, convolve, flatten, gather, mask, sharpen, tone, warp};
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use crate::plan::{Layer, Operand, Origin, Pass, Plan};
use std::sync::Arc;

const SIDE: u32 = 16;

/// The plan over one layer of [`pattern`]: a half turn, a blur, an inversion, cut corners,
/// a skewed look between its pixels, the picture laid over itself as tiles, sharpening, flattening.
pub(super) fn plan() -> Plan {
    let (width, height) = (SIDE, SIDE);
    let side = SIDE as i32;
    let turn = gather::Params {
        width,
        height,
        start_x: side - 1,
        start_y: side - 1,
        right_x: -1,
        right_y: 0,
        down_x: 0,
        down_y: -1,
        left: 0,
        top: 0,
        right: side,
        bottom: side,
        fill: 0,
    };
    let blur = convolve::Params {
        width,
        height,
        axis: 1,
        cross: 0,
        taps: 3,
        stride: 0,
        advance: 1,
        low: 0,
        high: side,
        opaque: 1,
        keep_alpha: 0,
        digits: 14,
    };
    // First tap one above the place; weights 1/4, 1/2, 1/4 with 14 digits.
    let weights = vec![(-1i32) as u32, 1 << 12, 1 << 13, 1 << 12];
    let inversion = (0..256).map(|value| (255 - value) * 0x01_01_01).collect();
    // Two rows: the outermost has coverages 0, 1/4, 3/4, then full; the next 1/2, then full.
    let corners = vec![1, 3, 6, 0, 1, 8, 16_384, 49_151, 32_768];
    // Half a pixel to the left, and a quarter lower for each column; fixed point has 65536 parts.
    let places = (0..width)
        .flat_map(|x| [(x << 16).wrapping_sub(32_768), x << 14])
        .chain((0..height).flat_map(|y| [0, y << 16]));
    let tiles = blend::Params {
        width,
        height,
        left: -3,
        top: 2,
        step_x: 7,
        step_y: 9,
        overlay_width: 5,
        overlay_height: 6,
        opacity: 60,
    };
    let passes = [
        (Args::Gather(turn), None),
        (Args::Convolve(blur), Some(weights)),
        (Args::Tone(tone::Params { width, height }), Some(inversion)),
        (Args::Mask(mask::Params { width, height, rows: 2 }), Some(corners)),
        (
            Args::Warp(warp::Params { width, height, source_width: width, source_height: height }),
            Some(places.collect()),
        ),
        (Args::Blend(tiles), None),
        (Args::Sharpen(sharpen::Params { width, height, amount: 100 }), None),
        (Args::Flatten(flatten::Params { width, height, backdrop: 0xFF40_80C0 }), None),
    ];
    let source = |index: usize| index.checked_sub(1).map_or(Operand::Layer(0), Operand::Pass);
    let pass = |(index, (args, table)): (usize, (Args, Option<Vec<u32>>))| Pass {
        args,
        src: source(index),
        overlay: None,
        table: table.map(Into::into),
    };
    let size = Size::new(width, height);
    Plan {
        layers: vec![Layer { origin: Origin::Source, size, stored: size, reduction: 1 }],
        passes: passes.into_iter().enumerate().map(pass).collect(),
        opaque: true,
        output: Output::still(Format::Png),
        planar: None,
    }
}

/// Fills the layer: opaque, every channel different, edges and flat parts.
pub(super) fn pattern(target: &mut ViewMut) {
    for y in 0..target.size().height {
        for (x, texel) in (0..).zip(target.row(y).chunks_exact_mut(TEXEL_BYTES)) {
            let step = if (x / 4 + y / 4) % 2 == 0 { 200 } else { 30 };
            texel.copy_from_slice(&[(x * 16) as u8, (y * 13 + x) as u8, step, 255]);
        }
    }
}

/// Runs the known plan on `engine`, a pass more at a time, and holds every answer against the
/// CPU's reference, texel for texel.
///
/// # Errors
/// The first kernel that answers wrong and where, or why the engine does not run.
pub fn known_answer(engine: &dyn Engine) -> Result<(), String> {
    let whole = plan();
    let size = whole.layers[0].size;
    let pitch = size.width as usize * TEXEL_BYTES;
    let mut expected = vec![0; pitch * size.height as usize];
    pattern(&mut ViewMut::new(size, pitch, &mut expected));
    for count in 1..=whole.passes.len() {
        let pass = &whole.passes[count - 1];
        let source = std::mem::replace(&mut expected, vec![0; pitch * size.height as usize]);
        let src = View::new(size, pitch, &source);
        let inputs = Inputs { src, overlay: src, table: pass.table.as_deref().unwrap_or_default() };
        let rows = ViewMut::new(size, pitch, &mut expected);
        pass.args.run_reference(&inputs, &mut Band { first_row: 0, rows });

        let part = Plan { passes: whole.passes[..count].to_vec(), ..whole.clone() };
        let mut frame = engine.frame(size).map_err(|declined| declined.to_string())?;
        pattern(&mut frame.view_mut());
        let done = engine
            .run(&Arc::new(part), vec![frame], vec![], &Cancel::never())
            .map_err(|declined| format!("{}: {declined}", pass.args.name()))?;
        let answer = done.frames[0].view();
        let wanted = View::new(size, pitch, &expected);
        for (x, y) in (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y))) {
            let (got, want) = (answer.texel(x, y), wanted.texel(x, y));
            if got != want {
                return Err(format!("{} gives {got:?} at ({x}, {y}), not {want:?}", pass.args.name()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::KERNELS;

    #[test]
    fn the_known_plan_has_every_kernel() {
        let used: Vec<_> = plan().passes.iter().map(|pass| pass.args.name()).collect();
        for kernel in KERNELS {
            assert!(used.contains(&kernel.name), "{}", kernel.name);
        }
    }
}
