//! What `info` tells: the recorded texts, every type of field, broken blocks.

use super::*;
use crate::codec::probe;
use crate::format::Format;
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;

const F: &[u8] = include_bytes!("../../../fixtures/images/f.jpg");
const EXAMPLE: &[u8] = include_bytes!("../../../fixtures/images/example.jpg");

fn told(bytes: &[u8]) -> Vec<(String, String)> {
    info(bytes, &probe(bytes, &Limits::OSS).unwrap()).into_iter().collect()
}

fn listed(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect()
}

/// What is told of a TIFF file that is nothing but this block.
fn of_block(format: Format, bytes: &[u8]) -> BTreeMap<String, String> {
    let size = Size::new(1, 1);
    let probe = Probe { format, size, orientation: Orientation::Upright, frames: 1, alpha: false, quality: None };
    info(bytes, &probe)
}

#[test]
fn the_published_list() {
    let example = [
        ("FileSize", "21839"),
        ("Format", "jpg"),
        ("FrameCount", "1"),
        ("ImageHeight", "267"),
        ("ImageWidth", "400"),
        ("ResolutionUnit", "1"),
        ("XResolution", "1/1"),
        ("YResolution", "1/1"),
    ];
    assert_eq!(told(EXAMPLE), listed(&example));
}

#[test]
fn jfif_units_are_counted_from_one() {
    let mut file = EXAMPLE.to_vec();
    let at = file.windows(5).position(|window| window == b"JFIF\0").unwrap();
    for (unit, text) in [(0, "1"), (1, "2"), (2, "3")] {
        file[at + 7..at + 12].copy_from_slice(&[unit, 1, 44, 0, 72]);
        let fields = info(&file, &probe(&file, &Limits::OSS).unwrap());
        let [unit, x, y] = RESOLUTION.map(|key| fields[key].as_str());
        assert_eq!((unit, x, y), (text, "300/1", "72/1"));
    }
}

/// Tag, type, count, value.
type Row = (u16, u16, u32, Vec<u8>);

/// A big-endian block under construction.
struct Block {
    directories: Vec<Vec<Row>>,
}

impl Block {
    /// The block with its directories one behind the other; a value of `@N` with type 4 is
    /// replaced by the place of directory N. The first links to directory `next`, if there is one.
    fn bytes(&self, next: Option<usize>) -> Vec<u8> {
        let starts: Vec<u32> = self
            .directories
            .iter()
            .scan(8, |at, directory| {
                let start = *at;
                *at += 6 + 12 * directory.len() as u32;
                Some(start)
            })
            .collect();
        let total = 8 + self.directories.iter().map(|directory| 6 + 12 * directory.len()).sum::<usize>();
        let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
        let mut values: Vec<u8> = Vec::new();
        for (index, directory) in self.directories.iter().enumerate() {
            bytes.extend((directory.len() as u16).to_be_bytes());
            for (tag, kind, count, value) in directory {
                bytes.extend(tag.to_be_bytes());
                bytes.extend(kind.to_be_bytes());
                bytes.extend(count.to_be_bytes());
                let mut field = match value.as_slice() {
                    [b'@', digit] => starts[usize::from(digit - b'0')].to_be_bytes().to_vec(),
                    short if short.len() <= 4 => short.to_vec(),
                    long => {
                        let place = (total + values.len()) as u32;
                        values.extend(long);
                        place.to_be_bytes().to_vec()
                    }
                };
                field.resize(4, 0);
                bytes.extend(field);
            }
            let link = next.filter(|_| index == 0).map_or(0, |next| starts[next]);
            bytes.extend(link.to_be_bytes());
        }
        bytes.extend(values);
        bytes
    }
}

