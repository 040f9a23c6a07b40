//! Canvas: the picture so far while planning, and the verbs that actions speak.
//!
//! Crops, flips and turns cost nothing until something needs them done: the canvas keeps a window
//! and an orientation over the last result (`shown`) and lets a resample read through them. What
//! cannot read through them gets a `gather` pass first.

use super::coverage;
use super::limits;
use super::planar::Axes;
use super::rotation;
use super::scaling::Resized;
use super::tone::ToneTable;
use super::weights::{self, Resample, Weights};
use super::{Asset, Layer, Operand, Origin, Pass, Plan, Rules};
use crate::color::Color;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Output, Probe};
use crate::geometry::{Orientation, Rect, Size};
use crate::kernel::{Args, convolve, flatten, gather, mask, sharpen, tone, warp};
use crate::limits::Limits;
use crate::text::Faces;
use std::sync::Arc;

/// The part of an operand that the canvas shows, and how it is laid down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) window: Rect,
    pub(super) orientation: Orientation,
}

/// The picture so far, its passes so far, and the limits it has to keep.
#[derive(Debug)]
pub struct Canvas {
    pub(super) layers: Vec<Layer>,
    pub(super) passes: Vec<Pass>,
    pub(super) current: Operand,
    pub(super) shown: Shown,
    pub(super) opaque: bool,
    /// The decoder can deliver the current layer at a fraction of its size.
    pub(super) may_reduce: bool,
    /// The main picture's size, while an overlay is made.
    pub(super) main: Option<Size>,
    pub(super) assets: Vec<Asset>,
    pub(super) faces: Arc<Faces>,
    pub(super) limits: Limits,
    pub(super) resample: Resample,
    /// The resize, if nothing came before it.
    pub(super) resized: Option<Resized>,
    /// The source has several frames.
    animated: bool,
}

impl Canvas {
    /// A canvas that shows the whole source, as stored.
    pub fn new(probe: &Probe, rules: &Rules, assets: &[Asset]) -> Canvas {
        let layer = Layer { origin: Origin::Source, size: probe.size, stored: probe.size, reduction: 1 };
        Canvas {
            layers: vec![layer],
            passes: Vec::new(),
            current: Operand::Layer(0),
            shown: Shown { window: probe.size.rect(), orientation: Orientation::Upright },
            opaque: !probe.alpha,
            may_reduce: probe.format == Format::Jpeg,
            main: None,
            assets: assets.to_vec(),
            faces: Arc::clone(&rules.faces),
            limits: rules.limits,
            resample: rules.resample,
            resized: None,
            animated: probe.frames > 1,
        }
    }

    /// Whether the picture may grow beyond its source: the frames of an animation never do.
    pub fn may_enlarge(&self) -> bool {
        !self.animated
    }

    /// The size that the next action sees.
    pub fn size(&self) -> Size {
        self.shown.orientation.apply_to(self.shown.window.size())
    }

    /// Keeps `rect` of the picture.
    pub fn crop(&mut self, rect: Rect) {
        if rect == self.size().rect() {
            return;
        }
        let inner = self.shown.orientation.stored_rect(self.shown.window.size(), rect);
        let outer = self.shown.window;
        self.shown.window = Rect { x: outer.x + inner.x, y: outer.y + inner.y, ..inner };
    }

    /// Flips or turns the picture.
    pub fn orient(&mut self, orientation: Orientation) {
        self.shown.orientation = self.shown.orientation.then(orientation);
    }

    /// Turns the source upright, before everything else.
    ///
    /// # Errors
    /// `BadRequest` (EC 0040-00000006) when a turn is needed and a side is over the limit.
    pub fn auto_orient(&mut self, orientation: Orientation) -> Result<(), Error> {
        if orientation != Orientation::Upright {
            self.check_turn()?;
            self.orient(orientation);
        }
        Ok(())
    }

    /// Turns the picture clockwise; 90, 180 and 270 are exact, other angles grow the canvas.
    ///
    /// # Errors
    /// `BadRequest` (EC 0040-00000006) when a side is over the limit.
    pub fn rotate(&mut self, angle_deg: u32) -> Result<(), Error> {
        if angle_deg.is_multiple_of(360) {
            return Ok(());
        }
        self.check_turn()?;
        self.turn(angle_deg);
        Ok(())
    }

