//! warp: every pixel of the result looks at a place of the source between four of its pixels.
//!
//! Twin: `shaders/warp.wgsl`, which tells the table's layout, the border rule and why nothing
//! overflows.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::{Band, Inputs, write_size};
use crate::pixel::TEXEL_BYTES;

params! {
    width: u32,
    height: u32,
    source_width: u32,
    source_height: u32,
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        write!(f, " from {}x{}", self.source_width, self.source_height)
    }
}

impl Params {
    /// See [`super::Args::cost`]: four reads with their weights.
    pub(super) fn cost(&self) -> u64 {
        8
    }
}

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let column = 2 * x as usize;
    let row = 2 * (params.width + y) as usize;
    let place_x = inputs.table[column] as i32 + inputs.table[row] as i32;
    let place_y = inputs.table[column + 1] as i32 + inputs.table[row + 1] as i32;
    let x = place_x >> 16;
    let y = place_y >> 16;
    let right = ((place_x >> 8) & 255) as u32;
    let down = ((place_y >> 8) & 255) as u32;
    let taps = [
        weighted(tap(params, inputs, x, y), (256 - right) * (256 - down)),
        weighted(tap(params, inputs, x + 1, y), right * (256 - down)),
        weighted(tap(params, inputs, x, y + 1), (256 - right) * down),
        weighted(tap(params, inputs, x + 1, y + 1), right * down),
    ];
    let sum = |channel: usize| taps.iter().map(|tap| tap[channel]).sum::<u32>();
    let whole = sum(3);
    let alpha = (whole + 32768) >> 16;
    let mut texel = [255, 255, 255, 0];
    if alpha > 0 {
        let colour = |channel: usize| (sum(channel) + whole / 2) / whole;
        texel = [colour(0), colour(1), colour(2), alpha];
    }
    texel
}

fn tap(params: &Params, inputs: &Inputs, x: i32, y: i32) -> [u32; 4] {
    if x < 0 || y < 0 || x >= params.source_width as i32 || y >= params.source_height as i32 {
        return [0; 4];
    }
    inputs.src.texel(x as u32, y as u32)
}

/// Colour times alpha times weight, and alpha times weight.
fn weighted(texel: [u32; 4], weight: u32) -> [u32; 4] {
    let alpha = texel[3] * weight;
    [texel[0] * alpha, texel[1] * alpha, texel[2] * alpha, alpha]
}

/// Where all four taps are there and opaque, which is nearly everywhere, alpha cancels; what looks
/// past the source on either side is filled.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let (columns, rows) = inputs.table.split_at(2 * params.width as usize);
    let (columns, rows) = (columns.as_chunks().0, rows.as_chunks().0);
    #[cfg(target_arch = "x86_64")]
    let has_vectors = avx2::is_here();
    band.each_row(|y, row| {
        let [row_x, row_y] = rows[y as usize].map(|place: u32| place as i32);
        let looks_past = |column: &[u32; 2]| {
            let past = |place: i32, side: u32| ((place >> 16) + 1) as u32 > side;
            past(column[0] as i32 + row_x, params.source_width) || past(column[1] as i32 + row_y, params.source_height)
        };
        let row = row.as_chunks_mut::<TEXEL_BYTES>().0;
        let begin = columns.iter().take_while(|column| looks_past(column)).count();
        let end = columns.len() - columns[begin..].iter().rev().take_while(|column| looks_past(column)).count();
        row[..begin].fill([255, 255, 255, 0]);
        row[end..].fill([255, 255, 255, 0]);
        let (columns, row) = (&columns[begin..end], &mut row[begin..end]);
        let pixel = |index: usize, out: &mut [u8; TEXEL_BYTES]| {
            let [column_x, column_y] = columns[index].map(|place: u32| place as i32);
            let (place_x, place_y) = (column_x + row_x, column_y + row_y);
            let opaque = inside(place_x, params.source_width, place_y, params.source_height)
                .and_then(|(left, top)| opaque(inputs, left, top, place_x, place_y));
            super::store(out, opaque.unwrap_or_else(|| texel(params, inputs, (begin + index) as u32, y)));
        };
        #[cfg(target_arch = "x86_64")]
        if has_vectors {
            // SAFETY: the machine has the instructions.
            return unsafe { avx2::row(params, &inputs.src, columns, [row_x, row_y], row, pixel) };
        }
        row.iter_mut().enumerate().for_each(|(index, out)| pixel(index, out));
    });
}

