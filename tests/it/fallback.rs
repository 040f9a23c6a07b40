//! What the processor does when the GPU cannot: the same plan on the CPU, noted, never an error.

use crate::support::{cpu, fixture};
use pixelpass::cancel::Cancel;
use pixelpass::engine::choice::{AdapterFacts, Setting};
use pixelpass::engine::cpu::Seats;
use pixelpass::engine::{Declined, Done, Engine, Kind};
use pixelpass::error::Code;
use pixelpass::geometry::Size;
use pixelpass::pixel::Frame;
use pixelpass::plan::Plan;
use pixelpass::processor::{Answer, Memory, Processor};
use std::sync::Arc;

fn processor(gpu: Arc<dyn Engine>, memory_bytes: u64) -> Processor {
    let adapter = AdapterFacts {
        name: "test".to_owned(),
        software: false,
        texture_side: 8192,
        table_bytes: 1 << 27,
        budget_bytes: 1 << 30,
    };
    Processor {
        cpu: Arc::new(cpu()),
        seats: Seats::new(2),
        gpu: Some(gpu),
        adapter: Some(adapter),
        setting: Setting::Auto,
        memory: Memory::new(memory_bytes),
        ..crate::support::processor()
    }
}

fn answer(processor: &Processor, cancel: &Cancel) -> Result<Answer, pixelpass::error::Error> {
    let pipe = crate::support::parse("image/resize,w_100/sharpen,100").expect("legal");
    processor.process(&fixture("demo/example.jpg"), &pipe, &[None::<Vec<u8>>; 0], cancel)
}

/// An engine that refuses, before or after its frame was filled.
struct Refusing {
    declined: fn() -> Declined,
    gives_frames: bool,
}

impl Engine for Refusing {
    fn kind(&self) -> Kind {
        Kind::Gpu
    }

    fn frame(&self, size: Size) -> Result<Frame, Declined> {
        if self.gives_frames { cpu().frame(size) } else { Err((self.declined)()) }
    }

    fn run(&self, _: &Arc<Plan>, _: Vec<Frame>, _: Vec<Frame>, _: &Cancel) -> Result<Done, Declined> {
        Err((self.declined)())
    }
}

#[test]
fn a_gpu_that_declines_is_replaced_by_the_cpu() {
    let expected = answer(&Processor { setting: Setting::Cpu, ..refusing(|| Declined::Busy, true) }, &Cancel::never());
    let expected = expected.expect("the CPU answers").bytes;
    for gives_frames in [false, true] {
        for (declined, reason) in [
            ((|| Declined::Busy) as fn() -> Declined, "GPU queue full"),
            (|| Declined::Failed("lost".to_owned()), "GPU failed: lost"),
            (|| Declined::Limit("byte budget"), "over the GPU's byte budget"),
        ] {
            let answer = answer(&refusing(declined, gives_frames), &Cancel::never()).expect("the CPU answers");
            assert_eq!((answer.engine, answer.reason.as_ref()), (Kind::Cpu, reason));
            assert_eq!(answer.bytes, expected);
        }
    }
}

fn refusing(declined: fn() -> Declined, gives_frames: bool) -> Processor {
    processor(Arc::new(Refusing { declined, gives_frames }), 1 << 30)
}

#[test]
fn a_passed_deadline_is_not_tried_again_on_the_cpu() {
    let error = answer(&refusing(|| Declined::Busy, true), &Cancel::at(std::time::Instant::now())).unwrap_err();
    assert_eq!(error.code, Code::ServiceUnavailable);
}

#[test]
fn pictures_beyond_the_memory_are_put_off() {
    let processor = processor(Arc::new(Refusing { declined: || Declined::Busy, gives_frames: true }), 1000);
    let error = answer(&processor, &Cancel::never()).unwrap_err();
    assert_eq!(error.code, Code::ServiceUnavailable);
}

#[cfg(feature = "gpu")]
#[test]
fn a_lost_device_costs_nobody_an_answer() {
    let Some(gpu) = crate::support::gpu::engine_of_its_own() else { return };
    let gpu = Arc::new(gpu);
    let processor = processor(gpu.clone(), 1 << 30);
    let before = answer(&processor, &Cancel::never()).expect("the GPU answers");
    assert_eq!(before.engine, Kind::Gpu);
    gpu.lose_device();
    let during = answer(&processor, &Cancel::never()).expect("the CPU answers");
    assert!(during.engine == Kind::Cpu && during.reason.starts_with("GPU failed"), "{}", during.reason);
    assert_eq!(during.bytes, before.bytes);
    // The device is built anew while requests go on.
    let recovered = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        answer(&processor, &Cancel::never()).expect("always an answer").engine == Kind::Gpu
    });
    assert!(recovered && gpu.counters().rebuilds == 1);
}
