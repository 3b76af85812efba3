//! Device numbers as recorded in a snapshot.
//!
//! The number of a file system says where it is mounted today: a volume snapshot, another disk
//! controller or a reboot changes it. All that matters is which entries are on the same device, for
//! hard links. So a device keeps the number that it has in the parent, and a tree in which nothing
//! else changed is identical to the parent's.

use std::collections::{HashMap, HashSet};

use holdfast_format::entry::Metadata;

/// The number of each device of a source in the snapshot.
#[derive(Debug, Default)]
pub(super) struct Devices {
    names: HashMap<u64, u64>,
    taken: HashSet<u64>,
    /// The most recent device: most entries are on the same one.
    last: Option<(u64, u64)>,
}

impl Devices {
    /// Replaces the device number of an entry; `before` is the parent's version of the entry.
    pub fn translate(&mut self, metadata: &mut Metadata, before: Option<&Metadata>) {
        let device = metadata.device;
        metadata.device = match self.last {
            Some((last, name)) if last == device => name,
            _ => self.name(device, before.map(|before| before.device)),
        };
        self.last = Some((device, metadata.device));
    }

    /// The number for a device: that of its first entry in the parent, unless another device has it
    /// already.
    fn name(&mut self, device: u64, before: Option<u64>) -> u64 {
        if let Some(name) = self.names.get(&device) {
            return *name;
        }
        let others = (0..=u64::MAX).map(|step| device.wrapping_add(step));
        let mut names = before.into_iter().chain(others);
        let name = names.find(|name| !self.taken.contains(name)).unwrap_or(device);
        self.taken.insert(name);
        self.names.insert(device, name);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(device: u64) -> Metadata {
        Metadata { device, ..Metadata::default() }
    }

    #[test]
    fn devices_keep_their_names_and_stay_apart() {
        let mut devices = Devices::default();
        // Device and its number in the parent; the number in the snapshot.
        for (device, before, expected) in [
            (50, Some(7), 7),
            (50, None, 7),
            (50, Some(8), 7),
            (60, Some(8), 8),
            // New, with a number that was used for another one.
            (7, None, 9),
            (70, Some(7), 70),
            (50, None, 7),
        ] {
            let mut metadata = on(device);
            devices.translate(&mut metadata, before.map(on).as_ref());
            assert_eq!(metadata.device, expected, "{device}");
        }
    }
}
