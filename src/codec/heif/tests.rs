//! HEIC and AVIF: fixtures, round trips, broken files.

mod odd_files;

use super::boxes::Items;
use super::*;
use crate::codec::probe;
use crate::geometry::Size;
use crate::pixel::{Frame, TEXEL_BYTES};

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
            // What the library is given is understood, whatever it was made of.
            if let Some(given) = repacked(&broken) {
                assert!(repacked(&given).is_some(), "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn exif_is_handed_out() {
    assert_eq!(exif(CIRCLE), None);
    let file = include_bytes!("../../../fixtures/images/avif/anim_alpha_150x150.avif");
    assert_eq!(exif(file).as_deref().and_then(|block| block.get(..4)), Some(&b"II*\0"[..]));
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), &content].concat()
}

/// A file of items, each with its kind, the properties that it uses and its bytes; the first is the
/// primary one and they are numbered from 1. `references` are whole boxes.
fn container(items: &[(&[u8; 4], &[u8], &[u8])], properties: &[u8], references: &[u8]) -> Vec<u8> {
    let number = |number: usize| (number as u16).to_be_bytes();
    let (mut kinds, mut uses, mut places, mut data) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, (kind, used, bytes)) in items.iter().enumerate() {
        kinds.extend(boxed(b"infe", &[&[2, 0, 0, 0], &number(index + 1), &[0; 2], *kind, &[0]]));
        uses.extend([&number(index + 1), [used.len() as u8].as_slice(), *used].concat());
        // The bytes are in `idat`, by offset and length.
        places.extend([number(index + 1), [0, 1], [0, 0], [0, 1]].concat());
        places.extend([data.len(), bytes.len()].iter().flat_map(|length| (*length as u32).to_be_bytes()));
        data.extend_from_slice(bytes);
    }
    let used = boxed(b"ipma", &[&[0; 4], &(items.len() as u32).to_be_bytes(), &uses]);
    let parts = [
        boxed(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]),
        boxed(b"pitm", &[&[0, 0, 0, 0, 0, 1]]),
        boxed(b"iinf", &[&[0; 4], &number(items.len()), &kinds]),
        boxed(b"iprp", &[&boxed(b"ipco", &[properties]), &used]),
        boxed(b"iloc", &[&[1, 0, 0, 0, 0x44, 0], &number(items.len()), &places]),
        boxed(b"iref", &[&[0; 4], references]),
        boxed(b"idat", &[&data]),
    ];
    [boxed(b"ftyp", &[b"avif\0\0\0\0mif1avif"]), boxed(b"meta", &[&[0; 4], &parts.concat()])].concat()
}

/// The size of a picture, as a box.
fn ispe(width: u32, height: u32) -> Vec<u8> {
    boxed(b"ispe", &[&[0; 4], &width.to_be_bytes(), &height.to_be_bytes()])
}

#[test]
fn a_turn_that_is_listed_before_the_size_counts() {
    // AVIF as some writers made it: irot stands before ispe in the list of properties.
    let turned = |angle: u8| {
        let properties = [boxed(b"irot", &[&[angle]]), ispe(30, 20)].concat();
        container(&[(b"av01", &[0x81, 2], &[])], &properties, &[])
    };
    for (angle, size) in [(0, (30, 20)), (1, (20, 30)), (2, (30, 20)), (3, (20, 30))] {
        assert_eq!(probe(&turned(angle), &Limits::OSS).unwrap().size, Size::new(size.0, size.1), "{angle} quarters");
    }
    let whole = turned(1);
    (0..whole.len()).for_each(|length| assert!(Shown::of(&whole[..length]).is_err()));
}

/// Bits of numbers with their lengths, filled up with zeros.
fn bits(numbers: &[(u32, u32)]) -> Vec<u8> {
    let bits: Vec<_> =
        numbers.iter().flat_map(|(number, length)| (0..*length).rev().map(move |at| number >> at & 1)).collect();
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | (*bit as u8) << (7 - at)))
        .collect()
}

/// An OBU with its length.
fn obu(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind << 3 | 2, content.len() as u8], content].concat()
}

/// A sequence header of AV1 with 12 bits for a side: reduced as in most files, or whole.
fn sequence(width: u32, height: u32, reduced: bool) -> Vec<u8> {
    let mut numbers = vec![(0, 3), (1, 1), (u32::from(reduced), 1)];
    // The level; or no times, no delay, one operating point of the lowest level.
    numbers.extend_from_slice(if reduced { &[(0, 5)] } else { &[(0, 2), (0, 5), (0, 12), (0, 5)] });
    numbers.extend([(11, 4), (11, 4), (width - 1, 12), (height - 1, 12)]);
    // Frames have no numbers and no order, and choose screen content and whole motion.
    numbers.extend_from_slice(if reduced { &[(0, 3)] } else { &[(0, 1), (0, 3), (0, 4), (0, 1), (1, 1), (1, 1)] });
    // 8 bits, grey, no code points.
    numbers.extend([(0, 3), (0, 1), (1, 1), (0, 1)]);
    obu(1, &bits(&numbers))
}

