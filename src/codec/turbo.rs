//! A thin safe door to libjpeg-turbo: header, decompression, compression. All `unsafe` of the
//! codecs is here; what a warning means for the picture is decided by the caller.
//!
//! Every call makes a handle of its own: the library keeps tables from one picture to the next,
//! and a picture must not be decoded by tables of somebody else's.

use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use crate::plane::{Components, Plane, PlaneMut};
use std::ffi::{CStr, c_int, c_uint};
use std::fmt;
use std::ptr;
use turbojpeg_sys as sys;

/// Scans of a progressive file that are decoded at most: a few bytes a scan can cost a full pass.
const SCAN_LIMIT: c_int = 100;

/// Pixels of a picture up to which its Huffman tables are made for it. That takes a second pass,
/// which costs as much as the rest of encoding or more: at 100 × 67 pixels it saves 12 % of the
/// bytes, at 300 × 200 4 %, at 400 × 300 2 %, at 1024 × 768 1 to 2 % for a tenth of the whole request.
/// Small answers of the service we follow have the sizes that this gives. Progressive files always
/// have it.
const OPTIMISED_PIXELS: u64 = 1 << 17;

const MIB: u64 = 1 << 20;

/// Room for the decoder beside coefficients: rows, tables, and blocks that overhang the picture.
const SLACK_MIB: u64 = 64;

/// What the library has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(pub String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Message {}

fn message(text: &str) -> Message {
    Message(text.to_owned())
}

/// What the header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub size: Size,
    /// Whether pixels are CMYK or YCCK.
    pub cmyk: bool,
    /// The planes, where they are luma and chroma that is sampled in a way we know.
    pub components: Option<Components>,
}

/// A decompressed picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decompressed {
    /// Whether the target now holds CMYK instead of RGBA.
    pub cmyk: bool,
    /// The first thing that was wrong, or the last if it stopped the decoder: unless the caller
    /// knows it for harmless, the target's content is undefined.
    pub warning: Option<Message>,
}

/// Reads the header.
///
/// # Errors
/// The library's message where it cannot make sense of the header. Warnings are passed over: they
/// come again when the picture is decompressed.
pub fn header(bytes: &[u8]) -> Result<Header, Message> {
    Handle::new(sys::TJINIT_TJINIT_DECOMPRESS)?.read_header(bytes)
}

/// Decompresses into `target`, its sides those of the picture divided by `reduction` (1, 2, 4 or
/// 8) and rounded up.
///
/// # Errors
/// The library's message where there are no pixels, and when the target's size is another.
pub fn decompress(bytes: &[u8], reduction: u32, target: &mut ViewMut) -> Result<Decompressed, Message> {
    let handle = Handle::new(sys::TJINIT_TJINIT_DECOMPRESS)?;
    let header = handle.read_header(bytes)?;
    let Size { width, height } = header.size;
    if target.size() != Size::new(width.div_ceil(reduction), height.div_ceil(reduction)) {
        return Err(message("the target's size is not that of the reduced picture"));
    }
    handle.prepare(header.size, reduction)?;
    let pitch = c_int::try_from(target.pitch()).map_err(|_| message("the target's pitch is too large"))?;
    let layout = if header.cmyk { sys::TJPF_TJPF_CMYK } else { sys::TJPF_TJPF_RGBA };
    // SAFETY: the handle is alive; `bytes` is borrowed for the call and its length is given. The
    // library writes `width` × 4 bytes (both layouts have four) into each of `height` rows a pitch
    // apart. The size it writes follows from the header in `bytes` and the factor, was compared
    // with the target's above, and a ViewMut holds at least the bytes its size and pitch need.
    let status = unsafe {
        let target = target.bytes().as_mut_ptr();
        sys::tj3Decompress8(handle.0, bytes.as_ptr(), bytes.len() as sys::size_t, target, pitch, layout)
    };
    let warning = handle.outcome(status)?;
    Ok(Decompressed { cmyk: header.cmyk, warning })
}

