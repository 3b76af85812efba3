//! Random files: reading always gives a file or mistakes, and they are always well-formed.

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../../../../docs/holdfast.example.toml");

/// Reads a text; fails if there is neither a file nor a mistake, or if a mistake is outside it.
fn read_any(text: &str) {
    let same = |path: &Path| path.to_owned();
    let read = parse(text, Path::new("f"), Path::new("/etc"), &same);
    let Err(ConfigError::Mistakes(mistakes)) = read else { return };
    assert!(!mistakes.is_empty(), "{text}");
    for mistake in mistakes {
        assert!(mistake.line <= text.matches('\n').count() + 1, "{mistake}");
        assert!(mistake.to_string().contains("try: ") && !mistake.help.is_empty(), "{mistake}");
    }
}

proptest! {
    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,200}") {
        read_any(&text);
    }

    #[test]
    fn a_file_with_a_hole_has_an_answer(from in 0..EXAMPLE.len(), length in 0_usize..40) {
        let end = (from + length).min(EXAMPLE.len());
        let (from, end) = (EXAMPLE.floor_char_boundary(from), EXAMPLE.floor_char_boundary(end));
        read_any(&[&EXAMPLE[..from], &EXAMPLE[end..]].concat());
    }

    #[test]
    fn lines_in_any_order_have_an_answer(
        lines in Just(EXAMPLE.lines().collect::<Vec<_>>()).prop_shuffle(),
        count in 0_usize..60,
    ) {
        read_any(&lines[..count.min(lines.len())].join("\n"));
    }
}
