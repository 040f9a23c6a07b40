//! Listings of each kind of store.

use super::cloud::{self, Cloud, S3};
use super::layout;
use super::listing::{Entries, Keys};
use super::local::Local;
use super::meta::{Listed, Listing};
use super::name::{Bucket, Key};
use super::walk::{Range, Walk};
use super::{Error, blocking, storage_error};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path as Location;
use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::vec;

/// Sorts after every character that can follow it in a key.
const LAST: char = char::MAX;

/// Requests under way at a time for what a listing does not tell.
const HEADS_AT_ONCE: usize = 16;

impl Local {
    /// A page of the bucket's objects.
    pub async fn list(&self, bucket: &Bucket, listing: &Listing) -> Result<Listed, Error> {
        let (local, bucket, listing) = (self.clone(), bucket.clone(), listing.clone());
        blocking(move || {
            let mut entries = Entries::new();
            listing.roll_up(&mut entries, &mut Plain::new(&local, &bucket, &listing)?)?;
            listing.roll_up(&mut entries, &mut Odd::new(&local, &bucket, &listing)?)?;
            let (found, prefixes, next) = listing.page(entries);
            let mut objects = Vec::with_capacity(found.len());
            for (key, path) in found {
                // What has gone meanwhile is not shown.
                if let Some(meta) = local.listed(&bucket, &key, &path)? {
                    objects.push((key, meta));
                }
            }
            Ok(Listed { objects, prefixes, next })
        })
        .await
    }
}

/// The keys of plain files.
struct Plain(Walk);

impl Plain {
    fn new(local: &Local, bucket: &Bucket, listing: &Listing) -> io::Result<Plain> {
        let skipped = listing.skipped().map(str::to_owned);
        let range = Range { prefix: listing.prefix.clone(), after: listing.after.clone(), skipped };
        Ok(Plain(Walk::new(&local.root, &local.root.join(bucket.as_str()), range)?))
    }
}

impl Keys<PathBuf> for Plain {
    type Error = io::Error;

    fn next(&mut self) -> io::Result<Option<(String, PathBuf)>> {
        while let Some((name, path)) = self.0.next()? {
            // Files whose names are no keys are not served either.
            if Key::new(&name).is_ok_and(|key| key.relative_path().is_some()) {
                return Ok(Some((name, path)));
            }
        }
        Ok(None)
    }

    fn skip(&mut self, prefix: &str) {
        self.0.skip(prefix);
    }
}

/// The keys that cannot be files' names.
struct Odd(Walk);

impl Odd {
    fn new(local: &Local, bucket: &Bucket, listing: &Listing) -> io::Result<Odd> {
        let name = |key: &str| layout::odd_name(key);
        let skipped = listing.skipped().map(name);
        let range = Range { prefix: name(&listing.prefix), after: name(&listing.after), skipped };
        Ok(Odd(Walk::new(&local.root, &local.root.join(layout::all_odd(bucket)), range)?))
    }
}

impl Keys<PathBuf> for Odd {
    type Error = io::Error;

    fn next(&mut self) -> io::Result<Option<(String, PathBuf)>> {
        while let Some((name, path)) = self.0.next()? {
            if let Some(key) = layout::odd_key(&name) {
                return Ok(Some((key, path)));
            }
        }
        Ok(None)
    }

    fn skip(&mut self, prefix: &str) {
        self.0.skip(&layout::odd_name(prefix));
    }
}

