//! WebP: round trips, containers put together by hand, damage.

use super::*;
use crate::codec;
use crate::codec::tests::play;
use crate::geometry::Orientation;
use crate::pixel::Frame;

const LOSSY_ALPHA: &[u8] = include_bytes!("../../../fixtures/images/lossy_alpha_400x301.webp");
const PALETTE: &[u8] = include_bytes!("../../../fixtures/images/webp/lossless_1bit_palette.webp");
const ROTATING: &[u8] = include_bytes!("../../../fixtures/images/webp/anim_rotating_80x80.webp");

fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    let probe = codec::probe(bytes, limits)?;
    let mut frame = Frame::packed(probe.size, vec![0x5a; probe.size.pixels() as usize * TEXEL_BYTES]);
    codec::decode(bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame.view().to_vec())
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    read(bytes, &Limits::OSS).unwrap()
}

fn write(size: Size, texels: &[u8], opaque: bool, output: &Output) -> Vec<u8> {
    let view = View::new(size, size.width as usize * TEXEL_BYTES, texels);
    codec::encode(&view, opaque, output, &Cancel::never()).unwrap()
}

fn lossless() -> Output {
    Output { lossless: true, ..Output::still(Format::WebP) }
}

fn write_animation(size: Size, frames: &[(Vec<u8>, u32)], repeat: Repeat, opaque: bool, output: &Output) -> Vec<u8> {
    let pitch = size.width as usize * TEXEL_BYTES;
    let shots: Vec<Shot> = frames
        .iter()
        .map(|(texels, duration_ms)| Shot { pixels: View::new(size, pitch, texels), duration_ms: *duration_ms })
        .collect();
    codec::encode_animation(&shots, repeat, opaque, output, 0, &Cancel::never()).unwrap()
}

/// Root of the mean square of the differences.
fn distance(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    (squares as f64 / a.len() as f64).sqrt()
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding = vec![0; data.len() % 2];
    [&name[..], &(data.len() as u32).to_le_bytes(), data, &padding].concat()
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    [b"RIFF", &(body.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &body].concat()
}

/// The chunk that tells flags and canvas.
fn extended(flags: u8, size: Size) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes();
    chunk(b"VP8X", &[&[flags, 0, 0, 0], &side(size.width)[..3], &side(size.height)[..3]].concat())
}

/// A frame of an animation around the coded picture of a still; `x` and `y` are even.
fn frame(still: &[u8], x: u32, y: u32, size: Size, duration_ms: u32, flags: u8) -> Vec<u8> {
    let three = |number: u32| number.to_le_bytes()[..3].to_vec();
    let place = [three(x / 2), three(y / 2), three(size.width - 1), three(size.height - 1), three(duration_ms)];
    chunk(b"ANMF", &[&place.concat()[..], &[flags], &still[12..]].concat())
}

fn animated(size: Size, plays: u16, frames: &[Vec<u8>]) -> Vec<u8> {
    let head = chunk(b"ANIM", &[&[0; 4][..], &plays.to_le_bytes()].concat());
    riff(&[&[extended(0x12, size), head][..], frames].concat())
}

fn solid(size: Size, texel: [u8; 4]) -> Vec<u8> {
    texel.repeat(size.pixels() as usize)
}

#[test]
fn lossless_files_keep_every_pixel() {
    // Colours under transparent pixels too, and rows that lie apart.
    let size = Size::new(37, 29);
    let pitch = 37 * 4 + 12;
    let bytes: Vec<u8> = (0..pitch * 29).map(|i| (i * i / 7 + i) as u8).collect();
    let view = View::new(size, pitch, &bytes);
    let file = codec::encode(&view, false, &lossless(), &Cancel::never()).unwrap();
    let probe = codec::probe(&file, &Limits::OSS).unwrap();
    assert_eq!((probe.size, probe.frames, probe.alpha), (size, 1, true));
    assert_eq!(pixels(&file), view.to_vec());
    let mut opaque = view.to_vec();
    opaque.chunks_exact_mut(4).for_each(|texel| texel[3] = 255);
    let file = write(size, &opaque, true, &lossless());
    assert!(!codec::probe(&file, &Limits::OSS).unwrap().alpha);
    assert_eq!(pixels(&file), opaque);
}

