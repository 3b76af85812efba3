//! The names in one directory, in order, in little memory.
//!
//! A directory may hold a million names, so they are stored one after another in a single buffer,
//! and only their positions are sorted.

use std::ffi::CStr;
use std::io;

/// Names in ascending order.
#[derive(Debug, Default)]
pub(super) struct SortedNames {
    /// Each name with the NUL that the kernel wants.
    bytes: Vec<u8>,
    /// Where each name begins in `bytes`.
    order: Vec<u32>,
}

impl SortedNames {
    /// Adds a name; the order is valid again after [`SortedNames::sort`].
    pub(super) fn push(&mut self, name: &[u8]) -> io::Result<()> {
        let too_many = |_| io::Error::other("the directory holds more than 4 GiB of names");
        self.order.push(u32::try_from(self.bytes.len()).map_err(too_many)?);
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
        Ok(())
    }

    /// Sorts the names and drops duplicates.
    pub(super) fn sort(&mut self) {
        let shared = self.shared_prefix();
        let order = std::mem::take(&mut self.order);
        // Comparing eight bytes kept in the sorted array itself avoids most accesses to the names,
        // which are spread over memory.
        let key = |place: u32| {
            let rest = self.name_at(place).to_bytes().get(shared..).unwrap_or_default();
            let mut head = [0; 8];
            let length = rest.len().min(8);
            head[..length].copy_from_slice(&rest[..length]);
            (u64::from_be_bytes(head), place)
        };
        let mut keys: Vec<(u64, u32)> = order.into_iter().map(key).collect();
        keys.sort_unstable_by(|left, right| {
            let names = || self.name_at(left.1).cmp(self.name_at(right.1));
            left.0.cmp(&right.0).then_with(names)
        });
        let mut order: Vec<u32> = keys.into_iter().map(|(_, place)| place).collect();
        order.dedup_by(|left, right| self.name_at(*left) == self.name_at(*right));
        self.order = order;
    }

    /// Number of names.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The name at this position in the order; empty past the last one.
    pub(super) fn name(&self, index: usize) -> &CStr {
        self.order.get(index).map_or(c"", |place| self.name_at(*place))
    }

    /// True if `name` is among the sorted names.
    pub(super) fn contains(&self, name: &[u8]) -> bool {
        self.order.binary_search_by(|place| self.name_at(*place).to_bytes().cmp(name)).is_ok()
    }

    fn name_at(&self, place: u32) -> &CStr {
        let rest = self.bytes.get(place as usize..).unwrap_or_default();
        CStr::from_bytes_until_nul(rest).unwrap_or_default()
    }

    /// Length of the longest prefix that all names share.
    fn shared_prefix(&self) -> usize {
        let Some((first, others)) = self.order.split_first() else { return 0 };
        let first = self.name_at(*first).to_bytes();
        let common = |length: usize, place: &u32| {
            let name = self.name_at(*place).to_bytes();
            name.iter().zip(&first[..length]).take_while(|(left, right)| left == right).count()
        };
        others.iter().fold(first.len(), common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut all = SortedNames::default();
        for name in names {
            all.push(name).unwrap();
        }
        all.sort();
        (0..all.len()).map(|index| all.name(index).to_bytes().to_vec()).collect()
    }

    #[test]
    fn names_ascend_bytewise_and_stand_once() {
        let names: [&[u8]; 8] =
            [b"b", b"a", b"a\xff", b"a.b", b"a", b"a-long-name-2", b"a-long-name-1", b"\x01"];
        let mut expected: Vec<Vec<u8>> = names.iter().map(|name| name.to_vec()).collect();
        expected.sort();
        expected.dedup();
        assert_eq!(sorted(&names), expected);
        assert_eq!(sorted(&[b"file", b"file1", b"file0"]), [&b"file"[..], b"file0", b"file1"]);
        assert!(sorted(&[]).is_empty());
    }

    #[test]
    fn names_are_found() {
        let mut all = SortedNames::default();
        for number in (0..1_000).rev() {
            all.push(format!("f{number}").as_bytes()).unwrap();
        }
        all.sort();
        assert!(all.contains(b"f0") && all.contains(b"f999") && !all.contains(b"f1000"));
        assert_eq!(all.name(1_000), c"");
    }
}
