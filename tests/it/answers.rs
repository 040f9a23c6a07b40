//! Answers to the letter: texts, pipes, orientation, sizes of files.

use crate::decoders::is_read;
use crate::support::compare::difference;
use crate::support::pictures::flat;
use crate::support::request::{ask, bytes, header, pixels, png};
use crate::support::{fixture, processor};
use pixelpass::cancel::Cancel;
use pixelpass::format::Format;
use pixelpass::geometry::Size;
use pixelpass::process::Pipe;
use pixelpass::processor::Processor;

fn example() -> Vec<u8> {
    fixture("images/example.jpg")
}

fn text(process: &str, source: &[u8]) -> String {
    let answer = ask(&processor(), process, source, &[]).unwrap_or_else(|error| panic!("{process}: {error}"));
    assert_eq!(answer.content_type, "application/json");
    String::from_utf8(answer.bytes).expect("UTF-8")
}

/// The layout of `info`: a key a line, both braces at the end of the last.
fn laid_out(fields: &[(&str, &str)]) -> String {
    let lines: Vec<_> =
        fields.iter().map(|(key, value)| format!("    \"{key}\": {{\"value\": \"{value}\"}}")).collect();
    format!("{{\n{}}}", lines.join(",\n"))
}

#[test]
fn info_of_the_sample() {
    let expected = r#"{
    "FileSize": {"value": "21839"},
    "Format": {"value": "jpg"},
    "FrameCount": {"value": "1"},
    "ImageHeight": {"value": "267"},
    "ImageWidth": {"value": "400"},
    "ResolutionUnit": {"value": "1"},
    "XResolution": {"value": "1/1"},
    "YResolution": {"value": "1/1"}}"#;
    assert_eq!(text("image/info", &example()), expected);
}

#[test]
fn info_with_exif() {
    let expected = laid_out(&[
        ("Compression", "6"),
        ("DateTime", "2015:02:11 15:38:27"),
        ("ExifTag", "2212"),
        ("FileSize", "23471"),
        ("Format", "jpg"),
        ("FrameCount", "1"),
        ("GPSLatitude", "0deg "),
        ("GPSLatitudeRef", "North"),
        ("GPSLongitude", "0deg "),
        ("GPSLongitudeRef", "East"),
        ("GPSMapDatum", "WGS-84"),
        ("GPSTag", "4292"),
        ("GPSVersionID", "2 2 0 0"),
        ("ImageHeight", "333"),
        ("ImageWidth", "424"),
        ("JPEGInterchangeFormat", "4518"),
        ("JPEGInterchangeFormatLength", "3232"),
        ("Orientation", "7"),
        ("ResolutionUnit", "2"),
        ("Software", "Microsoft Windows Photo Viewer 6.1.7600.16385"),
        ("XResolution", "96/1"),
        ("YResolution", "96/1"),
    ]);
    assert_eq!(text("image/info", &fixture("images/f.jpg")), expected);
}

#[test]
fn info_of_other_formats() {
    for (name, format, width, height, frames) in [
        ("gif/example.gif", "gif", 500, 300, 3),
        ("png/la8_400x300.png", "png", 400, 300, 1),
        ("webp/anim_rotating_80x80.webp", "webp", 80, 80, 9),
        ("png/palette2_trns_900x600.png", "png", 900, 600, 1),
    ] {
        let file = fixture(&format!("images/{name}"));
        let expected = laid_out(&[
            ("FileSize", &file.len().to_string()),
            ("Format", format),
            ("FrameCount", &frames.to_string()),
            ("ImageHeight", &height.to_string()),
            ("ImageWidth", &width.to_string()),
        ]);
        assert_eq!(text("image/info", &file), expected, "{name}");
    }
    for (name, format) in [("bmp/rgb24.bmp", "bmp"), ("webp/lossy_odd.webp", "webp"), ("tiff/none_rgb.tif", "tiff")] {
        let file = fixture(&format!("images/{name}"));
        let found = text("image/info", &file);
        let size = header(&file).size;
        for (key, value) in [
            ("Format", format.to_owned()),
            ("FileSize", file.len().to_string()),
            ("ImageWidth", size.width.to_string()),
            ("ImageHeight", size.height.to_string()),
        ] {
            assert!(found.contains(&format!("\"{key}\": {{\"value\": \"{value}\"}}")), "{name}: {found}");
        }
    }
}

