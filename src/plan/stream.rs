//! Streaming: a first pass that runs while its source is still being decoded, so that a large
//! source is never held whole.
//!
//! A convolve reads, for each result row, a few source rows that lie together, and later result
//! rows never need earlier source rows. What may be dropped when, and how a part of the pass is
//! said over a window of source rows, is told here; who decodes and who runs is not.

use super::{Layer, Operand, Plan};
use crate::geometry::Size;
use crate::kernel::{Args, convolve};
use crate::pixel::TEXEL_BYTES;
use std::borrow::Cow;
use std::ops::Range;

/// Bytes of source rows that are read at a time: enough that sharing the work over them among
/// cores is worth it, few beside everything else.
pub const BAND_BYTES: u64 = 4 * 1024 * 1024;

/// The first pass of a plan over a source that comes in rows, from top to bottom.
#[derive(Debug)]
pub struct Stream<'a> {
    params: convolve::Params,
    table: &'a [u32],
    /// The whole source.
    source: Size,
    /// Rows of the source that are held at a time.
    window_rows: u32,
}

impl Plan {
    /// The first pass as a stream that reads `band_bytes` of source rows at a time, where it can be
    /// one: a convolve that alone reads the source of a still, as stored.
    pub fn stream(&self, band_bytes: u64) -> Option<Stream<'_>> {
        let source = Operand::Layer(0);
        let (first, layer) = (self.passes.first()?, self.layers.first()?);
        let Args::Convolve(params) = first.args else { return None };
        let alone = first.src == source && first.overlay.is_none() && self.last_reader(source) == Some(0);
        if !alone || params.keep_alpha == 1 || self.output.animated || layer.reduction != 1 {
            return None;
        }
        let table = first.table.as_deref()?;
        let mut stream = Stream { params, table, source: layer.size, window_rows: 0 };
        let mut span = 1;
        let mut before = stream.needs(0);
        for row in 0..params.height {
            let needs = stream.needs(row);
            if needs.start < before.start || needs.end < before.end {
                return None;
            }
            span = span.max(needs.end - needs.start);
            before = needs;
        }
        // A band is no smaller than what stays for the next one, so that at most every row is
        // moved once.
        let row_bytes = u64::from(layer.size.width) * TEXEL_BYTES as u64;
        let band = (band_bytes / row_bytes).max(span.into());
        stream.window_rows = (band + u64::from(span)).min(layer.size.height.into()) as u32;
        Some(stream)
    }

    /// What is left of the plan when the result of its first pass takes the source's place.
    pub fn after_first(&self) -> Plan {
        let mut rest = Plan { planar: None, ..self.clone() };
        let first = rest.passes.remove(0);
        let size = first.args.size();
        if let Some(source) = rest.layers.first_mut() {
            *source = Layer { origin: source.origin.clone(), size, stored: size, reduction: 1 };
        }
        let renamed = |operand| match operand {
            Operand::Pass(0) => Operand::Layer(0),
            Operand::Pass(index) => Operand::Pass(index - 1),
            layer => layer,
        };
        for pass in &mut rest.passes {
            pass.src = renamed(pass.src);
            pass.overlay = pass.overlay.map(renamed);
        }
        rest
    }

    /// As [`Plan::peak_bytes`], when the source is streamed, if it can be.
    pub fn streamed_bytes(&self) -> Option<u64> {
        let stream = self.stream(BAND_BYTES)?;
        let first = (stream.window().pixels() + stream.result().pixels()) * TEXEL_BYTES as u64;
        Some(first.max(self.after_first().peak_bytes()))
    }
}

impl<'a> Stream<'a> {
    /// The size of the pass's result.
    pub fn result(&self) -> Size {
        Size::new(self.params.width, self.params.height)
    }

    /// The size of the whole source.
    pub fn source(&self) -> Size {
        self.source
    }

    /// The rows of the source that are held at a time, as wide as the source.
    pub fn window(&self) -> Size {
        Size::new(self.source.width, self.window_rows)
    }

    /// The source rows that the result's row `row` is made of.
    pub fn needs(&self, row: u32) -> Range<u32> {
        let convolve::Params { axis, cross, taps, stride, advance, low, high, .. } = self.params;
        if axis == 0 {
            return row + cross..row + cross + 1;
        }
        let first = self.table[(row * stride) as usize] as i32 + (row * advance) as i32;
        let place = |tap: u32| (first + tap as i32).clamp(low, high - 1) as u32;
        place(0)..place(taps.saturating_sub(1)) + 1
    }

