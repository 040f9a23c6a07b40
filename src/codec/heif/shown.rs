//! What a file shows: which items make up its colours and its alpha, how they are cropped and turned,
//! and which colours they are.
//!
//! Gain maps, depth, thumbnails and whatever else refers to the picture are passed over.
//! Source: ISO/IEC 23008-12, sections 6.5, 6.6 and 7; ISO/IEC 23000-22 (MIAF), section 7.3.5.

use super::arrangement::Arrangement;
use super::boxes::{Items, Kind, Reader};
use super::headers;
use super::library::{Message, message};
use crate::codec::cicp::CodePoints;
use crate::codec::icc;
use crate::geometry::Size;

/// Pictures that are made of pictures that are made of pictures.
pub const DEEPEST: u32 = 4;

/// What the property `auxC` says of alpha. Source: HEIF, 6.6.2.1.1; AVIF, 4.1; MIAF, 7.3.5.2.
const ALPHA: [&[u8]; 3] =
    [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:avc:2015:auxid:1"];

pub struct Shown<'a> {
    pub items: Items<'a>,
    /// The item of the colours.
    pub color: u32,
    /// As it is stored, before it is cropped and turned.
    pub stored: Size,
    pub arrangement: Arrangement,
    pub alpha: Option<Alpha>,
    /// Whether colours are multiplied by alpha.
    pub premultiplied: bool,
    /// The ICC profile.
    pub profile: Option<&'a [u8]>,
    /// What is told of the colours without a profile, or by one of high dynamic range.
    pub told: Option<CodePoints>,
}

pub struct Alpha {
    /// One item, or one for each tile of a grid.
    pub items: Vec<u32>,
    /// As it is stored.
    pub stored: Size,
    pub fit: Fit,
}

/// How alpha comes to lie over the colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Each of its stored pixels belongs to one of the stored colours.
    Along,
    /// It is cropped and turned by itself, and then scaled to what is shown.
    Apart(Arrangement),
    /// It is scaled to the stored colours, and then cropped and turned as they are.
    Scaled,
}

