//! The command line as people and scripts see it.

use crate::support::fixture;
use crate::support::server::{Folder, pixelpass};
use pixelpass::codec;
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::process::registry;
use std::io::Write;
use std::process::{Output, Stdio};

fn run(arguments: &[&str]) -> Output {
    pixelpass().args(arguments).output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn demo(name: &str) -> String {
    format!("{}/fixtures/demo/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn process_from_file_to_file() {
    let folder = Folder::new();
    let target = folder.path().join("small.png").to_string_lossy().into_owned();
    let done = run(&["process", &demo("photo.jpg"), &target, "image/resize,w_300/format,png", "--engine", "cpu"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let bytes = std::fs::read(&target).expect("written");
    assert_eq!(codec::probe(&bytes, &Limits::OSS).expect("a picture").size, Size::new(300, 200));
}

#[test]
fn process_through_pipes() {
    let mut child = pixelpass()
        .args(["process", "-", "-", "image/resize,w_100", "--engine", "cpu"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("piped").write_all(&fixture("demo/example.jpg")).expect("read");
    let done = child.wait_with_output().expect("it ends");
    assert_eq!(codec::probe(&done.stdout, &Limits::OSS).expect("a picture").size, Size::new(100, 67));
}

#[test]
fn a_mistake_is_underlined_and_nothing_is_written() {
    let folder = Folder::new();
    let target = folder.path().join("none.jpg").to_string_lossy().into_owned();
    let failed = run(&["process", &demo("example.jpg"), &target, "image/resize,w_100/blur,r_3,s_99"]);
    assert_eq!(failed.status.code(), Some(1));
    let text = stderr(&failed);
    assert!(text.contains("0040-00000242"), "{text}");
    let lines: Vec<_> = text.lines().collect();
    let shown = lines.iter().position(|line| line.contains("image/resize")).expect("the string is shown");
    assert_eq!(lines[shown].find("s_99"), lines[shown + 1].find("^^^^"), "{text}");
    assert!(!std::path::Path::new(&target).exists());
    assert_eq!(run(&["process", "only-one"]).status.code(), Some(2));
}

#[test]
fn a_twelve_megapixel_jpeg_needs_little_memory() {
    // The shell's limit on address space would count what is only mapped, so ask for the peak.
    let folder = Folder::new();
    let target = folder.path().join("small.jpg").to_string_lossy().into_owned();
    let arguments = ["process", &demo("photo.jpg"), &target, "image/resize,w_300", "--engine", "cpu", "--statistics"];
    let done = run(&arguments);
    assert!(done.status.success(), "{}", stderr(&done));
    let text = stderr(&done);
    let peak = text.split("peak memory ").nth(1).and_then(|rest| rest.split(' ').next());
    let peak_mb: f64 = peak.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    assert!(peak_mb > 5.0 && peak_mb < 150.0, "{text}");
}

#[test]
fn explain_tells_everything_without_pixels() {
    let done = run(&["explain", "image/resize,w_300/circle,r_80/format,png", "--size", "4000x3000", "--engine", "cpu"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let text = stdout(&done);
    for expected in ["300x225", "161x161", "decoded at 1/8 of 4000x3000", "convolve", "mask", "cpu"] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    let too_large = run(&["explain", "image/resize,w_16384,limit_0", "--size", "400x267", "--engine", "cpu"]);
    assert_eq!(too_large.status.code(), Some(1));
    assert!(stderr(&too_large).contains("0040-00000007"), "{}", stderr(&too_large));
}

#[test]
fn actions_lists_every_row() {
    let text = stdout(&run(&["actions"]));
    for spec in registry::ACTIONS {
        assert!(text.contains(&format!("{}: {}", spec.name, spec.summary)), "{}", spec.name);
    }
}

#[test]
fn settings_are_checked_whole() {
    let wrong = run(&["serve", "--workers", "0", "--engine", "quantum", "--cache", "memory"]);
    assert_eq!(wrong.status.code(), Some(2));
    let text = stderr(&wrong);
    for name in ["workers", "engine", "cache"] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
    let unknown = pixelpass().args(["serve"]).env("PIXELPASS_WORKRES", "2").output().expect("runs");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("PIXELPASS_WORKRES"), "{}", stderr(&unknown));
}

#[test]
fn help_teaches() {
    for command in ["serve", "process", "explain", "sign", "verify", "gpu-doctor", "actions"] {
        let help = run(&[command, "--help"]);
        assert!(help.status.success());
        assert!(stdout(&help).len() > 100, "{command}");
    }
    assert!(stdout(&run(&["process", "--help"])).contains("Examples:"));
}

#[cfg(feature = "gpu")]
mod gpu_doctor {
    use super::*;

    #[test]
    fn it_passes_where_there_is_an_adapter() {
        if std::env::var("PIXELPASS_TEST_GPU").is_ok_and(|mode| mode != "require") {
            return;
        }
        let done = run(&["gpu-doctor", "--required"]);
        assert!(done.status.success(), "{}{}", stdout(&done), stderr(&done));
        assert!(stdout(&done).contains("texture"), "{}", stdout(&done));
    }

    #[test]
    fn it_explains_a_machine_without_one() {
        let without = |arguments: &[&str]| {
            let nowhere = "/nonexistent/driver.json";
            let mut command = pixelpass();
            command.args(arguments).env("VK_ICD_FILENAMES", nowhere).env("VK_DRIVER_FILES", nowhere);
            command.output().expect("runs")
        };
        let required = without(&["gpu-doctor", "--required"]);
        assert_eq!(required.status.code(), Some(1), "{}", stdout(&required));
        assert!(without(&["gpu-doctor"]).status.success());
        let serve = without(&["serve", "--engine", "gpu", "--listen", "127.0.0.1:0"]);
        assert_eq!(serve.status.code(), Some(1), "a GPU or nothing");
        assert!(stderr(&serve).contains("GPU") || stderr(&serve).contains("gpu"), "{}", stderr(&serve));
        // auto falls back and works.
        let folder = Folder::new();
        let target = folder.path().join("small.jpg").to_string_lossy().into_owned();
        assert!(without(&["process", &demo("example.jpg"), &target, "image/resize,w_50"]).status.success());
    }
}
