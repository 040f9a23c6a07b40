//! TIFF: kinds of pages that scanners, cameras and laboratories write.

use super::{BYTE, LONG, RATIONAL, SHORT, TWO, page, read};
use crate::cancel::Cancel;
use crate::codec;
use crate::codec::tiff::page::{BLACK_IS_ZERO, CIE_LAB, CMYK, ICC_LAB, RGB, WHITE_IS_ZERO, YCBCR};
use crate::error::Code;
use crate::format::{Format, Output};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::{Frame, TEXEL_BYTES, View, ViewMut};

/// Tag, type, values.
type Entry<'a> = (u16, u16, &'a [u32]);

/// The first channel of every texel.
fn reds(bytes: &[u8]) -> Vec<u8> {
    read(bytes).unwrap().iter().step_by(TEXEL_BYTES).copied().collect()
}

fn mirrored(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.reverse_bits()).collect()
}

/// Two rows of 8, coded in each way: white 4 and black 4, then black 4 and white 4.
const FAXES: [(u32, u32, &[u8]); 5] = [
    // 1011 011, 00110101 011 1011, rows from whole bytes on.
    (2, 0, &[0b1011_0110, 0b0011_0101, 0b0111_0110]),
    (32_771, 0, &[0b1011_0110, 0, 0b0011_0101, 0b0111_0110]),
    // The same behind ends of line, 000000000001, the second filled up to a whole byte.
    (3, 4, &[0, 0b0001_1011, 0b0110_0000, 0b0000_0001, 0b0011_0101, 0b0111_0110]),
    // A row of its own (1), then one that refers (0): black from 0 is horizontal 001, white 0, black 4; then
    // white to the end is V0.
    (3, 1, &[0, 0b0001_1101, 0b1011_0000, 0, 0b0001_0001, 0b0011_0101, 0b0111_0000]),
    // Horizontal white 4, black 4; horizontal white 0, black 4; V0.
    (4, 0, &[0b0011_0110, 0b1100_1001, 0b1010_1011, 0b1000_0000]),
];

#[test]
fn faxes_of_every_coding_photometric_and_order_of_bits() {
    for (compression, options, codes) in FAXES {
        for order in [1, 2] {
            let more: [Entry; 3] = [(259, SHORT, &[compression]), (266, SHORT, &[order]), (292, LONG, &[options])];
            let strip = if order == 2 { mirrored(codes) } else { codes.to_vec() };
            let told = |photometric| reds(&page(Size::new(8, 2), photometric, &[1], &more, &strip));
            let black = [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255];
            assert_eq!(told(WHITE_IS_ZERO), black, "{compression} {options} {order}");
            assert_eq!(told(BLACK_IS_ZERO), black.map(|level| 255 - level), "{compression} {options} {order}");
            // Rows that are missing are damage.
            let long = page(Size::new(8, 9), WHITE_IS_ZERO, &[1], &more, &strip);
            assert_eq!(read(&long).unwrap_err().code, Code::ImageDamage, "{compression} {options} {order}");
        }
    }
}

#[test]
fn mirrored_samples_of_every_depth() {
    for (bits, strip, expected) in [
        (1, &[0b0100_0000][..], [0, 255]),
        (2, &[0b0110_0000], [85, 170]),
        (4, &[0x3c], [51, 204]),
        (8, &[7, 200], [7, 200]),
        (16, &[0x81, 0x00, 0x7e, 0xff], [1, 254]),
    ] {
        let file = page(TWO, BLACK_IS_ZERO, &[bits], &[(266, SHORT, &[2])], &mirrored(strip));
        assert_eq!(reds(&file), expected, "{bits} bits");
    }
}

