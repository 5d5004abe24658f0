//! A rule's settings: their schema, and reading them from what the host sends.

use std::cell::Cell;

use crate::fault::Fault;
use crate::wire::{Setting, SettingInfo, SettingKind, SettingValue};

/// A set of settings, derived on a struct:
///
/// ```
/// use trueup_guest::prelude::*;
///
/// #[derive(Settings)]
/// pub struct Settings {
///     /// Days after which unused access goes.
///     #[setting(default = 90, min = 1)]
///     unused_days: i64, // named `unused-days`
///     /// Targets that are left alone. The vendor must set this one.
///     spared: Vec<String>,
/// }
/// ```
///
/// Kinds: `i64`, `bool`, `String`, `Vec<String>`. A field marked
/// `#[setting(flatten)]` holds another set whose settings join these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of settings",
    note = "write the settings as a struct with `#[derive(Settings)]`"
)]
pub trait Settings: Sized {
    /// Appends name, kind, help and default of each setting.
    fn schema(out: &mut Vec<SettingInfo>);

    /// Reads them.
    fn read(given: &Given<'_>) -> Result<Self, Fault>;
}

/// A rule without settings.
impl Settings for () {
    fn schema(_: &mut Vec<SettingInfo>) {}

    fn read(_: &Given<'_>) -> Result<Self, Fault> {
        Ok(())
    }
}

/// What the host sent, to be read by name.
pub struct Given<'a> {
    settings: &'a [Setting],
    /// Which of the first 64 were read, a bit for each.
    read: Cell<u64>,
}

/// What a setting can hold.
#[diagnostic::on_unimplemented(
    message = "a setting cannot be of type `{Self}`",
    note = "use `i64`, `bool`, `String` or `Vec<String>`, or mark a nested set with `#[setting(flatten)]`"
)]
pub trait SettingType: Sized {
    /// Its kind.
    const KIND: SettingKind;

    /// Its value for the contract.
    fn to_value(&self) -> SettingValue;

    /// From the contract, unless the kind is another.
    fn from_value(value: &SettingValue) -> Option<Self>;
}

macro_rules! setting_type {
    ($($kind:ident: $type:ty;)*) => {
        $(
            impl SettingType for $type {
                const KIND: SettingKind = SettingKind::$kind;

                fn to_value(&self) -> SettingValue {
                    SettingValue::$kind(self.clone())
                }

                fn from_value(value: &SettingValue) -> Option<Self> {
                    match value {
                        SettingValue::$kind(value) => Some(value.clone()),
                        _ => None,
                    }
                }
            }
        )*
    };
}

setting_type! {
    Text: String;
    Integer: i64;
    Boolean: bool;
    Texts: Vec<String>;
}

impl Given<'_> {
    /// The value of a setting, else its default, else an error that names it.
    pub fn get<T: SettingType>(&self, name: &str, default: Option<T>) -> Result<T, Fault> {
        match (self.settings.iter().zip(0_u32..).find(|(setting, _)| setting.name == name), default) {
            (Some((setting, row)), _) => {
                self.read.set(self.read.get() | 1_u64.checked_shl(row).unwrap_or(0));
                T::from_value(&setting.value).ok_or_else(|| fault(format!("the setting `{name}` must be {}", words(T::KIND))))
            }
            (None, Some(default)) => Ok(default),
            (None, None) => Err(fault(format!("the setting `{name}` has no default and must be set"))),
        }
    }

    /// Holds a whole number to its bounds.
    pub fn bounded(name: &str, value: i64, min: i64, max: i64) -> Result<i64, Fault> {
        if value < min {
            return Err(fault(format!("the setting `{name}` must be at least {min}, not `{value}`")));
        }
        if value > max {
            return Err(fault(format!("the setting `{name}` must be at most {max}, not `{value}`")));
        }
        Ok(value)
    }
}

fn fault(message: String) -> Fault {
    Fault::new("settings", message)
}

fn words(kind: SettingKind) -> &'static str {
    match kind {
        SettingKind::Text => "a text",
        SettingKind::Integer => "a whole number",
        SettingKind::Boolean => "true or false",
        SettingKind::Texts => "a list of texts",
    }
}

/// Reads a whole set, and refuses names that it does not have. The schema, which
/// is all texts, is only made when something that was sent was not read.
pub(crate) fn read<S: Settings>(settings: &[Setting]) -> Result<S, Fault> {
    let given = Given { settings, read: Cell::new(0) };
    let read = S::read(&given);
    let all_read = settings.len() <= 64 && given.read.get().count_ones() as usize == settings.len();
    if !all_read {
        refuse_unknown::<S>(settings)?;
    }
    read
}

#[cold]
fn refuse_unknown<S: Settings>(settings: &[Setting]) -> Result<(), Fault> {
    let mut schema = Vec::new();
    S::schema(&mut schema);
    let Some(unknown) = settings.iter().find(|setting| !schema.iter().any(|known| known.name == setting.name)) else {
        return Ok(());
    };
    let known: Vec<_> = schema.iter().map(|known| format!("`{}`", known.name)).collect();
    let advice = match known.is_empty() {
        true => "this rule has none".to_string(),
        false => format!("this rule has {}", known.join(", ")),
    };
    Err(fault(format!("there is no setting `{}`; {advice}", unknown.name)))
}

/// A set of settings as it is when the vendor sets nothing: for unit tests.
pub fn defaults<S: Settings>() -> Result<S, Fault> {
    read(&[])
}
