//! The planar path against the path over pixels: luma and chroma of the answers, before they are encoded.

use crate::support::jpegs::{SAMPLINGS, jpeg};
use crate::support::pictures::from_fn;
use crate::support::{cpu, fixture, parse, planned, processor};
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::engine::cpu::CpuEngine;
use pixelpass::engine::{Declined, Engine};
use pixelpass::error::Code;
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::pixel::{Frame, View};
use pixelpass::plan::Rules;
use pixelpass::plan::planar::Planar;
use pixelpass::plane::{PlaneMut, Samples};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Luma may differ by rounding, and where pixels were cut off at black and white.
///
/// Chroma may differ by what becomes of it on the way over pixels, where it is enlarged and taken
/// down again, which softens it. Measured over the fixtures: luma at least 55 dB, chroma 45; what is
/// enlarged or only encoded again is among it. A shift by a quarter of a sample costs more.
const LUMA_DB: f64 = 52.0;
const CHROMA_DB: f64 = 42.0;

/// How far the mean of a plane may be off.
const MEAN: f64 = 0.25;

/// How far the samples of a plane may seem shifted, in samples.
const SHIFT: f64 = 0.1;

/// Resizes by all modes, to even and odd sides, of parts that begin at odd places, enlarging, and
/// none at all.
const CHAINS: [&str; 11] = [
    "image/quality,q_80",
    "image/resize,p_70",
    "image/resize,p_50",
    "image/resize,p_30",
    "image/resize,w_100",
    "image/resize,m_fill,w_101,h_57",
    "image/resize,m_fill,w_40,h_90",
    "image/resize,m_fixed,w_37,h_53",
    "image/resize,m_mfit,w_150,h_150",
    "image/resize,p_130,limit_0",
    "image/crop,x_13,y_7,w_95,h_71/resize,w_50",
];

/// The chain with an answer of a quality that has chroma at half the resolution, whatever the source's.
fn halved(process: &str) -> String {
    if process.contains("quality") { process.to_owned() } else { format!("{process}/quality,q_80") }
}

/// Results of more pixels are passed over: they tell nothing that smaller ones do not.
const MOST_PIXELS: u64 = 3_000_000;

/// One plane of an answer in numbers.
struct Values {
    size: Size,
    values: Vec<f64>,
}

impl Values {
    /// The part of `samples` that lies in a picture.
    fn of(samples: &Samples, size: Size) -> Values {
        let row = |y| &samples.view().row(y)[..size.width as usize];
        let values = (0..size.height).flat_map(row).map(|value| f64::from(*value)).collect();
        Values { size, values }
    }

    fn at(&self, x: u32, y: u32) -> f64 {
        let Size { width, height } = self.size;
        self.values[(y.min(height - 1) * width + x.min(width - 1)) as usize]
    }

    /// Drawn `part` of a sample to the left.
    fn shifted(&self, part: f64) -> Values {
        let Size { width, height } = self.size;
        let value = |x, y| (1.0 - part) * self.at(x, y) + part * self.at(x + 1, y);
        let values = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect();
        Values { size: self.size, values }
    }

    /// By how many samples to the right and down the differences to `other` look like a shift: their
    /// projection on the slopes. 0 where there are hardly any slopes.
    fn shift(&self, other: &Values) -> [f64; 2] {
        let Size { width, height } = self.size;
        [(1, 0), (0, 1)].map(|(right, down)| {
            let (mut product, mut square) = (0.0, 0.0);
            for y in down..height - down.min(height) {
                for x in right..width - right.min(width) {
                    let slope = (self.at(x + right, y + down) - self.at(x - right, y - down)) / 2.0;
                    product += (self.at(x, y) - other.at(x, y)) * slope;
                    square += slope * slope;
                }
            }
            if square > 0.1 * f64::from(width * height) { product / square } else { 0.0 }
        })
    }

    fn differences(&self, other: &Values) -> impl Iterator<Item = f64> {
        assert_eq!(self.size, other.size);
        self.values.iter().zip(&other.values).map(|(a, b)| a - b)
    }
}

