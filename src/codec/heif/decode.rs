//! From a file to its pixels: the library decodes colours and alpha as they are stored; here they are
//! cropped, turned, laid over one another and made sRGB.

use super::arrangement::Arrangement;
use super::claims;
use super::library::{Decoded, Layout, Library, Message, Plane, Samples, message};
use super::remux::{self, remux};
use super::scale::scaled;
use super::shown::{Alpha, Fit, Shown};
use super::{damaged, gate};
use crate::cancel::Cancel;
use crate::codec::cicp::Conversion;
use crate::codec::icc;
use crate::error::Error;
use crate::format::Format;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, ViewMut};
use crate::plane::PlaneMut;
use std::ops::Range;

/// Decodes into `target`, which has the size of what is shown.
pub fn decode(
    library: &Library,
    shown: &Shown,
    format: Format,
    target: &mut ViewMut,
    cancel: &Cancel,
) -> Result<(), Error> {
    let failed = |cause| damaged(format, cause);
    let checked = claims::check(shown).map_err(failed)?;
    let file = remux(shown).ok_or_else(|| failed(message("the boxes are not understood")))?;
    let pixels = shown.sizes().map(Size::pixels).max().unwrap_or_default();
    let _place = gate::enter(pixels, cancel)?;
    let file = library.open(&file, checked.most_pixels).map_err(failed)?;
    let color = file.picture(remux::COLOR).map_err(failed)?;
    let bits = color.bits();
    let conversion = shown.told.and_then(|told| Conversion::of(told, bits));
    let layout = match &conversion {
        _ if checked.grey => Layout::Grey,
        Some(_) if bits > 8 => Layout::Deep,
        _ => Layout::Rgba8,
    };
    let decoded = color.decode(layout).map_err(failed)?;
    cancel.check()?;
    let decode_alpha = |_| file.picture(remux::ALPHA).and_then(|alpha| alpha.decode(Layout::Luma)).map_err(failed);
    let alpha = shown.alpha.as_ref().map(decode_alpha).transpose()?;
    cancel.check()?;
    let alpha = shown.alpha.as_ref().zip(alpha.as_ref());
    let along = alpha.filter(|(alpha, _)| alpha.fit == Fit::Along);
    let apart = alpha.filter(|(alpha, _)| alpha.fit != Fit::Along);
    let colors = Colors {
        pixels: Pixels::of(&decoded, layout, if conversion.is_some() { bits } else { 8 }, shown.stored)
            .map_err(failed)?,
        alpha: along.map(|(_, samples)| samples.samples(shown.stored, true, 8)).transpose().map_err(failed)?,
        premultiplied: shown.premultiplied,
        conversion: conversion.as_ref(),
    };
    let mut numbers = Vec::new();
    shown.arrangement.lay(target, cancel, |y, columns, row| colors.lay(y, columns, row, &mut numbers))?;
    if let Some((alpha, samples)) = apart {
        let samples = samples.samples(alpha.stored, true, 8).map_err(failed)?;
        lay_alpha(&samples, alpha, shown, target, cancel)?;
    }
    match (shown.profile, &conversion) {
        (Some(profile), None) => icc::to_srgb(profile, target, cancel),
        _ => Ok(()),
    }
}

/// Stored colours, and the alpha that goes along with them.
struct Colors<'a> {
    pixels: Pixels<'a>,
    alpha: Option<Samples<'a>>,
    premultiplied: bool,
    conversion: Option<&'a Conversion>,
}

