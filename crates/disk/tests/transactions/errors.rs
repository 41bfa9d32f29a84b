//! Errors instead of power cuts: old or new, no false success, and it can be done again.

use std::{io::ErrorKind, path::Path};

use lanspread_disk::{
    execute::{self, Recovered, TransactionError},
    mem::{Count, Fault, Loss},
};

use crate::{
    memory::{Memory, places},
    scenario::{Instant, SCENARIOS, Scenario},
};

const KINDS: [ErrorKind; 6] = [
    // What EIO becomes.
    ErrorKind::Other,
    ErrorKind::StorageFull,
    ErrorKind::PermissionDenied,
    ErrorKind::ResourceBusy,
    ErrorKind::QuotaExceeded,
    ErrorKind::ReadOnlyFilesystem,
];

fn operate(memory: &Memory) -> Result<(), TransactionError> {
    let mut hooks = Instant::default();
    memory.with(|world| memory.scenario.operate(world, &mut hooks))
}

/// Whatever an operation said must be true, and whatever it left must be finished by recovery.
fn check_outcome(memory: &Memory, outcome: &Result<(), TransactionError>) -> Result<(), String> {
    memory.disk.heal();
    memory.check_always()?;
    match outcome {
        Ok(()) if !memory.is_new() => return Err(format!("false success: {}", memory.show())),
        Err(error) if !error.is_waiting() && !memory.is_old() => {
            return Err(format!(
                "{error} should have left the old: {}",
                memory.show()
            ));
        }
        Ok(()) | Err(_) => {}
    }
    memory.recover()?;
    if !memory.is_new() {
        operate(memory).map_err(|error| format!("not possible again: {error}"))?;
        memory.check_settled()?;
    }
    if !memory.is_new() {
        return Err(format!("the second time failed: {}", memory.show()));
    }
    // A sync that failed when the intent was cleared may bring it back: recovery finds it done.
    memory.disk.crash(Loss::All);
    memory.recover()?;
    if memory.is_new() {
        Ok(())
    } else {
        Err(format!("lost again: {}", memory.show()))
    }
}

fn call_count(start: &Memory, count: Count) -> u64 {
    let whole = start.fork();
    let before = whole.disk.calls(count);
    operate(&whole).unwrap();
    assert!(whole.is_new(), "{:?}: {}", start.scenario, whole.show());
    whole.disk.calls(count) - before
}

fn check_faults(count: Count, times: u64, kinds: &[ErrorKind]) {
    for scenario in SCENARIOS {
        let start = Memory::prepared(scenario);
        for after in 0..call_count(&start, count) {
            for kind in kinds {
                let memory = start.fork();
                memory.disk.inject(Fault {
                    count,
                    after,
                    times,
                    kind: *kind,
                });
                let outcome = operate(&memory);
                check_outcome(&memory, &outcome)
                    .unwrap_or_else(|why| panic!("{scenario:?}, {kind:?} at {after}: {why}"));
            }
        }
    }
}

#[test]
fn one_error_at_every_call() {
    check_faults(Count::All, 1, &KINDS);
}

#[test]
fn errors_that_stay_from_every_call_on() {
    check_faults(Count::All, u64::MAX, &KINDS[..1]);
    check_faults(Count::Mutating, u64::MAX, &KINDS[1..3]);
}

/// An antivirus program holds whatever is touched next for twenty tries.
#[test]
fn twenty_busy_answers_at_every_call() {
    check_faults(Count::Mutating, 20, &[ErrorKind::ResourceBusy]);
}

/// Renames and removals outlast it; only creating and writing do not wait.
#[test]
fn a_file_that_is_let_go_in_time_is_no_error() {
    let start = Memory::prepared(Scenario::Remove);
    let mut outlasted = 0;
    for after in 0..call_count(&start, Count::Mutating) {
        let memory = start.fork();
        memory.disk.inject(Fault {
            count: Count::Mutating,
            after,
            times: 20,
            kind: ErrorKind::ResourceBusy,
        });
        outlasted += u32::from(operate(&memory).is_ok());
    }
    // Parking, four files, one directory, the parked sentinel.
    assert_eq!(outlasted, 7);
}