#[test]
fn chroma_is_shared_by_units() {
    // 3 × 3 in units of 2 × 2: four lumas, blueness, redness; 128 is none.
    let unit = |lumas: [u8; 4], red: u8| [&lumas[..], &[128, red]].concat();
    let strip =
        [unit([10, 20, 40, 50], 128), unit([30, 0, 60, 0], 228), unit([70, 80, 0, 0], 128), unit([90, 0, 0, 0], 128)];
    let size = Size::new(3, 3);
    let lumas: [u8; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];
    // 228 adds 140.2 to red.
    let expected = [10, 20, 170, 40, 50, 200, 70, 80, 90];
    for more in [&[][..], &[(530, SHORT, &[2, 2][..])]] {
        let file = page(size, YCBCR, &[8; 3], more, &strip.concat());
        assert_eq!(reds(&file), expected);
        assert_eq!(read(&file).unwrap()[2], lumas[0]);
    }
    // Units of 4 × 1 and 1 × 2.
    let row = [1, 2, 3, 4, 128, 128, 5, 0, 0, 0, 128, 128];
    assert_eq!(reds(&page(Size::new(5, 1), YCBCR, &[8; 3], &[(530, SHORT, &[4, 1])], &row)), [1, 2, 3, 4, 5]);
    let column = [1, 2, 128, 128, 3, 0, 128, 128];
    assert_eq!(reds(&page(Size::new(1, 3), YCBCR, &[8; 3], &[(530, SHORT, &[1, 2])], &column)), [1, 2, 3]);
    // In tiles of 16 × 16, of which 8 × 8 units are stored.
    let tile: Vec<u8> = (0..64u8).flat_map(|number| [number, number, number, number, 128, 128]).collect();
    let tags: [Entry; 4] =
        [(322, SHORT, &[16]), (323, SHORT, &[16]), (325, LONG, &[384]), (324, LONG, &[8 + 2 + 12 * 12 + 4 + 6])];
    let file = page(size, YCBCR, &[8; 3], &tags, &tile);
    let file = without_strip_tags(file);
    assert_eq!(reds(&file), [0, 0, 1, 0, 0, 1, 8, 8, 9]);
}

/// The file with the tags of strips made unknown ones, so that those of tiles hold.
fn without_strip_tags(mut file: Vec<u8>) -> Vec<u8> {
    let count = usize::from(u16::from_le_bytes([file[8], file[9]]));
    for entry in (0..count).map(|index| 10 + 12 * index) {
        match u16::from_le_bytes([file[entry], file[entry + 1]]) {
            273 => file[entry..entry + 2].copy_from_slice(&60_000u16.to_le_bytes()),
            279 => file[entry..entry + 2].copy_from_slice(&60_001u16.to_le_bytes()),
            _ => {}
        }
    }
    file
}

#[test]
fn weights_and_ranges_of_luma() {
    let fractions: [u32; 6] = [2126, 10_000, 7152, 10_000, 722, 10_000];
    let more: [Entry; 2] = [(529, RATIONAL, &fractions), (530, SHORT, &[1, 1])];
    let file = page(TWO, YCBCR, &[8; 3], &more, &[54, 99, 255, 100, 128, 128]);
    let found = read(&file).unwrap();
    assert!(found.iter().zip([254, 0, 0, 255]).all(|(a, b)| a.abs_diff(b) <= 1), "{found:?}");
    assert_eq!(found[4..], [100, 100, 100, 255]);
    let video: [u32; 12] = [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1];
    let more: [Entry; 2] = [(530, SHORT, &[1, 1]), (532, RATIONAL, &video)];
    let file = page(TWO, YCBCR, &[8; 3], &more, &[16, 128, 128, 235, 128, 128]);
    assert_eq!(read(&file).unwrap(), [0, 0, 0, 255, 255, 255, 255, 255]);
}

#[test]
fn inks_with_alpha() {
    let strip = [0, 127, 255, 127, 9, 0, 0, 0, 255, 200];
    let told = |extra: u32, strip: &[u8]| {
        let file = page(TWO, CMYK, &[8; 5], &[(338, SHORT, &[extra])], strip);
        (read(&file).unwrap(), codec::probe(&file, &Limits::OSS).unwrap().alpha)
    };
    assert_eq!(told(2, &strip), (vec![128, 64, 0, 9, 0, 0, 0, 200], true));
    assert_eq!(told(0, &strip), (vec![128, 64, 0, 255, 0, 0, 0, 255], false));
    // Inks of 100 of an alpha of 100 are full.
    assert_eq!(told(1, &[0, 100, 0, 0, 100, 0, 0, 0, 0, 255]), (vec![255, 0, 255, 100, 255, 255, 255, 255], true));
}

