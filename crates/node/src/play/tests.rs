//! Games that are really started: whole nodes on loopback, programs of this system.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "the test looks at what was really written"
)]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use lanspread_proto::{Hash, VersionLabel, text::PeerName};
use lanspread_unpack::WorkerCommand;
use tokio::time::timeout;

use super::*;
use crate::{
    Config, Node, NodeHandle, Snapshot,
    config::{Discovery, Listen},
    handle::{GamesMove, PublishHow, PublishRequest, UserFiles},
    snapshot::{GameView, OperationId, PlayState},
};

mod low_disk;

/// Long enough for a loaded machine; a failure takes so long to show.
const PATIENCE: Duration = Duration::from_secs(60);

struct Person {
    node: Node,
    dir: tempfile::TempDir,
}

fn quake() -> GameId {
    GameId::parse("quake").unwrap()
}

impl Person {
    async fn start_in(dir: tempfile::TempDir) -> Self {
        let games_dir = dir.path().join("games");
        std::fs::create_dir_all(&games_dir).unwrap();
        let config = Config {
            games_dir,
            state_dir: dir.path().join("state"),
            name: PeerName::clean("Ann B"),
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

    /// Somebody who has the game installed, with this `lanspread.toml`.
    async fn with(profile: &str) -> Self {
        let person = Self::start_in(tempfile::tempdir().unwrap()).await;
        person.publish("1", profile).await;
        person
            .done(person.handle().install(quake()).await.unwrap())
            .await;
        person
    }

    fn handle(&self) -> NodeHandle {
        self.node.handle()
    }

    fn game_dir(&self) -> PathBuf {
        self.dir.path().join("games/quake")
    }

    fn local(&self, name: &str) -> PathBuf {
        self.game_dir().join("local").join(name)
    }

    async fn publish(&self, version: &str, profile: &str) {
        let dir = self.game_dir();
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("version.ini"), version).unwrap();
        std::fs::write(dir.join("lanspread.toml"), profile).unwrap();
        std::fs::write(dir.join("a.ini"), "name=nobody\nvolume=3\n").unwrap();
        for program in ["touch", "sleep", "false"] {
            // As a download has it: nothing may be started yet.
            let bytes = std::fs::read(Path::new("/usr/bin").join(program)).unwrap();
            std::fs::write(dir.join(program), bytes).unwrap();
        }
        let request = PublishRequest {
            source: dir,
            version: VersionLabel::parse(version).unwrap(),
            how: PublishHow::Pack,
        };
        self.done(self.handle().publish(request).await.unwrap())
            .await;
        let is_here = |game: &GameView| {
            let version = VersionLabel::parse(version).unwrap();
            game.local.content.is_some() && game.local.downloaded == Some(version)
        };
        self.until_game("published", is_here).await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Snapshot) -> bool) {
        let mut views = self.handle().watch();
        let seen = timeout(PATIENCE, views.wait_for(|view| is_so(view))).await;
        let seen_last = self.handle().snapshot();
        assert!(seen.is_ok(), "not in time: {what}: {seen_last:#?}");
    }

    async fn until_game(&self, what: &str, is_so: impl Fn(&GameView) -> bool) {
        self.until(what, |view| game_of(view).is_some_and(&is_so))
            .await;
    }

    async fn until_state(&self, state: PlayState) {
        // What was before the last command is not meant.
        self.handle().shown().await;
        let is_it = |game: &GameView| game.play.is_some_and(|play| play.state == state);
        self.until_game("state", is_it).await;
    }

    async fn until_phase(&self, operation: OperationId, is_it: impl Fn(&Phase) -> bool) {
        let reached = |game: &GameView| {
            let this = game.operation.as_ref().filter(|o| o.operation == operation);
            this.is_some_and(|o| is_it(&o.phase))
        };
        self.until_game("phase", reached).await;
    }

    async fn done(&self, operation: OperationId) {
        self.until_phase(operation, |phase| matches!(phase, Phase::Done))
            .await;
    }

    async fn plan(&self) -> PlayPlan {
        self.handle().plan_play(request(Role::Game)).await.unwrap()
    }

    async fn begin(&self, role: Role, hash: Hash, agreed: Agreed) -> Result<Started, PlayError> {
        let play = request(role);
        self.handle()
            .play(StartRequest { play, hash, agreed })
            .await
    }

