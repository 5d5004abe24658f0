//! A few rounds of the kill loop, every named point in every scene, and kills during recoveries; `cargo run --workspace
//! --features trueup/cli,trueup-tests/whole --bin kill` makes more.

use trueup::limits::PAGE_ROWS;
use trueup_tests::estate::Numbers;
use trueup_tests::kill::matrix::{self, Cell, Stage};
use trueup_tests::kill::scenes::Scene;
use trueup_tests::kill::{self, STAGES};

#[test]
fn v19_v22_v24_a_killed_run_resumes_to_the_same_end() {
    let report = kill::rounds(12, |line| eprintln!("{line}")).expect("kill loop");
    assert_eq!(report.different, 0, "{report:?}");
    assert_eq!(report.read_again, 0, "pages that were stored are read again: {report:?}");
    assert!(report.changes >= 400, "{report:?}");
    assert!(report.pages >= 4, "too few pages for a kill between them: {report:?}");
    for stage in STAGES {
        let kills = report.states.get(stage).map_or(0, |kills| kills.inside);
        assert_eq!(kills, 1, "every stage is hit from inside, {stage} was not: {report:?}");
    }
}

/// Plays cells, prints what ran, and fails with all that went wrong.
fn all_end_the_same(stages: &[Stage], cells: &[Cell]) -> u64 {
    let mut wrong = Vec::new();
    let mut deaths = 0;
    for (cell, played) in cells.iter().zip(matrix::play(stages, cells)) {
        match played {
            Ok(played) => {
                println!("{}: {:?}: {} deaths, same end", cell.scene, cell.deaths, played.deaths);
                deaths += played.deaths;
            }
            Err(error) => wrong.push(format!("{}: {:?}: {error:#}", cell.scene, cell.deaths)),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    deaths
}

#[test]
fn v14_v15_v19_v20_v29_a_kill_at_every_named_point_of_every_scene_ends_as_if_there_was_none() {
    let stages = matrix::stages().expect("scenes");
    let (cells, impossible) = matrix::cells(&stages).expect("cells");
    impossible.iter().for_each(|line| println!("{line}"));
    let deaths = all_end_the_same(&stages, &cells);
    println!("{} cells, {deaths} deaths, {} impossible", cells.len(), impossible.len());
    assert!(deaths >= cells.len() as u64);
}

#[test]
fn v19_kills_during_recoveries_from_kills_end_as_if_there_was_none() {
    let stages = matrix::stages().expect("scenes");
    let mut numbers = Numbers(0x5eed);
    let cells: Vec<Cell> = (0..18).filter_map(|_| matrix::random_cell(&stages, &mut numbers, 3)).collect();
    let deaths = all_end_the_same(&stages, &cells);
    println!("{deaths} deaths in {} cells", cells.len());
    assert!(deaths >= 36, "too few of the drawn points are reached: {deaths}");
}

/// What a process with a planted bug does on the way to its death is found in the end.
#[test]
fn the_scenes_find_planted_bugs() {
    for (scene, bug, first, times) in
        [("emergency", "DenialSkipped", "call.left", 1), ("expiry", "ExpiryOnceOnly", "send.begun", 24)]
    {
        let stage = Stage::of(Scene::named(scene).expect("scene"), 0).expect("a run");
        let end = |nth, bug| {
            let deaths = vec![(first, nth), ("end.unflushed", 1)];
            stage.check(&Cell { scene, deaths, bug, random: false })
        };
        let found = (1..=times).step_by(4).map(|nth| end(nth, Some(bug))).find_map(Result::err);
        println!("{bug}: {found:?}");
        // Before or after the emergency took away what had landed meanwhile.
        let told = found.map(|found| found.to_string()).unwrap_or_default();
        assert!(told.contains("is given after") || told.contains("is given again"), "{bug}: {told}");
        end(1, None).expect("without the bug");
    }
}

#[test]
fn v24_a_crash_while_reading_loses_one_page_of_a_scan_at_most() {
    let scene = Scene::named("plain").expect("scene");
    let pages = 3;
    let stage = Stage::of(scene, pages * PAGE_ROWS).expect("a run");
    let (mut most, mut none) = (0, 0);
    for point in ["page.read", "page.stored", "judge"] {
        let times = stage.reached.get(point).copied().expect("reached");
        assert!(point == "judge" || times > u64::from(pages), "{point}: {times}");
        for nth in 1..=times {
            let cell = Cell { scene: scene.name, deaths: vec![(point, nth)], bug: None, random: false };
            let played = stage.check(&cell).expect("the same end");
            let again = played.read_again.values().copied().max().unwrap_or_default();
            println!("{point} {nth}: {:?} rows read again", played.read_again);
            assert!(again <= u64::from(PAGE_ROWS), "{point} {nth}: {:?}", played.read_again);
            most = most.max(again);
            none += u64::from(again == 0);
        }
    }
    assert!(most == u64::from(PAGE_ROWS) && none > 0, "a page that was not stored is lost, one that was is not: {most} {none}");
}
