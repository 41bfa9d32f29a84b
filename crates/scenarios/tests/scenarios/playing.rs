//! From an invitation to a game that runs: three clicks, one more for a game that nobody vouched
//! for. What is started are small programs of this machine.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use lanspread_lab::LabConfig;
use serde_json::{Value, json};

use crate::{
    browsing::{Desktop, Page, until},
    games::Game,
    party::{Party, is_there},
    peer::{Peer, SOON, game_in},
};

/// Writes down how it was started, as the name of a file beside it.
const PROFILE: &str = "title = 'Arena'\n\
    [play]\nlinux = 'bin/touch'\nfolder = 'bin'\n\
    arguments = ['ran as {player_name} in {language}']\njoin = ['joined {host_ip}']\n\
    [play.server]\nlinux = 'bin/sleep'\narguments = ['1000']\nport = 27960\n\
    [[play.settings]]\nfile = 'empty.cfg'\nbegins = 'name='\nline = 'name={player_name}'\n";

fn arena(profile: &str) -> Game {
    let program = |name: &str| fs::read(Path::new("/usr/bin").join(name)).unwrap();
    Game::new("arena", "1.0", 3)
        .with("lanspread.toml", profile.as_bytes())
        .with("bin/touch", &program("touch"))
        .with("bin/sleep", &program("sleep"))
}

/// Waits until a program has written down how it was started.
fn until_there(path: &Path) {
    let end = Instant::now() + SOON;
    while !is_there(path) {
        assert!(Instant::now() < end, "{} did not come", path.display());
        thread::sleep(Duration::from_millis(50));
    }
}

/// The program of a game that runs, so that it can be closed.
fn process_of(program: &Path) -> Option<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().into_string().ok());
    numbers.find(|number| {
        let runs = fs::read_link(format!("/proc/{number}/exe"));
        runs.is_ok_and(|runs| runs == program)
    })
}

fn close(program: &Path) {
    let number = until("the program runs", || process_of(program));
    let closed = Command::new("kill").arg(number).status().unwrap();
    assert!(closed.success());
}

/// A guest who never saw LanSpread plays after three clicks: what is set is confirmed, *install*,
/// *play*; one more agrees to a game that nobody vouched for, and is never asked for again. Nothing
/// is started for anybody but that page: not without its session, from another page, under another
/// profile, or unasked.
#[test]
fn s51_three_clicks_to_a_running_game() {
    let Some(party) = Party::in_lab("s51_three_clicks", LabConfig::new(2)) else {
        return;
    };
    arena(PROFILE).write(&party.games(2));
    let mut host = party.start(2);
    host.until_shared("arena");
    let desktop = Desktop::new(&party);
    let _node = desktop.click();
    let page = Page::paired(party.host(1), &desktop.opened(1)[0]);
    let proposed = page.snapshot().unwrap()["first_run"].clone();
    let games = PathBuf::from(proposed["games_dir"].as_str().unwrap());

    // One: confirm. Two: install.
    page.ask(&json!({"command": "finish_first_run", "folder": games, "name": "Ann \"B\""}));
    page.until("the game is offered", |s| {
        game_in(s, "arena")["contents"][0]["ready"] == 1
    });
    page.ask(&json!({"command": "get", "game": "arena"}));
    let seen = page.until("it can be played", |s| {
        game_in(s, "arena")["play"]["can_play"] == true
    });
    assert_eq!(game_in(&seen, "arena")["title"], "Arena");

    // Three: play. The command is shown exactly as it would be started.
    let plan = page.ask(&json!({"command": "play_plan", "game": "arena", "language": "de"}));
    let local = games.join("arena/local");
    assert_eq!(plan["trusted"], false, "{plan:#}");
    assert_eq!(
        plan["program"]["path"],
        local.join("bin/touch").to_str().unwrap()
    );
    assert_eq!(plan["program"]["arguments"], json!(["ran as Ann B in de"]));
    let ran = local.join("bin/ran as Ann B in de");
    let play = |hash: &Value, accept: bool| {
        let mut command = json!({"command": "play", "game": "arena", "language": "de"});
        command["hash"] = hash.clone();
        command["accept"] = accept.into();
        command
    };
    let agreed = play(&plan["hash"], true);
    refusals(&page, &agreed);
    let refused = |command: &Value, code: &str| {
        let answer = page.post("/api/rpc", command);
        assert!(answer.starts_with("HTTP/1.1 403 "), "{command}: {answer}");
        assert!(answer.contains(code), "{command}: {answer}");
    };
    refused(&play(&plan["hash"], false), "consent-needed");
    refused(&play(&json!("ab".repeat(32)), true), "other-profile");
    assert!(!is_there(&ran), "nothing was started");

    // One more for the consent; then it runs, as a player of that name.
    page.ask(&agreed);
    until_there(&ran);
    page.until("it ended", |s| {
        game_in(s, "arena")["play"]["state"] == "idle"
    });
    let set = fs::read_to_string(local.join("empty.cfg")).unwrap();
    assert_eq!(set, "name=Ann B\n");
    fs::remove_file(&ran).unwrap();
    page.ask(&play(&plan["hash"], false));
    until_there(&ran);
    page.ask(&json!({"command": "quit", "when": "now"}));
}

