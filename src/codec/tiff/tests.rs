//! TIFF: hand-made pages of every kind, round trips, damage.

mod kinds;
mod layouts;

use super::*;
use crate::codec;
use crate::format::Output;
use crate::pixel::View;

const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
/// Of two numbers each.
const RATIONAL: u16 = 5;

/// A little-endian file of one page: entries of (tag, type, values), the strip behind them.
fn page(size: Size, photometric: u16, bits: &[u16], more: &[(u16, u16, &[u32])], strip: &[u8]) -> Vec<u8> {
    let bits: Vec<u32> = bits.iter().map(|bits| u32::from(*bits)).collect();
    let (width, height, photometric, count) = ([size.width], [size.height], [photometric.into()], [bits.len() as u32]);
    let (length, compression) = ([strip.len() as u32], [1]);
    let mut entries: Vec<(u16, u16, &[u32])> = vec![
        (256, LONG, &width),
        (257, LONG, &height),
        (258, SHORT, &bits),
        (259, SHORT, &compression),
        (262, SHORT, &photometric),
        (277, SHORT, &count),
        (279, LONG, &length),
    ];
    entries.retain(|(tag, ..)| more.iter().all(|(other, ..)| other != tag));
    entries.extend(more);
    let placed = entries.iter().any(|(tag, ..)| *tag == 273);
    let tables = 8 + 2 + 12 * (entries.len() as u32 + u32::from(!placed)) + 4;
    let mut values = Vec::new();
    let mut written: Vec<(u16, u16, u32, [u8; 4])> = Vec::new();
    for (tag, kind, numbers) in entries {
        let bytes: Vec<u8> = match kind {
            BYTE => numbers.iter().map(|number| *number as u8).collect(),
            SHORT => numbers.iter().flat_map(|number| (*number as u16).to_le_bytes()).collect(),
            _ => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        };
        let mut field = [0; 4];
        if bytes.len() <= 4 {
            field[..bytes.len()].copy_from_slice(&bytes);
        } else {
            field = (tables + values.len() as u32).to_le_bytes();
            values.extend(bytes);
        }
        let values = numbers.len() / if kind == RATIONAL { 2 } else { 1 };
        written.push((tag, kind, values as u32, field));
    }
    if !placed {
        written.push((273, LONG, 1, (tables + values.len() as u32).to_le_bytes()));
    }
    written.sort_by_key(|(tag, ..)| *tag);
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    file.extend((written.len() as u16).to_le_bytes());
    for (tag, kind, count, field) in written {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(field);
    }
    file.extend([0; 4]);
    file.extend(values);
    file.extend(strip);
    file
}

fn read(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let probe = codec::probe(bytes, &Limits { source_pixels: 1 << 20, ..Limits::OSS })?;
    let row = probe.size.width as usize * TEXEL_BYTES;
    let mut pixels = vec![0x5a; (row + 12) * probe.size.height as usize];
    let mut target = ViewMut::new(probe.size, row + 12, &mut pixels);
    codec::decode(bytes, &probe, 1, &mut target, &Cancel::never())?;
    assert!(pixels.chunks(row + 12).all(|line| line[row..].iter().all(|byte| *byte == 0x5a)));
    Ok(View::new(probe.size, row + 12, &pixels).to_vec())
}

fn write(view: &View, opaque: bool) -> Vec<u8> {
    codec::encode(view, opaque, &Output::still(Format::Tiff), &Cancel::never()).unwrap()
}

/// One picture, packed by LZW as before TIFF 5.0, and in tiles kept under the tags of strips.
const QUAD: &[u8] = include_bytes!("../../../fixtures/images/tiff/lzw_rgb_quad.tif");
const QUAD_IN_TILES: &[u8] = include_bytes!("../../../fixtures/images/tiff/tiled_lzw_rgb.tif");

const TWO: Size = Size::new(2, 1);

#[test]
fn kinds_of_samples() {
    let grey = page(TWO, page::BLACK_IS_ZERO, &[8], &[], &[7, 200]);
    assert_eq!(read(&grey).unwrap(), [7, 7, 7, 255, 200, 200, 200, 255]);
    let white = page(TWO, page::WHITE_IS_ZERO, &[1], &[], &[0b0100_0000]);
    assert_eq!(read(&white).unwrap(), [255, 255, 255, 255, 0, 0, 0, 255]);
    // 0x0081 is 0.502 of 257, 0xff7e is 254.5 − 1/257 of it.
    let sixteen = page(TWO, page::BLACK_IS_ZERO, &[16], &[], &[0x81, 0x00, 0x7e, 0xff]);
    assert_eq!(read(&sixteen).unwrap(), [1, 1, 1, 255, 254, 254, 254, 255]);
    let rgb = page(TWO, page::RGB, &[8; 3], &[], &[1, 2, 3, 4, 5, 6]);
    assert_eq!(read(&rgb).unwrap(), [1, 2, 3, 255, 4, 5, 6, 255]);
    let cmyk = page(TWO, page::CMYK, &[8; 4], &[], &[0, 127, 255, 127, 0, 0, 0, 255]);
    assert_eq!(read(&cmyk).unwrap(), [128, 64, 0, 255, 0, 0, 0, 255]);
    let colors = [0, 0xffff, 0, 0, 0, 0, 0x8080, 0, 0, 0, 0, 0xffff];
    let palette = page(TWO, page::PALETTE, &[2], &[(320, SHORT, &colors)], &[0b01_11_00_00]);
    assert_eq!(read(&palette).unwrap(), [255, 0, 0, 255, 0, 0, 255, 255]);
}

