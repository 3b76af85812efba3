//! Which packs to read: all, or a part that advances from check to check.

use holdfast_format::ObjectId;

use super::options::{CheckOptions, ReadData, Subset};
use super::verified::VerifiedPacks;

/// The packs to read, and how many are skipped because they were verified recently.
pub(super) fn choose(
    packs: &[(ObjectId, u64)],
    options: &CheckOptions,
    verified: &VerifiedPacks,
) -> (Vec<(ObjectId, u64)>, u64) {
    let total: u64 = packs.iter().map(|(_, bytes)| bytes).sum();
    let mut chosen: Vec<(ObjectId, u64)> = match options.read {
        ReadData::None => Vec::new(),
        ReadData::All => packs.to_vec(),
        ReadData::Subset(Subset::Part { number, of }) => {
            let part = |id: &ObjectId| first_u64(id.as_bytes()) % of.max(1) + 1 == number;
            packs.iter().filter(|(id, _)| part(id)).copied().collect()
        }
        ReadData::Subset(Subset::Share(share)) => {
            let bytes = (total as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
            longest_unverified(packs, bytes, options.seed, verified)
        }
        ReadData::Subset(Subset::Bytes(bytes)) => {
            longest_unverified(packs, bytes, options.seed, verified)
        }
    };
    let before = chosen.len();
    if let Some(seconds) = options.max_age {
        let oldest = options.now.as_second().saturating_sub_unsigned(seconds);
        chosen.retain(|(id, _)| verified.when(id).is_none_or(|when| when < oldest));
    }
    let recent = (before - chosen.len()) as u64;
    (chosen, recent)
}

/// Packs of about this many bytes, those never verified or verified longest ago first; ties are
/// broken at random.
fn longest_unverified(
    packs: &[(ObjectId, u64)],
    bytes: u64,
    seed: u64,
    verified: &VerifiedPacks,
) -> Vec<(ObjectId, u64)> {
    let mut order: Vec<_> = packs
        .iter()
        .map(|pack| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&seed.to_le_bytes()).update(pack.0.as_bytes());
            (verified.when(&pack.0), first_u64(hasher.finalize().as_bytes()), *pack)
        })
        .collect();
    order.sort_unstable();
    let mut taken = 0;
    let enough = |(_, _, pack): &(_, _, (ObjectId, u64))| {
        let more = taken < bytes;
        taken += pack.1;
        more
    };
    order.into_iter().take_while(enough).map(|(_, _, pack)| pack).collect()
}

fn first_u64(hash: &[u8; 32]) -> u64 {
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packs() -> Vec<(ObjectId, u64)> {
        (0..100u8).map(|n| (ObjectId::of(&[n]), 10)).collect()
    }

    fn options(read: ReadData, seed: u64) -> CheckOptions {
        CheckOptions { read, seed, ..CheckOptions::default() }
    }

    #[test]
    fn parts_are_disjoint_and_together_everything() {
        let mut all = Vec::new();
        for number in 1..=7 {
            let read = ReadData::Subset(Subset::Part { number, of: 7 });
            all.extend(choose(&packs(), &options(read, 1), &VerifiedPacks::default()).0);
        }
        all.sort_unstable();
        let mut expected = packs();
        expected.sort_unstable();
        assert_eq!(all, expected);
    }

    #[test]
    fn shares_move_on_until_everything_was_verified() {
        let mut verified = VerifiedPacks::default();
        for run in 0..4 {
            let read = ReadData::Subset(Subset::Share(0.25));
            let (chosen, recent) = choose(&packs(), &options(read, run), &verified);
            assert_eq!((chosen.len(), recent), (25, 0));
            assert!(chosen.iter().all(|(id, _)| verified.when(id).is_none()));
            chosen.iter().for_each(|(id, _)| verified.insert(*id, run as i64));
        }
        let read = ReadData::Subset(Subset::Bytes(95));
        let (chosen, _) = choose(&packs(), &options(read, 9), &verified);
        assert_eq!(chosen.len(), 10);
        assert!(chosen.iter().all(|(id, _)| verified.when(id) == Some(0)));
    }

    #[test]
    fn what_was_verified_recently_is_passed_over() {
        let mut verified = VerifiedPacks::default();
        let mut options = options(ReadData::All, 0);
        options.max_age = Some(50);
        options.now = jiff::Timestamp::from_second(1000).unwrap_or_default();
        for (number, (id, _)) in packs().iter().take(10).enumerate() {
            verified.insert(*id, 945 + number as i64);
        }
        let (chosen, recent) = choose(&packs(), &options, &verified);
        assert_eq!((chosen.len(), recent), (95, 5));
    }
}
