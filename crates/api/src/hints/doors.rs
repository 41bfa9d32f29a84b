//! Codes of the doors: the command line, its files, and HTTP.

use super::Entry;
use crate::error::Kind;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        code: "no-node",
        kind: Kind::Config,
        meaning: "No node is running with this state directory.",
        english: &[
            "start one with `lanspread` in another terminal",
            "if it runs with another state directory, name that with `--state DIR`",
        ],
        german: &[
            "starte einen mit `lanspread` in einem anderen Terminal",
            "läuft er mit anderem Zustandsverzeichnis, nenne es mit `--state DIR`",
        ],
    },
    Entry {
        code: "node-silent",
        kind: Kind::Environment,
        meaning: "A node runs, or its port is taken, but no answer comes in time.",
        english: &[
            "try again in a moment: the machine or its disk may be very busy",
            "else end it and start it anew: `lanspread`",
        ],
        german: &[
            "versuche es gleich noch einmal: vielleicht ist der Rechner oder seine Platte sehr \
                beschäftigt",
            "sonst beende ihn und starte ihn neu: `lanspread`",
        ],
    },
    Entry {
        code: "bad-reply",
        kind: Kind::Internal,
        meaning: "What answers at the node's control address is no LanSpread of this version.",
        english: &["stop the node and start it again, so that both are of the same version"],
        german: &["beende den Knoten und starte ihn neu, damit beide dieselbe Version haben"],
    },
    Entry {
        code: "bad-request",
        kind: Kind::User,
        meaning: "The command is no valid JSON, is unknown, or has a wrong part.",
        english: &["`docs/CLI.md` lists the commands and their fields"],
        german: &["`docs/CLI.md` führt die Befehle und ihre Felder auf"],
    },
    Entry {
        code: "bad-value",
        kind: Kind::User,
        meaning: "A value is not of the form that is expected.",
        english: &["`lanspread help COMMAND` shows what is expected"],
        german: &["`lanspread help BEFEHL` zeigt, was erwartet wird"],
    },
    Entry {
        code: "wrong-host",
        kind: Kind::Environment,
        meaning: "The request names a host that is not this server's.",
        english: &["use the address as it was printed, with `localhost` or the IP address"],
        german: &[
            "benutze die Adresse, wie sie ausgegeben wurde, mit `localhost` oder der IP-Adresse",
        ],
    },
    Entry {
        code: "foreign-origin",
        kind: Kind::Environment,
        meaning: "The request comes from a page of another origin.",
        english: &["open the address directly; other pages may not use it"],
        german: &["öffne die Adresse direkt; fremde Seiten dürfen sie nicht benutzen"],
    },
    Entry {
        code: "no-token",
        kind: Kind::User,
        meaning: "The request has no token, or a wrong one.",
        english: &[
            "send `Authorization: Bearer TOKEN` with the token of `api.json` in the state \
                directory",
        ],
        german: &[
            "sende `Authorization: Bearer TOKEN` mit dem Token aus `api.json` im \
                Zustandsverzeichnis",
        ],
    },
    Entry {
        code: "not-json",
        kind: Kind::User,
        meaning: "The request is not declared as JSON.",
        english: &["send `Content-Type: application/json`"],
        german: &["sende `Content-Type: application/json`"],
    },
    Entry {
        code: "too-large",
        kind: Kind::User,
        meaning: "The request is larger than any command can be.",
        english: &["a command has at most 256 KiB"],
        german: &["ein Befehl hat höchstens 256 KiB"],
    },
    Entry {
        code: "no-such-page",
        kind: Kind::User,
        meaning: "Nothing is served under this path or method.",
        english: &["`POST /api/rpc`, `GET /api/snapshot` and `GET /api/events` are served"],
        german: &["es gibt `POST /api/rpc`, `GET /api/snapshot` und `GET /api/events`"],
    },
    Entry {
        code: "http-listen",
        kind: Kind::Config,
        meaning: "The address of the control server, or of a hand-out, cannot be used.",
        english: &[
            "another program may use it: choose another with `--http ADDR` (`--listen ADDR` of a \
                hand-out), or leave it out for a free port",
        ],
        german: &[
            "vielleicht belegt sie ein anderes Programm: wähle eine andere mit `--http ADDR` \
                (`--listen ADDR` beim Verteilen) oder keine",
        ],
    },
    Entry {
        code: "bad-config",
        kind: Kind::Config,
        meaning: "A setting in a flag, the environment or `config.toml` is wrong.",
        english: &["correct what is named; `lanspread settings` lists names and forms"],
        german: &["berichtige das Genannte; `lanspread settings` zeigt Namen und Formen"],
    },
    Entry {
        code: "state-dir",
        kind: Kind::Config,
        meaning: "The state directory, or a file in it, cannot be read or written.",
        english: &["check its permissions, or name another one with `--state DIR`"],
        german: &["prüfe die Rechte oder nenne ein anderes mit `--state DIR`"],
    },
    Entry {
        code: "no-address",
        kind: Kind::User,
        meaning: "The name has no address.",
        english: &["check the spelling, or use the IP address"],
        german: &["prüfe die Schreibweise oder nimm die IP-Adresse"],
    },
    Entry {
        code: "ambiguous-peer",
        kind: Kind::User,
        meaning: "Several peers fit.",
        english: &["use more of the key or of the words; `lanspread peers` shows both"],
        german: &["nimm mehr vom Schlüssel oder von den Wörtern; `lanspread peers` zeigt beide"],
    },
    Entry {
        code: "not-confirmed",
        kind: Kind::User,
        meaning: "A question was not answered with yes.",
        english: &["nothing was changed; `--yes` answers beforehand"],
        german: &["nichts wurde geändert; `--yes` antwortet im Voraus"],
    },
    Entry {
        code: "unhealthy",
        kind: Kind::Environment,
        meaning: "A check of `lanspread doctor` failed.",
        english: &["the lines marked FAIL say what to do"],
        german: &["die Zeilen mit FAIL sagen, was zu tun ist"],
    },
    Entry {
        code: "some-failed",
        kind: Kind::User,
        meaning: "Some of several games could not be started.",
        english: &["the lines above name them and say why"],
        german: &["die Zeilen darüber nennen sie und sagen, warum"],
    },
    Entry {
        code: "detached",
        kind: Kind::User,
        meaning: "Waiting was broken off. The operation goes on.",
        english: &["`lanspread status` shows how it goes, `lanspread cancel GAME` stops it"],
        german: &["`lanspread status` zeigt, wie es steht, `lanspread cancel SPIEL` bricht ab"],
    },
    Entry {
        code: "lost-track",
        kind: Kind::Environment,
        meaning: "The node does not list the operation any more, so that its end is not known.",
        english: &[
            "`lanspread games GAME` shows what came of it; another command may have followed",
        ],
        german: &[
            "`lanspread games SPIEL` zeigt, was daraus wurde; vielleicht kam ein anderer Befehl",
        ],
    },
    Entry {
        code: "demo-failed",
        kind: Kind::Internal,
        meaning: "The party of the demo did not do what it should.",
        english: &["try again with `-v`, which shows what the peers say; then report it"],
        german: &["versuche es mit `-v`, das zeigt, was die Peers sagen; dann melde es"],
    },
    Entry {
        code: "demo-differs",
        kind: Kind::Internal,
        meaning: "What the demo installed is not what it generated.",
        english: &["check disk and memory of this machine; if they are well, report it"],
        german: &["prüfe Platte und Speicher dieser Maschine; sind sie gut, melde es"],
    },
    Entry {
        code: "demo-stopped",
        kind: Kind::User,
        meaning: "The demo was stopped before its end. Its directory is removed.",
        english: &["start it again: `lanspread demo --headless`"],
        german: &["starte sie neu: `lanspread demo --headless`"],
    },
];
