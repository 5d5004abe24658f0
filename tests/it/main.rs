//! One binary of integration tests; each file is a module below.

mod bench;
mod compiling;
mod debt;
mod diff;
mod emergency;
mod errors;
mod explain;
mod generate;
mod house;
mod identity;
mod kill;
mod library;
mod mutated;
mod reuse;
mod rollout;
mod rules;
mod sim;
mod since;
mod undo;
mod withheld;
