//! The tenant whose runs are killed: 2,400 changes of every kind that the embedded target knows or a share of them, and sources
//! of several pages.

use std::fs;
use std::path::Path;

use anyhow::Result;
use trueup::limits::PAGE_ROWS;

use crate::cli;

/// Its name.
pub(super) const TENANT: &str = "kill";

/// The instant of the plan that is killed.
pub const AS_OF: &str = "2026-03-02T00:00:00Z";

/// Pages of the directory of people, who make discovery last for some pages and hold nothing.
const PEOPLE_PAGES: u32 = 2;

/// Prepares the tenant under a rule, with one run behind it; everything is divided by `share`.
///
/// # Errors
/// When the first run fails.
pub fn prepare(folder: &Path, module: &Path, share: usize) -> Result<()> {
    let slice = (100 / share).max(1);
    let module = module.display();
    fs::write(
        folder.join("trueup.toml"),
        format!(
            "tenant = \"{TENANT}\"\n[run]\nslice = {slice}\n[rule]\nmodule = \"{module}\"\n\
             [[source]]\nname = \"grants\"\npath = \"grants.tsv\"\nkind = \"grants\"\ntarget = \"crm\"\n\
             [[source]]\nname = \"people\"\npath = \"people.tsv\"\nkind = \"people\"\n\
             [[target]]\nname = \"crm\"\nkind = \"embedded\"\npath = \"crm.db\"\n\
             [[scope]]\ntarget = \"crm\"\nmode = \"authoritative\"\n"
        ),
    )?;
    let people: String = (0..PEOPLE_PAGES * PAGE_ROWS - 1).map(|i| format!("person{i:06}\n")).collect();
    fs::write(folder.join("people.tsv"), format!("identity\n{people}"))?;
    let row = |holder: usize, object: usize, level: &str| format!("user{holder:04}\tteam:{object:03}\t{level}\n");
    let head = "holder\tobject\tlevel\n";
    let [gone, level, all, new] = [300, 900, 2_000, 1_500].map(|rows| rows / share);
    let first: String = (0..all).map(|i| row(i % 700, i % 90, "member")).collect();
    fs::write(folder.join("grants.tsv"), format!("{head}{first}"))?;
    cli::json(folder, &["run", "--as-of", "2026-03-01T00:00:00Z"])?;
    // 300 go, 600 change their level, 1,500 are new.
    let kept = (gone..all).map(|i| row(i % 700, i % 90, if i < level { "maintainer" } else { "member" }));
    let added = (0..new).map(|i| row(700 + i % 500, 100 + i % 70, "member"));
    fs::write(folder.join("grants.tsv"), head.to_owned() + &kept.chain(added).collect::<String>())?;
    Ok(())
}

/// A copy of a prepared folder.
pub(super) fn copy(template: &Path) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    copy_into(template, folder.path())?;
    Ok(folder)
}

fn copy_into(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&place)?;
            fs::set_permissions(&place, entry.metadata()?.permissions())?;
            copy_into(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), &place)?;
        }
    }
    Ok(())
}
