//! Codes of peers, and of problems that a node shows.

use super::Entry;
use crate::error::Kind;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        code: "address-refused",
        kind: Kind::Config,
        meaning: "The address is neither in a network of this machine nor listed.",
        english: &["connect to an address of the local network"],
        german: &["verbinde mit einer Adresse im lokalen Netz"],
    },
    Entry {
        code: "own-address",
        kind: Kind::User,
        meaning: "The address is one of this peer's own.",
        english: &["name the other PC's address: `lanspread status` on it shows where it listens"],
        german: &["nenne die Adresse des anderen PCs: dort zeigt sie `lanspread status`"],
    },
    Entry {
        code: "blocked",
        kind: Kind::User,
        meaning: "The peer at the address was blocked on this side.",
        english: &["`lanspread kick PEER --undo` lets it in again"],
        german: &["`lanspread kick PEER --undo` lässt ihn wieder herein"],
    },
    Entry {
        code: "no-interface",
        kind: Kind::Config,
        meaning: "No network interface of this machine has the name that `--interface` gives.",
        english: &["name one that the message lists, or leave out `--interface`"],
        german: &["nenne eine, die die Meldung aufzählt, oder lass `--interface` weg"],
    },
    Entry {
        code: "unreachable",
        kind: Kind::Environment,
        meaning: "Nothing answers at the address, or it refuses.",
        english: &[
            "check that LanSpread runs there and that the port is right; a firewall may be in \
                the way",
        ],
        german: &[
            "prüfe, ob LanSpread dort läuft und der Port stimmt; vielleicht ist eine Firewall \
                im Weg",
        ],
    },
    Entry {
        code: "no-answer",
        kind: Kind::Environment,
        meaning: "No link came up in time.",
        english: &[
            "a firewall may drop the packets: allow LanSpread there, or connect from that side",
            "the Wi-Fi may isolate its clients: use a cable or another network",
        ],
        german: &[
            "vielleicht verwirft eine Firewall die Pakete: erlaube LanSpread dort, oder \
                verbinde von dort aus",
            "vielleicht trennt das WLAN seine Teilnehmer: nimm ein Kabel oder ein anderes Netz",
        ],
    },
    Entry {
        code: "wrong-key",
        kind: Kind::Peer,
        meaning: "Another peer answers at the address than the one that was expected.",
        english: &["compare the words of the key with that person: `lanspread peers --words`"],
        german: &["vergleiche die Wörter des Schlüssels mit der Person: `lanspread peers --words`"],
    },
    Entry {
        code: "refused-by-peer",
        kind: Kind::Peer,
        meaning: "The peer ended the link: it is full, blocks this one, or has another version.",
        english: &["ask that person; both should have the same version of LanSpread"],
        german: &["frage die Person; beide sollten dieselbe Version von LanSpread haben"],
    },
    Entry {
        code: "not-lanspread",
        kind: Kind::Peer,
        meaning: "Something answers there that is no peer of this version.",
        english: &["check address and port; the earlier LanSpread speaks another protocol"],
        german: &["prüfe Adresse und Port; das frühere LanSpread spricht ein anderes Protokoll"],
    },
    Entry {
        code: "closed",
        kind: Kind::Environment,
        meaning: "The link was closed on this side.",
        english: &["try again"],
        german: &["versuche es noch einmal"],
    },
    Entry {
        code: "component-failed",
        kind: Kind::Internal,
        meaning: "A part of the node failed and is being started again.",
        english: &["nothing to do if it runs again; else `lanspread logs` says why"],
        german: &["läuft er wieder, ist nichts zu tun; sonst sagt `lanspread logs`, warum"],
    },
    Entry {
        code: "discovery",
        kind: Kind::Environment,
        meaning: "Looking for peers by multicast does not work on an interface.",
        english: &["peers on it are found by address: `lanspread connect HOST`"],
        german: &["Peers dort erreicht man über die Adresse: `lanspread connect HOST`"],
    },
    Entry {
        code: "peer-key-cloned",
        kind: Kind::Peer,
        meaning: "Two programs use one key, as after copying a whole machine.",
        english: &["nothing to do: one of them gets a new key by itself"],
        german: &["nichts zu tun: einer bekommt von selbst einen neuen Schlüssel"],
    },
    Entry {
        code: "queue-unreadable",
        kind: Kind::Environment,
        meaning: "The saved list of downloads cannot be read. It was put aside, not deleted.",
        english: &["ask for the games again with `lanspread get GAME`; what was fetched is kept"],
        german: &["fordere die Spiele neu an: `lanspread get SPIEL`; was schon da ist, bleibt"],
    },
    Entry {
        code: "not-a-game",
        kind: Kind::User,
        meaning: "The name of a folder in the games directory cannot be the id of a game.",
        english: &["rename the folder"],
        german: &["benenne den Ordner um"],
    },
    Entry {
        code: "migrated",
        kind: Kind::Environment,
        meaning: "The original LanSpread left files in a folder; this was done with them.",
        english: &[
            "nothing to do; a game that it did not finish is fetched with `lanspread get GAME`",
        ],
        german: &[
            "nichts zu tun; ein Spiel, das sie nicht fertig geladen hat, holt `lanspread get SPIEL`",
        ],
    },
    Entry {
        code: "not-migrated",
        kind: Kind::User,
        meaning: "A folder has a name that LanSpread uses, but nothing in it says whose it is.",
        english: &["look into it; move out what you want to keep, and delete the rest"],
        german: &["sieh hinein; nimm heraus, was bleiben soll, und lösche den Rest"],
    },
    Entry {
        code: "disk-fault",
        kind: Kind::Environment,
        meaning: "Bytes of a game on this disk are no longer what they were.",
        english: &[
            "check the disk; then `lanspread remove GAME` and `lanspread get GAME` fetch it anew",
        ],
        german: &[
            "prüfe die Platte; dann holen `lanspread remove SPIEL` und `lanspread get SPIEL` es neu",
        ],
    },
];
