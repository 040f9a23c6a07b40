//! What tests share: made pictures, a comparison with two numbers, the tables, running plans, the GPU's state.

pub mod bucket;
pub mod clients;
pub mod compare;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod jpegs;
pub mod listener;
pub mod pictures;
pub mod request;
pub mod server;
pub mod signed;
pub mod tables;

use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::engine::Engine;
use pixelpass::engine::choice::Setting;
use pixelpass::engine::cpu::{CpuEngine, Seats};
use pixelpass::error::Error;
use pixelpass::format::{Format, Output, Probe};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::pixel::Frame;
use pixelpass::plan::{Asset, Canvas, Layer, Origin, Plan, Rules};
use pixelpass::process::Pipe;
use pixelpass::processor::{Memory, Processor};
use std::sync::Arc;

/// A header for a made picture. PNG, so that nothing is decoded at a reduced size.
pub fn probe(size: Size, alpha: bool) -> Probe {
    Probe { format: Format::Png, size, orientation: Orientation::Upright, frames: 1, alpha, quality: None }
}

/// The plan of a process string for a made picture.
pub fn plan(process: &str, size: Size, alpha: bool) -> Arc<Plan> {
    let plan = planned(process, &probe(size, alpha), &Rules::default());
    Arc::new(plan.unwrap_or_else(|error| panic!("{process} on {size}: {error}")))
}

/// The plan of a process string of one chain for a header, watermark pictures at hand.
pub fn planned(process: &str, probe: &Probe, rules: &Rules) -> Result<Plan, Error> {
    let pipe = parse(process)?;
    let [chain] = pipe.chains() else { panic!("{process} is a pipe") };
    let header = |key: &String| Asset { key: key.clone(), probe: codec::probe(&asset(key), &rules.limits).expect(key) };
    let assets: Vec<_> = pipe.assets().iter().map(header).collect();
    chain.plan(probe, rules, &assets)
}

/// A process string without styles.
pub fn parse(process: &str) -> Result<Pipe, Error> {
    Pipe::parse(process, |_| None)
}

/// Whether the stored object is answered in place of an error.
pub fn ignored(process: &str, error: &Error) -> bool {
    error.code.is_ignorable() && Pipe::ignores_errors(process, |_| None)
}

/// The picture that tests lay over others: every key but the samples' own names the dice.
pub fn asset(key: &str) -> Vec<u8> {
    let name = if key == "logo.png" { key } else { "dice.png" };
    fixture(&format!("demo/{name}"))
}

/// The layers of a plan after the first, decoded or drawn into frames of the engine.
pub fn overlays(engine: &dyn Engine, plan: &Plan, assets: &[String]) -> Vec<Frame> {
    let overlay = |layer: &Layer| {
        let mut frame = engine.frame(layer.size).unwrap_or_else(|declined| panic!("{declined}"));
        match &layer.origin {
            Origin::Source => panic!("the source is no overlay"),
            Origin::Text(drawing) => drawing.draw(&mut frame.view_mut()),
            Origin::Asset(index) => {
                let file = asset(&assets[*index]);
                let probe = codec::probe(&file, &Rules::default().limits).expect("a picture");
                codec::decode(&file, &probe, layer.reduction, &mut frame.view_mut(), &Cancel::never()).expect("pixels");
            }
        }
        frame
    };
    plan.layers[1..].iter().map(overlay).collect()
}

/// A processor on the CPU engine alone, with the rules of OSS and the embedded faces.
pub fn processor() -> Processor {
    let rules = Rules { writable: codec::writable(), ..Rules::default() };
    Processor {
        cpu: Arc::new(cpu()),
        seats: Seats::new(2),
        gpu: None,
        adapter: None,
        setting: Setting::Cpu,
        memory: Memory::new(rules.limits.plan_bytes),
        rules,
        animated_webp: true,
        never_grow: false,
    }
}

/// A plan out of canvas verbs.
pub fn plan_of(size: Size, alpha: bool, verbs: impl FnOnce(&mut Canvas)) -> Arc<Plan> {
    let mut canvas = Canvas::new(&probe(size, alpha), &Rules::default(), &[]);
    verbs(&mut canvas);
    Arc::new(canvas.finish(Output::still(Format::Png)).unwrap())
}

/// A copy of `source` in a frame of the engine's own.
pub fn frame_for(engine: &dyn Engine, source: &Frame) -> Frame {
    let mut frame = engine.frame(source.size()).unwrap_or_else(|declined| panic!("{declined}"));
    let mut target = frame.view_mut();
    for y in 0..source.size().height {
        target.row(y).copy_from_slice(source.view().row(y));
    }
    frame
}

/// Runs a plan over one picture.
pub fn run(engine: &dyn Engine, plan: &Arc<Plan>, source: &Frame) -> Frame {
    run_with(engine, plan, source, &[])
}

/// Runs a plan over one picture and the layers after it.
pub fn run_with(engine: &dyn Engine, plan: &Arc<Plan>, source: &Frame, overlays: &[Frame]) -> Frame {
    let overlays = overlays.iter().map(|overlay| frame_for(engine, overlay)).collect();
    let done = engine.run(plan, vec![frame_for(engine, source)], overlays, &Cancel::never());
    done.unwrap_or_else(|declined| panic!("{declined}\n{plan}")).frames.remove(0)
}

/// The fast CPU engine on two cores.
pub fn cpu() -> CpuEngine {
    CpuEngine::new(Seats::new(2))
}

/// A file of the project's fixtures.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
