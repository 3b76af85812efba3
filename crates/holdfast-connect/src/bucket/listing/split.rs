//! Guessing keys that lie some pages ahead, from the first and last key of a page.
//!
//! The keys of a page differ in a few characters. Those are read as digits of a number, whose base
//! is the number of different characters seen; the distance between first and last key is one page.
//! Counters, dates and random hexadecimal digits continue like this. Other keys do not, and the
//! caller notices. docs/benchmarks.md has the time that it saves.

/// Digits to the left of the first difference between first and last key, for carries.
const CARRY_DIGITS: usize = 6;

/// At most `count` ascending keys, each `pages` pages after the previous one. They need not exist.
pub fn guess(first: &str, last: &str, pages: u64, count: usize) -> Vec<String> {
    let Some(scale) = Scale::new(first.as_bytes(), last.as_bytes()) else { return Vec::new() };
    let (Some(from), Some(to)) = (scale.number(first.as_bytes()), scale.number(last.as_bytes()))
    else {
        return Vec::new();
    };
    let step = u128::from(pages) * to.saturating_sub(from);
    let mut guesses: Vec<String> = Vec::new();
    for place in 1..=count as u128 {
        let key = step.checked_mul(place).and_then(|far| scale.key(last, to.checked_add(far)?));
        let Some(key) = key else { break };
        if key.as_str() <= guesses.last().map_or(last, String::as_str) {
            break;
        }
        guesses.push(key);
    }
    guesses
}

/// Which characters are digits, and where they are.
struct Scale {
    /// Ascending.
    digits: Vec<u8>,
    start: usize,
    count: u32,
}

impl Scale {
    fn new(first: &[u8], last: &[u8]) -> Option<Self> {
        let common = first.iter().zip(last).take_while(|(one, other)| one == other).count();
        let mut digits: Vec<u8> = first[common..].iter().chain(&last[common..]).copied().collect();
        digits.retain(|byte| byte.is_ascii_graphic());
        // Two keys rarely contain all digits that exist.
        for class in [b'0'..=b'9', b'a'..=b'f', b'A'..=b'F'] {
            if digits.iter().any(|byte| class.contains(byte)) {
                digits.extend(class);
            }
        }
        digits.sort_unstable();
        digits.dedup();
        let base = digits.len() as u128;
        if base < 2 {
            return None;
        }
        let before = &last[..common];
        let carries =
            before.iter().rev().take(CARRY_DIGITS).take_while(|byte| digits.contains(byte));
        let start = common - carries.count();
        // As many digits as fit, with headroom for additions.
        let fitting = (1..).take_while(|count| base.checked_pow(count + 4).is_some()).last()?;
        Some(Self { digits, start, count: fitting.min(20) })
    }

    /// The number that a key's digits form; any other character counts as the nearest lower digit.
    fn number(&self, key: &[u8]) -> Option<u128> {
        let base = self.digits.len() as u128;
        let rest = key.get(self.start..)?;
        let mut number = 0u128;
        for place in 0..self.count as usize {
            let digit = rest.get(place).map_or(0, |byte| {
                self.digits.partition_point(|digit| digit <= byte).saturating_sub(1)
            });
            number = number.checked_mul(base)?.checked_add(digit as u128)?;
        }
        Some(number)
    }

    /// The key that begins like `last` and has the digits of `number`.
    fn key(&self, last: &str, number: u128) -> Option<String> {
        let base = self.digits.len() as u128;
        let mut left = number;
        let mut digits = Vec::with_capacity(self.count as usize);
        for _ in 0..self.count {
            digits.push(self.digits[(left % base) as usize]);
            left /= base;
        }
        if left > 0 {
            return None;
        }
        digits.reverse();
        // Lowest digits at the end add nothing.
        let length = digits.iter().rposition(|digit| *digit != self.digits[0])? + 1;
        let key = [last.as_bytes().get(..self.start)?, &digits[..length]].concat();
        String::from_utf8(key).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counters_continue_with_carries() {
        assert_eq!(guess("o-000000", "o-000999", 4, 2), ["o-004995", "o-008991"]);
        assert_eq!(guess("n/0099", "n/0198", 1, 1), ["n/0297"]);
    }

    #[test]
    fn random_names_continue() {
        let guesses = guess("0003", "0fe1", 1, 20);
        assert_eq!(guesses.len(), 15, "{guesses:?}");
        assert!(guesses[0].starts_with("1f") && guesses[14].starts_with("fd"), "{guesses:?}");
    }

    #[test]
    fn what_cannot_be_guessed_is_not() {
        assert!(guess("a", "a", 4, 3).is_empty());
        assert!(guess("a", "ab", 4, 3).len() <= 3);
        assert!(guess("\u{e9}", "\u{ea}", 4, 3).is_empty());
        assert!(guess("999998", "999999", 4, 3).is_empty());
    }

    proptest! {
        #[test]
        fn guesses_ascend(one in ".{1,12}", other in ".{1,12}", pages in 1u64..100) {
            let (first, last) = (one.clone().min(other.clone()), one.max(other));
            let mut before = last.clone();
            for guessed in guess(&first, &last, pages, 8) {
                prop_assert!(guessed > before);
                before = guessed;
            }
        }
    }
}
