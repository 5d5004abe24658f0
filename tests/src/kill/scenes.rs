//! What goes on while a process is killed, as data: how a tenant's folder is prepared, what an operator asks for first and to
//! go on, and what must hold in the end of what the moment of a kill decides. Every scene has the same plan of 24 changes.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use trueup::engine::{Engine, Release, Revocation};
use trueup::model::{Holding, PlanId, Subject, Time};
use trueup::plan::PlanFile;
use trueup::target::{EmbeddedRow, EmbeddedTarget, Target as _};

use super::mortal::Fate;
use super::session::{Errand, Row, engine, looker, write_grants, write_people};
use crate::estate::{AS_OF, block_on};

/// Whom an emergency call names.
const DENIED: &str = "erin";
/// Who has access for half an hour.
const BRIEF: &str = "temp";
/// How long a running job is given to find a call that lies in the store, in milliseconds.
const CALL_MILLISECONDS: u64 = 80;

/// What goes on while a process is killed.
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// What goes on.
    pub what: &'static str,
    /// What an operator asks for.
    begin: fn(&Errand, &Arc<Fate>) -> Result<()>,
    /// What an operator asks for after a kill.
    go_on: fn(&Errand, &Arc<Fate>) -> Result<()>,
    /// What is done to a folder that is prepared.
    prepare: fn(&Errand) -> Result<()>,
    /// Changes per slice for who goes on.
    pub slice: u32,
    /// The cases that the moment of a kill decides: their holder and objects.
    pub decided: (&'static str, &'static [&'static str]),
    /// Points that a run of this scene does not come to, and why.
    pub never: &'static [(&'static str, &'static str)],
}

const NO_CALL: (&str, &str) = ("call.left denial. emergency. settled.", "nobody calls");
const NO_RULE: (&str, &str) = ("judge", "a rollback asks no rule");
const NO_PARTS: (&str, &str) = ("facts.dealt part.written", "a rollback is planned in one piece");

/// All scenes.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "plain",
        what: "a run",
        begin: run,
        go_on: resume,
        prepare: |_| Ok(()),
        slice: SLICE,
        decided: ("", &[]),
        never: &[NO_CALL],
    },
    Scene {
        name: "emergency",
        what: "a run into which somebody calls to revoke all that one holder has",
        begin: run_into_a_call,
        go_on: call_and_resume,
        prepare: |_| Ok(()),
        slice: SLICE,
        decided: (DENIED, &["team:0", "team:1", "team:11"]),
        never: &[],
    },
    Scene {
        name: "other slices",
        what: "a run that is gone on with under another size of slices",
        begin: run,
        go_on: resume,
        prepare: |_| Ok(()),
        slice: 2,
        decided: ("", &[]),
        never: &[NO_CALL],
    },
    Scene {
        name: "expiry",
        what: "a run after whose kill a grant of its plan has ended",
        begin: run,
        go_on: resume,
        prepare: |errand| desire(&errand.folder, &[Row(BRIEF.to_owned(), "team:12".to_owned(), "member", ends())]),
        slice: SLICE,
        decided: (BRIEF, &["team:12"]),
        never: &[NO_CALL],
    },
    Scene {
        name: "rollback",
        what: "a rollback of the run before",
        begin: roll_back,
        go_on: roll_back_on,
        prepare: |errand| run(&Errand { hour: errand.hour - 1, ..errand.clone() }, &Arc::default()),
        slice: SLICE,
        decided: ("", &[]),
        never: &[NO_CALL, NO_RULE, NO_PARTS],
    },
    Scene {
        name: "release",
        what: "a run some changes of which wait at a gate, which is opened after the kill",
        begin: run,
        go_on: release_and_resume,
        prepare: |errand| File::create(errand.folder.join("wide")).map(|_| ()).map_err(Into::into),
        slice: SLICE,
        decided: ("", &[]),
        never: &[NO_CALL],
    },
];

/// Changes per slice for who begins.
pub(super) const SLICE: u32 = 5;

