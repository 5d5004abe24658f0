//! Names that people can read, from numbers: one number, one name, and never two for one. Owns no meaning of a name.

use super::words::{self, word};

/// What two organisations called themselves: the second is the first after its renaming.
pub(super) const ORG: &str = "tallpine";
/// See [`ORG`].
pub(super) const ORG_RENAMED: &str = "northmoor";

/// Coprime to the number of names, so that neighbours in number are no neighbours in the alphabet.
const STRIDE: u64 = 20_011;

/// `ada.ashmere`; from the second round through the lists on, `ada.ashmere2`.
pub(super) fn person(number: u64) -> String {
    let (first, head, tail) = (words::FIRST.len() as u64, words::SURNAME_HEAD.len() as u64, words::SURNAME_TAIL.len() as u64);
    let all = first * head * tail;
    let n = (number % all) * STRIDE % all;
    let name = word(&words::FIRST, n);
    let surname = [word(&words::SURNAME_HEAD, n / first), word(&words::SURNAME_TAIL, n / first / head)].concat();
    match number / all {
        0 => format!("{name}.{surname}"),
        round => format!("{name}.{surname}{}", round + 1),
    }
}

/// `ledger-core`; from the second round on, `ledger-core-2`.
pub(super) fn team(number: u64) -> String {
    let (heads, tails) = (words::TEAM_HEAD.len() as u64, words::TEAM_TAIL.len() as u64);
    // The tail moves on with the head, so that the first teams do not all end alike; (head, tail) stays unique.
    let name = [word(&words::TEAM_HEAD, number), "-", word(&words::TEAM_TAIL, number / heads + number % heads)].concat();
    match number / (heads * tails) {
        0 => name,
        round => format!("{name}-{}", round + 1),
    }
}

/// `engineering/ledger-core`.
pub(super) fn unit(number: u64) -> String {
    format!("{}/{}", word(&words::UNITS, number), team(number))
}

/// `svc-ledger-core-0042`.
pub(super) fn machine(number: u64, team_number: u64, kind: u64) -> String {
    format!("{}-{}-{number:04}", word(&words::MACHINE, kind), team(team_number))
}

/// The word at `index`, with a number from the second round on: `api`, …, `api2`.
pub(super) fn numbered(list: &[&'static str], index: u64) -> String {
    match index / (list.len() as u64).max(1) {
        0 => word(list, index).to_owned(),
        round => format!("{}{}", word(list, index), round + 1),
    }
}

/// The other way in which people write a login: `Ada-Ashmere` for `ada-ashmere`.
pub(super) fn respelled(login: &str) -> String {
    let mut start = true;
    login
        .chars()
        .map(|c| {
            let out = if start { c.to_ascii_uppercase() } else { c };
            start = !c.is_ascii_alphanumeric();
            out
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_numbers_share_a_name() {
        let people: BTreeSet<String> = (0..120_000).map(super::person).collect();
        assert_eq!(people.len(), 120_000);
        let teams: BTreeSet<String> = (0..12_000).map(super::team).collect();
        assert_eq!(teams.len(), 12_000);
    }

    #[test]
    fn names_read_well() {
        assert_eq!(super::respelled("ada-ashmere"), "Ada-Ashmere");
        assert_eq!((super::team(0).as_str(), super::unit(1).as_str()), ("ledger-core", "finance/freight-edge"));
    }
}
