//! The `trueup` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = std::io::BufWriter::new(anstream::stdout().lock());
    let mut err = anstream::stderr().lock();
    trueup::cli::main(std::env::args_os(), &mut out, &mut err).into()
}