    /// Starts the game as a person who agrees, and waits for its end.
    async fn play(&self) {
        let hash = self.plan().await.hash;
        self.begin(Role::Game, hash, Agreed::Yes).await.unwrap();
        self.until_state(PlayState::Idle).await;
    }

    fn problems(&self) -> Vec<&'static str> {
        let snapshot = self.handle().snapshot();
        snapshot
            .problems
            .iter()
            .map(|problem| problem.code)
            .collect()
    }
}

fn game_of(view: &Snapshot) -> Option<&GameView> {
    view.games.iter().find(|game| game.game == quake())
}

fn request(role: Role) -> PlayRequest {
    PlayRequest {
        game: quake(),
        role,
        join: None,
        language: Language::parse("de").unwrap(),
    }
}

const TOUCH: &str = "[play]\nlinux = 'touch'\narguments = ['ran {player_name} {language}']\n";
const SLEEP: &str = "[play]\nlinux = 'sleep'\narguments = ['1000']\n\
    [play.server]\nlinux = 'sleep'\narguments = ['1000']\nport = 27960\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_once_and_started_as_shown() {
    let ann = Person::with(TOUCH).await;
    let plan = ann.plan().await;
    assert_eq!(plan.command.program, ann.local("touch"));
    assert_eq!(plan.command.arguments, ["ran Ann B de"]);
    assert_eq!(plan.command.folder, ann.game_dir().join("local"));
    assert!(!plan.trusted && plan.source == ProfileSource::Game);
    let refused = ann
        .begin(Role::Game, plan.hash, Agreed::NotAsked)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "consent-needed");
    let other = ann
        .begin(Role::Game, Hash::of(b""), Agreed::Yes)
        .await
        .unwrap_err();
    assert_eq!(other.code(), "other-profile");
    assert!(!ann.local("ran Ann B de").exists());
    ann.begin(Role::Game, plan.hash, Agreed::Yes).await.unwrap();
    ann.until_state(PlayState::Idle).await;
    assert!(ann.local("ran Ann B de").exists());
    assert!(ann.problems().is_empty(), "{:?}", ann.problems());
    // Nobody is asked again, after a restart neither.
    let Person { node, dir } = ann;
    node.stop().await;
    let ann = Person::start_in(dir).await;
    ann.until_state(PlayState::Idle).await;
    assert!(ann.plan().await.trusted);
    std::fs::remove_file(ann.local("ran Ann B de")).unwrap();
    ann.begin(Role::Game, plan.hash, Agreed::NotAsked)
        .await
        .unwrap();
    ann.until_state(PlayState::Idle).await;
    assert!(ann.local("ran Ann B de").exists());
    ann.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_possible_says_why() {
    let ann = Person::with("[play]\nwindows = 'quake.exe'\n").await;
    let plan = |role| {
        let handle = ann.handle();
        async move { handle.plan_play(request(role)).await.map_err(|e| e.code()) }
    };
    assert_eq!(plan(Role::Game).await, Err("needs-wine"));
    assert_eq!(plan(Role::Server).await, Err("no-server"));
    let settings = Settings {
        wine: Some("/usr/bin/wine".into()),
        ..Settings::default()
    };
    ann.handle().set_settings(settings).await.unwrap();
    assert_eq!(plan(Role::Game).await, Err("program-missing"));
    std::fs::write(ann.local("quake.exe"), "x").unwrap();
    let wine = plan(Role::Game).await.unwrap().command;
    assert_eq!(wine.program, Path::new("/usr/bin/wine"));
    assert_eq!(Path::new(&wine.arguments[0]), ann.local("quake.exe"));
    let nobody = PlayRequest {
        game: GameId::parse("doom").unwrap(),
        ..request(Role::Game)
    };
    let missing = ann.handle().plan_play(nobody).await.unwrap_err();
    assert_eq!(missing.code(), "not-installed");
    let join = PlayRequest {
        join: Some(Join::Address([10, 0, 0, 1].into())),
        ..request(Role::Game)
    };
    assert_eq!(
        ann.handle().plan_play(join).await.unwrap_err().code(),
        "no-join"
    );
    ann.node.stop().await;
    let bob = Person::with("title = 'Quake'").await;
    let unsaid = bob
        .handle()
        .plan_play(request(Role::Game))
        .await
        .unwrap_err();
    assert_eq!(unsaid.code(), "no-profile");
    bob.node.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_not_started() {
    let ann = Person::with(TOUCH).await;
    std::fs::remove_file(ann.local("touch")).unwrap();
    std::os::unix::fs::symlink("/usr/bin/touch", ann.local("touch")).unwrap();
    let missing = ann
        .handle()
        .plan_play(request(Role::Game))
        .await
        .unwrap_err();
    assert_eq!(missing.code(), "program-missing");
    ann.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_game_is_not_changed_and_outlives_the_node() {
    let ann = Person::with(SLEEP).await;
    let hash = ann.plan().await.hash;
    ann.begin(Role::Game, hash, Agreed::Yes).await.unwrap();
    ann.until_state(PlayState::Running).await;
    let again = ann.begin(Role::Game, hash, Agreed::Yes).await.unwrap_err();
    assert_eq!(again.code(), "game-running");
    let operation = ann
        .handle()
        .uninstall(quake(), UserFiles::Keep)
        .await
        .unwrap();
    let waits = |phase: &Phase| matches!(phase, Phase::CloseTheGame);
    ann.until_phase(operation, waits).await;
    let elsewhere = ann.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let moved = ann.handle().set_games_dir(elsewhere, GamesMove::Move).await;
    assert_eq!(moved.unwrap_err().code(), "close-the-game");
    let busy = ann
        .begin(Role::Server, hash, Agreed::Yes)
        .await
        .unwrap_err();
    assert_eq!(busy.code(), "busy");
    let program = children(&ann.local("sleep"));
    assert_eq!(program.len(), 1);
    ann.until_phase(operation, waits).await;
    end(program[0]);
    ann.done(operation).await;
    assert!(!ann.game_dir().join("local").exists());
    // It is installed again, and runs when the node stops.
    ann.done(ann.handle().install(quake()).await.unwrap()).await;
    ann.begin(Role::Game, hash, Agreed::NotAsked).await.unwrap();
    let program = children(&ann.local("sleep"));
    ann.node.stop().await;
    let path = program_of(program[0]);
    assert!(path.is_some_and(|path| path.ends_with("local/sleep")));
    end(program[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_announced_and_joined() {
    let profile = format!("{SLEEP}\n[[play.settings]]\nfile = 'x'\ntext = ''\n").replace(
        "arguments = ['1000']\n\
    [play.server]",
        "arguments = ['1000']\njoin = ['{host_ip}']\n[play.server]",
    );
    let (ann, bob) = (Person::with(&profile).await, Person::with(&profile).await);
    bob.handle()
        .connect(ann.handle().snapshot().me.addresses[0])
        .await
        .unwrap();
    let hash = ann.plan().await.hash;
    ann.begin(Role::Server, hash, Agreed::Yes).await.unwrap();
    let key = ann.handle().snapshot().me.peer;
    let hosted = |game: &GameView| {
        let host = game.hosts.iter().find(|host| host.peer == key);
        host.is_some_and(|host| host.port == Some(27_960))
    };
    bob.until_game("hosted", hosted).await;
    let join = PlayRequest {
        join: Some(Join::Peer(key)),
        ..request(Role::Game)
    };
    let plan = bob.handle().plan_play(join).await.unwrap();
    assert_eq!(plan.command.arguments, ["1000", "127.0.0.1"]);
    end(children(&ann.local("sleep"))[0]);
    bob.until_game("no longer hosted", |game| game.hosts.is_empty())
        .await;
    let stranger = PlayRequest {
        join: Some(Join::Peer(bob.handle().snapshot().me.peer)),
        ..request(Role::Game)
    };
    assert_eq!(
        bob.handle().plan_play(stranger).await.unwrap_err().code(),
        "no-host"
    );
    ann.node.stop().await;
    bob.node.stop().await;
}

const SET_UP: &str = "[play]\nlinux = 'touch'\narguments = ['ran']\n\
    [play.setup]\nlinux = 'touch'\narguments = ['set up']\n\
    [[play.settings]]\nfile = 'a.ini'\nbegins = 'name='\nline = 'name={player_name}'\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_up_and_set_once() {
    let ann = Person::with(SET_UP).await;
    assert!(ann.plan().await.setup.is_some());
    ann.play().await;
    assert!(ann.local("set up").exists() && ann.local("ran").exists());
    let text = |person: &Person| std::fs::read_to_string(person.local("a.ini")).unwrap();
    assert_eq!(text(&ann), "name=Ann B\nvolume=3\n");
    std::fs::remove_file(ann.local("set up")).unwrap();
    std::fs::write(ann.local("a.ini"), "name=Zoe\n").unwrap();
    assert_eq!(ann.plan().await.setup, None);
    ann.play().await;
    assert!(!ann.local("set up").exists(), "a set-up runs once");
    assert_eq!(text(&ann), "name=Zoe\n", "what the user wrote stays");
    // A profile that changed elsewhere does not set up again; one whose set-up changed does.
    ann.publish("2", &SET_UP.replace("'ran'", "'ran again'"))
        .await;
    ann.done(ann.handle().install(quake()).await.unwrap()).await;
    assert_eq!(ann.plan().await.setup, None);
    ann.publish("3", &SET_UP.replace("'set up'", "'other set-up'"))
        .await;
    ann.done(ann.handle().install(quake()).await.unwrap()).await;
    ann.play().await;
    assert!(ann.local("other set-up").exists());
    assert_eq!(text(&ann), "name=Zoe\n");
    // What is installed anew is set up anew.
    ann.done(
        ann.handle()
            .uninstall(quake(), UserFiles::Keep)
            .await
            .unwrap(),
    )
    .await;
    ann.done(ann.handle().install(quake()).await.unwrap()).await;
    assert!(ann.plan().await.setup.is_some());
    ann.play().await;
    assert_eq!(text(&ann), "name=Ann B\nvolume=3\n");
    ann.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_up_that_fails_is_reported_and_the_game_stays() {
    let failing = SET_UP.replace(
        "[play.setup]\nlinux = 'touch'",
        "[play.setup]\nlinux = 'false'",
    );
    let ann = Person::with(&failing).await;
    let hash = ann.plan().await.hash;
    let started = ann.begin(Role::Game, hash, Agreed::Yes).await.unwrap();
    assert_eq!(started, Started::SettingUp);
    let failed = |view: &Snapshot| view.problems.iter().any(|p| p.code == "setup-failed");
    ann.until("the failure", failed).await;
    ann.until_state(PlayState::Idle).await;
    assert!(!ann.local("ran").exists());
    assert!(ann.plan().await.setup.is_some(), "it is tried again");
    let view = ann.handle().snapshot();
    assert!(game_of(&view).unwrap().local.installed.is_some());
    ann.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_ends_at_once_is_reported() {
    let ann = Person::with("[play]\nlinux = 'false'\n").await;
    let hash = ann.plan().await.hash;
    ann.begin(Role::Game, hash, Agreed::Yes).await.unwrap();
    let ended = |view: &Snapshot| view.problems.iter().any(|p| p.code == "program-ended");
    ann.until("its end", ended).await;
    ann.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalog_of_this_machine_goes_first() {
    let ann = Person::with(TOUCH).await;
    let own = "[games.quake]\ntitle = 'Our Quake'\nyear = 1996\ncover = 'q.png'\n\
        [games.quake.play]\nlinux = 'touch'\narguments = ['house']\n";
    std::fs::write(ann.dir.path().join("state/catalog.toml"), own).unwrap();
    std::fs::write(ann.dir.path().join("state/q.png"), b"\x89PNG\r\n\x1a\nx").unwrap();
    ann.handle().rescan().await.unwrap();
    let known = |game: &GameView| {
        let about = game.about.as_ref();
        game.title.as_str() == "Our Quake" && about.is_some_and(|about| about.year == Some(1996))
    };
    ann.until_game("the catalog", known).await;
    let cover = ann.handle().cover(quake()).await.unwrap().unwrap();
    assert_eq!(cover.kind, CoverKind::Png);
    let plan = ann.plan().await;
    assert!(plan.trusted && plan.source == ProfileSource::OwnCatalog);
    assert_eq!(plan.command.arguments, ["house"]);
    ann.begin(Role::Game, plan.hash, Agreed::NotAsked)
        .await
        .unwrap();
    ann.until_state(PlayState::Idle).await;
    assert!(ann.local("house").exists());
    std::fs::write(ann.dir.path().join("state/catalog.toml"), "games = 1").unwrap();
    ann.handle().rescan().await.unwrap();
    ann.until("the problem", |view| {
        view.problems.iter().any(|p| p.code == "catalog")
    })
    .await;
    assert!(!ann.plan().await.trusted);
    ann.node.stop().await;
}

/// The processes that run this program.
fn children(program: &Path) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid| program_of(*pid).as_deref() == Some(program))
        .collect()
}

fn program_of(pid: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn end(pid: i32) {
    let status = std::process::Command::new("kill")
        .arg(pid.to_string())
        .status();
    assert!(status.unwrap().success());
}
