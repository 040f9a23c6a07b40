//! What the rows of the table measure on an answer. Each function yields what is wrong, if anything.

use image::imageops::{FilterType, blur, resize};
use image::{GrayImage, Luma};
use pixelpass::geometry::Size;
use pixelpass::pixel::Frame;
use serde_json::Value;

/// The pixels of a PNG, read by another decoder.
pub fn picture(png: &[u8]) -> Frame {
    let picture = image::load_from_memory(png).expect("a PNG").into_rgba8();
    Frame::packed(Size::new(picture.width(), picture.height()), picture.into_raw())
}

fn texel(frame: &Frame, x: u32, y: u32) -> [f64; 4] {
    frame.view().texel(x, y).map(f64::from)
}

/// Channel values over white.
fn over_white(texel: [f64; 4]) -> [f64; 3] {
    [0, 1, 2].map(|channel| (texel[channel] * texel[3] + 255.0 * (255.0 - texel[3])) / 255.0)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers_of(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter().map(number).collect()
}

/// x, y, width and height.
fn rectangle(numbers: &[f64]) -> [u32; 4] {
    [0, 1, 2, 3].map(|index| numbers[index] as u32)
}

fn mean(frame: &Frame, [left, top, width, height]: [u32; 4]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for y in top..top + height {
        for x in left..left + width {
            let values = over_white(texel(frame, x, y));
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
    sums.map(|sum| sum / f64::from(width * height))
}

/// Whether at most the tolerated share of values is further off than tolerated: `LEVELS/SHARE`. Colour
/// counts where both sides are visible, alpha everywhere.
pub fn within(tolerance: &str, inside: Option<&Value>, expected: &Frame, shown: &[Frame]) -> Option<String> {
    let (levels, share) = tolerance.split_once('/').expect("LEVELS/SHARE");
    let [levels, share] = [levels, share].map(|text| text.parse::<f64>().expect("a number"));
    let Size { width, height } = shown[0].size();
    let [left, top, across, down] = inside.map_or([0, 0, width, height], |inside| rectangle(&numbers_of(inside)));
    let (mut values, mut off, mut largest) = (0u32, 0u32, 0.0f64);
    for (number, frame) in shown.iter().enumerate() {
        let first_row = height * number as u32;
        if first_row + height > expected.size().height {
            break;
        }
        for y in top..top + down {
            for x in left..left + across {
                let (found, wanted) = (texel(frame, x, y), texel(expected, x, first_row + y));
                let visible = found[3] > 0.0 && wanted[3] > 0.0;
                for channel in if visible { 0..4 } else { 3..4 } {
                    let difference = (found[channel] - wanted[channel]).abs();
                    values += 1;
                    off += u32::from(difference > levels);
                    largest = largest.max(difference);
                }
            }
        }
    }
    let found = f64::from(off) / f64::from(values);
    (found > share).then(|| format!("{found:.4} of the values are more than {levels} off, {largest} at most"))
}

/// Mean and least signal-to-noise ratio over the frames, in dB.
pub fn psnr(least: &Value, expected: &Frame, shown: &[Frame]) -> Option<String> {
    let least = numbers_of(least);
    let Size { width, height } = shown[0].size();
    if expected.size() != Size::new(width, height * shown.len() as u32) {
        return Some(format!("{} frames of {}", shown.len(), shown[0].size()));
    }
    let ratio = |(number, frame): (usize, &Frame)| {
        let mut squares = 0.0;
        for y in 0..height {
            for x in 0..width {
                let (found, wanted) = (texel(frame, x, y), texel(expected, x, height * number as u32 + y));
                squares += (0..3).map(|channel| (found[channel] - wanted[channel]).powi(2)).sum::<f64>();
            }
        }
        (255.0f64.powi(2) * f64::from(width * height * 3) / squares.max(1e-9)).log10() * 10.0
    };
    let ratios: Vec<_> = shown.iter().enumerate().map(ratio).collect();
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let worst = ratios.iter().copied().fold(f64::MAX, f64::min);
    (mean < least[0] || worst < least[1]).then(|| format!("{mean:.1} dB in the mean, {worst:.1} at worst: {least:?}"))
}

/// The named measurements that look at one picture, or count frames.
pub fn numbers(numbers: &Value, shown: &[Frame]) -> Option<String> {
    let frame = &shown[0];
    let list = |name: &str| numbers.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let patches = patches(frame, &list("patches"));
    let either: Vec<_> =
        list("either").iter().map(|list| self::patches(frame, list.as_array().expect("a list"))).collect();
    let either = if either.iter().any(Option::is_none) { None } else { either.into_iter().flatten().next() };
    patches
        .or(either)
        .or_else(|| list("ranges").iter().find_map(|range| in_range(frame, range)))
        .or_else(|| list("grey").iter().find_map(|patch| is_grey(frame, &numbers_of(patch))))
        .or_else(|| list("order").iter().find_map(|pair| in_order(frame, pair)))
        .or_else(|| numbers.get("any_of").and_then(|colours| one_colour(frame, colours)))
        .or_else(|| numbers.get("shape").and_then(|shape| of_one_colour(frame, shape)))
        .or_else(|| numbers.get("over_white_min").and_then(|least| light(frame, &numbers_of(least))))
        .or_else(|| numbers.get("frames").and_then(|counts| counted(shown.len(), &numbers_of(counts))))
}

/// `[x, y, w, h, colour, ± levels]` each.
fn patches(frame: &Frame, patches: &[Value]) -> Option<String> {
    patches.iter().find_map(|patch| {
        let parts = patch.as_array().expect("a patch");
        let place: Vec<_> = parts[..4].iter().map(number).collect();
        let (found, colour, levels) = (mean(frame, rectangle(&place)), numbers_of(&parts[4]), number(&parts[5]));
        let off = found.iter().zip(&colour).any(|(found, wanted)| (found - wanted).abs() > levels);
        off.then(|| format!("{found:.0?} instead of {colour:?} at {place:?}"))
    })
}

fn in_range(frame: &Frame, range: &Value) -> Option<String> {
    let parts = range.as_array().expect("a range");
    let place: Vec<_> = parts[..4].iter().map(number).collect();
    let (found, low, high) = (mean(frame, rectangle(&place)), numbers_of(&parts[4]), numbers_of(&parts[5]));
    let outside = (0..3).any(|channel| found[channel] < low[channel] || found[channel] > high[channel]);
    outside.then(|| format!("{found:.0?} outside {low:?} to {high:?} at {place:?}"))
}

fn is_grey(frame: &Frame, patch: &[f64]) -> Option<String> {
    let found = mean(frame, rectangle(patch));
    let spread = found.iter().copied().fold(f64::MIN, f64::max) - found.iter().copied().fold(f64::MAX, f64::min);
    (spread > patch[4]).then(|| format!("{found:.0?} is not grey at {patch:?}"))
}

fn in_order(frame: &Frame, pair: &Value) -> Option<String> {
    let [darker, lighter] = [0, 1].map(|index| mean(frame, rectangle(&numbers_of(&pair[index]))).iter().sum::<f64>());
    (darker >= lighter).then(|| format!("{darker:.0} is not darker than {lighter:.0}"))
}

fn one_colour(frame: &Frame, colours: &Value) -> Option<String> {
    let first = texel(frame, 0, 0);
    let Size { width, height } = frame.size();
    let same = (0..height).all(|y| (0..width).all(|x| texel(frame, x, y) == first));
    let colours: Vec<_> = colours.as_array().expect("a list").iter().map(numbers_of).collect();
    // Colour under nothing does not count.
    let is = |colour: &Vec<f64>| first[3] == colour[3] && (first[3] == 0.0 || first[..3] == colour[..3]);
    (!same || !colours.iter().any(is)).then(|| format!("{first:?}, same everywhere: {same}"))
}

/// `[colour, from alpha, ± levels, share]`: what is visible has that colour.
fn of_one_colour(frame: &Frame, shape: &Value) -> Option<String> {
    let parts = shape.as_array().expect("a shape");
    let (colour, from, levels, share) =
        (numbers_of(&parts[0]), number(&parts[1]), number(&parts[2]), number(&parts[3]));
    let Size { width, height } = frame.size();
    let (mut visible, mut off, mut largest) = (0u32, 0u32, 0.0f64);
    for y in 0..height {
        for x in 0..width {
            let found = texel(frame, x, y);
            if found[3] >= from {
                let difference = (0..3).map(|channel| (found[channel] - colour[channel]).abs()).fold(0.0, f64::max);
                visible += 1;
                off += u32::from(difference > levels);
                largest = largest.max(difference);
            }
        }
    }
    let found = f64::from(off) / f64::from(visible.max(1));
    (visible == 0 || found > share).then(|| format!("{found:.4} of {visible} pixels are off, {largest} at most"))
}

/// `[value, share]`: over white at most that share of the values is darker.
fn light(frame: &Frame, least: &[f64]) -> Option<String> {
    let Size { width, height } = frame.size();
    let all = (0..height).flat_map(|y| (0..width).flat_map(move |x| over_white(texel(frame, x, y))));
    let (values, dark) = all.fold((0u32, 0u32), |(all, dark), value| (all + 1, dark + u32::from(value < least[0])));
    let share = f64::from(dark) / f64::from(values);
    (share > least[1]).then(|| format!("{share:.4} of the values are darker than {}", least[0]))
}

fn counted(frames: usize, allowed: &[f64]) -> Option<String> {
    (!allowed.contains(&(frames as f64))).then(|| format!("{frames} frames instead of {allowed:?}"))
}

/// How alike the inks of two pictures are: cut out, scaled to 40 × 40, blurred, and correlated.
pub fn glyph_likeness(found: &Frame, expected: &Frame) -> f64 {
    let [found, expected] = [found, expected].map(ink);
    let centred = |ink: &GrayImage| {
        let values: Vec<_> = ink.as_raw().iter().map(|value| f64::from(*value)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.into_iter().map(|value| value - mean).collect::<Vec<_>>()
    };
    let (found, expected) = (centred(&found), centred(&expected));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(&found, &expected) / (product(&found, &found) * product(&expected, &expected)).sqrt().max(1e-9)
}

/// Where a picture differs from the colour of its corner, as a 40 × 40 picture of how much.
fn ink(frame: &Frame) -> GrayImage {
    let (Size { width, height }, ground) = (frame.size(), over_white(texel(frame, 0, 0)));
    let off = |x: u32, y: u32| {
        let values = over_white(texel(frame, x, y));
        (0..3).map(|channel| (values[channel] - ground[channel]).abs()).fold(0.0, f64::max) as u8
    };
    let inked: Vec<_> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).filter(|(x, y)| off(*x, *y) > 64).collect();
    let bounds =
        |places: Vec<u32>| (places.iter().min().copied().unwrap_or(0), places.iter().max().copied().unwrap_or(0));
    let (left, right) = bounds(inked.iter().map(|(x, _)| *x).collect());
    let (top, bottom) = bounds(inked.iter().map(|(_, y)| *y).collect());
    let cut = GrayImage::from_fn(right - left + 1, bottom - top + 1, |x, y| Luma([off(left + x, top + y)]));
    blur(&resize(&cut, 40, 40, FilterType::Triangle), 1.6)
}
