//! Stories of machines, keys, and access that nobody uses.

use super::{HARBOR, HEAD, Script, StoryKind};
use crate::generate::calendar::midnight;
use crate::generate::cast::Member;
use crate::generate::catalogue::Catalogue;
use crate::model::IdentityStatus;

pub(super) fn play(script: &mut Script, all: &Catalogue) {
    dormant(script, all);
    break_glass(script, all);
    orphans(script, all);
    rotation(script, all);
}

fn dormant(script: &mut Script, all: &Catalogue) {
    let ingrid = Member::person(all, "ingrid.teal", HARBOR, HEAD).grant(all, "aws", "role:harbor-prod-admin", "").unused(210);
    let bot = Member::machine("bot-harbor-release", HARBOR, HEAD).grant(all, "vault", "role:harbor-owner", "").unused(190);
    script.tell(
        (1, StoryKind::Dormant, "Privileged access that nobody uses"),
        [ingrid, bot],
        "ingrid.teal last used prod-admin 210 days ago, bot-harbor-release its vault 190 days ago. Both work every day \
         otherwise, and both grants are desired.",
        "revoked or held as dormant, where the rule's limit is shorter",
    );
}

fn break_glass(script: &mut Script, all: &Catalogue) {
    let holder = |name| Member::person(all, name, "security/harbor", HEAD).grant(all, "aws", "role:break-glass", "").unused(300);
    script.tell(
        (1, StoryKind::BreakGlass, "Emergency access stays"),
        [holder("vigdis.crane"), holder("emil.stork")],
        "vigdis.crane and emil.stork can break the glass in aws, and have not had to for 300 days.",
        "kept: unused is what emergency access should be, and the last holder is never removed",
    );
}

fn orphans(script: &mut Script, all: &Catalogue) {
    const DAY: u16 = 6;
    let tobias = Member::person(all, "tobias.rook", HARBOR, HEAD).leaves(DAY, u16::MAX).turns(DAY, |row| {
        row.status = IdentityStatus::Left;
        row.ends_at = midnight(DAY);
    });
    let billing = Member::machine("svc-harbor-billing", HARBOR, "tobias.rook").key(all, "aws", 1);
    let nightly = Member::machine("etl-harbor-nightly", HARBOR, "tobias.rook").grant(all, "warehouse", "role:harbor-writer", "");
    script.tell(
        (DAY, StoryKind::Orphan, "Two machines lose their owner"),
        [tobias, billing.grant(all, "aws", "role:harbor-prod-deploy", ""), nightly],
        "tobias.rook left. svc-harbor-billing and etl-harbor-nightly still name him as their owner, and still run.",
        "held or disabled as orphaned, until somebody who is here answers for them",
    );
}

fn rotation(script: &mut Script, all: &Catalogue) {
    const DAY: u16 = 21;
    let gateway = Member::machine("svc-harbor-gateway", HARBOR, HEAD).grant(all, "aws", "role:harbor-prod-deploy", "");
    script.tell(
        (DAY, StoryKind::Rotation, "A key is rotated"),
        [gateway.key(all, "aws", 1).key(all, "aws", 2).rotated(DAY)],
        "svc-harbor-gateway shall have a second key, which takes the place of the first.",
        "the new key is issued and confirmed before the old one is revoked: never without a key",
    );
}
