//! Errors of the layers below, as ends of a command: the one place that chooses codes and hints.

use holdfast_seal::SealError;

use crate::exit::{CommandError, ExitKind};

impl From<SealError> for CommandError {
    fn from(error: SealError) -> CommandError {
        let (exit, hint) = match error {
            SealError::MistypedKey => {
                (ExitKind::WrongKey, Some("copy the whole key, from HOLDFAST-KEY-1- to its end"))
            }
            SealError::Tampered { .. }
            | SealError::WrongId
            | SealError::Length { .. }
            | SealError::Decompress
            | SealError::Format(_)
            | SealError::OtherRepository { .. } => (ExitKind::Damaged, Some("holdfast check")),
            SealError::Kdf { .. } => (
                ExitKind::Failed,
                Some("a generated key instead of a passphrase: holdfast key generate"),
            ),
            SealError::Random | SealError::Verify { .. } | SealError::EmptySecret => {
                (ExitKind::Failed, None)
            }
        };
        let end = CommandError::new(exit, error.to_string());
        hint.into_iter().fold(end, |end, hint| end.hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_decide_the_code() {
        let code = |error: SealError| CommandError::from(error).exit.code();
        assert_eq!(code(SealError::MistypedKey), 12);
        assert_eq!(code(SealError::Tampered { what: "frame" }), 13);
        assert_eq!(code(SealError::Random), 1);
        let error = CommandError::from(SealError::Kdf { memory_kib: 262_144 });
        assert!(error.message.contains("262144 KiB") && error.hints.len() == 1);
    }
}
