//! How large an estate is, and how skewed. Owns the figures that the generator is calibrated on; makes no rows.

use std::str::FromStr;

/// A named size of estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// What the demo shows: 2,500 people, 900 machines, 12 targets, about 100,000 grants.
    Demo,
    /// 5 k identities, 100 k grants, 20 targets.
    S,
    /// 50 k identities, 2 M grants, 100 targets.
    M,
    /// 250 k identities, 20 M grants, 400 targets.
    L,
    /// 10 k people and 500 k service identities with 1.5 keys each.
    N,
    /// As skewed as a large open-source community: half of its people hold two grants, few hold many.
    Community,
    /// As skewed as an enterprise: half of its people hold nine grants, one in twenty more than 346.
    Enterprise,
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 7] =
        [Profile::Demo, Profile::S, Profile::M, Profile::L, Profile::N, Profile::Community, Profile::Enterprise];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Demo => "demo",
            Profile::S => "s",
            Profile::M => "m",
            Profile::L => "l",
            Profile::N => "n",
            Profile::Community => "community",
            Profile::Enterprise => "enterprise",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Profile::Demo => "what the demo shows: 3,400 identities, 100,000 grants, 12 targets",
            Profile::S => "5,000 identities, 100,000 grants, 20 targets",
            Profile::M => "50,000 identities, 2 million grants, 100 targets",
            Profile::L => "250,000 identities, 20 million grants, 400 targets",
            Profile::N => "10,000 people and 500,000 service identities with three keys for every two",
            Profile::Community => "as skewed as a large community: half of 1,509 people hold two grants, few hold many",
            Profile::Enterprise => "as skewed as an enterprise: of 3,485 people one in twenty holds more than 346 grants",
        }
    }

    /// Its numbers.
    #[must_use]
    pub const fn shape(self) -> Shape {
        let base = Shape {
            people: 2_500,
            machines: 900,
            targets: 12,
            teams: 180,
            entitlements: 6_000,
            person_grants: Curve::ENTERPRISE,
            person_scale: 715,
            machine_grants: Curve::COMMUNITY,
            machine_scale: 2_000,
            keys: 1_500,
            orphaned: 100,
            dormant_people: 60,
            dormant_machines: 380,
            churn: 1_200,
            bulk_day: 0,
        };
        match self {
            Profile::Demo => base,
            Profile::S => {
                Shape { people: 4_000, machines: 1_000, targets: 20, teams: 250, person_scale: 436, entitlements: 8_000, ..base }
            }
            Profile::M => Shape {
                people: 42_000,
                machines: 8_000,
                targets: 100,
                teams: 2_500,
                entitlements: 40_000,
                person_scale: 891,
                ..base
            },
            Profile::L => Shape {
                people: 220_000,
                machines: 30_000,
                targets: 400,
                teams: 12_000,
                entitlements: 100_000,
                person_scale: 1_739,
                ..base
            },
            Profile::N => Shape {
                people: 10_000,
                machines: 500_000,
                targets: 40,
                teams: 600,
                entitlements: 20_000,
                person_scale: 400,
                machine_scale: 1_000,
                dormant_people: 380,
                ..base
            },
            Profile::Community => Shape {
                people: 1_509,
                machines: 12,
                targets: 4,
                teams: 166,
                entitlements: 1_400,
                person_grants: Curve::COMMUNITY,
                person_scale: 1_000,
                ..base
            },
            Profile::Enterprise => {
                Shape { people: 3_485, machines: 400, teams: 240, entitlements: 10_127, person_scale: 1_000, ..base }
            }
        }
    }
}

/// A text that names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no profile is called `{name}`; choose one of demo, s, m, l, n, community, enterprise")]
pub struct ProfileError {
    name: String,
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let wanted = text.to_ascii_lowercase();
        Profile::ALL
            .into_iter()
            .find(|p| p.name() == wanted)
            .ok_or_else(|| ProfileError { name: text.chars().take(64).collect() })
    }
}

/// The numbers of an estate. Shares are in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many people, those who left included.
    pub people: u32,
    /// How many machine identities.
    pub machines: u32,
    /// How many targets.
    pub targets: u16,
    /// How many teams; person `n` leads team `n`.
    pub teams: u32,
    /// About how many entitlements the catalogue has.
    pub entitlements: u32,
    /// How many grants a person holds.
    pub person_grants: Curve,
    /// What `person_grants` is multiplied with.
    pub person_scale: u32,
    /// How many grants a machine holds.
    pub machine_grants: Curve,
    /// What `machine_grants` is multiplied with.
    pub machine_scale: u32,
    /// Keys a machine.
    pub keys: u32,
    /// Machines without a live owner.
    pub orphaned: u32,
    /// People whose accounts have not been used for months.
    pub dormant_people: u32,
    /// Machines whose accounts have not been used for months.
    pub dormant_machines: u32,
    /// Grants that change on a day, in millionths of all.
    pub churn: u32,
    /// The day on which one grant in twenty ends at once, as after a reorganisation; zero: none.
    pub bulk_day: u16,
}

impl Shape {
    /// People who left before the first day: the last ones.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.people / 64
    }

    /// How many people are at work.
    #[must_use]
    pub const fn working(&self) -> u32 {
        self.people - self.left()
    }
}

/// A distribution as its quantiles: (share of the cases in thousandths, value), straight lines between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curve(&'static [(u32, u32)]);

impl Curve {
    /// Grants a principal in a large open-source community (1,509 principals): p50 2, mean 4.2, p95 14, max 74.
    pub const COMMUNITY: Curve = Curve(&[(0, 1), (350, 1), (500, 2), (750, 4), (900, 9), (950, 14), (990, 30), (1_000, 74)]);

    /// Grants a user in a large enterprise (3,485 users): mean 53, p95 346, max 733. The median is not published.
    pub const ENTERPRISE: Curve =
        Curve(&[(0, 1), (250, 4), (500, 9), (750, 24), (900, 120), (950, 346), (990, 520), (1_000, 733)]);

    /// The value below which `u` of a million cases lie, times `scale` thousandths, rounded; at least one.
    #[must_use]
    pub fn value(&self, u: u64, scale: u32) -> u32 {
        let mut from = (0, 1);
        for &(share, value) in self.0 {
            let (start, end) = (u64::from(from.0) * 1_000, u64::from(share) * 1_000);
            if u < end {
                let rise = u64::from(value - from.1) * (u - start);
                let scaled = (u64::from(from.1) * (end - start) + rise) * u64::from(scale);
                let unit = (end - start) * 1_000;
                return u32::try_from((scaled + unit / 2) / unit).unwrap_or(u32::MAX).max(1);
            }
            from = (share, value);
        }
        from.1
    }
}

#[cfg(test)]
mod tests {
    use super::{Curve, Profile};

    #[test]
    fn a_curve_passes_through_its_points() {
        for (u, scale, value) in
            [(0, 1_000, 1), (500_000, 1_000, 9), (950_000, 1_000, 346), (999_999, 1_000, 733), (500_000, 500, 5)]
        {
            assert_eq!(Curve::ENTERPRISE.value(u, scale), value, "{u} × {scale}");
        }
    }

    #[test]
    fn profiles_are_read_as_they_are_named() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().to_uppercase().parse(), Ok(profile));
        }
        let error = "xl".parse::<Profile>().map_err(|e| e.to_string());
        assert_eq!(error, Err("no profile is called `xl`; choose one of demo, s, m, l, n, community, enterprise".to_owned()));
    }
}
