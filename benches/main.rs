//! All benches, one binary: `cargo bench -- chains::cpu` runs those whose path holds that text.

mod chains;
mod decode;
mod layers;
mod requests;
mod resize;
mod support;

fn main() {
    support::announce();
    divan::main();
}
