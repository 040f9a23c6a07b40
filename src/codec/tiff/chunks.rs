//! The strips or tiles of a page, read one row of them, a band, after another.
//!
//! Memory: what [`Rows`] unpacks is held one row at a time. A strip or tile that is a JPEG or a WebP
//! is held whole, all its planes together: as many bytes as
//! those samples of it take that lie inside the picture (of tiles in planes, all of their rows), and
//! never more than twice the target's bytes, or [`HELD_BYTES`] where that is more. A JPEG's decoder holds as much again and, for a
//! progressive one, twice that in coefficients.

use super::picture::{Picture, refusal};
use super::rows::{Form, Predictor, Rows};
use super::samples;
use crate::cancel::Cancel;
use crate::codec::jpeg::markers;
use crate::codec::webp;
use crate::error::Error;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, ViewMut};
use tiff::decoder::ChunkType;
use tiff::tags::{CompressionMethod, Tag};

/// Bytes that a strip or tile may hold however small the picture.
pub const HELD_BYTES: u64 = 64 << 20;

/// Tiles may be larger than the picture, but not without bounds: their padding is read too.
const TILE_PIXELS: u64 = 1 << 24;

/// Rows of a tile that may be more than the picture's, where it is a JPEG.
const TILE_SIDE: u32 = 1024;

/// Where the strips or tiles of a page stand, in the picture and in the file.
pub struct Chunks<'a> {
    bytes: &'a [u8],
    picture: Picture<'a>,
    /// Offset and length in the file, plane after plane.
    places: Vec<(u64, u64)>,
    /// Sides of a strip or tile.
    chunk: Size,
    /// How many stand side by side, and how many bands there are.
    grid: Size,
    tiled: bool,
}

/// What one strip or tile leaves for the next to use again.
#[derive(Default)]
pub struct Scratch {
    held: Vec<u8>,
    row: Vec<u8>,
    deep_row: Vec<f32>,
    /// The alphas of the band that was read last, row after row, where its texels are inks.
    pub alphas: Vec<u8>,
}

