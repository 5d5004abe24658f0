//! What the engine counts of its own work. Owns which noun becomes which number; without the feature `metrics`, nothing is counted.

use super::{Applied, Engine, EngineError, Planned};
use crate::commit::Outcomes;
use crate::telemetry::Metrics;
use crate::telemetry::families as of;

impl Engine {
    /// What this engine has counted since it was made.
    #[must_use]
    pub fn metrics(&self) -> &std::sync::Arc<Metrics> {
        &self.metrics
    }

    /// Counts a call that plans or commits.
    pub(super) fn measure_call<T>(&self, call: &str, result: &Result<T, EngineError>) {
        let result = if result.is_ok() { "done" } else { "failed" };
        self.metrics.add(&of::RUNS, &[call, result], 1);
        self.metrics.put(&of::LAST_RUN, &[call, result], self.clock.now().seconds().max(0) as f64);
        self.measure_state();
    }

    /// Counts what a plan came to.
    pub(super) fn measure_plan(&self, planned: &Planned) {
        let (metrics, report) = (&self.metrics, &planned.report);
        for (stage, time) in &planned.timings {
            metrics.observe(&of::STAGE_SECONDS, &[stage], time.as_secs_f64());
        }
        metrics.add(&of::FACTS, &[], report.facts);
        metrics.add(&of::CASES, &[], report.cases);
        let failed = report.faults.len() as u64;
        let judged = report.batches.saturating_sub(failed + report.spared.reused);
        for (result, number) in [("judged", judged), ("reused", report.spared.reused), ("failed", failed)] {
            metrics.add(&of::BATCHES, &[result], number);
        }
        metrics.add(&of::FUEL, &[], report.fuel);
        metrics.set(&of::SCANS, report.scans.iter().map(|scan| (vec![scan.completeness.name()], 1.0)));
        let summary = &planned.header.summary;
        for (family, counts) in
            [(&of::PLAN_CHANGES, &summary.by_kind), (&of::PLAN_GATED, &summary.gated), (&of::PLAN_HELD, &summary.held)]
        {
            metrics.set(family, counts.iter().map(|(name, number)| (vec![name.as_str()], *number as f64)));
        }
    }

    /// Counts what a commit recorded.
    pub(super) fn measure_commit(&self, outcomes: &Outcomes) {
        for (told, number) in &outcomes.recorded {
            let grade = told.grade.map(|grade| format!("{grade:?}").to_lowercase()).unwrap_or_default();
            let (name, lane) = (told.name, told.lane.name());
            match told.event {
                "intent" => self.metrics.add(&of::INTENTS, &[lane], *number),
                "outcome" => self.metrics.add(&of::ATTEMPTS, &[name, lane], *number),
                _ => self.metrics.add(&of::CHANGES, &[name, &grade, lane], *number),
            }
        }
    }

    /// Takes over what the last commit left open.
    pub(super) fn measure_applied(&self, applied: &Applied) {
        let last = applied.amendments.last().map_or(&applied.outcomes, |amended| &amended.outcomes);
        let named: Vec<(String, u64)> = last.open.iter().map(|(name, number)| (name.replace(' ', "_"), *number)).collect();
        self.metrics.set(&of::OPEN, named.iter().map(|(name, number)| (vec![name.as_str()], *number as f64)));
    }

    /// Looks at what is there now: the log, denials, witnesses and sinks. What cannot be read keeps its former number.
    pub fn measure_state(&self) {
        let metrics = &self.metrics;
        if let Ok(head) = self.log_head() {
            metrics.set(&of::LEAVES, [(vec![], head.size as f64)]);
        }
        if let Ok(denials) = self.denials() {
            metrics.set(&of::DENIALS, [(vec![], denials.iter().filter(|denial| denial.stands()).count() as f64)]);
        }
        let lags = self.pusher.as_ref().map(crate::notary::Pusher::lags).unwrap_or_default();
        metrics.set(&of::WITNESS_LAG, lags.iter().map(|lag| (vec![lag.witness.as_str()], lag.checkpoints as f64)));
        let failing = |problem: &Option<String>| if problem.is_some() { 1.0 } else { 0.0 };
        metrics.set(&of::WITNESS_FAILING, lags.iter().map(|lag| (vec![lag.witness.as_str()], failing(&lag.problem))));
        let Some(Ok(lags)) = self.exporter.as_ref().map(crate::export::Exporter::lags) else { return };
        metrics.set(&of::SINK_LAG, lags.iter().map(|lag| (vec![lag.sink.as_str()], lag.leaves as f64)));
        metrics.set(&of::SINK_FAILING, lags.iter().map(|lag| (vec![lag.sink.as_str()], failing(&lag.problem))));
    }
}