impl<'a> Shown<'a> {
    /// # Errors
    /// The boxes are not understood, or there is nothing to show.
    pub fn of(file: &'a [u8]) -> Result<Shown<'a>, Message> {
        let items = Items::of(file).ok_or_else(|| message("the boxes are not understood"))?;
        let (color, chain) = original(&items).ok_or_else(|| message("a picture made of itself"))?;
        let stored = size(&items, color).ok_or_else(|| message("no size is told"))?;
        let properties = chain.iter().flat_map(|item| items.properties(*item));
        let arrangement = Arrangement::whole(stored).with(properties);
        let arrangement = arrangement.ok_or_else(|| message("nothing is left of the picture"))?;
        let alpha = chain.iter().find_map(|item| alpha(&items, *item, stored, &arrangement));
        let multiplied = |alpha: &Alpha| chain.iter().any(|item| is_premultiplied(&items, *item, alpha));
        let premultiplied = alpha.as_ref().is_some_and(multiplied);
        let profile = told(&items, &chain, |content| match content.split_first_chunk() {
            Some((b"prof" | b"rICC", profile)) => Some(profile),
            _ => None,
        });
        let told = match profile {
            Some(profile) => icc::high_dynamic_range(profile),
            None => told(&items, &chain, code_points).or_else(|| coded_points(&items, color)),
        };
        Ok(Shown { items, color, stored, arrangement, alpha, premultiplied, profile, told })
    }

    /// The sizes that have to be held against limits: of what is shown and of what is stored.
    pub fn sizes(&self) -> impl Iterator<Item = Size> {
        [self.arrangement.size, self.stored].into_iter().chain(self.alpha.as_ref().map(|alpha| alpha.stored))
    }

    /// The EXIF block as it is stored.
    pub fn exif(&self) -> Option<Vec<u8>> {
        let mut blocks = self.items.referring(*b"cdsc", self.items.primary);
        let block = blocks.find(|block| self.items.kind(*block) == Some(b"Exif"))?;
        self.items.data(block).map(|data| data.into_owned())
    }
}

/// The item that the primary one stands for, and before it those that only turn it or, in the case of a
/// tone map, tell how it looks elsewhere, the innermost first.
fn original(items: &Items) -> Option<(u32, Vec<u32>)> {
    let mut chain = vec![items.primary];
    for _ in 0..DEEPEST {
        match (items.kind(chain[0]), items.parts(chain[0])) {
            (Some(b"iden"), [part]) => chain.insert(0, *part),
            // The first part is the picture, the second its gain map.
            (Some(b"tmap"), [part, ..]) => chain = vec![*part],
            _ => return Some((chain[0], chain)),
        }
    }
    None
}

fn size(items: &Items, item: u32) -> Option<Size> {
    let mut sides = Reader(items.property(item, b"ispe")?.get(4..)?);
    let (width, height) = (sides.number_of(4)? as u32, sides.number_of(4)? as u32);
    (width > 0 && height > 0).then(|| Size::new(width, height))
}

/// The alpha of a picture that is stored in this size and shown in this arrangement.
fn alpha(items: &Items, color: u32, stored: Size, arrangement: &Arrangement) -> Option<Alpha> {
    let of_item = |item: u32| {
        let is_alpha = |aux: &u32| {
            let name = items.property(*aux, b"auxC").and_then(|content| content.get(4..));
            name.is_some_and(|name| ALPHA.contains(&name.split(|byte| *byte == 0).next().unwrap_or_default()))
        };
        items.referring(*b"auxl", item).find(is_alpha)
    };
    let Some(item) = of_item(color) else {
        // Some writers give each tile of a grid alpha of its own.
        let tiles = items.parts(color).iter().map(|tile| of_item(*tile)).collect::<Option<Vec<_>>>()?;
        let is_grid = items.kind(color) == Some(b"grid") && !tiles.is_empty();
        return is_grid.then_some(Alpha { items: tiles, stored, fit: Fit::Along });
    };
    let own_size = size(items, item)?;
    let own = Arrangement::whole(own_size).with(items.properties(item))?;
    let fit = fit(own_size, own, stored, arrangement);
    Some(Alpha { items: vec![item], stored: own_size, fit })
}

/// Alpha that does not say how it is cropped or turned goes along with the colours, as in files of
/// libavif up to 1.3.
fn fit(own_size: Size, own: Arrangement, stored: Size, shown: &Arrangement) -> Fit {
    let whole = Arrangement::whole(own_size);
    // Where it has the sides of what is shown, and not those of what is stored, it was turned before.
    let is_turned_already = own.size == shown.size && own.size != stored;
    match own_size == stored {
        true if own == *shown || own == whole && !is_turned_already => Fit::Along,
        // Beside cropped colours it is the size of what is stored or of what is left, in small.
        false if own == whole && !is_turned_already && !is_like_the_crop(own_size, stored, shown) => Fit::Scaled,
        _ if own.is_upright() && !is_turned_already => Fit::Apart(own.turned_as(shown)),
        _ => Fit::Apart(own),
    }
}

/// Whether the proportions are rather those of the cropped picture than those of the whole.
fn is_like_the_crop(size: Size, stored: Size, shown: &Arrangement) -> bool {
    let ratio = |size: Size| (f64::from(size.width) / f64::from(size.height)).ln();
    let apart = |other: Size| (ratio(size) - ratio(other)).abs();
    apart(shown.unturned()) < apart(stored)
}

fn is_premultiplied(items: &Items, color: u32, alpha: &Alpha) -> bool {
    alpha.items.iter().any(|alpha| items.referring(*b"prem", *alpha).any(|from| from == color))
}

/// The first answer of the colour properties of these items and of what they are put together from.
fn told<'a, T>(items: &Items<'a>, chain: &[u32], answer: impl Fn(&'a [u8]) -> Option<T>) -> Option<T> {
    let first_part = chain.first().and_then(|item| items.parts(*item).first());
    let of_item = |item: &u32| {
        let mut properties = items.properties(*item).filter(|(kind, _)| *kind == b"colr");
        properties.find_map(|(_, content)| answer(content))
    };
    chain.iter().rev().chain(first_part).find_map(of_item)
}

fn code_points(content: &[u8]) -> Option<CodePoints> {
    let (kind, points) = content.split_first_chunk::<4>()?;
    let mut reader = Reader(points);
    let (primaries, transfer) = (reader.number_of(2)? as u16, reader.number_of(2)? as u16);
    // The library makes colours of full range, of whatever range the planes are.
    (kind == b"nclx").then_some(CodePoints { primaries, transfer, full_range: true })
}

/// What the coded picture itself tells, as AVIF has it where there is no property.
fn coded_points(items: &Items, color: u32) -> Option<CodePoints> {
    let coded = [&color].into_iter().chain(items.parts(color).first());
    let coded = coded.copied().find(|item| items.kind(*item) == Some::<&Kind>(b"av01"))?;
    let (primaries, transfer) = headers::av1(items.data(coded)?.as_ref())?.points?;
    Some(CodePoints { primaries, transfer, full_range: true })
}
