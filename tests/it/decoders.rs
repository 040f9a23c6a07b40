//! Every fixture against what other decoders make of it: `tables/decoded.csv`, written by
//! `tests/reference/decode.py`.
//!
//! Sizes, orientations and frame counts must be equal; pixels are compared as the premultiplied
//! means of an 8 × 8 grid of blocks, which tells swapped channels, shifted or turned pictures and
//! wrong alpha, and leaves out how decoders round and how they enlarge chroma.

use crate::support::fixture;
use crate::support::pictures::{from_fn, ramp};
use crate::support::tables::rows;
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::error::{Code, Error};
use pixelpass::format::{Format, Probe};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::limits::Limits;
use pixelpass::pixel::{Frame, View};
use std::io::Write;

const GRID: u32 = 8;

/// Animations of more frames have their first alone in the table.
const MOST_FRAMES: u32 = 5;

type Blocks = Vec<[u8; 4]>;

/// The mean premultiplied colour and alpha of each block, row by row.
fn blocks(picture: &View) -> Blocks {
    let Size { width, height } = picture.size();
    let span = |index: u32, side: u32| {
        let start = index * side / GRID;
        start..((index + 1) * side / GRID).max(start + 1)
    };
    let mut means = Blocks::new();
    for row in 0..GRID {
        for column in 0..GRID {
            let (mut sums, mut count) = ([0.0; 4], 0.0);
            for y in span(row, height) {
                for x in span(column, width) {
                    let [red, green, blue, alpha] = picture.texel(x, y).map(f64::from);
                    let share = alpha / 255.0;
                    for (sum, value) in sums.iter_mut().zip([red * share, green * share, blue * share, alpha]) {
                        *sum += value;
                    }
                    count += 1.0;
                }
            }
            means.push(sums.map(|sum: f64| (sum / count + 0.5) as u8));
        }
    }
    means
}

/// The largest difference between the means of two pictures.
fn distance(found: &Blocks, expected: &Blocks) -> u8 {
    assert_eq!(found.len(), expected.len());
    let values = found.iter().flatten().zip(expected.iter().flatten());
    values.map(|(found, expected)| found.abs_diff(*expected)).max().expect("blocks are compared")
}

/// The blocks that the table holds as hex.
fn from_hex(text: &str) -> Blocks {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(8).map(|at| [byte(at), byte(at + 2), byte(at + 4), byte(at + 6)]).collect()
}

/// How far a mean may lie from the reference's.
///
/// A picture whose profile is passed over is 13 to 16 levels away. JPEGs come out equal with the
/// same version of libjpeg-turbo; others round in their own way.
fn bound(file: &str, format: Format) -> u8 {
    let managed = ["icc", "p3", "adobergb", "cmyk", "ycck"];
    match format {
        _ if managed.iter().any(|part| file.contains(part)) => 6,
        Format::Heic | Format::Avif => 3,
        Format::WebP if file.contains("loss") && !file.contains("lossless") => 3,
        Format::Tiff if file.contains("jpeg") => 3,
        _ => 1,
    }
}

fn decoded(bytes: &[u8], probe: &Probe) -> Result<Frame, Error> {
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    codec::decode(bytes, probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame)
}

/// The blocks of the frames that the table speaks of; frames of the animation are counted.
fn frames(bytes: &[u8], probe: &Probe) -> Result<(u32, Vec<Blocks>), Error> {
    let mut seen = vec![blocks(&decoded(bytes, probe)?.view())];
    if probe.frames == 1 {
        return Ok((1, seen));
    }
    let mut animation = codec::animation(bytes, probe)?;
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    let mut count = 0;
    while animation.next_frame(&mut frame.view_mut(), &Cancel::never())?.is_some() {
        let found = blocks(&frame.view());
        match count {
            0 => assert_eq!(distance(&found, &seen[0]), 0, "the first frame is what the still shows"),
            _ if probe.frames <= MOST_FRAMES => seen.push(found),
            _ => {}
        }
        count += 1;
    }
    Ok((count, seen))
}

/// What differs between a row and what the codecs tell; `None` where nothing does.
fn mistake(row: &[String]) -> Option<String> {
    let [file, format, width, height, orientation, count, expected] = row else { panic!("{row:?}") };
    let number = |text: &String| text.parse::<u32>().expect("a number");
    let bytes = fixture(&format!("images/{file}"));
    let probe = match codec::probe(&bytes, &Limits::OSS) {
        Ok(probe) => probe,
        Err(error) => return Some(format!("{file}: {error}")),
    };
    let told = (probe.format.name(), probe.size, probe.orientation as u32, probe.frames);
    let wanted = (format.as_str(), Size::new(number(width), number(height)), number(orientation), number(count));
    if told != wanted {
        return Some(format!("{file}: {told:?} instead of {wanted:?}"));
    }
    let (count, found) = match frames(&bytes, &probe) {
        Ok(frames) => frames,
        Err(error) => return Some(format!("{file}: {error}")),
    };
    let expected: Vec<_> = expected.split(' ').map(from_hex).collect();
    if (count, found.len()) != (probe.frames, expected.len()) {
        return Some(format!("{file}: {count} frames come out, {} were promised", probe.frames));
    }
    let distances: Vec<_> = found.iter().zip(&expected).map(|(found, expected)| distance(found, expected)).collect();
    let bound = bound(file, probe.format);
    let far = distances.iter().any(|distance| *distance > bound);
    far.then(|| format!("{file}: blocks differ by {distances:?}, allowed is {bound}"))
}

