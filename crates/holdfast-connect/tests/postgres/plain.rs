//! SQL scripts of the real pg_dump and pg_dumpall, complete and truncated.

use holdfast_connect::postgres::archive::{PlainCheck, PlainError, PlainKind};

use crate::cluster::{Run, installations};
use crate::round_trip::filled;

fn check(script: &[u8]) -> Result<PlainKind, PlainError> {
    let mut check = PlainCheck::new();
    script.chunks(333).for_each(|piece| check.update(piece));
    check.finish()
}

#[test]
fn scripts_are_whole_and_no_part_of_one_is() {
    for programs in installations() {
        let cluster = filled(&programs);
        let dump = |options: &[&str]| cluster.dump("app", options);
        let all = |options: &[&str]| cluster.client("pg_dumpall", options).succeed();
        let scripts = [
            (dump(&["-Fp"]), PlainKind::Database),
            (dump(&["-Fp", "-v", "-C", "--inserts"]), PlainKind::Database),
            (dump(&["-Fp", "--data-only"]), PlainKind::Database),
            (all(&["--globals-only"]), PlainKind::Cluster),
            (all(&["--roles-only", "-v"]), PlainKind::Cluster),
            (all(&[]), PlainKind::Cluster),
        ];
        for (script, kind) in scripts {
            assert_eq!(check(&script), Ok(kind));
            // Where a script could appear to end, and a few other positions.
            let ends = script.windows(9).enumerate().filter(|(_, text)| *text == b"complete\n");
            let mut lengths: Vec<_> = ends.flat_map(|(at, _)| at..at + 14).collect();
            lengths.extend((0..script.len()).step_by(script.len() / 50 + 1));
            lengths.extend(script.len().saturating_sub(120)..script.len());
            for length in lengths.into_iter().filter(|length| *length < script.len()) {
                let error = check(&script[..length]).unwrap_err();
                let wanted = match length {
                    0 => PlainError::Empty,
                    1..51 if error == PlainError::NotPlain => PlainError::NotPlain,
                    _ => PlainError::CutShort,
                };
                assert_eq!(error, wanted, "{length} of {}", script.len());
            }
            assert_eq!(check(&[&script[..], b"more"].concat()), Err(PlainError::CutShort));
            let damaged = script.iter().flat_map(|byte| match byte {
                b'\n' => vec![b'\r', b'\n'],
                byte => vec![*byte],
            });
            assert_eq!(check(&damaged.collect::<Vec<_>>()), Err(PlainError::Terminal));
        }
        assert_eq!(check(&dump(&["-Fc"])), Err(PlainError::NotPlain));
    }
}
