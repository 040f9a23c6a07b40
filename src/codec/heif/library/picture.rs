//! A file's primary picture.

use super::calls::{CHANNEL_ALPHA, CHANNEL_INTERLEAVED, CHANNEL_LUMA};
use super::calls::{CHROMA_MONOCHROME, CHROMA_RGBA, COLORSPACE_MONOCHROME, COLORSPACE_RGB};
use super::calls::{Calls, Context, Handle, Message, Outcome, Owned, check, message};
use super::decoded::Decoded;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, ViewMut};
use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;

/// The primary picture of a file whose boxes were read.
pub struct Picture<'a> {
    pub(super) calls: &'a Calls,
    // Before the context, so that it is released first.
    pub(super) handle: Owned<Handle>,
    pub(super) context: Owned<Context>,
    pub(super) file_bytes: usize,
    pub(super) bytes: PhantomData<&'a [u8]>,
}

impl Picture<'_> {
    /// As it is shown: cropped, turned and mirrored as the container tells.
    ///
    /// # Errors
    /// A side below 1.
    pub fn size(&self) -> Result<Size, Message> {
        // SAFETY: the handle is alive, here and in the call that follows.
        let width = unsafe { (self.calls.heif_image_handle_get_width)(self.handle.as_ptr()) };
        // SAFETY: as above.
        let height = unsafe { (self.calls.heif_image_handle_get_height)(self.handle.as_ptr()) };
        size_of(width, height).ok_or_else(|| message("a side without pixels"))
    }

    /// As it is stored, before the container's turns; `None` where the file does not tell.
    pub fn stored_size(&self) -> Option<Size> {
        // SAFETY: the handle is alive, here and in the call that follows.
        let width = unsafe { (self.calls.heif_image_handle_get_ispe_width)(self.handle.as_ptr()) };
        // SAFETY: as above.
        let height = unsafe { (self.calls.heif_image_handle_get_ispe_height)(self.handle.as_ptr()) };
        size_of(width, height)
    }

    pub fn has_alpha(&self) -> bool {
        // SAFETY: the handle is alive.
        unsafe { (self.calls.heif_image_handle_has_alpha_channel)(self.handle.as_ptr()) != 0 }
    }

    /// Whether the colours that are decoded are multiplied by alpha.
    pub fn is_premultiplied(&self) -> bool {
        // SAFETY: the handle is alive.
        unsafe { (self.calls.heif_image_handle_is_premultiplied_alpha)(self.handle.as_ptr()) != 0 }
    }

    /// Whether the library holds coded pictures against a limit before it makes room for them.
    pub fn is_bounded(&self) -> bool {
        self.calls.heif_context_get_security_limits.is_some()
    }

    /// Decodes to 8 bits a channel, into a target of the picture's size. Coded pictures of more
    /// than `most_pixels` are refused by libraries that can.
    ///
    /// # Errors
    /// The library's message, or a decoded size that is not the target's.
    pub fn decode(&self, target: &mut ViewMut, most_pixels: u64) -> Result<(), Message> {
        let image = self.decoded(COLORSPACE_RGB, CHROMA_RGBA, most_pixels)?;
        let texels = image.plane(CHANNEL_INTERLEAVED, target.size(), TEXEL_BYTES)?;
        for (y, row) in (0..).zip(texels.rows()) {
            target.row(y).copy_from_slice(row);
        }
        Ok(())
    }

    /// [`Picture::decode`] of a picture without planes of colour: the library copies its levels as
    /// they are, also where black is 16 and white 235.
    ///
    /// # Errors
    /// As there; the picture has planes of colour after all.
    pub fn decode_grey(&self, target: &mut ViewMut, most_pixels: u64) -> Result<(), Message> {
        let size = target.size();
        let image = self.decoded(COLORSPACE_MONOCHROME, CHROMA_MONOCHROME, most_pixels)?;
        let luma = image.samples(CHANNEL_LUMA, size, image.is_full_range())?;
        for (y, row) in (0..).zip(luma.rows()) {
            for (texel, grey) in target.row(y).chunks_exact_mut(TEXEL_BYTES).zip(row) {
                texel.copy_from_slice(&[grey, grey, grey, u8::MAX]);
            }
        }
        if self.has_alpha() {
            let alpha = image.samples(CHANNEL_ALPHA, size, true)?;
            for (y, row) in (0..).zip(alpha.rows()) {
                for (texel, alpha) in target.row(y).chunks_exact_mut(TEXEL_BYTES).zip(row) {
                    texel[3] = alpha;
                }
            }
        }
        Ok(())
    }

    fn decoded(&self, colorspace: c_int, chroma: c_int, most_pixels: u64) -> Result<Decoded<'_>, Message> {
        if let Some(limits) = self.calls.heif_context_get_security_limits {
            // SAFETY: the context is alive and the limits are its own.
            if let Some(limits) = unsafe { limits(self.context.as_ptr()).as_mut() }.filter(|limits| limits.version > 0)
            {
                limits.image_pixels = most_pixels;
            }
        }
        let mut image = ptr::null_mut();
        // SAFETY: the handle is alive, the place for the image lives through the call; null asks
        // for default options.
        check(unsafe {
            (self.calls.heif_decode_image)(self.handle.as_ptr(), &mut image, colorspace, chroma, ptr::null())
        })?;
        Ok(Decoded { calls: self.calls, image: Owned::new(image, self.calls.heif_image_release)? })
    }

    /// The ICC profile, if there is one.
    pub fn icc(&self) -> Option<Vec<u8>> {
        // SAFETY: the handle is alive.
        let length = unsafe { (self.calls.heif_image_handle_get_raw_color_profile_size)(self.handle.as_ptr()) };
        // SAFETY: the handle is alive and the library writes as many bytes as it told.
        self.block(length, |to| unsafe {
            (self.calls.heif_image_handle_get_raw_color_profile)(self.handle.as_ptr(), to)
        })
    }

    /// The first metadata block of this kind, as it is stored.
    pub fn metadata(&self, kind: &CStr) -> Option<Vec<u8>> {
        let mut id = 0;
        // SAFETY: the handle is alive; there is room for the one number that is asked for.
        let count = unsafe {
            (self.calls.heif_image_handle_get_list_of_metadata_block_IDs)(
                self.handle.as_ptr(),
                kind.as_ptr(),
                &mut id,
                1,
            )
        };
        if count < 1 {
            return None;
        }
        // SAFETY: the handle is alive.
        let length = unsafe { (self.calls.heif_image_handle_get_metadata_size)(self.handle.as_ptr(), id) };
        // SAFETY: the handle is alive and the library writes as many bytes as it told.
        self.block(length, |to| unsafe { (self.calls.heif_image_handle_get_metadata)(self.handle.as_ptr(), id, to) })
    }

    /// A block that `fill` writes; none is longer than the file.
    fn block(&self, length: usize, fill: impl FnOnce(*mut c_void) -> Outcome) -> Option<Vec<u8>> {
        if length == 0 || length > self.file_bytes {
            return None;
        }
        let mut block = vec![0; length];
        check(fill(block.as_mut_ptr().cast())).ok()?;
        Some(block)
    }
}

fn size_of(width: c_int, height: c_int) -> Option<Size> {
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width @ 1..), Ok(height @ 1..)) => Some(Size::new(width, height)),
        _ => None,
    }
}
