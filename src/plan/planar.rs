//! Planar plans: a resize of a JPEG into a JPEG, said over luma and chroma instead of pixels.
//!
//! The decoder has planes and the encoder wants planes, so colours need not be made in between.
//! Chroma goes once from the resolution that the file has it in to the one that the answer has it
//! in: half of luma's, or the same from a certain quality on. Luma takes the very passes of the plan; what chroma takes follows from their axes.

use super::scaling::convolution;
use super::weights::{Axis, Resample};
use super::{Operand, Plan};
use crate::geometry::Size;
use crate::kernel::{Args, convolve};
use crate::plane::Components;
use std::sync::Arc;

/// The axes of a resize, in pixels of layer 0 as decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axes {
    pub x: Axis,
    pub y: Axis,
    pub resample: Resample,
}

impl Axes {
    /// The axes of a picture that stays as it is.
    pub(super) fn unchanged(size: Size, resample: Resample) -> Axes {
        let axis = |side: u32| Axis {
            start: 0,
            count: side,
            length: side.into(),
            scaled: side,
            kept_start: 0,
            kept_count: side,
            means: false,
            shift: 0.0,
        };
        Axes { x: axis(size.width), y: axis(size.height), resample }
    }
}

/// What becomes of each plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Planar {
    /// The decoder shall deliver 1/`reduction` of each side: 1, 2, 4 or 8.
    pub reduction: u32,
    /// The size of the result.
    pub result: Size,
    /// In the order of [`Components::sizes`].
    pub planes: Vec<PlanePlan>,
}

/// What becomes of one plane.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanePlan {
    /// The size that is decoded.
    pub decoded: Size,
    /// The size of the answer's plane: that of the last pass's result or larger, by edges that are
    /// repeated.
    pub answer: Size,
    /// Run in order; with none the plane stays as it is.
    pub passes: Vec<PlanePass>,
}

/// One convolve over a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanePass {
    pub params: convolve::Params,
    pub table: Arc<[u32]>,
}

impl PlanePass {
    /// The size of the result.
    pub fn size(&self) -> Size {
        Size::new(self.params.width, self.params.height)
    }
}

impl Plan {
    /// The plan over the planes of a source that has `components`, if it can be said so.
    ///
    /// Its answer is grey where the source is, else it has chroma as [`Output::chroma_span`] tells.
    /// An answer with chroma in full is not made of less: pixels have more, since the decoder takes
    /// down luma before chroma.
    ///
    /// [`Output::chroma_span`]: crate::format::Output::chroma_span
    pub fn planar(&self, components: Components) -> Option<Planar> {
        let (axes, layer) = (self.planar.as_ref()?, self.layers.first()?);
        let (result, decoded) = (self.result_size(), components.sizes(layer.size));
        let luma = self.luma()?;
        let planes = match (components, &decoded[..]) {
            (Components::Color { across, down }, [_, size, _]) => {
                let span = self.output.chroma_span();
                let (x, y) = (chroma_axis(&axes.x, across, span), chroma_axis(&axes.y, down, span));
                let lacks = |axis: &Axis, source: u32| source > span && axis.length < f64::from(axis.scaled);
                if span == 1 && (lacks(&x, across) || lacks(&y, down)) {
                    return None;
                }
                let chroma = resample(*size, &x, &y, axes.resample);
                (Components::Color { across: span, down: span }.sizes(result), vec![luma, chroma.clone(), chroma])
            }
            _ => (Components::Grey.sizes(result), vec![luma]),
        };
        let planes = decoded.into_iter().zip(planes.0).zip(planes.1);
        let planes = planes.map(|((decoded, answer), passes)| PlanePlan { decoded, answer, passes }).collect();
        Some(Planar { reduction: layer.reduction, result, planes })
    }

    /// The passes of the plan, which must be convolves in a row.
    fn luma(&self) -> Option<Vec<PlanePass>> {
        let mut read = Operand::Layer(0);
        let in_a_row = (0..).zip(&self.passes).map(|(index, pass)| match (pass.args, &pass.table) {
            (Args::Convolve(params), Some(table)) if pass.src == read => {
                read = Operand::Pass(index);
                Some(PlanePass { params, table: Arc::clone(table) })
            }
            _ => None,
        });
        in_a_row.collect()
    }
}

impl PlanePlan {
    /// The size that is held for what is decoded: with no passes it becomes the answer.
    pub fn held(&self) -> Size {
        if self.passes.is_empty() { self.answer } else { self.decoded }
    }

