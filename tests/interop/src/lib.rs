//! What leaves the host, held against implementations by others: what the log is written in, the events that it is told as, and
//! spans. Run by `make interop`.
#![cfg(test)]

mod estate;
mod events;
mod formats;
mod spans;
