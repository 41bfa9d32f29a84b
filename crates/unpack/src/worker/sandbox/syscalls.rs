//! The system calls a decoder needs, and nothing else.
//!
//! Reading is bound to standard input and writing to standard output and error, so that a file
//! the parent left open by mistake is of no use. Anything not listed kills the process: the parent
//! sees the signal and reports a broken worker.

use std::{collections::BTreeMap, error::Error};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Allowed whatever the arguments. None of them names a path, a socket or another process.
const PLAIN: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
];

/// Answered with an error instead of death: the standard library tries them and has another way.
/// (`statx` falls back to `fstat`.)
const REFUSED: &[i64] = &[libc::SYS_statx, libc::SYS_sched_getaffinity];

/// Installs both filters; of two answers the kernel takes the stricter.
pub(super) fn restrict() -> Result<(), Box<dyn Error>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let refused: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let missing = u32::try_from(libc::ENOSYS)?;
    let gentle = SeccompFilter::new(
        refused,
        SeccompAction::Allow,
        SeccompAction::Errno(missing),
        arch,
    )?;
    let strict = SeccompFilter::new(
        allowed()?,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        arch,
    )?;
    let (gentle, strict) = (BpfProgram::try_from(gentle)?, BpfProgram::try_from(strict)?);
    // The strict one last: it forbids to install another.
    apply_filter(&gentle)?;
    apply_filter(&strict)?;
    Ok(())
}

fn allowed() -> Result<Rules, Box<dyn Error>> {
    let mut rules: Rules = PLAIN
        .iter()
        .chain(REFUSED)
        .map(|call| (*call, Vec::new()))
        .collect();
    let stdin = equals(0, 0)?;
    let outputs = || Ok::<_, Box<dyn Error>>(vec![rule(equals(0, 1)?)?, rule(equals(0, 2)?)?]);
    rules.insert(libc::SYS_read, vec![rule(stdin)?]);
    rules.insert(libc::SYS_write, outputs()?);
    rules.insert(libc::SYS_writev, outputs()?);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![rule(not_executable()?)?]);
    }
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, vec![rule(equals(0, own)?)?]);
    Ok(rules)
}

fn rule(condition: SeccompCondition) -> Result<SeccompRule, Box<dyn Error>> {
    Ok(SeccompRule::new(vec![condition])?)
}

fn equals(argument: u8, value: u64) -> Result<SeccompCondition, Box<dyn Error>> {
    Ok(SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        value,
    )?)
}

/// The third argument of both calls holds the protection.
fn not_executable() -> Result<SeccompCondition, Box<dyn Error>> {
    let exec = u64::try_from(libc::PROT_EXEC)?;
    let masked = SeccompCmpOp::MaskedEq(exec);
    Ok(SeccompCondition::new(
        2,
        SeccompCmpArgLen::Dword,
        masked,
        0,
    )?)
}
