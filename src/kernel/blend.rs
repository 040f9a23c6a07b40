//! blend: a second picture laid over the first, once or as tiles, with straight alpha on both.
//!
//! Twin: `shaders/blend.wgsl`, which tells the formula in integers and why nothing overflows.

use super::{Band, Inputs, is_opaque, write_size};
use crate::pixel::{TEXEL_BYTES, View};

params! {
    width: u32,
    height: u32,
    left: i32,
    top: i32,
    step_x: u32,
    step_y: u32,
    overlay_width: u32,
    overlay_height: u32,
    opacity: u32,
}

/// The step of an overlay that is laid once.
pub const ONCE: u32 = 1 << 30;

/// Parts that an alpha with its opacity has: 255 · 100.
const WHOLE: u32 = 25_500;

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        write!(f, " {}x{} at ({}, {})", self.overlay_width, self.overlay_height, self.left, self.top)?;
        if self.step_x < ONCE || self.step_y < ONCE {
            write!(f, " every ({}, {})", self.step_x, self.step_y)?;
        }
        write!(f, " opacity {}", self.opacity)
    }
}

impl Params {
    /// See [`super::Args::cost`]: a copy, and three blends where a tile lies.
    pub(super) fn cost(&self) -> u64 {
        3
    }
}

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let dx = x as i32 - params.left;
    let dy = y as i32 - params.top;
    let mut texel = inputs.src.texel(x, y);
    if dx >= 0 && dy >= 0 {
        let overlay_x = dx as u32 % params.step_x;
        let overlay_y = dy as u32 % params.step_y;
        if overlay_x < params.overlay_width && overlay_y < params.overlay_height {
            texel = over(inputs.overlay.texel(overlay_x, overlay_y), texel, params.opacity);
        }
    }
    texel
}

#[inline(always)]
fn over(s: [u32; 4], d: [u32; 4], opacity: u32) -> [u32; 4] {
    let a = s[3] * opacity;
    let k = WHOLE - a;
    let whole = 255 * a + d[3] * k;
    let alpha = (whole + WHOLE / 2) / WHOLE;
    if alpha == 0 {
        return [255, 255, 255, 0];
    }
    let blend = |channel: usize| (s[channel] * (255 * a) + d[channel] * (d[3] * k) + whole / 2) / whole;
    [blend(0), blend(1), blend(2), alpha]
}

/// A copy, and `change`.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    band.copied(&inputs.src, |part| change(params, &inputs.overlay, part));
}

/// The same where the picture lies: work only where tiles lie.
pub(super) fn change(params: &Params, overlay: &View, band: &mut Band) {
    let width = i64::from(params.width);
    let (left, step) = (i64::from(params.left), i64::from(params.step_x));
    let shown = i64::from(params.overlay_width.min(params.step_x));
    band.each_row(|y, row| {
        let dy = y as i32 - params.top;
        if dy < 0 || dy as u32 % params.step_y >= params.overlay_height {
            return;
        }
        let overlay = overlay.row(dy as u32 % params.step_y);
        // The first tile whose successor begins inside.
        let mut tile = left + (-left).max(0) / step * step;
        while tile < width {
            let (begin, end) = (tile.max(0), (tile + shown).min(width));
            if begin < end {
                let from = (begin - tile) as usize * TEXEL_BYTES;
                let target = &mut row[begin as usize * TEXEL_BYTES..end as usize * TEXEL_BYTES];
                blend_row(&overlay[from..from + target.len()], params.opacity, target);
            }
            tile += step;
        }
    });
}

/// Lays `overlay` over `row`.
#[multiversion::multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn blend_row(overlay: &[u8], opacity: u32, row: &mut [u8]) {
    let is_opaque = is_opaque(row);
    for (out, pixel) in row.chunks_exact_mut(4).zip(overlay.chunks_exact(4)) {
        let s = [pixel[0].into(), pixel[1].into(), pixel[2].into(), pixel[3].into()];
        let d = [out[0].into(), out[1].into(), out[2].into(), out[3].into()];
        super::store(out, if is_opaque { over_opaque(s, d, opacity) } else { over(s, d, opacity) });
    }
}

