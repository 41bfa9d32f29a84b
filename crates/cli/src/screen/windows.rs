//! The console of Windows, and its way to open pages and folders.

#![expect(unsafe_code, reason = "these calls have no safe form")]

use std::{
    io::{self, Read, Write},
    ptr,
};

use windows_sys::Win32::{
    System::Console::GetConsoleProcessList,
    UI::{Shell::ShellExecuteW, WindowsAndMessaging::SW_SHOWNORMAL},
};

/// Answers of [`ShellExecuteW`] up to here are errors.
const SHELL_ERROR_MAX: usize = 32;

/// Opens a page or a folder with what this person uses for it.
pub(crate) fn open(what: &str) -> io::Result<()> {
    let (verb, what) = (wide("open"), wide(what));
    // SAFETY: both texts end with zero; the rest is not given.
    let answer = unsafe {
        ShellExecuteW(
            ptr::null_mut(),
            verb.as_ptr(),
            what.as_ptr(),
            ptr::null(),
            ptr::null(),
            SW_SHOWNORMAL,
        )
    };
    if answer.addr() <= SHELL_ERROR_MAX {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// After a double click the window would close before anybody has read why.
pub(crate) fn stay_open_after_failure() {
    if !is_own_window() {
        return;
    }
    let mut err = io::stderr().lock();
    // Where nothing can be written or read, there is nothing to wait for.
    let asked = err.write_all(b"\nPress Enter to close this window.\n");
    if asked.and_then(|()| err.flush()).is_ok() {
        drop(io::stdin().lock().read(&mut [0]));
    }
}

/// Nobody else is in this console: it was made for this program, and goes with it.
fn is_own_window() -> bool {
    let mut processes = [0_u32; 2];
    // SAFETY: the buffer has as many places as is said.
    let count = unsafe { GetConsoleProcessList(processes.as_mut_ptr(), 2) };
    count == 1
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
