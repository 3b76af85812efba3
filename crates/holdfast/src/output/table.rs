//! Columns of text, aligned by the width of each character on a terminal, and wrapped to fit one
//! where possible.

use unicode_width::UnicodeWidthStr;

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// The width that a table should fit.
const WIDTH: usize = 80;
/// The minimum width of a column.
const NARROWEST: usize = 8;
/// The space between two columns.
const GAP: usize = 2;

/// A table under construction. A cell may hold several lines.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    footer: Option<String>,
    /// Columns whose cells may be wrapped.
    wordy: Vec<usize>,
}

impl Table {
    /// A table with these headings.
    pub fn new(columns: &[(&str, Align)]) -> Table {
        let columns = columns.iter().map(|(title, align)| ((*title).to_owned(), *align)).collect();
        Table { columns, rows: Vec::new(), footer: None, wordy: Vec::new() }
    }

    /// Lets cells of these columns be wrapped after spaces and commas if the table would otherwise
    /// be too wide. Names and times are never wrapped.
    #[must_use]
    pub fn breaking(mut self, titles: &[&str]) -> Table {
        let is_wordy = |place: &usize| titles.contains(&self.columns[*place].0.as_str());
        self.wordy = (0..self.columns.len()).filter(is_wordy).collect();
        self
    }

    /// Adds a row. Cells are printed as they are: escape names first. Missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().take(self.columns.len()).collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// A line under the table, as in `3 snapshots`.
    pub fn footer(&mut self, text: impl Into<String>) {
        self.footer = Some(text.into());
    }

    /// The finished table, without trailing spaces and without a final line break.
    pub fn render(&self) -> String {
        let widths = self.widths();
        let rule = "-".repeat(total(&widths));
        let titles: Vec<String> = self.columns.iter().map(|(title, _)| title.clone()).collect();
        let mut lines = Vec::new();
        self.push_row(&mut lines, &titles, &widths);
        lines.push(rule.clone());
        for row in &self.rows {
            self.push_row(&mut lines, &self.broken(row, &widths), &widths);
        }
        lines.push(rule);
        lines.extend(self.footer.clone());
        lines.join("\n")
    }

    /// The widths of the columns, after narrowing the widest wrappable ones until all fit.
    fn widths(&self) -> Vec<usize> {
        let mut widths = self.natural_widths();
        while total(&widths) > WIDTH {
            let can_shrink = |place: &&usize| widths[**place] > NARROWEST;
            let widest = self.wordy.iter().filter(can_shrink).max_by_key(|place| widths[**place]);
            let Some(widest) = widest.copied() else { break };
            widths[widest] -= 1;
        }
        // A word longer than the column's width takes the space it needs.
        for place in &self.wordy {
            let broken = |row: &Vec<String>| break_lines(&row[*place], widths[*place]);
            let lines = self.rows.iter().map(broken).map(|cell| widest(&cell));
            widths[*place] = lines.max().unwrap_or(0).max(self.columns[*place].0.width());
        }
        widths
    }

    fn broken(&self, row: &[String], widths: &[usize]) -> Vec<String> {
        let cell = |(place, cell): (usize, &String)| match self.wordy.contains(&place) {
            true => break_lines(cell, widths[place]),
            false => cell.clone(),
        };
        row.iter().enumerate().map(cell).collect()
    }

    fn natural_widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(title, _)| widest(title)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(widest(cell));
            }
        }
        widths
    }

    fn push_row(&self, lines: &mut Vec<String>, cells: &[String], widths: &[usize]) {
        let height = cells.iter().map(|cell| cell.lines().count()).max().unwrap_or(1).max(1);
        for index in 0..height {
            let mut line = String::new();
            for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
                let text = cell.lines().nth(index).unwrap_or("");
                let padding = " ".repeat(width.saturating_sub(text.width()));
                match align {
                    Align::Left => line.extend([text, &padding, "  "]),
                    Align::Right => line.extend([&padding, text, "  "]),
                }
            }
            lines.push(line.trim_end().to_owned());
        }
    }
}

/// The total width of a table with these column widths.
fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn widest(cell: &str) -> usize {
    cell.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// The lines of a cell, wrapped after spaces and commas where they are wider than this.
fn break_lines(cell: &str, width: usize) -> String {
    let mut out = Vec::new();
    for line in cell.lines() {
        let mut rest = String::new();
        for word in line.split_inclusive([' ', ',']) {
            if !rest.is_empty() && (rest.width() + word.trim_end().width()) > width {
                out.push(rest.trim_end().to_owned());
                rest.clear();
            }
            rest.push_str(word);
        }
        out.push(rest.trim_end().to_owned());
    }
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_broken_until_the_table_fits() {
        let columns = [("ID", Align::Left), ("Why", Align::Left), ("Removed", Align::Left)];
        let mut table = Table::new(&columns).breaking(&["Why", "Removed"]);
        let why = "hourly snapshot, daily snapshot, weekly snapshot, monthly snapshot";
        table.row(["1a2b3c4d", why, "never: a rule without a limit"].map(str::to_owned));
        table.row(["1a2b3c4e", "", "2026-11-28 12:00:00"].map(str::to_owned));
        insta::assert_snapshot!(table.render(), @"
        ID        Why                                      Removed
        --------------------------------------------------------------------------------
        1a2b3c4d  hourly snapshot, daily snapshot, weekly  never: a rule without a limit
                  snapshot, monthly snapshot
        1a2b3c4e                                           2026-11-28 12:00:00
        --------------------------------------------------------------------------------
        ");
        assert!(table.render().lines().all(|line| line.width() <= WIDTH));
        // Cells that fit are left as they are, and so are those that cannot be wrapped.
        let mut table = Table::new(&columns).breaking(&["Why"]);
        table.row(["1a2b3c4d".to_owned(), "one, two".to_owned(), "x".repeat(70)]);
        assert!(table.render().contains("one, two  xxx"));
    }

    #[test]
    fn columns_are_aligned_by_width() {
        let mut table =
            Table::new(&[("ID", Align::Left), ("Paths", Align::Left), ("Size", Align::Right)]);
        table.row([
            "1a2b3c4d".to_owned(),
            "/\u{65e5}\u{672c}\u{8a9e}\n/b".to_owned(),
            "5 B".to_owned(),
        ]);
        table.row(["ffffffff".to_owned(), "/home".to_owned(), "1.234 MiB".to_owned()]);
        table.footer("2 snapshots");
        insta::assert_snapshot!(table.render(), @"
        ID        Paths         Size
        ----------------------------
        1a2b3c4d  /\u{65e5}\u{672c}\u{8a9e}        5 B
                  /b
        ffffffff  /home    1.234 MiB
        ----------------------------
        2 snapshots
        ");
    }

    #[test]
    fn missing_cells_are_empty() {
        let mut table = Table::new(&[("A", Align::Left), ("B", Align::Left)]);
        table.row(["x".to_owned()]);
        assert_eq!(table.render(), "A  B\n----\nx\n----");
    }
}
