//! Crontabs, parsed as cron and the shell do.

use std::process::Command;

use super::*;

#[test]
fn the_lines_of_a_full_file() {
    let at = at("/usr/local/bin/holdfast", "/etc/holdfast/documenso.toml");
    insta::assert_snapshot!(crontab(&file(FULL), &at, CronStyle::System).unwrap());
}

/// Fields, user and command of the one line that runs something; checks all other lines.
fn entry(table: &str, style: CronStyle) -> (String, Option<String>, String) {
    assert!(table.ends_with('\n'));
    let mut entries = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let variable =
            line.split_once('=').filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase()));
        if variable.is_none() {
            entries.push(line);
        }
    }
    let [line] = entries[..] else { panic!("{entries:?}") };
    let mut words = line.splitn(if style == CronStyle::System { 7 } else { 6 }, ' ');
    let fields: Vec<_> = words.by_ref().take(5).collect();
    check_fields(&fields);
    let user = (style == CronStyle::System).then(|| words.next().unwrap().to_owned());
    (fields.join(" "), user, words.next().unwrap().to_owned())
}

fn check_fields(fields: &[&str]) {
    for (field, above) in fields.iter().zip([60, 24, 32, 13, 8]) {
        assert!(*field == "*" || field.parse::<u8>().is_ok_and(|number| number < above), "{field}");
    }
}

/// The words that the shell parses from a cron command.
fn words(command: &str) -> Vec<String> {
    // cron ends the line at a percent sign, unless it is escaped with a backslash, which it
    // removes.
    assert!(!command.replace("\\%", "").contains('%'), "{command}");
    let command = command.replace("\\%", "%");
    let output = Command::new("sh").args(["-c", &format!("printf '%s\\n' {command}")]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn cron_and_the_shell_give_the_command_back() {
    for (program, app_file) in [
        ("/usr/bin/holdfast", "/etc/holdfast/app.toml"),
        ("/opt/my tools/holdfast", "/srv/it's 100%/$HOME/`id`;&|<>()*?\\\"x\".toml"),
        ("/opt/50%", "/x#y!~{a,b}.toml"),
    ] {
        for style in [CronStyle::System, CronStyle::User] {
            let table = crontab(&file(FULL), &at(program, app_file), style).unwrap();
            let (_, user, command) = entry(&table, style);
            assert_eq!(words(&command), [program, "run", "--config", app_file]);
            assert_eq!(user.as_deref(), (style == CronStyle::System).then_some("backup"));
        }
    }
}

#[test]
fn moments() {
    for (lines, expected) in [
        ("", "0 * * * *"),
        ("at = \":05\"", "5 * * * *"),
        ("every = \"day\"", "0 2 * * *"),
        ("every = \"day\"\nat = \"23:59\"", "59 23 * * *"),
    ] {
        let file = file(&format!("{SMALL}[schedule]\n{lines}\n"));
        let table = crontab(&file, &at("/h", "/x"), CronStyle::User).unwrap();
        assert_eq!(entry(&table, CronStyle::User).0, expected);
    }
}