fn longs(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Main, Exif, GPS and thumbnail directories with a value of every form.
fn rich() -> Vec<u8> {
    let main = vec![
        (0x010f, 2, 8, b"Ni\xffkon \0".to_vec()),
        (0x0112, 3, 1, vec![0, 6]),
        (0x011a, 5, 1, longs(&[72, 2])),
        (0x8769, 4, 1, b"@1".to_vec()),
        (0x8825, 4, 1, b"@2".to_vec()),
        (0x9999, 3, 1, vec![0, 1]),
    ];
    let exif = vec![
        (0x829a, 5, 1, longs(&[10, 500])),
        (0x829d, 5, 1, longs(&[11, 5])),
        (0x8827, 3, 2, vec![0, 100, 0, 200]),
        (0x9000, 7, 4, b"0230".to_vec()),
        (0x9204, 10, 1, longs(&[(-1i32) as u32, 3])),
        (0x927c, 7, 3681, vec![1; 3681]),
        (0x9286, 7, 128, vec![7; 128]),
        (0xa002, 4, 1, longs(&[4000])),
    ];
    let gps = vec![
        (0, 1, 4, vec![2, 2, 0, 0]),
        (1, 2, 2, b"S\0".to_vec()),
        (2, 5, 3, longs(&[31, 1, 55, 1, 387, 100])),
        (3, 2, 2, b"W\0".to_vec()),
        (4, 5, 3, longs(&[116, 1, 0, 1, 0, 1])),
        (7, 5, 3, longs(&[7, 1, 55, 1, 5824, 100])),
    ];
    let thumbnail = vec![(0x0103, 3, 1, vec![0, 6]), (0x0112, 3, 1, vec![0, 1]), (0x0201, 4, 1, longs(&[900]))];
    Block { directories: vec![main, exif, gps, thumbnail] }.bytes(Some(3))
}

/// `rich` in a WebP, behind a chunk of odd length.
fn webp(block: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WEBPVP8X\x03\0\0\0abc\0EXIF".to_vec();
    file.extend((block.len() as u32).to_le_bytes());
    file.extend(block);
    file
}

#[test]
fn every_type_has_its_form() {
    let fields = of_block(Format::WebP, &webp(&rich()));
    let undefined = ["7"; 128].join(" ");
    let expected = [
        ("Compression", "6"),
        ("ExifTag", "86"),
        ("ExifVersion", "48 50 51 48"),
        ("ExposureBiasValue", "-1/3"),
        ("ExposureTime", "10/500"),
        ("FNumber", "11/5"),
        ("FileSize", &fields["FileSize"]),
        ("Format", "webp"),
        ("FrameCount", "1"),
        ("GPSLatitude", "31deg 55' 3.870\" "),
        ("GPSLatitudeRef", "South"),
        ("GPSLongitude", "116deg "),
        ("GPSLongitudeRef", "West"),
        ("GPSTag", "188"),
        ("GPSTimeStamp", "7/1 55/1 5824/100"),
        ("GPSVersionID", "2 2 0 0"),
        ("ISOSpeedRatings", "100 200"),
        ("ImageHeight", "1"),
        ("ImageWidth", "1"),
        ("JPEGInterchangeFormat", "900"),
        ("Make", "Ni\u{fffd}kon"),
        ("MakerNote", "3681 bytes undefined data"),
        ("Orientation", "6"),
        ("PixelXDimension", "4000"),
        ("UserComment", &undefined),
        ("XResolution", "72/2"),
    ];
    assert_eq!(fields.clone().into_iter().collect::<Vec<_>>(), listed(&expected));
}

#[test]
fn a_tiff_is_its_own_block_and_has_no_thumbnail() {
    let fields = of_block(Format::Tiff, &rich());
    assert_eq!(fields["Orientation"], "6");
    assert_eq!(fields["ISOSpeedRatings"], "100 200");
    assert!(!fields.contains_key("Compression"));
}

#[test]
fn formats_without_exif_tell_five_facts() {
    for format in [Format::Png, Format::Gif, Format::Bmp] {
        assert_eq!(of_block(format, &rich()).len(), 5);
    }
}

#[test]
fn heif_carries_exif_too() {
    let file = include_bytes!("../../../fixtures/images/avif/anim_alpha_150x150.avif");
    let fields = info(file, &probe(file, &Limits::OSS).unwrap());
    assert_eq!((fields["Format"].as_str(), fields["FrameCount"].as_str()), ("avif", "1"));
    assert_eq!(fields["Orientation"], "1");
    assert_eq!(fields["ExifVersion"], "48 50 51 50");
}

#[test]
fn an_angle_that_is_none_is_told_as_fractions() {
    for numbers in [&[31, 1, 55, 0, 1, 1][..], &[31, 1]] {
        let count = numbers.len() as u32 / 2;
        let gps = vec![(2, 5, count, longs(numbers))];
        let main = vec![(0x8825, 4, 1, b"@1".to_vec())];
        let fields = of_block(Format::Tiff, &Block { directories: vec![main, gps] }.bytes(None));
        let plain: Vec<_> = numbers.chunks(2).map(|pair| format!("{}/{}", pair[0], pair[1])).collect();
        assert_eq!(fields["GPSLatitude"], plain.join(" "));
    }
}

#[test]
fn broken_blocks_never_panic() {
    let whole = webp(&rich());
    for length in 0..whole.len() {
        assert!(of_block(Format::WebP, &whole[..length]).len() >= 5);
    }
    for at in 0..whole.len().min(700) {
        for bit in 0..8 {
            let mut broken = whole.clone();
            broken[at] ^= 1 << bit;
            assert!(of_block(Format::WebP, &broken).len() >= 5);
        }
    }
    for (at, bit) in (0..5000).zip((0..8).cycle()) {
        let mut broken = F.to_vec();
        broken[at] ^= 1 << bit;
        assert!(of_block(Format::Jpeg, &broken).len() >= 5);
    }
}
