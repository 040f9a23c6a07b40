//! What is left of a request's body when its answer is ready.
//!
//! A client that is still sending reads no answer, and a connection that is closed before it has
//! read loses it: a refused upload would look like a broken line. So the rest is read and thrown
//! away, up to a bound.

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;

/// Most bytes that are thrown away for one request.
const LIMIT_BYTES: usize = 32 * 1024 * 1024;

/// Longest time for it.
const LIMIT: Duration = Duration::from_secs(10);

/// A body that is read to its end, or to a bound, when nobody wants it any more.
pub(super) struct Lingering {
    /// `None` once it has ended.
    chunks: Option<BodyDataStream>,
    /// The client waits to be asked for the body: what is not asked for never comes.
    waits: bool,
}

impl Lingering {
    pub fn new(chunks: BodyDataStream, waits: bool) -> Lingering {
        Lingering { chunks: Some(chunks), waits }
    }

    pub async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        let next = self.chunks.as_mut()?.next().await;
        if !matches!(next, Some(Ok(_))) {
            self.chunks = None;
        }
        next
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let (Some(mut chunks), false) = (self.chunks.take(), self.waits) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(LIMIT, async move {
            let mut left = LIMIT_BYTES;
            while let Some(Ok(chunk)) = chunks.next().await {
                match left.checked_sub(chunk.len()) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        }));
    }
}
