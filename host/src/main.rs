//! The `trueup` command.

fn main() -> std::process::ExitCode {
    trueup::cli::process()
}
