//! Spans in OpenTelemetry, as `host/docs/observability.md` shows it: what stands there is what is compiled and run here.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};

use crate::estate::Estate;

// The page shows what follows, up to the next line like this one.
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

/// Everything that trueup shows goes to an exporter, in batches and on a thread of its own.
fn spans_to(exporter: impl SpanExporter + 'static) -> (SdkTracerProvider, impl tracing::Subscriber + Send + Sync) {
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("trueup"));
    let only_ours = Targets::new().with_target("trueup", tracing::Level::INFO);
    (provider, tracing_subscriber::registry().with(only_ours).with(spans))
}

/// A run whose spans were delivered when it is over.
async fn traced(engine: &trueup::Engine, exporter: impl SpanExporter + 'static) -> Result<(), Box<dyn std::error::Error>> {
    let (provider, subscriber) = spans_to(exporter);
    tracing::subscriber::set_global_default(subscriber)?;
    engine.run(None).await?;
    Ok(provider.force_flush()?)
}
// Up to here.

#[test]
fn the_page_shows_what_is_compiled_here() {
    let page = include_str!("../../../host/docs/observability.md");
    let own = include_str!("spans.rs");
    let mut parts = own.split("// The page shows what follows, up to the next line like this one.\n").skip(1);
    let shown = parts.next().and_then(|rest| rest.split("// Up to here.").next()).expect("both lines");
    assert!(
        shown.len() > 500 && page.contains(&format!("```rust\n{shown}```\n")),
        "the page shows something else than:\n{shown}"
    );
}

#[test]
fn the_spans_of_a_run_arrive_in_one_trace() {
    let (estate, exporter) = (Estate::of("watched"), InMemorySpanExporter::default());
    let engine = estate.engine(2);
    estate.runtime.block_on(traced(&engine, exporter.clone())).expect("a run");
    let all = exporter.get_finished_spans().expect("spans");
    // Other tests of this process may be at work: this run is the one of this tenant.
    let tenant = |span: &SpanData| span.attributes.iter().any(|of| of.key.as_str() == "tenant" && of.value.as_str() == "watched");
    let runs: Vec<&SpanData> = all.iter().filter(|span| span.name == "run" && tenant(span)).collect();
    assert_eq!(runs.len(), 1, "{:?}", all.iter().map(|span| span.name.clone()).collect::<Vec<_>>());
    let (trace, root): (TraceId, SpanId) = (runs[0].span_context.trace_id(), runs[0].span_context.span_id());
    assert_eq!(runs[0].parent_span_id, SpanId::INVALID);
    let ours: Vec<&SpanData> = all.iter().filter(|span| span.span_context.trace_id() == trace).collect();
    for name in ["discover", "link", "correlate", "judge", "decide", "seal", "commit", "sign"] {
        let names: Vec<_> = ours.iter().map(|span| &span.name).collect();
        assert!(ours.iter().any(|span| span.name == name), "no `{name}` in {names:?}");
    }
    // Each hangs below the run, over others or directly.
    for span in &ours {
        let mut above = span.span_context.span_id();
        while above != root {
            above = ours.iter().find(|span| span.span_context.span_id() == above).expect("a span of the trace").parent_span_id;
        }
    }
    assert!(all.iter().all(|span| span.name != "call"), "those of single changes are of the level `debug`");
}
