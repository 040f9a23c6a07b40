//! The rows of a strip or tile, one after another.
//!
//! What is stored as it is, or packed by LZW or PackBits, is unpacked a row at a time and never
//! held whole. Left out: all other compressions, which the decoder unpacks.

use crate::error::Error;
use std::io::{self, Read};
use tiff::tags::CompressionMethod;
use weezl::decode::{Configuration, Decoder};
use weezl::{BitOrder, LzwStatus};

/// Samples a pixel at most.
pub const SAMPLES: usize = 16;

/// How a row lies in the file once it is unpacked.
#[derive(Clone, Copy)]
pub struct Form {
    /// Bytes that are asked for, and bytes behind them that fill up a tile.
    pub row_bytes: usize,
    pub padding_bytes: usize,
    pub bits: u8,
    /// Samples that stand together, at most [`SAMPLES`].
    pub step: usize,
    /// Samples of 16 bits have the byte order of the other kind of machine.
    pub swapped: bool,
    /// Every sample is its difference from the same sample of the pixel before.
    pub differences: bool,
}

/// Rows that are still to come, and the one that came last.
pub struct Rows<'a> {
    form: Form,
    source: Source<'a>,
}

enum Source<'a> {
    /// What is left, and the row that was taken from it.
    Plain(&'a [u8], &'a [u8]),
    Packed(Box<dyn Read + 'a>, Vec<u8>),
}

impl<'a> Rows<'a> {
    /// Rows that are unpacked, in the byte order of this machine and without padding.
    pub fn plain(bytes: &'a [u8], row_bytes: usize) -> Rows<'a> {
        let form = Form { row_bytes, padding_bytes: 0, bits: 8, step: 1, swapped: false, differences: false };
        Rows { form, source: Source::Plain(bytes, &[]) }
    }

    /// The rows inside `packed`; `None` for a compression that is left out here.
    pub fn unpack(compression: CompressionMethod, packed: &'a [u8], form: Form) -> Option<Rows<'a>> {
        let changed = form.differences || (form.swapped && form.bits == 16);
        let read: Box<dyn Read + 'a> = match compression {
            CompressionMethod::None if !changed => return Some(Rows { form, source: Source::Plain(packed, &[]) }),
            CompressionMethod::None => Box::new(packed),
            CompressionMethod::LZW => Box::new(Lzw::new(packed)),
            CompressionMethod::PackBits => Box::new(PackBits { packed, run: Run::Literal(0) }),
            _ => return None,
        };
        Some(Rows { form, source: Source::Packed(read, vec![0; form.row_bytes]) })
    }

    /// Goes on to the next row.
    ///
    /// # Errors
    /// `ImageDamage` where there is none.
    pub fn advance(&mut self) -> Result<(), Error> {
        let Form { row_bytes, padding_bytes, .. } = self.form;
        match &mut self.source {
            Source::Plain(rest, row) => {
                (*row, *rest) = rest.split_at_checked(row_bytes).ok_or_else(|| Error::damaged("rows are cut off"))?;
                // The last row's padding may be missing: nobody reads it.
                *rest = rest.get(padding_bytes..).unwrap_or_default();
            }
            Source::Packed(read, row) => {
                read.read_exact(row).map_err(Error::damaged)?;
                if padding_bytes > 0 {
                    let mut padding = read.take(padding_bytes as u64);
                    io::copy(&mut padding, &mut io::sink()).map_err(Error::damaged)?;
                }
                self.form.restore(row);
            }
        }
        Ok(())
    }

    /// The samples of the row that was gone to, 16-bit ones in the byte order of this machine.
    pub fn row(&self) -> &[u8] {
        match &self.source {
            Source::Plain(_, row) => row,
            Source::Packed(_, row) => row,
        }
    }
}

impl Form {
    fn restore(&self, row: &mut [u8]) {
        if self.swapped && self.bits == 16 {
            row.chunks_exact_mut(2).for_each(|sample| sample.swap(0, 1));
        }
        match (self.differences, self.bits, self.step) {
            (false, ..) => {}
            (true, 16, step) => add_up_wide(row, step),
            // The steps that are known here are taken without a loop.
            (true, _, 1) => add_up(row, 1),
            (true, _, 3) => add_up(row, 3),
            (true, _, 4) => add_up(row, 4),
            (true, _, step) => add_up(row, step),
        }
    }
}

#[inline(always)]
fn add_up(row: &mut [u8], step: usize) {
    let mut sums = [0u8; SAMPLES];
    for pixel in row.chunks_exact_mut(step) {
        for (value, sum) in pixel.iter_mut().zip(&mut sums) {
            *sum = sum.wrapping_add(*value);
            *value = *sum;
        }
    }
}

fn add_up_wide(row: &mut [u8], step: usize) {
    let mut sums = [0u16; SAMPLES];
    for pixel in row.chunks_exact_mut(2 * step) {
        for (value, sum) in pixel.chunks_exact_mut(2).zip(&mut sums) {
            *sum = sum.wrapping_add(u16::from_ne_bytes([value[0], value[1]]));
            value.copy_from_slice(&sum.to_ne_bytes());
        }
    }
}

/// Bytes packed by LZW, in either of TIFF's ways.
struct Lzw<'a> {
    packed: &'a [u8],
    decoder: Decoder,
}

