//! TIFF: every way in which samples can lie in a file.

use super::{BYTE, page, read};
use crate::cancel::Cancel;
use crate::codec::tiff::chunks::HELD_BYTES;
use crate::codec::tiff::decode;
use crate::codec::tiff::page::{CMYK, Page, RGB};
use crate::codec::tiff::picture::Picture;
use crate::error::Code;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, ViewMut};
use ::tiff::encoder::compression::{CompressionAlgorithm, Deflate, DeflateLevel};
use weezl::BitOrder;
use weezl::encode::Encoder;

const SIZE: Size = Size::new(21, 19);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Packing {
    None,
    Lzw,
    OldLzw,
    PackBits,
    Deflate,
    Zstd,
}

impl Packing {
    const ALL: [Packing; 6] =
        [Packing::None, Packing::Lzw, Packing::OldLzw, Packing::PackBits, Packing::Deflate, Packing::Zstd];

    fn code(self) -> u32 {
        match self {
            Packing::None => 1,
            Packing::Lzw | Packing::OldLzw => 5,
            Packing::PackBits => 32_773,
            Packing::Deflate => 8,
            Packing::Zstd => 50_000,
        }
    }

    fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Packing::None => bytes.to_vec(),
            Packing::Lzw => Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(bytes).unwrap(),
            Packing::OldLzw => Encoder::new(BitOrder::Lsb, 8).encode(bytes).unwrap(),
            // As they stand, 100 at a time.
            Packing::PackBits => {
                let runs = bytes.chunks(100);
                runs.flat_map(|run| std::iter::once(run.len() as u8 - 1).chain(run.iter().copied())).collect()
            }
            Packing::Deflate => {
                let mut packed = Vec::new();
                Deflate::with_level(DeflateLevel::Fast).write_to(&mut packed, bytes).unwrap();
                packed
            }
            Packing::Zstd => ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest),
        }
    }
}

/// How a file of [`SIZE`] lies; its samples are those of [`sample`].
#[derive(Debug, Clone, Copy)]
struct Layout {
    packing: Packing,
    big_endian: bool,
    photometric: u16,
    channels: usize,
    wide: bool,
    planar: bool,
    /// Tiles of 16 × 16, else strips of 8 rows.
    tiled: bool,
    differences: bool,
    /// The places stand under the tags that belong to the other of strips and tiles.
    misplaced: bool,
    /// FillOrder: every byte is mirrored.
    mirrored: bool,
}

const PLAIN: Layout = Layout {
    packing: Packing::None,
    big_endian: false,
    photometric: RGB,
    channels: 3,
    wide: false,
    planar: false,
    tiled: false,
    differences: false,
    misplaced: false,
    mirrored: false,
};

/// A value that tells where it stands: 0..=255 over the picture.
fn sample(x: u32, y: u32, channel: usize) -> u8 {
    (x * 7 + y * 5 + channel as u32 * 3 + 11) as u8
}

/// The sample in 16 bits: what it is more or less than a whole colour is rounded away again.
fn wide_sample(x: u32, y: u32, channel: usize) -> u16 {
    let value = u16::from(sample(x, y, channel)) * 257;
    if value < 0x8000 { value + 100 } else { value - 100 }
}

