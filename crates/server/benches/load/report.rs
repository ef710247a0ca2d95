//! What was measured, as one table: ratios against yardsticks of the same run, each beside what
//! was aimed at. Absolute figures stand below it; they say more of the machine than of the server.

use std::fmt::Write as _;
use std::time::Duration;

use super::driving::Window;
use super::loading::Stock;
use super::process::Variant;
use super::rounds::{DEFAULT, Measured, median};
use super::searching::Reading;
use super::workloads::Work;

const MIB: f64 = 1024.0 * 1024.0;

/// Everything measured on one number of contacts.
pub(crate) struct Results {
    pub(crate) contacts: u64,
    pub(crate) stock: Stock,
    pub(crate) reading: Reading,
    pub(crate) measured: Measured,
}

/// Which side of the target is the good one.
#[derive(Clone, Copy)]
enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

/// The table, one row after another.
#[derive(Default)]
struct Table(String);

impl Table {
    fn row(&mut self, what: &str, value: f64, unit: &str, aim: Aim) {
        let (sign, target, is_met) = match aim {
            Aim::AtLeast(target) => ("≥", target, value >= target),
            Aim::AtMost(target) => ("≤", target, value <= target),
        };
        let verdict = if is_met { "ok" } else { "missed" };
        let measured = format!("{}{unit}", digits(value));
        let target = format!("{sign} {target}{unit}");
        let _ = writeln!(self.0, "  {what:<58} {measured:>12}  {target:>12}  {verdict}");
    }
}

impl Results {
    fn heading(&self) -> String {
        let store = if self.stock.place.is_database() { "PostgreSQL" } else { "SQLite" };
        format!("{} contacts, {store}", grouped(self.contacts))
    }
}

/// One table a number of contacts, and one of what growth costs.
pub(crate) fn print(all: &[Results]) {
    for results in all {
        println!("\n{}", of_one(results));
    }
    if let (Some(small), Some(large)) = (all.first(), all.last())
        && small.contacts < large.contacts
    {
        println!("\n{}", of_growth(small, large));
    }
}

fn of_one(results: &Results) -> String {
    let Results { contacts: _, stock, reading, measured } = results;
    let mut table = Table::default();
    let _ = writeln!(table.0, "  {:<58} {:>12}  {:>12}", results.heading(), "measured", "target");

    let empty = |variant| (variant, Work::Empty);
    let share = |work| paired(measured, (DEFAULT, work), empty(DEFAULT), |window| window.per_second);
    table.row("contacts.get, share of the empty handler", share(Work::Get), "", Aim::AtLeast(0.75));
    table.row("contacts.conflicts, share of the empty handler", share(Work::Resolve), "", Aim::AtLeast(0.30));
    let resolved = measured.windows.keys().filter(|(_, work)| *work == Work::Resolve).map(|(variant, _)| *variant);
    for variant in resolved.filter(|variant| variant.one_by_one) {
        let grouped = (Variant { one_by_one: false, writers: 0, ..variant }, Work::Resolve);
        let value = paired(measured, grouped, (variant, Work::Resolve), |window| window.per_second);
        let what = format!("contacts.conflicts, grouped ÷ {}", singly(variant));
        let target = if variant.flush_us >= 1000 { 15.0 } else { 3.0 };
        table.row(&what, value, " ×", Aim::AtLeast(target));
    }
    let p95 = milliseconds(reading.mix.quantile(0.95));
    table.row("search in the store, p95", p95, " ms", Aim::AtMost(10.0));
    let beside = over(&measured.searches_beside, |window| milliseconds(window.latencies.quantile(0.95)));
    table.row("search over HTTP beside reads, p95", beside, " ms", Aim::AtMost(50.0));
    let p99 = |work| over(&measured.at_half[&work], |window| milliseconds(window.latencies.quantile(0.99)));
    let flush_ms = median(measured.flushes.iter().map(|flush| flush.as_secs_f64() * 1000.0));
    table.row("contacts.get at half of saturation, p99", p99(Work::Get), " ms", Aim::AtMost(2.0));
    let aim = Aim::AtMost(((5.0 + 2.0 * flush_ms) * 100.0).round() / 100.0);
    table.row("contacts.conflicts at half of saturation, p99", p99(Work::Resolve), " ms", aim);
    let memory = |bytes: &[u64]| median(bytes.iter().map(|bytes| *bytes as f64 / MIB));
    table.row("memory once ready", memory(&measured.idle_bytes), " MiB", Aim::AtMost(40.0));
    table.row("memory under load, at most", memory(&measured.peak_bytes), " MiB", Aim::AtMost(250.0));
    let started = median(measured.started_in.iter().map(Duration::as_secs_f64));
    table.row("start", started, " s", Aim::AtMost(1.0));
    let loaded = stock.loaded;
    let kept = if stock.is_reused { " (when the kept file was made)" } else { "" };
    let rate = loaded.contacts as f64 / loaded.searchable_seconds / 1000.0;
    table.row(&format!("bulk load, searchable{kept}"), rate, " k/s", Aim::AtLeast(25.0));
    let raw = (loaded.view_bytes + loaded.document_bytes) as f64;
    let disk = loaded.file_bytes as f64 / raw;
    let is_database = stock.place.is_database();
    if !is_database {
        table.row("disk, file ÷ JSON (answers and documents)", disk, " ×", Aim::AtMost(1.7));
    }

    let mut text = table.0;
    let _ = writeln!(
        text,
        "\n  Loading: {:.1} k/s committed, {:.0} µs of CPU a contact; {:.0} bytes an answer, {:.0} a document; file ÷ answers alone {:.2}.",
        loaded.contacts as f64 / loaded.committed_seconds / 1000.0,
        loaded.cpu_seconds * 1e6 / loaded.contacts as f64,
        loaded.view_bytes as f64 / loaded.contacts as f64,
        loaded.document_bytes as f64 / loaded.contacts as f64,
        loaded.file_bytes as f64 / loaded.view_bytes as f64,
    );
    if is_database {
        let _ = writeln!(
            text,
            "  Of the database {:.0} µs of CPU a contact, and {:.0} bytes; database ÷ JSON {disk:.2}.",
            loaded.database_cpu_seconds * 1e6 / loaded.contacts as f64,
            loaded.file_bytes as f64 / loaded.contacts as f64,
        );
    }
    let slowest = measured.flushes.iter().max().copied().unwrap_or_default().as_micros();
    let _ = writeln!(text, "  A flush of this disk takes {:.0} µs, at worst {slowest} µs.", flush_ms * 1000.0);
    text.push_str(&of_requests(measured));
    text.push_str(&of_reading(reading));
    text
}

