//! The kill loop: `cargo run --workspace --features trueup/cli,trueup-tests/whole --bin kill -- [ROUNDS]` (default 200).

fn main() -> anyhow::Result<()> {
    let rounds = std::env::args().nth(1).map_or(Ok(200), |text| text.parse())?;
    let report = trueup_tests::kill::rounds(rounds, |line| eprintln!("{line}"))?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    anyhow::ensure!(report.different == 0, "{} rounds ended differently", report.different);
    anyhow::ensure!(report.read_again == 0, "{} stored pages were read again", report.read_again);
    Ok(())
}
