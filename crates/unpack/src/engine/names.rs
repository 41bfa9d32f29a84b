//! Names as archives spell them, made into `/`-separated UTF-8. What they may be is decided by the
//! parent, not here.

use super::EngineError;
use crate::error::ErrorCode;

/// The text of a name.
///
/// # Errors
/// It is not UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, EngineError> {
    std::str::from_utf8(bytes).map_err(|_not_utf8| {
        let shown = String::from_utf8_lossy(bytes).into_owned();
        EngineError::new(ErrorCode::UnsafeName, "the name is not UTF-8").at(shown)
    })
}

/// The name without the `./` in front and the `/` behind that tar and ZIP writers add. `None` for
/// the root itself.
pub(super) fn trimmed(name: &str) -> Option<&str> {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    let name = name.strip_suffix('/').unwrap_or(name);
    (!name.is_empty() && name != ".").then_some(name)
}
