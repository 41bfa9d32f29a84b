//! Each call on a file fails, in each way that a disk can.

use std::path::Path;

use crate::{
    Extent, Score,
    arena::Arena,
    defects::Defect,
    drive::{OLD, WAITING},
    scenario::Scenario,
    skip,
    trace::{self, Disturbed, Point},
};

const KINDS: [&str; 6] = ["EIO", "ENOSPC", "EACCES", "EBUSY", "EDQUOT", "EROFS"];
/// One of so many is tried in the short form.
const STRIDE: usize = 211;

pub(crate) fn run(extent: Extent) -> Option<Score> {
    if let Err(reason) = trace::is_usable() {
        return skip("errors", &reason);
    }
    let points = trace::plan(|_| true);
    let each_kind =
        |(scenario, point): (Scenario, Point)| KINDS.map(|kind| (scenario, (point.clone(), kind)));
    let plan: Vec<_> = points.into_iter().flat_map(each_kind).collect();
    Some(trace::each(
        extent,
        STRIDE,
        &plan,
        |dir, scenario, (point, kind)| attempt((dir, scenario), Defect::None, (point, kind)),
    ))
}

fn attempt(
    (dir, scenario): (&Path, Scenario),
    defect: Defect,
    (point, kind): (&Point, &str),
) -> Result<Score, String> {
    let wrong = |why: String| format!("{scenario:?}, {kind} at {point:?}: {why}");
    let arena = Arena::prepared(dir, scenario);
    let happens = format!("error={kind}");
    let Disturbed { output, happened } =
        trace::disturbed(("operate", scenario, dir), defect, (point, &happens));
    if !happened {
        return Err(wrong("the call was not made".into()));
    }
    let (said, seen) = (String::from_utf8_lossy(&output.stderr), arena.seen());
    let told = match output.status.code() {
        Some(0) if !seen.is_new(scenario) => Err(format!("false success: {}", seen.show())),
        Some(OLD) if !seen.is_old(scenario) => {
            Err(format!("{said} should have left the old: {}", seen.show()))
        }
        // Whoever reads it must know where to look.
        Some(OLD | WAITING) if !said.contains(dir.to_str().unwrap_or_default()) => {
            Err(format!("the message names no file: {said}"))
        }
        Some(0 | OLD | WAITING) => Ok(()),
        _ => Err(format!("it broke: {output:?}")),
    };
    told.map_err(wrong)?;
    let score = arena.settle().map_err(wrong)?;
    arena.finish().map_err(wrong)?;
    Ok(score)
}

/// A rename that fails and is not heard of leads to a false success.
pub(crate) fn defect_is_noticed(_: Extent) -> Option<Score> {
    if let Err(reason) = trace::is_usable() {
        return skip("errors_defect_is_noticed", &reason);
    }
    let (scenario, defect) = (Scenario::Update, Defect::DeafRename);
    let mut points = trace::points(scenario, defect);
    points.retain(|point| point.call.starts_with("rename"));
    let dir = crate::arena::in_memory();
    let noticed = points
        .iter()
        .any(|point| attempt((dir.path(), scenario), defect, (point, "EIO")).is_err());
    assert!(noticed, "a rename that did not happen was not missed");
    None
}