#[test]
fn lossy_files_come_close_and_keep_alpha() {
    let size = Size::new(64, 48);
    let texel = |i: usize| [(i % 64 * 4) as u8, (i / 64 * 5) as u8, 90, (i % 64 * 4 + 3) as u8];
    let slope: Vec<u8> = (0..64 * 48).flat_map(texel).collect();
    let mut opaque = slope.clone();
    opaque.chunks_exact_mut(4).for_each(|texel| texel[3] = 255);
    let output = |quality| Output { quality, ..Output::still(Format::WebP) };
    let (good, poor) = (write(size, &opaque, true, &output(90)), write(size, &opaque, true, &output(10)));
    assert!(good.len() > poor.len());
    assert!(distance(&pixels(&good), &opaque) < 3.0);
    assert!(!codec::probe(&good, &Limits::OSS).unwrap().alpha);
    let file = write(size, &slope, false, &output(75));
    assert!(codec::probe(&file, &Limits::OSS).unwrap().alpha);
    let got = pixels(&file);
    assert!(got.chunks(4).zip(slope.chunks(4)).all(|(got, texel)| got[3] == texel[3]));
}

#[test]
fn every_alpha_plane_is_kept() {
    let mut seed: u32 = 1;
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    type Plane<'a> = &'a mut dyn FnMut(u32, u32) -> u8;
    let planes: [(&str, Plane, bool); 6] = [
        ("slope", &mut |x, y| (x * 3 + y * 2) as u8, true),
        ("dome", &mut |x, y| 255u32.saturating_sub((x.abs_diff(40).pow(2) + y.abs_diff(30).pow(2)) / 16) as u8, true),
        ("edges", &mut |x, y| if (x / 9 + y / 7) % 2 == 0 { 255 } else { 3 }, true),
        ("clear", &mut |_, _| 0, true),
        ("dots", &mut |x, y| if x % 31 == 0 && y % 17 == 0 { 200 } else { 0 }, true),
        // Of noise no coding is smaller than itself.
        ("noise", &mut |_, _| noise(), false),
    ];
    for (name, plane, shrinks) in planes {
        for size in [Size::new(80, 60), Size::new(1, 1), Size::new(1, 90), Size::new(90, 1), Size::new(33, 2)] {
            let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
            let texels: Vec<u8> = places.flat_map(|(x, y)| [x as u8, y as u8, 90, plane(x, y)]).collect();
            let file = write(size, &texels, false, &Output { quality: 75, ..Output::still(Format::WebP) });
            let alphas = |texels: &[u8]| texels.chunks(4).map(|texel| texel[3]).collect::<Vec<_>>();
            assert_eq!(alphas(&pixels(&file)), alphas(&texels), "{name} of {size}");
            let coded = riff::content(&file, b"ALPH").map_or(0, <[u8]>::len) as u64;
            assert!(size.pixels() < 1000 || (coded < size.pixels() / 2) == shrinks, "{name}: {coded} bytes");
        }
    }
}

