//! The program that answers for all other engines, `tests/against`: started once, and asked line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct About {
    /// Its name.
    pub(super) name: String,
    /// Its package and version.
    pub(super) version: String,
    /// How it judges, and what it leaves out.
    pub(super) about: String,
}

/// What it says once it has compared all answers.
#[derive(Debug, Deserialize)]
pub(super) struct Ready {
    pub(super) engines: Vec<About>,
    pub(super) drawn: usize,
    pub(super) cases: usize,
    pub(super) wasmtime: String,
}

#[derive(Serialize)]
struct Turn {
    engine: usize,
    cases: u32,
    batch: u32,
    lasts_ms: u64,
}

/// The running program.
pub(super) struct Other {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Other {
    /// Starts it on the cases of a folder.
    pub(super) fn start(program: &Path, plugin: &Path, folder: &Path) -> Result<(Self, Ready)> {
        let mut command = Command::new(program);
        command.arg(plugin).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| program.display().to_string())?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { bail!("it has no pipes") };
        let mut other = Other { child, input, output: BufReader::new(output) };
        let ready = other.line()?;
        Ok((other, ready))
    }

    fn line<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the other program ended with {}", self.child.wait()?);
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Lets an engine judge so many cases over and over; gives how long each time took, in nanoseconds a case.
    pub(super) fn turn(&mut self, engine: usize, cases: u32, batch: u32, lasts_ms: u64) -> Result<Vec<f64>> {
        serde_json::to_writer(&mut self.input, &Turn { engine, cases, batch, lasts_ms })?;
        self.input.write_all(b"\n")?;
        self.line()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It would end by itself with its input; an error here means that it has.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
