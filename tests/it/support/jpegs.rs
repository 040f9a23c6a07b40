//! JPEGs in every sampling, which the program itself does not write.

use pixelpass::pixel::Frame;
use std::ptr;
use turbojpeg_sys as sys;

/// Every sampling whose planes can stand for the colours.
pub const SAMPLINGS: [(&str, sys::TJSAMP); 5] = [
    ("grey", sys::TJSAMP_TJSAMP_GRAY),
    ("4:4:4", sys::TJSAMP_TJSAMP_444),
    ("4:2:2", sys::TJSAMP_TJSAMP_422),
    ("4:4:0", sys::TJSAMP_TJSAMP_440),
    ("4:2:0", sys::TJSAMP_TJSAMP_420),
];

/// The file of an opaque picture.
///
/// # Panics
/// If the library refuses.
pub fn jpeg(picture: &Frame, sampling: sys::TJSAMP, quality: i32) -> Vec<u8> {
    let (view, size) = (picture.view(), picture.size());
    let (mut start, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the handle is used while it lives, and destroyed once. The library reads as many rows
    // as the view has, a pitch apart; it allocates the file, whose bytes are copied before they are freed.
    unsafe {
        let handle = sys::tj3Init(sys::TJINIT_TJINIT_COMPRESS as i32);
        assert_eq!(sys::tj3Set(handle, sys::TJPARAM_TJPARAM_QUALITY as i32, quality), 0);
        assert_eq!(sys::tj3Set(handle, sys::TJPARAM_TJPARAM_SUBSAMP as i32, sampling), 0);
        let (width, height, pitch) = (size.width as i32, size.height as i32, view.pitch() as i32);
        let (pixels, layout) = (view.bytes().as_ptr(), sys::TJPF_TJPF_RGBX);
        assert_eq!(sys::tj3Compress8(handle, pixels, width, pitch, height, layout, &mut start, &mut length), 0);
        let file = std::slice::from_raw_parts(start, length as usize).to_vec();
        sys::tj3Free(start.cast());
        sys::tj3Destroy(handle);
        file
    }
}
