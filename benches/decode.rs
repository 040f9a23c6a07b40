//! JPEG decoding at every scale, and at 1/8 beside libjpeg-turbo itself: by planes, which is as
//! little as it can do there.

use divan::Bencher;
use divan::counter::BytesCount;
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use std::fmt;
use std::os::raw::c_int;
use std::path::Path;
use std::ptr;
use turbojpeg_sys as sys;

/// A file of `fixtures/demo` and what its sides are divided by.
struct Case {
    name: &'static str,
    reduction: u32,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} 1/{}", self.name, self.reduction)
    }
}

impl Case {
    fn file(&self) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo").join(self.name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

const NAMES: [&str; 4] = ["example.jpg", "landscape.jpg", "photo.jpg", "portrait.jpg"];

fn cases() -> impl Iterator<Item = Case> {
    NAMES.into_iter().flat_map(|name| [8, 4, 2, 1].map(|reduction| Case { name, reduction }))
}

fn eighths() -> impl Iterator<Item = Case> {
    NAMES.into_iter().map(|name| Case { name, reduction: 8 })
}

/// Pixels, by whatever the codec chooses.
#[divan::bench(args = cases(), max_time = 1)]
fn jpeg(bencher: Bencher, case: &Case) {
    let file = case.file();
    let probe = codec::probe(&file, &Limits::OSS).expect("a picture");
    let size = Size::new(probe.size.width.div_ceil(case.reduction), probe.size.height.div_ceil(case.reduction));
    let mut frame = Frame::packed(size, vec![0; size.pixels() as usize * 4]);
    bencher.counter(BytesCount::new(file.len())).bench_local(|| {
        codec::decode(&file, &probe, case.reduction, &mut frame.view_mut(), &Cancel::never()).expect("pixels");
    });
    assert!(frame.view().row(size.height / 2).iter().any(|byte| *byte != 0));
}

/// Planes at 1/8, not enlarged and not converted, by libjpeg-turbo.
#[divan::bench(args = eighths(), max_time = 1)]
fn libjpeg_turbo_planes(bencher: Bencher, case: &Case) {
    let file = case.file();
    let mut planes = [const { Vec::new() }; 3];
    bencher.counter(BytesCount::new(file.len())).bench_local(|| turbo_planes(&file, &mut planes));
    assert!(planes[0].iter().any(|byte| *byte != 0));
}

fn turbo_planes(file: &[u8], planes: &mut [Vec<u8>; 3]) {
    let length = file.len() as sys::size_t;
    // SAFETY: the handle is made here, used by this call alone and destroyed once. `file` is
    // borrowed for the calls and its length is given. Each plane has the size that the library
    // tells, rows packed, which a null for the pitches means.
    unsafe {
        let handle = sys::tj3Init(sys::TJINIT_TJINIT_DECOMPRESS as c_int);
        assert!(!handle.is_null());
        assert_eq!(sys::tj3DecompressHeader(handle, file.as_ptr(), length), 0);
        assert_eq!(sys::tj3SetScalingFactor(handle, sys::tjscalingfactor { num: 1, denom: 8 }), 0);
        let get = |parameter: u32| sys::tj3Get(handle, parameter as c_int);
        let sampling = get(sys::TJPARAM_TJPARAM_SUBSAMP);
        let width = (get(sys::TJPARAM_TJPARAM_JPEGWIDTH) + 7) / 8;
        let height = (get(sys::TJPARAM_TJPARAM_JPEGHEIGHT) + 7) / 8;
        let mut targets = [ptr::null_mut(); 3];
        for ((component, plane), target) in (0..).zip(planes).zip(&mut targets) {
            let width = sys::tj3YUVPlaneWidth(component, width, sampling);
            let height = sys::tj3YUVPlaneHeight(component, height, sampling);
            let size = Size::new(width.unsigned_abs(), height.unsigned_abs());
            plane.resize(size.pixels() as usize, 0);
            *target = plane.as_mut_ptr();
        }
        let status =
            sys::tj3DecompressToYUVPlanes8(handle, file.as_ptr(), length, targets.as_mut_ptr(), ptr::null_mut());
        assert_eq!(status, 0);
        sys::tj3Destroy(handle);
    }
}
