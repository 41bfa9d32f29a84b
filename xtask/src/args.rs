//! The command line: text in, [`Command`] out.

#[cfg(target_os = "linux")]
use crate::bench::{Bench, PairArgs, Plan, SwarmArgs};

/// What `cargo xtask` prints without a command.
pub(crate) const HELP: &str = "\
cargo xtask COMMAND

  run [-- ARGS]      build and run the demo, or the program with ARGS
  test               every check; what cannot run here is skipped visibly
  test --quick       the checks of everyday work, below 5 minutes when warm
  test --install     install what is missing first (needs root), skip nothing
  windows            builds the program for Windows, and under Wine runs its tests, the demo, and
                     scenarios of a Windows peer beside a Linux one
  windows --install  the same; installs what is missing first (needs root)
  bundle             target/lanspread-windows-x64.zip, to be unpacked on a Windows PC
  bundle --musl      target/lanspread-linux-x64-static, which runs on any Linux of 64 bits
  tidy               caps, names, words and documents only
  edges              who may import whom only
  sim [SEED [COUNT]] the swarm simulator
  sim byzantine [SEED [COUNT]]
                     one honest source among seven liars; 200 seeds
  sim suite [NAME...] [--seed N]
                     its large parties; their figures go to docs/BENCHMARKS.md
  fuzz [SECONDS]     every parser of foreign bytes, for so many seconds each (60)
  torture [PART...]  the long forms of what `test` samples (needs root): crashes on the disk in
                     memory, kills, errors, power, and soak: sixteen peers that come and go; all
                     of them in about an hour and a half. LANSPREAD_SOAK_SECONDS (1800) and
                     LANSPREAD_SOAK_SEED (1) change the last
  bench pair         one peer to another, beside a plain copy and other programs (needs root)
  bench swarm        every swarm below on limited cables: time, copies sent, ping (needs root)
  bench swarm8|tree8|multi3|hetero3|churn8|split8
    [--runs N] [--mib N] [--program PATH]
  bench idle         what a node with 20 peers of 100 games costs (needs root)
    [--runs N] [--mib N] [--only lanspread,nginx,rqbit]";

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print [`HELP`].
    Help,
    /// Run the checks.
    Test(Extent),
    /// Run the program with these arguments; without any, the demo.
    Run(Vec<String>),
    /// Run the simulator with these arguments.
    Sim(Vec<String>),
    /// Fuzz every target for so many seconds.
    Fuzz(u32),
    /// Try everything that can go wrong with files.
    Torture(Vec<String>),
    /// Measure.
    #[cfg(target_os = "linux")]
    Bench(Bench),
    /// Build for Windows and try it; whether to install what is missing.
    Windows(bool),
    /// Pack what people get.
    Bundle,
    /// Build the program that needs no library of the system.
    #[cfg(target_os = "linux")]
    BundleMusl,
    /// Run the tidy check only.
    Tidy,
    /// Run the import check only.
    Edges,
}

/// How much `test` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What everyday work needs.
    Quick,
    /// Everything that can run here.
    Full,
    /// Everything; what is missing is installed first, and a skip is a failure.
    Install,
}

/// Parses the arguments behind `cargo xtask`; the error is what to print.
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut args = args.into_iter();
    let Some(name) = args.next() else {
        return Ok(Command::Help);
    };
    let mut rest: Vec<String> = args.collect();
    match name.as_str() {
        "help" | "--help" | "-h" => Ok(Command::Help),
        "test" => extent(&rest).map(Command::Test),
        "run" => {
            if rest.first().is_some_and(|first| first == "--") {
                rest.remove(0);
            }
            Ok(Command::Run(rest))
        }
        "sim" => Ok(Command::Sim(rest)),
        "fuzz" => seconds(&rest).map(Command::Fuzz),
        "torture" => torture(rest).map(Command::Torture),
        #[cfg(target_os = "linux")]
        "bench" => bench(&rest).map(Command::Bench),
        "windows" => windows(&rest).map(Command::Windows),
        #[cfg(target_os = "linux")]
        "bundle" if rest == ["--musl"] => Ok(Command::BundleMusl),
        "bundle" => nothing(&rest, Command::Bundle),
        "tidy" => nothing(&rest, Command::Tidy),
        "edges" => nothing(&rest, Command::Edges),
        _ => Err(format!("unknown command `{name}`\n\n{HELP}")),
    }
}

fn seconds(rest: &[String]) -> Result<u32, String> {
    let wrong = || "fuzz takes a number of seconds".to_string();
    match rest {
        [] => Ok(60),
        [only] => only.parse().map_err(|_no_number| wrong()),
        _ => Err(wrong()),
    }
}

/// What `torture` can be told to do alone.
pub(crate) const TORTURES: [&str; 5] = ["crashes", "kills", "errors", "power", "soak"];

fn torture(rest: Vec<String>) -> Result<Vec<String>, String> {
    match rest.iter().find(|part| !TORTURES.contains(&part.as_str())) {
        None => Ok(rest),
        Some(unknown) => Err(format!(
            "torture knows {}, not `{unknown}`",
            TORTURES.join(", ")
        )),
    }
}

fn windows(rest: &[String]) -> Result<bool, String> {
    match rest {
        [] => Ok(false),
        [only] if only == "--install" => Ok(true),
        _ => Err(format!("windows takes --install, not `{}`", rest.join(" "))),
    }
}

fn extent(rest: &[String]) -> Result<Extent, String> {
    match rest {
        [] => Ok(Extent::Full),
        [only] if only == "--quick" => Ok(Extent::Quick),
        [only] if only == "--install" => Ok(Extent::Install),
        _ => Err(format!(
            "test takes --quick or --install, not `{}`",
            rest.join(" ")
        )),
    }
}