/// Bytes of one row of a strip or tile: samples beyond the picture are 0.
fn row(layout: &Layout, y: u32, columns: std::ops::Range<u32>, channels: &std::ops::Range<usize>) -> Vec<u8> {
    let mut row = Vec::new();
    for x in columns.clone() {
        for channel in channels.clone() {
            let value = |x| if x < SIZE.width { wide_sample(x, y, channel) } else { 0 };
            let narrow = |x| if x < SIZE.width { sample(x, y, channel) } else { 0 };
            let before = x.checked_sub(1).filter(|before| layout.differences && columns.contains(before));
            if layout.wide {
                let value = value(x).wrapping_sub(before.map_or(0, value));
                row.extend(if layout.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
            } else {
                row.push(narrow(x).wrapping_sub(before.map_or(0, narrow)));
            }
        }
    }
    row
}

impl Layout {
    fn file(&self) -> Vec<u8> {
        let chunk = if self.tiled { Size::new(16, 16) } else { Size::new(SIZE.width, 8) };
        let step = if self.planar { 1 } else { self.channels };
        let planes = (0..self.channels).step_by(step).map(|first| first..first + step);
        let mut chunks = Vec::new();
        for channels in planes {
            for top in (0..SIZE.height).step_by(chunk.height as usize) {
                for left in (0..SIZE.width).step_by(chunk.width as usize) {
                    let bottom = if self.tiled { top + 16 } else { SIZE.height.min(top + 8) };
                    let rows = (top..bottom).map(|y| row(self, y, left..left + chunk.width, &channels));
                    let mut packed = self.packing.pack(&rows.flatten().collect::<Vec<u8>>());
                    if self.mirrored {
                        packed.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
                    }
                    chunks.push(packed);
                }
            }
        }
        self.around(chunk, &chunks)
    }

    /// Header, directory, the long values, the strips or tiles.
    fn around(&self, chunk: Size, chunks: &[Vec<u8>]) -> Vec<u8> {
        let tile_tags = self.tiled != self.misplaced;
        let lengths: Vec<u32> = chunks.iter().map(|chunk| chunk.len() as u32).collect();
        let mut entries: Vec<(u16, u16, Vec<u32>)> = vec![
            (256, 4, vec![SIZE.width]),
            (257, 4, vec![SIZE.height]),
            (258, 3, vec![if self.wide { 16 } else { 8 }; self.channels]),
            (259, 3, vec![self.packing.code()]),
            (262, 3, vec![self.photometric.into()]),
            (266, 3, vec![if self.mirrored { 2 } else { 1 }]),
            (if tile_tags { 324 } else { 273 }, 4, vec![0; chunks.len()]),
            (277, 3, vec![self.channels as u32]),
            (if tile_tags { 325 } else { 279 }, 4, lengths),
            (284, 3, vec![if self.planar { 2 } else { 1 }]),
            (317, 3, vec![if self.differences { 2 } else { 1 }]),
        ];
        if self.tiled {
            entries.extend([(322, 3, vec![chunk.width]), (323, 3, vec![chunk.height])]);
        } else {
            entries.push((278, 4, vec![chunk.height]));
        }
        if self.photometric == RGB && self.channels == 4 {
            entries.push((338, 3, vec![2]));
        }
        entries.sort_by_key(|(tag, ..)| *tag);
        let width = |kind: u16| if kind == 3 { 2 } else { 4 };
        let tables = 8 + 2 + 12 * entries.len() + 4;
        let long = |kind: u16, values: &[u32]| Some(width(kind) * values.len()).filter(|bytes| *bytes > 4);
        let values: usize = entries.iter().filter_map(|(_, kind, values)| long(*kind, values)).sum();
        let mut at = tables + values;
        for (_, _, offsets) in entries.iter_mut().filter(|(tag, ..)| matches!(tag, 273 | 324)) {
            for (offset, chunk) in offsets.iter_mut().zip(chunks) {
                *offset = at as u32;
                at += chunk.len();
            }
        }
        let mut file = if self.big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        self.push(&mut file, 4, &[8]);
        self.push(&mut file, 3, &[entries.len() as u32]);
        let mut value_at = tables;
        for (tag, kind, values) in &entries {
            self.push(&mut file, 3, &[u32::from(*tag), u32::from(*kind)]);
            self.push(&mut file, 4, &[values.len() as u32]);
            match long(*kind, values) {
                Some(bytes) => {
                    self.push(&mut file, 4, &[value_at as u32]);
                    value_at += bytes;
                }
                None => {
                    self.push(&mut file, *kind, values);
                    file.extend(vec![0; 4 - width(*kind) * values.len()]);
                }
            }
        }
        file.extend([0; 4]);
        for (_, kind, values) in entries.iter().filter(|(_, kind, values)| long(*kind, values).is_some()) {
            self.push(&mut file, *kind, values);
        }
        assert_eq!(file.len(), tables + values);
        chunks.iter().for_each(|chunk| file.extend(chunk));
        file
    }

    fn push(&self, file: &mut Vec<u8>, kind: u16, values: &[u32]) {
        for value in values {
            match (kind, self.big_endian) {
                (3, true) => file.extend((*value as u16).to_be_bytes()),
                (3, false) => file.extend((*value as u16).to_le_bytes()),
                (_, true) => file.extend(value.to_be_bytes()),
                (_, false) => file.extend(value.to_le_bytes()),
            }
        }
    }
}

/// What [`sample`] says of RGB or RGBA.
fn expected(channels: usize) -> Vec<u8> {
    let mut texels = Vec::new();
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            texels.extend((0..TEXEL_BYTES).map(|c| if c < channels { sample(x, y, c) } else { 255 }));
        }
    }
    texels
}

