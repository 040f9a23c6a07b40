//! Pixelpass, the program: a table of contents.

use pixelpass::cli;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::commands().get_matches().subcommand() {
        Some(("serve", given)) => cli::serve::run(given),
        Some(("process", given)) => cli::process::run(given),
        Some(("explain", given)) => cli::explain::run(given),
        Some(("sign", given)) => cli::sign::run(given),
        Some(("verify", given)) => cli::verify::run(given),
        Some(("actions", _)) => cli::actions(),
        Some(("gpu-doctor", given)) => cli::engines::doctor(given.get_flag("required")),
        _ => ExitCode::from(cli::USAGE),
    }
}