#[test]
fn headers_tell_what_decoders_make_room_for() {
    let coded = |width, height, grey| Some((Size::new(width, height), grey));
    let av1 = |data: &[u8]| headers::av1(data).map(|coded| (coded.size, coded.grey));
    for reduced in [true, false] {
        assert_eq!(av1(&sequence(70, 3000, reduced)), coded(70, 3000, true));
    }
    // A key frame that is shown: no choice of screen content, then whether it has a size of its own.
    let frame = |own: u32| obu(6, &bits(&[(0, 1), (0, 2), (1, 1), (0, 1), (0, 1), (own, 1)]));
    assert_eq!(av1(&[sequence(70, 3000, false), frame(0)].concat()), coded(70, 3000, true));
    assert_eq!(av1(&[sequence(70, 3000, false), frame(1)].concat()), coded(4096, 4096, true));
    // The largest counts, wherever it stands.
    assert_eq!(av1(&[sequence(9, 9, true), sequence(8, 8, true)].concat()), coded(9, 9, true));
    assert_eq!(av1(&frame(0)), None);
    let whole = sequence(70, 3000, false);
    (2..whole.len()).for_each(|length| assert_eq!(av1(&whole[..length]), None));

    for (file, width, height, grey) in [
        (include_bytes!("../../../fixtures/images/avif/mono.avif").as_slice(), 120, 80, true),
        (include_bytes!("../../../fixtures/images/avif/rgb_10bit.avif"), 120, 80, false),
        (include_bytes!("../../../fixtures/images/avif/rgb_420_odd.avif"), 117, 79, false),
        (CIRCLE, 100, 60, false),
        // HEVC fills up to eights.
        (include_bytes!("../../../fixtures/images/heic/mono.heic"), 120, 80, true),
        (include_bytes!("../../../fixtures/images/heic/rgb_10bit.heic"), 120, 80, false),
        (include_bytes!("../../../fixtures/images/heic/rgb_420_odd.heic"), 120, 80, false),
    ] {
        let items = Items::of(file).unwrap();
        let data = items.data(items.primary).unwrap();
        let told = match items.property(items.primary, b"hvcC") {
            Some(configuration) => headers::hevc(configuration, &data),
            None => headers::av1(&data),
        };
        assert_eq!(told.map(|told| (told.size, told.grey)), coded(width, height, grey));
        assert_eq!(claims::check(&Shown::of(file).unwrap()).unwrap().grey, grey);
    }
}

#[test]
fn a_picture_that_calls_itself_small_is_refused_before_it_is_decoded() {
    let large = gradient(Size::new(1408, 800), true);
    for format in [Format::Heic, Format::Avif] {
        let mut file = written(&large, true, format);
        assert!(read(&file).is_ok());
        let place = file.windows(4).position(|window| window == b"ispe").unwrap() + 8;
        file[place..place + 8].copy_from_slice(&[0, 0, 0, 10, 0, 0, 0, 10]);
        assert_eq!(probe(&file, &Limits::OSS).unwrap().size, Size::new(10, 10));
        let error = read(&file).unwrap_err();
        assert_eq!(error.code, Code::ImageDamage);
        let cause = error.source.map(|source| source.to_string()).unwrap_or_default();
        assert!(cause.contains("1126400 pixels are coded"), "{cause}");
    }
}

