//! GIF: hand-made files with the pixels they must give, round trips, damage.

use super::film::CLEAR;
use super::*;
use crate::codec::tests::{self, Played};
use crate::codec::{self, Shot};
use crate::error::{Code, Ec};
use crate::format::{Format, Output, Repeat};
use crate::geometry::Size;
use crate::pixel::{Frame, TEXEL_BYTES, View};
use ::gif::{DecodeOptions, Decoder, DisposalMethod, Encoder};

const RED: [u8; 4] = [200, 0, 0, 255];
const GREEN: [u8; 4] = [0, 200, 0, 255];
const BLUE: [u8; 4] = [0, 0, 200, 255];

/// Red, green, blue, and one that is only used as the transparent one.
const COLORS: [u8; 12] = [200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9];

/// A piece of a file: place, size, indices.
pub(super) fn piece(left: u16, top: u16, width: u16, height: u16, indices: &[u8]) -> ::gif::Frame<'static> {
    ::gif::Frame { left, top, width, height, buffer: indices.to_vec().into(), ..::gif::Frame::default() }
}

pub(super) fn file(width: u16, height: u16, repeat: ::gif::Repeat, pieces: &[::gif::Frame]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height, &COLORS).unwrap();
    encoder.set_repeat(repeat).unwrap();
    pieces.iter().for_each(|piece| encoder.write_frame(piece).unwrap());
    drop(encoder);
    file
}

pub(super) fn once(width: u16, height: u16, pieces: &[::gif::Frame]) -> Vec<u8> {
    file(width, height, ::gif::Repeat::Finite(0), pieces)
}

/// The file as the library that others use reads it.
pub(super) fn decoder(bytes: &[u8]) -> Decoder<&[u8]> {
    DecodeOptions::new().read_info(bytes).unwrap()
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let probe = codec::probe(bytes, &Limits::OSS)?;
    let mut frame = Frame::packed(probe.size, vec![0x5a; probe.size.pixels() as usize * TEXEL_BYTES]);
    codec::decode(bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame.view().to_vec())
}

pub(super) fn play(bytes: &[u8]) -> Result<Played, Error> {
    tests::play(bytes, &Limits { source_pixels: 1 << 24, ..Limits::OSS })
}

pub(super) fn pictures(bytes: &[u8]) -> Vec<Vec<u8>> {
    play(bytes).unwrap().0.into_iter().map(|(texels, _)| texels).collect()
}

pub(super) fn write(size: Size, frames: &[(Vec<u8>, u32)], repeat: Repeat, opaque: bool) -> Vec<u8> {
    let pitch = size.width as usize * TEXEL_BYTES;
    let shots: Vec<Shot> = frames
        .iter()
        .map(|(texels, duration_ms)| Shot { pixels: View::new(size, pitch, texels), duration_ms: *duration_ms })
        .collect();
    let output = Output { animated: true, ..Output::still(Format::Gif) };
    codec::encode_animation(&shots, repeat, opaque, &output, 0, &Cancel::never()).unwrap()
}

/// The same numbers on every run.
pub(super) fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn every_disposal_leaves_what_it_should() {
    let full = piece(0, 0, 2, 2, &[0, 1, 2, 0]);
    let corner = piece(0, 1, 1, 1, &[1]);
    let first = [RED, GREEN, BLUE, RED].concat();
    // The lower pixel of the second frame is transparent, so that the red one stays.
    let second = [RED, BLUE, BLUE, RED].concat();
    for (dispose, third) in [
        (DisposalMethod::Any, [RED, BLUE, GREEN, RED]),
        (DisposalMethod::Keep, [RED, BLUE, GREEN, RED]),
        (DisposalMethod::Background, [RED, CLEAR, GREEN, CLEAR]),
        (DisposalMethod::Previous, [RED, GREEN, GREEN, RED]),
    ] {
        let column = ::gif::Frame { dispose, transparent: Some(3), ..piece(1, 0, 1, 2, &[2, 3]) };
        let bytes = once(2, 2, &[full.clone(), column, corner.clone()]);
        assert_eq!(pictures(&bytes), [first.clone(), second.clone(), third.concat()], "{dispose:?}");
        assert_eq!(read(&bytes).unwrap(), first);
        let alpha = codec::probe(&bytes, &Limits::OSS).unwrap().alpha;
        assert_eq!(alpha, dispose == DisposalMethod::Background);
    }
}

