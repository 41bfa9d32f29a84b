//! Operations from their command to their end: whole nodes on loopback, a game of plain files.
#![expect(
    clippy::disallowed_methods,
    reason = "the test looks at what was really written"
)]

use std::{net::SocketAddr, path::Path, time::Duration};

use lanspread_proto::text::PeerName;
use lanspread_unpack::WorkerCommand;
use tokio::time::timeout;

use super::*;
use crate::{
    Config, Node, NodeHandle, Snapshot,
    config::{Discovery, Listen},
    handle::{AfterDownload, PublishHow, ShareChange},
    snapshot::{GameView, GamesDirState, InstalledView, NotShared},
};

mod again;
mod low_disk;
mod manifests;
mod odd;
mod unknown;
mod waits;

/// Long enough for a loaded machine; a failure takes so long to show.
const PATIENCE: Duration = Duration::from_secs(60);
/// Several pieces.
const BYTES: usize = 5 * 1024 * 1024 + 77;

/// One person with a computer.
struct Person {
    node: Node,
    dir: tempfile::TempDir,
}

impl Person {
    async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    async fn start_in(dir: tempfile::TempDir) -> Self {
        let games_dir = dir.path().join("games");
        std::fs::create_dir_all(&games_dir).unwrap();
        let config = Config {
            games_dir,
            state_dir: dir.path().join("state"),
            name: PeerName::clean("anna"),
            listen: Listen {
                ip: Some([127, 0, 0, 1].into()),
                port: 0,
            },
            discovery: Discovery::Off,
            connect: Vec::new(),
            worker: WorkerCommand::inside("/nonexistent/worker".into()),
            settings: Settings::default(),
        };
        let node = Node::start(config).await.unwrap();
        Self { node, dir }
    }

    /// The node stops; the files stay.
    async fn stop(self) -> tempfile::TempDir {
        let Self { node, dir } = self;
        node.stop().await;
        dir
    }

    fn handle(&self) -> NodeHandle {
        self.node.handle()
    }

    fn address(&self) -> SocketAddr {
        self.handle().snapshot().me.addresses[0]
    }

    async fn connect(&self, other: &Self) {
        self.handle().connect(other.address()).await.unwrap();
    }

    fn game_dir(&self) -> PathBuf {
        self.dir.path().join("games/quake")
    }

    fn journals(&self) -> usize {
        let partials = std::fs::read_dir(self.dir.path().join("state/partials"));
        partials.map_or(0, Iterator::count)
    }

    /// Writes a version of the game by hand and publishes it where it lies.
    async fn publish(&self, version: &str) {
        let dir = self.game_dir();
        write_game(&dir, version);
        let request = PublishRequest {
            source: dir,
            version: VersionLabel::parse(version).unwrap(),
            how: PublishHow::Pack,
        };
        let operation = self.handle().publish(request).await.unwrap();
        self.done(operation).await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Snapshot) -> bool) {
        let mut views = self.handle().watch();
        let seen = timeout(PATIENCE, views.wait_for(|view| is_so(view))).await;
        let game = game_of(&self.handle().snapshot()).cloned();
        assert!(seen.is_ok(), "not in time: {what}: {game:#?}");
    }

    async fn until_game(&self, what: &str, is_so: impl Fn(&GameView) -> bool) {
        self.until(what, |view| game_of(view).is_some_and(&is_so))
            .await;
    }

    async fn until_phase(&self, what: &str, is_it: impl Fn(&Phase) -> bool) {
        let reached = |game: &GameView| game.operation.as_ref().is_some_and(|o| is_it(&o.phase));
        self.until_game(what, reached).await;
    }

    async fn ended(&self, operation: OperationId) -> Phase {
        let ended = |game: &GameView| {
            let this = game.operation.as_ref().filter(|o| o.operation == operation);
            this.is_some_and(|o| o.phase.is_end())
        };
        self.until_game("ended", ended).await;
        let view = self.handle().snapshot();
        game_of(&view).unwrap().operation.clone().unwrap().phase
    }

    async fn done(&self, operation: OperationId) {
        let phase = self.ended(operation).await;
        assert!(matches!(phase, Phase::Done), "{phase:?}");
    }

    async fn until_offered(&self, version: &str) {
        let has = |game: &GameView| game.contents.iter().any(|c| c.version.as_str() == version);
        self.until_game("offered", has).await;
    }

    async fn get(&self, then: AfterDownload) -> OperationId {
        self.handle().get(request(then)).await.unwrap()
    }
}

