use alloc::{format, vec::Vec};

use lanspread_proto::{
    VersionLabel,
    library::{Availability, Size},
    text::Title,
    wire::{
        Bounded, LinkMessage,
        bounded::{Extension, Extensions},
        link::LibraryWant,
    },
};
use proptest::prelude::*;

use super::*;
use crate::time::Instant;

fn entry(n: u32, bytes: u64) -> LibraryEntry {
    LibraryEntry {
        game: GameId::parse(&format!("game{n}")).unwrap(),
        content: ContentId::from_bytes([7; 32]),
        version: VersionLabel::parse("1").unwrap(),
        title: Title::clean("A game"),
        availability: Availability::Ready,
        payload: Size { bytes, files: 1 },
        unpacked: None,
        extensions: Extensions::default(),
    }
}

fn fat_entry(n: u32) -> LibraryEntry {
    let extension = Extension {
        tag: 1,
        bytes: Bounded::cut([0xff; limits::EXTENSION_BYTES_MAX]),
    };
    LibraryEntry {
        extensions: Bounded::cut(core::iter::repeat_n(extension, limits::EXTENSIONS_MAX)),
        ..entry(n, u64::MAX)
    }
}

fn deliver(now: Instant, replica: &mut RemoteLibrary, message: LinkMessage) {
    let result = if let LinkMessage::LibraryPage(page) = message {
        replica.on_page(now, page)
    } else if let LinkMessage::LibraryDelta(delta) = message {
        replica.on_delta(now, delta)
    } else if let LinkMessage::LibraryChanged(digest) = message {
        replica.on_changed(now, digest).map(|()| true)
    } else {
        panic!("{message:?}");
    };
    // Nothing here lies, so that nothing may be taken for a lie.
    assert!(result.is_ok(), "{result:?}");
    replica.assert_invariants();
}

fn sync(now: Instant, local: &LocalLibrary, replica: &mut RemoteLibrary) -> usize {
    let mut messages = 0;
    while let Some(want) = replica.poll_want(now) {
        for message in local.answer(&want) {
            messages += 1;
            deliver(now, replica, message);
        }
    }
    assert!(replica.is_current());
    assert!(replica.entries().eq(local.entries()));
    messages
}

fn library(count: u32) -> LocalLibrary {
    let mut local = LocalLibrary::new(1);
    (0..count).for_each(|n| assert_eq!(local.upsert(entry(n, 0)), Ok(true)));
    local
}

#[test]
fn snapshot_then_delta_then_snapshot() {
    let now = Instant::ZERO;
    let mut local = library(200);
    let mut replica = RemoteLibrary::new(now, local.digest()).unwrap();
    assert_eq!(sync(now, &local, &mut replica), 4);
    assert_eq!(local.upsert(entry(3, 0)), Ok(false));
    local.upsert(entry(3, 9)).unwrap();
    local.remove(&entry(4, 0).game, entry(4, 0).content);
    replica.on_changed(now, local.digest()).unwrap();
    assert_eq!(sync(now, &local, &mut replica), 1);
    (0..100).for_each(|n| assert_eq!(local.upsert(entry(n, 10)), Ok(true)));
    replica.on_changed(now, local.digest()).unwrap();
    assert_eq!(sync(now, &local, &mut replica), 4);
    local.assert_invariants();
}

#[test]
fn announcements_reach_a_replica_without_a_question() {
    let now = Instant::ZERO;
    let mut local = library(3);
    let first = local.take_announcement().unwrap();
    assert!(local.take_announcement().is_none());
    let mut replica = RemoteLibrary::new(now, LocalLibrary::new(1).digest()).unwrap();
    sync(now, &LocalLibrary::new(1), &mut replica);
    deliver(now, &mut replica, first.clone());
    assert!(replica.is_current() && replica.entries().eq(local.entries()));
    deliver(now, &mut replica, first);
    (0..100).for_each(|n| assert_eq!(local.upsert(entry(n, 10)), Ok(true)));
    let digest = local.take_announcement().unwrap();
    assert_eq!(digest, LinkMessage::LibraryChanged(local.digest()));
    deliver(now, &mut replica, digest);
    sync(now, &local, &mut replica);
}

#[test]
fn every_message_fits_its_frame() {
    let mut local = LocalLibrary::new(9);
    (0..20).for_each(|n| assert_eq!(local.upsert(fat_entry(n)), Ok(true)));
    let answers = local.answer(&LibraryWant {
        epoch: 0,
        revision: 0,
    });
    assert!(answers.len() > 5);
    local.take_announcement();
    local.upsert(entry(0, 1)).unwrap();
    let announcement = local.take_announcement();
    for message in answers.into_iter().chain(announcement) {
        let frame = message.encode();
        assert!(frame.len() < limits::CONTROL_FRAME_BYTES_MAX as usize);
        let body = &frame[lanspread_proto::wire::codec::HEADER_BYTES..];
        assert_eq!(LinkMessage::decode(message.kind(), body), Ok(Some(message)));
    }
}