impl Scene {
    /// The scene of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<&'static Scene> {
        SCENES.iter().find(|scene| scene.name == name).with_context(|| format!("there is no scene `{name}`"))
    }

    /// Prepares a folder: one run is behind it, and the sources desire something else since.
    pub(super) fn prepare(&self, errand: &Errand) -> Result<()> {
        let row = |i: usize, object: usize, level| Row(format!("user{i:02}"), format!("team:{object}"), level, Time::NONE);
        let held = |i: usize, level| row(i % 12, i / 12 * 4 + i % 4, level);
        let own = |object: &str| Row(DENIED.to_owned(), object.to_owned(), "member", Time::NONE);
        let target = EmbeddedTarget::open(&errand.folder.join("crm.db"), "crm")?;
        target.seed((0..6).map(|i| stray(&format!("user{i:02}"))))?;
        drop(target);
        let first: Vec<Row> = (0..24).map(|i| held(i, "member")).chain([own("team:1")]).collect();
        write_grants(&errand.folder, &first)?;
        write_people(&errand.folder, 3)?;
        run(&Errand { hour: errand.hour - 24, ..errand.clone() }, &Arc::default())?;
        desire(&errand.folder, &[])?;
        (self.prepare)(errand)
    }

    /// Plays the scene in this process.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn play(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
        let scene = Scene::named(&errand.scene)?;
        if errand.goes_on { (scene.go_on)(errand, fate) } else { (scene.begin)(errand, fate) }
    }

    /// Why a run of this scene does not come to a point; none: it does.
    #[must_use]
    pub fn never(&self, point: &str) -> Option<&'static str> {
        let mut never = self.never.iter().flat_map(|(points, why)| points.split(' ').map(move |name| (name, *why)));
        never.find(|(name, _)| point == *name || (name.ends_with('.') && point.starts_with(name))).map(|(_, why)| why)
    }

    /// What holds of the cases that the moment of a kill decides, whenever it was: nothing is left of them, and nothing was
    /// given after it was taken, nor when its end was past.
    pub(super) fn judge(&self, folder: &Path) -> Result<()> {
        let (holder, _) = self.decided;
        let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm")?;
        ensure!(!target.dump()?.iter().any(|row| row.holder == holder), "`{holder}` has something left");
        let denials = looker(folder, 0)?.denials()?;
        ensure!(denials.iter().all(|denial| denial.settled_at.is_some()), "a denial is not settled");
        ensure!(denials.len() == usize::from(holder == DENIED), "{} denials stand", denials.len());
        // What was under way at the call may still land.
        let denied = denials.first().map(|denial| denial.at.plus(i64::from(target.profile().landing_bound)));
        let mut taken = BTreeSet::new();
        for row in target.journal()?.into_iter().filter(|row| row.holder == holder) {
            match row.after {
                None => _ = taken.insert(row.object),
                Some(_) => {
                    ensure!(!taken.contains(&row.object), "`{}` is given again to `{holder}`", row.object);
                    ensure!(denied.is_none_or(|at| row.at <= at), "`{}` is given after it was denied", row.object);
                    ensure!(holder != BRIEF || row.at < ends(), "`{}` is given after its end", row.object);
                }
            }
        }
        Ok(())
    }
}

/// When the brief grant ends: before the first process that goes on begins.
fn ends() -> Time {
    AS_OF.plus(1_800)
}

/// What another system gave, and nobody manages until the scope is widened.
fn stray(holder: &str) -> EmbeddedRow {
    let (holder, object, via) = (holder.to_owned(), "app:wiki".to_owned(), String::new());
    EmbeddedRow { subject: Subject::Grant, holder, object, holding: Holding::default(), last_used: Time::NONE, via }
}

