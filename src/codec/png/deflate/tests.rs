//! What is compressed comes out again by another implementation, is no longer than it needs be, and
//! carries the right checksum.

use super::huffman::{Code, assign};
use super::*;

/// Numbers without a pattern.
fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
}

/// Rows of texels, behind the number of no filter.
struct Rows {
    texel_bytes: usize,
    row_bytes: usize,
    bytes: Vec<u8>,
}

impl Rows {
    fn new(width: usize, texel_bytes: usize, height: usize, mut bytes: impl Iterator<Item = u8>) -> Rows {
        let row_bytes = 1 + width * texel_bytes;
        let mut next = |index| if index % row_bytes == 0 { Some(0) } else { bytes.next() };
        let bytes = (0..row_bytes * height).map(|index| next(index).expect("enough bytes")).collect();
        Rows { texel_bytes, row_bytes, bytes }
    }

    fn compressed(&self) -> Vec<u8> {
        let mut deflater = Deflater::new(self.row_bytes, self.texel_bytes);
        let mut file = Vec::new();
        for row in self.bytes.chunks(self.row_bytes) {
            if deflater.row(|target| target.copy_from_slice(row)) {
                deflater.take(|coded| file.extend_from_slice(coded));
            }
        }
        deflater.finish();
        deflater.take(|coded| file.extend_from_slice(coded));
        file
    }

    /// Compresses, holds what another implementation makes of that against the rows, and yields the
    /// compressed length.
    fn check(&self) -> usize {
        let file = self.compressed();
        assert_eq!(file[..2], [0x78, 0x01]);
        let (a, b) = self.bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65_521;
            (a, (a + b) % 65_521)
        });
        assert_eq!(file[file.len() - 4..], (b << 16 | a).to_be_bytes());
        let height = self.bytes.len() / self.row_bytes;
        let width = (self.row_bytes - 1) / self.texel_bytes;
        let mut png = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut png, width as u32, height as u32);
        encoder.set_color(if self.texel_bytes == 3 { ::png::ColorType::Rgb } else { ::png::ColorType::Rgba });
        let mut writer = encoder.write_header().unwrap();
        writer.write_chunk(::png::chunk::IDAT, &file).unwrap();
        writer.finish().unwrap();
        let mut decoder = ::png::Decoder::new(std::io::Cursor::new(png));
        decoder.ignore_checksums(false);
        let mut reader = decoder.read_info().unwrap();
        let mut found = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut found).unwrap();
        let expected = self.bytes.chunks(self.row_bytes).flat_map(|row| &row[1..]).copied().collect::<Vec<_>>();
        assert!(found == expected, "{width} x {height} texels of {} bytes", self.texel_bytes);
        file.len()
    }
}

#[test]
fn any_rows_come_out_again() {
    for texel_bytes in [3, 4] {
        for (width, height) in [(1, 1), (1, 2), (2, 1), (1, 9000), (2, 5), (3, 700), (255, 90), (30_000, 3), (4097, 17)]
        {
            let bytes = width * texel_bytes * height;
            // Nothing that repeats, one byte, rare other bytes, few values, ramps, runs of every length.
            Rows::new(width, texel_bytes, height, noise(7)).check();
            Rows::new(width, texel_bytes, height, std::iter::repeat(200)).check();
            let rare = noise(1).map(|byte| if byte > 250 { byte } else { 0 });
            Rows::new(width, texel_bytes, height, rare).check();
            Rows::new(width, texel_bytes, height, noise(2).map(|byte| byte & 3)).check();
            Rows::new(width, texel_bytes, height, (0..bytes).map(|index| (index / 7) as u8)).check();
            let runs = (1..).flat_map(|length: usize| std::iter::repeat_n(length as u8, length));
            Rows::new(width, texel_bytes, height, runs).check();
        }
    }
}

#[test]
fn noise_stands_as_it_is() {
    let rows = Rows::new(500, 3, 200, noise(3));
    // Blocks of 64 KiB and a part of a row, of which five bytes lead each 65,535; six about it all.
    assert_eq!(rows.bytes.len().div_ceil(64 * 1024), 5);
    assert!(rows.check() <= rows.bytes.len() + 5 * 2 * 5 + 6);
}

