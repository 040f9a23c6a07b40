//! A thin safe door to libheif, which is opened at run time: a machine without it lacks two
//! formats and nothing else. All `unsafe` of HEIC and AVIF is here.
//!
//! The declarations are those calls of the C interface that are used, present since version 1.15;
//! calls that came later are optional. A context is used by one thread at a time.

mod calls;
mod decoded;
mod picture;

use crate::codec::bleed;
use crate::format::Format;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use calls::{CHANNEL_INTERLEAVED, CHROMA_RGB, CHROMA_RGBA, COLORSPACE_RGB, Calls, Context, Encoder, Image};
use calls::{Outcome, Owned, Writer, check};
use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::OnceLock;

pub use calls::{Message, message};
pub use decoded::{Decoded, Plane, Samples};
pub use picture::{File, Layout};

/// The file that the loader is asked for.
pub const NAME: &str = if cfg!(target_os = "macos") { "libheif.1.dylib" } else { "libheif.so.1" };

/// The library, loaded once and kept until the process ends.
pub struct Library {
    calls: Calls,
    _keeps_calls_alive: libloading::Library,
}

/// The machine's libheif, or `None` where there is none of version 1.15 or later.
pub fn library() -> Option<&'static Library> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    LIBRARY.get_or_init(Library::load).as_ref()
}

/// `heif_compression_format`.
fn compression(format: Format) -> c_int {
    if format == Format::Avif { 4 } else { 1 }
}

fn fit(number: usize) -> Result<c_int, Message> {
    c_int::try_from(number).map_err(|_| message("the picture is too large"))
}

impl Library {
    fn load() -> Option<Library> {
        // SAFETY: libheif's initialisers register its codecs and do nothing else.
        let library = unsafe { libloading::Library::new(NAME) }.ok()?;
        // SAFETY: the file of that name with that major version has this interface.
        let calls = unsafe { Calls::load(&library) }.ok()?;
        // SAFETY: null asks for the defaults. The library counts these calls; this is the only one.
        check(unsafe { (calls.heif_init)(ptr::null_mut()) }).ok()?;
        Some(Library { calls, _keeps_calls_alive: library })
    }

    pub fn reads(&self, format: Format) -> bool {
        // SAFETY: takes a number.
        unsafe { (self.calls.heif_have_decoder_for_format)(compression(format)) != 0 }
    }

    pub fn writes(&self, format: Format) -> bool {
        // SAFETY: takes a number.
        unsafe { (self.calls.heif_have_encoder_for_format)(compression(format)) != 0 }
    }

    fn context(&self) -> Result<Owned<Context>, Message> {
        // SAFETY: yields null or a context that nobody else owns.
        Owned::new(unsafe { (self.calls.heif_context_alloc)() }, self.calls.heif_context_free)
    }

    /// Reads the boxes of a file; no pixel is decoded. Coded pictures of more than `most_pixels` will be
    /// refused, by libraries that can.
    ///
    /// # Errors
    /// The library's message where the file is not understood.
    pub fn open<'a>(&'a self, bytes: &'a [u8], most_pixels: u64) -> Result<File<'a>, Message> {
        let file = File { calls: &self.calls, context: self.context()?, bytes: PhantomData };
        file.limit(most_pixels);
        // SAFETY: the context is alive. The library reads `bytes` until the context is freed,
        // which the file's lifetime puts before the end of `bytes`. Null asks for defaults.
        check(unsafe {
            (self.calls.heif_context_read_from_memory_without_copy)(
                file.context.as_ptr(),
                bytes.as_ptr().cast(),
                bytes.len(),
                ptr::null(),
            )
        })?;
        Ok(file)
    }