#[cfg(target_os = "linux")]
fn bench(rest: &[String]) -> Result<Bench, String> {
    match rest {
        [what, options @ ..] if what == "pair" => pair(options).map(Bench::Pair),
        [what, options @ ..] if what == "swarm" => swarm(&[], options),
        [what, options @ ..] if plan(what).is_some() => {
            let plans: Vec<Plan> = plan(what).into_iter().collect();
            swarm(&plans, options)
        }
        [what] if what == "idle" => Ok(Bench::Idle),
        [what, directory, address] if what == "raw-serve" || what == "raw-fetch" => {
            let (directory, address) = (directory.clone(), address.clone());
            Ok(if what == "raw-serve" {
                Bench::RawServe { directory, address }
            } else {
                Bench::RawFetch { directory, address }
            })
        }
        _ => Err(format!("there is no bench `{}`", rest.join(" "))),
    }
}

#[cfg(target_os = "linux")]
fn plan(name: &str) -> Option<Plan> {
    Plan::ALL.into_iter().find(|plan| plan.name() == name)
}

#[cfg(target_os = "linux")]
fn swarm(plans: &[Plan], options: &[String]) -> Result<Bench, String> {
    let mut args = SwarmArgs {
        plans: plans.to_vec(),
        ..SwarmArgs::default()
    };
    for pair in options.chunks(2) {
        let [option, value] = pair else {
            return Err(format!("{} takes a value", pair.concat()));
        };
        match option.as_str() {
            "--runs" => args.runs = positive(option, value)?,
            "--mib" => args.mebibytes = positive(option, value)?.into(),
            "--program" => args.program = Some(value.clone()),
            _ => return Err(format!("bench swarm has no option `{option}`")),
        }
    }
    Ok(Bench::Swarm(args))
}

#[cfg(target_os = "linux")]
fn positive(option: &str, value: &str) -> Result<u32, String> {
    let positive = value.parse().ok().filter(|number| *number > 0_u32);
    positive.ok_or_else(|| format!("{option} takes a number, not `{value}`"))
}

#[cfg(target_os = "linux")]
fn pair(options: &[String]) -> Result<PairArgs, String> {
    let mut args = PairArgs::default();
    for pair in options.chunks(2) {
        let [option, value] = pair else {
            return Err(format!("{} takes a value", pair.concat()));
        };
        let number = || positive(option, value);
        match option.as_str() {
            "--runs" => args.runs = number()?,
            "--mib" => args.mebibytes = number()?.into(),
            "--only" => args.only = value.split(',').map(String::from).collect(),
            _ => return Err(format!("bench pair has no option `{option}`")),
        }
    }
    Ok(args)
}

fn nothing(rest: &[String], command: Command) -> Result<Command, String> {
    match rest {
        [] => Ok(command),
        [first, ..] => Err(format!("unexpected argument `{first}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Command, ()>) {
        let parsed = parse(line.split_whitespace().map(String::from)).map_err(|_usage| ());
        assert_eq!(parsed, expected, "{line}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn benches() {
        check(
            "bench pair",
            Ok(Command::Bench(Bench::Pair(PairArgs::default()))),
        );
        let args = PairArgs {
            runs: 2,
            mebibytes: 64,
            only: vec!["nginx".to_string()],
        };
        let line = "bench pair --mib 64 --only nginx --runs 2";
        check(line, Ok(Command::Bench(Bench::Pair(args))));
        let swarm = SwarmArgs {
            plans: vec![Plan::Churn8],
            runs: 2,
            ..SwarmArgs::default()
        };
        check(
            "bench churn8 --runs 2",
            Ok(Command::Bench(Bench::Swarm(swarm))),
        );
        let all = Bench::Swarm(SwarmArgs::default());
        check("bench swarm", Ok(Command::Bench(all)));
        check("bench swarm8 --runs 0", Err(()));
        check("bench idle", Ok(Command::Bench(Bench::Idle)));
        check("bench idle now", Err(()));
    }

    #[test]
    fn commands() {
        let words = |line: &str| line.split(' ').map(String::from).collect::<Vec<_>>();
        check("", Ok(Command::Help));
        check("test", Ok(Command::Test(Extent::Full)));
        check("test --quick", Ok(Command::Test(Extent::Quick)));
        check("test --install", Ok(Command::Test(Extent::Install)));
        check("test --quick --install", Err(()));
        check("run", Ok(Command::Run(Vec::new())));
        check("run -- get x", Ok(Command::Run(words("get x"))));
        check("run get x", Ok(Command::Run(words("get x"))));
        check("run -- get -- x", Ok(Command::Run(words("get -- x"))));
        check("sim 7", Ok(Command::Sim(words("7"))));
        check("fuzz", Ok(Command::Fuzz(60)));
        check("fuzz 5", Ok(Command::Fuzz(5)));
        check("fuzz long", Err(()));
        check("torture", Ok(Command::Torture(Vec::new())));
        check("torture power", Ok(Command::Torture(words("power"))));
        check("torture soak", Ok(Command::Torture(words("soak"))));
        check("torture me", Err(()));
        check("windows", Ok(Command::Windows(false)));
        check("windows --install", Ok(Command::Windows(true)));
        check("windows 11", Err(()));
        check("bundle", Ok(Command::Bundle));
        check("bundle --musl", Ok(Command::BundleMusl));
        check("bundle --glibc", Err(()));
        check("tidy now", Err(()));
        check("bench", Err(()));
        check("bench pair --runs", Err(()));
        check("bench pair --runs 0", Err(()));
        check("dance", Err(()));
    }
}