#[test]
fn a_full_disk_at_every_byte() {
    for scenario in SCENARIOS {
        let start = Memory::prepared(scenario);
        let used: u64 = start.disk.tree(Path::new("/")).values().flatten().count() as u64;
        let mut succeeded = false;
        for free in (0..).step_by(37).take(80) {
            let memory = start.fork();
            memory.disk.limit_space(used + free);
            let outcome = operate(&memory);
            succeeded |= outcome.is_ok();
            if let Err(error) = &outcome {
                assert!(
                    error.is_full() || matches!(error, TransactionError::State(_)),
                    "{error:?}"
                );
            }
            memory.disk.limit_space(u64::MAX);
            check_outcome(&memory, &outcome)
                .unwrap_or_else(|why| panic!("{scenario:?}, {free} bytes free: {why}"));
        }
        assert!(succeeded, "{scenario:?} never had enough");
    }
}

/// A game that runs holds its file: the update waits whole, and goes on when the game is closed.
#[test]
fn close_the_game_to_finish() {
    let exe = Path::new("/games/quake/local/bin/game.exe");
    for (scenario, exchange) in [
        (Scenario::Update, true),
        (Scenario::Update, false),
        (Scenario::Uninstall, true),
    ] {
        let memory = Memory::prepared(scenario);
        memory.disk.allow_exchange(exchange);
        memory.disk.hold(exe);
        let error = operate(&memory).unwrap_err();
        assert!(error.is_in_use() && error.is_waiting(), "{error}");
        let mut live = memory.tree();
        live.retain(|path, _| path.starts_with("local/"));
        let mut before = scenario.before();
        before.retain(|path, _| path.starts_with("local/"));
        assert_eq!(live, before);
        // Still running, asked again, also after a power cut.
        assert!(memory.recover().is_err());
        let cut = memory.fork();
        cut.disk.crash(Loss::All);
        cut.recover().unwrap();
        assert!(cut.is_new());
        memory.disk.release(exe);
        memory.recover().unwrap();
        assert!(memory.is_new(), "{}", memory.show());
    }
}

/// As on a volume that became read-only: the game is there as before, and nothing waits for ever.
#[test]
fn a_remove_that_could_not_begin_is_no_unfinished_one() {
    let start = Memory::prepared(Scenario::Remove);
    let mut whole = 0;
    for after in 0..call_count(&start, Count::Mutating) {
        let memory = start.fork();
        memory.disk.inject(Fault {
            count: Count::Mutating,
            after,
            times: 1,
            kind: ErrorKind::ReadOnlyFilesystem,
        });
        let Err(error) = operate(&memory) else {
            continue;
        };
        if memory.tree().contains_key("version.ini") {
            assert!(!error.is_waiting(), "call {after}: {error}");
            assert!(memory.is_old(), "call {after}: {}", memory.show());
            whole += 1;
        }
    }
    // The intent is written, then the sentinel is parked: neither came to anything.
    assert!(whole > 1, "{whole}");
}

#[test]
fn a_waiting_update_can_be_abandoned_until_it_moved() {
    let exe = Path::new("/games/quake/local/bin/game.exe");
    for scenario in [Scenario::Update, Scenario::Uninstall] {
        let memory = Memory::prepared(scenario);
        memory.disk.hold(exe);
        operate(&memory).unwrap_err();
        let abandon =
            |memory: &Memory| execute::abandon(&memory.disk, &places(), &mut Instant::default());
        assert!(matches!(abandon(&memory), Ok(Recovered::Undone(_))));
        assert!(memory.is_old(), "{}", memory.show());
        memory.check_settled().unwrap();
        assert!(matches!(abandon(&memory), Ok(Recovered::Nothing)));
    }
    // A remove has no way back.
    let memory = Memory::prepared(Scenario::Remove);
    memory.disk.hold(Path::new("/games/quake/game.eti"));
    operate(&memory).unwrap_err();
    let abandoned = execute::abandon(&memory.disk, &places(), &mut Instant::default());
    assert!(abandoned.is_err());
    memory.disk.release(Path::new("/games/quake/game.eti"));
    memory.recover().unwrap();
    assert!(memory.is_new());
}
