//! Compiling in a process of its own, which may be killed: a small module can take long and much memory to compile, and nothing
//! inside a compiler bounds that. Owns both ends of the pipe. What the worker gives back is machine code and is trusted as such:
//! it protects from compilers that take too much, not from compilers that were taken over.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

use super::engine::fingerprint;
use super::{AdmitError, profile, text};
use crate::limits::{COMPILE_MEMORY_BYTES, COMPILE_SECONDS, COMPILED_BYTES, MESSAGE_BYTES};
use crate::model::Digest;

/// What the worker is sent first; the number is the version of this conversation.
const MAGIC: &[u8; 16] = b"trueup compile 1";
/// Bytes before the component: the word above, seconds, bytes of memory.
const HEAD_BYTES: usize = 32;
/// A worker that waits for a processor is given this many times the processor time that it may use.
const PATIENCE: u64 = 4;

/// A program that compiles components for this host, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Worker {
    /// The program: one whose `main` ends in [`compile_here`] when it gets these arguments.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Processor time, in seconds.
    pub seconds: u64,
    /// Address space, in bytes.
    pub memory_bytes: u64,
}

impl Worker {
    /// A worker with the usual limits.
    #[must_use]
    pub fn new(program: PathBuf, args: Vec<OsString>) -> Self {
        Worker { program, args, seconds: COMPILE_SECONDS, memory_bytes: COMPILE_MEMORY_BYTES }
    }

    /// Compiles a component in a new process, for an engine of this fingerprint.
    pub(super) fn compile(&self, component: &[u8], engine: &Digest) -> Result<Vec<u8>, AdmitError> {
        let failed = |problem: String| AdmitError::Worker { problem };
        let mut command = Command::new(&self.program);
        // Arenas are reserved address space, of which the worker has a bounded amount.
        command.args(&self.args).env_clear().env("MALLOC_ARENA_MAX", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(format!("cannot start `{}`: {error}", self.program.display())))?;
        let (Some(mut input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let (code, said) = (read(output, COMPILED_BYTES), read(errors, MESSAGE_BYTES as u64));
        let mut asked = MAGIC.to_vec();
        asked.extend_from_slice(&self.seconds.to_le_bytes());
        asked.extend_from_slice(&self.memory_bytes.to_le_bytes());
        asked.extend_from_slice(component);
        // In a thread, because a program that never reads would be waited for. One that does not take it all ends without an
        // answer, which is told below.
        thread::spawn(move || drop(input.write_all(&asked)));
        let patience = Duration::from_secs(self.seconds.saturating_mul(PATIENCE).max(1));
        let (code, status) = wait(&mut child, &code, patience).map_err(|error| failed(error.to_string()))?;
        let said = String::from_utf8_lossy(&said.recv().unwrap_or_default()).into_owned();
        let Some(status) = status else { return Err(AdmitError::CompileTime { allowed: self.seconds }) };
        if status.success() {
            return match code.split_first_chunk::<32>() {
                Some((other, code)) if *other == engine.0 => Ok(code.to_vec()),
                _ => Err(failed("it is another version of this program".to_owned())),
            };
        }
        Err(self.why(status, &said))
    }

    fn why(&self, status: ExitStatus, said: &str) -> AdmitError {
        if ended_by(status, TIME_SIGNALS) {
            return AdmitError::CompileTime { allowed: self.seconds };
        }
        if ended_by(status, MEMORY_SIGNALS) || said.contains(NO_MEMORY) {
            return AdmitError::CompileMemory { allowed: self.memory_bytes >> 20 };
        }
        let said = text::shown(said.trim_end(), MESSAGE_BYTES as u64);
        match status.code() {
            Some(REFUSED) => AdmitError::Invalid { detail: said },
            _ => AdmitError::Worker { problem: format!("it ended with {status}: {said}") },
        }
    }
}

/// What is said to whoever is no host.
const NOT_FOR_PEOPLE: &str = "this is for a host to start, with a module at its standard input\n";
/// The exit code of a worker whose component is not valid.
const REFUSED: i32 = 5;
/// How a system says that there is no memory.
const NO_MEMORY: &str = "Cannot allocate memory";
/// SIGXCPU and SIGKILL.
const TIME_SIGNALS: &[i32] = &[24, 9];
/// SIGABRT, SIGBUS and SIGSEGV: how programs end that get no memory.
const MEMORY_SIGNALS: &[i32] = &[6, 7, 11];

#[cfg(unix)]
fn ended_by(status: ExitStatus, signals: &[i32]) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status).is_some_and(|signal| signals.contains(&signal))
}

#[cfg(not(unix))]
fn ended_by(_: ExitStatus, _: &[i32]) -> bool {
    false
}

/// Reads a pipe to its end, or as much as is wanted, in a thread of its own.
fn read(pipe: impl Read + Send + 'static, most: u64) -> Receiver<Vec<u8>> {
    let (give, take) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks is one that ended.
        drop(pipe.take(most).read_to_end(&mut bytes));
        drop(give.send(bytes));
    });
    take
}

/// What a child wrote, and how it ended; no ending: it was killed because it took too long.
fn wait(child: &mut Child, output: &Receiver<Vec<u8>>, patience: Duration) -> io::Result<(Vec<u8>, Option<ExitStatus>)> {
    match output.recv_timeout(patience) {
        Ok(bytes) => Ok((bytes, Some(child.wait()?))),
        Err(RecvTimeoutError::Disconnected) => Ok((Vec::new(), Some(child.wait()?))),
        Err(RecvTimeoutError::Timeout) => {
            child.kill()?;
            child.wait()?;
            Ok((Vec::new(), None))
        }
    }
}

/// The worker's end: reads limits and a component from standard input, binds itself to the limits, and writes machine code to
/// standard output. For the `main` of a program that [`Worker::program`] names; it does nothing else.
#[must_use]
pub fn compile_here() -> ExitCode {
    match compile(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nobody else can be told if this fails.
            drop(write!(io::stderr(), "{problem}"));
            ExitCode::from(REFUSED as u8)
        }
    }
}

fn compile(input: &mut impl Read, output: &mut impl Write) -> Result<(), String> {
    let mut head = [0; HEAD_BYTES];
    input.read_exact(&mut head).map_err(|_| NOT_FOR_PEOPLE)?;
    let (magic, numbers) = head.split_at(MAGIC.len());
    let ([seconds, bytes], []) = numbers.as_chunks::<8>() else { return Err("the head is short".to_owned()) };
    if magic != MAGIC {
        return Err(NOT_FOR_PEOPLE.to_owned());
    }
    confine(u64::from_le_bytes(*seconds), u64::from_le_bytes(*bytes)).map_err(|error| error.to_string())?;
    let mut component = Vec::new();
    input.read_to_end(&mut component).map_err(|error| error.to_string())?;
    let mut config = profile::config();
    // One thread: its time is the time that is bounded.
    config.parallel_compilation(false);
    let engine = Engine::new(&config).map_err(|error| error.root_cause().to_string())?;
    let code = engine.precompile_component(&component).map_err(|error| error.root_cause().to_string())?;
    let written = output.write_all(&fingerprint(&engine).0).and_then(|()| output.write_all(&code)).and_then(|()| output.flush());
    written.map_err(|error| error.to_string())
}

#[cfg(unix)]
fn confine(seconds: u64, bytes: u64) -> io::Result<()> {
    use rlimit::Resource;
    Resource::CPU.set(seconds, seconds)?;
    Resource::AS.set(bytes, bytes)?;
    Resource::CORE.set(0, 0)
}

/// Other systems have no such limits: there the host's patience is the only one.
#[cfg(not(unix))]
fn confine(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}
