//! What the fuzz targets do with their bytes. A panic, a defect of the server (`InternalError`) or
//! memory beyond the limits is a find; an error of the caller's is not.

pub mod compare;
#[path = "../../../src/codec/jpeg/dc/mod.rs"]
pub mod dc;
#[path = "../../../src/codec/jpeg/dc/tests/yardstick.rs"]
mod yardstick;

// Under the names that the rooms taken in above know.
use pixelpass::{geometry, pixel, plane};

use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::error::{Code, Error};
use pixelpass::format::{Format, Probe};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::plan::{Asset, Rules};
use pixelpass::process::Pipe;
use std::sync::LazyLock;

/// Small, so that a run is quick and a file cannot ask for much memory.
const LIMITS: Limits = Limits { source_pixels: 1_000_000, plan_bytes: 64 * 1024 * 1024, ..Limits::OSS };

/// Made once, since the faces take time to read.
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules { limits: LIMITS, ..Rules::default() });

/// Parses the bytes as a process string and plans each chain for a photograph; watermark pictures
/// are photographs too.
pub fn parse(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let probe = Probe {
        format: Format::Jpeg,
        size: Size::new(400, 267),
        orientation: Orientation::Turn90,
        frames: 1,
        alpha: false,
        quality: Some(82),
    };
    judge(planned(text, &probe));
}

fn planned(text: &str, probe: &Probe) -> Result<(), Error> {
    let pipe = Pipe::parse(text, |_| Some("image/resize,w_100".to_owned()))?;
    drop(pipe.to_string());
    let asset = |key: &String| Asset { key: key.clone(), probe: probe.clone() };
    let assets: Vec<_> = pipe.assets().iter().map(asset).collect();
    for chain in pipe.chains() {
        chain.plan(probe, &RULES, &assets)?;
    }
    Ok(())
}

/// Reads the header and the facts of a file of any format.
pub fn probe(bytes: &[u8]) {
    match codec::probe(bytes, &LIMITS) {
        Ok(probe) => drop(codec::info(bytes, &probe)),
        Err(error) => judge(Err(error)),
    }
}

/// Decodes every frame of a file; files of other formats are passed over.
pub fn decode(bytes: &[u8], format: Format) {
    match codec::probe(bytes, &LIMITS) {
        Ok(probe) if probe.format == format => judge(decoded(bytes, &probe)),
        Ok(_) => {}
        Err(error) => judge(Err(error)),
    }
}

/// Decodes every frame of a file whose probe looks at all of its data: what it told is there.
pub fn decode_what_was_told(bytes: &[u8], format: Format) {
    match codec::probe(bytes, &LIMITS) {
        Ok(probe) if probe.format == format => decoded(bytes, &probe).unwrap_or_else(|error| panic!("{probe:?}: {error}: {:?}", error.source)),
        Ok(_) => {}
        Err(error) => judge(Err(error)),
    }
}

fn decoded(bytes: &[u8], probe: &Probe) -> Result<(), Error> {
    assert!(probe.size.pixels() * u64::from(probe.frames) <= LIMITS.source_pixels, "{probe:?}");
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    codec::decode(bytes, probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    if probe.frames > 1 {
        let mut animation = codec::animation(bytes, probe)?;
        let mut count = 0;
        while animation.next_frame(&mut frame.view_mut(), &Cancel::never())?.is_some() {
            count += 1;
            assert!(count <= probe.frames, "more frames than the header told");
        }
    }
    Ok(())
}

/// Writes the file that libheif is given; of that file the same is written again.
pub fn repack(bytes: &[u8]) {
    let Some(file) = codec::repacked_heif(bytes) else { return };
    assert!(file.len() <= 8 * bytes.len() + 1024, "{} bytes become {}", bytes.len(), file.len());
    assert!(codec::repacked_heif(&file).is_some(), "what was written is not understood");
}

fn judge(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        assert!(error.code != Code::InternalError, "{error}: {:?}", error.source);
    }
}
