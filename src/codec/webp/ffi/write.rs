//! Pictures and animations encoded.

use super::{Message, message};
use crate::cancel::Cancel;
use crate::geometry::Size;
use crate::pixel::View;
use libwebp_sys as sys;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

/// Effort of the encoder, 0..=6. Four photos of 0.1 to 0.8 MP at quality 80: at equal SSIM, 2 takes
/// less than half of the time for files 7 to 13 % larger, 3 and 4 cost the same, 5 takes 15 to 30 %
/// longer for at most 0.6 % less.
const METHOD: c_int = 4;

/// How hard the coding of an alpha plane is sought. Planes of eight kinds (drawings, masks, shadows,
/// noise, a photo): the library's own choice for [`METHOD`], which codes most of them twice, took two
/// to five times as long, for planes up to 13 % smaller. From an effort of 25 on the search takes
/// twice as long, and finds what repeats more than 16 rows below: lines of the same text.
const PLANE_METHOD: c_int = 3;
const PLANE_EFFORT: f32 = 24.0;

/// How hard a lossless coding is sought: method 0..=6 and effort 0..=100; the size depends on them, the
/// pixels do not. A photo, a drawing and a cut-out of 0.1 to 0.25 MP: the library's own 4 and 75 took
/// three to seven times as long as these, for files between 7 % smaller and 2 % larger; 1 and 24 took
/// another third less, for files 2 to 5 % larger.
const LOSSLESS_METHOD: c_int = 2;
const LOSSLESS_EFFORT: f32 = 24.0;

/// How pictures are coded.
pub struct Coding(sys::WebPConfig);

impl Coding {
    /// With loss, `quality` 1..=100; alpha is kept as it is, without any coding.
    ///
    /// # Errors
    /// Where the library is another one than this was built for.
    pub fn lossy(quality: u8) -> Result<Coding, Message> {
        let mut config = sys::WebPConfig::new().map_err(|()| message("another version of libwebp"))?;
        config.quality = quality.clamp(1, 100).into();
        config.method = METHOD;
        config.alpha_compression = 0;
        Ok(Coding(config))
    }

    /// With loss, for the frames of animations: alpha is coded by the library, without loss.
    ///
    /// # Errors
    /// As for [`Coding::lossy`].
    pub fn lossy_frames(quality: u8) -> Result<Coding, Message> {
        let mut coding = Coding::lossy(quality)?;
        coding.0.alpha_compression = 1;
        Ok(coding)
    }

    /// Every pixel as it is, for a picture whose green channel is an alpha plane.
    ///
    /// # Errors
    /// As for [`Coding::lossy`].
    pub fn plane() -> Result<Coding, Message> {
        let mut coding = Coding::lossless()?;
        coding.0.method = PLANE_METHOD;
        coding.0.quality = PLANE_EFFORT;
        Ok(coding)
    }

    /// Every pixel as it is, the colours of transparent ones included.
    ///
    /// # Errors
    /// As for [`Coding::lossy`].
    pub fn lossless() -> Result<Coding, Message> {
        let mut coding = Coding::lossy(100)?;
        coding.0.method = LOSSLESS_METHOD;
        coding.0.quality = LOSSLESS_EFFORT;
        coding.0.lossless = 1;
        coding.0.exact = 1;
        Ok(coding)
    }
}

/// Pixels in the library's own layout.
struct Picture(sys::WebPPicture);

impl Picture {
    /// `argb` keeps the colours as they are; else they are turned into YUV 4:2:0 at once.
    fn new(pixels: &View, opaque: bool, argb: bool) -> Result<Picture, Message> {
        let fit = |number: usize| c_int::try_from(number).map_err(|_| message("the picture is too large"));
        let mut picture = Picture(sys::WebPPicture::new().map_err(|()| message("another version of libwebp"))?);
        picture.0.width = fit(pixels.size().width as usize)?;
        picture.0.height = fit(pixels.size().height as usize)?;
        picture.0.use_argb = argb.into();
        let pitch = fit(pixels.pitch())?;
        let import = if opaque { sys::WebPPictureImportRGBX } else { sys::WebPPictureImportRGBA };
        // SAFETY: the library reads `width` × 4 bytes in each of `height` rows a pitch apart, all
        // of which a View holds, and copies them.
        let status = unsafe { import(&mut picture.0, pixels.bytes().as_ptr(), pitch) };
        if status == 0 {
            return Err(message(format!("{:?}", picture.0.error_code)));
        }
        Ok(picture)
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised and is freed once.
        unsafe { sys::WebPPictureFree(&mut self.0) };
    }
}

/// A file that the library is writing.
struct Written(sys::WebPMemoryWriter);

impl Drop for Written {
    fn drop(&mut self) {
        // SAFETY: the writer was initialised and is cleared once.
        unsafe { sys::WebPMemoryWriterClear(&mut self.0) };
    }
}

/// Stops the encoder when nobody waits any more.
extern "C" fn go_on(_percent: c_int, picture: *const sys::WebPPicture) -> c_int {
    // SAFETY: the library hands over the picture that it is encoding, whose `user_data` is the
    // Cancel that [`encode`] borrows while the call lasts.
    let cancel = unsafe { &*(*picture).user_data.cast::<Cancel>() };
    cancel.check().is_ok().into()
}

