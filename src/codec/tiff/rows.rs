//! The rows of a strip or tile, one after another.
//!
//! Everything but JPEG and WebP is unpacked a row at a time and never held whole; ZSTD looks back as
//! far as its window goes.

use super::bytes::Bytes;
use crate::codec::fax;
use crate::error::Error;
use flate2::bufread::ZlibDecoder;
use ruzstd::decoding::StreamingDecoder;
use std::io::{self, BufRead, Read};
use tiff::tags::CompressionMethod;
use weezl::decode::{Configuration, Decoder};
use weezl::{BitOrder, LzwStatus};

/// Samples a pixel at most.
pub const SAMPLES: usize = 16;

/// Bytes that ZSTD may look back, over all planes of a strip or tile: its level 19 takes 8 MiB.
const WINDOW_BYTES: u64 = 128 << 20;

/// How strips or tiles are packed.
#[derive(Clone, Copy)]
pub struct Packing {
    pub compression: CompressionMethod,
    /// For fax codes.
    pub fax: Option<fax::Coding>,
    /// The lowest bit of every byte comes first.
    pub mirrored: bool,
}

/// What a sample is written as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Predictor {
    /// As it is.
    None,
    /// As the difference from the same sample of the pixel before.
    Differences,
    /// As a float whose bytes stand apart, the highest of all the row first, each as its difference from
    /// the one a pixel before.
    Floats,
}

/// How a row lies in the file once it is unpacked.
#[derive(Clone, Copy)]
pub struct Form {
    /// Pixels of a row, padding included.
    pub width: u32,
    /// Bytes that are asked for, and bytes behind them that fill up a tile.
    pub row_bytes: usize,
    pub padding_bytes: usize,
    pub bits: u8,
    /// Samples that stand together, at most [`SAMPLES`].
    pub step: usize,
    /// Samples of more than 8 bits have the byte order of the other kind of machine.
    pub swapped: bool,
    pub predictor: Predictor,
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

/// Whether strips or tiles of this compression are unpacked by [`Rows::unpack`].
pub fn unpacks(compression: CompressionMethod) -> bool {
    matches!(
        compression,
        CompressionMethod::None
            | CompressionMethod::LZW
            | CompressionMethod::PackBits
            | CompressionMethod::Deflate
            | CompressionMethod::OldDeflate
            | CompressionMethod::ZSTD
    )
}

impl<'a> Rows<'a> {
    /// Rows that are unpacked, in the byte order of this machine and without padding.
    pub fn plain(bytes: &'a [u8], row_bytes: usize) -> Rows<'a> {
        Rows::padded(bytes, row_bytes, 0)
    }

    /// The same with so many bytes behind each row.
    pub fn padded(bytes: &'a [u8], row_bytes: usize, padding_bytes: usize) -> Rows<'a> {
        let (bits, step, swapped, predictor) = (8, 1, false, Predictor::None);
        let form = Form { width: 0, row_bytes, padding_bytes, bits, step, swapped, predictor };
        Rows { form, source: Source::Plain(bytes, &[]) }
    }

    /// The rows inside `packed`, one of so many `planes`; `None` for a compression that is left out here.
    ///
    /// # Errors
    /// `ImageDamage` where they do not begin as they should.
    pub fn unpack(packing: Packing, packed: &'a [u8], form: Form, planes: usize) -> Result<Option<Rows<'a>>, Error> {
        let changed = form.predictor != Predictor::None || (form.swapped && form.bits > 8) || packing.mirrored;
        let bytes = Bytes::new(packed, packing.mirrored);
        let read: Box<dyn Read + 'a> = match packing.compression {
            CompressionMethod::None if !changed => {
                return Ok(Some(Rows { form, source: Source::Plain(packed, &[]) }));
            }
            CompressionMethod::None => Box::new(bytes),
            CompressionMethod::LZW => Box::new(Lzw::new(bytes)),
            CompressionMethod::PackBits => Box::new(PackBits { packed: bytes, run: Run::Literal(0) }),
            CompressionMethod::Deflate | CompressionMethod::OldDeflate => Box::new(ZlibDecoder::new(bytes)),
            CompressionMethod::ZSTD => {
                let window = WINDOW_BYTES / planes.max(1) as u64;
                Box::new(StreamingDecoder::new_with_max_window_size(bytes, window).map_err(Error::damaged)?)
            }
            _ => match packing.fax {
                Some(coding) => Box::new(Fax::new(bytes, coding, form.width)),
                None => return Ok(None),
            },
        };
        let padding = if form.predictor == Predictor::Floats { form.padding_bytes } else { 0 };
        let row = vec![0; form.row_bytes + padding];
        Ok(Some(Rows { form, source: Source::Packed(read, row) }))
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
                let padding_bytes = row_bytes + padding_bytes - row.len();
                if padding_bytes > 0 {
                    let mut padding = read.take(padding_bytes as u64);
                    io::copy(&mut padding, &mut io::sink()).map_err(Error::damaged)?;
                }
                self.form.restore(row);
            }
        }
        Ok(())
    }

