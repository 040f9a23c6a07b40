//! The command line: what can be asked, how it is read, how mistakes are shown. No logic of its
//! own: every command calls the rooms below.

mod certificate;
pub mod engines;
pub mod explain;
mod keys;
pub mod process;
pub mod serve;
pub mod sign;
pub mod verify;
mod watch;

use crate::config::{self, Config, Mistakes, ROWS, Row, Sources};
use crate::error::Error;
use crate::process::registry;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::io::{self, Write};
use std::process::ExitCode;

/// A picture or the server failed.
pub const FAILED: ExitCode = ExitCode::FAILURE;

/// The command line or the settings are wrong.
pub const USAGE: u8 = 2;

const PROCESS_HELP: &str = "\
Examples:
  pixelpass process photo.jpg small.jpg 'image/resize,w_300'
  pixelpass process photo.jpg round.png 'image/resize,w_300/circle,r_100/format,png'
  curl -s https://example.com/a.jpg | pixelpass process - - 'image/blur,r_3,s_2' > blurred.jpg

The process string is what stands behind ?x-oss-process= in a URL. `pixelpass actions` lists the actions.
Exit code 1 is a failure of the picture, 2 one of the command line.";

const EXPLAIN_HELP: &str = "\
Examples:
  pixelpass explain 'image/resize,w_300/blur,r_3,s_2' --size 4000x3000
  pixelpass explain 'image/circle,r_100/format,png' --size 400x267 --format png --alpha
  pixelpass explain 'image/resize,w_100' --size 424x333 --orientation 7

No picture is read: the answer is what a picture with such a header would come to.";

const SERVE_HELP: &str = "\
Examples:
  pixelpass serve
      serves ./pixelpass-data, which is made with sample pictures if it is missing
  pixelpass serve --store ~/pictures --listen 0.0.0.0:8080
      serves ~/pictures/BUCKET/KEY as http://HOST:8080/BUCKET/KEY?x-oss-process=image/resize,w_300
  PIXELPASS_ENGINE=cpu pixelpass serve --config pixelpass.toml

Settings come from the file of --config (or PIXELPASS_CONFIG), then the environment, then flags; later ones win.
The file is TOML with the names of the flags: workers = 4. Lists in the environment are separated by commas.
The addresses /healthz and /readyz are the server's own, so those two are no buckets.";

const SIGN_HELP: &str = "\
Examples:
  pixelpass sign 'http://127.0.0.1:8080/demo/photo.jpg?x-oss-process=image/resize,w_300' --access-key ID:SECRET
  pixelpass sign PUT http://127.0.0.1:8080/demo/new.jpg --header 'Content-Type: image/jpeg' --expires 3600
  PIXELPASS_ACCESS_KEY=ID:SECRET pixelpass sign http://demo.localhost:8080/photo.jpg --version 1

Prints the URL that whoever has it may use until it expires, with this method and these headers; the query may not be
changed. The first access key signs; --region is the region that is signed for, cn-hangzhou without one.
A secret on the command line can be seen by others on the machine; in the environment or a file it cannot.";

const VERIFY_HELP: &str = "\
Examples:
  pixelpass verify 'http://127.0.0.1:8080/demo/photo.jpg?OSSAccessKeyId=ID&Expires=1768466400&Signature=...' \\
      --access-key ID:SECRET
  pixelpass verify http://127.0.0.1:8080/demo/new.jpg --method PUT --at 20260115T083000Z \\
      --header 'Authorization: OSS ID:...' --header 'Date: Thu, 15 Jan 2026 08:30:00 GMT'
  pixelpass verify 'http://...' --client-string error.xml

Shows what the server computes for the request, and why it accepts or refuses it. With the client's string, from its
debug output or the error document of another server, the first difference is pointed at. Without one the usual
mistakes are tried: what is named explains the signature for certain.
Exit code 0 is a request that is accepted, 1 one that is refused, 2 a mistake in the command line.";

