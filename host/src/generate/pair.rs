//! Two lists of grants of an exact length that differ in an exact share: what benchmarks of correlation and planning
//! read. Owns the differences; the grants are those of an enterprise.

use crate::model::{Subject, Time};

use super::dice::Dice;
use super::estate::{Estate, Options};
use super::rows::{GrantRow, ObservedRow};
use super::shape::{Profile, Shape};

/// `rows` desired and as many observed grants. Of a million desired grants, `churn` are not just so in the target: a
/// third is held at another level or for another purpose, two thirds are not held, and as many others are.
#[derive(Clone, Debug)]
pub struct Pair {
    estate: Estate,
    rows: u64,
    churn: u32,
    dice: Dice,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Difference {
    None,
    /// The same grant, not quite.
    Attribute,
    /// Another grant.
    Other,
}

impl Pair {
    /// A pair of lists; `churn` is per million.
    #[must_use]
    pub fn new(rows: u64, churn: u32, seed: u64) -> Self {
        // An enterprise's people hold about fifty each; twice as many as needed, so that few large holders are no matter.
        let people = u32::try_from(rows / 25).unwrap_or(u32::MAX / 2).saturating_add(400);
        let shape = Shape {
            people,
            machines: 0,
            targets: if rows < 1_000_000 { 20 } else { 100 },
            teams: people / 16 + 1,
            entitlements: (people * 3).clamp(2_000, 100_000),
            ..Profile::Enterprise.shape()
        };
        let estate = Estate::with(shape, seed, Options { stories: false, ..Options::default() });
        Pair { estate, rows, churn, dice: Dice::new(seed).at(u64::MAX - 1) }
    }

    /// The desired grants, identity by identity.
    pub fn desired(&self) -> impl Iterator<Item = GrantRow> {
        self.estate.grants(0).take(usize::try_from(self.rows).unwrap_or(usize::MAX))
    }

    /// The observed grants, in the same order.
    pub fn observed(&self) -> impl Iterator<Item = ObservedRow> {
        self.desired().zip(0..).map(|(row, n)| {
            let mut held = ObservedRow::of_grant(Subject::Grant, row, Time::NONE);
            match self.difference(n) {
                Difference::None => {}
                Difference::Attribute => match held.level.as_str() {
                    "member" => "maintainer".clone_into(&mut held.level),
                    "" => "before the audit".clone_into(&mut held.purpose),
                    "admin" | "maintainer" => "read".clone_into(&mut held.level),
                    _ => "admin".clone_into(&mut held.level),
                },
                Difference::Other => held.object.push_str("-retired"),
            }
            held
        })
    }

    /// Row `n` differs where the share's running total passes a whole number, shifted by the seed: the count is exact.
    fn difference(&self, n: u64) -> Difference {
        let total = |n: u64| (u128::from(n) * u128::from(self.churn) + u128::from(self.dice.below(1_000_000))) / 1_000_000;
        match (total(n + 1) > total(n), total(n) % 3) {
            (false, _) => Difference::None,
            (true, 0) => Difference::Attribute,
            (true, _) => Difference::Other,
        }
    }
}
