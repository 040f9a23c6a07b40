//! `pixelpass process`: one picture, from a file to a file.

use super::{engines, fail, shown, usage};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::process::Pipe;
use crate::processor::{Answer, Times};
use clap::ArgMatches;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The argument that means standard input or output.
const STANDARD: &str = "-";

/// Runs the command.
pub fn run(given: &ArgMatches) -> ExitCode {
    let argument = |name: &str| given.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let (input, output, process) = (argument("in"), argument("out"), argument("process"));
    let config = match super::settings(given) {
        Ok(config) => config,
        Err(mistakes) => return usage(&mistakes.to_string()),
    };
    let pipe = Pipe::parse(process, |_| None);
    let ignored = |error: &Error| error.code.is_ignorable() && Pipe::ignores_errors(process, |_| None);
    // Told before anything is read.
    if let Err(error) = &pipe
        && !ignored(error)
    {
        return fail(&shown(error, process));
    }
    let limit_bytes = engines::limits(&config).source_bytes;
    let source = match read(input, limit_bytes) {
        Ok(source) => source,
        Err(error) => return fail(&format!("error: cannot read {input}: {error}\n")),
    };
    let processor = match engines::start(&config) {
        Ok((processor, _)) => processor,
        Err(reason) => return fail(&format!("error: {reason}\n")),
    };
    let folder = match given.get_one::<PathBuf>("assets") {
        Some(folder) => folder.clone(),
        None => Path::new(input).parent().unwrap_or(Path::new("")).to_owned(),
    };
    let answer = pipe.and_then(|pipe| {
        // What cannot be read is told as a watermark picture that is missing.
        let assets: Vec<_> = pipe.assets().iter().map(|key| std::fs::read(folder.join(key)).ok()).collect();
        processor.process(&source, &pipe, &assets, &Cancel::never())
    });
    let (bytes, remark) = match &answer {
        Ok(answer) if given.get_flag("statistics") => (&answer.bytes, statistics(answer)),
        Ok(answer) => (&answer.bytes, String::new()),
        // Of a source over the limit only the beginning was read.
        Err(error) if ignored(error) && source.len() as u64 <= limit_bytes => {
            (&source, format!("{input} is written as it is, as ignore-error,1 wants it\n{}", shown(error, process)))
        }
        Err(error) => return fail(&shown(error, process)),
    };
    if let Err(error) = write(output, bytes) {
        return fail(&format!("error: cannot write {output}: {error}\n"));
    }
    // Nobody need read it.
    let _ = io::stderr().write_all(remark.as_bytes());
    ExitCode::SUCCESS
}

/// Engine, milliseconds of each phase and the peak of memory, a line each.
fn statistics(answer: &Answer) -> String {
    let Times { decode, queue, run, encode } = answer.times;
    let mut text = format!("engine {}: {}\n", answer.engine.name(), answer.reason);
    for (phase, time) in [("decode", decode), ("queue", queue), ("run", run), ("encode", encode)] {
        text.push_str(&format!("{phase} {:.2} ms\n", time.as_secs_f64() * 1000.0));
    }
    if let Some(peak_bytes) = peak_memory_bytes() {
        text.push_str(&format!("peak memory {:.1} MB\n", peak_bytes as f64 / 1e6));
    }
    text
}

/// The most resident memory this process has had, where the system tells (Linux).
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The bytes of a file, at most one more than `limit_bytes`, so that a longer one is told as such.
fn read(name: &str, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match name {
        STANDARD => io::stdin().take(limit_bytes + 1).read_to_end(&mut bytes)?,
        name => {
            let file = File::open(name)?;
            // A buffer that grows as it is filled leaves a second file's worth of memory behind.
            let expected_bytes = file.metadata()?.len().min(limit_bytes) + 1;
            bytes.try_reserve_exact(usize::try_from(expected_bytes).unwrap_or_default())?;
            file.take(limit_bytes + 1).read_to_end(&mut bytes)?
        }
    };
    Ok(bytes)
}

fn write(name: &str, bytes: &[u8]) -> io::Result<()> {
    match name {
        STANDARD => {
            let mut output = io::stdout().lock();
            output.write_all(bytes)?;
            output.flush()
        }
        name => File::create(name)?.write_all(bytes),
    }
}
