//! PNG: hand-made files of every kind, round trips, damage.

use super::*;
use crate::codec;
use crate::error::{Code, Ec};
use crate::format::Output;
use crate::geometry::Orientation;
use crate::pixel::Frame;

const GREY: u8 = 0;
const RGB: u8 = 2;
const PALETTE: u8 = 3;
const GREY_ALPHA: u8 = 4;
const RGBA: u8 = 6;

/// A chunk: length, kind, data, CRC-32.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let crc = kind.iter().chain(data).fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &(!crc).to_be_bytes()].concat()
}

/// Data as zlib with one stored block.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    let sum = (b << 16 | a).to_be_bytes();
    [&[0x78, 0x01, 0x01], &length.to_le_bytes()[..], &(!length).to_le_bytes(), data, &sum].concat()
}

/// A file from filtered rows (each led by its filter number) and the chunks before them.
fn file(size: Size, depth: u8, color: u8, interlaced: bool, before: &[Vec<u8>], rows: &[u8]) -> Vec<u8> {
    let sides = [size.width.to_be_bytes(), size.height.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[&sides[..], &[depth, color, 0, 0, interlaced.into()]].concat());
    let data = chunk(b"IDAT", &stored(rows));
    [b"\x89PNG\r\n\x1a\n", &header[..], &before.concat(), &data, &chunk(b"IEND", b"")].concat()
}

fn read(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let probe = codec::probe(bytes, &Limits::OSS)?;
    let mut frame = Frame::packed(probe.size, vec![0x5a; probe.size.pixels() as usize * TEXEL_BYTES]);
    codec::decode(bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame.view().to_vec())
}

fn alpha(bytes: &[u8]) -> bool {
    codec::probe(bytes, &Limits::OSS).unwrap().alpha
}

fn write(view: &View, opaque: bool) -> Vec<u8> {
    let output = Output::still(Format::Png);
    codec::encode(view, opaque, &output, &Cancel::never()).unwrap()
}

#[test]
fn narrowing_rounds_to_the_nearest() {
    for value in 0..=u16::MAX {
        let [high, low] = value.to_be_bytes();
        let exact = f64::from(value) * 255.0 / 65_535.0;
        assert_eq!(f64::from(narrow(high, low)), exact.round(), "{value}");
    }
}

#[test]
fn sixteen_bits_are_rounded_not_cut() {
    // 0x00ff is 0.99 of 257: nearest is 1, the high byte says 0. 0x0080 is 0.498; 0x0081 0.502.
    let row = [&[0][..], &[0x00, 0xff, 0x00, 0x80, 0x00, 0x81, 0xff, 0x7e]].concat();
    let size = Size::new(1, 1);
    assert_eq!(read(&file(size, 16, RGBA, false, &[], &row)).unwrap(), [1, 0, 1, 254]);
    assert_eq!(read(&file(size, 16, RGB, false, &[], &row[..7])).unwrap(), [1, 0, 1, 255]);
    assert_eq!(read(&file(size, 16, GREY_ALPHA, false, &[], &row[..5])).unwrap(), [1, 1, 1, 0]);
    assert_eq!(read(&file(size, 16, GREY, false, &[], &row[..3])).unwrap(), [1, 1, 1, 255]);
}

#[test]
fn transparent_colours_are_compared_in_sixteen_bits() {
    // Both pixels narrow to the same grey, one of them is the transparent one.
    let key = chunk(b"tRNS", &[0x80, 0x00]);
    let bytes = file(Size::new(2, 1), 16, GREY, false, &[key], &[0, 0x80, 0x00, 0x80, 0x01]);
    assert!(alpha(&bytes));
    assert_eq!(read(&bytes).unwrap(), [128, 128, 128, 0, 128, 128, 128, 255]);
}