/// The upper left of four taps that are all inside the source.
#[inline(always)]
fn inside(place_x: i32, width: u32, place_y: i32, height: u32) -> Option<(usize, u32)> {
    let (x, y) = (place_x >> 16, place_y >> 16);
    let fits = x >= 0 && y >= 0 && x + 1 < width as i32 && y + 1 < height as i32;
    fits.then_some((x as usize, y as u32))
}

/// The mean of four taps if all are opaque: the factor 255 cancels.
#[inline(always)]
fn opaque(inputs: &Inputs, left: usize, top: u32, place_x: i32, place_y: i32) -> Option<[u32; 4]> {
    let upper = &inputs.src.row(top)[4 * left..][..8];
    let lower = &inputs.src.row(top + 1)[4 * left..][..8];
    if upper[3] & upper[7] & lower[3] & lower[7] != 255 {
        return None;
    }
    let right = ((place_x >> 8) & 255) as u32;
    let down = ((place_y >> 8) & 255) as u32;
    let mean = |channel: usize| {
        let across = |row: &[u8]| u32::from(row[channel]) * (256 - right) + u32::from(row[channel + 4]) * right;
        (across(upper) * (256 - down) + across(lower) * down + 32768) >> 16
    };
    Some([mean(0), mean(1), mean(2), 255])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::kernel::gather;
    use crate::pixel::{View, ViewMut, needed_bytes};

    /// A fixed point word of the table.
    fn word(place: f64) -> u32 {
        (place * 65536.0).round() as i32 as u32
    }

    /// A table by functions of the column and of the row.
    fn table(size: Size, u: impl Fn(f64) -> (f64, f64), v: impl Fn(f64) -> (f64, f64)) -> Vec<u32> {
        let columns = (0..size.width).map(|x| u(x.into()));
        let rows = (0..size.height).map(|y| v(y.into()));
        columns.chain(rows).flat_map(|(x, y)| [word(x), word(y)]).collect()
    }

    /// The packed result, fast and by the reference, which must agree.
    fn warp(size: Size, source: Size, pixels: &[u8], table: &[u32]) -> Vec<u8> {
        let params =
            Params { width: size.width, height: size.height, source_width: source.width, source_height: source.height };
        let src = View::new(source, source.width as usize * 4, pixels);
        let inputs = Inputs { src, overlay: src, table };
        let pitch = size.width as usize * 4;
        let mut fast = vec![7; needed_bytes(size, pitch)];
        run(&params, &inputs, &mut Band { first_row: 0, rows: ViewMut::new(size, pitch, &mut fast) });
        for (index, pixel) in fast.chunks_exact(4).enumerate() {
            let (x, y) = (index as u32 % size.width, index as u32 / size.width);
            assert_eq!(pixel, texel(&params, &inputs, x, y).map(|channel| channel as u8), "({x}, {y})");
        }
        fast
    }

    fn pixels(size: Size, alpha: bool) -> Vec<u8> {
        let texel = |index: u32| {
            let value = index.wrapping_mul(2_654_435_761).to_be_bytes();
            [value[0], value[1], value[2], if alpha { value[3] | 1 } else { 255 }]
        };
        (0..size.pixels() as u32).flat_map(texel).collect()
    }

    #[test]
    fn the_identity_copies() {
        let size = Size::new(9, 6);
        let table = table(size, |x| (x, 0.0), |y| (0.0, y));
        for alpha in [false, true] {
            let source = pixels(size, alpha);
            assert_eq!(warp(size, size, &source, &table), source);
        }
    }

    #[test]
    fn a_quarter_turn_is_what_gather_gives() {
        let source = Size::new(7, 5);
        let size = source.swapped();
        // Turned right: the result's (x, y) shows the source's (y, 4 - x).
        let table = table(size, |x| (0.0, 4.0 - x), |y| (y, 0.0));
        let turn = gather::Params {
            width: 5,
            height: 7,
            start_x: 0,
            start_y: 4,
            right_x: 0,
            right_y: -1,
            down_x: 1,
            down_y: 0,
            left: 0,
            top: 0,
            right: 7,
            bottom: 5,
            fill: 0,
        };
        let pixels = pixels(source, true);
        let src = View::new(source, 28, &pixels);
        let inputs = Inputs { src, overlay: src, table: &[] };
        let mut turned = vec![0; 140];
        gather::run(&turn, &inputs, &mut Band { first_row: 0, rows: ViewMut::new(size, 20, &mut turned) });
        assert_eq!(warp(size, source, &pixels, &table), turned);
    }

    #[test]
    fn hand_worked_means() {
        let (size, one) = (Size::new(2, 2), Size::new(1, 1));
        let opaque = [0, 0, 0, 255, 100, 0, 0, 255, 0, 200, 0, 255, 101, 0, 7, 255];
        let table = [word(0.5), word(0.5), 0, 0];
        // 201 / 4, 200 / 4 and 7 / 4.
        assert_eq!(warp(one, size, &opaque, &table), [50, 50, 2, 255]);
        // The largest sum there is.
        assert_eq!(warp(one, size, &[255; 16], &table), [255; 4]);
        // Half a pixel outside on both sides: a quarter of the alpha, the colour of what there is.
        let corner = [word(-0.5), word(-0.5), 0, 0];
        assert_eq!(warp(one, one, &[10, 20, 30, 255], &corner), [10, 20, 30, 64]);
        // Alpha 100 and 50 alike: alpha 75, red (100 * 255 + 0) / 150 = 170, green 255 / 3 = 85.
        let pair = [255, 0, 0, 100, 0, 255, 0, 50];
        assert_eq!(warp(one, Size::new(2, 1), &pair, &[word(0.5), 0, 0, 0]), [170, 85, 0, 75]);
        // Nothing there.
        assert_eq!(warp(one, one, &[1, 2, 3, 255], &[word(-1.0), 0, 0, 0]), [255, 255, 255, 0]);
        assert_eq!(warp(one, one, &[1, 2, 3, 0], &[0; 4]), [255, 255, 255, 0]);
    }

    #[test]
    fn a_turned_flat_picture_has_its_colour_up_to_the_edge() {
        let (source, side) = (Size::new(40, 30), 52);
        let (sine, cosine) = 33f64.to_radians().sin_cos();
        let middle = |at: f64| at + 0.5 - f64::from(side) / 2.0;
        let u = |x: f64| (middle(x) * cosine + 19.5, -middle(x) * sine + 14.5);
        let v = |y: f64| (middle(y) * sine, middle(y) * cosine);
        let size = Size::new(side, side);
        let flat = [201, 3, 77, 255].repeat(source.pixels() as usize);
        let result = warp(size, source, &flat, &table(size, u, v));
        for pixel in result.chunks_exact(4) {
            let colour = if pixel[3] == 0 { [255, 255, 255] } else { [201, 3, 77] };
            assert_eq!(pixel[..3], colour);
        }
        let alpha = |x: u32, y: u32| result[(y * side + x) as usize * 4 + 3];
        assert_eq!((alpha(26, 26), alpha(0, 0)), (255, 0));
        // All of the alpha is still there, but for rounding.
        let sum: u64 = result.chunks_exact(4).map(|pixel| u64::from(pixel[3])).sum();
        assert!(sum.abs_diff(255 * 1200) < 255 * 2, "{sum}");
        assert!(result.chunks_exact(4).any(|pixel| (1..255).contains(&pixel[3])), "edges are soft");
    }
}
