//! The document that says, row by row, how this build stands to what is documented.
//!
//! `UPDATE_CONFORMANCE=1` writes `docs/conformance.md`; without it the test fails where the
//! document is out of date.

use crate::support::tables::{jpeg, outcome, rows, source};
use pixelpass::error::Error;
use pixelpass::format::{Format, Probe};
use pixelpass::geometry::{Orientation, Size};
use std::collections::BTreeMap;
use std::path::Path;

/// One documented case and what became of it.
struct Case {
    process: String,
    source: String,
    expected: String,
    /// `None`: as expected. Otherwise what came instead.
    differs: Option<String>,
    /// Where the expectation comes from.
    tag: String,
}

/// A table of the document.
struct Part {
    title: &'static str,
    cases: Vec<Case>,
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// `given` where it is not what was expected.
fn unlike(expected: &str, given: String) -> Option<String> {
    (given != expected).then_some(given)
}

/// What an answer will be: `200 × 134 jpg`, with the number of frames where there are several.
fn answer(process: &str, probe: &Probe) -> String {
    match outcome(process, probe) {
        Ok(found) => {
            let frames = if found.animated { probe.frames } else { 1 };
            picture(found.size, found.format.name(), frames)
        }
        Err(error) => refusal(&error),
    }
}

fn picture(size: Size, format: &str, frames: u32) -> String {
    let frames = if frames > 1 { format!(", {frames} frames") } else { String::new() };
    format!("{} × {} {format}{frames}", size.width, size.height)
}

fn refusal(error: &Error) -> String {
    format!("{} {}", error.code.status(), error.code.name())
}

fn geometry() -> Part {
    let case = |row: Vec<String>| {
        let size = Size::new(number(&row[0]), number(&row[1]));
        let expected = picture(Size::new(number(&row[3]), number(&row[4])), &row[5], 1);
        let differs = unlike(&expected, answer(&row[2], &jpeg(size)));
        Case { source: picture(size, "jpg", 1), expected, differs, process: row[2].clone(), tag: row[6].clone() }
    };
    Part { title: "Sizes", cases: rows("geometry-cases.csv").into_iter().map(case).collect() }
}

fn formats() -> Part {
    let case = |row: Vec<String>| {
        let size = Size::new(number(&row[0]), number(&row[1]));
        let format = Format::parse(&row[2]).unwrap_or_else(|| panic!("{row:?}"));
        let (orientation, frames) = (Orientation::from_exif(number(&row[3])), number(&row[4]));
        let expected = picture(Size::new(number(&row[6]), number(&row[7])), &row[8], number(&row[9]));
        let differs = unlike(&expected, answer(&row[5], &source(format, size, orientation, frames)));
        let turned = if number(&row[3]) == 1 { String::new() } else { format!(", orientation {}", row[3]) };
        let source = picture(size, &row[2], frames) + &turned;
        Case { source, expected, differs, process: row[5].clone(), tag: row[10].clone() }
    };
    Part {
        title: "Formats, orientations and animations",
        cases: rows("geometry-cases-extra.csv").into_iter().map(case).collect(),
    }
}

fn errors() -> Part {
    let size = Size::new(400, 267);
    let case = |row: Vec<String>| {
        let [process, status, code, ec, message, tag] = row.as_slice() else { panic!("{row:?}") };
        let part = |text: &str| if text.is_empty() { String::new() } else { format!(", {text}") };
        let expected = format!("{status} {code}{}{}", part(ec), part(message));
        let given = match outcome(process, &jpeg(size)) {
            Ok(found) => picture(found.size, found.format.name(), 1),
            Err(error) => {
                // What the documentation leaves open is not compared.
                let told = error.ec.map(|ec| ec.to_string()).unwrap_or_default();
                let ec = if ec.is_empty() { "" } else { &told };
                let message = if message.is_empty() { "" } else { &error.message };
                refusal(&error) + &part(ec) + &part(message)
            }
        };
        let differs = unlike(&expected, given);
        Case { source: picture(size, "jpg", 1), expected, differs, process: process.clone(), tag: tag.clone() }
    };
    Part { title: "Errors", cases: rows("error-cases.csv").into_iter().map(case).collect() }
}

/// The text of a cell: no bar may end it, no backtick may open code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('`', "'")
}

const PREFACE: &str = "\
# Conformance

How this build stands to the documented behaviour of the image service, one row a case. Written by
`UPDATE_CONFORMANCE=1 cargo test --test it conformance` out of `fixtures/tables/`; a test fails when
the document is out of date. Sources are given by their headers alone: what is compared is the size,
the format and the number of frames of the answer, or the status, code and message of the refusal.

The last column tells where an expectation comes from: `doc` and `seed` the documentation and its
examples, `sdk` what the official SDKs' tests and samples show, `live` what was measured on saved answers of the running
service or has been sent to it by large sites for years, `decision` a reading of our own where these are silent.
";

fn document(parts: &[Part]) -> String {
    let mut text = PREFACE.to_owned();
    text += "\n| table | cases | pass | differ |\n| --- | ---: | ---: | ---: |\n";
    for part in parts {
        let differing = part.cases.iter().filter(|case| case.differs.is_some()).count();
        let cases = part.cases.len();
        text += &format!("| {} | {cases} | {} | {differing} |\n", part.title, cases - differing);
    }
    let mut tags = BTreeMap::new();
    for case in parts.iter().flat_map(|part| &part.cases) {
        let (cases, differing) = tags.entry(&case.tag).or_insert((0, 0));
        *cases += 1;
        *differing += u32::from(case.differs.is_some());
    }
    text += "\n| from | cases | pass | differ |\n| --- | ---: | ---: | ---: |\n";
    for (tag, (cases, differing)) in tags {
        text += &format!("| {tag} | {cases} | {} | {differing} |\n", cases - differing);
    }
    for part in parts {
        text += &format!("\n## {}\n\n| process | source | expected | result | from |\n", part.title);
        text += "| --- | --- | --- | --- | --- |\n";
        for case in &part.cases {
            let result = case.differs.as_ref().map_or("pass".to_owned(), |given| format!("differs: {}", cell(given)));
            let process = cell(&case.process);
            text +=
                &format!("| `{process}` | {} | {} | {result} | {} |\n", case.source, cell(&case.expected), case.tag);
        }
    }
    text
}

#[test]
fn conformance() {
    let parts = [geometry(), formats(), errors()];
    for part in &parts {
        assert!(part.cases.len() >= 50, "{}: only {} cases", part.title, part.cases.len());
    }
    let text = document(&parts);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    if std::env::var_os("UPDATE_CONFORMANCE").is_some() {
        std::fs::write(&path, &text).expect("the document can be written");
        return;
    }
    let stored = std::fs::read_to_string(&path).expect("docs/conformance.md is there");
    let differing = text.lines().zip(stored.lines()).find(|(now, stored)| now != stored);
    assert!(
        text == stored,
        "docs/conformance.md is out of date; UPDATE_CONFORMANCE=1 writes it anew. Found and stored: {differing:#?}"
    );
}

#[test]
fn a_difference_is_told() {
    let upright = jpeg(Size::new(400, 267));
    let given = answer("image/resize,w_200", &upright);
    assert_eq!(given, "200 × 134 jpg");
    assert_eq!(unlike("200 × 134 jpg", given.clone()), None);
    assert_eq!(unlike("200 × 133 jpg", given.clone()), Some(given));
    assert_eq!(answer("image/resize,w_0", &upright), "400 InvalidArgument");
    assert_eq!(cell("a|b`c"), "a\\|b'c");
}