#[test]
fn floats_and_wide_integers() {
    let halves = [0x3c00u16, 0x3800, 0x0000, 0x0000, 0x3c00, 0x3800].map(u16::to_le_bytes);
    let floats = [1f32, 0.5, 0.0, 0.0, 1.0, 0.5].map(f32::to_le_bytes);
    let doubles = [1f64, 0.5, 0.0, 0.0, 1.0, 0.5].map(f64::to_le_bytes);
    for (bits, strip) in [(16, halves.as_flattened()), (32, floats.as_flattened()), (64, doubles.as_flattened())] {
        let more: [Entry; 1] = [(339, SHORT, &[3; 3])];
        let found = read(&page(TWO, RGB, &[bits; 3], &more, strip)).unwrap();
        assert_eq!(found, [255, 188, 0, 255, 0, 255, 188, 255], "{bits} bits");
        let more: [Entry; 1] = [(339, SHORT, &[3])];
        let grey = page(Size::new(1, 1), BLACK_IS_ZERO, &[bits], &more, &strip[usize::from(bits) / 8..]);
        assert_eq!(read(&grey).unwrap(), [188, 188, 188, 255], "{bits} bits");
    }
    // With a profile they are its values.
    let profile: Vec<u32> = moxcms::ColorProfile::new_srgb().encode().unwrap().into_iter().map(u32::from).collect();
    let more: [Entry; 2] = [(339, SHORT, &[3; 3]), (34_675, BYTE, &profile)];
    let found = read(&page(TWO, RGB, &[32; 3], &more, floats.as_flattened())).unwrap();
    assert_eq!(found, [255, 128, 0, 255, 0, 255, 128, 255]);
    let integers = [0u32, u32::MAX, 8_421_505].map(u32::to_le_bytes);
    let file = page(Size::new(3, 1), BLACK_IS_ZERO, &[32], &[], integers.as_flattened());
    assert_eq!(reds(&file), [0, 255, 1]);
    // Differences: 1 of 255, and 2 more.
    let integers = [16_843_009u32, 2 * 16_843_009].map(u32::to_le_bytes);
    let file = page(TWO, BLACK_IS_ZERO, &[32], &[(317, SHORT, &[2])], integers.as_flattened());
    assert_eq!(reds(&file), [1, 3]);
    // Floats whose bytes stand apart: 1.0 is 3f800000, 0.5 is 3f000000.
    let apart = [0x3f, 0x00, 0x41, 0x80, 0x00, 0x00, 0x00, 0x00];
    let more: [Entry; 2] = [(317, SHORT, &[3]), (339, SHORT, &[3])];
    assert_eq!(reds(&page(TWO, BLACK_IS_ZERO, &[32], &more, &apart)), [255, 188]);
}

#[test]
fn colours_of_cie() {
    let near = |file: &[u8], expected: [u8; 8]| {
        let found = read(file).unwrap();
        assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2), "{found:?} for {expected:?}");
    };
    // White, and the red of sRGB.
    let expected = [255, 255, 255, 255, 255, 0, 0, 255];
    near(&page(TWO, CIE_LAB, &[8; 3], &[], &[255, 0, 0, 138, 81, 70]), expected);
    near(&page(TWO, CIE_LAB, &[8; 3], &[(339, SHORT, &[2; 3])], &[255, 0, 0, 138, 81, 70]), expected);
    near(&page(TWO, ICC_LAB, &[8; 3], &[], &[255, 128, 128, 138, 209, 198]), expected);
    let alpha = page(TWO, CIE_LAB, &[8; 4], &[(338, SHORT, &[2])], &[255, 0, 0, 9, 138, 81, 70, 255]);
    near(&alpha, [255, 255, 255, 9, 255, 0, 0, 255]);
    near(&page(TWO, CIE_LAB, &[8], &[], &[0, 128]), [0, 0, 0, 255, 119, 119, 119, 255]);
}

#[test]
fn webp_inside() {
    let size = Size::new(5, 3);
    for opaque in [true, false] {
        let alpha = |index: u32| if opaque { 255 } else { (index * 17) as u8 };
        let pixels: Vec<u8> =
            (0..15u32).flat_map(|index| [index as u8 * 7, 200 - index as u8, index as u8 * 16, alpha(index)]).collect();
        let output = Output { lossless: true, ..Output::still(Format::WebP) };
        let strip = codec::encode(&View::new(size, 20, &pixels), opaque, &output, &Cancel::never()).unwrap();
        let channels = if opaque { 3 } else { 4 };
        let more: [Entry; 1] = [(259, SHORT, &[50_001])];
        let found = read(&page(size, RGB, &vec![8; channels], &more, &strip)).unwrap();
        let seen = |texels: &[u8]| texels.chunks(4).filter(|texel| texel[3] > 0).flatten().copied().collect::<Vec<_>>();
        assert_eq!(seen(&found), seen(&pixels));
        let wrong = page(Size::new(5, 4), RGB, &vec![8; channels], &more, &strip);
        assert_eq!(read(&wrong).unwrap_err().code, Code::ImageDamage);
        assert_eq!(
            read(&page(size, RGB, &vec![8; channels], &more, &strip[..30])).unwrap_err().code,
            Code::ImageDamage
        );
    }
}