fn write_game(dir: &Path, version: &str) {
    std::fs::create_dir_all(dir.join("maps")).unwrap();
    std::fs::write(dir.join("version.ini"), format!("{version}\n")).unwrap();
    std::fs::write(dir.join("maps/q3dm17.bsp"), payload(version)).unwrap();
    std::fs::write(dir.join("quake.exe"), format!("program {version}")).unwrap();
}

fn payload(version: &str) -> Vec<u8> {
    let salt = version.bytes().map(u32::from).sum::<u32>();
    let words = (0..u32::try_from(BYTES).unwrap()).map(|at| (at / 7 * salt).to_le_bytes()[1]);
    words.collect()
}

fn quake() -> GameId {
    GameId::parse("quake").unwrap()
}

fn game_of(view: &Snapshot) -> Option<&GameView> {
    view.games.iter().find(|game| game.game == quake())
}

fn request(then: AfterDownload) -> GetRequest {
    GetRequest {
        game: quake(),
        content: None,
        then,
        from: None,
    }
}

fn check_files(dir: &Path, version: &str) {
    assert!(std::fs::read(dir.join("maps/q3dm17.bsp")).unwrap() == payload(version));
    let program = std::fs::read_to_string(dir.join("quake.exe")).unwrap();
    assert_eq!(program, format!("program {version}"));
}

async fn two() -> (Person, Person) {
    let (anna, berta) = (Person::start().await, Person::start().await);
    anna.publish("1.0").await;
    berta.connect(&anna).await;
    berta.until_offered("1.0").await;
    (anna, berta)
}

