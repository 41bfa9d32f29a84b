//! [`Party`]: a LAN with temporary directories for each peer on it, and the peers started there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lanspread_lab::{Host, Lab, LabConfig};
use tempfile::TempDir;

use crate::peer::Peer;

/// The program under test.
pub(crate) fn program() -> PathBuf {
    let path = std::env::var_os("LANSPREAD_BIN");
    path.map(PathBuf::from)
        .expect("LANSPREAD_BIN names the program; `cargo xtask test` sets it")
}

/// Where peers run, and their directories. Dropping it removes both.
#[derive(Debug)]
pub(crate) struct Party {
    lab: Option<Lab>,
    dir: TempDir,
}

impl Party {
    /// Peers on loopback, which find each other by typed addresses only.
    pub(crate) fn on_loopback() -> Self {
        let dir = tempfile::Builder::new().prefix("lanspread-").tempdir();
        Self {
            lab: None,
            dir: dir.unwrap(),
        }
    }

    /// Peers on the hosts of a lab; `None`, and a visible skip, where there can be none.
    pub(crate) fn in_lab(scenario: &str, config: LabConfig) -> Option<Self> {
        lanspread_lab::usable(scenario).then(|| Self {
            lab: Some(Lab::new(config).unwrap()),
            ..Self::on_loopback()
        })
    }

    /// A host of the lab; peer *n* runs on host *n*.
    pub(crate) fn host(&self, number: u8) -> &Host {
        self.lab.as_ref().unwrap().host(number).unwrap()
    }

    /// A directory for things that are no peer's.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        made(self.dir.path().join(name))
    }

    /// The games directory of a peer.
    pub(crate) fn games(&self, number: u8) -> PathBuf {
        made(self.dir.path().join(format!("peer{number}/games")))
    }

    /// The state directory of a peer.
    pub(crate) fn state(&self, number: u8) -> PathBuf {
        made(self.dir.path().join(format!("peer{number}/state")))
    }

    /// Starts a peer as anybody would.
    pub(crate) fn start(&self, number: u8) -> Peer {
        self.start_with(number, &[])
    }

    /// Starts a peer with more flags.
    pub(crate) fn start_with(&self, number: u8, flags: &[&str]) -> Peer {
        self.start_node(self.program_of(number), number, flags)
    }

    /// Starts a peer on a host of the lab whose cards are what this says: for each a directory
    /// that is there for its kind, `device` or `wireless`. A lab has neither.
    pub(crate) fn start_with_cards(&self, number: u8, cards: &[(&str, &str)]) -> Peer {
        const NET: &str = "/sys/class/net";
        let mut lines = vec![format!("mount -t tmpfs lanspread-scenario {NET}")];
        for (card, kind) in cards {
            lines.push(format!("mkdir -p {NET}/{card}/{kind}"));
        }
        lines.push("exec \"$0\" \"$@\"".to_owned());
        let lab = self.lab.as_ref().unwrap();
        // Each program on a host has its own mounts.
        let mut command = lab.host(number).unwrap().command("sh");
        command.args(["-e", "-c", &lines.join("\n")]).arg(program());
        self.start_node(self.set_up(command, number), number, &[])
    }

    /// Starts a peer on a host of the lab whose games directory cannot be written to.
    pub(crate) fn start_read_only(&self, number: u8) -> Peer {
        let lines = [
            "mount --bind \"$GAMES\" \"$GAMES\"",
            "mount -o remount,bind,ro \"$GAMES\"",
            "exec \"$0\" \"$@\"",
        ];
        let lab = self.lab.as_ref().unwrap();
        // Each program on a host has its own mounts.
        let mut command = lab.host(number).unwrap().command("sh");
        command.env("GAMES", self.games(number));
        command.args(["-e", "-c", &lines.join("\n")]).arg(program());
        self.start_node(self.set_up(command, number), number, &[])
    }

    fn start_node(&self, mut command: Command, number: u8, flags: &[&str]) -> Peer {
        let name = format!("peer{number}");
        command.args(["node", "--jsonl", "--name", &name, "--games"]);
        command.arg(self.games(number));
        if self.lab.is_none() {
            command.args(["--listen", "127.0.0.1:0", "--no-mdns"]);
        }
        command.args(flags);
        let log = self.dir.path().join(format!("{name}/log-{}.txt", nanos()));
        Peer::start(command, &name, &log)
    }

    /// Starts a Windows program as a peer, under Wine.
    pub(crate) fn start_windows(&self, number: u8, program: &Path, flags: &[&str]) -> Peer {
        let name = format!("peer{number}");
        let mut command = without_settings(Command::new("/usr/lib/wine/wine64"));
        command.arg(program);
        command.args(["--state", &as_windows_sees(&self.state(number))]);
        command.args(["node", "--jsonl", "--name", &name, "--games"]);
        command.arg(as_windows_sees(&self.games(number)));
        command.args(["--listen", "127.0.0.1:0", "--no-mdns"]);
        command.args(flags);
        let log = self.dir.path().join(format!("{name}/log-{}.txt", nanos()));
        Peer::start(command, &name, &log)
    }

    /// Runs a command line against a peer's node: exit code, stdout, stderr.
    pub(crate) fn cli(&self, number: u8, args: &[&str]) -> (i32, String, String) {
        let output = self.program_of(number).args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        (code, text(output.stdout), text(output.stderr))
    }

    /// The program with a peer's state directory, on the peer's host.
    pub(crate) fn program_of(&self, number: u8) -> Command {
        let command = match &self.lab {
            Some(lab) => lab.host(number).unwrap().command(program()),
            None => Command::new(program()),
        };
        self.set_up(command, number)
    }

    fn set_up(&self, command: Command, number: u8) -> Command {
        let mut command = without_settings(command);
        command.arg("--state").arg(self.state(number));
        command
    }
}

/// A command that no settings of whoever runs the scenarios reach.
fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LANSPREAD_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Wine shows the root of this machine as drive Z.
fn as_windows_sees(path: &Path) -> String {
    format!("Z:{}", path.to_str().unwrap().replace('/', r"\"))
}

/// The directory, made if it is not there.
fn made(dir: PathBuf) -> PathBuf {
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Tells the logs of one peer's lives apart.
fn nanos() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_nanos()
}

/// Whether a path is there; fails when that cannot be told.
pub(crate) fn is_there(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}
