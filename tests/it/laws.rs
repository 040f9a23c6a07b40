//! Hand-worked values and laws, by the CPU engine (parity carries them over to the GPU).

use crate::support::compare::{Difference, difference};
use crate::support::pictures::{flat, from_fn, noise};
use crate::support::{cpu, plan, plan_of, planned, run};
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::color::Color;
use pixelpass::engine::Engine;
use pixelpass::error::Code;
use pixelpass::format::{Format, Output, Probe};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::kernel::Args;
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::plan::weights::Resample;
use pixelpass::plan::{Canvas, Plan, Rules};
use pixelpass::process::registry;
use std::sync::Arc;

fn process(text: &str, picture: &Frame, alpha: bool) -> Frame {
    run(&cpu(), &plan(text, picture.size(), alpha), picture)
}

fn texels(frame: &Frame) -> Vec<[u32; 4]> {
    let size = frame.size();
    (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y))).map(|(x, y)| frame.view().texel(x, y)).collect()
}

/// Pictures in which each pixel is known by its number.
fn numbered(width: u32, height: u32) -> Frame {
    from_fn(Size::new(width, height), |x, y| [(y * width + x) as u8, 0, 0, 255])
}

fn reds(frame: &Frame) -> Vec<u32> {
    texels(frame).iter().map(|texel| texel[0]).collect()
}

#[test]
fn flips_by_hand() {
    // 0 1 2
    // 3 4 5
    let picture = numbered(3, 2);
    assert_eq!(reds(&process("image/flip,0", &picture, false)), [3, 4, 5, 0, 1, 2]);
    assert_eq!(reds(&process("image/flip,1", &picture, false)), [2, 1, 0, 5, 4, 3]);
    assert_eq!(reds(&process("image/flip,2", &picture, false)), [5, 4, 3, 2, 1, 0]);
}

#[test]
fn the_eight_orientations_by_hand() {
    let picture = numbered(3, 2);
    let expected: [(u32, &[u32]); 8] = [
        (1, &[0, 1, 2, 3, 4, 5]),
        (2, &[2, 1, 0, 5, 4, 3]),
        (3, &[5, 4, 3, 2, 1, 0]),
        (4, &[3, 4, 5, 0, 1, 2]),
        (5, &[0, 3, 1, 4, 2, 5]),
        (6, &[3, 0, 4, 1, 5, 2]),
        (7, &[5, 2, 4, 1, 3, 0]),
        (8, &[2, 5, 1, 4, 0, 3]),
    ];
    for (value, expected) in expected {
        let plan = plan_of(picture.size(), false, |canvas| canvas.orient(Orientation::from_exif(value)));
        assert_eq!(reds(&run(&cpu(), &plan, &picture)), expected, "orientation {value}");
    }
}

#[test]
fn crops_by_hand() {
    let picture = numbered(4, 3);
    assert_eq!(reds(&process("image/crop,x_1,y_1,w_2,h_2", &picture, false)), [5, 6, 9, 10]);
    assert_eq!(reds(&process("image/crop,w_2,h_1,g_se", &picture, false)), [10, 11]);
    assert_eq!(reds(&process("image/indexcrop,x_3,i_1", &picture, false)), [3, 7, 11]);
}

#[test]
fn padding_by_hand() {
    let picture = flat(Size::new(2, 1), [10, 20, 30, 255]);
    let padded = process("image/resize,m_pad,w_4,h_3,color_010203", &picture, false);
    let (inside, border) = ([10, 20, 30, 255], [1, 2, 3, 255]);
    let mut expected = vec![border; 12];
    expected[5] = inside;
    expected[6] = inside;
    assert_eq!(texels(&padded), expected);
}

