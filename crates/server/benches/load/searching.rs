//! Reading inside the process, without HTTP: what the store and the use case take by themselves,
//! one request after another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use app::clock::{SystemChance, SystemClock};
use app::mail::NoMailer;
use app::{App, PasswordCost, SearchRequest, World};

use super::histogram::Histogram;
use super::people::{Chance, Population, contact_id};
use super::place::Place;
use super::terms::{self, KINDS};

/// How long reading takes inside the process.
pub(crate) struct Reading {
    pub(crate) get: Histogram,
    /// The first page of all contacts, by name.
    pub(crate) list: Histogram,
    /// By kind of term.
    pub(crate) searches: Vec<(&'static str, Histogram)>,
    /// All kinds together.
    pub(crate) mix: Histogram,
}

pub(crate) async fn read(place: &Place, population: Population, of_each: u64) -> Result<Reading> {
    let opened = place.open().await?;
    let store = opened.store();
    let app = App::open(World {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        login_token_days: 1,
        passwords: PasswordCost { memory_kib: 8192, iterations: 1, threads: 1 },
        mailer: Arc::new(NoMailer),
    })
    .await?;
    let mut reading = Reading {
        get: Histogram::default(),
        list: Histogram::default(),
        searches: Vec::new(),
        mix: Histogram::default(),
    };
    for number in 0..of_each * 50 {
        let id = contact_id(Chance::of(number).below(population.contacts));
        let begun = Instant::now();
        let view = store.contact_view(&id).await?;
        reading.get.note(begun.elapsed());
        ensure!(view.is_some(), "contact {id} is gone");
    }
    for _ in 0..of_each {
        reading.list.note(searched(&app, String::new(), 50).await?);
    }
    for (kind, label) in KINDS {
        let mut histogram = Histogram::default();
        for number in 0..of_each {
            let took = searched(&app, terms::term(kind, number, population), 25).await?;
            histogram.note(took);
            reading.mix.note(took);
        }
        reading.searches.push((label, histogram));
    }
    store.close().await?;
    Ok(reading)
}

async fn searched(app: &App, text: String, limit: usize) -> Result<Duration> {
    let request = SearchRequest { text: text.clone(), limit, ..SearchRequest::default() };
    let begun = Instant::now();
    let page = app.search_contacts(request).await?;
    let took = begun.elapsed();
    ensure!(page.total > 0, "nobody matches `{text}`");
    Ok(took)
}