impl Cloud {
    /// A page of the bucket's objects.
    pub async fn list(&self, bucket: &Bucket, listing: &Listing) -> Result<Listed, Error> {
        let mut entries = Entries::new();
        match &self.s3 {
            Some(s3) => {
                let plain = Names {
                    folder: format!("{bucket}/"),
                    encode: str::to_owned,
                    decode: |key| Some(key.to_owned()),
                    folders: listing.delimiter.as_deref() == Some("/"),
                };
                s3.roll_up(listing, &mut entries, plain).await?;
                let folder = format!("{}/", layout::all_odd(bucket));
                let odd = Names { folder, encode: layout::odd_name, decode: layout::odd_key, folders: false };
                s3.roll_up(listing, &mut entries, odd).await?;
            }
            None => {
                let mut found = Vec::new();
                for (folder, decode) in [
                    (bucket.as_str().to_owned(), None),
                    (layout::all_odd(bucket), Some(layout::odd_key as fn(&str) -> Option<String>)),
                ] {
                    let location = Location::parse(&folder).map_err(Error::internal)?;
                    let all: Vec<_> = self.store.list(Some(&location)).try_collect().await.map_err(storage_error)?;
                    found.extend(all.into_iter().filter_map(|meta| {
                        let name = meta.location.as_ref().strip_prefix(&folder)?.strip_prefix('/')?;
                        let key = decode.map_or(Some(name.to_owned()), |decode| decode(name))?;
                        Some((key, meta))
                    }));
                }
                found.retain(|(key, _)| {
                    let skipped = listing.skipped().is_some_and(|skipped| key.starts_with(skipped));
                    key.starts_with(&listing.prefix) && *key > listing.after && !skipped
                });
                found.sort_by(|(left, _), (right, _)| left.cmp(right));
                let mut keys = Sorted { keys: found.into_iter(), skipped: None };
                let Ok(()) = listing.roll_up(&mut entries, &mut keys);
            }
        }
        let (found, prefixes, next) = listing.page(entries);
        let objects: Vec<_> = stream::iter(found)
            .map(|(key, meta)| async move {
                let tag = meta.e_tag.as_deref().unwrap_or_default();
                let told = cloud::listed(&key, meta.size, meta.last_modified.into(), tag);
                let meta = match told {
                    Some(meta) => Some(meta),
                    None => self.head(bucket, &key).await?.map(|(meta, _)| meta),
                };
                Ok::<_, Error>(meta.map(|meta| (key, meta)))
            })
            .buffered(HEADS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(Listed { objects: objects.into_iter().flatten().collect(), prefixes, next })
    }
}

/// Keys that are all known.
struct Sorted<T> {
    keys: vec::IntoIter<(String, T)>,
    skipped: Option<String>,
}

impl<T> Keys<T> for Sorted<T> {
    type Error = Infallible;

    fn next(&mut self) -> Result<Option<(String, T)>, Infallible> {
        let skipped = self.skipped.clone();
        Ok(self.keys.find(|(key, _)| skipped.as_ref().is_none_or(|skipped| !key.starts_with(skipped))))
    }

    fn skip(&mut self, prefix: &str) {
        self.skipped = Some(prefix.to_owned());
    }
}

/// How keys are called in a folder of an S3 bucket.
struct Names {
    folder: String,
    encode: fn(&str) -> String,
    decode: fn(&str) -> Option<String>,
    /// Whether the store itself may roll up what `/` divides.
    folders: bool,
}

impl S3 {
    /// Adds the folder's first entries to `entries`: more than the listing's limit, or all.
    async fn roll_up(
        &self,
        listing: &Listing,
        entries: &mut Entries<object_store::ObjectMeta>,
        names: Names,
    ) -> Result<(), Error> {
        let folder = format!("{}{}", self.prefix, names.folder);
        let full = |key: &str| format!("{folder}{}", (names.encode)(key));
        let prefix = full(&listing.prefix);
        let mut after = match listing.skipped() {
            Some(skipped) => format!("{}{LAST}", full(skipped)),
            None if listing.after.is_empty() => prefix.clone(),
            None => full(&listing.after),
        };
        // The store counts a key that equals the prefix; everything before it it passes by itself.
        let mut first = listing.after.is_empty();
        let mut count = 0;
        loop {
            let options = PaginatedListOptions {
                offset: (!first).then(|| after.clone()),
                max_keys: Some((listing.limit + 1 - count).min(1000)),
                delimiter: names.folders.then_some(Cow::Borrowed("/")),
                ..PaginatedListOptions::default()
            };
            first = false;
            let page = self.pages.list_paginated(Some(&prefix), options).await.map_err(storage_error)?;
            let more = page.page_token.is_some();
            for folders in page.result.common_prefixes {
                let Some(name) = folders.as_ref().strip_prefix(&folder) else { continue };
                count += 1;
                entries.insert(format!("{name}/"), None);
                after = after.max(format!("{folders}/{LAST}"));
            }
            let mut skipped: Option<String> = None;
            for meta in page.result.objects {
                let Some(name) = meta.location.as_ref().strip_prefix(&folder) else { continue };
                after = after.max(meta.location.to_string());
                let Some(key) = (names.decode)(name) else { continue };
                if skipped.as_ref().is_some_and(|skipped| key.starts_with(skipped)) {
                    continue;
                }
                count += 1;
                match listing.rolled(&key) {
                    Some(rolled) => {
                        entries.insert(rolled.to_owned(), None);
                        skipped = Some(rolled.to_owned());
                    }
                    None => drop(entries.entry(key).or_insert(Some(meta))),
                }
            }
            // The next page begins behind all that the last common prefix stands for.
            if let Some(skipped) = skipped.filter(|skipped| after.starts_with(&full(skipped))) {
                after = format!("{}{LAST}", full(&skipped));
            }
            if !more || count > listing.limit {
                return Ok(());
            }
        }
    }
}