#[test]
fn sharpening_by_hand() {
    // A lone 200 among 100s, amount 100: 200 + 0.2 · (800 − 400) = 280 → 255; a neighbour:
    // 100 + 0.2 · (400 − 500) = 80.
    let picture = from_fn(Size::new(3, 3), |x, y| {
        let value = if (x, y) == (1, 1) { 200 } else { 100 };
        [value, value, value, 255]
    });
    assert_eq!(reds(&process("image/sharpen,100", &picture, false)), [100, 80, 100, 80, 255, 80, 100, 80, 100]);
    // A neighbour counts by its alpha: 200 beside 100 of alpha 51, a fifth, and its own copies at the other
    // edges: 200 + 0.2 · 0.2 · 100 = 204; the neighbour itself 100 + 0.2 · (100 − 200) = 80.
    let soft = from_fn(Size::new(2, 1), |x, _| if x == 0 { [200, 200, 200, 255] } else { [100, 100, 100, 51] });
    assert_eq!(texels(&process("image/sharpen,100", &soft, true)), [[204, 204, 204, 255], [80, 80, 80, 51]]);
}

#[test]
fn a_shape_of_one_colour_keeps_it_when_it_is_sharpened() {
    // Alphas of every kind, colours of nothing where nothing shows.
    let picture = from_fn(Size::new(61, 17), |x, y| match (x * 7 + y * 13) % 64 * 4 {
        0 => [0, 255, 17, 0],
        alpha => [230, 120, 40, alpha as u8],
    });
    for texel in texels(&process("image/sharpen,399", &picture, true)) {
        assert!(texel[3] == 0 || texel[..3] == [230, 120, 40], "{texel:?}");
    }
}

#[test]
fn blurring_by_hand() {
    // Radius 1, sigma 1: weights e^-½ : 1 : e^-½ = 0.27406, 0.45186. A white pixel in a black row:
    // 255 · 0.45186 = 115.2, 255 · 0.27406 = 69.9. Along y every neighbour is the same (height 1).
    let picture = from_fn(Size::new(5, 1), |x, _| if x == 2 { [255; 4] } else { [0, 0, 0, 255] });
    assert_eq!(reds(&process("image/blur,r_1,s_1", &picture, false)), [0, 70, 115, 70, 0]);
}

fn by_area() -> Rules {
    Rules { resample: Resample::Area, ..Rules::default() }
}

#[test]
fn halving_by_area_by_hand() {
    let values = [[10u8, 20, 30, 50], [20, 31, 50, 71]];
    let picture = from_fn(Size::new(4, 2), |x, y| {
        let value = values[y as usize][x as usize];
        [value, value, value, 255]
    });
    // Down first: 15, 26 (25.5 rounds up), 40, 61 (60.5); then across: 21 (20.5), 51 (50.5).
    let probe = crate::support::probe(picture.size(), false);
    let plan = Arc::new(planned("image/resize,m_fixed,w_2,h_1", &probe, &by_area()).unwrap());
    assert_eq!(reds(&run(&cpu(), &plan, &picture)), [21, 51]);
}

#[test]
fn area_stays_within_a_level_of_the_exact_mean() {
    let picture = noise(Size::new(103, 61), false);
    let (width, height) = (17, 11);
    let probe = crate::support::probe(picture.size(), false);
    let plan = Arc::new(planned("image/resize,m_fixed,w_17,h_11", &probe, &by_area()).unwrap());
    let result = run(&cpu(), &plan, &picture);
    let overlap =
        |pixel: u32, low: f64, high: f64| (f64::from(pixel + 1).min(high) - f64::from(pixel).max(low)).max(0.0);
    for y in 0..height {
        for x in 0..width {
            let (scale_x, scale_y) = (103.0 / f64::from(width), 61.0 / f64::from(height));
            let (mut sum, mut area) = (0.0, 0.0);
            for source_y in 0..61 {
                for source_x in 0..103 {
                    let part = overlap(source_x, f64::from(x) * scale_x, f64::from(x + 1) * scale_x)
                        * overlap(source_y, f64::from(y) * scale_y, f64::from(y + 1) * scale_y);
                    sum += part * f64::from(picture.view().texel(source_x, source_y)[0]);
                    area += part;
                }
            }
            let found = f64::from(result.view().texel(x, y)[0]);
            assert!((found - sum / area).abs() <= 1.0, "({x}, {y}): {found} for {}", sum / area);
        }
    }
}

