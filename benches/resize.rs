//! The resampler against other implementations, on one core: our readable reference and the
//! `image` crate's, both with the same Lanczos kernel.

use crate::support::{Case, SIZES, picture, time};
use divan::Bencher;
use divan::counter::ItemsCount;
use pixelpass::engine::cpu::{CpuEngine, Seats};

const PROCESS: [&str; 2] = ["image/resize,w_300", "image/resize,w_1024"];

fn cases() -> impl Iterator<Item = Case> {
    PROCESS.into_iter().flat_map(|process| SIZES[1..].iter().map(move |size| Case { process, size: *size }))
}

#[divan::bench(args = cases(), sample_count = 9, sample_size = 1)]
fn ours(bencher: Bencher, case: &Case) {
    let seats = Seats::new(1);
    let _mine = seats.take(1);
    time(bencher, &CpuEngine::new(seats), case);
}

#[divan::bench(args = cases(), sample_count = 3, sample_size = 1)]
fn reference(bencher: Bencher, case: &Case) {
    time(bencher, &CpuEngine::reference(), case);
}

#[divan::bench(args = cases(), sample_count = 3, sample_size = 1)]
fn image_crate(bencher: Bencher, case: &Case) {
    let frame = picture(&CpuEngine::reference(), case.size);
    let source = image::RgbaImage::from_raw(case.size.width, case.size.height, frame.view().to_vec());
    let source = source.expect("the size fits");
    let size = case.plan().result_size();
    let filter = image::imageops::FilterType::Lanczos3;
    bencher
        .counter(ItemsCount::new(case.size.pixels()))
        .bench_local(|| image::imageops::resize(&source, size.width, size.height, filter));
}
