//! HEIC and AVIF: fixtures, round trips, broken files.

use super::*;
use crate::codec::probe;
use crate::geometry::Size;
use crate::pixel::Frame;

const CIRCLE: &[u8] = include_bytes!("../../../fixtures/images/avif/alpha_circle_100x60.avif");
const SEQUENCE: &[u8] = include_bytes!("../../../fixtures/images/avif/anim_8bit.avif");
const WHITE: &[u8] = include_bytes!("../../../fixtures/images/avif/white_1x1.avif");

fn read(bytes: &[u8]) -> Result<Frame, Error> {
    let size = probe(bytes, &Limits::OSS)?.size;
    let mut frame = Frame::packed(size, vec![0; size.pixels() as usize * TEXEL_BYTES]);
    decode(bytes, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame)
}

/// Smooth colours, which codecs that halve the chroma keep; alpha falls from left to right.
fn gradient(size: Size, opaque: bool) -> Frame {
    let share = |at: u32, side: u32| (at * 200 / side.max(1)) as u8;
    let texels = (0..size.height).flat_map(|y| {
        (0..size.width).flat_map(move |x| {
            let alpha = if opaque { 255 } else { 255 - share(x, size.width) };
            [share(x, size.width), share(y, size.height), 120, alpha]
        })
    });
    Frame::packed(size, texels.collect())
}

fn written(frame: &Frame, opaque: bool, format: Format) -> Vec<u8> {
    encode(&frame.view(), opaque, &Output::still(format), &Cancel::never()).unwrap()
}

#[test]
fn this_machine_lacks_nothing() {
    assert_eq!(lacks(), [""; 0]);
    assert!(can_write(Format::Heic) && can_write(Format::Avif));
    assert!(!can_write(Format::Jpeg));
}

#[test]
fn fixtures_are_told_and_read() {
    for (bytes, size, alpha) in
        [(CIRCLE, Size::new(100, 60), true), (SEQUENCE, Size::new(150, 150), false), (WHITE, Size::new(1, 1), false)]
    {
        let told = probe(bytes, &Limits::OSS).unwrap();
        assert_eq!((told.format, told.size, told.alpha, told.frames), (Format::Avif, size, alpha, 1));
        assert_eq!(told.orientation, Orientation::Upright);
        assert_eq!(read(bytes).unwrap().size(), size);
    }
    // White as its author's encoder left it; libavif reads the same.
    assert_eq!(read(WHITE).unwrap().view().to_vec(), [253, 253, 253, 255]);
    // The circle covers the middle and leaves the corners clear.
    let circle = read(CIRCLE).unwrap();
    assert_eq!(circle.view().texel(0, 0)[3], 0);
    assert_eq!(circle.view().texel(50, 30)[3], 255);
}

#[test]
fn what_is_written_reads_the_same() {
    for format in [Format::Heic, Format::Avif] {
        for (size, opaque) in [(Size::new(96, 64), true), (Size::new(97, 65), false), (Size::new(1, 1), true)] {
            let source = gradient(size, opaque);
            let file = written(&source, opaque, format);
            let told = probe(&file, &Limits::OSS).unwrap();
            assert_eq!((told.format, told.size, told.alpha), (format, size, !opaque));
            let back = read(&file).unwrap().view().to_vec();
            let apart = source.view().to_vec().iter().zip(&back).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(apart <= 20, "{} of {size}: {apart} levels", format.name());
            // The same picture gives the same bytes.
            assert_eq!(file, written(&source, opaque, format));
        }
    }
}

#[test]
fn sides_are_asked_before_pixels() {
    // The image spatial extents: version and flags, width, height.
    let place = WHITE.windows(4).position(|window| window == b"ispe").unwrap() + 8;
    let claiming = |width: u32, height: u32| {
        let mut file = WHITE.to_vec();
        file[place..place + 4].copy_from_slice(&width.to_be_bytes());
        file[place + 4..place + 8].copy_from_slice(&height.to_be_bytes());
        file
    };
    let error = probe(&claiming(10_001, 1), &Limits::OSS).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::ImageTooLarge, Some(Ec::image(14))));
    let few = Limits { source_pixels: 99_999_999, ..Limits::OSS };
    let error = probe(&claiming(10_000, 10_000), &few).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(12))));
    // A size that the coded picture does not have is found out after decoding.
    let error = read(&claiming(300, 200)).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::ImageDamage, Some(Ec::image(21))));

    let file = written(&gradient(Size::new(64, 64), true), true, Format::Heic);
    let narrow = Limits { source_side: 63, ..Limits::OSS };
    let error = probe(&file, &narrow).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::MemLimitExceeded, Some(Ec::image(13))));
}

#[test]
fn damage_is_named_by_format() {
    let error = probe(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", &Limits::OSS).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::ImageDamage, Some(Ec::image(20))));
    let error = probe(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", &Limits::OSS).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::ImageDamage, Some(Ec::image(21))));
}

#[test]
fn broken_files_are_answered() {
    let heic = written(&gradient(Size::new(40, 30), false), false, Format::Heic);
    for file in [&heic, CIRCLE, SEQUENCE] {
        for cut in (0..file.len()).step_by(7) {
            drop(read(&file[..cut]));
        }
        assert!(read(&file[..file.len() / 2]).is_err());
        for (at, bit) in (0..file.len()).step_by(5).zip((0..8).cycle()) {
            let mut broken = file.to_vec();
            broken[at] ^= 1 << bit;
            // Small pictures only: this is about faults, not about time.
            let small = Limits { source_pixels: 1 << 20, ..Limits::OSS };
            if probe(&broken, &small).is_ok() {
                drop(read(&broken));
            }
        }
    }
}

#[test]
fn premultiplied_colours_are_straightened() {
    let mut row = [64, 32, 128, 128, 9, 9, 9, 0, 10, 20, 30, 255, 200, 1, 0, 100];
    straighten(&mut row);
    // 64 · 255 / 128 = 127.5; 32 · 255 / 128 = 63.75; colours above alpha are cut.
    assert_eq!(row, [128, 64, 255, 128, 9, 9, 9, 0, 10, 20, 30, 255, 255, 3, 0, 100]);
}

#[test]
fn exif_is_handed_out() {
    assert_eq!(exif(CIRCLE), None);
    let file = include_bytes!("../../../fixtures/images/avif/anim_alpha_150x150.avif");
    assert_eq!(exif(file).as_deref().and_then(|block| block.get(..4)), Some(&b"II*\0"[..]));
}

#[test]
fn a_turn_that_is_listed_before_the_size_counts() {
    // AVIF as some writers made it: irot stands before ispe in the list of properties.
    let turned = |angle: u8| {
        let item = |kind: &[u8; 4], payload: &[u8]| {
            [&(payload.len() as u32 + 8).to_be_bytes(), kind.as_slice(), payload].concat()
        };
        let properties = [item(b"irot", &[angle]), item(b"ispe", &[0; 12])].concat();
        let uses = item(b"ipma", &[0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 0x81, 2]);
        let boxes = [item(b"pitm", &[0, 0, 0, 0, 0, 1]), item(b"iprp", &[item(b"ipco", &properties), uses].concat())];
        [item(b"ftyp", b"avif"), item(b"meta", &[&[0; 4], boxes.concat().as_slice()].concat())].concat()
    };
    for (angle, swaps) in [(0, false), (1, true), (2, false), (3, true)] {
        assert_eq!(turn::swaps_sides(&turned(angle)), swaps, "{angle} quarters");
    }
    let whole = turned(1);
    (0..whole.len()).for_each(|length| assert!(!turn::swaps_sides(&whole[..length])));
}
