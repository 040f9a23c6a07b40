//! An object that was found, and its content.

use super::meta::{Body, ObjectMeta};
use super::{Error, storage_error};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use object_store::path::Path as Location;
use object_store::{GetOptions, GetRange, ObjectStore};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are read from a file at a time.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// An object that was found; what is read is the content that `meta` describes, however the key is
/// written to meanwhile.
#[derive(Debug)]
pub struct Object {
    pub meta: ObjectMeta,
    pub(super) content: Content,
}

/// Where an object's content comes from.
pub(super) enum Content {
    File(File),
    Remote(Remote),
}

/// Content that is being fetched.
pub(super) struct Remote {
    pub store: Arc<dyn ObjectStore>,
    pub location: Location,
    pub e_tag: Option<String>,
    /// All of it, already asked for.
    pub whole: BoxStream<'static, object_store::Result<Bytes>>,
}

/// All of a content: in memory if it came from afar, else in a file, still to be read.
pub enum Whole {
    Bytes(Vec<u8>),
    File { file: File, size_bytes: u64 },
}

impl Whole {
    /// The bytes; those of a file are put into `room`, which grows where it has to. Waits for the
    /// disk, so that it is not for async workers.
    ///
    /// # Errors
    /// `InternalError` when the file cannot be read, or became shorter meanwhile.
    pub fn read<'a>(&'a mut self, room: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
        match self {
            Whole::Bytes(bytes) => Ok(bytes),
            Whole::File { file, size_bytes } => {
                let length = *size_bytes as usize;
                // What an earlier file left is written over: clearing it first would cost a pass.
                if room.len() < length {
                    room.resize(length, 0);
                }
                let bytes = &mut room[..length];
                file.rewind().and_then(|()| file.read_exact(bytes)).map_err(Error::internal)?;
                Ok(bytes)
            }
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::File(file) => file.fmt(f),
            Content::Remote(remote) => remote.location.fmt(f),
        }
    }
}

impl Object {
    /// The whole content, or `None` if it is longer than `limit_bytes`.
    ///
    /// # Errors
    /// `InternalError` when it cannot be fetched.
    pub async fn whole(self, limit_bytes: u64) -> Result<Option<Whole>, Error> {
        let size_bytes = self.meta.size_bytes;
        if size_bytes > limit_bytes {
            return Ok(None);
        }
        match self.content {
            Content::File(file) => Ok(Some(Whole::File { file, size_bytes })),
            Content::Remote(mut remote) => {
                let mut bytes = Vec::with_capacity(size_bytes as usize);
                while let Some(chunk) = remote.whole.try_next().await.map_err(storage_error)? {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(Some(Whole::Bytes(bytes)))
            }
        }
    }

    /// A part of the content, in chunks. A file that became shorter meanwhile ends in an error.
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let chunks: BoxStream<'static, io::Result<Bytes>> = match self.content {
            _ if range.is_empty() => stream::empty().boxed(),
            Content::File(file) => file_chunks(file, range).boxed(),
            Content::Remote(remote) if range == (0..self.meta.size_bytes) => {
                remote.whole.map_err(io::Error::other).boxed()
            }
            Content::Remote(remote) => remote_chunks(remote, range).boxed(),
        };
        chunks
    }

    /// A part of the content on its way to another object.
    pub fn into_body(self, range: Range<u64>) -> Body {
        Box::pin(self.stream(range).map_err(Error::internal))
    }

    /// The whole content on its way to another object.
    pub(super) fn into_whole_body(self) -> Body {
        let size_bytes = self.meta.size_bytes;
        self.into_body(0..size_bytes)
    }
}

fn file_chunks(file: File, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((file, range), |(mut file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let read = move || {
            let length = (range.end - range.start).min(CHUNK_BYTES as u64) as usize;
            let mut chunk = vec![0; length];
            file.seek(SeekFrom::Start(range.start))?;
            file.read_exact(&mut chunk)?;
            Ok(Some((Bytes::from(chunk), (file, range.start + length as u64..range.end))))
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    })
}

fn remote_chunks(remote: Remote, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let ask = async move {
        let Remote { store, location, e_tag, whole } = remote;
        drop(whole);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), if_match: e_tag, ..GetOptions::default() };
        store.get_opts(&location, options).await.map(|result| result.into_stream()).map_err(io::Error::other)
    };
    stream::once(ask).map_ok(|chunks| chunks.map_err(io::Error::other)).try_flatten()
}

/// All of a file as it is now.
pub(super) fn whole_file(file: File) -> io::Result<Body> {
    let size_bytes = file.metadata()?.len();
    Ok(Box::pin(file_chunks(file, 0..size_bytes).map_err(Error::internal)))
}