/// Two small files that need what this room adds to its decoder.
pub fn repaired() -> [Vec<u8>; 2] {
    [
        Layout { packing: Packing::OldLzw, big_endian: true, ..PLAIN }.file(),
        Layout { packing: Packing::Lzw, tiled: true, misplaced: true, ..PLAIN }.file(),
    ]
}

#[test]
fn every_layout_tells_the_same_picture() {
    let both = [false, true];
    for packing in Packing::ALL {
        for bits in 0..128u32 {
            let [big_endian, wide, planar, tiled, differences, alpha, mirrored] =
                [0, 1, 2, 3, 4, 5, 6].map(|place| both[(bits >> place & 1) as usize]);
            let channels = if alpha { 4 } else { 3 };
            let layout = Layout { packing, big_endian, channels, wide, planar, tiled, differences, mirrored, ..PLAIN };
            let found = read(&layout.file()).unwrap_or_else(|error| panic!("{layout:?}: {error:?}"));
            assert!(found == expected(channels), "{layout:?}");
        }
    }
}

#[test]
fn places_are_found_under_either_pair_of_tags() {
    for (big_endian, tiled) in [(false, false), (false, true), (true, false), (true, true)] {
        for packing in [Packing::None, Packing::Deflate] {
            let layout = Layout { packing, big_endian, tiled, misplaced: true, ..PLAIN };
            assert!(read(&layout.file()).unwrap() == expected(3), "{layout:?}");
        }
    }
}

#[test]
fn planes_and_tiles_by_hand() {
    // Planes of one strip each, behind a directory of 11 entries and three values of 4 numbers.
    let size = Size::new(2, 1);
    let planes = [10, 20, 11, 21, 12, 22, 13, 23];
    let strips = 8 + 2 + 12 * 11 + 4 + 8 + 16 + 16;
    let offsets = [strips, strips + 2, strips + 4, strips + 6];
    let more: [(u16, u16, &[u32]); 5] =
        [(273, 4, &offsets), (278, 4, &[u32::MAX]), (279, 4, &[2; 4]), (284, 3, &[2]), (338, 3, &[2])];
    let file = page(size, RGB, &[8; 4], &more, &planes);
    assert_eq!(read(&file).unwrap(), [10, 11, 12, 13, 20, 21, 22, 23]);
    // Differences of 16 bits: 0x0101, then 0x0202 more, then 0xffff more, which is one less.
    let strip = [0x01, 0x01, 0x02, 0x02, 0xff, 0xff];
    let file = page(Size::new(3, 1), super::super::page::BLACK_IS_ZERO, &[16], &[(317, 3, &[2])], &strip);
    assert_eq!(read(&file).unwrap(), [1, 1, 1, 255, 3, 3, 3, 255, 3, 3, 3, 255]);
}

#[test]
fn inks_in_planes_and_tiles() {
    // What each ink lets through, times what black does.
    let mut multiplied = Vec::new();
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            let through = |channel| f64::from(255 - sample(x, y, channel)) / 255.0;
            multiplied.extend([0, 1, 2].map(|ink| (through(ink) * through(3) * 255.0).round() as u8));
            multiplied.push(255);
        }
    }
    for (planar, tiled, wide) in [(false, false, false), (true, false, true), (false, true, true), (true, true, false)]
    {
        let layout = Layout { photometric: CMYK, channels: 4, planar, tiled, wide, packing: Packing::Lzw, ..PLAIN };
        assert!(read(&layout.file()).unwrap() == multiplied, "{layout:?}");
    }
}