#[test]
fn the_first_frame_undone_leaves_nothing() {
    let first = ::gif::Frame { dispose: DisposalMethod::Previous, ..piece(0, 0, 2, 1, &[0, 1]) };
    let bytes = once(2, 1, &[first, piece(1, 0, 1, 1, &[2])]);
    assert_eq!(pictures(&bytes), [[RED, GREEN].concat(), [CLEAR, BLUE].concat()]);
}

#[test]
fn the_canvas_grows_to_the_first_frame_and_cuts_the_others() {
    let first = piece(1, 1, 2, 1, &[1, 0]);
    let second = piece(2, 0, 3, 3, &[2; 9]);
    let seen = [CLEAR, CLEAR, CLEAR, CLEAR, GREEN, RED].concat();
    for (width, height) in [(0, 0), (2, 2), (3, 1), (0, 2)] {
        let bytes = once(width, height, &[first.clone(), second.clone()]);
        assert_eq!(codec::probe(&bytes, &Limits::OSS).unwrap().size, Size::new(3, 2));
        let then = [CLEAR, CLEAR, BLUE, CLEAR, GREEN, BLUE].concat();
        assert_eq!(pictures(&bytes), [seen.clone(), then]);
        assert_eq!(read(&bytes).unwrap(), seen);
    }
    let bytes = once(2, 2, &[piece(1, 1, 1, 1, &[1]), piece(5, 0, 1, 1, &[0])]);
    let seen = [CLEAR, CLEAR, CLEAR, GREEN].concat();
    assert_eq!(pictures(&bytes), [seen.clone(), seen]);
    // The same with the disposals that touch the rectangle.
    for dispose in [DisposalMethod::Background, DisposalMethod::Previous] {
        let large = ::gif::Frame { dispose, ..piece(1, 0, 2, 3, &[1; 6]) };
        let outside = ::gif::Frame { dispose, ..piece(9, 9, 1, 1, &[1]) };
        let bytes = once(2, 2, &[piece(0, 0, 2, 2, &[0; 4]), large, outside]);
        let beside = if dispose == DisposalMethod::Background { CLEAR } else { RED };
        assert_eq!(pictures(&bytes)[2], [RED, beside, RED, beside].concat());
    }
}

#[test]
fn palettes_of_frames_go_before_that_of_the_file() {
    let own = ::gif::Frame { palette: Some(vec![1, 2, 3, 4, 5, 6]), ..piece(0, 0, 2, 1, &[1, 0]) };
    let bytes = once(2, 1, &[own, piece(0, 0, 1, 1, &[2])]);
    let (four, one) = ([4, 5, 6, 255], [1, 2, 3, 255]);
    assert_eq!(pictures(&bytes), [[four, one].concat(), [BLUE, one].concat()]);
    // Index 3 of a palette of two colours is black.
    let short = ::gif::Frame { palette: Some(vec![1, 2, 3, 4, 5, 6]), ..piece(0, 0, 1, 1, &[3]) };
    assert_eq!(read(&once(1, 1, &[short])).unwrap(), [0, 0, 0, 255]);
}

#[test]
fn interlaced_rows_find_their_places() {
    // Ten rows: 0 and 8, then 4, then 2 and 6, then the odd ones.
    let rows = [0, 8, 4, 2, 6, 1, 3, 5, 7, 9];
    let palette: Vec<u8> = (0..10).flat_map(|grey| [grey, grey, grey]).collect();
    let frame = ::gif::Frame { interlaced: true, palette: Some(palette), ..piece(0, 0, 1, 10, &rows) };
    let expected: Vec<u8> = (0..10).flat_map(|grey| [grey, grey, grey, 255]).collect();
    assert_eq!(read(&once(1, 10, &[frame])).unwrap(), expected);
}

#[test]
fn transparency_is_told_where_it_can_be_seen() {
    let probe = |pieces: &[::gif::Frame]| codec::probe(&once(2, 1, pieces), &Limits::OSS).unwrap();
    let full = piece(0, 0, 2, 1, &[0, 1]);
    let holed = ::gif::Frame { transparent: Some(3), ..piece(0, 0, 2, 1, &[3, 1]) };
    assert!(!probe(std::slice::from_ref(&full)).alpha);
    assert!(probe(std::slice::from_ref(&holed)).alpha);
    assert!(probe(&[piece(0, 0, 1, 1, &[0])]).alpha);
    // Over an opaque canvas the transparent index only spares bytes.
    assert!(!probe(&[full.clone(), holed.clone()]).alpha);
    let wiped = ::gif::Frame { dispose: DisposalMethod::Background, ..full };
    assert!(probe(&[wiped, holed]).alpha);
}

