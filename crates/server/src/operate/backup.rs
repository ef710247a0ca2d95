//! `concord backup` and `concord restore`.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use storage::sqlite::{self, BackedUp, CopyError, Progress, Restored};

use super::{StoreArgs, as_lines, file_of};

pub const BACKUP_ABOUT: &str = "\
Copy the database of a SQLite store to a file, while the server runs or not.

The backup is the database as it was at one moment, and neither reads nor writes wait for \
it. It is written under another name, flushed to the disk and read back: undamaged, and with \
as many rows in every table as the database had. Only then does FILE appear. It holds all \
the personal data of the database, so only its owner may read it.";

pub const BACKUP_AFTER: &str = "\
Examples:
  concord backup --to /backups/concord-monday.db
  concord backup --store sqlite:/var/lib/concord/concord.db --to /backups/latest.db --force

Exit codes:
  0  FILE is a whole backup
  1  there is none, and what was at FILE is untouched; standard error says why";

pub const RESTORE_ABOUT: &str = "\
Put a backup in the place of the database of a SQLite store, which no server may be using.

The backup is copied beside the database and verified before anything else is touched; then \
it takes the name of the database in one step. The database that was there stays beside it, \
with `.replaced-1` (or the next number that is free) after its name.";

pub const RESTORE_AFTER: &str = "\
Examples:
  concord restore --from /backups/concord-monday.db
  concord restore --store sqlite:/var/lib/concord/concord.db --from /backups/latest.db

Exit codes:
  0  the database is what the backup has
  1  the database is what it was; standard error says why";

/// What to back up, and where to.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    pub store: StoreArgs,

    /// The backup to write
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,

    /// Replace FILE if it exists
    #[arg(long)]
    pub force: bool,
}

/// What to restore, and from where.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub store: StoreArgs,

    /// The backup to read; it stays as it is
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
}

/// `concord backup`
pub fn back_up(args: &BackupArgs) -> anyhow::Result<()> {
    let config = args.store.load()?;
    let database = file_of(&config.store, "backup")?;
    let bar = Bar::new();
    let backed_up = sqlite::back_up(database, &args.to, args.force, &mut |progress| bar.show(progress));
    bar.0.finish_and_clear();
    let BackedUp { bytes, version, counts } = backed_up.map_err(|error| match error {
        CopyError::Exists { path } => anyhow!("{} exists already: say --force to replace it", path.display()),
        error => error.into(),
    })?;
    println!(
        "{} is a verified backup of {}: {}, version {version}.\n{}",
        args.to.display(),
        database.display(),
        HumanBytes(bytes),
        as_lines(&counts)
    );
    Ok(())
}

/// `concord restore`
pub fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    let config = args.store.load()?;
    let database = file_of(&config.store, "restore")?;
    let bar = Bar::new();
    let restored = sqlite::restore(database, &args.from, &mut |progress| bar.show(progress));
    bar.0.finish_and_clear();
    let Restored { bytes, version, counts, replaced } = restored?;
    println!(
        "{} is restored from {}: {}, version {version}.\n{}",
        database.display(),
        args.from.display(),
        HumanBytes(bytes),
        as_lines(&counts)
    );
    if let Some(replaced) = replaced {
        println!("The database that was there before is {}.", replaced.display());
    }
    Ok(())
}

/// How far a copy is, where somebody watches.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{msg:<12}{bar:40} {bytes}/{total_bytes} {eta}");
        let bar = ProgressBar::new(0).with_style(style.expect("the template is well formed"));
        bar.set_message("copying");
        Self(bar)
    }

    fn show(&self, progress: Progress) {
        match progress {
            Progress::Copied { bytes, of } => {
                self.0.set_length(of);
                self.0.set_position(bytes);
            }
            Progress::Verifying => self.0.set_message("verifying"),
        }
    }
}
