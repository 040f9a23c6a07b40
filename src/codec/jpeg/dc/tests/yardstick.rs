//! libjpeg-turbo's planes at 1/8, and files of many kinds that it writes.

use crate::geometry::Size;
use std::ffi::{CStr, c_int, c_uint};
use std::ptr;
use turbojpeg_sys as sys;

/// What libjpeg-turbo makes of a file at 1/8.
pub enum Outcome {
    /// One plane for each component, and the first warning.
    Planes(Vec<(Size, Vec<u8>)>, Option<String>),
    /// No planes: it has no name for the sampling, though it might decode pixels.
    Unnamed,
    Failed(String),
}

struct Handle(sys::tjhandle);

impl Handle {
    fn new(kind: c_uint) -> Handle {
        // SAFETY: takes a number; yields null or a handle that only this value owns.
        let handle = unsafe { sys::tj3Init(kind as c_int) };
        assert!(!handle.is_null());
        Handle(handle)
    }

    fn set(&self, parameter: c_uint, value: i32) {
        // SAFETY: the handle is alive; the library checks both numbers.
        assert_eq!(unsafe { sys::tj3Set(self.0, parameter as c_int, value) }, 0, "{}", self.message());
    }

    fn get(&self, parameter: c_uint) -> c_int {
        // SAFETY: the handle is alive; the library checks the number.
        unsafe { sys::tj3Get(self.0, parameter as c_int) }
    }

    fn message(&self) -> String {
        // SAFETY: the handle is alive; the text ends in NUL and is copied at once.
        unsafe { CStr::from_ptr(sys::tj3GetErrorStr(self.0)) }.to_string_lossy().into_owned()
    }

    fn is_warning(&self) -> bool {
        // SAFETY: the handle is alive.
        unsafe { sys::tj3GetErrorCode(self.0) == sys::TJERR_TJERR_WARNING as c_int }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is alive, owned by this value alone, and not used again.
        unsafe { sys::tj3Destroy(self.0) };
    }
}

/// Decodes a file's planes at 1/8, not enlarged.
pub fn planes(bytes: &[u8]) -> Outcome {
    let handle = Handle::new(sys::TJINIT_TJINIT_DECOMPRESS);
    handle.set(sys::TJPARAM_TJPARAM_SCANLIMIT, 100);
    // SAFETY: the handle is alive; `bytes` is borrowed for the call and its length is given.
    let status = unsafe { sys::tj3DecompressHeader(handle.0, bytes.as_ptr(), bytes.len() as sys::size_t) };
    if status != 0 && !handle.is_warning() {
        return Outcome::Failed(handle.message());
    }
    let sampling = handle.get(sys::TJPARAM_TJPARAM_SUBSAMP);
    let components = match sampling {
        sys::TJSAMP_TJSAMP_UNKNOWN => return Outcome::Unnamed,
        _ if sampling == sys::TJSAMP_TJSAMP_GRAY => 1,
        _ => 3,
    };
    // SAFETY: the handle is alive; the factor is passed by value.
    assert_eq!(unsafe { sys::tj3SetScalingFactor(handle.0, sys::tjscalingfactor { num: 1, denom: 8 }) }, 0);
    let width = (handle.get(sys::TJPARAM_TJPARAM_JPEGWIDTH) + 7) / 8;
    let height = (handle.get(sys::TJPARAM_TJPARAM_JPEGHEIGHT) + 7) / 8;
    let mut planes: Vec<_> = (0..components)
        .map(|component| {
            // SAFETY: takes numbers.
            let sides = unsafe {
                (sys::tj3YUVPlaneWidth(component, width, sampling), sys::tj3YUVPlaneHeight(component, height, sampling))
            };
            let size = Size::new(sides.0 as u32, sides.1 as u32);
            (size, vec![0; size.pixels() as usize])
        })
        .collect();
    let mut targets = [ptr::null_mut(); 3];
    targets.iter_mut().zip(&mut planes).for_each(|(target, (_, plane))| *target = plane.as_mut_ptr());
    // SAFETY: the handle is alive; `bytes` is borrowed for the call and its length is given; each
    // plane has the size that the library tells, rows packed, which a null for the pitches means.
    let status = unsafe {
        let (start, length) = (bytes.as_ptr(), bytes.len() as sys::size_t);
        sys::tj3DecompressToYUVPlanes8(handle.0, start, length, targets.as_mut_ptr(), ptr::null_mut())
    };
    match status {
        0 => Outcome::Planes(planes, None),
        _ if handle.is_warning() => Outcome::Planes(planes, Some(handle.message())),
        _ => Outcome::Failed(handle.message()),
    }
}

/// How a file is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub sampling: c_int,
    pub quality: i32,
    pub progressive: bool,
    pub optimise: bool,
    /// Units between restart markers; 0 for none.
    pub restart_units: i32,
}

/// Every named sampling of one or three components.
pub const SAMPLINGS: [c_int; 7] = [
    sys::TJSAMP_TJSAMP_444,
    sys::TJSAMP_TJSAMP_422,
    sys::TJSAMP_TJSAMP_420,
    sys::TJSAMP_TJSAMP_GRAY,
    sys::TJSAMP_TJSAMP_440,
    sys::TJSAMP_TJSAMP_411,
    sys::TJSAMP_TJSAMP_441,
];

/// Writes a picture of packed RGB pixels.
pub fn write(size: Size, pixels: &[u8], kind: Kind) -> Vec<u8> {
    assert_eq!(pixels.len() as u64, size.pixels() * 3);
    let handle = Handle::new(sys::TJINIT_TJINIT_COMPRESS);
    handle.set(sys::TJPARAM_TJPARAM_SUBSAMP, kind.sampling);
    handle.set(sys::TJPARAM_TJPARAM_QUALITY, kind.quality);
    handle.set(sys::TJPARAM_TJPARAM_PROGRESSIVE, kind.progressive.into());
    handle.set(sys::TJPARAM_TJPARAM_OPTIMIZE, kind.optimise.into());
    handle.set(sys::TJPARAM_TJPARAM_RESTARTBLOCKS, kind.restart_units);
    let (mut start, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the handle is alive. The library reads the packed pixels, whose number was checked;
    // `start` is null, so that it allocates. What it wrote is copied, then freed once.
    unsafe {
        let (width, height) = (size.width as c_int, size.height as c_int);
        let layout = sys::TJPF_TJPF_RGB;
        let status = sys::tj3Compress8(handle.0, pixels.as_ptr(), width, 0, height, layout, &mut start, &mut length);
        assert_eq!(status, 0, "{}", handle.message());
        let file = std::slice::from_raw_parts(start, length as usize).to_vec();
        sys::tj3Free(start.cast());
        file
    }
}
