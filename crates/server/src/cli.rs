//! The command line. Its help is the first documentation anyone reads, so each
//! command says what it is for, shows an example, and names what it reads from the
//! environment. Evidence: `tests/it/cli.rs`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Flag, Loaded, Sources};
use crate::operate::{self, BackupArgs, CopyArgs, DoctorArgs, MigrateArgs, RestoreArgs};
use crate::{demo, serve, telemetry};

/// Configuration or command line at fault, as clap has it for the latter.
const EXIT_USAGE: u8 = 2;

const ABOUT: &str = "\
Concord keeps one contact for each person across every channel they write from, \
flags the details that disagree, and lets people settle them.

It speaks Rocket.Chat's omnichannel contact API over HTTP and keeps its data in an \
embedded database, so one binary is a whole server; or in PostgreSQL, where several are one.";

const AFTER: &str = "\
Examples:
  concord demo                              look around, with made-up contacts
  concord serve                             serve on 127.0.0.1:3000, data in ./concord-data
  concord serve --config concord.toml       serve as a file says
  concord check-config --config concord.toml
  concord backup --to monday.db             copy the database while the server runs
  concord copy --from sqlite:./concord-data/concord.db --to postgres://…

Configuration, later wins:
  the defaults, then --config FILE, then the environment, then flags.
  Every setting can be set in each of the three; `limits.body_bytes` is
  CONCORD_LIMITS_BODY_BYTES in the environment and --set limits.body_bytes=N as a flag.
  `concord check-config` lists them all.

Exit codes:
  0  done, or stopped when asked to
  1  failed; standard error says why
  2  the command line or the configuration is wrong";

const SERVE_ABOUT: &str = "\
Serve the API until told to stop.

The server prints one line when it listens. It stops on SIGTERM or Ctrl-C: it lets \
nobody in, answers what was begun, flushes, and exits with 0 within ten seconds \
(limits.shutdown_seconds); a second signal ends it at once.

GET /healthz answers while the process lives, GET /readyz when requests will be \
served, GET /metrics counts in the format Prometheus reads.";

const SERVE_AFTER: &str = "\
Examples:
  concord serve
  concord serve --listen 0.0.0.0:8080 --store sqlite:/var/lib/concord/concord.db
  CONCORD_STORE=sqlite:/srv/concord.db concord serve --log info,request=off
  ADMIN_USERNAME=ada ADMIN_PASS=secret concord serve

Environment:
  CONCORD_LISTEN, CONCORD_STORE, …          any setting, see `concord check-config`
  CONCORD_CONFIG                            like --config
  ADMIN_USERNAME, ADMIN_NAME, ADMIN_EMAIL, ADMIN_PASS
                                            the first administrator, read only when no
                                            user exists; without ADMIN_PASS a password
                                            is made up and printed once";

// Written here and not by clap, to which these flags have neither variable nor default:
// `config` lays one source over the other and remembers which it was.
const LISTEN_HELP: &str = "Address and port to listen on [env: CONCORD_LISTEN] [default: 127.0.0.1:3000]";
pub(crate) const STORE_HELP: &str = "Where contacts are kept: sqlite:PATH, postgres://USER:PASS@HOST/DATABASE or memory: \
    [env: CONCORD_STORE] [default: sqlite:./concord-data/concord.db]";
const WIDGET_DIR_HELP: &str = "Folder with a build of the chat widget, to serve at /livechat \
    [env: CONCORD_LIVECHAT_WIDGET_DIR] [default: none]";
const LOG_HELP: &str = "What is logged: off, error, warn, info, debug or trace, or by target as in \
    \"info,request=off\" [env: CONCORD_LOG_LEVEL] [default: info]";
const LOG_FORMAT_HELP: &str = "How it is logged: text or json [env: CONCORD_LOG_FORMAT] [default: text]";

const DEMO_ABOUT: &str = "\
Start a server on a free port with a throwaway store and play a small true story through \
its own HTTP API: an agent is set up, a person writes from the web widget, the same person's \
details arrive again and disagree, the agent settles the conflicts. Every request and answer \
is printed, then the journal.

Everything is gone when it stops. With --keep, the server goes on after the story, to be looked \
around in, and says how to log in.

Exits with 0 if the story went as it should, with 1 if it did not.";

const DEMO_AFTER: &str = "\
Examples:
  concord demo
  concord demo --keep                       leave the server running afterwards
  concord demo --keep --listen 127.0.0.1:3000";

const CHECK_ABOUT: &str = "\
Read the configuration as `serve` would and print what results: every setting, its \
value without secrets, and where the value comes from.

Exits with 2 and says what is wrong if the server would not start with it. Nothing \
is opened, no store is touched.";

const CHECK_AFTER: &str = "\
Examples:
  concord check-config
  concord check-config --config concord.toml --set rate.trust_forwarded_for=10.0.0.0/8";

