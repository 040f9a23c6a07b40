//! Code points: matrices and curves of the standards, white and highlights of BT.2408.

use super::*;

fn told(primaries: u16, transfer: u16) -> CodePoints {
    CodePoints { primaries, transfer, full_range: true }
}

/// What one colour of numbers of 16 bits, each a share of the largest, becomes.
fn convert(told: CodePoints, color: [f64; 3]) -> [u8; 3] {
    let codes = color.map(|share| (share * 65_535.0).round() as u16);
    let mut texel = [0, 0, 0, 77];
    Conversion::of(told, 16).unwrap().convert_from(&mut texel, |_, _| codes);
    assert_eq!(texel[3], 77);
    [texel[0], texel[1], texel[2]]
}

fn near(found: [u8; 3], expected: [u8; 3], levels: u8) {
    assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= levels), "{found:?} for {expected:?}");
}

/// Linear sRGB to linear light of other primaries. Source: CSS Color 4, section 18, its matrices by
/// their rational numbers.
const TO_P3: Matrix = [[0.822_462, 0.177_538, 0.0], [0.033_194, 0.966_806, 0.0], [0.017_083, 0.072_397, 0.910_520]];
const TO_BT2020: Matrix =
    [[0.627_404, 0.329_283, 0.043_313], [0.069_097, 0.919_540, 0.011_362], [0.016_391, 0.088_013, 0.895_595]];
const AS_IT_IS: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

fn mixed(matrix: Matrix, light: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(light).map(|(weight, light)| weight * light).sum())
}

/// PQ for light as a share of white. Source: BT.2100, table 4, the inverse.
fn pq(light: f64) -> f64 {
    let power = (light * 203.0 / 10_000.0).powf(0.159_301_757_812_5);
    ((0.835_937_5 + 18.851_562_5 * power) / (1.0 + 18.687_5 * power)).powf(78.843_75)
}

/// HLG for display light as a share of white on a display of 1000 cd/m². Source: BT.2100, table 5.
fn hlg(light: [f64; 3], weights: [f64; 3]) -> [f64; 3] {
    let display = light.map(|light| light * 203.0 / 1000.0);
    let luminance: f64 = display.iter().zip(weights).map(|(light, weight)| light * weight).sum();
    let gain = if luminance > 0.0 { luminance.powf((1.0 - 1.2) / 1.2) } else { 0.0 };
    display.map(|light| {
        let scene = light * gain;
        if scene <= 1.0 / 12.0 {
            (3.0 * scene).sqrt()
        } else {
            0.178_832_77 * (12.0 * scene - 0.284_668_92).ln() + 0.559_910_73
        }
    })
}

const COLORS: [[u8; 3]; 8] = [
    [0, 0, 0],
    [1, 2, 3],
    [200, 100, 50],
    [90, 160, 120],
    [60, 70, 200],
    [128, 128, 128],
    [225, 40, 30],
    [12, 225, 200],
];