    /// As [`Canvas::rotate`], whatever the size; sides must be at most 16,384 pixels.
    pub(crate) fn turn(&mut self, angle_deg: u32) {
        match angle_deg % 360 {
            0 => {}
            90 => self.orient(Orientation::Turn90),
            180 => self.orient(Orientation::Turn180),
            270 => self.orient(Orientation::Turn270),
            _ => {
                self.settle();
                let source = self.size();
                let (Size { width, height }, words) = rotation::rotation(source, angle_deg);
                let (source_width, source_height) = (source.width, source.height);
                let params = warp::Params { width, height, source_width, source_height };
                self.push(Args::Warp(params), None, Some(words));
                self.opaque = false;
            }
        }
    }

    fn check_turn(&self) -> Result<(), Error> {
        if self.size().longest_side() > self.limits.turn_side {
            let message = "Picture exceed the maximum allowable rotation range.";
            return Err(Error::new(Code::BadRequest, message).ec(Ec::image(6)));
        }
        Ok(())
    }

    /// Lays the picture on a larger canvas of a colour.
    pub(super) fn pad(&mut self, canvas: Size, offset: (u32, u32), fill: u32) {
        self.gather(canvas, offset, fill);
    }

    /// Looks every colour channel up in `table`; neighbouring tables become one.
    pub fn tone(&mut self, table: &ToneTable) {
        self.settle();
        let last = self.passes.len().checked_sub(1).map(Operand::Pass) == Some(self.current);
        if let (true, Some(Pass { args: Args::Tone(_), table: Some(words), .. })) = (last, self.passes.last_mut()) {
            let earlier = ToneTable(std::array::from_fn(|value| words[value].to_le_bytes()[0]));
            *words = earlier.then(table).words().into();
            return;
        }
        let Size { width, height } = self.size();
        self.push(Args::Tone(tone::Params { width, height }), None, Some(table.words()));
    }

    /// Gaussian blur of `radius_px` and `sigma_px`; alpha stays as it is.
    pub fn blur(&mut self, radius_px: u32, sigma_px: f64) {
        self.settle();
        let size = self.size();
        let Weights { words, taps, digits } = weights::gauss(radius_px, sigma_px, self.opaque);
        let before = self.current;
        for axis in [1, 0] {
            // The colour of the second pass is weighed by the blurred alpha of the first; only
            // then does the unblurred alpha come back.
            let keep_alpha = axis == 0 && !self.opaque;
            let params = convolve::Params {
                width: size.width,
                height: size.height,
                axis,
                cross: 0,
                taps,
                stride: 0,
                advance: 1,
                low: 0,
                high: if axis == 0 { size.width } else { size.height } as i32,
                opaque: self.opaque.into(),
                keep_alpha: keep_alpha.into(),
                digits,
            };
            self.push_shared(Args::Convolve(params), keep_alpha.then_some(before), Some(words.clone()));
        }
    }

    /// Sharpens with the action's own amount, 50..=399.
    pub fn sharpen(&mut self, amount: i32) {
        self.settle();
        let Size { width, height } = self.size();
        self.push(Args::Sharpen(sharpen::Params { width, height, amount }), None, None);
    }

    /// Keeps the disc of radius `radius_px` + 0.5 that fills the picture, a square of side
    /// 2 · radius + 1.
    pub fn mask_circle(&mut self, radius_px: u32) {
        self.mask(radius_px + 1, coverage::circle(radius_px));
    }

    /// Rounds the four corners.
    pub fn mask_corners(&mut self, radius_px: u32) {
        self.mask(radius_px, coverage::rounded_corner(radius_px));
    }

    fn mask(&mut self, rows: u32, words: Vec<u32>) {
        self.settle();
        let Size { width, height } = self.size();
        self.push(Args::Mask(mask::Params { width, height, rows }), None, Some(words));
        self.opaque = false;
    }

