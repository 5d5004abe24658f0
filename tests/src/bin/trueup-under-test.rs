//! The `trueup` command as this crate's tests start it: the same code, built with this crate's features.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut err = std::io::stderr();
    trueup::cli::main(std::env::args_os(), &mut out, &mut err).into()
}