#[test]
fn small_files_of_others() {
    let bytes = include_bytes!("../../../fixtures/images/gif/2x2.gif");
    assert_eq!(read(bytes).unwrap().len(), 16);
    let bytes = include_bytes!("../../../fixtures/images/gif/interlaced_540x330.gif");
    assert_eq!(codec::probe(bytes, &Limits::OSS).unwrap().size, Size::new(540, 330));
    assert!(read(bytes).is_ok());
    for bytes in [
        include_bytes!("../../../fixtures/images/gif/anim_any_disposal.gif").as_slice(),
        include_bytes!("../../../fixtures/images/gif/anim_mixed_disposal.gif"),
    ] {
        let (frames, repeat) = play(bytes).unwrap();
        let durations: Vec<u32> = frames.iter().map(|(_, duration_ms)| *duration_ms).collect();
        assert_eq!((durations, repeat), (vec![1000; 5], Repeat::Forever));
        assert_eq!(frames[0].0, read(bytes).unwrap());
    }
}

#[test]
fn times_and_repeats_come_through() {
    let stamps = [7, 0, 65_535];
    let pieces: Vec<_> = (0..3).map(|i| ::gif::Frame { delay: stamps[i], ..piece(0, 0, 1, 1, &[i as u8]) }).collect();
    for (stored, repeat) in [
        (::gif::Repeat::Infinite, Repeat::Forever),
        (::gif::Repeat::Finite(0), Repeat::Times(1)),
        (::gif::Repeat::Finite(1), Repeat::Times(2)),
        (::gif::Repeat::Finite(2), Repeat::Times(3)),
        (::gif::Repeat::Finite(65_534), Repeat::Times(65_535)),
    ] {
        let bytes = file(1, 1, stored, &pieces);
        let (frames, told) = play(&bytes).unwrap();
        let durations: Vec<u32> = frames.iter().map(|(_, duration_ms)| *duration_ms).collect();
        assert_eq!((durations.as_slice(), told), ([70, 0, 655_350].as_slice(), repeat));
        let again = write(Size::new(1, 1), &frames, told, true);
        assert_eq!(play(&again).unwrap(), (frames, repeat));
        let mut decoder = decoder(&again);
        decoder.next_frame_info().unwrap();
        assert_eq!(decoder.repeat(), stored);
    }
}

#[test]
fn few_colours_are_kept_exactly() {
    let size = Size::new(16, 16);
    // 254 colours and 2 transparent pixels.
    let mut texels: Vec<u8> = (0..=255).flat_map(|i: u8| [i, i.wrapping_mul(7), 255 - i, 255]).collect();
    texels[4..8].copy_from_slice(&[9, 9, 9, 0]);
    texels[60..64].copy_from_slice(&[9, 9, 9, 127]);
    let bytes = codec::encode(&View::new(size, 64, &texels), false, &Output::still(Format::Gif), &Cancel::never());
    let bytes = bytes.unwrap();
    texels[4..8].copy_from_slice(&CLEAR);
    texels[60..64].copy_from_slice(&CLEAR);
    assert_eq!(read(&bytes).unwrap(), texels);
    assert!(codec::probe(&bytes, &Limits::OSS).unwrap().alpha);
    // 128 is opaque.
    let half = [5, 6, 7, 128];
    let bytes = encode(&View::new(Size::new(1, 1), 4, &half), false, &Cancel::never()).unwrap();
    assert_eq!(read(&bytes).unwrap(), [5, 6, 7, 255]);
}

