//! Engine against engine: every kernel and every example chain, the fast CPU version against the
//! readable reference, and the GPU against the CPU.
//!
//! Bounds: nothing may differ between the CPU's two versions, nor between CPU and a software
//! adapter. Real adapters may fuse multiply and add where `convolve` works in floats, on pictures with
//! alpha: ±1 in a small share.

use crate::support::compare::{Difference, difference};
use crate::support::pictures::{Random, noise, ramp};
use crate::support::{cpu, fixture, overlays, plan, plan_of, planned, run_with};
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::color::Color;
use pixelpass::engine::Engine;
use pixelpass::engine::cpu::CpuEngine;
use pixelpass::geometry::{Fit, Orientation, Rect, Size, place};
use pixelpass::kernel::{Args, KERNELS, blend, warp};
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::plan::tone::ToneTable;
use pixelpass::plan::{Canvas, Layer, Operand, Origin, Pass, Plan, Rules};
use pixelpass::process::registry;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a hardware adapter may differ by.
pub const HARDWARE_BOUND: Difference = Difference { largest: 1, share: 0.002 };

/// Shapes that find faults.
const SHAPES: [(u32, u32); 10] =
    [(1, 1), (1, 19), (23, 1), (2, 2), (15, 17), (16, 16), (31, 37), (67, 5), (255, 9), (257, 33)];

/// A picture with a plan for it.
struct Case {
    name: String,
    plan: Arc<Plan>,
    picture: Frame,
    /// Layers after the first.
    overlays: Vec<Frame>,
}

/// A verb of the canvas, by name.
type Verb = (&'static str, fn(&mut Canvas));

/// Verbs that between them reach every kernel and every branch of it.
const VERBS: [Verb; 15] = [
    ("halve", |canvas| fit(canvas, Fit::Fixed, |side| side.div_ceil(2))),
    ("grow", |canvas| fit(canvas, Fit::Fixed, |side| side * 2 + 1)),
    ("one pixel", |canvas| fit(canvas, Fit::Fixed, |_| 1)),
    ("fill", |canvas| fit(canvas, Fit::Fill, |_| 13)),
    ("pad", |canvas| fit(canvas, Fit::Pad, |side| side + 5)),
    ("turned halve", |canvas| {
        canvas.orient(Orientation::Turn90);
        fit(canvas, Fit::Fixed, |side| side.div_ceil(2));
    }),
    ("blur", |canvas| canvas.blur(3, 2.0)),
    ("wide blur", |canvas| canvas.blur(50, 50.0)),
    ("sharpen", |canvas| canvas.sharpen(399)),
    ("tone", |canvas| canvas.tone(&ToneTable::contrast(40))),
    ("corners", |canvas| canvas.mask_corners((canvas.size().shortest_side() / 2).max(1))),
    ("circle", |canvas| {
        let radius = (canvas.size().shortest_side() - 1) / 2;
        let side = 2 * radius + 1;
        canvas.crop(Rect { x: 0, y: 0, width: side, height: side });
        canvas.mask_circle(radius);
    }),
    ("transpose", |canvas| canvas.orient(Orientation::Transpose)),
    ("halve a turned part", |canvas| {
        let Size { width, height } = canvas.size();
        canvas.crop(Rect { x: width / 3, y: height / 4, width: width.div_ceil(2), height: height.div_ceil(2) });
        canvas.orient(Orientation::Turn270);
        fit(canvas, Fit::Fixed, |side| side.div_ceil(2));
    }),
    ("mirror a part", |canvas| {
        let Size { width, height } = canvas.size();
        canvas.crop(Rect { x: width / 3, y: height / 4, width: width.div_ceil(2), height: height.div_ceil(2) });
        canvas.orient(Orientation::MirrorX);
    }),
];

fn fit(canvas: &mut Canvas, mode: Fit, side: impl Fn(u32) -> u32) {
    let size = canvas.size();
    let target = Size::new(side(size.width), side(size.height));
    let placement = place(mode, size, target, true).expect("enlarging is allowed");
    canvas.resize(&placement, Color { red: 255, green: 128, blue: 0 }).expect("within the limits");
}

fn verb_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (width, height) in SHAPES {
        let size = Size::new(width, height);
        for alpha in [false, true] {
            for (name, verb) in VERBS {
                for (kind, picture) in [("noise", noise(size, alpha)), ("ramp", ramp(size, alpha))] {
                    let name = format!("{name} of {kind} {size} alpha {alpha}");
                    cases.push(Case { name, plan: plan_of(size, alpha, verb), picture, overlays: vec![] });
                }
            }
            // Flattening belongs to the output, so it needs a whole chain.
            let plan = plan("image/sharpen,100/format,jpg", size, alpha);
            cases.push(Case {
                name: format!("flatten {size} alpha {alpha}"),
                plan,
                picture: noise(size, alpha),
                overlays: vec![],
            });
        }
    }
    cases
}

