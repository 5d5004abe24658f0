//! Stories of edits that somebody makes in a target by hand.

use super::{Edit, ForeignEdit, HARBOR, HEAD, Script, StoryKind};
use crate::generate::cast::Member;
use crate::generate::catalogue::Catalogue;

pub(super) fn play(script: &mut Script, all: &Catalogue) {
    let crew = |name| Member::person(all, name, HARBOR, HEAD).grant(all, "github", "team:harbor-crew", "member");
    script.tell(
        (2, StoryKind::AddedByHand, "An administrator is added by hand"),
        [crew("corvin.tarn")],
        "An owner of the organisation makes corvin.tarn admin of harbor-deploy. No source says so.",
        "revoked as undesired, and shown as somebody else's change",
    );
    edit(script, 2, "corvin-tarn", "repo:harbor-deploy", Edit::Added { level: "admin".to_owned() });
    script.tell(
        (3, StoryKind::RemovedByHand, "A member is removed by hand"),
        [crew("lisbet.pike")],
        "Somebody removes lisbet.pike from harbor-crew. The source still lists her.",
        "granted again, from a source read after the removal",
    );
    edit(script, 3, "lisbet-pike", "team:harbor-crew", Edit::Removed);
    script.tell(
        (4, StoryKind::RaisedByHand, "A level is raised by hand"),
        [crew("anwar.sedge")],
        "Somebody makes anwar.sedge maintainer of harbor-crew. The source says member.",
        "one update back to member; never a revoke and a grant",
    );
    edit(script, 4, "anwar-sedge", "team:harbor-crew", Edit::Level { to: "maintainer".to_owned() });
}

fn edit(script: &mut Script, day: u16, holder: &str, object: &str, edit: Edit) {
    let (target, holder, object) = ("github".to_owned(), holder.to_owned(), object.to_owned());
    script.edits.push(ForeignEdit { day, target, holder, object, edit, by: "organisation owner" });
}
