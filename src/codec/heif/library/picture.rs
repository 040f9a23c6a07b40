//! A file's primary picture.

use super::calls::{CHANNEL_INTERLEAVED, CHROMA_RGBA, COLORSPACE_RGB, Calls, Context, Handle, Message};
use super::calls::{Outcome, Owned, check, message};
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

    /// Decodes to 8 bits a channel, into a target of the picture's size. Coded pictures of more
    /// than `most_pixels` are refused by libraries that can.
    ///
    /// # Errors
    /// The library's message, or a decoded size that is not the target's.
    pub fn decode(&self, target: &mut ViewMut, most_pixels: u64) -> Result<(), Message> {
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
            (self.calls.heif_decode_image)(self.handle.as_ptr(), &mut image, COLORSPACE_RGB, CHROMA_RGBA, ptr::null())
        })?;
        let image = Owned::new(image, self.calls.heif_image_release)?;
        // SAFETY: the image is alive, here and in the call that follows.
        let width = unsafe { (self.calls.heif_image_get_width)(image.as_ptr(), CHANNEL_INTERLEAVED) };
        // SAFETY: as above.
        let height = unsafe { (self.calls.heif_image_get_height)(image.as_ptr(), CHANNEL_INTERLEAVED) };
        let size = target.size();
        let told = (i64::from(size.width), i64::from(size.height));
        if (i64::from(width), i64::from(height)) != told {
            return Err(Message(format!("the picture is {width}x{height}, its boxes tell {size}")));
        }
        let mut pitch = 0;
        // SAFETY: the image is alive and the place for the pitch lives through the call.
        let start =
            unsafe { (self.calls.heif_image_get_plane_readonly)(image.as_ptr(), CHANNEL_INTERLEAVED, &mut pitch) };
        let pitch = usize::try_from(pitch).unwrap_or_default();
        let row_bytes = size.width as usize * TEXEL_BYTES;
        if start.is_null() || pitch < row_bytes {
            return Err(message("no pixels"));
        }
        for y in 0..size.height {
            // SAFETY: the plane has `height` rows of `row_bytes` a pitch apart, and the image lives.
            let row = unsafe { std::slice::from_raw_parts(start.add(y as usize * pitch), row_bytes) };
            target.row(y).copy_from_slice(row);
        }
        Ok(())
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