#[test]
fn an_old_jpeg_that_is_whole() {
    let jpeg = include_bytes!("../../../../fixtures/images/example.jpg");
    let expected = {
        let probe = codec::probe(jpeg, &Limits::OSS).unwrap();
        let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * TEXEL_BYTES]);
        codec::decode(jpeg, &probe, 1, &mut frame.view_mut(), &Cancel::never()).unwrap();
        frame
    };
    let size = expected.size();
    let more = |at: u32, length: u32| {
        [(259, SHORT, vec![6]), (274, SHORT, vec![6]), (513, LONG, vec![at]), (514, LONG, vec![length])]
    };
    let file = |at, length, size| {
        let more = more(at, length);
        let more: Vec<Entry> = more.iter().map(|(tag, kind, values)| (*tag, *kind, &values[..])).collect();
        page(size, YCBCR, &[8; 3], &more, jpeg)
    };
    let at = (file(0, 0, size).len() - jpeg.len()) as u32;
    for length in [0, jpeg.len() as u32, jpeg.len() as u32 - 2] {
        let file = file(at, length, size);
        assert_eq!(codec::probe(&file, &Limits::OSS).unwrap().orientation, Orientation::Turn90);
        assert!(read(&file).unwrap() == expected.view().to_vec());
    }
    let code = |file: &[u8]| read(file).unwrap_err().code;
    assert_eq!(code(&file(at, u32::MAX, size)), Code::ImageDamage);
    assert_eq!(code(&file(u32::MAX, 0, size)), Code::ImageDamage);
    assert_eq!(code(&file(at, jpeg.len() as u32 / 2, size)), Code::ImageDamage);
    assert_eq!(code(&file(at, 0, Size::new(size.width, size.height + 1))), Code::ImageDamage);
    assert_eq!(code(&file(at + 2, 0, size)), Code::BadRequest);
}

/// What a JPEG's segments of a kind hold.
fn segments(jpeg: &[u8], marker: u8) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] == marker {
            found.push(&jpeg[at + 4..end]);
        }
        at = end;
    }
    found
}

