use std::{fs, os::unix::fs::symlink};

use lanspread_proto::RelPath;

use super::RealDisk;
use crate::{
    error::DiskError,
    vfs::{CloneKind, Disk, EntryKind, OpenMode, Place},
};

/// Both ways to resolve a path must behave the same.
fn check(test: impl Fn(&RealDisk, &Place)) {
    for walk_only in [false, true] {
        let mut disk = RealDisk::new();
        disk.platform.walk_only = walk_only;
        let directory = tempfile::tempdir().unwrap();
        test(&disk, &Place::root(directory.path()));
    }
}

fn below(root: &Place, path: &str) -> Place {
    root.join(&RelPath::parse(path).unwrap())
}

fn write(disk: &RealDisk, place: &Place, bytes: &[u8]) {
    let file = disk.open(place, OpenMode::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

fn read(disk: &RealDisk, place: &Place) -> Result<Vec<u8>, DiskError> {
    let file = disk.open(place, OpenMode::Read)?;
    let mut bytes = vec![0; usize::try_from(file.stat()?.bytes).unwrap()];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[test]
fn files_and_directories() {
    check(|disk, root| {
        disk.create_dir(&below(root, "a")).unwrap();
        assert!(
            disk.create_dir(&below(root, "a"))
                .unwrap_err()
                .is_already_there()
        );
        let file = below(root, "a/file");
        write(disk, &file, b"hello");
        assert!(
            disk.open(&file, OpenMode::CreateNew)
                .unwrap_err()
                .is_already_there()
        );
        assert_eq!(read(disk, &file).unwrap(), b"hello");
        let before = disk.stat(&file).unwrap().unwrap();
        assert_eq!((before.kind, before.bytes), (EntryKind::File, 5));
        disk.rename(&file, &below(root, "b")).unwrap();
        assert_eq!(disk.stat(&file).unwrap(), None);
        assert_eq!(disk.stat(&below(root, "b")).unwrap(), Some(before));
        write(disk, &below(root, "Z"), b"");
        let names: Vec<_> = disk
            .list(root)
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(names, ["Z", "a", "b"]);
        disk.sync_dir(root).unwrap();
        disk.sync_volume(&below(root, "a")).unwrap();
        disk.remove_dir(&below(root, "a")).unwrap();
        assert!(
            disk.remove_dir(&below(root, "a"))
                .unwrap_err()
                .is_not_found()
        );
        disk.remove_file(&below(root, "b")).unwrap();
        assert!(
            disk.open(&below(root, "b"), OpenMode::Read)
                .unwrap_err()
                .is_not_found()
        );
    });
}

#[test]
fn exchange_and_clone() {
    check(|disk, root| {
        let (a, b, c) = (below(root, "a"), below(root, "b"), below(root, "c"));
        write(disk, &a, b"aaa");
        write(disk, &b, b"bb");
        match disk.exchange(&a, &b) {
            Ok(()) => assert_eq!(read(disk, &a).unwrap(), b"bb"),
            Err(error) => assert!(error.is_unsupported(), "{error}"),
        }
        let old = read(disk, &a).unwrap();
        let kind = disk.clone_file(&a, &c, &mut |_| true).unwrap();
        assert!(matches!(kind, CloneKind::Shared | CloneKind::Copied));
        assert_eq!(read(disk, &c).unwrap(), old);
        let again = disk.clone_file(&a, &c, &mut |_| true);
        assert!(again.unwrap_err().is_already_there());
        assert!(
            disk.exchange(&a, &below(root, "none"))
                .unwrap_err()
                .is_not_found()
        );
    });
}

#[test]
fn links_are_refused_below_the_root_only() {
    check(|disk, root| {
        let top = root.path();
        fs::create_dir(top.join("real")).unwrap();
        fs::write(top.join("real/secret"), b"x").unwrap();
        symlink(top.join("real"), top.join("dir")).unwrap();
        symlink(top.join("real/secret"), top.join("file")).unwrap();
        symlink(top.join("nowhere"), top.join("dangling")).unwrap();
        let through = below(root, "dir/secret");
        assert!(disk.open(&through, OpenMode::Read).unwrap_err().is_link());
        assert!(disk.stat(&through).unwrap_err().is_link());
        assert!(disk.remove_file(&through).unwrap_err().is_link());
        assert!(
            disk.rename(&through, &below(root, "x"))
                .unwrap_err()
                .is_link()
        );
        let made = below(root, "dir/new");
        assert!(disk.create_dir(&made).unwrap_err().is_link());
        assert!(disk.open(&made, OpenMode::CreateNew).unwrap_err().is_link());
        assert!(disk.list(&below(root, "dir")).unwrap_err().is_link());
        assert!(disk.sync_dir(&below(root, "dir")).unwrap_err().is_link());
        for mode in [OpenMode::Read, OpenMode::Write] {
            assert!(disk.open(&below(root, "file"), mode).unwrap_err().is_link());
        }
        let dangling = below(root, "dangling");
        assert!(disk.open(&dangling, OpenMode::CreateNew).is_err());
        assert!(fs::metadata(top.join("nowhere")).is_err());
        let stat = disk.stat(&below(root, "file")).unwrap().unwrap();
        assert_eq!(stat.kind, EntryKind::Other);
        disk.remove_file(&below(root, "file")).unwrap();
        assert!(fs::metadata(top.join("real/secret")).is_ok());
        // The root itself may be reached through a link: that is the person's choice.
        let linked_root = Place::root(&top.join("dir"));
        assert_eq!(read(disk, &below(&linked_root, "secret")).unwrap(), b"x");
        assert_eq!(
            disk.stat(&linked_root).unwrap().unwrap().kind,
            EntryKind::Directory
        );
    });
}

#[test]
fn ways_out_are_refused() {
    check(|disk, root| {
        for name in ["..", "../x", "/etc/passwd", "a/../../x"] {
            let place = root.listed(name);
            assert!(disk.open(&place, OpenMode::Read).is_err(), "{name}");
            assert!(disk.open(&place, OpenMode::CreateNew).is_err(), "{name}");
        }
    });
}

#[test]
fn a_pipe_does_not_block_and_is_refused() {
    check(|disk, root| {
        let path = root.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(disk.open(&below(root, "pipe"), OpenMode::Read).is_err());
        assert_eq!(disk.list(root).unwrap()[0].kind, EntryKind::Other);
    });
}

#[test]
fn a_name_that_is_not_unicode_is_shown_and_not_touched() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    check(|disk, root| {
        fs::write(root.path().join(OsStr::from_bytes(b"bad\xff")), b"").unwrap();
        fs::write(root.path().join("good"), b"").unwrap();
        let entries = disk.list(root).unwrap();
        assert_eq!(entries[0].name, "bad\u{fffd}");
        assert_eq!(entries[0].kind, EntryKind::Other);
        assert_eq!(entries[1].kind, EntryKind::File);
        assert!(
            disk.remove_file(&root.listed("bad\u{fffd}"))
                .unwrap_err()
                .is_not_found()
        );
    });
}

#[test]
fn identity_changes_with_the_bytes() {
    check(|disk, root| {
        let place = below(root, "f");
        write(disk, &place, b"one");
        let first = disk.stat(&place).unwrap().unwrap();
        disk.remove_file(&place).unwrap();
        write(disk, &below(root, "other"), b"");
        write(disk, &place, b"two");
        let second = disk.stat(&place).unwrap().unwrap();
        assert_ne!(first.identity, second.identity);
    });
}

#[test]
fn a_whole_tree_that_is_not_there_yet_has_space() {
    check(|disk, root| {
        let here = disk.space(root).unwrap();
        let there = disk.space(&below(root, "not/yet")).unwrap();
        assert_eq!(here.volume, there.volume);
        assert!(here.total_bytes >= here.free_bytes && here.total_bytes > 0);
    });
}

#[test]
fn a_root_can_be_made() {
    check(|disk, root| {
        let new_root = Place::root(&root.path().join("games"));
        assert_eq!(disk.stat(&new_root).unwrap(), None);
        disk.create_dir(&new_root).unwrap();
        assert_eq!(disk.list(&new_root).unwrap(), []);
    });
}

#[test]
fn a_program_can_be_started_and_so_can_its_copy() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let (disk, root) = (RealDisk::new(), Place::root(dir.path()));
    let program = root.listed("program");
    disk.open(&program, OpenMode::CreateNew)
        .unwrap()
        .mark_executable()
        .unwrap();
    disk.clone_file(&program, &root.listed("copy"), &mut |_| true)
        .unwrap();
    for name in ["program", "copy"] {
        let mode = fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_ne!(mode & 0o100, 0, "{name}");
    }
}

#[test]
fn a_long_copy_is_stopped_between_two_blocks_and_leaves_nothing() {
    check(|disk, root| {
        let (long, copy) = (below(root, "long"), below(root, "copy"));
        let file = disk.open(&long, OpenMode::CreateNew).unwrap();
        file.write_all_at(b"end", 40 * 1_024 * 1_024).unwrap();
        let mut heard = Vec::new();
        let stop_at_the_second = &mut |bytes| {
            heard.push(bytes);
            heard.len() < 2
        };
        match disk.clone_file(&long, &copy, stop_at_the_second) {
            // Nothing is copied where bytes are shared.
            Ok(kind) => assert_eq!(kind, CloneKind::Shared),
            Err(error) => {
                assert_eq!(error.source.kind(), std::io::ErrorKind::Interrupted);
                assert_eq!(heard.len(), 2);
                assert_eq!(disk.stat(&copy).unwrap(), None);
            }
        }
    });
}

#[test]
fn the_time_of_a_file_can_be_set() {
    check(|disk, root| {
        let place = below(root, "old");
        let file = disk.open(&place, OpenMode::CreateNew).unwrap();
        file.write_all_at(b"old", 0).unwrap();
        for seconds in [1_000_000_000, 0, -86_400] {
            file.set_modified(seconds).unwrap();
            let modified = file.stat().unwrap().identity.modified_nanos;
            assert_eq!(modified, i128::from(seconds) * 1_000_000_000);
        }
    });
}
