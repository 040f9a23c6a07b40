//! The tables of sizes and errors, and a golden for every example.

use crate::support::compare::difference;
use crate::support::tables::{jpeg, outcome, rows, source};
use crate::support::{asset, fixture, ignored, parse, processor};
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::error::{Code, Error};
use pixelpass::format::{Format, Output};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::process::registry;
use pixelpass::processor::Processor;
use std::path::PathBuf;

#[test]
fn geometry_cases() {
    let rows = rows("geometry-cases.csv");
    assert_eq!(rows.len(), GEOMETRY_CASES);
    for row in rows {
        let number = |field: usize| row[field].parse().expect("a number");
        let found = outcome(&row[2], &jpeg(Size::new(number(0), number(1))));
        let found = found.unwrap_or_else(|error| panic!("{row:?}: {error}"));
        assert_eq!((found.size, found.format.name()), (Size::new(number(3), number(4)), row[5].as_str()), "{row:?}");
    }
}

#[test]
fn geometry_cases_of_other_sources() {
    let rows = rows("geometry-cases-extra.csv");
    assert_eq!(rows.len(), 50);
    for row in rows {
        let number = |field: usize| row[field].parse::<u32>().expect("a number");
        let format = Format::parse(&row[2]).expect("a format");
        let probe = source(format, Size::new(number(0), number(1)), Orientation::from_exif(number(3)), number(4));
        let found = outcome(&row[5], &probe).unwrap_or_else(|error| panic!("{row:?}: {error}"));
        let frames = if found.animated { probe.frames } else { 1 };
        let expected = (Size::new(number(6), number(7)), row[8].as_str(), number(9));
        assert_eq!((found.size, found.format.name(), frames), expected, "{row:?}");
    }
}

/// Rows of the table of sizes.
const GEOMETRY_CASES: usize = 186;

#[test]
fn error_cases() {
    let rows = rows("error-cases.csv");
    assert_eq!(rows.len(), 115);
    for row in rows {
        let error = outcome(&row[0], &jpeg(Size::new(400, 267))).expect_err(&format!("{row:?}"));
        assert_eq!(error.code.status().to_string(), row[1], "{row:?}");
        assert_eq!(error.code.name(), row[2], "{row:?}");
        let ec = error.ec.map(|ec| ec.to_string()).unwrap_or_default();
        assert!(row[3].is_empty() || ec == row[3], "{row:?}: {ec}");
        assert!(row[4].is_empty() || error.message == row[4], "{row:?}: {}", error.message);
    }
}

#[test]
fn the_edges_of_every_range() {
    for spec in registry::ACTIONS {
        for param in spec.params {
            let registry::Kind::Integer(from, to, _) = param.kind else { continue };
            let others = match (spec.name, param.key) {
                ("blur", "r") => ",s_2",
                ("blur", "s") => ",r_2",
                ("indexcrop", "i") => ",x_10",
                ("resize", "limit") => ",w_10",
                ("watermark", _) => ",text_SGVsbG8",
                _ => "",
            };
            let text = |value: i64| match param.key {
                "" => format!("image/{},{value}", spec.name),
                key => format!("image/{},{key}_{value}{others}", spec.name),
            };
            for legal in [from, to] {
                assert!(parse(&text(legal)).is_ok(), "{}", text(legal));
            }
            for illegal in [from - 1, to + 1] {
                let error = parse(&text(illegal)).expect_err(&text(illegal));
                assert_eq!(error.code, Code::InvalidArgument, "{}", text(illegal));
                assert!(error.span.is_some(), "{}", text(illegal));
            }
        }
    }
}

#[test]
fn every_word_of_a_row_is_taken() {
    for spec in registry::ACTIONS {
        for param in spec.params {
            let registry::Kind::Word(words) = param.kind else { continue };
            for word in words {
                let text = match param.key {
                    "" => format!("image/{},{word}", spec.name),
                    key => format!("image/{},{key}_{word},w_10,text_SGVsbG8", spec.name),
                };
                assert!(parse(&text).is_ok(), "{text}");
            }
        }
    }
}

