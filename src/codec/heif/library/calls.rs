//! The declarations of libheif's C interface, and who gives its values back.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;

pub const COLORSPACE_RGB: c_int = 1;
pub const COLORSPACE_YCBCR: c_int = 0;
pub const COLORSPACE_MONOCHROME: c_int = 2;
pub const CHROMA_MONOCHROME: c_int = 0;
pub const CHROMA_420: c_int = 1;
pub const CHROMA_RGB: c_int = 10;
pub const CHROMA_RGBA: c_int = 11;
/// Two bytes a channel, the lower first.
pub const CHROMA_RGB_DEEP: c_int = 14;
pub const CHANNEL_LUMA: c_int = 0;
pub const CHANNEL_INTERLEAVED: c_int = 10;

/// What the library says of a failure.
#[derive(Debug)]
pub struct Message(pub String);

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "libheif: {}", self.0)
    }
}

impl std::error::Error for Message {}

pub fn message(text: &str) -> Message {
    Message(text.to_owned())
}

macro_rules! opaque {
    ($($name:ident)*) => { $(#[repr(C)] pub struct $name { _opaque: [u8; 0] })* };
}

opaque!(Context Handle Image Encoder Parameter);

/// `heif_error`, passed by value.
#[repr(C)]
pub struct Outcome {
    pub code: c_int,
    pub subcode: c_int,
    pub message: *const c_char,
}

/// `heif_writer`.
#[repr(C)]
pub struct Writer {
    pub version: c_int,
    pub write: unsafe extern "C" fn(*mut Context, *const c_void, usize, *mut c_void) -> Outcome,
}

/// `heif_color_profile_nclx`, as far as it is read.
#[repr(C)]
pub struct ColorProfile {
    pub version: u8,
    pub color_primaries: c_int,
    pub transfer_characteristics: c_int,
    pub matrix_coefficients: c_int,
    pub full_range: u8,
}

/// The two leading members of `heif_security_limits`, whose places are fixed.
#[repr(C)]
pub struct SecurityLimits {
    pub version: u8,
    pub image_pixels: u64,
}

macro_rules! calls {
    (
        always { $($name:ident($($type:ty),*) $(-> $result:ty)?;)* }
        optional { $($later:ident($($later_type:ty),*) $(-> $later_result:ty)?;)* }
    ) => {
        #[allow(non_snake_case, reason = "the library's own spelling")]
        pub struct Calls {
            $(pub $name: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
            $(pub $later: Option<unsafe extern "C" fn($($later_type),*) $(-> $later_result)?>,)*
        }

        impl Calls {
            /// # Safety
            /// `library` must be libheif: its symbols are taken to be of the declared types.
            pub unsafe fn load(library: &libloading::Library) -> Result<Calls, libloading::Error> {
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
        heif_context_get_image_handle(*mut Context, u32, *mut *mut Handle) -> Outcome;
        heif_image_handle_release(*mut Handle);
        heif_image_handle_get_luma_bits_per_pixel(*const Handle) -> c_int;
        heif_decode_image(*const Handle, *mut *mut Image, c_int, c_int, *const c_void) -> Outcome;
        heif_image_create(c_int, c_int, c_int, c_int, *mut *mut Image) -> Outcome;
        heif_image_add_plane(*mut Image, c_int, c_int, c_int, c_int) -> Outcome;
        heif_image_release(*mut Image);
        heif_image_get_width(*const Image, c_int) -> c_int;
        heif_image_get_height(*const Image, c_int) -> c_int;
        heif_image_get_bits_per_pixel_range(*const Image, c_int) -> c_int;
        heif_image_get_nclx_color_profile(*const Image, *mut *mut ColorProfile) -> Outcome;
        heif_nclx_color_profile_free(*mut ColorProfile);
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

/// A value of the library's that is given back when dropped.
pub struct Owned<T> {
    at: NonNull<T>,
    release: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    pub fn new(at: *mut T, release: unsafe extern "C" fn(*mut T)) -> Result<Owned<T>, Message> {
        let at = NonNull::new(at).ok_or_else(|| message("no memory"))?;
        Ok(Owned { at, release })
    }

    pub fn as_ptr(&self) -> *mut T {
        self.at.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: only this value owns what it points to, and `release` is the call made for it.
        unsafe { (self.release)(self.at.as_ptr()) }
    }
}

pub fn check(outcome: Outcome) -> Result<(), Message> {
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
