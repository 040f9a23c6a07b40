//! The planes of a decoded picture.

use super::calls::{CHANNEL_INTERLEAVED, CHANNEL_LUMA, Calls, Image, Message, Owned, check, message};
use crate::geometry::Size;
use std::ffi::c_int;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;

/// A decoded picture in the library's hands.
pub struct Decoded<'a> {
    pub(super) calls: &'a Calls,
    pub(super) image: Owned<Image>,
}

/// Rows of bytes, a pitch apart.
pub struct Plane<'a> {
    start: *const u8,
    pitch: usize,
    row_bytes: usize,
    count: usize,
    image: PhantomData<&'a Image>,
}

/// A plane of one channel, and what each of its numbers is in another depth and full range.
pub struct Samples<'a> {
    plane: Plane<'a>,
    levels: Vec<u16>,
}

impl Decoded<'_> {
    /// Pixels whose channels lie side by side.
    ///
    /// # Errors
    /// There are none of this size with `texel_bytes` for a pixel.
    pub fn texels(&self, size: Size, texel_bytes: usize) -> Result<Plane<'_>, Message> {
        self.plane(CHANNEL_INTERLEAVED, size, texel_bytes)
    }

    fn plane(&self, channel: c_int, size: Size, texel_bytes: usize) -> Result<Plane<'_>, Message> {
        // SAFETY: the image is alive, here and in the call that follows.
        let width = unsafe { (self.calls.heif_image_get_width)(self.image.as_ptr(), channel) };
        // SAFETY: as above.
        let height = unsafe { (self.calls.heif_image_get_height)(self.image.as_ptr(), channel) };
        if (i64::from(width), i64::from(height)) != (i64::from(size.width), i64::from(size.height)) {
            return Err(Message(format!("the picture is {width}x{height}, its boxes tell {size}")));
        }
        let mut pitch = 0;
        // SAFETY: the image is alive and the place for the pitch lives through the call.
        let start = unsafe { (self.calls.heif_image_get_plane_readonly)(self.image.as_ptr(), channel, &mut pitch) };
        let pitch = usize::try_from(pitch).unwrap_or_default();
        let row_bytes = size.width as usize * texel_bytes;
        if start.is_null() || pitch < row_bytes {
            return Err(message("no pixels"));
        }
        Ok(Plane { start, pitch, row_bytes, count: size.height as usize, image: PhantomData })
    }

    /// Luma, in numbers of `bits` and full range.
    ///
    /// # Errors
    /// There is none of this size, or its depth is none of 8 to 16 bits.
    pub fn samples(&self, size: Size, full_range: bool, bits: u32) -> Result<Samples<'_>, Message> {
        // SAFETY: the image is alive.
        let depth = unsafe { (self.calls.heif_image_get_bits_per_pixel_range)(self.image.as_ptr(), CHANNEL_LUMA) };
        let depth = u32::try_from(depth).ok().filter(|depth| (8..=16).contains(depth));
        let depth = depth.ok_or_else(|| message("no such channel, or none of 8 to 16 bits"))?;
        let plane = self.plane(CHANNEL_LUMA, size, if depth > 8 { 2 } else { 1 })?;
        Ok(Samples { plane, levels: levels(depth, full_range, bits) })
    }

    /// Whether black is 0 and white the largest number, as is taken to be where nothing is told.
    pub fn is_full_range(&self) -> bool {
        let mut profile = ptr::null_mut();
        // SAFETY: the image is alive and the place for the profile lives through the call.
        let told = check(unsafe { (self.calls.heif_image_get_nclx_color_profile)(self.image.as_ptr(), &mut profile) });
        let profile = told.and_then(|()| Owned::new(profile, self.calls.heif_nclx_color_profile_free));
        // SAFETY: the profile is alive, and it is longer than what is declared of it.
        profile.map_or(true, |profile| unsafe { (*profile.as_ptr()).full_range != 0 })
    }
}

impl Plane<'_> {
    /// # Panics
    /// If there are fewer rows.
    pub fn row(&self, y: u32) -> &[u8] {
        assert!((y as usize) < self.count, "row {y} of {}", self.count);
        // SAFETY: the plane has `count` rows of `row_bytes` a pitch apart, and the image lives.
        unsafe { std::slice::from_raw_parts(self.start.add(y as usize * self.pitch), self.row_bytes) }
    }
}

impl Samples<'_> {
    /// Some numbers of a row.
    pub fn row(&self, y: u32, columns: Range<usize>) -> impl Iterator<Item = u16> {
        let bytes = if self.levels.len() > 256 { 2 } else { 1 };
        let last = self.levels.len() - 1;
        self.plane.row(y)[columns.start * bytes..columns.end * bytes].chunks_exact(bytes).map(move |value| {
            let value = match *value {
                [low, high] => u16::from_ne_bytes([low, high]),
                _ => u16::from(value[0]),
            };
            self.levels[usize::from(value).min(last)]
        })
    }
}

/// What all numbers of `depth` bits are in full range of `bits`, rounded to nearest. Source: ITU-T
/// H.273, 8.3.
fn levels(depth: u32, full_range: bool, bits: u32) -> Vec<u16> {
    let (most, white) = ((1u64 << depth) - 1, (1u64 << bits) - 1);
    let (black, span) = if full_range { (0, most) } else { (16 << (depth - 8), 219 << (depth - 8)) };
    let level = |value: u64| ((value.saturating_sub(black) * white + span / 2) / span).min(white) as u16;
    (0..=most).map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ranges_reach_from_black_to_white() {
        for depth in [8, 10, 12, 16] {
            let (full, narrow) = (levels(depth, true, 8), levels(depth, false, 8));
            let step = 1 << (depth - 8);
            assert_eq!((full[0], *full.last().unwrap(), full.len()), (0, 255, 256 * step));
            assert_eq!((narrow[0], narrow[16 * step], narrow[235 * step], *narrow.last().unwrap()), (0, 0, 255, 255));
        }
        assert!(levels(8, true, 8).into_iter().eq(0..=255));
        // (126 - 16) · 255 / 219 = 128.08; (502 - 64) · 255 / 876 = 127.5.
        assert!(levels(10, true, 10).into_iter().eq(0..1024));
        assert_eq!((levels(10, false, 10)[64], levels(10, false, 10)[940], levels(10, false, 10)[502]), (0, 1023, 512));
        assert_eq!((levels(8, false, 8)[126], levels(10, false, 8)[502]), (128, 128));
    }
}
