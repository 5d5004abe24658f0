//! A rule module: admitted, compiled, described, ready to be called. Owns no case and no answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::admit::{self, AdmitError, Built};
use super::bindings::RuleModulePre;
use super::code;
use super::columns::Column;
use super::engine::RuleEngine;
use super::info;
use super::limits::RuleLimits;
use super::profile::PROFILE;
use super::sandbox::Sandbox;
use super::settings::{self, SettingInfo, SettingValue, Settings, SettingsError};
use super::shares::Shares;
use super::{RuleFacts, text};
use crate::model::Digest;

/// Longest text of the compiler or linker that an error repeats, in bytes.
const DETAIL_BYTES: u64 = 500;

/// A rule that may judge. Cheap to clone; shared by all tenants and threads that use the same component.
#[derive(Clone)]
pub struct Module {
    pub(crate) sandbox: Sandbox,
    pub(crate) limits: RuleLimits,
    pub(super) shares: Arc<Shares>,
    about: Arc<About>,
}

#[derive(Clone)]
struct About {
    facts: RuleFacts,
    columns: BTreeSet<Column>,
    settings: Vec<SettingInfo>,
    canonical: bool,
    built: Option<Built>,
    code_bytes: u64,
}

impl Module {
    /// Admits a component: checks it, compiles it, and asks it once what it is.
    ///
    /// Compiling is not confined as running is: its time and memory are bounded only by the component's size, unless the
    /// engine has a [`super::Worker`], a process that may be killed. Where components come from strangers, give it one.
    ///
    /// # Errors
    /// Each reason not to admit it, with advice.
    pub fn load(engine: &RuleEngine, bytes: &[u8]) -> Result<Self, AdmitError> {
        Self::load_named(engine, bytes, Digest::of(bytes))
    }

    /// The same for whoever knows the digest of these very bytes: of a module whose code is in the cache, a digest is a good
    /// part of the price.
    pub(super) fn load_named(engine: &RuleEngine, bytes: &[u8], digest: Digest) -> Result<Self, AdmitError> {
        let built = admit::inspect(bytes, &engine.limits)?;
        let component = code::component(engine, bytes, &digest)?;
        let shape = |error: wasmtime::Error| AdmitError::Shape { detail: detail(&error) };
        let pre = engine.linker.instantiate_pre(&component).and_then(RuleModulePre::new).map_err(shape)?;
        let code = component.image_range();
        let code_bytes = (code.end as u64).saturating_sub(code.start as u64);
        let places = engine.places.as_ref().map(|places| (Arc::clone(places), engine.limits));
        let sandbox = Sandbox { pre, places, _ticker: Arc::clone(&engine.ticker) };
        let told = sandbox.call(&engine.limits, 0, |store, rule| rule.call_describe(store)).result;
        let info = info::check(told.map_err(AdmitError::Describe)?)?;
        let facts = RuleFacts {
            name: info.name,
            version: info.version,
            module: digest,
            profile: PROFILE.to_owned(),
            limits: engine.limits.digest(),
            reasons: info.reasons,
        };
        let about = About { facts, columns: info.columns, settings: info.settings, canonical: info.canonical, built, code_bytes };
        Ok(Module { sandbox, limits: engine.limits, shares: Arc::clone(&engine.shares), about: Arc::new(about) })
    }

    /// The same module under a tenant's own limits. The component's size was checked when it was loaded.
    #[must_use]
    pub fn with_limits(mut self, limits: &RuleLimits) -> Self {
        self.limits = *limits;
        Arc::make_mut(&mut self.about).facts.limits = limits.digest();
        self
    }

    /// Its limits.
    #[must_use]
    pub fn limits(&self) -> &RuleLimits {
        &self.limits
    }

    /// What a plan records of it.
    #[must_use]
    pub fn facts(&self) -> &RuleFacts {
        &self.about.facts
    }

    /// The optional columns that it reads.
    #[must_use]
    pub fn columns(&self) -> &BTreeSet<Column> {
        &self.about.columns
    }

    /// The settings that it reads.
    #[must_use]
    pub fn settings(&self) -> &[SettingInfo] {
        &self.about.settings
    }

    /// Whether it says how keys are compared.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.about.canonical
    }

    /// What the guest kit wrote into it.
    #[must_use]
    pub fn built(&self) -> Option<&Built> {
        self.about.built.as_ref()
    }

    /// Bytes of its machine code, as it is mapped into memory.
    #[must_use]
    pub fn code_bytes(&self) -> u64 {
        self.about.code_bytes
    }

    /// Checks what a vendor configured, and fills in defaults.
    ///
    /// # Errors
    /// When a setting is unknown, missing, or of another kind.
    pub fn check_settings(&self, given: &BTreeMap<String, SettingValue>) -> Result<Settings, SettingsError> {
        settings::check(&self.about.facts.name, &self.about.settings, given)
    }
}

pub(super) fn detail(error: &wasmtime::Error) -> String {
    text::shown(&error.root_cause().to_string(), DETAIL_BYTES)
}