#[test]
fn corners_by_hand() {
    // r = 1 on 2x2: every pixel is a corner with coverage 0.7929: 255 · 0.7929 = 202.2.
    let rounded = process("image/rounded-corners,r_1", &flat(Size::new(2, 2), [9, 9, 9, 255]), false);
    assert_eq!(texels(&rounded), vec![[9, 9, 9, 202]; 4]);
    // The smallest circle: corners 255 · 0.5858 = 149.4.
    let disc = process("image/circle,r_1", &flat(Size::new(5, 3), [9, 9, 9, 255]), false);
    let alphas: Vec<_> = texels(&disc).iter().map(|texel| texel[3]).collect();
    assert_eq!(alphas, [149, 255, 149, 255, 255, 255, 149, 255, 149]);
}

#[test]
fn what_is_cut_away_flattens_to_white() {
    let picture = flat(Size::new(99, 99), [200, 10, 10, 255]);
    let flattened = process("image/circle,r_49/format,jpg", &picture, false);
    assert_eq!(flattened.view().texel(0, 0), [255, 255, 255, 255]);
    assert_eq!(flattened.view().texel(49, 49), [200, 10, 10, 255]);
    // Half transparent red over white: 200 · ½ + 255 · ½ = 227.4; 10 → 132.0
    let half = process("image/format,jpg", &flat(Size::new(1, 1), [200, 10, 10, 128]), true);
    assert_eq!(half.view().texel(0, 0), [227, 132, 132, 255]);
}

#[test]
fn twice_flipped_is_unchanged() {
    let picture = noise(Size::new(31, 17), true);
    for way in 0..=2 {
        let twice = process(&format!("image/flip,{way}/sharpen,50/flip,{way}"), &picture, true);
        let sharpened = process("image/sharpen,50", &picture, true);
        assert_eq!(difference(&twice.view(), &sharpened.view()), Difference::NONE, "flip,{way}");
    }
}

#[test]
fn a_constant_stays_constant() {
    for texel in [[200, 100, 50, 255], [200, 100, 50, 10], [1, 254, 128, 3]] {
        let picture = flat(Size::new(61, 43), texel);
        let alpha = texel[3] < 255;
        for text in [
            "image/blur,r_50,s_50",
            "image/blur,r_1,s_50",
            "image/sharpen,399",
            "image/resize,w_17",
            "image/resize,w_97,limit_0",
        ] {
            let result = process(text, &picture, alpha);
            let expected = flat(result.size(), texel);
            assert_eq!(difference(&result.view(), &expected.view()), Difference::NONE, "{text} of {texel:?}");
        }
    }
}

#[test]
fn resizing_to_its_own_size_changes_nothing() {
    let picture = noise(Size::new(31, 17), true);
    for text in
        ["image/resize,w_31", "image/resize,m_fixed,w_31,h_17", "image/resize,m_fill,w_31,h_17", "image/resize,p_100"]
    {
        let same = process(text, &picture, true);
        assert_eq!(difference(&same.view(), &picture.view()), Difference::NONE, "{text}");
    }
}

#[test]
fn neutral_values_change_nothing() {
    let picture = noise(Size::new(31, 17), true);
    for text in ["image/bright,0", "image/contrast,0", "image/crop", "image/indexcrop,x_10,i_9", "image/resize,w_500"] {
        let same = process(text, &picture, true);
        assert_eq!(difference(&same.view(), &picture.view()), Difference::NONE, "{text}");
    }
}

#[test]
fn effects_keep_alpha() {
    let picture = noise(Size::new(41, 29), true);
    for text in ["image/blur,r_5,s_3", "image/sharpen,200", "image/bright,40", "image/contrast,-40"] {
        let result = process(text, &picture, true);
        let alphas = |frame: &Frame| texels(frame).iter().map(|texel| texel[3]).collect::<Vec<_>>();
        assert_eq!(alphas(&result), alphas(&picture), "{text}");
    }
}

#[test]
fn no_halo_at_transparent_edges() {
    // Opaque red beside fully transparent green: nothing visible may turn green or dark.
    let picture = from_fn(Size::new(64, 64), |x, _| if x < 30 { [255, 0, 0, 255] } else { [0, 255, 0, 0] });
    for text in ["image/resize,w_23", "image/resize,w_150,limit_0", "image/blur,r_9,s_4", "image/sharpen,300"] {
        for texel in texels(&process(text, &picture, true)) {
            assert!(texel[3] == 0 || texel[..3] == [255, 0, 0], "{text}: {texel:?}");
        }
    }
}

