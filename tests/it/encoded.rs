//! How answers are encoded, as recorded answers of the service are: qualities, samplings, kinds of PNG.

use crate::support::jpegs::{SAMPLINGS, jpeg};
use crate::support::pictures::from_fn;
use crate::support::request::{ask, png};
use crate::support::{cpu, fixture, processor};
use pixelpass::codec;
use pixelpass::engine::Engine;
use pixelpass::engine::cpu::CpuEngine;
use pixelpass::format::Format;
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
        let gpu: Option<Arc<dyn Engine>> = Some(Arc::new(engine));
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

/// The quantiser of a lossy WebP's frame. Source: RFC 6386, section 9.
fn base_quantiser(file: &[u8]) -> u8 {
    let at = file.windows(4).position(|name| name == b"VP8 ").expect("a lossy picture") + 8;
    let mut bits = BoolDecoder::new(&file[at + 10..]);
    bits.literal(2);
    if bits.literal(1) == 1 {
        let (map, data) = (bits.literal(1), bits.literal(1));
        if data == 1 {
            bits.literal(1);
            (0..4).for_each(|_| _ = bits.optional(7));
            (0..4).for_each(|_| _ = bits.optional(6));
        }
        if map == 1 {
            (0..3).for_each(|_| {
                if bits.literal(1) == 1 {
                    bits.literal(8);
                }
            });
        }
    }
    bits.literal(1 + 6 + 3);
    if bits.literal(1) == 1 && bits.literal(1) == 1 {
        (0..8).for_each(|_| _ = bits.optional(6));
    }
    bits.literal(2);
    bits.literal(7) as u8
}

/// Reads evenly likely bits. Source: RFC 6386, section 7.3.
struct BoolDecoder<'a> {
    bytes: std::slice::Iter<'a, u8>,
    value: u32,
    range: u32,
    bits: u32,
}

impl BoolDecoder<'_> {
    fn new(bytes: &[u8]) -> BoolDecoder<'_> {
        let mut bytes = bytes.iter();
        let mut next = || u32::from(*bytes.next().expect("a header"));
        let value = next() << 8 | next();
        BoolDecoder { bytes, value, range: 255, bits: 0 }
    }

    fn bit(&mut self) -> u32 {
        let split = 1 + ((self.range - 1) * 128 >> 8);
        let bit = u32::from(self.value >= split << 8);
        if bit == 1 {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.bits += 1;
            if self.bits == 8 {
                self.bits = 0;
                self.value |= u32::from(*self.bytes.next().expect("a header"));
            }
        }
        bit
    }

    fn literal(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |value, _| value << 1 | self.bit())
    }

    /// A number of `count` bits and a sign, if a flag says that it is there.
    fn optional(&mut self, count: u32) -> Option<u32> {
        (self.bit() == 1).then(|| self.literal(count + 1))
    }
}

#[test]
fn webp_is_of_quality_80_unless_told() {
    let quantiser = |source: &[u8], process: &str| {
        let answer = ask(&processor(), process, source, &[]).unwrap_or_else(|error| panic!("{process}: {error}"));
        assert_eq!(answer.content_type, "image/webp");
        base_quantiser(&answer.bytes)
    };
    let jpegs = [40, 82, 98].map(|quality| jpeg(&colours(), SAMPLINGS[4].1, quality));
    let others = [fixture("demo/dice.png"), png(&colours()), fixture("images/webp/lossy_alpha.webp")];
    for source in jpegs.iter().chain(&others) {
        // Recorded answers have 27, which is what libwebp makes of 80.
        assert_eq!(quantiser(source, "image/resize,w_60/format,webp"), 27);
    }
    // Where one is asked for, a JPEG's own quality counts: 82 · 50 % is 41, and at most 82.
    let asked = |source: &[u8], quality: &str| quantiser(source, &format!("image/format,webp/quality,{quality}"));
    let photo = &jpegs[1];
    assert_eq!(asked(photo, "q_50"), asked(&others[1], "q_41"));
    assert_eq!(asked(photo, "Q_99"), asked(&others[1], "q_82"));
    assert!(asked(photo, "q_50") > asked(photo, "Q_99"));
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
fn the_yardsticks_see_what_they_should() {
    let one = |layout: usize| sampling(&jpeg(&colours(), SAMPLINGS[layout].1, 95));
    assert_eq!(one(2), [(2, 1), (1, 1), (1, 1)]);
    assert_eq!(one(3), [(1, 2), (1, 1), (1, 1)]);
    let by_quality = |quality| {
        let process = format!("image/format,webp/quality,q_{quality}");
        base_quantiser(&ask(&processor(), &process, &png(&colours()), &[]).expect("an answer").bytes)
    };
    // libwebp's quality 75, the library's own default, has 36 here.
    let found = [10, 40, 75, 80, 95].map(by_quality);
    assert!(found.is_sorted_by(|worse, better| worse > better), "{found:?}");
}