/// A profile of a press whose cyan, magenta and yellow leave no trace: black alone makes grey.
fn black_only() -> Vec<u8> {
    // ICC.1, 10.10: a table of 8 bits from four inks, two steps each, to L*a*b*.
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for value in [1i32, 0, 0, 0, 1, 0, 0, 0, 1] {
        table.extend((value << 16).to_be_bytes());
    }
    (0..4).for_each(|_| table.extend(0..=255));
    // Black comes last and changes fastest.
    (0..8).for_each(|_| table.extend([255, 128, 128, 0, 128, 128]));
    (0..3).for_each(|_| table.extend(0..=255));
    let mut profile = vec![0; 128];
    let length = 128 + 4 + 12 + table.len() as u32;
    profile[..4].copy_from_slice(&length.to_be_bytes());
    profile[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    profile[12..24].copy_from_slice(b"prtrCMYKLab ");
    profile[36..40].copy_from_slice(b"acsp");
    // The white that L*a*b* is held against, D50, in parts of 65,536.
    for (at, part) in [(68, 0xf6d6u32), (72, 0x1_0000), (76, 0xd32d)] {
        profile[at..at + 4].copy_from_slice(&part.to_be_bytes());
    }
    profile.extend(1u32.to_be_bytes());
    profile.extend(b"A2B0");
    profile.extend(144u32.to_be_bytes());
    profile.extend((table.len() as u32).to_be_bytes());
    profile.extend(table);
    profile
}

#[test]
fn inks_follow_their_profile() {
    let profile: Vec<u32> = black_only().into_iter().map(u32::from).collect();
    let size = Size::new(3, 1);
    let strip = [255, 0, 0, 0, 0, 255, 255, 0, 9, 9, 9, 255];
    let without = page(size, CMYK, &[8; 4], &[], &strip);
    assert_eq!(read(&without).unwrap(), [0, 255, 255, 255, 255, 0, 0, 255, 0, 0, 0, 255]);
    let with = page(size, CMYK, &[8; 4], &[(34_675, BYTE, &profile)], &strip);
    let found = read(&with).unwrap();
    let expected = [255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 255];
    assert!(found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 2), "{found:?}");
}

#[test]
fn what_is_held_follows_the_target() {
    // 16 samples of 16 bits are 32 bytes a pixel; one row of them is above the bound.
    let size = Size::new(2048, (HELD_BYTES / 32 / 2048) as u32 + 1);
    let more = |packing: Packing| page(size, RGB, &[16; 16], &[(259, 3, &[packing.code()])], &[0x80]);
    let mut pixels = vec![0; size.pixels() as usize * TEXEL_BYTES];
    let mut code = |file: &[u8]| {
        let mut target = ViewMut::new(size, size.width as usize * TEXEL_BYTES, &mut pixels);
        decode(file, &mut target, &Cancel::never()).unwrap_err().code
    };
    // Rows that are not held need no bound: here is merely none.
    assert_eq!(code(&more(Packing::Deflate)), Code::ImageDamage);
    assert_eq!(code(&more(Packing::Lzw)), Code::ImageDamage);
    assert_eq!(code(&more(Packing::PackBits)), Code::ImageDamage);
    assert_eq!(code(&more(Packing::None)), Code::ImageDamage);
}

#[test]
fn the_decoder_takes_the_size_as_approved() {
    // Of more pixels than OSS allows, which an operator may allow.
    let file = page(Size::new(16_384, 16_384), RGB, &[8; 3], &[], &[0; 3]);
    let wide = Page::first(&file).unwrap();
    assert!(Picture::open(&file, &wide).is_ok());
    let mut pixels = [0; 4];
    let error = decode(&file, &mut ViewMut::new(Size::new(1, 1), 4, &mut pixels), &Cancel::never()).unwrap_err();
    assert_eq!(error.code, Code::InternalError);
}
