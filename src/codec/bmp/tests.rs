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

/// A file with any header, its length first, and what follows that; pixels lie at `offset`.
fn with_header(header: &[u8], after: &[u8], pixels: &[u8], offset: u32) -> Vec<u8> {
    let length = header.len() as u32 + 4;
    [b"BM\0\0\0\0\0\0\0\0", &offset.to_le_bytes()[..], &length.to_le_bytes(), header, after, pixels].concat()
}

/// Header fields of Windows behind the length, as many bytes as there shall be.
fn fields(size: (i32, i32), bits: u16, compression: u32, length: usize, more: &[(usize, u32)]) -> Vec<u8> {
    let mut header = [0; 124];
    for (at, value) in [(4, size.0 as u32), (8, size.1 as u32), (12, 1 | u32::from(bits) << 16), (16, compression)] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    for (at, value) in more {
        header[*at..*at + 4].copy_from_slice(&value.to_le_bytes());
    }
    header[4..length].to_vec()
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

/// Masks of red, green, blue and alpha in headers of version 3 and later.
const ALPHA_LAST: [(usize, u32); 4] = [(40, 0x00ff_0000), (44, 0xff00), (48, 0xff), (52, 0xff00_0000)];

#[test]
fn alpha_counts_where_a_mask_tells_it() {
    let pixels = [1, 2, 3, 4, 5, 6, 7, 0];
    let (clear, opaque) = ([3, 2, 1, 4, 7, 6, 5, 0], [3, 2, 1, 255, 7, 6, 5, 255]);
    let mut cases = Vec::new();
    for length in [56, 108, 124] {
        cases.push((length, 3, &ALPHA_LAST[..], clear));
        cases.push((length, 3, &ALPHA_LAST[..3], opaque));
    }
    // Without bit fields the mask of version 4 and 5 counts all the same.
    for length in [108, 124] {
        cases.push((length, 0, &ALPHA_LAST[..], clear));
        cases.push((length, 0, &ALPHA_LAST[3..], clear));
        cases.push((length, 0, &ALPHA_LAST[..3], opaque));
    }
    cases.push((56, 0, &ALPHA_LAST[..], opaque));
    cases.push((52, 3, &ALPHA_LAST[..3], opaque));
    for (length, compression, masks, expected) in cases {
        let header = fields((2, 1), 32, compression, length, masks);
        let file = with_header(&header, &[], &pixels, 14 + length as u32);
        assert_eq!(read(&file).unwrap(), expected, "{length} bytes, {compression}");
        let alpha = codec::probe(&file, &Limits::OSS).unwrap().alpha;
        assert_eq!(alpha, expected[3] != 255, "{length} bytes, {compression}");
    }
    // Behind a header of 40 bytes stand three masks, or four.
    let masks: Vec<u8> = ALPHA_LAST.iter().flat_map(|(_, mask)| mask.to_le_bytes()).collect();
    assert_eq!(read(&file(2, 1, 32, 6, &masks, &pixels)).unwrap(), clear);
    assert_eq!(read(&file(2, 1, 32, 3, &masks[..12], &pixels)).unwrap(), opaque);
}

#[test]
fn an_alpha_channel_of_zeros_is_none() {
    for (length, compression) in [(56, 3), (108, 0), (108, 3), (124, 0), (124, 3)] {
        let header = fields((2, 1), 32, compression, length, &ALPHA_LAST);
        let pixels = |alpha| with_header(&header, &[], &[1, 2, 3, 0, 5, 6, 7, alpha], 14 + length as u32);
        assert_eq!(read(&pixels(0)).unwrap(), [3, 2, 1, 255, 7, 6, 5, 255]);
        assert_eq!(read(&pixels(1)).unwrap(), [3, 2, 1, 0, 7, 6, 5, 1]);
    }
    // 4-4-4-4: red 15, green 8, blue 1, alpha 0, then alpha 3 of 15.
    let masks: Vec<u8> = [0x0f00u32, 0xf0, 0x0f, 0xf000].into_iter().flat_map(u32::to_le_bytes).collect();
    let pixels = |second: u16| file(2, 1, 16, 6, &masks, [0x0f81, second].map(u16::to_le_bytes).as_flattened());
    assert_eq!(read(&pixels(0x0f81)).unwrap(), [255, 136, 17, 255].repeat(2));
    assert_eq!(read(&pixels(0x3f81)).unwrap(), [255, 136, 17, 0, 255, 136, 17, 51]);
}

#[test]
fn masks_have_any_width_but_no_holes() {
    // 10-10-10-2: red 1023, green 512 of 1023, blue 1, alpha 2 of 3.
    let masks = |masks: [u32; 4]| masks.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    let pixel = 2u32 << 30 | 1023 << 20 | 512 << 10 | 1;
    let wide = masks([0x3ff0_0000, 0xf_fc00, 0x3ff, 0xc000_0000]);
    assert_eq!(read(&file(1, 1, 32, 6, &wide, &pixel.to_le_bytes())).unwrap(), [255, 128, 0, 170]);
    let all = masks([u32::MAX, 0, 1, 0]);
    assert_eq!(read(&file(1, 1, 32, 6, &all, &0x8000_0001u32.to_le_bytes())).unwrap(), [128, 0, 255, 255]);
    let holes = masks([0x00ff_00ff, 0xff00, 0, 0]);
    assert_eq!(read(&file(1, 1, 32, 6, &holes, &[0; 4])).unwrap_err().code, Code::ImageDamage);
}

#[test]
fn headers_of_os2_may_be_cut_anywhere() {
    let expected = [3, 2, 1, 255, 6, 5, 4, 255];
    for length in [16, 20, 24, 36, 42, 46, 48, 60, 64] {
        let header = fields((2, 1), 24, 0, length, &[]);
        let file = with_header(&header, &[], &[1, 2, 3, 4, 5, 6, 0, 0], 14 + length as u32);
        assert_eq!(read(&file).unwrap(), expected, "{length} bytes");
        // Its palettes have four bytes a colour.
        let header = fields((2, 1), 8, 0, length, &[]);
        let pixels_at = 14 + length as u32 + 1024;
        let file = with_header(&header, &greys(), &[9, 100, 0, 0], pixels_at);
        assert_eq!(read(&file).unwrap(), [18, 18, 18, 255, 200, 200, 200, 255], "{length} bytes");
    }
    // The oldest header: sides of 16 bits, three bytes a colour.
    let core = [2u16, 1, 1, 1].map(u16::to_le_bytes);
    let file = with_header(core.as_flattened(), &[1, 2, 3, 4, 5, 6], &[0b0100_0000, 0, 0, 0], 32);
    assert_eq!(read(&file).unwrap(), expected);
    for length in [13, 15, 65, 107, 109] {
        let header = fields((2, 1), 24, 0, length, &[]);
        let file = with_header(&header, &[], &[0; 8], 14 + length as u32);
        assert_eq!(read(&file).unwrap_err().code, Code::ImageDamage, "{length} bytes");
    }
}

#[test]
fn palettes_of_any_length_and_numbers_beyond_them() {
    let colors = |count: u32, told: u32, pixels_at: u32, pixels: &[u8]| {
        let palette: Vec<u8> = (0..count).flat_map(|index| [index as u8, 0, 7, 0]).collect();
        read(&with_header(&fields((2, 1), 8, 0, 40, &[(32, told)]), &palette, pixels, pixels_at))
    };
    let expected = [7, 0, 1, 255, 7, 0, 2, 255];
    assert_eq!(colors(300, 300, 54 + 1200, &[1, 2, 0, 0]).unwrap(), expected);
    assert_eq!(colors(3, 3, 54 + 12, &[1, 2, 0, 0]).unwrap(), expected);
    // Where no offset is told, the pixels follow.
    assert_eq!(colors(3, 3, 0, &[1, 2, 0, 0]).unwrap(), expected);
    // More colours than there is room for in front of the pixels.
    assert_eq!(colors(3, 256, 54 + 12, &[1, 2, 0, 0]).unwrap(), expected);
    for absurd in [257, u32::MAX] {
        assert_eq!(colors(3, absurd, 54 + 12, &[1, 2, 0, 0]).unwrap_err().code, Code::ImageDamage);
    }
    assert_eq!(colors(2, 2, 54 + 8, &[1, 2, 0, 0]).unwrap(), [7, 0, 1, 255, 0, 0, 0, 255]);
    assert_eq!(colors(0, 0, 20, &[1, 2, 0, 0]).unwrap_err().code, Code::ImageDamage);
    // Two bits a pixel.
    let four = [0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 3, 0];
    let texels = read(&file(5, 1, 2, 0, &four, &[0b00_01_10_11, 0b10_00_00_00, 0, 0])).unwrap();
    assert_eq!(texels.iter().step_by(4).copied().collect::<Vec<_>>(), [0, 1, 2, 3, 2]);
    // The number of planes is nobody's business.
    let mut planes = file(2, 1, 24, 0, &[], &[1, 2, 3, 4, 5, 6, 0, 0]);
    planes[26] = 3;
    assert_eq!(read(&planes).unwrap(), [3, 2, 1, 255, 6, 5, 4, 255]);
}

#[test]
fn runs_stop_at_the_edge_and_leave_black() {
    let red = |bytes: &[u8]| read(bytes).map(|texels| texels.iter().step_by(4).copied().collect::<Vec<_>>());
    // A run of 9 and a literal of 5 in rows of 4; the next row begins where it should.
    let runs = [9, 3, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 1];
    assert_eq!(red(&file(4, 2, 8, 1, &greys(), &runs)).unwrap(), [2, 4, 6, 8, 6, 6, 6, 6]);
    let runs = [9, 0x37, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 0, 1];
    assert_eq!(red(&file(4, 2, 4, 2, &greys()[..64], &runs)).unwrap(), [2, 4, 6, 8, 6, 14, 6, 14]);
    // One pixel, two to the right and one up, one pixel, the end: what is left out is black.
    let runs = [1, 3, 0, 2, 2, 1, 1, 4, 0, 1];
    assert_eq!(red(&file(4, 2, 8, 1, &greys(), &runs)).unwrap(), [0, 0, 0, 8, 6, 0, 0, 0]);
    assert_eq!(
        red(&file(4, 2, 4, 2, &greys()[..64], &[1, 0x30, 0, 2, 2, 1, 1, 0x40, 0, 1])).unwrap(),
        [0, 0, 0, 8, 6, 0, 0, 0]
    );
    for wrong in [&[1, 3, 0, 2, 0, 2, 0, 1][..], &[1, 3, 0, 2, 9, 0, 0, 1], &[1, 3, 0, 2, 9], &[4, 3, 0, 0, 3, 1]] {
        assert_eq!(red(&file(4, 2, 8, 1, &greys(), wrong)).unwrap_err().code, Code::ImageDamage, "{wrong:?}");
    }
    // Every pixel is there, the code for the end is not.
    assert_eq!(red(&file(4, 2, 8, 1, &greys(), &[4, 3, 0, 0, 4, 1])).unwrap(), [2, 2, 2, 2, 6, 6, 6, 6]);
}

#[test]
fn runs_of_24_bits() {
    // Twice one colour; three colours as they stand and a byte that fills up; to the edge and beyond.
    let runs = [2, 1, 2, 3, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 9, 20, 21, 22, 0, 1];
    let header = fields((5, 2), 24, 4, 64, &[]);
    let texels = read(&with_header(&header, &[], &runs, 78)).unwrap();
    let (top, bottom) = texels.split_at(20);
    assert_eq!(top, [22, 21, 20, 255].repeat(5));
    assert_eq!(bottom, [3, 2, 1, 255, 3, 2, 1, 255, 6, 5, 4, 255, 9, 8, 7, 255, 12, 11, 10, 255]);
}

#[test]
fn light_in_64_bits_and_fax_codes() {
    // Of 8192: 4096 of red is 188, all of green, none of blue, more than white is white; alpha 6144.
    let pixels = [0i16, 8192, 4096, 6144, -9, 9999, 8192, 8192].map(i16::to_le_bytes);
    let bytes = file(2, 1, 64, 0, &[], pixels.as_flattened());
    assert_eq!(read(&bytes).unwrap(), [188, 255, 0, 191, 255, 255, 0, 255]);
    // T.4: an end of line, white 1011 (4) and black 011 (4), then the same the other way round.
    let codes = [0b0000_0000, 0b0001_1011, 0b0110_0000, 0b0000_0001, 0b0011_0101, 0b0111_0110];
    let header = fields((8, 2), 1, 3, 64, &[]);
    let fax = with_header(&header, &[1, 1, 1, 0, 2, 2, 2, 0], &codes, 86);
    let expected = [2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2];
    assert_eq!(read(&fax).unwrap().iter().step_by(4).copied().collect::<Vec<_>>(), expected);
    // Pictures of other formats inside, and inks.
    for (bits, compression) in [(0, 4), (0, 5), (32, 11), (8, 12), (24, 3), (8, 2)] {
        let error = read(&file(1, 1, bits, compression, &[], &[0; 64])).unwrap_err();
        assert_eq!((error.code, error.ec), (Code::BadRequest, Some(Ec::image(5))), "{bits} {compression}");
    }
}

#[test]
fn an_embedded_profile_is_followed() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let read = |kind: u32, size: usize| {
        let more = [(56, kind), (112, 128), (116, size as u32)];
        read(&with_header(&fields((1, 1), 24, 0, 124, &more), &[50, 100, 200, 0], &profile, 138)).unwrap()
    };
    let embedded = u32::from_be_bytes(*b"MBED");
    // CSS Color 4: Display P3's 200, 100, 50 is sRGB's 215, 93, 31.
    let found = read(embedded, profile.len());
    assert!(found.iter().zip([215, 93, 31, 255]).all(|(a, b)| a.abs_diff(b) <= 1), "{found:?}");
    // One that lies elsewhere, is not all there, or is not said to be there.
    for (kind, size) in [(u32::from_be_bytes(*b"LINK"), profile.len()), (embedded, 1 << 30), (0, profile.len())] {
        assert_eq!(read(kind, size), [200, 100, 50, 255]);
    }
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
    let masked = with_header(&fields((2, 40), 32, 3, 124, &ALPHA_LAST), &[], &[7; 320], 138);
    let deltas = with_header(&fields((5, 9), 24, 4, 64, &[]), &[], &[2, 1, 2, 3, 0, 2, 1, 1].repeat(6), 78);
    let fax = with_header(&fields((40, 9), 1, 3, 64, &[]), &[0; 8], &[0x00, 0x1b, 0x6f, 0x31].repeat(9), 86);
    let whole = [file(2, 40, 24, 0, &[], &[7; 320]), file(4, 40, 8, 1, &greys(), &runs)];
    let files = [&whole[..], &[masked, deltas, fax]].concat();
    let mut seed = 0x9e37_79b9_u32;
    for round in 0..1000 {
        let mut broken = files[round % files.len()].clone();
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
