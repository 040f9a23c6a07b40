//! Floors and doors: who may use whom, and which outside package enters where.
//!
//! Reads the `use` lines and paths of every source file; stands in for a workspace's walls.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rooms and the other rooms of ours that they may name.
const FLOORS: [(&str, &[&str]); 22] = [
    ("error", &[]),
    ("color", &[]),
    ("geometry", &[]),
    ("limits", &[]),
    ("share", &[]),
    ("cancel", GROUND),
    ("pixel", GROUND),
    ("plane", GROUND),
    ("format", GROUND),
    ("kernel", GROUND),
    ("text", GROUND),
    ("plan", &["kernel", "text", "GROUND"]),
    ("process", &["plan", "text", "GROUND"]),
    ("engine", &["plan", "kernel", "GROUND"]),
    ("codec", GROUND),
    ("store", GROUND),
    ("processor", &["process", "engine", "codec", "plan", "text", "GROUND"]),
    ("oss", &["processor", "process", "store", "engine", "GROUND"]),
    ("http", &["oss", "GROUND", "config"]),
    ("config", &["oss", "store", "engine", "plan", "text", "GROUND"]),
    ("cli", &["ANY"]),
    ("main", &["ANY"]),
];

const GROUND: &[&str] = &["GROUND"];

/// The rooms of the ground floor.
const GROUND_ROOMS: [&str; 9] = ["error", "color", "geometry", "limits", "cancel", "share", "pixel", "plane", "format"];

/// Outside packages and the rooms whose door they may use.
const DOORS: &[(&str, &[&str])] = &[
    ("wgpu", &["engine/gpu"]),
    ("pollster", &["engine/gpu"]),
    ("image", &["codec"]),
    ("png", &["codec"]),
    ("turbojpeg_sys", &["codec"]),
    ("exif", &["codec"]),
    ("gif", &["codec"]),
    ("libloading", &["codec"]),
    ("libwebp_sys", &["codec"]),
    ("moxcms", &["codec"]),
    ("quantette", &["codec"]),
    ("quantizr", &["codec"]),
    ("tiff", &["codec"]),
    ("weezl", &["codec"]),
    ("fax", &["codec"]),
    ("flate2", &["codec"]),
    ("ruzstd", &["codec"]),
    ("fontdb", &["text"]),
    ("skrifa", &["text"]),
    ("swash", &["text"]),
    ("serde_json", &["processor", "oss", "store"]),
    ("axum", &["http"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("object_store", &["store"]),
    ("rustls", &["store/s3", "http/tls", "oss/callback"]),
    ("reqwest", &["oss/callback"]),
    ("tokio_rustls", &["http"]),
    ("getrandom", &["cli"]),
    ("tempfile", &["store"]),
    ("tokio", &["http", "oss", "store", "cli"]),
    ("base64", &["process", "oss", "store"]),
    ("bytemuck", &["kernel", "plan", "engine"]),
    ("multiversion", &["kernel", "codec"]),
    ("quick_xml", &["oss"]),
    ("multer", &["oss/form"]),
    ("serde", &["oss", "store"]),
    ("clap", &["cli", "config"]),
    ("toml", &["config"]),
    ("md5", &["oss", "store"]),
    ("chrono", &["oss"]),
    ("hmac", &["oss"]),
    ("sha1", &["oss"]),
    ("sha2", &["oss"]),
    ("subtle", &["oss"]),
];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the source folder is there") {
            let path = entry.expect("a readable entry").path();
            match path.is_dir() {
                true => walk(&path, found),
                false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
                false => {}
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let name = |path: &Path| path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
    found.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("readable"))).collect()
}

/// The room of `plan/canvas.rs` is `plan`, that of `error.rs` is `error`.
fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

/// Lines of code: no comments, and nothing of the unit tests at the end of a file.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").filter(|line| !line.trim_start().starts_with("//"))
}

/// Rooms that a line names by `crate::ROOM` or, from the binary, by `pixelpass::ROOM`.
fn rooms_named(line: &str) -> Vec<&str> {
    let mut named = Vec::new();
    for prefix in ["crate::", "pixelpass::"] {
        for (at, _) in line.match_indices(prefix) {
            let rest = &line[at + prefix.len()..];
            let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
            named.push(&rest[..end]);
        }
    }
    named
}

#[test]
fn nobody_looks_up_or_sideways() {
    let floors: BTreeMap<_, _> = FLOORS.into_iter().collect();
    let mut crossed = Vec::new();
    for (file, text) in sources() {
        let own = room(&file);
        if own == "lib" {
            continue;
        }
        let allowed = *floors.get(own).unwrap_or_else(|| panic!("{file}: the room {own} is on no floor"));
        for line in code(&text) {
            for named in rooms_named(line) {
                let known = floors.contains_key(named);
                let legal = named == own
                    || allowed.contains(&named)
                    || allowed.contains(&"ANY")
                    || (GROUND_ROOMS.contains(&named) && (allowed.contains(&"GROUND") || GROUND_ROOMS.contains(&own)));
                if known && !legal {
                    crossed.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(crossed.is_empty(), "walls crossed:\n{}", crossed.join("\n"));
}

#[test]
fn outside_packages_enter_by_their_doors() {
    let mut crossed = Vec::new();
    for (file, text) in sources() {
        for (package, doors) in DOORS {
            let names = |line: &&str| {
                let line = line.trim_start();
                line.contains(&format!("use {package}::"))
                    || line.match_indices(&format!("{package}::")).any(|(at, _)| {
                        let before = line[..at].chars().next_back();
                        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
                    })
            };
            if code(&text).any(|line| names(&line)) && !doors.iter().any(|door| file.starts_with(door)) {
                crossed.push(format!("{file} uses {package}"));
            }
        }
    }
    assert!(crossed.is_empty(), "doors passed by:\n{}", crossed.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "no //! at the top: {silent:?}");
}

#[test]
fn the_environment_is_read_in_one_room() {
    let readers: Vec<_> = sources()
        .into_iter()
        .filter(|(file, text)| {
            room(file) != "config" && !file.contains("/tests") && code(text).any(|line| line.contains("env::var"))
        })
        .map(|(file, _)| file)
        .collect();
    assert!(readers.is_empty(), "{readers:?}");
}

#[test]
fn the_test_sees_a_crossed_wall() {
    assert_eq!(rooms_named("use crate::engine::{Engine, Kind};"), ["engine"]);
    assert_eq!(rooms_named("    let size = crate::geometry::Size::new(1, 1);"), ["geometry"]);
    assert_eq!(room("engine/gpu/run.rs"), "engine");
    assert!(sources().len() > 20);
}
