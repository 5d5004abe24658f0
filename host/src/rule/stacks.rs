//! Where a rule is when it has used so much fuel: the stack of a call that is stopped there. Owns no choice of where to stop, and
//! knows no names but those that a module carries.

use trueup_cases::{Columns, Context};
use wasmtime::{Trap, WasmBacktrace};

use super::engine::EngineError;
use super::{Module, RuleEngine, RuleLimits, plain, profile};

/// Frames that are looked at: deeper stacks lose what called the rest.
const FRAMES: usize = 64;
/// What the encoder calls the modules that it puts beside a rule's own.
const BESIDE: &str = "wit-component:";

/// A call on a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Whether it is the rule's own code, and not what the encoder put around it.
    pub own: bool,
    /// Its index among the module's functions, imports first.
    pub function: u32,
    /// Where it stands, in bytes behind the beginning of its body.
    pub offset: u32,
    /// The name that the module's section of names gives it.
    pub name: Option<String>,
}

/// An engine under the same profile that remembers whole stacks, for [`Module::stack_at`]. Answers and fuel are the same.
///
/// # Errors
/// As for [`RuleEngine::new`].
pub fn engine_for_stacks(limits: &RuleLimits) -> Result<RuleEngine, EngineError> {
    let mut config = profile::config();
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(FRAMES));
    RuleEngine::with(limits, &config, None)
}

impl Module {
    /// The stack of the rule at the first place where it looks at its fuel with so much of it used on a batch, the innermost
    /// call first. None: the whole call takes less.
    #[must_use]
    pub fn stack_at(&self, context: &Context, batch: &Columns, fuel: u64) -> Option<Vec<Called>> {
        let limits = RuleLimits { fuel_base: fuel, fuel_per_case: 0, ..*self.limits() };
        let (context, batch) = (plain::context_of(context), plain::batch_of(batch));
        let mut stack = None;
        let called = self.sandbox.call(&limits, 0, |store, rule| {
            rule.call_judge(store, &context, &batch).inspect_err(|error| stack = of(error)).map(drop)
        });
        stack.filter(|_| called.result.is_err())
    }
}

fn of(error: &wasmtime::Error) -> Option<Vec<Called>> {
    if !matches!(error.downcast_ref(), Some(Trap::OutOfFuel)) {
        return None;
    }
    let trace = error.downcast_ref::<WasmBacktrace>()?;
    let called = |frame: &wasmtime::FrameInfo| Called {
        own: !frame.module().name().is_some_and(|name| name.starts_with(BESIDE)),
        function: frame.func_index(),
        offset: frame.func_offset().and_then(|offset| u32::try_from(offset).ok()).unwrap_or_default(),
        name: frame.func_name().map(str::to_owned),
    };
    Some(trace.frames().iter().map(called).collect())
}