#[test]
fn many_colours_come_close_and_holes_stay_holes() {
    // A smooth slope of 64 × 64 colours, of which every fifth pixel is transparent.
    let size = Size::new(64, 64);
    let texel = |i: usize| [(i % 64 * 4) as u8, (i / 64 * 4) as u8, 128, if i.is_multiple_of(5) { 0 } else { 255 }];
    let texels: Vec<u8> = (0..64 * 64).flat_map(texel).collect();
    let still = encode(&View::new(size, 256, &texels), false, &Cancel::never()).unwrap();
    let frames = [(texels.clone(), 10), (texels.clone(), 10)];
    let moving = write(size, &frames, Repeat::Forever, false);
    for (got, name) in [(read(&still).unwrap(), "still"), (pictures(&moving)[1].clone(), "moving")] {
        let mut squares = 0;
        for (got, texel) in got.chunks_exact(4).zip(texels.chunks_exact(4)) {
            assert_eq!(got[3], texel[3], "{name}");
            if texel[3] == 255 {
                squares += (0..3).map(|i| u64::from(got[i].abs_diff(texel[i])).pow(2)).sum::<u64>();
            } else {
                assert_eq!(got, CLEAR);
            }
        }
        // The mean square of a channel's error: 16 × 16 patches of 16 × 16 levels would give 14.
        let mean = squares as f64 / (64.0 * 64.0 * 0.8 * 3.0);
        assert!(mean < 40.0, "{name}: {mean}");
    }
}

#[test]
fn animations_of_few_colours_are_kept_exactly() {
    // A square that moves over a still ground: opaque, then on nothing, then with a frame that
    // stands still and one that is empty.
    let size = Size::new(20, 12);
    let paint = |ground: [u8; 4], at: Option<usize>| {
        let within = |i: usize, at: usize| (at..at + 4).contains(&(i % 20)) && (3..7).contains(&(i / 20));
        let texel = |i| if at.is_some_and(|at| within(i, at)) { [i as u8, 40, 50, 255] } else { ground };
        (0..240).flat_map(texel).collect::<Vec<u8>>()
    };
    for ground in [BLUE, CLEAR] {
        let places = [Some(0), Some(1), Some(1), None, Some(16)];
        let frames: Vec<_> = places.iter().enumerate().map(|(i, at)| (paint(ground, *at), i as u32 * 10)).collect();
        let bytes = write(size, &frames, Repeat::Times(4), false);
        assert_eq!(play(&bytes).unwrap(), (frames, Repeat::Times(4)));
        assert_eq!(codec::probe(&bytes, &Limits::OSS).unwrap().alpha, ground == CLEAR);
        // One palette for all frames, and of the later ones only what moves.
        let mut decoder = decoder(&bytes);
        let mut pixels = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            assert_eq!(frame.palette, None);
            pixels.push(frame.buffer.len());
        }
        let expected = if ground == BLUE { [240, 5 * 4, 1, 4 * 4, 4 * 4] } else { [4 * 4, 4 * 4, 4 * 4, 1, 4 * 4] };
        assert_eq!(pixels, expected);
    }
}

#[test]
fn cut_files_are_their_whole_frames() {
    for bytes in [
        include_bytes!("../../../fixtures/images/gif/anim_mixed_disposal.gif").as_slice(),
        include_bytes!("../../../fixtures/images/gif/2x2.gif"),
    ] {
        let (whole, repeat) = play(bytes).unwrap();
        let mut counts = Vec::new();
        for length in 6..bytes.len() {
            match play(&bytes[..length]) {
                // The frames that are whole are the first of the file's.
                Ok((frames, told)) => {
                    assert_eq!((frames.as_slice(), told), (&whole[..frames.len()], repeat), "cut at {length}");
                    counts.push(frames.len());
                }
                Err(error) => {
                    assert_eq!((error.code, counts.len()), (Code::ImageDamage, 0), "cut at {length}");
                }
            }
        }
        assert!(counts.is_sorted() && counts.last() == Some(&whole.len()), "{counts:?}");
        counts.dedup();
        assert!(counts.into_iter().eq(1..=whole.len()));
    }
    // A frame whose data end before its last row.
    let short = once(2, 2, &[piece(0, 0, 2, 1, &[0, 1])]);
    let mut tall = short.clone();
    let descriptor = short.iter().rposition(|byte| *byte == 0x2c).unwrap();
    tall[descriptor + 7] = 2;
    assert_eq!(read(&tall).unwrap_err().code, Code::ImageDamage);
    assert_eq!(read(b"GIF89a\x01\0\x01\0\0\0\0;").unwrap_err().code, Code::ImageDamage);
}

