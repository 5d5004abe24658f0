//! Whole lists (K2): what is written is what was read but for one holder, in order.

use crate::commit::advance::{merged, others_differ};
use crate::model::Holding;
use crate::target::Member;

fn list(holders: &str) -> Vec<Member> {
    holders.chars().map(|holder| member(holder, "")).collect()
}

fn member(holder: char, level: &str) -> Member {
    Member { holder: holder.to_string(), holding: Holding { level: level.to_owned(), ..Holding::default() } }
}

#[test]
fn one_entry_changes_and_the_others_stay_in_their_order() {
    let holding = Some(Holding::default());
    for (before, holder, after) in
        [("bd", "a", "abd"), ("bd", "c", "bcd"), ("bd", "e", "bde"), ("", "a", "a"), ("bcd", "c", "bcd")]
    {
        assert_eq!(merged(&list(before), holder, &holding), list(after), "{before} and {holder}");
    }
    for (before, holder, after) in [("bcd", "c", "bd"), ("b", "b", ""), ("bd", "c", "bd")] {
        assert_eq!(merged(&list(before), holder, &None), list(after), "{before} without {holder}");
    }
    let high = member('c', "high");
    assert_eq!(merged(&list("bcd"), "c", &Some(high.holding.clone()))[1], high);
}

#[test]
fn a_list_is_compared_but_for_the_one_who_is_written() {
    assert!(!others_differ("c", &list("bcd"), &list("bd")));
    assert!(!others_differ("c", &list("bd"), &list("bd")));
    assert!(others_differ("c", &list("bcd"), &list("cd")));
    assert!(others_differ("c", &list("bc"), &[member('b', "high"), member('c', "")]));
}
