//! What judging costs: the whole way of a batch into the sandbox and back, beside the same rule as an ordinary function, and that
//! beside the same decision as a loop over plain structs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use trueup::correlate::{Cases, CorrelateContext, Recorded, correlate};
use trueup::discover::{Discovery, discover};
use trueup::link::link;
use trueup::progress::Silent;
use trueup::rule::{Judging, KeyKind, Module, Pool, RuleEngine, RuleLimits, SettingValue, judge_all};
use trueup_cases::Context;
use trueup_guest::testing::{batch_of, context_of};
use trueup_guest::wire;
use trueup_native::Twins;

use super::machine::{median, timed};
use super::summary::{Figure, Summary};
use super::{SEED, Sizes, estate};
use crate::estate::block_on;

const AIM_NS: f64 = 250.0;
/// How many times the loop's time the native rule may take.
const AIM_TIMES: f64 = 1.1;

/// Measures both forms in turn, on one thread.
pub(super) fn measure(sizes: &Sizes, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    summary.say(&format!("judging {} desired and as many observed grants …", sizes.judged))?;
    let folder = work.join("judged");
    estate::write(&folder, sizes.judged, SEED)?;
    let module = estate::module(work)?;
    let cases = cases(&folder, &module)?;
    let settings = module.check_settings(&BTreeMap::new())?;
    let judging = Judging { as_of: estate::AS_OF, settings: &settings, explain: false };
    let plain = Context { as_of: estate::AS_OF.seconds(), settings: settings.iter().map(plain).collect(), flags: 0 };
    let context = context_of(&plain);
    let batches: Vec<wire::Batch> =
        cases.batches.iter().map(|batch| module.columns_of(&cases, batch).map(batch_of)).collect::<Result<_, _>>()?;
    let count = cases.cases.len() as f64;
    let pool = Pool::new(super::machine::cores() as u32 * 2);
    let pooled = Module::load(&RuleEngine::pooled(&RuleLimits::default(), pool)?, &fs::read(work.join(estate::RULE))?)?;
    let (mut component, mut ready, mut native) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..sizes.rounds {
        let (time, verdicts) = timed(|| Ok(judge_all(&module, &judging, &cases, 1, &Silent, None)))?;
        ensure!(verdicts.iter().all(|verdict| verdict.result.is_ok()), "a batch failed");
        component.push(time.as_secs_f64() * 1e9 / count);
        let (time, same) = timed(|| Ok(judge_all(&pooled, &judging, &cases, 1, &Silent, None)))?;
        ensure!(same == verdicts, "an instance that was kept ready answers otherwise");
        ready.push(time.as_secs_f64() * 1e9 / count);
        let (time, answered) = timed(|| native_all(&context, &batches))?;
        let shipped: usize = verdicts.iter().filter_map(|v| v.result.as_ref().ok()).map(|v| v.case.len()).sum();
        ensure!(answered == shipped, "native answered {answered} cases, the component {shipped}");
        native.push(time.as_secs_f64() * 1e9 / count);
    }
    let best = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let figure = |name, value| {
        Figure::new(name, value, "ns per case")
            .with("cases", cases.cases.len())
            .with("batches", cases.batches.len())
            .with("rows", sizes.judged * 2)
            .with("rounds", sizes.rounds)
            .with("threads", 1)
            .with("rule", "least-access")
    };
    let beside = "the same rule native, columns made before";
    let whole = figure("rule as a component, median", median(&component)).beside(beside, median(&native));
    summary.add(whole.with("native best", format!("{:.1}", best(&native))).with("aim", AIM_NS))?;
    summary.add(figure("rule as a component, best", best(&component)).beside(beside, best(&native)))?;
    summary.add(figure("the same, instances kept ready, median", median(&ready)).beside(beside, median(&native)))?;
    summary.add(figure("the same, instances kept ready, best", best(&ready)).beside(beside, best(&native)))?;
    let views = Twins::new(&context, &batches)?.best(sizes.rounds)?;
    let beside = "the same decision as a loop over plain structs, made before";
    let native = figure("rule native, the best of each batch", views.rule).beside(beside, views.plain);
    summary.add(native.with("aim", format!("{AIM_TIMES} times")))
}

/// How many cases the native rule answers.
pub(super) fn native_all(context: &wire::Context, batches: &[wire::Batch]) -> Result<usize> {
    let mut answered = 0;
    for batch in batches {
        let verdicts = trueup_least_access::RULE.judge(context, batch).map_err(|error| anyhow::anyhow!(error.message))?;
        answered += std::hint::black_box(verdicts).case.len();
    }
    Ok(answered)
}

/// Cases of a folder.
pub(super) fn cases(folder: &Path, module: &Module) -> Result<Cases> {
    cases_of(&estate::open(folder, estate::HELD)?, folder, module)
}

/// Cases of some systems, as a run makes them; what it keeps meanwhile lies in the folder.
pub(super) fn cases_of(systems: &estate::Systems, folder: &Path, module: &Module) -> Result<Cases> {
    let options = Discovery {
        as_of: estate::AS_OF,
        now: estate::AS_OF,
        max_age_seconds: i64::MAX,
        spool: folder.join("pages"),
        scratch: folder.join("scratch"),
        counts: Vec::new(),
        keys_dir: folder.join("keys"),
        released: Default::default(),
    };
    fs::create_dir(&options.scratch)?;
    let mut snapshot = block_on(discover(&systems.sources, &systems.targets, &options, Arc::new(Silent)))??.whole()?;
    let mut canon = |kind: u8, keys: &[&str]| module.canon(if kind == 0 { KeyKind::Holder } else { KeyKind::Object }, keys);
    let links = link(&mut snapshot, Some(&mut canon))?;
    let targets = systems.targets.iter().map(|target| (target.name().to_owned(), target.profile().into())).collect();
    let context =
        CorrelateContext { tenant: "acme", as_of: estate::AS_OF, scopes: &systems.scopes, targets: &targets, threads: 1 };
    let nothing = std::iter::empty::<Result<Recorded, std::convert::Infallible>>();
    Ok(correlate(snapshot, links, nothing, &context)?)
}

/// A setting as plain data.
pub(super) fn plain((name, value): (&str, &SettingValue)) -> (String, trueup_cases::SettingValue) {
    use trueup_cases::SettingValue as Plain;
    let value = match value {
        SettingValue::Text(text) => Plain::Text(text.clone()),
        SettingValue::Integer(number) => Plain::Integer(*number),
        SettingValue::Boolean(flag) => Plain::Boolean(*flag),
        SettingValue::Texts(texts) => Plain::Texts(texts.clone()),
    };
    (name.to_owned(), value)
}
