//! Planar plans: a resize of a JPEG into a JPEG, said over luma and chroma instead of pixels.
//!
//! The decoder has planes and the encoder wants planes, so colours need not be made in between.
//! Chroma goes once from the resolution that the file has it in to the half that the answer has it
//! in. Luma takes the very passes of the plan; what chroma takes follows from their axes.

use super::scaling::convolution;
use super::weights::{Axis, Resample};
use super::{Operand, Plan};
use crate::geometry::Size;
use crate::kernel::{Args, convolve};
use crate::plane::Components;
use std::sync::Arc;

/// Luma samples that a chroma sample of an answer is for, along each axis.
const ANSWER_SPAN: u32 = 2;

/// The planes of an answer in colours.
const ANSWER: Components = Components::Color { across: ANSWER_SPAN, down: ANSWER_SPAN };

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
    /// Its answer is grey where the source is, else it has chroma at half its resolution.
    pub fn planar(&self, components: Components) -> Option<Planar> {
        let (axes, layer) = (self.planar.as_ref()?, self.layers.first()?);
        let (result, decoded) = (self.result_size(), components.sizes(layer.size));
        let luma = self.luma()?;
        let planes = match (components, &decoded[..]) {
            (Components::Color { across, down }, [_, size, _]) => {
                let (x, y) = (chroma_axis(&axes.x, across), chroma_axis(&axes.y, down));
                let chroma = resample(*size, &x, &y, axes.resample);
                (ANSWER.sizes(result), vec![luma, chroma.clone(), chroma])
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

/// The axis of a chroma plane whose samples are for `span` samples of luma, which takes `luma`.
///
/// The middle of the result's sample j is where luma's places 2j and 2j + 1 of those that are kept
/// meet. Samples at the window's edges count whole.
fn chroma_axis(luma: &Axis, span: u32) -> Axis {
    let (start, end) = (luma.start / span, (luma.start + luma.count).div_ceil(span));
    let scaled = luma.scaled.div_ceil(ANSWER_SPAN);
    // For an odd number of places the last sample spans one that is not there.
    let spanned = f64::from(scaled * ANSWER_SPAN) / f64::from(luma.scaled);
    let length = luma.length / f64::from(span) * spanned;
    let into_sample = f64::from(luma.start % span) / f64::from(span);
    let into_place = f64::from(luma.kept_start % ANSWER_SPAN) / f64::from(ANSWER_SPAN);
    Axis {
        start,
        count: end - start,
        length,
        scaled,
        kept_start: luma.kept_start / ANSWER_SPAN,
        kept_count: luma.kept_count.div_ceil(ANSWER_SPAN),
        means: luma.means,
        shift: into_sample + into_place * length / f64::from(scaled),
    }
}

/// Both passes of a resample of a plane, vertical first; fewer where an axis stays as it is.
fn resample(size: Size, x: &Axis, y: &Axis, filter: Resample) -> Vec<PlanePass> {
    let mut passes = Vec::new();
    let mut add = |size: Size, axis: u32, along: &Axis, across: (u32, u32)| {
        let Some((params, table)) = convolution(size, axis, along, across, true, filter) else { return size };
        let pass = PlanePass { params, table: table.into() };
        let result = pass.size();
        passes.push(pass);
        result
    };
    let between = add(size, 1, y, (x.start, x.count));
    add(between, 0, &Axis { start: 0, ..*x }, (0, y.kept_count));
    passes
}
