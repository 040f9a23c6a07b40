//! Every example chain at three sizes, per engine: passes only, no codec.
//!
//! `cpu` is the serving engine on all cores, `one_core` the same on one, `reference` the readable
//! scalar kernels (to 2 megapixels), `gpu` whatever adapter there is.

use crate::support::{Case, SIZES, engines, time};
use divan::Bencher;
use pixelpass::engine::cpu::CpuEngine;
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

engines!(cases, time);

#[divan::bench(args = small_cases(), sample_count = 3, sample_size = 1, max_time = 3)]
fn reference(bencher: Bencher, case: &Case) {
    time(bencher, &CpuEngine::reference(), case);
}