/// Whether this machine reads the format; what is optional and absent is told, not passed over.
pub fn is_read(format: Format) -> bool {
    let rows = rows("decoded.csv");
    let row = rows.iter().find(|row| row[1] == format.name()).expect("every format has a file");
    match codec::probe(&fixture(&format!("images/{}", row[0])), &Limits::OSS) {
        Err(error) if error.code == Code::NotImplemented => {
            assert!(matches!(format, Format::Heic | Format::Avif), "{}: {error}", format.name());
            // Not by `println!`, which is kept from sight where a test passes.
            let _ = writeln!(std::io::stderr(), "NOT RUN for {}: {error}", format.name());
            false
        }
        _ => true,
    }
}

fn agrees(format: Format) {
    if !is_read(format) {
        return;
    }
    let rows = rows("decoded.csv");
    let of_format: Vec<_> = rows.iter().filter(|row| row[1] == format.name()).collect();
    assert!(of_format.len() >= 5, "only {} files of {}", of_format.len(), format.name());
    let mistakes: Vec<_> = of_format.iter().filter_map(|row| mistake(row)).collect();
    assert!(mistakes.is_empty(), "{} of {}\n{}", mistakes.len(), of_format.len(), mistakes.join("\n"));
}

macro_rules! decoders {
    ($($name:ident $format:ident,)*) => {
        $(#[test]
        fn $name() {
            agrees(Format::$format);
        })*
    };
}

decoders! {
    jpeg_decodes_as_elsewhere Jpeg,
    png_decodes_as_elsewhere Png,
    webp_decodes_as_elsewhere WebP,
    bmp_decodes_as_elsewhere Bmp,
    gif_decodes_as_elsewhere Gif,
    tiff_decodes_as_elsewhere Tiff,
    heic_decodes_as_elsewhere Heic,
    avif_decodes_as_elsewhere Avif,
}

/// The picture laid down as its orientation asks.
fn upright(stored: &Frame, orientation: Orientation) -> Frame {
    let (x0, y0) = orientation.start(stored.size());
    let (right, down) = orientation.steps();
    from_fn(orientation.apply_to(stored.size()), |x, y| {
        let at = |start: u32, right: i32, down: i32| (start as i32 + right * x as i32 + down * y as i32) as u32;
        stored.view().texel(at(x0, right.0, down.0), at(y0, right.1, down.1)).map(|channel| channel as u8)
    })
}

#[test]
fn the_eight_orientations_show_one_scene() {
    let scenes: Vec<_> = (1..=8)
        .map(|orientation| {
            let bytes = fixture(&format!("images/jpeg/orient_{orientation}.jpg"));
            let probe = codec::probe(&bytes, &Limits::OSS).expect("a header");
            assert_eq!(probe.orientation as u32, orientation);
            upright(&decoded(&bytes, &probe).expect("pixels"), probe.orientation)
        })
        .collect();
    for scene in &scenes {
        assert_eq!(scene.size(), Size::new(120, 80));
        let far = distance(&blocks(&scene.view()), &blocks(&scenes[0].view()));
        assert!(far <= 1, "blocks differ by {far}");
    }
}

#[test]
fn known_faults_are_seen() {
    let right = ramp(Size::new(211, 97), true);
    let texel = |x: u32, y: u32| right.view().texel(x, y).map(|channel| channel as u8);
    let far = |fault: &dyn Fn(u32, u32) -> [u8; 4]| {
        let wrong = from_fn(right.size(), fault);
        distance(&blocks(&wrong.view()), &blocks(&right.view()))
    };
    assert_eq!(far(&texel), 0);
    let widest = 6;
    let swapped = |x, y| {
        let [red, green, blue, alpha] = texel(x, y);
        [blue, green, red, alpha]
    };
    assert!(far(&swapped) > widest);
    assert!(far(&|x, y| texel(x.saturating_sub(8), y)) > widest, "eight columns");
    assert!(far(&|x, y| texel(210 - x, y)) > widest, "mirrored");
    assert!(far(&|x, y| texel(x, 96 - y)) > widest, "upside down");
    assert!(far(&|x, y| [texel(x, y)[0], texel(x, y)[1], texel(x, y)[2], 255]) > widest, "no alpha");
    // A fault of one column is larger than what formats without loss may differ by.
    assert!(far(&|x, y| texel(x.saturating_sub(2), y)) > 1, "two columns");
}