impl<'a> Chunks<'a> {
    pub fn open(bytes: &'a [u8], mut picture: Picture<'a>) -> Result<Chunks<'a>, Error> {
        let (width, height) = picture.reader.chunk_dimensions();
        let chunk = Size::new(width, height);
        if chunk.shortest_side() == 0 {
            return Err(Error::damaged("strips without rows"));
        }
        let tiled = picture.reader.get_chunk_type() == ChunkType::Tile;
        if tiled && chunk.pixels() > TILE_PIXELS.max(4 * picture.size.pixels()) {
            return Err(Error::damaged("tiles much larger than the picture"));
        }
        let tables = picture.reader.find_tag(Tag::JPEGTables).ok().flatten().and_then(|value| value.into_u8_vec().ok());
        if tables.is_some_and(|tables| markers::Head::read(&tables).frame.is_some()) {
            return Err(Error::damaged("a frame among the tables of JPEGs"));
        }
        let tags = match tiled {
            true => [Tag::TileOffsets, Tag::TileByteCounts],
            false => [Tag::StripOffsets, Tag::StripByteCounts],
        };
        let [offsets, counts] = tags.map(|tag| picture.reader.get_tag_u64_vec(tag).map_err(refusal));
        let places = offsets?.into_iter().zip(counts?).collect();
        let grid = Size::new(picture.size.width.div_ceil(width), picture.size.height.div_ceil(height));
        Ok(Chunks { bytes, picture, places, chunk, grid, tiled })
    }

    /// How many bands there are, one below the other.
    pub fn bands(&self) -> u32 {
        self.grid.height
    }

    /// The size of a band, counted from the top: the last one may be lower than the others.
    pub fn band_size(&self, band: u32) -> Size {
        let whole = self.picture.size;
        Size::new(whole.width, self.chunk.height.min(whole.height - band * self.chunk.height))
    }

    /// Lays down the pixels of a band, counted from the top; `target` is of its size.
    ///
    /// # Errors
    /// `ImageDamage`, `MemLimitExceeded` where a strip or tile would hold too much, and
    /// `ServiceUnavailable` when `cancel` says so.
    pub fn read_band(
        &mut self,
        band: u32,
        target: &mut ViewMut,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let Scratch { held, row, deep_row, alphas } = scratch;
        let samples = &self.picture.samples;
        let own_alphas = samples.is_cmyk() && samples.has_alpha();
        alphas.resize(if own_alphas { target.size().pixels() as usize } else { 0 }, 0);
        for column in 0..self.grid.width {
            cancel.check()?;
            let (x, y) = (column * self.chunk.width, band * self.chunk.height);
            let whole = self.picture.size;
            // Only what lies inside the picture.
            let size = Size::new(self.chunk.width.min(whole.width - x), self.chunk.height.min(whole.height - y));
            let mut planes = self.rows(band * self.grid.width + column, size, held)?;
            let samples = &self.picture.samples;
            let width = size.width as usize;
            for line in 0..size.height {
                let shared_row = self.picture.shared.map_or(0, |shared| line % shared.height);
                if shared_row == 0 {
                    planes.iter_mut().try_for_each(Rows::advance)?;
                }
                let texels = &mut target.row(line)[x as usize * TEXEL_BYTES..][..width * TEXEL_BYTES];
                if samples.is_deep() {
                    samples.gather_deep(planes.iter().map(Rows::row), width, deep_row);
                    samples.spread_deep(deep_row, texels);
                    continue;
                }
                match self.picture.shared {
                    None => samples.gather(planes.iter().map(Rows::row), width, row),
                    Some(shared) => {
                        planes.iter().for_each(|units| samples::unshare(units.row(), shared, shared_row, width, row))
                    }
                }
                samples.spread(row, texels);
                if let Some(told) = samples.alphas(row) {
                    let first = line as usize * whole.width as usize + x as usize;
                    alphas[first..][..width].iter_mut().zip(told).for_each(|(alpha, told)| *alpha = told);
                }
            }
        }
        Ok(())
    }

    /// The rows of a strip or tile, of each plane by itself; `size` is its part inside the picture.
    fn rows<'h>(&mut self, index: u32, size: Size, held: &'h mut Vec<u8>) -> Result<Vec<Rows<'h>>, Error>
    where
        'a: 'h,
    {
        let Picture { ref samples, planar, packing, predictor, swapped, shared, .. } = self.picture;
        let row_bytes = |width: u32| match shared {
            None => samples.row_bytes(width as usize, planar),
            // As many lumas, and two of chroma.
            Some(shared) => (shared.pixels() as usize + 2) * width.div_ceil(shared.width) as usize,
        };
        let form = Form {
            width: self.chunk.width,
            row_bytes: row_bytes(size.width),
            padding_bytes: row_bytes(self.chunk.width) - row_bytes(size.width),
            bits: samples.bits(),
            step: if planar { 1 } else { samples.count() },
            swapped,
            predictor,
        };
        let planes = if planar { samples.count() } else { 1 };
        if predictor == Predictor::Floats {
            // Their rows are put together with the padding.
            self.check_held(planes as u64 * (form.row_bytes + form.padding_bytes) as u64)?;
        }
        // The planes stand one behind the other.
        let plane_chunks = self.grid.width * self.grid.height;
        let indices = (0..planes as u32).map(move |plane| index + plane * plane_chunks);
        let packed = indices.clone().map(|index| self.packed(index)).collect::<Result<Vec<_>, Error>>()?;
        let rows: Option<Vec<Rows>> =
            packed.iter().map(|packed| Rows::unpack(packing, packed, form, planes)).collect::<Result<_, Error>>()?;
        match (rows, packing.compression) {
            (Some(rows), _) => Ok(rows),
            (None, CompressionMethod::WebP) => self.hold_webp(packed[0], size, held),
            (None, _) => {
                packed.iter().try_for_each(|packed| check_jpeg(packed, self.chunk, self.picture.size))?;
                self.hold(indices, form.row_bytes, size.height, held)
            }
        }
    }

    /// The rows of a strip or tile that is a WebP, into `held`; `size` is its part inside the picture.
    fn hold_webp<'h>(&self, packed: &[u8], size: Size, held: &'h mut Vec<u8>) -> Result<Vec<Rows<'h>>, Error> {
        // Strips end with the picture, tiles do not.
        let rows = if self.tiled { self.chunk.height } else { size.height };
        let whole = Size::new(self.chunk.width, rows);
        self.check_held(whole.pixels() * TEXEL_BYTES as u64)?;
        held.clear();
        held.resize(whole.pixels() as usize * TEXEL_BYTES, 0);
        let pitch = whole.width as usize * TEXEL_BYTES;
        if self.picture.packing.mirrored {
            let mirrored: Vec<u8> = packed.iter().map(|byte| byte.reverse_bits()).collect();
            webp::decode_fragment(&mirrored, &mut ViewMut::new(whole, pitch, held)).map_err(Error::damaged)?;
        } else {
            webp::decode_fragment(packed, &mut ViewMut::new(whole, pitch, held)).map_err(Error::damaged)?;
        }
        let channels = self.picture.samples.count();
        if channels == 3 {
            for index in 0..whole.pixels() as usize {
                held.copy_within(index * TEXEL_BYTES..index * TEXEL_BYTES + channels, index * channels);
            }
        }
        let texels = &held[..];
        Ok(vec![Rows::padded(texels, size.width as usize * channels, (whole.width - size.width) as usize * channels)])
    }

    /// Holds what is held at a time against its bound.
    fn check_held(&self, bytes: u64) -> Result<(), Error> {
        let target_bytes = self.picture.size.pixels() * TEXEL_BYTES as u64;
        if bytes > HELD_BYTES.max(2 * target_bytes) { Err(Error::memory_limit()) } else { Ok(()) }
    }

    /// The rows of strips or tiles that the decoder unpacks, one a plane, into `held`.
    fn hold<'h>(
        &mut self,
        indices: impl Iterator<Item = u32>,
        row_bytes: usize,
        rows: u32,
        held: &'h mut Vec<u8>,
    ) -> Result<Vec<Rows<'h>>, Error> {
        let mut planes = Vec::new();
        for index in indices {
            let layout = self.picture.reader.image_chunk_buffer_layout(index).map_err(refusal)?;
            let fits = layout.row_stride.is_some_and(|stride| stride.get() == row_bytes);
            // It may be more: the decoder clips the lowest tiles of the last plane alone.
            if !fits || layout.len < row_bytes * rows as usize {
                return Err(Error::damaged(format!("{} bytes in place of {rows} rows of {row_bytes}", layout.len)));
            }
            planes.push((index, layout.len));
        }
        let needed: usize = planes.iter().map(|(_, length)| length).sum();
        self.check_held(needed as u64)?;
        held.resize(needed, 0);
        let mut rest = &mut held[..];
        let mut unpacked = Vec::new();
        for (index, length) in planes {
            let (plane, others) = rest.split_at_mut(length);
            self.picture.reader.read_chunk_bytes(index, plane).map_err(refusal)?;
            unpacked.push(Rows::plain(plane, row_bytes));
            rest = others;
        }
        Ok(unpacked)
    }

    /// The bytes of a strip or tile, all of which must be there: not every decompressor notices an
    /// end. Without compression the samples tell how many they are, which not every writer does.
    fn packed(&self, index: u32) -> Result<&'a [u8], Error> {
        let place = self.places.get(index as usize);
        let inside = place.and_then(|(offset, count)| {
            let rest = self.bytes.get(usize::try_from(*offset).ok()?..)?;
            match self.picture.packing.compression {
                CompressionMethod::None => Some(rest),
                _ => rest.get(..usize::try_from(*count).ok()?),
            }
        });
        inside.ok_or_else(|| Error::damaged("a strip or tile is cut off"))
    }
}

/// Holds the header of a JPEG inside the file against the strip or tile that it fills: its decoder
/// would believe it, and would make up what is cut off.
fn check_jpeg(inside: &[u8], chunk: Size, whole: Size) -> Result<(), Error> {
    if !markers::has_end(inside) {
        return Err(Error::damaged("a JPEG is cut off"));
    }
    let frame = markers::Head::read(inside).frame.ok_or_else(|| Error::damaged("a JPEG without a frame"))?;
    // Encoders fill up to whole blocks; a strip may claim more rows than the picture has, a tile
    // is held to its own bound.
    let bound = Size::new(chunk.width, chunk.height.min(whole.height.max(TILE_SIDE)));
    if frame.size.width > bound.width.saturating_add(16) || frame.size.height > bound.height.saturating_add(16) {
        return Err(Error::damaged("a JPEG larger than its place"));
    }
    Ok(())
}
