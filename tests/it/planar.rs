//! The planar path against the path over pixels: luma and chroma of the answers, before they are encoded.

use crate::support::jpegs::{SAMPLINGS, jpeg};
use crate::support::pictures::from_fn;
use crate::support::{cpu, fixture, parse, planned, processor};
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::engine::{Declined, Done, Engine, Kind};
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::pixel::{Frame, View};
use pixelpass::plan::{Plan, Rules};
use pixelpass::plane::{PlaneMut, Samples};
use pixelpass::processor::Processor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

    fn differences(&self, other: &Values) -> impl Iterator<Item = f64> {
        assert_eq!(self.size, other.size);
        self.values.iter().zip(&other.values).map(|(a, b)| a - b)
    }
}

/// Luma and chroma of pixels, chroma as the mean of four: what a JPEG of them is made of. Source:
/// ITU-T T.871.
fn planes_of(pixels: &View) -> [Values; 3] {
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

/// The planes of an answer by both paths: over pixels, over planes; grey has luma alone.
fn both(file: &[u8], process: &str) -> Option<(Vec<Values>, Vec<Values>)> {
    let probe = codec::probe(file, &Limits::OSS).ok()?;
    let components = codec::components(file, &probe)?;
    let plan = Arc::new(planned(process, &probe, &Rules::default()).expect(process));
    let planar = plan.planar(components)?;
    let never = Cancel::never();
    let mut decode = |targets: &mut [PlaneMut]| codec::decode_planes(file, planar.reduction, targets, &never);
    let planes = cpu().planes(&planar, &mut decode, &never).unwrap_or_else(|declined| panic!("{declined}\n{plan}"));
    let layer = &plan.layers[0];
    let mut frame = cpu().frame(layer.size).expect("the CPU engine has a frame");
    codec::decode(file, &probe, layer.reduction, &mut frame.view_mut(), &never).expect("pixels");
    let done = cpu().run(&plan, vec![frame], Vec::new(), &never).unwrap_or_else(|declined| panic!("{declined}"));
    let pixels: Vec<_> = planes_of(&done.frames[0].view()).into_iter().take(planes.len()).collect();
    let planes = planes.iter().zip(&pixels).map(|(samples, pixels)| Values::of(samples, pixels.size)).collect();
    Some((pixels, planes))
}

fn psnr(a: &Values, b: &Values) -> f64 {
    let mean = a.differences(b).map(|d| d * d).sum::<f64>() / a.values.len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}
fn mean_abs(a: &Values, b: &Values) -> f64 {
    a.differences(b).map(f64::abs).sum::<f64>() / a.values.len() as f64
}
fn largest(a: &Values, b: &Values) -> f64 {
    a.differences(b).map(f64::abs).fold(0.0, f64::max)
}
fn mean(a: &Values, b: &Values) -> f64 {
    a.differences(b).sum::<f64>() / a.values.len() as f64
}

/// Every JPEG of the fixtures.
fn fixtures() -> Vec<PathBuf> {
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
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut found);
    found.sort();
    found
}

#[test]
fn print() {
    for path in fixtures() {
        let file = std::fs::read(&path).unwrap();
        for process in [
            "image/quality,q_80",
            "image/resize,p_70",
            "image/resize,p_50",
            "image/resize,p_30",
            "image/resize,w_100",
            "image/resize,m_fill,w_101,h_57",
            "image/resize,m_fixed,w_37,h_53,limit_1",
            "image/resize,m_mfit,w_150,h_150",
            "image/resize,p_130,limit_0",
        ] {
            eprintln!("{path:?} {process}");
            let Some((a, b)) = both(&file, process) else { continue };
            let numbers: Vec<_> = a
                .iter()
                .zip(&b)
                .map(|(a, b)| {
                    format!("{:.1} dB {:.2} {:.0} {:+.2}", psnr(a, b), mean_abs(a, b), largest(a, b), mean(a, b))
                })
                .collect();
            println!("{:28} {process:42} {} {numbers:?}", path.file_name().unwrap().to_string_lossy(), a[0].size);
        }
    }
}
