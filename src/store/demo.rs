//! The samples of the embedded default store.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// The bucket that holds the samples.
pub const BUCKET: &str = "demo";

/// Every sample: key and content.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("photo.jpg", include_bytes!("../../fixtures/demo/photo.jpg")),
    ("portrait.jpg", include_bytes!("../../fixtures/demo/portrait.jpg")),
    ("logo.png", include_bytes!("../../fixtures/demo/logo.png")),
    ("landscape.jpg", include_bytes!("../../fixtures/demo/landscape.jpg")),
    ("dice.png", include_bytes!("../../fixtures/demo/dice.png")),
    ("example.jpg", include_bytes!("../../fixtures/demo/example.jpg")),
];

/// Makes `directory` if it is missing, and fills it with the samples if it holds nothing yet.
/// What is there stays as it is.
pub(super) fn fill(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    if fs::read_dir(directory)?.next().is_some() {
        return Ok(());
    }
    let bucket = directory.join(BUCKET);
    fs::create_dir(&bucket)?;
    for (key, content) in SAMPLES {
        fs::File::create_new(bucket.join(key))?.write_all(content)?;
    }
    Ok(())
}