enum Pixels<'a> {
    Rgba8(Plane<'a>),
    /// Red, green and blue in two bytes each, the lower first.
    Deep(Plane<'a>),
    Grey(Samples<'a>),
}

impl<'a> Pixels<'a> {
    fn of(decoded: &'a Decoded, layout: Layout, bits: u32, size: Size) -> Result<Pixels<'a>, Message> {
        Ok(match layout {
            Layout::Rgba8 => Pixels::Rgba8(decoded.texels(size, TEXEL_BYTES)?),
            Layout::Deep => Pixels::Deep(decoded.texels(size, DEEP_BYTES)?),
            Layout::Grey | Layout::Luma => Pixels::Grey(decoded.samples(size, decoded.is_full_range(), bits)?),
        })
    }
}

/// Bytes of a pixel in the library's deep layout.
const DEEP_BYTES: usize = 6;

impl Colors<'_> {
    /// Writes some pixels of a stored row as RGBA; `numbers` is room for them as they come.
    fn lay(&self, y: u32, columns: Range<u32>, row: &mut [u8], numbers: &mut Vec<[u16; 3]>) {
        let columns = columns.start as usize..columns.end as usize;
        numbers.clear();
        match &self.pixels {
            Pixels::Rgba8(plane) => {
                row.copy_from_slice(&plane.row(y)[columns.start * TEXEL_BYTES..columns.end * TEXEL_BYTES])
            }
            Pixels::Deep(plane) => {
                let pixels =
                    plane.row(y)[columns.start * DEEP_BYTES..columns.end * DEEP_BYTES].chunks_exact(DEEP_BYTES);
                numbers.extend(pixels.map(|pixel| [0, 2, 4].map(|at| u16::from_le_bytes([pixel[at], pixel[at + 1]]))));
                row.fill(u8::MAX);
            }
            Pixels::Grey(samples) => {
                row.fill(u8::MAX);
                match self.conversion {
                    Some(_) => numbers.extend(samples.row(y, columns.clone()).map(|grey| [grey; 3])),
                    None => {
                        for (texel, grey) in row.chunks_exact_mut(TEXEL_BYTES).zip(samples.row(y, columns.clone())) {
                            texel[..3].fill(grey as u8);
                        }
                    }
                }
            }
        }
        if let Some(alpha) = &self.alpha {
            for (texel, alpha) in row.chunks_exact_mut(TEXEL_BYTES).zip(alpha.row(y, columns)) {
                texel[3] = alpha as u8;
            }
            if self.premultiplied {
                match numbers.is_empty() {
                    true => straighten(row),
                    false => straighten_numbers(numbers, row),
                }
            }
        }
        match self.conversion {
            Some(conversion) if numbers.is_empty() => conversion.convert(row),
            Some(conversion) => conversion.convert_from(row, |_, at| numbers[at]),
            None => {}
        }
    }
}

/// Lays alpha over the colours that does not lie as they do.
fn lay_alpha(
    samples: &Samples,
    alpha: &Alpha,
    shown: &Shown,
    target: &mut ViewMut,
    cancel: &Cancel,
) -> Result<(), Error> {
    let own = match alpha.fit {
        Fit::Apart(arrangement) => arrangement,
        Fit::Along | Fit::Scaled => Arrangement::whole(alpha.stored),
    };
    let lay = |y, columns: Range<u32>, row: &mut [u8]| {
        for (to, alpha) in row.iter_mut().zip(samples.row(y, columns.start as usize..columns.end as usize)) {
            *to = alpha as u8;
        }
    };
    let placed = laid(&own, cancel, lay)?;
    let placed = match alpha.fit {
        Fit::Apart(_) if own.size == shown.arrangement.size => placed,
        Fit::Apart(_) => scaled(&placed, own.size, shown.arrangement.size),
        Fit::Along | Fit::Scaled => {
            let stored = scaled(&placed, alpha.stored, shown.stored);
            let width = shown.stored.width as usize;
            laid(&shown.arrangement, cancel, |y, columns, row| {
                row.copy_from_slice(&stored[y as usize * width..][columns.start as usize..columns.end as usize]);
            })?
        }
    };
    for (y, alphas) in (0..).zip(placed.chunks_exact(shown.arrangement.size.width as usize)) {
        let row = target.row(y);
        for (texel, alpha) in row.chunks_exact_mut(TEXEL_BYTES).zip(alphas) {
            texel[3] = *alpha;
        }
        if shown.premultiplied {
            straighten(row);
        }
    }
    Ok(())
}

/// A plane without padding in this arrangement.
fn laid(
    arrangement: &Arrangement,
    cancel: &Cancel,
    lay: impl FnMut(u32, Range<u32>, &mut [u8]),
) -> Result<Vec<u8>, Error> {
    let size = arrangement.size;
    let mut bytes = vec![0; size.pixels() as usize];
    arrangement.lay(&mut PlaneMut::new(size, size.width as usize, &mut bytes), cancel, lay)?;
    Ok(bytes)
}

/// Turns a row of premultiplied colours into straight ones, rounded to nearest.
fn straighten(row: &mut [u8]) {
    for texel in row.chunks_exact_mut(TEXEL_BYTES) {
        let alpha = u32::from(texel[3]);
        if alpha == 0 || alpha == 255 {
            continue;
        }
        for channel in &mut texel[..3] {
            *channel = ((u32::from(*channel) * 255 + alpha / 2) / alpha).min(255) as u8;
        }
    }
}

/// The same for numbers of more bits; what becomes larger than the largest counts as that.
fn straighten_numbers(numbers: &mut [[u16; 3]], row: &[u8]) {
    for (numbers, texel) in numbers.iter_mut().zip(row.chunks_exact(TEXEL_BYTES)) {
        let alpha = u32::from(texel[3]);
        if alpha == 0 || alpha == 255 {
            continue;
        }
        for number in numbers {
            *number = ((u32::from(*number) * 255 + alpha / 2) / alpha).min(u16::MAX.into()) as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premultiplied_colours_are_straightened() {
        let mut row = [64, 32, 128, 128, 9, 9, 9, 0, 10, 20, 30, 255, 200, 1, 0, 100];
        let mut numbers: Vec<_> = row.chunks(4).map(|texel| [texel[0], texel[1], texel[2]].map(u16::from)).collect();
        straighten_numbers(&mut numbers, &row);
        straighten(&mut row);
        // 64 · 255 / 128 = 127.5; 32 · 255 / 128 = 63.75; colours above alpha are cut.
        assert_eq!(row, [128, 64, 255, 128, 9, 9, 9, 0, 10, 20, 30, 255, 255, 3, 0, 100]);
        assert_eq!(numbers, [[128, 64, 255], [9, 9, 9], [10, 20, 30], [510, 3, 0]]);
    }
}
