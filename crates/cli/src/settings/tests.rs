use super::*;

fn resolve(flags: Flags, env: &[(&str, &str)], file: &str) -> Result<Effective, Report> {
    let read = |name: &str| {
        let found = env.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Effective::resolve(
        flags,
        read,
        SettingsFile::parse(file).map_err(|e| Report::new("bad-config", e))?,
    )
}

#[test]
fn flags_before_environment_before_file_before_default() {
    let file = "name = 'file'\ngames_dir = '/file'\nup = '1MB/s'\ndownloads = 3\nshare = false";
    let env = [
        (env::NAME, "env"),
        (env::GAMES, "/env"),
        (env::UP, "2MB/s"),
        (env::SHARE, "on"),
    ];
    let flags = Flags {
        name: Some("flag".to_owned()),
        games_dir: Some("/flag".into()),
        ..Flags::default()
    };
    let names = |e: Effective| (e.name.to_string(), e.games_dir, e.settings.up_rate_max);
    let check = |flags, env: &[_], file, name: &str, games: &str, up: Option<u64>| {
        let expected = (name.to_owned(), PathBuf::from(games), up);
        assert_eq!(names(resolve(flags, env, file).unwrap()), expected);
    };
    check(flags, &env, file, "flag", "/flag", Some(2_000_000));
    check(Flags::default(), &env, file, "env", "/env", Some(2_000_000));
    check(
        Flags::default(),
        &[],
        file,
        "file",
        "/file",
        Some(1_000_000),
    );
    let defaults = resolve(Flags::default(), &[], "").unwrap();
    assert_eq!(defaults.settings, Settings::default());
    assert!(defaults.games_dir.ends_with("Games/LanSpread"));
    assert!(!defaults.name.as_str().is_empty());
    let both = resolve(Flags::default(), &env, file).unwrap();
    assert!(both.settings.share, "the environment wins");
    assert_eq!(both.settings.downloads_max, 3, "only the file says");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let check = |env: &[(&str, &str)], file: &str, expected: &str| {
        let report = resolve(Flags::default(), env, file).unwrap_err();
        assert_eq!(report.code, "bad-config");
        assert!(report.message.contains(expected), "{}", report.message);
    };
    check(&[(env::UP, "fast")], "", "LANSPREAD_UP: `fast` is no rate");
    check(&[], "down = 'x'", "line 1: down: `x` is no rate");
    check(
        &[(env::DOWNLOADS, "17")],
        "",
        "`17` is no number from 1 to 16",
    );
    check(&[(env::SHARE, "maybe")], "", "neither on nor off");
}

#[test]
fn the_file_reads_back_and_what_is_wrong_is_named() {
    let state = tempfile::tempdir().unwrap();
    assert_eq!(
        SettingsFile::read(state.path()).unwrap(),
        SettingsFile::default()
    );
    let file = SettingsFile {
        name: Some("a \"name\"".to_owned()),
        share: Some(false),
        ..SettingsFile::default()
    };
    file.write(state.path()).unwrap();
    assert_eq!(SettingsFile::read(state.path()).unwrap(), file);
    let path = state.path().join("config.toml");
    let check = |bytes: &[u8], expected: &str| {
        crate::files::write_bytes(&path, bytes);
        let report = SettingsFile::read(state.path()).unwrap_err();
        assert_eq!(report.code, "bad-config", "{report:?}");
        assert!(report.message.contains(expected), "{}", report.message);
        assert!(report.message.contains("config.toml"), "{}", report.message);
    };
    check(
        b"name = 'x'\nshare = 1\n",
        "line 2: share: expected true or false",
    );
    check(b"a = 1\nname = 'x\xff'\n", "not UTF-8 text: line 2");
    check(&vec![b' '; 70_000], "larger than");
}

#[test]
fn only_changes_are_absorbed() {
    let before = resolve(
        Flags::default(),
        &[(env::NAME, "env"), (env::UP, "1MB/s")],
        "",
    )
    .unwrap();
    let mut file = SettingsFile::default();
    file.absorb(&before, &before);
    assert_eq!(file, SettingsFile::default());
    let mut now = before.clone();
    now.settings.down_rate_max = Some(7);
    now.games_dir = "/new".into();
    file.absorb(&before, &now);
    assert_eq!(file.down.as_deref(), Some("7B/s"));
    assert_eq!(file.games_dir, Some("/new".into()));
    assert_eq!((file.name, file.up), (None, None));
}

#[test]
fn listen() {
    let check = |text: &str, ip: Option<&str>, port: u16| {
        let expected = Listen {
            ip: ip.map(|ip| ip.parse().unwrap()),
            port,
        };
        assert_eq!(parse_listen(text), Ok(expected), "{text}");
    };
    check("127.0.0.1:0", Some("127.0.0.1"), 0);
    check("192.168.0.7", Some("192.168.0.7"), 47_100);
    check("[::1]:9", Some("::1"), 9);
    check("::1", Some("::1"), 47_100);
    check("9000", None, 9_000);
    check(":9000", None, 9_000);
    assert!(parse_listen("here").is_err());
}
