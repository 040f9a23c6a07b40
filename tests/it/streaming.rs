//! Sources that go through the first pass while they are decoded: the same pixels, the same answers
//! and the same errors as sources that are held whole.

use crate::decoders::is_read;
use crate::support::pictures::{Random, noise};
use crate::support::tables::rows;
use crate::support::{fixture, parse, processor};
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::error::{Code, Error};
use pixelpass::format::{Format, Output, Probe};
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;
use pixelpass::processor::{Answer, Memory, Processor};

const LIMITS: Limits = Limits { source_pixels: 4_000_000, ..Limits::OSS };

/// What two readings of a file are compared by: the pixels, or the error as the caller sees it.
type Outcome = Result<Vec<u8>, (Code, String)>;

fn outcome(result: Result<Frame, Error>) -> Outcome {
    result.map(|frame| frame.view().to_vec()).map_err(|error| (error.code, error.to_string()))
}

fn whole(bytes: &[u8], probe: &Probe) -> Result<Frame, Error> {
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    codec::decode(bytes, probe, 1, &mut frame.view_mut(), &Cancel::never())?;
    Ok(frame)
}

/// Reads `band` rows at a time; `None` where the codec offers no rows.
fn in_bands(bytes: &[u8], probe: &Probe, band: u32) -> Option<Result<Frame, Error>> {
    let mut rows = match codec::rows(bytes, probe) {
        Ok(rows) => rows?,
        Err(error) => return Some(Err(error)),
    };
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    let bands = frame.view_mut().bands(band).map(|(_, mut band)| rows.next_rows(&mut band, &Cancel::never()));
    let read: Result<Vec<()>, Error> = bands.collect();
    Some(read.map(|_| frame))
}

fn files_of(format: Format) -> impl Iterator<Item = (String, Vec<u8>)> {
    let files = rows("decoded.csv").into_iter().filter(move |row| row[1] == format.name());
    files.map(|row| (row[0].clone(), fixture(&format!("images/{}", row[0]))))
}

#[test]
fn rows_are_those_of_the_whole_picture() {
    let mut streamed = Vec::new();
    for format in Format::ALL.into_iter().filter(|format| is_read(*format)) {
        for (name, bytes) in files_of(format) {
            let probe = codec::probe(&bytes, &Limits::OSS).expect(&name);
            for band in [1, 7, probe.size.height] {
                let Some(found) = in_bands(&bytes, &probe, band) else { continue };
                assert!(outcome(found) == outcome(whole(&bytes, &probe)), "{name}, bands of {band}");
                streamed.push(probe.format);
            }
        }
    }
    for format in [Format::Png, Format::Tiff] {
        assert!(streamed.iter().filter(|streamed| **streamed == format).count() >= 3 * 10, "{streamed:?}");
    }
}

