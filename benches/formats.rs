//! Files to pixels and pixels to files, a format at a time, on one thread.

use divan::Bencher;
use divan::counter::ItemsCount;
use pixelpass::cancel::Cancel;
use pixelpass::codec::{self, Shot};
use pixelpass::format::{Format, Output, Probe, Repeat};
use pixelpass::limits::Limits;
use pixelpass::pixel::{Frame, TEXEL_BYTES};
use std::io::Write;

const STILLS: [(&str, &[u8]); 12] = [
    ("JPEG photo", include_bytes!("../fixtures/demo/landscape.jpg")),
    ("PNG with alpha", include_bytes!("../fixtures/demo/dice.png")),
    ("PNG, indexed", include_bytes!("../fixtures/images/png/palette2_trns_900x600.png")),
    ("PNG photo", include_bytes!("../fixtures/vectors/source.png")),
    ("WebP with alpha", include_bytes!("../fixtures/images/lossy_alpha_400x301.webp")),
    ("WebP, lossless", include_bytes!("../fixtures/images/webp/lossless_simple_300.webp")),
    ("GIF", include_bytes!("../fixtures/images/gif/interlaced_540x330.gif")),
    ("TIFF, LZW", include_bytes!("../fixtures/images/tiff/tiled_lzw_rgb.tif")),
    ("TIFF, deflated", include_bytes!("../fixtures/images/tiff/deflate_rgb16_adobergb.tif")),
    ("BMP", include_bytes!("../fixtures/images/bmp/rgba32_v5.bmp")),
    ("AVIF", include_bytes!("../fixtures/images/avif/rgb_420_odd.avif")),
    ("HEIC", include_bytes!("../fixtures/images/heic/rgb_420_odd.heic")),
];

const ANIMATIONS: [(&str, &[u8]); 2] = [
    ("GIF", include_bytes!("../fixtures/images/gif/anim_30_frames_80x80.gif")),
    ("WebP", include_bytes!("../fixtures/images/webp/anim_rotating_80x80.webp")),
];

fn file(of: &[(&str, &'static [u8])], wanted: &str) -> &'static [u8] {
    of.iter().find(|(name, _)| *name == wanted).map(|(_, bytes)| *bytes).expect("a known file")
}

fn frame(probe: &Probe) -> Frame {
    Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * TEXEL_BYTES])
}

fn pixels(bytes: &[u8]) -> (Frame, bool) {
    let probe = codec::probe(bytes, &Limits::OSS).expect("a picture");
    let mut frame = frame(&probe);
    codec::decode(bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never()).expect("pixels");
    (frame, !probe.alpha)
}

/// Files that this machine reads.
fn readable() -> impl Iterator<Item = &'static str> {
    STILLS.into_iter().filter(|(_, bytes)| codec::probe(bytes, &Limits::OSS).is_ok()).map(|(name, _)| name)
}

#[divan::bench(args = readable())]
fn decode(bencher: Bencher, name: &str) {
    let bytes = file(&STILLS, name);
    let probe = codec::probe(bytes, &Limits::OSS).expect("a picture");
    let mut frame = frame(&probe);
    bencher
        .counter(ItemsCount::new(probe.size.pixels()))
        .bench_local(|| codec::decode(bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never()).expect("pixels"));
}

#[divan::bench(args = readable())]
fn probe(name: &str) -> Probe {
    codec::probe(file(&STILLS, name), &Limits::OSS).expect("a picture")
}

/// Formats that this machine writes, of an opaque photo and of a drawing with alpha.
fn writable() -> impl Iterator<Item = String> {
    let formats = Format::ALL.into_iter().filter(|format| codec::writable().contains(*format));
    let pictures = |format: Format| ["PNG photo", "PNG with alpha"].map(|name| format!("{} of {name}", format.name()));
    // JPEG takes it for granted that all is opaque.
    formats.flat_map(pictures).filter(|case| case != "jpg of PNG with alpha")
}

#[divan::bench(args = writable())]
fn encode(bencher: Bencher, case: &str) {
    let (format, name) = case.split_once(" of ").expect("a format and a file");
    let format = Format::ALL.into_iter().find(|each| each.name() == format).expect("a known format");
    let (frame, opaque) = pixels(file(&STILLS, name));
    let output = Output { quality: 80, ..Output::still(format) };
    bencher
        .counter(ItemsCount::new(frame.size().pixels()))
        .bench_local(|| codec::encode(&frame.view(), opaque, &output, &Cancel::never()).expect("a file"));
}

/// The yardstick of PNG: the `png` crate's fast setting, one filter for all rows.
#[divan::bench(args = ["PNG photo", "PNG with alpha"])]
fn encode_png_by_the_crate(bencher: Bencher, name: &str) {
    let (frame, opaque) = pixels(file(&STILLS, name));
    let size = frame.size();
    let channels = if opaque { 3 } else { TEXEL_BYTES };
    bencher.counter(ItemsCount::new(size.pixels())).bench_local(|| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
        encoder.set_color(if opaque { png::ColorType::Rgb } else { png::ColorType::Rgba });
        encoder.set_compression(png::Compression::Fast);
        encoder.set_filter(png::Filter::Paeth);
        let mut writer = encoder.write_header().expect("a header");
        let mut rows = writer.stream_writer().expect("rows");
        for y in 0..size.height {
            let row: Vec<u8> =
                frame.view().row(y).chunks(TEXEL_BYTES).flat_map(|texel| &texel[..channels]).copied().collect();
            rows.write_all(&row).expect("a row");
        }
        rows.finish().expect("the end");
        writer.finish().expect("a file");
        file
    });
}

fn play(bytes: &[u8]) -> Vec<(Frame, u32)> {
    let probe = codec::probe(bytes, &Limits::OSS).expect("an animation");
    let mut film = codec::animation(bytes, &probe).expect("frames");
    std::iter::from_fn(|| {
        let mut frame = frame(&probe);
        let duration_ms = film.next_frame(&mut frame.view_mut(), &Cancel::never()).expect("a frame")?;
        Some((frame, duration_ms))
    })
    .collect()
}

#[divan::bench(args = ANIMATIONS.map(|(name, _)| name))]
fn decode_animation(name: &str) -> usize {
    play(file(&ANIMATIONS, name)).len()
}

#[divan::bench(args = [Format::Gif, Format::WebP])]
fn encode_animation(bencher: Bencher, format: Format) {
    let frames = play(file(&ANIMATIONS, "GIF"));
    let timed = frames.iter();
    let shots: Vec<_> =
        timed.map(|(frame, duration_ms)| Shot { pixels: frame.view(), duration_ms: *duration_ms }).collect();
    let output = Output { animated: true, quality: 80, ..Output::still(format) };
    let write = || codec::encode_animation(&shots, Repeat::Forever, false, &output, 0, &Cancel::never());
    bencher.bench_local(|| write().expect("a file"));
}