    /// The file of one picture, with alpha unless `opaque`.
    ///
    /// Of `settings` (name and value) those are set that the encoder has.
    ///
    /// # Errors
    /// The library's message: no encoder, a size that the encoder refuses, no memory.
    pub fn encode(
        &self,
        pixels: &View,
        opaque: bool,
        format: Format,
        quality: u8,
        settings: &[(&CStr, &CStr)],
    ) -> Result<Vec<u8>, Message> {
        let calls = &self.calls;
        let image = self.image(pixels, opaque)?;
        let context = self.context()?;
        let mut encoder = ptr::null_mut();
        // SAFETY: the context is alive and the place for the encoder lives through the call.
        check(unsafe {
            (calls.heif_context_get_encoder_for_format)(context.as_ptr(), compression(format), &mut encoder)
        })?;
        let encoder = Owned::new(encoder, calls.heif_encoder_release)?;
        // SAFETY: the encoder is alive; the library checks the number.
        check(unsafe { (calls.heif_encoder_set_lossy_quality)(encoder.as_ptr(), c_int::from(quality)) })?;
        for (name, value) in settings.iter().filter(|(name, _)| self.has_parameter(&encoder, name)) {
            // SAFETY: the encoder is alive; both texts end in a zero and are copied.
            check(unsafe { (calls.heif_encoder_set_parameter)(encoder.as_ptr(), name.as_ptr(), value.as_ptr()) })?;
        }
        // SAFETY: all three are alive; null asks for default options and for no handle.
        check(unsafe {
            (calls.heif_context_encode_image)(
                context.as_ptr(),
                image.as_ptr(),
                encoder.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
            )
        })?;
        let mut file: Vec<u8> = Vec::new();
        let mut writer = Writer { version: 1, write: append };
        // SAFETY: the context is alive; writer and vector live through the call, and nobody else
        // touches the vector while `append` does.
        check(unsafe { (calls.heif_context_write)(context.as_ptr(), &mut writer, (&raw mut file).cast()) })?;
        Ok(file)
    }

    /// A copy of `pixels` in the library's hands, with colours under alpha 0 that do not bleed.
    fn image(&self, pixels: &View, opaque: bool) -> Result<Owned<Image>, Message> {
        let calls = &self.calls;
        let (chroma, texel_bytes) = if opaque { (CHROMA_RGB, 3) } else { (CHROMA_RGBA, TEXEL_BYTES) };
        let (columns, rows) = (pixels.size().width as usize, pixels.size().height as usize);
        let (width, height) = (fit(columns)?, fit(rows)?);
        let mut image = ptr::null_mut();
        // SAFETY: numbers and a place for the image that lives through the call.
        check(unsafe { (calls.heif_image_create)(width, height, COLORSPACE_RGB, chroma, &mut image) })?;
        let image = Owned::new(image, calls.heif_image_release)?;
        // SAFETY: the image is alive and has no such plane yet.
        check(unsafe { (calls.heif_image_add_plane)(image.as_ptr(), CHANNEL_INTERLEAVED, width, height, 8) })?;
        let mut pitch = 0;
        // SAFETY: the image is alive and the place for the pitch lives through the call.
        let start = unsafe { (calls.heif_image_get_plane)(image.as_ptr(), CHANNEL_INTERLEAVED, &mut pitch) };
        let pitch = usize::try_from(pitch).unwrap_or_default();
        if start.is_null() || pitch < columns * texel_bytes {
            return Err(message("no memory for the picture"));
        }
        if !opaque {
            // SAFETY: as below; this is all of the plane.
            let bytes = unsafe {
                ptr::write_bytes(start, 0, rows * pitch);
                std::slice::from_raw_parts_mut(start, rows * pitch)
            };
            let mut copy = ViewMut::new(pixels.size(), pitch, bytes);
            (0..pixels.size().height).for_each(|y| copy.row(y).copy_from_slice(pixels.row(y)));
            bleed::fill(&mut copy);
            return Ok(image);
        }
        for y in 0..rows {
            // SAFETY: the plane has `rows` rows of at least `columns` texels a pitch apart, and
            // nobody else has a reference into it.
            let row = unsafe { std::slice::from_raw_parts_mut(start.add(y * pitch), columns * texel_bytes) };
            let texels = pixels.row(y as u32).chunks_exact(TEXEL_BYTES);
            for (target, texel) in row.chunks_exact_mut(texel_bytes).zip(texels) {
                target.copy_from_slice(&texel[..texel_bytes]);
            }
        }
        Ok(image)
    }

    fn has_parameter(&self, encoder: &Owned<Encoder>, wanted: &CStr) -> bool {
        // SAFETY: the encoder is alive; the list is its own and ends in a null, names end in a zero.
        unsafe {
            let mut at = (self.calls.heif_encoder_list_parameters)(encoder.as_ptr());
            while !at.is_null() && !(*at).is_null() {
                if CStr::from_ptr((self.calls.heif_encoder_parameter_get_name)(*at)) == wanted {
                    return true;
                }
                at = at.add(1);
            }
        }
        false
    }
}

/// Takes what `heif_context_write` hands out.
///
/// # Safety
/// `file` must point to a vector of bytes that nobody else touches, `data` to `length` bytes.
unsafe extern "C" fn append(_: *mut Context, data: *const c_void, length: usize, file: *mut c_void) -> Outcome {
    if length > 0 {
        // SAFETY: the caller vouches for both.
        unsafe { (*file.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(data.cast(), length)) };
    }
    Outcome { code: 0, subcode: 0, message: c"".as_ptr() }
}
