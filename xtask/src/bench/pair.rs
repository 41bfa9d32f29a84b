//! One peer to another over an unlimited cable, from memory to memory, in turn with a plain copy
//! and with other programs.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use lanspread_lab::{Lab, LabConfig, Wiring};

use super::{
    PairArgs,
    contender::{Contender, Stage, measure_to_end, spawn_until_ready},
    dataset::{self, Dataset},
    lanspread::LanSpread,
    machine,
    meter::Cost,
    nginx::Nginx,
    page,
    rqbit::Rqbit,
    summary::{self, Row},
};
use crate::{
    process::{self, cargo},
    repo::Repo,
};

/// Where files are kept in memory; one bench at a time.
const ROOT: &str = "/dev/shm/lanspread-bench";
/// The plain copy's port.
const PORT: u16 = 9000;

/// Runs the bench, prints the tables and, for the whole size, writes the page.
pub(super) fn run(repo: &Repo, args: &PairArgs) -> Result<bool> {
    let total = args.mebibytes << 20;
    // Source and target, and room for what the programs need.
    if machine::free_memory() < 2 * total + (2 << 30) {
        bail!(
            "{} MiB of files need twice that and 2 GiB of free memory",
            args.mebibytes
        );
    }
    let root = Root::new(ROOT)?;
    let contenders = contenders(repo, args)?;
    let mut part = String::new();
    for dataset in [Dataset::Big, Dataset::Tree] {
        let stage = Stage {
            lab: Lab::new(LabConfig::new(2).wiring(Wiring::Cable))?,
            root: root.path().to_path_buf(),
            dataset,
        };
        fs::create_dir_all(stage.source())?;
        if part.is_empty() {
            part = heading(&contenders, &stage.lab.congestion_control()?);
        }
        let bytes = dataset.write(&stage.source(), total)?;
        let rows = rounds(&stage, args, &contenders, bytes)?;
        fs::remove_dir_all(stage.source())?;
        let table = summary::table(bytes, &rows);
        let caption = caption(dataset, bytes);
        println!("\n{caption}\n\n{table}");
        part.push_str(&format!("\n{caption}\n\n{table}"));
    }
    let whole = *args == PairArgs::default();
    if whole {
        page::write(repo, "pair", &part)?;
        println!("written to docs/BENCHMARKS.md");
    }
    Ok(true)
}

/// Every contender that is installed and asked for; the plain copy is always the first.
fn contenders(repo: &Repo, args: &PairArgs) -> Result<Vec<Box<dyn Contender>>> {
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| name == only);
    let mut all: Vec<Box<dyn Contender>> = vec![Box::new(Raw)];
    if wanted("lanspread") {
        all.push(Box::new(LanSpread::new(build(repo)?)));
    }
    let others: [(&str, Box<dyn Contender>); 2] =
        [("nginx", Box::new(Nginx)), ("rqbit", Box::new(Rqbit))];
    for (name, contender) in others {
        if !wanted(name) {
            continue;
        }
        if contender.version().is_some() {
            all.push(contender);
        } else {
            println!("not installed, so not compared with: {}", contender.name());
        }
    }
    Ok(all)
}

/// Builds the program in release and says where it is.
pub(super) fn build(repo: &Repo) -> Result<PathBuf> {
    let mut command = cargo(repo.root(), ["build", "--release", "--locked"]);
    command.args(["--package", "lanspread-cli", "--bin", "lanspread"]);
    if !process::succeeds(&mut command)? {
        bail!("LanSpread does not build");
    }
    Ok(process::target_directory(repo.root())?.join("release/lanspread"))
}

