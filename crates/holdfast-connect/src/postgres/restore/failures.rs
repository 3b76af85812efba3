//! Which entries `pg_restore` could not restore, according to its messages.

use std::collections::{BTreeMap, BTreeSet};

use super::super::error::{PostgresError, one_line};
use super::super::tool::RunningTool;
use super::version::{Filler, REFUSED_SETTING};

/// Entries that could not be restored by their numbers, each with the reason.
pub(super) type Failures = BTreeMap<i32, String>;

/// Precedes the number of an entry that failed.
const ENTRY: &str = "from TOC entry ";
/// Precedes each error.
const ERROR: &str = "pg_restore: error: ";
/// Precedes the number of errors, at the end.
const IGNORED: &str = "pg_restore: warning: errors ignored on restore: ";
/// What is left out of a reason.
const BEFORE_REASON: &str = "could not execute query: ";
/// Begins what the user already knows.
const COMMAND: &str = "Command was:";

/// Waits for a `pg_restore` that does not stop at errors; returns the entries that failed.
///
/// # Errors
/// It failed as a whole, or it is unclear which entries did.
pub(super) fn of_messages(
    running: &mut RunningTool,
    filler: Filler,
    has_jobs: bool,
) -> Result<Failures, PostgresError> {
    let (is_success, said) = running.end()?;
    if is_success {
        return Ok(Failures::new());
    }
    match read(&said, filler, has_jobs) {
        Some(failures) => Ok(failures),
        None => running.succeed().map(|()| Failures::new()),
    }
}

/// Parses the messages. The number of errors comes last, so if it is there, nothing was lost; it
/// must agree with the entries named.
fn read(said: &str, filler: Filler, has_jobs: bool) -> Option<Failures> {
    let mut found = FailedEntry::default();
    for line in said.lines() {
        found.line(line)?;
        if has_jobs {
            // Messages that several jobs print at once may share a line.
            found.entries.extend(line.split(ENTRY).skip(1).filter_map(number));
        }
    }
    let total = found.total?;
    let of_setting = match filler.refuses_setting {
        true => said.matches(REFUSED_SETTING).count(),
        false => 0,
    };
    if found.unnamed > of_setting {
        return None;
    }
    let (failed, errors) = (found.entries.len(), found.errors);
    let agrees = match has_jobs {
        // Each entry counts at least once.
        true => total >= failed,
        false => total == errors && failed + found.unnamed <= errors,
    };
    agrees.then(|| found.failures())
}

#[derive(Default)]
struct FailedEntry {
    entries: BTreeSet<i32>,
    /// The entry that errors belong to.
    current: Option<i32>,
    reasons: Failures,
    errors: usize,
    /// Errors without an entry.
    unnamed: usize,
    total: Option<usize>,
    is_reason: bool,
}

impl FailedEntry {
    fn line(&mut self, line: &str) -> Option<()> {
        if let Some((_, rest)) = line.split_once(ENTRY).filter(|it| it.0.ends_with("pg_restore: "))
        {
            let number = number(rest)?;
            self.entries.insert(number);
            (self.current, self.is_reason) = (Some(number), false);
        } else if let Some(reason) = line.strip_prefix(ERROR) {
            self.errors += 1;
            let reason = reason.trim_start_matches(BEFORE_REASON);
            match self.current {
                Some(number) => {
                    self.is_reason = !self.reasons.contains_key(&number);
                    self.reasons.entry(number).or_insert_with(|| reason.to_owned());
                }
                None => self.unnamed += 1,
            }
        } else if let Some(total) = line.strip_prefix(IGNORED) {
            self.total = Some(total.trim().parse().ok()?);
        } else if line.starts_with(COMMAND) || line.starts_with("pg_restore: ") {
            self.is_reason = false;
        } else if self.is_reason
            && let Some(reason) = self.current.and_then(|it| self.reasons.get_mut(&it))
        {
            reason.push('\n');
            reason.push_str(line);
        }
        Some(())
    }

