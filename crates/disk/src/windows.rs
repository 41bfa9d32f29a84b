//! What Windows offers and the standard library does not: sparse files, file numbers, free space,
//! files for one user only, a number that a restart changes. All unsafe code of this crate.

#![expect(unsafe_code, reason = "these calls have no safe form")]

use std::{
    ffi::c_void,
    fs::File,
    io,
    os::windows::{
        ffi::OsStrExt,
        io::{AsRawHandle, FromRawHandle, OwnedHandle},
    },
    path::{Path, PathBuf},
    ptr,
};

use windows_sys::Win32::{
    Foundation::HANDLE,
    Storage::FileSystem::{
        BY_HANDLE_FILE_INFORMATION, GetDiskFreeSpaceExW, GetFileInformationByHandle,
        GetVolumeInformationByHandleW,
    },
    System::{
        IO::DeviceIoControl,
        Ioctl::FSCTL_SET_SPARSE,
        SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX},
    },
};

mod owner;
mod run;

pub(crate) use owner::only_for_this_user;
pub(crate) use run::run_id;

/// Longest paths that every call takes as they are; longer ones need the long form.
const SHORT_PATH_MAX: usize = 240;

/// Places for the name of a file system.
const NAME_MAX: usize = 64;

/// What tells a file from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The file's number on its volume.
    pub(crate) file: u64,
    /// The volume's serial number.
    pub(crate) volume: u32,
}

/// The numbers of an open file or directory.
pub(crate) fn numbers(file: &File) -> io::Result<Numbers> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open as long as `file` is borrowed, and `found` is of the right type.
    succeeded(unsafe { GetFileInformationByHandle(handle(file), &raw mut found) })?;
    Ok(Numbers {
        file: (u64::from(found.nFileIndexHigh) << 32) | u64::from(found.nFileIndexLow),
        volume: found.dwVolumeSerialNumber,
    })
}

/// What a volume can do: bits named `FILE_SUPPORTS_…` and others.
pub(crate) fn volume_abilities(file: &File) -> io::Result<u32> {
    let mut flags = 0;
    // SAFETY: the handle is open as long as `file` is borrowed; what is null is not asked for.
    succeeded(unsafe {
        GetVolumeInformationByHandleW(
            handle(file),
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut flags,
            ptr::null_mut(),
            0,
        )
    })?;
    Ok(flags)
}

/// The name of the file system that an open file or directory is on.
pub(crate) fn file_system(file: &File) -> io::Result<String> {
    let mut name = [0_u16; NAME_MAX];
    // SAFETY: the handle is open as long as `file` is borrowed; the buffer has as many places as is
    // said, and what is null is not asked for.
    succeeded(unsafe {
        GetVolumeInformationByHandleW(
            handle(file),
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            name.as_mut_ptr(),
            u32::try_from(NAME_MAX).unwrap_or(0),
        )
    })?;
    let length = name.iter().position(|unit| *unit == 0).unwrap_or(NAME_MAX);
    Ok(String::from_utf16_lossy(
        name.get(..length).unwrap_or(&name),
    ))
}

/// Lets a file have holes that take no room.
pub(crate) fn make_sparse(file: &File) -> io::Result<()> {
    let mut returned = 0;
    // SAFETY: the handle is open as long as `file` is borrowed; without an input buffer the call
    // means *yes*, and it returns nothing.
    succeeded(unsafe {
        DeviceIoControl(
            handle(file),
            FSCTL_SET_SPARSE,
            ptr::null(),
            0,
            ptr::null_mut(),
            0,
            &raw mut returned,
            ptr::null_mut(),
        )
    })
}

/// Bytes of a directory's volume that this user may still use, and all of them.
pub(crate) fn free_and_total_bytes(directory: &Path) -> io::Result<(u64, u64)> {
    let path = wide(directory)?;
    let (mut free, mut total) = (0, 0);
    // SAFETY: `path` ends with zero, and both numbers outlive the call.
    succeeded(unsafe {
        GetDiskFreeSpaceExW(
            path.as_ptr(),
            &raw mut free,
            &raw mut total,
            ptr::null_mut(),
        )
    })?;
    Ok((free, total))
}

/// Bytes of memory that programs can still get.
pub(crate) fn available_memory_bytes() -> Option<u64> {
    let mut status = MEMORYSTATUSEX {
        dwLength: u32::try_from(size_of::<MEMORYSTATUSEX>()).ok()?,
        ..MEMORYSTATUSEX::default()
    };
    // SAFETY: the structure carries its own size, as this call asks for.
    succeeded(unsafe { GlobalMemoryStatusEx(&raw mut status) }).ok()?;
    Some(status.ullAvailPhys)
}

fn handle(file: &File) -> HANDLE {
    file.as_raw_handle()
}

fn succeeded(answer: i32) -> io::Result<()> {
    if answer == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// What many calls return instead of a yes or no.
fn without_error(code: u32) -> io::Result<()> {
    match i32::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(io::Error::from_raw_os_error(code)),
        Err(_large) => Err(io::ErrorKind::Other.into()),
    }
}

/// A path as these calls want it: UTF-16 with a zero, in the form without a limit where it is long.
fn wide(path: &Path) -> io::Result<Vec<u16>> {
    let whole = std::path::absolute(path)?;
    let is_long = whole.as_os_str().len() > SHORT_PATH_MAX;
    let whole = if is_long { limitless(&whole) } else { whole };
    let mut wide: Vec<u16> = whole.as_os_str().encode_wide().collect();
    if wide.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    wide.push(0);
    Ok(wide)
}

fn limitless(whole: &Path) -> PathBuf {
    let Some(text) = whole.to_str() else {
        return whole.to_owned();
    };
    if text.starts_with(r"\\?\") || text.starts_with(r"\\.\") {
        whole.to_owned()
    } else if let Some(share) = text.strip_prefix(r"\\") {
        PathBuf::from(format!(r"\\?\UNC\{share}"))
    } else {
        PathBuf::from(format!(r"\\?\{text}"))
    }
}

/// Takes a handle that a call has made.
///
/// # Safety
/// It is open, and nobody else closes it.
unsafe fn owned(handle: *mut c_void) -> OwnedHandle {
    // SAFETY: as this function asks for.
    unsafe { OwnedHandle::from_raw_handle(handle) }
}

#[cfg(test)]
mod tests;
