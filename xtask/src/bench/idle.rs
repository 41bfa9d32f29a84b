//! What a node costs while nobody plays with it: linked peers, full libraries, nothing to do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use lanspread_lab::{Host, Lab, LabConfig, Process};

use super::{contender::wait_for, machine, page, pair};
use crate::repo::Repo;

/// Where the libraries and states are kept.
const ROOT: &str = "/dev/shm/lanspread-bench-idle";
/// Peers of the one that is measured.
const PEERS: u8 = 20;
/// Games of each peer.
const GAMES: u32 = 100;
/// Between the last peer's arrival and the measurement: greetings and hashing end.
const SETTLE: Duration = Duration::from_secs(20);
/// How long is measured.
const WATCH: Duration = Duration::from_secs(60);
/// How old every file says it is, so that nobody waits for it to be copied to the end.
const AGE: Duration = Duration::from_secs(3600);
const TICKS_PER_SECOND: f64 = 100.0;

/// Runs the bench, prints the figures and writes the page.
pub(super) fn run(repo: &Repo) -> Result<bool> {
    let root = pair::Root::new(ROOT)?;
    let program = pair::build(repo)?;
    let lab = Lab::new(LabConfig::new(PEERS + 1))?;
    let nodes = lab
        .hosts()
        .iter()
        .map(|host| Node::start(&program, root.path(), host))
        .collect::<Result<Vec<Node<'_>>>>()?;
    let (first, others) = nodes.split_first().context("no host")?;
    let games = u64::from(GAMES) * u64::from(PEERS + 1);
    wait_for("one library of everybody's games", || first.knows(games))?;
    for node in others {
        wait_for("everybody to know everybody", || node.knows(games))?;
    }
    println!("{} peers know {games} games; they settle", PEERS + 1);
    thread::sleep(SETTLE);
    let figures = first.watch()?;
    let part = part(games, &figures);
    println!("\n{part}");
    page::write(repo, "idle", &part)?;
    println!("written to docs/BENCHMARKS.md");
    Ok(true)
}

#[derive(Debug)]
struct Figures {
    core_percent: f64,
    resident_kib: u64,
    /// Both ways, with everything that the host says: also mDNS, ARP.
    bytes_per_second: f64,
}

#[derive(Debug)]
struct Node<'a> {
    host: &'a Host,
    program: PathBuf,
    state: PathBuf,
    process: Process,
}

impl<'a> Node<'a> {
    fn start(program: &Path, root: &Path, host: &'a Host) -> Result<Self> {
        let home = root.join(host.number().to_string());
        let (games, state) = (home.join("games"), home.join("state"));
        write_games(&games, host.number())?;
        let mut command = host.command(program);
        command.arg("node").arg("--games").arg(&games);
        command.arg("--state").arg(&state);
        command.args(["--name", &format!("peer {}", host.number())]);
        let log = fs::File::create(home.join("log"))?;
        command.stdout(Stdio::from(log.try_clone()?)).stderr(log);
        Ok(Self {
            host,
            program: program.to_path_buf(),
            state,
            process: Process::spawn(command)?,
        })
    }

    /// Whether it sees all games and all peers.
    fn knows(&self, games: u64) -> Result<Option<()>> {
        let there = self
            .ask("games")?
            .and_then(|games| Some(games.as_array()?.len() as u64));
        let linked = self
            .ask("peers")?
            .and_then(|peers| peers.get("connected")?.as_u64());
        Ok((there >= Some(games) && linked >= Some(PEERS.into())).then_some(()))
    }

    /// What it answers; nothing while it is not up yet and says so in words.
    fn ask(&self, what: &str) -> Result<Option<serde_json::Value>> {
        let mut command = self.host.command(&self.program);
        command.args([what, "--json", "--state"]).arg(&self.state);
        Ok(serde_json::from_slice(&command.output()?.stdout).ok())
    }

    fn watch(&self) -> Result<Figures> {
        let before = (self.ticks()?, self.bytes()?);
        thread::sleep(WATCH);
        let after = (self.ticks()?, self.bytes()?);
        let seconds = WATCH.as_secs_f64();
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        Ok(Figures {
            core_percent: (after.0 - before.0) / TICKS_PER_SECOND / seconds * 100.0,
            resident_kib: resident.context("no VmRSS")?.parse()?,
            bytes_per_second: (after.1 - before.1) / seconds,
        })
    }

    /// Processor time so far, user and system, of all its threads.
    fn ticks(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The second field is the name in brackets, and may hold spaces.
        let (_, rest) = stat.rsplit_once(')').context("no name in stat")?;
        let mut times = rest.split_whitespace().skip(11).map(str::parse::<f64>);
        let mut next = || times.next().context("a short stat");
        Ok(next()?? + next()??)
    }

    fn bytes(&self) -> Result<f64> {
        let counters = self.host.counters(0)?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let bytes = (counters.sent + counters.received) as f64;
        Ok(bytes)
    }
}

fn write_games(games: &Path, peer: u8) -> Result<()> {
    let then = SystemTime::now() - AGE;
    for number in 0..GAMES {
        let game = games.join(format!("Game {peer} {number}"));
        fs::create_dir_all(&game)?;
        for (name, text) in [
            ("data.bin", format!("the data of {peer} {number}")),
            ("version.ini", "1.0\n".to_string()),
        ] {
            fs::write(game.join(name), text)?;
            fs::File::options()
                .write(true)
                .open(game.join(name))?
                .set_modified(then)?;
        }
    }
    Ok(())
}

fn part(games: u64, figures: &Figures) -> String {
    format!(
        "## Idle\n\n\
         `cargo xtask bench idle` on {}: {}.\n\n\
         {} nodes in namespaces on one switch, found by mDNS, each linked with {PEERS} others and\n\
         knowing {games} games; nothing is asked for during {} s. One of them:\n\n\
         | of a core | resident memory | bytes/s on its cable, both ways | a peer |\n\
         |--:|--:|--:|--:|\n\
         | {:.2} % | {:.0} MiB | {:.0} | {:.0} |\n",
        machine::today(),
        machine::describe(),
        PEERS + 1,
        WATCH.as_secs(),
        figures.core_percent,
        f64::from(u32::try_from(figures.resident_kib).unwrap_or(u32::MAX)) / 1024.0,
        figures.bytes_per_second,
        figures.bytes_per_second / f64::from(PEERS),
    )
}