    fn failures(mut self) -> Failures {
        let unsaid = "pg_restore gave no reason";
        let mut reason = |number| self.reasons.remove(&number).unwrap_or_else(|| unsaid.to_owned());
        self.entries.into_iter().map(|it| (it, reason(it))).map(shown).collect()
    }
}

/// The number at the start of a text.
fn number(text: &str) -> Option<i32> {
    text.split(';').next()?.parse().ok()
}

fn shown((number, reason): (i32, String)) -> (i32, String) {
    (number, one_line(&reason))
}

#[cfg(test)]
mod tests {
    use super::{Filler, read};

    const TWO: &str = "pg_restore: while PROCESSING TOC:\n\
        pg_restore: from TOC entry 215; 1259 16388 INDEX public sale_short demo\n\
        pg_restore: error: could not execute query: ERROR:  function plain(text) does not exist\n\
        LINE 1: select left(plain($1), 3)\n\
        Command was: CREATE INDEX sale_short ON public.sale;\n\n\n\
        pg_restore: from TOC entry 9; 0 0 ACL public TABLE sale demo\n\
        pg_restore: error: could not execute query: ERROR:  role \"a\" does not exist\n\
        Command was: GRANT SELECT ON TABLE public.sale TO a;\n\
        pg_restore: error: could not execute query: ERROR:  role \"b\" does not exist\n\
        Command was: GRANT SELECT ON TABLE public.sale TO b;\n\n\
        pg_restore: warning: errors ignored on restore: ";
    const SETTING: &str = "pg_restore: while INITIALIZING:\n\
        pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter \
        \"transaction_timeout\"\nCommand was: SET transaction_timeout = 0;\n";

    fn filler(refuses_setting: bool) -> Filler {
        Filler { refuses_setting }
    }

    #[test]
    fn failed_entries_are_reported_with_the_reason() {
        let failures = read(&format!("{TWO}3\n"), filler(false), false).unwrap();
        let expected = [
            (9, "ERROR:  role \"a\" does not exist"),
            (215, "ERROR:  function plain(text) does not exist; LINE 1: select left(plain($1), 3)"),
        ];
        assert_eq!(
            failures.iter().map(|(it, why)| (*it, why.as_str())).collect::<Vec<_>>(),
            expected
        );
        assert!(read(&format!("{TWO}2\n"), filler(false), true).is_some());
    }

    #[test]
    fn what_does_not_add_up_is_no_list() {
        for said in [format!("{TWO}2\n"), format!("{TWO}4\n"), TWO.to_owned(), String::new()] {
            assert_eq!(read(&said, filler(false), false), None, "{said}");
        }
        assert_eq!(read(&format!("{TWO}1\n"), filler(false), true), None);
    }

    #[test]
    fn what_several_say_at_once_is_taken_apart() {
        let said = "pg_restore: pg_restore: from TOC entry 7; 1 1 INDEX public a demo\n\
            from TOC entry 8; 1 1 INDEX public b demo\npg_restore: error: no\n\
            pg_restore: error: no\npg_restore: warning: errors ignored on restore: 2";
        let failures = read(said, filler(false), true).unwrap();
        assert_eq!(failures.into_keys().collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn only_the_setting_is_passed_over() {
        let said =
            |count| format!("{SETTING}pg_restore: warning: errors ignored on restore: {count}");
        assert_eq!(read(&said(1), filler(true), false).map(|it| it.len()), Some(0));
        assert_eq!(read(&said(1), filler(true), true).map(|it| it.len()), Some(0));
        assert_eq!(read(&said(1), filler(false), false), None);
        assert_eq!(read(&said(2), filler(true), false), None);
        let both = format!("{SETTING}{TWO}");
        assert_eq!(read(&format!("{both}4"), filler(true), false).map(|it| it.len()), Some(2));
        assert_eq!(read(&format!("{both}4"), filler(false), false), None);
        assert_eq!(
            read(&format!("{SETTING}{both}3"), filler(true), true).map(|it| it.len()),
            Some(2)
        );
    }
}
