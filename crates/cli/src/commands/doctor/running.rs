//! What `doctor` finds out from a running node.

use lanspread_api::{
    Client, Snapshot,
    types::snapshot::{Peer, PeerState, Sharing},
};

use super::Finding;
use crate::words;

pub(super) fn findings(client: &Client, snapshot: &Snapshot) -> Vec<Finding> {
    let file = client.file();
    let text = format!("process {} answers at {}", file.pid, file.address);
    let mut findings = vec![Finding::ok("node", text), listening(snapshot)];
    findings.push(peers(&snapshot.peers));
    if snapshot.me.sharing != Sharing::On {
        let hint = "`lanspread share on` shares again";
        findings.push(Finding::warn("sharing", "nothing is sent", hint));
    }
    for part in snapshot.components.iter().filter(|part| !part.running) {
        let text = format!("does not run: {}", words::component(part.component));
        let hint = "`lanspread logs` says why; a restart may help";
        findings.push(Finding::fail("component", text, hint));
    }
    for problem in &snapshot.problems {
        let text = format!("{} [{}]", problem.message, problem.code);
        let hint = "`docs/ERRORS.md` explains the code";
        findings.push(Finding::warn("problem", text, hint));
    }
    findings
}

fn listening(snapshot: &Snapshot) -> Finding {
    let me = &snapshot.me;
    if me.addresses.is_empty() {
        let hint = "no network, or a security program forbids listening";
        return Finding::fail("listening", "the node does not listen", hint);
    }
    let list: Vec<String> = me.addresses.iter().map(ToString::to_string).collect();
    match me.reachable {
        Some(false) => Finding::warn(
            "listening",
            format!("{}; nobody gets through", list.join(" ")),
            "a firewall drops what others send: allow LanSpread there; downloads work meanwhile",
        ),
        Some(true) => Finding::ok("listening", format!("{}; others reach it", list.join(" "))),
        None => Finding::ok("listening", list.join(" ")),
    }
}

/// Peers that are seen and never reached are the mark of a network that isolates its clients.
fn peers(peers: &[Peer]) -> Finding {
    let count = |state| peers.iter().filter(|peer| peer.state == state).count();
    let (connected, dialling) = (count(PeerState::Connected), count(PeerState::Dialling));
    let old = count(PeerState::OldLanspread);
    match (connected, dialling) {
        (0, 0) if old > 0 => Finding::warn(
            "peers",
            format!("only the earlier LanSpread is here, {old} times"),
            "it speaks another protocol: they need this version",
        ),
        (0, 0) => Finding::warn(
            "peers",
            "nobody is seen",
            "nobody is there, or multicast is filtered: try `lanspread connect HOST`",
        ),
        (0, _) => Finding::warn(
            "peers",
            format!("{dialling} seen, none can be reached"),
            "the Wi-Fi may isolate its clients (guest network), or firewalls on both sides drop it",
        ),
        (_, _) => Finding::ok(
            "peers",
            format!("{connected} connected, {dialling} being dialled"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{commands::doctor::Grade, sample};

    #[test]
    fn isolation_is_recognised() {
        let with = |state| Peer {
            state,
            ..sample::peers().remove(0)
        };
        let check = |states: &[PeerState], grade, word: &str| {
            let all: Vec<Peer> = states.iter().map(|state| with(*state)).collect();
            let finding = peers(&all);
            assert_eq!(finding.grade, grade);
            assert!(finding.text.contains(word), "{}", finding.text);
        };
        check(&[], Grade::Warn, "nobody");
        check(&[PeerState::Dialling], Grade::Warn, "none can be reached");
        check(&[PeerState::OldLanspread], Grade::Warn, "earlier");
        check(
            &[PeerState::Connected, PeerState::Dialling],
            Grade::Ok,
            "1 connected",
        );
    }

    #[test]
    fn a_firewall_is_recognised() {
        let finding = listening(&sample::snapshot());
        assert_eq!(finding.grade, Grade::Warn);
        assert!(finding.text.contains("nobody gets through"));
    }
}
