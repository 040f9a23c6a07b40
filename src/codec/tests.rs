//! The room as a whole: refusals, and files that somebody broke on purpose.

use super::*;
use crate::pixel::{Frame, TEXEL_BYTES};

macro_rules! fixtures {
    ($($name:literal $width:literal $height:literal,)*) => {
        [$(($name, include_bytes!(concat!("../../fixtures/images/", $name)).as_slice(), Size::new($width, $height)),)*]
    };
}

const FIXTURES: [(&str, &[u8], Size); 15] = fixtures![
    "example.jpg" 400 267,
    "f.jpg" 424 333,
    "cmyk_adobe0_420.jpg" 256 256,
    "extraneous_data.jpg" 16 16,
    "arithmetic.jpg" 10 10,
    "size_33x33_restart.jpg" 33 33,
    "progressive_cat_420_icc.jpg" 320 240,
    "exif_orientation_6.png" 200 100,
    "suite_basn0g01.png" 32 32,
    "suite_basn4a16.png" 32 32,
    "suite_tbbn2c16.png" 32 32,
    "suite_tm3n3p02.png" 32 32,
    "suite_basi6a08.png" 32 32,
    "suite_basi3p02.png" 32 32,
    "suite_s33i3p04.png" 33 33,
];

fn read(bytes: &[u8], limits: &Limits) -> Result<Frame, Error> {
    let probe = probe(bytes, limits)?;
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * TEXEL_BYTES]);
    decode(bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame)
}

/// All frames with their durations, and how often they play.
pub(super) type Played = (Vec<(Vec<u8>, u32)>, Repeat);

/// Reads an animation to its end, each frame into a target of its own whose rows lie further apart
/// than they are long.
pub(super) fn play(bytes: &[u8], limits: &Limits) -> Result<Played, Error> {
    let probe = probe(bytes, limits)?;
    let mut animation = animation(bytes, &probe)?;
    let mut frames = Vec::new();
    let row = probe.size.width as usize * TEXEL_BYTES;
    loop {
        let mut padded = vec![0x5a; (row + 8) * probe.size.height as usize];
        let mut target = ViewMut::new(probe.size, row + 8, &mut padded);
        let Some(duration_ms) = animation.next_frame(&mut target, &Cancel::never())? else {
            break;
        };
        assert!(padded.chunks(row + 8).all(|line| line[row..] == [0x5a; 8]));
        frames.push((View::new(probe.size, row + 8, &padded).to_vec(), duration_ms));
    }
    assert_eq!(frames.len(), probe.frames as usize);
    let opaque = frames.iter().all(|(texels, _)| texels.chunks(4).all(|texel| texel[3] == 255));
    assert!(probe.alpha || opaque, "a picture that the probe calls opaque has no other pixels");
    Ok((frames, animation.repeat()))
}

/// xorshift64: the same numbers on every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn every_fixture_is_read() {
    for (name, bytes, size) in FIXTURES {
        let probe = probe(bytes, &Limits::OSS).unwrap();
        assert_eq!((probe.size, probe.frames), (size, 1), "{name}");
        let frame = read(bytes, &Limits::OSS).unwrap();
        // A picture that the probe calls opaque has no other pixels.
        let opaque = frame.view().to_vec().chunks(4).all(|texel| texel[3] == 255);
        assert!(probe.alpha || opaque, "{name}");
    }
}

#[test]
fn strangers_are_refused() {
    let strangers: [&[u8]; 4] =
        [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"RIFF\x10\0\0\0WAVEfmt "];
    for bytes in strangers {
        let error = probe(bytes, &Limits::OSS).unwrap_err();
        assert_eq!((error.code, error.ec), (Code::BadRequest, Some(Ec::image(5))));
        assert_eq!(error.message, "This image format is not supported.");
    }
}

#[test]
fn bytes_are_counted_before_anything_is_read() {
    let limits = Limits { source_bytes: 10, ..Limits::OSS };
    let error = probe(&[0; 11], &limits).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::ImageTooLarge, Some(Ec::image(1))));
    assert!(error.message.contains("10 bytes"));
    assert_eq!(probe(&[0; 10], &limits).unwrap_err().code, Code::BadRequest);
}

#[test]
fn targets_that_do_not_fit_are_our_fault() {
    for (name, reduction, size) in [
        ("example.jpg", 1, Size::new(400, 266)),
        ("example.jpg", 2, Size::new(200, 133)),
        ("example.jpg", 3, Size::new(134, 89)),
        ("example.jpg", 16, Size::new(25, 17)),
        ("suite_basi6a08.png", 2, Size::new(16, 16)),
    ] {
        let (_, bytes, _) = FIXTURES.into_iter().find(|(known, ..)| *known == name).unwrap();
        let probe = probe(bytes, &Limits::OSS).unwrap();
        let mut frame = Frame::packed(size, vec![0; size.pixels() as usize * TEXEL_BYTES]);
        let error = decode(bytes, &probe, reduction, &mut frame.view_mut(), &Cancel::never()).unwrap_err();
        assert_eq!(error.code, Code::InternalError, "{name} reduced {reduction} times");
    }
}

#[test]
fn a_probe_of_other_bytes_writes_nothing_outside() {
    let small = Size::new(16, 16);
    for (name, bytes, size) in FIXTURES.into_iter().filter(|(_, _, size)| *size != Size::new(16, 16)) {
        let lie = Probe { size: small, ..probe(bytes, &Limits::OSS).unwrap() };
        let mut frame = Frame::packed(small, vec![9; 16 * 16 * TEXEL_BYTES]);
        assert!(decode(bytes, &lie, 1, &mut frame.view_mut(), &Cancel::never()).is_err(), "{name} of {size}");
        assert!(frame.view().to_vec().iter().all(|byte| *byte == 9));
    }
}

#[test]
fn what_is_written_is_recognised_as_what_it_is() {
    let pixels = [200; 16 * 16 * TEXEL_BYTES];
    let view = View::new(Size::new(16, 16), 16 * TEXEL_BYTES, &pixels);
    for format in Format::ALL.into_iter().filter(|format| writable().contains(*format)) {
        let file = encode(&view, false, &Output::still(format), &Cancel::never()).unwrap();
        let found = probe(&file, &Limits::OSS).unwrap();
        assert_eq!((found.format, found.size, found.frames), (format, Size::new(16, 16), 1), "{format:?}");
    }
}

#[test]
fn broken_files_are_answered_never_a_panic() {
    // Small pictures only, whatever a broken header says: this is about faults, not about time.
    let limits = Limits { source_pixels: 1 << 20, ..Limits::OSS };
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for (_, bytes, _) in FIXTURES {
        // Every cut in the header, then about a hundred more.
        let step = (bytes.len() / 100).max(1);
        let cuts = (0..bytes.len().min(300)).chain((0..bytes.len()).step_by(step));
        refused += cuts.filter(|cut| read(&bytes[..*cut], &limits).is_err()).count();
        for round in 0..150 {
            let mut broken = bytes.to_vec();
            let reach = if round % 2 == 0 { bytes.len() } else { bytes.len().min(600) };
            for _ in 0..=noise.below(8) {
                broken[noise.below(reach)] ^= 1 << noise.below(8);
            }
            refused += usize::from(read(&broken, &limits).is_err());
        }
    }
    assert!(refused > 1000, "{refused} refused");
}
