//! Files that are cut off, changed or hostile: an error of the caller's or pixels, never a panic.
//!
//! Every mutation comes from a seeded generator, so that a failure names what can be done again.

use crate::decoders::is_read;
use crate::support::fixture;
use crate::support::pictures::Random;
use crate::support::tables::rows;
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::error::Error;
use pixelpass::format::Format;
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Small enough that a changed header cannot make a test slow.
const LIMITS: Limits = Limits { source_pixels: 4_000_000, ..Limits::OSS };

const CUTS: usize = 20;
const FLIPPED_FILES: usize = 200;
const FLIPS_OF_A_FILE: usize = 6;

/// Every pixel of every frame, and the facts that `info` tells.
fn read(bytes: &[u8]) -> Result<(), Error> {
    let probe = codec::probe(bytes, &LIMITS)?;
    let pixels = probe.size.pixels().saturating_mul(probe.frames.into());
    assert!(pixels > 0 && pixels <= LIMITS.source_pixels, "{probe:?}");
    codec::info(bytes, &probe);
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    codec::decode(bytes, &probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    if probe.format == Format::Jpeg {
        let size = Size::new(probe.size.width.div_ceil(8), probe.size.height.div_ceil(8));
        let mut eighth = Frame::packed(size, vec![0; size.pixels() as usize * 4]);
        codec::decode(bytes, &probe, 8, &mut eighth.view_mut(), &Cancel::never())?;
    }
    if probe.frames > 1 {
        let mut animation = codec::animation(bytes, &probe)?;
        let mut count = 0;
        while animation.next_frame(&mut frame.view_mut(), &Cancel::never())?.is_some() {
            count += 1;
            assert!(count <= probe.frames, "more frames than the {} of the header", probe.frames);
        }
    }
    Ok(())
}

/// The complaint about a reading that ends in a panic or in an error that is not the caller's.
fn complaint(name: &str, change: &str, reading: impl FnOnce() -> Result<(), Error>) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(reading)) {
        Err(_) => Some(format!("{name}, {change}: a panic")),
        Ok(Err(error)) if !(400..500).contains(&error.code.status()) => Some(format!("{name}, {change}: {error}")),
        Ok(_) => None,
    }
}

fn files_of(format: Format) -> Vec<(String, Vec<u8>)> {
    let rows = rows("decoded.csv").into_iter().filter(|row| row[1] == format.name());
    let mut files: Vec<_> = rows.map(|row| (row[0].clone(), fixture(&format!("images/{}", row[0])))).collect();
    files.extend(crate::faults::files_of(format));
    assert!(files.len() >= 5, "only {} files of {}", files.len(), format.name());
    files
}

fn survives(format: Format) {
    if !is_read(format) {
        return;
    }
    let files = files_of(format);
    let mut complaints = Vec::new();
    for (name, bytes) in &files {
        for cut in 0..CUTS {
            let kept = bytes.len() * cut / CUTS;
            complaints.extend(complaint(name, &format!("first {kept} bytes"), || read(&bytes[..kept])));
        }
    }
    for seed in 0..FLIPPED_FILES.max(files.len() * FLIPS_OF_A_FILE) {
        let mut random = Random::new(seed as u64);
        let (name, bytes) = &files[seed % files.len()];
        let mut changed = bytes.clone();
        // Half of the changes fall into the first bytes, where headers are.
        for _ in 0..1 + random.next() % 8 {
            let reach = if random.next().is_multiple_of(2) { changed.len().min(512) } else { changed.len() };
            changed[random.next() as usize % reach] ^= 1 << (random.next() % 8);
        }
        complaints.extend(complaint(name, &format!("seed {seed}"), || read(&changed)));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

macro_rules! survivors {
    ($($name:ident $format:ident,)*) => {
        $(#[test]
        fn $name() {
            survives(Format::$format);
        })*
    };
}

survivors! {
    changed_jpeg_files Jpeg,
    changed_png_files Png,
    changed_webp_files WebP,
    changed_bmp_files Bmp,
    changed_gif_files Gif,
    changed_tiff_files Tiff,
    changed_heic_files Heic,
    changed_avif_files Avif,
}

/// Files that a decoder may also take as far as they go.
const FORGIVABLE: [&str; 8] = [
    "bmp_short_file.bmp",
    "jpeg_its_8a9cc8.jpg",
    "jpeg_its_b4103d.jpg",
    "jpeg_lossless_sof3.jpg",
    "jpeg_oss_fuzz_36829.jpeg",
    "tiff_clusterfuzz.tif",
    "tiff_lzw_stuck.tiff",
    "webp_panic.webp",
];

#[test]
fn bad_files_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images/bad");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .filter_map(|entry| entry.expect("a readable entry").file_name().into_string().ok())
        .collect();
    names.sort();
    assert!(names.len() >= 25, "only {} files", names.len());
    let complaints: Vec<_> = names
        .iter()
        .filter(|name| match name.rsplit('.').next().and_then(Format::parse) {
            Some(format @ (Format::Heic | Format::Avif)) => is_read(format),
            _ => true,
        })
        .filter_map(|name| {
            let bytes = fixture(&format!("images/bad/{name}"));
            let mut taken = false;
            let reading = || {
                let outcome = read(&bytes);
                taken = outcome.is_ok() && !FORGIVABLE.contains(&name.as_str());
                outcome
            };
            complaint(name, "as it is", reading).or_else(|| taken.then(|| format!("{name}: taken for a picture")))
        })
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_check_sees_a_panic_and_a_defect() {
    let told = |reading: &dyn Fn() -> Result<(), Error>| complaint("made", "as it is", reading);
    assert!(told(&|| panic!("as a decoder might")).is_some());
    assert!(told(&|| Err(Error::internal("a defect"))).is_some());
    assert!(told(&|| Err(Error::damaged("cut off"))).is_none());
    assert!(told(&|| read(&fixture("images/example.jpg"))).is_none());
    assert!(read(b"no picture").is_err());
}