#[test]
fn an_old_jpeg_in_pieces() {
    // Of 24 × 40 in 4:2:0, in one strip.
    let size = Size::new(24, 40);
    let pixels: Vec<u8> =
        (0..24 * 40u32).flat_map(|i| [(i * 3) as u8, (i / 7) as u8, (i / 24 * 5) as u8, 255]).collect();
    let write = |rows: std::ops::Range<usize>| {
        let view = View::new(Size::new(24, rows.len() as u32), 96, &pixels[rows.start * 96..rows.end * 96]);
        let mut jpeg =
            codec::encode(&view, true, &Output { quality: 80, ..Output::still(Format::Jpeg) }, &Cancel::never())
                .unwrap();
        assert_eq!(jpeg.split_off(jpeg.len() - 2), b"\xff\xd9");
        jpeg
    };
    let data = |jpeg: &[u8]| {
        let at = jpeg.windows(2).position(|pair| pair == b"\xff\xda").unwrap();
        jpeg[at + 2 + usize::from(jpeg[at + 3])..].to_vec()
    };
    let jpeg = write(0..40);
    let expected = {
        let whole = [&jpeg[..], b"\xff\xd9"].concat();
        let probe = codec::probe(&whole, &Limits::OSS).unwrap();
        let mut frame = Frame::packed(size, vec![0; pixels.len()]);
        codec::decode(&whole, &probe, 1, &mut frame.view_mut(), &Cancel::never()).unwrap();
        frame.view().to_vec()
    };
    let steps: Vec<&[u8]> = segments(&jpeg, 0xdb).iter().map(|table| &table[1..]).collect();
    let codes: Vec<&[u8]> = segments(&jpeg, 0xc4).iter().map(|table| &table[1..]).collect();
    assert_eq!((steps.len(), codes.len()), (2, 4), "a table a segment: DC, AC, DC, AC");
    let file = |strips: &[Vec<u8>], rows: u32, process: u32| {
        let tables = [steps[0], steps[1], codes[0], codes[1], codes[2], codes[3]];
        let all: Vec<u8> = tables.iter().copied().flatten().chain(strips.iter().flatten()).copied().collect();
        let places = |start: u32| {
            let mut at = start;
            let mut place = |length: usize| {
                at += length as u32;
                at - length as u32
            };
            let tables = tables.map(|table| place(table.len()));
            (tables, strips.iter().map(|strip| place(strip.len())).collect::<Vec<u32>>())
        };
        let build = |start: u32| {
            let ([luma, chroma, dc, ac, dc2, ac2], offsets) = places(start);
            let counts: Vec<u32> = strips.iter().map(|strip| strip.len() as u32).collect();
            let more: [Entry; 9] = [
                (259, SHORT, &[6]),
                (273, LONG, &offsets),
                (278, LONG, &[rows]),
                (279, LONG, &counts),
                (512, SHORT, &[process]),
                (519, LONG, &[luma, chroma, chroma]),
                (520, LONG, &[dc, dc2, dc2]),
                (521, LONG, &[ac, ac2, ac2]),
                (530, SHORT, &[2, 2]),
            ];
            page(size, YCBCR, &[8; 3], &more, &all)
        };
        build((build(0).len() - all.len()) as u32)
    };
    assert!(read(&file(&[data(&jpeg)], 40, 1)).unwrap() == expected);
    // With the end marker in the strip, which is no data.
    assert!(read(&file(&[[&data(&jpeg)[..], b"\xff\xd9"].concat()], 40, 1)).unwrap() == expected);
    // Cut, and lossless.
    let code = |file: &[u8]| read(file).unwrap_err().code;
    assert_eq!(code(&file(&[data(&jpeg)[..80].to_vec()], 40, 1)), Code::ImageDamage);
    assert_eq!(code(&file(&[data(&jpeg)], 40, 14)), Code::BadRequest);
    assert_eq!(code(&file(&[data(&jpeg), vec![0]], 20, 1)), Code::BadRequest);
}

#[test]
fn bands_are_the_whole() {
    // Strips of one row each: read by rows they are what they are read at once.
    let rational: [u32; 6] = [2126, 10_000, 7152, 10_000, 722, 10_000];
    let size = Size::new(4, 6);
    let cases: [(u16, usize, Vec<Entry>, usize); 4] = [
        (CMYK, 5, vec![(338, SHORT, &[2])], 2 * 4 * 5),
        (YCBCR, 3, vec![(529, RATIONAL, &rational), (530, SHORT, &[2, 2])], 12),
        (CIE_LAB, 3, vec![], 2 * 4 * 3),
        (RGB, 4, vec![(338, SHORT, &[1])], 2 * 4 * 4),
    ];
    for (photometric, channels, mut more, strip_bytes) in cases {
        let bytes: Vec<u8> = (0..3 * strip_bytes as u32).map(|index| (index * 37 + 5) as u8).collect();
        let (rows, counts) = ([2], [strip_bytes as u32; 3]);
        more.extend([(278, LONG, &rows[..]), (279, LONG, &counts)]);
        let blank = [0; 3];
        let length =
            page(size, photometric, &vec![8; channels], &[&more[..], &[(273, LONG, &blank)]].concat(), &[]).len();
        let places = [0, 1, 2].map(|strip| (length + strip * strip_bytes) as u32);
        more.push((273, LONG, &places));
        let file = page(size, photometric, &vec![8; channels], &more, &bytes);
        let probe = codec::probe(&file, &Limits::OSS).unwrap();
        let whole = read(&file).unwrap();
        let mut rows = codec::rows(&file, &probe).unwrap().unwrap();
        let mut found = vec![0; whole.len()];
        let row = size.width as usize * TEXEL_BYTES;
        for (part, height) in found.chunks_mut(3 * row).zip([3, 3]) {
            let mut target = ViewMut::new(Size::new(size.width, height), row, part);
            rows.next_rows(&mut target, &Cancel::never()).unwrap();
        }
        assert!(found == whole, "{photometric}");
    }
}
