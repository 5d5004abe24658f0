//! CEL: one expression. Variables are looked up in the case as the expression reads them, so no map is built.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, Program, Value};
use trueup_against_decision::{ENABLED, EXPIRES_AT, LEVEL, Now, Row, Verdict};

use crate::Language;
use crate::words::{Verdicts, disputed, kind, side, subject};

/// The compiled expression.
pub(super) struct Cel {
    env: Arc<Env>,
    program: Program,
    verdicts: Verdicts,
}

impl Cel {
    pub(super) fn new(verdicts: &Verdicts) -> Result<Self> {
        let env = Arc::new(Env::stdlib());
        let program = env.compile(include_str!("least_access.cel")).map_err(|error| anyhow!("{error}"))?;
        Ok(Cel { env, program, verdicts: verdicts.clone() })
    }
}

/// A case and what holds for all.
struct Variables<'a> {
    row: &'a Row<'a>,
    now: &'a Now,
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let Variables { row, now } = self;
        let word = |word: &'static str| Some(CowVal::owned(CelString::from(word)));
        let text = |text: Option<&'b str>| Some(CowVal::owned(CelString::from(text.unwrap_or_default())));
        let number = |number: i64| Some(CowVal::owned(CelInt::from(number)));
        let flag = |flag: bool| Some(CowVal::owned(CelBool::from(flag)));
        match variable {
            "disputed" => flag(disputed(row)),
            "subject" => word(subject(row.subject)),
            "desired" => word(side(row.desired)),
            "observed" => word(side(row.observed)),
            "recorded" => word(side(row.recorded)),
            "identity_kind" => word(kind(row.identity_kind)),
            "identity_owner" => text(row.identity_owner),
            "purpose" => text(row.purpose),
            "record" => text(row.record),
            "approver" => text(row.approver),
            "expires_at" => number(row.expires_at),
            "not_before" => number(row.not_before),
            "last_used" => number(row.last_used),
            "tier" => number(row.tier.into()),
            "differs" => flag(row.differs != 0),
            "enabled_differs" => flag(row.differs & ENABLED != 0),
            "level_differs" => flag(row.differs & LEVEL != 0),
            "expires_at_differs" => flag(row.differs & EXPIRES_AT != 0),
            "inherited" => flag(row.inherited),
            "immutable" => flag(row.immutable),
            "changed_elsewhere" => flag(row.changed_elsewhere),
            "claimed" => flag(row.claimed),
            "privileged" => flag(row.privileged),
            "break_glass" => flag(row.break_glass),
            "additive" => flag(row.additive),
            "withheld" => flag(row.withheld),
            "as_of" => number(now.as_of),
            "unused_days" => number(now.unused_days),
            "justify_from_tier" => number(now.justify_from_tier),
            "require_record" => flag(now.require_record),
            "disable_orphans_from_tier" => number(now.disable_orphans_from_tier),
            _ => None,
        }
    }
}

impl Language for Cel {
    fn name(&self) -> &'static str {
        "CEL"
    }

    fn package(&self) -> &'static str {
        "cel"
    }

    fn about(&self) -> &'static str {
        "one compiled expression per case, variables read from the struct; left out: the mask of a true-up and the instant until \
         which answers hold"
    }

    fn judge(&mut self, now: &Now, rows: &[Row<'_>]) -> Result<Vec<Verdict>> {
        let root = Context::with_env(Arc::clone(&self.env));
        let one = |row: &Row<'_>| {
            let variables = Variables { row, now };
            let mut context = root.new_inner_scope();
            context.set_variable_resolver(&variables);
            let told = Value::resolve_val(self.program.expression(), &context).map_err(|error| anyhow!("{error}"))?;
            let words = told.downcast_ref::<CelString<'_>>().context("CEL gave no text")?;
            self.verdicts.on(words.inner(), row)
        };
        rows.iter().map(one).collect()
    }
}