/// Luma and chroma of pixels, chroma as the mean of `span` by `span`, 1 or 2: what a JPEG of them is
/// made of. Source: ITU-T T.871.
fn planes_of(pixels: &View, span: u32) -> [Values; 3] {
    let Size { width, height } = pixels.size();
    let weights =
        [(0.0, [0.299, 0.587, 0.114]), (128.0, [-0.168_736, -0.331_264, 0.5]), (128.0, [0.5, -0.418_688, -0.081_312])];
    let [luma, blue, red] = weights.map(|(middle, weights)| {
        let value = |x, y| {
            let texel = pixels.texel(x, y);
            middle + (0..3).map(|channel| weights[channel] * f64::from(texel[channel])).sum::<f64>()
        };
        let values = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect();
        Values { size: pixels.size(), values }
    });
    let half = |plane: Values| {
        if span == 1 {
            return plane;
        }
        let size = Size::new(width.div_ceil(2), height.div_ceil(2));
        let mean = |x, y| {
            let corners = [(0, 0), (1, 0), (0, 1), (1, 1)];
            corners.iter().map(|(right, down)| plane.at(2 * x + right, 2 * y + down)).sum::<f64>() / 4.0
        };
        let values = (0..size.height).flat_map(|y| (0..size.width).map(move |x| mean(x, y))).collect();
        Values { size, values }
    };
    [luma, half(blue), half(red)]
}

/// What both paths make of a file.
struct Both {
    /// Luma and chroma of the pixels; of grey, luma alone.
    pixels: Vec<Values>,
    planes: Vec<Values>,
}

impl Both {
    /// `None` where the file or the chain is not planar; the error's code where the file is
    /// damaged, which it must be for both.
    fn of(file: &[u8], process: &str) -> Result<Option<Both>, Code> {
        let never = Cancel::never();
        let Ok(probe) = codec::probe(file, &Limits::OSS) else { return Ok(None) };
        let Some(components) = codec::components(file, &probe) else { return Ok(None) };
        let Ok(plan) = planned(process, &probe, &Rules::default()) else { return Ok(None) };
        if plan.result_size().pixels() > MOST_PIXELS {
            return Ok(None);
        }
        let Some(planar) = plan.planar(components) else { return Ok(None) };
        let layer = &plan.layers[0];
        let mut frame = cpu().frame(layer.size).expect("the CPU engine has a frame");
        let decoded = codec::decode(file, &probe, layer.reduction, &mut frame.view_mut(), &never);
        let planes = planes(file, &planar);
        if let Err(error) = decoded {
            assert_eq!(planes.err(), Some(error.code), "the verdict on planes");
            return Err(error.code);
        }
        let span = plan.output.chroma_span();
        let done = cpu().run(&Arc::new(plan), vec![frame], Vec::new(), &never).expect("the CPU engine runs plans");
        let planes = planes.expect("pixels could be decoded");
        let pixels: Vec<_> = planes_of(&done.frames[0].view(), span).into_iter().take(planes.len()).collect();
        let planes = planes.iter().zip(&pixels).map(|(samples, pixels)| Values::of(samples, pixels.size)).collect();
        Ok(Some(Both { pixels, planes }))
    }

    /// What is over the bound, if anything.
    fn fault(&self) -> Option<String> {
        let planes = self.pixels.iter().zip(&self.planes).enumerate();
        let faults = planes.filter_map(|(index, (pixels, planes))| {
            let count = pixels.values.len() as f64;
            let square = pixels.differences(planes).map(|difference| difference * difference).sum::<f64>() / count;
            let decibels = 10.0 * (255.0 * 255.0 / square.max(1e-9)).log10();
            let mean = pixels.differences(planes).sum::<f64>() / count;
            let bound = if index == 0 { LUMA_DB } else { CHROMA_DB };
            let [right, down] = pixels.shift(planes);
            // The mean of a few samples tells nothing that they do not.
            let off = count > 1000.0 && (mean.abs() > MEAN || right.abs().max(down.abs()) > SHIFT);
            let tell = || format!("plane {index}: {decibels:.1} dB, mean {mean:+.2}, shift {right:+.2} {down:+.2}");
            (decibels < bound || off).then(tell)
        });
        let faults: Vec<_> = faults.collect();
        (!faults.is_empty()).then(|| faults.join("; "))
    }
}

