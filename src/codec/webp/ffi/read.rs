//! Files taken apart, stills decoded, animations composed.

use super::{Message, message};
use crate::geometry::Size;
use crate::pixel::TEXEL_BYTES;
use libwebp_sys as sys;
use std::ffi::{c_char, c_int};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

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
