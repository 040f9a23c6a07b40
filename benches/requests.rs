//! Whole answers on one core: a file in, an encoded result out, as the server does it.

use divan::Bencher;
use divan::counter::ItemsCount;
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::engine::choice::Setting;
use pixelpass::engine::cpu::{CpuEngine, Seats};
use pixelpass::limits::Limits;
use pixelpass::plan::Rules;
use pixelpass::process::Pipe;
use pixelpass::processor::{Memory, Processor};
use std::sync::Arc;

const FILES: [(&str, &[u8]); 3] = [
    ("photo.jpg (12 MP, progressive)", include_bytes!("../fixtures/demo/photo.jpg")),
    ("landscape.jpg (2 MP)", include_bytes!("../fixtures/demo/landscape.jpg")),
    ("example.jpg (0.1 MP)", include_bytes!("../fixtures/demo/example.jpg")),
];

const PROCESSES: [&str; 4] = [
    "image/resize,w_300/quality,Q_80",
    "image/resize,m_fill,w_100,h_100/quality,Q_80",
    "image/resize,w_800/blur,r_3,s_2/sharpen,100/circle,r_200/format,png",
    "image/blur,r_20,s_10/quality,Q_80",
];

fn cases() -> impl Iterator<Item = String> {
    FILES.iter().flat_map(|(name, _)| PROCESSES.map(|process| format!("{name} {process}")))
}

#[divan::bench(args = cases(), sample_count = 9, sample_size = 1, max_time = 3)]
fn cpu(bencher: Bencher, case: &str) {
    let (name, bytes) = FILES.iter().find(|(name, _)| case.starts_with(name)).expect("a known file");
    let pipe = Pipe::parse(case[name.len()..].trim(), |_| None).expect("a legal process string");
    let seats = Seats::new(1);
    let processor = Processor {
        cpu: Arc::new(CpuEngine::new(Arc::clone(&seats))),
        seats,
        gpu: None,
        adapter: None,
        setting: Setting::Cpu,
        rules: Rules::default(),
        animated_webp: false,
        never_grow: false,
        memory: Memory::new(Limits::OSS.plan_bytes),
    };
    let run = || processor.process(bytes, &pipe, &[None::<Vec<u8>>; 0], &Cancel::never()).expect("an answer");
    assert!(codec::probe(&run().bytes, &Limits::OSS).is_ok());
    let pixels = codec::probe(bytes, &Limits::OSS).expect("a picture").size.pixels();
    bencher.counter(ItemsCount::new(pixels)).bench_local(run);
}
