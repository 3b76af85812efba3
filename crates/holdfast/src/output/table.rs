//! Columns of text, aligned by the width that a terminal gives each character.

use unicode_width::UnicodeWidthStr;

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table under construction. A cell may hold several lines.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    footer: Option<String>,
}

impl Table {
    /// A table with these headings.
    pub fn new(columns: &[(&str, Align)]) -> Table {
        let columns = columns.iter().map(|(title, align)| ((*title).to_owned(), *align)).collect();
        Table { columns, rows: Vec::new(), footer: None }
    }

    /// Adds a row. Cells are printed as they are: escape names before. Missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().take(self.columns.len()).collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// A line under the table, as in `3 snapshots`.
    pub fn footer(&mut self, text: impl Into<String>) {
        self.footer = Some(text.into());
    }

    /// The finished table, without trailing spaces and without a line break at its end.
    pub fn render(&self) -> String {
        let widths = self.widths();
        let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1));
        let titles: Vec<String> = self.columns.iter().map(|(title, _)| title.clone()).collect();
        let mut lines = Vec::new();
        self.push_row(&mut lines, &titles, &widths);
        lines.push(rule.clone());
        for row in &self.rows {
            self.push_row(&mut lines, row, &widths);
        }
        lines.push(rule);
        lines.extend(self.footer.clone());
        lines.join("\n")
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |cell: &str| cell.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
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

#[cfg(test)]
mod tests {
    use super::*;

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
