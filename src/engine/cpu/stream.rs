//! The first pass over a source that comes in rows: a window slides down the source, and every
//! result row is made as soon as the window holds what it needs.

use super::CpuEngine;
use crate::cancel::Cancel;
use crate::engine::{Declined, Engine, NextRows};
use crate::kernel::Inputs;
use crate::pixel::Frame;
use crate::plan::stream::Stream;

impl CpuEngine {
    /// As [`Engine::stream`]. All rows of the source are asked for, also those that nothing is made
    /// of, so that a file with damage is refused wherever the damage is.
    pub(super) fn slide(&self, stream: &Stream, next_rows: &mut NextRows, cancel: &Cancel) -> Result<Frame, Declined> {
        let (rows, size) = (stream.result().height, stream.window());
        let mut target = self.frame(stream.result())?;
        let mut window = self.frame(size)?;
        // Source rows start..read are in the window; result rows up to `made` are done.
        let (mut start, mut read, mut made) = (0, 0, 0);
        while read < stream.source().height {
            cancel.check().map_err(Declined::Error)?;
            let wanted = if made < rows { stream.needs(made).start.min(read) } else { read };
            let pitch = window.pitch();
            let place = |row: u32| (row - start) as usize * pitch;
            let (from, to) = (place(wanted), place(read));
            window.view_mut().bytes().copy_within(from..to, 0);
            start = wanted;
            let kept = read - start;
            let band = (size.height - kept).min(stream.source().height - read);
            next_rows(&mut window.view_mut().part(kept..kept + band)).map_err(Declined::Error)?;
            read += band;
            let ready = (made..rows).find(|row| stream.needs(*row).end > read).unwrap_or(rows);
            if ready > made {
                let (args, table) = stream.part(made..ready, start);
                let inputs = Inputs { src: window.view(), overlay: window.view(), table: &table };
                self.pass(&args, &inputs, target.view_mut().part(made..ready), cancel)?;
                made = ready;
            }
        }
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Color;
    use crate::engine::cpu::Seats;
    use crate::error::{Code, Error};
    use crate::format::{Format, Output, Probe};
    use crate::geometry::{Fit, Orientation, Rect, Size, place};
    use crate::pixel::{View, ViewMut};
    use crate::plan::weights::Resample;
    use crate::plan::{Canvas, Plan, Rules};
    use std::sync::Arc;

    /// Pixels without a pattern; about every fourth transparent where not `opaque`.
    fn noise(size: Size, opaque: bool) -> Vec<u8> {
        let mut state = 0x9e37_79b9_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        let texel = |_| {
            let alpha = if opaque { 255 } else { [0, 1, 200, 255][next() as usize % 4] };
            [next() as u8, next() as u8, next() as u8, alpha]
        };
        (0..size.pixels()).flat_map(texel).collect()
    }

    fn plan(size: Size, opaque: bool, resample: Resample, verbs: impl FnOnce(&mut Canvas)) -> Arc<Plan> {
        let orientation = Orientation::Upright;
        let probe = Probe { format: Format::Png, size, orientation, frames: 1, alpha: !opaque, quality: None };
        let mut canvas = Canvas::new(&probe, &Rules { resample, ..Rules::default() }, &[]);
        verbs(&mut canvas);
        Arc::new(canvas.finish(Output::still(Format::Png)).unwrap())
    }

    fn fixed(canvas: &mut Canvas, width: u32, height: u32) {
        let placement = place(Fit::Fixed, canvas.size(), Size::new(width, height), true).unwrap();
        canvas.resize(&placement, Color::WHITE).unwrap();
    }

    /// Hands out the rows of a picture in order.
    fn rows_of<'a>(view: View<'a>) -> impl FnMut(&mut ViewMut) -> Result<(), Error> + use<'a> {
        let mut y = 0;
        move |target| {
            for row in 0..target.size().height {
                target.row(row).copy_from_slice(view.row(y));
                y += 1;
            }
            Ok(())
        }
    }

    /// The plan with its first pass streamed, in bands of several sizes, against the plan run whole.
    fn check(size: Size, opaque: bool, plan: &Arc<Plan>) {
        let pixels = noise(size, opaque);
        let view = View::new(size, size.width as usize * 4, &pixels);
        for engine in [CpuEngine::new(Seats::new(3)), CpuEngine::reference()] {
            let never = Cancel::never();
            let source = Frame::packed(size, pixels.clone());
            let whole = engine.run(plan, vec![source], Vec::new(), &never).unwrap().frames.remove(0);
            for band_bytes in [0, 9 * 4 * u64::from(size.width), 1 << 30] {
                let stream = plan.stream(band_bytes).expect("streams");
                let first = engine.stream(&stream, &mut rows_of(view), &never).unwrap();
                let rest = Arc::new(plan.after_first());
                let streamed = engine.run(&rest, vec![first], Vec::new(), &never).unwrap().frames.remove(0);
                assert_eq!(streamed.size(), whole.size());
                assert!(streamed.view().to_vec() == whole.view().to_vec(), "{size}, {band_bytes}: {plan}");
            }
        }
    }

    #[test]
    fn streamed_and_whole_runs_are_equal() {
        let shapes = [(61, 47, 20, 11), (61, 47, 130, 99), (61, 47, 61, 5), (61, 47, 9, 47), (1, 90, 1, 7)];
        let more = [(90, 1, 7, 1), (1, 1, 5, 5), (5, 300, 5, 1), (40, 40, 13, 160), (64, 17, 63, 16)];
        for (width, height, new_width, new_height) in shapes.into_iter().chain(more) {
            for (opaque, resample) in [(true, Resample::Lanczos), (false, Resample::Lanczos), (true, Resample::Area)] {
                let size = Size::new(width, height);
                check(size, opaque, &plan(size, opaque, resample, |canvas| fixed(canvas, new_width, new_height)));
            }
        }
    }

    #[test]
    fn crops_turns_and_blurs_are_equal() {
        let size = Size::new(60, 80);
        let window = Rect { x: 7, y: 31, width: 40, height: 20 };
        for orientation in [Orientation::Upright, Orientation::Turn90, Orientation::Turn180, Orientation::Turn270] {
            for opaque in [true, false] {
                let cropped = plan(size, opaque, Resample::Lanczos, |canvas| {
                    canvas.crop(window);
                    canvas.orient(orientation);
                    fixed(canvas, 17, 9);
                    canvas.sharpen(100);
                    canvas.crop(Rect { x: 1, y: 1, width: 10, height: 7 });
                });
                check(size, opaque, &cropped);
            }
        }
        check(size, true, &plan(size, true, Resample::Lanczos, |canvas| canvas.blur(20, 9.0)));
        let filled = plan(size, true, Resample::Lanczos, |canvas| {
            let placement = place(Fit::Fill, canvas.size(), Size::new(30, 11), false).unwrap();
            canvas.resize(&placement, Color::WHITE).unwrap();
        });
        check(size, true, &filled);
    }

    #[test]
    fn errors_and_departures_end_a_stream() {
        let size = Size::new(10, 100);
        let plan = plan(size, true, Resample::Lanczos, |canvas| {
            canvas.crop(Rect { x: 0, y: 0, width: 10, height: 20 });
            fixed(canvas, 5, 10);
        });
        let stream = plan.stream(0).unwrap();
        let engine = CpuEngine::new(Seats::new(1));
        let code = |result: Result<Frame, Declined>| match result {
            Err(Declined::Error(error)) => error.code,
            other => panic!("{other:?}"),
        };
        // Damage in rows that nothing is made of is damage all the same.
        let mut left = 99;
        let mut cut = |target: &mut ViewMut| {
            left -= i32::try_from(target.size().height).unwrap();
            if left < 0 { Err(Error::damaged("cut off")) } else { Ok(()) }
        };
        assert_eq!(code(engine.stream(&stream, &mut cut, &Cancel::never())), Code::ImageDamage);
        let cancel = Cancel::never();
        let mut asked = 0;
        let mut left_alone = |_: &mut ViewMut| {
            asked += 1;
            if asked == 2 {
                cancel.give_up();
            }
            Ok(())
        };
        assert_eq!(code(engine.stream(&stream, &mut left_alone, &cancel)), Code::ServiceUnavailable);
        assert_eq!(asked, 2);
    }
}