    /// The passes, each with the size that is held for its result.
    pub fn steps(&self) -> impl Iterator<Item = (&PlanePass, Size)> {
        let last = self.passes.len().saturating_sub(1);
        (0..).zip(&self.passes).map(move |(index, pass)| (pass, if index == last { self.answer } else { pass.size() }))
    }
}

impl Planar {
    /// Most bytes of samples alive at a time: all planes as decoded, then one after the other with
    /// its results, of which the last stays.
    pub fn peak_bytes(&self) -> u64 {
        let mut alive: u64 = self.planes.iter().map(|plane| plane.held().pixels()).sum();
        let mut peak = alive;
        for plane in &self.planes {
            let mut source = plane.held();
            for (_, result) in plane.steps() {
                alive += result.pixels();
                peak = peak.max(alive);
                alive -= source.pixels();
                source = result;
            }
        }
        peak
    }
}

/// The axis of a chroma plane whose samples are for `span` samples of luma, which takes `luma`, and
/// whose result's are for `answer_span`.
///
/// The middle of the result's sample j is that of luma's place j of those that are kept, or where its
/// places 2j and 2j + 1 meet. Samples at the window's edges count whole.
fn chroma_axis(luma: &Axis, span: u32, answer_span: u32) -> Axis {
    let (start, end) = (luma.start / span, (luma.start + luma.count).div_ceil(span));
    let scaled = luma.scaled.div_ceil(answer_span);
    // For an odd number of places the last sample spans one that is not there. In this order the
    // length of an axis that stays as it is comes out without a fraction.
    let place = luma.length / f64::from(luma.scaled);
    let length = f64::from(scaled * answer_span) * place / f64::from(span);
    let into_sample = f64::from(luma.start % span) / f64::from(span);
    let into_place = f64::from(luma.kept_start % answer_span) / f64::from(answer_span);
    Axis {
        start,
        count: end - start,
        length,
        scaled,
        kept_start: luma.kept_start / answer_span,
        kept_count: luma.kept_count.div_ceil(answer_span),
        means: luma.means,
        shift: into_sample + into_place * length / f64::from(scaled),
    }
}

