//! Names and labels.

use std::cmp::Ordering;

use lanspread_proto::{RelPath, VersionLabel, rel_path};

/// Names that are devices on Windows, whatever follows behind a dot.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"];

/// A path out of a manifest or an archive.
pub fn path(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    // Whatever it is, it can be folded.
    let folded = rel_path::fold(text);
    assert_eq!(rel_path::fold(&folded), folded);
    let Ok(path) = RelPath::parse(text) else {
        return;
    };
    assert_eq!(RelPath::parse(path.as_str()).as_ref(), Ok(&path));
    assert_eq!(
        path.components().collect::<Vec<_>>().join("/"),
        path.as_str()
    );
    assert!(path.components().count() <= 24);
    assert!(path.as_str().encode_utf16().count() <= 200);
    for component in path.components() {
        check_component(component);
    }
}

/// The rules of Windows and Unix once more, in other words.
fn check_component(component: &str) {
    let utf16 = component.encode_utf16().count();
    assert!((1..=120).contains(&utf16), "{component:?}");
    assert!(!component.ends_with(['.', ' ']), "{component:?}");
    let evil = |c: char| c < ' ' || c == '\u{7f}' || "<>:\"|?*\\/".contains(c);
    assert!(!component.contains(evil), "{component:?}");
    let hides = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!component.contains(hides), "{component:?}");
    let stem = component.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_lowercase();
    assert!(!DEVICES.contains(&stem.as_str()), "{component:?}");
    let port = ["com", "lpt"]
        .iter()
        .find_map(|port| stem.strip_prefix(port));
    let digit = |rest: &str| {
        let mut chars = rest.chars();
        let first = chars.next();
        let is_digit = |c: char| c.is_ascii_digit() || "¹²³".contains(c);
        first.is_some_and(is_digit) && chars.next().is_none()
    };
    assert!(!port.is_some_and(digit), "{component:?}");
}

/// A version label, out of a file or a message. The first byte cuts the rest in two.
pub fn version_label(bytes: &[u8]) {
    if let Ok(label) = VersionLabel::from_ini(bytes) {
        assert_eq!(VersionLabel::parse(label.as_str()).as_ref(), Ok(&label));
        assert!((1..=64).contains(&label.as_str().chars().count()));
    }
    let Some((cut, rest)) = bytes.split_first() else {
        return;
    };
    let cut = usize::from(*cut).min(rest.len());
    let (a, b) = rest.split_at(cut);
    let parse = |bytes| VersionLabel::parse(str::from_utf8(bytes).ok()?).ok();
    let (Some(a), Some(b)) = (parse(a), parse(b)) else {
        return;
    };
    assert_eq!(a.order(&b), b.order(&a).reverse());
    assert_eq!(a.order(&a), Ordering::Equal);
}
