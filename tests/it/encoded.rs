//! How answers are encoded, as recorded answers of the service are: qualities, samplings, kinds of PNG.

use crate::support::jpegs::{SAMPLINGS, jpeg};
use crate::support::pictures::from_fn;
use crate::support::request::{ask, header, pixels, png};
use crate::support::{cpu, fixture, processor};
use pixelpass::cancel::Cancel;
use pixelpass::codec;

use pixelpass::engine::cpu::CpuEngine;
use pixelpass::format::{Format, Output};
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::processor::Processor;
use std::sync::Arc;

/// A picture in colours, with edges and ramps.
fn colours() -> Frame {
    from_fn(Size::new(121, 83), |x, y| {
        [(2 * x) as u8, (3 * y) as u8, if (x / 9 + y / 7) % 2 == 0 { 200 } else { 40 }, 255]
    })
}

/// The processors of the CPU engine, of the yardstick, which goes over pixels alone, and of the GPU.
fn processors() -> Vec<(&'static str, Processor)> {
    let with = |engine: CpuEngine| Processor { cpu: Arc::new(engine), ..processor() };
    #[cfg_attr(not(feature = "gpu"), expect(unused_mut))]
    let mut all = vec![("cpu", with(cpu())), ("reference", with(CpuEngine::reference()))];
    #[cfg(feature = "gpu")]
    if let Some(engine) = crate::support::gpu::engine_of_its_own() {
        let adapter = Some(engine.facts().clone());
        let gpu: Option<Arc<dyn pixelpass::engine::Engine>> = Some(Arc::new(engine));
        all.push(("gpu", Processor { gpu, adapter, setting: pixelpass::engine::choice::Setting::Gpu, ..processor() }));
    }
    all
}

/// The samplings of a JPEG's components, across and down, as its frame header tells them. Source:
/// ITU-T T.81, section B.2.2.
fn sampling(file: &[u8]) -> Vec<(u8, u8)> {
    let mut at = 2;
    loop {
        let length = usize::from(file[at + 2]) << 8 | usize::from(file[at + 3]);
        if matches!(file[at + 1], 0xc0 | 0xc2) {
            let components = file[at + 10..at + 2 + length].chunks(3);
            return components.map(|component| (component[1] >> 4, component[1] & 15)).collect();
        }
        at += 2 + length;
    }
}

#[test]
fn chroma_is_in_full_from_quality_90_on() {
    let full = vec![(1, 1); 3];
    let halved = vec![(2, 2), (1, 1), (1, 1)];
    for (name, processor) in processors() {
        let check = |source: &[u8], process: &str, quality: u8| {
            let answer = ask(&processor, process, source, &[]).unwrap_or_else(|error| panic!("{process}: {error}"));
            let probe = codec::probe(&answer.bytes, &Limits::OSS).expect("a JPEG");
            assert_eq!((probe.format, probe.quality), (Format::Jpeg, Some(quality)), "{name} {process}");
            let expected = if quality >= 90 { &full } else { &halved };
            assert_eq!(&sampling(&answer.bytes), expected, "{name} {process} at {quality}");
        };
        for quality in [89, 90, 99] {
            for process in
                ["resize,w_40", "resize,w_100", "rotate,90", "blur,r_3,s_2", "interlace,1", "resize,p_150,limit_0"]
            {
                let picture = png(&colours());
                check(&picture, &format!("image/{process}/format,jpg/quality,q_{quality}"), quality);
                for (_, layout) in &SAMPLINGS[1..] {
                    // The source's own quality, and one asked for.
                    check(&jpeg(&colours(), *layout, i32::from(quality)), &format!("image/{process}"), quality);
                    let asked = format!("image/{process}/quality,Q_{quality}");
                    check(&jpeg(&colours(), *layout, 100), &asked, quality);
                }
            }
        }
        // Without any quality asked for or known it is 90.
        check(&png(&colours()), "image/format,jpg", 90);
    }
}

#[test]
fn grey_stays_one_component_at_any_quality() {
    for quality in [80, 95] {
        let source = jpeg(&colours(), SAMPLINGS[0].1, quality);
        let answer = ask(&processor(), "image/resize,w_40", &source, &[]).expect("an answer");
        assert_eq!(sampling(&answer.bytes), [(1, 1)]);
    }
}

#[test]
fn webp_is_of_quality_80_unless_told() {
    let asked = |source: &[u8], process: &str| {
        let answer = ask(&processor(), process, source, &[]).unwrap_or_else(|error| panic!("{process}: {error}"));
        assert_eq!(answer.content_type, "image/webp");
        answer.bytes
    };
    let at = |source: &[u8], quality: u8| asked(source, &format!("image/format,webp/quality,q_{quality}"));
    let jpegs = [40, 82, 98].map(|quality| jpeg(&colours(), SAMPLINGS[4].1, quality));
    let others = [fixture("demo/dice.png"), fixture("images/webp/lossy_odd.webp"), fixture("images/example.jpg")];
    // The same pixels without a quality of their own.
    let plain = |source: &[u8]| {
        let output = Output::still(Format::Png);
        codec::encode(&pixels(source).view(), !header(source).alpha, &output, &Cancel::never()).expect("a PNG")
    };
    for source in jpegs.iter().chain(&others) {
        let plain = plain(source);
        let found = asked(source, "image/format,webp");
        assert!(found == at(&plain, 80));
        assert!(found != at(&plain, 75) && found != at(&plain, 82));
    }
    // Where one is asked for, a JPEG's own quality counts: 82 · 50 % is 41, and at most 82.
    let (photo, plain) = (&jpegs[1], plain(&jpegs[1]));
    assert!(asked(photo, "image/format,webp/quality,q_50") == at(&plain, 41));
    assert!(asked(photo, "image/format,webp/quality,Q_99") == at(&plain, 82));
}

#[test]
fn png_has_eight_bits_of_colour_and_alpha_where_there_is_any() {
    for (source, kind) in [("demo/dice.png", 6), ("images/example.jpg", 2), ("images/png/suite_basn3p04.png", 2)] {
        let answer = ask(&processor(), "image/format,png", &fixture(source), &[]).expect("an answer").bytes;
        // Depth, colour type, compression, filter, not interlaced; then the data of a 32 KiB window.
        assert_eq!(answer[24..29], [8, kind, 0, 0, 0], "{source}");
        assert_eq!(answer[37..43], *b"IDAT\x78\x01", "{source}");
        assert!(answer.ends_with(b"IEND\xae\x42\x60\x82"), "{source}");
    }
}

#[test]
fn other_samplings_are_seen() {
    let told = |layout: usize| sampling(&jpeg(&colours(), SAMPLINGS[layout].1, 95));
    assert_eq!(told(2), [(2, 1), (1, 1), (1, 1)]);
    assert_eq!(told(3), [(1, 2), (1, 1), (1, 1)]);
}
