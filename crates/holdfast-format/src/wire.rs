//! Reading and writing of the primitive types: fixed integers, varints, byte strings, ids.

use crate::FormatError;

/// Appends `value` as LEB128.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` in zigzag coding, so that small negative numbers are short.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends a varint length and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A cursor over encoded bytes; every method refuses to read past the end.
#[derive(Debug, Clone)]
pub struct WireReader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> WireReader<'a> {
    /// Reads `bytes`; `what` names the structure in errors.
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// Bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// True at the end of the input.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error that names this structure.
    pub fn invalid(&self, why: &'static str) -> FormatError {
        FormatError::Invalid { what: self.what, why }
    }

    /// Fails if there are unread bytes.
    pub fn finish(self) -> Result<(), FormatError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.invalid("bytes follow its end")) }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(FormatError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or(FormatError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, FormatError> {
        Ok(self.array::<1>()?[0])
    }

    /// A 16-bit integer.
    pub fn u16(&mut self) -> Result<u16, FormatError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// A 32-bit integer.
    pub fn u32(&mut self) -> Result<u32, FormatError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A 64-bit integer.
    pub fn u64(&mut self) -> Result<u64, FormatError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A varint in its shortest form.
    pub fn varint(&mut self) -> Result<u64, FormatError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(self.invalid("a number is too large"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.invalid("a number is not in its shortest form"));
                }
                return Ok(value);
            }
        }
        Err(self.invalid("a number is too long"))
    }

    /// A zigzag-coded varint.
    pub fn signed(&mut self) -> Result<i64, FormatError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A varint that must not exceed `limit`.
    pub fn limited(&mut self, limit: u64) -> Result<u64, FormatError> {
        let found = self.varint()?;
        if found > limit {
            return Err(FormatError::Limit { what: self.what, found, limit });
        }
        Ok(found)
    }

    /// A count of records of at least `bytes_each` bytes, which the remaining input must be able to
    /// hold.
    pub fn count(&mut self, bytes_each: usize) -> Result<usize, FormatError> {
        let limit = (self.rest.len() / bytes_each.max(1)) as u64;
        Ok(self.limited(limit)? as usize)
    }

    /// A byte string of at most `limit` bytes.
    pub fn bytes(&mut self, limit: usize) -> Result<&'a [u8], FormatError> {
        let length = self.limited(limit as u64)? as usize;
        self.take(length)
    }

    /// Reads an eight-byte magic and a version no newer than this program's.
    pub fn magic_and_version(&mut self, magic: &[u8; 8]) -> Result<(), FormatError> {
        let what = self.what;
        let found: [u8; 8] = self.array().map_err(|_| FormatError::Magic { what })?;
        if &found != magic {
            return Err(FormatError::Magic { what });
        }
        let version = self.u16()?;
        let known = crate::limits::FORMAT_VERSION;
        if version == 0 || version > known {
            return Err(FormatError::Version { what, found: version, known });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_come_back(value: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            put_signed(&mut bytes, signed);
            let mut reader = WireReader::new(&bytes, "test");
            prop_assert_eq!(reader.varint().unwrap(), value);
            prop_assert_eq!(reader.signed().unwrap(), signed);
            reader.finish().unwrap();
        }
    }

    #[test]
    fn long_forms_and_overflow_are_refused() {
        for bytes in [&[0x80, 0x00][..], &[0xff; 10], &[0x80; 11], &[]] {
            assert!(WireReader::new(bytes, "test").varint().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_count_never_exceeds_what_the_input_can_hold() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 1 << 40);
        assert!(matches!(
            WireReader::new(&bytes, "test").count(32),
            Err(FormatError::Limit { limit: 0, .. })
        ));
    }
}
