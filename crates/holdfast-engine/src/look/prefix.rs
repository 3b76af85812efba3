//! The first digits of an id.

use super::error::{LookError, ObjectKind};

/// The first hexadecimal digits of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPrefix(String);

impl IdPrefix {
    /// Takes 1 to 64 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`LookError::NotAnId`].
    pub fn new(text: &str) -> Result<Self, LookError> {
        let is_valid =
            (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_valid {
            return Err(LookError::NotAnId { text: text.to_owned() });
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if the id with these bytes has this prefix.
    pub fn matches(&self, id: &[u8]) -> bool {
        let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut digits = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
        self.0.chars().all(|wanted| digits.next() == Some(wanted))
    }

    /// The only one of `ids` that has this prefix.
    ///
    /// # Errors
    /// [`LookError::NotFound`], [`LookError::Ambiguous`].
    pub fn only<T: PartialEq>(
        &self,
        what: ObjectKind,
        ids: impl IntoIterator<Item = T>,
        bytes: impl Fn(&T) -> &[u8],
    ) -> Result<T, LookError> {
        let mut found = None;
        for id in ids {
            if self.matches(bytes(&id)) && found.as_ref() != Some(&id) {
                if found.is_some() {
                    return Err(LookError::Ambiguous { what, prefix: self.0.clone() });
                }
                found = Some(id);
            }
        }
        found.ok_or_else(|| LookError::NotFound { what, prefix: self.0.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_digits_and_half_bytes() {
        for text in ["a", "aB", "ab0", "ab01"] {
            assert!(IdPrefix::new(text).unwrap().matches(&[0xab, 0x01]), "{text}");
        }
        for text in ["b", "ab1", "ab010"] {
            assert!(!IdPrefix::new(text).unwrap().matches(&[0xab, 0x01]), "{text}");
        }
        assert!(IdPrefix::new("").is_err() && IdPrefix::new("xy").is_err());
    }

    #[test]
    fn says_when_it_is_not_clear() {
        let only = |text: &str, ids: &[[u8; 2]]| {
            IdPrefix::new(text).unwrap().only(ObjectKind::Pack, ids.to_vec(), |id| id)
        };
        assert_eq!(only("1", &[[0x10, 0], [0x20, 0]]).unwrap(), [0x10, 0]);
        assert_eq!(only("1", &[[0x10, 0], [0x10, 0]]).unwrap(), [0x10, 0]);
        assert!(matches!(only("1", &[[0x10, 0], [0x11, 0]]), Err(LookError::Ambiguous { .. })));
        assert!(matches!(only("3", &[[0x10, 0]]), Err(LookError::NotFound { .. })));
    }
}