/// Each kind of request on each variant of the server.
pub(crate) fn of_requests(measured: &Measured) -> String {
    let mut text = format!(
        "\n  {:<44} {:>8} {:>8} {:>9} {:>10} {:>9} {:>8} {:>8} {:>8}\n",
        "medians of the rounds",
        "a second",
        "of empty",
        "CPU, µs",
        "its DB, µs",
        "ours, µs",
        "p50, ms",
        "p95, ms",
        "p99, ms"
    );
    for (key @ (variant, work), windows) in &measured.windows {
        let mut label = work.to_string();
        if variant.one_by_one {
            let _ = write!(label, ", {}", singly(*variant));
        }
        if variant.flush_us > 0 && !variant.one_by_one {
            let _ = write!(label, ", flush +{} ms", f64::from(variant.flush_us) / 1000.0);
        }
        let share = paired(measured, *key, (*variant, Work::Empty), |window| window.per_second);
        let quantile = |share| over(windows, |window| milliseconds(window.latencies.quantile(share)));
        let _ = writeln!(
            text,
            "  {label:<44} {:>8.0} {:>8} {:>9.1} {:>10.1} {:>9.1} {:>8} {:>8} {:>8}",
            over(windows, |window| window.per_second),
            digits(share),
            over(windows, |window| window.cpu_us),
            over(windows, |window| window.database_cpu_us),
            over(windows, |window| window.own_cpu_us),
            digits(quantile(0.50)),
            digits(quantile(0.95)),
            digits(quantile(0.99)),
        );
    }
    text
}

/// A yardstick, in words.
fn singly(variant: Variant) -> String {
    let mut text = "a transaction each".to_owned();
    if variant.writers > 0 {
        let _ = write!(text, " on {}", variant.writers);
    }
    if variant.flush_us > 0 {
        let _ = write!(text, ", flush +{} ms", f64::from(variant.flush_us) / 1000.0);
    }
    text
}

fn of_reading(reading: &Reading) -> String {
    let mut text = format!("\n  {:<44} {:>8} {:>8} {:>8}\n", "in the process, ms", "p50", "p95", "p99");
    let others = [("get", &reading.get), ("first page, by name", &reading.list), ("search, all kinds", &reading.mix)];
    let searches = reading.searches.iter().map(|(label, histogram)| (*label, histogram));
    for (label, histogram) in others.into_iter().chain(searches) {
        let quantile = |share| digits(milliseconds(histogram.quantile(share)));
        let [p50, p95, p99] = [0.50, 0.95, 0.99].map(quantile);
        let _ = writeln!(text, "  {label:<44} {p50:>8} {p95:>8} {p99:>8}");
    }
    text
}

fn of_growth(small: &Results, large: &Results) -> String {
    let mut table = Table::default();
    let heading = format!("growth, {} to {}", grouped(small.contacts), large.heading());
    let _ = writeln!(table.0, "  {heading:<58} {:>12}  {:>12}", "measured", "target");
    let grown = |of: &dyn Fn(&Results) -> f64| of(large) / of(small);
    let middle = |histogram: &super::histogram::Histogram| milliseconds(histogram.quantile(0.5));
    let get = grown(&|results| middle(&results.reading.get));
    table.row("get in the process, p50", get, " ×", Aim::AtMost(2.5));
    let list = grown(&|results| middle(&results.reading.list));
    table.row("first page in the process, p50", list, " ×", Aim::AtMost(1.3));
    let cpu = |work| grown(&|results| over(&results.measured.windows[&(DEFAULT, work)], |window| window.cpu_us));
    table.row("contacts.get, CPU a request", cpu(Work::Get), " ×", Aim::AtMost(2.5));
    table.row("contacts.search without a term, CPU a request", cpu(Work::List), " ×", Aim::AtMost(1.3));
    table.row("contacts.conflicts, CPU a request", cpu(Work::Resolve), " ×", Aim::AtMost(1.7));
    table.0
}

/// The median of the ratios of windows of the same round.
fn paired(measured: &Measured, one: (Variant, Work), other: (Variant, Work), of: impl Fn(&Window) -> f64) -> f64 {
    match (measured.windows.get(&one), measured.windows.get(&other)) {
        (Some(ones), Some(others)) => median(ones.iter().zip(others).map(|(one, other)| of(one) / of(other))),
        _ => f64::NAN,
    }
}

fn over(windows: &[Window], of: impl Fn(&Window) -> f64) -> f64 {
    median(windows.iter().map(of))
}

fn milliseconds(duration: Option<Duration>) -> f64 {
    duration.map_or(f64::NAN, |duration| duration.as_secs_f64() * 1000.0)
}

/// Three digits or so.
fn digits(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
