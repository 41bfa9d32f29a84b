use std::os::windows::fs::OpenOptionsExt;

use lanspread_proto::RelPath;

use super::*;

fn disk() -> (tempfile::TempDir, RealDisk, Place) {
    let directory = tempfile::tempdir().unwrap();
    let root = Place::root(directory.path());
    (directory, RealDisk::new(), root)
}

fn below(root: &Place, path: &str) -> Place {
    root.join(&RelPath::parse(path).unwrap())
}

fn write(disk: &RealDisk, place: &Place, bytes: &[u8]) {
    let file = disk.open(place, OpenMode::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

fn read(disk: &RealDisk, place: &Place) -> Vec<u8> {
    let file = disk.open(place, OpenMode::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.stat().unwrap().bytes).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn files_and_directories() {
    let (_keep, disk, root) = disk();
    disk.create_dir(&below(&root, "a")).unwrap();
    let again = disk.create_dir(&below(&root, "a")).unwrap_err();
    assert!(again.is_already_there());
    let (file, other) = (below(&root, "a/file"), below(&root, "b"));
    write(&disk, &file, b"hello");
    let again = disk.open(&file, OpenMode::CreateNew).unwrap_err();
    assert!(again.is_already_there());
    let before = disk.stat(&file).unwrap().unwrap();
    assert_eq!((before.kind, before.bytes), (EntryKind::File, 5));
    write(&disk, &other, b"in the way");
    disk.rename(&file, &other).unwrap();
    assert_eq!(disk.stat(&file).unwrap(), None);
    assert_eq!(disk.stat(&other).unwrap(), Some(before));
    assert_eq!(read(&disk, &other), b"hello");
    assert_eq!(disk.clone_file(&other, &file).unwrap(), CloneKind::Copied);
    assert!(
        disk.clone_file(&other, &file)
            .unwrap_err()
            .is_already_there()
    );
    assert_eq!(read(&disk, &file), b"hello");
    assert!(disk.remove_dir(&below(&root, "a")).is_err());
    disk.sync_dir(&root).unwrap();
    disk.sync_volume(&root).unwrap();
    disk.remove_file(&file).unwrap();
    disk.remove_dir(&below(&root, "a")).unwrap();
    assert!(
        disk.remove_dir(&below(&root, "a"))
            .unwrap_err()
            .is_not_found()
    );
    let names: Vec<_> = disk
        .list(&root)
        .unwrap()
        .into_iter()
        .map(|e| e.name)
        .collect();
    assert_eq!(names, ["b"]);
    assert!(disk.exchange(&other, &other).unwrap_err().is_unsupported());
}

#[test]
fn a_file_that_somebody_holds_is_busy() {
    let (_keep, disk, root) = disk();
    let file = below(&root, "held");
    write(&disk, &file, b"x");
    let held = OpenOptions::new()
        .read(true)
        .share_mode(0)
        .open(file.path());
    let held = held.unwrap();
    let error = disk.open(&file, OpenMode::Read).unwrap_err();
    assert!(error.is_busy(), "{error}");
    let error = disk.remove_file(&file).unwrap_err();
    assert!(error.is_busy(), "{error}");
    drop(held);
    disk.remove_file(&file).unwrap();
}

#[test]
fn a_file_grows_and_is_written_anywhere() {
    let (_keep, disk, root) = disk();
    let file = disk
        .open(&below(&root, "large"), OpenMode::CreateNew)
        .unwrap();
    file.set_len(64 << 20).unwrap();
    file.write_all_at(b"end", (64 << 20) - 3).unwrap();
    let mut end = [9; 5];
    file.read_exact_at(&mut end, (64 << 20) - 5).unwrap();
    assert_eq!(&end, b"\0\0end");
    assert!(file.read_exact_at(&mut end, (64 << 20) - 4).is_err());
    file.sync().unwrap();
}

#[test]
fn paths_may_be_long() {
    let (_keep, disk, root) = disk();
    let mut place = root.clone();
    for _level in 0..5 {
        place = below(&place, &"long".repeat(20));
        disk.create_dir(&place).unwrap();
    }
    let (file, copy) = (below(&place, "file"), below(&place, "copy"));
    write(&disk, &file, b"deep");
    disk.clone_file(&file, &copy).unwrap();
    disk.remove_file(&file).unwrap();
    disk.rename(&copy, &file).unwrap();
    assert_eq!(read(&disk, &file), b"deep");
    assert!(disk.space(&place).unwrap().total_bytes > 0);
}

#[test]
fn a_tree_that_is_not_there_yet_has_space() {
    let (_keep, disk, root) = disk();
    let here = disk.space(&root).unwrap();
    let there = disk.space(&below(&root, "not/yet")).unwrap();
    assert_eq!(here.volume, there.volume);
    assert!(here.total_bytes >= here.free_bytes && here.total_bytes > 0);
}

#[test]
fn ways_out_are_refused() {
    let (_keep, disk, root) = disk();
    for name in ["..", r"..\x", r"C:\x", "a/../../x"] {
        assert!(
            disk.open(&root.listed(name), OpenMode::CreateNew).is_err(),
            "{name}"
        );
    }
}
