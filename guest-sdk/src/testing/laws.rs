//! What should hold for any rule, tried on identities out of seeds.

use std::collections::BTreeSet;

use trueup_cases::{CaseFile, Columns};

use crate::rule::NativeRule;
use crate::testing::arbitrary::{Drawn, Draws, Estate};
use crate::wire;

/// The variable that names the one seed to try again.
const SEED: &str = "TRUEUP_SEED";
/// Identities that are tried unless it is said otherwise: a second or so.
const IDENTITIES: u64 = 500;
/// Instants before the end of the answers at which they are asked for again.
const INSTANTS: usize = 3;

/// Something that should hold whatever a rule is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Law {
    /// What no source wants is not made present, trued up or replaced.
    Desired,
    /// While nobody knows what is wanted, nothing is taken away; while nobody
    /// knows what is there, it is held or left.
    Unknown,
    /// What is inherited, immutable, or an extra in a scope where extras stay, is
    /// not taken away.
    Changeable,
    /// Cases of an identity get the same answers in any order.
    Order,
    /// The answers are the same at every instant before `valid-until`.
    ValidUntil,
}

/// The laws, about to be tried on a rule.
///
/// A failure names its seed and shows the identity as a case file, to be kept
/// beside the others; `TRUEUP_SEED=<seed> cargo test` tries that one alone.
#[derive(Clone)]
#[must_use = "nothing is tried until `check` is called"]
pub struct Laws<'a> {
    rule: &'a NativeRule,
    estate: Estate,
    identities: u64,
    without: Vec<Law>,
}

impl<'a> Laws<'a> {
    /// The laws for a rule.
    pub fn of(rule: &'a NativeRule) -> Self {
        Laws { rule, estate: Estate::of(rule), identities: IDENTITIES, without: Vec::new() }
    }

    /// Tries so many identities.
    pub fn identities(self, identities: u64) -> Self {
        Laws { identities, ..self }
    }

    /// Leaves out a law that the rule does not mean to keep.
    pub fn without(mut self, law: Law) -> Self {
        self.without.push(law);
        self
    }

    /// Adds a vendor column with the values that it may have, each written as JSON.
    pub fn vendor(self, column: &str, values: &[&str]) -> Self {
        Laws { estate: self.estate.vendor(column, values), ..self }
    }

    /// Draws identities of these kinds alone, as a case file writes them: for a
    /// rule that speaks of machines, say.
    pub fn kinds(self, kinds: &[&str]) -> Self {
        Laws { estate: self.estate.kinds(kinds), ..self }
    }

    /// Sets a setting, written as JSON.
    pub fn setting(self, name: &str, value: &str) -> Self {
        Laws { estate: self.estate.setting(name, value), ..self }
    }

    /// Tries them, and returns the codes of those reasons that were never given:
    /// of these the laws say nothing.
    ///
    /// # Panics
    /// When a law does not hold.
    #[expect(clippy::panic, reason = "a broken law is a failed test")]
    #[track_caller]
    pub fn check(&self) -> Vec<String> {
        let seeds = match std::env::var(SEED).ok().map(|seed| seed.parse::<u64>()) {
            Some(Ok(seed)) => seed..seed.saturating_add(1),
            Some(Err(_)) => panic!("{SEED} is not a whole number"),
            None => 0..self.identities,
        };
        let mut given = BTreeSet::new();
        for seed in seeds {
            let drawn = self.estate.draw(seed);
            match self.try_one(&drawn) {
                Ok(reasons) => given.extend(reasons),
                Err(broken) => panic!(
                    "{broken}\n\nto try it alone: {SEED}={seed} cargo test\nthe identity as a case file:\n{}",
                    drawn.text()
                ),
            }
        }
        let reasons = self.rule.describe().reasons.into_iter().zip(0..);
        reasons.filter(|(_, index)| !given.contains(index)).map(|(reason, _)| reason.code).collect()
    }

    /// The reasons that one identity's cases were given, or what is broken.
    fn try_one(&self, drawn: &Drawn) -> Result<Vec<u16>, String> {
        let file = drawn.file().map_err(|error| error.to_string())?;
        let batch = self.batch(&file);
        let first = self.judge(&file, &batch, drawn.as_of)?;
        if self.judge(&file, &batch, drawn.as_of)? != first {
            return Err("the rule answers the same question in two ways".to_owned());
        }
        for row in &first.rows {
            self.single(&file, row)?;
        }
        let mut draws = Draws::new(!drawn.seed);
        if self.holds(Law::Order) {
            let (shuffled, order) = drawn.shuffled(&mut draws);
            let other = shuffled.file().map_err(|error| error.to_string())?;
            let again = self.judge(&other, &self.batch(&other), drawn.as_of)?;
            if again.in_order(&order) != first.rows {
                return Err(format!("the answers depend on the order of the cases; they differ in the order {order:?}"));
            }
        }
        if self.holds(Law::ValidUntil) && first.valid_until != 0 {
            Self::reused(&first, drawn.as_of, &mut draws, |instant| self.judge(&file, &batch, instant))?;
        }
        Ok(first.rows.iter().map(|row| row.reason).collect())
    }

    fn holds(&self, law: Law) -> bool {
        !self.without.contains(&law)
    }

    /// What the host would show the rule of it.
    fn batch(&self, file: &CaseFile) -> wire::Batch {
        let mut columns = file.columns.clone();
        columns.keep_only(&self.rule.describe().columns);
        super::batch_of(columns)
    }

