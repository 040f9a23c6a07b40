//! Good files: planes are libjpeg-turbo's.

use super::yardstick::{Kind, SAMPLINGS, write};
use super::*;
use crate::codec::turbo;
use crate::pixel::{TEXEL_BYTES, ViewMut};

/// Pixels with ramps, edges and noise.
pub fn picture(size: Size) -> Vec<u8> {
    let mut noise = broken::Noise(0x2545_f491_4f6c_dd1d);
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let texel = |(x, y): (u32, u32)| {
        let edge = if (x / 37 + y / 23) % 2 == 0 { 90 } else { 0 };
        let grain = noise.below(60) as u32;
        [(x * 2 + grain) as u8, (y + edge + grain) as u8, ((x + y) / 3 + grain) as u8]
    };
    pixels.flat_map(texel).collect()
}

/// Pixels with smooth colours, at most 600 to a side.
fn ramps(size: Size) -> Vec<u8> {
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    pixels.flat_map(|(x, y)| [x * 2 / 5, y * 2 / 5, (x + y) / 5].map(|channel| channel as u8)).collect()
}

const PLAIN: Kind = Kind { sampling: 0, quality: 85, progressive: false, optimise: false, restart_units: 0 };

#[test]
fn fixtures_are_equal() {
    let mut decoded = 0;
    for path in fixtures() {
        let bytes = std::fs::read(&path).unwrap();
        decoded += usize::from(ours(&bytes).is_some());
        assert_eq!(judge(&bytes), Ok(()), "{}", path.display());
    }
    // All but those of four components, arithmetic coding, and the bad ones.
    assert!(decoded >= 26, "{decoded} decoded");
}

#[test]
fn every_sampling_and_coding_is_equal() {
    for size in [Size::new(1, 1), Size::new(8, 8), Size::new(33, 17), Size::new(65, 130), Size::new(201, 99)] {
        let pixels = picture(size);
        for sampling in SAMPLINGS {
            for (progressive, restart_units) in [(false, 0), (false, 1), (false, 3), (true, 0), (true, 2)] {
                for quality in [30, 97] {
                    let optimise = quality == 97;
                    let kind = Kind { sampling, quality, progressive, optimise, restart_units };
                    let file = write(size, &pixels, kind);
                    assert!(ours(&file).is_some(), "{size} {kind:?}");
                    assert_eq!(judge(&file), Ok(()), "{size} {kind:?}");
                }
            }
        }
    }
}

/// Enough data for several walkers, which fall into step or meet restart markers.
#[test]
fn large_files_are_equal() {
    let size = Size::new(700, 500);
    let pixels = picture(size);
    for sampling in SAMPLINGS {
        for restart_units in [0, 7, 1000] {
            for quality in [75, 100] {
                let kind = Kind { sampling, quality, restart_units, ..PLAIN };
                let file = write(size, &pixels, kind);
                assert!(file.len() > 20_000);
                assert!(ours(&file).is_some(), "{kind:?}");
                assert_eq!(judge(&file), Ok(()), "{kind:?}");
            }
        }
    }
}

/// Blocks of six bits that all look alike: a walker that begins inside of one never falls into step.
#[test]
fn walkers_that_never_fall_into_step_do_no_harm() {
    let size = Size::new(3000, 2000);
    let flat = vec![77; size.pixels() as usize * 3];
    for sampling in SAMPLINGS {
        let file = write(size, &flat, Kind { sampling, ..PLAIN });
        assert!(ours(&file).is_some());
        assert_eq!(judge(&file), Ok(()));
    }
}

#[test]
fn the_yardstick_sees_a_dc_that_is_off() {
    let file = write(Size::new(40, 24), &picture(Size::new(40, 24)), PLAIN);
    let Outcome::Planes(theirs, None) = yardstick::planes(&file) else { panic!() };
    let mut own = ours(&file).unwrap();
    assert!(distance(&own, &theirs) <= 1);
    let sample = &mut own[1].1[7];
    *sample = if *sample < 128 { *sample + 2 } else { *sample - 2 };
    assert!(distance(&own, &theirs) >= 2);
    // A file with a quantisation step that is one larger is not taken for the same.
    let step = file.windows(2).position(|pair| pair == b"\xff\xdb").unwrap() + 5;
    let mut other = file.clone();
    other[step] += 1;
    assert!(distance(&ours(&other).unwrap(), &theirs) >= 2);
}

/// Pixels at 1/8 by this room and by libjpeg-turbo.
fn pixels(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let size = shape(file).unwrap().size;
    let mut own = vec![0; size.pixels() as usize * TEXEL_BYTES];
    let mut theirs = own.clone();
    let pitch = size.width as usize * TEXEL_BYTES;
    super::super::decode_pixels(file, &mut ViewMut::new(size, pitch, &mut own)).unwrap();
    turbo::decompress(file, 8, &mut ViewMut::new(size, pitch, &mut theirs)).unwrap();
    (own, theirs)
}

#[test]
fn pixels_are_equal_where_colours_are_not_enlarged() {
    for name in ["jpeg/gray_1x1000.jpg", "jpeg/progressive_444.jpg", "jpeg/adobe_rgb_transform0.jpg"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images").join(name);
        let (own, theirs) = pixels(&std::fs::read(path).unwrap());
        assert!(own.iter().zip(&theirs).all(|(own, theirs)| own.abs_diff(*theirs) <= 1), "{name}");
    }
    let (own, theirs) = pixels(&write(Size::new(203, 101), &picture(Size::new(203, 101)), PLAIN));
    assert_eq!(own, theirs);
}

#[test]
fn pixels_are_near_where_colours_are_enlarged() {
    for sampling in SAMPLINGS {
        for size in [Size::new(9, 9), Size::new(403, 301)] {
            let file = write(size, &ramps(size), Kind { sampling, ..PLAIN });
            let (own, theirs) = pixels(&file);
            let sum: u32 = own.iter().zip(&theirs).map(|(own, theirs)| u32::from(own.abs_diff(*theirs))).sum();
            assert!(f64::from(sum) / (own.len() as f64) < 1.0, "{sampling} {size}: {sum} of {}", own.len());
        }
    }
}
