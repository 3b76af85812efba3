//! The command line: every help text, the examples in them, and flags with a shared meaning.

use std::sync::Arc;

use clap::FromArgMatches;

use super::*;
use crate::context::Context;
use crate::environment::Environment;
use crate::exit::CommandResult;
use crate::interrupt::Interrupt;
use crate::output::tests::captured;

fn without_variables() -> clap::Command {
    crate::environment::ignore_empty_variables(definition(), &Environment::with(&[]))
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    let words = shlex::split(line).unwrap();
    Cli::from_arg_matches(&without_variables().try_get_matches_from(words)?)
}

/// All commands below `command`, with their full names.
fn all_commands(command: &clap::Command) -> Vec<(String, clap::Command)> {
    let mut found =
        vec![(command.get_display_name().unwrap_or("holdfast").into(), command.clone())];
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        found.extend(all_commands(below));
    }
    found
}

/// Help without the sections that all commands share.
fn compact(help: &str, is_root: bool) -> String {
    let mut out = String::new();
    let mut skipping = false;
    for line in help.lines() {
        let heading = !line.starts_with(' ') && !line.is_empty();
        let is_shared = ["Global options:", "For scripts written for restic:"].contains(&line);
        skipping = (skipping && !heading) || (is_shared && !is_root);
        if !skipping {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[test]
fn the_definition_is_sound() {
    definition().debug_assert();
}

#[test]
fn every_help() {
    let mut command = without_variables().term_width(100);
    command.build();
    for (name, mut command) in all_commands(&command) {
        let help = command.render_long_help().to_string();
        insta::assert_snapshot!(format!("help_{name}"), compact(&help, name == "holdfast"));
    }
}

#[test]
fn every_example_is_a_valid_command_line() {
    let mut command = without_variables();
    command.build();
    let mut count = 0;
    for (name, command) in all_commands(&command) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let wants_examples = command.get_subcommands().next().is_some() || !name.contains("cat-");
        assert_eq!(help.contains("EXAMPLES:"), wants_examples, "{name}");
        for line in help.lines().filter(|line| line.starts_with("  holdfast ")) {
            let end = line.find(" | ").or_else(|| line.find(" > ")).unwrap_or(line.len());
            let example = line[..end].split("   ").next().unwrap();
            if let Err(error) = parse(example) {
                panic!("{example}: {error}");
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn verbosity_is_counted_or_given() {
    let verbosity = |line: &str| parse(line).unwrap().global.style().verbosity;
    assert_eq!(verbosity("holdfast version"), 0);
    assert_eq!(verbosity("holdfast version -v"), 1);
    assert_eq!(verbosity("holdfast version -vv"), 2);
    assert_eq!(verbosity("holdfast -v version --verbose"), 1);
    assert_eq!(verbosity("holdfast version --verbose=2"), 2);
    assert_eq!(verbosity("holdfast version -v -q --verbose"), 2);
}

#[test]
fn a_command_keeps_its_own_flags() {
    let Command::Backup(args) =
        parse("holdfast backup --stdin-from-command --json -- pg_dump -v --json app")
            .unwrap()
            .command
    else {
        panic!("not a backup");
    };
    let words: Vec<std::ffi::OsString> =
        ["pg_dump", "-v", "--json", "app"].into_iter().map(Into::into).collect();
    assert_eq!(args.command(), Some(words));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "holdfast",
        "holdfast backup",
        "holdfast backup --stdin /etc",
        "holdfast backup --stdin-from-command",
        "holdfast backup --parent x --force /etc",
        "holdfast tag latest",
        "holdfast tag --set a --add b",
        "holdfast tag --hold --release",
        "holdfast restore latest",
        "holdfast restore -t /x",
        "holdfast restore latest --at now -t /x",
        "holdfast restore latest -t /x -i a -e b",
        "holdfast check --read-data --read-data-subset 1/2",
        "holdfast check --read-data-subset 3/2",
        "holdfast find",
        "holdfast cat masterkey",
        "holdfast snapshots -r a --repository-file b",
        "holdfast snapshots -p a --password-command b",
        "holdfast snapshots --pack-size 500",
        "holdfast key add --generate --new-password-file x",
        "holdfast completions tcsh",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn capital_h_is_the_host_except_where_restic_counts_hours() {
    let Command::Snapshots(args) = parse("holdfast snapshots -H web -H ''").unwrap().command else {
        panic!("not snapshots");
    };
    assert_eq!(args.filter.hosts(), ["web"]);
    let Command::Forget(args) = parse("holdfast forget -H 24 --host web").unwrap().command else {
        panic!("not forget");
    };
    assert_eq!((args.keep.keep_hourly, args.filter.hosts().len()), ("24".parse().ok(), 1));
}

fn run(line: &str) -> (CommandResult, String) {
    let cli = parse(line).unwrap();
    let (output, stdout, _) = captured(cli.global.style());
    let environment = Environment::with(&[]);
    let context = Context::new(cli.global, environment, Arc::new(output), Interrupt::default());
    (crate::run(&cli.command, &context), stdout.text())
}

#[test]
fn completions_are_produced() {
    for (shell, part) in [
        ("bash", "complete -F _holdfast"),
        ("zsh", "#compdef holdfast"),
        ("fish", "complete -c holdfast"),
    ] {
        let (result, script) = run(&format!("holdfast completions {shell}"));
        assert_eq!(result, Ok(()));
        assert!(script.contains(part) && script.contains("keep-within-hourly"), "{shell}");
    }
}

#[test]
fn manual_pages_are_produced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/man1");
    let (result, _) = run(&format!("holdfast man --out {}", out.display()));
    assert_eq!(result, Ok(()));
    for page in ["holdfast.1", "holdfast-backup.1", "holdfast-key-add.1"] {
        let text = std::fs::read_to_string(out.join(page)).unwrap();
        assert!(text.contains(".TH ") && text.contains("EXAMPLES"), "{page}");
    }
}

#[test]
fn versions() {
    let (result, text) = run("holdfast version");
    assert_eq!(result, Ok(()));
    assert!(text.starts_with("holdfast 0."), "{text}");
    let (_, json) = run("holdfast version --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["message_type"], "version");
}

#[test]
fn a_generated_key_is_all_that_is_printed() {
    let (result, text) = run("holdfast key generate");
    assert_eq!(result, Ok(()));
    assert!(text.starts_with("HOLDFAST-KEY-1-") && text.lines().count() == 1, "{}", text.len());
}

#[test]
fn a_variable_set_to_nothing_is_ignored() {
    let variables = [("HOLDFAST_PACK_SIZE", ""), ("HOLDFAST_COMPRESSION", "max")];
    let environment = Environment::with(&variables);
    let command = crate::environment::ignore_empty_variables(Cli::command(), &environment);
    let variable = |id: &str| command.get_arguments().find(|flag| flag.get_id() == id)?.get_env();
    assert_eq!(variable("pack_size"), None);
    assert!(variable("compression").is_some());
}
