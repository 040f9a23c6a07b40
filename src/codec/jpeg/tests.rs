//! JPEG: colours, sizes, published file sizes, damage.

use super::*;
use crate::codec;
use crate::geometry::{Orientation, Size};
use crate::pixel::{Frame, TEXEL_BYTES};
use crate::plane::PlaneMut;

const EXAMPLE: &[u8] = include_bytes!("../../../fixtures/images/example.jpg");
const F: &[u8] = include_bytes!("../../../fixtures/images/f.jpg");
const EXTRANEOUS: &[u8] = include_bytes!("../../../fixtures/images/extraneous_data.jpg");
const CMYK: &[u8] = include_bytes!("../../../fixtures/images/cmyk_adobe0_420.jpg");
const RESTARTS: &[u8] = include_bytes!("../../../fixtures/images/size_33x33_restart.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("../../../fixtures/images/progressive_cat_420_icc.jpg");
const ARITHMETIC: &[u8] = include_bytes!("../../../fixtures/images/arithmetic.jpg");

fn read(bytes: &[u8], reduction: u32) -> Result<Frame, Error> {
    let probe = codec::probe(bytes, &Limits::OSS)?;
    let size = codec::reduced(probe.size, reduction);
    let mut frame = Frame::packed(size, vec![0; size.pixels() as usize * TEXEL_BYTES]);
    codec::decode(bytes, &probe, reduction, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame)
}

fn write(frame: &Frame, quality: u8, interlace: bool) -> Vec<u8> {
    let output = Output { quality, interlace, ..Output::still(Format::Jpeg) };
    codec::encode(&frame.view(), true, &output, &Cancel::never()).unwrap()
}

/// A smooth picture: diagonal ramps.
fn ramps(size: Size) -> Frame {
    let texel = |x: u32, y: u32| [(x * 2) as u8, (y * 2) as u8, (x + y) as u8, 255];
    let bytes = (0..size.height).flat_map(|y| (0..size.width).flat_map(move |x| texel(x, y))).collect();
    Frame::packed(size, bytes)
}

fn mean_difference(a: &Frame, b: &Frame) -> f64 {
    let (a, b) = (a.view().to_vec(), b.view().to_vec());
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(&b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

fn code(error: Error) -> (Code, Option<Ec>) {
    (error.code, error.ec)
}

#[test]
fn headers_of_the_documentation_samples() {
    let example = codec::probe(EXAMPLE, &Limits::OSS).unwrap();
    let expected = Probe {
        format: Format::Jpeg,
        size: Size::new(400, 267),
        orientation: Orientation::Upright,
        frames: 1,
        alpha: false,
        quality: Some(82),
    };
    assert_eq!(example, expected);
    let turned = codec::probe(F, &Limits::OSS).unwrap();
    assert_eq!((turned.size, turned.orientation), (Size::new(424, 333), Orientation::Transverse));
}

#[test]
fn the_turned_sample_has_the_published_size() {
    let upright = read(EXAMPLE, 1).unwrap();
    let stored = upright.size();
    let bytes = (0..stored.width)
        .flat_map(|y| (0..stored.height).map(move |x| (y, stored.height - 1 - x)))
        .flat_map(|(x, y)| upright.view().texel(x, y))
        .map(|channel| channel as u8)
        .collect();
    let turned = Frame::packed(stored.swapped(), bytes);
    // The documented service answers rotate,90 of this file with 20,998 bytes.
    assert_eq!(write(&turned, 82, false).len(), 20_998);
}

#[test]
fn files_carry_a_plain_jfif_header() {
    let frame = ramps(Size::new(40, 30));
    for interlace in [false, true] {
        let file = write(&frame, 75, interlace);
        // Version 1.01, no unit, density 1:1, no thumbnail; then tables at once.
        assert_eq!(file[..20], *b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
        assert_eq!(file[20..22], *b"\xff\xdb");
        let frame = Head::read(&file).frame.unwrap();
        assert_eq!((frame.marker, frame.size), (if interlace { 0xc2 } else { 0xc0 }, Size::new(40, 30)));
    }
}

#[test]
fn round_trips_stay_near() {
    let frame = ramps(Size::new(97, 61));
    for (quality, bound) in [(100, 1.0), (90, 2.0), (50, 4.0)] {
        for interlace in [false, true] {
            let again = read(&write(&frame, quality, interlace), 1).unwrap();
            let difference = mean_difference(&frame, &again);
            assert!(difference < bound, "{difference} at {quality}");
            assert!(again.view().to_vec().chunks(4).all(|texel| texel[3] == 255));
        }
    }
}

#[test]
fn quality_is_read_back_from_own_files() {
    let frame = ramps(Size::new(32, 32));
    for quality in [1, 10, 50, 75, 82, 90, 95, 100] {
        let probe = codec::probe(&write(&frame, quality, quality > 50), &Limits::OSS).unwrap();
        assert_eq!(probe.quality, Some(quality));
    }
}

#[test]
fn reduced_pictures_are_means_of_whole_ones() {
    for (reduction, size) in [(2, Size::new(200, 134)), (4, Size::new(100, 67)), (8, Size::new(50, 34))] {
        assert_eq!(read(EXAMPLE, reduction).unwrap().size(), size);
    }
    let whole = ramps(Size::new(61, 45));
    let file = write(&whole, 95, false);
    for reduction in [2, 4, 8] {
        let small = read(&file, reduction).unwrap();
        // The middle of a block of pixels lies half a block from its corner.
        let middle = f64::from(reduction - 1) / 2.0;
        let (x, y) = (3, 2);
        let [red, green, blue, _] = small.view().texel(x, y).map(f64::from);
        let (x, y) = (f64::from(x * reduction) + middle, f64::from(y * reduction) + middle);
        for (found, expected) in [(red, 2.0 * x), (green, 2.0 * y), (blue, x + y)] {
            assert!((found - expected).abs() < 5.0, "{found} for {expected} at 1/{reduction}");
        }
    }
}

#[test]
fn padding_between_rows_is_not_touched() {
    for (bytes, reduction) in [(EXAMPLE, 1), (EXAMPLE, 8), (CMYK, 2), (RESTARTS, 1)] {
        let probe = codec::probe(bytes, &Limits::OSS).unwrap();
        let size = codec::reduced(probe.size, reduction);
        let row = size.width as usize * TEXEL_BYTES;
        let pitch = row + 20;
        let mut padded = vec![0xa5; pitch * size.height as usize];
        let mut target = ViewMut::new(size, pitch, &mut padded);
        codec::decode(bytes, &probe, reduction, &mut target, &Cancel::never()).unwrap();
        assert!(padded.chunks(pitch).all(|line| line[row..].iter().all(|byte| *byte == 0xa5)));
        let packed = read(bytes, reduction).unwrap();
        assert_eq!(View::new(size, pitch, &padded).to_vec(), packed.view().to_vec());
        // And the other way: a file written from padded rows is that of packed ones.
        let output = Output { quality: 80, ..Output::still(Format::Jpeg) };
        let file = codec::encode(&View::new(size, pitch, &padded), true, &output, &Cancel::never()).unwrap();
        assert_eq!(file, write(&packed, 80, false));
    }
}

#[test]
fn inverted_inks_become_light() {
    let frame = read(CMYK, 1).unwrap();
    assert_eq!(frame.size(), Size::new(256, 256));
    assert!(frame.view().to_vec().chunks(4).all(|texel| texel[3] == 255));
}

#[test]
fn rare_codings_are_read() {
    for (bytes, size) in [(RESTARTS, (33, 33)), (PROGRESSIVE, (320, 240)), (ARITHMETIC, (10, 10))] {
        assert_eq!(read(bytes, 1).unwrap().size(), Size::new(size.0, size.1));
    }
}

#[test]
fn stray_bytes_do_no_harm() {
    assert_eq!(read(EXTRANEOUS, 1).unwrap().size(), Size::new(16, 16));
    let clean = read(EXAMPLE, 1).unwrap();
    let garbage = [EXAMPLE, b"\xff\xd8 trailing \xff\xc0 garbage"].concat();
    assert_eq!(mean_difference(&read(&garbage, 1).unwrap(), &clean), 0.0);
    // Before the end marker, where the decoder warns of them.
    let (body, end) = EXAMPLE.split_at(EXAMPLE.len() - 2);
    assert_eq!(end, b"\xff\xd9");
    let stray = [body, b"stray", end].concat();
    assert_eq!(mean_difference(&read(&stray, 1).unwrap(), &clean), 0.0);
}

#[test]
fn cut_files_are_damaged() {
    for bytes in [EXAMPLE, PROGRESSIVE, CMYK, RESTARTS] {
        for eighths in 1..8 {
            let error = read(&bytes[..bytes.len() * eighths / 8], 1).unwrap_err();
            assert_eq!(code(error), (Code::ImageDamage, None));
        }
    }
    // An end marker set behind half of the data does not mend it.
    let mended = [&EXAMPLE[..EXAMPLE.len() / 2], b"\xff\xd9"].concat();
    assert_eq!(code(read(&mended, 1).unwrap_err()), (Code::ImageDamage, None));
    // A harmless warning does not hide that the rest is missing.
    let stray = [&EXAMPLE[..20], b"stray", &EXAMPLE[20..]].concat();
    assert!(read(&stray, 1).is_ok());
    assert_eq!(code(read(&stray[..stray.len() / 2], 1).unwrap_err()), (Code::ImageDamage, None));
}

/// What may stand where a file should end: nothing, half a marker, zeros, text, the film behind a
/// photo, markers in it that are none of the picture's.
fn foreign() -> Vec<Vec<u8>> {
    let film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\x01\0mdat";
    let markers = b"\xff\xc4\0\x08wrong!\xff\xda\0\x03\x09\xff\xdb\0\x04ab\xff\xe4\xff\xff";
    vec![
        vec![],
        vec![0xff],
        vec![0; 300],
        b"text that follows".to_vec(),
        film.to_vec(),
        [&film[..], markers].concat(),
        [&[0; 40][..], markers].concat(),
        [&film[..], b"\xff\xd9 and more", markers].concat(),
    ]
}

fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\xff\xd9")
}

#[test]
fn a_picture_is_whole_without_its_end_marker() {
    for bytes in [EXAMPLE, PROGRESSIVE, CMYK, RESTARTS] {
        let blocks = bytes.strip_suffix(b"\xff\xd9").unwrap();
        for behind in foreign() {
            let file = [blocks, &behind].concat();
            for reduction in [1, 2, 4, 8] {
                let difference = mean_difference(&read(&file, reduction).unwrap(), &read(bytes, reduction).unwrap());
                // At 1/8 foreign bytes take the file from one decoder to the other.
                let bound = if reduction == 8 { 4.0 } else { 0.0 };
                assert!(difference <= bound, "{difference} for {behind:?} at {reduction}");
            }
        }
    }
}

#[test]
fn planes_are_whole_without_their_end_marker() {
    let blocks = EXAMPLE.strip_suffix(b"\xff\xd9").unwrap();
    let size = codec::probe(EXAMPLE, &Limits::OSS).unwrap().size;
    let planes = |bytes: &[u8], reduction: u32| {
        let reduced = Size::new(size.width.div_ceil(reduction), size.height.div_ceil(reduction));
        let sizes = components(EXAMPLE).unwrap().sizes(reduced);
        let mut planes: Vec<Vec<u8>> = sizes.iter().map(|size| vec![0; size.pixels() as usize]).collect();
        let targets = planes.iter_mut().zip(&sizes);
        let mut targets: Vec<_> =
            targets.map(|(plane, size)| PlaneMut::new(*size, size.width as usize, plane)).collect();
        decode_planes(bytes, reduction, &mut targets, &Cancel::never()).map(|()| planes).map_err(|error| error.code)
    };
    for reduction in [1, 2, 4, 8] {
        let whole = planes(EXAMPLE, reduction).unwrap();
        for behind in foreign() {
            assert!(planes(&[blocks, &behind].concat(), reduction).as_ref() == Ok(&whole), "{behind:?} at {reduction}");
        }
        for behind in foreign().into_iter().filter(|behind| !has_end(behind)) {
            let cut = [&blocks[..blocks.len() - 200], &behind].concat();
            assert_eq!(planes(&cut, reduction), Err(Code::ImageDamage), "{behind:?} at {reduction}");
        }
    }
}

#[test]
fn blocks_that_are_missing_are_damage_whatever_follows() {
    for bytes in [EXAMPLE, PROGRESSIVE, CMYK, RESTARTS] {
        let blocks = bytes.strip_suffix(b"\xff\xd9").unwrap();
        for missing in [40, 100, blocks.len() / 5] {
            for behind in foreign().into_iter().filter(|behind| !has_end(behind)) {
                let file = [&blocks[..blocks.len() - missing], &behind].concat();
                for reduction in [1, 8] {
                    let error = read(&file, reduction).unwrap_err();
                    assert_eq!(code(error), (Code::ImageDamage, None), "{missing} bytes, then {behind:?}");
                }
            }
        }
    }
}

#[test]
fn refused_kinds_and_sizes() {
    let frame_at = EXAMPLE.windows(2).position(|pair| pair == b"\xff\xc0").unwrap();
    let refused = (Code::BadRequest, Some(Ec::image(5)));
    let patched = |offset: usize, values: &[u8]| {
        let mut file = EXAMPLE.to_vec();
        file[frame_at + offset..][..values.len()].copy_from_slice(values);
        codec::probe(&file, &Limits::OSS)
    };
    assert_eq!(code(patched(1, &[0xc3]).unwrap_err()), refused); // lossless
    assert_eq!(code(patched(1, &[0xc5]).unwrap_err()), refused); // hierarchical
    assert_eq!(code(patched(4, &[12]).unwrap_err()), refused); // 12 bits
    assert_eq!(code(patched(5, &[0, 0]).unwrap_err()), (Code::ImageDamage, None)); // no height
    let long = (Code::MemLimitExceeded, Some(Ec::image(19)));
    assert_eq!(code(patched(5, &30_001u16.to_be_bytes()).unwrap_err()), long);
    assert_eq!(code(patched(7, &[0xff, 0xff]).unwrap_err()), long);
    let many = (Code::MemLimitExceeded, Some(Ec::image(12)));
    let twenty_thousand = [20_000u16.to_be_bytes(), 20_000u16.to_be_bytes()].concat();
    assert_eq!(code(patched(5, &twenty_thousand).unwrap_err()), many);
}

#[test]
fn scans_without_end_are_refused() {
    let file = write(&ramps(Size::new(16, 16)), 75, true);
    let last_scan = file.windows(2).rposition(|pair| pair == b"\xff\xda").unwrap();
    let scan = &file[last_scan..file.len() - 2];
    let bomb = [&file[..last_scan], &scan.repeat(200), b"\xff\xd9"].concat();
    let error = read(&bomb, 1).unwrap_err();
    assert_eq!(error.code, Code::ImageDamage);
    assert!(error.source.unwrap().to_string().contains("more than 100 scans"));
}
