//! Animations through whole requests: what keeps the frames, and that each is treated as a picture.

use crate::support::pictures::{flat, from_fn};
use crate::support::request::{ask, base64, bytes, frames, gif, header, pixels, png};
use crate::support::{fixture, processor};
use pixelpass::error::Code;
use pixelpass::format::{Format, Repeat};
use pixelpass::geometry::Size;
use pixelpass::pixel::{Frame, View};
use pixelpass::plan::Rules;
use pixelpass::processor::Processor;

/// Bound on what a palette may lose, as a signal-to-noise ratio in dB.
const PALETTE_DB: f64 = 45.0;

fn example() -> Vec<u8> {
    fixture("images/gif/example.gif")
}

/// The chain `process` with the dice under the key `d`.
fn run(processor: &Processor, process: &str, source: &[u8]) -> Vec<u8> {
    let dice = fixture("demo/dice.png");
    let answer = ask(processor, process, source, &[("d", &dice)]);
    answer.unwrap_or_else(|error| panic!("{process}: {error}")).bytes
}

/// How near two pictures are, in dB, when alpha is cut as GIF cuts it: at 128.
fn likeness_db(a: &View, b: &View) -> f64 {
    let cut = |pixels: &View| -> Vec<u8> {
        let bytes = pixels.to_vec();
        let texel = |texel: &[u8]| if texel[3] < 128 { [0; 4] } else { [texel[0], texel[1], texel[2], 255] };
        bytes.chunks_exact(4).flat_map(texel).collect()
    };
    let (a, b) = (cut(a), cut(b));
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.max(1e-9)).log10()
}

/// Chains that keep the frames of example.gif, 500x300, with the size that they give.
fn keeping() -> [(String, Size); 5] {
    [
        ("image/resize,w_200".to_owned(), Size::new(200, 120)),
        ("image/crop,x_100,y_50,w_150,h_120".to_owned(), Size::new(150, 120)),
        ("image/rotate,90".to_owned(), Size::new(300, 500)),
        (format!("image/watermark,image_{}", base64("d?x-oss-process=image/resize,P_30")), Size::new(500, 300)),
        ("image/resize,w_250/rotate,270/crop,w_100/watermark,text_SGVsbG8".to_owned(), Size::new(100, 250)),
    ]
}

#[test]
fn four_actions_keep_frames_times_and_loops() {
    let (before, repeat) = frames(&example());
    assert_eq!(before.len(), 3);
    for (process, size) in keeping() {
        let answer = run(&processor(), &process, &example());
        let probe = header(&answer);
        assert_eq!((probe.format, probe.frames, probe.size), (Format::Gif, 3, size), "{process}");
        let (after, again) = frames(&answer);
        assert_eq!(again, repeat, "{process}");
        let times = |frames: &[(Frame, u32)]| frames.iter().map(|(_, time)| *time).collect::<Vec<_>>();
        assert_eq!(times(&after), times(&before), "{process}");
        for (number, ((before, _), (after, _))) in before.iter().zip(&after).enumerate() {
            let alone = pixels(&run(&processor(), &process, &png(before)));
            let found = likeness_db(&alone.view(), &after.view());
            assert!(found > PALETTE_DB, "{process}: frame {number} has {found} dB");
        }
    }
}

/// Three frames of four colours, in which each pixel tells where it was.
fn four_colors() -> Vec<(Frame, u32)> {
    let colors = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [0, 0, 0, 255]];
    let frame = |number: u32| from_fn(Size::new(9, 5), |x, y| colors[((x * x + 3 * y + number) % 4) as usize]);
    vec![(frame(0), 50), (frame(1), 120), (frame(2), 1000)]
}

#[test]
fn few_colours_stay_exact() {
    let red = png(&flat(Size::new(2, 1), [255, 0, 0, 255]));
    for repeat in [Repeat::Forever, Repeat::Times(1), Repeat::Times(4)] {
        let source = gif(&four_colors(), repeat);
        for chain in [
            "crop,x_2,y_1,w_5,h_3",
            "rotate,90",
            "rotate,180",
            "watermark,image_cg,g_nw,x_3,y_2",
            "watermark,image_cg,fill_1,padx_1,pady_1/rotate,270/crop,h_4",
            "resize,w_9",
        ] {
            let process = format!("image/{chain}");
            let pictures = [("r", red.as_slice())];
            let answer = ask(&processor(), &process, &source, &pictures).expect(&process);
            let (found, again) = frames(&answer.bytes);
            assert_eq!(again, repeat, "{process}");
            assert_eq!(found.len(), 3, "{process}");
            for ((frame, time), (before, expected)) in found.iter().zip(four_colors()) {
                assert_eq!(*time, expected, "{process}");
                let alone = ask(&processor(), &process, &png(&before), &pictures).expect(&process);
                assert_eq!(frame.view().to_vec(), pixels(&alone.bytes).view().to_vec(), "{process}");
            }
        }
    }
}

