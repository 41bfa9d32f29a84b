//! strace: which system calls a transaction makes, and a run in which one of them goes wrong.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
    thread,
};

use crate::{
    Extent, Score,
    arena::{Arena, in_memory},
    defects::Defect,
    drive::MARK,
    scenario::{SCENARIOS, Scenario},
};

/// Calls that change names or bytes.
const MUTATING: &[&str] = &[
    "copy_file_range",
    "fchmod",
    "fdatasync",
    "fsync",
    "ftruncate",
    "linkat",
    "mkdirat",
    "pwrite64",
    "renameat",
    "renameat2",
    "symlinkat",
    "syncfs",
    "unlinkat",
    "write",
];
/// Calls on files that change nothing, or only when they create.
const OTHER: &[&str] = &[
    "fstat",
    "getdents64",
    "ioctl",
    "lseek",
    "newfstatat",
    "openat",
    "openat2",
    "pread64",
    "read",
    "statx",
];

/// One system call of a transaction: its name, and its number among those of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) call: String,
    pub(crate) number: u64,
    pub(crate) mutates: bool,
}

/// How a disturbed run ended.
#[derive(Debug)]
pub(crate) struct Disturbed {
    pub(crate) output: Output,
    /// The call failed as it was to.
    pub(crate) happened: bool,
}

/// Whether strace is here and may trace.
pub(crate) fn is_usable() -> Result<(), String> {
    let tried = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    match tried {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("strace may not trace here".into()),
        Err(_) => Err("needs strace".into()),
    }
}

fn driver(what: &str, scenario: Scenario, dir: &Path, defect: Defect) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let words = [
        program.to_str().unwrap(),
        "drive",
        what,
        &format!("{scenario:?}"),
        dir.to_str().unwrap(),
        defect.name(),
    ];
    words.map(str::to_owned).to_vec()
}

/// Every system call on files between the marks.
pub(crate) fn points(scenario: Scenario, defect: Defect) -> Vec<Point> {
    let dir = in_memory();
    Arena::prepared(dir.path(), scenario);
    let log = dir.path().join("trace");
    let wanted = [MUTATING, OTHER].concat().join(",");
    let mut strace = Command::new("strace");
    strace.arg("-qq").arg("-o").arg(&log);
    strace.args(["-e", &format!("trace={wanted}")]);
    let done = strace
        .args(driver("operate", scenario, dir.path(), defect))
        .output();
    let done = done.unwrap();
    assert!(done.status.success(), "{scenario:?}: {done:?}");
    let text = std::fs::read_to_string(&log).unwrap();
    let (mut counts, mut found, mut marks) = (BTreeMap::<&str, u64>::new(), Vec::new(), 0);
    for line in text.lines() {
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let number = counts.entry(call).or_default();
        *number += 1;
        marks += u32::from(line.contains(MARK));
        if marks == 1 && !line.contains(MARK) {
            found.push(Point {
                call: call.to_owned(),
                number: *number,
                mutates: MUTATING.contains(&call) || rest.contains("O_CREAT"),
            });
        }
    }
    assert_eq!(marks, 2, "{text}");
    found
}

/// Runs a transaction in which something happens at a call: `signal=SIGKILL`, `error=EIO`.
pub(crate) fn disturbed(
    (what, scenario, dir): (&str, Scenario, &Path),
    defect: Defect,
    (point, happens): (&Point, &str),
) -> Disturbed {
    let Point { call, number, .. } = point;
    let mut strace = Command::new("strace");
    let log = dir.join("trace");
    strace.args(["-qq", "-o"]).arg(&log);
    strace.args(["-e", &format!("trace={call}")]);
    strace.args(["-e", &format!("inject={call}:{happens}:when={number}")]);
    strace.args(driver(what, scenario, dir, defect));
    let output = strace.output().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    Disturbed {
        output,
        happened: log.contains("(INJECTED)"),
    }
}

/// Tries each point of each scenario on all cores. In the short form every `stride`th one.
pub(crate) fn each<T: Sync>(
    extent: Extent,
    stride: usize,
    plan: &[(Scenario, T)],
    attempt: impl Fn(&Path, Scenario, &T) -> Result<Score, String> + Sync,
) -> Score {
    let stride = if extent == Extent::Long { 1 } else { stride };
    let chosen: Vec<&(Scenario, T)> = plan.iter().step_by(stride).collect();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let scores = thread::scope(|scope| {
        let start = |worker: usize| {
            let (chosen, attempt) = (&chosen, &attempt);
            scope.spawn(move || {
                let dir = in_memory();
                let mut score = Score::default();
                for (scenario, point) in chosen.iter().skip(worker).step_by(workers) {
                    match attempt(dir.path(), *scenario, point) {
                        Ok(one) => score.add(one),
                        Err(why) => return Err(why),
                    }
                }
                Ok(score)
            })
        };
        let running: Vec<_> = (0..workers).map(start).collect();
        let ended = running.into_iter().map(|worker| worker.join().unwrap());
        ended.collect::<Result<Vec<Score>, String>>()
    });
    let mut total = Score::default();
    for score in scores.unwrap_or_else(|why| panic!("{why}")) {
        total.add(score);
    }
    total
}

/// The points of all scenarios that fit.
pub(crate) fn plan(fits: impl Fn(&Point) -> bool) -> Vec<(Scenario, Point)> {
    let of = |scenario: Scenario| {
        let points = points(scenario, Defect::None).into_iter();
        points.map(move |point| (scenario, point))
    };
    SCENARIOS
        .into_iter()
        .flat_map(of)
        .filter(|(_, point)| fits(point))
        .collect()
}
