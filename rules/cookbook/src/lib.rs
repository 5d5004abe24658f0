//! Twenty policies that people look for, each a small rule of its own with its
//! cases: to be copied, changed and combined. `guest-sdk/docs/cookbook.md` shows
//! them by the question that they answer.
//!
//! Each speaks of its own question and leaves the rest alone, so that they can be
//! chained: the first one with an opinion wins. `trueup-cookbook-all` does it.
//! What nobody knows each of them holds, and none takes away.

pub mod approved_privilege;
pub mod break_glass;
pub mod contractors;
pub mod disabled_accounts;
pub mod dormant_admins;
pub mod exclusive_roles;
pub mod guests;
pub mod inherited_access;
pub mod joiners;
pub mod key_rotation;
pub mod last_owners;
pub mod leavers;
pub mod orphans;
pub mod production_keys;
pub mod purposes;
pub mod regulated_access;
pub mod retained_access;
pub mod shared_accounts;
pub mod unrecorded;
pub mod vendor_access;