#[test]
fn damage_is_told_alike() {
    let mut checked = 0;
    let files = files_of(Format::Png).chain(files_of(Format::Tiff));
    for (name, bytes) in files.filter(|(_, bytes)| bytes.len() < 100_000) {
        let mut random = Random::new(bytes.len() as u64);
        for change in 0..30 {
            let mut changed = bytes.clone();
            match change % 2 {
                0 => changed.truncate(random.next() as usize % bytes.len()),
                _ => changed[random.next() as usize % bytes.len()] ^= 1 << (random.next() % 8),
            }
            let Ok(probe) = codec::probe(&changed, &LIMITS) else { continue };
            let Some(found) = in_bands(&changed, &probe, 5) else { continue };
            let (found, expected) = (outcome(found), outcome(whole(&changed, &probe)));
            assert!(found == expected, "{name}, change {change}: {:?} {:?}", found.err(), expected.err());
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} files");
}

#[test]
fn rows_end_when_nobody_waits() {
    let bytes =
        codec::encode(&noise(Size::new(3, 200), true).view(), false, &Output::still(Format::Png), &Cancel::never());
    let bytes = bytes.expect("a file");
    let probe = codec::probe(&bytes, &LIMITS).expect("a header");
    let mut rows = codec::rows(&bytes, &probe).expect("a beginning").expect("rows");
    let mut band = Frame::packed(Size::new(3, 100), vec![0; 3 * 100 * 4]);
    let cancel = Cancel::never();
    rows.next_rows(&mut band.view_mut(), &cancel).expect("rows");
    cancel.give_up();
    assert_eq!(rows.next_rows(&mut band.view_mut(), &cancel).expect_err("given up").code, Code::ServiceUnavailable);
    // More rows than are left, or of another width, are a defect of whoever asks.
    let mut rows = codec::rows(&bytes, &probe).expect("a beginning").expect("rows");
    for size in [Size::new(3, 201), Size::new(2, 1)] {
        let mut band = Frame::packed(size, vec![0; size.pixels() as usize * 4]);
        let error = rows.next_rows(&mut band.view_mut(), &Cancel::never()).expect_err("does not fit");
        assert_eq!(error.code, Code::InternalError);
    }
}

/// A processor whose plans may hold so many bytes.
fn holding(plan_bytes: u64) -> Processor {
    let mut processor = processor();
    processor.rules.limits.plan_bytes = plan_bytes;
    processor.memory = Memory::new(plan_bytes);
    processor
}

fn answer(processor: &Processor, file: &[u8], process: &str) -> Result<Answer, Error> {
    processor.process(file, &parse(process).expect("legal"), &[Some(fixture("demo/dice.png"))], &Cancel::never())
}

/// A picture of 12 MB and its file.
fn large(format: Format, opaque: bool) -> Vec<u8> {
    let picture = noise(Size::new(1500, 2000), !opaque);
    codec::encode(&picture.view(), opaque, &Output::still(format), &Cancel::never()).expect("a file")
}

/// Less than the whole picture, enough for the rows that are held.
const TIGHT_BYTES: u64 = 8 << 20;
const AMPLE_BYTES: u64 = 1 << 30;

#[test]
fn the_main_colour_of_rows_is_that_of_the_whole() {
    let file = large(Format::Png, true);
    let asked = |plan_bytes, file: &[u8]| answer(&holding(plan_bytes), file, "image/average-hue");
    let whole = asked(AMPLE_BYTES, &file).expect("a colour");
    assert_eq!(asked(TIGHT_BYTES, &file).expect("a colour").bytes, whole.bytes);
    assert_eq!(asked(TIGHT_BYTES, &file[..file.len() - 5000]).expect_err("cut off").code, Code::ImageDamage);
}

#[test]
fn a_source_that_cannot_be_held_whole_is_streamed() {
    let watermark = "image/resize,w_150/watermark,image_ZGljZS5wbmc,P_50";
    let crop_first = "image/crop,w_900,h_1200,x_100,y_700/resize,w_150/rounded-corners,r_20/format,webp";
    for opaque in [true, false] {
        let file = large(Format::Png, opaque);
        for process in ["image/resize,w_150", watermark, crop_first, "image/rotate,90/resize,w_150/format,png"] {
            let streamed =
                answer(&holding(TIGHT_BYTES), &file, process).unwrap_or_else(|error| panic!("{process}: {error}"));
            let whole = answer(&holding(AMPLE_BYTES), &file, process).expect(process);
            assert!(streamed.bytes == whole.bytes, "{process}, opaque {opaque}");
        }
        let tiff = large(Format::Tiff, opaque);
        let [streamed, whole] = [TIGHT_BYTES, AMPLE_BYTES].map(|bytes| answer(&holding(bytes), &tiff, crop_first));
        assert!(streamed.expect("fits").bytes == whole.expect("fits").bytes, "TIFF, opaque {opaque}");
        // A pass that wants the source whole, and files that are read whole only.
        let refused = |file: &[u8], process| answer(&holding(TIGHT_BYTES), file, process).expect_err(process).code;
        assert_eq!(refused(&file, "image/sharpen,100/resize,w_150"), Code::MemLimitExceeded);
        assert_eq!(refused(&large(Format::Bmp, opaque), "image/resize,w_150"), Code::MemLimitExceeded);
        // Rows are missing that nothing is made of.
        let cut = &file[..file.len() - 5000];
        let upper = "image/crop,w_1500,h_1000/resize,w_150";
        for plan_bytes in [TIGHT_BYTES, AMPLE_BYTES] {
            let error = answer(&holding(plan_bytes), cut, upper).expect_err("cut off");
            assert_eq!(error.code, Code::ImageDamage, "{plan_bytes}");
        }
    }
}