fn light(color: [u8; 3]) -> [f64; 3] {
    color.map(|level| {
        let value = f64::from(level) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

#[test]
fn colours_told_in_any_way_come_back() {
    let srgb = |light: f64| if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    let bt709 = |light: f64| if light < 0.018_054 { 4.5 * light } else { 1.099_297 * light.powf(0.45) - 0.099_297 };
    for (primaries, matrix) in [(1, AS_IT_IS), (12, TO_P3), (9, TO_BT2020)] {
        for color in COLORS {
            let light = mixed(matrix, light(color));
            if primaries != 1 {
                near(convert(told(primaries, 13), light.map(srgb)), color, 1);
            }
            for transfer in [1, 6, 14, 15] {
                near(convert(told(primaries, transfer), light.map(bt709)), color, 1);
            }
            near(convert(told(primaries, 8), light), color, 1);
            near(convert(told(primaries, PQ), light.map(pq)), color, 1);
        }
    }
    // The weights of luminance: the second rows of the matrices to XYZ in BT.2020 and SMPTE RP 431.
    for (primaries, matrix, weights) in
        [(9, TO_BT2020, [0.2627, 0.6780, 0.0593]), (12, TO_P3, [0.228_975, 0.691_739, 0.079_287])]
    {
        for color in COLORS {
            near(convert(told(primaries, HLG), hlg(mixed(matrix, light(color)), weights)), color, 2);
        }
    }
}

#[test]
fn numbers_of_any_depth_and_range_are_taken() {
    for bits in [8, 10, 12, 16] {
        let most = (1u32 << bits) - 1;
        for full_range in [true, false] {
            let told = CodePoints { full_range, ..told(9, PQ) };
            let conversion = Conversion::of(told, bits).unwrap();
            let (black, span) = if full_range { (0, most) } else { (16 << (bits - 8), 219 << (bits - 8)) };
            let code = |share: f64| (f64::from(black) + share * f64::from(span)).round() as u16;
            let mut row = [0, 0, 0, 9].repeat(3);
            let codes = [0, code(pq(light([128; 3])[0])), code(1.0)];
            conversion.convert_from(&mut row, |_, at| [codes[at]; 3]);
            assert_eq!((row[0], row[3]), (0, 9));
            // A number of 8 bits stands for several levels.
            assert!(row[4].abs_diff(128) <= if bits == 8 { 3 } else { 1 }, "{row:?}");
            assert!(row[8] >= 250, "{row:?}");
        }
    }
    // sRGB in narrow range: 126 is (126 - 16) · 255 / 219 = 128.1.
    let narrow = Conversion::of(CodePoints { full_range: false, ..told(1, 13) }, 8).unwrap();
    let mut texel = [16, 126, 235, 1];
    narrow.convert(&mut texel);
    assert_eq!(texel, [0, 128, 255, 1]);
}

#[test]
fn srgb_and_unknown_points_are_left_alone() {
    for (primaries, transfer) in [(1, 13), (2, 2), (1, 2), (0, 0), (200, 13), (1, 65_000), (3, 3)] {
        assert!(Conversion::of(told(primaries, transfer), 8).is_none(), "{primaries}/{transfer}");
    }
    assert!(Conversion::of(told(12, 2), 8).is_some());
}

#[test]
fn white_is_nearly_white_and_highlights_keep_their_hue() {
    for (peak, convert) in [
        (10_000.0 / 203.0, (|color: [f64; 3]| convert(told(9, PQ), color.map(pq))) as fn([f64; 3]) -> [u8; 3]),
        (1_000.0 / 203.0, |color| convert(told(9, HLG), hlg(color, [0.2627, 0.6780, 0.0593]))),
    ] {
        let [red, green, blue] = convert([1.0; 3]);
        assert!(red >= 235 && green.abs_diff(red) <= 1 && blue.abs_diff(red) <= 1, "{red} {green} {blue}");
        // Ever brighter, up to the peak and never beyond white.
        let greys: Vec<_> = (1..=40).map(|step| convert([peak * f64::from(step) / 40.0; 3])[0]).collect();
        assert!(greys.is_sorted() && *greys.last().unwrap() >= 250, "{greys:?}");
        assert!(convert([1.2; 3])[0] > red);
        // Light of the channels in sRGB stays in proportion.
        for color in [[1.0, 0.5, 0.25], [0.2, 0.9, 1.0], [1.0, 0.2, 0.7]] {
            for gain in [1.0, 2.0, 3.5] {
                let found = light(convert(mixed(TO_BT2020, color.map(|light: f64| light * gain))));
                let most = found.iter().copied().fold(0.0, f64::max);
                let expected = color.map(|light| light * most);
                assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02), "{found:?} for {expected:?}");
            }
        }
    }
}

#[test]
fn saturated_colours_of_srgb_lose_little() {
    for color in [[255, 0, 0], [255, 100, 50], [0, 0, 255], [255, 0, 200]] {
        let wide = mixed(TO_BT2020, light(color));
        near(convert(told(9, PQ), wide.map(pq)), color, 4);
    }
}

#[test]
fn rows_longer_than_a_chunk_are_converted_whole() {
    let conversion = Conversion::of(told(12, 13), 8).unwrap();
    let mut row = [200, 100, 50, 3].repeat(3 * CHUNK + 7);
    conversion.convert(&mut row);
    // By the matrices of CSS Color 4.
    assert!(row.chunks(4).all(|texel| texel == [215, 93, 31, 3]), "{:?}", &row[..4]);
}
