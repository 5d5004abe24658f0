//! One row as it was written: a cell for each of our fields. Owns the reading of times, marks and names from cells.

use std::borrow::Cow;

use super::Field;
use crate::limits::FIELD_BYTES;
use crate::model::Time;

/// What a file holds in one field of one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing, or null.
    #[default]
    Absent,
    /// Text.
    Text(Cow<'a, str>),
    /// A JSON boolean.
    Bool(bool),
    /// A JSON integer.
    Integer(i64),
}

/// What is wrong with one field.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) field: Field,
    pub(super) problem: String,
}

/// One row.
pub(super) struct Cells<'a>([Cell<'a>; Field::COUNT]);

impl<'a> Cells<'a> {
    pub(super) fn new() -> Self {
        Cells([const { Cell::Absent }; Field::COUNT])
    }

    pub(super) fn set(&mut self, field: Field, cell: Cell<'a>) {
        if let Some(slot) = self.0.get_mut(field as usize) {
            *slot = cell;
        }
    }

    pub(super) fn get(&self, field: Field) -> &Cell<'a> {
        self.0.get(field as usize).unwrap_or(&Cell::Absent)
    }

    /// Text; empty when there is none.
    pub(super) fn text(&self, field: Field) -> Result<&str, Problem> {
        match self.get(field) {
            Cell::Absent => Ok(""),
            Cell::Text(text) if text.len() > FIELD_BYTES => {
                Err(Problem { field, problem: format!("it has {} bytes; at most {FIELD_BYTES} are allowed", text.len()) })
            }
            Cell::Text(text) => Ok(text),
            Cell::Bool(_) | Cell::Integer(_) => Err(Problem { field, problem: "write it as text, in quotes".to_owned() }),
        }
    }

    /// Text that must be there.
    pub(super) fn required(&self, field: Field) -> Result<&str, Problem> {
        match self.text(field)? {
            "" => Err(Problem { field, problem: "it must not be empty".to_owned() }),
            text => Ok(text),
        }
    }

    pub(super) fn time(&self, field: Field) -> Result<Time, Problem> {
        if let Cell::Integer(seconds) = self.get(field) {
            return Ok(Time::from_seconds(*seconds));
        }
        let text = self.text(field)?;
        if text.is_empty() {
            return Ok(Time::NONE);
        }
        Time::parse(text).map_err(|error| Problem { field, problem: error.to_string() })
    }

    pub(super) fn mark(&self, field: Field, default: bool) -> Result<bool, Problem> {
        match self.get(field) {
            Cell::Bool(mark) => Ok(*mark),
            Cell::Integer(0) => Ok(false),
            Cell::Integer(1) => Ok(true),
            Cell::Integer(number) => Err(refused(field, &number.to_string(), "true, false, yes, no, 1 or 0")),
            Cell::Absent | Cell::Text(_) => match self.text(field)? {
                "" => Ok(default),
                "true" | "yes" | "1" => Ok(true),
                "false" | "no" | "0" => Ok(false),
                other => Err(refused(field, other, "true, false, yes, no, 1 or 0")),
            },
        }
    }

    pub(super) fn tier(&self) -> Result<u8, Problem> {
        let field = Field::Tier;
        let allowed = "a tier from 0 to 3";
        match self.get(field) {
            Cell::Integer(tier @ 0..=3) => Ok(*tier as u8),
            Cell::Integer(number) => Err(refused(field, &number.to_string(), allowed)),
            _ => match self.text(field)? {
                "" | "0" => Ok(0),
                "1" => Ok(1),
                "2" => Ok(2),
                "3" => Ok(3),
                other => Err(refused(field, other, allowed)),
            },
        }
    }

    /// A number of holders.
    pub(super) fn min_holders(&self) -> Result<u16, Problem> {
        let field = Field::MinHolders;
        let allowed = format!("a number from 0 to {}", u16::MAX);
        match self.get(field) {
            Cell::Integer(number) => u16::try_from(*number).map_err(|_| refused(field, &number.to_string(), &allowed)),
            _ => match self.text(field)? {
                "" => Ok(0),
                text => text.parse().map_err(|_| refused(field, text, &allowed)),
            },
        }
    }

    /// One of a few names.
    pub(super) fn one_of<T: Copy>(&self, field: Field, empty: Option<T>, all: &[(&str, T)]) -> Result<T, Problem> {
        let text = self.text(field)?;
        if let (Some(value), "") = (empty, text) {
            return Ok(value);
        }
        all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            refused(field, text, &format!("one of {}", names.join(", ")))
        })
    }
}

fn refused(field: Field, text: &str, allowed: &str) -> Problem {
    let text: String = text.chars().take(64).collect();
    Problem { field, problem: format!("`{text}` is not allowed; write {allowed}") }
}
