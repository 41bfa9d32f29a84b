use std::time::Duration;

use lanspread_proto::{
    VersionLabel,
    library::{Availability, LibraryEntry, Size},
    text::Title,
    wire::Extensions,
};

use super::*;
use crate::snapshot::{OperationId, OperationKind};

const NOW: Instant = Instant::from_nanos(1_000);

fn quake() -> GameId {
    GameId::parse("quake").unwrap()
}

/// A content whose number is its bytes, too.
fn owned(number: u8) -> Owned {
    Owned {
        content: ContentId::from_bytes([number; 32]),
        bytes: number.into(),
    }
}

fn entry(number: u8, version: &str, availability: Availability) -> LibraryEntry {
    LibraryEntry {
        game: quake(),
        content: owned(number).content,
        version: VersionLabel::parse(version).unwrap(),
        title: Title::clean("Quake"),
        availability,
        payload: Size {
            bytes: number.into(),
            files: 1,
        },
        unpacked: None,
        extensions: Extensions::default(),
    }
}

/// Content 1 is version 1, content 2 is version 2, and so on.
fn shared(own: &[u8], peers: &[&[u8]]) -> Merged {
    let entries = |numbers: &[u8]| -> Vec<LibraryEntry> {
        let entry = |n: &u8| entry(*n, &n.to_string(), Availability::Ready);
        numbers.iter().map(entry).collect()
    };
    let own = entries(own);
    let peers: Vec<_> = peers.iter().map(|numbers| entries(numbers)).collect();
    Merged::new(&own, &[], peers.iter())
}

fn here(content: Option<u8>) -> LocalView {
    LocalView {
        present: true,
        downloaded: Some(VersionLabel::parse("1").unwrap()),
        content: content.map(|number| owned(number).content),
        not_shared: content.is_none().then_some(NotShared::Checking),
        ..LocalView::default()
    }
}

fn working_on(content: u8, phase: Phase) -> OperationView {
    OperationView {
        operation: OperationId(1),
        kind: OperationKind::Download,
        phase,
        content: Some(owned(content).content),
        done_bytes: 1,
        total_bytes: 0,
        rate: 0,
        left: None,
        sources: Vec::new(),
        map: std::sync::Arc::new([]),
        verified: None,
    }
}

/// What lies here, and what the mirror knows of it.
#[derive(Default)]
struct Setting {
    kept: Option<u8>,
    begun: Option<u8>,
    local: Option<LocalView>,
    operation: Option<OperationView>,
    rest: Option<(u8, u64)>,
}

#[track_caller]
fn check(merged: &Merged, setting: &Setting, expected: Standing) {
    let quake = quake();
    let mut text = quake.to_string();
    for owned in [setting.kept.map(owned), setting.begun.map(owned)] {
        match owned {
            Some(Owned { content, bytes }) => text.push_str(&format!("\t{content}\t{bytes}")),
            None => text.push_str("\t-\t-"),
        }
    }
    let operations = setting.operation.clone().map(|o| (quake.clone(), o));
    let resting = setting.rest.map(|(content, after)| {
        let rest = Rest {
            until: NOW + Duration::from_nanos(after),
            content: owned(content).content,
            failures: 0,
        };
        (quake.clone(), rest)
    });
    let scene = Scene {
        merged,
        locals: setting.local.iter().map(|local| (&quake, local)).collect(),
        operations: &operations.into_iter().collect(),
        records: &Records::parse(&text),
        resting: &resting.into_iter().collect(),
        now: NOW,
    };
    let (candidates, targets) = scene.candidates();
    assert_eq!(candidates.len(), 1);
    assert_eq!(candidates[0].standing, expected);
    let is_missing = matches!(expected, Standing::Missing { .. });
    assert_eq!(targets.contains_key(&quake), is_missing);
}

const NOTHING: Setting = Setting {
    kept: None,
    begun: None,
    local: None,
    operation: None,
    rest: None,
};

