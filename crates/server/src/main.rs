//! The binary `concord`: reads the command line, does what it says, and ends with
//! the exit code that `concord --help` promises.

use std::process::ExitCode;

use clap::Parser;
use server::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
