//! One contract, every store: directory, memory, and a real S3 server.

mod content;
mod listings;
mod places;
mod uploads;

use crate::support::clients;
use crate::support::server::Folder;
use bytes::Bytes;
use futures_util::stream;
use md5::{Digest, Md5};
use pixelpass::error::{Code, Error};
use pixelpass::store::{
    Body, Bucket, Description, Key, Listed, Listing, Object, ObjectMeta, Place, Replace, Store, Upload,
};
use std::future::Future;
use std::sync::Arc;

/// Runs a test on a runtime like the server's.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

fn on_directory<F: Future<Output = ()>>(contract: impl FnOnce(Arc<Store>) -> F) {
    let folder = Folder::new();
    wait(contract(Arc::new(Store::open(&Place::Directory(folder.path().to_owned())).unwrap())));
}

fn on_memory<F: Future<Output = ()>>(contract: impl FnOnce(Arc<Store>) -> F) {
    wait(contract(Arc::new(Store::open(&Place::Memory).unwrap())));
}

fn on_s3<F: Future<Output = ()>>(name: &str, contract: impl FnOnce(Arc<Store>) -> F) {
    if let Some(place) = clients::s3(name) {
        wait(contract(Arc::new(Store::open(&place).unwrap())));
    }
}

/// A test of each clause on each store.
macro_rules! contract {
    ($($(#[doc = $doc:literal])* async fn $name:ident($store:ident: Arc<Store>) $body:block)*) => {
        $($(#[doc = $doc])* async fn $name($store: Arc<Store>) $body)*

        mod directory { $(#[test] fn $name() { crate::store::on_directory(super::$name) })* }
        mod memory { $(#[test] fn $name() { crate::store::on_memory(super::$name) })* }
        mod s3 { $(#[test] fn $name() { crate::store::on_s3(stringify!($name), super::$name) })* }
    };
}
use contract;

fn bucket(name: &str) -> Bucket {
    Bucket::new(name).unwrap()
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn body(content: impl Into<Bytes>) -> Body {
    let content = content.into();
    // Like a body from a socket, this one must not be asked again after its end.
    Box::pin(stream::unfold(content, |mut rest| async move {
        let chunk = rest.split_to(rest.len().min(100_000));
        (!chunk.is_empty()).then_some((Ok(chunk), rest))
    }))
}

/// The bucket `pictures`, made.
async fn pictures(store: &Store) -> Bucket {
    let bucket = bucket("pictures");
    store.create_bucket(&bucket, None).await.unwrap();
    bucket
}

async fn put(store: &Store, bucket: &Bucket, name: &str, content: impl Into<Bytes>) -> ObjectMeta {
    store.put(bucket, &key(name), body(content), Upload::default()).await.unwrap()
}

async fn read(store: &Store, bucket: &Bucket, name: &str) -> Result<Bytes, Error> {
    Ok(content_of(store.get(bucket, &key(name)).await?).await.into())
}

/// All bytes of an object.
pub async fn content_of(object: Object) -> Vec<u8> {
    let mut whole = object.whole(u64::MAX).await.unwrap().unwrap();
    whole.read(&mut Vec::new()).unwrap().to_vec()
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code
}

fn hex_md5(content: &[u8]) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02X}")).collect()
}

fn crc64(content: &[u8]) -> u64 {
    let mut digest = crc64fast::Digest::new();
    digest.write(content);
    digest.sum64()
}

/// Numbers that are the same at every run.
struct Dice(u64);

impl Dice {
    /// 0 to `sides - 1`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.roll(256) as u8).collect()
    }
}

/// Every key of the bucket, in pages of `limit`.
async fn all_keys(store: &Store, bucket: &Bucket, limit: usize) -> Vec<String> {
    let mut keys = Vec::new();
    let mut listing = Listing { limit, ..Listing::default() };
    loop {
        let Listed { objects, next, .. } = store.list(bucket, &listing).await.unwrap();
        keys.extend(objects.into_iter().map(|(key, _)| key));
        match next {
            Some(next) => listing.after = next,
            None => return keys,
        }
    }
}

fn forbidden_to_replace() -> Upload {
    Upload { replace: Replace::No, ..Upload::default() }
}

fn described(description: Description) -> Upload {
    Upload { description, ..Upload::default() }
}
