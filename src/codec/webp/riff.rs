//! Chunks of a file in memory. Source: the WebP container specification.

/// Bytes before the first chunk.
const HEAD: &[u8; 12] = b"RIFF\0\0\0\0WEBP";

/// Name, content and all bytes of each chunk.
pub fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
    let mut rest = file.get(HEAD.len()..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
        let whole = 8 + length.next_multiple_of(2);
        let chunk = (rest.get(..4)?, rest.get(8..8 + length)?, rest.get(..whole)?);
        rest = &rest[whole..];
        Some(chunk)
    })
}

/// What the first chunk of a name holds.
pub fn content<'a>(file: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    chunks(file).find(|(name, _, _)| *name == wanted).map(|(_, content, _)| content)
}

/// A file being put together.
pub struct File(Vec<u8>);

impl File {
    pub fn new() -> File {
        File(HEAD.to_vec())
    }

    pub fn push(&mut self, name: &[u8], content: &[u8]) {
        self.0.extend_from_slice(name);
        self.0.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.0.extend_from_slice(content);
        if content.len() % 2 == 1 {
            self.0.push(0);
        }
    }

    /// The file, with its length told.
    pub fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len() - 8).unwrap_or(u32::MAX);
        self.0[4..8].copy_from_slice(&length.to_le_bytes());
        self.0
    }
}
