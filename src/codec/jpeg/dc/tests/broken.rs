//! Broken files: where this room finds a picture, libjpeg-turbo finds the same one.

use super::equal::picture;
use super::yardstick::{Kind, Outcome, SAMPLINGS, write};
use super::*;
use crate::codec::turbo;
use crate::pixel::{TEXEL_BYTES, ViewMut};

/// xorshift64: the same numbers on every run.
pub struct Noise(pub u64);

impl Noise {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Breaks a file in one to three places.
fn mutated(file: &[u8], noise: &mut Noise) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=noise.below(3) {
        // Half of the faults in the header.
        let reach = if noise.below(2) == 0 { bytes.len().min(700) } else { bytes.len() };
        let place = noise.below(reach);
        match noise.below(7) {
            0 | 1 => bytes[place] ^= 1 << noise.below(8),
            2 => bytes[place] = [0x00, 0xff, 0x01, 0x7f, 0xd0, 0xd9][noise.below(6)],
            3 => bytes.insert(place, noise.below(256) as u8),
            4 => drop(bytes.remove(place)),
            5 => bytes.truncate(place.max(4)),
            _ => {
                let markers: Vec<_> =
                    (0..bytes.len() - 1).filter(|at| bytes[*at] == 0xff && bytes[at + 1] >= 0xc0).collect();
                if !markers.is_empty() {
                    let (one, other) = (markers[noise.below(markers.len())], markers[noise.below(markers.len())]);
                    bytes.swap(one + 1, other + 1);
                }
            }
        }
    }
    bytes
}

#[test]
fn broken_files_have_libjpeg_turbos_picture_or_none() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let (mut decoded, mut refused, mut compared) = (0, 0, 0);
    for path in fixtures() {
        let file = std::fs::read(&path).unwrap();
        if ours(&file).is_none() || file.len() > 12_000 {
            continue;
        }
        for _ in 0..400 {
            let bytes = mutated(&file, &mut noise);
            // Small pictures only, whatever a broken header says: this is about faults.
            let Some(shape) = shape(&bytes).filter(|shape| shape.size.pixels() < 1 << 14) else {
                refused += 1;
                continue;
            };
            if ours(&bytes).is_none() {
                refused += 1;
                continue;
            }
            decoded += 1;
            assert_eq!(judge(&bytes), Ok(()), "{}", path.display());
            compared += usize::from(matches!(yardstick::planes(&bytes), Outcome::Planes(..)));
            // Samplings without a name have no planes to compare, but must have pixels.
            let mut pixels = vec![0; shape.size.pixels() as usize * TEXEL_BYTES];
            let pitch = shape.size.width as usize * TEXEL_BYTES;
            let done = turbo::decompress(&bytes, 8, &mut ViewMut::new(shape.size, pitch, &mut pixels));
            let done = done.unwrap_or_else(|message| panic!("{}: {message}", path.display()));
            assert!(shape.progressive || done.warning.is_none(), "{}: {:?}", path.display(), done.warning);
        }
    }
    assert!(decoded > 1000 && refused > 1000 && compared > 900, "{decoded} {refused} {compared}");
}

/// Enough data for several walkers, a bit or two of it flipped: often the rest is read all the same,
/// its blocks as many as before.
#[test]
fn walkers_in_broken_data_find_what_libjpeg_turbo_finds() {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let size = Size::new(300, 200);
    for (sampling, restart_units) in SAMPLINGS.into_iter().flat_map(|sampling| [(sampling, 0), (sampling, 20)]) {
        let kind = Kind { sampling, quality: 90, progressive: false, optimise: false, restart_units };
        let file = write(size, &picture(size), kind);
        let scan = file.windows(2).position(|pair| pair == b"\xff\xda").unwrap() + 14;
        assert!(file.len() - scan > 1 << 14, "{}", file.len());
        let mut decoded = 0;
        for _ in 0..60 {
            let mut bytes = file.clone();
            for _ in 0..=noise.below(2) {
                bytes[scan + noise.below(file.len() - scan - 2)] ^= 1 << noise.below(8);
            }
            decoded += usize::from(ours(&bytes).is_some());
            assert_eq!(judge(&bytes), Ok(()), "{kind:?}");
        }
        assert!(decoded > 3, "{decoded} decoded of {kind:?}");
    }
}
