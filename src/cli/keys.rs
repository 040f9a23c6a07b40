//! Access keys: those of the settings, those of the file, and a pair of its own for the embedded store.

use super::watch::{Watch, read};
use crate::config::Config;
use crate::oss::sign::{Key, Keys, parse_keys};
use crate::store::Place;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Letters of keys that are made here.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xy";

/// The keys of the settings, then those of the file.
///
/// # Errors
/// In words, for a file that cannot be read and an id that is there twice.
pub(super) fn keys(config: &Config) -> Result<Vec<Key>, String> {
    let text = match &config.access_key_file {
        Some(path) => read(path)?,
        None => String::new(),
    };
    together(&fixed(config), &text, config.access_key_file.as_deref())
}

fn fixed(config: &Config) -> Vec<Key> {
    config.access_keys.iter().map(|key| Key::new(&key.id, &key.secret)).collect()
}

fn together(fixed: &[Key], text: &str, path: Option<&Path>) -> Result<Vec<Key>, String> {
    let name = path.map(|path| path.display().to_string()).unwrap_or_default();
    let file = parse_keys(text).map_err(|mistakes| format!("{name}: {}", mistakes.replace('\n', "; ")))?;
    let keys: Vec<_> = fixed.iter().cloned().chain(file).collect();
    let twice = |(index, key): &(usize, &Key)| keys.iter().take(*index).any(|before| before.id == key.id);
    match keys.iter().enumerate().find(twice) {
        Some((_, key)) => Err(format!("the access key {} is there twice", key.id)),
        None => Ok(keys),
    }
}

/// Watches the file, if there is one, and exchanges `keys` when it changes.
///
/// # Errors
/// When there can be no thread.
pub(super) fn watch(config: &Config, keys: &Arc<Keys>) -> io::Result<()> {
    let Some(path) = config.access_key_file.clone() else {
        return Ok(());
    };
    let (keys, fixed) = (Arc::clone(keys), fixed(config));
    let take = move |texts: &[String]| {
        keys.replace(together(&fixed, &texts.concat(), None)?);
        Ok(())
    };
    Watch::new(vec![path], take).start("access keys")
}

/// Gives an embedded store without any key a pair of its own, kept beside its buckets, so that the
/// first client can write at once. The pair is handed out when it is made, and only then.
///
/// # Errors
/// In words, when the pair cannot be made or kept.
pub(super) fn of_embedded(config: &mut Config) -> Result<Option<Key>, String> {
    let (Place::Embedded, true, None) = (&config.store, config.access_keys.is_empty(), &config.access_key_file) else {
        return Ok(None);
    };
    let Some(path) = config.store.directory().map(|directory| directory.join(".pixelpass").join("access-keys")) else {
        return Ok(None);
    };
    let made = match path.exists() {
        true => None,
        false => {
            let key = Key::new(random(20)?, random(32)?);
            keep(&path, &key).map_err(|error| format!("cannot keep an access key in {}: {error}", path.display()))?;
            Some(key)
        }
    };
    config.access_key_file = Some(path);
    Ok(made)
}

fn random(length: usize) -> Result<String, String> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers for an access key: {error}"))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 64)])).collect())
}

fn keep(path: &PathBuf, key: &Key) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "# ID:SECRET a line; more may be added, and are read while the server runs")?;
    writeln!(file, "{}:{}", key.id, key.secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_settings_and_file_stand_together() {
        let fixed = [Key::new("set", "0")];
        let ids =
            |text| together(&fixed, text, None).map(|keys| keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>());
        assert_eq!(ids("a:1\nb:2\n").unwrap(), ["set", "a", "b"]);
        assert!(ids("set:1\n").unwrap_err().contains("twice"));
        assert!(ids("b\n").is_err());
    }

    #[test]
    fn random_keys_are_long_and_differ() {
        let (first, second) = (random(32).unwrap(), random(32).unwrap());
        assert!(first.len() == 32 && first != second && first.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
