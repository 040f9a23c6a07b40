//! `pixelpass explain`: what a process string comes to, without touching a pixel.

use super::{engines, fail, print, shown, usage};
use crate::engine::choice;
use crate::error::Error;
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::plan::Asset;
use crate::process::Pipe;
use crate::processor::Processor;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use std::fmt::Write;
use std::process::ExitCode;

/// The arguments that describe the picture's header.
pub(super) fn header_arguments() -> Vec<Arg> {
    let format = |name: &str| Format::parse(name).ok_or_else(|| format!("'{name}' is not a format; jpg, png … are"));
    vec![
        Arg::new("size")
            .long("size")
            .value_name("WIDTHxHEIGHT")
            .required(true)
            .value_parser(|text: &str| text.parse::<Size>())
            .help("Size of the picture as stored, in pixels"),
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .default_value("jpg")
            .value_parser(format)
            .help("Format of the picture"),
        Arg::new("alpha").long("alpha").action(ArgAction::SetTrue).help("The picture is not opaque"),
        Arg::new("quality")
            .long("quality")
            .value_name("N")
            .value_parser(value_parser!(u8).range(1..=100))
            .help("Quality of the picture if it is a JPEG, 1 to 100"),
        Arg::new("orientation")
            .long("orientation")
            .value_name("N")
            .default_value("1")
            .value_parser(value_parser!(u8).range(1..=8))
            .help("EXIF orientation of the picture, 1 to 8"),
        Arg::new("frames")
            .long("frames")
            .value_name("N")
            .default_value("1")
            .value_parser(value_parser!(u32).range(1..))
            .help("Frames of the picture if it is an animation"),
        Arg::new("asset-size")
            .long("asset-size")
            .value_name("WIDTHxHEIGHT")
            .default_value("100x100")
            .value_parser(|text: &str| text.parse::<Size>())
            .help("Size of the pictures that watermarks name"),
    ]
}

/// Runs the command.
pub fn run(given: &ArgMatches) -> ExitCode {
    let process = given.get_one::<String>("process").map(String::as_str).unwrap_or_default();
    let config = match super::settings(given) {
        Ok(config) => config,
        Err(mistakes) => return usage(&mistakes.to_string()),
    };
    let Some(headers) = described(given) else {
        return usage("error: --size is missing\n");
    };
    let (processor, remark) = match engines::start(&config) {
        Ok(started) => started,
        Err(reason) => return fail(&format!("error: {reason}\n")),
    };
    match explain(process, &headers, &processor, &remark) {
        Ok(text) => print(&text),
        Err(error) if error.code.is_ignorable() && Pipe::ignores_errors(process, |_| None) => {
            print(&format!("the stored object as it is, since ignore-error,1 hides this:\n{}", shown(&error, process)))
        }
        Err(error) => fail(&shown(&error, process)),
    }
}

/// The headers as they were described.
struct Given {
    source: Probe,
    asset_size: Size,
}

impl Given {
    /// The header of every watermark picture.
    fn asset(&self) -> Probe {
        Probe {
            format: Format::Png,
            size: self.asset_size,
            alpha: true,
            frames: 1,
            quality: None,
            orientation: Orientation::Upright,
        }
    }
}

fn described(given: &ArgMatches) -> Option<Given> {
    let format = *given.get_one::<Format>("format")?;
    let source = Probe {
        format,
        size: *given.get_one::<Size>("size")?,
        orientation: Orientation::from_exif(u32::from(*given.get_one::<u8>("orientation")?)),
        frames: *given.get_one::<u32>("frames")?,
        alpha: given.get_flag("alpha") && format.has_alpha(),
        quality: given.get_one::<u8>("quality").copied().filter(|_| format == Format::Jpeg),
    };
    Some(Given { source, asset_size: *given.get_one::<Size>("asset-size")? })
}

fn explain(process: &str, given: &Given, processor: &Processor, remark: &str) -> Result<String, Error> {
    let pipe = Pipe::parse(process, |_| None)?;
    let assets: Vec<_> = pipe.assets().iter().map(|key| Asset { key: key.clone(), probe: given.asset() }).collect();
    let mut probe = given.source.clone();
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(text, "canonical: {pipe}");
    for chain in pipe.chains() {
        let upright = probe.orientation.apply_to(probe.size);
        let _ = writeln!(text, "\nsource: {} {}, {upright} upright", probe.format.name(), probe.size);
        if chain.question().is_some() {
            let _ = writeln!(text, "\n{chain}: a text about the source");
            continue;
        }
        let plan = chain.plan(&probe, &processor.rules, &assets)?;
        let steps = chain.steps(&probe, &processor.rules, &assets)?;
        let (engine, reason) = choice::choose(&plan, probe.frames, processor.setting, processor.adapter.as_ref());
        let width = steps.iter().map(|(step, _)| step.chars().count()).max().unwrap_or(0);
        for (step, size) in &steps {
            let _ = writeln!(text, "  {step:width$}  {size}");
        }
        let _ = writeln!(text, "\n{plan}");
        let _ = writeln!(text, "\nengine: {}, {reason} ({remark})", engine.name());
        // The next chain of the pipe reads what this one wrote.
        probe = Probe {
            format: plan.output.format,
            size: plan.result_size(),
            orientation: Orientation::Upright,
            frames: if plan.output.animated { probe.frames } else { 1 },
            alpha: !plan.opaque,
            quality: (plan.output.format == Format::Jpeg).then_some(plan.output.quality),
        };
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_what_was_described() {
        let line = "pixelpass explain image/flip,1 --size 4000x3000 --orientation 6 --quality 82 --alpha";
        let matches = crate::cli::commands().try_get_matches_from(line.split(' ')).unwrap();
        let probe = described(matches.subcommand().unwrap().1).unwrap().source;
        assert_eq!((probe.size, probe.orientation), (Size::new(4000, 3000), Orientation::Turn90));
        assert_eq!((probe.quality, probe.alpha, probe.format), (Some(82), false, Format::Jpeg));
        for wrong in ["--size 0x3", "--size 3", "--size 3x3 --format xyz", "--size 3x3 --orientation 9", ""] {
            let line = format!("pixelpass explain image/flip,1 {wrong}");
            assert!(crate::cli::commands().try_get_matches_from(line.split_whitespace()).is_err(), "{wrong}");
        }
    }
}
