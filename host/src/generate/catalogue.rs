//! The targets of an estate and the entitlements in them, each a function of its number. Owns no holder.

use super::dice::Dice;
use super::names;
use super::rows::EntitlementRow;
use super::shape::Shape;
use super::words::{self, word};

/// What sort of system a target is: how its entitlements are named and which source speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    Directory,
    Code,
    Cloud,
    /// A business application: a few roles by area.
    Roles,
    Data,
    Registry,
    Vault,
    Wiki,
}

/// Name, class and share of the entitlements. Beyond the list, `github-2` and so on.
const BASES: [(&str, Class, u32); 12] = [
    ("directory", Class::Directory, 10),
    ("github", Class::Code, 30),
    ("aws", Class::Cloud, 16),
    ("crm", Class::Roles, 2),
    ("payroll", Class::Roles, 1),
    ("warehouse", Class::Data, 9),
    ("registry", Class::Registry, 8),
    ("gcp", Class::Cloud, 8),
    ("vault", Class::Vault, 6),
    ("tickets", Class::Roles, 2),
    ("wiki", Class::Wiki, 4),
    ("analytics", Class::Data, 4),
];

/// One system that holds access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetSpec {
    pub(super) name: String,
    pub(super) class: Class,
    /// How many entitlements it has, numbered from zero.
    pub(super) size: u32,
}

impl TargetSpec {
    /// The native id of an identity's account there.
    pub(super) fn holder(&self, identity: &str) -> String {
        match self.class {
            Class::Code | Class::Registry => identity.replace('.', "-"),
            Class::Cloud | Class::Data if identity.contains('.') => format!("{identity}@{}.example", names::ORG),
            _ => identity.to_owned(),
        }
    }
}

/// An entitlement, taken apart.
pub(super) struct Parts {
    pub(super) object: String,
    /// The team that owns it.
    pub(super) team: u32,
    /// What it lets one do, as the last word of its name.
    role: &'static str,
    exclusion: String,
}

/// All targets and entitlements of an estate.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    pub(super) targets: Vec<TargetSpec>,
    teams: u32,
}

impl Catalogue {
    pub(super) fn new(shape: &Shape) -> Self {
        let bases = || BASES.iter().cycle().take(usize::from(shape.targets)).enumerate();
        let weights: u64 = bases().map(|(_, base)| u64::from(base.2)).sum();
        let targets = bases().map(|(i, &(name, class, weight))| TargetSpec {
            name: if i < BASES.len() { name.to_owned() } else { format!("{name}-{}", i / BASES.len() + 1) },
            class,
            size: (u64::from(shape.entitlements) * u64::from(weight) / weights.max(1)).max(12) as u32,
        });
        Catalogue { targets: targets.collect(), teams: shape.teams.max(1) }
    }

    /// The number of the entitlement that is the `pick`th of a team in a target; none when the team has none there.
    pub(super) fn of_team(&self, target: &TargetSpec, team: u32, pick: Dice) -> Option<u32> {
        let offset = u32::from(target.class == Class::Directory);
        let first = team + offset;
        if target.class == Class::Roles || first >= target.size {
            return None;
        }
        let count = (target.size - first).div_ceil(self.teams);
        Some(first + self.teams * pick.skewed(u64::from(count)) as u32)
    }

    /// One number for all entitlements of a target that nobody may hold together.
    pub(super) fn exclusive(target: &TargetSpec, local: u32) -> u32 {
        let functions = words::FUNCTION.len() as u32;
        if target.class == Class::Roles && matches!(word(&words::FUNCTION, local.into()), "preparer" | "approver") {
            local - local % functions + 2
        } else {
            local
        }
    }

