//! `holdfast`: the command line of the backup store. Parses, dispatches, and exits with a code.

mod application;
mod arguments;
mod cli;
mod cmd;
mod context;
mod environment;
mod errors;
mod exit;
mod foreign;
mod interrupt;
mod lacks;
mod leftovers;
mod location;
mod opening;
mod output;
mod own;
mod parse;
mod paths;
mod patterns;
mod restic;
mod secret;
mod select;
mod trust;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::FromArgMatches;
use clap::error::{ContextKind, ErrorKind};

use cli::{Cli, Command};
use context::Context;
use environment::Environment;
use exit::{CommandError, CommandResult, ExitKind};
use interrupt::Interrupt;
use output::{Output, Style};

/// Its settings are in `.cargo/config.toml`; decision 0007 has the reasons.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    environment::keep_memory_private();
    keep_guarded_panics_quiet();
    let environment = Environment::of_process();
    let arguments = environment::arguments();
    let cli = match parse(&environment, &arguments) {
        Ok(cli) => cli,
        Err(error) => return explain(&error, asks_for_json(&arguments)),
    };
    let output = Arc::new(Output::new(cli.global.style()));
    let result = Interrupt::install()
        .map_err(|error| CommandError::failed(format!("cannot watch for signals: {error}")))
        .and_then(|interrupt| {
            let context = Context::new(cli.global, environment, Arc::clone(&output), interrupt);
            run(&cli.command, &context)
                .and_then(|()| context.end())
                .map_err(|error| errors::hint_of_interrupt(error, &cli.command))
        });
    finish(&output, result)
}

/// A corrupt cache is silently rebuilt.
fn keep_guarded_panics_quiet() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !holdfast_repo::index::is_guarded() {
            tell(panic);
        }
    }));
}

fn parse(environment: &Environment, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let command = environment::ignore_empty_variables(cli::definition(), environment);
    let arguments = arguments::without_switch_values(&command, arguments);
    let matches = command.try_get_matches_from(arguments).map_err(restic::explained)?;
    Cli::from_arg_matches(&matches)
}

fn run(command: &Command, context: &Context) -> CommandResult {
    context.global.restic.check(matches!(command, Command::Run(_) | Command::RestoreApp(_)))?;
    context.tell_unknown_time_zone();
    dispatch(command, context)?;
    match context.global.restic.cleanup_cache {
        true => cmd::cache::clean_up_old(context),
        false => Ok(()),
    }
}

fn dispatch(command: &Command, context: &Context) -> CommandResult {
    match command {
        Command::Init(args) => cmd::init::run(args, context),
        Command::Backup(args) => cmd::backup::run(args, context),
        Command::Run(args) => cmd::run::run(args, context),
        Command::Snapshots(args) => cmd::snapshots::run(args, context),
        Command::Ls(args) => cmd::ls::run(args, context),
        Command::Find(args) => cmd::find::run(args, context),
        Command::Diff(args) => cmd::diff::run(args, context),
        Command::Dump(args) => cmd::dump::run(args, context),
        Command::Restore(args) => cmd::restore::run(args, context),
        Command::RestoreApp(args) => cmd::restore_app::run(args, context),
        Command::Forget(args) => cmd::forget::run(args, context),
        Command::Prune(args) => cmd::prune::run(args, context),
        Command::Check(args) => cmd::check::run(args, context),
        Command::Repair(args) => cmd::repair::run(args, context),
        Command::Stats(args) => cmd::stats::run(args, context),
        Command::Tag(args) => cmd::tag::run(args, context),
        Command::Key(args) => cmd::key::run(args, context),
        Command::List(args) => cmd::list::run(args, context),
        Command::Cat(args) => cmd::cat::run(args, context),
        Command::Cache(args) => cmd::cache::run(args, context),
        Command::Unlock(args) => cmd::unlock::run(args, context),
        Command::Config(args) => cmd::config::run(args, context),
        Command::Schedule(args) => cmd::schedule::run(args, context),
        Command::Retention(args) => cmd::retention::run(args, context),
        Command::Version(args) => cmd::version::run(args, context),
        Command::Completions(args) => cmd::completions::run(args, context),
        Command::Man(args) => cmd::man::run(args, context),
    }
}

fn finish(output: &Output, result: CommandResult) -> ExitCode {
    let result = result.and(output.flush().map_err(CommandError::from));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.report(&error);
            ExitCode::from(error.exit.code())
        }
    }
}

/// Help and version go to standard output; a usage error is printed as text or JSON, as requested.
fn explain(error: &clap::Error, json: bool) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _closed = error.print();
            ExitCode::SUCCESS
        }
        _ if json => {
            let style = Style { json, ..Style::default() };
            finish(&Output::new(style), Err(CommandError::usage(sentence(error))))
        }
        _ => {
            let _closed = error.print();
            ExitCode::from(ExitKind::Usage.code())
        }
    }
}

/// The first line of an error, with the valid values.
fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let sentence = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    if let Some(instead) = restic::instead(error) {
        return format!("{sentence}: {instead}");
    }
    match error.get(ContextKind::ValidValue) {
        Some(values) if error.kind() == ErrorKind::InvalidValue => {
            format!("{sentence}: expected one of {values}")
        }
        _ => sentence.to_owned(),
    }
}

/// Whether `--json` was given, for a command line that could not be parsed.
fn asks_for_json(arguments: &[OsString]) -> bool {
    let mut flags = arguments.iter().take_while(|argument| *argument != "--");
    flags.any(|argument| argument == "--json" || argument == "--json=true")
}
