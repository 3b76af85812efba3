//! Switches with a value, such as `--json=true`, as Go programs accept them.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::{ArgAction, Command};

/// Replaces `--json=true` by `--json` and drops `--json=false`; everything else, and everything
/// after `--`, is kept.
pub fn without_switch_values(command: &Command, arguments: &[OsString]) -> Vec<OsString> {
    let switches = Switches::of(command);
    let mut is_over = false;
    let mut kept = Vec::with_capacity(arguments.len());
    for argument in arguments {
        is_over |= argument == "--";
        match switches.value(argument).filter(|_| !is_over) {
            None => kept.push(argument.clone()),
            Some((switch, true)) => kept.push(switch.into()),
            Some((_, false)) => {}
        }
    }
    kept
}

/// The switches of all commands of the program.
struct Switches {
    names: BTreeSet<String>,
}

impl Switches {
    fn of(command: &Command) -> Switches {
        let (mut names, mut valued) = (BTreeSet::new(), BTreeSet::new());
        collect(command, &mut names, &mut valued);
        // Flags that take a value in any command are never changed.
        names.retain(|name| !valued.contains(name));
        Switches { names }
    }

    /// The switch and its value.
    fn value<'a>(&self, argument: &'a OsString) -> Option<(&'a str, bool)> {
        let (switch, value) = argument.to_str()?.split_once('=')?;
        let is_set = match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => return None,
        };
        self.names.contains(switch).then_some((switch, is_set))
    }
}

fn collect(command: &Command, names: &mut BTreeSet<String>, valued: &mut BTreeSet<String>) {
    for argument in command.get_arguments() {
        let place = match argument.get_action() {
            ArgAction::SetTrue => &mut *names,
            _ => &mut *valued,
        };
        place.extend(argument.get_long().map(|long| format!("--{long}")));
        place.extend(argument.get_short().map(|short| format!("-{short}")));
    }
    command.get_subcommands().for_each(|below| collect(below, names, valued));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_may_have_a_value() {
        let command = crate::cli::definition();
        let check = |line: &str, expected: &str| {
            let given: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let kept = without_switch_values(&command, &given);
            assert_eq!(kept.join(" ".as_ref()), OsString::from(expected), "{line}");
        };
        check("snapshots --json=true --no-lock=1", "snapshots --json --no-lock");
        check("restore --verify=false latest --sparse=F", "restore latest");
        check("forget --prune=TRUE -q=true", "forget --prune -q");
        for kept in [
            "snapshots --json=maybe --json= --verbose=1",
            "backup --host=true --tag=1 -e=true",
            "backup --stdin-from-command -- app --json=true",
            "snapshots --nothing=true",
        ] {
            check(kept, kept);
        }
    }
}
