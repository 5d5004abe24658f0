//! The small closed and open sets that a case is described with. Codes are the
//! contract's; one that this SDK does not know reads as the cautious value.

/// What one side says of a subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// It is not there.
    Absent,
    /// It is there and works.
    Present,
    /// It is there and switched off.
    Disabled,
    /// Nobody knows, and why.
    Unknown(WhyUnknown),
}

/// Why a side is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyUnknown {
    /// No reason was given.
    Unstated,
    /// The scan did not reach its end.
    IncompleteScan,
    /// The scan is too old.
    StaleScan,
    /// No source covers it.
    NoSource,
    /// Two holders could be the same identity.
    Disputed,
    /// The scan lost more than scans lose.
    Shrunk,
    /// A code that this SDK does not know.
    Other(u8),
}

impl Side {
    /// It is not there.
    #[inline]
    pub const fn is_absent(self) -> bool {
        matches!(self, Side::Absent)
    }

    /// Present or disabled: it is there.
    #[inline]
    pub const fn exists(self) -> bool {
        matches!(self, Side::Present | Side::Disabled)
    }

    /// Nobody knows.
    #[inline]
    pub const fn is_unknown(self) -> bool {
        matches!(self, Side::Unknown(_))
    }

    #[inline]
    pub(crate) const fn from_code(code: u8, why: u8) -> Self {
        match code {
            0 => Side::Absent,
            1 => Side::Present,
            2 => Side::Disabled,
            _ => Side::Unknown(match why {
                0 => WhyUnknown::Unstated,
                1 => WhyUnknown::IncompleteScan,
                2 => WhyUnknown::StaleScan,
                3 => WhyUnknown::NoSource,
                4 => WhyUnknown::Disputed,
                5 => WhyUnknown::Shrunk,
                other => WhyUnknown::Other(other),
            }),
        }
    }
}

/// What a case is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The identity's object in a target.
    Account,
    /// That it holds an entitlement.
    Grant,
    /// A key, token or certificate.
    Credential,
    /// A code that this SDK does not know.
    Other(u8),
}

impl Subject {
    #[inline]
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Subject::Account,
            1 => Subject::Grant,
            2 => Subject::Credential,
            other => Subject::Other(other),
        }
    }
}

/// What an identity is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdentityKind {
    /// No source says.
    Unknown,
    /// A human.
    Person,
    /// A service, workload, agent or device.
    Machine,
    /// A group that holds access itself.
    Group,
}

impl IdentityKind {
    #[inline]
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            1 => IdentityKind::Person,
            2 => IdentityKind::Machine,
            3 => IdentityKind::Group,
            _ => IdentityKind::Unknown,
        }
    }
}

/// Where an identity stands in its engagement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// No source says.
    Unknown,
    /// Working.
    Active,
    /// Away, and coming back.
    OnLeave,
    /// Working, with an end in sight.
    Leaving,
    /// Gone.
    Left,
}

impl Status {
    #[inline]
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            1 => Status::Active,
            2 => Status::OnLeave,
            3 => Status::Leaving,
            4 => Status::Left,
            _ => Status::Unknown,
        }
    }
}

/// A set of attributes: what differs, or what a true-up takes over.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Attributes(u32);

impl Attributes {
    /// None.
    pub const NONE: Attributes = Attributes(0);
    /// Whether it is switched on.
    pub const ENABLED: Attributes = Attributes(1);
    /// Its level or role.
    pub const LEVEL: Attributes = Attributes(1 << 1);
    /// When it ends.
    pub const EXPIRES_AT: Attributes = Attributes(1 << 2);
    /// Who answers for it.
    pub const OWNER: Attributes = Attributes(1 << 3);
    /// What it is for.
    pub const PURPOSE: Attributes = Attributes(1 << 4);

    /// From the contract's bits.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Attributes(bits)
    }

    /// The contract's bits.
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of the others are among these.
    #[inline]
    pub const fn contains(self, others: Attributes) -> bool {
        self.0 & others.0 == others.0
    }

    /// These and the others.
    #[inline]
    pub const fn with(self, others: Attributes) -> Self {
        Attributes(self.0 | others.0)
    }

    /// These without the others.
    #[inline]
    pub const fn without(self, others: Attributes) -> Self {
        Attributes(self.0 & !others.0)
    }
}

/// What a rule's `canon` is asked to bring into one form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A holder's native id.
    Holder,
    /// An entitlement or credential, as "type:name".
    Object,
    /// A code that this SDK does not know.
    Other(u8),
}

impl Key {
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Key::Holder,
            1 => Key::Object,
            other => Key::Other(other),
        }
    }
}
