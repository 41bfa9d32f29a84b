use super::*;

#[test]
fn long_forms() {
    let check = |whole: &str, long: &str| {
        assert_eq!(limitless(Path::new(whole)), Path::new(long), "{whole}");
    };
    check(r"C:\games\a", r"\\?\C:\games\a");
    check(r"\\host\share\a", r"\\?\UNC\host\share\a");
    check(r"\\?\C:\a", r"\\?\C:\a");
}

#[test]
fn a_restart_has_not_happened() {
    assert_eq!(run_id().unwrap(), run_id().unwrap());
    assert_ne!(run_id().unwrap(), [0; 16]);
}

#[test]
fn a_volume_has_a_file_system() {
    let file = tempfile::tempfile().unwrap();
    assert_ne!(file_system(&file).unwrap(), "");
    assert_ne!(volume_abilities(&file).unwrap(), 0);
}

#[test]
fn there_is_memory() {
    assert!(available_memory_bytes().unwrap() > 1 << 20);
}

#[test]
fn two_files_have_two_numbers_on_one_volume() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name| File::create_new(directory.path().join(name)).unwrap();
    let (one, two) = (
        numbers(&file("one")).unwrap(),
        numbers(&file("two")).unwrap(),
    );
    assert_ne!(one.file, two.file);
    assert_eq!(one.volume, two.volume);
}
