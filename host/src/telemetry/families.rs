//! Every metric: its name, kind, labels and meaning. Owns the list; `docs/observability.md` shows it to people, and a test holds the
//! two together.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows.
    Counter,
    /// What is now, or was at the end of the last run.
    Gauge,
    /// How often what took how long.
    Histogram,
}

impl Kind {
    /// As the text format names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Family {
    /// Its name, with its unit at the end.
    pub name: &'static str,
    /// What kind of number.
    pub kind: Kind,
    /// Its labels, in order.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

macro_rules! families {
    ($($id:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(crate) const $id: Family = Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*
        /// All metrics, in the order in which they are written.
        pub const FAMILIES: &[Family] = &[$($id),*];
    };
}

families! {
    RUNS: Counter "trueup_runs_total" ["call", "result"] "Calls that plan or commit, by how they ended.";
    LAST_RUN: Gauge "trueup_last_run_timestamp_seconds" ["call", "result"] "When such a call ended last, on the engine's clock.";
    STAGE_SECONDS: Histogram "trueup_stage_duration_seconds" ["stage"] "How long a stage of a run took.";
    FACTS: Counter "trueup_facts_total" [] "Rows read from sources and targets.";
    SCANS: Gauge "trueup_scans" ["completeness"] "Scans of the last plan, by how far they were believed.";
    CASES: Counter "trueup_cases_total" [] "Cases judged.";
    BATCHES: Counter "trueup_batches_total" ["result"] "Batches of cases: judged, reused, failed.";
    FUEL: Counter "trueup_rule_fuel_total" [] "Fuel that rules used.";
    PLAN_CHANGES: Gauge "trueup_plan_changes" ["kind"] "Changes of the last plan.";
    PLAN_GATED: Gauge "trueup_plan_gated" ["gate"] "Changes of the last plan that wait at a gate.";
    PLAN_HELD: Gauge "trueup_plan_held" ["reason"] "Cases of the last plan that are held.";
    CHANGES: Counter "trueup_changes_total" ["outcome", "grade", "lane"] "Changes that came to an end: confirmed with a grade of evidence, or how else.";
    INTENTS: Counter "trueup_intents_total" ["lane"] "Attempts that may have been sent.";
    ATTEMPTS: Counter "trueup_attempts_total" ["outcome", "lane"] "What attempts came to.";
    OPEN: Gauge "trueup_changes_open" ["reason"] "Changes that the last commit left open.";
    LEAVES: Gauge "trueup_audit_leaves" [] "Leaves of the audit log.";
    DENIALS: Gauge "trueup_denials" [] "Denials that stand.";
    WITNESS_LAG: Gauge "trueup_witness_lag_checkpoints" ["witness"] "Checkpoints that a witness has not been given.";
    WITNESS_FAILING: Gauge "trueup_witness_failing" ["witness"] "Whether the last push to a witness failed: 0 or 1.";
    SINK_LAG: Gauge "trueup_sink_lag_leaves" ["sink"] "Leaves that a sink has not been given.";
    SINK_FAILING: Gauge "trueup_sink_failing" ["sink"] "Whether the last delivery to a sink failed: 0 or 1.";
}
