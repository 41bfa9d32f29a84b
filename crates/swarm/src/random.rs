//! A seeded generator, so that a decision by lot replays. Not for secrets.
//!
//! `SplitMix64`: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators",
//! OOPSLA 2014; written from its description.

/// A small generator; the same seed gives the same numbers everywhere.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when `end` is 0. The bias of the multiplication is below 2^-32.
    pub fn below(&mut self, end: u32) -> u32 {
        let high = self.bits() >> 32;
        u32::try_from((high * u64::from(end)) >> 32).unwrap_or(0)
    }

    /// An index into something `len` long.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize
    }

    /// True once in `times` on average; never for 0.
    pub fn one_in(&mut self, times: u32) -> bool {
        times > 0 && self.below(times) == 0
    }

    /// Moves `count` random items to the front and returns them.
    pub fn draw<'a, T>(&mut self, items: &'a mut [T], count: usize) -> &'a mut [T] {
        let count = count.min(items.len());
        for i in 0..count {
            let j = i + self.index(items.len() - i);
            items.swap(i, j);
        }
        items.split_at_mut(count).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    #[test]
    fn first_numbers_of_the_published_sequence() {
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn draws_are_fair_and_distinct() {
        let mut random = Random::new(7);
        let mut seen = vec![0_u32; 10];
        for _ in 0..10_000 {
            let mut items: Vec<usize> = (0..10).collect();
            let drawn = random.draw(&mut items, 3).to_vec();
            drawn.iter().for_each(|i| seen[*i] += 1);
            assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);
        }
        assert!(seen.iter().all(|n| (2_700..3_300).contains(n)), "{seen:?}");
        assert_eq!(random.below(0), 0);
        assert!(random.draw(&mut [0; 0], 3).is_empty());
    }
}
