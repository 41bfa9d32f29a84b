//! Hostile and broken RAR archives, for tests of whoever reads them.

use std::io::{self, Cursor};

use super::stored_rar5::{RawEntry, SIGNATURE, StoredRar5};

/// Windows, as the host of an entry.
const WINDOWS: u64 = 0;

/// What an archive does that it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Evil {
    DotDot,
    DotDotInside,
    Absolute,
    Drive,
    DriveRelative,
    Backslash,
    Unc,
    Reserved,
    ReservedInside,
    ReservedExtension,
    ReservedSpace,
    TrailingDot,
    ReservedSuperscript,
    StreamName,
    Case,
    Duplicate,
    Composed,
    Bidi,
    InvalidUtf8,
    Nul,
    Control,
    Deep,
    LongName,
    FileAsDirectory,
    DirectoryAsFile,
    OwnName,
    HardLinkOutside,
    FileCopyOutside,
    FileCopyForward,
    SizeLie,
    DataChecksum,
    Truncated,
    HeaderChecksum,
}

impl Evil {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::DotDot,
        Self::DotDotInside,
        Self::Absolute,
        Self::Drive,
        Self::DriveRelative,
        Self::Backslash,
        Self::Unc,
        Self::Reserved,
        Self::ReservedInside,
        Self::ReservedExtension,
        Self::ReservedSpace,
        Self::TrailingDot,
        Self::ReservedSuperscript,
        Self::StreamName,
        Self::Case,
        Self::Duplicate,
        Self::Composed,
        Self::Bidi,
        Self::InvalidUtf8,
        Self::Nul,
        Self::Control,
        Self::Deep,
        Self::LongName,
        Self::FileAsDirectory,
        Self::DirectoryAsFile,
        Self::OwnName,
        Self::HardLinkOutside,
        Self::FileCopyOutside,
        Self::FileCopyForward,
        Self::SizeLie,
        Self::DataChecksum,
        Self::Truncated,
        Self::HeaderChecksum,
    ];

    /// An archive of this kind: one honest file `good.txt`, then the evil.
    ///
    /// # Errors
    /// None in practice: everything is in memory.
    pub fn archive(self) -> io::Result<Vec<u8>> {
        let mut entries = vec![text("good.txt")];
        entries.extend(self.entries());
        let mut bytes = stored(&entries)?;
        if self == Self::Truncated {
            bytes.truncate(bytes.len().saturating_sub(12));
        }
        if let (Self::HeaderChecksum, Some(byte)) = (self, bytes.get_mut(SIGNATURE.len())) {
            *byte ^= 1;
        }
        Ok(bytes)
    }

    fn entries(self) -> Vec<RawEntry> {
        match self {
            Self::DotDot => vec![text("../outside.txt")],
            Self::DotDotInside => vec![text("a/../../outside.txt")],
            Self::Absolute => vec![text("/tmp/lanspread-evil.txt")],
            Self::Drive => vec![on_windows("C:/evil.txt")],
            Self::DriveRelative => vec![on_windows("C:evil.txt")],
            Self::Backslash => vec![text("a\\..\\..\\evil.txt")],
            Self::Unc => vec![text("\\\\server\\share\\evil.txt")],
            Self::Reserved => vec![text("CON")],
            Self::ReservedInside => vec![text("dir/nul.txt")],
            Self::ReservedExtension => vec![text("COM1.cfg")],
            Self::ReservedSpace => vec![text("aux ")],
            Self::TrailingDot => vec![text("trail.")],
            Self::ReservedSuperscript => vec![text("COM\u{b9}.ini")],
            Self::StreamName => vec![text("file.txt:stream")],
            Self::Case => vec![text("Data/File.bin"), text("data/file.BIN")],
            Self::Duplicate => vec![text("same.txt"), text("same.txt")],
            Self::Composed => vec![text("caf\u{e9}.txt"), text("cafe\u{301}.txt")],
            Self::Bidi => vec![text("rtl\u{202e}txt.exe")],
            Self::InvalidUtf8 => vec![RawEntry {
                name: b"bad\xff\xfename.txt".into(),
                ..text("")
            }],
            Self::Nul => vec![text("nul\0byte.txt")],
            Self::Control => vec![text("line\nbreak\u{1b}[31m.txt")],
            Self::Deep => vec![text(&format!("{}deep.txt", "d/".repeat(500)))],
            Self::LongName => vec![text(&format!("{}.txt", "x".repeat(300)))],
            Self::FileAsDirectory => vec![text("x"), text("x/y")],
            Self::DirectoryAsFile => vec![text("x/y"), text("x")],
            Self::OwnName => vec![text(".lanspread_owned")],
            Self::HardLinkOutside => vec![RawEntry::redirection("hard", 4, "/etc/passwd")],
            Self::FileCopyOutside => vec![RawEntry::redirection("copy", 5, "../../etc/passwd")],
            Self::FileCopyForward => {
                vec![
                    RawEntry::redirection("copy", 5, "late.txt"),
                    text("late.txt"),
                ]
            }
            Self::SizeLie => vec![RawEntry {
                declared: 1 << 40,
                ..text("small.bin")
            }],
            Self::DataChecksum => vec![RawEntry {
                crc_xor: 1,
                ..text("rotten.txt")
            }],
            Self::Truncated | Self::HeaderChecksum => vec![text("end.txt")],
        }
    }
}

/// An archive of links: a Unix symlink out of the game with a file "below" it, a relative one,
/// and a junction. None of it is refused, no link is created.
///
/// # Errors
/// None in practice: everything is in memory.
pub fn links() -> io::Result<Vec<u8>> {
    let link = |name, kind, target| RawEntry {
        attributes: 0o120_777,
        ..RawEntry::redirection(name, kind, target)
    };
    stored(&[
        link("link", 1, "/etc"),
        text("link/evil.txt"),
        link("up", 1, "../.."),
        RawEntry {
            host: WINDOWS,
            attributes: 0x410,
            ..link("junction", 3, "C:\\Windows")
        },
    ])
}

/// An archive of `count` empty files.
///
/// # Errors
/// None in practice: everything is in memory.
pub fn many(count: usize) -> io::Result<Vec<u8>> {
    let entry = |number| RawEntry::file(format!("n/{number:06}.txt"), 0, 0o644);
    stored(&(0..count).map(entry).collect::<Vec<_>>())
}

const TEXT: &[u8] = b"evil\n";

fn text(name: &str) -> RawEntry {
    RawEntry::file(name, u64::try_from(TEXT.len()).unwrap_or(0), 0o644)
}

fn on_windows(name: &str) -> RawEntry {
    RawEntry {
        host: WINDOWS,
        attributes: 0x20,
        ..text(name)
    }
}

fn stored(entries: &[RawEntry]) -> io::Result<Vec<u8>> {
    let mut archive = StoredRar5::new(None, |_| Ok(Cursor::new(Vec::new())))?;
    for entry in entries {
        // Files of the declared sizes are all `TEXT`; empty and linked ones have no data.
        let data = if entry.declared == 0 { &[][..] } else { TEXT };
        let bytes = u64::try_from(data.len()).unwrap_or(0);
        archive.add_raw(entry, bytes, &mut &*data)?;
    }
    Ok(archive
        .finish()?
        .pop()
        .map(Cursor::into_inner)
        .unwrap_or_default())
}
