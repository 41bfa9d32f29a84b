//! Killed before each call that changes something, and again while it recovers.

use std::{os::unix::process::ExitStatusExt, path::Path, process::Output};

use crate::{
    Extent, Score,
    arena::Arena,
    defects::Defect,
    scenario::Scenario,
    skip,
    trace::{self, Point},
};

const KILL: &str = "signal=SIGKILL";
/// Kills that the long form makes at least.
const LONG_KILLS: usize = 10_000;
/// One of so many points is tried in the short form.
const STRIDE: usize = 23;

/// One kill, and the number of the call that recovery is killed at, if it is.
#[derive(Clone)]
struct Kill {
    point: Point,
    again: Option<u64>,
}

pub(crate) fn run(extent: Extent) -> Option<Score> {
    if let Err(reason) = trace::is_usable() {
        return skip("kills", &reason);
    }
    let points = trace::plan(|point| point.mutates);
    // Each point once with an undisturbed recovery, then with ever later kills of the recovery.
    let rounds = match extent {
        Extent::Short => 2,
        Extent::Long => LONG_KILLS.div_ceil(points.len()),
    };
    let kill = |round: usize| {
        points.iter().map(move |(scenario, point)| {
            let again = (round > 0).then_some(round as u64);
            let point = point.clone();
            (*scenario, Kill { point, again })
        })
    };
    let plan: Vec<_> = (0..rounds).flat_map(kill).collect();
    Some(trace::each(extent, STRIDE, &plan, |dir, scenario, kill| {
        attempt((dir, scenario), Defect::None, kill)
    }))
}

fn attempt(
    (dir, scenario): (&Path, Scenario),
    defect: Defect,
    kill: &Kill,
) -> Result<Score, String> {
    let wrong = |why: String| format!("{scenario:?} killed at {:?}: {why}", kill.point);
    let arena = Arena::prepared(dir, scenario);
    let killed = trace::disturbed(("operate", scenario, dir), defect, (&kill.point, KILL));
    if !is_killed(&killed.output) {
        return Err(wrong(format!("it was not killed: {killed:?}")));
    }
    if let Some(number) = kill.again {
        // Whatever recovery calls at that time; if it needs fewer calls, it just comes to its end.
        let names = ["unlinkat", "renameat2", "fsync", "mkdirat"];
        let name = names[usize::try_from(number).unwrap() % names.len()];
        let point = Point {
            call: name.to_owned(),
            number: number.div_ceil(names.len() as u64),
            mutates: true,
        };
        let again = trace::disturbed(("recover", scenario, dir), defect, (&point, KILL));
        if !is_killed(&again.output) && !again.output.status.success() {
            return Err(wrong(format!("recovery failed: {again:?}")));
        }
    }
    arena.settle().map_err(wrong)
}

fn is_killed(output: &Output) -> bool {
    output.status.signal() == Some(9) || output.status.code() == Some(128 + 9)
}

/// Without an intent, a kill in the middle leaves something that nobody cleans up.
pub(crate) fn defect_is_noticed(_: Extent) -> Option<Score> {
    if let Err(reason) = trace::is_usable() {
        return skip("kills_defect_is_noticed", &reason);
    }
    let (scenario, defect) = (Scenario::Update, Defect::NoIntent);
    let mut points = trace::points(scenario, defect);
    points.retain(|point| point.mutates);
    let dir = crate::arena::in_memory();
    let noticed = points.iter().step_by(4).any(|point| {
        let kill = Kill {
            point: point.clone(),
            again: None,
        };
        attempt((dir.path(), scenario), defect, &kill).is_err()
    });
    assert!(noticed, "an update without an intent survived every kill");
    None
}