#[test]
fn small_files_of_others() {
    for (bytes, size, alpha) in [(LOSSY_ALPHA, Size::new(400, 301), true), (PALETTE, Size::new(230, 128), false)] {
        let probe = codec::probe(bytes, &Limits::OSS).unwrap();
        assert_eq!((probe.size, probe.frames, probe.alpha), (size, 1, alpha));
        let got = pixels(bytes);
        assert_eq!(got.chunks(4).all(|texel| texel[3] == 255), !alpha);
        // Padding between rows is not touched.
        let row = size.width as usize * TEXEL_BYTES;
        let mut padded = vec![0xa5; (row + 20) * (size.height as usize - 1) + row];
        let mut target = ViewMut::new(size, row + 20, &mut padded);
        codec::decode(bytes, &probe, 1, &mut target, &Cancel::never()).unwrap();
        assert!(padded.chunks(row + 20).all(|line| line[row..].iter().all(|byte| *byte == 0xa5)));
        assert_eq!(View::new(size, row + 20, &padded).to_vec(), got);
    }
    let (frames, repeat) = play(ROTATING, &Limits::OSS).unwrap();
    assert_eq!((frames.len(), repeat), (9, Repeat::Forever));
    // The first frame read alone is that of the animation.
    assert!(distance(&pixels(ROTATING), &frames[0].0) < 1.0);
}

#[test]
fn frames_are_composed_on_the_canvas() {
    let (canvas, small) = (Size::new(4, 2), Size::new(2, 2));
    let (red, clear) = ([200, 0, 0, 255], [0, 0, 0, 0]);
    // Straight alpha: the colour is not darkened.
    let glass = [0, 0, 200, 100];
    let file = |texel| write(small, &solid(small, texel), false, &lossless());
    let [first, second] = [file(red), file(glass)];
    let row = |left: [u8; 4], right: [u8; 4]| [left, left, right, right].concat();
    // Flag 1 clears the rectangle afterwards, flag 2 replaces instead of mixing.
    let bytes = animated(
        canvas,
        3,
        &[frame(&first, 0, 0, small, 70, 1), frame(&second, 2, 0, small, 0, 2), frame(&first, 0, 0, small, 65_000, 0)],
    );
    let probe = codec::probe(&bytes, &Limits::OSS).unwrap();
    assert_eq!((probe.size, probe.frames, probe.alpha), (canvas, 3, true));
    let (frames, repeat) = play(&bytes, &Limits::OSS).unwrap();
    let seen = [row(red, clear), row(clear, glass), row(red, glass)].map(|row| row.repeat(2));
    assert_eq!(frames.iter().map(|(_, duration_ms)| *duration_ms).collect::<Vec<_>>(), [70, 0, 65_000]);
    assert_eq!(frames.into_iter().map(|(texels, _)| texels).collect::<Vec<_>>(), seen);
    assert_eq!(repeat, Repeat::Times(3));
    assert_eq!(pixels(&bytes), seen[0]);
    let elsewhere = animated(canvas, 0, &[frame(&first, 2, 0, small, 1, 0), frame(&first, 0, 0, small, 1, 0)]);
    assert_eq!(pixels(&elsewhere), row(clear, red).repeat(2));
}

#[test]
fn transparency_is_told_where_it_can_be_seen() {
    let size = Size::new(2, 2);
    let [solid_file, glass] =
        [[9, 9, 9, 255], [9, 9, 9, 50]].map(|texel| write(size, &solid(size, texel), false, &lossless()));
    let alpha = |frames: &[Vec<u8>]| {
        let bytes = animated(size, 0, frames);
        play(&bytes, &Limits::OSS).unwrap();
        codec::probe(&bytes, &Limits::OSS).unwrap().alpha
    };
    let shown = |file: &[u8], flags| frame(file, 0, 0, size, 1, flags);
    assert!(!alpha(&[shown(&solid_file, 0), shown(&solid_file, 0)]));
    assert!(!alpha(&[shown(&solid_file, 0), shown(&glass, 0)]), "mixed with what is opaque");
    assert!(alpha(&[shown(&solid_file, 0), shown(&glass, 2)]), "in place of what is opaque");
    assert!(alpha(&[shown(&solid_file, 1), shown(&glass, 0)]), "over a cleared canvas");
    assert!(alpha(&[shown(&glass, 0), shown(&solid_file, 0)]));
}

