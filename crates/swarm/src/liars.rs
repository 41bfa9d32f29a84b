//! [`Liars`]: who sent bad chunks or lists, or false labels, over all downloads.
//!
//! Invariant: a peer refused everywhere lied about at least two contents.

use alloc::collections::{BTreeMap, BTreeSet};

use lanspread_proto::{ContentId, PeerId};

/// The record of one run of the program; nothing is held against anybody after it.
#[derive(Debug, Clone, Default)]
pub struct Liars {
    contents: BTreeMap<PeerId, BTreeSet<ContentId>>,
}

impl Liars {
    /// A peer sent a bad chunk, a list of files that is not the one of the content, or announced
    /// it as something that it is not.
    pub fn on_lie(&mut self, peer: PeerId, content: ContentId) {
        let lies = self.contents.entry(peer).or_default();
        // Two are enough to refuse it everywhere: no need to grow.
        if lies.len() < 2 {
            lies.insert(content);
        }
    }

    /// Nothing of this content is taken from the peer.
    #[must_use]
    pub fn is_refused(&self, peer: PeerId, content: ContentId) -> bool {
        let lies = self.contents.get(&peer);
        lies.is_some_and(|lies| lies.len() > 1 || lies.contains(&content))
    }

    /// It lied about another content than this.
    #[must_use]
    pub fn has_lied_besides(&self, peer: PeerId, content: ContentId) -> bool {
        let lies = self.contents.get(&peer);
        lies.is_some_and(|lies| lies.iter().any(|other| *other != content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lie_one_content_two_lies_all() {
        let peer = PeerId::from_bytes([1; 32]);
        let content = |n| ContentId::from_bytes([n; 32]);
        let mut liars = Liars::default();
        assert!(!liars.is_refused(peer, content(1)));
        liars.on_lie(peer, content(1));
        liars.on_lie(peer, content(1));
        assert!(liars.is_refused(peer, content(1)) && !liars.is_refused(peer, content(2)));
        assert!(liars.has_lied_besides(peer, content(2)));
        assert!(!liars.has_lied_besides(peer, content(1)));
        liars.on_lie(peer, content(2));
        assert!(liars.is_refused(peer, content(3)));
    }
}
