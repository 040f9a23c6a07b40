//! Buckets, their documents, and several servers over one store.

use super::*;
use pixelpass::store::Acl;
use std::time::{Duration, SystemTime};

contract! {
    async fn buckets_come_and_go(store: Arc<Store>) {
        let (b, a) = (bucket("bucket-b"), bucket("bucket-a"));
        let begin = SystemTime::now() - Duration::from_secs(2);
        let facts = store.create_bucket(&b, None).await.unwrap();
        assert_eq!((facts.acl, &facts.name), (Some(Acl::Private), &b));
        assert!(facts.created >= begin);
        store.create_bucket(&a, Some(Acl::PublicRead)).await.unwrap();
        // One's own again: only a given ACL changes.
        assert_eq!(store.create_bucket(&a, None).await.unwrap().acl, Some(Acl::PublicRead));
        assert_eq!(store.create_bucket(&b, Some(Acl::PublicReadWrite)).await.unwrap().acl, Some(Acl::PublicReadWrite));
        let all = store.buckets().await.unwrap();
        assert_eq!(all.iter().map(|facts| facts.name.as_str()).collect::<Vec<_>>(), ["bucket-a", "bucket-b"]);
        assert_eq!((all[1].created, all[1].acl), (facts.created, Some(Acl::PublicReadWrite)));
        store.set_bucket_acl(&b, Acl::Private).await.unwrap();
        assert_eq!(store.bucket(&b).await.unwrap().acl, Some(Acl::Private));
        for name in ["x/y", "odd//y"] {
            put(&store, &b, name, "x").await;
            assert_eq!(code(store.delete_bucket(&b).await), Code::BucketNotEmpty, "{name}");
            store.delete(&b, &key(name)).await.unwrap();
        }
        store.put_document(&b, "cors", "x").await.unwrap();
        store.delete_bucket(&b).await.unwrap();
        assert_eq!(code(store.bucket(&b).await), Code::NoSuchBucket);
        assert_eq!(code(store.delete_bucket(&b).await), Code::NoSuchBucket);
        assert_eq!(code(store.set_bucket_acl(&b, Acl::Private).await), Code::NoSuchBucket);
        assert_eq!(store.buckets().await.unwrap().len(), 1);
        // A new one of the same name knows nothing of the old one.
        assert_eq!(store.create_bucket(&b, None).await.unwrap().acl, Some(Acl::Private));
        assert_eq!(store.document(&b, "cors").await.unwrap(), None);
    }

    async fn documents_keep_their_order(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let names = ["styles/z", "styles/..", "styles/a.b_c-d", "styles/A"];
        for name in names {
            assert_eq!(store.document(&bucket, name).await.unwrap(), None);
            let written = store.put_document(&bucket, name, &format!("<{name}>")).await.unwrap();
            assert_eq!(store.document(&bucket, name).await.unwrap().as_ref(), Some(&written));
        }
        store.put_document(&bucket, "process", "x").await.unwrap();
        let before = store.document(&bucket, "styles/z").await.unwrap().unwrap();
        let after = store.put_document(&bucket, "styles/z", "新").await.unwrap();
        assert_eq!((after.created, after.text.as_str()), (before.created, "新"));
        assert!(after.modified > before.modified);
        let all = store.documents(&bucket, "styles/").await.unwrap();
        assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
        assert_eq!(all[0].1, after);
        assert!(store.delete_document(&bucket, "styles/z").await.unwrap());
        assert!(!store.delete_document(&bucket, "styles/z").await.unwrap());
        assert_eq!(store.document(&bucket, "styles/z").await.unwrap(), None);
        assert_eq!(store.documents(&bucket, "").await.unwrap().len(), 4);
        let nowhere = super::bucket("nowhere");
        assert_eq!(code(store.put_document(&nowhere, "cors", "x").await), Code::NoSuchBucket);
    }
}

/// Two servers over one store: within a second each sees what the other did.
async fn agree(one: Store, other: Store) {
    let bucket = pictures(&one).await;
    assert_eq!(other.bucket(&bucket).await.unwrap().acl, Some(Acl::Private));
    assert_eq!(other.document(&bucket, "cors").await.unwrap(), None);
    put(&one, &bucket, "a", "one").await;
    assert_eq!(read(&other, &bucket, "a").await.unwrap(), "one");
    other.set_acl(&bucket, &key("a"), Some(Acl::PublicRead)).await.unwrap();
    assert_eq!(one.head(&bucket, &key("a")).await.unwrap().description.acl, Some(Acl::PublicRead));
    assert_eq!(code(other.put(&bucket, &key("a"), body("x"), forbidden_to_replace()).await), Code::FileAlreadyExists);
    let id = one.begin_upload(&bucket, &key("b"), Description::default()).await.unwrap();
    one.put_part(&bucket, &key("b"), &id, 1, body("x"), Upload::default()).await.unwrap();
    other.put_part(&bucket, &key("b"), &id, 2, body("y"), Upload::default()).await.unwrap();
    other.complete_upload(&bucket, &key("b"), &id, None, Replace::Yes).await.unwrap();
    assert_eq!(read(&one, &bucket, "b").await.unwrap(), "xy");
    // At one position one of two servers appends.
    let name = key("log");
    for position in 0..5 {
        let left = one.append(&bucket, &name, position, body("x"), Upload::default());
        let right = other.append(&bucket, &name, position, body("x"), Upload::default());
        let (left, right) = futures_util::future::join(left, right).await;
        assert!(left.is_ok() != right.is_ok());
    }
    one.set_bucket_acl(&bucket, Acl::PublicRead).await.unwrap();
    one.put_document(&bucket, "cors", "x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(other.bucket(&bucket).await.unwrap().acl, Some(Acl::PublicRead));
    assert_eq!(other.document(&bucket, "cors").await.unwrap().unwrap().text, "x");
}

#[test]
fn servers_over_one_directory_agree() {
    let folder = Folder::new();
    let open = || Store::open(&Place::Directory(folder.path().to_owned())).unwrap();
    wait(agree(open(), open()));
}

#[test]
fn servers_over_one_s3_store_agree() {
    if let Some(place) = clients::s3("agree") {
        let open = || Store::open(&place).unwrap();
        wait(agree(open(), open()));
    }
}

/// S3 takes less metadata than OSS: that is said, not a failure of the server.
#[test]
fn an_s3_store_refuses_too_much_metadata() {
    let Some(place) = clients::s3("metadata") else { return };
    wait(async {
        let store = Store::open(&place).unwrap();
        let bucket = pictures(&store).await;
        let user = [("long".to_owned(), "x".repeat(3000))].into();
        let upload = described(Description { user, ..Description::default() });
        assert_eq!(code(store.put(&bucket, &key("a"), body("x"), upload).await), Code::InvalidArgument);
        assert_eq!(code(store.head(&bucket, &key("a")).await), Code::NoSuchKey);
    });
}
