//! Columns that a vendor added to the batch, read by their name.

use crate::time::Time;
use crate::view::Case;
use crate::wire::ColumnValues;

/// Vendor columns; a rule asks for one by writing its name as text, as in
/// `columns("risk-score")`. Reading one that was not asked for, or as another
/// kind than it is, is reported as the rule's error.
impl<'a> Case<'a> {
    fn vendor(self, column: &str) -> Option<&'a ColumnValues> {
        let columns = &self.batch().wire.vendor;
        let values = columns.iter().find(|vendor| vendor.name == column).map(|vendor| &vendor.values);
        if values.is_none() {
            self.batch().miss(column);
        }
        values
    }

    fn mistake<T>(self, column: &str, kind: &str) -> Option<T> {
        self.batch().mistake(column, kind);
        None
    }

    /// A text of a vendor column.
    pub fn vendor_text(self, column: &str) -> Option<&'a str> {
        match self.vendor(column)? {
            ColumnValues::Ids(ids) => ids.get(self.index() as usize).filter(|id| **id != 0).map(|id| self.batch().text(*id)),
            _ => self.mistake(column, "a text"),
        }
    }

    /// A whole number of a vendor column.
    pub fn vendor_integer(self, column: &str) -> Option<i64> {
        match self.vendor(column)? {
            ColumnValues::Integers(values) => values.get(self.index() as usize).copied(),
            _ => self.mistake(column, "a whole number"),
        }
    }

    /// An instant of a vendor column of whole numbers: seconds since 1970, and
    /// zero where it is not recorded.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let exporter = r#"{ "identity": "exporter", "kind": "machine", "cases": [
    ///     { "credential": { "target": "cloud", "object": "key:a" }, "vendor": { "issued-at": 1764547200 } }
    /// ] }"#;
    /// assert!(ask("2026-03-01", exporter, |case, cx| cx.older_than(case.vendor_time("issued-at"), Days(90))));
    /// ```
    pub fn vendor_time(self, column: &str) -> Option<Time> {
        self.vendor_integer(column).and_then(Time::recorded)
    }

    /// A yes or no of a vendor column.
    pub fn vendor_boolean(self, column: &str) -> Option<bool> {
        match self.vendor(column)? {
            ColumnValues::Booleans(values) => values.get(self.index() as usize).copied(),
            _ => self.mistake(column, "a yes or no"),
        }
    }

    /// The texts of a vendor column that holds lists.
    pub fn vendor_texts(self, column: &str) -> impl Iterator<Item = &'a str> {
        let row = self.index() as usize;
        let ids = match self.vendor(column) {
            Some(ColumnValues::IdLists((ends, ids))) => {
                let end_of = |row: usize| ends.get(row).map_or(0, |end| *end as usize);
                let start = row.checked_sub(1).map_or(0, end_of);
                ids.get(start..end_of(row))
            }
            Some(_) => self.mistake(column, "a list of texts"),
            None => None,
        };
        ids.unwrap_or_default().iter().map(move |id| self.batch().text(*id))
    }
}
