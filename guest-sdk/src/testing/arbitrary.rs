//! Identities out of a seed: every side, attribute and trait that a case file
//! can write, with instants on and beside the limits that a rule is likely to
//! draw. One is drawn as the text of a case file, so what fails can be kept as
//! one. Knows no rule beyond the numbers and words of its settings.

use std::path::Path;

use trueup_cases::{CaseError, CaseFile, render_instant};

use crate::rule::NativeRule;
use crate::wire::SettingValue;

const DAY: i64 = 86_400;
/// The first instant at which identities are judged: 2026-01-01.
const FIRST: i64 = 1_767_225_600;
/// Cases of one identity at most: enough for two of a kind beside what differs.
const CASES: u64 = 8;

/// Numbers that look random and follow from a seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Draws(seed)
    }

    /// A number below a bound; zero where the bound is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// An instant from one up to another, the latter left out.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from.saturating_add_unsigned(self.below(to.saturating_sub(from).unsigned_abs()))
    }

    /// True in one of so many draws.
    pub fn one_in(&mut self, draws: u64) -> bool {
        self.below(draws) == 0
    }

    /// One of these; nothing where there is none.
    pub fn one_of<'a, T>(&mut self, these: &'a [T]) -> Option<&'a T> {
        these.get(usize::try_from(self.below(these.len() as u64)).unwrap_or_default())
    }

    /// Brings these into another order.
    pub fn shuffle<T>(&mut self, these: &mut [T]) {
        for place in (1..these.len()).rev() {
            these.swap(place, usize::try_from(self.below(place as u64 + 1)).unwrap_or_default());
        }
    }
}

/// What identities are drawn from.
#[derive(Clone, Debug)]
pub struct Estate {
    /// Lengths of time at which a rule is likely to draw a limit, in seconds.
    lengths: Vec<i64>,
    /// What owners, units, levels, targets and objects may be called besides plain names.
    words: Vec<String>,
    /// Vendor columns with the JSON of the values that they may have.
    vendor: Vec<(String, Vec<String>)>,
    /// Settings with their JSON.
    settings: Vec<(String, String)>,
    /// What identities are.
    kinds: Vec<String>,
}

impl Estate {
    /// What a rule is likely to tell apart: the days, hours and words of its
    /// settings' defaults, and plain ones besides.
    pub fn of(rule: &NativeRule) -> Self {
        let mut estate = Estate {
            lengths: [0, 1, 7, 30, 90, 365].map(|days| days * DAY).to_vec(),
            words: Vec::new(),
            vendor: Vec::new(),
            settings: Vec::new(),
            kinds: ["person", "person", "machine", "group", "unknown"].map(str::to_owned).to_vec(),
        };
        for setting in rule.describe().settings {
            match setting.default {
                Some(SettingValue::Integer(number)) => {
                    estate.lengths.extend(
                        [number.saturating_mul(DAY), number.saturating_mul(3_600)]
                            .map(|s| s.clamp(-9 * 365 * DAY, 9 * 365 * DAY)),
                    );
                }
                Some(SettingValue::Text(word)) => estate.words.push(word),
                Some(SettingValue::Texts(words)) => estate.words.extend(words),
                _ => {}
            }
        }
        estate
    }

    /// Adds a vendor column with the values that it may have, each written as JSON.
    #[must_use]
    pub fn vendor(mut self, column: &str, values: &[&str]) -> Self {
        self.vendor.push((column.to_owned(), values.iter().map(ToString::to_string).collect()));
        self
    }

    /// Sets a setting, written as JSON.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Draws identities of these kinds alone, as a case file writes them.
    #[must_use]
    pub fn kinds(mut self, kinds: &[&str]) -> Self {
        self.kinds = kinds.iter().map(ToString::to_string).collect();
        self
    }

