//! The binary as others start it: exit codes, streams, files. No network beyond loopback.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests, which look at files that the binary leaves"
)]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

fn lanspread(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanspread"));
    command
        .env_clear()
        .env("HOME", state)
        .env("LANSPREAD_STATE", state.join("state"));
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command
}

fn run(state: &Path, line: &str) -> Output {
    lanspread(state)
        .args(line.split_whitespace())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn exit_codes_without_a_node() {
    let dir = tempfile::tempdir().unwrap();
    let check = |line: &str, code: i32, err: &str| {
        let output = run(dir.path(), line);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        assert!(
            text(&output.stderr).contains(err),
            "{line}: {}",
            text(&output.stderr)
        );
    };
    check("get", 2, "required");
    check("no-such-command", 2, "unrecognized");
    check("--help", 0, "");
    check("--version", 0, "");
    check("completions bash", 0, "");
    check("man", 0, "");
    check("man no-such-command", 2, "bad-value");
    for line in [
        "games",
        "peers",
        "status",
        "get quake",
        "share on",
        "limit",
        "kick x",
        "queue",
    ] {
        check(line, 3, "[no-node]");
    }
    check("games", 3, "hint: start one with `lanspread`");
    check("logs", 1, "state-dir");
    check("settings up nonsense", 2, "bad-value");
    check("node --interface nosuch0 --games .", 1, "[no-interface]");
}

#[test]
fn errors_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), "games --json");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "no-node");
    assert!(output.stdout.is_empty());
}

#[test]
fn settings_without_a_node() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(dir.path(), "settings up 10MB/s").status.code(), Some(0));
    assert_eq!(run(dir.path(), "settings name Box").status.code(), Some(0));
    assert_eq!(text(&run(dir.path(), "settings up").stdout), "10.0 MB/s\n");
    let names = "settings http_names seedbox.lan,SeedBox";
    assert_eq!(run(dir.path(), names).status.code(), Some(0));
    assert_eq!(
        run(dir.path(), "settings http_view on").status.code(),
        Some(0)
    );
    let refused = run(dir.path(), "settings http_names seedbox.lan:80");
    assert_eq!(refused.status.code(), Some(2));
    let all: Value = serde_json::from_slice(&run(dir.path(), "settings --json").stdout).unwrap();
    assert_eq!(all["http_names"], "seedbox.lan,seedbox");
    assert_eq!(all["http_view"], "on");
    assert_eq!(all["name"], "Box");
    assert_eq!(all["share"], "on");
    let output = lanspread(dir.path())
        .args(["settings", "name"])
        .env("LANSPREAD_NAME", "Env")
        .output();
    assert_eq!(
        text(&output.unwrap().stdout),
        "Env\n",
        "the environment goes first"
    );
}

#[test]
fn doctor_works_without_a_node() {
    let dir = tempfile::tempdir().unwrap();
    let level = |games: Option<&str>, what: &str| {
        let mut command = lanspread(dir.path());
        command.args(["doctor", "--json"]);
        if let Some(games) = games {
            command.env("LANSPREAD_GAMES", dir.path().join(games));
        }
        let output = command.output().unwrap();
        let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut findings = findings.as_array().unwrap().iter();
        let found = findings.find(|finding| finding["subject"] == what);
        found.map(|finding| finding["level"].clone())
    };
    assert_eq!(level(None, "node"), Some("warn".into()));
    assert_eq!(level(None, "clock"), Some("good".into()));
    assert_eq!(
        level(None, "games"),
        Some("good".into()),
        "the first start makes it"
    );
    assert_eq!(
        level(Some("gone"), "games"),
        Some("bad".into()),
        "nobody makes this one"
    );
}

/// A node that is driven by lines, until dropped.
struct Node {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Node {
    fn start(dir: &Path) -> Self {
        let games = dir.join("games");
        std::fs::create_dir_all(&games).unwrap();
        let mut child = lanspread(dir)
            .args([
                "node",
                "--jsonl",
                "--no-mdns",
                "--listen",
                "127.0.0.1:0",
                "--games",
            ])
            .arg(games)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut node = Self { child, lines };
        assert!(node.read()["started"]["peer"].is_string());
        node
    }

    fn read(&mut self) -> Value {
        let line = self.lines.next().expect("a line").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a command and skips notices until its reply.
    fn call(&mut self, command: &Value) -> Value {
        let input = self.child.stdin.as_mut().unwrap();
        writeln!(input, "{command}").unwrap();
        loop {
            let line = self.read();
            if line["id"] == command["id"] {
                return line;
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_node_lives_and_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::start(dir.path());
    let state = dir.path().join("state");
    let games = node.call(&serde_json::json!({"id": 1, "command": "games"}));
    assert_eq!(games["reply"], "games");
    let unknown = node.call(&serde_json::json!({"id": 2, "command": "get", "game": "nothing"}));
    assert_eq!(unknown["error"]["code"], "unknown-game");

    let second = run(dir.path(), "node --no-mdns --listen 127.0.0.1:0");
    assert_eq!(second.status.code(), Some(4), "{}", text(&second.stderr));

    let status = run(dir.path(), "status");
    assert_eq!(status.status.code(), Some(0), "{}", text(&status.stderr));
    assert_eq!(run(dir.path(), "get nothing").status.code(), Some(1));
    assert_eq!(run(dir.path(), "limit --up 3MB/s").status.code(), Some(0));
    assert_eq!(text(&run(dir.path(), "settings up").stdout), "3.0 MB/s\n");
    let lines = text(&run(dir.path(), "games").stdout);
    assert!(lines.contains("no games yet"), "{lines}");

    drop(node.child.stdin.take());
    let ended = node.child.wait().unwrap();
    assert!(ended.success(), "the end of the input is a clean stop");
    check_stopped_whole(dir.path());
    assert!(
        !state.join("api.json").try_exists().unwrap(),
        "the address is gone"
    );
    let config = std::fs::read_to_string(state.join("config.toml")).unwrap();
    assert!(config.contains("up = \"3000000B/s\""), "{config}");
    assert!(state.join("logs/lanspread.log").try_exists().unwrap());
}

/// Nothing had to be given up on: what a stop has not ended after seconds, the log names.
fn check_stopped_whole(dir: &Path) {
    let log = std::fs::read_to_string(dir.join("state/logs/lanspread.log")).unwrap();
    assert!(log.contains("this node stops"), "{log}");
    assert!(!log.contains("in time") && !log.contains("ERROR"), "{log}");
}

#[cfg(unix)]
#[test]
fn a_signal_is_a_clean_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::start(dir.path());
    let pid = node.child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(killed.success());
    // Waiting closes the input of a child. That asks it to stop too, and twice means at once.
    let input = node.child.stdin.take();
    assert!(node.child.wait().unwrap().success());
    drop(input);
    check_stopped_whole(dir.path());
    assert_eq!(run(dir.path(), "status").status.code(), Some(3));
}

#[test]
fn a_node_that_was_killed_is_not_running() {
    let dir = tempfile::tempdir().unwrap();
    drop(Node::start(dir.path()));
    let output = run(dir.path(), "games");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    drop(Node::start(dir.path()));
}