#[test]
fn low_bits_and_palettes_are_expanded() {
    // Grey of two bits: 0, 1, 2, 3 become 0, 85, 170, 255.
    let bytes = file(Size::new(4, 1), 2, GREY, false, &[], &[0, 0b00_01_10_11]);
    assert!(!alpha(&bytes));
    let greys = [0, 85, 170, 255].map(|grey| [grey, grey, grey, 255]);
    assert_eq!(read(&bytes).unwrap(), greys.concat());
    // Three colours, of which the first two have an alpha.
    let colors = chunk(b"PLTE", &[1, 2, 3, 40, 50, 60, 7, 8, 9]);
    let alphas = chunk(b"tRNS", &[0, 128]);
    let rows = [0, 0b01_10_00_00, 0, 0b10_01_01_00];
    let bytes = file(Size::new(3, 2), 2, PALETTE, false, &[colors.clone(), alphas], &rows);
    assert!(alpha(&bytes));
    let (first, second, third) = ([1, 2, 3, 0], [40, 50, 60, 128], [7, 8, 9, 255]);
    assert_eq!(read(&bytes).unwrap(), [second, third, first, third, second, second].concat());
    let opaque = file(Size::new(3, 2), 2, PALETTE, false, &[colors], &rows);
    assert!(!alpha(&opaque));
    assert_eq!(read(&opaque).unwrap()[8..12], [1, 2, 3, 255]);
}

