//! Codes of what `doctor` finds, and of the first start and pairing.

use super::Entry;
use crate::error::Kind;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        code: "no-network",
        kind: Kind::Environment,
        meaning: "No network leads to other machines.",
        english: &["plug a cable in or join the Wi-Fi"],
        german: &["stecke ein Kabel ein oder verbinde dich mit dem WLAN"],
    },
    Entry {
        code: "self-assigned",
        kind: Kind::Environment,
        meaning: "No router gave this interface an address.",
        english: &["two machines on one cable work all the same; else check cable and switch"],
        german: &["zwei Rechner an einem Kabel gehen trotzdem; sonst prüfe Kabel und Switch"],
    },
    Entry {
        code: "slow-link",
        kind: Kind::Environment,
        meaning: "This cable runs at 100 Mbit/s or less, a tenth of what is usual.",
        english: &["try another cable, another port of the switch, or another switch"],
        german: &["probiere ein anderes Kabel, einen anderen Anschluss oder einen anderen Switch"],
    },
    Entry {
        code: "wifi",
        kind: Kind::Environment,
        meaning: "This is a Wi-Fi: slower than a cable, and shared by everybody in the room.",
        english: &["use a cable where there is one"],
        german: &["nimm ein Kabel, wo es eines gibt"],
    },
    Entry {
        code: "port-taken",
        kind: Kind::Environment,
        meaning: "Another program uses LanSpread's usual port.",
        english: &[
            "the next free one is used; a firewall rule for the usual port does not help then",
        ],
        german: &[
            "der nächste freie wird benutzt; eine Firewallregel für den üblichen Anschluss hilft \
                dann nicht",
        ],
    },
    Entry {
        code: "port-refused",
        kind: Kind::Environment,
        meaning: "The operating system lets nobody listen on LanSpread's port.",
        english: &["a security program may forbid listening: allow LanSpread there"],
        german: &["vielleicht verbietet es ein Schutzprogramm: erlaube LanSpread dort"],
    },
    Entry {
        code: "firewall",
        kind: Kind::Environment,
        meaning: "What others send does not get through; downloads work meanwhile.",
        english: &["a firewall drops it: allow LanSpread there"],
        german: &["eine Firewall verwirft es: erlaube LanSpread dort"],
    },
    Entry {
        code: "public-network",
        kind: Kind::Environment,
        meaning: "Windows takes this network for a public one and lets nobody in.",
        english: &["the command above makes it private; downloads work without it"],
        german: &["der Befehl oben macht es privat; herunterladen geht auch ohne"],
    },
    Entry {
        code: "no-firewall-rule",
        kind: Kind::Environment,
        meaning: "No rule of the Windows firewall lets others connect to LanSpread.",
        english: &["the command above makes one; downloads work without it"],
        german: &["der Befehl oben legt eine an; herunterladen geht auch ohne"],
    },
    Entry {
        code: "firewall-blocks",
        kind: Kind::Environment,
        meaning: "A rule of the Windows firewall keeps others out of LanSpread.",
        english: &["the command above removes it; Windows asks again at the next start"],
        german: &["der Befehl oben entfernt sie; Windows fragt beim nächsten Start wieder"],
    },
    Entry {
        code: "firewall-unknown",
        kind: Kind::Environment,
        meaning: "Windows does not say what its firewall does.",
        english: &["if others cannot connect, allow LanSpread in the Windows firewall"],
        german: &["erreicht dich niemand, erlaube LanSpread in der Windows-Firewall"],
    },
    Entry {
        code: "reduced-isolation",
        kind: Kind::Environment,
        meaning: "On this system the process that unpacks archives is not locked in completely.",
        english: &["install games of people you trust; Linux locks it in completely"],
        german: &["installiere Spiele von Leuten, denen du traust; Linux sperrt ihn ganz ein"],
    },
    Entry {
        code: "virtual-first",
        kind: Kind::Environment,
        meaning: "Windows prefers a virtual adapter (VPN, virtual machines) to the real network.",
        english: &["LanSpread does not; games may: the command above puts it last"],
        german: &["LanSpread nicht, Spiele vielleicht: der Befehl oben stellt ihn hintenan"],
    },
    Entry {
        code: "nobody-seen",
        kind: Kind::Environment,
        meaning: "No other peer is seen.",
        english: &["nobody is there, or multicast is filtered: try `lanspread connect HOST`"],
        german: &[
            "niemand ist da, oder Multicast wird gefiltert: versuche `lanspread connect HOST`",
        ],
    },
    Entry {
        code: "nobody-reached",
        kind: Kind::Environment,
        meaning: "Peers are seen, and none can be reached.",
        english: &[
            "the Wi-Fi may isolate its clients (guest network): use a cable or another network",
            "firewalls on both sides may drop it: allow LanSpread there",
        ],
        german: &[
            "vielleicht trennt das WLAN seine Teilnehmer (Gastnetz): nimm ein Kabel oder ein \
                anderes Netz",
            "vielleicht verwerfen es Firewalls auf beiden Seiten: erlaube LanSpread dort",
        ],
    },
    Entry {
        code: "only-old",
        kind: Kind::Peer,
        meaning: "Only the earlier LanSpread is here, which speaks another protocol.",
        english: &["the others need this version"],
        german: &["die anderen brauchen diese Version"],
    },
    Entry {
        code: "sharing-off",
        kind: Kind::Config,
        meaning: "This node sends nothing to others.",
        english: &["`lanspread share on` shares again"],
        german: &["`lanspread share on` teilt wieder"],
    },
    Entry {
        code: "space-low",
        kind: Kind::Environment,
        meaning: "Little space is left where the games are.",
        english: &["`lanspread remove GAME --keep-installed` frees the archives of a game"],
        german: &["`lanspread remove SPIEL --keep-installed` gibt die Archive eines Spiels frei"],
    },
    Entry {
        code: "games-dir",
        kind: Kind::Environment,
        meaning: "The games directory cannot be read and written.",
        english: &["plug the disk in, make the directory, or name another in the settings"],
        german: &[
            "schließe die Platte an, lege das Verzeichnis an, oder nenne ein anderes in den \
                Einstellungen",
        ],
    },
    Entry {
        code: "clock",
        kind: Kind::Environment,
        meaning: "The clock of this machine is years off.",
        english: &["set the clock: versions that are named by date come out wrong"],
        german: &["stelle die Uhr: Versionen, die nach dem Datum heißen, werden sonst falsch"],
    },
    Entry {
        code: "folder",
        kind: Kind::User,
        meaning: "A directory cannot be read, or cannot be made.",
        english: &["choose another directory, or check its permissions"],
        german: &["wähle ein anderes Verzeichnis, oder prüfe seine Rechte"],
    },
    Entry {
        code: "not-set-up",
        kind: Kind::User,
        meaning: "The first start is not confirmed yet, so nothing runs.",
        english: &["confirm games directory and name on the page that was opened"],
        german: &["bestätige Spieleverzeichnis und Namen auf der Seite, die sich geöffnet hat"],
    },
    Entry {
        code: "set-up-already",
        kind: Kind::User,
        meaning: "The first start was confirmed before.",
        english: &["change games directory and name in the settings"],
        german: &["ändere Spieleverzeichnis und Namen in den Einstellungen"],
    },
    Entry {
        code: "no-code",
        kind: Kind::User,
        meaning: "There is no pairing code: it was used, is too old, or was guessed at too often.",
        english: &["`lanspread pair` opens the page with a new one"],
        german: &["`lanspread pair` öffnet die Seite mit einem neuen"],
    },
    Entry {
        code: "bad-code",
        kind: Kind::User,
        meaning: "The pairing code is not the one that was issued last.",
        english: &["type it as `lanspread pair` printed it; after five tries a new one is needed"],
        german: &[
            "tippe ihn, wie `lanspread pair` ihn ausgab; nach fünf Versuchen braucht es einen neuen",
        ],
    },
    Entry {
        code: "no-browser",
        kind: Kind::Environment,
        meaning: "No browser or file manager could be started.",
        english: &["open the printed address in a browser of this machine"],
        german: &["öffne die ausgegebene Adresse in einem Browser dieses Rechners"],
    },
];