#[test]
fn animations_keep_frames_times_and_repeats() {
    let size = Size::new(24, 16);
    let paint = |at: usize, ground: [u8; 4]| {
        let texel = |i: usize| if (at..at + 5).contains(&(i % 24)) { [i as u8, 40, 50, 255] } else { ground };
        ((0..24 * 16).flat_map(texel).collect::<Vec<u8>>(), at as u32 * 10 + 20)
    };
    for (ground, opaque) in [([0, 0, 0, 0], false), ([9, 90, 9, 255], true)] {
        let frames: Vec<_> = [0, 3, 9, 19].map(|at| paint(at, ground)).into();
        for repeat in [Repeat::Forever, Repeat::Times(1), Repeat::Times(65_535)] {
            let output = Output { animated: true, ..lossless() };
            let bytes = write_animation(size, &frames, repeat, opaque, &output);
            assert_eq!(play(&bytes, &Limits::OSS).unwrap(), (frames.clone(), repeat));
        }
        let output = Output { animated: true, quality: 90, ..Output::still(Format::WebP) };
        let bytes = write_animation(size, &frames, Repeat::Forever, opaque, &output);
        let (got, _) = play(&bytes, &Limits::OSS).unwrap();
        assert_eq!(got.len(), 4);
        for ((got, got_ms), (texels, duration_ms)) in got.iter().zip(&frames) {
            assert_eq!(got_ms, duration_ms);
            let alphas = |texels: &[u8]| texels.chunks(4).map(|texel| texel[3]).collect::<Vec<_>>();
            assert_eq!(alphas(got), alphas(texels));
        }
    }
}

#[test]
fn frames_that_look_alike_stay_apart() {
    let size = Size::new(20, 10);
    let (red, half) = (solid(size, [200, 0, 0, 255]), solid(size, [0, 0, 200, 120]));
    for (texels, durations_ms) in [
        (vec![&red, &red, &red], vec![100, 70, 40]),
        (vec![&red, &red, &half, &half, &red, &red], vec![10, 20, 30, 40, 50, 60]),
        (vec![&half, &red, &red, &half], vec![100, 100, 100, 100]),
        (vec![&half, &half], vec![33, 34]),
    ] {
        let frames: Vec<_> = texels.into_iter().cloned().zip(durations_ms).collect();
        let opaque = frames.iter().all(|(texels, _)| texels[3] == 255);
        let output = Output { animated: true, lossless: true, ..Output::still(Format::WebP) };
        let bytes = write_animation(size, &frames, Repeat::Times(3), opaque, &output);
        assert_eq!(play(&bytes, &Limits::OSS).unwrap(), (frames, Repeat::Times(3)));
    }
}

#[test]
fn orientation_and_profile_are_found() {
    let size = Size::new(3, 2);
    let still = write(size, &solid(size, [9, 9, 9, 255]), true, &lossless());
    let block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    for prefix in [b"".as_slice(), b"Exif\0\0"] {
        let exif = chunk(b"EXIF", &[prefix, block].concat());
        // Flags: a profile 0x20, EXIF 0x08.
        let bytes = riff(&[extended(0x28, size), chunk(b"ICCP", b"profile"), still[12..].to_vec(), exif]);
        let probe = codec::probe(&bytes, &Limits::OSS).unwrap();
        assert_eq!((probe.orientation, probe.size), (Orientation::Turn90, size));
        assert_eq!(profile(&bytes), Some(b"profile".as_slice()));
        assert_eq!(pixels(&bytes), solid(size, [9, 9, 9, 255]));
    }
    assert_eq!(profile(&still), None);
    assert_eq!(codec::probe(&still, &Limits::OSS).unwrap().orientation, Orientation::Upright);
}