fn answer(processor: &Processor, process: &str, source: &[u8]) -> Result<(Frame, Format), Error> {
    let pipe = parse(process)?;
    let assets: Vec<_> = pipe.assets().iter().map(|key| (key != "none").then(|| asset(key))).collect();
    let answer = processor.process(source, &pipe, &assets, &Cancel::never())?;
    let probe = codec::probe(&answer.bytes, &Limits::OSS)?;
    assert_eq!(answer.content_type, probe.format.content_type());
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    codec::decode(&answer.bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    Ok((frame, probe.format))
}

/// A JPEG of `size` with something to see in it.
fn photo(size: Size) -> Vec<u8> {
    let texels = (0..size.pixels() as u32).flat_map(|place| {
        let (x, y) = (place % size.width, place / size.width);
        [(x * 3) as u8, (y * 5) as u8, (x ^ y) as u8, 255]
    });
    let frame = Frame::packed(size, texels.collect());
    codec::encode(&frame.view(), true, &Output::still(Format::Jpeg), &Cancel::never()).expect("a JPEG")
}

/// Runs the table of sizes on real pictures whose results have at most `most_pixels`.
fn sizes_of_real_pixels(processor: &Processor, most_pixels: u64) -> usize {
    let mut passed = 0;
    for row in rows("geometry-cases.csv") {
        let number = |field: usize| row[field].parse::<u32>().expect("a number");
        let expected = Size::new(number(3), number(4));
        if expected.pixels() > most_pixels {
            continue;
        }
        let source = photo(Size::new(number(0), number(1)));
        let answered = match answer(processor, &row[2], &source) {
            Err(error) if ignored(&row[2], &error) => answer(processor, "image/auto-orient,0", &source),
            answered => answered,
        };
        let (frame, format) = answered.unwrap_or_else(|error| panic!("{row:?}: {error}"));
        assert_eq!((frame.size(), format.name()), (expected, row[5].as_str()), "{row:?}");
        passed += 1;
    }
    passed
}

#[test]
fn real_pixels_have_the_planned_size() {
    assert_eq!(sizes_of_real_pixels(&processor(), u64::MAX), GEOMETRY_CASES);
}

#[cfg(feature = "gpu")]
#[test]
fn real_pixels_have_the_planned_size_on_the_gpu() {
    use crate::support::gpu;
    use pixelpass::engine::choice::Setting;
    use std::sync::Arc;
    let Some(engine) = gpu::engine_of_its_own() else { return };
    let adapter = Some(engine.facts().clone());
    let on_gpu = Processor { gpu: Some(Arc::new(engine)), adapter, setting: Setting::Gpu, ..processor() };
    // Two rows make pictures of more than two megapixels, which software takes long for.
    assert_eq!(sizes_of_real_pixels(&on_gpu, 2_000_000), GEOMETRY_CASES - 2);
}

#[test]
fn errors_come_out_of_real_processing_too() {
    let source = fixture("images/example.jpg");
    for (process, code) in [
        ("image/crop,x_400", Code::BadRequest),
        ("image/resize,m_fixed,w_5000,h_5000,limit_0", Code::ImageTooLarge),
        ("image/watermark,image_bm9uZQ", Code::WatermarkError),
    ] {
        assert_eq!(answer(&processor(), process, &source).expect_err(process).code, code, "{process}");
    }
}

/// Bound on a golden: the JPEG decoder's SIMD and plain versions agree within a level or two.
const GOLDEN_BOUND: u8 = 2;

#[test]
fn every_example_has_its_golden() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut failures = Vec::new();
    for (action, example) in registry::examples() {
        let number = registry::ACTIONS
            .iter()
            .find(|spec| spec.name == action)
            .and_then(|spec| spec.examples.iter().position(|own| *own == example))
            .unwrap_or_default();
        // Goldens show what was computed, not how it was encoded: PNG whatever the example says.
        let process = format!("{example}/resize,m_lfit,w_160,h_160/format,png");
        let source = if number % 2 == 0 { "images/example.jpg" } else { "demo/dice.png" };
        let (frame, _) =
            answer(&processor(), &process, &fixture(source)).unwrap_or_else(|error| panic!("{process}: {error}"));
        let path = folder.join(format!("{action}-{}.png", number + 1));
        let (width, height) = (frame.size().width, frame.size().height);
        if update {
            std::fs::create_dir_all(&folder).expect("the folder can be made");
            let pixels = image::RgbaImage::from_raw(width, height, frame.view().to_vec()).expect("sized");
            pixels.save(&path).expect("the golden can be written");
            continue;
        }
        let golden = image::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgba8();
        let golden = Frame::packed(Size::new(golden.width(), golden.height()), golden.into_raw());
        if golden.size() != frame.size() {
            failures.push(format!("{process}: {} instead of {}", frame.size(), golden.size()));
            continue;
        }
        let found = difference(&frame.view(), &golden.view());
        if found.largest > GOLDEN_BOUND {
            let actual = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{action}-{}-actual.png", number + 1));
            let pixels = image::RgbaImage::from_raw(width, height, frame.view().to_vec()).expect("sized");
            pixels.save(&actual).expect("the actual picture can be written");
            failures.push(format!("{process}: {found:?}, see {}", actual.display()));
        }
    }
    assert!(!update, "goldens written: look at them, then run again without UPDATE_GOLDEN");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