/// Decompresses the planes, of the sizes that [`Components::sizes`] tells for a picture with sides
/// divided by `reduction` (1, 2, 4 or 8) and rounded up; yields what was wrong, as
/// [`Decompressed::warning`].
///
/// # Errors
/// The library's message where there are no samples, and when the file has other planes than
/// `targets` or of other sizes.
pub fn decompress_planes(bytes: &[u8], reduction: u32, targets: &mut [PlaneMut]) -> Result<Option<Message>, Message> {
    let handle = Handle::new(sys::TJINIT_TJINIT_DECOMPRESS)?;
    let header = handle.read_header(bytes)?;
    let Size { width, height } = header.size;
    let reduced = Size::new(width.div_ceil(reduction), height.div_ceil(reduction));
    let sizes = header.components.map(|components| components.sizes(reduced));
    if sizes != Some(targets.iter().map(PlaneMut::size).collect()) {
        return Err(message("the targets' sizes are not those of the reduced planes"));
    }
    handle.prepare(header.size, reduction)?;
    let (mut starts, mut pitches) = ([ptr::null_mut(); 3], [0; 3]);
    for ((start, pitch), target) in starts.iter_mut().zip(&mut pitches).zip(targets) {
        *pitch = c_int::try_from(target.pitch()).map_err(|_| message("the target's pitch is too large"))?;
        *start = target.bytes().as_mut_ptr();
    }
    // SAFETY: the handle is alive; `bytes` is borrowed for the call and its length is given. The
    // library writes as many planes as the header tells components, of the sizes that follow from it
    // and the factor, luma rounded up to whole chroma samples, rows a pitch apart. Those were
    // compared with the targets' above, and a PlaneMut holds at least the bytes its size and pitch
    // need. The targets are borrowed mutably for
    // the call, and both arrays live until it is over.
    let status = unsafe {
        let (starts, pitches) = (starts.as_mut_ptr(), pitches.as_mut_ptr());
        sys::tj3DecompressToYUVPlanes8(handle.0, bytes.as_ptr(), bytes.len() as sys::size_t, starts, pitches)
    };
    handle.outcome(status)
}

/// How a picture is compressed.
#[derive(Debug, Clone, Copy)]
pub struct Coding {
    /// 1..=100.
    pub quality: u8,
    pub progressive: bool,
    /// Pixels along each axis that a chroma sample is for: 1 for 4:4:4, 2 for 4:2:0.
    pub chroma_span: u32,
}

impl Coding {
    fn sampling(self) -> sys::TJSAMP {
        if self.chroma_span == 1 { sys::TJSAMP_TJSAMP_444 } else { sys::TJSAMP_TJSAMP_420 }
    }
}

/// Compresses the colours of `pixels`, alpha passed over.
///
/// # Errors
/// The library's message: sides over 65,500, or no memory.
pub fn compress(pixels: &View, coding: Coding) -> Result<Vec<u8>, Message> {
    let handle = Handle::to_compress(pixels.size(), coding, coding.sampling())?;
    let (width, height) = (fit(pixels.size().width as usize)?, fit(pixels.size().height as usize)?);
    let pitch = fit(pixels.pitch())?;
    let mut output = Output { start: ptr::null_mut(), length: 0 };
    // SAFETY: the handle is alive. The library reads `width` × 4 bytes in each of `height` rows a
    // pitch apart, all of which a View holds. `output` is null with length 0, so that the library
    // allocates, and both places live until the call is over.
    let status = unsafe {
        sys::tj3Compress8(
            handle.0,
            pixels.bytes().as_ptr(),
            width,
            pitch,
            height,
            sys::TJPF_TJPF_RGBX,
            &mut output.start,
            &mut output.length,
        )
    };
    match handle.outcome(status)? {
        None => Ok(output.to_vec()),
        Some(warning) => Err(warning),
    }
}

/// Compresses the planes of a picture of `size`: one as grey, or three as `coding` tells, of the
/// sizes that [`Components::sizes`] tells.
///
/// # Errors
/// The library's message: sides over 65,500, or no memory; and for other planes.
pub fn compress_planes(planes: &[Plane], size: Size, coding: Coding) -> Result<Vec<u8>, Message> {
    let (components, sampling) = match planes.len() {
        1 => (Components::Grey, sys::TJSAMP_TJSAMP_GRAY),
        _ => (Components::Color { across: coding.chroma_span, down: coding.chroma_span }, coding.sampling()),
    };
    if components.sizes(size) != planes.iter().map(Plane::size).collect::<Vec<_>>() {
        return Err(message("the planes are neither grey nor sampled as the answer is"));
    }
    let handle = Handle::to_compress(size, coding, sampling)?;
    let (mut starts, mut pitches) = ([ptr::null(); 3], [0; 3]);
    for ((start, pitch), plane) in starts.iter_mut().zip(&mut pitches).zip(planes) {
        *pitch = fit(plane.pitch())?;
        *start = plane.bytes().as_ptr();
    }
    let (width, height) = (fit(size.width as usize)?, fit(size.height as usize)?);
    let mut output = Output { start: ptr::null_mut(), length: 0 };
    // SAFETY: the handle is alive. The library reads planes of the sizes that follow from size and
    // sampling, rows a pitch apart; the planes' sizes were compared with those above, and a Plane
    // holds the bytes its size and pitch need. `output` is null with length 0, so that the library
    // allocates, and all places live until the call is over.
    let status = unsafe {
        let (starts, pitches) = (starts.as_ptr(), pitches.as_ptr());
        let (file, length) = (&mut output.start, &mut output.length);
        sys::tj3CompressFromYUVPlanes8(handle.0, starts, width, pitches, height, file, length)
    };
    match handle.outcome(status)? {
        None => Ok(output.to_vec()),
        Some(warning) => Err(warning),
    }
}

