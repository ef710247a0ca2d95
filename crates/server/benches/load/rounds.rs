//! The order of measuring: every round has every kind of request and every yardstick once, so
//! that whatever else the machine does meets them alike. A ratio is made within a round.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;

use super::driving::{Load, Pace, Window, window};
use super::loading::{flush_time, put_back};
use super::people::Population;
use super::place::Place;
use super::process::{Server, Variant};
use super::workloads::{Requests, Work};

/// Everything that is asked of the server as it is configured by default.
const ALL: [Work; 6] = [Work::Empty, Work::Get, Work::Resolve, Work::Intake, Work::Search, Work::List];

/// What is asked of the others.
const COMPARED: [Work; 2] = [Work::Empty, Work::Resolve];

/// As many as a desk has people typing into the search box at the same instant.
const SEARCHERS: u32 = 4;

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) length: Duration,
    pub(crate) connections: u32,
    pub(crate) flushes_us: Vec<u32>,
    /// Further settings of the server, as it takes them.
    pub(crate) settings: Vec<String>,
    /// Where not all kinds of request are to be measured: which, and on the default server alone.
    pub(crate) only: Vec<Work>,
}

/// What was measured, a window a round.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) windows: BTreeMap<(Variant, Work), Vec<Window>>,
    /// At half the rate of saturation.
    pub(crate) at_half: BTreeMap<Work, Vec<Window>>,
    /// Searches beside reads at half of their rate.
    pub(crate) searches_beside: Vec<Window>,
    pub(crate) started_in: Vec<Duration>,
    pub(crate) idle_bytes: Vec<u64>,
    pub(crate) peak_bytes: Vec<u64>,
    /// Of the disk, while nobody else of us uses it.
    pub(crate) flushes: Vec<Duration>,
}

struct Bench<'a> {
    place: &'a Place,
    folder: &'a Path,
    population: Population,
    plan: &'a Plan,
    requests: BTreeMap<Work, Arc<Requests>>,
    measured: Measured,
}

/// The server as it is configured by default.
pub(crate) const DEFAULT: Variant = Variant { flush_us: 0, one_by_one: false, writers: 0 };

/// On how many connections of a database requests are committed one by one: each may have its own, and
/// they may wait for fewer.
const WRITERS: [u32; 2] = [64, 8];

pub(crate) async fn measure(place: &Place, folder: &Path, population: Population, plan: &Plan) -> Result<Measured> {
    let requests = ALL.map(|work| (work, Arc::new(Requests::new(work, population))));
    let mut bench = Bench { place, folder, population, plan, requests: requests.into(), measured: Measured::default() };
    let bar = ProgressBar::new(plan.rounds as u64 * 2).with_message("rounds");
    for _ in 0..plan.rounds {
        bench.round().await?;
        bar.inc(1);
    }
    for _ in 0..plan.rounds {
        if plan.only.is_empty() {
            bench.half_round().await?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    bench.put_back().await?;
    Ok(bench.measured)
}

impl Bench<'_> {
    async fn round(&mut self) -> Result<()> {
        let mut variants = self.variants();
        if !self.plan.only.is_empty() {
            variants.truncate(1);
        }
        for variant in variants {
            self.put_back().await?;
            self.measured.flushes.push(flush_time(self.folder)?);
            let server = Server::start(self.place, variant, &self.plan.settings).await?;
            if variant == DEFAULT {
                self.measured.started_in.push(server.started_in);
                self.measured.idle_bytes.push(server.idle_bytes);
            }
            let works = match &*self.plan.only {
                [] if variant == DEFAULT => &ALL[..],
                [] => &COMPARED,
                only => only,
            };
            for work in works {
                let &Plan { connections, length, .. } = self.plan;
                let window = window(&server, &self.requests[work], connections, Pace::AsAnswered, length).await?;
                self.measured.windows.entry((variant, *work)).or_default().push(window);
            }
            if variant == DEFAULT {
                self.measured.peak_bytes.push(server.peak_bytes()?);
            }
            server.stop()?;
        }
        Ok(())
    }

    fn variants(&self) -> Vec<Variant> {
        if self.place.is_database() {
            let singly = WRITERS.map(|writers| Variant { one_by_one: true, writers, ..DEFAULT });
            return [DEFAULT].into_iter().chain(singly).collect();
        }
        let longer = self.plan.flushes_us.iter().copied().filter(|flush| *flush > 0);
        let of_flush = |flush_us| [false, true].map(|one_by_one| Variant { flush_us, one_by_one, ..DEFAULT });
        [0].into_iter().chain(longer).flat_map(of_flush).collect()
    }

    async fn half_round(&mut self) -> Result<()> {
        self.put_back().await?;
        let server = Server::start(self.place, DEFAULT, &self.plan.settings).await?;
        let &Plan { connections, length, .. } = self.plan;
        for work in [Work::Get, Work::Resolve] {
            let pace = self.half_of(work);
            let window = window(&server, &self.requests[&work], connections, pace, length).await?;
            self.measured.at_half.entry(work).or_default().push(window);
        }
        let reads = Load::start(&server, &self.requests[&Work::Get], connections, self.half_of(Work::Get)).await?;
        let searches = window(&server, &self.requests[&Work::Search], SEARCHERS, Pace::AsAnswered, length).await?;
        reads.end().await?;
        self.measured.searches_beside.push(searches);
        server.stop()
    }

    fn half_of(&self, work: Work) -> Pace {
        let windows = &self.measured.windows[&(DEFAULT, work)];
        Pace::PerSecond(median(windows.iter().map(|window| window.per_second)) / 2.0)
    }

    async fn put_back(&mut self) -> Result<()> {
        let changing = [&self.requests[&Work::Resolve], &self.requests[&Work::Intake]];
        put_back(self.place, self.population, changing.iter().flat_map(|requests| requests.touched())).await?;
        for requests in changing {
            requests.restart();
        }
        Ok(())
    }
}

/// The middle one; of an even number, the lower of the two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
