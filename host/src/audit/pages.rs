//! A log read and verified page by page, on several threads. Owns who looks at which page and when; each leaf is examined by itself
//! on whatever thread is free, and all are judged in order, so that threads change no finding.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::examined::{Examined, examine};
use super::{LogEntry, Verifier, VerifyError};
use crate::ledger::StoredLeaf;
use crate::limits::VERIFY_THREADS;

/// A leaf of a page that was read, and what looking at it gave.
type Looked = (StoredLeaf, Result<Examined, VerifyError>);

/// Verifies the leaves that `next` reads, page by page until one is empty, and shows each that was not pruned to `see` in order. What was seen stands
/// only once [`Verifier::finish`] has found the whole log sound. As many pages are in memory as there are threads, at most eight.
///
/// # Errors
/// The outer one when a page cannot be read or `see` fails, the inner one when a leaf is not as it was written: whichever comes first
/// in the log, on however many threads.
pub fn verify_pages<E: Send>(
    verifier: Verifier,
    threads: usize,
    next: impl FnMut() -> Result<Vec<StoredLeaf>, E> + Send,
    see: impl FnMut(&LogEntry, &StoredLeaf) -> Result<(), E> + Send,
) -> Result<Result<Verifier, VerifyError>, E> {
    let line = Line {
        reading: Mutex::new(Reading { next, turn: 0, ended: false }),
        judging: Mutex::new(Judging { verifier, see, turn: 0, ended: None }),
        moved: Condvar::new(),
    };
    std::thread::scope(|scope| {
        // This thread is one of them.
        for _ in 1..threads.min(VERIFY_THREADS) {
            // Where the system has no thread to spare, those that there are do it.
            drop(std::thread::Builder::new().spawn_scoped(scope, || line.work()));
        }
        line.work();
    });
    let Judging { verifier, ended, .. } = line.judging.into_inner().unwrap_or_else(PoisonError::into_inner);
    match ended {
        Some(Ended::Failed(error)) => Err(error),
        Some(Ended::Found(error)) => Ok(Err(error)),
        Some(Ended::Whole) | None => Ok(Ok(verifier)),
    }
}

/// What threads share: pages are read in order, examined side by side, and judged in order.
struct Line<N, S, E> {
    reading: Mutex<Reading<N>>,
    judging: Mutex<Judging<S, E>>,
    moved: Condvar,
}

struct Reading<N> {
    next: N,
    /// Number of the page that is read next.
    turn: u64,
    ended: bool,
}

struct Judging<S, E> {
    verifier: Verifier,
    see: S,
    /// Number of the page that is judged next.
    turn: u64,
    ended: Option<Ended<E>>,
}

/// Why no further page is judged.
enum Ended<E> {
    Whole,
    Found(VerifyError),
    Failed(E),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<N, S, E> Line<N, S, E>
where
    N: FnMut() -> Result<Vec<StoredLeaf>, E>,
    S: FnMut(&LogEntry, &StoredLeaf) -> Result<(), E>,
{
    /// Takes one page after another, until there is none or one is not sound.
    fn work(&self) {
        let _alarm = Alarm(self);
        while let Some((turn, page)) = self.read() {
            let looked = page.map(|leaves| {
                let looked = leaves.into_iter().map(|leaf| {
                    let examined = examine(&leaf);
                    (leaf, examined)
                });
                looked.collect()
            });
            self.judge(turn, looked);
        }
    }

    fn read(&self) -> Option<(u64, Result<Vec<StoredLeaf>, E>)> {
        let mut reading = lock(&self.reading);
        if reading.ended {
            return None;
        }
        let (turn, page) = (reading.turn, (reading.next)());
        reading.turn += 1;
        reading.ended = page.as_ref().is_ok_and(Vec::is_empty) || page.is_err();
        Some((turn, page))
    }

    /// Waits for the pages before this one, and judges it.
    fn judge(&self, turn: u64, page: Result<Vec<Looked>, E>) {
        let waiting = |judging: &mut Judging<S, E>| judging.turn != turn && judging.ended.is_none();
        let judging = self.moved.wait_while(lock(&self.judging), waiting);
        let mut judging = judging.unwrap_or_else(PoisonError::into_inner);
        if judging.ended.is_none() {
            judging.ended = judging.page(page);
            judging.turn += 1;
        }
        let ended = judging.ended.is_some();
        drop(judging);
        self.moved.notify_all();
        if ended {
            lock(&self.reading).ended = true;
        }
    }
}

impl<S, E> Judging<S, E>
where
    S: FnMut(&LogEntry, &StoredLeaf) -> Result<(), E>,
{
    fn page(&mut self, page: Result<Vec<Looked>, E>) -> Option<Ended<E>> {
        let page = match page {
            Ok(page) if page.is_empty() => return Some(Ended::Whole),
            Ok(page) => page,
            Err(error) => return Some(Ended::Failed(error)),
        };
        page.into_iter().find_map(|(leaf, examined)| match self.verifier.take(&leaf, examined) {
            Ok(Some(entry)) => (self.see)(&entry, &leaf).err().map(Ended::Failed),
            Ok(None) => None,
            Err(error) => Some(Ended::Found(error)),
        })
    }
}

/// Lets nobody wait for a thread that panicked: its panic goes on where the threads are joined.
struct Alarm<'l, N, S, E>(&'l Line<N, S, E>);

impl<N, S, E> Drop for Alarm<'_, N, S, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.reading).ended = true;
            lock(&self.0.judging).ended.get_or_insert(Ended::Whole);
            self.0.moved.notify_all();
        }
    }
}
