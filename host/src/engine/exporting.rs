//! Events of a tenant's log for others: when sinks are told, and where changes are looked up that the log only names. How events are
//! made and delivered is for `export`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, EngineError, Store};
use crate::export::{About, Changes, Cursor, Delivery, Export, ExportError, Exporter, Form, Lent, Reader, SinkLag, Source};
use crate::limits::EXPORT_REMEMBERED_CHANGES;
use crate::model::{ChangeId, PlanId};
use crate::plan::PlanFile;

impl Engine {
    /// Exports the log's events to these sinks, beside everything else: none of them holds up a commit. Comes after
    /// [`Engine::signed_by`], whose key names the log; without one, the tenant's name does.
    ///
    /// # Errors
    /// When a sink has a name that cannot name a file or another's, or the store's folder cannot be written.
    pub fn exported_to(mut self, exports: Vec<Export>) -> Result<Self, EngineError> {
        let source = Source {
            ledger: Lent::new(Arc::clone(&self.ledger)),
            tenant: self.parts.tenant.clone(),
            origin: self.origin(),
            changes: Arc::new(Plans(self.store.clone())),
            folder: self.store.exports(),
        };
        self.exporter = Some(Exporter::start(source, exports)?);
        Ok(self)
    }

    /// Names the log in its events: as in its checkpoints, or, where nothing signs, by the tenant's name.
    #[must_use]
    pub fn origin(&self) -> String {
        self.notary.as_ref().map_or_else(|| self.parts.tenant.clone(), crate::notary::Notary::origin)
    }

    /// How far each sink is behind, after waiting for them at most so long.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settle_exports(&self, patience: Duration) -> Result<Vec<SinkLag>, EngineError> {
        Ok(self.exporter.as_ref().map(|exporter| exporter.settle(patience)).transpose()?.unwrap_or_default())
    }

    /// How far a sink of this name is behind, whoever delivers to it: for a process that only looks.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn sink_lag(&self, sink: &str) -> Result<SinkLag, EngineError> {
        Ok(SinkLag::of(&self.store.exports(), sink, &*self.ledger, &self.parts.tenant)?)
    }

    /// Tells of all leaves from an index on as events, page by page, and moves no cursor.
    ///
    /// # Errors
    /// When the ledger cannot be read, a leaf is none, or `tell` gives up.
    pub fn tell_events<E: From<EngineError>>(
        &self,
        from: u64,
        form: &Form,
        mut tell: impl FnMut(&Delivery) -> Result<(), E>,
    ) -> Result<(), E> {
        let changes = Arc::new(Plans(self.store.clone()));
        let mut reader = Reader::new(Arc::clone(&self.ledger), &self.parts.tenant, &self.origin(), changes);
        let mut cursor = Cursor::from_index(from);
        while let Some(page) = reader.page(&cursor, form, u32::MAX).map_err(EngineError::from)? {
            tell(&page)?;
            cursor = page.cursor;
        }
        Ok(())
    }

    /// Says that there may be new leaves.
    pub(super) fn ring_sinks(&self) {
        self.exporter.iter().for_each(Exporter::ring);
    }
}

/// The sealed plans of a store.
struct Plans(Store);

impl Changes for Plans {
    fn look_up(&self, plan: PlanId, wanted: &BTreeSet<ChangeId>, tell: &mut dyn FnMut(ChangeId, About)) {
        // A plan that is gone or damaged tells nothing: the event is told without it.
        let Ok(file) = PlanFile::open(&self.0.plan(plan)) else { return };
        // Ends come about in the order of the plan: what follows on the first is wanted soon. Some room is left to what is not.
        let mut ahead = EXPORT_REMEMBERED_CHANGES / 2;
        let mut met = false;
        for change in file.changes().map_while(Result::ok) {
            let is_wanted = wanted.contains(&change.id);
            met |= is_wanted;
            if is_wanted || (met && ahead > 0) {
                ahead = ahead.saturating_sub(1);
                tell(change.id, About::from(&change));
            }
        }
    }
}

impl From<ExportError> for EngineError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Ledger(error) => error.into(),
            ExportError::File(error) => error.into(),
            error => Self::Export(error),
        }
    }
}
