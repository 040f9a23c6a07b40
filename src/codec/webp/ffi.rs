//! A thin safe door to libwebp: the container, pictures out of it, and files out of pictures. All
//! `unsafe` of this codec is here; what a file means is decided by the caller.

use crate::cancel::Cancel;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, View};
use libwebp_sys as sys;
use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

/// Effort of the encoder, 0..=6. Four photos of 0.1 to 0.8 MP at quality 80: at equal SSIM, 2 takes
/// less than half of the time for files 7 to 13 % larger, 3 and 4 cost the same, 5 takes 15 to 30 %
/// longer for at most 0.6 % less.
const METHOD: c_int = 4;

/// How hard the coding of an alpha plane is sought. Planes of eight kinds (drawings, text, masks,
/// shadows, photos): the library's own choice for [`METHOD`], which codes most of them twice, took
/// two to five times as long, for planes 2 to 12 % smaller; from an effort of 25 on the search takes
/// twice as long.
const PLANE_METHOD: c_int = 3;
const PLANE_EFFORT: f32 = 24.0;

/// Effort of the search for a lossless coding, 0..=100; the size depends on it, the pixels do not.
const LOSSLESS_EFFORT: f32 = 75.0;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Message {}

fn message(text: impl Into<String>) -> Message {
    Message(text.into())
}

/// A file taken apart.
pub struct Container<'a> {
    demuxer: *mut sys::WebPDemuxer,
    bytes: PhantomData<&'a [u8]>,
}

/// A picture within a file: the only one, or a frame.
pub struct Fragment<'a> {
    /// The coded picture.
    pub bytes: &'a [u8],
    /// Place of its upper left pixel on the canvas.
    pub x: u32,
    pub y: u32,
    pub size: Size,
    /// Whether its pixels may be less than opaque.
    pub alpha: bool,
    /// Whether it is mixed with what is below instead of replacing it.
    pub blends: bool,
    /// Whether its rectangle becomes transparent when its time is over.
    pub clears: bool,
}

impl<'a> Container<'a> {
    /// # Errors
    /// For files that are cut off or whose chunks make no sense.
    pub fn open(bytes: &'a [u8]) -> Result<Container<'a>, Message> {
        let data = sys::WebPData { bytes: bytes.as_ptr(), size: bytes.len() };
        // SAFETY: `data` describes borrowed bytes, which outlive the container by its lifetime.
        let demuxer = unsafe { sys::WebPDemuxInternal(&data, 0, ptr::null_mut(), sys::WebPGetDemuxABIVersion()) };
        if demuxer.is_null() {
            return Err(message("the container is cut off or wrong"));
        }
        Ok(Container { demuxer, bytes: PhantomData })
    }

    pub fn canvas(&self) -> Size {
        let width = self.number(sys::WebPFormatFeature::WEBP_FF_CANVAS_WIDTH);
        Size::new(width, self.number(sys::WebPFormatFeature::WEBP_FF_CANVAS_HEIGHT))
    }

    /// Pictures in the file.
    pub fn frames(&self) -> u32 {
        self.number(sys::WebPFormatFeature::WEBP_FF_FRAME_COUNT)
    }

    /// A picture by its number, which begins at 1. Costs time in proportion to the number.
    pub fn frame(&self, number: u32) -> Option<Fragment<'a>> {
        let number = c_int::try_from(number).ok().filter(|number| *number > 0)?;
        let mut iterator = MaybeUninit::<sys::WebPIterator>::zeroed();
        // SAFETY: the demuxer is alive; all zeros are what the library wants in an unused iterator
        // and are values of each of its fields.
        let (found, iterator) = unsafe {
            let found = sys::WebPDemuxGetFrame(self.demuxer, number, iterator.as_mut_ptr());
            (found, iterator.assume_init_mut())
        };
        let side = |number: c_int| u32::try_from(number).ok();
        let fragment = (found != 0).then(|| {
            Some(Fragment {
                bytes: borrowed(&iterator.fragment)?,
                x: side(iterator.x_offset)?,
                y: side(iterator.y_offset)?,
                size: Size::new(side(iterator.width)?, side(iterator.height)?),
                alpha: iterator.has_alpha != 0,
                blends: iterator.blend_method == sys::WebPMuxAnimBlend::WEBP_MUX_BLEND,
                clears: iterator.dispose_method == sys::WebPMuxAnimDispose::WEBP_MUX_DISPOSE_BACKGROUND,
            })
        });
        // SAFETY: the iterator is the one from above, released once.
        unsafe { sys::WebPDemuxReleaseIterator(iterator) };
        fragment.flatten()
    }

    /// What the first chunk of a name holds.
    pub fn chunk(&self, name: &[u8; 4]) -> Option<&'a [u8]> {
        let mut iterator = MaybeUninit::<sys::WebPChunkIterator>::zeroed();
        // SAFETY: the demuxer is alive; the library reads four bytes of the name; all zeros are
        // values of each field of the iterator.
        let (found, iterator) = unsafe {
            let name = name.as_ptr().cast::<c_char>();
            let found = sys::WebPDemuxGetChunk(self.demuxer, name, 1, iterator.as_mut_ptr());
            (found, iterator.assume_init_mut())
        };
        let chunk = if found == 0 { None } else { borrowed(&iterator.chunk) };
        // SAFETY: the iterator is the one from above, released once.
        unsafe { sys::WebPDemuxReleaseChunkIterator(iterator) };
        chunk
    }

    fn number(&self, feature: sys::WebPFormatFeature) -> u32 {
        // SAFETY: the demuxer is alive.
        unsafe { sys::WebPDemuxGetI(self.demuxer, feature) }
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // SAFETY: the demuxer is alive, owned by this value alone, and not used again.
        unsafe { sys::WebPDemuxDelete(self.demuxer) };
    }
}

