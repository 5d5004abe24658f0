//! Stories of people who come, move and go.

use super::{Edit, ForeignEdit, HARBOR, HEAD, Script, StoryKind};
use crate::generate::calendar::midnight;
use crate::generate::cast::Member;
use crate::generate::catalogue::Catalogue;
use crate::model::IdentityStatus;

pub(super) fn play(script: &mut Script, all: &Catalogue) {
    expiry(script, all);
    movers(script, all);
    exclusion(script, all);
    leaver(script, all);
    contractor(script, all);
}

fn crew(all: &Catalogue, name: &str) -> Member {
    Member::person(all, name, HARBOR, HEAD).grant(all, "github", "team:harbor-crew", "member")
}

fn expiry(script: &mut Script, all: &Catalogue) {
    let incident = |row: &mut super::super::rows::GrantRow| "incident 4471".clone_into(&mut row.purpose);
    let ravi = crew(all, "ravi.plover").grant(all, "aws", "role:harbor-prod-admin", "").with(incident).expires(5);
    script.tell(
        (5, StoryKind::Expiry, "Access for an incident ends"),
        [ravi],
        "ravi.plover was given prod-admin for an incident, until this midnight. The source still lists the row.",
        "revoked by the host as expired, before anything else, whatever the rule says",
    );
    let selma = crew(all, "selma.finch").grant(all, "warehouse", "role:harbor-reader", "").expires(8);
    script.tell(
        (8, StoryKind::Expiry, "A month's access to the warehouse ends"),
        [selma],
        "selma.finch's access to the warehouse expired at midnight.",
        "revoked as expired; her other grants stay",
    );
}

fn movers(script: &mut Script, all: &Catalogue) {
    const DAY: u16 = 10;
    let mover = |member: Member, unit: &'static str| {
        member.turns(DAY, move |row| {
            unit.clone_into(&mut row.unit);
            row.moved_at = midnight(DAY);
        })
    };
    let matti = crew(all, "matti.heron").listed(0, DAY);
    let matti = matti.grant(all, "github", "repo:harbor-deploy", "write").listed(0, DAY);
    let matti = matti.grant(all, "payroll", "role:harbor-viewer", "").listed(DAY, u16::MAX);
    let matti = matti.grant(all, "warehouse", "role:harbor-writer", "").listed(DAY, u16::MAX);
    let dalia = Member::person(all, "dalia.wren", "sales/harbor", HEAD).grant(all, "crm", "role:harbor-editor", "");
    let dalia = dalia.listed(0, DAY).grant(all, "tickets", "role:harbor-agent", "").listed(DAY, u16::MAX);
    script.tell(
        (DAY, StoryKind::Mover, "Two people move"),
        [mover(matti, "finance/harbor"), mover(dalia, "support/harbor")],
        "matti.heron moves from engineering to finance, dalia.wren from sales to support. Their old grants are no longer \
         desired, new ones are.",
        "new grants first, then the old ones are revoked, after the grace that the rule gives movers",
    );
}

fn exclusion(script: &mut Script, all: &Catalogue) {
    const DAY: u16 = 11;
    let noemi = Member::person(all, "noemi.sparrow", "finance/harbor", HEAD);
    let noemi = noemi.grant(all, "payroll", "role:harbor-preparer", "").grant(all, "payroll", "role:harbor-approver", "");
    script.tell(
        (DAY, StoryKind::Exclusion, "One person may not prepare and approve"),
        [noemi.listed(DAY, u16::MAX)],
        "noemi.sparrow prepares payments; from today a request says that she shall also approve them.",
        "the second grant is held: both are in the exclusion group payroll-harbor-payments",
    );
}

fn leaver(script: &mut Script, all: &Catalogue) {
    const LEFT: u16 = 12;
    let jonas = crew(all, "jonas.merlin").grant(all, "aws", "role:harbor-prod-deploy", "");
    let jonas = jonas.grant(all, "crm", "role:harbor-viewer", "").leaves(LEFT, 26);
    let jonas = jonas.turns(9, |row| {
        row.status = IdentityStatus::Leaving;
        row.ends_at = midnight(LEFT);
    });
    let jonas = jonas.turns(LEFT, |row| row.status = IdentityStatus::Left);
    script.tell(
        (LEFT, StoryKind::Leaver, "Somebody leaves"),
        [jonas],
        "jonas.merlin gave notice on day 9 and left today. His accounts are listed as disabled, and from day 26 not at all. \
         On day 15 an administrator of crm enables his account again, by hand.",
        "accounts disabled first, then grants revoked, accounts deleted on day 26; on day 15 disabled again",
    );
    script.edits.push(ForeignEdit {
        day: 15,
        target: "crm".to_owned(),
        holder: "jonas.merlin".to_owned(),
        object: String::new(),
        edit: Edit::Enabled,
        by: "crm administrator",
    });
}

fn contractor(script: &mut Script, all: &Catalogue) {
    const ENDS: u16 = 14;
    const NOTICED: u16 = 17;
    let petra = crew(all, "petra.osprey").grant(all, "aws", "role:harbor-prod-deploy", "").leaves(NOTICED, u16::MAX);
    let petra = petra.turns(0, |row| row.ends_at = midnight(ENDS)).turns(NOTICED, |row| row.status = IdentityStatus::Left);
    script.tell(
        (ENDS, StoryKind::Contractor, "An engagement ends, and nobody says so"),
        [petra],
        "petra.osprey's contract ended at midnight. Her grants are still listed, until somebody notices on day 17.",
        "disabled or revoked from today, because her engagement is over; not only when the rows go",
    );
}