fn planes(file: &[u8], planar: &Planar) -> Result<Vec<Samples>, Code> {
    let never = Cancel::never();
    let mut decode = |targets: &mut [PlaneMut]| codec::decode_planes(file, planar.reduction, targets, &never);
    cpu().planes(planar, &mut decode, &never).map_err(|declined| match declined {
        Declined::Error(error) => error.code,
        other => panic!("{other}"),
    })
}

/// Every JPEG of the fixtures.
/// The photographs; `faults` are drawings of a few dots, whose colours change at every one.
fn photographs() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => walk(&path, found),
                false if path.extension().is_some_and(|kind| kind == "jpg" || kind == "jpeg") => found.push(path),
                false => {}
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["demo", "images"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder), &mut found);
    }
    found.sort();
    found
}

/// Colours without an edge or fine detail, so that a shift stands out and softness does not.
fn hills(size: Size) -> Frame {
    from_fn(size, |x, y| {
        let (x, y) = (f64::from(x) / 300.0, f64::from(y) / 300.0);
        let hill = |place: f64| (128.0 + 90.0 * (place * std::f64::consts::TAU).sin()).round() as u8;
        [hill(0.9 * x + 0.3 * y), hill(0.2 + 0.7 * y - 0.4 * x), hill(0.6 * x - 0.8 * y), 255]
    })
}

#[test]
fn every_fixture_agrees() {
    let (mut compared, mut damaged, mut failures) = (0, 0, Vec::new());
    for path in photographs() {
        let file = std::fs::read(&path).expect("a file");
        for process in CHAINS.map(str::to_owned).into_iter().chain(CHAINS.map(halved)) {
            match Both::of(&file, &process) {
                // A handful of samples of anything tells nothing.
                Ok(Some(both)) if both.pixels[0].size.pixels() < 500 => {}
                // Changed data tell of colours that no RGB has, which one way loses and the other keeps.
                Ok(Some(_)) if path.components().any(|folder| folder.as_os_str() == "bad") => {}
                Ok(Some(both)) => {
                    compared += 1;
                    failures.extend(both.fault().map(|fault| format!("{} {process}: {fault}", path.display())));
                }
                Ok(None) => {}
                Err(_) => damaged += 1,
            }
        }
    }
    assert!(failures.is_empty(), "{} of {compared}:\n{}", failures.len(), failures.join("\n"));
    assert!(compared > 100 && damaged > 0, "{compared} were compared, {damaged} damaged");
}

#[test]
fn every_sampling_agrees_at_odd_sizes() {
    let (mut failures, mut in_full) = (Vec::new(), 0);
    for (width, height) in [(1, 1), (1, 9), (3, 5), (17, 1), (2, 2), (33, 31), (99, 64), (163, 243), (320, 241)] {
        for (name, sampling) in SAMPLINGS {
            let file = jpeg(&hills(Size::new(width, height)), sampling, 98);
            let chains = CHAINS.iter().filter(|process| !process.contains("crop") || width > 150);
            for process in chains.flat_map(|process| [process.to_string(), halved(process)]) {
                let Some(both) = Both::of(&file, &process).expect("not damaged") else {
                    // Chroma in full is not made of less.
                    assert!(name.contains('2') || name == "4:4:0", "{name} {process} is not planar");
                    assert!(!process.contains("quality"), "{name} {process} is not planar");
                    continue;
                };
                in_full += u32::from(!process.contains("quality"));
                failures.extend(both.fault().map(|fault| format!("{name} {width}x{height} {process}: {fault}")));
            }
        }
    }
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
    assert!(in_full > 200, "{in_full} answers with chroma in full");
}

