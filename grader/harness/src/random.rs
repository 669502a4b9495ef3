//! The grader's own random numbers: a small generator whose sequence is part of the verdict and so must be the
//! same on every machine and with every version of every library.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

/// Letters and digits that Kubernetes uses in generated names: none that could form a word.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// A sequence of its own for each name under one seed.
    pub fn named(seed: u64, name: &str) -> Random {
        Random::new(
            name.bytes().fold(seed ^ 0x5EED, |state, byte| Random::new(state ^ u64::from(byte)).bits()),
        )
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.saturating_sub(low).checked_add(1) {
            Some(count) => low + self.bits() % count,
            None => self.bits(),
        }
    }

    /// One of several; none of an empty slice.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let last = choices.len().checked_sub(1)?;
        choices.get(self.between(0, last as u64) as usize)
    }

    /// Puts a slice into some order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.between(0, last as u64) as usize);
        }
    }

    /// `prefix-` and five letters.
    pub fn name(&mut self, prefix: &str) -> String {
        let mut name = format!("{prefix}-");
        for _ in 0..5 {
            let index = self.between(0, NAME_LETTERS.len() as u64 - 1) as usize;
            name.push(char::from(NAME_LETTERS[index]));
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_everything() {
        let mut random = Random::named(7, "01.02");
        let mut order = [1, 2, 3, 4, 5, 6];
        random.shuffle(&mut order);
        let seen = format!("{} {} {:?}", random.name("orders"), random.between(1, 9), order);
        assert_eq!(seen, "orders-qdvbw 9 [4, 3, 2, 6, 1, 5]");
    }

    #[test]
    fn ranges_hold() {
        let mut random = Random::new(0);
        assert!((0..1000).all(|_| (3..=5).contains(&random.between(3, 5))));
        assert_eq!(random.between(4, 4), 4);
        assert_eq!(random.pick::<u8>(&[]), None);
    }
}
