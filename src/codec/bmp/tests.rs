//! BMP: hand-made files of every kind, round trips, damage.

use super::*;
use crate::codec;
use crate::format::Output;
use crate::pixel::Frame;

/// A file with a 40-byte header, whatever `after` it: masks or a palette, then pixels at `offset`.
fn file(width: i32, height: i32, bits: u16, compression: u32, after: &[u8], rows: &[u8]) -> Vec<u8> {
    let offset = 54 + after.len() as u32;
    let mut file = b"BM".to_vec();
    file.extend((offset + rows.len() as u32).to_le_bytes());
    file.extend([0; 4]);
    file.extend(offset.to_le_bytes());
    file.extend(40u32.to_le_bytes());
    file.extend(width.to_le_bytes());
    file.extend(height.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(compression.to_le_bytes());
    file.extend([0; 20]);
    file.extend(after);
    file.extend(rows);
    file
}

/// A palette of 256 greys that are twice their number.
fn greys() -> Vec<u8> {
    (0..=255u8).flat_map(|index| [index.wrapping_mul(2), index.wrapping_mul(2), index.wrapping_mul(2), 0]).collect()
}

fn read_padded(bytes: &[u8], padding: usize) -> Result<Vec<u8>, Error> {
    let probe = codec::probe(bytes, &Limits { source_pixels: 1 << 20, ..Limits::OSS })?;
    let row = probe.size.width as usize * TEXEL_BYTES;
    let mut pixels = vec![0x5a; (row + padding) * probe.size.height as usize];
    let mut target = ViewMut::new(probe.size, row + padding, &mut pixels);
    codec::decode(bytes, &probe, 1, &mut target, &Cancel::never())?;
    assert!(pixels.chunks(row + padding).all(|line| line[row..].iter().all(|byte| *byte == 0x5a)));
    Ok(View::new(probe.size, row + padding, &pixels).to_vec())
}

fn read(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    read_padded(bytes, 0)
}

#[test]
fn rows_stand_on_their_head_unless_the_height_is_negative() {
    // Two pixels a row: blue, green, red each; six bytes and two of padding.
    let rows = [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0];
    let (bottom, top) = ([3, 2, 1, 255, 6, 5, 4, 255], [9, 8, 7, 255, 12, 11, 10, 255]);
    assert_eq!(read(&file(2, 2, 24, 0, &[], &rows)).unwrap(), [top, bottom].concat());
    assert_eq!(read(&file(2, -2, 24, 0, &[], &rows)).unwrap(), [bottom, top].concat());
    assert_eq!(read_padded(&file(2, 2, 24, 0, &[], &rows), 12).unwrap(), [top, bottom].concat());
}

#[test]
fn sixteen_bits_are_spread() {
    // 5-5-5: red 31, green 0, blue 1 of 31, which is 8.2 of 255.
    let value = (31u16 << 10 | 1).to_le_bytes();
    assert_eq!(read(&file(1, 1, 16, 0, &[], &[value[0], value[1], 0, 0])).unwrap(), [255, 0, 8, 255]);
    let masks: Vec<u8> = [0xf800u32, 0x07e0, 0x001f].into_iter().flat_map(u32::to_le_bytes).collect();
    // 5-6-5: green 32 of 63 is 129.5, red and blue 16 of 31 are 131.6.
    let value = (16u16 << 11 | 32 << 5 | 16).to_le_bytes();
    let texel = read(&file(1, 1, 16, 3, &masks, &[value[0], value[1], 0, 0])).unwrap();
    assert!(texel.iter().zip([132, 130, 132, 255]).all(|(a, b)| a.abs_diff(b) <= 1), "{texel:?}");
}

#[test]
fn palettes_and_run_lengths_are_expanded() {
    let expected: Vec<u8> = [3, 3, 3, 9].into_iter().flat_map(|index| [index * 2, index * 2, index * 2, 255]).collect();
    assert_eq!(read(&file(4, 1, 8, 0, &greys(), &[3, 3, 3, 9])).unwrap(), expected);
    // Three times 3, once 9, end of the row, end of the picture.
    assert_eq!(read(&file(4, 1, 8, 1, &greys(), &[3, 3, 1, 9, 0, 0, 0, 1])).unwrap(), expected);
    let sixteen = &greys()[..64];
    assert_eq!(read(&file(4, 1, 4, 0, sixteen, &[0x33, 0x39, 0, 0])).unwrap(), expected);
    assert_eq!(read(&file(4, 1, 4, 2, sixteen, &[3, 0x33, 1, 0x90, 0, 0, 0, 1])).unwrap(), expected);
    let two = [10, 20, 30, 0, 40, 50, 60, 0];
    let texels = read(&file(3, 1, 1, 0, &two, &[0b0100_0000, 0, 0, 0])).unwrap();
    assert_eq!(texels, [30, 20, 10, 255, 60, 50, 40, 255, 30, 20, 10, 255]);
}

#[test]
fn thirty_two_bits_without_a_mask_are_opaque() {
    assert_eq!(read(&file(1, 1, 32, 0, &[], &[1, 2, 3, 0])).unwrap(), [3, 2, 1, 255]);
}

#[test]
fn round_trips_are_lossless() {
    let size = Size::new(7, 5);
    let pixels: Vec<u8> = (0..7 * 5 * 4).map(|i| (i * 37 % 251) as u8).collect();
    let view = View::new(size, 28, &pixels);
    let write = |opaque| codec::encode(&view, opaque, &Output::still(Format::Bmp), &Cancel::never()).unwrap();
    let file = write(false);
    assert!(codec::probe(&file, &Limits::OSS).unwrap().alpha);
    assert_eq!(file.len(), 14 + 108 + 7 * 4 * 5);
    assert_eq!(read(&file).unwrap(), pixels);
    let file = write(true);
    assert!(!codec::probe(&file, &Limits::OSS).unwrap().alpha);
    assert_eq!(file.len(), 14 + 40 + 24 * 5);
    // The last row comes first: blue, green, red.
    assert_eq!(file[54..57], [pixels[28 * 4 + 2], pixels[28 * 4 + 1], pixels[28 * 4]]);
    let mut solid = pixels.clone();
    solid.chunks_exact_mut(4).for_each(|texel| texel[3] = 255);
    assert_eq!(read(&file).unwrap(), solid);
}

#[test]
fn sides_and_pixels_have_limits() {
    let probe = |width, height| codec::probe(&file(width, height, 24, 0, &[], &[]), &Limits::OSS);
    assert!(probe(30_000, 1).is_ok());
    for (width, height) in [(30_001, 1), (1, 30_001), (1, -30_001), (i32::MAX, 1)] {
        let error = probe(width, height).unwrap_err();
        assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(17))));
    }
    let error = probe(20_000, 20_000).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(12))));
    for (width, height) in [(0, 1), (1, 0), (-1, 1)] {
        assert_eq!(probe(width, height).unwrap_err().code, Code::ImageDamage);
    }
}

