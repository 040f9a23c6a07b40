//! Content on its way in: counted, hashed and put aside until it is whole.

use super::digest::{Digests, Sums};
use super::local::Leftover;
use super::meta::{self, Body, Upload};
use super::{Error, blocking, storage_error};
use bytes::Bytes;
use futures_util::future::{join, try_join};
use futures_util::stream::{self, Fuse, StreamExt};
use object_store::{MultipartUpload, PutPayload};
use std::fs::File;
use std::io::{Read, Seek, Write};

/// Bytes that are hashed and written at a time.
const BATCH_BYTES: usize = 1024 * 1024;

/// Content of at most so many bytes is kept in memory where the store has no place to put it aside.
pub(super) const SMALL_BYTES: u64 = 8 * 1024 * 1024;

/// Content that was received whole.
pub(super) struct Received {
    pub content: Aside,
    pub sums: Sums,
}

/// Where received content is until it gets its place.
pub(super) enum Aside {
    /// In the local store's staging folder, synced.
    Staged(Leftover),
    Memory(Vec<Bytes>),
    /// A file without a name.
    Temporary(File),
}

/// Where content is written while it comes.
pub(super) enum Sink {
    Staged(Box<dyn MultipartUpload>, Leftover),
    Memory(Vec<Bytes>, u64),
    Temporary(File),
}

impl Sink {
    pub fn memory() -> Sink {
        Sink::Memory(Vec::new(), 0)
    }

    async fn write(self, batch: Vec<Bytes>) -> Result<Sink, Error> {
        match self {
            Sink::Staged(mut upload, leftover) => {
                upload.put_part(PutPayload::from_iter(batch)).await.map_err(storage_error)?;
                Ok(Sink::Staged(upload, leftover))
            }
            Sink::Memory(mut chunks, mut length) => {
                length += batch.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
                chunks.extend(batch);
                if length <= SMALL_BYTES {
                    return Ok(Sink::Memory(chunks, length));
                }
                let write = move || {
                    let mut file = tempfile::tempfile()?;
                    chunks.iter().try_for_each(|chunk| file.write_all(chunk))?;
                    Ok(Sink::Temporary(file))
                };
                blocking(write).await
            }
            Sink::Temporary(mut file) => {
                let write = move || {
                    batch.iter().try_for_each(|chunk| file.write_all(chunk))?;
                    Ok(Sink::Temporary(file))
                };
                blocking(write).await
            }
        }
    }

    /// Removes what was written. Dropping does so too, at some later time.
    async fn abandon(self) {
        if let Sink::Staged(mut upload, _) = self {
            let _ = upload.abort().await;
        }
    }

    async fn finish(self) -> Result<Aside, Error> {
        Ok(match self {
            Sink::Staged(mut upload, leftover) => {
                upload.complete().await.map_err(storage_error)?;
                Aside::Staged(leftover)
            }
            Sink::Memory(chunks, _) => Aside::Memory(chunks),
            Sink::Temporary(file) => Aside::Temporary(file),
        })
    }
}

impl Aside {
    /// The content as a body again.
    ///
    /// # Errors
    /// `InternalError` when it cannot be read.
    pub async fn into_body(self) -> Result<Body, Error> {
        Ok(match self {
            Aside::Staged(leftover) => {
                let (leftover, file) = blocking(move || {
                    let file = File::open(leftover.path())?;
                    Ok((leftover, file))
                })
                .await?;
                // The file's name goes when its content has been read.
                let held = stream::once(async move {
                    drop(leftover);
                    Ok(Bytes::new())
                });
                Box::pin(chunks(file).chain(held))
            }
            Aside::Memory(chunks) => Box::pin(stream::iter(chunks.into_iter().map(Ok))),
            Aside::Temporary(mut file) => {
                let file = blocking(move || {
                    file.rewind()?;
                    Ok(file)
                })
                .await?;
                Box::pin(chunks(file))
            }
        })
    }
}

/// The rest of a file, in chunks.
fn chunks(file: File) -> impl futures_util::Stream<Item = Result<Bytes, Error>> + Send {
    stream::try_unfold(file, |file| async move {
        let read = move || {
            let mut chunk = Vec::with_capacity(BATCH_BYTES);
            (&file).take(BATCH_BYTES as u64).read_to_end(&mut chunk)?;
            Ok((!chunk.is_empty()).then(|| (Bytes::from(chunk), file)))
        };
        blocking(read).await
    })
}

/// Receives `body` into `sink`: while one batch is hashed and written the next one is awaited.
///
/// # Errors
/// Those of the body; `EntityTooLarge`; `InvalidDigest`; `InternalError` when it cannot be kept.
pub(super) async fn receive(body: Body, upload: &Upload, mut sink: Sink) -> Result<Received, Error> {
    // Bodies need not bear to be asked again after their end.
    let mut body = body.fuse();
    let mut digests = Digests::new();
    let mut room_bytes = upload.limit_bytes;
    let mut next = next_batch(&mut body, &mut room_bytes, upload.limit_bytes).await;
    let refused = loop {
        let batch = match next {
            Ok(batch) if batch.is_empty() => break None,
            Ok(batch) => batch,
            Err(error) => break Some(error),
        };
        let chunks = batch.clone();
        let hash = blocking(move || {
            digests.update(&chunks);
            Ok(digests)
        });
        let work = try_join(hash, sink.write(batch));
        let worked;
        (next, worked) = join(next_batch(&mut body, &mut room_bytes, upload.limit_bytes), work).await;
        (digests, sink) = worked?;
    };
    let sums = digests.sums();
    let refused =
        refused.or_else(|| upload.expected_md5.is_some_and(|expected| expected != sums.md5).then(meta::invalid_digest));
    match refused {
        None => Ok(Received { content: sink.finish().await?, sums }),
        Some(error) => {
            sink.abandon().await;
            Err(error)
        }
    }
}

/// Chunks of about [`BATCH_BYTES`]; none at the end.
async fn next_batch(body: &mut Fuse<Body>, room_bytes: &mut u64, limit_bytes: u64) -> Result<Vec<Bytes>, Error> {
    let (mut batch, mut length) = (Vec::new(), 0);
    while length < BATCH_BYTES {
        let Some(chunk) = body.next().await else { break };
        let chunk = chunk?;
        if chunk.is_empty() {
            continue;
        }
        *room_bytes = room_bytes.checked_sub(chunk.len() as u64).ok_or_else(|| meta::too_large(limit_bytes))?;
        length += chunk.len();
        batch.push(chunk);
    }
    Ok(batch)
}