impl<'a> Lzw<'a> {
    fn new(packed: &'a [u8]) -> Lzw<'a> {
        // Writers of before TIFF 5.0 put the lowest bit first and widened the codes where GIF does,
        // not one code earlier. Both begin with the code 256, which then is 0 and an odd byte.
        let configuration = match packed {
            [0, second, ..] if second & 1 == 1 => Configuration::new(BitOrder::Lsb, 8),
            _ => Configuration::with_tiff_size_switch(BitOrder::Msb, 8),
        };
        // Not every writer ends with the code for it.
        Lzw { packed, decoder: configuration.with_yield_on_full_buffer(true).build() }
    }
}

impl Read for Lzw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let result = self.decoder.decode_bytes(self.packed, buffer);
            self.packed = &self.packed[result.consumed_in..];
            match result.status {
                Ok(LzwStatus::Ok) if result.consumed_out == 0 => {}
                // No progress is also told of codes that were taken in before, so the bytes count.
                Ok(_) => return Ok(result.consumed_out),
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }
}

/// Bytes packed by PackBits.
struct PackBits<'a> {
    packed: &'a [u8],
    run: Run,
}

/// Bytes that are still to come: as they stand, or one again and again.
enum Run {
    Literal(usize),
    Repeated(usize, u8),
}

impl PackBits<'_> {
    /// The next run; `None` at the end.
    fn next(&mut self) -> Option<Run> {
        loop {
            let (head, rest) = self.packed.split_first()?;
            self.packed = rest;
            match *head as i8 {
                // Nothing follows.
                -128 => {}
                length @ 0.. => return Some(Run::Literal(length as usize + 1)),
                length => {
                    let (value, rest) = self.packed.split_first()?;
                    self.packed = rest;
                    return Some(Run::Repeated(1 + usize::from(length.unsigned_abs()), *value));
                }
            }
        }
    }
}

impl Read for PackBits<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Run::Literal(0) | Run::Repeated(0, _) = self.run {
            let Some(run) = self.next() else { return Ok(0) };
            self.run = run;
        }
        match &mut self.run {
            Run::Literal(left) => {
                let length = buffer.len().min(*left);
                let read = self.packed.read(&mut buffer[..length])?;
                *left -= read;
                Ok(read)
            }
            Run::Repeated(left, value) => {
                let length = buffer.len().min(*left);
                buffer[..length].fill(*value);
                *left -= length;
                Ok(length)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(compression: CompressionMethod, packed: &[u8], row_bytes: usize) -> Vec<Vec<u8>> {
        let form = Form { row_bytes, padding_bytes: 0, bits: 8, step: 1, swapped: false, differences: false };
        let mut rows = Rows::unpack(compression, packed, form).unwrap();
        std::iter::from_fn(|| rows.advance().ok().map(|()| rows.row().to_vec())).collect()
    }

    #[test]
    fn both_ways_of_lzw() {
        // TIFF 6.0, section 13: the codes 256, 7, 258, 8, 8, 258, 6, 6, 257 of 9 bits each, then
        // the same with the lowest bit first.
        let now = [0x80, 0x01, 0xe0, 0x40, 0x80, 0x44, 0x08, 0x0c, 0x06, 0x80, 0x80];
        let before = [0x00, 0x0f, 0x08, 0x44, 0x80, 0x40, 0xa0, 0x01, 0x03, 0x01, 0x01];
        for packed in [now, before] {
            let rows = rows(CompressionMethod::LZW, &packed, 3);
            assert_eq!(rows, [[7, 7, 7], [8, 8, 7], [7, 6, 6]]);
        }
    }

    #[test]
    fn runs_cross_rows() {
        // Apple's Technical Note TN1023.
        let packed = [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let rows = rows(CompressionMethod::PackBits, &packed, 8);
        assert_eq!(
            rows,
            [
                [0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa],
                [0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22, 0xaa, 0xaa],
                [0xaa; 8]
            ]
        );
    }

    #[test]
    fn padding_is_passed_over() {
        let form = Form { row_bytes: 2, padding_bytes: 1, bits: 8, step: 1, swapped: false, differences: false };
        for packed in [&[1, 2, 9, 3, 4, 9][..], &[1, 2, 9, 3, 4]] {
            let mut rows = Rows::unpack(CompressionMethod::None, packed, form).unwrap();
            rows.advance().unwrap();
            assert_eq!(rows.row(), [1, 2]);
            rows.advance().unwrap();
            assert_eq!(rows.row(), [3, 4]);
            assert!(rows.advance().is_err());
        }
    }

    #[test]
    fn sums_are_of_samples() {
        let form = |bits, step| Form { row_bytes: 6, padding_bytes: 0, bits, step, swapped: false, differences: true };
        let restored = |form: Form| {
            let mut row = [1, 255, 3, 1, 2, 4];
            form.restore(&mut row);
            row
        };
        assert_eq!(restored(form(8, 1)), [1, 0, 3, 4, 6, 10]);
        assert_eq!(restored(form(8, 2)), [1, 255, 4, 0, 6, 4]);
        assert_eq!(restored(form(8, 3)), [1, 255, 3, 2, 1, 7]);
        // Of little-endian machines: 0xff01, 0x0103, 0x0402.
        let swapped = cfg!(target_endian = "big");
        let mut row = [1u8, 255, 3, 1, 2, 4];
        Form { swapped, ..form(16, 1) }.restore(&mut row);
        let values = [0xff01u16, 0x0004, 0x0406].map(u16::to_ne_bytes);
        assert_eq!(row, values.as_flattened());
    }
}
