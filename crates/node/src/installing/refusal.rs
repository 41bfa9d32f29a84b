//! What it means for people that an archive was refused.

use lanspread_proto::{manifest::ArchiveSet, text::is_hidden};
use lanspread_unpack::{ErrorCode, UnpackError};

use crate::error::OperationError;

/// What it means for people that an archive cannot be unpacked that arrived as it was published.
pub(super) fn published_error(set: &ArchiveSet, error: &UnpackError) -> OperationError {
    let mut found = archive_error(set, error);
    if let OperationError::Archive { reason, .. } = &mut found
        && is_damage(error.code)
    {
        *reason = format!("the published archive is damaged: {}", said(error));
    }
    found
}

/// What an archive error means for people.
pub(crate) fn archive_error(set: &ArchiveSet, error: &UnpackError) -> OperationError {
    if error.code == ErrorCode::Cancelled {
        return OperationError::Cancelled;
    }
    OperationError::Archive {
        archive: set
            .volumes
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        entry: error.entry.as_deref().map(visible),
        code: error.code.as_str(),
        reason: archive_reason(error),
    }
}

/// A name out of an archive, for terminals and logs: what cannot be seen is spelled out.
fn visible(name: &str) -> String {
    let spelled = |c: char| match is_hidden(c) {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    };
    name.chars().map(spelled).collect()
}

fn archive_reason(error: &UnpackError) -> String {
    let encrypted = [ErrorCode::EncryptedHeaders, ErrorCode::PasswordRequired];
    if encrypted.contains(&error.code) {
        "it is encrypted, and a password is needed to read it".to_owned()
    } else if is_damage(error.code) {
        format!("the archive is damaged: {}", said(error))
    } else {
        said(error)
    }
}

fn said(error: &UnpackError) -> String {
    match error.detail.is_empty() {
        true => format!("it cannot be read ({})", error.code),
        false => lanspread_proto::Text::<512>::clean(&error.detail).to_string(),
    }
}

const fn is_damage(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Damaged | ErrorCode::Truncated | ErrorCode::ChecksumMismatch
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_out_of_archives_do_not_steer_terminals() {
        let check = |name: &str, expected: &str| assert_eq!(visible(name), expected);
        check("don't \u{e4}\u{1f3ae}.txt", "don't \u{e4}\u{1f3ae}.txt");
        check("line\nbreak\u{1b}[31m", "line\\u{a}break\\u{1b}[31m");
        check("rtl\u{202e}txt.exe", "rtl\\u{202e}txt.exe");
    }
}