fn fit(number: usize) -> Result<c_int, Message> {
    c_int::try_from(number).map_err(|_| message("the picture is too large"))
}

/// An instance of the library.
struct Handle(sys::tjhandle);

impl Handle {
    fn new(kind: c_uint) -> Result<Handle, Message> {
        // SAFETY: takes a number; yields null or a handle that only this value owns.
        let handle = unsafe { sys::tj3Init(kind as c_int) };
        if handle.is_null() { Err(message("no memory for a JPEG instance")) } else { Ok(Handle(handle)) }
    }

    fn to_compress(size: Size, coding: Coding, sampling: sys::TJSAMP) -> Result<Handle, Message> {
        let handle = Handle::new(sys::TJINIT_TJINIT_COMPRESS)?;
        handle.set(sys::TJPARAM_TJPARAM_QUALITY, c_int::from(coding.quality))?;
        handle.set(sys::TJPARAM_TJPARAM_SUBSAMP, sampling)?;
        handle.set(sys::TJPARAM_TJPARAM_OPTIMIZE, c_int::from(size.pixels() <= OPTIMISED_PIXELS))?;
        handle.set(sys::TJPARAM_TJPARAM_PROGRESSIVE, c_int::from(coding.progressive))?;
        // Square pixels without a unit, which is what a picture of unknown print size has.
        handle.set(sys::TJPARAM_TJPARAM_XDENSITY, 1)?;
        handle.set(sys::TJPARAM_TJPARAM_YDENSITY, 1)?;
        handle.set(sys::TJPARAM_TJPARAM_DENSITYUNITS, 0)?;
        Ok(handle)
    }

    /// Sets the limits for a picture of `size`, and the reduction.
    fn prepare(&self, size: Size, reduction: u32) -> Result<(), Message> {
        // A progressive picture is held as coefficients: two bytes for each of up to four components.
        let memory_mib = (size.pixels() * 8 / MIB + SLACK_MIB) as c_int;
        self.set(sys::TJPARAM_TJPARAM_SCANLIMIT, SCAN_LIMIT)?;
        self.set(sys::TJPARAM_TJPARAM_MAXMEMORY, memory_mib)?;
        self.set(sys::TJPARAM_TJPARAM_MAXPIXELS, c_int::try_from(size.pixels()).unwrap_or(c_int::MAX))?;
        let factor = sys::tjscalingfactor { num: 1, denom: reduction as c_int };
        // SAFETY: the handle is alive and made for decompression; the factor is passed by value.
        self.outcome(unsafe { sys::tj3SetScalingFactor(self.0, factor) })?;
        Ok(())
    }

    fn set(&self, parameter: c_uint, value: c_int) -> Result<(), Message> {
        // SAFETY: the handle is alive; the library checks both numbers.
        let status = unsafe { sys::tj3Set(self.0, parameter as c_int, value) };
        if status == 0 { Ok(()) } else { Err(self.message()) }
    }

    fn get(&self, parameter: c_uint) -> c_int {
        // SAFETY: the handle is alive; the library checks the number.
        unsafe { sys::tj3Get(self.0, parameter as c_int) }
    }

