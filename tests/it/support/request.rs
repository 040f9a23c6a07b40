//! Whole requests: a process string, a file and watermark pictures in, a file out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pixelpass::cancel::Cancel;
use pixelpass::codec::{self, Shot};
use pixelpass::error::Error;
use pixelpass::format::{Format, Output, Probe, Repeat};
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::processor::{Answer, Processor};

/// The answer of `processor`, with watermark pictures by key.
pub fn ask(processor: &Processor, process: &str, source: &[u8], pictures: &[(&str, &[u8])]) -> Result<Answer, Error> {
    let pipe = super::parse(process)?;
    let picture = |key: &String| pictures.iter().find(|(known, _)| known == key).map(|(_, file)| *file);
    let assets: Vec<_> = pipe.assets().iter().map(picture).collect();
    processor.process(source, &pipe, &assets, &Cancel::never())
}

/// The bytes that the processor of the tests answers.
pub fn bytes(process: &str, source: &[u8]) -> Vec<u8> {
    ask(&super::processor(), process, source, &[]).unwrap_or_else(|error| panic!("{process}: {error}")).bytes
}

pub fn base64(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A PNG of a picture.
pub fn png(picture: &Frame) -> Vec<u8> {
    codec::encode(&picture.view(), false, &Output::still(Format::Png), &Cancel::never()).expect("a PNG")
}

pub fn header(file: &[u8]) -> Probe {
    codec::probe(file, &Limits::OSS).expect("a picture")
}

/// The pixels of a file, of an animation those of its first frame.
pub fn pixels(file: &[u8]) -> Frame {
    let probe = header(file);
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    codec::decode(file, &probe, 1, &mut frame.view_mut(), &Cancel::never()).expect("pixels");
    frame
}

/// All frames of an animation with their milliseconds, and how often it plays.
pub fn frames(file: &[u8]) -> (Vec<(Frame, u32)>, Repeat) {
    let probe = header(file);
    let mut animation = codec::animation(file, &probe).expect("an animation");
    let mut frames = Vec::new();
    loop {
        let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
        match animation.next_frame(&mut frame.view_mut(), &Cancel::never()).expect("a frame") {
            Some(duration_ms) => frames.push((frame, duration_ms)),
            None => return (frames, animation.repeat()),
        }
    }
}

/// A GIF of frames with their milliseconds.
pub fn gif(frames: &[(Frame, u32)], repeat: Repeat) -> Vec<u8> {
    let shots: Vec<_> =
        frames.iter().map(|(frame, duration_ms)| Shot { pixels: frame.view(), duration_ms: *duration_ms }).collect();
    let output = Output { animated: true, ..Output::still(Format::Gif) };
    codec::encode_animation(&shots, repeat, false, &output, 0, &Cancel::never()).expect("a GIF")
}
