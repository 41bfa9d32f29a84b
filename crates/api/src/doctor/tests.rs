use super::*;
use crate::hints::{Language, hint};

#[test]
fn clocks() {
    let check = |time: &str, code: &str| assert_eq!(clock(time.parse().unwrap()).code, code);
    check("2026-11-20T08:00:00Z", "good");
    check("1970-01-01T00:00:10Z", "clock");
    check("2106-01-01T00:00:00Z", "clock");
}

#[test]
fn directories() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    assert_eq!(
        disk::directory("games", "games-dir", dir.path()).level,
        Level::Good
    );
    let bad = disk::directory("games", "games-dir", &missing);
    assert_eq!((bad.level, bad.code.as_str()), (Level::Bad, "games-dir"));
    assert_eq!(
        disk::games(&missing, true)[0].level,
        Level::Good,
        "made at the first start"
    );
    assert_eq!(disk::games(&missing, false)[0].level, Level::Bad);
}

/// A machine of a test may lack a network; whatever is found has hints.
#[tokio::test]
async fn what_is_not_good_has_hints() {
    let dir = tempfile::tempdir().unwrap();
    let case = Case {
        state_dir: Some(dir.path().to_owned()),
        games_dir: Some(dir.path().join("missing")),
        ..Case::default()
    };
    let findings = examine(case).await;
    let of = |subject: &str| findings.iter().find(|finding| finding.subject == subject);
    assert_eq!(of("state").unwrap().level, Level::Good);
    assert_eq!(of("games").unwrap().level, Level::Bad);
    assert!(of("clock").is_some() && of("port").is_some());
    for finding in findings
        .iter()
        .filter(|finding| finding.level != Level::Good)
    {
        assert!(
            !hint(&finding.code, Language::German).is_empty(),
            "{finding:?}"
        );
    }
    let first = Case {
        first_start: true,
        ..Case::default()
    };
    let findings = examine(first).await;
    let port = findings.iter().find(|finding| finding.subject == "port");
    assert_eq!(
        port, None,
        "nothing listens before the first start is confirmed"
    );
}
