//! Small texts that live in the store as objects of their own: facts of buckets, documents,
//! uploads in progress.
//!
//! What was read is believed for a second, so that a request does not ask an S3 store five times;
//! what this server wrote itself it sees at once.

use super::{Error, storage_error};
use futures_util::TryStreamExt;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long another server's change may go unseen.
const FRESH: Duration = Duration::from_secs(1);

/// Most texts that are remembered.
const REMEMBERED: usize = 4096;

/// The texts of a store.
#[derive(Debug)]
pub(super) struct Texts {
    pub store: Arc<dyn ObjectStore>,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    /// `None` for a text that is not there.
    texts: HashMap<String, (Instant, Option<Arc<str>>)>,
    /// Counts own writes: what was read before one is not remembered after it.
    writes: u64,
}

impl Texts {
    pub fn new(store: Arc<dyn ObjectStore>) -> Texts {
        Texts { store, recent: Mutex::default() }
    }

    /// The text at `location`, at most a second old.
    pub async fn recent(&self, location: &str) -> Result<Option<Arc<str>>, Error> {
        let writes = {
            let recent = self.lock();
            if let Some((read, text)) = recent.texts.get(location)
                && read.elapsed() < FRESH
            {
                return Ok(text.clone());
            }
            recent.writes
        };
        let read = Instant::now();
        let text: Option<Arc<str>> = self.read(location).await?.map(Arc::from);
        let mut recent = self.lock();
        if recent.writes == writes {
            if recent.texts.len() >= REMEMBERED {
                recent.texts.clear();
            }
            recent.texts.insert(location.to_owned(), (read, text.clone()));
        }
        Ok(text)
    }

    /// The text at `location` as it is now.
    pub async fn read(&self, location: &str) -> Result<Option<String>, Error> {
        let result = match self.store.get(&parse(location)?).await {
            Ok(result) => result,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(storage_error(error)),
        };
        let bytes = match result.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return Err(storage_error(error)),
        };
        String::from_utf8(bytes.into()).map(Some).map_err(Error::internal)
    }

    /// Writes the text; `AlreadyExists` is `false`.
    pub async fn write(&self, location: &str, text: String, mode: PutMode) -> Result<bool, Error> {
        let options = PutOptions::from(mode);
        let done = self.store.put_opts(&parse(location)?, PutPayload::from(text.into_bytes()), options).await;
        self.forget(location);
        match done {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(storage_error(error)),
        }
    }

    /// Removes the text; whether it was there.
    pub async fn remove(&self, location: &str) -> Result<bool, Error> {
        let there = self.read(location).await?.is_some();
        let done = self.store.delete(&parse(location)?).await;
        self.forget(location);
        match done {
            Ok(()) => Ok(there),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(storage_error(error)),
        }
    }

    /// Everything below `folder`, relative to it.
    pub async fn below(&self, folder: &str) -> Result<Vec<(String, object_store::ObjectMeta)>, Error> {
        let location = parse(folder)?;
        let found: Vec<_> = self.store.list(Some(&location)).try_collect().await.map_err(storage_error)?;
        let relative = |meta: object_store::ObjectMeta| {
            let name = meta.location.as_ref().strip_prefix(folder)?.strip_prefix('/')?.to_owned();
            Some((name, meta))
        };
        Ok(found.into_iter().filter_map(relative).collect())
    }

    /// The names of the folders in `folder`, or at the top.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>, Error> {
        let location = parse(folder)?;
        let found = self.store.list_with_delimiter(Some(&location)).await.map_err(storage_error)?;
        let name = |path: Location| path.filename().map(str::to_owned);
        Ok(found.common_prefixes.into_iter().filter_map(name).collect())
    }

    /// Removes everything below `folder`, `first` before all else.
    pub async fn clear(&self, folder: &str, first: &str) -> Result<(), Error> {
        self.remove(&format!("{folder}/{first}")).await?;
        for (_, meta) in self.below(folder).await? {
            match self.store.delete(&meta.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(storage_error(error)),
            }
        }
        self.forget(folder);
        Ok(())
    }

    /// Forgets the text at `location` and all below.
    fn forget(&self, location: &str) {
        let mut recent = self.lock();
        recent.writes += 1;
        recent.texts.remove(location);
        let below = |known: &str| known.strip_prefix(location).is_some_and(|rest| rest.starts_with('/'));
        recent.texts.retain(|known, _| !below(known));
    }

    /// A panic between two map operations leaves a memory that is still right.
    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(location: &str) -> Result<Location, Error> {
    Location::parse(location).map_err(Error::internal)
}
