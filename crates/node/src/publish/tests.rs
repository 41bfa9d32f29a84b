#![expect(clippy::disallowed_methods, reason = "a test needs no tracker")]

use std::{collections::BTreeMap, time::Duration};

use lanspread_proto::text::PeerName;

use super::*;
use crate::snapshot::{GamesDirState, OperationId, OperationKind, SharingState};

struct Bench {
    operations: watch::Sender<Arc<OperationsView>>,
    uploads: watch::Sender<Arc<UploadsView>>,
    notices: broadcast::Sender<Notice>,
    told: broadcast::Receiver<Notice>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    wait: mpsc::Sender<oneshot::Sender<()>>,
    publishing: tokio::task::JoinHandle<()>,
}

fn bench() -> Bench {
    let me = PeerId::from_bytes([1; 32]);
    let digest = lanspread_swarm::library::LocalLibrary::new(1).digest();
    let shelf = ShelfView {
        games: BTreeMap::new(),
        games_dir: "games".into(),
        games_dir_state: GamesDirState::Available,
        is_listed: true,
        sharing: SharingState::On,
        hashing: None,
        problems: Vec::new(),
    };
    let operations = watch::Sender::new(Arc::new(OperationsView::default()));
    let uploads = watch::Sender::new(Arc::new(UploadsView::default()));
    let peers = PeersView::new(me, PeerName::clean("anna"), Vec::new());
    let mut sources = Sources {
        peers: watch::Sender::new(Arc::new(peers)).subscribe(),
        library: watch::Sender::new(Arc::new(LibraryView::new(digest))).subscribe(),
        shelf: watch::Sender::new(Arc::new(shelf)).subscribe(),
        operations: operations.subscribe(),
        uploads: uploads.subscribe(),
        play: watch::Sender::new(Arc::default()).subscribe(),
        mirror: watch::Sender::new(Arc::default()).subscribe(),
        components: watch::Sender::new(Arc::new(ComponentsView::default())).subscribe(),
    };
    let snapshots = watch::Sender::new(sources.first());
    let notices = broadcast::Sender::new(64);
    let told = broadcast::Sender::new(64);
    let (seen, heard) = (snapshots.subscribe(), told.subscribe());
    let (wait, waiting) = mpsc::channel(8);
    let outlets = Outlets {
        waiting,
        snapshots,
        heard: notices.subscribe(),
        told,
    };
    Bench {
        operations,
        uploads,
        notices,
        told: heard,
        snapshots: seen,
        wait,
        publishing: tokio::spawn(async move {
            sources.publisher(outlets).run().await;
        }),
    }
}

fn queue(name: &str) -> Arc<OperationsView> {
    Arc::new(OperationsView {
        queue: vec![GameId::parse(name).unwrap()],
        ..OperationsView::default()
    })
}

#[tokio::test(start_paused = true)]
async fn ten_a_second_at_most_and_none_without_a_change() {
    let mut bench = bench();
    let begin = Instant::now();
    for n in 0..1_000 {
        bench.operations.send_replace(queue(&format!("game{n}")));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let revision = bench.snapshots.borrow_and_update().revision;
    assert!(
        (10..=12).contains(&revision),
        "{revision} in {:?}",
        begin.elapsed()
    );
    assert_eq!(bench.snapshots.borrow().queue, queue("game999").queue);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!bench.snapshots.has_changed().unwrap());
    bench.publishing.abort();
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_after_the_snapshot_that_shows_it() {
    let mut bench = bench();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let game = GameId::parse("quake").unwrap();
    for n in 0..20 {
        let name = format!("game{n}");
        bench.operations.send_replace(queue(&name));
        let ended = Notice::OperationFinished {
            operation: OperationId(n),
            kind: OperationKind::Install,
            game: game.clone(),
        };
        bench.notices.send(ended).unwrap();
        bench.notices.send(Notice::OperationsChanged).unwrap();
        let first = bench.told.recv().await.unwrap();
        assert!(matches!(first, Notice::OperationFinished { operation, .. } if operation.0 == n));
        assert_eq!(bench.snapshots.borrow().queue, queue(&name).queue);
        assert!(matches!(
            bench.told.recv().await.unwrap(),
            Notice::OperationsChanged
        ));
    }
    // Others do not wait.
    let before = Instant::now();
    bench.notices.send(Notice::UploadsChanged).unwrap();
    assert!(matches!(
        bench.told.recv().await.unwrap(),
        Notice::UploadsChanged
    ));
    assert_eq!(before.elapsed(), Duration::ZERO);
    bench.publishing.abort();
}

#[tokio::test(start_paused = true)]
async fn who_waits_sees_what_was_so_when_it_asked() {
    let bench = bench();
    for n in 0..20 {
        let name = format!("game{n}");
        bench.operations.send_replace(queue(&name));
        let (waiter, told) = oneshot::channel();
        bench.wait.send(waiter).await.unwrap();
        told.await.unwrap();
        assert_eq!(bench.snapshots.borrow().queue, queue(&name).queue);
    }
    bench.publishing.abort();
}

#[tokio::test(start_paused = true)]
async fn who_is_sent_to_is_told_when_it_changes() {
    let mut bench = bench();
    let sending = |peers: &[u8], rate| {
        let upload = |peer: &u8| crate::snapshot::UploadView {
            peer: PeerId::from_bytes([*peer; 32]),
            game: GameId::parse("quake").unwrap(),
            bytes: rate,
            rate,
        };
        Arc::new(UploadsView {
            uploads: peers.iter().map(upload).collect(),
            ..UploadsView::default()
        })
    };
    let mut told = Vec::new();
    for (step, (peers, rate)) in [(&[][..], 0), (&[1], 1), (&[1], 2), (&[1, 2], 3), (&[2], 4)]
        .into_iter()
        .enumerate()
    {
        bench.uploads.send_replace(sending(peers, rate));
        tokio::time::sleep(Duration::from_secs(1)).await;
        while let Ok(notice) = bench.told.try_recv() {
            assert!(matches!(notice, Notice::UploadsChanged), "{notice:?}");
            told.push(step);
        }
    }
    assert_eq!(told, [1, 3, 4]);
    bench.publishing.abort();
}
