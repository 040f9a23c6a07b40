//! Precedence, mistakes and masking.

use super::*;

fn assemble(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, Mistakes> {
    Config::assemble(&Sources {
        file: Some(("pixelpass.toml".to_owned(), file.to_owned())),
        environment: environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        flags: flags.iter().map(|(name, value)| (*name, vec![value.to_string()])).collect(),
    })
}

#[test]
fn flags_beat_the_environment_beats_the_file_beats_the_default() {
    let file = "workers = 2\nqueue = 3\nengine = 'cpu'\nlisten = '0.0.0.0:1'";
    let environment = [("PIXELPASS_WORKERS", "4"), ("PIXELPASS_QUEUE", "5"), ("HOME", "/root")];
    let config = assemble(file, &environment, &[("workers", "6")]).unwrap();
    assert_eq!((config.workers.get(), config.queue().get()), (6, 5));
    assert_eq!((config.engine, config.listen.port()), (Setting::Cpu, 1));
    assert_eq!(config.anonymous, Rights::Read);
    assert_eq!(config.domains.bases, ["localhost"]);
}

#[test]
fn the_queue_grows_with_the_workers() {
    assert_eq!(assemble("workers = 3", &[], &[]).unwrap().queue().get(), 192);
}

#[test]
fn lists_replace_those_of_lower_sources() {
    let file = "base-domain = ['a.org', 'B.org']\naccess-key = 'one:1'";
    let config = assemble(file, &[], &[]).unwrap();
    assert_eq!(config.domains.bases, ["a.org", "b.org"]);
    let config = assemble(file, &[("PIXELPASS_ACCESS_KEY", "two:2, three:3:3")], &[("base-domain", "c.org")]).unwrap();
    assert_eq!(config.domains.bases, ["c.org"]);
    let keys: Vec<_> = config.access_keys.iter().map(|key| (key.id.as_str(), key.secret.as_str())).collect();
    assert_eq!(keys, [("two", "2"), ("three", "3:3")]);
}

#[test]
fn fonts_are_named_by_the_language() {
    let file = "font = ['fangzhengkaiti=LXGW WenKai', 'fangzhenghei=A=B', 'fangzhengkaiti=Kai']";
    let fonts = [
        (Typeface::FangzhengKaiti, "LXGW WenKai".to_owned()),
        (Typeface::FangzhengHeiti, "A=B".to_owned()),
        (Typeface::FangzhengKaiti, "Kai".to_owned()),
    ];
    assert_eq!(assemble(file, &[], &[]).unwrap().fonts, fonts);
    let config = assemble(file, &[("PIXELPASS_FONT", "wqy-zenhei=One, wqy-microhei=Two")], &[]).unwrap();
    let fonts = [(Typeface::WqyZenhei, "One".to_owned()), (Typeface::WqyMicrohei, "Two".to_owned())];
    assert_eq!(config.fonts, fonts);
    for wrong in ["arial=Arial", "wqy-zenhei=", "wqy-zenhei", "=", ""] {
        let Mistakes(said) = assemble("", &[], &[("font", wrong)]).unwrap_err();
        assert!(said[0].starts_with(&format!("--font: '{wrong}' must be NAME=FAMILY with a name of wqy-zenhei, ")));
    }
}

#[test]
fn all_mistakes_are_told_together() {
    let file = "wrokers = 1\nworkers = 0\nengine = true\nstore = 'ftp://x'";
    let environment = [("PIXELPASS_WORKRES", "1"), ("PIXELPASS_ANONYMOUS", "all"), ("PIXELPASS_CONFIG", "x")];
    let flags = [("cache", "memory"), ("listen", "8080"), ("access-key", "hunter2"), ("deadline-ms", "-1")];
    let Mistakes(mut said) = assemble(file, &environment, &flags).unwrap_err();
    said.sort();
    assert_eq!(
        said,
        [
            "--access-key: a value must be ID:SECRET, neither empty",
            "--cache: 'memory' is not built yet; only off is",
            "--deadline-ms: '-1' must be a whole number of milliseconds, 1 to 3600000",
            "--listen: '8080' must be an address and a port, as in 127.0.0.1:8080",
            "PIXELPASS_ANONYMOUS: 'all' must be one of none, read, write",
            "PIXELPASS_WORKRES: no setting has this variable",
            "pixelpass.toml: engine: must be auto|cpu|gpu",
            "pixelpass.toml: store: 'ftp://x' there is no store of kind ftp://; name a directory, file://, s3:// or memory://",
            "pixelpass.toml: workers: '0' must be a whole number of threads, 1 to 1024",
            "pixelpass.toml: wrokers: no setting has this name",
        ]
    );
    assert!(assemble("workers = ", &[], &[]).is_err());
}

#[test]
fn secrets_are_never_printed() {
    let config = assemble("", &[("PIXELPASS_ACCESS_KEY", "id:hunter2")], &[("workers", "3")]).unwrap();
    let printed = format!("{config}{config:?}");
    assert!(config.to_string().contains("access-key = id:***\n"), "{config}");
    assert!(config.to_string().contains("workers = 3\n"));
    assert!(config.to_string().contains("queue = 64 for each worker (default)\n"));
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn rows_are_whole() {
    for row in ROWS {
        assert!(std::ptr::eq(Row::named(row.name).unwrap(), row), "{} twice", row.name);
        assert!(!row.doc.ends_with('.') && !row.default.is_empty(), "{}", row.name);
        match &row.kind {
            Kind::Choice(names, _) => {
                for name in names.split('|') {
                    assert!(assemble("", &[], &[(row.name, name)]).is_ok());
                }
                assert!(names.split('|').any(|name| name == row.default));
            }
            // A default that is a value is the default.
            Kind::Number { .. } if row.default.parse::<u64>().is_ok() => {
                let mut config = assemble("", &[], &[(row.name, row.default)]).unwrap();
                config.given.clear();
                assert_eq!(config, Config::default(), "{}", row.name);
            }
            _ => {}
        }
    }
    let engines: Vec<_> = Setting::NAMES.iter().map(|(name, _)| *name).collect();
    let rights: Vec<_> = Rights::NAMES.iter().map(|(name, _)| *name).collect();
    let filters: Vec<_> = Resample::NAMES.iter().map(|(name, _)| *name).collect();
    for (name, names) in [("engine", engines), ("anonymous", rights), ("resample", filters)] {
        assert_eq!(Row::named(name).unwrap().shape(), names.join("|"));
    }
}
