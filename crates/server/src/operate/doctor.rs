//! `concord doctor`: whether what is stored agrees with itself, and mending what follows from the rest.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use storage::doctor::{self, Examination, Finding, Step};

use super::StoreArgs;
use crate::api;
use crate::serve::postgres_options;

/// How many problems of one table are written out.
const LISTED_PER_TABLE: usize = 20;

pub const DOCTOR_ABOUT: &str = "\
Look whether what a SQLite or PostgreSQL store holds agrees with itself: that every document can \
be read, that columns, keys, views, counts and indexes are what follows from the documents, that \
contacts, visitors, conversations and messages belong together, and that no journal is broken.

Without --fix it only reads, and servers may be running. With --fix it says what it found and \
what it will do about it, does that in one transaction, and looks again; no server may be using \
the database. It computes anew what can be computed, and never removes or changes what somebody \
said or decided.";

pub const DOCTOR_AFTER: &str = "\
Examples:
  concord doctor
  concord backup --to before.db && concord doctor --fix

Exit codes:
  0  nothing is wrong, or nothing is any more
  1  problems remain, or it could not look; standard error says which";

/// What to look at.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub store: StoreArgs,

    /// Mend what can be mended
    #[arg(long)]
    pub fix: bool,
}

/// `concord doctor`
pub async fn doctor(args: &DoctorArgs) -> anyhow::Result<()> {
    let config = args.store.load()?;
    let (store, options) = (config.store, postgres_options(&config.postgres));
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{spinner} {msg}").expect("the template is well formed"));
    let mut progress = |Step { table, rows }: Step| bar.set_message(format!("{table} {rows}"));
    if !args.fix {
        let found = doctor::examine(store.as_str(), &options, api::render, &mut progress).await;
        bar.finish_and_clear();
        let found = found?;
        print!("{}", report(&found, "--fix would"));
        let (all, mendable) = (found.findings.len(), found.mendable());
        if all > 0 {
            bail!("{}; `concord doctor --fix` mends {mendable} of {all}", problems(all));
        }
        return Ok(());
    }
    let mut before = 0;
    let remaining = doctor::mend(
        store.as_str(),
        &options,
        api::render,
        &mut |found| {
            before = found.findings.len();
            bar.suspend(|| print!("{}", report(found, "will")));
        },
        &mut progress,
    )
    .await;
    bar.finish_and_clear();
    let remaining = remaining?;
    let left = remaining.findings.len();
    if before > left {
        println!("{} mended.", problems(before - left));
    }
    if left > 0 {
        println!("What remains:\n{}", listing(&remaining.findings, "--fix would"));
        bail!("{} left", problems(left));
    }
    Ok(())
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

/// Every table with its rows and problems, then the problems.
fn report(found: &Examination, remedy_is: &str) -> String {
    let mut by_table: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &found.findings {
        *by_table.entry(finding.table).or_default() += 1;
    }
    let mut text = format!("{:<14}{:>12}{:>12}\n", "table", "rows", "problems");
    let mut line = |table: &str, rows: &str, problems: usize| {
        writeln!(text, "{table:<14}{rows:>12}{problems:>12}").expect("a text takes what is written to it");
    };
    for examined in &found.tables {
        line(examined.table, &examined.rows.to_string(), by_table.remove(examined.table).unwrap_or(0));
    }
    // What could not be counted, as the file itself.
    for (table, problems) in by_table {
        line(table, "-", problems);
    }
    if found.findings.is_empty() {
        text.push_str("Nothing is wrong.\n");
    } else {
        text.push_str(&listing(&found.findings, remedy_is));
    }
    text
}

fn listing(findings: &[Finding], remedy_is: &str) -> String {
    let mut listed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut text = String::new();
    for Finding { table, key, problem, remedy } in findings {
        let count = listed.entry(table).or_default();
        *count += 1;
        if *count <= LISTED_PER_TABLE {
            let remedy_is = if remedy.is_known() { remedy_is } else { "by hand:" };
            writeln!(text, "{table} {key}: {problem}\n    {remedy_is} {remedy}")
                .expect("a text takes what is written to it");
        }
    }
    for (table, count) in listed.into_iter().filter(|(_, count)| *count > LISTED_PER_TABLE) {
        writeln!(text, "{table}: and {} more", count - LISTED_PER_TABLE).expect("a text takes what is written to it");
    }
    text
}
