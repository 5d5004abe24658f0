//! Cedar: a set of policies. It has no order and no results, so each policy is annotated with a verdict, and the first one that
//! holds is taken here.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, anyhow, ensure};
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression as Expression,
};
use trueup_against_decision::{Now, Row, Verdict};

use crate::Language;
use crate::words::{ATTRIBUTES, Verdicts, disputed, kind, side, texts, times, traits};

/// The parsed policies.
pub(super) struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    /// The place of each policy in the file, with the words of its verdict.
    told: HashMap<PolicyId, (usize, String)>,
    entities: Entities,
    principals: [EntityUid; 3],
    action: EntityUid,
    plan: EntityUid,
    verdicts: Verdicts,
}

impl Cedar {
    pub(super) fn new(now: &Now, verdicts: &Verdicts) -> Result<Self> {
        let policies: PolicySet = include_str!("least_access.cedar").parse().map_err(|error| anyhow!("{error}"))?;
        let mut told = HashMap::new();
        for policy in policies.policies() {
            // The parser numbers them in the order of the file.
            let id = policy.id().to_string();
            let place = id.strip_prefix("policy").context("another name of a policy")?.parse()?;
            let words = policy.annotation("verdict").context("a policy without a verdict")?.to_owned();
            verdicts.of(&words)?;
            told.insert(policy.id().clone(), (place, words));
        }
        let entity = |text: &str| text.parse::<EntityUid>().map_err(|error| anyhow!("{error}"));
        let plan = entity(r#"Plan::"now""#)?;
        let attributes = HashMap::from([
            ("as_of".to_owned(), Expression::new_long(now.as_of)),
            ("unused_days".to_owned(), Expression::new_long(now.unused_days)),
            ("justify_from_tier".to_owned(), Expression::new_long(now.justify_from_tier)),
            ("require_record".to_owned(), Expression::new_bool(now.require_record)),
            ("disable_orphans_from_tier".to_owned(), Expression::new_long(now.disable_orphans_from_tier)),
        ]);
        let entities = Entities::from_entities([Entity::new(plan.clone(), attributes, HashSet::new())?], None)?;
        Ok(Cedar {
            authorizer: Authorizer::new(),
            policies,
            told,
            entities,
            principals: [entity(r#"Account::"it""#)?, entity(r#"Grant::"it""#)?, entity(r#"Credential::"it""#)?],
            action: entity(r#"Action::"judge""#)?,
            plan,
            verdicts: verdicts.clone(),
        })
    }

    fn one(&self, row: &Row<'_>) -> Result<Verdict> {
        let principal = self.principals.get(usize::from(row.subject as u8)).context("a subject")?.clone();
        let request = Request::new(principal, self.action.clone(), self.plan.clone(), context(row)?, None)?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
        let told = response.diagnostics();
        ensure!(told.errors().next().is_none(), "a policy failed: {:?}", told.errors().next());
        let first = told.reason().filter_map(|id| self.told.get(id)).min_by_key(|(place, _)| *place);
        self.verdicts.on(&first.context("no policy holds")?.1, row)
    }
}

fn context(row: &Row<'_>) -> Result<Context> {
    let word = |word: &str| Expression::new_string(word.to_owned());
    let mut pairs = Vec::with_capacity(16);
    let mut put = |name: &str, value| pairs.push((name.to_owned(), value));
    put("desired", word(side(row.desired)));
    put("observed", word(side(row.observed)));
    put("recorded", word(side(row.recorded)));
    put("identity_kind", word(kind(row.identity_kind)));
    put("tier", Expression::new_long(row.tier.into()));
    if disputed(row) {
        put("disputed", Expression::new_bool(true));
    }
    for (name, time) in times(row).into_iter().filter(|(_, time)| *time != 0) {
        put(name, Expression::new_long(time));
    }
    for (name, _) in traits(row).into_iter().filter(|(_, has)| *has) {
        put(name, Expression::new_bool(true));
    }
    for (name, text) in texts(row) {
        if let Some(text) = text {
            put(name, word(text));
        }
    }
    if row.differs != 0 {
        let differing = ATTRIBUTES.iter().filter(|(_, bit)| row.differs & bit != 0).map(|(name, _)| word(name));
        put("differs", Expression::new_set(differing));
    }
    Ok(Context::from_pairs(pairs)?)
}

impl Language for Cedar {
    fn name(&self) -> &'static str {
        "Cedar"
    }

    fn package(&self) -> &'static str {
        "cedar-policy"
    }

    fn about(&self) -> &'static str {
        "one request per case over parsed policies, its context built from the struct; left out: the order of policies (the host \
         takes the first that holds), the mask of a true-up and the instant until which answers hold"
    }

    fn judge(&mut self, _: &Now, rows: &[Row<'_>]) -> Result<Vec<Verdict>> {
        rows.iter().map(|row| self.one(row)).collect()
    }
}