/// Both passes of a resample of a plane, vertical first; fewer where an axis stays as it is.
fn resample(size: Size, x: &Axis, y: &Axis, filter: Resample) -> Vec<PlanePass> {
    let mut passes = Vec::new();
    let mut add = |size: Size, axis: u32, along: &Axis, across: (u32, u32)| {
        let Some((params, table)) = convolution(size, axis, along, across, true, filter) else { return size };
        let pass = PlanePass { params, table };
        let result = pass.size();
        passes.push(pass);
        result
    };
    let between = add(size, 1, y, (x.start, x.count));
    add(between, 0, &Axis { start: 0, ..*x }, (0, y.kept_count));
    passes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Color;
    use crate::format::{Format, Output, Probe};
    use crate::geometry::{Fit, Orientation, place};
    use crate::plan::{Canvas, Rules};

    fn axis(start: u32, count: u32, scaled: u32, kept_start: u32, kept_count: u32) -> Axis {
        Axis { start, count, length: count.into(), scaled, kept_start, kept_count, means: false, shift: 0.0 }
    }

    /// Where the middle of the result's `sample` lies, in samples of the source.
    fn middle(axis: &Axis, sample: u32) -> f64 {
        let scale = axis.length / f64::from(axis.scaled);
        f64::from(axis.start) + (f64::from(axis.kept_start + sample) + 0.5) * scale + axis.shift
    }

    #[test]
    fn chroma_lies_between_two_places_of_luma() {
        let windows = [(0, 400), (13, 95), (14, 94), (0, 1)];
        for (start, count) in windows {
            for (scaled, kept_start, kept_count) in [(100, 0, 100), (101, 0, 101), (101, 3, 57), (90, 4, 33), (1, 0, 1)]
            {
                let mut luma = axis(start, count, scaled, kept_start, kept_count);
                for fraction in [0.0, 0.25] {
                    luma.length = f64::from(count) - fraction;
                    for (span, answer) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                        let chroma = chroma_axis(&luma, span, answer);
                        assert_eq!(chroma.kept_count, kept_count.div_ceil(answer));
                        for sample in 0..chroma.kept_count {
                            let luma_scale = luma.length / f64::from(scaled);
                            let place = f64::from(kept_start + answer * sample) + f64::from(answer) / 2.0;
                            let between = f64::from(start) + place * luma_scale;
                            let found = middle(&chroma, sample) * f64::from(span);
                            assert!((found - between).abs() < 1e-9, "{luma:?} {span} {sample}: {found} {between}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn axes_worked_by_hand() {
        let even = chroma_axis(&axis(0, 400, 100, 0, 100), 2, 2);
        assert_eq!(even, axis(0, 200, 50, 0, 50));
        // 95 columns from 13 on touch the chroma samples 6 to 53; the window begins in the middle of one.
        let cropped = chroma_axis(&axis(13, 95, 50, 0, 50), 2, 2);
        assert_eq!((cropped.start, cropped.count, cropped.length, cropped.shift), (6, 48, 47.5, 0.5));
        // From place 3 on of halves: sample 1, and half a sample more of two wide.
        let kept = chroma_axis(&axis(0, 400, 200, 3, 20), 1, 2);
        assert_eq!((kept.scaled, kept.kept_start, kept.kept_count, kept.shift), (100, 1, 10, 2.0));
    }

    fn plan(size: Size, to: Size) -> Plan {
        plan_at(80, size, to)
    }

    fn plan_at(quality: u8, size: Size, to: Size) -> Plan {
        let orientation = Orientation::Upright;
        let probe = Probe { format: Format::Jpeg, size, orientation, frames: 1, alpha: false, quality: None };
        let mut canvas = Canvas::new(&probe, &Rules::default(), &[]);
        if size != to {
            let placement = place(Fit::Fixed, size, to, true).unwrap();
            canvas.resize(&placement, Color::WHITE).unwrap();
        }
        canvas.finish(Output { quality, ..Output::still(Format::Jpeg) }).unwrap()
    }

    #[test]
    fn planes_that_fit_are_left_alone() {
        let passes = |to, across, down| {
            let planar = plan(Size::new(90, 61), to).planar(Components::Color { across, down }).unwrap();
            planar.planes.iter().map(|plane| plane.passes.len()).collect::<Vec<_>>()
        };
        let same = Size::new(90, 61);
        assert_eq!(passes(same, 2, 2), [0, 0, 0]);
        assert_eq!(passes(same, 2, 1), [0, 1, 1]);
        assert_eq!(passes(same, 1, 1), [0, 2, 2]);
        // Half as wide, chroma of 4:4:0 is there already.
        assert_eq!(passes(Size::new(45, 61), 1, 2), [1, 1, 1]);
        let wide = plan(Size::new(90, 60), Size::new(90, 30)).planar(Components::Color { across: 2, down: 1 }).unwrap();
        assert_eq!(wide.planes.iter().map(|plane| plane.passes.len()).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn chroma_in_full_is_not_made_of_less() {
        let size = Size::new(90, 60);
        let passes = |to, across, down| {
            let planar = plan_at(90, size, to).planar(Components::Color { across, down })?;
            Some(planar.planes.iter().map(|plane| (plane.answer, plane.passes.len())).collect::<Vec<_>>())
        };
        assert_eq!(passes(size, 1, 1), Some(vec![(size, 0); 3]));
        for (across, down) in [(2, 2), (2, 1), (1, 2)] {
            assert_eq!(passes(size, across, down), None);
            assert_eq!(passes(Size::new(46, 31), across, down), None);
        }
        // Half the size has as much chroma as 4:2:0 has; less is taken down, all planes alike.
        let half = Size::new(45, 30);
        assert_eq!(passes(half, 2, 2), Some(vec![(half, 2), (half, 0), (half, 0)]));
        let small = Size::new(30, 20);
        assert_eq!(passes(small, 2, 2), Some(vec![(small, 2); 3]));
        // Enlarged, chroma of 4:4:4 is as good as luma.
        assert_eq!(passes(Size::new(180, 120), 1, 1), Some(vec![(Size::new(180, 120), 2); 3]));
        assert!(plan_at(89, size, size).planar(Components::Color { across: 2, down: 2 }).is_some());
    }

    #[test]
    fn peak_counts_planes_that_are_alive_together() {
        let planar = plan(Size::new(90, 61), Size::new(90, 61)).planar(Components::Color { across: 2, down: 2 });
        // Luma goes as far as chroma does: 90 × 62 and twice 45 × 31.
        assert_eq!(planar.unwrap().peak_bytes(), 90 * 62 + 2 * 45 * 31);
        let planar = plan(Size::new(80, 60), Size::new(60, 50)).planar(Components::Color { across: 2, down: 2 });
        // All planes, luma of 80 × 50 between its passes; then those are gone, and chroma is smaller.
        assert_eq!(planar.unwrap().peak_bytes(), 80 * 60 + 2 * 40 * 30 + 80 * 50);
        let grey = plan(Size::new(7, 7), Size::new(7, 7)).planar(Components::Grey).unwrap();
        assert_eq!((grey.planes.len(), grey.peak_bytes()), (1, 49));
    }
}
