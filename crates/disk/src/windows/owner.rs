//! Files that only this user, and the system itself, may open.

use std::{
    ffi::c_void,
    fs::File,
    io,
    os::windows::io::{AsRawHandle, OwnedHandle},
    ptr, slice,
};

use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        ACL,
        Authorization::{
            ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW,
            SDDL_REVISION_1, SE_FILE_OBJECT, SetSecurityInfo,
        },
        DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetTokenInformation,
        PROTECTED_DACL_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
    },
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

use super::{handle, owned, succeeded, volume_abilities, without_error};

/// A volume keeps who may do what with its files.
const FILE_PERSISTENT_ACLS: u32 = 8;
/// Room for the longest user number and its header.
const TOKEN_USER_BYTES: usize = 128;
/// More characters than the text of a user number can have.
const SID_TEXT_MAX: usize = 200;

/// Takes the file away from everybody else; it must have been opened with the right to do so.
/// Volumes that know no owners (FAT, exFAT) let everybody in, as they do with every file.
pub(crate) fn only_for_this_user(file: &File) -> io::Result<()> {
    if volume_abilities(file)? & FILE_PERSISTENT_ACLS == 0 {
        return Ok(());
    }
    // Protected: nothing is inherited. Full access for the user and for the system.
    let wanted = format!("D:P(A;;FA;;;{})(A;;FA;;;SY)", this_user()?);
    let rules = Rules::parse(&wanted)?;
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the handle is open, and the list lives in `rules`, which outlives the call.
    without_error(unsafe {
        SetSecurityInfo(
            handle(file),
            SE_FILE_OBJECT,
            what,
            ptr::null_mut(),
            ptr::null_mut(),
            rules.list()?,
            ptr::null(),
        )
    })
}

/// Memory that a call made and wants back.
struct Local(*mut c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the memory came from a call that says to free it so, and is not used any more.
        unsafe { LocalFree(self.0) };
    }
}

struct Rules(Local);

impl Rules {
    fn parse(text: &str) -> io::Result<Self> {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut made = ptr::null_mut();
        // SAFETY: the text ends with zero, and `made` outlives the call.
        succeeded(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut made,
                ptr::null_mut(),
            )
        })?;
        Ok(Self(Local(made)))
    }

    fn list(&self) -> io::Result<*const ACL> {
        let (mut present, mut defaulted) = (0, 0);
        let mut list = ptr::null_mut();
        // SAFETY: the descriptor was made by `parse` and is not freed before `self`.
        succeeded(unsafe {
            GetSecurityDescriptorDacl(
                self.0.0,
                &raw mut present,
                &raw mut list,
                &raw mut defaulted,
            )
        })?;
        if present == 0 || list.is_null() {
            // No list would mean everybody.
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(list)
    }
}

/// The number of the user whose process this is, as text.
fn this_user() -> io::Result<String> {
    let token = this_token()?;
    // Aligned for the structure at its start.
    let mut bytes = [0_u64; TOKEN_USER_BYTES / 8];
    let mut length = 0;
    // SAFETY: the buffer is as long as is said.
    succeeded(unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            bytes.as_mut_ptr().cast(),
            u32::try_from(size_of_val(&bytes)).unwrap_or(0),
            &raw mut length,
        )
    })?;
    // SAFETY: the call succeeded, so the buffer begins with this structure; it is aligned.
    let user = unsafe { bytes.as_ptr().cast::<TOKEN_USER>().read() };
    sid_text(user.User.Sid)
}

fn this_token() -> io::Result<OwnedHandle> {
    let mut token = ptr::null_mut();
    // SAFETY: the process is this one, and `token` outlives the call.
    succeeded(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: the call succeeded, so the handle is open and ours.
    Ok(unsafe { owned(token) })
}

fn sid_text(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: the number lies in the caller's buffer.
    succeeded(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
    let _freed = Local(text.cast());
    let mut length = 0;
    // SAFETY: the text ends with zero, and nothing behind that is read.
    while length < SID_TEXT_MAX && unsafe { text.add(length).read() } != 0 {
        length += 1;
    }
    // SAFETY: so many characters were just read.
    let characters = unsafe { slice::from_raw_parts(text, length) };
    String::from_utf16(characters).map_err(io::Error::other)
}