#[test]
fn alpha_and_planes() {
    let samples = [50, 100, 0, 100, 1, 2, 3, 255];
    let with = |extra: &[u32]| page(TWO, page::RGB, &[8; 4], &[(338, SHORT, extra)], &samples);
    assert_eq!(read(&with(&[1])).unwrap(), [128, 255, 0, 100, 1, 2, 3, 255]);
    assert_eq!(read(&with(&[2])).unwrap(), samples);
    assert_eq!(read(&with(&[0])).unwrap(), [50, 100, 0, 255, 1, 2, 3, 255]);
    let alpha = |bytes: &[u8]| codec::probe(bytes, &Limits::OSS).unwrap().alpha;
    assert!(alpha(&with(&[1])) && alpha(&with(&[2])) && !alpha(&with(&[0])));
    let grey = page(TWO, page::BLACK_IS_ZERO, &[8; 2], &[(338, SHORT, &[2])], &[9, 8, 7, 6]);
    assert_eq!(read(&grey).unwrap(), [9, 9, 9, 8, 7, 7, 7, 6]);
}

#[test]
fn the_orientation_is_told() {
    let turned = page(TWO, page::BLACK_IS_ZERO, &[8], &[(274, SHORT, &[6])], &[7, 200]);
    assert_eq!(codec::probe(&turned, &Limits::OSS).unwrap().orientation, Orientation::Turn90);
}

#[test]
fn fixtures_are_read() {
    let files: [(&[u8], Size); 6] = [
        (QUAD, Size::new(512, 384)),
        (QUAD_IN_TILES, Size::new(512, 384)),
        (include_bytes!("../../../fixtures/images/tiff/packbits_palette.tif"), Size::new(256, 192)),
        (include_bytes!("../../../fixtures/images/tiff/fax_g4_bilevel.tif"), Size::new(460, 307)),
        (include_bytes!("../../../fixtures/images/tiff/ycbcr_jpeg.tif"), Size::new(512, 384)),
        (include_bytes!("../../../fixtures/images/tiff/bigtiff.tif"), Size::new(64, 64)),
    ];
    for (bytes, size) in files {
        assert_eq!(codec::probe(bytes, &Limits::OSS).unwrap().size, size);
        read(bytes).unwrap();
    }
}

#[test]
fn old_codes_and_misplaced_tiles_hold_one_picture() {
    let pixels = read(QUAD).unwrap();
    assert!(pixels == read(QUAD_IN_TILES).unwrap());
    // The sum of all colours that Pillow finds in either.
    let colors = pixels.chunks_exact(TEXEL_BYTES).flat_map(|texel| &texel[..3]);
    assert_eq!(colors.map(|color| u64::from(*color)).sum::<u64>(), 21_048_924);
}

#[test]
fn round_trips_are_lossless() {
    // High enough for several strips.
    let size = Size::new(331, 700);
    let pixels: Vec<u8> = (0..331 * 700 * 4u64).map(|i| (i * i / 7 + i) as u8).collect();
    let view = View::new(size, 331 * 4, &pixels);
    let file = write(&view, false);
    assert!(codec::probe(&file, &Limits::OSS).unwrap().alpha);
    assert_eq!(read(&file).unwrap(), pixels);
    let file = write(&view, true);
    assert!(!codec::probe(&file, &Limits::OSS).unwrap().alpha);
    let mut solid = pixels.clone();
    solid.chunks_exact_mut(4).for_each(|texel| texel[3] = 255);
    assert_eq!(read(&file).unwrap(), solid);
}

#[test]
fn sides_and_pixels_have_limits() {
    let probe = |width, height| {
        codec::probe(&page(Size::new(width, height), page::BLACK_IS_ZERO, &[8], &[], &[0]), &Limits::OSS)
    };
    assert!(probe(16_384, 1).is_ok());
    for (width, height) in [(16_385, 1), (1, 16_385), (u32::MAX, u32::MAX)] {
        let error = probe(width, height).unwrap_err();
        assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(18))));
    }
    let error = probe(16_384, 16_384).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(12))));
    assert_eq!(probe(0, 1).unwrap_err().code, Code::ImageDamage);
    // An operator who allows less than OSS does.
    let few = |limits| codec::probe(&page(TWO, page::BLACK_IS_ZERO, &[8], &[], &[1, 2]), &limits).map(|_| ());
    assert!(few(Limits { source_side: 2, source_pixels: 2, ..Limits::OSS }).is_ok());
    let error = few(Limits { source_side: 1, ..Limits::OSS }).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(18))));
    let error = few(Limits { source_pixels: 1, ..Limits::OSS }).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(12))));
}

