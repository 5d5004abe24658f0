//! A recording as one text, with all that it names: lines of JSON, first the recording, then its objects, then an empty line and
//! the lines of the plan. To send, to keep beside a test, to read. Owns this form.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use super::kept::{Recording, Recordings};
use super::objects::{Objects, Unread};
use crate::engine::EngineError;
use crate::model::{Digest, RunId};

impl Recordings {
    /// Writes the recording of a run as text.
    ///
    /// # Errors
    /// When something of it is gone or damaged, or cannot be written.
    pub fn write_text(&self, run: RunId, out: &mut dyn Write) -> Result<(), EngineError> {
        let recording = self.read(run)?;
        let fail = |source| EngineError::Store { path: "the recording's text".into(), source };
        serde_json::to_writer(&mut *out, &recording).map_err(|error| fail(error.into()))?;
        let mut objects = self.objects();
        let mut written = BTreeSet::new();
        let unread = |unread| match unread {
            Unread::Failed(error) => error,
            Unread::Gone { object, .. } => EngineError::NotFound { what: "object", name: object.to_string() },
        };
        for named in objects.of(&recording).map_err(unread)?.into_iter().filter(|named| written.insert(named.0)) {
            let raw = objects.read(&named).map_err(unread)?;
            out.write_all(b"\n").and_then(|()| out.write_all(&raw)).map_err(fail)?;
        }
        out.write_all(b"\n\n").map_err(fail)?;
        let plan = self.plan(recording.plan)?.unwrap_or_default();
        out.write_all(&plan).map_err(fail)
    }
}

/// What a text holds: the recording, its objects, and the plan where it is there.
pub(super) fn parse(text: &[u8]) -> Result<(Recording, Objects, Option<Vec<u8>>), EngineError> {
    let damaged = |problem: String| EngineError::Damaged { path: "the recording's text".into(), problem };
    let end = text.windows(2).position(|window| window == b"\n\n").ok_or_else(|| damaged("it has no end".to_owned()))?;
    let (head, plan) = text.split_at_checked(end + 2).unwrap_or((text, &[]));
    let mut lines = head.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let recording = Recording::of(lines.next().unwrap_or_default()).map_err(damaged)?;
    let objects: HashMap<Digest, Vec<u8>> = lines.map(|line| (Digest::of(line), line.to_vec())).collect();
    Ok((recording, Objects::Texts(objects), (!plan.is_empty()).then(|| plan.to_vec())))
}
