//! What a rule answers for one case, in the words of a case file.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::columns::{RuleInfo, Verdicts};
use crate::file::{Attribute, Case};
use crate::side::Instant;
use crate::time::render_instant;

const EFFECTS: [&str; 7] = ["keep", "present", "absent", "disabled", "true-up", "replace", "hold"];
const ATTRIBUTES: [&str; 5] = ["enabled", "level", "expires-at", "owner", "purpose"];
const NO_OPINION: &str = "no opinion";

/// The answer for a case: nothing, or a verdict in words.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// No row: the case keeps what it has.
    NoOpinion,
    /// A verdict.
    Verdict(Box<Verdict>),
}

/// A verdict in words; what is left out has the contract's default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The effect's name.
    #[serde(deserialize_with = "effect")]
    pub effect: String,
    /// The reason's code.
    pub reason: String,
    /// The attributes that a true-up takes over.
    #[serde(default, deserialize_with = "attribute_names")]
    pub attributes: Vec<String>,
    /// Risk tier.
    #[serde(default)]
    pub tier: u8,
    /// Order within a wave.
    #[serde(default)]
    pub rank: i16,
    /// Label of the case that comes first.
    pub after: Option<String>,
    /// Revoke before anything is granted.
    #[serde(default)]
    pub exclusive: bool,
    /// When the access shall end.
    #[serde(default, deserialize_with = "instant")]
    pub until: Option<String>,
}

/// Brings an instant into the form in which it is rendered, so that both compare.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Instant>::deserialize(deserializer)?.map(|instant| render_instant(instant.0)))
}

fn effect<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    known(String::deserialize(deserializer)?, "an effect", &EFFECTS)
}

fn attribute_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.into_iter().map(|name| known(name, "an attribute", &ATTRIBUTES)).collect()
}

fn known<E: Error>(name: String, what: &str, names: &[&str]) -> Result<String, E> {
    if names.contains(&name.as_str()) {
        return Ok(name);
    }
    let known: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    Err(E::custom(format!("`{name}` is not {what}; use one of {}", known.join(", "))))
}

impl Expect {
    /// The answers of a whole batch, one per case, or what is malformed in them.
    pub(crate) fn of(verdicts: &Verdicts, info: &RuleInfo, cases: &[Case]) -> Result<Vec<Self>, String> {
        well_formed(verdicts, info, cases.len())?;
        let mut answers = vec![Expect::NoOpinion; cases.len()];
        for (row, case) in verdicts.case.iter().enumerate() {
            let Some(answer) = answers.get_mut(*case as usize) else {
                continue;
            };
            let reason = verdicts.reason.get(row).and_then(|reason| info.reasons.get(usize::from(*reason)));
            let after = at(&verdicts.after, row, u32::MAX);
            *answer = Expect::Verdict(Box::new(Verdict {
                effect: name(&EFFECTS, at(&verdicts.effect, row, 0)),
                reason: reason.cloned().unwrap_or_default(),
                attributes: attributes(at(&verdicts.mask, row, 0)),
                tier: at(&verdicts.tier, row, 0),
                rank: at(&verdicts.rank, row, 0),
                after: (after != u32::MAX).then(|| cases.get(after as usize).map(|c| c.label.clone()).unwrap_or_default()),
                exclusive: at(&verdicts.flags, row, 0) & 1 != 0,
                until: Some(at(&verdicts.until, row, 0)).filter(|until| *until != 0).map(render_instant),
            }));
        }
        Ok(answers)
    }
}

/// Holds verdicts to the contract before they are read.
fn well_formed(verdicts: &Verdicts, info: &RuleInfo, cases: usize) -> Result<(), String> {
    let rows = verdicts.case.len();
    let optional = |length: usize| length == 0 || length == rows;
    if verdicts.effect.len() != rows || verdicts.reason.len() != rows {
        return Err("the columns `case`, `effect` and `reason` differ in length".to_string());
    }
    let lengths = [
        ("mask", verdicts.mask.len()),
        ("tier", verdicts.tier.len()),
        ("rank", verdicts.rank.len()),
        ("after", verdicts.after.len()),
        ("flags", verdicts.flags.len()),
        ("until", verdicts.until.len()),
    ];
    if let Some((name, length)) = lengths.into_iter().find(|(_, length)| !optional(*length)) {
        return Err(format!("the column `{name}` has {length} rows, not {rows}"));
    }
    if !verdicts.case.is_sorted_by(|a, b| a < b) || verdicts.case.last().is_some_and(|last| *last as usize >= cases) {
        return Err("the column `case` does not name existing cases in ascending order".to_string());
    }
    if let Some(reason) = verdicts.reason.iter().find(|reason| usize::from(**reason) >= info.reasons.len()) {
        return Err(format!("reason {reason} is not in the rule's table of {}", info.reasons.len()));
    }
    let beyond = |after: &u32| *after != u32::MAX && *after as usize >= cases;
    if let Some(after) = verdicts.after.iter().find(|after| beyond(after)) {
        return Err(format!("`after` names case {after}, which is not in the batch"));
    }
    Ok(())
}

