//! Made pictures, the same at every run.

use pixelpass::geometry::Size;
use pixelpass::pixel::Frame;

/// A small linear congruential generator (Knuth's MMIX constants).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }
}

/// Every channel random; alpha from the values where arithmetic breaks, or 255.
pub fn noise(size: Size, alpha: bool) -> Frame {
    let mut random = Random::new(size.pixels());
    from_fn(size, |_, _| {
        let [red, green, blue, pick] = random.next().to_le_bytes();
        let alphas = [0, 1, 2, 127, 128, 254, 255, pick];
        [red, green, blue, if alpha { alphas[random.next() as usize % 8] } else { 255 }]
    })
}

/// Smooth ramps with soft alpha, like a photograph's sky or a shadow.
pub fn ramp(size: Size, alpha: bool) -> Frame {
    from_fn(size, |x, y| {
        let part = |value: u32, side: u32| (value * 255 / side.max(2).saturating_sub(1)) as u8;
        let (across, down) = (part(x, size.width), part(y, size.height));
        let soft = ((u32::from(across) * u32::from(down)) / 255) as u8;
        [across, down, across ^ down, if alpha { soft } else { 255 }]
    })
}

pub fn flat(size: Size, texel: [u8; 4]) -> Frame {
    from_fn(size, |_, _| texel)
}

pub fn from_fn(size: Size, mut texel: impl FnMut(u32, u32) -> [u8; 4]) -> Frame {
    let mut bytes = Vec::with_capacity(size.pixels() as usize * 4);
    for y in 0..size.height {
        for x in 0..size.width {
            bytes.extend(texel(x, y));
        }
    }
    Frame::packed(size, bytes)
}