/// [`over`] an opaque pixel: the factor 255 cancels, and the divisor is a constant.
#[inline(always)]
fn over_opaque(s: [u32; 4], d: [u32; 4], opacity: u32) -> [u32; 4] {
    let a = s[3] * opacity;
    let blend = |channel: usize| (s[channel] * a + d[channel] * (WHOLE - a) + WHOLE / 2) / WHOLE;
    [blend(0), blend(1), blend(2), 255]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::pixel::{ViewMut, needed_bytes};

    /// The packed result, fast and by the reference, which must agree.
    fn blend(params: Params, src: &[u8], overlay: &[u8]) -> Vec<u8> {
        let size = Size::new(params.width, params.height);
        let (pitch, overlay_pitch) = (params.width as usize * 4, params.overlay_width as usize * 4);
        let overlay_size = Size::new(params.overlay_width, params.overlay_height);
        let inputs = Inputs {
            src: View::new(size, pitch, src),
            overlay: View::new(overlay_size, overlay_pitch, overlay),
            table: &[],
        };
        let mut fast = vec![7; needed_bytes(size, pitch)];
        run(&params, &inputs, &mut Band { first_row: 0, rows: ViewMut::new(size, pitch, &mut fast) });
        for (index, pixel) in fast.chunks_exact(4).enumerate() {
            let (x, y) = (index as u32 % params.width, index as u32 / params.width);
            assert_eq!(pixel, texel(&params, &inputs, x, y).map(|channel| channel as u8), "({x}, {y})");
        }
        fast
    }

    fn once(width: u32, height: u32, overlay: (u32, u32), at: (i32, i32), opacity: u32) -> Params {
        let (overlay_width, overlay_height) = overlay;
        let (left, top) = at;
        Params { width, height, left, top, step_x: ONCE, step_y: ONCE, overlay_width, overlay_height, opacity }
    }

    fn pixel(s: [u8; 4], d: [u8; 4], opacity: u32) -> Vec<u8> {
        blend(once(1, 1, (1, 1), (0, 0), opacity), &d, &s)
    }

    #[test]
    fn hand_worked_pixels() {
        let white = [255, 255, 255, 255];
        // a = 255 * 50 = 12750: (255 * 12750 + 12750) / 25500 = 128.
        assert_eq!(pixel(white, [0, 0, 0, 255], 50), [128, 128, 128, 255]);
        assert_eq!(pixel(white, white, 37), white);
        assert_eq!(pixel(white, [255, 255, 255, 254], 100), white);
        assert_eq!(pixel([200, 10, 60, 255], [1, 2, 3, 77], 100), [200, 10, 60, 255]);
        assert_eq!(pixel([200, 10, 60, 255], [1, 2, 3, 255], 100), [200, 10, 60, 255]);
        assert_eq!(pixel(white, [1, 2, 3, 77], 0), [1, 2, 3, 77]);
        assert_eq!(pixel([9, 9, 9, 0], [1, 2, 3, 255], 100), [1, 2, 3, 255]);
        assert_eq!(pixel([9, 9, 9, 0], [8, 8, 8, 0], 100), [255, 255, 255, 0]);
        // Over nothing the overlay keeps its colour and has its own alpha: 255 * 128 * 100 / 25500.
        assert_eq!(pixel([90, 80, 70, 128], [0, 0, 0, 0], 100), [90, 80, 70, 128]);
        // a = 10000, k = 15500, D = 2550000 + 1550000 = 4100000, alpha 160.8; red 255 * 2550000 / D
        // = 158.6, green 255 * 1550000 / D = 96.4.
        assert_eq!(pixel([255, 0, 0, 100], [0, 255, 0, 100], 100), [159, 96, 0, 161]);
        // Alpha 1 at 1 %: less than half of a level.
        assert_eq!(pixel([3, 3, 3, 1], [0, 0, 0, 0], 1), [255, 255, 255, 0]);
    }

    #[test]
    fn every_opaque_background_gives_the_general_formula() {
        for alpha in 0..=255 {
            for opacity in [0, 1, 33, 50, 99, 100] {
                let (s, d) = ([255, 17, alpha / 2, alpha], [0, 200, 131, 255]);
                assert_eq!(over_opaque(s, d, opacity), over(s, d, opacity), "{alpha} {opacity}");
            }
        }
    }

    /// Where a one-row result of black pixels has become white.
    fn places(params: Params) -> Vec<usize> {
        let black = [0, 0, 0, 255].repeat((params.width * params.height) as usize);
        let white = vec![255; (params.overlay_width * params.overlay_height * 4) as usize];
        let result = blend(params, &black, &white);
        result.chunks_exact(4).enumerate().filter(|(_, pixel)| pixel[0] == 255).map(|(index, _)| index).collect()
    }

    #[test]
    fn an_overlay_lies_where_it_was_placed() {
        assert_eq!(places(once(6, 1, (2, 1), (3, 0), 100)), [3, 4]);
        assert_eq!(places(once(6, 1, (4, 1), (-2, 0), 100)), [0, 1]);
        assert_eq!(places(once(6, 1, (4, 3), (4, -2), 100)), [4, 5]);
        assert_eq!(places(once(6, 1, (4, 1), (6, 0), 100)), [0usize; 0]);
        assert_eq!(places(once(6, 1, (4, 1), (-4, 0), 100)), [0usize; 0]);
        assert_eq!(places(once(6, 1, (4, 1), (0, 1), 100)), [0usize; 0]);
    }

    #[test]
    fn tiles_repeat_to_the_right_and_downwards() {
        let tiles = Params { step_x: 3, ..once(10, 1, (2, 1), (1, 0), 100) };
        assert_eq!(places(tiles), [1, 2, 4, 5, 7, 8]);
        assert_eq!(places(Params { left: -4, ..tiles }), [0, 2, 3, 5, 6, 8, 9]);
        // Tiles wider than their period show what fits into it.
        assert_eq!(places(Params { step_x: 1, left: 7, ..tiles }), [7, 8, 9]);
        let rows = Params { step_y: 2, ..once(1, 6, (1, 1), (0, 1), 100) };
        assert_eq!(places(rows), [1, 3, 5]);
    }

    #[test]
    fn tiles_show_the_overlay_from_its_begin() {
        let overlay = [1, 1, 1, 255, 2, 2, 2, 255];
        let params = Params { step_x: 3, ..once(5, 1, (2, 1), (-1, 0), 100) };
        let result = blend(params, &[0, 0, 0, 255].repeat(5), &overlay);
        let reds: Vec<u8> = result.chunks_exact(4).map(|pixel| pixel[0]).collect();
        assert_eq!(reds, [2, 0, 1, 2, 0]);
    }
}