#[test]
fn interlaced_files_are_read_as_plain_ones() {
    // x and y of the first pixel and the steps, pass by pass. Source: the PNG specification, 8.2.
    const PASSES: [[usize; 4]; 7] =
        [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
    let (width, height) = (13, 11);
    for (color, depth, texel_bytes) in [(RGBA, 8, 4), (GREY, 8, 1), (RGB, 16, 6), (GREY_ALPHA, 16, 4)] {
        let texel = |x: usize, y: usize| (0..texel_bytes).map(move |i| (x * 19 + y * 31 + i * 7) as u8);
        let row = |xs: Vec<usize>, y: usize| [0].into_iter().chain(xs.into_iter().flat_map(move |x| texel(x, y)));
        let plain: Vec<u8> = (0..height).flat_map(|y| row((0..width).collect(), y)).collect();
        let passes = PASSES.into_iter().flat_map(|[x, y, right, down]| {
            (y..height).step_by(down).flat_map(move |y| row((x..width).step_by(right).collect(), y))
        });
        let size = Size::new(width as u32, height as u32);
        let interlaced = file(size, depth, color, true, &[], &passes.collect::<Vec<u8>>());
        let plain = read(&file(size, depth, color, false, &[], &plain)).unwrap();
        assert_eq!(read(&interlaced).unwrap(), plain, "colour type {color}");
    }
}

#[test]
fn round_trips_are_lossless() {
    let size = Size::new(37, 70);
    let pitch = 37 * 4 + 12;
    let bytes: Vec<u8> = (0..pitch * 70).map(|i| (i * i / 7 + i) as u8).collect();
    let view = View::new(size, pitch, &bytes);
    let file = write(&view, false);
    assert!(alpha(&file));
    assert_eq!(read(&file).unwrap(), view.to_vec());
    let mut solid = view.to_vec();
    solid.chunks_exact_mut(4).for_each(|texel| texel[3] = 255);
    let file = write(&View::new(size, 37 * 4, &solid), true);
    assert!(!alpha(&file));
    assert_eq!(read(&file).unwrap(), solid);
}

#[test]
fn padding_between_rows_is_not_touched() {
    let files: [&[u8]; 4] = [
        include_bytes!("../../../fixtures/images/exif_orientation_6.png"),
        include_bytes!("../../../fixtures/images/suite_basi6a08.png"),
        include_bytes!("../../../fixtures/images/suite_tbbn2c16.png"),
        include_bytes!("../../../fixtures/images/suite_basn4a16.png"),
    ];
    for bytes in files {
        let probe = codec::probe(bytes, &Limits::OSS).unwrap();
        let row = probe.size.width as usize * TEXEL_BYTES;
        let pitch = row + 20;
        let mut padded = vec![0xa5; pitch * (probe.size.height as usize - 1) + row];
        let mut target = ViewMut::new(probe.size, pitch, &mut padded);
        codec::decode(bytes, &probe, 1, &mut target, &Cancel::never()).unwrap();
        assert!(padded.chunks(pitch).all(|line| line[row..].iter().all(|byte| *byte == 0xa5)));
        assert_eq!(View::new(probe.size, pitch, &padded).to_vec(), read(bytes).unwrap());
    }
}

#[test]
fn orientation_is_read_from_the_exif_chunk() {
    let bytes = include_bytes!("../../../fixtures/images/exif_orientation_6.png");
    let probe = codec::probe(bytes, &Limits::OSS).unwrap();
    assert_eq!((probe.size, probe.orientation), (Size::new(200, 100), Orientation::Turn90));
    let nonsense = chunk(b"eXIf", b"nonsense");
    let bytes = file(Size::new(1, 1), 8, GREY, false, &[nonsense], &[0, 7]);
    assert_eq!(codec::probe(&bytes, &Limits::OSS).unwrap().orientation, Orientation::Upright);
}

#[test]
fn wrong_side_chunks_do_no_harm() {
    let mut comment = chunk(b"tEXt", b"Comment\0wrong checksum");
    *comment.last_mut().unwrap() ^= 1;
    let profile = chunk(b"iCCP", b"x\0\0not a profile");
    let bytes = file(Size::new(1, 1), 8, GREY, false, &[comment, profile], &[0, 7]);
    assert_eq!(read(&bytes).unwrap(), [7, 7, 7, 255]);
}

fn profile_chunk(profile: &moxcms::ColorProfile) -> Vec<u8> {
    chunk(b"iCCP", &[b"x\0\0", &stored(&profile.encode().unwrap())[..]].concat())
}

#[test]
fn code_points_outrank_a_profile_and_a_profile_outranks_srgb() {
    let one = |before: &[Vec<u8>]| read(&file(Size::new(1, 1), 8, RGB, false, before, &[0, 200, 100, 50])).unwrap();
    let points = |bytes: [u8; 4]| chunk(b"cICP", &bytes);
    let p3 = profile_chunk(&moxcms::ColorProfile::new_display_p3());
    let adobe = profile_chunk(&moxcms::ColorProfile::new_adobe_rgb());
    let srgb = chunk(b"sRGB", &[0]);
    let (plain, as_p3) = (vec![200, 100, 50, 255], vec![215, 93, 31, 255]);
    let by_adobe = one(&[adobe.clone()]);
    assert!(by_adobe != plain && by_adobe != as_p3);
    for (before, expected) in [
        (vec![srgb.clone()], &plain),
        (vec![srgb.clone(), adobe.clone()], &by_adobe),
        (vec![adobe.clone(), srgb.clone()], &by_adobe),
        (vec![points([12, 13, 0, 1]), adobe.clone(), srgb.clone()], &as_p3),
        (vec![points([1, 13, 0, 1]), adobe.clone()], &plain),
        (vec![points([77, 99, 0, 1])], &plain),
    ] {
        assert_eq!(&one(&before), expected, "{before:?}");
    }
    // The same by matrix and by profile.
    let by_profile = one(&[p3]);
    assert!(by_profile.iter().zip(&as_p3).all(|(a, b)| a.abs_diff(*b) <= 1), "{by_profile:?}");
}

#[test]
fn high_dynamic_range_is_converted_before_it_is_rounded() {
    // PQ of 0.5 cd/m² and of 203: 0.1175 and 0.5807 of the largest number. Source: BT.2100, table 4.
    let codes = |share: f64| ((share * 65_535.0) as u16).to_be_bytes();
    let (dark, white) = (codes(0.117_46), codes(0.580_7));
    let rgba = [&[0][..], &dark.repeat(3), &[0x80, 0x80], &white.repeat(3), &[255, 255]].concat();
    let grey = [&[0][..], &dark, &white].concat();
    let points = chunk(b"cICP", &[9, 16, 0, 1]);
    let size = Size::new(2, 1);
    let found = read(&file(size, 16, RGBA, false, &[points.clone()], &rgba)).unwrap();
    // 0.5 / 203 of white is 12.92 · 255 · 0.002463 = 8.1 levels.
    assert_eq!((found[0], found[3], found[7]), (8, 128, 255));
    assert!(found[4] >= 235, "{found:?}");
    // Grey, interlaced, and told by a profile's code points.
    let greys = read(&file(size, 16, GREY, false, &[points.clone()], &grey)).unwrap();
    assert_eq!((greys[0], greys[4], greys[3]), (found[0], found[4], 255));
    // Both pixels are of one row each, in the first and the sixth pass.
    let passes = [&[0][..], &dark.repeat(3), &[0x80, 0x80], &[0], &white.repeat(3), &[255, 255]].concat();
    assert_eq!(read(&file(size, 16, RGBA, true, &[points], &passes)).unwrap(), found);
    let profile = profile_chunk(&moxcms::ColorProfile::new_bt2020_pq());
    assert_eq!(read(&file(size, 16, RGBA, false, &[profile], &rgba)).unwrap(), found);
}

#[test]
fn colour_profiles_are_followed_whatever_else_the_file_says() {
    let bytes = include_bytes!("../../../fixtures/images/png/p3_icc_8x8.png");
    let followed = read(bytes).unwrap();
    // The same file without the profile, and with an sRGB chunk before and behind it.
    let (head, rest) = bytes.split_at(8 + 25);
    let at = bytes.windows(4).position(|name| name == b"iCCP").unwrap();
    let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    let (profile, behind) = (&bytes[..at + 4 + length + 4], &bytes[at + 4 + length + 4..]);
    let without = read(&[&bytes[..at - 4], behind].concat()).unwrap();
    assert_ne!(followed, without);
    assert!(followed.chunks(4).zip(without.chunks(4)).all(|(after, before)| after[3] == before[3]));
    assert_eq!(read(&[head, &chunk(b"sRGB", &[0]), rest].concat()).unwrap(), followed);
    assert_eq!(read(&[profile, &chunk(b"sRGB", &[0]), behind].concat()).unwrap(), followed);
}

#[test]
fn palettes_are_at_most_256_whole_colours() {
    let read = |length| {
        let colors = chunk(b"PLTE", &vec![7; length]);
        read(&file(Size::new(1, 1), 8, PALETTE, false, &[colors], &[0, 0]))
    };
    for whole in [3, 768] {
        assert_eq!(read(whole).unwrap(), [7, 7, 7, 255]);
    }
    for wrong in [1, 2, 4, 59, 769, 771] {
        assert_eq!(read(wrong).unwrap_err().code, Code::ImageDamage, "{wrong} bytes");
    }
}

#[test]
fn cut_and_wrong_files_are_damaged() {
    let rows: Vec<u8> = (0..40u8).flat_map(|y| [0, y, y, y, 9]).collect();
    for color in [RGBA, GREY] {
        let size = if color == RGBA { Size::new(1, 40) } else { Size::new(4, 40) };
        let bytes = file(size, 8, color, false, &[], &rows);
        assert!(read(&bytes).is_ok());
        // Behind the rows are their checksum, the chunk's, and the chunk for the end: 4, 4 and 12 bytes.
        for length in bytes.len() - 20..bytes.len() {
            assert_eq!(read(&bytes[..length]).unwrap(), read(&bytes).unwrap(), "cut at {length}");
        }
        for length in 8..bytes.len() - 24 {
            assert_eq!(read(&bytes[..length]).unwrap_err().code, Code::ImageDamage, "cut at {length}");
        }
        let mut flipped = bytes.clone();
        flipped[60] ^= 1;
        assert_eq!(read(&flipped).unwrap_err().code, Code::ImageDamage);
        let short = file(size, 8, color, false, &[], &rows[..rows.len() - 1]);
        assert_eq!(read(&short).unwrap_err().code, Code::ImageDamage);
    }
}

#[test]
fn interlaced_pictures_are_whole_without_their_end() {
    // 3 × 5: passes of 1, 0, 1, 2, 1, 3 and 2 rows; the second has no columns.
    let size = Size::new(3, 5);
    let rows: Vec<u8> = [1, 1, 1, 1, 2, 1, 1, 1, 3, 3].into_iter().flat_map(|width| vec![0; width + 1]).collect();
    assert_eq!(adam7_rows(size), 10);
    let bytes = file(size, 8, GREY, true, &[], &rows);
    for length in [bytes.len() - 20, bytes.len() - 12, bytes.len()] {
        assert_eq!(read(&bytes[..length]).unwrap(), [0, 0, 0, 255].repeat(15), "cut at {length}");
    }
    assert_eq!(read(&bytes[..bytes.len() - 26]).unwrap_err().code, Code::ImageDamage);
}

#[test]
fn of_a_clear_grey_the_lowest_bits_count() {
    // Greys 1, 0, 1, 0 of one bit; 1, 2, 3, 1 of two; 5, 6 of four.
    for (depth, byte, clear, expected) in [
        (1, 0b1010_0000, 0x0001, &[(255, 0), (0, 255), (255, 0), (0, 255)][..]),
        (1, 0b1010_0000, 0xfff1, &[(255, 0), (0, 255), (255, 0), (0, 255)]),
        (1, 0b1010_0000, 0x00fe, &[(255, 255), (0, 0), (255, 255), (0, 0)]),
        (2, 0b0110_1101, 0x0106, &[(85, 255), (170, 0), (255, 255), (85, 255)]),
        (4, 0x56, 0x0026, &[(85, 255), (102, 0)]),
    ] {
        for interlaced in [false, true] {
            let size = Size::new(expected.len() as u32, 1);
            let transparent = chunk(b"tRNS", &u16::to_be_bytes(clear));
            // Of one row, pass 1 has the first pixel, pass 4 the third, pass 6 the others.
            let rows = match (interlaced, depth) {
                (false, _) => vec![0, byte],
                (true, 1) => vec![0, byte & 0x80, 0, byte << 2, 0, byte << 1 & 0x80 | byte << 2 & 0x40],
                (true, 2) => vec![0, byte & 0xc0, 0, byte << 4, 0, byte << 2 & 0xc0 | byte << 4 & 0x30],
                _ => vec![0, byte & 0xf0, 0, byte << 4],
            };
            let bytes = file(size, depth, GREY, interlaced, &[transparent], &rows);
            let texels: Vec<u8> = expected.iter().flat_map(|(grey, alpha)| [*grey, *grey, *grey, *alpha]).collect();
            assert_eq!(read(&bytes).unwrap(), texels, "{depth} bits, {clear:#x}, {interlaced}");
            assert!(codec::probe(&bytes, &Limits::OSS).unwrap().alpha);
        }
    }
}

#[test]
fn orientation_is_told_with_and_without_the_name_of_its_block() {
    let block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    for prefix in [&b""[..], b"Exif\0\0"] {
        let exif = chunk(b"eXIf", &[prefix, block].concat());
        let bytes = file(Size::new(1, 1), 8, GREY, false, &[exif], &[0, 7]);
        let orientation = codec::probe(&bytes, &Limits::OSS).unwrap().orientation;
        assert_eq!(orientation, Orientation::Turn90);
    }
}

#[test]
fn sides_and_pixels_have_limits() {
    let probe = |width, height| codec::probe(&file(Size::new(width, height), 8, GREY, false, &[], &[]), &Limits::OSS);
    assert!(probe(30_000, 1).is_ok());
    for (width, height) in [(30_001, 1), (1, 30_001), (20_000, 20_000), (u32::MAX >> 1, u32::MAX >> 1)] {
        let error = probe(width, height).unwrap_err();
        assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(12))));
    }
    assert_eq!(probe(0, 1).unwrap_err().code, Code::ImageDamage);
}