    /// The samples of the row that was gone to, those of more than 8 bits in the byte order of this
    /// machine.
    pub fn row(&self) -> &[u8] {
        match &self.source {
            Source::Plain(_, row) => row,
            Source::Packed(_, row) => &row[..self.form.row_bytes],
        }
    }
}

impl Form {
    fn restore(&self, row: &mut Vec<u8>) {
        if self.predictor == Predictor::Floats {
            add_up_bytes(row, self.step);
            *row = joined_floats(row, usize::from(self.bits / 8));
            return;
        }
        if self.swapped && self.bits > 8 {
            row.chunks_exact_mut(usize::from(self.bits / 8)).for_each(<[u8]>::reverse);
        }
        match (self.predictor, self.bits, self.step) {
            (Predictor::None | Predictor::Floats, ..) => {}
            (_, 16, step) => add_up_wide(row, step, u16::from_ne_bytes, u16::wrapping_add, u16::to_ne_bytes),
            (_, 32, step) => add_up_wide(row, step, u32::from_ne_bytes, u32::wrapping_add, u32::to_ne_bytes),
            (_, 64, step) => add_up_wide(row, step, u64::from_ne_bytes, u64::wrapping_add, u64::to_ne_bytes),
            // The steps that are known here are taken without a loop.
            (_, _, 1) => add_up(row, 1),
            (_, _, 3) => add_up(row, 3),
            (_, _, 4) => add_up(row, 4),
            (_, _, step) => add_up(row, step),
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

/// The same for numbers of more than a byte.
fn add_up_wide<const BYTES: usize, T: Copy + Default>(
    row: &mut [u8],
    step: usize,
    from: fn([u8; BYTES]) -> T,
    add: fn(T, T) -> T,
    to: fn(T) -> [u8; BYTES],
) {
    let mut sums = [T::default(); SAMPLES];
    for pixel in row.as_chunks_mut::<BYTES>().0.chunks_exact_mut(step) {
        for (value, sum) in pixel.iter_mut().zip(&mut sums) {
            *sum = add(*sum, from(*value));
            *value = to(*sum);
        }
    }
}

/// Adds to every byte the one so many before it.
fn add_up_bytes(row: &mut [u8], step: usize) {
    for place in step..row.len() {
        row[place] = row[place].wrapping_add(row[place - step]);
    }
}

/// Floats of which all the highest bytes stand first, then all those below, in the byte order of this
/// machine. Source: Adobe, "TIFF Technical Note 3".
fn joined_floats(apart: &[u8], sample_bytes: usize) -> Vec<u8> {
    let count = apart.len() / sample_bytes;
    let mut row = vec![0; apart.len()];
    for (index, sample) in row.chunks_exact_mut(sample_bytes).enumerate() {
        for (place, byte) in sample.iter_mut().enumerate() {
            let plane = if cfg!(target_endian = "big") { place } else { sample_bytes - 1 - place };
            *byte = apart[plane * count + index];
        }
    }
    row
}

/// Bytes of rows that fax codes told.
struct Fax<'a> {
    rows: fax::Rows<Bytes<'a>>,
    row: Vec<u8>,
    /// Bytes of the row that were handed out.
    at: usize,
}

impl<'a> Fax<'a> {
    fn new(packed: Bytes<'a>, coding: fax::Coding, width: u32) -> Fax<'a> {
        let row = vec![0; width.div_ceil(8) as usize];
        Fax { rows: fax::Rows::new(packed, coding, width), at: row.len(), row }
    }
}

impl Read for Fax<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.row.len() {
            self.rows.read(&mut self.row)?;
            self.at = 0;
        }
        let read = (&self.row[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

/// Bytes packed by LZW, in either of TIFF's ways.
struct Lzw<'a> {
    packed: Bytes<'a>,
    decoder: Decoder,
}

impl<'a> Lzw<'a> {
    fn new(mut packed: Bytes<'a>) -> Lzw<'a> {
        // Writers of before TIFF 5.0 put the lowest bit first and widened the codes where GIF does,
        // not one code earlier. Both begin with the code 256, which then is 0 and an odd byte.
        let configuration = match packed.ready() {
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
            let result = self.decoder.decode_bytes(self.packed.ready(), buffer);
            self.packed.consume(result.consumed_in);
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
    packed: Bytes<'a>,
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
            match self.packed.next()? as i8 {
                // Nothing follows.
                -128 => {}
                length @ 0.. => return Some(Run::Literal(length as usize + 1)),
                length => return Some(Run::Repeated(1 + usize::from(length.unsigned_abs()), self.packed.next()?)),
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

    const FORM: Form =
        Form { width: 0, row_bytes: 0, padding_bytes: 0, bits: 8, step: 1, swapped: false, predictor: Predictor::None };

    fn unpack(compression: CompressionMethod, packed: &[u8], form: Form) -> Rows<'_> {
        Rows::unpack(Packing { compression, fax: None, mirrored: false }, packed, form, 1).unwrap().unwrap()
    }

    fn rows(compression: CompressionMethod, packed: &[u8], row_bytes: usize) -> Vec<Vec<u8>> {
        let mut rows = unpack(compression, packed, Form { row_bytes, ..FORM });
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
        let form = Form { row_bytes: 2, padding_bytes: 1, ..FORM };
        for packed in [&[1, 2, 9, 3, 4, 9][..], &[1, 2, 9, 3, 4]] {
            let mut rows = unpack(CompressionMethod::None, packed, form);
            rows.advance().unwrap();
            assert_eq!(rows.row(), [1, 2]);
            rows.advance().unwrap();
            assert_eq!(rows.row(), [3, 4]);
            assert!(rows.advance().is_err());
        }
    }

    #[test]
    fn sums_are_of_samples() {
        let form = |bits, step| Form { row_bytes: 6, bits, step, predictor: Predictor::Differences, ..FORM };
        let restored = |form: Form| {
            let mut row = vec![1, 255, 3, 1, 2, 4];
            form.restore(&mut row);
            row
        };
        assert_eq!(restored(form(8, 1)), [1, 0, 3, 4, 6, 10]);
        assert_eq!(restored(form(8, 2)), [1, 255, 4, 0, 6, 4]);
        assert_eq!(restored(form(8, 3)), [1, 255, 3, 2, 1, 7]);
        // Of little-endian machines: 0xff01, 0x0103, 0x0402.
        let swapped = cfg!(target_endian = "big");
        let mut row = vec![1u8, 255, 3, 1, 2, 4];
        Form { swapped, ..form(16, 1) }.restore(&mut row);
        let values = [0xff01u16, 0x0004, 0x0406].map(u16::to_ne_bytes);
        assert_eq!(row, values.as_flattened());
    }

    #[test]
    fn floats_are_put_together() {
        // 1.0 is 3f80 0000 and −2.0 is c000 0000: bytes 3f c0, 80 00, 00 00, 00 00, one pixel each.
        let mut row = vec![0x3f, 0x81, 0xc0, 0x80, 0x00, 0x00, 0x00, 0x00];
        Form { bits: 32, predictor: Predictor::Floats, ..FORM }.restore(&mut row);
        assert_eq!(row, [1f32.to_ne_bytes(), (-2f32).to_ne_bytes()].as_flattened());
    }
}