    fn judge(&self, file: &CaseFile, batch: &wire::Batch, as_of: i64) -> Result<Answers, String> {
        let context = wire::Context { as_of, ..super::context_of(&file.context) };
        match self.rule.judge(&context, batch) {
            Ok(verdicts) => Ok(Answers::of(verdicts)),
            Err(error) => Err(format!("the rule answers with the error `{}`: {}", error.code, error.message)),
        }
    }

    /// What holds of a single answer.
    fn single(&self, file: &CaseFile, row: &Row) -> Result<(), String> {
        let shown = Shown::of(&file.columns, row.case);
        let label = file.cases.get(row.case as usize).map(|case| case.label.as_str()).unwrap_or_default();
        let broken = |what: &str| Err(format!("{label}: the answer is `{}`, {what}", name(row.effect)));
        let adds = matches!(row.effect, PRESENT | TRUE_UP | REPLACE);
        let takes = matches!(row.effect, ABSENT | DISABLED);
        if self.holds(Law::Desired) && adds && !shown.wanted {
            return broken("though no source wants it");
        }
        if self.holds(Law::Unknown) && takes && shown.desired_unknown {
            return broken("though nobody knows whether it is wanted");
        }
        if self.holds(Law::Unknown) && (adds || takes) && shown.observed_unknown {
            return broken("though nobody knows whether it is there");
        }
        if self.holds(Law::Changeable) && takes && shown.fixed {
            return broken("though no plan may take it away");
        }
        Ok(())
    }

    /// Asks again before the answers end.
    fn reused(
        first: &Answers,
        as_of: i64,
        draws: &mut Draws,
        judge: impl Fn(i64) -> Result<Answers, String>,
    ) -> Result<(), String> {
        let until = first.valid_until;
        if until <= as_of {
            return Err("the answers hold until an instant that is past".to_owned());
        }
        let mut instants = vec![until - 1];
        instants.extend((0..INSTANTS).map(|_| draws.between(as_of, until)));
        // Most limits are near.
        instants.push(draws.between(as_of, until.min(as_of + 400 * 86_400)));
        for instant in instants {
            if judge(instant)?.rows != first.rows {
                let (instant, until) = (trueup_cases::render_instant(instant), trueup_cases::render_instant(until));
                return Err(format!("the answers hold until {until}, and yet they are others at {instant}"));
            }
        }
        Ok(())
    }
}

const PRESENT: u8 = 1;
const ABSENT: u8 = 2;
const DISABLED: u8 = 3;
const TRUE_UP: u8 = 4;
const REPLACE: u8 = 5;

fn name(effect: u8) -> &'static str {
    let names = ["keep", "present", "absent", "disabled", "true-up", "replace", "hold"];
    names.get(usize::from(effect)).copied().unwrap_or("unknown")
}

/// What the laws look at in a case.
struct Shown {
    wanted: bool,
    desired_unknown: bool,
    observed_unknown: bool,
    /// No plan may take it away.
    fixed: bool,
}

impl Shown {
    fn of(columns: &Columns, case: u32) -> Self {
        let at = |column: &[u8]| column.get(case as usize).copied().unwrap_or_default();
        let traits = columns.traits.get(case as usize).copied().unwrap_or_default();
        let has = |bit: u32| traits & 1 << bit != 0;
        let (desired, observed) = (at(&columns.desired), at(&columns.observed));
        let wanted = matches!(desired, 1 | 2);
        Shown {
            wanted,
            desired_unknown: desired > 2,
            observed_unknown: observed > 2,
            fixed: has(0) || has(1) || (has(6) && !has(3) && !wanted),
        }
    }
}

/// A rule's answers, row by row.
#[derive(Debug, PartialEq)]
struct Answers {
    rows: Vec<Row>,
    valid_until: i64,
}

#[derive(Debug, PartialEq, Clone)]
struct Row {
    case: u32,
    effect: u8,
    reason: u16,
    mask: u32,
    tier: u8,
    rank: i16,
    after: u32,
    flags: u8,
    until: i64,
}

impl Answers {
    fn of(verdicts: wire::Verdicts) -> Self {
        fn at<T: Copy>(column: &[T], row: usize, default: T) -> T {
            column.get(row).copied().unwrap_or(default)
        }
        let row = |(row, case): (usize, &u32)| Row {
            case: *case,
            effect: at(&verdicts.effect, row, 0),
            reason: at(&verdicts.reason, row, 0),
            mask: at(&verdicts.mask, row, 0),
            tier: at(&verdicts.tier, row, 0),
            rank: at(&verdicts.rank, row, 0),
            after: at(&verdicts.after, row, u32::MAX),
            flags: at(&verdicts.flags, row, 0),
            until: at(&verdicts.until, row, 0),
        };
        Answers { rows: verdicts.case.iter().enumerate().map(row).collect(), valid_until: verdicts.valid_until }
    }

    /// The rows as they would be had the cases stood in the order that they were shuffled from.
    fn in_order(self, order: &[usize]) -> Vec<Row> {
        let place = |case: u32| match order.get(case as usize) {
            Some(place) => u32::try_from(*place).unwrap_or(u32::MAX),
            None => u32::MAX,
        };
        let mut rows: Vec<Row> =
            self.rows.into_iter().map(|row| Row { case: place(row.case), after: place(row.after), ..row }).collect();
        rows.sort_by_key(|row| row.case);
        rows
    }
}