#[derive(Debug, Parser)]
#[command(name = "concord", version, about = ABOUT, after_help = AFTER)]
#[command(arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(about = "Serve the API", long_about = SERVE_ABOUT, after_long_help = SERVE_AFTER)]
    Serve(SettingArgs),
    #[command(about = "Play a story through the API, and look around", long_about = DEMO_ABOUT, after_long_help = DEMO_AFTER)]
    Demo(DemoArgs),
    #[command(about = "Print the configuration that results", long_about = CHECK_ABOUT, after_long_help = CHECK_AFTER)]
    CheckConfig(SettingArgs),
    #[command(
        about = "Copy the database to a file, while the server runs",
        long_about = operate::BACKUP_ABOUT,
        after_long_help = operate::BACKUP_AFTER
    )]
    Backup(BackupArgs),
    #[command(
        about = "Put a backup in the place of the database",
        long_about = operate::RESTORE_ABOUT,
        after_long_help = operate::RESTORE_AFTER
    )]
    Restore(RestoreArgs),
    #[command(
        about = "Copy everything of one store into another, as from SQLite to PostgreSQL",
        long_about = operate::COPY_ABOUT,
        after_long_help = operate::COPY_AFTER
    )]
    Copy(CopyArgs),
    #[command(
        about = "Bring the database into the form of this program",
        long_about = operate::MIGRATE_ABOUT,
        after_long_help = operate::MIGRATE_AFTER
    )]
    Migrate(MigrateArgs),
    #[command(
        about = "Look whether what is stored agrees with itself, and mend it",
        long_about = operate::DOCTOR_ABOUT,
        after_long_help = operate::DOCTOR_AFTER
    )]
    Doctor(DoctorArgs),
}

/// Where settings come from.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingArgs {
    /// A TOML file with the settings that differ from the defaults
    #[arg(long, value_name = "FILE", env = "CONCORD_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    #[arg(long, value_name = "ADDRESS:PORT", help = LISTEN_HELP)]
    pub listen: Option<String>,

    #[arg(long, value_name = "URL", help = STORE_HELP)]
    pub store: Option<String>,

    #[arg(long, value_name = "FOLDER", help = WIDGET_DIR_HELP)]
    pub widget_dir: Option<String>,

    #[arg(long, value_name = "LEVEL", help = LOG_HELP)]
    pub log: Option<String>,

    #[arg(long, value_name = "FORMAT", help = LOG_FORMAT_HELP)]
    pub log_format: Option<String>,

    /// Any other setting, by its key; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

/// How the demonstration runs.
#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// Leave the server running after the story, until Ctrl-C
    #[arg(long)]
    pub keep: bool,

    /// Address and port to listen on [default: a free port of this machine]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
}

/// Does what the command line says and tells how it went.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Serve(args) => serve_command(&args),
        Command::Demo(args) => demo_command(args),
        Command::CheckConfig(args) => check_config(&args),
        Command::Backup(args) => operate::back_up(&args),
        Command::Restore(args) => operate::restore(&args),
        Command::Doctor(args) => block_on(async move { operate::doctor(&args).await }),
        Command::Copy(args) => block_on(async move { operate::copy(&args).await }),
        Command::Migrate(args) => block_on(async move { operate::migrate(&args).await }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("concord: {error:#}");
            let is_usage = error.downcast_ref::<ConfigError>().is_some();
            if is_usage { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn serve_command(args: &SettingArgs) -> anyhow::Result<()> {
    let config = args.load()?.config;
    let telemetry = telemetry::start(&config.log)?;
    let served = block_on(async { serve::run(config).await.map_err(anyhow::Error::from) });
    telemetry.flush();
    served
}

fn demo_command(args: DemoArgs) -> anyhow::Result<()> {
    block_on(async { demo::run(args).await.map_err(anyhow::Error::from) })
}

fn check_config(args: &SettingArgs) -> anyhow::Result<()> {
    println!("{}", args.load()?.describe());
    Ok(())
}

fn block_on(future: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the threads that serve")?;
    let done = runtime.block_on(future);
    // A task that blocks must not keep a process from ending that has nothing left to do.
    runtime.shutdown_timeout(serve::EXIT_TIMEOUT);
    done
}

impl SettingArgs {
    /// The configuration from these flags, the file they name, and the environment of this process.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let named = [
            ("--listen", "listen", &self.listen),
            ("--store", "store", &self.store),
            ("--widget-dir", "livechat.widget_dir", &self.widget_dir),
            ("--log", "log.level", &self.log),
            ("--log-format", "log.format", &self.log_format),
        ];
        let named = named.into_iter().filter_map(|(name, key, value)| {
            let value = value.clone()?;
            Some(Flag { name: name.to_owned(), key: key.to_owned(), value })
        });
        let set = self.set.iter().map(|(key, value)| Flag {
            name: format!("--set {key}"),
            key: key.clone(),
            value: value.clone(),
        });
        Config::load(&Sources {
            file: self.config.clone(),
            // A variable that is not UTF-8 cannot be one of ours.
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            flags: set.chain(named).collect(),
        })
    }
}

pub(crate) fn key_and_value(raw: &str) -> Result<(String, String), String> {
    let (key, value) = raw.split_once('=').ok_or("expected KEY=VALUE, as in limits.body_bytes=65536")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
