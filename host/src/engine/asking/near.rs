//! Names that look like one that is not there. Owns how alike two names are; keeps a few, however many it is shown.

use std::collections::BTreeSet;

use crate::limits::{NEAR_NAME_BYTES, NEAR_NAMES};

/// The nearest names so far.
pub(super) struct Near {
    name: Vec<char>,
    best: BTreeSet<(usize, String)>,
}

impl Near {
    /// To this name.
    pub(super) fn to(name: &str) -> Self {
        Near { name: name.to_lowercase().chars().take(NEAR_NAME_BYTES).collect(), best: BTreeSet::new() }
    }

    /// Takes in a name that is there.
    pub(super) fn see(&mut self, other: &str) {
        let chars: Vec<char> = other.to_lowercase().chars().take(NEAR_NAME_BYTES).collect();
        // Every third letter may be another; a name that goes on, or that this one ends, is near as well.
        let most = self.name.len() / 3 + 1;
        let part = |long: &[char], short: &[char]| short.len() >= 3 && long.windows(short.len()).any(|part| part == short);
        let distance = if part(&chars, &self.name) || part(&self.name, &chars) {
            1
        } else if chars.len().abs_diff(self.name.len()) <= most {
            distance(&self.name, &chars)
        } else {
            return;
        };
        if distance <= most {
            self.best.insert((distance, other.to_owned()));
            if self.best.len() > NEAR_NAMES {
                self.best.pop_last();
            }
        }
    }

    /// The nearest first.
    pub(super) fn names(self) -> Vec<String> {
        self.best.into_iter().map(|(_, name)| name).collect()
    }
}

/// How many letters are put in, left out or replaced.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left_above = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let here = (left_above + usize::from(x != y)).min(left + 1).min(*cell + 1);
            (left_above, left) = (*cell, here);
            *cell = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::Near;

    #[test]
    fn the_nearest_names_come_first_and_strangers_not_at_all() {
        let check = |name: &str, expected: &[&str]| {
            let mut near = Near::to(name);
            for other in ["team:ops", "team:oops", "repo:x", "TEAM:OP", "team:ops-admin", "team:ops", "a"] {
                near.see(other);
            }
            assert_eq!(near.names(), expected, "{name}");
        };
        check("team:opz", &["TEAM:OP", "team:ops", "team:oops"]);
        check("ops-admin", &["team:ops-admin"]);
        check("wholly another", &[]);
        check("", &["a"]);
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        let check = |a: &str, b: &str, expected| {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(super::distance(&chars(a), &chars(b)), expected, "{a} {b}");
            assert_eq!(super::distance(&chars(b), &chars(a)), expected, "{b} {a}");
        };
        check("", "", 0);
        check("", "abc", 3);
        check("kitten", "sitting", 3);
        check("flaw", "lawn", 2);
    }
}