/// A part of the bytes that a demuxer was opened with.
fn borrowed<'a>(data: &sys::WebPData) -> Option<&'a [u8]> {
    // SAFETY: frames and chunks point into the file itself, which lives for 'a; the library has
    // held their lengths against the file's.
    (!data.bytes.is_null()).then(|| unsafe { std::slice::from_raw_parts(data.bytes, data.size) })
}

/// Decodes a picture of `size` into rows `pitch` bytes apart, as straight RGBA.
///
/// # Errors
/// For pictures that are cut off, wrong inside, or of another size.
pub fn decode(bytes: &[u8], size: Size, target: &mut [u8], pitch: usize) -> Result<(), Message> {
    let mut config = sys::WebPDecoderConfig::new().map_err(|()| message("another version of libwebp"))?;
    config.output.colorspace = sys::WEBP_CSP_MODE::MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = sys::WebPRGBABuffer {
        rgba: target.as_mut_ptr(),
        stride: c_int::try_from(pitch).map_err(|_| message("the rows are too long"))?,
        size: target.len(),
    };
    // SAFETY: the bytes are borrowed for the call, and so is the target, whose length is given and
    // which the library holds against the picture's size before it writes.
    let status = unsafe { sys::WebPDecode(bytes.as_ptr(), bytes.len(), &mut config) };
    if status != sys::VP8StatusCode::VP8_STATUS_OK {
        return Err(message(format!("{status:?}")));
    }
    if (config.input.width, config.input.height) != (size.width as c_int, size.height as c_int) {
        return Err(message("the picture is not of the size that the container tells"));
    }
    Ok(())
}

/// The frames of an animation, composed by the library.
pub struct Composer<'a> {
    decoder: *mut sys::WebPAnimDecoder,
    bytes: PhantomData<&'a [u8]>,
}

/// A composed frame.
pub struct Composed<'a> {
    /// The whole canvas, straight RGBA, rows packed.
    pub texels: &'a [u8],
    /// When its time is over, in milliseconds after the begin.
    pub end_ms: i32,
}

impl<'a> Composer<'a> {
    /// # Errors
    /// For files that are cut off or whose chunks make no sense.
    pub fn open(bytes: &'a [u8]) -> Result<Composer<'a>, Message> {
        let mut options = MaybeUninit::<sys::WebPAnimDecoderOptions>::zeroed();
        // SAFETY: the library fills the options in; all zeros are values of each field.
        let mut options = unsafe {
            if sys::WebPAnimDecoderOptionsInit(options.as_mut_ptr()) == 0 {
                return Err(message("another version of libwebp"));
            }
            options.assume_init()
        };
        options.color_mode = sys::WEBP_CSP_MODE::MODE_RGBA;
        options.use_threads = 0;
        let data = sys::WebPData { bytes: bytes.as_ptr(), size: bytes.len() };
        // SAFETY: `data` describes borrowed bytes, which outlive the composer by its lifetime.
        let decoder = unsafe { sys::WebPAnimDecoderNew(&data, &options) };
        if decoder.is_null() {
            return Err(message("the container is cut off or wrong"));
        }
        Ok(Composer { decoder, bytes: PhantomData })
    }

    /// The canvas and how often the animation plays, 0 for without end.
    pub fn info(&self) -> (Size, u32) {
        let mut info = sys::WebPAnimInfo::default();
        // SAFETY: the decoder is alive, and `info` is there to be written.
        unsafe { sys::WebPAnimDecoderGetInfo(self.decoder, &mut info) };
        (Size::new(info.canvas_width, info.canvas_height), info.loop_count)
    }

    /// The next frame, or `None` after the last.
    ///
    /// # Errors
    /// For frames that are wrong inside.
    pub fn next(&mut self) -> Result<Option<Composed<'_>>, Message> {
        // SAFETY: the decoder is alive.
        if unsafe { sys::WebPAnimDecoderHasMoreFrames(self.decoder) } == 0 {
            return Ok(None);
        }
        let (mut start, mut end_ms) = (ptr::null_mut(), 0);
        // SAFETY: the decoder is alive, and both places are there to be written.
        let status = unsafe { sys::WebPAnimDecoderGetNext(self.decoder, &mut start, &mut end_ms) };
        if status == 0 || start.is_null() {
            return Err(message("a frame is wrong inside"));
        }
        let length = self.info().0.pixels() as usize * TEXEL_BYTES;
        // SAFETY: the library yields its canvas of width × height × 4 bytes, which stays as it is
        // until the next call; that needs `&mut self`, which the slice holds.
        let texels = unsafe { std::slice::from_raw_parts(start, length) };
        Ok(Some(Composed { texels, end_ms }))
    }
}

impl Drop for Composer<'_> {
    fn drop(&mut self) {
        // SAFETY: the decoder is alive, owned by this value alone, and not used again.
        unsafe { sys::WebPAnimDecoderDelete(self.decoder) };
    }
}

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