#[test]
fn repetitions_are_found_as_far_as_they_may_lie() {
    // A row of noise and the same again, so long that the one above is just within reach, or beyond it.
    let length = |row_bytes: usize| {
        let row: Vec<u8> = noise(5).take(row_bytes - 1).collect();
        let rows = Rows::new(row_bytes / 3, 3, 2, row.iter().cycle().copied());
        rows.check() as f64 / rows.bytes.len() as f64
    };
    assert_eq!(32_767 % 3, 1);
    assert!(length(32_767) < 0.51);
    assert!(length(32_770) > 0.9);
}

#[test]
fn flat_rows_take_next_to_nothing() {
    let rows = Rows::new(2000, 4, 500, std::iter::repeat(0));
    // At best 258 bytes go into two bits.
    assert!(rows.check() < rows.bytes.len() / 700);
}

#[test]
fn codes_follow_from_lengths_as_the_standard_works_out() {
    // RFC 1951, section 3.2.2: A to H with lengths 3, 3, 3, 3, 3, 2, 4, 4.
    let counts = [4, 4, 4, 4, 4, 9, 2, 2];
    let mut codes = [Code::default(); 8];
    assign(&counts, 15, &mut codes);
    let lengths = codes.map(|code| code.length);
    assert_eq!(lengths, [3, 3, 3, 3, 3, 2, 4, 4]);
    let first_bit_highest = |code: Code| code.bits.reverse_bits() >> (16 - code.length);
    let expected = [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111];
    assert_eq!(codes.map(first_bit_highest), expected);
}

/// Bits of a best code: each of its inner nodes costs what is below it.
fn least_bits(counts: &[u32]) -> u64 {
    let mut weights: Vec<u64> = counts.iter().filter(|count| **count > 0).map(|count| u64::from(*count)).collect();
    let mut bits = 0;
    while weights.len() > 1 {
        weights.sort_unstable_by(|a, b| b.cmp(a));
        let both = weights.pop().unwrap() + weights.pop().unwrap();
        bits += both;
        weights.push(both);
    }
    bits
}

#[test]
fn codes_are_complete_and_best() {
    for seed in 0..200 {
        let mut bytes = noise(seed);
        let symbols = 2 + usize::from(bytes.next().unwrap()) % 285;
        let mut counts: Vec<u32> = bytes.by_ref().take(symbols).map(|byte| u32::from(byte) >> (seed % 7)).collect();
        counts[0] += 1;
        counts[1] += 1;
        let mut codes = vec![Code::default(); symbols];
        assign(&counts, 15, &mut codes);
        let space: u32 = codes.iter().filter(|code| code.length > 0).map(|code| 1 << (15 - code.length)).sum();
        assert_eq!(space, 1 << 15);
        let bits: u64 = counts.iter().zip(&codes).map(|(count, code)| u64::from(*count) * u64::from(code.length)).sum();
        assert_eq!(bits, least_bits(&counts));
        assert!(counts.iter().zip(&codes).all(|(count, code)| (*count > 0) == (code.length > 0)));
    }
}

#[test]
fn codes_keep_within_their_length() {
    // Counts by Fibonacci make a best code as long as it can be.
    let mut counts = vec![1, 1];
    while counts.len() < 30 {
        counts.push(counts[counts.len() - 1] + counts[counts.len() - 2]);
    }
    for longest in [5, 7, 14] {
        let mut codes = vec![Code::default(); counts.len()];
        assign(&counts, longest, &mut codes);
        assert!(codes.iter().all(|code| (1..=longest).contains(&code.length)));
        let space: u32 = codes.iter().map(|code| 1 << (longest - code.length)).sum();
        assert_eq!(space, 1 << longest);
        assert!(codes.is_sorted_by(|rarer, other| rarer.length >= other.length));
    }
}

#[test]
fn one_symbol_or_none_has_a_code_of_one_bit() {
    for counts in [[0, 0, 0, 0], [9, 0, 0, 0], [0, 0, 0, 9]] {
        let mut codes = [Code::default(); 4];
        assign(&counts, 15, &mut codes);
        assert_eq!(codes.iter().filter(|code| code.length == 1).count(), 2, "{counts:?}");
        assert!(counts.iter().zip(codes).all(|(count, code)| *count == 0 || code.length == 1));
    }
}