/// The file of a still.
///
/// # Errors
/// For sides that WebP cannot hold, and when `cancel` says so.
pub fn encode(pixels: &View, opaque: bool, coding: &Coding, cancel: &Cancel) -> Result<Vec<u8>, Message> {
    let mut picture = Picture::new(pixels, opaque, coding.0.lossless != 0)?;
    let mut writer = MaybeUninit::<sys::WebPMemoryWriter>::zeroed();
    // SAFETY: the library fills the writer in; all zeros are values of each field.
    let mut written = Written(unsafe {
        sys::WebPMemoryWriterInit(writer.as_mut_ptr());
        writer.assume_init()
    });
    picture.0.writer = Some(sys::WebPMemoryWrite);
    picture.0.custom_ptr = ptr::from_mut(&mut written.0).cast();
    picture.0.progress_hook = Some(go_on);
    picture.0.user_data = ptr::from_ref(cancel).cast_mut().cast::<c_void>();
    // SAFETY: the picture holds pixels; the writer and `cancel` live until the call is over, and
    // the hook only reads the latter.
    let status = unsafe { sys::WebPEncode(&coding.0, &mut picture.0) };
    if status == 0 {
        return Err(message(format!("{:?}", picture.0.error_code)));
    }
    // SAFETY: a successful call leaves `size` written bytes at `mem`.
    Ok(unsafe { std::slice::from_raw_parts(written.0.mem, written.0.size) }.to_vec())
}

/// An animation being written.
pub struct Assembler(*mut sys::WebPAnimEncoder);

impl Assembler {
    /// `plays` says how often it is played, 0 for without end.
    ///
    /// # Errors
    /// For sizes that WebP cannot hold.
    pub fn new(size: Size, plays: u16) -> Result<Assembler, Message> {
        let version = sys::WebPGetMuxABIVersion();
        let mut options = MaybeUninit::<sys::WebPAnimEncoderOptions>::zeroed();
        // SAFETY: the library fills the options in; all zeros are values of each field.
        let mut options = unsafe {
            if sys::WebPAnimEncoderOptionsInitInternal(options.as_mut_ptr(), version) == 0 {
                return Err(message("another version of libwebp"));
            }
            options.assume_init()
        };
        options.anim_params.loop_count = plays.into();
        let fit = |side: u32| c_int::try_from(side).map_err(|_| message("the picture is too large"));
        let (width, height) = (fit(size.width)?, fit(size.height)?);
        // SAFETY: takes numbers and options, which are copied; yields null or an encoder that only
        // this value owns.
        let encoder = unsafe { sys::WebPAnimEncoderNewInternal(width, height, &options, version) };
        if encoder.is_null() { Err(message("the size does not fit")) } else { Ok(Assembler(encoder)) }
    }

    /// Adds a frame that begins at `begin_ms`.
    ///
    /// # Errors
    /// The library's message, where times go backwards or a frame has another size.
    pub fn add(&mut self, pixels: &View, opaque: bool, begin_ms: i32, coding: &Coding) -> Result<(), Message> {
        let mut picture = Picture::new(pixels, opaque, true)?;
        // SAFETY: the encoder is alive; picture and coding are borrowed for the call, and the
        // library copies what it keeps.
        let status = unsafe { sys::WebPAnimEncoderAdd(self.0, &mut picture.0, begin_ms, &coding.0) };
        if status == 0 { Err(self.message()) } else { Ok(()) }
    }

    /// The file, whose last frame's time is over at `end_ms`.
    ///
    /// # Errors
    /// The library's message.
    pub fn finish(self, end_ms: i32) -> Result<Vec<u8>, Message> {
        let mut file = Assembled(sys::WebPData::default());
        // SAFETY: the encoder is alive; a null picture says that no more come; `file` is there to
        // be written.
        let done = unsafe {
            sys::WebPAnimEncoderAdd(self.0, ptr::null_mut(), end_ms, ptr::null()) != 0
                && sys::WebPAnimEncoderAssemble(self.0, &mut file.0) != 0
        };
        if !done || file.0.bytes.is_null() {
            return Err(self.message());
        }
        // SAFETY: a successful call leaves `size` written bytes at `bytes`.
        Ok(unsafe { std::slice::from_raw_parts(file.0.bytes, file.0.size) }.to_vec())
    }

    fn message(&self) -> Message {
        // SAFETY: the encoder is alive; the library yields null or a NUL-terminated text that stays
        // until the next call, and it is copied at once.
        unsafe {
            let text = sys::WebPAnimEncoderGetError(self.0);
            if text.is_null() {
                return message("the animation cannot be written");
            }
            message(std::ffi::CStr::from_ptr(text).to_string_lossy())
        }
    }
}

impl Drop for Assembler {
    fn drop(&mut self) {
        // SAFETY: the encoder is alive, owned by this value alone, and not used again.
        unsafe { sys::WebPAnimEncoderDelete(self.0) };
    }
}

/// A file in memory that the library allocated.
struct Assembled(sys::WebPData);

impl Drop for Assembled {
    fn drop(&mut self) {
        // SAFETY: the data is empty or was allocated by the library, and is freed once.
        unsafe { sys::WebPDataClear(&mut self.0) };
    }
}
