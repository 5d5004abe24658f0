//! Access that ends while it is being given: every schedule of a small world, one after the other, none drawn. A schedule is
//! a class, the instant of the end (it expires, or somebody denies it), what becomes of the first two requests, and the event
//! at which the process dies. Whatever ended must not be given again.

mod story;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use trueup::target::Class;

use self::story::{Lived, live};
use super::plan::CLASSES;

/// The last instant at which access may end: later than the last request of any story without a crash.
pub const LAST_END: i64 = 32;

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It takes effect, and its answer is lost.
    ReplyLost,
    /// It never arrives.
    RequestLost,
    /// It takes effect at the last possible instant, and its answer is lost.
    LandsLast,
    /// The target asks to wait.
    Throttled,
    /// It takes effect, and the secret that it made is lost (K4).
    SecretLost,
}

/// How access ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// By its own end, at which the target drops it.
    Expires,
    /// By an emergency call, which leaves a denial.
    Denied,
}

/// One story.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// What the target can do.
    pub class: Class,
    /// How access ends.
    pub ends: Ends,
    /// When, in seconds from the beginning.
    pub at: i64,
    /// What becomes of the first two requests; later ones are answered.
    pub fates: [Fate; 2],
    /// The event of the process at which it dies; none: it does not.
    pub dies: Option<u32>,
    /// Whether the batch on its way at that instant became durable.
    pub kept: bool,
}

/// What all schedules came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many there were.
    pub schedules: u64,
    /// Of these, with a crash.
    pub crashes: u64,
    /// In how many access was given before it ended, and in how many requests were repeated.
    pub given: u64,
    /// See `given`.
    pub repeated: u64,
    /// The second of the latest request of all stories without a crash: an end that comes later tries nothing new in them.
    pub latest: i64,
    /// What went wrong, at most a few.
    pub failures: Vec<String>,
}

/// Lives through all schedules on two threads.
#[must_use]
pub fn sweep() -> Swept {
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Swept::default()));
    let firsts = firsts();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(first) = firsts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let swept = crashes_of(*first);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.schedules += swept.schedules;
                    total.crashes += swept.crashes;
                    total.given += swept.given;
                    total.repeated += swept.repeated;
                    total.latest = total.latest.max(swept.latest);
                    total.failures.extend(swept.failures);
                    total.failures.truncate(8);
                }
            });
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Every schedule without a crash.
fn firsts() -> Vec<Schedule> {
    use Fate::{Answered, LandsLast, ReplyLost, RequestLost, SecretLost, Throttled};
    let mut all = Vec::new();
    for (_, class) in CLASSES {
        for first in [Answered, ReplyLost, RequestLost, LandsLast, Throttled, SecretLost] {
            for second in [Answered, LandsLast] {
                let nothing_new = (first == SecretLost && class != Class::K4) || (first == Answered && second != Answered);
                for ends in [Ends::Expires, Ends::Denied].into_iter().filter(|_| !nothing_new) {
                    all.extend((1..=LAST_END).map(|at| Schedule {
                        class,
                        ends,
                        at,
                        fates: [first, second],
                        dies: None,
                        kept: false,
                    }));
                }
            }
        }
    }
    all
}

/// One schedule, and the same with a crash at each of its events.
fn crashes_of(first: Schedule) -> Swept {
    let mut swept = Swept::default();
    let lived = take(&mut swept, first);
    swept.latest = lived.latest;
    for dies in 1..=lived.events {
        let schedule = Schedule { dies: Some(dies), ..first };
        if take(&mut swept, schedule).flushing {
            take(&mut swept, Schedule { kept: true, ..schedule });
        }
    }
    swept.crashes = swept.schedules - 1;
    swept
}

fn take(swept: &mut Swept, schedule: Schedule) -> Lived {
    let lived = live(schedule);
    swept.schedules += 1;
    swept.given += u64::from(lived.given);
    swept.repeated += u64::from(lived.requests > 1);
    if let Some(words) = &lived.broken {
        swept.failures.push(format!("{schedule:?}: {words}"));
    }
    lived
}
