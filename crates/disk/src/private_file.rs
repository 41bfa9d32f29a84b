//! Files that only this user may read: keys, tokens, whom one knows.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Makes a new file, to write, that nobody else may read from its first byte on. A volume without
/// owners (FAT) lets everybody in.
///
/// # Errors
/// There is one already, or the disk failed.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    create_with(&mut options, path)
}

#[cfg(not(windows))]
fn create_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

#[cfg(windows)]
fn create_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use windows_sys::Win32::{Foundation::GENERIC_WRITE, Storage::FileSystem::WRITE_DAC};

    std::os::windows::fs::OpenOptionsExt::access_mode(options, GENERIC_WRITE | WRITE_DAC);
    let file = options.open(path)?;
    if let Err(error) = crate::windows::only_for_this_user(&file) {
        drop(file);
        // It is empty and ours; the first error is the one that matters.
        drop(std::fs::remove_file(path));
        return Err(error);
    }
    Ok(file)
}
