//! Free rotation, watermarks and animations, per engine, as plans made by hand: passes only.
//!
//! `cpu` is the serving engine on all cores, `one_core` the same on one, `gpu` whatever adapter
//! there is.

use crate::support::{SIZES, engines, picture};
use divan::Bencher;
use divan::counter::ItemsCount;
use pixelpass::cancel::Cancel;
use pixelpass::engine::Engine;
use pixelpass::format::{Format, Output};
use pixelpass::geometry::Size;
use pixelpass::kernel::{Args, blend, warp};
use pixelpass::plan::{Layer, Operand, Origin, Pass, Plan};
use std::fmt;
use std::sync::Arc;

/// A watermark of some words.
const OVERLAY: Size = Size::new(240, 60);

/// What is done.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Turned by 30 degrees.
    Rotate,
    /// One watermark in the lower right.
    Watermark,
    /// Watermarks all over.
    Tiles,
    /// One watermark on ten frames.
    Animation,
}

#[derive(Clone, Copy)]
struct Case {
    work: Work,
    size: Size,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4.1} MP {:?}", self.size.pixels() as f64 / 1e6, self.work)
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let all = [Work::Rotate, Work::Watermark, Work::Tiles, Work::Animation];
    let cases = all.into_iter().flat_map(|work| SIZES.map(|size| Case { work, size }));
    cases.filter(|case| !matches!(case.work, Work::Animation) || case.size.pixels() < 3_000_000)
}

impl Case {
    fn frames(&self) -> usize {
        if matches!(self.work, Work::Animation) { 10 } else { 1 }
    }

    fn plan(&self) -> Arc<Plan> {
        let layer = |origin, size| Layer { origin, size, stored: size, reduction: 1 };
        let mut layers = vec![layer(Origin::Source, self.size)];
        let (args, table, overlay) = match self.work {
            Work::Rotate => {
                let (args, table) = turn(self.size);
                (args, Some(table.into()), None)
            }
            Work::Watermark | Work::Tiles | Work::Animation => {
                layers.push(layer(Origin::Asset(0), OVERLAY));
                (self.blend(), None, Some(Operand::Layer(1)))
            }
        };
        let passes = vec![Pass { args, src: Operand::Layer(0), overlay, table }];
        Arc::new(Plan { layers, passes, opaque: false, output: Output::still(Format::Png), planar: None })
    }

    fn blend(&self) -> Args {
        let Size { width, height } = self.size;
        let corner = |side: u32, overlay: u32| side as i32 - overlay as i32 - 10;
        let once = blend::Params {
            width,
            height,
            left: corner(width, OVERLAY.width),
            top: corner(height, OVERLAY.height),
            step_x: blend::ONCE,
            step_y: blend::ONCE,
            overlay_width: OVERLAY.width,
            overlay_height: OVERLAY.height,
            opacity: 70,
        };
        Args::Blend(match self.work {
            Work::Tiles => {
                blend::Params { left: 0, top: 0, step_x: OVERLAY.width + 10, step_y: OVERLAY.height + 10, ..once }
            }
            _ => once,
        })
    }
}

/// A turn by 30 degrees around the middle into a picture that holds it.
fn turn(source: Size) -> (Args, Vec<u32>) {
    let (sine, cosine) = 30f64.to_radians().sin_cos();
    let (width, height) = (f64::from(source.width), f64::from(source.height));
    let (across, down) = (width * cosine + height * sine, width * sine + height * cosine);
    let size = Size::new(across.ceil() as u32, down.ceil() as u32);
    let word = |place: f64| (place * 65536.0).round() as i32 as u32;
    let columns = (0..size.width).map(|x| f64::from(x) - across / 2.0);
    let columns = columns.flat_map(|x| [word(x * cosine + width / 2.0), word(-x * sine + height / 2.0)]);
    let rows = (0..size.height).map(|y| f64::from(y) - down / 2.0).flat_map(|y| [word(y * sine), word(y * cosine)]);
    let params = warp::Params {
        width: size.width,
        height: size.height,
        source_width: source.width,
        source_height: source.height,
    };
    (Args::Warp(params), columns.chain(rows).collect())
}

/// Times a case on an engine, the pictures already in the engine's frames.
fn time(bencher: Bencher, engine: &dyn Engine, case: &Case) {
    let plan = case.plan();
    let inputs = || {
        let sources = (0..case.frames()).map(|_| picture(engine, case.size)).collect::<Vec<_>>();
        let overlays = plan.layers[1..].iter().map(|layer| picture(engine, layer.size)).collect::<Vec<_>>();
        (sources, overlays)
    };
    let run = |(sources, overlays)| {
        let done = engine.run(&plan, sources, overlays, &Cancel::never());
        done.unwrap_or_else(|declined| panic!("{declined}")).frames.len()
    };
    assert_eq!(run(inputs()), case.frames());
    let pixels = case.size.pixels() * case.frames() as u64;
    bencher.counter(ItemsCount::new(pixels)).with_inputs(inputs).bench_values(run);
}

engines!(cases, time);
