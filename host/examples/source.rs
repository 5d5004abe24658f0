//! A system whose record decides what access should be, as a vendor teaches trueup to read it. Here it is a list in memory,
//! two rows to a page; yours is a query. `cargo run --example source`

use trueup::Source;
use trueup::discover::{Cursor, DiscoverError, Page};
use trueup::model::{Fact, Subject, Time};

struct Tickets {
    covers: Vec<String>,
    /// Record, holder, object, end.
    approved: Vec<(&'static str, &'static str, &'static str, &'static str)>,
}

#[trueup::async_trait]
impl Source for Tickets {
    fn name(&self) -> &str {
        "tickets"
    }

    fn covers(&self) -> &[String] {
        &self.covers
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        // It has no change token: after a crash its scan begins anew.
        Ok(String::new())
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let unreadable = |problem: String| DiscoverError::Unreadable { name: "tickets".to_owned(), problem };
        let start: usize = after.map_or(Ok(0), |cursor| cursor.0.parse()).map_err(|_| unreadable("odd cursor".to_owned()))?;
        let mut page = Page::default();
        let wiki = page.symbols.intern("wiki");
        for (record, holder, object, end) in self.approved.iter().skip(start).take(2) {
            let (holder, object) = (page.symbols.intern(holder), page.symbols.intern(object));
            let mut fact = Fact::new(Subject::Grant, wiki, holder, object);
            fact.record = page.symbols.intern(record);
            fact.expires_at = Time::parse(end).map_err(|error| unreadable(error.to_string()))?;
            page.facts.push(fact);
        }
        let next = start + page.facts.len();
        if next < self.approved.len() {
            page.next = Some(Cursor(next.to_string()));
        } else {
            // Said on the last page: only then does absence mean that access is not desired.
            page.total = Some(self.approved.len() as u64);
        }
        Ok(page)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tickets = Tickets {
        covers: vec!["wiki".to_owned()],
        approved: vec![
            ("T-1", "ada", "space:ops", "2027-01-01"),
            ("T-2", "ben", "space:ops", ""),
            ("T-3", "ada", "space:legal", "2026-12-01"),
        ],
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut after = None;
    loop {
        let page = runtime.block_on(tickets.page(after.as_ref()))?;
        for fact in &page.facts {
            let text = |sym| page.symbols.text(sym);
            println!("{}: {} shall hold {} until {}", text(fact.record), text(fact.holder), text(fact.object), fact.expires_at);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
