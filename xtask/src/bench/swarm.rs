//! Many hosts on limited cables: how close to the bound a swarm comes, what its seeder sends, and
//! what a player feels meanwhile.

mod node;
mod plan;
mod report;

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use lanspread_lab::{Lab, Process, ping::PingSeries};

pub(crate) use self::plan::Plan;
use self::{
    node::Node,
    report::{HEAD, Outcome},
};
use super::{dataset, machine, meter::Meter, page, pair};
use crate::repo::Repo;

/// Where files are kept in memory; one bench at a time.
const ROOT: &str = "/dev/shm/lanspread-bench-swarm";
/// Pings a second on each path.
const PINGS: u32 = 50;
/// How often it is looked whether a seeder has sent enough to go.
const LOOK: Duration = Duration::from_millis(100);
/// A run that takes so many times its bound has failed.
const BOUNDS_MAX: u32 = 12;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SwarmArgs {
    /// Which; all of them when it is empty.
    pub(crate) plans: Vec<Plan>,
    /// How often each runs.
    pub(crate) runs: u32,
    /// Size of the files.
    pub(crate) mebibytes: u64,
    /// Another program than the release build.
    pub(crate) program: Option<String>,
}

impl Default for SwarmArgs {
    fn default() -> Self {
        Self {
            plans: Vec::new(),
            runs: 3,
            mebibytes: 512,
            program: None,
        }
    }
}

/// Runs the benches, prints the table and, for the whole size, writes the page.
pub(super) fn run(repo: &Repo, args: &SwarmArgs) -> Result<bool> {
    let program = match &args.program {
        Some(program) => program.into(),
        None => pair::build(repo)?,
    };
    let all = args.plans.is_empty();
    let plans: &[Plan] = if all { &Plan::ALL } else { &args.plans };
    let mut table = HEAD.to_string();
    for plan in plans {
        let mut outcomes = Vec::new();
        let mut bytes = 0;
        for round in 1..=args.runs {
            let (total, outcome) = one_run(*plan, &program, args.mebibytes << 20)
                .with_context(|| format!("{}, round {round}", plan.name()))?;
            let last = outcome.done.last().map_or(f64::NAN, Duration::as_secs_f64);
            println!("{} {round}/{}: {last:.2} s", plan.name(), args.runs);
            bytes = total;
            outcomes.push(outcome);
        }
        table.push_str(&report::line(*plan, bytes, &outcomes));
    }
    println!("\n{table}");
    if all && args.mebibytes == SwarmArgs::default().mebibytes && args.program.is_none() {
        page::write(repo, "swarm", &(heading(args) + &table))?;
        println!("written to docs/BENCHMARKS.md");
    }
    Ok(true)
}

fn heading(args: &SwarmArgs) -> String {
    let mut text = format!(
        "## A swarm\n\n`cargo xtask bench swarm` on {}: {}.\n\n\
         Network namespaces on limited cables (tbf), {} MiB, files in memory, every result\n\
         compared\n\
         with the source byte by byte. The bound counts TCP's headers. Medians of {} runs.\n\n",
        machine::today(),
        machine::describe(),
        args.mebibytes,
        args.runs,
    );
    for plan in Plan::ALL {
        text.push_str(&format!("* {}: {}\n", plan.name(), plan.describe()));
    }
    text.push('\n');
    text
}