/// One pass over noise, for kernels whose every branch no verb reaches.
fn pass_case(args: Args, table: Option<Vec<u32>>, source: Size, overlay: Option<Size>, alpha: bool) -> Case {
    let mut plan = plan_of(source, alpha, |_| {}).as_ref().clone();
    let picture = |size| Layer { origin: Origin::Asset(0), size, stored: size, reduction: 1 };
    plan.layers.extend(overlay.map(picture));
    let overlays = overlay.map(|size| noise(size, true)).into_iter().collect();
    let overlay = overlay.map(|_| Operand::Layer(1));
    plan.passes = vec![Pass { args, src: Operand::Layer(0), overlay, table: table.map(Into::into) }];
    let name = format!("{args} of {source} alpha {alpha}");
    Case { name, plan: Arc::new(plan), picture: noise(source, alpha), overlays }
}

fn blend_cases() -> Vec<Case> {
    let overlays = [(1, 1), (5, 3), (40, 70)].map(|(width, height)| Size::new(width, height));
    let places = [(0, 0), (7, 1), (-3, -2), (500, 0), (-500, -500)];
    let steps = [(blend::ONCE, blend::ONCE), (6, 4), (1, blend::ONCE), (33, 90)];
    let mut cases = Vec::new();
    for (index, (width, height)) in (0..).zip(SHAPES) {
        for overlay in overlays {
            for (left, top) in places {
                for (step_x, step_y) in steps {
                    let Size { width: overlay_width, height: overlay_height } = overlay;
                    let opacity = [100, 0, 50, 37, 1][(index + cases.len()) % 5] as u32;
                    let args = Args::Blend(blend::Params {
                        width,
                        height,
                        left,
                        top,
                        step_x,
                        step_y,
                        overlay_width,
                        overlay_height,
                        opacity,
                    });
                    let alpha = cases.len() % 2 == 0;
                    cases.push(pass_case(args, None, Size::new(width, height), Some(overlay), alpha));
                }
            }
        }
    }
    cases
}

/// Turns about the upper left corner, some of them with a change of scale, into a larger picture.
fn warp_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (width, height) in SHAPES {
        let source = Size::new(width, height);
        for (angle_deg, scale) in [(0, 1.0), (7, 1.0), (45, 0.6), (90, 1.0), (200, 1.7)] {
            let (sine, cosine) = (f64::from(angle_deg) / 180.0 * std::f64::consts::PI).sin_cos();
            let word = |place: f64| (place * scale * 65536.0).round() as i32 as u32;
            let size = Size::new(width + height + 3, width.max(height) + 2);
            let across = |x: u32| f64::from(x) - f64::from(height) / 2.0;
            let columns = (0..size.width).flat_map(|x| [word(across(x) * cosine), word(-across(x) * sine)]);
            let rows = (0..size.height).flat_map(|y| [word(f64::from(y) * sine), word(f64::from(y) * cosine)]);
            let table: Vec<u32> = columns.chain(rows).collect();
            let args = Args::Warp(warp::Params {
                width: size.width,
                height: size.height,
                source_width: width,
                source_height: height,
            });
            for alpha in [false, true] {
                cases.push(pass_case(args, Some(table.clone()), source, None, alpha));
            }
        }
    }
    cases
}

/// Every kernel on every shape.
fn kernel_cases() -> Vec<Case> {
    verb_cases().into_iter().chain(blend_cases()).chain(warp_cases()).collect()
}

fn example_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (_, example) in registry::examples() {
        let size = Size::new(251, 193);
        for alpha in [false, true] {
            let name = format!("{example} on noise alpha {alpha}");
            let plan = plan(example, size, alpha);
            let overlays = overlays(&cpu(), &plan, crate::support::parse(example).expect(example).assets());
            cases.push(Case { name, plan, picture: noise(size, alpha), overlays });
        }
        for file in ["images/example.jpg", "demo/logo.png"] {
            cases.push(photo_case(example, file));
        }
    }
    cases
}

fn photo_case(process: &str, file: &str) -> Case {
    let bytes = fixture(file);
    let probe = codec::probe(&bytes, &Limits::OSS).expect(file);
    let plan = planned(process, &probe, &Rules::default()).expect(process);
    let mut picture = cpu().frame(plan.layers[0].size).expect("the CPU engine has a frame");
    let reduction = plan.layers[0].reduction;
    codec::decode(&bytes, &probe, reduction, &mut picture.view_mut(), &Cancel::never()).expect(file);
    let overlays = overlays(&cpu(), &plan, crate::support::parse(process).expect(process).assets());
    Case { name: format!("{process} on {file}"), plan: Arc::new(plan), picture, overlays }
}