    /// The entitlement with this number.
    pub(super) fn parts(&self, target: &TargetSpec, local: u32) -> Parts {
        let (team, nth) = (local % self.teams, u64::from(local / self.teams));
        let slug = || names::team(team.into());
        let role_of = |list: &[&'static str]| format!("role:{}-{}", slug(), names::numbered(list, nth));
        let mut exclusion = String::new();
        let (object, role) = match target.class {
            Class::Directory if local == 0 => ("role:staff".to_owned(), "member"),
            Class::Directory => return self.directory(local - 1),
            Class::Code if nth == 0 => (format!("team:{}", slug()), "member"),
            Class::Code => (format!("repo:{}-{}", slug(), names::numbered(&words::THING, nth - 1)), "write"),
            Class::Registry => (format!("repo:{}/{}-{}", names::ORG, slug(), names::numbered(&words::THING, nth)), "write"),
            Class::Cloud => (role_of(&words::CLOUD_ROLE), word(&words::CLOUD_ROLE, nth)),
            Class::Data => (role_of(&words::DATA_ROLE), word(&words::DATA_ROLE, nth)),
            Class::Vault => (role_of(&words::VAULT_ROLE), word(&words::VAULT_ROLE, nth)),
            Class::Wiki => (role_of(&words::WIKI_ROLE), word(&words::WIKI_ROLE, nth)),
            Class::Roles => {
                let area = names::numbered(&words::AREA, u64::from(local) / words::FUNCTION.len() as u64);
                let role = word(&words::FUNCTION, local.into());
                if matches!(role, "preparer" | "approver") {
                    exclusion = format!("{}-{area}-payments", target.name);
                }
                (format!("role:{area}-{role}"), role)
            }
        };
        Parts { object, team, role, exclusion }
    }

    fn directory(&self, local: u32) -> Parts {
        let (team, nth) = (local % self.teams, u64::from(local / self.teams));
        let slug = names::team(team.into());
        let object = match nth {
            0 => format!("team:{slug}"),
            n => format!("team:{slug}-{}", names::numbered(&words::THING, n - 1)),
        };
        Parts { object, team, role: "member", exclusion: String::new() }
    }

    /// The catalogue row of an entitlement; its owner leads the team that owns it.
    pub(super) fn row(&self, target: &TargetSpec, local: u32) -> EntitlementRow {
        let parts = self.parts(target, local);
        let tier = tier(parts.role);
        EntitlementRow {
            target: target.name.clone(),
            object: parts.object,
            tier,
            privileged: tier == 3,
            break_glass: false,
            exclusion: parts.exclusion,
            owner: names::person(parts.team.into()),
        }
    }
}

/// The levels that an object of this type has, weakest first; a role has none.
pub(super) fn levels(object: &str) -> &'static [&'static str] {
    match object.split(':').next() {
        Some("team") => &["member", "maintainer"],
        Some("repo") => &["read", "write", "admin"],
        _ => &[],
    }
}

/// A level as often as it is met: most are weak.
pub(super) fn level(object: &str, dice: Dice) -> &'static str {
    match (levels(object), dice.below(100)) {
        ([member, maintainer], u) => [*member, *maintainer][usize::from(u >= 90)],
        ([read, write, admin], u) => [*read, *write, *admin][usize::from(u >= 55) + usize::from(u >= 93)],
        _ => "",
    }
}

fn tier(role: &str) -> u8 {
    match role.rsplit('-').next() {
        Some("admin" | "owner") => 3,
        Some("approver" | "preparer" | "rotator") => 2,
        Some("deploy") => 2,
        Some("write" | "writer" | "editor") => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Catalogue, Class};
    use crate::generate::shape::Profile;

    #[test]
    fn no_two_entitlements_share_a_name() {
        for profile in [Profile::Demo, Profile::S, Profile::Community, Profile::M] {
            let catalogue = Catalogue::new(&profile.shape());
            for target in &catalogue.targets {
                let names: BTreeSet<String> = (0..target.size).map(|l| catalogue.row(target, l).object).collect();
                assert_eq!(names.len(), target.size as usize, "{} of {}", target.name, profile.name());
            }
        }
    }

    #[test]
    fn roles_that_exclude_each_other_count_as_one() {
        let catalogue = Catalogue::new(&Profile::Demo.shape());
        let Some(payroll) = catalogue.targets.iter().find(|t| t.class == Class::Roles) else {
            unreachable!("the demo has business applications");
        };
        let excluded = |l| catalogue.row(payroll, l).exclusion;
        for local in 0..payroll.size {
            let same = (0..payroll.size).filter(|&l| !excluded(l).is_empty() && excluded(l) == excluded(local)).count();
            let one = Catalogue::exclusive(payroll, local) != local;
            assert_eq!(one, same == 2 && catalogue.row(payroll, local).object.ends_with("approver"), "{local}");
        }
    }
}