/// Builds the lab, runs once, and compares every copy.
fn one_run(plan: Plan, program: &Path, total: u64) -> Result<(u64, Outcome)> {
    let room = total * u64::from(plan.seeders() + plan.guests()) + (2 << 30);
    if machine::free_memory() < room {
        bail!("{} needs {} MiB of free memory", plan.name(), room >> 20);
    }
    let root = pair::Root::new(ROOT)?;
    let lab = Lab::new(plan.lab())?;
    for (number, rate) in plan.rates() {
        lab.host(*number)?.limit(0, Some(*rate), Some(*rate))?;
    }
    let game = plan.dataset().name();
    let games = |number: u8| root.path().join(format!("games-{number}"));
    let mut bytes = 0;
    for seeder in 1..=plan.seeders() {
        let directory = games(seeder).join(game);
        fs::create_dir_all(&directory)?;
        bytes = plan.dataset().write(&directory, total)?;
    }
    let mut nodes = Vec::new();
    for host in lab.hosts() {
        let node = Node::start(program, host, root.path(), games(host.number()))?;
        nodes.push(node);
    }
    for node in &nodes {
        node.until_ready(game, nodes.len() - 1, plan.seeders().into())?;
    }
    let outcome = measure(plan, game, bytes, &mut nodes)?;
    let original = games(1).join(game);
    for guest in nodes.iter().skip(plan.seeders().into()) {
        dataset::check_equal(&original, &guest.copy(game))?;
    }
    Ok((bytes, outcome))
}

fn measure(plan: Plan, game: &str, bytes: u64, nodes: &mut [Node<'_>]) -> Result<Outcome> {
    let (seeders, guests) = nodes.split_at_mut(plan.seeders().into());
    let (first, guest) = (seeders.first_mut().context("no seeder")?, guests.first());
    let before = first.host().counters(0)?;
    let guest = guest.context("nobody fetches")?.host();
    let to_seeder = guest.ping(first.host(), PINGS)?;
    let between = guests.get(1).map(|other| guest.ping(other.host(), PINGS));
    let meter = Meter::start(std::process::id(), std::process::id())?;
    let start = Instant::now();
    let fetching = guests
        .iter()
        .map(|guest| guest.fetch(game))
        .collect::<Result<Vec<Process>>>()?;
    let limit = plan.bound(bytes) * BOUNDS_MAX;
    let waiting: Vec<_> = fetching
        .into_iter()
        .map(|process| thread::spawn(move || ended(process, start, limit)))
        .collect();
    let last_words = match plan.loses_its_seeder() {
        true => Some(kill_after(first, bytes / 100 * 105, start + limit)?),
        false => None,
    };
    let mut done = Vec::new();
    for waiter in waiting {
        let end = waiter
            .join()
            .unwrap_or_else(|_panic| bail!("a waiter ended"));
        done.push(end?);
    }
    done.sort();
    let cost = meter.stop(Some(start))?;
    let sent_wire = (first.host().counters(0)? - before).sent;
    let sent_bytes = match last_words {
        Some(sent) => vec![sent],
        None => seeders
            .iter()
            .map(Node::sent_bytes)
            .collect::<Result<_>>()?,
    };
    Ok(Outcome {
        done,
        sent_bytes,
        sent_wire,
        ping_between: between.transpose()?.map(trips).transpose()?,
        ping_seeder: match plan.loses_its_seeder() {
            true => None,
            false => Some(trips(to_seeder)?),
        },
        cpu_seconds: cost.cpu_seconds,
    })
}

/// When a fetch ended well, counted from the start of all.
fn ended(mut process: Process, start: Instant, limit: Duration) -> Result<Duration> {
    match process.wait_at_most(limit)? {
        Some(status) if status.success() => Ok(start.elapsed()),
        Some(status) => bail!("a fetch failed: {status}"),
        None => bail!("a fetch did not end within {limit:?}"),
    }
}

/// Kills a seeder once it has sent so much; returns how much that was.
fn kill_after(seeder: &mut Node<'_>, bytes: u64, end: Instant) -> Result<u64> {
    loop {
        let sent = seeder.sent_bytes()?;
        if sent >= bytes {
            seeder.kill();
            return Ok(sent);
        }
        if Instant::now() >= end {
            bail!("the seeder sent {sent} bytes only");
        }
        thread::sleep(LOOK);
    }
}

fn trips(series: PingSeries) -> Result<(Duration, Duration)> {
    let trips = series.stop()?;
    let at = |percent| trips.percentile(percent).unwrap_or_default();
    Ok((at(50), at(99)))
}