#[test]
fn broken_files_are_answered_never_a_panic() {
    let bytes = include_bytes!("../../../fixtures/images/gif/anim_any_disposal.gif");
    let flips = noise(200 * 8, 0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for flips in flips.chunks(8) {
        let mut broken = bytes.to_vec();
        for flip in flips.chunks(2).take(1 + usize::from(flips[0] % 4)) {
            let place = usize::from(flip[0]) * bytes.len() / 256;
            broken[place] ^= 1 << (flip[1] % 8);
        }
        refused += usize::from(play(&broken).is_err());
    }
    assert!((20..200).contains(&refused), "{refused} refused");
}

#[test]
fn sides_and_pixels_have_limits() {
    let probe = |bytes: &[u8]| codec::probe(bytes, &Limits::OSS);
    let large = |error: Error| (error.code, error.ec) == (Code::MemLimitExceeded, Some(Ec::image(12)));
    let dot = piece(0, 0, 1, 1, &[0]);
    assert!(probe(&once(30_000, 8_000, std::slice::from_ref(&dot))).is_ok());
    assert!(large(probe(&once(30_001, 1, std::slice::from_ref(&dot))).unwrap_err()));
    // Two frames of 130 million pixels.
    assert!(large(probe(&once(13_000, 10_000, &[dot.clone(), dot.clone()])).unwrap_err()));
    // A small canvas, but four frames that claim 65,535 × 1,000 pixels.
    let mut bytes = once(1, 1, &[dot.clone(), dot.clone(), dot.clone(), dot]);
    let descriptor = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0];
    while let Some(at) = bytes.windows(9).position(|window| window == descriptor) {
        bytes[at + 5..at + 9].copy_from_slice(&[0xff, 0xff, 0xe8, 0x03]);
    }
    assert!(large(probe(&bytes).unwrap_err()));
    assert_eq!(probe(&once(0, 1, &[])).unwrap_err().code, Code::ImageDamage);
}

#[test]
fn giving_up_is_asked_everywhere() {
    let cancel = Cancel::never();
    cancel.give_up();
    let pixels = [0; 16];
    let size = Size::new(2, 2);
    let view = View::new(size, 8, &pixels);
    assert_eq!(encode(&view, false, &cancel).unwrap_err().code, Code::ServiceUnavailable);
    let shots = [Shot { pixels: view, duration_ms: 10 }];
    let error = encode_animation(&shots, Repeat::Forever, false, 1, &cancel).unwrap_err();
    assert_eq!(error.code, Code::ServiceUnavailable);
    let bytes = once(2, 2, &[piece(0, 0, 2, 2, &[0; 4]), piece(0, 0, 2, 2, &[0; 4])]);
    let mut target = Frame::packed(size, vec![0; 16]);
    assert_eq!(decode(&bytes, &mut target.view_mut(), &cancel).unwrap_err().code, Code::ServiceUnavailable);
    let probe = codec::probe(&bytes, &Limits::OSS).unwrap();
    let mut film = animation(&bytes, &probe).unwrap();
    assert_eq!(film.next_frame(&mut target.view_mut(), &cancel).unwrap_err().code, Code::ServiceUnavailable);
    // Frames of different sizes, and none at all, are our fault.
    let other = Shot { pixels: View::new(Size::new(1, 1), 4, &pixels), duration_ms: 10 };
    let never = Cancel::never();
    let shots = [Shot { pixels: view, duration_ms: 10 }, other];
    assert_eq!(encode_animation(&shots, Repeat::Forever, true, 1, &never).unwrap_err().code, Code::InternalError);
    assert_eq!(encode_animation(&[], Repeat::Forever, true, 1, &never).unwrap_err().code, Code::InternalError);
}

#[test]
fn helpers_change_no_byte() {
    let size = Size::new(30, 20);
    // More colours than a palette holds, moving; in the second round with holes.
    let paint = |at: usize, hole: usize| {
        let texel = |i: usize| {
            [(i * 7 + at) as u8, (i / 30 * 12) as u8, (i + at * 9) as u8, ((i + at) % hole).min(1) as u8 * 255]
        };
        ((0..600).flat_map(texel).collect::<Vec<u8>>(), 40 + at as u32)
    };
    for (hole, opaque) in [(usize::MAX, false), (11, false)] {
        let frames: Vec<_> = (1..8).map(|at| paint(at, hole)).collect();
        let shots: Vec<Shot> = frames
            .iter()
            .map(|(texels, duration_ms)| Shot { pixels: View::new(size, 120, texels), duration_ms: *duration_ms })
            .collect();
        let file = |helpers| encode_animation(&shots, Repeat::Forever, opaque, helpers, &Cancel::never()).unwrap();
        assert_eq!(play(&file(0)).unwrap().0.len(), 7);
        for helpers in [1, 2, 4, 40] {
            assert_eq!(file(helpers), file(0), "{helpers}");
        }
    }
}