    /// The identity of a seed: the same seed draws the same one.
    pub fn draw(&self, seed: u64) -> Drawn {
        let mut drawing = Drawing { estate: self, draws: Draws::new(seed), as_of: FIRST };
        drawing.as_of = FIRST + drawing.draws.below(365) as i64 * DAY + drawing.draws.below(2) as i64 * 43_200;
        let settings: Vec<String> = self.settings.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        let identity = drawing.identity();
        let mut cases: Vec<(String, String)> = Vec::new();
        for _ in 0..=drawing.draws.below(CASES - 1) {
            let (key, case) = drawing.case();
            // One subject is one case.
            if cases.iter().all(|(other, _)| *other != key) {
                cases.push((key, case));
            }
        }
        let cases = cases.into_iter().map(|(_, case)| case).collect();
        Drawn { seed, as_of: drawing.as_of, settings: settings.join(", "), identity, cases }
    }
}

/// An identity that was drawn, with its cases.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// What it was drawn from.
    pub seed: u64,
    /// The instant to judge it at, in seconds since 1970.
    pub as_of: i64,
    settings: String,
    identity: String,
    cases: Vec<String>,
}

impl Drawn {
    /// It as a case file without expectations.
    pub fn text(&self) -> String {
        format!(
            "{{\n  \"about\": \"Drawn from the seed {}.\",\n  \"as_of\": \"{}\",\n  \"settings\": {{ {} }},\n  \"identities\": [\n    {{\n      {},\n      \"cases\": [\n        {}\n      ]\n    }}\n  ]\n}}\n",
            self.seed,
            render_instant(self.as_of),
            self.settings,
            self.identity,
            self.cases.join(",\n        ")
        )
    }

    /// It as it is judged.
    ///
    /// # Errors
    /// When what the estate was given for a setting or vendor column is no JSON.
    pub fn file(&self) -> Result<CaseFile, CaseError> {
        CaseFile::parse(Path::new("drawn.json"), &self.text())
    }

    /// The same identity with its cases in another order, and for each of them
    /// its row in this one.
    pub fn shuffled(&self, draws: &mut Draws) -> (Self, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.cases.len()).collect();
        draws.shuffle(&mut order);
        let cases = order.iter().filter_map(|row| self.cases.get(*row).cloned()).collect();
        (Drawn { cases, ..self.clone() }, order)
    }
}

/// One drawing.
struct Drawing<'a> {
    estate: &'a Estate,
    draws: Draws,
    as_of: i64,
}

const UNKNOWN: [&str; 5] =
    ["unknown: incomplete-scan", "unknown: stale-scan", "unknown: no-source", "unknown: disputed", "unknown: shrunk"];
const TRAITS: [&str; 8] =
    ["inherited", "immutable", "changed-elsewhere", "claimed", "privileged", "break-glass", "additive", "withheld"];

