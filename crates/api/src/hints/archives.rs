//! Codes of archives that cannot be unpacked or published.

use super::Entry;
use crate::error::Kind;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        code: "no-files",
        kind: Kind::User,
        meaning: "The archives of a game hold no file: there is nothing to install.",
        english: &["pack the game again, or publish its folder unpacked"],
        german: &["packe das Spiel neu, oder veröffentliche seinen Ordner ungepackt"],
    },
    Entry {
        code: "unsupported-format",
        kind: Kind::User,
        meaning: "The file is no archive that LanSpread reads, or uses a method that it does \
            not know.",
        english: &["pack it as .zip, .7z, .rar or .tar.zst"],
        german: &["packe es als .zip, .7z, .rar oder .tar.zst"],
    },
    Entry {
        code: "encrypted-headers",
        kind: Kind::User,
        meaning: "The archive's list of entries is encrypted.",
        english: &["pack it again without a password"],
        german: &["packe es noch einmal ohne Passwort"],
    },
    Entry {
        code: "password-required",
        kind: Kind::User,
        meaning: "An entry of the archive is encrypted.",
        english: &["pack it again without a password"],
        german: &["packe es noch einmal ohne Passwort"],
    },
    Entry {
        code: "missing-volume",
        kind: Kind::User,
        meaning: "A part of a multi-volume archive is missing.",
        english: &["put all parts into the game's folder and publish it again"],
        german: &["lege alle Teile in den Ordner des Spiels und veröffentliche es neu"],
    },
    Entry {
        code: "split-zip",
        kind: Kind::User,
        meaning: "A ZIP that its packer split into `.z01`, `.z02` and `.zip`, which nothing here \
            joins.",
        english: &["join it with `zip -s 0 NAME.zip --out whole.zip`, or pack it anew"],
        german: &["füge es mit `zip -s 0 NAME.zip --out ganz.zip` zusammen, oder packe es neu"],
    },
    Entry {
        code: "damaged",
        kind: Kind::Peer,
        meaning: "The archive contradicts itself.",
        english: &["pack or copy it anew: the archive itself is damaged, not the transfer"],
        german: &[
            "packe oder kopiere es neu: das Archiv selbst ist beschädigt, nicht die Übertragung",
        ],
    },
    Entry {
        code: "truncated",
        kind: Kind::Peer,
        meaning: "The archive ends before it should.",
        english: &["pack or copy it anew: the archive itself is cut off, not the transfer"],
        german: &["packe oder kopiere es neu: das Archiv selbst ist abgeschnitten"],
    },
    Entry {
        code: "checksum-mismatch",
        kind: Kind::Peer,
        meaning: "Unpacked bytes do not match the checksum in the archive.",
        english: &["pack or copy it anew: the archive itself is damaged, not the transfer"],
        german: &[
            "packe oder kopiere es neu: das Archiv selbst ist beschädigt, nicht die Übertragung",
        ],
    },
    Entry {
        code: "unsafe-name",
        kind: Kind::User,
        meaning: "The archive holds a name that not every system can hold, or two names that \
            differ only in case.",
        english: &["rename the entry that is named and pack it again"],
        german: &["benenne den genannten Eintrag um und packe noch einmal"],
    },
    Entry {
        code: "limit-dictionary",
        kind: Kind::User,
        meaning: "The archive needs a larger dictionary than allowed.",
        english: &["pack it again with a smaller dictionary"],
        german: &["packe es noch einmal mit kleinerem Wörterbuch"],
    },
    Entry {
        code: "limit-memory",
        kind: Kind::Environment,
        meaning: "Unpacking needs more memory than allowed.",
        english: &["pack it again with a smaller dictionary; close other programs and try again"],
        german: &[
            "packe mit kleinerem Wörterbuch; schließe andere Programme und versuche es noch einmal",
        ],
    },
    Entry {
        code: "limit-entries",
        kind: Kind::User,
        meaning: "The archive has more entries than allowed.",
        english: &["publish the folder unpacked, or as several archives"],
        german: &["veröffentliche den Ordner ungepackt oder als mehrere Archive"],
    },
    Entry {
        code: "limit-name",
        kind: Kind::User,
        meaning: "A name in the archive is longer than allowed.",
        english: &["shorten the name that is named and pack it again"],
        german: &["kürze den genannten Namen und packe noch einmal"],
    },
    Entry {
        code: "limit-size",
        kind: Kind::User,
        meaning: "Unpacked, the archive is larger than allowed.",
        english: &["publish the folder unpacked"],
        german: &["veröffentliche den Ordner ungepackt"],
    },
    Entry {
        code: "limit-ratio",
        kind: Kind::Peer,
        meaning: "What comes out is out of proportion to the archive, as in a bomb.",
        english: &["do not trust this archive; if it is yours, publish the folder unpacked"],
        german: &["trau diesem Archiv nicht; ist es deins, veröffentliche den Ordner ungepackt"],
    },
    Entry {
        code: "limit-time",
        kind: Kind::Environment,
        meaning: "Unpacking took too long.",
        english: &["try again while the machine is less busy"],
        german: &["versuche es noch einmal, wenn der Rechner weniger zu tun hat"],
    },
    Entry {
        code: "io",
        kind: Kind::Environment,
        meaning: "The bytes of the archive could not be read.",
        english: &["check the disk with `lanspread doctor`, then try again"],
        german: &["prüfe die Platte mit `lanspread doctor` und versuche es noch einmal"],
    },
    Entry {
        code: "internal",
        kind: Kind::Internal,
        meaning: "LanSpread broke its own rules, or could not start its helper process.",
        english: &["try again; if it happens again, report it with the log from `lanspread logs`"],
        german: &["versuche es noch einmal; sonst melde es mit dem Protokoll aus `lanspread logs`"],
    },
    Entry {
        code: "archive",
        kind: Kind::Peer,
        meaning: "An archive cannot be unpacked.",
        english: &["`lanspread inspect ARCHIVE` says more"],
        german: &["`lanspread inspect ARCHIV` sagt mehr"],
    },
];
