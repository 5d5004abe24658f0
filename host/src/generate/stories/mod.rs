//! The stories of the month: who plays, what happens on which day, and what a good rule makes of it. Owns the script;
//! the rows that follow from it are made in `cast` and `estate`.

mod machines;
mod people;
mod sources;
mod targets;

pub(super) use sources::SPELLED;

use serde::Serialize;

use super::cast::Member;
use super::catalogue::Catalogue;
use super::rows::EntitlementRow;

/// What a story is about. Each happens once or more in a scripted month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoryKind {
    /// Privileged access that nobody uses.
    Dormant,
    /// Emergency access that nobody uses, and that must stay.
    BreakGlass,
    /// Somebody gave access in the target by hand.
    AddedByHand,
    /// Somebody took access in the target by hand.
    RemovedByHand,
    /// Somebody raised a level in the target by hand.
    RaisedByHand,
    /// Access that ends by itself.
    Expiry,
    /// Machines whose owner left.
    Orphan,
    /// A new unit: other grants.
    Mover,
    /// Two grants that nobody may hold together.
    Exclusion,
    /// Gone: disabled first, then without grants, then deleted.
    Leaver,
    /// An engagement that ended before its grants did.
    Contractor,
    /// A source that answered half.
    HalfEmpty,
    /// One login in two spellings.
    TwoSpellings,
    /// A scope that is newly managed, and holds more than its source lists.
    NewScope,
    /// A key that takes another's place.
    Rotation,
    /// Everything is called otherwise, and is the same.
    Renamed,
}

/// One story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The day on which to look.
    pub day: u16,
    /// What it is about.
    pub kind: StoryKind,
    /// In a few words.
    pub title: &'static str,
    /// The identities to look at; none when it is about a whole source or scope.
    pub who: Vec<String>,
    /// What happens.
    pub what: String,
    /// What a good rule, and the host, make of it.
    pub expect: &'static str,
}

/// What somebody does in a target by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// Gives a grant.
    Added {
        /// At this level, or empty.
        level: String,
    },
    /// Takes a grant.
    Removed,
    /// Changes a grant's level.
    Level {
        /// The new level.
        to: String,
    },
    /// Lets a disabled account work again; the object is empty.
    Enabled,
}

/// One change in a target that no plan made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForeignEdit {
    /// The day, before its plan is made.
    pub day: u16,
    /// The target.
    pub target: String,
    /// Whose access, by native id.
    pub holder: String,
    /// Which, as `type:name`; empty for the account.
    pub object: String,
    /// What is done.
    pub edit: Edit,
    /// Who did it, as the target's own log has it.
    pub by: &'static str,
}

/// All stories, their players and their props.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    /// In order of their days.
    pub(super) stories: Vec<Story>,
    pub(super) members: Vec<Member>,
    pub(super) edits: Vec<ForeignEdit>,
    pub(super) entitlements: Vec<EntitlementRow>,
}

/// The department that most stories play in, and its head.
const HARBOR: &str = "engineering/harbor";
const HEAD: &str = "edith.albatross";

impl Script {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut script = Script::default();
        script.members.push(Member::person(catalogue, HEAD, HARBOR, ""));
        script.props();
        people::play(&mut script, catalogue);
        machines::play(&mut script, catalogue);
        targets::play(&mut script, catalogue);
        sources::play(&mut script, catalogue);
        script.stories.sort_by_key(|story| (story.day, story.kind));
        script
    }

    /// What the stories' grants are grants of.
    fn props(&mut self) {
        const PROPS: [(&str, &str, u8); 14] = [
            ("github", "team:harbor-crew", 1),
            ("github", "repo:harbor-deploy", 2),
            ("aws", "role:harbor-prod-admin", 3),
            ("aws", "role:harbor-prod-deploy", 2),
            ("aws", "role:break-glass", 3),
            ("warehouse", "role:harbor-reader", 0),
            ("warehouse", "role:harbor-writer", 1),
            ("crm", "role:harbor-viewer", 0),
            ("crm", "role:harbor-editor", 1),
            ("payroll", "role:harbor-viewer", 1),
            ("payroll", "role:harbor-preparer", 2),
            ("payroll", "role:harbor-approver", 2),
            ("vault", "role:harbor-owner", 3),
            ("tickets", "role:harbor-agent", 0),
        ];
        self.entitlements.extend(PROPS.map(|(target, object, tier)| EntitlementRow {
            target: target.to_owned(),
            object: object.to_owned(),
            tier,
            privileged: tier == 3,
            break_glass: object == "role:break-glass",
            exclusion: match object {
                "role:harbor-preparer" | "role:harbor-approver" => "payroll-harbor-payments".to_owned(),
                _ => String::new(),
            },
            owner: HEAD.to_owned(),
        }));
    }

    /// Adds a story about these players.
    fn tell<const N: usize>(
        &mut self,
        (day, kind, title): (u16, StoryKind, &'static str),
        players: [Member; N],
        what: impl Into<String>,
        expect: &'static str,
    ) {
        let who = players.iter().map(|m| m.name.clone()).collect();
        self.members.extend(players);
        self.stories.push(Story { day, kind, title, who, what: what.into(), expect });
    }
}
