//! Listings against a model that is too simple to be wrong.

use super::*;
use std::collections::BTreeSet;

/// What a page must hold: by looking at every key.
fn model(keys: &BTreeSet<String>, listing: &Listing) -> (Vec<String>, Vec<String>, Option<String>) {
    let rolled = |key: &str| {
        let delimiter = listing.delimiter.as_deref()?;
        let at = key[listing.prefix.len()..].find(delimiter)?;
        Some(key[..listing.prefix.len() + at + delimiter.len()].to_owned())
    };
    let mut names = BTreeSet::new();
    for key in keys.iter().filter(|key| key.starts_with(&listing.prefix) && **key > listing.after) {
        match rolled(key) {
            Some(prefix) if prefix == listing.after => {}
            Some(prefix) => drop(names.insert((prefix, true))),
            None => drop(names.insert((key.clone(), false))),
        }
    }
    let next = (names.len() > listing.limit).then(|| names.iter().nth(listing.limit - 1).unwrap().0.clone());
    let page: Vec<_> = names.into_iter().take(listing.limit).collect();
    let of = |wanted: bool| page.iter().filter(|(_, prefix)| *prefix == wanted).map(|(name, _)| name.clone()).collect();
    (of(false), of(true), next)
}

fn random_key(dice: &mut Dice) -> String {
    const PIECES: [&str; 12] = ["a", "b", "ab", "/", "/", "/", "-", ".", "é", "汉", "a\n", "\u{7f}"];
    let length = 1 + dice.roll(7);
    (0..length).map(|_| PIECES[dice.roll(PIECES.len())]).collect()
}

async fn agrees(store: &Store, bucket: &Bucket, keys: &BTreeSet<String>, listing: &Listing) -> Option<String> {
    let listed = store.list(bucket, listing).await.unwrap();
    let found: Vec<_> = listed.objects.iter().map(|(key, _)| key.clone()).collect();
    for (key, meta) in &listed.objects {
        assert_eq!((meta.size_bytes, &meta.etag), (key.len() as u64, &format!("\"{}\"", hex_md5(key.as_bytes()))));
    }
    assert_eq!((found, listed.prefixes, listed.next.clone()), model(keys, listing), "{listing:?}");
    listed.next
}

contract! {
    async fn pages_agree_with_the_model(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let mut dice = Dice(42);
        let mut keys = BTreeSet::new();
        while keys.len() < 90 {
            let name = random_key(&mut dice);
            if Key::new(&name).is_ok() && keys.insert(name.clone()) {
                put(&store, &bucket, &name, name.clone()).await;
            }
        }
        for _ in 0..120 {
            let prefix = match dice.roll(3) {
                0 => String::new(),
                1 => random_key(&mut dice),
                _ => {
                    let known = keys.iter().nth(dice.roll(keys.len())).unwrap();
                    known.chars().take(dice.roll(4)).collect()
                }
            };
            let delimiter = [None, Some("/"), Some("/"), Some("-"), Some("a"), Some("b/")][dice.roll(6)].map(str::to_owned);
            let after = match dice.roll(3) {
                0 => random_key(&mut dice),
                _ => String::new(),
            };
            let mut listing = Listing { prefix, delimiter, after, limit: 1 + dice.roll(9) };
            // Every page to the end.
            while let Some(next) = agrees(&store, &bucket, &keys, &listing).await {
                listing.after = next;
            }
        }
    }

    async fn a_listing_of_nothing(store: Arc<Store>) {
        let bucket = pictures(&store).await;
        let listing = Listing { limit: 10, ..Listing::default() };
        assert_eq!(store.list(&bucket, &listing).await.unwrap(), Listed::default());
        put(&store, &bucket, "a", "a").await;
        assert_eq!(store.list(&bucket, &Listing::default()).await.unwrap(), Listed::default());
        let beyond = Listing { after: "b".to_owned(), ..listing };
        assert_eq!(store.list(&bucket, &beyond).await.unwrap(), Listed::default());
    }
}