fn at<T: Copy>(column: &[T], row: usize, default: T) -> T {
    column.get(row).copied().unwrap_or(default)
}

fn name(names: &[&str], code: u8) -> String {
    names.get(usize::from(code)).map_or_else(|| format!("effect {code}"), ToString::to_string)
}

fn attributes(mask: u32) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for bit in (0..32).filter(|bit| mask & 1 << bit != 0) {
        names.push(ATTRIBUTES.get(bit).map_or_else(|| format!("attribute {bit}"), ToString::to_string));
    }
    names
}

impl fmt::Display for Expect {
    /// One line of JSON, as case files hold it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|name| format!("\"{name}\": ")))
    }
}

impl Expect {
    /// One line of TOML, as case files hold it.
    pub(crate) fn toml(&self) -> String {
        self.written(|name| format!("{name} = "))
    }

    fn written(&self, key: impl Fn(&str) -> String) -> String {
        let Expect::Verdict(verdict) = self else {
            return format!("\"{NO_OPINION}\"");
        };
        let fields = verdict.fields(|text| serde_json::Value::from(text).to_string());
        let fields: Vec<String> = fields.into_iter().map(|(name, value)| key(name) + &value).collect();
        format!("{{ {} }}", fields.join(", "))
    }

    /// Effect and reason, where there is a verdict.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Expect::NoOpinion => None,
            Expect::Verdict(verdict) => Some(verdict),
        }
    }

    /// The same without the order that the rule asks for: among cases that are
    /// alike in all else, an order has to begin with some of them.
    pub(crate) fn without_order(&self) -> Expect {
        match self {
            Expect::NoOpinion => Expect::NoOpinion,
            Expect::Verdict(verdict) => Expect::Verdict(Box::new(Verdict { after: None, rank: 0, ..(**verdict).clone() })),
        }
    }

    /// One line for people: effect, reason, and what else the verdict says.
    pub(crate) fn plain(&self) -> String {
        let Expect::Verdict(verdict) = self else { return NO_OPINION.to_string() };
        let mut line = format!("{:<9} {}", verdict.effect, verdict.reason);
        for (name, value) in verdict.fields(str::to_string).into_iter().skip(2) {
            line.push_str(&match name {
                "exclusive" => "; exclusive".to_string(),
                _ => format!("; {name} {}", value.trim_matches(['[', ']'])),
            });
        }
        line
    }
}

impl Verdict {
    /// The fields that are not the contract's default, effect and reason first.
    fn fields(&self, text: impl Fn(&str) -> String) -> Vec<(&'static str, String)> {
        let mut fields = vec![("effect", text(&self.effect)), ("reason", text(&self.reason))];
        if !self.attributes.is_empty() {
            let names: Vec<_> = self.attributes.iter().map(|name| text(name)).collect();
            fields.push(("attributes", format!("[{}]", names.join(", "))));
        }
        if self.tier != 0 {
            fields.push(("tier", self.tier.to_string()));
        }
        if self.rank != 0 {
            fields.push(("rank", self.rank.to_string()));
        }
        fields.extend(self.after.as_ref().map(|after| ("after", text(after))));
        if self.exclusive {
            fields.push(("exclusive", "true".to_string()));
        }
        fields.extend(self.until.as_ref().map(|until| ("until", text(until))));
        fields
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Expect;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a verdict with `effect` and `reason`, or \"{NO_OPINION}\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Expect, E> {
                match text {
                    NO_OPINION => Ok(Expect::NoOpinion),
                    _ => Err(E::custom(format!("`{text}` is not an expectation; use \"{NO_OPINION}\" or a verdict"))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expect, A::Error> {
                Verdict::deserialize(MapAccessDeserializer::new(map)).map(|verdict| Expect::Verdict(Box::new(verdict)))
            }
        }

        deserializer.deserialize_any(Words)
    }
}

/// The names here stand at the bits of [`Attribute`].
const _: () = assert!(Attribute::Purpose as usize + 1 == ATTRIBUTES.len());