impl Drawing<'_> {
    fn word(&mut self, plain: &[&str]) -> String {
        let words = &self.estate.words;
        let own = if words.is_empty() || self.draws.one_in(2) { None } else { self.draws.one_of(words).cloned() };
        own.unwrap_or_else(|| self.draws.one_of(plain).copied().unwrap_or_default().to_owned())
    }

    fn length(&mut self) -> i64 {
        self.draws.one_of(&self.estate.lengths).copied().unwrap_or_default()
    }

    /// On a limit or a second beside it, on one that two lengths make together,
    /// or anywhere within a year.
    fn instant(&mut self) -> String {
        let (length, other) = (self.length(), self.length());
        let beside = self.draws.below(3) as i64 - 1;
        let instant = match self.draws.below(7) {
            0..=1 => self.as_of - length + beside,
            2..=3 => self.as_of + length + beside,
            4 => self.as_of - length + other + beside,
            _ => self.draws.between(self.as_of - 365 * DAY, self.as_of + 365 * DAY),
        };
        format!("\"{}\"", render_instant(instant))
    }

    /// Fields that are each there in half of the draws.
    fn fields(&mut self, out: &mut Vec<String>, instants: &[&str], names: &[&str], plain: &[&str]) {
        for name in instants {
            if self.draws.one_in(2) {
                out.push(format!("\"{name}\": {}", self.instant()));
            }
        }
        for name in names {
            if self.draws.one_in(2) {
                out.push(format!("\"{name}\": {:?}", self.word(plain)));
            }
        }
    }

    fn state(&mut self) -> &'static str {
        match self.draws.below(10) {
            0..=2 => "absent",
            3..=6 => "present",
            7..=8 => "disabled",
            _ => self.draws.one_of(&UNKNOWN).copied().unwrap_or("unknown"),
        }
    }

    fn identity(&mut self) -> String {
        let kind = self.draws.one_of(&self.estate.kinds).map_or("unknown", String::as_str);
        let status =
            self.draws.one_of(&["active", "active", "on-leave", "leaving", "left", "unknown"]).copied().unwrap_or_default();
        let mut fields = vec!["\"identity\": \"ada\"".to_owned(), format!("\"kind\": \"{kind}\", \"status\": \"{status}\"")];
        self.fields(&mut fields, &["moved_at", "ends_at"], &["owner", "unit"], &["grace", "ada"]);
        fields.join(", ")
    }

    /// What a case is about, and the whole case.
    fn case(&mut self) -> (String, String) {
        let subject = self.draws.one_of(&["account", "grant", "grant", "credential"]).copied().unwrap_or_default();
        let mut key = vec![format!("\"target\": {:?}", self.word(&["crm", "git"]))];
        if self.draws.one_in(5) {
            key.push("\"holder\": \"ada-2\"".to_owned());
        }
        if subject != "account" {
            key.push(format!("\"object\": {:?}", self.word(&["role:reader", "role:writer", "key:a", "key:b"])));
        }
        let key = format!("\"{subject}\": {{ {} }}", key.join(", "));

        let mut desired = vec![format!("\"state\": \"{}\"", self.state())];
        self.fields(&mut desired, &["expires_at", "not_before"], &["owner", "approver", "purpose"], &["grace", "ada", "ben"]);
        self.fields(&mut desired, &[], &["level"], &["reader", "writer"]);
        self.fields(&mut desired, &[], &["record"], &["", "request-1"]);
        self.fields(&mut desired, &[], &["replaces"], &["key:a", "key:b", "role:reader"]);
        let mut observed = vec![format!("\"state\": \"{}\"", self.state())];
        self.fields(&mut observed, &["expires_at", "last_used", "disabled_since"], &["owner", "purpose"], &["grace", "ada"]);
        self.fields(&mut observed, &[], &["level"], &["reader", "writer"]);

        let recorded = self.draws.one_of(&["absent", "present", "disabled"]).copied().unwrap_or_default();
        let mut case = vec![
            key.clone(),
            format!("\"desired\": {{ {} }}", desired.join(", ")),
            format!("\"observed\": {{ {} }}", observed.join(", ")),
            format!("\"recorded\": \"{recorded}\", \"tier\": {}", self.draws.below(4)),
        ];
        self.fields(&mut case, &["undesired_since"], &[], &[]);
        if self.draws.one_in(2) {
            case.push(format!("\"exclusion\": \"{}\"", if self.draws.one_in(2) { "payments" } else { "audits" }));
        }
        // Most cases are plain: what traits hide is to be seen too.
        let plain = self.draws.one_in(2);
        let traits = TRAITS.iter().filter(|_| !plain && self.draws.one_in(6));
        let traits: Vec<String> = traits.map(|name| format!("\"{name}\"")).collect();
        case.push(format!("\"traits\": [{}]", traits.join(", ")));
        let mut vendor = Vec::new();
        for (column, values) in &self.estate.vendor {
            vendor.extend(self.draws.one_of(values).map(|value| format!("\"{column}\": {value}")));
        }
        case.push(format!("\"vendor\": {{ {} }}", vendor.join(", ")));
        (key, format!("{{ {} }}", case.join(", ")))
    }
}