/// The same command from anywhere else.
fn refusals(page: &Page<'_>, command: &Value) {
    let origin = format!("http://{}", page.address);
    let own = [
        ("Origin", origin.as_str()),
        ("Cookie", page.cookie.as_str()),
    ];
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let rows: [(&str, Headers<'_>, &str); 6] = [
        ("without a session", &[own[0]], "401"),
        ("by no page", &[own[1]], "403"),
        (
            "by another page",
            &[("Origin", "http://evil.example"), own[1]],
            "403",
        ),
        (
            "by a page without a name",
            &[("Origin", "null"), own[1]],
            "403",
        ),
        (
            "by another server here",
            &[own[0], own[1], ("Sec-Fetch-Site", "same-site")],
            "403",
        ),
        (
            "with a wrong token",
            &[own[0], ("Authorization", "Bearer 00")],
            "401",
        ),
    ];
    for (who, headers, status) in rows {
        let answer = page.request_with("POST /api/rpc", headers, &command.to_string());
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{who}: {answer}"
        );
    }
}

/// A server is started, others see who hosts, and join at the address of that peer's link. While it
/// runs, its game is not taken away; once it is closed, that goes on by itself. A terminal is asked
/// before anything of a stranger is started, and what is no terminal is refused.
#[test]
fn s52_a_server_that_others_join() {
    let party = Party::on_loopback();
    for number in [1, 2] {
        arena(PROFILE).write(&party.games(number));
    }
    let mut host = party.start(1);
    let address = host.address().to_string();
    let mut guest = party.start_with(2, &["--connect", &address]);
    for peer in [&mut host, &mut guest] {
        peer.until_shared("arena");
        peer.done(json!({"command": "install", "game": "arena"}));
    }
    guest.until_connected(1);
    let (code, _, error) = party.cli(1, &["play", "arena", "--server"]);
    assert!(
        code == 1 && error.contains("consent-needed") && error.contains("hint"),
        "{error}"
    );
    let (code, said, error) = party.cli(1, &["play", "arena", "--server", "--yes"]);
    assert!(code == 0 && said.contains("runs"), "{said} {error}");
    let key = host.key();
    let seen = guest.until("who hosts", |s| !game_in(s, "arena")["hosts"][0].is_null());
    let hosts = &game_in(&seen, "arena")["hosts"];
    assert_eq!(*hosts, json!([{"peer": key, "port": 27960}]));
    let (code, _, error) = party.cli(2, &["play", "arena", "--join", "peer1", "--yes"]);
    assert_eq!(code, 0, "{error}");
    until_there(&party.games(2).join("arena/local/bin/joined 127.0.0.1"));

    let operation = host.begin(json!({"command": "uninstall", "game": "arena"}));
    host.until("it waits", |s| {
        game_in(s, "arena")["operation"]["phase"] == "close_the_game"
    });
    let server = party.games(1).join("arena/local/bin/sleep");
    assert!(
        is_there(&server),
        "nothing is taken from under a running server"
    );
    close(&server);
    host.done_with("arena", operation);
    assert!(!is_there(&server));
    guest.until("nobody hosts", |s| {
        game_in(s, "arena")["hosts"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
}

/// A set-up that needs an administrator, and nobody agrees: it is reported, nothing else is
/// started, and the game stays installed. Once somebody agrees it runs, once.
#[test]
fn s53_a_set_up_that_is_refused() {
    let party = Party::on_loopback();
    let set_up = format!(
        "{PROFILE}[play.setup]\nlinux = 'bin/touch'\nadministrator = true\n\
         arguments = ['set up']\n"
    );
    arena(&set_up).write(&party.games(1));
    let bin = party.folder("bin");
    let answers = |script: &str| {
        let asks = bin.join("pkexec");
        fs::write(&asks, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&asks, fs::Permissions::from_mode(0o755)).unwrap();
    };
    answers("exit 126");
    let mut peer = start_asking(&party, &bin);
    peer.until_shared("arena");
    peer.done(json!({"command": "install", "game": "arena"}));
    let (code, _, error) = party.cli(1, &["play", "arena", "--yes"]);
    assert!(code == 1 && error.contains("setup-refused"), "{error}");
    let seen = peer.until("the problem", |s| {
        let problems = s["problems"].as_array().unwrap();
        problems
            .iter()
            .any(|problem| problem["code"] == "setup-refused")
    });
    assert!(!game_in(&seen, "arena")["local"]["installed"].is_null());
    let folder = party.games(1).join("arena/local");
    let ran = folder.join("bin/ran as peer1 in en");
    assert!(!is_there(&ran));
    answers("exec \"$@\"");
    let (code, _, error) = party.cli(1, &["play", "arena"]);
    assert_eq!(code, 0, "{error}");
    until_there(&ran);
    assert!(
        is_there(&folder.join("set up")),
        "its own directory is `local/`"
    );
    answers("exit 1");
    fs::remove_file(&ran).unwrap();
    peer.until("it ended", |s| {
        game_in(s, "arena")["play"]["state"] == "idle"
    });
    let (code, _, error) = party.cli(1, &["play", "arena"]);
    assert_eq!(code, 0, "a set-up runs once: {error}");
    until_there(&ran);
}

/// A peer on whose machine this is what asks for the rights of an administrator.
fn start_asking(party: &Party, bin: &Path) -> Peer {
    let path = std::env::var("PATH").unwrap();
    let mut command = party.program_of(1);
    command
        .env("PATH", format!("{}:{path}", bin.display()))
        .args(["node", "--jsonl", "--name", "peer1", "--games"])
        .arg(party.games(1))
        .args(["--listen", "127.0.0.1:0", "--no-mdns"]);
    Peer::start(command, "peer1", &party.folder("logs").join("log.txt"))
}