#[test]
fn everything_else_leaves_the_first_frame() {
    let source = example();
    let size = Size::new(500, 300);
    for (chain, format, size) in [
        ("blur,r_3,s_2", Format::Gif, size),
        ("quality,q_80", Format::Gif, size),
        ("auto-orient,0", Format::Gif, size),
        ("auto-orient,1", Format::Gif, size),
        ("flip,0", Format::Gif, size),
        ("resize,w_100/sharpen,100", Format::Gif, Size::new(100, 60)),
        ("resize,p_50", Format::Gif, Size::new(250, 150)),
        ("format,png", Format::Png, size),
        ("format,webp", Format::WebP, size),
        ("format,src", Format::Jpeg, size),
    ] {
        let probe = header(&bytes(&format!("image/{chain}"), &source));
        assert_eq!((probe.frames, probe.format, probe.size), (1, format, size), "{chain}");
    }
    for chain in ["format,gif", "interlace,1"] {
        let probe = header(&bytes(&format!("image/{chain}"), &source));
        assert_eq!((probe.frames, probe.format), (3, Format::Gif), "{chain}");
    }
    // It is the first one indeed.
    let found = pixels(&bytes("image/format,png", &source));
    assert_eq!(found.view().to_vec(), frames(&source).0[0].0.view().to_vec());
}

#[test]
fn frames_may_be_kept_where_the_documentation_drops_them() {
    let keeping = Processor { rules: Rules { keep_frames: true, ..processor().rules }, ..processor() };
    for (chain, count) in [("resize,w_100/quality,q_80", 3), ("auto-orient,1", 3), ("quality,q_80/flip,1", 1)] {
        let answer = ask(&keeping, &format!("image/{chain}"), &example(), &[]).expect(chain);
        assert_eq!(header(&answer.bytes).frames, count, "{chain}");
        assert_eq!(header(&bytes(&format!("image/{chain}"), &example())).frames, 1, "{chain}");
    }
}

#[test]
fn an_animation_is_never_enlarged() {
    for chain in ["resize,w_600,limit_0", "resize,m_fixed,w_600,h_600,limit_0", "resize,m_fill,w_501,h_10,limit_0"] {
        let probe = header(&bytes(&format!("image/{chain}"), &example()));
        assert_eq!((probe.size, probe.frames), (Size::new(500, 300), 3), "{chain}");
    }
}

#[test]
fn animated_webp_is_a_switch() {
    let source = fixture("images/webp/anim_lossless_alpha.webp");
    let (before, repeat) = frames(&source);
    assert_eq!((before.len(), repeat), (4, Repeat::Times(3)));
    let off = Processor { animated_webp: false, ..processor() };
    for process in ["image/rotate,90", "image/info", "image/format,png"] {
        let error = ask(&off, process, &source, &[]).expect_err(process);
        assert_eq!((error.code, error.message.as_ref()), (Code::BadWebPImage, "The webp image file may be damaged."));
    }
    let answer = bytes("image/rotate,90", &source);
    let size = header(&source).size.swapped();
    let probe = header(&answer);
    assert_eq!((probe.format, probe.frames, probe.size), (Format::WebP, 4, size));
    let (after, again) = frames(&answer);
    assert_eq!(again, repeat);
    let times = |frames: &[(Frame, u32)]| frames.iter().map(|(_, time)| *time).collect::<Vec<_>>();
    assert_eq!(times(&after), times(&before));
    assert_eq!(header(&bytes("image/flip,0", &source)).frames, 1);
}

#[cfg(feature = "gpu")]
#[test]
fn both_engines_agree_on_animations() {
    use crate::support::gpu;
    use pixelpass::engine::choice::Setting;
    use pixelpass::engine::{Engine, Kind};
    use std::sync::Arc;
    let Some(engine) = gpu::engine_of_its_own() else { return };
    let adapter = Some(engine.facts().clone());
    let gpu: Arc<dyn Engine> = Arc::new(engine);
    let on_gpu = Processor { gpu: Some(gpu), adapter, setting: Setting::Gpu, ..processor() };
    let dice = fixture("demo/dice.png");
    for (process, _) in keeping() {
        let answer = ask(&on_gpu, &process, &example(), &[("d", &dice)]).expect(&process);
        assert_eq!(answer.engine, Kind::Gpu, "{process}: {}", answer.reason);
        let (found, expected) = (frames(&answer.bytes), frames(&run(&processor(), &process, &example())));
        assert_eq!((found.0.len(), found.1), (expected.0.len(), expected.1), "{process}");
        for ((found, time), (expected, expected_time)) in found.0.iter().zip(&expected.0) {
            assert_eq!(time, expected_time, "{process}");
            // A level before the palette may pick another entry of it.
            assert!(likeness_db(&found.view(), &expected.view()) > 40.0, "{process}");
        }
    }
}