/// What Pillow and pillow-heif read of the same files.
#[test]
fn info_of_heic_and_avif() {
    let told = |name: &str| {
        let file = fixture(&format!("images/{name}"));
        (text("image/info", &file), file.len().to_string())
    };
    if is_read(Format::Heic) {
        let (found, length) = told("heic/rgb_420_odd.heic");
        let expected = laid_out(&[
            ("FileSize", &length),
            ("Format", "heic"),
            ("FrameCount", "1"),
            ("ImageHeight", "79"),
            ("ImageWidth", "117"),
            ("Orientation", "1"),
            ("ResolutionUnit", "2"),
            ("XResolution", "72/1"),
            ("YCbCrPositioning", "1"),
            ("YResolution", "72/1"),
        ]);
        assert_eq!(found, expected);
    }
    if is_read(Format::Avif) {
        let (found, length) = told("avif/alpha_circle_100x60.avif");
        let expected = laid_out(&[
            ("FileSize", &length),
            ("Format", "avif"),
            ("FrameCount", "1"),
            ("ImageHeight", "60"),
            ("ImageWidth", "100"),
        ]);
        assert_eq!(found, expected);
        let (found, length) = told("avif/anim_alpha_150x150.avif");
        for (key, value) in [
            ("DateTime", "2022:08:24 22:07:42"),
            ("FNumber", "17/10"),
            ("FileSize", &length),
            ("Format", "avif"),
            ("ImageHeight", "150"),
            ("ImageWidth", "150"),
            ("Make", "Google"),
            ("Model", "Pixel 4a"),
            ("Software", "GIMP 2.10.32"),
            ("XResolution", "300/1"),
        ] {
            assert!(found.contains(&format!("\"{key}\": {{\"value\": \"{value}\"}}")), "{key}: {found}");
        }
    }
}

