//! Codes of starting games.

use super::Entry;
use crate::error::Kind;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        code: "no-profile",
        kind: Kind::User,
        meaning: "Neither a catalog nor the game itself says how it is started.",
        english: &[
            "write `[games.GAME.play]` with `linux = \"PROGRAM\"` into catalog.toml in the state \
             directory, then `lanspread rescan`; or start the program in its folder by hand",
        ],
        german: &[
            "schreibe `[games.SPIEL.play]` mit `linux = \"PROGRAMM\"` in catalog.toml im \
             Zustandsverzeichnis, dann `lanspread rescan`; oder starte es im Ordner von Hand",
        ],
    },
    Entry {
        code: "no-program",
        kind: Kind::User,
        meaning: "The game has no program for this operating system.",
        english: &["ask whoever published it whether there is a version for this system"],
        german: &["frage, wer es geteilt hat, ob es eine Fassung für dieses System gibt"],
    },
    Entry {
        code: "needs-wine",
        kind: Kind::Config,
        meaning: "The game is a program for Windows, and neither Wine nor Proton is set.",
        english: &["install Wine, then `lanspread settings wine /usr/bin/wine`"],
        german: &["installiere Wine, dann `lanspread settings wine /usr/bin/wine`"],
    },
    Entry {
        code: "no-server",
        kind: Kind::User,
        meaning: "Nobody says how a server of the game is started on this system.",
        english: &["many games start a server from their own menu"],
        german: &["viele Spiele starten einen Server aus dem eigenen Menü"],
    },
    Entry {
        code: "no-join",
        kind: Kind::User,
        meaning: "Nobody says how the game is told whom to join.",
        english: &["start it and join in its own menu; `lanspread games GAME` shows who hosts"],
        german: &["starte es und tritt im Menü bei; `lanspread games SPIEL` zeigt, wer hostet"],
    },
    Entry {
        code: "no-host",
        kind: Kind::Peer,
        meaning: "There is no link to the peer whose game is to be joined.",
        english: &["`lanspread peers` shows who is here; an IP address can be joined too"],
        german: &["`lanspread peers` zeigt, wer da ist; auch eine IP-Adresse ist möglich"],
    },
    Entry {
        code: "other-profile",
        kind: Kind::User,
        meaning: "How the game is started changed since it was shown.",
        english: &["look at the command again, then start the game"],
        german: &["sieh dir den Befehl noch einmal an, dann starte das Spiel"],
    },
    Entry {
        code: "consent-needed",
        kind: Kind::User,
        meaning: "The command is from whoever published the game, and nobody here agreed to it \
            yet.",
        english: &[
            "`lanspread play GAME` on a terminal shows the command and asks; `--yes` agrees to it",
        ],
        german: &[
            "`lanspread play SPIEL` im Terminal zeigt den Befehl und fragt; `--yes` stimmt zu",
        ],
    },
    Entry {
        code: "game-running",
        kind: Kind::User,
        meaning: "The game, or its server, is running already.",
        english: &["close it first"],
        german: &["schließe es zuerst"],
    },
    Entry {
        code: "program-missing",
        kind: Kind::User,
        meaning: "The program or its directory is not where the game's profile says.",
        english: &[
            "`lanspread verify GAME --force` puts back what is missing",
            "another packing of the game needs another path: write it into catalog.toml",
        ],
        german: &[
            "`lanspread verify SPIEL --force` stellt wieder her, was fehlt",
            "ein anders gepacktes Spiel braucht einen anderen Pfad: schreibe ihn in catalog.toml",
        ],
    },
    Entry {
        code: "program-start",
        kind: Kind::Environment,
        meaning: "The operating system did not start the program.",
        english: &["start it in the game's folder by hand to see what it needs"],
        german: &["starte es im Ordner des Spiels von Hand, um zu sehen, was es braucht"],
    },
    Entry {
        code: "program-ended",
        kind: Kind::Environment,
        meaning: "The program ended without success as soon as it was started.",
        english: &["start it in the game's folder by hand to see what it needs"],
        german: &["starte es im Ordner des Spiels von Hand, um zu sehen, was es braucht"],
    },
    Entry {
        code: "setup-failed",
        kind: Kind::Environment,
        meaning: "The set-up of the game ended without success. The game stays installed.",
        english: &["start the game again: the set-up is tried again"],
        german: &["starte das Spiel noch einmal: Die Einrichtung wird dann wiederholt"],
    },
    Entry {
        code: "setup-refused",
        kind: Kind::Environment,
        meaning: "The set-up of the game needs an administrator, and none agreed. The game stays \
            installed.",
        english: &["start the game again and agree, or ask whoever administers this machine"],
        german: &["starte das Spiel noch einmal und stimme zu, oder frage den Administrator"],
    },
    Entry {
        code: "start-elsewhere",
        kind: Kind::User,
        meaning: "Programs are started from the machine itself only, never over the network.",
        english: &[
            "start the game at that machine; its node must listen on loopback, without `--http`",
        ],
        german: &["starte das Spiel an dem Rechner selbst; sein Knoten muss ohne `--http` laufen"],
    },
    Entry {
        code: "catalog",
        kind: Kind::Config,
        meaning: "catalog.toml in the state directory cannot be used.",
        english: &["correct the file, then `lanspread rescan`"],
        german: &["berichtige die Datei, dann `lanspread rescan`"],
    },
];