    /// The part of the pass that makes the result's `rows`, as a pass of its own with its table,
    /// over a window of source rows that begins at `start`.
    pub fn part(&self, rows: Range<u32>, start: u32) -> (Args, Cow<'a, [u32]>) {
        let mut params = convolve::Params { height: rows.end - rows.start, ..self.params };
        if params.axis == 0 {
            params.cross = params.cross + rows.start - start;
            return (Args::Convolve(params), Cow::Borrowed(self.table));
        }
        params.low -= start as i32;
        params.high -= start as i32;
        let shift = (rows.start * params.advance) as i32 - start as i32;
        let row_words = 1 + params.taps as usize;
        let mut table = match params.stride as usize {
            0 => self.table[..row_words].to_vec(),
            stride => self.table[rows.start as usize * stride..rows.end as usize * stride].to_vec(),
        };
        for row in table.chunks_mut(row_words.max(params.stride as usize)) {
            row[0] = (row[0] as i32 + shift) as u32;
        }
        (Args::Convolve(params), Cow::Owned(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Color;
    use crate::format::{Format, Output, Probe};
    use crate::geometry::{Fit, Orientation, Rect, place};
    use crate::plan::{Canvas, Rules};

    fn plan(size: Size, alpha: bool, verbs: impl FnOnce(&mut Canvas)) -> Plan {
        let orientation = Orientation::Upright;
        let probe = Probe { format: Format::Png, size, orientation, frames: 1, alpha, quality: None };
        let mut canvas = Canvas::new(&probe, &Rules::default(), &[]);
        verbs(&mut canvas);
        canvas.finish(Output::still(Format::Png)).unwrap()
    }

    fn halved(canvas: &mut Canvas) {
        let Size { width, height } = canvas.size();
        let half = place(Fit::Fixed, canvas.size(), Size::new(width / 2, height / 2), false).unwrap();
        canvas.resize(&half, Color::WHITE).unwrap();
    }

    #[test]
    fn rows_are_needed_as_the_table_says() {
        // Lanczos at one half: twelve taps, the first of result row 25 being source row 45; at the
        // edges only those that are there.
        let plan = plan(Size::new(100, 100), false, halved);
        let stream = plan.stream(0).unwrap();
        assert_eq!(stream.needs(25), 45..57);
        assert_eq!(stream.needs(0).start, 0);
        assert_eq!(stream.needs(49).end, 100);
        assert_eq!((stream.result(), stream.source()), (Size::new(100, 50), Size::new(100, 100)));
        assert_eq!(stream.window(), Size::new(100, 24));
        assert_eq!(plan.stream(1 << 30).unwrap().window(), Size::new(100, 100));
    }

    #[test]
    fn a_crop_shifts_what_is_needed() {
        let window = Rect { x: 3, y: 40, width: 20, height: 30 };
        let upright = plan(Size::new(100, 100), false, |canvas| {
            canvas.crop(window);
            halved(canvas);
        });
        let stream = upright.stream(0).unwrap();
        assert_eq!((stream.needs(0).start, stream.needs(14).end), (40, 70));
        // Turned, the stored horizontal goes first: one source row for each result row.
        let turned = plan(Size::new(100, 100), false, |canvas| {
            canvas.crop(window);
            canvas.orient(Orientation::Turn90);
            halved(canvas);
        });
        let stream = turned.stream(0).unwrap();
        assert_eq!((stream.needs(0), stream.needs(29)), (40..41, 69..70));
        assert_eq!(stream.window().height, 2);
    }

    #[test]
    fn only_a_lone_convolve_of_the_source_streams() {
        let size = Size::new(40, 40);
        let streams = |alpha, verbs: fn(&mut Canvas)| plan(size, alpha, verbs).stream(0).is_some();
        assert!(streams(true, halved));
        assert!(streams(false, |canvas| canvas.blur(3, 2.0)));
        // With alpha the blur's second pass reads the source as well.
        assert!(!streams(true, |canvas| canvas.blur(3, 2.0)));
        assert!(!streams(false, |_| ()));
        assert!(!streams(false, |canvas| canvas.sharpen(100)));
        let mut animated = plan(size, true, halved);
        animated.output.animated = true;
        assert!(animated.stream(0).is_none());
        let mut reduced = plan(size, true, halved);
        reduced.layers[0].reduction = 2;
        assert!(reduced.stream(0).is_none());
    }

    #[test]
    fn the_rest_reads_the_first_result_as_its_source() {
        let plan = plan(Size::new(60, 40), false, |canvas| {
            halved(canvas);
            canvas.blur(3, 2.0);
            canvas.sharpen(100);
        });
        let rest = plan.after_first();
        let sources: Vec<_> = rest.passes.iter().map(|pass| pass.src).collect();
        assert_eq!(sources, [Operand::Layer(0), Operand::Pass(0), Operand::Pass(1), Operand::Pass(2)]);
        assert_eq!((rest.layers[0].size, rest.result_size()), (Size::new(60, 20), Size::new(30, 20)));
    }

    #[test]
    fn a_stream_counts_its_window_in_place_of_the_source() {
        let plan = plan(Size::new(25_000, 10_000), false, |canvas| {
            let placement = place(Fit::Lfit, canvas.size(), Size::new(1000, 1000), false).unwrap();
            canvas.resize(&placement, Color::WHITE).unwrap();
        });
        // Lanczos at a 25th: 6 × 25 taps and at most 2 for the ends; the band is as long.
        let window = u64::from(plan.stream(BAND_BYTES).unwrap().window().height);
        assert!((300..=304).contains(&window), "{window}");
        assert_eq!(plan.streamed_bytes(), Some((window + 400) * 25_000 * 4));
        assert_eq!(plan.peak_bytes(), (10_000 + 400) * 25_000 * 4);
    }
}
