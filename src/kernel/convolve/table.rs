//! The table of weights, read.

use super::Params;
use std::ops::Range;

/// A table with the parameters that tell its layout.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub params: &'a Params,
    pub words: &'a [u32],
}

impl<'a> Table<'a> {
    /// Source place of the first tap for `place`; may lie outside for a blur.
    #[inline(always)]
    pub fn first(&self, place: u32) -> i32 {
        self.words[(place * self.params.stride) as usize] as i32 + (place * self.params.advance) as i32
    }

    /// The weights for `place`, as words.
    #[inline(always)]
    pub fn weights(&self, place: u32) -> &'a [u32] {
        let start = (place * self.params.stride) as usize + 1;
        &self.words[start..start + self.params.taps as usize]
    }

    /// The weights for `place` of an opaque picture.
    #[inline(always)]
    pub fn fixed(&self, place: u32) -> &'a [i32] {
        bytemuck::cast_slice(self.weights(place))
    }

    /// The weights for `place` of a premultiplied picture.
    #[inline(always)]
    pub fn floats(&self, place: u32) -> &'a [f32] {
        bytemuck::cast_slice(self.weights(place))
    }

    /// A source place, cut to those that may be read.
    #[inline(always)]
    pub fn inside(&self, place: i32) -> usize {
        place.clamp(self.params.low, self.params.high - 1) as usize
    }

    /// All source places that any result along x reads.
    pub fn span(&self) -> Range<i32> {
        let places = 0..self.params.width;
        let start = places.clone().map(|place| self.first(place)).min().unwrap_or(0);
        let end = places.map(|place| self.first(place)).max().unwrap_or(0) + self.params.taps as i32;
        start..end
    }

    /// Whether every tap with a weight lies at a place that may be read.
    pub fn stays_inside(&self) -> bool {
        let Params { width, taps, low, high, .. } = *self.params;
        (0..width).all(|place| {
            let first = self.first(place);
            let beyond = (high - first).clamp(0, taps as i32) as usize;
            first >= low && self.weights(place)[beyond..].iter().all(|weight| *weight == 0)
        })
    }
}
