//! What `info` tells of a file.

use crate::format::Probe;
use std::collections::BTreeMap;

pub fn info(bytes: &[u8], probe: &Probe) -> BTreeMap<String, String> {
    let fields = [
        ("FileSize", bytes.len().to_string()),
        ("Format", probe.format.name().to_owned()),
        ("FrameCount", probe.frames.to_string()),
        ("ImageHeight", probe.size.height.to_string()),
        ("ImageWidth", probe.size.width.to_string()),
    ];
    fields.into_iter().map(|(key, text)| (key.to_owned(), text)).collect()
}
