//! What a run shows of itself to whoever watches: spans at its stages (feature `tracing`) and numbers (feature `metrics`). Owns their
//! names and bounds. Without the features nothing of it is there, and nothing that is shown can change a run.

#[cfg(feature = "metrics")]
pub(crate) mod families;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "metrics")]
mod text;

#[cfg(feature = "metrics")]
pub use families::{FAMILIES, Family, Kind};
#[cfg(feature = "metrics")]
pub use metrics::Metrics;

#[cfg(feature = "tracing")]
pub(crate) use tracing::Span;

/// A stage that nobody watches.
#[cfg(not(feature = "tracing"))]
pub(crate) struct Span;

#[cfg(not(feature = "tracing"))]
impl Span {
    /// Begins it, until it is dropped.
    pub(crate) const fn entered(self) -> Self {
        self
    }
}

/// A span of a stage, with what it is about: numbers and ids, never a person's or an entitlement's name, never a secret. Those of
/// single changes are of the level *debug*, all others *info*.
macro_rules! stage {
    (debug $name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        $crate::telemetry::stage!(@ debug_span, $name $(, $field = $value)*)
    };
    ($name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        $crate::telemetry::stage!(@ info_span, $name $(, $field = $value)*)
    };
    (@ $level:ident, $name:literal $(, $field:ident = $value:expr)*) => {{
        #[cfg(feature = "tracing")]
        let span = tracing::$level!(target: "trueup", $name $(, $field = $value)*);
        #[cfg(not(feature = "tracing"))]
        let span = {
            $(let _ = &$value;)*
            $crate::telemetry::Span
        };
        span
    }};
}
pub(crate) use stage;

/// Work within a span, also across its pauses.
#[cfg(feature = "tracing")]
pub(crate) async fn within<T>(span: Span, work: impl Future<Output = T>) -> T {
    tracing::Instrument::instrument(work, span).await
}

/// Work that nobody watches.
#[cfg(not(feature = "tracing"))]
pub(crate) async fn within<T>(_: Span, work: impl Future<Output = T>) -> T {
    work.await
}
