//! [`HavePages`]: puts the pages of a peer's have-map together.

use lanspread_proto::{PieceSet, wire::link::HaveMap};

/// The pages of one map so far. Invariant: it holds at most one bit per piece of the content.
#[derive(Debug, Default)]
pub(crate) struct HavePages {
    set: Option<PieceSet>,
}

impl HavePages {
    /// Takes in a page; the whole map once its last page is here.
    pub(crate) fn add(&mut self, page: &HaveMap, piece_count: u32) -> Option<PieceSet> {
        if page.first.0 == 0 {
            self.set = Some(PieceSet::new(piece_count));
        }
        self.set.as_mut()?.insert_page(page.first, &page.bits);
        if page.last { self.set.take() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use lanspread_proto::{ContentId, PieceIndex, wire::Bounded};

    use super::*;

    fn page(first: u32, last: bool, bits: u8) -> HaveMap {
        HaveMap {
            content: ContentId::from_bytes([1; 32]),
            first: PieceIndex(first),
            last,
            bits: Bounded::cut([bits]),
        }
    }

    #[test]
    fn a_map_is_whole_with_its_last_page_and_begins_with_its_first() {
        let mut pages = HavePages::default();
        assert_eq!(pages.add(&page(8, true, 0xff), 16), None);
        assert_eq!(pages.add(&page(0, false, 0b1), 16), None);
        let set = pages.add(&page(8, true, 0b10), 16).unwrap();
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [PieceIndex(0), PieceIndex(9)]
        );
        assert_eq!(pages.add(&page(8, true, 0xff), 16), None);
    }
}