#[test]
fn giving_up_is_asked_between_rows() {
    let cancel = Cancel::never();
    cancel.give_up();
    let pixels = [0; 16];
    let view = View::new(Size::new(2, 2), 8, &pixels);
    assert_eq!(encode(&view, false, &cancel).unwrap_err().code, Code::ServiceUnavailable);
    let bytes = write(&view, false);
    let mut target = Frame::packed(Size::new(2, 2), vec![0; 16]);
    let error = decode(&bytes, &mut target.view_mut(), &cancel).unwrap_err();
    assert_eq!(error.code, Code::ServiceUnavailable);
}

#[test]
fn files_are_no_larger_than_libpngs() {
    // By libpng 1.6.39 and zlib 1.2.13 at level 1, all filters to choose from (`benches/encoders.py`).
    let files: [(&[u8], usize); 8] = [
        (include_bytes!("../../../fixtures/vectors/source.png"), 90_495),
        (include_bytes!("../../../fixtures/vectors/lanczos-340x221.png"), 110_801),
        (include_bytes!("../../../fixtures/demo/dice.png"), 5_365),
        (include_bytes!("../../../fixtures/demo/logo.png"), 14_211),
        (include_bytes!("../../../fixtures/images/png/rgb8.png"), 20_628),
        (include_bytes!("../../../fixtures/images/webp/lossless_simple_300.webp"), 103_904),
        (include_bytes!("../../../fixtures/images/png/palette2_trns_900x600.png"), 10_953),
        (include_bytes!("../../../fixtures/images/gif/interlaced_540x330.gif"), 39_918),
    ];
    let (mut ours, mut theirs) = (0, 0);
    for (file, libpng) in files {
        let probe = codec::probe(file, &Limits::OSS).unwrap();
        let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * TEXEL_BYTES]);
        codec::decode(file, &probe, 1, &mut frame.view_mut(), &Cancel::never()).unwrap();
        let written = write(&frame.view(), !probe.alpha);
        assert_eq!(read(&written).unwrap(), frame.view().to_vec());
        assert!(written.len() <= libpng * 21 / 20, "{} instead of {libpng}", written.len());
        (ours, theirs) = (ours + written.len(), theirs + libpng);
    }
    assert!(ours <= theirs, "{ours} instead of {theirs}");
}