#[test]
fn a_blur_weighs_colour_by_alpha_in_both_directions() {
    // Of a 3x3 picture only the corner (0, 0) and the centre are opaque. At the centre each weighs
    // by its Gauss weights: a = e^-½, so the corner's share is a² against the centre's 1.
    let picture = from_fn(Size::new(3, 3), |x, y| match (x, y) {
        (0, 0) => [200, 0, 0, 255],
        (1, 1) => [100, 0, 0, 255],
        _ => [0, 255, 0, 0],
    });
    let a = (-0.5f64).exp();
    let expected = (200.0 * a * a + 100.0) / (a * a + 1.0);
    let centre = process("image/blur,r_1,s_1", &picture, true).view().texel(1, 1);
    // Alpha is rounded to 8 bits between the passes: within a level.
    assert!((f64::from(centre[0]) - expected).abs() <= 1.0, "{centre:?} for {expected}");
    assert_eq!(centre[3], 255);
}

#[test]
fn resizing_agrees_with_pillow() {
    // Pillow's own Lanczos, an axis at a time, vertical first: see fixtures/vectors/make.py.
    let picture = |name: &str| {
        let bytes = crate::support::fixture(&format!("vectors/{name}.png"));
        let pixels = image::load_from_memory(&bytes).expect("a PNG").into_rgba8();
        Frame::packed(Size::new(pixels.width(), pixels.height()), pixels.into_raw())
    };
    let source = picture("source");
    for size in [Size::new(150, 100), Size::new(61, 200), Size::new(333, 35), Size::new(5, 3), Size::new(340, 221)] {
        let text = format!("image/resize,m_fixed,w_{},h_{},limit_0", size.width, size.height);
        let found = difference(&process(&text, &source, false).view(), &picture(&format!("lanczos-{size}")).view());
        // Ties between fixed point and floating point only.
        assert!(found.within(Difference { largest: 1, share: 0.0005 }), "{size}: {found:?}");
    }
}

#[test]
fn resizing_agrees_with_the_image_crate() {
    // The same kernel, unrounded between the passes: a level apart where nothing overshoots.
    for (size, target) in [(Size::new(200, 150), Size::new(77, 51)), (Size::new(60, 45), Size::new(133, 101))] {
        let picture = from_fn(size, |x, y| [(x * 255 / size.width) as u8, (y * 255 / size.height) as u8, 77, 255]);
        let text = format!("image/resize,m_fixed,w_{},h_{},limit_0", target.width, target.height);
        let ours = process(&text, &picture, false);
        let theirs = image::RgbaImage::from_raw(size.width, size.height, picture.view().to_vec()).unwrap();
        let filter = image::imageops::FilterType::Lanczos3;
        let theirs = image::imageops::resize(&theirs, target.width, target.height, filter);
        let found = difference(&ours.view(), &Frame::packed(target, theirs.into_raw()).view());
        assert!(found.largest <= 1, "{text}: {found:?}");
    }
}

#[test]
fn decoding_small_stays_near_a_full_decode() {
    // Geometry: a reduced decode covers the same picture, also where the sides do not divide.
    let size = Size::new(4005, 3003);
    let probe = |format| Probe { format, ..crate::support::probe(size, false) };
    let plan = |format| planned("image/resize,w_300", &probe(format), &Rules::default()).unwrap();
    let (small, full) = (plan(Format::Jpeg), plan(Format::Png));
    assert_eq!((small.layers[0].reduction, full.layers[0].reduction), (8, 1));
    // A ramp that is the same function of place in both: value = x / width.
    let picture = |size: Size, length: f64| {
        from_fn(size, |x, _| {
            let value = ((f64::from(x) + 0.5) / length * 255.0) as u8;
            [value, value, value, 255]
        })
    };
    let small_result = run(&cpu(), &Arc::new(small), &picture(Size::new(501, 376), 4005.0 / 8.0));
    let full_result = run(&cpu(), &Arc::new(full), &picture(size, 4005.0));
    let found = difference(&small_result.view(), &full_result.view());
    assert!(found.largest <= 1, "{found:?}");
}

