//! Stories of sources that say something other than what is meant. What they do to a file is in `mess`.

use super::{HARBOR, HEAD, Script, StoryKind};
use crate::generate::cast::Member;
use crate::generate::catalogue::Catalogue;
use crate::generate::mess::{HALF_EMPTY_DAY, RENAMED_DAY, SPELLING_DAY, WIKI_DAY, WIKI_LISTED_DAY};
use crate::generate::names;

/// Whose login is spelled in two ways.
pub(in crate::generate) const SPELLED: &str = "ada.quill";

pub(super) fn play(script: &mut Script, all: &Catalogue) {
    let ulrika = Member::person(all, "ulrika.dove", "sales/harbor", HEAD).grant(all, "crm", "role:harbor-editor", "");
    script.tell(
        (HALF_EMPTY_DAY, StoryKind::HalfEmpty, "A source answers half"),
        [ulrika],
        "The export of crm holds 45 % of its rows, and no count that would betray it. ulrika.dove is among the missing. \
         The next day it is whole again.",
        "nothing is removed in crm: the scan shrank, so what is desired there is unknown until it is released",
    );
    let ada = Member::person(all, SPELLED, HARBOR, HEAD).grant(all, "github", "team:harbor-crew", "maintainer");
    script.tell(
        (SPELLING_DAY, StoryKind::TwoSpellings, "One login, two spellings"),
        [ada],
        "The teams' files now spell ada-quill as Ada-Quill, and some others likewise. github holds ada-quill.",
        "no change, where the rule compares logins without case; else a revoke and a grant",
    );
    script.tell(
        (WIKI_DAY, StoryKind::NewScope, "A scope is newly managed"),
        [],
        format!(
            "The wiki comes under management. Its source's file is complete by its own count, but lists a third of what \
             is live; the difference between yesterday's and today's file shows only additions. On day {WIKI_LISTED_DAY} \
             the file lists everything."
        ),
        "the first plan is held, because it would remove; nothing is lost",
    );
    script.tell(
        (RENAMED_DAY, StoryKind::Renamed, "An organisation is renamed"),
        [],
        format!(
            "The registry's source calls every repo:{}/… repo:{}/…; the target does not yet.",
            names::ORG,
            names::ORG_RENAMED
        ),
        "with an alias in the source's configuration no change at all; without, the removal budget trips",
    );
}
