//! Pages of keys: what rolls up into common prefixes, and where a page ends.
//!
//! Every source of keys (plain files, odd names, an S3 listing) yields its own first entries; they
//! are merged here.

use super::meta::Listing;
use std::collections::BTreeMap;

/// What a listing shows under a name: an object, or with `None` a common prefix.
pub(super) type Entries<T> = BTreeMap<String, Option<T>>;

impl Listing {
    /// The common prefix that `key` is shown as, if any.
    pub(super) fn rolled<'a>(&self, key: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }

    /// What the page begins after, where that is a common prefix: nothing below it is shown.
    pub(super) fn skipped(&self) -> Option<&str> {
        (self.rolled(&self.after) == Some(&self.after)).then_some(&self.after)
    }

    /// The page: the first of the merged entries, and the last name of it if there are more.
    ///
    /// Each source must have brought more than `limit` entries, or all it had.
    pub(super) fn page<T>(&self, entries: Entries<T>) -> (Vec<(String, T)>, Vec<String>, Option<String>) {
        let more = entries.len() > self.limit;
        let (mut objects, mut prefixes, mut last) = (Vec::new(), Vec::new(), None);
        for (name, object) in entries.into_iter().take(self.limit) {
            last = more.then(|| name.clone());
            match object {
                Some(object) => objects.push((name, object)),
                None => prefixes.push(name),
            }
        }
        (objects, prefixes, last)
    }

    /// Fills `entries` from keys in byte order, all of them after [`Listing::after`] and under the
    /// prefix, until there are enough.
    pub(super) fn roll_up<T, E>(&self, entries: &mut Entries<T>, keys: &mut impl Keys<T, Error = E>) -> Result<(), E> {
        let mut count = 0;
        while count <= self.limit {
            let Some((key, object)) = keys.next()? else { return Ok(()) };
            count += 1;
            match self.rolled(&key) {
                Some(prefix) => {
                    keys.skip(prefix);
                    entries.insert(prefix.to_owned(), None);
                }
                // What was there first stays: a plain file hides an odd name.
                None => drop(entries.entry(key).or_insert(Some(object))),
            }
        }
        Ok(())
    }
}

/// Keys in byte order.
pub(super) trait Keys<T> {
    type Error;

    fn next(&mut self) -> Result<Option<(String, T)>, Self::Error>;

    /// Leaves out what begins with `prefix` from now on.
    fn skip(&mut self, prefix: &str);
}
