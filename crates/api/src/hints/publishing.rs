//! Codes of folders that cannot be published or shared.

use super::Entry;
use crate::error::Kind;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        code: "name",
        kind: Kind::User,
        meaning: "The folder's name cannot be the id of a game.",
        english: &["rename the folder: letters, digits, spaces, no name that Windows reserves"],
        german: &[
            "benenne den Ordner um: Buchstaben, Ziffern, Leerzeichen, kein Name, den Windows \
                reserviert",
        ],
    },
    Entry {
        code: "payload",
        kind: Kind::User,
        meaning: "Something in the folder cannot be published.",
        english: &[
            "rename or remove what is named: names must fit every system, links and devices \
                cannot be sent",
        ],
        german: &[
            "benenne um oder entferne das Genannte: Namen müssen überall passen, Links und \
                Geräte gehen nicht",
        ],
    },
    Entry {
        code: "exists",
        kind: Kind::User,
        meaning: "The games directory has a game of this name already.",
        english: &[
            "if a move of it was interrupted, all of it is there: publish the game's directory in \
                the games directory",
            "else rename the folder, or remove the other game first",
        ],
        german: &[
            "wurde das Verschieben unterbrochen, ist dort alles: veröffentliche das Verzeichnis \
                des Spiels im Spieleordner",
            "sonst benenne den Ordner um, oder entferne zuerst das andere Spiel",
        ],
    },
    Entry {
        code: "still-changing",
        kind: Kind::User,
        meaning: "Something in the folder changed in the last 10 seconds, or while it was \
            published.",
        english: &["wait until nothing is copied into the folder any more, then publish it again"],
        german: &[
            "warte, bis nichts mehr in den Ordner kopiert wird, dann veröffentliche ihn noch \
                einmal",
        ],
    },
    Entry {
        code: "moved",
        kind: Kind::User,
        meaning: "A publish with `--move` was cancelled when the folder lay in the games directory \
            already.",
        english: &[
            "publish the directory that is named to share it after all, or move it back by hand",
            "`lanspread share off GAME` keeps a game that is shared to yourself",
        ],
        german: &[
            "veröffentliche das genannte Verzeichnis, um es doch zu teilen, oder verschiebe es \
                von Hand zurück",
            "`lanspread share off SPIEL` teilt ein Spiel nicht mehr",
        ],
    },
    Entry {
        code: "own-directory",
        kind: Kind::User,
        meaning: "The folder is a directory of LanSpread itself, or holds one.",
        english: &["publish the folder of one game, not one that LanSpread works in"],
        german: &["veröffentliche den Ordner eines Spiels, nicht einen, in dem LanSpread arbeitet"],
    },
    Entry {
        code: "version-ini",
        kind: Kind::User,
        meaning: "The folder's `version.ini` cannot be read as a version.",
        english: &["put one line with the version into it, at most 64 characters, or delete it"],
        german: &[
            "schreibe eine Zeile mit der Version hinein, höchstens 64 Zeichen, oder lösche sie",
        ],
    },
    Entry {
        code: "settings",
        kind: Kind::User,
        meaning: "What is remembered for the game, or its `lanspread.toml`, cannot be read.",
        english: &["correct or delete the file that is named"],
        german: &["berichtige oder lösche die genannte Datei"],
    },
];
