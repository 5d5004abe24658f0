//! extism: the same Rust function as the loop's, as a plug-in behind bytes or MessagePack.

use anyhow::{Result, anyhow};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};
use trueup_against_decision::{Now, Row, Verdict, read_answers, write_batch};

use crate::engines::{Answers, Engine};

/// Fuel of an instance: far more than a batch takes.
const FUEL: u64 = 10_000_000_000;

/// How a batch crosses the boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A layout of its own, numbers little-endian.
    Bytes,
    /// As serde writes it.
    MessagePack,
}

/// How long an instance lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// As long as the engine.
    Reused,
    /// For one batch, with fuel counted: what trueup does.
    Fresh,
}

/// A plug-in.
pub struct Plugged {
    form: Form,
    life: Life,
    compiled: CompiledPlugin,
    plugin: Plugin,
    /// Where batches are written to, kept between them.
    buffer: Vec<u8>,
}

impl Plugged {
    /// Compiles a plug-in.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(wasm: &[u8], form: Form, life: Life) -> Result<Self> {
        // Compiled once, and never kept on disk.
        let builder = PluginBuilder::new(Manifest::new([Wasm::data(wasm)])).with_wasi(false).with_cache_disabled();
        let builder = if life == Life::Fresh { builder.with_fuel_limit(FUEL) } else { builder };
        let compiled = builder.compile()?;
        let plugin = Plugin::new_from_compiled(&compiled)?;
        Ok(Plugged { form, life, compiled, plugin, buffer: Vec::new() })
    }

    fn one(&mut self, now: &Now, rows: &[Row<'_>]) -> Result<(Vec<Verdict>, i64)> {
        if self.life == Life::Fresh {
            self.plugin = Plugin::new_from_compiled(&self.compiled)?;
        }
        self.buffer.clear();
        match self.form {
            Form::Bytes => {
                write_batch(now, rows, &mut self.buffer);
                let answer: &[u8] = self.plugin.call("judge_bytes", self.buffer.as_slice())?;
                Ok(read_answers(answer, rows.len())?)
            }
            Form::MessagePack => {
                // A struct without its names: a list of its fields.
                rmp_serde::encode::write(&mut self.buffer, &(now, rows))?;
                let answer: &[u8] = self.plugin.call("judge_msgpack", self.buffer.as_slice())?;
                rmp_serde::from_slice(answer).map_err(|error| anyhow!(error))
            }
        }
    }
}

impl Engine for Plugged {
    fn name(&self) -> &'static str {
        match (self.form, self.life) {
            (Form::Bytes, Life::Reused) => "extism, bytes",
            (Form::Bytes, Life::Fresh) => "extism, bytes, fresh instance and fuel",
            (Form::MessagePack, _) => "extism, MessagePack",
        }
    }

    fn package(&self) -> &'static str {
        "extism"
    }

    fn about(&self) -> &'static str {
        match self.life {
            Life::Reused => "one instance for all batches, no fuel; codes of answers unchecked",
            Life::Fresh => "a fresh instance with fuel for each batch, compiled before; codes of answers unchecked",
        }
    }

    fn judge(&mut self, now: &Now, rows: &[Row<'_>]) -> Result<Answers> {
        let (verdicts, valid_until) = self.one(now, rows)?;
        Ok((verdicts, Some(valid_until)))
    }
}
