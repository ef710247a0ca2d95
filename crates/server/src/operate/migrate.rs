//! `concord migrate`: how far the database is, and going the rest of the way.

use clap::{Args, Subcommand};
use storage::Migrations;

use super::StoreArgs;
use crate::serve::postgres_options;

pub const MIGRATE_ABOUT: &str = "\
Bring the database into the form that this program works with.

`serve` does so by itself when it starts. This is for looking before an upgrade, and for doing \
it at another time. Each step is done whole or not at all, and there is no way back but a \
backup: take one first. On PostgreSQL, others may be starting at the same time: one does each \
step, the others find it done.";

pub const MIGRATE_AFTER: &str = "\
Examples:
  concord migrate status
  concord backup --to before.db && concord migrate up
  concord migrate up --store postgres://concord:secret@db.example/concord

Exit codes:
  0  the database is what the answer says
  1  it cannot be used, as when a newer program made it, or a server has it; standard error says why";

/// What to do about the form of the database.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// Say how far the database is and what is left to do; changes nothing, a server may be running
    Status(StoreArgs),
    /// Do what is left; a file that is not there is made, and no server may be using it
    Up(StoreArgs),
}

/// `concord migrate`
pub async fn migrate(args: &MigrateArgs) -> anyhow::Result<()> {
    match &args.what {
        What::Status(store) => {
            let config = store.load()?;
            let store = config.store;
            let migrations = Migrations::of(store.as_str(), &postgres_options(&config.postgres)).await?;
            println!("{store} is at version {}.", versions(&migrations));
            print_steps(&migrations, "to be done");
            println!(
                "{}",
                if migrations.pending.is_empty() {
                    "Nothing is left to do."
                } else {
                    "`concord migrate up` does it, and so does `concord serve` when it starts."
                }
            );
        }
        What::Up(store) => {
            let config = store.load()?;
            let (store, options) = (config.store, postgres_options(&config.postgres));
            let before = Migrations::apply(store.as_str(), &options).await?;
            let now = Migrations::of(store.as_str(), &options).await?;
            println!("{store} is at version {}, and was at {}.", versions(&now), before.applied.len());
            print_steps(&before, "done now");
        }
    }
    Ok(())
}

fn versions(Migrations { applied, pending }: &Migrations) -> String {
    format!("{} of {}", applied.len(), applied.len() + pending.len())
}

fn print_steps(Migrations { applied, pending }: &Migrations, pending_is: &str) {
    for name in applied {
        println!("  {name:<24}done");
    }
    for name in pending {
        println!("  {name:<24}{pending_is}");
    }
}
