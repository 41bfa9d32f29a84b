//! Codes of operations on games and peers, and of a node that does not start.

use super::Entry;
use crate::error::Kind;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        code: "unknown-game",
        kind: Kind::User,
        meaning: "Neither this node nor a peer that it sees has the game.",
        english: &["`lanspread games` lists what is there; a peer that has it may be offline"],
        german: &["`lanspread games` zeigt, was da ist; wer das Spiel hat, ist vielleicht offline"],
    },
    Entry {
        code: "nothing-to-mend-from",
        kind: Kind::User,
        meaning: "Files of the installed game are damaged, and the payload that they came from is \
            not on this machine.",
        english: &[
            "download the game again with `lanspread get GAME --no-install`, then verify it again",
        ],
        german: &[
            "lade das Spiel mit `lanspread get SPIEL --no-install` noch einmal, dann prüfe es neu",
        ],
    },
    Entry {
        code: "changing",
        kind: Kind::User,
        meaning: "A file changed while it was read, so nothing can be said of it.",
        english: &["close whatever writes to the game's folder, then verify it again"],
        german: &["schließe, was in den Ordner des Spiels schreibt, dann prüfe es neu"],
    },
    Entry {
        code: "no-peer-has-it",
        kind: Kind::Peer,
        meaning: "No peer that is here has what was asked for.",
        english: &[
            "`lanspread peers` shows who is here; ask whoever has the game to start LanSpread",
            "`lanspread connect HOST` reaches a peer that was not found by itself",
        ],
        german: &[
            "`lanspread peers` zeigt, wer da ist; bitte wer das Spiel hat, LanSpread zu starten",
            "`lanspread connect HOST` erreicht einen Peer, der nicht von selbst gefunden wurde",
        ],
    },
    Entry {
        code: "choose-content",
        kind: Kind::User,
        meaning: "Different bytes are offered under the newest version, and none is the clear \
            choice.",
        english: &[
            "choose one: `lanspread get GAME --content ID`; what most peers have is likely right",
        ],
        german: &[
            "wähle: `lanspread get SPIEL --content ID`; was die meisten haben, ist wohl richtig",
        ],
    },
    Entry {
        code: "busy",
        kind: Kind::User,
        meaning: "Another operation is running on the game.",
        english: &["wait until it ends, or stop it with `lanspread cancel GAME`"],
        german: &["warte, bis sie endet, oder brich sie mit `lanspread cancel SPIEL` ab"],
    },
    Entry {
        code: "nothing-runs",
        kind: Kind::User,
        meaning: "There is nothing to cancel, pause or resume.",
        english: &["`lanspread status` shows what is running"],
        german: &["`lanspread status` zeigt, was gerade läuft"],
    },
    Entry {
        code: "not-downloaded",
        kind: Kind::User,
        meaning: "The payload of the game is not on this machine.",
        english: &["download it first: `lanspread get GAME`"],
        german: &["lade es zuerst herunter: `lanspread get SPIEL`"],
    },
    Entry {
        code: "checking",
        kind: Kind::Environment,
        meaning: "The game is on this machine and is still being looked at or hashed.",
        english: &["try again in a moment; `lanspread status` shows how far it is"],
        german: &["versuche es gleich noch einmal; `lanspread status` zeigt, wie weit es ist"],
    },
    Entry {
        code: "not-installed",
        kind: Kind::User,
        meaning: "The game is not installed.",
        english: &["install it first: `lanspread install GAME`"],
        german: &["installiere es zuerst: `lanspread install SPIEL`"],
    },
    Entry {
        code: "still-installed",
        kind: Kind::User,
        meaning: "The payload cannot go while the game is installed, unless that is wanted.",
        english: &[
            "`lanspread remove GAME --keep-installed` keeps the game playable, but no longer \
                shares it",
            "or uninstall it first: `lanspread uninstall GAME`",
        ],
        german: &[
            "`lanspread remove SPIEL --keep-installed`: bleibt spielbar, wird aber nicht mehr \
                geteilt",
            "oder deinstalliere es zuerst: `lanspread uninstall SPIEL`",
        ],
    },
    Entry {
        code: "payload-here",
        kind: Kind::User,
        meaning: "A low-disk install keeps no payload, and one of another version lies here.",
        english: &[
            "`lanspread update GAME` takes the new version in its place",
            "or let it go first: `lanspread remove GAME --keep-installed`",
        ],
        german: &[
            "`lanspread update SPIEL` setzt die neue Version an seine Stelle",
            "oder gib ihn zuerst auf: `lanspread remove SPIEL --keep-installed`",
        ],
    },
    Entry {
        code: "up-to-date",
        kind: Kind::User,
        meaning: "Nobody who is here has a newer version.",
        english: &["nothing to do; an older version is taken only with `get --content ID`"],
        german: &["nichts zu tun; eine ältere Version kommt nur mit `get --content ID`"],
    },
    Entry {
        code: "file-too-large",
        kind: Kind::Environment,
        meaning: "The volume takes no file as large as one of the game: FAT32 ends below 4 GiB.",
        english: &["use a disk with NTFS, exFAT or ext4: `lanspread settings games_dir DIR`"],
        german: &[
            "nimm eine Platte mit NTFS, exFAT oder ext4: `lanspread settings games_dir VERZEICHNIS`",
        ],
    },
    Entry {
        code: "disk-full",
        kind: Kind::Environment,
        meaning: "The volume has too little room for the whole job: what is missing of the \
                payload, what is unpacked of it, and what operations that run will still write. \
                That stays there when they are done, so nothing waits for it.",
        english: &[
            "free some space; `lanspread remove GAME --keep-installed` drops the payload of an \
                installed game",
            "or use a larger disk: `lanspread settings games_dir DIR`",
        ],
        german: &[
            "schaffe Platz; `lanspread remove SPIEL --keep-installed` gibt die Archive eines \
                installierten Spiels frei",
            "oder nimm eine größere Platte: `lanspread settings games_dir VERZEICHNIS`",
        ],
    },
    Entry {
        code: "games-dir-in-use",
        kind: Kind::Config,
        meaning: "Another node works in the games directory. Two would undo each other's work.",
        english: &[
            "use the one that runs, or stop it",
            "or give this one a directory of its own: `--games DIR`, \
                `lanspread settings games_dir DIR`",
        ],
        german: &[
            "benutze den, der läuft, oder beende ihn",
            "oder gib diesem ein eigenes Verzeichnis: `--games VERZEICHNIS`, \
                `lanspread settings games_dir VERZEICHNIS`",
        ],
    },
    Entry {
        code: "not-apart",
        kind: Kind::Config,
        meaning: "The games directory would be the state directory, hold it, or lie in it. What \
                lies in the games directory is shared, and the state is nobody else's.",
        english: &["name another directory: `lanspread settings games_dir DIR`"],
        german: &["nenne ein anderes Verzeichnis: `lanspread settings games_dir VERZEICHNIS`"],
    },
    Entry {
        code: "games-dir-unavailable",
        kind: Kind::Environment,
        meaning: "The games directory is missing, cannot be read, or is empty where another one \
                held games. Nothing is forgotten.",
        english: &["plug the disk in, or name the directory: `lanspread settings games_dir DIR`"],
        german: &[
            "stecke die Platte an oder nenne das Verzeichnis: `lanspread settings games_dir \
                VERZEICHNIS`",
        ],
    },
    Entry {
        code: "disk",
        kind: Kind::Environment,
        meaning: "The operating system refused to read or write a file.",
        english: &[
            "check that the path is there, is writable, and that the disk works: `lanspread \
                doctor`",
        ],
        german: &[
            "prüfe, ob der Pfad da und beschreibbar ist und die Platte arbeitet: `lanspread \
                doctor`",
        ],
    },
    Entry {
        code: "volume-full",
        kind: Kind::Environment,
        meaning: "The volume of a file that has to be written is full: the games', or that of the \
                state directory.",
        english: &["free some space on the volume that holds the path which is named"],
        german: &["schaffe Platz auf dem Laufwerk, auf dem der genannte Pfad liegt"],
    },
    Entry {
        code: "close-the-game",
        kind: Kind::User,
        meaning: "Files of the game are in use.",
        english: &["close the game and everything that has its files open"],
        german: &["schließe das Spiel und alles, was seine Dateien offen hat"],
    },
    Entry {
        code: "unreadable-record",
        kind: Kind::Environment,
        meaning: "A record of LanSpread cannot be read. Nothing was touched.",
        english: &[
            "look at the file that is named; moving it away makes LanSpread start over with \
                this game",
        ],
        german: &[
            "sieh dir die genannte Datei an; ohne sie fängt LanSpread mit diesem Spiel neu an",
        ],
    },
    Entry {
        code: "publish",
        kind: Kind::User,
        meaning: "The folder cannot be published.",
        english: &[
            "change what is named and try again; `lanspread inspect ARCHIVE` looks into an archive",
        ],
        german: &[
            "ändere das Genannte und versuche es noch einmal; `lanspread inspect ARCHIV` sieht \
                hinein",
        ],
    },
    Entry {
        code: "bad-manifest",
        kind: Kind::Peer,
        meaning: "What peers sent as the list of a game's files is not valid.",
        english: &["get it from somebody else; whoever published it should publish it again"],
        german: &[
            "hole es von jemand anderem; wer es veröffentlicht hat, sollte es noch einmal tun",
        ],
    },
    Entry {
        code: "connect",
        kind: Kind::Environment,
        meaning: "No link to the address could be made.",
        english: &[
            "check that LanSpread runs there, that address and port are right, and that both \
                are in one network",
            "a firewall may drop the packets: allow LanSpread there, or connect from that side",
        ],
        german: &[
            "prüfe, ob LanSpread dort läuft, Adresse und Port stimmen und beide im selben Netz \
                sind",
            "vielleicht verwirft eine Firewall die Pakete: erlaube LanSpread dort, oder \
                verbinde von dort aus",
        ],
    },
    Entry {
        code: "unknown-peer",
        kind: Kind::User,
        meaning: "No such peer is known.",
        english: &["`lanspread peers` lists names, words and keys"],
        german: &["`lanspread peers` zeigt Namen, Wörter und Schlüssel"],
    },
    Entry {
        code: "not-listening",
        kind: Kind::Environment,
        meaning: "The node does not listen yet, so that it cannot dial either.",
        english: &["try again in a moment; `lanspread doctor` shows what is in the way"],
        german: &["versuche es gleich noch einmal; `lanspread doctor` zeigt, was im Weg ist"],
    },
    Entry {
        code: "cancelled",
        kind: Kind::User,
        meaning: "The operation was cancelled. Not a failure.",
        english: &["start it again when you like: verified chunks are kept"],
        german: &["starte es wieder, wann du magst: geprüfte Stücke bleiben erhalten"],
    },
    Entry {
        code: "defect",
        kind: Kind::Environment,
        meaning: "A defect in LanSpread ended the operation; the game is as a kill would leave it.",
        english: &[
            "try it again: nothing that was there is lost",
            "and tell the people of LanSpread what `lanspread logs` says",
        ],
        german: &[
            "versuche es noch einmal: nichts, was da war, ist verloren",
            "und melde den Leuten von LanSpread, was `lanspread logs` sagt",
        ],
    },
    Entry {
        code: "stopping",
        kind: Kind::Environment,
        meaning: "The node is stopping.",
        english: &["start it again with `lanspread`; downloads go on where they were"],
        german: &["starte ihn wieder mit `lanspread`; Downloads gehen weiter, wo sie waren"],
    },
    Entry {
        code: "already-running",
        kind: Kind::Config,
        meaning: "Another node already owns the state directory.",
        english: &[
            "use the one that runs: `lanspread status`",
            "or give a second node its own directories: `--state DIR --games DIR`",
        ],
        german: &[
            "benutze den, der läuft: `lanspread status`",
            "oder gib einem zweiten eigene Verzeichnisse: `--state DIR --games DIR`",
        ],
    },
    Entry {
        code: "identity",
        kind: Kind::Config,
        meaning: "The key file is there and cannot be used. It is never replaced silently.",
        english: &[
            "restore the file from a copy; or move it away, and this machine is a new peer to \
                others",
        ],
        german: &[
            "stelle die Datei wieder her; oder nimm sie weg, dann ist dieser Rechner ein neuer \
                Peer",
        ],
    },
    Entry {
        code: "listen",
        kind: Kind::Environment,
        meaning: "The address or port cannot be used for listening.",
        english: &[
            "another program may use it: choose another port or address with `--listen IP:PORT`",
        ],
        german: &[
            "vielleicht belegt ihn ein anderes Programm: wähle mit `--listen IP:PORT` einen \
                anderen",
        ],
    },
    Entry {
        code: "unfinished",
        kind: Kind::Environment,
        meaning: "An earlier operation on the game was interrupted and must be finished first.",
        english: &["start the node again: it finishes what was interrupted"],
        german: &["starte den Knoten neu: er beendet, was unterbrochen wurde"],
    },
    Entry {
        code: "transaction",
        kind: Kind::Environment,
        meaning: "A change of the game's directories did not happen. What was there is still \
            there.",
        english: &["check the disk with `lanspread doctor`, then try again"],
        german: &["prüfe die Platte mit `lanspread doctor` und versuche es noch einmal"],
    },
    Entry {
        code: "index",
        kind: Kind::Environment,
        meaning: "The index, which can be made anew, cannot be used.",
        english: &["move `index.redb` in the state directory away: it is made anew from the games"],
        german: &["nimm `index.redb` aus dem Zustandsverzeichnis: er entsteht neu aus den Spielen"],
    },
    Entry {
        code: "threads",
        kind: Kind::Environment,
        meaning: "The system gives no threads.",
        english: &["close other programs, or raise the limit of processes for this user"],
        german: &[
            "schließe andere Programme oder erhöhe die Grenze der Prozesse für diesen Benutzer",
        ],
    },
];