    /// The plan, ready to run: window and orientation done, flattened onto white where the output
    /// format has no alpha.
    ///
    /// # Errors
    /// `MemLimitExceeded` when the plan would hold more bytes than the limits allow, even streamed;
    /// `ImageTooLarge` when the output format cannot carry the size.
    pub fn finish(mut self, output: Output) -> Result<Plan, Error> {
        self.settle();
        limits::check(output.format, self.size())?;
        if !self.opaque && !output.format.has_alpha() {
            let Size { width, height } = self.size();
            let params = flatten::Params { width, height, backdrop: Color::WHITE.texel() };
            self.push(Args::Flatten(params), None, None);
            self.opaque = true;
        }
        let planar = self.planar(&output);
        let plan = Plan { layers: self.layers, passes: self.passes, opaque: self.opaque, output, planar };
        // Whether the source's file can be streamed is not known here: who runs the plan asks again.
        let over = |bytes| bytes > self.limits.plan_bytes;
        if over(plan.peak_bytes()) && plan.streamed_bytes().is_none_or(over) {
            return Err(Error::memory_limit());
        }
        Ok(plan)
    }

    /// The axes of a plan that is one resize of a JPEG into a JPEG, or only encodes it again.
    fn planar(&self, output: &Output) -> Option<Axes> {
        let jpeg = self.may_reduce && output.format == Format::Jpeg && self.layers.len() == 1;
        let axes = match self.resized {
            Some(Resized { axes, passes }) if passes == self.passes.len() => Some(axes),
            None if self.passes.is_empty() => Some(Axes::unchanged(self.layers[0].size, self.resample)),
            _ => None,
        };
        axes.filter(|_| jpeg)
    }

    /// Does what the window and the orientation ask for, if anything.
    pub(super) fn settle(&mut self) {
        let whole = self.shown.window == self.operand_size(self.current).rect();
        if !whole || self.shown.orientation != Orientation::Upright {
            self.gather(self.size(), (0, 0), Color::WHITE.texel());
        }
    }

    /// A pass that lays the shown part, turned as asked, at `offset` on a canvas of `fill`.
    fn gather(&mut self, canvas: Size, offset: (u32, u32), fill: u32) {
        let Shown { window, orientation } = self.shown;
        let (start_x, start_y) = orientation.start(window.size());
        let ((right_x, right_y), (down_x, down_y)) = orientation.steps();
        let (left, top) = (window.x as i32, window.y as i32);
        let (offset_x, offset_y) = (offset.0 as i32, offset.1 as i32);
        let params = gather::Params {
            width: canvas.width,
            height: canvas.height,
            start_x: left + start_x as i32 - offset_x * right_x - offset_y * down_x,
            start_y: top + start_y as i32 - offset_x * right_y - offset_y * down_y,
            right_x,
            right_y,
            down_x,
            down_y,
            left,
            top,
            right: left + window.width as i32,
            bottom: top + window.height as i32,
            fill,
        };
        self.push(Args::Gather(params), None, None);
    }

    pub(super) fn push(&mut self, args: Args, overlay: Option<Operand>, table: Option<Vec<u32>>) {
        self.push_shared(args, overlay, table.map(Into::into));
    }

    pub(super) fn push_shared(&mut self, args: Args, overlay: Option<Operand>, table: Option<Arc<[u32]>>) {
        self.passes.push(Pass { args, src: self.current, overlay, table });
        self.current = Operand::Pass(self.passes.len() - 1);
        self.shown = Shown { window: args.size().rect(), orientation: Orientation::Upright };
    }

