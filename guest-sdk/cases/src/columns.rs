//! The batch, context and verdicts of the contract as plain data, which both
//! sides move into their own binding types without looking inside.
//!
//! Field names, codes and meanings are those of `wit/rules.wit`.

use std::ops::Range;

/// What holds for the whole batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// Seconds since 1970.
    pub as_of: i64,
    /// Names and values, ordered by name.
    pub settings: Vec<(String, SettingValue)>,
    /// Bit 0: somebody reads along.
    pub flags: u32,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// A list of texts.
    Texts(Vec<String>),
}

macro_rules! columns {
    (identities { $($(#[$idoc:meta])* $ifield:ident: $ikind:ty, $ideclared:expr;)* }
     cases { $($(#[$doc:meta])* $field:ident: $kind:ty, $declared:expr;)* }) => {
        /// Whole identities and their cases, one list per column.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Columns {
            /// All texts, laid end to end.
            pub heap: String,
            /// End of each text in `heap`.
            pub text_ends: Vec<u32>,
            /// One past each identity's last case.
            pub identity_ends: Vec<u32>,
            $($(#[$idoc])* pub $ifield: Vec<$ikind>,)*
            $($(#[$doc])* pub $field: Vec<$kind>,)*
            /// Columns that the vendor added.
            pub vendor: Vec<VendorColumn>,
        }

        impl Columns {
            /// Empties the optional columns that a rule did not ask for, as the
            /// host does, so that reading one unasked shows in a test.
            pub fn keep_only(&mut self, declared: &[String]) {
                let unasked = |name: Option<&str>| name.is_some_and(|name| !declared.iter().any(|d| d == name));
                $(if unasked($ideclared) { self.$ifield.clear(); })*
                $(if unasked($declared) { self.$field.clear(); })*
                self.vendor.retain(|column| declared.contains(&column.name));
            }

            /// These identities alone, in this order, with these of their cases:
            /// the rows of each identity follow one another.
            fn pick(&self, identities: &[usize], rows: &[usize], ends: Vec<u32>) -> Columns {
                Columns {
                    heap: self.heap.clone(),
                    text_ends: self.text_ends.clone(),
                    identity_ends: ends,
                    $($ifield: picked(&self.$ifield, identities),)*
                    $($field: picked(&self.$field, rows),)*
                    vendor: self.vendor.iter().map(|column| column.pick(rows)).collect(),
                }
            }
        }
    };
}

/// The values at these places; an empty column stays empty.
fn picked<T: Copy>(column: &[T], places: &[usize]) -> Vec<T> {
    places.iter().filter_map(|place| column.get(*place).copied()).collect()
}

columns! {
    identities {
    /// Name of each identity.
    identity: u32, None;
    /// Kind code.
    identity_kind: u8, None;
    /// Status code.
    identity_status: u8, None;
    /// When it last changed its position.
    identity_moved_at: i64, None;
    /// When its engagement ends.
    identity_ends_at: i64, None;
    /// Who answers for it.
    identity_owner: u32, Some("identity-owner");
    /// Its organisational unit.
    identity_unit: u32, Some("identity-unit");
    }
    cases {
    /// Subject code.
    subject: u8, None;
    /// The system.
    target: u32, None;
    /// The holder's native id.
    holder: u32, None;
    /// The entitlement or credential.
    object: u32, None;
    /// State code of what the sources say.
    desired: u8, None;
    /// State code of what the target holds.
    observed: u8, None;
    /// State code of what was last confirmed.
    recorded: u8, None;
    /// Why sides are unknown.
    unknown_why: u8, None;
    /// Attributes that differ.
    differs: u32, None;
    /// Trait bits.
    traits: u32, None;
    /// When desired access ends.
    desired_expires_at: i64, None;
    /// When observed access ends.
    observed_expires_at: i64, None;
    /// When desired access may begin.
    not_before: i64, Some("not-before");
    /// When it was last used.
    last_used: i64, Some("last-used");
    /// Since when it is not desired.
    undesired_since: i64, Some("undesired-since");
    /// Since when it is disabled.
    disabled_since: i64, Some("disabled-since");
    /// The desired level.
    desired_level: u32, Some("level");
    /// The observed level.
    observed_level: u32, Some("level");
    /// The desired, else observed, owner.
    owner: u32, Some("owner");
    /// The desired purpose.
    purpose: u32, Some("purpose");
    /// The purpose that the target records.
    observed_purpose: u32, Some("observed-purpose");
    /// The source record.
    record: u32, Some("record");
    /// Who approved it.
    approver: u32, Some("approver");
    /// Where inherited access comes from.
    via: u32, Some("via");
    /// What a desired row takes the place of.
    replaces: u32, Some("replaces");
    /// The host's risk tier.
    tier: u8, Some("tier");
    /// Exclusion group.
    exclusion: u32, Some("exclusion");
    }
}

impl Columns {
    /// The rows of an identity.
    pub(crate) fn rows(&self, identity: usize) -> Range<usize> {
        let end = |index: usize| self.identity_ends.get(index).map_or(0, |end| *end as usize);
        identity.checked_sub(1).map_or(0, end)..end(identity)
    }

    /// These identities alone, in this order, the cases of each as they stand or
    /// backwards. Returns also where each row stood before.
    pub fn reordered(&self, identities: &[usize], backwards: bool) -> (Columns, Vec<usize>) {
        let (mut rows, mut ends) = (Vec::new(), Vec::new());
        for identity in identities {
            let range = self.rows(*identity);
            match backwards {
                true => rows.extend(range.rev()),
                false => rows.extend(range),
            }
            ends.push(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        }
        (self.pick(identities, &rows, ends), rows)
    }
}

/// A column that the vendor added.
#[derive(Debug, Clone, PartialEq)]
pub struct VendorColumn {
    /// Its name.
    pub name: String,
    /// One value per case.
    pub values: VendorValues,
}

impl VendorColumn {
    fn pick(&self, rows: &[usize]) -> VendorColumn {
        let values = match &self.values {
            VendorValues::Ids(ids) => VendorValues::Ids(picked(ids, rows)),
            VendorValues::Integers(numbers) => VendorValues::Integers(picked(numbers, rows)),
            VendorValues::Booleans(flags) => VendorValues::Booleans(picked(flags, rows)),
            VendorValues::IdLists(ends, ids) => {
                let end = |index: usize| ends.get(index).map_or(0, |end| *end as usize);
                let (mut new_ends, mut new_ids) = (Vec::new(), Vec::new());
                for row in rows {
                    let range = row.checked_sub(1).map_or(0, end)..end(*row);
                    new_ids.extend_from_slice(ids.get(range).unwrap_or_default());
                    new_ends.push(u32::try_from(new_ids.len()).unwrap_or(u32::MAX));
                }
                VendorValues::IdLists(new_ends, new_ids)
            }
        };
        VendorColumn { name: self.name.clone(), values }
    }
}

/// Values of a vendor column, one per case.
#[derive(Debug, Clone, PartialEq)]
pub enum VendorValues {
    /// Texts.
    Ids(Vec<u32>),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Yes or no.
    Booleans(Vec<bool>),
    /// Ends of each case's run, and the runs.
    IdLists(Vec<u32>, Vec<u32>),
}

/// What a rule answered, one row per answered case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdicts {
    /// Rows of the batch, strictly ascending.
    pub case: Vec<u32>,
    /// Effect codes.
    pub effect: Vec<u8>,
    /// Indices into the rule's reasons.
    pub reason: Vec<u16>,
    /// Attributes to take over.
    pub mask: Vec<u32>,
    /// Risk tiers.
    pub tier: Vec<u8>,
    /// Order within a wave.
    pub rank: Vec<i16>,
    /// What must be confirmed first.
    pub after: Vec<u32>,
    /// Bit 0: exclusive.
    pub flags: Vec<u8>,
    /// When the access shall end.
    pub until: Vec<i64>,
    /// Before this instant the answers hold.
    pub valid_until: i64,
}

/// Why a rule gave no verdicts, or why it could not be called.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleError {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// The case that it happened at.
    pub case: Option<u32>,
}

/// What the case runner needs to know of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Optional columns that it asked for.
    pub columns: Vec<String>,
    /// The codes of its reasons, in the order of its table.
    pub reasons: Vec<String>,
}
