//! trueup's own ways: the rule as an ordinary function over columns, and the whole way of a batch through the sandbox, in
//! instances made anew or kept ready.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use trueup::correlate::{Cases, Identity};
use trueup::progress::Silent;
use trueup::rule::{BatchVerdict, Judging, Module, Settings, VerdictColumns, judge_all};
use trueup_cases::{Columns, Context};
use trueup_guest::testing::{batch_of, context_of};
use trueup_guest::wire;

use super::super::cut::cut;
use super::super::estate::AS_OF;
use super::super::judging::plain;
use super::super::machine::{now, timed};
use super::other::About;
use super::row::Verdict;

/// How many they are: native first.
pub(super) const ENGINES: usize = 3;

/// Batches in the forms in which these two are handed them.
pub(super) struct Set<'a> {
    cases: &'a Cases,
    /// Each batch as columns.
    pub(super) columns: Vec<Columns>,
    wire: Vec<wire::Batch>,
}

impl<'a> Set<'a> {
    /// The first `total` cases in batches of a size.
    pub(super) fn cut(cases: &'a mut Cases, whole: &[Identity], total: u32, size: u32, module: &Module) -> Result<Self> {
        cut(cases, whole, total, size);
        let columns: Vec<Columns> =
            cases.batches.iter().map(|batch| module.columns_of(cases, batch)).collect::<Result<_, _>>()?;
        let wire = columns.iter().cloned().map(batch_of).collect();
        Ok(Set { cases, columns, wire })
    }

    fn count(&self) -> usize {
        self.columns.iter().map(|columns| columns.subject.len()).sum()
    }
}

/// Answers to all cases of some batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    /// One for each case.
    pub(super) verdicts: Vec<Verdict>,
    /// Until when they all hold.
    pub(super) valid_until: i64,
}

/// The rule in its forms.
pub(super) struct Own<'a> {
    module: &'a Module,
    /// The same under an engine that keeps instances ready.
    ready: &'a Module,
    settings: Settings,
    plain: Context,
    context: wire::Context,
    reasons: Vec<String>,
}

impl<'a> Own<'a> {
    pub(super) fn new(module: &'a Module, ready: &'a Module) -> Result<Self> {
        let settings = module.check_settings(&BTreeMap::new())?;
        let plain = Context { as_of: AS_OF.seconds(), settings: settings.iter().map(plain).collect(), flags: 0 };
        let reasons = trueup_least_access::RULE.describe().reasons.into_iter().map(|reason| reason.code).collect();
        Ok(Own { module, ready, settings, context: context_of(&plain), plain, reasons })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn reasons(&self) -> &[String] {
        &self.reasons
    }

    pub(super) fn about(&self) -> [About; ENGINES] {
        let about = |name: &str, version: String, about: &str| About { name: name.to_owned(), version, about: about.to_owned() };
        let facts = self.module.facts();
        let version = format!("trueup {}, {}", env!("CARGO_PKG_VERSION"), facts.profile);
        [
            about(
                "native SDK function",
                facts.label(),
                "the rule as shipped, over columns that were made before; no boundary, no isolation",
            ),
            about(
                "trueup, whole batch path",
                version.clone(),
                "columns written from the facts, names included, a fresh instance with fuel for each batch, the answer checked",
            ),
            about("trueup, instances kept ready", version, "the same; the memory of each fresh instance is reserved before"),
        ]
    }

    /// Takes a turn: all batches, over and over.
    pub(super) fn turn(&self, engine: usize, set: &Set<'_>, lasts: Duration) -> Result<Vec<f64>> {
        let (begun, mut samples) = (now(), Vec::new());
        while begun.elapsed() < lasts {
            let time = match engine {
                0 => timed(|| self.native(&set.wire).map(black_box))?.0,
                1 => timed(|| Ok(black_box(self.component(self.module, set))))?.0,
                2 => timed(|| Ok(black_box(self.component(self.ready, set))))?.0,
                other => bail!("there is no engine {other} here"),
            };
            samples.push(time.as_secs_f64() * 1e9 / set.count() as f64);
        }
        Ok(samples)
    }

    fn native(&self, batches: &[wire::Batch]) -> Result<Vec<wire::Verdicts>> {
        let judge = |batch| trueup_least_access::RULE.judge(&self.context, batch).map_err(|error| anyhow!(error.message));
        batches.iter().map(judge).collect()
    }

    fn component(&self, module: &Module, set: &Set<'_>) -> Vec<BatchVerdict> {
        let judging = Judging { as_of: AS_OF, settings: &self.settings, explain: false };
        judge_all(module, &judging, set.cases, 1, &Silent, None)
    }

    /// The answers of all to cut cases, if they are one.
    pub(super) fn agree(&self, set: &Set<'_>) -> Result<Answers> {
        let native = self.native(&set.wire)?;
        one(&native, self.component(self.ready, set), set.count())?;
        one(&native, self.component(self.module, set), set.count())
    }

    /// The answers of native and component to columns that no facts stand behind, if they are one.
    pub(super) fn agree_on(&self, columns: &[Columns]) -> Result<Answers> {
        let wire: Vec<wire::Batch> = columns.iter().cloned().map(batch_of).collect();
        let component = columns.iter().map(|columns| self.module.judge_columns(&self.plain, columns)).collect();
        one(&self.native(&wire)?, component, columns.iter().map(|columns| columns.subject.len()).sum())
    }
}

fn one(native: &[wire::Verdicts], component: Vec<BatchVerdict>, cases: usize) -> Result<Answers> {
    let component: Vec<VerdictColumns> = component.into_iter().map(|verdict| verdict.result).collect::<Result<_, _>>()?;
    let native = native.iter().map(|told| (&told.case[..], &told.effect[..], &told.reason[..], &told.mask[..], told.valid_until));
    let component = component
        .iter()
        .map(|told| (&told.case[..], &told.effect[..], &told.reason[..], &told.mask[..], told.valid_until.seconds()));
    let (native, component) = (gather(native)?, gather(component)?);
    ensure!(native == component, "the native rule and the component do not say the same");
    ensure!(native.verdicts.len() == cases, "{} answers to {cases} cases", native.verdicts.len());
    Ok(native)
}

type Told<'a> = (&'a [u32], &'a [u8], &'a [u16], &'a [u32], i64);

/// Columns of all batches as rows. The mask may be empty.
fn gather<'a>(batches: impl Iterator<Item = Told<'a>>) -> Result<Answers> {
    let (mut verdicts, mut valid_until) = (Vec::new(), i64::MAX);
    for (case, effect, reason, mask, until) in batches {
        valid_until = valid_until.min(until);
        let mask = mask.iter().copied().chain(std::iter::repeat(0));
        for ((((case, effect), reason), mask), row) in case.iter().zip(effect).zip(reason).zip(mask).zip(0_u32..) {
            ensure!(*case == row, "case {row} is not answered");
            let reason = u8::try_from(*reason).context("a reason")?;
            verdicts.push(Verdict { effect: *effect, reason, mask: u8::try_from(mask).context("a mask")? });
        }
    }
    Ok(Answers { verdicts, valid_until })
}
