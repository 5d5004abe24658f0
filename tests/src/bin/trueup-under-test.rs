//! The `trueup` command as this crate's tests start it: the same code, built with this crate's features.

fn main() -> std::process::ExitCode {
    trueup::cli::process()
}
