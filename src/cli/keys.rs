//! Access keys: those of the settings, those of the file, and the watch over the file.

use crate::config::Config;
use crate::oss::sign::{Key, Keys, parse_keys};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

/// How often the file is looked at.
const PERIOD: Duration = Duration::from_secs(2);

/// The largest file of keys.
const LIMIT_BYTES: u64 = 4 * 1024 * 1024;

/// The keys of the settings, then those of the file.
///
/// # Errors
/// In words, for a file that cannot be read and an id that is there twice.
pub(super) fn keys(config: &Config) -> Result<Vec<Key>, String> {
    let text = match &config.access_key_file {
        Some(path) => read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?,
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

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LIMIT_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Watches the file, if there is one, for as long as somebody holds `keys`.
///
/// # Errors
/// When there can be no thread.
pub(super) fn watch(config: &Config, keys: &Arc<Keys>) -> io::Result<()> {
    let Some(path) = config.access_key_file.clone() else {
        return Ok(());
    };
    let mut watch = Watch { seen: read(&path).ok(), complaint: None, fixed: fixed(config), path };
    let keys: Weak<Keys> = Arc::downgrade(keys);
    thread::Builder::new().name("access keys".to_owned()).spawn(move || {
        loop {
            thread::sleep(PERIOD);
            let Some(keys) = keys.upgrade() else { return };
            match watch.look(&keys) {
                Some(Ok(count)) => tracing::info!(count, "access keys read anew"),
                Some(Err(reason)) => tracing::warn!(reason, "access keys stay as they were"),
                None => {}
            }
        }
    })?;
    Ok(())
}

/// What was last seen of the file. Its text is compared and not its date, which can be the same
/// after two changes.
struct Watch {
    path: PathBuf,
    seen: Option<String>,
    complaint: Option<String>,
    fixed: Vec<Key>,
}

impl Watch {
    /// Takes over the file if it has changed, and says how many keys there are then. A file that is
    /// wrong changes nothing, and says why once.
    fn look(&mut self, keys: &Keys) -> Option<Result<usize, String>> {
        let read = read(&self.path);
        if self.complaint.is_none() && read.as_ref().ok() == self.seen.as_ref() {
            return None;
        }
        let read = read.map_err(|error| format!("cannot read {}: {error}", self.path.display()));
        match read.and_then(|text| Ok((together(&self.fixed, &text, Some(&self.path))?, text))) {
            Ok((ring, text)) => {
                let count = ring.len();
                keys.replace(ring);
                self.seen = Some(text);
                self.complaint = None;
                Some(Ok(count))
            }
            Err(reason) if self.complaint.as_ref() == Some(&reason) => None,
            Err(reason) => {
                self.complaint = Some(reason.clone());
                Some(Err(reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_taken_over_when_it_changes_and_is_right() {
        let path = std::env::temp_dir().join(format!("pixelpass-keys-{}", std::process::id()));
        fs::write(&path, "a:1\n").unwrap();
        let keys = Keys::new(Vec::new());
        let mut watch =
            Watch { seen: Some("a:1\n".to_owned()), complaint: None, fixed: vec![Key::new("set", "0")], path };
        let ids = |keys: &Keys| keys.current().iter().map(|key| key.id.clone()).collect::<Vec<_>>().join(" ");
        let mut after = |text: Option<&str>| {
            match text {
                Some(text) => fs::write(&watch.path, text).unwrap(),
                None => fs::remove_file(&watch.path).unwrap(),
            }
            let said = watch.look(&keys).map(|said| said.map_err(|_| "why"));
            (said, ids(&keys))
        };
        assert_eq!(after(Some("a:1\n")), (None, String::new()));
        assert_eq!(after(Some("a:1\nb:2\n")), (Some(Ok(3)), "set a b".to_owned()));
        assert_eq!(after(Some("a:1\nb\n")), (Some(Err("why")), "set a b".to_owned()));
        assert_eq!(after(Some("a:1\nb\n")), (None, "set a b".to_owned()));
        assert_eq!(after(Some("set:1\n")), (Some(Err("why")), "set a b".to_owned()));
        assert_eq!(after(None), (Some(Err("why")), "set a b".to_owned()));
        assert_eq!(after(Some("b:2\n")), (Some(Ok(2)), "set b".to_owned()));
        fs::remove_file(&watch.path).unwrap();
    }
}
