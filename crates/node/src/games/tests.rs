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
mod defects;
mod directory;
mod low_disk;
mod manifests;
mod odd;
mod pauses;
mod publishing;
mod sources;
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

/// As nobody has copied into it for long; of a folder without others in it.
fn settle(folder: &Path) {
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3_600);
    let entries = std::fs::read_dir(folder).unwrap();
    let entries = entries.map(|entry| entry.unwrap().path());
    for path in entries.chain([folder.to_owned()]) {
        let opened = std::fs::File::open(path).unwrap();
        opened.set_modified(long_ago).unwrap();
    }
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

/// So slow that a download can be stopped in its middle; or as fast as it goes.
async fn limit(person: &Person, down: Option<u64>, downloads_max: usize) {
    let settings = Settings {
        down_rate_max: down,
        downloads_max,
        ..Settings::default()
    };
    person.handle().set_settings(settings).await.unwrap();
}
