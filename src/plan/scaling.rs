//! The canvas's resize: two passes that read through crops, flips and turns, and a source that is
//! decoded smaller where it can be.

use super::canvas::{Canvas, Shown};
use super::known;
use super::planar::Axes;
use super::weights::{Axis, Resample, Weights};
use super::{Layer, Operand};
use crate::color::Color;
use crate::error::{Code, Ec, Error};
use crate::geometry::{Orientation, Placement, Rect, Size};
use crate::kernel::{Args, convolve};
use std::sync::Arc;

/// The fractions at which the decoder delivers a JPEG, and the reduction that each has to leave to
/// the resampler, in hundredths. Chosen by SSIM against a resize of the full picture: 0.99 is kept
/// (`docs/performance.md` has the figures). At a half the decoder's own filter is good enough to
/// stand alone.
const REDUCTIONS: [(u32, u32); 3] = [(8, 125), (4, 125), (2, 100)];

/// Decoding fewer pixels than this takes little time, so that quality goes first.
const SMALL_PIXELS: u64 = 1_000_000;

/// What is left to the resampler of a small picture, in hundredths: SSIM stays above 0.998.
const SMALL_LEAVES: u32 = 200;

impl Canvas {
    /// Scales the picture, keeps a part and lays it on a canvas of `fill`, as `placement` says.
    ///
    /// Every pass is one axis, vertical first in the picture's own sense; results are rounded to
    /// 8 bits between them.
    ///
    /// # Errors
    /// `ImageTooLarge` (EC 0040-00000007) when the result is over the limits.
    pub fn resize(&mut self, placement: &Placement, fill: Color) -> Result<(), Error> {
        let result = placement.canvas;
        if result.longest_side() > self.limits.result_side || result.pixels() > self.limits.result_pixels {
            let message = format!(
                "Maximal size of image supported is {} pixels a side and {} pixels in all.",
                self.limits.result_side, self.limits.result_pixels
            );
            return Err(Error::new(Code::ImageTooLarge, message).ec(Ec::image(7)));
        }
        if placement.scaled != self.size() {
            self.scale(placement.scaled, placement.kept);
        } else {
            self.crop(placement.kept);
        }
        if placement.canvas != self.size() {
            self.pad(placement.canvas, placement.offset, fill.texel());
        }
        Ok(())
    }

    /// Both passes of a resample to `scaled`, of which `kept` is computed.
    fn scale(&mut self, scaled: Size, kept: Rect) {
        let orientation = self.shown.orientation;
        // Everything from here on is in the stored sense; only the order of the axes remembers.
        let stored_scaled = orientation.apply_to(scaled);
        let stored_kept = orientation.stored_rect(stored_scaled, kept);
        let length = self.reduce_source(stored_scaled);
        let window = self.shown.window;
        let x = Axis {
            start: window.x,
            count: window.width,
            length: length.width,
            scaled: stored_scaled.width,
            kept_start: stored_kept.x,
            kept_count: stored_kept.width,
            means: length.reduced,
            shift: 0.0,
        };
        let y = Axis {
            start: window.y,
            count: window.height,
            length: length.height,
            scaled: stored_scaled.height,
            kept_start: stored_kept.y,
            kept_count: stored_kept.height,
            means: length.reduced,
            shift: 0.0,
        };
        let alone = self.passes.is_empty() && self.current == Operand::Layer(0);
        // Turned by a quarter, the picture's vertical is the stored horizontal.
        let (first, second) = if orientation.swaps_sides() { ((0, x), (1, y)) } else { ((1, y), (0, x)) };
        self.convolve_axis(first.0, &first.1, second.1.start, second.1.count);
        // The first pass carried along just the window of the second.
        self.convolve_axis(second.0, &Axis { start: 0, ..second.1 }, 0, first.1.kept_count);
        self.shown = Shown { window: stored_kept.size().rect(), orientation };
        self.resized = (alone && orientation == Orientation::Upright)
            .then_some(Resized { axes: Axes { x, y, resample: self.resample }, passes: self.passes.len() });
    }

    /// Decodes the source smaller where that leaves the resampler enough to do, and returns the
    /// window's true size in decoded pixels.
    fn reduce_source(&mut self, scaled: Size) -> Length {
        let window = self.shown.window;
        let whole = |layer: &Layer| window == layer.stored.rect();
        let layer = match self.current {
            Operand::Layer(index) if self.may_reduce && whole(&self.layers[index]) => &mut self.layers[index],
            _ => return Length { width: window.width.into(), height: window.height.into(), reduced: false },
        };
        let stored = layer.stored;
        let leaves = |side: u32, scaled: u32, reduction: u32, hundredths: u32| {
            u64::from(side) * 100 >= u64::from(scaled) * u64::from(reduction) * u64::from(hundredths)
        };
        let least = if stored.pixels() < SMALL_PIXELS { SMALL_LEAVES } else { 0 };
        let fits = |(reduction, hundredths): &(u32, u32)| {
            let hundredths = least.max(*hundredths);
            leaves(stored.width, scaled.width, *reduction, hundredths)
                && leaves(stored.height, scaled.height, *reduction, hundredths)
        };
        let reduction = REDUCTIONS.iter().find(|row| fits(row)).map_or(1, |(reduction, _)| *reduction);
        let size = Size::new(stored.width.div_ceil(reduction), stored.height.div_ceil(reduction));
        (layer.size, layer.reduction) = (size, reduction);
        self.shown.window = size.rect();
        let part = |side: u32| f64::from(side) / f64::from(reduction);
        Length { width: part(stored.width), height: part(stored.height), reduced: reduction > 1 }
    }

    /// One pass of a resample; `across` is the range of the other axis that is carried along.
    fn convolve_axis(&mut self, axis: u32, along: &Axis, across_start: u32, across_count: u32) {
        let size = self.operand_size(self.current);
        let convolution = convolution(size, axis, along, (across_start, across_count), self.opaque, self.resample);
        if let Some((params, words)) = convolution {
            self.push_shared(Args::Convolve(params), None, Some(words));
        }
    }
}

/// One pass of a resample over what has `size`, with its table; `across` is first and count of what
/// is carried along of the other axis. `None` where the pass would change nothing.
pub(super) fn convolution(
    size: Size,
    axis: u32,
    along: &Axis,
    across: (u32, u32),
    opaque: bool,
    resample: Resample,
) -> Option<(convolve::Params, Arc<[u32]>)> {
    let (cross, across_count) = across;
    let (along_side, across_side) = if axis == 0 { (size.width, size.height) } else { (size.height, size.width) };
    let unscaled = along.scaled == along.count && along.length == f64::from(along.count) && along.shift == 0.0;
    let whole = (along.start, along.kept_count, along_side) == (0, along.count, along.count);
    if unscaled && whole && across_side == across_count {
        return None;
    }
    let Weights { words, taps, digits } = known::resample(along, resample, opaque);
    let (width, height) = if axis == 0 { (along.kept_count, across_count) } else { (across_count, along.kept_count) };
    let params = convolve::Params {
        width,
        height,
        axis,
        cross,
        taps,
        stride: 1 + taps,
        advance: 0,
        low: along.start as i32,
        high: (along.start + along.count) as i32,
        opaque: opaque.into(),
        keep_alpha: 0,
        digits,
    };
    Some((params, words))
}

/// A resize that alone reads the source, upright.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resized {
    pub(super) axes: Axes,
    /// How many passes it took.
    pub(super) passes: usize,
}

/// A length in decoded pixels, with its fraction.
struct Length {
    width: f64,
    height: f64,
    /// The decoded pixels are means of several stored ones.
    reduced: bool,
}