#[test]
fn shifts_are_seen() {
    let photo = fixture("images/example.jpg");
    let made = jpeg(&hills(Size::new(163, 243)), SAMPLINGS[4].1, 98);
    let full = jpeg(&hills(Size::new(163, 243)), SAMPLINGS[1].1, 98);
    for (file, process) in [
        (&photo, "image/resize,p_70"),
        (&photo, "image/quality,q_80"),
        (&made, "image/resize,p_70/quality,q_80"),
        (&full, "image/resize,p_70"),
    ] {
        let fault = |plane: usize, part: f64| {
            let mut both = Both::of(file, process).expect("not damaged").expect("planar");
            both.planes[plane] = both.planes[plane].shifted(part);
            both.fault()
        };
        assert_eq!(fault(0, 0.0), None);
        assert!(fault(0, 1.0).is_some(), "luma by a sample: {process}");
        assert!(fault(0, 0.25).is_some(), "luma by a quarter: {process}");
        for chroma in [1, 2] {
            assert!(fault(chroma, 0.5).is_some(), "chroma {chroma} by half a sample: {process}");
        }
    }
}

/// What the processor answers with an engine.
fn answer(engine: CpuEngine, file: &[u8], process: &str) -> Vec<u8> {
    let processor = pixelpass::processor::Processor { cpu: Arc::new(engine), ..processor() };
    let none: [Option<Vec<u8>>; 0] = [];
    processor.process(file, &parse(process).expect(process), &none, &Cancel::never()).expect(process).bytes
}

#[test]
fn the_processor_takes_the_planes() {
    // The yardstick goes over pixels, where grey becomes colour.
    let components = |file: &[u8]| {
        let probe = codec::probe(file, &Limits::OSS).expect("a JPEG");
        (probe.size, codec::components(file, &probe))
    };
    let grey = jpeg(&hills(Size::new(45, 31)), SAMPLINGS[0].1, 89);
    let size = Size::new(23, 16);
    let process = "image/resize,p_50";
    let color = Some(pixelpass::plane::Components::Color { across: 2, down: 2 });
    assert_eq!(components(&answer(cpu(), &grey, process)), (size, Some(pixelpass::plane::Components::Grey)));
    assert_eq!(components(&answer(CpuEngine::reference(), &grey, process)), (size, color));
    for process in ["image/resize,p_50/sharpen,100", "image/resize,p_50/format,jpg/bright,10"] {
        assert_eq!(components(&answer(cpu(), &grey, process)), (size, color));
    }
    // Stored chroma comes through untouched where only the quality changes.
    let photo = fixture("images/example.jpg");
    assert_eq!(components(&answer(cpu(), &photo, "image/quality,q_50")), (Size::new(400, 267), color));
}

#[test]
fn other_colours_and_chains_go_over_pixels() {
    let components = |name: &str| {
        let file = fixture(&format!("images/{name}"));
        codec::components(&file, &codec::probe(&file, &Limits::OSS).expect(name))
    };
    for name in
        ["cmyk_adobe0_420.jpg", "jpeg/ycck.jpg", "jpeg/adobe_rgb_transform0.jpg", "jpeg/p3_icc_exif_gainmap.jpg"]
    {
        assert_eq!(components(name), None, "{name}");
    }
    assert!(components("progressive_cat_420_icc.jpg").is_some(), "a profile of sRGB");
    let file = fixture("images/example.jpg");
    let probe = codec::probe(&file, &Limits::OSS).expect("a header");
    let planar = |process| planned(process, &probe, &Rules::default()).expect(process).planar.is_some();
    for process in [
        "image/resize,w_100/format,png",
        "image/resize,m_pad,w_100,h_100",
        "image/resize,w_100/sharpen,100",
        "image/resize,w_100/resize,w_50",
        "image/resize,m_fixed,w_100,h_267/resize,m_fixed,w_100,h_100",
        "image/resize,w_100/rotate,90",
        "image/rotate,90/resize,w_100",
        "image/crop,w_100,h_100",
        "image/blur,r_3,s_2",
        "image/resize,w_100/circle,r_20",
    ] {
        assert!(!planar(process), "{process}");
    }
    assert!(planar("image/resize,w_100/interlace,1") && planar("image/crop,x_10,w_200,h_200/resize,w_100"));
}
