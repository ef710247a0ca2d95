//! `concord copy`: everything of one store into another.

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use storage::transfer::{Kind, Step, TransferOptions, Transferred, transfer};

use crate::api;
use crate::cli::{SettingArgs, key_and_value};
use crate::config::{ConfigError, Origin, StoreUrl};
use crate::serve::postgres_options;

pub const COPY_ABOUT: &str = "\
Copy everything of one store into another: a SQLite file into a PostgreSQL database, back, or \
either into one of its own kind.

The source is only read. Stop its servers first, and run `concord doctor` on it: a row that \
cannot be read ends the copy. Either end is refused while a server uses it. The destination is \
an empty database, or a file that is made. When all is copied, both sides are read once more and \
compared row by row; only if they are equal, and nobody wrote to the source meanwhile, is the \
destination a store that can be served.

A copy that is broken off, at whatever moment, goes on where it was when the same command is \
given again. Until it is whole, `serve`, `doctor` and `backup` refuse it. Where the source was \
mended or written to in between, both may differ in the end: then copy into an empty \
destination. One that is said to be not empty after a copy broke off at its very end is whole.";

pub const COPY_AFTER: &str = "\
Examples:
  concord copy --from sqlite:/var/lib/concord/concord.db --to postgres://concord:secret@db.example/concord
  concord copy --from postgres://concord:secret@db.example/concord --to sqlite:./concord.db
  CONCORD_COPY_TO=postgres://concord:secret@db.example/concord concord copy --from sqlite:./concord.db

Exit codes:
  0  the destination is whole and equal to the source
  1  it is not, and standard error says why; the source is what it was
  2  the command line is wrong";

// Written here, since a URL in a comment would be taken for one to follow.
const FROM_HELP: &str = "The store to copy from: sqlite:PATH or postgres://USER:PASS@HOST/DATABASE";

/// What to copy, and where to.
#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    #[arg(long, value_name = "URL", env = "CONCORD_COPY_FROM", hide_env_values = true, help = FROM_HELP)]
    pub from: String,

    /// The store to copy to; empty, or an unfinished copy of the same store
    #[arg(long, value_name = "URL", env = "CONCORD_COPY_TO", hide_env_values = true)]
    pub to: String,

    /// How databases are reached, as in `postgres.connect_seconds=30`; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

/// `concord copy`
pub async fn copy(args: &CopyArgs) -> anyhow::Result<()> {
    let (from, to) = (store_url("--from", "from", &args.from)?, store_url("--to", "to", &args.to)?);
    let config = SettingArgs { set: args.set.clone(), ..SettingArgs::default() }.load()?.config;
    let options = TransferOptions { postgres: postgres_options(&config.postgres), ..TransferOptions::default() };
    let mut bar = Bar::new();
    let copied = transfer(from.as_str(), to.as_str(), api::render, &options, &mut |step| bar.show(step)).await;
    bar.bar.finish_and_clear();
    let Transferred { from, to, was_begun, counts, miscounts } = copied?;
    println!("{to} is a verified copy of {from}{}.", if was_begun { ", begun by an earlier run" } else { "" });
    for (table, rows) in counts {
        println!("  {table:<12}{rows:>12}");
    }
    for (name, there, here) in miscounts {
        println!("{from} counts {there} {name} where its rows make {here}; the copy counts {here}.");
    }
    Ok(())
}

/// A URL of a store, or why it is none, without its password.
fn store_url(flag: &str, key: &str, raw: &str) -> Result<StoreUrl, ConfigError> {
    StoreUrl::try_from(raw.to_owned()).map_err(|expected| ConfigError::WrongValue {
        origin: Origin::Flag(flag.to_owned()),
        key: key.to_owned(),
        value: StoreUrl::shown_of(raw),
        expected: expected.to_string(),
    })
}

/// How far a copy is, where somebody watches.
struct Bar {
    bar: ProgressBar,
    shows: Option<(bool, Kind)>,
}

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{msg:<22}{bar:40} {human_pos}/{human_len} {per_sec:>14} {eta}");
        let bar = ProgressBar::new(0).with_style(style.expect("the template is well formed"));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, shows: None }
    }

    fn show(&mut self, step: Step) {
        let (is_comparing, kind, rows, of) = match step {
            Step::Copied { kind, rows, of } => (false, kind, rows, of),
            Step::Compared { kind, rows, of } => (true, kind, rows, of),
            Step::Settling { waiting } => {
                self.bar.set_message(format!("tidying up, {waiting} left"));
                return;
            }
        };
        if self.shows.replace((is_comparing, kind)) != Some((is_comparing, kind)) {
            self.bar.reset();
            // What an earlier run did says nothing about how fast this one is.
            self.bar.set_position(rows);
            self.bar.reset_eta();
            self.bar.set_message(format!("{} {kind}", if is_comparing { "comparing" } else { "copying" }));
        }
        self.bar.set_length(of);
        self.bar.set_position(rows);
    }
}
