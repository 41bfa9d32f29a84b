//! What a look at a running node finds.

use crate::types::{
    Snapshot,
    reply::Finding,
    snapshot::{Peer, PeerState, Sharing},
};

pub(super) fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = vec![listening(snapshot), peers(&snapshot.peers)];
    if snapshot.me.sharing != Sharing::On {
        findings.push(Finding::warn("sharing-off", "sharing", "nothing is sent"));
    }
    for part in snapshot.components.iter().filter(|part| !part.running) {
        let text = format!("does not run: {}", part.component.for_people());
        findings.push(Finding::bad("component-failed", "component", text));
    }
    for problem in &snapshot.problems {
        let text = format!("{}: {}", problem.subject, problem.message);
        findings.push(Finding::warn(&problem.code, "problem", text));
    }
    findings
}

fn listening(snapshot: &Snapshot) -> Finding {
    let me = &snapshot.me;
    if me.addresses.is_empty() {
        let text = "the node does not listen";
        return Finding::bad("not-listening", "listening", text);
    }
    let list: Vec<String> = me.addresses.iter().map(ToString::to_string).collect();
    let list = list.join(" ");
    match me.reachable {
        Some(false) => {
            let text = format!("{list}; nobody gets through");
            Finding::warn("firewall", "listening", text)
        }
        Some(true) => Finding::good("listening", format!("{list}; others reach it")),
        None => Finding::good("listening", list),
    }
}

/// Peers that are seen and never reached are the mark of a network that isolates its clients.
fn peers(peers: &[Peer]) -> Finding {
    let count = |state| peers.iter().filter(|peer| peer.state == state).count();
    let (connected, dialling) = (count(PeerState::Connected), count(PeerState::Dialling));
    let old = count(PeerState::OldLanspread);
    match (connected, dialling) {
        (0, 0) if old > 0 => {
            let text = format!("only the earlier LanSpread is here, {old} times");
            Finding::warn("only-old", "peers", text)
        }
        (0, 0) => Finding::warn("nobody-seen", "peers", "nobody is seen"),
        (0, _) => {
            let text = format!("{dialling} seen, none can be reached");
            Finding::warn("nobody-reached", "peers", text)
        }
        (_, _) => {
            let text = format!("{connected} connected, {dialling} being dialled");
            Finding::good("peers", text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_node::tests as sample;

    fn snapshot() -> Snapshot {
        Snapshot::from(&sample::snapshot())
    }

    #[test]
    fn isolation_is_recognised() {
        let with = |state| Peer {
            state,
            ..snapshot().peers.remove(0)
        };
        let check = |states: &[PeerState], code: &str| {
            let all: Vec<Peer> = states.iter().map(|state| with(*state)).collect();
            assert_eq!(peers(&all).code, code);
        };
        check(&[], "nobody-seen");
        check(&[PeerState::Gone], "nobody-seen");
        check(&[PeerState::Dialling], "nobody-reached");
        check(&[PeerState::OldLanspread], "only-old");
        check(&[PeerState::Connected, PeerState::Dialling], "good");
    }

    #[test]
    fn a_node_is_judged() {
        let mut node = snapshot();
        let codes = |node: &Snapshot| -> Vec<String> {
            findings(node)
                .into_iter()
                .map(|finding| finding.code)
                .collect()
        };
        assert_eq!(
            codes(&node),
            ["good", "only-old", "sharing-off", "discovery"]
        );
        node.me.reachable = Some(false);
        node.me.sharing = Sharing::On;
        node.problems.clear();
        node.components[0].running = false;
        assert_eq!(codes(&node), ["firewall", "only-old", "component-failed"]);
        node.me.addresses.clear();
        assert_eq!(codes(&node)[0], "not-listening");
    }
}
