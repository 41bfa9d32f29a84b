use super::*;

#[test]
fn clocks() {
    let check = |time: &str, grade: Grade| assert_eq!(clock(time.parse().unwrap()).grade, grade);
    check("2026-11-20T08:00:00Z", Grade::Ok);
    check("1970-01-01T00:00:10Z", Grade::Warn);
    check("2106-01-01T00:00:00Z", Grade::Warn);
}

#[test]
fn directories() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(directory("games", dir.path(), "hint").grade, Grade::Ok);
    let missing = directory("games", &dir.path().join("missing"), "hint");
    assert_eq!((missing.grade, missing.hint), (Grade::Fail, Some("hint")));
}