#[test]
fn unread_kinds_are_refused() {
    let refused = |bytes: &[u8]| {
        let error = read(bytes).unwrap_err();
        assert_eq!((error.code, error.ec), (Code::BadRequest, Some(Ec::image(5))));
    };
    refused(&page(TWO, page::BLACK_IS_ZERO, &[24], &[], &[0; 8]));
    refused(&page(TWO, page::BLACK_IS_ZERO, &[16], &[(339, SHORT, &[2])], &[0; 4]));
    refused(&page(TWO, page::BLACK_IS_ZERO, &[24], &[(339, SHORT, &[3])], &[0; 6]));
    refused(&page(TWO, page::CMYK, &[16; 4], &[(339, SHORT, &[3])], &[0; 16]));
    // ITU L*a*b*, JPEG 2000, an old JPEG in pieces, chroma shared in planes, differences of it.
    refused(&page(TWO, 10, &[8; 3], &[], &[0; 6]));
    refused(&page(TWO, page::RGB, &[8; 3], &[(259, SHORT, &[34_712])], &[0; 6]));
    refused(&page(TWO, page::RGB, &[8; 3], &[(259, SHORT, &[6])], &[0; 6]));
    let planes: [(u16, u16, &[u32]); 2] = [(273, LONG, &[8; 3]), (279, LONG, &[2; 3])];
    refused(&page(TWO, page::YCBCR, &[8; 3], &[planes[0], planes[1], (284, SHORT, &[2])], &[0; 6]));
    refused(&page(TWO, page::YCBCR, &[8; 3], &[(317, SHORT, &[2])], &[0; 6]));
    refused(&page(TWO, page::RGB, &[8; 3], &[(259, SHORT, &[4])], &[0; 6]));
}

#[test]
fn tables_of_jpegs_hold_no_frame() {
    // A baseline frame of 65,535 × 65,535, which the strip's own header would hide.
    let frame = [0xff, 0xc0, 0, 17, 8, 0xff, 0xff, 0xff, 0xff, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
    let tables: Vec<u32> = [&[0xff, 0xd8], &frame[..], &[0xff, 0xd9]].concat();
    let more: [(u16, u16, &[u32]); 2] = [(259, SHORT, &[7]), (347, BYTE, &tables)];
    let error = read(&page(TWO, page::YCBCR, &[8; 3], &more, &[0xff, 0xd8, 0xff, 0xd9])).unwrap_err();
    assert_eq!(error.code, Code::ImageDamage);
    assert!(format!("{error:?}").contains("among the tables"), "{error:?}");
}

/// Files of several kinds, to be broken.
fn victims() -> Vec<Vec<u8>> {
    let pixels: Vec<u8> = (0..20 * 30 * 4).map(|i| (i * 7 % 253) as u8).collect();
    let view = View::new(Size::new(20, 30), 80, &pixels);
    let [old_codes, misplaced] = layouts::repaired();
    vec![
        old_codes,
        misplaced,
        write(&view, false),
        page(Size::new(20, 30), page::RGB, &[8; 3], &[], &pixels[..1800]),
        include_bytes!("../../../fixtures/images/tiff/bigtiff.tif").to_vec(),
        // Without what follows the directory, which the picture does not need.
        include_bytes!("../../../fixtures/images/tiff/fax_g4_bilevel.tif")[..2432].to_vec(),
        include_bytes!("../../../fixtures/images/tiff/ycbcr_jpeg.tif").to_vec(),
        include_bytes!("../../../fixtures/images/tiff/packbits_palette.tif").to_vec(),
    ]
}

#[test]
fn cut_files_are_damaged() {
    for (kind, bytes) in victims().into_iter().enumerate() {
        assert!(read(&bytes).is_ok(), "file {kind}");
        for cut in 0..20 {
            let length = 4 + (bytes.len() - 5) * cut / 20;
            let code = read(&bytes[..length]).map_err(|error| error.code).err();
            assert_eq!(code, Some(Code::ImageDamage), "file {kind} cut at {length}");
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let victims = victims();
    let mut seed = 0x9e37_79b9_u32;
    for round in 0..1200 {
        let mut broken = victims[round % victims.len()].clone();
        for _ in 0..=round % 4 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = (seed >> 8) as usize % broken.len();
            broken[place] ^= 1 << (seed >> 5 & 7);
        }
        // A picture or an error, either will do.
        let _ = read(&broken);
    }
}

#[test]
fn giving_up_is_asked_between_strips() {
    let cancel = Cancel::never();
    cancel.give_up();
    let pixels = [0; 16];
    let view = View::new(Size::new(2, 2), 8, &pixels);
    assert_eq!(encode(&view, false, &cancel).unwrap_err().code, Code::ServiceUnavailable);
    let mut target = Frame::packed(Size::new(2, 2), vec![0; 16]);
    let error = decode(&write(&view, false), &mut target.view_mut(), &cancel).unwrap_err();
    assert_eq!(error.code, Code::ServiceUnavailable);
}
