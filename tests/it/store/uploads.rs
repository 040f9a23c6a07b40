//! Uploads in parts, and objects that grow.

use super::*;
use futures_util::future::join_all;
use pixelpass::store::{Acl, ObjectKind};

contract! {
    async fn parts_become_an_object(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let name = key("dir//movie.bin");
        let description = Description { acl: Some(Acl::PublicRead), ..Description::default() };
        let id = store.begin_upload(&bucket, &name, description).await.unwrap();
        let contents = [vec![b'a'; 150_000], vec![b'b'; 99], vec![b'c'; 1]];
        // In any order, one of them twice.
        for (number, content) in [(30, vec![0; 7]), (2, contents[1].clone()), (1, contents[0].clone()), (30, contents[2].clone())] {
            let part = store.put_part(&bucket, &name, &id, number, body(content.clone()), Upload::default()).await.unwrap();
            assert_eq!((part.number, part.size_bytes, part.crc64), (number, content.len() as u64, crc64(&content)));
            assert_eq!(part.etag, format!("\"{}\"", hex_md5(&content)));
        }
        let parts = store.parts(&bucket, &name, &id).await.unwrap();
        assert_eq!(parts.iter().map(|part| (part.number, part.size_bytes)).collect::<Vec<_>>(), [(1, 150_000), (2, 99), (30, 1)]);
        let pending = store.uploads(&bucket).await.unwrap();
        assert_eq!(pending.iter().map(|pending| (pending.key.as_str(), &pending.id)).collect::<Vec<_>>(), [("dir//movie.bin", &id)]);
        assert_eq!(code(store.head(&bucket, &name).await), Code::NoSuchKey);
        assert!(all_keys(&store, &bucket, 10).await.is_empty());
        // Bare ETags in lower case will do.
        let named = parts.iter().map(|part| (part.number, part.etag.trim_matches('"').to_lowercase())).collect();
        let meta = store.complete_upload(&bucket, &name, &id, Some(named), Replace::No).await.unwrap();
        let etags: String = contents.iter().map(|content| hex_md5(content)).collect();
        assert_eq!(meta.etag, format!("\"{}-3\"", hex_md5(etags.as_bytes())));
        let whole = contents.concat();
        assert_eq!((meta.kind, meta.md5, meta.crc64), (ObjectKind::Multipart, None, Some(crc64(&whole))));
        assert_eq!(meta.description.acl, Some(Acl::PublicRead));
        let head = store.head(&bucket, &name).await.unwrap();
        assert_eq!((&head.etag, head.kind, head.description.acl), (&meta.etag, meta.kind, Some(Acl::PublicRead)));
        assert!(read(&store, &bucket, "dir//movie.bin").await.unwrap() == whole);
        assert_eq!(code(store.parts(&bucket, &name, &id).await), Code::NoSuchUpload);
        assert!(store.uploads(&bucket).await.unwrap().is_empty());
    }

    async fn a_listing_tells_the_tag_of_many_parts(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let id = store.begin_upload(&bucket, &key("a"), Description::default()).await.unwrap();
        store.put_part(&bucket, &key("a"), &id, 1, body("x"), Upload::default()).await.unwrap();
        let meta = store.complete_upload(&bucket, &key("a"), &id, None, Replace::Yes).await.unwrap();
        let listed = store.list(&bucket, &Listing { limit: 1, ..Listing::default() }).await.unwrap();
        assert_eq!((&listed.objects[0].1.etag, listed.objects[0].1.kind), (&meta.etag, ObjectKind::Multipart));
    }

    async fn wrong_parts_are_refused(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let name = key("a");
        let id = store.begin_upload(&bucket, &name, Description::default()).await.unwrap();
        let mut named = Vec::new();
        for number in [1, 2] {
            let part = store.put_part(&bucket, &name, &id, number, body("x"), Upload::default()).await.unwrap();
            named.push((number, part.etag));
        }
        let [(_, first), (_, second)] = [named[0].clone(), named[1].clone()];
        for (named, expected) in [
            (vec![(2, second.clone()), (1, first.clone())], Code::InvalidPartOrder),
            (vec![(2, second.clone()), (2, second.clone())], Code::InvalidPartOrder),
            (vec![(1, first.clone()), (2, "0".repeat(32))], Code::InvalidPart),
            (vec![(1, first.clone()), (3, second.clone())], Code::InvalidPart),
        ] {
            let named = Some(named);
            assert_eq!(code(store.complete_upload(&bucket, &name, &id, named, Replace::Yes).await), expected);
        }
        for number in [0, 10_001] {
            let part = store.put_part(&bucket, &name, &id, number, body("x"), Upload::default()).await;
            assert_eq!(code(part), Code::InvalidArgument);
        }
        let limited = Upload { limit_bytes: 1, ..Upload::default() };
        assert_eq!(code(store.put_part(&bucket, &name, &id, 1, body("xy"), limited).await), Code::EntityTooLarge);
        for wrong in ["", "..", "0123456789ABCDEF0123456789ABCDEF", "../../pictures"] {
            let part = store.put_part(&bucket, &name, wrong, 1, body("x"), Upload::default()).await;
            assert_eq!(code(part), Code::NoSuchUpload);
        }
        assert_eq!(code(store.parts(&bucket, &key("b"), &id).await), Code::NoSuchUpload);
        // Of the parts that are there only those named.
        named.truncate(1);
        let meta = store.complete_upload(&bucket, &name, &id, Some(named), Replace::Yes).await.unwrap();
        assert_eq!(meta.size_bytes, 1);
    }

    async fn no_parts_become_an_empty_object(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        for named in [None, Some(Vec::new())] {
            let id = store.begin_upload(&bucket, &key("a"), Description::default()).await.unwrap();
            let meta = store.complete_upload(&bucket, &key("a"), &id, named, Replace::Yes).await.unwrap();
            assert_eq!((meta.size_bytes, meta.kind, meta.crc64), (0, ObjectKind::Multipart, Some(0)));
            assert!(read(&store, &bucket, "a").await.unwrap().is_empty());
            assert_eq!(code(store.parts(&bucket, &key("a"), &id).await), Code::NoSuchUpload);
        }
    }

    async fn an_appends_access_rule_counts(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let mut position = 0;
        for (acl, expected) in [
            (None, None),
            (Some(Acl::PublicRead), Some(Acl::PublicRead)),
            (None, Some(Acl::PublicRead)),
            (Some(Acl::Private), Some(Acl::Private)),
        ] {
            let upload = Upload { description: Description { acl, ..Description::default() }, ..Upload::default() };
            let meta = store.append(&bucket, &key("a"), position, body("x"), upload).await.unwrap();
            position = meta.size_bytes;
            assert_eq!(store.head(&bucket, &key("a")).await.unwrap().description.acl, expected);
        }
    }

    async fn aborted_uploads_are_gone(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let name = key("a");
        put(&store, &bucket, "a", "there").await;
        let id = store.begin_upload(&bucket, &name, Description::default()).await.unwrap();
        store.put_part(&bucket, &name, &id, 1, body("x"), Upload::default()).await.unwrap();
        let refused = store.complete_upload(&bucket, &name, &id, None, Replace::No).await;
        assert_eq!(code(refused), Code::FileAlreadyExists);
        store.abort_upload(&bucket, &name, &id).await.unwrap();
        assert_eq!(code(store.abort_upload(&bucket, &name, &id).await), Code::NoSuchUpload);
        assert_eq!(code(store.put_part(&bucket, &name, &id, 1, body("x"), Upload::default()).await), Code::NoSuchUpload);
        assert!(store.uploads(&bucket).await.unwrap().is_empty());
        // Uploads in progress do not keep a bucket.
        store.begin_upload(&bucket, &name, Description::default()).await.unwrap();
        store.delete(&bucket, &name).await.unwrap();
        store.delete_bucket(&bucket).await.unwrap();
        assert_eq!(code(store.uploads(&bucket).await), Code::NoSuchBucket);
    }

    /// Of one part sent many times at once, one stays.
    async fn a_part_is_never_lost(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let id = store.begin_upload(&bucket, &key("a"), Description::default()).await.unwrap();
        let sent = (0..6).map(|number| {
            let (store, bucket, id) = (store.clone(), bucket.clone(), id.clone());
            async move { store.put_part(&bucket, &key("a"), &id, 1, body(format!("{number}")), Upload::default()).await.unwrap() }
        });
        let sent = join_all(sent.map(tokio::spawn)).await;
        let parts = store.parts(&bucket, &key("a"), &id).await.unwrap();
        assert_eq!(parts.len(), 1);
        assert!(sent.into_iter().any(|part| part.unwrap().etag == parts[0].etag));
    }

    async fn objects_grow_at_their_end(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let name = key("log.txt");
        let append = |position, text: &'static str| store.append(&bucket, &name, position, body(text), Upload::default());
        let early = append(3, "x").await.unwrap_err();
        assert_eq!((early.code, early.details[1].clone()), (Code::PositionNotEqualToLength, ("Length", "0".to_owned())));
        let first = append(0, "1234").await.unwrap();
        assert_eq!((first.kind, first.size_bytes, first.content_type.as_str()), (ObjectKind::Appendable, 4, "text/plain"));
        let second = append(4, "56789").await.unwrap();
        assert_eq!((second.size_bytes, second.crc64), (9, Some(11_051_210_869_376_104_954)));
        assert_ne!(first.etag, second.etag);
        for position in [0, 4, 10] {
            let wrong = append(position, "x").await.unwrap_err();
            assert_eq!((wrong.code, wrong.details[1].clone()), (Code::PositionNotEqualToLength, ("Length", "9".to_owned())));
        }
        assert_eq!(read(&store, &bucket, "log.txt").await.unwrap(), "123456789");
        assert_eq!(store.head(&bucket, &name).await.unwrap().kind, ObjectKind::Appendable);
        put(&store, &bucket, "plain", "x").await;
        let plain = store.append(&bucket, &key("plain"), 1, body("x"), Upload::default()).await;
        assert_eq!(code(plain), Code::ObjectNotAppendable);
    }

    /// Of those who append at one position at once, one does.
    async fn one_of_many_appends(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        for round in 0..3 {
            let writers = (0..5).map(|_| {
                let (store, bucket) = (store.clone(), bucket.clone());
                async move { store.append(&bucket, &key("log"), round, body("x"), Upload::default()).await }
            });
            let done = join_all(writers.map(tokio::spawn)).await;
            assert_eq!(done.into_iter().filter(|done| done.as_ref().unwrap().is_ok()).count(), 1);
            assert_eq!(store.head(&bucket, &key("log")).await.unwrap().size_bytes, round + 1);
        }
    }
}
