//! From inside a worker, everything that a decoder has no business with is refused. Each layer is
//! tried alone, so that one cannot hide a hole in the other.
#![cfg(target_os = "linux")]
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test with helpers that may skip"
)]

use std::sync::Arc;

use lanspread_unpack::{
    ErrorCode, Isolation, Limits, Mode, NameTable, UnpackError, Unpacker, WORKER_ARGUMENT,
    WorkerCommand, in_memory::MemoryArchive,
};

/// What the worker said on standard error, and how it ended.
fn attempt(what: &str, layers: &str) -> UnpackError {
    let command = WorkerCommand {
        program: env!("CARGO_BIN_EXE_unpack-test-worker").into(),
        args: [WORKER_ARGUMENT, what, layers].map(Into::into).to_vec(),
    };
    let archive = Arc::new(MemoryArchive::single(b"not an archive".to_vec()));
    let request = (Mode::Unpack, Limits::default());
    let unpacker = Unpacker::start(&command, archive, 1, request, NameTable::new());
    match unpacker.and_then(|mut unpacker| unpacker.next_event().map(|event| panic!("{event:?}"))) {
        Ok(()) => panic!("{what}: the attempt ended well"),
        Err(error) => error,
    }
}

/// Whether this kernel has the layer; says so if it has not. If it has, the worker must wear it.
fn has(layers: &str) -> bool {
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    let knows_seccomp = actions.is_ok_and(|actions| actions.contains("kill_process"));
    let known = match layers {
        "seccomp" => knows_seccomp,
        "landlock" => knows_landlock(),
        _ => knows_seccomp && knows_landlock(),
    };
    let error = attempt("nothing", layers);
    let full = error.detail.contains("Full done");
    assert!(full || !known, "this kernel has {layers}, but: {error}");
    if !full {
        println!("SKIPPED: this system has no {layers}: {error}");
    }
    full
}

/// A ruleset that is made but not put on.
fn knows_landlock() -> bool {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope,
    };

    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V6))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V6)))
        .and_then(|rules| rules.scope(Scope::from_all(ABI::V6)))
        .and_then(Ruleset::create)
        .is_ok()
}

fn check_killed(what: &str) {
    let error = attempt(what, "seccomp");
    assert_eq!(error.code, ErrorCode::Internal, "{what}: {error}");
    assert!(error.detail.contains("SIGSYS"), "{what}: {error}");
}

fn check_refused(what: &str, layers: &str) {
    let error = attempt(what, layers);
    assert!(error.detail.contains("refused:"), "{what}: {error}");
    assert!(!error.detail.contains("no such attempt"), "{what}: {error}");
}

#[test]
fn seccomp_kills() {
    if has("seccomp") {
        for what in [
            "open",
            "create",
            "list",
            "chdir",
            "exec",
            "tcp-connect",
            "tcp-listen",
            "udp",
            "thread",
            "signal",
        ] {
            check_killed(what);
        }
        // Answered with an error before anything is looked up.
        let error = attempt("stat", "seccomp");
        assert!(!error.detail.contains("done"), "{error}");
    }
}

#[test]
fn landlock_refuses() {
    if has("landlock") {
        for what in [
            "open",
            "create",
            "list",
            "exec",
            "tcp-connect",
            "tcp-listen",
            "signal",
        ] {
            check_refused(what, "landlock");
        }
    }
}

#[test]
fn limits_refuse() {
    // The superuser may start as many processes as it likes.
    if !rustix::process::getuid().is_root() {
        check_refused("thread", "limits");
    }
    let error = attempt("memory", "limits");
    assert_eq!(error.code, ErrorCode::LimitMemory, "{error}");
    let error = attempt("memory", "all");
    assert_eq!(error.code, ErrorCode::LimitMemory, "{error}");
}

#[test]
fn a_panic_is_reported_as_one() {
    let error = attempt("panic", "all");
    assert_eq!(error.code, ErrorCode::Internal);
    assert!(error.detail.contains("on purpose"), "{error}");
    assert!(!error.detail.contains("SIGSYS"), "{error}");
}

#[test]
fn the_worker_reports_its_isolation() {
    use lanspread_unpack::{in_memory::unpack, pack::evil};

    let command = WorkerCommand::inside(env!("CARGO_BIN_EXE_unpack-test-worker").into());
    let archive = MemoryArchive::single(evil::many(1).unwrap());
    let isolation = unpack(&command, archive).unwrap().start.unwrap().isolation;
    if has("all") {
        assert_eq!(isolation, Isolation::Full);
    } else {
        assert!(matches!(isolation, Isolation::Reduced(_)));
    }
}
