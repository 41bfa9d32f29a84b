use lanspread_node::config::Settings;

use super::*;
use crate::{error::Kind, types::Command};

#[test]
fn commands_as_people_write_them() {
    let parse = |text: &str| serde_json::from_str::<Command>(text);
    let get = |install, content: Option<&str>| {
        Command::Get(GetCommand {
            game: "q".to_owned(),
            content: content.map(str::to_owned),
            install,
            low_disk: false,
            from: None,
        })
    };
    let check = |text: &str, expected: Command| {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
        let again = serde_json::to_string(&expected).unwrap();
        assert_eq!(parse(&again).unwrap(), expected, "{again}");
    };
    check(r#"{"command":"get","game":"q"}"#, get(true, None));
    let full = r#"{"game":"q","content":"ab","install":false,"command":"get","from":null}"#;
    check(full, get(false, Some("ab")));
    check(r#"{"command":"snapshot"}"#, Command::Snapshot);
    let limits = SettingsChange {
        up_rate_max: Some(RateLimit::BytesPerSecond(7)),
        down_rate_max: Some(RateLimit::OFF),
        ..SettingsChange::default()
    };
    let text = r#"{"command":"set_settings","up_rate_max":7,"down_rate_max":"off"}"#;
    check(text, Command::SetSettings(limits));
    let publish = PublishCommand {
        folder: "/f".to_owned(),
        version: "1".to_owned(),
        moved: true,
    };
    let text = r#"{"command":"publish","folder":"/f","version":"1","move":true}"#;
    check(text, Command::Publish(publish));
    for wrong in [
        r#"{"command":"get"}"#,
        r#"{"command":"get","game":7}"#,
        r#"{"command":"get","game":"q","instal":true}"#,
        r#"{"command":"set_settings","up_rate_max":-1}"#,
        r#"{"command":"set_settings","up":1}"#,
        r#"{"command":"uninstall","game":"q","purge":"yes"}"#,
        r#"{"game":"q"}"#,
        "[]",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn parts_of_commands_are_parsed() {
    assert_eq!(parse_game("Quake III").unwrap().as_str(), "quake iii");
    for text in ["", "..", "a/b", "con"] {
        let report = parse_game(text).unwrap_err();
        assert_eq!(
            (report.code.as_str(), report.kind),
            ("bad-value", Kind::User)
        );
    }
    assert_eq!(parse_content(None).unwrap(), None);
    assert!(parse_content(Some(&"ab".repeat(32))).unwrap().is_some());
    assert!(parse_content(Some("ab")).is_err());
    assert_eq!(parse_name(" a  b\u{202e} ").unwrap().as_str(), "a b");
    assert!(parse_name("\u{200b}").is_err());
    let publish = |version: &str| PublishCommand {
        folder: "/f".to_owned(),
        version: version.to_owned(),
        moved: false,
    };
    assert!(publish_request(publish("1.0")).is_ok());
    assert!(publish_request(publish(" ")).is_err());
}

#[test]
fn settings_change_only_what_is_named() {
    let before = Settings {
        share: false,
        up_rate_max: Some(1),
        down_rate_max: Some(2),
        downloads_max: 3,
        wine: Some("/usr/bin/wine".into()),
        mirror: MirrorSettings {
            on: true,
            quota_bytes: Some(4),
            free_min_bytes: 5,
        },
    };
    assert_eq!(changed(&before, SettingsChange::default()).unwrap(), before);
    let change = SettingsChange {
        up_rate_max: Some(RateLimit::OFF),
        downloads_max: Some(5),
        ..SettingsChange::default()
    };
    let expected = Settings {
        up_rate_max: None,
        downloads_max: 5,
        ..before.clone()
    };
    assert_eq!(changed(&before, change).unwrap(), expected);
    let change = SettingsChange {
        mirror_quota: Some(None.into()),
        mirror_free: Some(6),
        ..SettingsChange::default()
    };
    let mirror = changed(&before, change).unwrap().mirror;
    assert_eq!(
        (mirror.on, mirror.quota_bytes, mirror.free_min_bytes),
        (true, None, 6)
    );
    for downloads in [0, 17] {
        let change = SettingsChange {
            downloads_max: Some(downloads),
            ..SettingsChange::default()
        };
        assert_eq!(changed(&before, change).unwrap_err().code, "bad-value");
    }
    let zero = SettingsChange {
        down_rate_max: Some(RateLimit::BytesPerSecond(0)),
        ..SettingsChange::default()
    };
    assert_eq!(changed(&before, zero).unwrap_err().code, "bad-value");
}
