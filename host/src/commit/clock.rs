//! The one place of the library that asks for the time and lets it pass. Everything else is given instants.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use crate::model::Time;

/// A clock that can also be waited on, so that tests and simulations pass hours in no time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Time;

    /// Seconds on a clock that never jumps, from any beginning: waiting is measured by it, and jumps of the other are found.
    /// Unless given, the clock itself counts as one that never jumps.
    fn tick(&self) -> i64 {
        self.now().seconds()
    }

    /// Returns when this many seconds have passed.
    async fn sleep(&self, seconds: u32);
}

/// The machine's clock. Sleeping needs a tokio runtime with its timer enabled.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Time::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    fn tick(&self) -> i64 {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        i64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_secs()).unwrap_or(i64::MAX)
    }

    async fn sleep(&self, seconds: u32) {
        tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
    }
}