/// Each contender in turn, so that a slow minute of the machine hits all of them.
fn rounds(
    stage: &Stage,
    args: &PairArgs,
    contenders: &[Box<dyn Contender>],
    bytes: u64,
) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = contenders
        .iter()
        .map(|contender| Row {
            name: contender.name(),
            costs: Vec::new(),
        })
        .collect();
    for round in 1..=args.runs {
        for (contender, row) in contenders.iter().zip(&mut rows) {
            warm(&stage.root, bytes)?;
            let name = contender.name();
            let cost = one_run(stage, contender.as_ref())
                .with_context(|| format!("{name}, {}, round {round}", stage.dataset.name()))?;
            let seconds = cost.seconds;
            println!(
                "{} {round}/{}: {name}: {seconds:.2} s",
                stage.dataset.name(),
                args.runs
            );
            row.costs.push(cost);
        }
    }
    Ok(rows)
}

fn one_run(stage: &Stage, contender: &dyn Contender) -> Result<Cost> {
    fs::create_dir_all(stage.received_games())?;
    let cost = contender.send(stage)?;
    dataset::check_equal(&stage.source(), &stage.target())?;
    fs::remove_dir_all(stage.received_games())?;
    Ok(cost)
}

/// Touches as much memory as the target will take. In a virtual machine the first touch of a page
/// is an order of magnitude slower than the next, and whoever ran first would pay for all.
fn warm(root: &Path, bytes: u64) -> Result<()> {
    let path = root.join("warm");
    let mut file = File::create(&path)?;
    let block = vec![1; 1 << 20];
    for _ in 0..bytes >> 20 {
        file.write_all(&block)?;
    }
    drop(file);
    Ok(fs::remove_file(path)?)
}

/// The plain copy, in processes of its own.
#[derive(Debug)]
struct Raw;

impl Contender for Raw {
    fn name(&self) -> &'static str {
        "raw copy"
    }

    fn version(&self) -> Option<String> {
        Some("sendfile, one TCP stream, write".to_string())
    }

    fn send(&self, stage: &Stage) -> Result<Cost> {
        let own = std::env::current_exe().context("finding this program")?;
        let address = format!("{}:{PORT}", stage.sender()?.ipv4(0));
        let mut serve = stage.sender()?.command(&own);
        serve
            .args(["bench", "raw-serve"])
            .arg(stage.source())
            .arg(&address);
        let sender = spawn_until_ready(serve)?;
        let mut fetch = stage.receiver()?.command(&own);
        fetch
            .args(["bench", "raw-fetch"])
            .arg(stage.target())
            .arg(&address);
        measure_to_end(fetch, &sender)
    }
}

fn heading(contenders: &[Box<dyn Contender>], congestion: &str) -> String {
    let mut text = format!(
        "## One peer to another\n\n\
         `cargo xtask bench pair` on {}: {}.\n\n\
         Two network namespaces joined by an unlimited veth pair, TCP with {congestion}, files in\n\
         memory (tmpfs) on both sides, each contender in turn, every result compared with the\n\
         source byte by byte.\n\
         The time of LanSpread is that of `lanspread get --no-install --wait` between linked\n\
         peers, up to the durable commit, every byte encrypted and checked; the others check\n\
         nothing, except rqbit (SHA-1). CPU is that of the whole machine. GB = 10⁹ bytes.\n\n",
        machine::today(),
        machine::describe(),
    );
    for contender in contenders {
        let version = contender.version().unwrap_or_default();
        text.push_str(&format!("* {}: {version}\n", contender.name()));
    }
    text
}

fn caption(dataset: Dataset, bytes: u64) -> String {
    let what = match dataset {
        Dataset::Big => "One file".to_string(),
        Dataset::Tree => format!("3,000 files from 1 KiB to {} MiB", bytes >> 23),
    };
    format!("**{what}, {} MiB, incompressible**", bytes >> 20)
}

/// The directory of the bench, removed when it ends.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
}

impl Root {
    /// Makes it; one bench of a kind at a time.
    pub(super) fn new(path: &str) -> Result<Self> {
        let path = PathBuf::from(path);
        if path.try_exists()? {
            // A bench that was broken off left it.
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // The next bench removes what is left.
        fs::remove_dir_all(&self.path).ok();
    }
}