/// Chains of random legal actions on small random pictures: what nobody thought of.
fn random_cases(count: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for seed in 0..count {
        let mut random = Random::new(seed);
        let mut pick = |from: u32, to: u32| from + random.next() % (to - from + 1);
        let size = Size::new(pick(1, 90), pick(1, 90));
        let alpha = pick(0, 1) == 1;
        let mut process = "image".to_owned();
        for _ in 0..pick(1, 6) {
            process += &match pick(0, 10) {
                0 => format!("/resize,w_{},limit_{}", pick(1, 120), pick(0, 1)),
                1 => {
                    let fit = ["lfit", "mfit", "fill", "pad", "fixed"][pick(0, 4) as usize];
                    format!("/resize,m_{fit},w_{},h_{},limit_{},color_3366FF", pick(1, 99), pick(1, 99), pick(0, 1))
                }
                2 => format!(
                    "/crop,w_{},h_{},g_{}",
                    pick(0, 99),
                    pick(0, 99),
                    ["nw", "center", "se"][pick(0, 2) as usize]
                ),
                3 => format!("/indexcrop,{}_{},i_{}", ["x", "y"][pick(0, 1) as usize], pick(1, 60), pick(0, 3)),
                4 => format!("/circle,r_{}", pick(1, 60)),
                5 => format!("/rounded-corners,r_{}", pick(1, 60)),
                6 => format!("/flip,{}", pick(0, 2)),
                7 => format!("/blur,r_{},s_{}", pick(1, 50), pick(1, 50)),
                8 => format!("/bright,{}", pick(0, 200) as i32 - 100),
                9 => format!("/contrast,{}", pick(0, 200) as i32 - 100),
                _ => format!("/sharpen,{}", pick(50, 399)),
            };
        }
        if pick(0, 2) == 0 {
            process += "/format,jpg";
        }
        let name = format!("{process} on noise {size} alpha {alpha}");
        cases.push(Case { name, plan: plan(&process, size, alpha), picture: noise(size, alpha), overlays: vec![] });
    }
    cases
}

/// Compares two engines over `cases` and fails with every case that is over the bound.
fn assert_parity(cases: &[Case], left: &dyn Engine, right: &dyn Engine, bound: Difference) {
    assert!(!cases.is_empty());
    let mut failures = Vec::new();
    for case in cases {
        let run = |engine| run_with(engine, &case.plan, &case.picture, &case.overlays);
        let found = difference(&run(left).view(), &run(right).view());
        if !found.within(bound) {
            failures.push(format!("{}: {found:?}\n{}", case.name, case.plan));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn the_cases_reach_every_kernel() {
    let used: BTreeSet<_> =
        kernel_cases().iter().flat_map(|case| case.plan.passes.clone()).map(|pass| pass.args.name()).collect();
    let all: BTreeSet<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
    assert_eq!(used, all);
}

#[test]
fn the_fast_cpu_versions_equal_the_reference() {
    let cases: Vec<_> = kernel_cases().into_iter().chain(example_cases()).chain(random_cases(400)).collect();
    assert_parity(&cases, &cpu(), &CpuEngine::reference(), Difference::NONE);
}

/// GPU against CPU.
#[cfg(feature = "gpu")]
mod on_gpu {
    use super::*;
    use crate::support::{frame_for, gpu};

    #[test]
    fn the_gpu_equals_the_cpu() {
        let Some(gpu) = gpu::engine() else { return };
        let bound = if gpu.facts().software { Difference::NONE } else { HARDWARE_BOUND };
        let cases: Vec<_> = kernel_cases().into_iter().chain(example_cases()).chain(random_cases(200)).collect();
        assert_parity(&cases, gpu, &cpu(), bound);
    }

    #[test]
    fn the_gpu_equals_the_cpu_on_a_large_photo() {
        let Some(gpu) = gpu::engine() else { return };
        let bound = if gpu.facts().software { Difference::NONE } else { HARDWARE_BOUND };
        let process = "image/resize,w_300/blur,r_3,s_2/sharpen,100/circle,r_100/format,png";
        assert_parity(&[photo_case(process, "demo/photo.jpg")], gpu, &cpu(), bound);
    }

    #[test]
    fn five_actions_are_one_encoder_and_one_submit() {
        let Some(gpu) = gpu::engine_of_its_own() else { return };
        let process = "image/resize,w_100/blur,r_3,s_2/sharpen,100/bright,20/circle,r_30/format,png";
        let plan = plan(process, Size::new(300, 200), false);
        let picture = noise(Size::new(300, 200), false);
        let frame = frame_for(&gpu, &picture);
        let before = gpu.counters();
        gpu.run(&plan, vec![frame], vec![], &Cancel::never()).unwrap_or_else(|declined| panic!("{declined}"));
        let after = gpu.counters();
        assert_eq!(after.encoders - before.encoders, 1);
        assert_eq!(after.submits - before.submits, 1);
        assert_eq!(after.dispatches - before.dispatches, plan.passes.len() as u64);
    }
}
