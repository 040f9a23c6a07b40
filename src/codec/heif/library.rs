//! A thin safe door to libheif, which is opened at run time: a machine without it lacks two
//! formats and nothing else. All `unsafe` of HEIC and AVIF is here.
//!
//! The declarations are those calls of the C interface that are used, present since version 1.15;
//! calls that came later are optional. A context is used by one thread at a time.

use crate::format::Format;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;

/// The file that the loader is asked for.
pub const NAME: &str = if cfg!(target_os = "macos") { "libheif.1.dylib" } else { "libheif.so.1" };

const COLORSPACE_RGB: c_int = 1;
const CHROMA_RGB: c_int = 10;
const CHROMA_RGBA: c_int = 11;
const CHANNEL_INTERLEAVED: c_int = 10;

/// What the library says of a failure.
#[derive(Debug)]
pub struct Message(String);

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "libheif: {}", self.0)
    }
}

impl std::error::Error for Message {}

fn message(text: &str) -> Message {
    Message(text.to_owned())
}

macro_rules! opaque {
    ($($name:ident)*) => { $(#[repr(C)] pub struct $name { _opaque: [u8; 0] })* };
}

opaque!(Context Handle Image Encoder Parameter);

/// `heif_error`, passed by value.
#[repr(C)]
struct Outcome {
    code: c_int,
    subcode: c_int,
    message: *const c_char,
}

/// `heif_writer`.
#[repr(C)]
struct Writer {
    version: c_int,
    write: unsafe extern "C" fn(*mut Context, *const c_void, usize, *mut c_void) -> Outcome,
}

/// The two leading members of `heif_security_limits`, whose places are fixed.
#[repr(C)]
struct SecurityLimits {
    version: u8,
    image_pixels: u64,
}

macro_rules! calls {
    (
        always { $($name:ident($($type:ty),*) $(-> $result:ty)?;)* }
        optional { $($later:ident($($later_type:ty),*) $(-> $later_result:ty)?;)* }
    ) => {
        #[allow(non_snake_case, reason = "the library's own spelling")]
        struct Calls {
            $($name: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
            $($later: Option<unsafe extern "C" fn($($later_type),*) $(-> $later_result)?>,)*
        }

        impl Calls {
            /// # Safety
            /// `library` must be libheif: its symbols are taken to be of the declared types.
            unsafe fn load(library: &libloading::Library) -> Result<Calls, libloading::Error> {
                // SAFETY: the caller vouches for the types.
                unsafe {
                    Ok(Calls {
                        $($name: *library.get(concat!(stringify!($name), "\0").as_bytes())?,)*
                        $($later: library
                            .get(concat!(stringify!($later), "\0").as_bytes())
                            .ok()
                            .map(|symbol| *symbol),)*
                    })
                }
            }
        }
    };
}

calls! {
    always {
        heif_init(*mut c_void) -> Outcome;
        heif_have_decoder_for_format(c_int) -> c_int;
        heif_have_encoder_for_format(c_int) -> c_int;
        heif_context_alloc() -> *mut Context;
        heif_context_free(*mut Context);
        heif_context_read_from_memory_without_copy(*mut Context, *const c_void, usize, *const c_void) -> Outcome;
        heif_context_get_primary_image_handle(*mut Context, *mut *mut Handle) -> Outcome;
        heif_image_handle_release(*mut Handle);
        heif_image_handle_get_width(*const Handle) -> c_int;
        heif_image_handle_get_height(*const Handle) -> c_int;
        heif_image_handle_has_alpha_channel(*const Handle) -> c_int;
        heif_image_handle_is_premultiplied_alpha(*const Handle) -> c_int;
        heif_image_handle_get_raw_color_profile_size(*const Handle) -> usize;
        heif_image_handle_get_raw_color_profile(*const Handle, *mut c_void) -> Outcome;
        heif_image_handle_get_list_of_metadata_block_IDs(*const Handle, *const c_char, *mut u32, c_int) -> c_int;
        heif_image_handle_get_metadata_size(*const Handle, u32) -> usize;
        heif_image_handle_get_metadata(*const Handle, u32, *mut c_void) -> Outcome;
        heif_decode_image(*const Handle, *mut *mut Image, c_int, c_int, *const c_void) -> Outcome;
        heif_image_create(c_int, c_int, c_int, c_int, *mut *mut Image) -> Outcome;
        heif_image_add_plane(*mut Image, c_int, c_int, c_int, c_int) -> Outcome;
        heif_image_release(*mut Image);
        heif_image_get_width(*const Image, c_int) -> c_int;
        heif_image_get_height(*const Image, c_int) -> c_int;
        heif_image_get_plane(*mut Image, c_int, *mut c_int) -> *mut u8;
        heif_image_get_plane_readonly(*const Image, c_int, *mut c_int) -> *const u8;
        heif_context_get_encoder_for_format(*mut Context, c_int, *mut *mut Encoder) -> Outcome;
        heif_encoder_release(*mut Encoder);
        heif_encoder_set_lossy_quality(*mut Encoder, c_int) -> Outcome;
        heif_encoder_list_parameters(*mut Encoder) -> *const *const Parameter;
        heif_encoder_parameter_get_name(*const Parameter) -> *const c_char;
        heif_encoder_set_parameter(*mut Encoder, *const c_char, *const c_char) -> Outcome;
        heif_context_encode_image(*mut Context, *const Image, *mut Encoder, *const c_void, *mut *mut Handle) -> Outcome;
        heif_context_write(*mut Context, *mut Writer, *mut c_void) -> Outcome;
    }
    optional {
        heif_context_get_security_limits(*const Context) -> *mut SecurityLimits;
    }
}

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

/// A value of the library's that is given back when dropped.
struct Owned<T> {
    at: NonNull<T>,
    release: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    fn new(at: *mut T, release: unsafe extern "C" fn(*mut T)) -> Result<Owned<T>, Message> {
        let at = NonNull::new(at).ok_or_else(|| message("no memory"))?;
        Ok(Owned { at, release })
    }

    fn as_ptr(&self) -> *mut T {
        self.at.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: only this value owns what it points to, and `release` is the call made for it.
        unsafe { (self.release)(self.at.as_ptr()) }
    }
}

fn check(outcome: Outcome) -> Result<(), Message> {
    if outcome.code == 0 {
        return Ok(());
    }
    if outcome.message.is_null() {
        return Err(Message(format!("error {}.{}", outcome.code, outcome.subcode)));
    }
    // SAFETY: the library's messages end in a zero and live until the next call on the same value.
    let text = unsafe { CStr::from_ptr(outcome.message) };
    Err(Message(text.to_string_lossy().into_owned()))
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

    /// Reads the boxes of a file, up to the primary picture; no pixel is decoded.
    ///
    /// # Errors
    /// The library's message where the file is not understood.
    pub fn open<'a>(&'a self, bytes: &'a [u8]) -> Result<Picture<'a>, Message> {
        let context = self.context()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the context is alive. The library reads `bytes` until the context is freed,
        // which the picture's lifetime puts before the end of `bytes`. Null asks for defaults.
        check(unsafe {
            (self.calls.heif_context_read_from_memory_without_copy)(
                context.as_ptr(),
                bytes.as_ptr().cast(),
                bytes.len(),
                ptr::null(),
            )
        })?;
        // SAFETY: the context is alive and the place for the handle lives through the call.
        check(unsafe { (self.calls.heif_context_get_primary_image_handle)(context.as_ptr(), &mut handle) })?;
        let handle = Owned::new(handle, self.calls.heif_image_handle_release)?;
        Ok(Picture { calls: &self.calls, handle, context, file_bytes: bytes.len(), bytes: PhantomData })
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

    /// A copy of `pixels` in the library's hands.
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

/// The primary picture of a file whose boxes were read.
pub struct Picture<'a> {
    calls: &'a Calls,
    // Before the context, so that it is released first.
    handle: Owned<Handle>,
    context: Owned<Context>,
    file_bytes: usize,
    bytes: PhantomData<&'a [u8]>,
}

impl Picture<'_> {
    /// As it is shown: cropped, turned and mirrored as the container tells.
    ///
    /// # Errors
    /// A side below 1.
    pub fn size(&self) -> Result<Size, Message> {
        // SAFETY: the handle is alive, here and in the two calls that follow.
        let width = unsafe { (self.calls.heif_image_handle_get_width)(self.handle.as_ptr()) };
        // SAFETY: as above.
        let height = unsafe { (self.calls.heif_image_handle_get_height)(self.handle.as_ptr()) };
        match (u32::try_from(width), u32::try_from(height)) {
            (Ok(width @ 1..), Ok(height @ 1..)) => Ok(Size::new(width, height)),
            _ => Err(message("a side without pixels")),
        }
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