/// Nothing may be sent any more, or may again.
async fn share(person: &Person, on: bool) {
    let change = match on {
        true => ShareChange::Resume,
        false => ShareChange::Pause(None),
    };
    person.handle().share(change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_game_lives_from_its_download_to_its_removal() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Install).await).await;
    check_files(&berta.game_dir(), "1.0");
    check_files(&berta.game_dir().join("local"), "1.0");
    assert_eq!(berta.journals(), 0);
    // The state is settled when the end is told: the next command is not refused.
    let view = berta.handle().snapshot();
    let local = &game_of(&view).unwrap().local;
    let installed = local.installed.as_ref().and_then(InstalledView::version);
    assert_eq!(installed.map(VersionLabel::as_str), Some("1.0"));

    anna.publish("1.1").await;
    let newer = |game: &GameView| game.update_available;
    berta.until_game("update available", newer).await;
    std::fs::write(berta.game_dir().join("local/save.dat"), "won").unwrap();
    berta
        .done(berta.handle().update(quake()).await.unwrap())
        .await;
    check_files(&berta.game_dir(), "1.1");
    check_files(&berta.game_dir().join("local"), "1.1");
    let save = berta.game_dir().join("local/save.dat");
    assert_eq!(std::fs::read_to_string(save).unwrap(), "won");
    assert_eq!(berta.journals(), 0);

    let uninstall = berta.handle().uninstall(quake(), UserFiles::Purge).await;
    berta.done(uninstall.unwrap()).await;
    assert!(!berta.game_dir().join("local").exists());
    let again = berta.handle().install(quake()).await;
    berta.done(again.unwrap()).await;
    let uninstall = berta.handle().uninstall(quake(), UserFiles::Purge).await;
    berta.done(uninstall.unwrap()).await;
    let remove = berta.handle().remove(quake(), WhileInstalled::Refuse).await;
    berta.done(remove.unwrap()).await;
    assert!(!berta.game_dir().exists());
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installed_game_can_be_installed_from_what_was_kept() {
    let (anna, berta) = two().await;
    // Each command comes right after the end of the one before.
    for _ in 0..5 {
        berta.done(berta.get(AfterDownload::Keep).await).await;
        let install = berta.handle().install(quake()).await.unwrap();
        berta.done(install).await;
        let uninstall = berta.handle().uninstall(quake(), UserFiles::Keep).await;
        berta.done(uninstall.unwrap()).await;
        let remove = berta.handle().remove(quake(), WhileInstalled::Refuse).await;
        berta.done(remove.unwrap()).await;
    }
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_waits_for_a_source_and_can_be_cancelled_then() {
    for partials in [Partials::Keep, Partials::Discard] {
        let (anna, berta) = two().await;
        // The manifest is here before nothing is sent any more.
        berta.handle().files(quake(), None).await.unwrap();
        share(&anna, false).await;
        let operation = berta.get(AfterDownload::Keep).await;
        berta
            .until_phase("waiting", |phase| matches!(phase, Phase::WaitingForSource))
            .await;
        berta.handle().cancel(quake(), partials).await.unwrap();
        let phase = berta.ended(operation).await;
        assert!(matches!(phase, Phase::Cancelled), "{phase:?}");
        assert!(!berta.game_dir().exists());
        assert_eq!(berta.journals(), 0);
        share(&anna, true).await;
        berta.done(berta.get(AfterDownload::Install).await).await;
        check_files(&berta.game_dir().join("local"), "1.0");
        anna.stop().await;
        berta.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_goes_on_when_its_source_shares_again_or_comes_back() {
    let (anna, berta) = two().await;
    berta.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    let operation = berta.get(AfterDownload::Install).await;
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForSource);
    berta.until_phase("waiting", waits).await;
    let dir = anna.stop().await;
    let anna = Person::start_in(dir).await;
    berta.connect(&anna).await;
    berta.done(operation).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_download_moves_nothing_until_it_is_resumed() {
    let (anna, berta) = two().await;
    let carla = Person::start().await;
    carla.connect(&anna).await;
    carla.until_offered("1.0").await;
    let operation = berta.get(AfterDownload::Keep).await;
    // In whatever phase it is now: at the beginning, most likely.
    berta.handle().pause(quake()).await.unwrap();
    let paused = |game: &GameView| {
        let open = game.operation.as_ref();
        open.is_some_and(|o| matches!(o.phase, Phase::Paused) && o.total_bytes > 0)
    };
    berta.until_game("paused", paused).await;
    let before = game_of(&berta.handle().snapshot())
        .unwrap()
        .operation
        .clone();
    let before = before.unwrap();
    assert!(before.done_bytes < before.total_bytes, "{before:?}");
    // Time for all the rest, if somebody sent it: somebody else gets the whole game.
    carla.done(carla.get(AfterDownload::Keep).await).await;
    let now = game_of(&berta.handle().snapshot())
        .unwrap()
        .operation
        .clone();
    let now = now.unwrap();
    assert!(matches!(now.phase, Phase::Paused), "{now:?}");
    assert!(now.done_bytes < now.total_bytes, "{now:?}");
    berta.handle().resume(quake()).await.unwrap();
    berta.done(operation).await;
    carla.stop().await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_takes_its_download_up_again() {
    let (anna, berta) = two().await;
    berta.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    berta.get(AfterDownload::Install).await;
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForSource);
    berta.until_phase("waiting", waits).await;
    let berta = Person::start_in(berta.stop().await).await;
    let open = |phase: &Phase| !phase.is_end();
    berta.until_phase("taken up", open).await;
    share(&anna, true).await;
    berta.connect(&anna).await;
    berta
        .until_phase("done", |phase| matches!(phase, Phase::Done))
        .await;
    check_files(&berta.game_dir().join("local"), "1.0");
    assert_eq!(berta.journals(), 0);
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn games_move_to_another_directory_while_changes_are_reported() {
    let anna = Person::start().await;
    anna.publish("1.0").await;
    for (name, how) in [
        ("elsewhere", GamesMove::Move),
        ("empty", GamesMove::UseAsItIs),
        ("elsewhere", GamesMove::UseAsItIs),
    ] {
        let dir = anna.dir.path().join(name);
        let handle = anna.handle();
        // A scan may be under way at any time.
        let (moved, _scanned) =
            tokio::join!(handle.set_games_dir(dir.clone(), how), handle.rescan());
        moved.unwrap();
        let there = name == "elsewhere";
        anna.until("moved", |view| {
            let local = game_of(view).is_some_and(|game| game.local.content.is_some());
            view.me.games_dir == dir && local == there
        })
        .await;
    }
    anna.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_games_directory_that_is_gone_keeps_what_needs_it_waiting() {
    let (anna, berta) = two().await;
    let (games, away) = (
        berta.dir.path().join("games"),
        berta.dir.path().join("away"),
    );
    std::fs::rename(&games, &away).unwrap();
    drop(berta.handle().rescan().await);
    let gone = |view: &Snapshot| view.me.games_dir_state == GamesDirState::Unavailable;
    berta.until("unavailable", gone).await;
    let refused = berta.handle().get(request(AfterDownload::Keep)).await;
    let error = refused.unwrap_err();
    assert!(
        matches!(error, OperationError::GamesDirUnavailable(_)),
        "{error}"
    );
    std::fs::rename(&away, &games).unwrap();
    berta.handle().rescan().await.unwrap();
    // One that has begun waits, and goes on by itself.
    let slow = Settings {
        down_rate_max: Some(1 << 20),
        ..Settings::default()
    };
    berta.handle().set_settings(slow).await.unwrap();
    let operation = berta.get(AfterDownload::Keep).await;
    let begun = |game: &GameView| game.operation.as_ref().is_some_and(|o| o.done_bytes > 0);
    berta.until_game("some bytes", begun).await;
    std::fs::rename(&games, &away).unwrap();
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForGamesDir);
    berta.until_phase("waiting", waits).await;
    std::fs::rename(&away, &games).unwrap();
    berta
        .handle()
        .set_settings(Settings::default())
        .await
        .unwrap();
    berta.done(operation).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_in_an_actor_loses_no_download() {
    let (anna, berta) = two().await;
    let limited = |rate| Settings {
        down_rate_max: rate,
        ..Settings::default()
    };
    berta
        .handle()
        .set_settings(limited(Some(2 << 20)))
        .await
        .unwrap();
    let operation = berta.get(AfterDownload::Keep).await;
    let begun = |game: &GameView| game.operation.as_ref().is_some_and(|o| o.done_bytes > 0);
    berta.until_game("some bytes", begun).await;
    for person in [&anna, &berta] {
        let handle = person.handle();
        handle.games.mailbox.send(Msg::Panic).await;
        handle.shelf.mailbox.send(crate::shelf::Msg::Panic).await;
        let again = |component| {
            move |view: &Snapshot| {
                let found = view.components.iter().find(|c| c.component == component);
                found.is_some_and(|c| c.running && c.restarts == 1)
            }
        };
        person
            .until("commands again", again(Component::Commands))
            .await;
        person
            .until("shelf again", again(Component::LibraryMonitor))
            .await;
    }
    berta.handle().set_settings(limited(None)).await.unwrap();
    berta.done(operation).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

/// A job that ends in a defect is over, and lets go of its game.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_in_a_job_ends_it() {
    let anna = Person::start().await;
    anna.publish("1.0").await;
    let (mailbox, mut reports) = crate::actor::mailbox();
    let control = JobControl::new(&tokio_util::sync::CancellationToken::new());
    let game = GameId::parse("quake").unwrap();
    let job = crate::jobs::Job::new(
        OperationId(9),
        game,
        control,
        mailbox,
        lanspread_disk::space::Ledger::default().claim(),
    );
    job.carry_out(async { panic!("planted") }).await;
    let Some(Msg::Job(_, _, JobReport::Ended(Err(error)))) = reports.recv().await else {
        panic!("it is not over");
    };
    assert_eq!(error.code(), "defect");
    assert!(error.to_string().contains("planted"), "{error}");
    anna.stop().await;
}

/// The same person, whose disk lies since. No node runs meanwhile: it would see how it happens.
async fn rotten(person: Person) -> Person {
    let dir = person.stop().await;
    rot(&dir.path().join("games/quake/maps/q3dm17.bsp"));
    let person = Person::start_in(dir).await;
    let is_here =
        |game: &GameView| game.local.downloaded.is_some() && game.local.not_shared.is_none();
    person.until_game("here again", is_here).await;
    person
}

/// Changes a byte so that the file looks as before.
fn rot(file: &Path) {
    let before = std::fs::metadata(file).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(file).unwrap();
    // Each piece is wrong.
    bytes.iter_mut().step_by(1_000).for_each(|byte| *byte ^= 1);
    std::fs::write(file, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.set_modified(before).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_bytes_are_refused_and_come_from_somebody_else() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Keep).await).await;
    let berta = rotten(berta).await;
    let carla = Person::start().await;
    carla.connect(&anna).await;
    carla.connect(&berta).await;
    let two_have_it = |game: &GameView| game.contents.iter().any(|c| c.holders.len() == 2);
    carla.until_game("two sources", two_have_it).await;
    carla.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    let mut notices = carla.handle().notices();
    let operation = carla.get(AfterDownload::Keep).await;
    let refused = async {
        loop {
            if let Ok(Notice::PeerRefused { peer, .. }) = notices.recv().await {
                return peer;
            }
        }
    };
    let liar = timeout(PATIENCE, refused).await.unwrap();
    assert_eq!(liar, berta.handle().snapshot().me.peer);
    share(&anna, true).await;
    carla.done(operation).await;
    check_files(&carla.game_dir(), "1.0");
    // The liar looked into it, and does not share it again at the next scan.
    let faulty = |game: &GameView| {
        let why = game.local.not_shared.as_ref();
        let Some(NotShared::Refused { code, .. }) = why else {
            return false;
        };
        *code == "disk-fault"
    };
    berta.until_game("disk fault", faulty).await;
    berta.handle().rescan().await.unwrap();
    // An operation ends after a look; this one has nothing to install.
    let install = berta.handle().install(quake()).await.unwrap();
    assert!(matches!(berta.ended(install).await, Phase::Failed(_)));
    let view = berta.handle().snapshot();
    assert!(faulty(game_of(&view).unwrap()));
    for person in [anna, berta, carla] {
        person.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_works_at_any_time() {
    let (anna, berta) = two().await;
    let mut handle = berta.handle().watch();
    let mut cancelled_in = std::collections::BTreeSet::new();
    for after in 0..12_u32 {
        let operation = berta.get(AfterDownload::Install).await;
        // Each time a few more snapshots later: another phase, or too late.
        for _ in 0..after / 4 {
            handle.changed().await.unwrap();
        }
        let partials = [Partials::Keep, Partials::Discard][after as usize % 2];
        if berta.handle().cancel(quake(), partials).await.is_ok() {
            cancelled_in.insert(after);
        }
        let phase = berta.ended(operation).await;
        assert!(
            matches!(phase, Phase::Cancelled | Phase::Done),
            "{after}: {phase:?}"
        );
        let view = berta.handle().snapshot();
        let local = game_of(&view).unwrap().local.clone();
        if local.installed.is_some() {
            check_files(&berta.game_dir().join("local"), "1.0");
            let uninstall = berta.handle().uninstall(quake(), UserFiles::Purge).await;
            berta.done(uninstall.unwrap()).await;
        }
        if local.downloaded.is_some() {
            check_files(&berta.game_dir(), "1.0");
            let remove = berta.handle().remove(quake(), WhileInstalled::Refuse).await;
            berta.done(remove.unwrap()).await;
            assert_eq!(berta.journals(), 0, "{after}");
        }
    }
    assert!(!cancelled_in.is_empty());
    berta.done(berta.get(AfterDownload::Install).await).await;
    assert_eq!(berta.journals(), 0);
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stopped_after_the_commit_only_installs() {
    // Killed, it may not have come to remember what it committed.
    for remembers in [true, false] {
        let (anna, berta) = two().await;
        berta.done(berta.get(AfterDownload::Keep).await).await;
        let content = game_of(&berta.handle().snapshot()).unwrap().local.content;
        anna.stop().await;
        let dir = berta.stop().await;
        if !remembers {
            std::fs::remove_file(dir.path().join("state/index.redb")).unwrap();
        }
        let payload = dir.path().join("games/quake/maps/q3dm17.bsp");
        let before = std::fs::metadata(&payload).unwrap().modified().unwrap();
        let saved = format!("get\t{}\tinstall\t1.0\tquake\n", content.unwrap());
        std::fs::write(dir.path().join("state/downloads"), saved).unwrap();
        let berta = Person::start_in(dir).await;
        berta
            .until_phase("done", |phase| matches!(phase, Phase::Done))
            .await;
        check_files(&berta.game_dir().join("local"), "1.0");
        // Nothing was fetched or written again.
        let after = std::fs::metadata(&payload).unwrap().modified().unwrap();
        assert_eq!(after, before, "{remembers}");
        assert!(!berta.game_dir().join("kept").exists(), "{remembers}");
        berta.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_interrupted_packing_left_is_no_obstacle() {
    let anna = Person::start().await;
    // As a power cut leaves it.
    std::fs::create_dir(anna.game_dir()).unwrap();
    std::fs::write(anna.game_dir().join(".lanspread_packing"), "torn").unwrap();
    let source = anna.dir.path().join("quake");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("quake.exe"), "program").unwrap();
    let request = PublishRequest {
        source,
        version: VersionLabel::parse("1.0").unwrap(),
        how: PublishHow::Move,
    };
    let operation = anna.handle().publish(request.clone()).await.unwrap();
    anna.done(operation).await;
    assert!(!anna.game_dir().join(".lanspread_packing").exists());
    // A game that is there is never replaced.
    std::fs::create_dir(&request.source).unwrap();
    let operation = anna.handle().publish(request).await.unwrap();
    let phase = anna.ended(operation).await;
    assert!(
        matches!(
            &phase,
            Phase::Failed(OperationError::Publish { code: "exists", .. })
        ),
        "{phase:?}"
    );
    anna.stop().await;
}

/// So slow that a download can be stopped in its middle; or as fast as it goes.
async fn limit(person: &Person, down: Option<u64>, downloads_max: usize) {
    let settings = Settings {
        down_rate_max: down,
        downloads_max,
        ..Settings::default()
    };
    person.handle().set_settings(settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_outlives_cancel_pause_and_stop_until_it_is_discarded() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let some = |game: &GameView| {
        let open = game.operation.as_ref().filter(|o| !o.phase.is_end());
        open.is_some_and(|operation| operation.done_bytes > 0)
    };
    let operation = berta.get(AfterDownload::Keep).await;
    berta.until_game("some pieces", some).await;
    berta
        .handle()
        .cancel(quake(), Partials::Keep)
        .await
        .unwrap();
    assert!(matches!(berta.ended(operation).await, Phase::Cancelled));
    let kept = |view: &Snapshot| game_of(view).unwrap().local.partial_bytes;
    assert!(kept(&berta.handle().snapshot()) > 0);
    assert_eq!(berta.journals(), 1);

    // Paused it stays over a stop, and does nothing by itself.
    berta.get(AfterDownload::Keep).await;
    berta.until_game("goes on", some).await;
    berta.handle().pause(quake()).await.unwrap();
    let berta = Person::start_in(berta.stop().await).await;
    berta.connect(&anna).await;
    berta
        .until_phase("paused", |phase| matches!(phase, Phase::Paused))
        .await;
    berta.until_offered("1.0").await;
    assert!(berta.game_dir().join(".incoming").exists());
    // It still waits, and is given up with all that was there of it.
    berta
        .handle()
        .cancel(quake(), Partials::Discard)
        .await
        .unwrap();
    let end = |phase: &Phase| matches!(phase, Phase::Cancelled);
    berta.until_phase("cancelled", end).await;
    assert!(!berta.game_dir().exists());
    assert_eq!(berta.journals(), 0);
    berta.done(berta.get(AfterDownload::Keep).await).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_is_over_at_once_stops_nobody() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let operation = berta.get(AfterDownload::Keep).await;
    let some = |game: &GameView| {
        let open = game.operation.as_ref();
        open.is_some_and(|operation| operation.done_bytes > 0)
    };
    berta.until_game("some pieces", some).await;
    for _ in 0..20 {
        share(&anna, false).await;
        share(&anna, true).await;
    }
    limit(&berta, None, 2).await;
    berta.done(operation).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_may_leave_in_the_middle_and_come_back() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let operation = berta.get(AfterDownload::Install).await;
    let done_bytes = |game: &GameView| game.operation.as_ref().map_or(0, |o| o.done_bytes);
    berta
        .until_game("some pieces", |game| done_bytes(game) > 0)
        .await;
    let dir = anna.stop().await;
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForSource);
    berta.until_phase("waiting", waits).await;
    let before = done_bytes(game_of(&berta.handle().snapshot()).unwrap());
    assert!(before > 0);
    let anna = Person::start_in(dir).await;
    limit(&berta, None, 2).await;
    berta.connect(&anna).await;
    berta.done(operation).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    // What was there was not fetched again.
    let view = berta.handle().snapshot();
    let peers = &view.peers;
    let received: u64 = peers.iter().map(|peer| peer.received_bytes).sum();
    let whole = BYTES as u64 + 2 * 1024 * 1024;
    assert!(received <= whole, "{received} of {whole}");
    anna.stop().await;
    berta.stop().await;
}
