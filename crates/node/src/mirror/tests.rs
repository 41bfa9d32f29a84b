use lanspread_disk::RealDisk;
use lanspread_proto::{
    Hash, VersionLabel,
    library::{Availability, LibraryDigest, LibraryEntry, Size},
    text::Title,
    wire::Extensions,
};
use lanspread_swarm::merged::Merged;
use tokio::{sync::mpsc, time::advance};

use super::*;
use crate::{
    actor::mailbox,
    error::OperationError,
    games::Msg,
    snapshot::{OperationKind, OperationView, SharingState},
};

#[test]
fn rests_grow_and_end() {
    assert_eq!(rest_after(0), REST);
    assert_eq!(rest_after(1), 2 * REST);
    assert!((0..99).all(|n| rest_after(n) <= rest_after(n + 1)));
    assert_eq!(rest_after(u32::MAX), REST_MAX);
}

const ON: MirrorSettings = MirrorSettings {
    on: true,
    quota_bytes: None,
    free_min_bytes: 0,
};

fn quake() -> GameId {
    GameId::parse("quake").unwrap()
}

fn content() -> ContentId {
    ContentId::from_bytes([7; 32])
}

/// A mirror among views and mailboxes that the test holds. One peer shares quake.
struct Bench {
    mirror: Mirror,
    asked: mpsc::Receiver<Msg>,
    shelf: watch::Sender<Arc<ShelfView>>,
    operations: watch::Sender<Arc<OperationsView>>,
    _library: watch::Sender<Arc<LibraryView>>,
    _settings: watch::Sender<Settings>,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let entry = LibraryEntry {
            game: quake(),
            content: content(),
            version: VersionLabel::parse("1").unwrap(),
            title: Title::clean("Quake"),
            availability: Availability::Ready,
            payload: Size {
                bytes: 100,
                files: 1,
            },
            unpacked: None,
            extensions: Extensions::default(),
        };
        let mut library = LibraryView::new(LibraryDigest {
            epoch: 1,
            revision: 0,
            count: 0,
            hash: Hash::of(b""),
        });
        library.merged = Merged::new(&[], &[], [[&entry]]);
        let library = watch::Sender::new(Arc::new(library));
        let shelf = watch::Sender::new(Arc::new(ShelfView {
            games: BTreeMap::new(),
            games_dir: dir.path().to_owned(),
            games_dir_state: GamesDirState::Available,
            is_listed: true,
            sharing: SharingState::On,
            hashing: None,
            problems: Vec::new(),
        }));
        let operations = watch::Sender::new(Arc::new(OperationsView::default()));
        let settings = watch::Sender::new(Settings::default());
        let (games, asked) = mailbox();
        let tasks = Tasks::new();
        let state = StateDir::open(&dir.path().join("state")).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new());
        let file = SavedFile {
            disk: Arc::clone(&disk),
            place: state.place(),
            name: records::NAME,
        };
        let ports = MirrorPorts {
            tasks: tasks.clone(),
            clock: Clock::start(),
            disk,
            state,
            games: GamesHandle { mailbox: games },
            library: library.subscribe(),
            shelf: shelf.subscribe(),
            operations: operations.subscribe(),
            settings: settings.subscribe(),
        };
        let mirror = Mirror {
            saves: Saves::start(&tasks, file, |_, _| {}),
            ports,
            records: None,
            resting: BTreeMap::new(),
            begun: None,
            view: watch::Sender::new(Arc::default()),
        };
        Self {
            mirror,
            asked,
            shelf,
            operations,
            _library: library,
            _settings: settings,
            _dir: dir,
        }
    }

    /// It looks and asks for the game, which is answered.
    async fn asks(&mut self, answer: Result<OperationId, OperationError>) {
        let answering = async {
            let Some(Msg::Get(request, reply)) = self.asked.recv().await else {
                panic!("no download was asked for");
            };
            assert_eq!((request.game, request.content), (quake(), Some(content())));
            assert_eq!(request.then, AfterDownload::Keep, "nothing is installed");
            reply.send(answer).unwrap();
        };
        tokio::join!(self.mirror.look(ON), answering);
    }

    /// What is being written is written before its directory goes.
    async fn stop(self) {
        let tasks = self.mirror.ports.tasks.clone();
        drop(self.mirror);
        assert!(tasks.stop_all().await, "tasks hang");
    }

    /// It looks and asks for nothing.
    async fn asks_nothing(&mut self) {
        self.mirror.look(ON).await;
        assert!(self.asked.try_recv().is_err());
    }

    fn operation(&self, phase: Phase) {
        let operation = OperationView {
            operation: OperationId(5),
            kind: OperationKind::Download,
            phase,
            content: Some(content()),
            done_bytes: 0,
            total_bytes: 100,
            rate: 0,
            left: None,
            sources: Vec::new(),
            map: Arc::new([]),
            verified: None,
        };
        self.operations.send_replace(Arc::new(OperationsView {
            operations: [(quake(), operation)].into(),
            ..OperationsView::default()
        }));
    }
}

const JUST: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn what_is_refused_rests_longer_each_time() {
    let mut bench = Bench::new();
    for rest in [REST, 2 * REST, 4 * REST] {
        let busy = OperationError::NobodyHasIt(quake());
        bench.asks(Err(busy)).await;
        bench.asks_nothing().await;
        let view = Arc::clone(&bench.mirror.view.borrow());
        assert_eq!(view.left, [(quake(), Verdict::Resting)]);
        advance(rest - JUST).await;
        bench.asks_nothing().await;
        advance(JUST).await;
    }
    bench.asks(Ok(OperationId(5))).await;
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_waited_for_and_what_a_person_cancelled_rests_long() {
    let mut bench = Bench::new();
    bench.asks(Ok(OperationId(5))).await;
    bench.operation(Phase::Downloading);
    bench.asks_nothing().await;
    assert_eq!(bench.mirror.view.borrow().fetching_games, 1);
    bench.operation(Phase::Cancelled);
    bench.asks_nothing().await;
    advance(REST_MAX - JUST).await;
    bench.asks_nothing().await;
    advance(JUST).await;
    bench.asks(Ok(OperationId(6))).await;
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_while_it_is_not_known_what_is_here() {
    let mut bench = Bench::new();
    let change = |bench: &Bench, listed: bool, state| {
        bench.shelf.send_modify(|shelf| {
            let mut next = ShelfView::clone(shelf);
            (next.is_listed, next.games_dir_state) = (listed, state);
            *shelf = Arc::new(next);
        });
    };
    change(&bench, false, GamesDirState::Available);
    bench.asks_nothing().await;
    change(&bench, true, GamesDirState::Unavailable);
    bench.asks_nothing().await;
    change(&bench, true, GamesDirState::Available);
    bench.asks(Ok(OperationId(5))).await;
    bench.stop().await;
}
