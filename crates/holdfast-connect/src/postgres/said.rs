//! What a tool prints on standard error although it succeeds.

/// Precedes what `pg_dump` could not do properly.
const WARNING: &str = "pg_dump: warning: ";
/// Warnings about a dump that is complete: they only matter for a restore of its rows alone.
const WHOLE: [&str; 1] = ["there are circular foreign-key constraints"];
/// Lines that continue the previous one.
const MORE: [&str; 3] = ["pg_dump: detail: ", "pg_dump: hint: ", "pg_dump: "];

/// What a tool prints on standard error although it succeeds, one sentence each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ToolMessages {
    /// What it left out.
    pub left_out: Vec<String>,
    /// Anything else.
    pub others: Vec<String>,
}

impl ToolMessages {
    /// Parses the lines.
    pub fn read(text: &str) -> Self {
        let mut said = Self::default();
        let mut is_left_out = false;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let warning = line.strip_prefix(WARNING);
            let more = MORE.iter().find_map(|start| line.strip_prefix(start));
            let is_more = warning.is_none() && more.is_some();
            if !is_more {
                is_left_out =
                    warning.is_some_and(|it| !WHOLE.iter().any(|whole| it.starts_with(whole)));
            }
            let list = if is_left_out { &mut said.left_out } else { &mut said.others };
            match list.last_mut().filter(|_| is_more) {
                Some(last) => *last = format!("{last}; {}", more.unwrap_or(line)),
                None => list.push(warning.or(more).unwrap_or(line).to_owned()),
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::ToolMessages;

    #[test]
    fn omissions_are_distinguished_from_remarks() {
        let said = ToolMessages::read(
            "pg_dump: warning: subscriptions not dumped because current user is not a superuser\n\
             WARNING:  database \"app\" has a collation version mismatch\n\
             pg_dump: warning: there are circular foreign-key constraints on this table:\n\
             pg_dump: detail: tree\npg_dump: hint: Consider using a full dump.\n\n",
        );
        let left_out = ["subscriptions not dumped because current user is not a superuser"];
        assert_eq!(said.left_out, left_out);
        let others = [
            "WARNING:  database \"app\" has a collation version mismatch",
            "there are circular foreign-key constraints on this table:; tree; Consider using a \
             full dump.",
        ];
        assert_eq!(said.others, others);
        assert_eq!(ToolMessages::read("\n"), ToolMessages::default());
    }
}