/// The whole command line.
pub fn commands() -> Command {
    let process_string = || Arg::new("process").value_name("PROCESS").required(true);
    let engine_settings = || {
        ROWS.iter()
            .filter(|row| {
                matches!(row.name, "engine" | "resample" | "animated-webp" | "never-grow")
                    || row.name.starts_with("limit-")
            })
            .map(setting)
    };
    let signing_settings = || {
        let signing = |row: &&Row| matches!(row.name, "access-key" | "access-key-file" | "base-domain" | "region");
        ROWS.iter().filter(signing).map(setting)
    };
    Command::new("pixelpass")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Image processing by URL, in the language of OSS, on GPU and CPU")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("serve")
                .about("Serve pictures over HTTP")
                .arg(config_file())
                .args(ROWS.iter().map(setting))
                .after_long_help(SERVE_HELP),
        )
        .subcommand(
            Command::new("process")
                .about("Process one picture")
                .arg(Arg::new("in").value_name("IN").required(true).help("Picture to read; - is standard input"))
                .arg(Arg::new("out").value_name("OUT").required(true).help("File to write; - is standard output"))
                .arg(process_string().help("What to do, as in 'image/resize,w_300/format,png'"))
                .arg(
                    Arg::new("assets")
                        .long("assets")
                        .value_name("DIR")
                        .value_parser(clap::value_parser!(std::path::PathBuf))
                        .help("Folder of the pictures that watermarks name [default: the folder of IN]"),
                )
                .arg(
                    Arg::new("statistics")
                        .long("statistics")
                        .action(ArgAction::SetTrue)
                        .help("Tell engine, times and peak memory on standard error"),
                )
                .arg(config_file())
                .args(engine_settings())
                .after_long_help(PROCESS_HELP),
        )
        .subcommand(
            Command::new("explain")
                .about("Show what a process string comes to, without a picture")
                .arg(process_string().help("As in 'image/resize,w_300/format,png'"))
                .args(explain::header_arguments())
                .arg(config_file())
                .args(engine_settings())
                .after_long_help(EXPLAIN_HELP),
        )
        .subcommand(
            Command::new("sign")
                .about("Sign a URL, so that whoever has it may use it for a while")
                .override_usage("pixelpass sign [OPTIONS] [METHOD] <URL>")
                .args(sign::arguments())
                .args(sign::request_arguments())
                .arg(config_file())
                .args(signing_settings())
                .after_long_help(SIGN_HELP),
        )
        .subcommand(
            Command::new("verify")
                .about("Explain why a signed request is refused")
                .args(verify::arguments())
                .args(sign::request_arguments())
                .arg(config_file())
                .args(signing_settings())
                .after_long_help(VERIFY_HELP),
        )
        .subcommand(Command::new("actions").about("List the actions of the language with their arguments"))
        .subcommand(
            Command::new("gpu-doctor").about("Say what GPU there is, and whether it computes right").arg(
                Arg::new("required")
                    .long("required")
                    .action(ArgAction::SetTrue)
                    .help("Fail if there is none (exit code 1)"),
            ),
        )
}

/// The flag of a setting. Values are checked by `config`, which tells all mistakes together.
fn setting(row: &'static Row) -> Arg {
    let action = if row.is_repeatable() { ArgAction::Append } else { ArgAction::Set };
    Arg::new(row.name)
        .long(row.name)
        .value_name(row.shape())
        .help(row.help())
        .action(action)
        .allow_negative_numbers(true)
}

fn config_file() -> Arg {
    let help = format!("TOML file of settings [env: {}]", config::config_variable());
    Arg::new("config").long("config").value_name("FILE").help(help)
}

/// The settings that the flags, the environment and the file come to.
fn settings(given: &ArgMatches) -> Result<Config, Mistakes> {
    let values =
        |row: &Row| -> Option<Vec<String>> { Some(given.try_get_many::<String>(row.name).ok()??.cloned().collect()) };
    let flags = ROWS.iter().filter_map(|row| Some((row.name, values(row)?))).collect();
    let sources = Sources::of_process(given.get_one::<String>("config").cloned(), flags)?;
    Config::assemble(&sources)
}

/// Prints the list of actions.
pub fn actions() -> ExitCode {
    print(&registry::describe())
}

/// Writes to standard output; a reader who has left is no failure.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&format!("error: {error}\n")),
        _ => ExitCode::SUCCESS,
    }
}

/// Writes to standard error, if anybody reads it.
fn fail(text: &str) -> ExitCode {
    let _ = io::stderr().write_all(text.as_bytes());
    FAILED
}

fn usage(text: &str) -> ExitCode {
    fail(text);
    ExitCode::from(USAGE)
}

/// An error of the language, with the wrong piece of `process` underlined.
fn shown(error: &Error, process: &str) -> String {
    let mut text = format!("error: {error}\n");
    if let Some(span) = &error.span
        && let (Some(before), Some(wrong)) = (process.get(..span.start), process.get(span.clone()))
    {
        let column = before.chars().count();
        let carets = "^".repeat(wrong.chars().count().max(1));
        text.push_str(&format!("  {process}\n  {:column$}{carets}\n", ""));
    }
    if let Some(source) = &error.source {
        text.push_str(&format!("  because: {source}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn the_command_line_is_consistent() {
        commands().debug_assert();
    }

    #[test]
    fn flags_reach_the_settings() {
        let line = "pixelpass serve --workers 3 --access-key a:b --access-key c:d --cache off --listen 127.0.0.1:0";
        let matches = commands().try_get_matches_from(line.split(' ')).unwrap();
        let config = settings(matches.subcommand().unwrap().1).unwrap();
        assert_eq!((config.workers.get(), config.access_keys.len(), config.listen.port()), (3, 2, 0));
    }

    #[test]
    fn a_mistake_is_underlined() {
        let process = "image/汉,r_3/blur,s_99";
        let error = Error::new(Code::InvalidArgument, "No.").at(18..22);
        assert_eq!(shown(&error, process), format!("error: InvalidArgument: No.\n  {process}\n  {:16}^^^^\n", ""));
        let outside = Error::new(Code::InvalidArgument, "No.").at(7..99);
        assert_eq!(shown(&outside, process), "error: InvalidArgument: No.\n");
        let end = Error::new(Code::InvalidArgument, "No.").at(6..6);
        assert_eq!(shown(&end, "image/"), "error: InvalidArgument: No.\n  image/\n        ^\n");
    }
}
