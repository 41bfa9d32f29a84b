//! What Windows has instead of the layers of Linux: the parent's job object, and giving up rights.
//! Files of this user stay readable, and the network open; the isolation says so.

#![expect(unsafe_code, reason = "these calls have no safe form")]

use std::{io, ptr};

use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_LIMIT_ACTIVE_PROCESS, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOB_OBJECT_LIMIT_PROCESS_MEMORY, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectExtendedLimitInformation, QueryInformationJobObject,
};

/// It ends with its parent.
pub(super) fn is_tied() -> io::Result<bool> {
    Ok(limits()? & JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE != 0)
}

/// Memory is limited, and no process can be started.
pub(super) fn is_limited() -> io::Result<bool> {
    let wanted = JOB_OBJECT_LIMIT_ACTIVE_PROCESS | JOB_OBJECT_LIMIT_PROCESS_MEMORY;
    Ok(limits()? & wanted == wanted)
}

/// The limits of the job that this process is in.
fn limits() -> io::Result<u32> {
    let mut found = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    let length = u32::try_from(size_of_val(&found)).map_err(io::Error::other)?;
    // SAFETY: no handle means the own job; the structure is of the type and size that are named.
    let answer = unsafe {
        QueryInformationJobObject(
            ptr::null_mut(),
            JobObjectExtendedLimitInformation,
            (&raw mut found).cast(),
            length,
            ptr::null_mut(),
        )
    };
    if answer == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(found.BasicLimitInformation.LimitFlags)
}