    fn read_header(&self, bytes: &[u8]) -> Result<Header, Message> {
        // Profiles are not asked for, so they are not collected.
        self.set(sys::TJPARAM_TJPARAM_SAVEMARKERS, 0)?;
        // SAFETY: the handle is alive; `bytes` is borrowed for the call and its length is given.
        let status = unsafe { sys::tj3DecompressHeader(self.0, bytes.as_ptr(), bytes.len() as sys::size_t) };
        self.outcome(status)?;
        // A header of tables alone succeeds and leaves −1 in both.
        let side = |parameter| u32::try_from(self.get(parameter)).ok().filter(|side| *side > 0);
        let sides = (side(sys::TJPARAM_TJPARAM_JPEGWIDTH), side(sys::TJPARAM_TJPARAM_JPEGHEIGHT));
        let (Some(width), Some(height)) = sides else {
            return Err(message("the header tells no size"));
        };
        let colors = self.get(sys::TJPARAM_TJPARAM_COLORSPACE) as sys::TJCS;
        let cmyk = matches!(colors, sys::TJCS_TJCS_CMYK | sys::TJCS_TJCS_YCCK);
        Ok(Header { size: Size::new(width, height), cmyk, components: self.components(colors) })
    }

    fn components(&self, colors: sys::TJCS) -> Option<Components> {
        let color = |across, down| Some(Components::Color { across, down });
        match (colors, self.get(sys::TJPARAM_TJPARAM_SUBSAMP)) {
            (sys::TJCS_TJCS_GRAY, sys::TJSAMP_TJSAMP_GRAY) => Some(Components::Grey),
            (sys::TJCS_TJCS_YCbCr, sys::TJSAMP_TJSAMP_444) => color(1, 1),
            (sys::TJCS_TJCS_YCbCr, sys::TJSAMP_TJSAMP_422) => color(2, 1),
            (sys::TJCS_TJCS_YCbCr, sys::TJSAMP_TJSAMP_440) => color(1, 2),
            (sys::TJCS_TJCS_YCbCr, sys::TJSAMP_TJSAMP_420) => color(2, 2),
            _ => None,
        }
    }

    /// Sorts the status of the last call: done, done with a warning, or failed.
    ///
    /// A failure after a warning is told as a warning too, but then its message is the failure's.
    fn outcome(&self, status: c_int) -> Result<Option<Message>, Message> {
        if status == 0 {
            return Ok(None);
        }
        // SAFETY: the handle is alive.
        let code = unsafe { sys::tj3GetErrorCode(self.0) };
        let message = self.message();
        if code == sys::TJERR_TJERR_WARNING as c_int { Ok(Some(message)) } else { Err(message) }
    }

    fn message(&self) -> Message {
        // SAFETY: the handle is alive; the library yields a NUL-terminated text that stays until
        // this thread's next call, and it is copied at once.
        let text = unsafe { CStr::from_ptr(sys::tj3GetErrorStr(self.0)) };
        Message(text.to_string_lossy().into_owned())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is alive, owned by this value alone, and not used again.
        unsafe { sys::tj3Destroy(self.0) };
    }
}

/// A file in memory that the library allocated.
struct Output {
    start: *mut u8,
    length: sys::size_t,
}

impl Output {
    fn to_vec(&self) -> Vec<u8> {
        if self.start.is_null() {
            return Vec::new();
        }
        // SAFETY: a successful call leaves `length` written bytes at `start`.
        unsafe { std::slice::from_raw_parts(self.start, self.length as usize) }.to_vec()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: `start` is null, which is allowed, or was allocated by the library and is freed once.
        unsafe { sys::tj3Free(self.start.cast()) };
    }
}

// Both layouts that pixels are asked for in have as many bytes as a texel.
const _: () = assert!(TEXEL_BYTES == 4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_have_the_sizes_that_the_library_writes() {
        let color = |across, down| Components::Color { across, down };
        let samplings = [
            (Components::Grey, sys::TJSAMP_TJSAMP_GRAY),
            (color(1, 1), sys::TJSAMP_TJSAMP_444),
            (color(2, 1), sys::TJSAMP_TJSAMP_422),
            (color(1, 2), sys::TJSAMP_TJSAMP_440),
            (color(2, 2), sys::TJSAMP_TJSAMP_420),
        ];
        for (components, sampling) in samplings {
            for (width, height) in [(1, 1), (2, 1), (3, 5), (16, 17), (401, 267)] {
                for (index, size) in (0..).zip(components.sizes(Size::new(width, height))) {
                    // SAFETY: both take numbers and yield one.
                    let told = unsafe {
                        let width = sys::tj3YUVPlaneWidth(index, width as c_int, sampling as c_int);
                        (width, sys::tj3YUVPlaneHeight(index, height as c_int, sampling as c_int))
                    };
                    assert_eq!(told, (size.width as _, size.height as _), "{components:?} {width}x{height} {index}");
                }
            }
        }
    }
}
