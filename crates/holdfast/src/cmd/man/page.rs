//! The manual page of a command: its definition, its examples line by line, and what applies to
//! all commands.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use super::surroundings::{FILES, VARIABLES, exit_codes};

/// Writes the pages of a built command and of all its subcommands.
pub fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_all(below, folder)?;
    }
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut out = BufWriter::new(File::create(folder.join(format!("{name}.1")))?);
    write(command, &mut out)?;
    out.flush()
}

fn write(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    if let Some(text) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        let text = text.to_string();
        // All exit codes follow below.
        let text = text.split("EXIT CODES:").next().unwrap_or_default();
        out.write_all(verbatim(text).as_bytes())?;
    }
    let is_main = command.get_name() == "holdfast";
    let mut tail = String::from(".SH ENVIRONMENT\n");
    if is_main {
        list(&mut tail, VARIABLES);
    } else {
        tail.push_str("Flags name their variables; holdfast(1) lists all.\n");
    }
    tail.push_str(".SH \"EXIT STATUS\"\n");
    let codes: Vec<_> =
        exit_codes().into_iter().map(|(code, what)| (code.to_string(), what)).collect();
    list(&mut tail, &codes.iter().map(|(code, what)| (code.as_str(), *what)).collect::<Vec<_>>());
    tail.push_str(".SH FILES\n");
    if is_main {
        list(&mut tail, FILES);
    } else {
        tail.push_str("See holdfast(1).\n");
    }
    out.write_all(tail.as_bytes())
}

/// Terms with their definitions.
fn list(out: &mut String, terms: &[(&str, &str)]) {
    for (term, meaning) in terms {
        out.push_str(&format!(".TP\n{}\n{}\n", escaped(term), escaped(meaning)));
    }
}

/// Help text: a line of capitals with a colon starts a section, indented lines are kept as they
/// are, and unindented text is prose.
fn verbatim(text: &str) -> String {
    let (mut out, mut is_kept) = (String::new(), false);
    let mut keep = |out: &mut String, keep: bool| {
        if keep != is_kept {
            out.push_str(if keep { ".nf\n" } else { ".fi\n" });
            is_kept = keep;
        }
    };
    for line in text.lines() {
        let heading = line.strip_suffix(':').filter(|it| !it.contains(char::is_lowercase));
        if let Some(heading) = heading.filter(|heading| !heading.is_empty()) {
            keep(&mut out, false);
            out.push_str(&format!(".SH \"{}\"\n", escaped(heading)));
        } else if line.is_empty() {
            out.push_str(".PP\n");
        } else {
            keep(&mut out, line.starts_with(' '));
            out.push_str(&escaped(line.strip_prefix("  ").unwrap_or(line)));
            out.push('\n');
        }
    }
    keep(&mut out, false);
    out
}

/// A line that troff prints literally.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn examples_keep_their_lines() {
        let text = "EXAMPLES:\n  holdfast a -b\n      what it does\n  .x\n\nWords that\nfollow.";
        let expected = ".SH \"EXAMPLES\"\n.nf\nholdfast a \\-b\n    what it does\n\\&.x\n.PP\n.fi\n\
                        Words that\nfollow.\n";
        assert_eq!(verbatim(text), expected);
    }

    #[test]
    fn every_page_has_its_sections() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        write_all(&command, folder.path()).unwrap();
        let mut pages = 0;
        for page in std::fs::read_dir(folder.path()).unwrap() {
            let path = page.unwrap().path();
            let page = std::fs::read_to_string(&path).unwrap();
            for section in [".SH NAME", ".SH SYNOPSIS", ".SH ENVIRONMENT", ".SH FILES"] {
                assert!(page.contains(section), "{section} of {}", path.display());
            }
            assert!(page.contains(".SH \"EXIT STATUS\"") && page.contains("\n130\n"));
            assert!(!page.contains("EXAMPLES:"), "{}", path.display());
            pages += 1;
        }
        assert!(pages > 30, "{pages}");
        let main = std::fs::read_to_string(folder.path().join("holdfast.1")).unwrap();
        assert!(main.contains("\nHOLDFAST_PROGRESS_FPS\n") && main.contains("holdfast.toml"));
    }
}
