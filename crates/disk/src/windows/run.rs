//! A number that is new after every restart.
//!
//! It lies in a key of the registry that Windows keeps in memory only. Signing out drops it too,
//! which is safe: it is taken for a restart.

use std::{io, ptr};

use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, KEY_READ, KEY_WRITE, REG_BINARY, REG_OPTION_VOLATILE,
    RRF_RT_REG_BINARY, RegCloseKey, RegCreateKeyExW, RegGetValueW, RegSetValueExW,
};

use super::without_error;

const KEY: &str = r"Software\LanSpread\ThisRun";
const VALUE: &str = "run";
const NUMBER_BYTES: usize = 16;

/// The number of this run of the system.
pub(crate) fn run_id() -> io::Result<[u8; NUMBER_BYTES]> {
    let key = Key::open()?;
    if let Ok(number) = key.read() {
        return Ok(number);
    }
    let mut number = [0; NUMBER_BYTES];
    getrandom::fill(&mut number).map_err(io::Error::other)?;
    key.write(&number)?;
    // Of two processes that write at once both must go on with what stays.
    key.read()
}

struct Key(HKEY);

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the key is open and ours. There is nothing to be done about a failure.
        unsafe { RegCloseKey(self.0) };
    }
}

impl Key {
    fn open() -> io::Result<Self> {
        let name = wide(KEY);
        let mut key = ptr::null_mut();
        // SAFETY: the name ends with zero, and `key` outlives the call.
        without_error(unsafe {
            RegCreateKeyExW(
                HKEY_CURRENT_USER,
                name.as_ptr(),
                0,
                ptr::null(),
                REG_OPTION_VOLATILE,
                KEY_READ | KEY_WRITE,
                ptr::null(),
                &raw mut key,
                ptr::null_mut(),
            )
        })?;
        Ok(Self(key))
    }

    fn read(&self) -> io::Result<[u8; NUMBER_BYTES]> {
        let value = wide(VALUE);
        let mut number = [0; NUMBER_BYTES];
        let mut length = length_of(&number)?;
        // SAFETY: the key is open, the name ends with zero, and the buffer is as long as is said.
        without_error(unsafe {
            RegGetValueW(
                self.0,
                ptr::null(),
                value.as_ptr(),
                RRF_RT_REG_BINARY,
                ptr::null_mut(),
                number.as_mut_ptr().cast(),
                &raw mut length,
            )
        })?;
        if length == length_of(&number)? {
            Ok(number)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    fn write(&self, number: &[u8; NUMBER_BYTES]) -> io::Result<()> {
        let value = wide(VALUE);
        // SAFETY: the key is open, the name ends with zero, and the bytes are as many as is said.
        without_error(unsafe {
            RegSetValueExW(
                self.0,
                value.as_ptr(),
                0,
                REG_BINARY,
                number.as_ptr(),
                length_of(number)?,
            )
        })
    }
}

fn length_of(number: &[u8]) -> io::Result<u32> {
    u32::try_from(number.len()).map_err(io::Error::other)
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
