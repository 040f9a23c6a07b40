//! What benches share: pictures of three sizes, plans for them, the header line.

use divan::Bencher;
use divan::counter::ItemsCount;
use pixelpass::cancel::Cancel;
use pixelpass::engine::Engine;
use pixelpass::format::{Format, Probe};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::pixel::Frame;
use pixelpass::plan::{Plan, Rules};
use pixelpass::process::Pipe;
use std::fmt;
use std::sync::Arc;

/// 0.1, 2 and 12 megapixels.
pub const SIZES: [Size; 3] = [Size::new(400, 267), Size::new(1632, 1224), Size::new(4000, 3000)];

/// A process string on a picture of one of the sizes.
#[derive(Clone, Copy)]
pub struct Case {
    pub process: &'static str,
    pub size: Size,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megapixels = self.size.pixels() as f64 / 1e6;
        write!(f, "{megapixels:>4.1} MP {}", self.process.trim_start_matches("image/"))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Case {
    /// The plan for an opaque picture decoded in full.
    pub fn plan(&self) -> Arc<Plan> {
        let orientation = Orientation::Upright;
        let probe = Probe { format: Format::Png, size: self.size, orientation, frames: 1, alpha: false, quality: None };
        let pipe = Pipe::parse(self.process, |_| None).expect("an example parses");
        Arc::new(pipe.chains()[0].plan(&probe, &Rules::default(), &[]).expect("an example plans"))
    }
}

/// Fills an engine's frame with a picture that has edges and ramps.
pub fn picture(engine: &dyn Engine, size: Size) -> Frame {
    let mut frame = engine.frame(size).unwrap_or_else(|declined| panic!("{declined}"));
    let mut view = frame.view_mut();
    for y in 0..size.height {
        for (x, pixel) in view.row(y).chunks_exact_mut(4).enumerate() {
            let x = x as u32;
            pixel.copy_from_slice(&[(x / 3) as u8, (y / 5) as u8, ((x * y) >> 7) as u8, 255]);
        }
    }
    frame
}

/// Runs once and checks that the answer is not empty before anything is timed.
fn check(engine: &dyn Engine, plan: &Arc<Plan>, size: Size) {
    let done = engine.run(plan, vec![picture(engine, size)], vec![], &Cancel::never());
    let done = done.unwrap_or_else(|declined| panic!("{declined}"));
    assert_eq!(done.frames[0].size(), plan.result_size());
    assert!(done.frames[0].view().row(plan.result_size().height / 2).iter().any(|byte| *byte != 0));
}

/// Times a case on an engine, the picture already in the engine's frame.
pub fn time(bencher: Bencher, engine: &dyn Engine, case: &Case) {
    let plan = case.plan();
    check(engine, &plan, case.size);
    bencher.counter(ItemsCount::new(case.size.pixels())).with_inputs(|| picture(engine, case.size)).bench_values(
        |frame| engine.run(&plan, vec![frame], vec![], &Cancel::never()).map(|done| done.frames[0].size()),
    );
}

/// Whatever adapter there is, or why there is none.
#[cfg(feature = "gpu")]
pub fn gpu() -> Result<&'static pixelpass::engine::gpu::GpuEngine, String> {
    use pixelpass::engine::gpu::{GpuEngine, Options};
    use std::sync::OnceLock;
    static ENGINE: OnceLock<Result<GpuEngine, String>> = OnceLock::new();
    let start = || GpuEngine::start(Options::default()).map(|(engine, _)| engine).map_err(|error| error.to_string());
    ENGINE.get_or_init(start).as_ref().map_err(String::clone)
}

/// Says what is measured: a figure without its machine is not quoted.
pub fn announce() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("pixelpass {}, {cores} cores", env!("CARGO_PKG_VERSION"));
    #[cfg(feature = "gpu")]
    match gpu() {
        Ok(engine) => println!("gpu: {}", engine.facts().name),
        Err(reason) => println!("gpu: not measured: {reason}"),
    }
}

/// The benches `cpu` (all cores), `one_core` and `gpu` of a function that times a case on an engine.
macro_rules! engines {
    ($cases:ident, $time:ident) => {
        #[divan::bench(args = $cases(), sample_count = 9, sample_size = 1, max_time = 3)]
        fn cpu(bencher: divan::Bencher, case: &Case) {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let seats = pixelpass::engine::cpu::Seats::new(cores - 1);
            $time(bencher, &pixelpass::engine::cpu::CpuEngine::new(seats), case);
        }

        #[divan::bench(args = $cases(), sample_count = 9, sample_size = 1, max_time = 3)]
        fn one_core(bencher: divan::Bencher, case: &Case) {
            let seats = pixelpass::engine::cpu::Seats::new(1);
            let _mine = seats.take(1);
            $time(bencher, &pixelpass::engine::cpu::CpuEngine::new(seats), case);
        }

        #[cfg(feature = "gpu")]
        #[divan::bench(args = $cases(), sample_count = 9, sample_size = 1, max_time = 3)]
        fn gpu(bencher: divan::Bencher, case: &Case) {
            if let Ok(engine) = crate::support::gpu() {
                $time(bencher, engine, case);
            }
        }
    };
}
pub(crate) use engines;
