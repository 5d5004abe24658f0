//! How those who judge at the same time share the processors of a process: each gets as many threads as its share, so that a tenant
//! whose rule burns all its fuel takes no more than its own. Owns the counting; it knows neither rules nor tenants.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What there is to share.
pub(super) struct Shares {
    processors: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Threads at work, by session.
    sessions: BTreeMap<u64, usize>,
}

impl State {
    /// Threads that each session may have: rounded up, so that no processor is idle while somebody waits.
    fn share(&self, processors: usize) -> usize {
        processors.div_ceil(self.sessions.len().max(1)).max(1)
    }
}

impl Shares {
    pub(super) fn new(processors: usize) -> Arc<Self> {
        Arc::new(Shares { processors, state: Mutex::default(), changed: Condvar::new() })
    }

    /// Begins to judge: from now on the others have less.
    pub(super) fn begin(&self) -> Session<'_> {
        let mut state = self.lock();
        state.next += 1;
        let number = state.next;
        state.sessions.insert(number, 0);
        Session { shares: self, number }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who judges.
pub(super) struct Session<'s> {
    shares: &'s Shares,
    number: u64,
}

impl Session<'_> {
    /// Waits until one more thread may work.
    pub(super) fn turn(&self) -> Turn<'_> {
        self.enter();
        Turn { session: self }
    }

    fn enter(&self) {
        let Shares { processors, changed, .. } = self.shares;
        let mut state = self.shares.lock();
        loop {
            let share = state.share(*processors);
            match state.sessions.get_mut(&self.number) {
                Some(working) if *working >= share => {}
                Some(working) => break *working += 1,
                None => break,
            }
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn leave(&self) {
        if let Some(working) = self.shares.lock().sessions.get_mut(&self.number) {
            *working = working.saturating_sub(1);
        }
        self.shares.changed.notify_all();
    }

    /// Whether more threads work than its share is by now.
    fn has_too_much(&self) -> bool {
        let state = self.shares.lock();
        state.sessions.get(&self.number).is_some_and(|working| *working > state.share(self.shares.processors))
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.shares.lock().sessions.remove(&self.number);
        self.shares.changed.notify_all();
    }
}

/// The right of one thread to work.
pub(super) struct Turn<'s> {
    session: &'s Session<'s>,
}

impl Turn<'_> {
    /// Between two pieces of work: gives way if others came, and waits until there is room again.
    pub(super) fn give_way(&self) {
        if self.session.has_too_much() {
            self.session.leave();
            self.session.enter();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.session.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const LATE: Duration = Duration::from_secs(20);

    #[test]
    fn whoever_has_more_than_its_share_gives_way_until_the_other_is_done() {
        let shares = Shares::new(2);
        let greedy = shares.begin();
        let (one, two) = (greedy.turn(), greedy.turn());
        // Alone, it has all.
        one.give_way();
        two.give_way();
        let (told, tells) = mpsc::channel();
        thread::scope(|scope| {
            let other = shares.begin();
            let turn = other.turn();
            scope.spawn(move || {
                two.give_way();
                // Nobody listens if the test failed before.
                _ = told.send(());
                drop(two);
            });
            assert!(tells.recv_timeout(SOON).is_err(), "it works although its share is one");
            // The first of its threads goes on.
            one.give_way();
            drop(turn);
            assert!(tells.recv_timeout(SOON).is_err(), "who is at work counts, not who works right now");
            drop(other);
            assert!(tells.recv_timeout(LATE).is_ok(), "it waits for nobody");
        });
    }

    #[test]
    fn everybody_gets_one_however_many_there_are() {
        let shares = Shares::new(3);
        let sessions: Vec<_> = (0..50).map(|_| shares.begin()).collect();
        let turns: Vec<_> = sessions.iter().map(Session::turn).collect();
        turns.iter().for_each(Turn::give_way);
        drop(turns);
        drop(sessions);
        // None is left behind: one session has all again.
        let alone = shares.begin();
        let turns = [alone.turn(), alone.turn(), alone.turn()];
        turns.iter().for_each(Turn::give_way);
    }
}
