//! Chance that is the same on every machine: a keyed hash of where one is, not a stream. Owns randomness; asks no
//! system for any, and uses no floating point.

/// 2^64 divided by the golden ratio: the increment of `SplitMix64`.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A place in the tree of chances. Each place has 64 bits of its own; asking at one place moves no other, so that
/// rows can be made in any order, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dice(u64);

impl Dice {
    /// The root of a seed's tree.
    pub(super) const fn new(seed: u64) -> Self {
        Dice(mix(seed.wrapping_add(STEP)))
    }

    /// The place `index` below this one.
    pub(super) const fn at(self, index: u64) -> Self {
        Dice(mix(self.0 ^ mix(index.wrapping_add(STEP))))
    }

    /// This place's chance moved on by `steps` times the golden ratio: however many steps, they are spread evenly.
    pub(super) const fn step(self, steps: u64) -> Self {
        Dice(self.0.wrapping_add(STEP.wrapping_mul(steps)))
    }

    /// The bits of this place.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// A number below `n`, each about equally likely; zero when `n` is.
    pub(super) const fn below(self, n: u64) -> u64 {
        ((self.0 as u128 * n as u128) >> 64) as u64
    }

    /// A number below `n` with density falling as 1/√x: a few are popular, most are not.
    pub(super) const fn skewed(self, n: u64) -> u64 {
        let square = (self.0 as u128 * self.0 as u128) >> 64;
        ((square * n as u128) >> 64) as u64
    }

    /// True in `parts` of a million cases.
    pub(super) const fn chance(self, parts: u64) -> bool {
        self.below(1_000_000) < parts
    }

    /// `count × parts` per million as a whole number, rounded up or down so that it is right on average.
    pub(super) const fn share(self, count: u64, parts: u64) -> u64 {
        let product = count * parts;
        product / 1_000_000 + self.chance(product % 1_000_000) as u64
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): a bijection in which each bit depends on every other.
const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Dice, STEP, mix};

    #[test]
    fn the_finaliser_is_that_of_splitmix64() {
        // The published generator's first outputs for state zero.
        assert_eq!(mix(STEP), 0xE220_A839_7B1D_CDAF);
        assert_eq!(mix(STEP.wrapping_mul(2)), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn numbers_are_spread_as_documented() {
        let root = Dice::new(1);
        let places: Vec<Dice> = (0..20_000).map(|i| root.at(i)).collect();
        let low = places.iter().filter(|d| d.below(10) == 3).count();
        assert!((1_850..=2_150).contains(&low), "one in ten: {low}");
        let popular = places.iter().filter(|d| d.skewed(100) == 0).count();
        assert!((1_850..=2_150).contains(&popular), "the square root of one in a hundred: {popular}");
        let total: u64 = places.iter().map(|d| d.share(7, 21_000)).sum();
        assert!((2_780..=3_100).contains(&total), "0.147 each: {total}");
    }
}
