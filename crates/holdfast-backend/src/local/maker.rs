//! The process that writes a half-written file, encoded in the file's name, so that no one deletes
//! it while that process is at work.
//!
//! A clock cannot tell: those of two hosts differ, and any of them may jump. The boot of the kernel
//! and the process id, together with the start time of that process, identify one process among all
//! that ever ran. Whether it is alive can be determined only on the same boot of the same kernel,
//! and only within the same namespace of process ids.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

const PREFIX: &str = "holdfast";

/// A process on some machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemporaryOwner {
    /// Random for each boot of a kernel, in hexadecimal digits; empty if unknown.
    boot: String,
    /// Number of the namespace that the process id belongs to.
    space: u64,
    process: u32,
    /// When the process started, in the kernel's ticks since the boot.
    began: u64,
}

/// What is known about a process that made a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is alive.
    AtWork,
    /// It ended.
    Gone,
    /// It ran before the last boot, on another machine or in another container: whether it is alive
    /// is unknown here.
    Elsewhere,
}

impl TemporaryOwner {
    /// This process.
    pub(super) fn this() -> TemporaryOwner {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot: String = boot.chars().filter(char::is_ascii_hexdigit).collect();
        let space = fs::read_link("/proc/self/ns/pid").ok();
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let space = space.and_then(|link| digits(link.to_str()?).parse().ok());
        let process = std::process::id();
        match (space, began("self")) {
            (Some(space), Some(began)) => TemporaryOwner { boot, space, process, began },
            _ => TemporaryOwner { boot: String::new(), space: 0, process, began: 0 },
        }
    }

    /// The name of a file of this process; `random` distinguishes it from others.
    pub(super) fn file_name(&self, random: u64) -> String {
        let TemporaryOwner { boot, space, process, began } = self;
        format!("{PREFIX}.{boot}.{space}.{process}.{began}.{random:016x}")
    }

    /// The process that made a file of this name; `None` if the name is not one of ours.
    pub(super) fn of_file(name: &str) -> Option<TemporaryOwner> {
        let parts: Vec<&str> = name.split('.').collect();
        let [PREFIX, boot, space, process, began, random] = parts[..] else { return None };
        let random = u64::from_str_radix(random, 16).ok()?;
        let maker = TemporaryOwner {
            boot: boot.to_owned(),
            space: space.parse().ok()?,
            process: process.parse().ok()?,
            began: began.parse().ok()?,
        };
        (maker.file_name(random) == name).then_some(maker)
    }

    /// Its fate, as far as `this` process can determine it.
    pub(super) fn fate(&self, this: &TemporaryOwner) -> Fate {
        let is_near = !self.boot.is_empty() && self.boot == this.boot && self.space == this.space;
        match is_near {
            true if is_alive(self.process, self.began) => Fate::AtWork,
            true => Fate::Gone,
            false => Fate::Elsewhere,
        }
    }

    /// A process of this machine that ended, for tests.
    #[cfg(test)]
    pub(super) fn that_ended() -> TemporaryOwner {
        TemporaryOwner { began: 1, ..TemporaryOwner::this() }
    }

    /// A process of another machine, for tests.
    #[cfg(test)]
    pub(super) fn elsewhere() -> TemporaryOwner {
        TemporaryOwner {
            boot: "0123456789abcdef0123456789abcdef".to_owned(),
            ..TemporaryOwner::this()
        }
    }
}

/// Process ids are reused: one that started at another time is another process. If unknown, the
/// process counts as alive.
fn is_alive(process: u32, began_at: u64) -> bool {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return false };
    match test_kill_process(pid) {
        Err(Errno::SRCH) => false,
        _ => began(&process.to_string()).is_none_or(|began| began == began_at),
    }
}

/// When a process started; `None` if that cannot be read.
fn began(process: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in parentheses, may contain anything. After it the state is the
    // third field, and the start time the 22nd.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_tells_who_made_the_file() {
        let this = TemporaryOwner::this();
        let name = this.file_name(0x1234);
        assert_eq!(TemporaryOwner::of_file(&name), Some(this));
        let foreign = [
            "notes.txt",
            "holdfast",
            "holdfast.",
            "holdfast.a.b.c.d.e",
            "holdfast.1.2.3.4",
            "",
            "0123456789abcdef0123456789abcdef",
            "holdfast..1.2.3.12",
            "holdfast..1.2.3.ABCDEF0123456789",
            "holdfast..+1.2.3.0000000000000012",
            "reserve.00",
        ];
        for name in foreign {
            assert_eq!(TemporaryOwner::of_file(name), None, "{name}");
        }
        assert!(TemporaryOwner::of_file("holdfast..1.2.3.0000000000000012").is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_process_of_this_boot_is_known_to_have_ended() {
        let this = TemporaryOwner::this();
        assert_eq!(this.fate(&this), Fate::AtWork);
        assert_eq!(TemporaryOwner::that_ended().fate(&this), Fate::Gone, "the same id, used again");
        assert_eq!(TemporaryOwner::elsewhere().fate(&this), Fate::Elsewhere);
        let other_space = TemporaryOwner { space: this.space + 1, ..this.clone() };
        assert_eq!(other_space.fate(&this), Fate::Elsewhere, "a container's ids are its own");
        let unknown = TemporaryOwner { boot: String::new(), ..this.clone() };
        assert_eq!(unknown.fate(&unknown), Fate::Elsewhere);

        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = child.id();
        let began = began(&process.to_string()).unwrap();
        let other = TemporaryOwner { process, began, ..this.clone() };
        assert_eq!(other.fate(&this), Fate::AtWork);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(other.fate(&this), Fate::Gone);
    }
}
