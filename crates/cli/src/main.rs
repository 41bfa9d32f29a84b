//! The binary `lanspread`: a peer, and the commands that ask a running one.

mod args;
mod batch;
mod browser;
mod commands;
mod dirs;
mod env;
mod errands;
mod files;
mod handed_out;
mod jsonl;
mod log_files;
mod logging;
mod output;
mod rate;
mod reached;
mod report;
#[cfg(test)]
mod sample;
mod screen;
mod session;
mod settings;
mod size;
mod table;
mod wait;
mod web;
mod words;

use std::process::ExitCode;

use crate::{
    args::{Args, Commands, GlobalArgs},
    output::{Form, Output},
    report::Outcome,
    session::Session,
};

fn main() -> ExitCode {
    // The same binary is the sandboxed unpack worker, before anything else is read or started.
    if lanspread_unpack::is_worker(std::env::args_os()) {
        lanspread_unpack::worker_main()
    }
    let args = Args::read();
    let form = if args.global.json {
        Form::Json
    } else {
        Form::Human
    };
    let outcome = run(args, form);
    let failed = outcome.is_err();
    let code = report::conclude(outcome, form);
    if failed {
        screen::stay_open_after_failure();
    }
    code
}

fn run(args: Args, form: Form) -> Outcome {
    let GlobalArgs { state, verbose, .. } = args.global;
    let session = Session {
        state: state.map_or_else(dirs::state_default, |dir| files::absolute(&dir))?,
        out: Output::new(form),
        verbose,
    };
    match args.command {
        Some(command) => carry_out(&command, &session),
        None => commands::start::run(args.no_open, &session),
    }
}

fn carry_out(command: &Commands, session: &Session) -> Outcome {
    use commands as c;
    match command {
        Commands::Node(args) => c::node::run(args, session),
        Commands::Demo(args) => c::demo::run(args, session),
        Commands::Games(args) => c::games::run(args, session),
        Commands::Peers(args) => c::peers::run(args, session),
        Commands::Status(args) => c::status::run(args, session),
        Commands::Transfers(args) => c::transfers::run(args, session),
        Commands::Get(args) => c::get::run(args, session),
        Commands::Install(args) => c::install::run(args, session),
        Commands::Update(args) => c::update::run(args, session),
        Commands::Play(args) => c::play::run(args, session),
        Commands::Uninstall(args) => c::uninstall::run(args, session),
        Commands::Verify(args) => c::verify::run(args, session),
        Commands::Remove(args) => c::remove::run(args, session),
        Commands::Cancel(args) => c::cancel::run(args, session),
        Commands::Pair(args) => c::pair::run(args, session),
        Commands::Pause(args) => c::pause::run(args, session),
        Commands::Resume(args) => c::resume::run(args, session),
        Commands::Queue(args) => c::queue::run(args, session),
        Commands::Publish(args) => c::publish::run(args, session),
        Commands::Rescan(args) => c::rescan::run(args, session),
        Commands::Share(args) => c::share::run(args, session),
        Commands::Limit(args) => c::limit::run(args, session),
        Commands::Settings(args) => c::settings::run(args, session),
        Commands::Kick(args) => c::kick::run(args, session),
        Commands::Connect(args) => c::connect::run(args, session),
        Commands::Doctor(args) => c::doctor::run(args, session),
        Commands::Handout(args) => c::handout::run(args, session),
        Commands::Inspect(args) => c::inspect::run(args, session),
        Commands::Logs(args) => c::logs::run(args, session),
        Commands::Completions(args) => c::completions::run(args, session),
        Commands::Man(args) => c::man::run(args, session),
    }
}
