//! Objects: what is put is what is read, whole and with its metadata.

use super::*;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use pixelpass::store::{Acl, ObjectKind};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Keys that trouble file systems, listings or addresses.
fn odd_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "a",
        "a/b",
        "a/b/c",
        "a//b",
        "a/b/",
        "a/",
        "..",
        "../x",
        "x/../y",
        ".",
        "./x",
        "x/.",
        "x/./y",
        "b#1",
        "b#1/c",
        "line\nbreak",
        "tab\t",
        "del\u{7f}",
        "c1\u{85}",
        "\u{FFFE}",
        "back\\slash",
        "a b+c",
        "100%",
        "%2F",
        "%2e%2e",
        "汉字/é.jpg",
        "~[x]{y}|^`\"<>*?&=;:@!$'(),",
        ".hidden",
        ".pixelpass/x",
        "😀",
        "dir/ /x",
        " lead",
        "trail ",
        "con",
        "x.",
        "//",
        "a///",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.retain(|key| Key::new(key).is_ok());
    keys.extend(["y".repeat(255), "y".repeat(256), format!("{}/z", "y".repeat(300)), "é".repeat(120), "é".repeat(300)]);
    keys
}

contract! {
    /// Content, digests, type and every kind of metadata come back.
    async fn what_is_put_is_read(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let description = Description {
            content_type: Some("image/x-test; charset=utf-8".to_owned()),
            headers: BTreeMap::from([
                ("cache-control".to_owned(), "max-age=60".to_owned()),
                ("content-disposition".to_owned(), "attachment; filename=\"é.jpg\"".to_owned()),
                ("content-language".to_owned(), "zh".to_owned()),
                ("expires".to_owned(), "Fri, 01 Jan 2100 00:00:00 GMT".to_owned()),
            ]),
            user: BTreeMap::from([("a".to_owned(), "b".to_owned()), ("é-1".to_owned(), "汉 \"".to_owned())]),
            acl: Some(Acl::PublicRead),
        };
        let begin = SystemTime::now() - Duration::from_secs(2);
        let put = store.put(&bucket, &key("dir/a.jpg"), body("123456789"), described(description.clone())).await.unwrap();
        assert_eq!(put.etag, "\"25F9E794323B453885F5181F1B624D0B\"");
        assert_eq!((put.size_bytes, put.crc64, put.kind), (9, Some(11_051_210_869_376_104_954), ObjectKind::Normal));
        assert_eq!(put.content_type, "image/x-test; charset=utf-8");
        let head = store.head(&bucket, &key("dir/a.jpg")).await.unwrap();
        assert!(head.last_modified >= begin && head.last_modified <= SystemTime::now() + Duration::from_secs(2));
        assert_eq!(ObjectMeta { last_modified: put.last_modified, ..head.clone() }, put);
        assert_eq!((&head.description, head.md5.is_some()), (&description, true));
        let object = store.get(&bucket, &key("dir/a.jpg")).await.unwrap();
        assert_eq!(object.meta, head);
        assert_eq!(content_of(object).await, b"123456789");
        // Without a type the key's ending tells; content may be empty.
        let empty = store.put(&bucket, &key("b.png"), body(""), Upload::default()).await.unwrap();
        assert_eq!((empty.size_bytes, empty.content_type.as_str()), (0, "image/png"));
        assert_eq!(store.head(&bucket, &key("b.png")).await.unwrap().content_type, "image/png");
        assert_eq!(read(&store, &bucket, "b.png").await.unwrap(), "");
        assert!(store.get(&bucket, &key("dir/a.jpg")).await.unwrap().whole(8).await.unwrap().is_none());
    }

    async fn parts_of_content_are_exact(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let long = Dice(7).bytes(700_001);
        put(&store, &bucket, "long", long.clone()).await;
        for range in [0..700_001, 0..1, 5..600_000, 700_000..700_001, 9..9] {
            let object = store.get(&bucket, &key("long")).await.unwrap();
            let chunks: Vec<Bytes> = object.stream(range.clone()).try_collect().await.unwrap();
            assert!(chunks.concat() == long[range.start as usize..range.end as usize], "{range:?}");
        }
    }

    async fn odd_keys_are_keys_like_others(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let mut keys = odd_keys();
        // Once up and once down, so that files come before folders and after them.
        for round in 0..2 {
            for name in &keys {
                let meta = put(&store, &bucket, name, format!("{round}{name}")).await;
                assert_eq!(meta.etag, format!("\"{}\"", hex_md5(format!("{round}{name}").as_bytes())), "{name:?}");
            }
            for name in &keys {
                let object = store.get(&bucket, &key(name)).await.unwrap();
                assert!(object.meta.crc64.is_some(), "{name:?}");
                assert_eq!(content_of(object).await, format!("{round}{name}").as_bytes(), "{name:?}");
            }
            let mut sorted = keys.clone();
            sorted.sort();
            assert_eq!(all_keys(&store, &bucket, 7).await, sorted);
            if round == 0 {
                for name in &keys {
                    store.delete(&bucket, &key(name)).await.unwrap();
                    assert_eq!(code(store.head(&bucket, &key(name)).await), Code::NoSuchKey, "{name:?}");
                }
                assert!(all_keys(&store, &bucket, 7).await.is_empty());
                keys.reverse();
            }
        }
    }

    async fn what_is_missing_is_said(store: Arc<Store>) {
        let (bucket, nowhere) = (pictures(&store).await, bucket("nowhere"));
        let error = store.get(&bucket, &key("none")).await.unwrap_err();
        assert_eq!((error.code, error.details), (Code::NoSuchKey, vec![("Key", "none".to_owned())]));
        let error = store.head(&nowhere, &key("none")).await.unwrap_err();
        assert_eq!((error.code, error.details), (Code::NoSuchBucket, vec![("BucketName", "nowhere".to_owned())]));
        assert_eq!(code(store.put(&nowhere, &key("a"), body("x"), Upload::default()).await), Code::NoSuchBucket);
        assert_eq!(code(store.delete(&nowhere, &key("a")).await), Code::NoSuchBucket);
        assert_eq!(code(store.list(&nowhere, &Listing::default()).await), Code::NoSuchBucket);
        assert_eq!(code(store.set_acl(&bucket, &key("a"), None).await), Code::NoSuchKey);
        store.delete(&bucket, &key("none")).await.unwrap();
        assert_eq!(code(store.bucket(&nowhere).await), Code::NoSuchBucket);
    }

    async fn refused_content_leaves_nothing(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let upload = Upload { limit_bytes: 8, ..Upload::default() };
        assert_eq!(code(store.put(&bucket, &key("a"), body("123456789"), upload).await), Code::EntityTooLarge);
        let upload = Upload { expected_md5: Some([0; 16]), ..Upload::default() };
        assert_eq!(code(store.put(&bucket, &key("a"), body("123456789"), upload).await), Code::InvalidDigest);
        let chunks = [Ok(Bytes::from("1234")), Err(Error::new(Code::IncompleteBody, "gone"))];
        let broken = Box::pin(stream::iter(chunks));
        assert_eq!(code(store.put(&bucket, &key("a"), broken, Upload::default()).await), Code::IncompleteBody);
        assert_eq!(code(store.head(&bucket, &key("a")).await), Code::NoSuchKey);
        let md5 = Md5::digest("123456789").into();
        let upload = Upload { expected_md5: Some(md5), limit_bytes: 9, ..Upload::default() };
        assert_eq!(store.put(&bucket, &key("a"), body("123456789"), upload).await.unwrap().md5, Some(md5));
    }

    /// Of many writers who must not replace anything one wins, and what it wrote is there.
    async fn one_of_many_creators_wins(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        for name in ["new", "odd//new"] {
            let writers = (0..8).map(|number| {
                let (store, bucket) = (store.clone(), bucket.clone());
                async move {
                    let content = format!("content {number}");
                    let done = store.put(&bucket, &key(name), body(content.clone()), forbidden_to_replace()).await;
                    done.map(|_| content)
                }
            });
            let done = join_all(writers.map(tokio::spawn)).await.into_iter().map(Result::unwrap);
            let (won, lost): (Vec<_>, Vec<_>) = done.partition(Result::is_ok);
            assert_eq!((won.len(), lost.len()), (1, 7));
            assert!(lost.into_iter().all(|lost| code(lost) == Code::FileAlreadyExists));
            assert_eq!(read(&store, &bucket, name).await.unwrap(), won.into_iter().next().unwrap().unwrap());
        }
        assert_eq!(code(store.put(&bucket, &key("new"), body("x"), forbidden_to_replace()).await), Code::FileAlreadyExists);
    }

    /// However many write one key, a reader sees one writer's content with that writer's metadata.
    async fn writers_never_mix(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        put(&store, &bucket, "shared", "start").await;
        let write = |number: usize| {
            let (store, bucket) = (store.clone(), bucket.clone());
            async move {
                let mut dice = Dice(number as u64 + 1);
                for _ in 0..10 {
                    let content = dice.bytes(1000 + number);
                    let user = BTreeMap::from([("md5".to_owned(), hex_md5(&content))]);
                    let upload = described(Description { user, ..Description::default() });
                    store.put(&bucket, &key("shared"), body(content), upload).await.unwrap();
                }
            }
        };
        let look = |_| {
            let (store, bucket) = (store.clone(), bucket.clone());
            async move {
                for _ in 0..30 {
                    let object = store.get(&bucket, &key("shared")).await.unwrap();
                    let meta = object.meta.clone();
                    let content = content_of(object).await;
                    assert_eq!(meta.etag, format!("\"{}\"", hex_md5(&content)));
                    assert_eq!(meta.crc64, Some(crc64(&content)));
                    if let Some(md5) = meta.description.user.get("md5") {
                        assert_eq!(meta.etag, format!("\"{md5}\""));
                    }
                }
            }
        };
        let tasks: Vec<_> = (0..4).map(write).map(tokio::spawn).chain((0..4).map(look).map(tokio::spawn)).collect();
        for done in join_all(tasks).await {
            done.unwrap();
        }
    }

    /// Larger than anything that is kept in memory.
    async fn long_content_is_whole(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let long = Bytes::from(Dice(3).bytes(20 * 1024 * 1024 + 3));
        let meta = put(&store, &bucket, "long", long.clone()).await;
        assert_eq!((meta.etag, meta.crc64), (format!("\"{}\"", hex_md5(&long)), Some(crc64(&long))));
        assert!(read(&store, &bucket, "long").await.unwrap() == long);
        let refused = store.put(&bucket, &key("long"), body("x"), forbidden_to_replace()).await;
        assert_eq!(code(refused), Code::FileAlreadyExists);
        store.put(&bucket, &key("other"), body(long.clone()), forbidden_to_replace()).await.unwrap();
        store.set_acl(&bucket, &key("long"), Some(Acl::Private)).await.unwrap();
        let listed = store.list(&bucket, &Listing { limit: 10, ..Listing::default() }).await.unwrap();
        for (name, meta) in listed.objects {
            assert_eq!((meta.size_bytes, meta.etag), (long.len() as u64, format!("\"{}\"", hex_md5(&long))), "{name}");
        }
        assert!(read(&store, &bucket, "long").await.unwrap() == long);
    }

    async fn copies_keep_what_they_should(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let other = super::bucket("other");
        store.create_bucket(&other, Some(Acl::PublicRead)).await.unwrap();
        let description = Description {
            content_type: Some("x/y".to_owned()),
            user: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            acl: Some(Acl::Private),
            ..Description::default()
        };
        store.put(&bucket, &key("a.jpg"), body("text"), described(description.clone())).await.unwrap();
        let source = store.head(&bucket, &key("a.jpg")).await.unwrap();
        let copy = store.copy((&bucket, &key("a.jpg")), (&other, &key("b//c")), None, Replace::No).await.unwrap();
        let kept = Description { acl: None, ..description.clone() };
        assert_eq!((&copy.etag, copy.md5, copy.crc64, copy.kind), (&source.etag, source.md5, source.crc64, source.kind));
        assert_eq!((&copy.description, copy.content_type.as_str()), (&kept, "x/y"));
        assert_eq!(store.head(&other, &key("b//c")).await.unwrap().description, kept);
        assert_eq!(read(&store, &other, "b//c").await.unwrap(), "text");
        let again = store.copy((&bucket, &key("a.jpg")), (&other, &key("b//c")), None, Replace::No).await;
        assert_eq!(code(again), Code::FileAlreadyExists);
        // Onto itself with another description.
        let new = Description { user: BTreeMap::from([("c".to_owned(), "d".to_owned())]), ..Description::default() };
        let onto = store.copy((&bucket, &key("a.jpg")), (&bucket, &key("a.jpg")), Some(new), Replace::Yes).await.unwrap();
        assert_eq!((onto.content_type.as_str(), &onto.etag), ("image/jpeg", &source.etag));
        let now = store.head(&bucket, &key("a.jpg")).await.unwrap();
        assert_eq!((now.description.user.len(), now.description.user.get("c").map(String::as_str)), (1, Some("d")));
        assert_eq!(read(&store, &bucket, "a.jpg").await.unwrap(), "text");
        let (none, nowhere) = (key("none"), super::bucket("nowhere"));
        assert_eq!(code(store.copy((&bucket, &none), (&bucket, &none), None, Replace::Yes).await), Code::NoSuchKey);
        let into = store.copy((&bucket, &key("a.jpg")), (&nowhere, &none), None, Replace::Yes).await;
        assert_eq!(code(into), Code::NoSuchBucket);
    }

    async fn acls_come_and_go(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let user = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let upload = described(Description { user: user.clone(), ..Description::default() });
        let before = store.put(&bucket, &key("a.jpg"), body("text"), upload).await.unwrap();
        for acl in [Some(Acl::PublicReadWrite), Some(Acl::Private), None] {
            store.set_acl(&bucket, &key("a.jpg"), acl).await.unwrap();
            let now = store.head(&bucket, &key("a.jpg")).await.unwrap();
            assert_eq!((now.description.acl, &now.description.user, &now.etag), (acl, &user, &before.etag));
            assert_eq!((now.md5, now.crc64, &now.content_type), (before.md5, before.crc64, &before.content_type));
        }
    }
}
