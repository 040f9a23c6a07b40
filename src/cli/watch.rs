//! Files of settings that are read anew when they change.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(2);

/// The largest file.
const LIMIT_BYTES: u64 = 4 * 1024 * 1024;

/// The text of a file of settings.
///
/// # Errors
/// In words.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LIMIT_BYTES).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// What was last seen of some files. Their texts are compared and not their dates, which can be the
/// same after two changes.
pub(super) struct Watch<T> {
    paths: Vec<PathBuf>,
    seen: Option<Vec<String>>,
    complaint: Option<String>,
    /// Takes the texts over, all or nothing.
    take: T,
}

impl<T: FnMut(&[String]) -> Result<(), String>> Watch<T> {
    pub fn new(paths: Vec<PathBuf>, take: T) -> Watch<T> {
        let seen = texts(&paths).ok();
        Watch { paths, seen, complaint: None, take }
    }

    /// Takes the files over if they have changed. What is wrong changes nothing, and is told once.
    pub fn look(&mut self) -> Option<Result<(), String>> {
        let texts = texts(&self.paths);
        if self.complaint.is_none() && texts.as_ref().ok() == self.seen.as_ref() {
            return None;
        }
        match texts.and_then(|texts| (self.take)(&texts).map(|()| texts)) {
            Ok(texts) => {
                self.seen = Some(texts);
                self.complaint = None;
                Some(Ok(()))
            }
            Err(reason) if self.complaint.as_ref() == Some(&reason) => None,
            Err(reason) => {
                self.complaint = Some(reason.clone());
                Some(Err(reason))
            }
        }
    }
}

impl<T: FnMut(&[String]) -> Result<(), String> + Send + 'static> Watch<T> {
    /// Looks at the files, called `what` in the log, as long as the process lives.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(mut self, what: &'static str) -> io::Result<()> {
        let life = move || {
            loop {
                thread::sleep(PERIOD);
                match self.look() {
                    Some(Ok(())) => tracing::info!("{what} read anew"),
                    Some(Err(reason)) => tracing::warn!(reason, "{what} stay as they were"),
                    None => {}
                }
            }
        };
        thread::Builder::new().name(what.to_owned()).spawn(life).map(drop)
    }
}

fn texts(paths: &[PathBuf]) -> Result<Vec<String>, String> {
    paths.iter().map(|path| read(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_are_taken_over_when_they_change_and_are_right() {
        let path = std::env::temp_dir().join(format!("pixelpass-watch-{}", std::process::id()));
        fs::write(&path, "1").unwrap();
        let mut taken = Vec::new();
        let mut watch = Watch::new(vec![path.clone()], |texts: &[String]| match texts[0].parse::<u32>() {
            Ok(number) => {
                taken.push(number);
                Ok(())
            }
            Err(_) => Err("why".to_owned()),
        });
        let mut after = |text: Option<&str>| {
            match text {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            watch.look().map(|said| said.map_err(|_| "told"))
        };
        assert_eq!(after(Some("1")), None);
        assert_eq!(after(Some("2")), Some(Ok(())));
        assert_eq!(after(Some("x")), Some(Err("told")));
        assert_eq!(after(Some("x")), None);
        assert_eq!(after(None), Some(Err("told")));
        assert_eq!(after(Some("3")), Some(Ok(())));
        assert_eq!(after(Some("3")), None);
        fs::remove_file(&path).unwrap();
        assert_eq!(taken, [2, 3]);
    }
}