#[test]
fn decoding_small_keeps_the_quality_of_a_full_decode() {
    // The bound under which a reduced decode may be used at all: against a full decode and the
    // same resampler, on photographs.
    for file in ["demo/photo.jpg", "demo/landscape.jpg"] {
        let bytes = crate::support::fixture(file);
        let probe = codec::probe(&bytes, &Limits::OSS).unwrap();
        for process in ["image/resize,w_100", "image/resize,w_300", "image/resize,w_449"] {
            let plan = |format| {
                let probe = Probe { format, ..probe.clone() };
                Arc::new(planned(process, &probe, &Rules::default()).unwrap())
            };
            let result = |plan: &Arc<Plan>| {
                let mut frame = cpu().frame(plan.layers[0].size).unwrap_or_else(|declined| panic!("{declined}"));
                let reduction = plan.layers[0].reduction;
                codec::decode(&bytes, &probe, reduction, &mut frame.view_mut(), &Cancel::never()).unwrap();
                run(&cpu(), plan, &frame)
            };
            let (small, full) = (plan(Format::Jpeg), plan(Format::Png));
            assert!(small.layers[0].reduction > 1 && full.layers[0].reduction == 1);
            let found = psnr_db(&result(&small), &result(&full));
            assert!(found > 40.0, "{file} {process}: {found:.1} dB");
        }
    }
}

/// Peak signal to noise ratio of two pictures in dB.
fn psnr_db(a: &Frame, b: &Frame) -> f64 {
    let pairs = texels(a).into_iter().zip(texels(b));
    let squares: f64 =
        pairs.flat_map(|(a, b)| (0..3).map(move |channel| f64::from(a[channel].abs_diff(b[channel])).powi(2))).sum();
    10.0 * (255.0 * 255.0 / (squares / (a.size().pixels() as f64 * 3.0)).max(1e-9)).log10()
}

#[test]
fn a_fill_keeps_the_centre_of_the_scaled_picture() {
    let picture = noise(Size::new(120, 47), false);
    let filled = process("image/resize,m_fill,w_30,h_30", &picture, false);
    let cut = process("image/resize,h_30/crop,w_30,h_30,x_23", &picture, false);
    // 120 · 30 / 47 = 76.6 → 77; (77 − 30) / 2 = 23.
    assert_eq!(difference(&filled.view(), &cut.view()), Difference::NONE);
}

#[test]
fn a_resize_reads_through_a_crop() {
    let picture = noise(Size::new(90, 50), true);
    for (crop, resize) in [
        ("crop,x_31,y_13,w_40,h_20", "resize,m_fixed,w_17,h_9"),
        ("crop,w_50,h_50,g_se", "resize,m_fixed,w_50,h_11"),
        ("crop,x_80,w_10", "resize,m_fill,w_30,h_30,limit_0"),
        ("indexcrop,x_20,i_4", "resize,m_fixed,w_3,h_50"),
    ] {
        let at_once = process(&format!("image/{crop}/{resize}"), &picture, true);
        let cropped = process(&format!("image/{crop}"), &picture, true);
        let in_turn = process(&format!("image/{resize}"), &cropped, true);
        assert_eq!(difference(&at_once.view(), &in_turn.view()), Difference::NONE, "{crop}/{resize}");
    }
}

#[test]
fn turning_before_or_after_a_resize_is_the_same_picture() {
    let picture = noise(Size::new(90, 50), false);
    let turned_first = plan_of(picture.size(), false, |canvas| {
        canvas.orient(Orientation::Turn90);
        scale_to(canvas, 25, 45);
    });
    let turned_alone = plan_of(picture.size(), false, |canvas| canvas.orient(Orientation::Turn90));
    let turned = run(&cpu(), &turned_alone, &picture);
    let then_scaled = plan_of(turned.size(), false, |canvas| scale_to(canvas, 25, 45));
    let one = run(&cpu(), &turned_first, &picture);
    let two = run(&cpu(), &then_scaled, &turned);
    // Mirrored taps are added in the opposite order: a tie may round the other way.
    assert!(difference(&one.view(), &two.view()).within(Difference { largest: 1, share: 0.001 }));
}

fn scale_to(canvas: &mut Canvas, width: u32, height: u32) {
    let fit = pixelpass::geometry::Fit::Fixed;
    let placement = pixelpass::geometry::place(fit, canvas.size(), Size::new(width, height), true).unwrap();
    canvas.resize(&placement, Color::WHITE).unwrap();
}