#[test]
fn a_library_is_bounded() {
    let mut local = LocalLibrary::new(1);
    let most = u32::try_from(limits::LIBRARY_ENTRIES_MAX).unwrap();
    (0..most).for_each(|n| assert_eq!(local.upsert(entry(n, 0)), Ok(true)));
    assert_eq!(local.upsert(entry(most, 0)), Err(LibraryFull));
    assert_eq!(local.upsert(entry(0, 1)), Ok(true));
    local.assert_invariants();
    let mut digest = local.digest();
    digest.count += 1;
    let refused = RemoteLibrary::new(Instant::ZERO, digest).unwrap_err();
    assert!(refused.is_violation());
}

#[test]
fn what_was_not_announced_is_not_shown() {
    let now = Instant::ZERO;
    let local = library(2);
    let mut replica = RemoteLibrary::new(now, local.digest()).unwrap();
    sync(now, &local, &mut replica);
    let mut other = local.clone();
    other.upsert(entry(1, 5)).unwrap();
    let Some(LinkMessage::LibraryDelta(mut delta)) = other.take_announcement() else {
        panic!("no delta");
    };
    delta.from = 2;
    delta.upserts = Bounded::cut([entry(1, 6)]);
    assert_eq!(replica.on_delta(now, delta), Err(LibraryError::Misfit));
    assert!(replica.entries().eq(local.entries()));
    assert!(!replica.is_current());
    // It asks for everything, and heals.
    sync(now, &other, &mut replica);
}

#[derive(Debug, Clone)]
enum Step {
    Change(u32, u64),
    Remove(u32),
    Announce,
    Ask,
    Deliver(usize),
    Duplicate(usize),
    Lose(usize),
    Reconnect,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u32..80, 0_u64..4).prop_map(|(n, bytes)| Step::Change(n, bytes)),
        1 => (0_u32..80).prop_map(Step::Remove),
        2 => Just(Step::Announce),
        2 => Just(Step::Ask),
        4 => (0_usize..8).prop_map(Step::Deliver),
        1 => (0_usize..8).prop_map(Step::Duplicate),
        1 => (0_usize..8).prop_map(Step::Lose),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Restart),
    ]
}

/// Two peers and the messages between them, in any order.
struct World {
    now: Instant,
    local: LocalLibrary,
    replica: RemoteLibrary,
    wire: Vec<LinkMessage>,
}

impl World {
    fn step(&mut self, step: Step) {
        self.now += core::time::Duration::from_secs(1);
        match step {
            Step::Change(n, bytes) => {
                self.local.upsert(entry(n, bytes)).unwrap();
            }
            Step::Remove(n) => {
                let gone = entry(n, 0);
                self.local.remove(&gone.game, gone.content);
            }
            Step::Announce => self.wire.extend(self.local.take_announcement()),
            Step::Ask => {
                if let Some(want) = self.replica.poll_want(self.now) {
                    self.wire.extend(self.local.answer(&want));
                }
            }
            Step::Deliver(i) if i < self.wire.len() => {
                let message = self.wire.remove(i);
                deliver(self.now, &mut self.replica, message);
            }
            Step::Duplicate(i) if i < self.wire.len() => {
                let message = self.wire[i].clone();
                deliver(self.now, &mut self.replica, message);
            }
            Step::Lose(i) if i < self.wire.len() => {
                self.wire.remove(i);
            }
            Step::Deliver(_) | Step::Duplicate(_) | Step::Lose(_) => {}
            Step::Reconnect => {
                let digest = self.local.digest();
                self.replica.on_hello(self.now, digest).unwrap();
            }
            Step::Restart => {
                // Epochs are drawn from so many that none comes twice.
                let epoch = self.local.digest().epoch + 1;
                let entries: Vec<_> = self.local.entries().cloned().collect();
                // Drawn at random from 64 bits: none comes twice.
                let epoch = self.local.digest().epoch + epoch;
                self.local = LocalLibrary::new(epoch);
                for entry in entries {
                    self.local.upsert(entry).unwrap();
                }
                self.wire.clear();
                let digest = self.local.digest();
                self.replica.on_hello(self.now, digest).unwrap();
            }
        }
        self.local.assert_invariants();
        self.replica.assert_invariants();
    }
}

proptest! {
    #[test]
    fn loss_and_disorder_converge(steps in prop::collection::vec(step(), 0..120)) {
        let local = LocalLibrary::new(1);
        let replica = RemoteLibrary::new(Instant::ZERO, local.digest()).unwrap();
        let mut world = World { now: Instant::ZERO, local, replica, wire: Vec::new() };
        steps.into_iter().for_each(|step| world.step(step));
        // The network is quiet, and the digest is heard once more.
        let digest = world.local.digest();
        world.replica.on_changed(world.now, digest).unwrap();
        for _ in 0..4 {
            let due = world.replica.poll_timeout().unwrap_or(world.now);
            world.now = world.now.max(due);
            for _ in world.wire.clone() {
                world.step(Step::Deliver(0));
            }
            world.step(Step::Ask);
            for _ in world.wire.clone() {
                world.step(Step::Deliver(0));
            }
        }
        prop_assert!(world.replica.is_current());
        prop_assert!(world.replica.entries().eq(world.local.entries()));
    }
}
