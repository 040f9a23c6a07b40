//! Every example chain at three sizes, per engine: passes only, no codec.
//!
//! `cpu` is the serving engine on all cores, `one_core` the same on one, `reference` the readable
//! scalar kernels (to 2 megapixels), `gpu` whatever adapter there is.

use crate::support::{Case, SIZES, time};
use divan::Bencher;
use pixelpass::engine::cpu::{CpuEngine, Seats};
use pixelpass::process::registry;

/// Examples that compute something; the others only steer the encoder.
fn cases() -> impl Iterator<Item = Case> {
    // Watermarks bring further layers; `layers` times them.
    let alone = registry::examples().filter(|(action, _)| *action != "watermark");
    let all = alone.flat_map(|(_, process)| SIZES.map(|size| Case { process, size }));
    all.filter(|case| !case.plan().passes.is_empty())
}

fn small_cases() -> impl Iterator<Item = Case> {
    cases().filter(|case| case.size.pixels() < 3_000_000)
}

#[divan::bench(args = cases(), sample_count = 9, sample_size = 1, max_time = 3)]
fn cpu(bencher: Bencher, case: &Case) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    time(bencher, &CpuEngine::new(Seats::new(cores - 1)), case);
}

#[divan::bench(args = cases(), sample_count = 9, sample_size = 1, max_time = 3)]
fn one_core(bencher: Bencher, case: &Case) {
    let seats = Seats::new(1);
    let _mine = seats.take(1);
    time(bencher, &CpuEngine::new(seats), case);
}

#[divan::bench(args = small_cases(), sample_count = 3, sample_size = 1, max_time = 3)]
fn reference(bencher: Bencher, case: &Case) {
    time(bencher, &CpuEngine::reference(), case);
}

#[cfg(feature = "gpu")]
#[divan::bench(args = cases(), sample_count = 9, sample_size = 1, max_time = 3)]
fn gpu(bencher: Bencher, case: &Case) {
    if let Ok(engine) = crate::support::gpu() {
        time(bencher, engine, case);
    }
}