#[test]
fn every_example_plans_for_every_shape() {
    let output = Output::still(Format::Png);
    assert_eq!(output.to_string(), "png");
    for (_, example) in registry::examples() {
        for (width, height) in [(1, 1), (1, 4096), (4096, 1), (400, 267), (3000, 2000)] {
            let probe = crate::support::probe(Size::new(width, height), true);
            match planned(example, &probe, &Rules::default()) {
                Ok(plan) => assert!(plan.result_size().shortest_side() > 0),
                // A crop may begin beside a narrow picture, an enlarged one may pass the limits.
                Err(error) => {
                    assert!(matches!(error.code, Code::BadRequest | Code::ImageTooLarge), "{example}: {error}")
                }
            }
        }
    }
}

/// One pass of `plan` with its weights in f32, for comparison: the table that the same step has for
/// a picture with alpha.
fn exactly(opaque: &Plan, premultiplied: &Plan, picture: &Frame) -> Vec<[f64; 3]> {
    let (Args::Convolve(params), Some(table)) = (opaque.passes[0].args, &premultiplied.passes[0].table) else {
        panic!("no convolve: {opaque}")
    };
    let view = picture.view();
    let sum = |x: u32, y: u32| {
        let (place, across) = if params.axis == 0 { (x, y + params.cross) } else { (y, x + params.cross) };
        let row = &table[(place * params.stride) as usize..][..1 + params.taps as usize];
        let mut sum = [0f64; 3];
        for (tap, weight) in (0..).zip(&row[1..]) {
            let along =
                (row[0] as i32 + (place * params.advance) as i32 + tap).clamp(params.low, params.high - 1) as u32;
            let texel = if params.axis == 0 { view.texel(along, across) } else { view.texel(across, along) };
            for channel in 0..3 {
                sum[channel] += f64::from(f32::from_bits(*weight)) * f64::from(texel[channel]);
            }
        }
        sum
    };
    (0..params.height).flat_map(|y| (0..params.width).map(move |x| (x, y))).map(|(x, y)| sum(x, y)).collect()
}

/// The bound of fixed point: never more than a level from the exact sum's rounding, and equal to it
/// in all but one of a thousand values of a photograph, or one of two hundred of noise.
#[test]
fn sums_in_fixed_point_are_the_exact_ones_but_for_ties() {
    let bytes = crate::support::fixture("demo/landscape.jpg");
    let probe = codec::probe(&bytes, &Limits::OSS).unwrap();
    let mut photo = cpu().frame(probe.size).unwrap_or_else(|declined| panic!("{declined}"));
    codec::decode(&bytes, &probe, 1, &mut photo.view_mut(), &Cancel::never()).unwrap();
    for (picture, most) in [(photo, 0.001), (noise(Size::new(301, 203), false), 0.005)] {
        let Size { width, height } = picture.size();
        let size = |width: u32, height: u32| format!("image/resize,m_fixed,w_{width},h_{height},limit_0");
        for text in [
            size(width * 10 / 16, height),
            size(width, height * 10 / 16),
            size(width / 4, height),
            size(width / 9, height),
            size(width, height * 5 / 4),
            "image/blur,r_3,s_2".to_owned(),
            "image/blur,r_20,s_10".to_owned(),
        ] {
            let probe = |alpha| crate::support::probe(picture.size(), alpha);
            let plan = |alpha| planned(&text, &probe(alpha), &Rules::default()).unwrap();
            let mut opaque = plan(false);
            opaque.passes.truncate(1);
            let exact = exactly(&opaque, &plan(true), &picture);
            let found = texels(&run(&cpu(), &Arc::new(opaque), &picture));
            let mut unlike = 0;
            for (found, exact) in found.iter().zip(&exact) {
                for channel in 0..3 {
                    let exact = (exact[channel] + 0.5).floor().clamp(0.0, 255.0) as u32;
                    assert!(found[channel].abs_diff(exact) <= 1, "{text}: {found:?}");
                    unlike += u32::from(found[channel] != exact);
                }
            }
            let share = f64::from(unlike) / (3 * exact.len()) as f64;
            assert!(share <= most, "{text} of {}: {share}", picture.size());
        }
    }
}
