//! Counters per entitlement: a plan never leaves fewer holders than the catalogue asks for, and somebody can always break
//! the glass (V27, V13). What relies on somebody new waits for them.

use std::collections::{BTreeMap, HashMap};

use super::super::decision::{Cause, Decision, Refusal};
use super::super::ground::Ground;
use super::Findings;
use super::scene::{Scene, Thing};
use crate::correlate::Side;
use crate::model::{ChangeKind, Fact, Subject, Sym};

/// One way in which an identity holds an entitlement.
struct Way {
    grant: u32,
    /// The account through which it works, where the target has one.
    account: Option<u32>,
}

/// An entitlement that somebody must hold.
#[derive(Default)]
struct Post {
    least: usize,
    break_glass: bool,
    /// By identity: one that holds it twice counts once.
    identities: BTreeMap<u32, Vec<Way>>,
}

/// The entitlements that somebody must hold.
pub(super) struct Holders {
    /// In order of their first cases.
    posts: Vec<Post>,
}

/// Somebody who is to lose an entitlement, and by what.
struct Loss<'a> {
    by: Vec<&'a Decision>,
    /// Its own end has passed: nobody relies on it any more, but it may be the last there is.
    ended: bool,
}

impl Loss<'_> {
    /// An operator denied it: that outweighs the catalogue.
    fn is_forced(&self) -> bool {
        self.by.iter().any(|decision| decision.cause == Cause::Denied)
    }

    /// Forced ones first, then the most urgent, then in order of cases; last what has ended.
    fn order(&self) -> (bool, bool, bool, Option<u32>) {
        let everyday = |d: &&Decision| matches!(d.cause, Cause::Routine | Cause::Exclusive);
        (self.ended, !self.is_forced(), self.by.iter().all(everyday), self.by.iter().map(|decision| decision.case).min())
    }
}

impl Holders {
    pub(super) fn of(ground: &Ground<'_>) -> Self {
        let rows = &ground.cases.snapshot.entitlements;
        let (mut posts, mut places): (Vec<Post>, HashMap<Thing, usize>) = Default::default();
        if rows.iter().all(|row| row.min_holders == 0 && !row.break_glass) {
            return Holders { posts };
        }
        for (number, identity) in ground.judged() {
            let mut accounts: HashMap<(Sym, Sym), u32> = HashMap::new();
            let holder = |fact: &Fact| (fact.target, ground.cases.links.holder(fact.holder));
            let native = |case| ground.cases.native(case);
            let of_accounts = ground.of(identity).filter_map(|(index, case)| Some((native(case)?, index)));
            accounts.extend(of_accounts.filter(|(fact, _)| fact.subject == Subject::Account).map(|(fact, i)| (holder(fact), i)));
            for (index, case) in ground.of(identity) {
                let row = case.entitlement.and_then(|i| rows.get(i as usize));
                let Some(row) = row.filter(|row| row.min_holders > 0 || row.break_glass) else { continue };
                let (Some(fact), Some(thing)) = (native(case), ground.thing(case)) else { continue };
                let place = *places.entry(thing).or_insert_with(|| {
                    posts.push(Post::default());
                    posts.len() - 1
                });
                let Some(post) = posts.get_mut(place) else { continue };
                post.least = usize::from(row.min_holders).max(usize::from(row.break_glass));
                post.break_glass = row.break_glass;
                let way = Way { grant: index, account: accounts.get(&holder(fact)).copied() };
                post.identities.entry(number).or_default().push(way);
            }
        }
        Holders { posts }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    pub(super) fn look(&self, scene: &Scene<'_>, findings: &mut Findings) {
        self.posts.iter().for_each(|post| post.look(scene, findings));
    }
}

impl Post {
    fn look(&self, scene: &Scene<'_>, findings: &mut Findings) {
        let (mut losses, mut gains, mut now) = (Vec::new(), Vec::new(), 0_usize);
        for ways in self.identities.values() {
            let held: Vec<&Way> = ways.iter().filter(|way| way.holds(scene)).collect();
            let ended = !held.iter().any(|way| way.works(scene));
            now += usize::from(!ended);
            if held.is_empty() {
                gains.extend(ways.iter().find_map(|way| way.gains(scene)));
            } else if held.iter().all(|way| !way.losses(scene).is_empty()) {
                losses.push(Loss { by: held.iter().flat_map(|way| way.losses(scene)).collect(), ended });
            }
        }
        losses.sort_by_key(Loss::order);
        let mut spare = now.saturating_sub(self.least);
        // Those that must come before anybody else goes, because too few are left already.
        let mut short = self.least.saturating_sub(now);
        let mut used = 0;
        for loss in &losses {
            let needed = match loss {
                loss if loss.is_forced() && loss.ended => 0,
                loss if loss.ended => short,
                _ if spare > 0 => {
                    spare -= 1;
                    0
                }
                loss if loss.is_forced() => {
                    short += 1;
                    0
                }
                _ => short + used + 1,
            };
            if needed > gains.len() {
                loss.by.iter().for_each(|decision| findings.refuse(decision.case, self.refusal()));
                continue;
            }
            // One for each that is missing, and one of its own.
            let own = gains.get(short + used).filter(|_| needed > short);
            used += usize::from(own.is_some());
            for gain in gains.iter().take(short.min(needed)).chain(own).flatten() {
                loss.by.iter().for_each(|decision| findings.edge(decision.case, *gain, self.refusal()));
            }
        }
    }

    const fn refusal(&self) -> Refusal {
        if self.break_glass { Refusal::LastBreakGlass } else { Refusal::LastHolder }
    }
}

impl Way {
    /// Whether the account lets it work. One of which nobody knows whether it works is believed to.
    fn is_open(&self, scene: &Scene<'_>) -> bool {
        self.account.and_then(|case| scene.ground.case(case)).is_none_or(|account| {
            matches!(account.observed_side, Side::Present | Side::Unknown) && !scene.ground.is_unsettled(account)
        })
    }

    /// Whether it is known to be held, and to work.
    fn holds(&self, scene: &Scene<'_>) -> bool {
        scene.ground.case(self.grant).is_some_and(|case| scene.ground.holds(case)) && self.is_open(scene)
    }

    /// Whether it is held beyond this instant.
    fn works(&self, scene: &Scene<'_>) -> bool {
        scene.ground.case(self.grant).is_some_and(|case| scene.ground.works(case)) && self.is_open(scene)
    }

    /// What takes it away.
    fn losses<'s>(&self, scene: &'s Scene<'_>) -> Vec<&'s Decision> {
        let decisions = [Some(self.grant), self.account].into_iter().flatten().filter_map(|case| scene.decision(case));
        decisions.filter(|decision| decision.kind.removes()).collect()
    }

    /// The changes that make it work, all of which must be confirmed; none when it is not going to.
    fn gains(&self, scene: &Scene<'_>) -> Option<Vec<u32>> {
        let held = scene.ground.case(self.grant).is_some_and(|case| scene.ground.works(case));
        let mut by = Vec::new();
        for (case, there) in [(Some(self.grant), held), (self.account, self.is_open(scene))] {
            let Some(case) = case else { continue };
            let works_then = scene.ground.case(case).is_some_and(|case| case.desired_side == Side::Present);
            match scene.decision(case).map(|decision| decision.kind) {
                Some(ChangeKind::Grant | ChangeKind::Issue | ChangeKind::Create | ChangeKind::Enable) if works_then => {
                    by.push(case)
                }
                Some(kind) if kind.removes() => return None,
                _ if there => {}
                _ => return None,
            }
        }
        Some(by).filter(|by| !by.is_empty())
    }
}
