//! Files that were read or drawn wrongly once, and their right values: `fixtures/faults/MANIFEST.csv`.
//!
//! Each row is a file, a process string and what the answer must be: a picture within a tolerance,
//! numbers measured on it, or a refusal. Rows that do not hold stand in [`OPEN`], and a row that holds must
//! not.

mod measure;

use crate::support::parse;
use crate::support::processor;
use crate::support::request::{frames, header, pixels};
use crate::support::server::{Folder, pixelpass};
use pixelpass::cancel::Cancel;
use pixelpass::error::Error;
use pixelpass::format::{Format, Repeat};
use pixelpass::geometry::Size;
use pixelpass::pixel::Frame;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Name and process of the rows that do not hold, and why.
const OPEN: &[(&str, &str)] = &[];

/// A row of the table.
struct Row(BTreeMap<String, String>);

impl Row {
    fn get(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// The measurements, by name.
    fn numbers(&self) -> Value {
        match self.get("numbers") {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", self.get("name"))),
        }
    }

    fn about(&self) -> String {
        format!("{} {}", self.get("name"), self.get("process"))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/faults")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The table's sources of a format, each once, by name.
pub fn files_of(format: Format) -> Vec<(String, Vec<u8>)> {
    let is_of = |name: &String| {
        let ending = name.rsplit('.').next().unwrap_or_default();
        Format::parse(if ending == "tif" { "tiff" } else { ending }) == Some(format)
    };
    let names: BTreeSet<_> = rows().iter().map(|row| row.get("name").to_owned()).filter(is_of).collect();
    names.into_iter().map(|name| (name.clone(), file(&name))).collect()
}

/// The rows of the table: fields may be quoted, and hold doubled quotes and commas.
fn rows() -> Vec<Row> {
    let text = String::from_utf8(file("MANIFEST.csv")).expect("UTF-8");
    let mut lines = text.lines().map(|line| {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    fields.last_mut().expect("never empty").push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                letter => fields.last_mut().expect("never empty").push(letter),
            }
        }
        fields
    });
    let names = lines.next().expect("a row of names");
    lines.map(|fields| Row(names.iter().cloned().zip(fields).collect())).collect()
}

/// The answer's file; of rows that name the machine's fonts, by a process of its own that sees them.
fn answer(row: &Row, process: &str, source: &[u8]) -> Result<Vec<u8>, Error> {
    if row.numbers().get("fonts").is_some() {
        return Ok(with_fonts(&folder().join("fonts"), process, source));
    }
    processor()
        .process(source, &parse(process)?, &[] as &[Option<Vec<u8>>], &Cancel::never())
        .map(|answer| answer.bytes)
}

fn with_fonts(fonts: &Path, process: &str, source: &[u8]) -> Vec<u8> {
    let home = Folder::new();
    let own = home.path().join(".fonts");
    std::fs::create_dir_all(&own).expect("a folder");
    for font in std::fs::read_dir(fonts).expect("fonts").map(|entry| entry.expect("a font").path()) {
        std::fs::copy(&font, own.join(font.file_name().expect("a name"))).expect("a copy");
    }
    let [input, output] = ["in.png", "out.png"].map(|name| home.path().join(name));
    std::fs::write(&input, source).expect("written");
    let mut command = pixelpass();
    command.env("HOME", home.path()).env_remove("XDG_DATA_HOME").arg("process").args([&input, &output]).arg(process);
    let done = command.args(["--engine", "cpu"]).output().expect("it runs");
    assert!(done.status.success(), "{process}: {}", String::from_utf8_lossy(&done.stderr));
    std::fs::read(&output).expect("a picture")
}

/// What is wrong with a row, if anything.
fn complaint(row: &Row) -> Option<String> {
    let source = file(row.get("name"));
    let answered = answer(row, row.get("process"), &source);
    if row.get("role") == "refuse" {
        let codes: Vec<_> = row.get("tolerance").split(' ').collect();
        return match answered {
            Err(error) if codes.contains(&error.code.name()) => None,
            Err(error) => Some(format!("refused with {error}")),
            Ok(_) => Some("not refused".to_owned()),
        };
    }
    let answered = match answered {
        Ok(answered) => answered,
        Err(error) => return Some(format!("{error} ({:?})", error.source.as_ref().map(|source| source.to_string()))),
    };
    let numbers = row.numbers();
    if let Some(next) = numbers.get("then").and_then(Value::as_str) {
        return match answer(row, next, &answered) {
            Ok(answered) => measure::numbers(&numbers, &[pixels(&answered)]),
            Err(error) => Some(format!("then {error}")),
        };
    }
    let shown = match row.get("delays_ms") {
        "" => vec![pixels(&answered)],
        delays => match animation(row, delays, &answered) {
            Ok(shown) => shown,
            Err(wrong) => return Some(wrong),
        },
    };
    compared(row, &numbers, &shown)
        .or_else(|| measure::numbers(&numbers, &shown))
        .or_else(|| other_ink(row, &numbers, &shown[0], &source))
}

/// The frames of an animation whose times and repeats are the row's.
fn animation(row: &Row, delays: &str, answered: &[u8]) -> Result<Vec<Frame>, String> {
    if header(answered).frames == 1 {
        return Err("no animation".to_owned());
    }
    let (shown, repeat) = frames(answered);
    let times: Vec<_> = shown.iter().map(|(_, time)| time.to_string()).collect();
    let expected = if row.get("loop") == "none" { Repeat::Times(1) } else { Repeat::Forever };
    if repeat != expected {
        return Err(format!("plays {repeat:?}"));
    }
    // A row that allows other counts of frames is compared by its first ones alone.
    if times.join(" ") != delays && row.numbers().get("frames").is_none() {
        return Err(format!("times {}", times.join(" ")));
    }
    Ok(shown.into_iter().map(|(frame, _)| frame).collect())
}

/// Compares with the expected picture, where the row has one that is compared as a whole.
fn compared(row: &Row, numbers: &Value, shown: &[Frame]) -> Option<String> {
    let expected = match row.get("expected_file") {
        "" => return None,
        name => measure::picture(&file(name)),
    };
    let Size { width, height } = shown[0].size();
    if let Some(least) = numbers.get("psnr") {
        return measure::psnr(least, &expected, shown);
    }
    if let Some(likeness) = numbers.get("glyph").and_then(Value::as_f64) {
        let found = measure::glyph_likeness(&shown[0], &expected);
        return (found < likeness).then(|| format!("glyph likeness {found:.2} below {likeness}"));
    }
    let whole = Size::new(width, height * shown.len() as u32);
    if expected.size().width != width || expected.size().height < whole.height.min(height) {
        return Some(format!("{whole} instead of {}", expected.size()));
    }
    if numbers.get("frames").is_none() && expected.size() != whole {
        return Some(format!("{whole} instead of {}", expected.size()));
    }
    measure::within(row.get("tolerance"), numbers.get("box"), &expected, shown)
}

/// What a row about a sign says of ink: that there is some, and that another process draws another.
fn other_ink(row: &Row, numbers: &Value, shown: &Frame, source: &[u8]) -> Option<String> {
    let view = shown.view();
    if numbers.get("ink").is_some() && view.to_vec() == pixels(source).view().to_vec() {
        return Some("nothing is drawn".to_owned());
    }
    let other = numbers.get("differs_from").and_then(Value::as_str)?;
    let other = pixels(&answer(row, other, source).unwrap_or_else(|error| panic!("{}: {error}", row.about())));
    (other.view().to_vec() == view.to_vec()).then(|| "the same as for a sign that nobody has".to_owned())
}

#[test]
fn every_row_holds_but_for_those_that_are_open() {
    let rows = rows();
    assert_eq!(rows.len(), 149);
    let mut wrong = Vec::new();
    let mut open = OPEN.to_vec();
    for row in rows.iter().filter(|row| row.get("role") != "option") {
        let place = open.iter().position(|known| *known == (row.get("name"), row.get("process")));
        let known = place.map(|place| open.remove(place)).is_some();
        match complaint(row) {
            Some(what) if !known => wrong.push(format!("row {}: {}: {what}", row.get("row"), row.about())),
            None if known => {
                wrong.push(format!("row {}: {}: holds now, take it out of OPEN", row.get("row"), row.about()))
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "no such rows: {open:?}");
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}
