//! Units, verified by systemd itself.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

/// What `systemd-analyze verify` reports about the units; empty if nothing.
fn verdict(units: &Units) -> String {
    let folder = tempfile::tempdir().unwrap();
    let paths = install(units, folder.path()).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").args(&paths).output();
    let output = output.expect("systemd-analyze is missing: install the Debian package systemd");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours = told.lines().filter(|line| line.contains("holdfast-"));
    let ours = ours.map(|line| format!("{line}\n")).collect::<String>();
    if output.status.success() { ours } else { format!("{}\n{told}", output.status) }
}

#[test]
fn the_units_of_a_full_file() {
    let units = units(&file(FULL), &at("/usr/local/bin/holdfast", "/etc/holdfast/documenso.toml"));
    let units = units.unwrap();
    insta::assert_snapshot!("service", units.service.text);
    insta::assert_snapshot!("timer", units.timer.text);
    assert_eq!(units.service.name, "holdfast-documenso.service");
    assert_eq!(
        units.next_steps(),
        ["systemctl daemon-reload", "systemctl enable --now holdfast-documenso.timer"]
    );
}

#[test]
fn systemd_takes_the_units() {
    for text in [FULL, SMALL] {
        for app_file in ["/etc/holdfast/app.toml", "/srv/my apps/100%/$x \"y\" \\z.toml"] {
            let units = units(&file(text), &at("/bin/true", app_file)).unwrap();
            assert_eq!(verdict(&units), "", "{}", units.service.text);
        }
    }
}

/// The check above can fail.
#[test]
fn systemd_would_complain() {
    let good = units(&file(SMALL), &at("/bin/true", "/x.toml")).unwrap();
    let with = |from: &str, to: &str| {
        let mut units = good.clone();
        for unit in [&mut units.service, &mut units.timer] {
            unit.text = unit.text.replace(from, to);
        }
        assert_ne!(units, good);
        verdict(&units)
    };
    // The messages differ between versions.
    for (from, to) in [
        ("ProtectSystem=strict", "ProtectSystem=very"),
        ("/bin/true", "/no/such/program"),
        ("OnCalendar=", "OnCalendar=never "),
        ("KillMode=", "KilMode="),
    ] {
        assert_ne!(with(from, to), "", "{to}");
    }
}

/// systemd parses a line as it was meant.
#[test]
fn odd_paths_survive() {
    let text = units(&file(FULL), &at("/opt/my tools/50%/hold$fast", "/x.toml")).unwrap();
    let text = text.service.text;
    for line in [
        "ExecStart=\"/opt/my tools/50%%/hold$$fast\" run --config /x.toml",
        "RequiresMountsFor=/srv/backup/documenso \"/mnt/key vault/50%%/$keys\"",
        "LoadCredential=repository.keys.password:/etc/holdfast/keys of 100%%.key",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn moments() {
    let calendar = |lines: &str| {
        let units = units(&file(&format!("{SMALL}[schedule]\n{lines}\n")), &at("/bin/true", "/x"));
        let text = units.unwrap().timer.text;
        let line = text.lines().find_map(|line| line.strip_prefix("OnCalendar=")).unwrap();
        line.to_owned()
    };
    for (lines, expected) in [
        ("", "*-*-* *:00:00"),
        ("at = \":05\"", "*-*-* *:05:00"),
        ("every = \"day\"", "*-*-* 02:00:00"),
        ("every = \"day\"\nat = \"23:59\"", "*-*-* 23:59:00"),
    ] {
        let found = calendar(lines);
        assert_eq!(found, expected);
        let status = Command::new("systemd-analyze").args(["calendar", &found]).output().unwrap();
        assert!(status.status.success());
    }
}

#[test]
fn units_are_installed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let units = units(&file(SMALL), &at("/bin/true", "/x.toml")).unwrap();
    std::fs::write(folder.path().join("holdfast-app.timer"), "an older one").unwrap();
    let paths = install(&units, folder.path()).unwrap();
    let expected =
        ["holdfast-app.service", "holdfast-app.timer"].map(|name| folder.path().join(name));
    assert_eq!(paths, expected);
    for (path, unit) in paths.iter().zip(units.all()) {
        assert_eq!(std::fs::read_to_string(path).unwrap(), unit.text);
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o644);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    assert!(install(&units, &folder.path().join("missing")).is_err());
}

/// A run with private folders for temporary files would not see files in the shared ones.
#[test]
fn temporary_folders_are_shared_only_if_something_is_there() {
    let service = |text: &str, app_file: &str| {
        let units = units(&file(text), &at("/bin/true", app_file)).unwrap();
        assert_eq!(verdict(&units), "", "{}", units.service.text);
        units.service.text
    };
    let private = service(SMALL, "/x.toml");
    assert!(private.contains("PrivateTmp=yes") && !private.contains("ReadWritePaths"));
    let socket = SMALL.replace("documenso@db/documenso", "documenso@/documenso?host=/tmp");
    for (text, app_file) in [
        (FULL.replace("/opt/documenso/uploads", "/var/tmp/uploads"), "/x.toml"),
        (FULL.replace("/srv/backup", "/tmp/backup"), "/x.toml"),
        (socket, "/x.toml"),
        (SMALL.to_owned(), "/tmp/x.toml"),
    ] {
        let shared = service(&text, app_file);
        let line = shared.lines().find(|line| line.starts_with("ReadWritePaths=")).unwrap();
        assert!(!shared.contains("PrivateTmp") && line.ends_with("-/tmp -/var/tmp"), "{line}");
    }
}

#[test]
fn two_users_do_not_share_folders() {
    let text = units(&file(FULL), &at("/bin/true", "/x.toml")).unwrap().service.text;
    assert!(text.contains("StateDirectory=holdfast-backup\n") && text.contains("User=backup\n"));
    assert!(text.contains("AmbientCapabilities=CAP_DAC_READ_SEARCH\n"));
    let text = units(&file(SMALL), &at("/bin/true", "/x.toml")).unwrap().service.text;
    assert!(text.contains("StateDirectory=holdfast\n") && text.contains("User=root\n"));
    assert!(text.contains("HOLDFAST_STATE_DIR=%S/holdfast\n") && !text.contains("Ambient"));
}

#[test]
fn commands_that_become_another_user_may_do_so_under_root() {
    let exec = "exec = [\"/usr/sbin/runuser\", \"-u\", \"postgres\", \"--\"]\n";
    let as_root = units(&file(&format!("{SMALL}{exec}")), &at("/bin/true", "/x.toml")).unwrap();
    assert_eq!(verdict(&as_root), "", "{}", as_root.service.text);
    let line = "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SETUID CAP_SETGID CAP_AUDIT_WRITE\n";
    assert!(as_root.service.text.contains(line), "{}", as_root.service.text);
    let backup = format!("{SMALL}{exec}[schedule]\nuser = \"backup\"\n");
    let told = units(&file(&backup), &at("/bin/true", "/x.toml")).unwrap_err().to_string();
    assert!(told.contains("runuser of source \"database\" switches to another user"), "{told}");
    let hook = "[[hook]]\nbefore = \"run\"\ncommand = [\"sudo\", \"-u\", \"app\", \"x\"]\n";
    let hooked = units(&file(&format!("{SMALL}{hook}")), &at("/bin/true", "/x.toml")).unwrap();
    assert!(hooked.service.text.contains(line), "{}", hooked.service.text);
}