#[test]
fn main_colours() {
    assert_eq!(text("image/average-hue", &example()), r#"{"RGB": "0x5c783b"}"#);
    for (color, expected) in [([1, 2, 171, 255], "0x0102ab"), ([90, 90, 90, 255], "0x5a5a5a")] {
        let source = png(&flat(Size::new(7, 5), color));
        assert_eq!(text("image/average-hue", &source), format!("{{\"RGB\": \"{expected}\"}}"));
    }
}

#[test]
fn a_pipe_is_one_request_after_the_other() {
    for (first, second) in [
        ("image/resize,w_100", "image/format,png"),
        ("image/resize,w_100/quality,q_20", "image/rotate,90/format,webp"),
        ("image/circle,r_50/format,png", "image/resize,w_40/format,jpg"),
    ] {
        let apart = bytes(second, &bytes(first, &example()));
        assert!(bytes(&format!("{first}|{second}"), &example()) == apart, "{first}|{second}");
    }
}

#[test]
fn a_segment_loses_what_its_format_loses() {
    let corner = |process: &str| pixels(&bytes(process, &example())).view().texel(0, 0);
    assert_eq!(corner("image/circle,r_100/format,png")[3], 0);
    let flattened = corner("image/circle,r_100|image/format,png");
    assert_eq!(flattened[3], 255);
    assert!(flattened.iter().all(|channel| *channel >= 250), "{flattened:?}");
    // An orientation is used up by the first segment.
    let turned = header(&bytes("image/format,jpg|image/format,png", &fixture("images/jpeg/orient_6.jpg")));
    assert_eq!(turned.size, header(&fixture("images/jpeg/orient_6.jpg")).size.swapped());
}

#[test]
fn questions_at_the_end_are_about_the_piped_picture() {
    let piped = bytes("image/resize,w_100/format,png", &example());
    let expected = laid_out(&[
        ("FileSize", &piped.len().to_string()),
        ("Format", "png"),
        ("FrameCount", "1"),
        ("ImageHeight", "67"),
        ("ImageWidth", "100"),
    ]);
    assert_eq!(text("image/resize,w_100/format,png|image/info", &example()), expected);
    let source = png(&flat(Size::new(8, 8), [255, 255, 255, 255]));
    let hue = text("image/resize,m_pad,w_16,h_16,color_102030|image/crop,w_2,h_2|image/average-hue", &source);
    assert_eq!(hue, r#"{"RGB": "0x102030"}"#);
}

#[test]
fn a_style_in_a_pipe_is_its_text() {
    let pipe = |text: &str| {
        let pipe = Pipe::parse(text, |name| (name == "small").then(|| "image/resize,w_60/quality,q_50".to_owned()));
        processor()
            .process(&example(), &pipe.expect(text), &[] as &[Option<Vec<u8>>], &Cancel::never())
            .expect(text)
            .bytes
    };
    let plain = bytes("image/resize,w_60/quality,q_50|image/format,png", &example());
    assert!(pipe("style/small|image/format,png") == plain);
    assert!(pipe("image/resize,w_60/quality,q_50|image/format,png") == plain);
}

#[test]
fn an_answer_that_only_grows_is_the_source() {
    let growing = Processor { never_grow: true, ..processor() };
    // The same pixels in more bytes: a BMP with a palette becomes one without.
    let source = fixture("images/bmp/pal8_rle.bmp");
    let grown = bytes("image/format,bmp", &source);
    assert!(grown.len() > source.len());
    let with = |process: &str| ask(&growing, process, &source, &[]).expect(process).bytes;
    assert!(with("image/format,bmp") == source, "encoded again and larger");
    assert!(with("image/format,src") == source);
    for process in ["image/bright,1", "image/format,png", "image/resize,p_200"] {
        assert!(with(process) == bytes(process, &source), "{process} does more");
    }
    // What shrinks is answered as it is.
    let jpeg = bytes("image/quality,q_30", &example());
    assert!(jpeg.len() < example().len());
    assert!(ask(&growing, "image/quality,q_30", &example(), &[]).expect("an answer").bytes == jpeg);
}

#[test]
fn eight_orientations_come_out_equal() {
    let upright = pixels(&bytes("image/format,png", &fixture("images/jpeg/orient_1.jpg")));
    for value in 2..=8 {
        let file = fixture(&format!("images/jpeg/orient_{value}.jpg"));
        let found = pixels(&bytes("image/format,png", &file));
        assert_eq!(found.size(), upright.size(), "{value}");
        // The scene was compressed after it was turned: alike, not the same.
        let (a, b) = (found.view().to_vec(), upright.view().to_vec());
        let squares: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
        let root = (squares / a.len() as f64).sqrt();
        assert!(root < 6.0, "orientation {value}: {root}, {:?}", difference(&found.view(), &upright.view()));
    }
}

#[test]
fn quality_orders_sizes() {
    for format in [Format::WebP, Format::Jpeg] {
        let size = |quality: u32| {
            let process = format!("image/format,{}/quality,q_{quality}", format.name());
            let answer = bytes(&process, &fixture("vectors/source.png"));
            assert_eq!(header(&answer).format, format);
            answer.len()
        };
        let sizes: Vec<_> = [5, 20, 40, 60, 80, 95].into_iter().map(size).collect();
        assert!(sizes.is_sorted_by(|a, b| a < b), "{format:?}: {sizes:?}");
    }
    // Of a JPEG, q is a part of its own quality and Q a bound.
    let size = |ask: &str| bytes(&format!("image/format,webp/quality,{ask}"), &example()).len();
    assert_eq!(size("Q_100"), size("q_100"));
    assert!(size("q_50") < size("Q_50"), "41 and 50");
}