#[test]
fn cut_files_are_damaged() {
    for bytes in [LOSSY_ALPHA, PALETTE, ROTATING] {
        for part in 1..=20 {
            let length = 16 + (bytes.len() - 17) * part / 20;
            let error = read(&bytes[..length], &Limits::OSS).unwrap_err();
            assert_eq!((error.code, error.ec), (Code::BadWebPImage, Some(Ec::image(10))), "cut at {length}");
            assert_eq!(error.message, "The webp image file may be damaged.");
        }
    }
    // Cut, but with the length put right.
    let mut cut = LOSSY_ALPHA[..9000].to_vec();
    cut[4..8].copy_from_slice(&(9000u32 - 8).to_le_bytes());
    assert!(read(&cut, &Limits::OSS).is_err());
}

#[test]
fn broken_files_are_answered_never_a_panic() {
    let limits = Limits { source_pixels: 1 << 20, ..Limits::OSS };
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut below = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % bound as u64) as usize
    };
    let mut refused = 0;
    for bytes in [LOSSY_ALPHA, PALETTE, ROTATING] {
        for round in 0..200 {
            let mut broken = bytes.to_vec();
            let reach = if round % 2 == 0 { bytes.len() } else { bytes.len().min(200) };
            for _ in 0..=below(4) {
                broken[below(reach)] ^= 1 << below(8);
            }
            refused += usize::from(read(&broken, &limits).is_err() || play(&broken, &limits).is_err());
        }
    }
    assert!((100..600).contains(&refused), "{refused} refused");
}

#[test]
fn sizes_and_frames_have_limits() {
    let size = Size::new(2, 2);
    let still = write(size, &solid(size, [9, 9, 9, 255]), true, &lossless());
    let one = frame(&still, 0, 0, size, 1, 0);
    let many = |count: u32| animated(size, 0, &vec![one.clone(); count as usize]);
    let probe = |bytes: &[u8], limits: &Limits| codec::probe(bytes, limits).map_err(|error| error.code);
    assert_eq!(probe(&many(FRAMES + 1), &Limits::OSS), Err(Code::MemLimitExceeded));
    assert_eq!(probe(&many(2), &Limits { source_pixels: 7, ..Limits::OSS }), Err(Code::MemLimitExceeded));
    assert_eq!(probe(&many(2), &Limits { source_side: 1, ..Limits::OSS }), Err(Code::MemLimitExceeded));
    assert!(probe(&many(2), &Limits { source_pixels: 8, source_side: 2, ..Limits::OSS }).is_ok());
    assert_eq!(probe(b"RIFF\x10\0\0\0WEBPVP8L", &Limits::OSS), Err(Code::BadWebPImage));
}

#[test]
fn giving_up_is_asked_everywhere() {
    let cancel = Cancel::never();
    cancel.give_up();
    let size = Size::new(80, 80);
    let texels = vec![0; 80 * 80 * 4];
    let view = View::new(size, 320, &texels);
    for output in [Output::still(Format::WebP), lossless()] {
        assert_eq!(encode(&view, true, &output, &cancel).unwrap_err().code, Code::ServiceUnavailable);
        let shots = [Shot { pixels: view, duration_ms: 10 }];
        let error = encode_animation(&shots, Repeat::Forever, true, &output, &cancel).unwrap_err();
        assert_eq!(error.code, Code::ServiceUnavailable);
    }
    let mut target = Frame::packed(size, vec![0; 80 * 80 * 4]);
    let probe = codec::probe(ROTATING, &Limits::OSS).unwrap();
    let mut film = animation(ROTATING, &probe).unwrap();
    assert_eq!(film.next_frame(&mut target.view_mut(), &cancel).unwrap_err().code, Code::ServiceUnavailable);
    let never = Cancel::never();
    assert_eq!(
        encode_animation(&[], Repeat::Forever, true, &lossless(), &never).unwrap_err().code,
        Code::InternalError
    );
    let other = Shot { pixels: View::new(Size::new(1, 1), 4, &texels), duration_ms: 10 };
    let shots = [Shot { pixels: view, duration_ms: 10 }, other];
    let error = encode_animation(&shots, Repeat::Forever, true, &lossless(), &never).unwrap_err();
    assert_eq!(error.code, Code::InternalError);
}
