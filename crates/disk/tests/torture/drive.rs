//! The process that is killed and lied to: one transaction, from the first call to the last.

use std::{fs, path::Path, process::ExitCode, sync::Arc};

use lanspread_disk::execute::TransactionError;

use crate::{
    arena::Arena,
    defects::{Defect, Rigged},
    scenario::SCENARIOS,
};

/// A path that nobody has: looking at it marks where the transaction begins and ends in a trace.
pub(crate) const MARK: &str = "/lanspread-torture-mark";
/// The old state is whole.
pub(crate) const OLD: i32 = 10;
/// Recovery must go on with it.
pub(crate) const WAITING: i32 = 11;

/// `drive operate|recover SCENARIO DIRECTORY DEFECT`
pub(crate) fn run(args: &[String]) -> ExitCode {
    let [what, scenario, dir, defect] = args else {
        panic!("drive operate|recover SCENARIO DIRECTORY DEFECT");
    };
    let mut scenarios = SCENARIOS.into_iter();
    let scenario = scenarios.find(|known| format!("{known:?}") == *scenario);
    let scenario = scenario.unwrap();
    let arena = Arena::at(Path::new(dir), scenario);
    let disk = Arc::new(Rigged::new(Defect::parse(defect).unwrap(), None));
    mark();
    let done = match what.as_str() {
        "operate" => arena.operate(disk),
        _ => arena.recover(disk),
    };
    mark();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(u8::try_from(code(&error)).unwrap())
        }
    }
}

fn code(error: &TransactionError) -> i32 {
    if error.is_waiting() { WAITING } else { OLD }
}

fn mark() {
    // It is not there; that somebody looked is all that matters.
    drop(fs::symlink_metadata(MARK));
}