/// What is desired since: 4 grants go, 6 get another level, 14 are new, and these.
fn desire(folder: &Path, more: &[Row]) -> Result<()> {
    let row = |holder: String, object: String, level| Row(holder, object, level, Time::NONE);
    let user = |i: usize| format!("user{i:02}");
    let kept = (4..24usize).map(|i| (i, if i < 10 { "maintainer" } else { "member" }));
    let mut rows: Vec<Row> = kept.map(|(i, level)| row(user(i % 12), format!("team:{}", i / 12 * 4 + i % 4), level)).collect();
    rows.extend((0..12usize).map(|i| row(user(20 + i % 6), format!("team:{}", 9 + i / 6), "member")));
    rows.extend(["team:0", "team:1", "team:11"].map(|object| row(DENIED.to_owned(), object.to_owned(), "member")));
    rows.extend(more.iter().map(|Row(holder, object, level, ends)| Row(holder.clone(), object.clone(), level, *ends)));
    write_grants(folder, &rows)
}

pub(super) fn run(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
    block_on(engine(errand, fate, None)?.run(None))??;
    Ok(())
}

pub(super) fn resume(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
    block_on(engine(errand, fate, None)?.resume())??;
    Ok(())
}

/// Somebody else calls: the call lies in the store.
fn call(folder: &Path, hour: i64) -> Result<()> {
    let mut call = Revocation::default();
    (call.target, call.holder) = ("crm".to_owned(), DENIED.to_owned());
    (call.by, call.why) = ("ada".to_owned(), "a laptop was stolen".to_owned());
    looker(folder, hour)?.call(&call)?;
    Ok(())
}

fn run_into_a_call(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
    let (folder, hour, told) = (errand.folder.clone(), errand.hour, Arc::clone(fate));
    let calls = move || {
        if let Err(error) = call(&folder, hour) {
            eprintln!("nobody could call: {error:#}");
            std::process::abort();
        }
        told.reach("call.left");
        // The running job looks now and then.
        std::thread::sleep(std::time::Duration::from_millis(CALL_MILLISECONDS));
    };
    block_on(engine(errand, fate, Some(Box::new(calls)))?.run(None))??;
    Ok(())
}

/// The operator calls, if that was not done yet, and goes on.
fn call_and_resume(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
    let looker = looker(&errand.folder, errand.hour)?;
    let lies = std::fs::read_dir(looker.store().calls())?.next().is_some();
    if !lies && looker.denials()?.is_empty() {
        call(&errand.folder, errand.hour)?;
    }
    resume(errand, fate)
}

/// The newest plan that is no rollback, and the newest rollback of it.
fn plans(engine: &Engine) -> Result<(PlanId, Option<PlanId>)> {
    let mut undoing = None;
    for plan in engine.runs(u32::MAX)?.into_iter().filter_map(|run| run.plan) {
        match PlanFile::open(&engine.store().plan(plan))?.header().inputs.undoes {
            None => return Ok((plan, undoing)),
            Some(_) => undoing = undoing.or(Some(plan)),
        }
    }
    anyhow::bail!("there is no plan")
}

fn roll_back(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
    let engine = engine(errand, fate, None)?;
    let former = plans(&engine)?.0;
    let planned = block_on(engine.rollback(former, &[]))??;
    block_on(engine.apply(planned.plan))??;
    Ok(())
}

/// A rollback that was sealed is applied; one that was not is made anew.
fn roll_back_on(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
    let engine = engine(errand, fate, None)?;
    block_on(engine.resume())??;
    match plans(&engine)?.1 {
        Some(undoing) => _ = block_on(engine.apply(undoing))??,
        None => {
            drop(engine);
            roll_back(errand, fate)?;
        }
    }
    Ok(())
}

/// Opens what waits, and goes on; what was sealed only then is opened, too.
fn release_and_resume(errand: &Errand, fate: &Arc<Fate>) -> Result<()> {
    let engine = engine(errand, fate, None)?;
    let mut release = Release::default();
    (release.all, release.by, release.why) = (true, "ada".to_owned(), "the scope is right".to_owned());
    for _ in 0..2 {
        engine.release(&release)?;
        block_on(engine.resume())??;
    }
    Ok(())
}
