//! rhai: one function of a compiled script. Arguments are reached by position, so nothing is looked up by name.

use anyhow::{Context as _, Result, anyhow};
use rhai::{AST, CallFnOptions, Dynamic, Engine, ImmutableString, Scope};
use trueup_against_decision::{Kind, Now, Row, Side, Subject, Verdict};

use crate::Language;
use crate::words::{Verdicts, disputed, kind, side, subject};

/// The compiled script.
pub(super) struct Rhai {
    engine: Engine,
    ast: AST,
    words: Words,
    verdicts: Verdicts,
}

/// Words as the engine holds them, so that handing one over counts a reference and copies nothing.
struct Words {
    sides: [Dynamic; 5],
    subjects: [Dynamic; 3],
    kinds: [Dynamic; 4],
    empty: Dynamic,
}

impl Words {
    fn new() -> Self {
        let word = |word: &'static str| Dynamic::from(ImmutableString::from(word));
        Words {
            sides: [Side::Absent, Side::Present, Side::Disabled, Side::Unknown, Side::Disputed].map(side).map(word),
            subjects: [Subject::Account, Subject::Grant, Subject::Credential].map(subject).map(word),
            kinds: [Kind::Unknown, Kind::Person, Kind::Machine, Kind::Group].map(kind).map(word),
            empty: word(""),
        }
    }

    fn of(words: &[Dynamic], code: u8) -> Dynamic {
        words.get(usize::from(code)).cloned().unwrap_or_default()
    }

    /// The arguments of the script's function.
    fn arguments(&self, row: &Row<'_>) -> [Dynamic; 23] {
        let text =
            |text: Option<&str>| text.map_or_else(|| self.empty.clone(), |text| Dynamic::from(ImmutableString::from(text)));
        [
            Words::of(&self.subjects, row.subject as u8),
            Words::of(&self.sides, row.desired as u8),
            Words::of(&self.sides, row.observed as u8),
            Words::of(&self.sides, row.recorded as u8),
            disputed(row).into(),
            row.expires_at.into(),
            row.not_before.into(),
            row.last_used.into(),
            i64::from(row.tier).into(),
            Words::of(&self.kinds, row.identity_kind as u8),
            text(row.identity_owner),
            text(row.purpose),
            text(row.record),
            text(row.approver),
            i64::from(row.differs).into(),
            row.inherited.into(),
            row.immutable.into(),
            row.changed_elsewhere.into(),
            row.claimed.into(),
            row.privileged.into(),
            row.break_glass.into(),
            row.additive.into(),
            row.withheld.into(),
        ]
    }
}

impl Rhai {
    pub(super) fn new(now: &Now, verdicts: &Verdicts) -> Result<Self> {
        let mut engine = Engine::new();
        engine.set_optimization_level(rhai::OptimizationLevel::Full);
        let mut constants = Scope::new();
        constants
            .push_constant("AS_OF", now.as_of)
            .push_constant("UNUSED_DAYS", now.unused_days)
            .push_constant("JUSTIFY_FROM_TIER", now.justify_from_tier)
            .push_constant("REQUIRE_RECORD", now.require_record)
            .push_constant("DISABLE_ORPHANS_FROM_TIER", now.disable_orphans_from_tier);
        let script = include_str!("least_access.rhai");
        let ast = engine.compile_with_scope(&constants, script).map_err(|error| anyhow!("{error}"))?;
        Ok(Rhai { engine, ast, words: Words::new(), verdicts: verdicts.clone() })
    }
}

impl Language for Rhai {
    fn name(&self) -> &'static str {
        "rhai"
    }

    fn package(&self) -> &'static str {
        "rhai"
    }

    fn about(&self) -> &'static str {
        "one call of a compiled and optimised function per case, settings folded in; left out: the mask of a true-up and the \
         instant until which answers hold"
    }

    fn judge(&mut self, _: &Now, rows: &[Row<'_>]) -> Result<Vec<Verdict>> {
        let mut scope = Scope::new();
        let one = |row: &Row<'_>| {
            let options = CallFnOptions::new().eval_ast(false);
            let told: Dynamic = self
                .engine
                .call_fn_with_options(options, &mut scope, &self.ast, "judge", self.words.arguments(row))
                .map_err(|error| anyhow!("{error}"))?;
            let words = told.try_cast::<ImmutableString>().context("rhai gave no text")?;
            self.verdicts.on(&words, row)
        };
        rows.iter().map(one).collect()
    }
}