#[test]
fn what_is_made_of_pictures_is_bounded_too() {
    let auxiliary = boxed(b"auxC", &[&[0; 4], b"urn:mpeg:hevc:2015:auxid:1\0"]);
    let properties = [ispe(64, 64), boxed(b"av1C", &[&[0x81, 0, 0, 0]]), auxiliary].concat();
    let tile = sequence(64, 64, true);
    let refused = |items: &[(&[u8; 4], &[u8], &[u8])], references: &[u8]| {
        let file = container(items, &properties, references);
        Shown::of(&file).and_then(|shown| claims::check(&shown)).err().map(|cause| cause.0)
    };
    // From the first item to the second, so many times.
    let parts = |count: u16| boxed(b"dimg", &[&[0, 1], &count.to_be_bytes(), &[0, 2].repeat(count.into())]);
    let grid = |width: u16, height: u16| [&[0; 4], width.to_be_bytes().as_slice(), &height.to_be_bytes()].concat();
    let tiled = |size: &[u8], count: u16| refused(&[(b"grid", &[1], size), (b"av01", &[1, 2], &tile)], &parts(count));
    assert_eq!(tiled(&grid(64, 64), 1), None);
    assert!(tiled(&grid(60_000, 60_000), 1).unwrap().contains("3600000000 pixels"));
    assert!(tiled(&grid(64, 64), 2000).unwrap().contains("more pictures"));
    assert!(tiled(&[0; 7], 1).unwrap().contains("item 1 is not understood"));
    let canvas = |side: u16| [&[0; 10], side.to_be_bytes().as_slice(), &side.to_be_bytes(), &[0; 4]].concat();
    let laid = |side: u16| refused(&[(b"iovl", &[1], &canvas(side)), (b"av01", &[1, 2], &tile)], &parts(1));
    assert_eq!(laid(64), None);
    assert!(laid(40_000).unwrap().contains("1600000000 pixels"));
    // Alpha points to its picture; a picture that is made of itself has no end.
    let large = sequence(4096, 4096, true);
    let pointing = boxed(b"auxl", &[&[0, 2, 0, 1, 0, 1]]);
    let beside =
        |used: &[u8], references: &[u8]| refused(&[(b"av01", &[1, 2], &tile), (b"av01", used, &large)], references);
    assert_eq!(beside(&[1, 2, 3], &[]), None);
    assert!(beside(&[1, 2, 3], &pointing).unwrap().contains("16777216 pixels"));
    // What is not alpha is not decoded: a gain map, depth.
    assert_eq!(beside(&[1, 2], &pointing), None);
    let itself = boxed(b"dimg", &[&[0, 1, 0, 1, 0, 1]]);
    assert!(refused(&[(b"iden", &[1], &[])], &itself).unwrap().contains("made of itself"));
    assert!(refused(&[(b"grid", &[1], &grid(64, 64))], &itself).unwrap().contains("more pictures"));
}

#[test]
fn boxes_that_are_cut_or_wrong_are_no_items() {
    let whole = container(&[(b"av01", &[1, 9], &[7, 8])], &boxed(b"av1C", &[&[1, 2]]), &[]);
    let items = Items::of(&whole).unwrap();
    assert_eq!((items.primary, items.kind(1), items.kind(2)), (1, Some(b"av01"), None));
    assert_eq!(items.properties(1).collect::<Vec<_>>(), [(b"av1C", [1, 2].as_slice())]);
    assert_eq!(items.data(1).as_deref(), Some([7, 8].as_slice()));
    (0..whole.len()).for_each(|length| assert!(Items::of(&whole[..length]).is_none()));
    // Lengths of two bytes, which the library would not read.
    let mut odd = whole.clone();
    let sizes = whole.windows(4).position(|window| window == b"iloc").unwrap() + 8;
    odd[sizes] = 0x22;
    assert!(Items::of(&odd).is_none());
    // A box whose length stands behind its kind, and one that reaches to the end.
    let meta = whole.windows(4).position(|window| window == b"meta").unwrap();
    let long = [&whole[..meta - 4], &[0, 0, 0, 1], b"meta", &(whole.len() as u64 - meta as u64 + 12).to_be_bytes()];
    let open = [&whole[..meta - 4], &[0; 4], b"meta"];
    for head in [long.concat(), open.concat()] {
        assert_eq!(
            Items::of(&[&head, &whole[meta + 4..]].concat()).unwrap().data(1).as_deref(),
            Some([7, 8].as_slice())
        );
    }
}

#[test]
fn a_grid_whose_tiles_reach_over_its_edge_is_read() {
    let source = gradient(Size::new(64, 64), true);
    let file = written(&source, true, Format::Avif);
    let items = Items::of(&file).unwrap();
    let head = items.property(items.primary, b"av1C").unwrap();
    let properties = [ispe(64, 64), boxed(b"av1C", &[head]), ispe(100, 64)].concat();
    // One row of two columns, both the same tile.
    let grid = [0, 0, 0, 1, 0, 100, 0, 64];
    let tiles = boxed(b"dimg", &[&[0, 1, 0, 2, 0, 2, 0, 2]]);
    let data = items.data(items.primary).unwrap();
    let found = read(&container(&[(b"grid", &[3], &grid), (b"av01", &[1, 0x82], &data)], &properties, &tiles)).unwrap();
    assert_eq!(found.size(), Size::new(100, 64));
    for (x, y) in [(0, 0), (63, 63), (64, 0), (99, 63)] {
        let (found, expected) = (found.view().texel(x, y), source.view().texel(x % 64, y));
        assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 20), "({x}, {y}): {found:?}");
    }
}