#[test]
fn cut_files_are_damaged() {
    let whole = file(2, 40, 24, 0, &[], &[7; 320]);
    let runs: Vec<u8> = [4, 9, 0, 0].repeat(40);
    let run_lengths = file(4, 40, 8, 1, &greys(), &[&runs[..], &[0, 1]].concat());
    for bytes in [whole, run_lengths] {
        assert!(read(&bytes).is_ok());
        for cut in 0..20 {
            let length = 2 + (bytes.len() - 3) * cut / 20;
            assert_eq!(read(&bytes[..length]).unwrap_err().code, Code::ImageDamage, "cut at {length}");
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let runs: Vec<u8> = [4, 9, 0, 0].repeat(40);
    let files = [file(2, 40, 24, 0, &[], &[7; 320]), file(4, 40, 8, 1, &greys(), &runs)];
    let mut seed = 0x9e37_79b9_u32;
    for round in 0..400 {
        let mut broken = files[round % 2].clone();
        for _ in 0..=round % 5 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let reach = if round % 3 == 0 { broken.len() } else { 60 };
            broken[(seed >> 8) as usize % reach] ^= 1 << (seed >> 5 & 7);
        }
        // A picture or an error, either will do.
        let _ = read(&broken);
    }
}

#[test]
fn giving_up_is_asked_between_rows() {
    let cancel = Cancel::never();
    cancel.give_up();
    let pixels = [0; 16];
    let view = View::new(Size::new(2, 2), 8, &pixels);
    assert_eq!(encode(&view, false, &cancel).unwrap_err().code, Code::ServiceUnavailable);
    let bytes = file(2, 2, 24, 0, &[], &[0; 16]);
    let mut target = Frame::packed(Size::new(2, 2), vec![0; 16]);
    assert_eq!(decode(&bytes, &mut target.view_mut(), &cancel).unwrap_err().code, Code::ServiceUnavailable);
}