    pub(super) fn operand_size(&self, operand: Operand) -> Size {
        match operand {
            Operand::Layer(index) => self.layers[index].size,
            Operand::Pass(index) => self.passes[index].args.size(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Fit, place};

    fn probe(format: Format, width: u32, height: u32, alpha: bool) -> Probe {
        let size = Size::new(width, height);
        Probe { format, size, orientation: Orientation::Upright, frames: 1, alpha, quality: None }
    }

    fn canvas(format: Format, width: u32, height: u32) -> Canvas {
        Canvas::new(&probe(format, width, height, format == Format::Png), &Rules::default(), &[])
    }

    fn finish(canvas: Canvas, format: Format) -> Plan {
        canvas.finish(Output::still(format)).unwrap()
    }

    fn names(plan: &Plan) -> Vec<&'static str> {
        plan.passes.iter().map(|pass| pass.args.name()).collect()
    }

    #[test]
    fn a_large_reduction_decodes_small_and_leaves_some_to_the_resampler() {
        let mut canvas = canvas(Format::Jpeg, 4000, 3000);
        let placement = place(Fit::Lfit, canvas.size(), Size::new(300, 300), false).unwrap();
        canvas.resize(&placement, Color::WHITE).unwrap();
        let plan = finish(canvas, Format::Jpeg);
        assert_eq!(
            plan.layers[0],
            Layer { origin: Origin::Source, size: Size::new(500, 375), stored: Size::new(4000, 3000), reduction: 8 }
        );
        assert_eq!(names(&plan), ["convolve", "convolve"]);
        assert_eq!(plan.result_size(), Size::new(300, 225));
    }

    #[test]
    fn each_fraction_leaves_the_resampler_its_part() {
        let reduction = |source: u32, width: u32| {
            let mut canvas = canvas(Format::Jpeg, source, source / 4 * 3);
            let placement = place(Fit::Lfit, canvas.size(), Size::new(width, width), false).unwrap();
            canvas.resize(&placement, Color::WHITE).unwrap();
            finish(canvas, Format::Jpeg).layers[0].reduction
        };
        let widths = [400, 401, 800, 801, 2000, 2001];
        assert_eq!(widths.map(|width| reduction(4000, width)), [8, 4, 4, 2, 2, 1]);
        // A small picture gives more to the resampler.
        let widths = [24, 26, 48, 52, 100, 101];
        assert_eq!(widths.map(|width| reduction(400, width)), [8, 4, 4, 2, 2, 1]);
    }

    #[test]
    fn a_png_is_never_decoded_small() {
        let mut canvas = canvas(Format::Png, 4000, 3000);
        let placement = place(Fit::Lfit, canvas.size(), Size::new(300, 300), false).unwrap();
        canvas.resize(&placement, Color::WHITE).unwrap();
        assert_eq!(finish(canvas, Format::Png).layers[0].reduction, 1);
    }

    #[test]
    fn crops_and_flips_cost_nothing_before_a_resize() {
        let mut canvas = canvas(Format::Jpeg, 400, 300);
        canvas.crop(Rect { x: 10, y: 20, width: 200, height: 100 });
        canvas.orient(Orientation::Turn90);
        assert_eq!(canvas.size(), Size::new(100, 200));
        let placement = place(Fit::Lfit, canvas.size(), Size::new(50, 100), false).unwrap();
        canvas.resize(&placement, Color::WHITE).unwrap();
        assert_eq!(canvas.size(), Size::new(50, 100));
        let plan = finish(canvas, Format::Jpeg);
        assert_eq!(names(&plan), ["convolve", "convolve", "gather"]);
        // The picture's vertical is the stored horizontal, and goes first.
        assert!(matches!(plan.passes[0].args, Args::Convolve(convolve::Params { axis: 0, cross: 20, .. })));
    }

    #[test]
    fn tones_fold_into_one_pass() {
        let mut canvas = canvas(Format::Jpeg, 40, 30);
        canvas.tone(&ToneTable::bright(10));
        canvas.tone(&ToneTable::contrast(20));
        let plan = finish(canvas, Format::Jpeg);
        assert_eq!(names(&plan), ["tone"]);
        let both = ToneTable::bright(10).then(&ToneTable::contrast(20));
        assert_eq!(plan.passes[0].table.as_deref(), Some(both.words().as_slice()));
    }

    #[test]
    fn only_a_format_without_alpha_flattens() {
        for (format, expected) in [(Format::Jpeg, vec!["mask", "flatten"]), (Format::Png, vec!["mask"])] {
            let mut canvas = canvas(Format::Jpeg, 41, 41);
            canvas.mask_circle(20);
            assert_eq!(names(&finish(canvas, format)), expected);
        }
    }

    #[test]
    fn peak_counts_what_is_alive_together() {
        let mut canvas = canvas(Format::Jpeg, 100, 100);
        canvas.sharpen(100);
        canvas.sharpen(100);
        canvas.sharpen(100);
        assert_eq!(finish(canvas, Format::Jpeg).peak_bytes(), 2 * 40_000);
    }

    #[test]
    fn a_blur_with_alpha_reads_the_unblurred_one() {
        let mut canvas = canvas(Format::Png, 10, 10);
        canvas.blur(3, 2.0);
        let plan = finish(canvas, Format::Png);
        assert_eq!(plan.passes[1].overlay, Some(Operand::Layer(0)));
        assert_eq!(plan.peak_bytes(), 3 * 400);
    }
}
