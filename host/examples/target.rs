//! A system that holds access, as a vendor teaches trueup to write to it: list, read one case, write one case on a condition.
//! Here it is a table in memory; yours is an HTTP client. `cargo run --example target`

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use trueup::discover::{Cursor, DiscoverError, Page};
use trueup::model::{CaseKey, Fact, Holding, Subject};
use trueup::target::{Class, Profile, ReadError, Reading, Target, Write, WriteError, Written};

#[derive(Default)]
struct Table {
    /// What each holder holds, and how often each object was changed: its version, as an ETag would be.
    held: BTreeMap<(String, String), Holding>,
    versions: BTreeMap<String, u64>,
}

struct Wiki(Profile, Mutex<Table>);

impl Wiki {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[trueup::async_trait]
impl Target for Wiki {
    fn name(&self) -> &str {
        "wiki"
    }

    fn profile(&self) -> &Profile {
        &self.0
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        Ok(self.table().versions.values().sum::<u64>().to_string())
    }

    async fn page(&self, _: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let (table, mut page) = (self.table(), Page::default());
        let wiki = page.symbols.intern("wiki");
        for (holder, object) in table.held.keys() {
            let (holder, object) = (page.symbols.intern(holder), page.symbols.intern(object));
            page.facts.push(Fact::new(Subject::Grant, wiki, holder, object));
        }
        page.total = Some(table.held.len() as u64);
        Ok(page)
    }

    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        let table = self.table();
        let state = table.held.get(&(key.holder.clone(), key.object.clone())).cloned();
        Ok(Reading::new(state, table.versions.get(&key.object).copied().unwrap_or(0).to_string()))
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        let mut table = self.table();
        let key = &write.change.key;
        let version = table.versions.entry(key.object.clone()).or_default();
        if version.to_string() != write.version.0 {
            return Err(WriteError::Precondition);
        }
        *version += 1;
        let case = (key.holder.clone(), key.object.clone());
        match write.after {
            Some(holding) => table.held.insert(case, holding.clone()),
            None => table.held.remove(&case),
        };
        Ok(Written::default())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wiki = Wiki(Profile::new(Class::K0), Mutex::default());
    wiki.table().held.insert(("ada".to_owned(), "space:ops".to_owned()), Holding::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let page = runtime.block_on(wiki.page(None))?;
    for fact in &page.facts {
        println!("{} holds {}", page.symbols.text(fact.holder), page.symbols.text(fact.object));
    }
    Ok(())
}