#[test]
fn what_is_shared_and_not_here_is_missing() {
    let merged = shared(&[], &[&[1], &[2]]);
    check(&merged, &NOTHING, Standing::Missing { bytes: 2 });
    let unfinished = LocalView {
        present: true,
        partial_bytes: 1,
        not_shared: Some(NotShared::NoVersion),
        ..LocalView::default()
    };
    let setting = Setting {
        local: Some(unfinished),
        ..NOTHING
    };
    check(&merged, &setting, Standing::Missing { bytes: 2 });
    // Two peers disagree about the newest bytes.
    let one = entry(1, "1", Availability::Ready);
    let two = entry(2, "1", Availability::Ready);
    let merged = Merged::new(&[], &[], [[&one], [&two]]);
    check(&merged, &NOTHING, Standing::Unclear);
    let partial = entry(1, "1", Availability::Partial);
    let merged = Merged::new(&[], &[], [[&partial]]);
    check(&merged, &NOTHING, Standing::Unclear);
}

#[test]
fn what_another_hand_put_here_is_left() {
    let merged = shared(&[1], &[&[2]]);
    let setting = |local| Setting {
        local: Some(local),
        ..NOTHING
    };
    check(&merged, &setting(here(Some(1))), Standing::Foreign);
    check(&merged, &setting(here(None)), Standing::Newest);
    let folder = LocalView {
        present: true,
        not_shared: Some(NotShared::NoVersion),
        ..LocalView::default()
    };
    check(&merged, &setting(folder), Standing::Foreign);
    let installed = LocalView {
        present: true,
        installed: Some(crate::snapshot::InstalledView::Unknown),
        ..LocalView::default()
    };
    check(&merged, &setting(installed), Standing::Foreign);
}

#[test]
fn what_the_mirror_fetched_is_replaced_by_what_is_newer() {
    let kept = |local| Setting {
        kept: Some(1),
        local: Some(local),
        ..NOTHING
    };
    let old = kept(here(Some(1)));
    check(&shared(&[1], &[&[2]]), &old, Standing::Missing { bytes: 2 });
    check(&shared(&[1], &[&[1]]), &old, Standing::Newest);
    check(&shared(&[1], &[]), &old, Standing::Newest);
    check(&shared(&[2], &[&[1]]), &old, Standing::Newest);
    // Bytes of which nobody can tell what they are, are not replaced.
    let broken = LocalView {
        not_shared: Some(NotShared::Refused {
            entry: String::new(),
            code: "payload",
            reason: String::new(),
        }),
        ..here(None)
    };
    check(&shared(&[], &[&[2]]), &kept(broken), Standing::Foreign);
    // After a start it is not hashed again at once.
    check(&shared(&[], &[&[2]]), &kept(here(None)), Standing::Newest);
}

#[test]
fn what_runs_is_waited_for() {
    let merged = shared(&[], &[&[2]]);
    let running = |begun, phase| Setting {
        begun,
        operation: Some(working_on(2, phase)),
        ..NOTHING
    };
    let fetching = |moves| Standing::Fetching {
        bytes: 2,
        left_bytes: 1,
        moves,
    };
    check(&merged, &running(Some(2), Phase::Queued), fetching(true));
    check(
        &merged,
        &running(Some(2), Phase::Downloading),
        fetching(true),
    );
    check(
        &merged,
        &running(Some(2), Phase::WaitingForSource),
        fetching(false),
    );
    check(&merged, &running(Some(2), Phase::Paused), fetching(false));
    // A person's own download.
    check(
        &merged,
        &running(None, Phase::Downloading),
        Standing::Foreign,
    );
    check(
        &merged,
        &running(Some(1), Phase::Downloading),
        Standing::Foreign,
    );
    check(
        &merged,
        &running(Some(2), Phase::Done),
        Standing::Missing { bytes: 2 },
    );
}

#[test]
fn what_failed_rests_for_a_while() {
    let merged = shared(&[], &[&[2]]);
    let resting = |rest| Setting {
        rest: Some(rest),
        ..NOTHING
    };
    check(&merged, &resting((2, 1)), Standing::Resting);
    check(&merged, &resting((2, 0)), Standing::Missing { bytes: 2 });
    // Something newer is another matter.
    check(&merged, &resting((1, 9)), Standing::Missing { bytes: 2 });
}
