//! A file in the library's hands, and its pictures.

use super::calls::{CHROMA_420, CHROMA_MONOCHROME, CHROMA_RGB_DEEP, CHROMA_RGBA};
use super::calls::{COLORSPACE_MONOCHROME, COLORSPACE_RGB, COLORSPACE_YCBCR};
use super::calls::{Calls, Context, Handle, Message, Owned, check};
use super::decoded::Decoded;
use std::marker::PhantomData;
use std::ptr;

/// A file whose boxes were read.
pub struct File<'a> {
    pub(super) calls: &'a Calls,
    pub(super) context: Owned<Context>,
    pub(super) bytes: PhantomData<&'a [u8]>,
}

/// One of its pictures.
pub struct Picture<'a> {
    calls: &'a Calls,
    handle: Owned<Handle>,
    file: PhantomData<&'a Context>,
}

/// How pixels are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In four bytes.
    Rgba8,
    /// Red, green and blue in two bytes each, the lower first.
    Deep,
    /// The one plane of a picture without colours, as it is coded.
    Grey,
    /// Luma as it is coded, and chroma that is of no use.
    Luma,
}

impl File<'_> {
    /// Coded pictures of more than `most_pixels` are refused, by libraries that can.
    pub(super) fn limit(&self, most_pixels: u64) {
        if let Some(limits) = self.calls.heif_context_get_security_limits {
            // SAFETY: the context is alive and the limits are its own.
            if let Some(limits) = unsafe { limits(self.context.as_ptr()).as_mut() }.filter(|limits| limits.version > 0)
            {
                limits.image_pixels = most_pixels;
            }
        }
    }

    /// The picture of this number.
    ///
    /// # Errors
    /// The library's message where there is none.
    pub fn picture(&self, item: u32) -> Result<Picture<'_>, Message> {
        let mut handle = ptr::null_mut();
        // SAFETY: the context is alive and the place for the handle lives through the call.
        check(unsafe { (self.calls.heif_context_get_image_handle)(self.context.as_ptr(), item, &mut handle) })?;
        let handle = Owned::new(handle, self.calls.heif_image_handle_release)?;
        Ok(Picture { calls: self.calls, handle, file: PhantomData })
    }
}

impl<'a> Picture<'a> {
    /// How many bits a channel has, 8 to 16; 8 where the library does not tell.
    pub fn bits(&self) -> u32 {
        // SAFETY: the handle is alive.
        let bits = unsafe { (self.calls.heif_image_handle_get_luma_bits_per_pixel)(self.handle.as_ptr()) };
        u32::try_from(bits).ok().filter(|bits| (8..=16).contains(bits)).unwrap_or(8)
    }

    /// # Errors
    /// The library's message.
    pub fn decode(&self, layout: Layout) -> Result<Decoded<'a>, Message> {
        let (colorspace, chroma) = match layout {
            Layout::Rgba8 => (COLORSPACE_RGB, CHROMA_RGBA),
            Layout::Deep => (COLORSPACE_RGB, CHROMA_RGB_DEEP),
            Layout::Grey => (COLORSPACE_MONOCHROME, CHROMA_MONOCHROME),
            // A grid of grey tiles is grey in some versions and not in others; all go over to this.
            Layout::Luma => (COLORSPACE_YCBCR, CHROMA_420),
        };
        let mut image = ptr::null_mut();
        // SAFETY: the handle is alive, the place for the image lives through the call; null asks
        // for default options.
        check(unsafe {
            (self.calls.heif_decode_image)(self.handle.as_ptr(), &mut image, colorspace, chroma, ptr::null())
        })?;
        Ok(Decoded { calls: self.calls, image: Owned::new(image, self.calls.heif_image_release)? })
    }
}
