//! `config`: check an app file, or print the schema of app files.

use std::path::Path;

use clap::Subcommand;
use holdfast_app::config::{
    self, AppFile, ConfigError, Loaded, Machine, MachineHelp, program_folders,
};
use holdfast_app::settings::Mistake;

use crate::application::{self, ApplicationArgs};
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult};
use crate::output::json::application::{ConfigRemark, ConfigSummary};
use crate::output::{escape, policy, text};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast config check
  holdfast config schema > holdfast.schema.json";

/// Check an app file, or print the schema of app files
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The subcommand.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Check the app file for mistakes, and for things that are missing on this machine
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// Which application.
        #[command(flatten)]
        application: ApplicationArgs,
    },
    /// Print the JSON schema of app files, for editors
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
}

const CHECK_EXAMPLES: &str = "\
EXAMPLES:
  holdfast config check
      ./holdfast.toml
  holdfast config check --config /etc/holdfast/documenso.toml
  holdfast config check documenso --json

Every mistake is reported with its line and a correction, and makes the exit code 2. Anything
missing on this machine causes a warning: unreadable password files, programs that are not found,
paths that do not exist. Nothing is started, and no connection is made.";

const SCHEMA_EXAMPLES: &str = "\
EXAMPLES:
  holdfast config schema > /etc/holdfast/holdfast.schema.json

An editor with a TOML language server (taplo, Even Better TOML) completes and checks an app file
that starts with this line:
  #:schema ./holdfast.schema.json";

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.action {
        ConfigAction::Check { application } => check(application, context),
        ConfigAction::Schema => schema(context),
    }
}

/// The schema as in docs/.
fn schema(context: &Context) -> CommandResult {
    let text = serde_json::to_string_pretty(&config::schema());
    let text = text.map_err(|error| CommandError::failed(format!("cannot write it: {error}")))?;
    Ok(context.output.line(&text)?)
}

fn check(args: &ApplicationArgs, context: &Context) -> CommandResult {
    let path = args.path()?;
    let Loaded { file, warnings } = match config::load(&path) {
        Ok(loaded) => loaded,
        Err(ConfigError::Mistakes(mistakes)) => return tell_mistakes(context, &path, &mistakes),
        Err(error) => return Err(application::explain(error)),
    };
    args.expect_name(&path, &file)?;
    for warning in &warnings {
        tell(context, "warning", warning)?;
    }
    let missing = tell_what_is_missing(context, &path, &file)?;
    praise(context, &path, &file, warnings.len() + missing)
}

fn tell_mistakes(context: &Context, path: &Path, mistakes: &[Mistake]) -> CommandResult {
    for mistake in mistakes {
        tell(context, "mistake", mistake)?;
    }
    let count = text::count(mistakes.len() as u64, "mistake", "mistakes");
    Err(CommandError::usage(format!("{count} in {}", escape::path(path))))
}

/// A mistake or warning with its line.
fn tell(context: &Context, message_type: &'static str, mistake: &Mistake) -> CommandResult {
    if context.output.style().json {
        let file = mistake.file.to_string_lossy();
        return Ok(context.output.json(&ConfigRemark {
            message_type,
            file: &file,
            line: Some(mistake.line),
            column: Some(mistake.column),
            message: &mistake.message,
            help: &mistake.help,
        })?);
    }
    if message_type == "warning" {
        context.output.line("warning:")?;
    }
    // The text has several lines, each of which may quote untrusted input.
    for line in mistake.to_string().lines() {
        context.output.line(&escape::text(line))?;
    }
    Ok(context.output.line("")?)
}

/// What to do about something that this machine lacks.
fn help(help: MachineHelp) -> String {
    match help {
        MachineHelp::Text(text) => text,
        MachineHelp::MountOrInit => {
            "mount its disk; to create a new repository: holdfast run --init-missing".to_owned()
        }
    }
}

/// Warns of what the file names and this machine lacks; returns the number of warnings.
fn tell_what_is_missing(context: &Context, path: &Path, file: &AppFile) -> CommandResult<usize> {
    let absolute = environment::absolute(path)
        .map_err(|error| CommandError::path("find the app file", path, &error))?;
    let folders = context.environment.variable("PATH").unwrap_or_default();
    let machine = Machine {
        program_folders: &program_folders(&folders),
        app_folder: absolute.parent().unwrap_or(Path::new("/")),
    };
    let mut found: Vec<(String, String)> =
        file.missing_on(&machine).into_iter().map(|it| (it.message, help(it.help))).collect();
    for place in [Some(&file.repository), file.keys_repository.as_ref()].into_iter().flatten() {
        if let Err(error) = application::folder(place) {
            found.push((error.message, error.hints.concat()));
        }
    }
    for (message, help) in &found {
        match context.output.style().json {
            true => context.output.json(&ConfigRemark {
                message_type: "warning",
                file: &path.to_string_lossy(),
                line: None,
                column: None,
                message,
                help,
            })?,
            false => {
                context.output.line(&format!("warning: {}", escape::text(message)))?;
                context.output.line(&format!("  try: {}", escape::text(help)))?;
            }
        }
    }
    Ok(found.len())
}

fn praise(context: &Context, path: &Path, file: &AppFile, warnings: usize) -> CommandResult {
    let sources: Vec<&str> = file.sources.iter().map(|source| source.name.as_str()).collect();
    let keeps = file.retention.as_ref().map(|retention| policy::rules(&retention.policy));
    let runs = policy::rhythm(file.schedule.every);
    if context.output.style().json {
        return Ok(context.output.json(&ConfigSummary {
            message_type: "summary",
            file: &path.to_string_lossy(),
            app: file.app.name.as_str(),
            sources,
            checks: file.checks.len(),
            hooks: file.hooks.len(),
            runs,
            keeps,
            warnings,
        })?);
    }
    let verdict = match warnings {
        0 => "is valid".to_owned(),
        count => {
            format!("is valid, with {}", text::count(count as u64, "warning", "warnings"))
        }
    };
    let count = |number: usize, one: &str, many: &str| text::count(number as u64, one, many);
    Ok(context.output.line(&format!(
        "{} {verdict}: {}, {} ({}), {}, {}; runs {runs}; {}",
        escape::path(path),
        file.app.name,
        count(sources.len(), "source", "sources"),
        sources.join(", "),
        count(file.checks.len(), "check", "checks"),
        count(file.hooks.len(), "hook", "hooks"),
        keeps.map_or("removes nothing".to_owned(), |rules| format!("keeps {rules}")),
    ))?)
}
