//! Filling a store through its port, as an import would, and putting back what a measurement
//! changed: every window of every round meets the same contacts.

use std::fs;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use app::clock::{Clock, SystemClock};
use base64::Engine as _;
use domain::change_set::{ChangeSet, ContactChange, VisitorChange};
use domain::custom_field::{CustomFieldDefinition, FieldKey, Scope};
use domain::directory::{DirectoryChange, Record, Setting, Token, TokenChange, User};
use domain::ids::{Timestamp, UserId};
use domain::visitor::Visitor;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::people::{FIELDS, Person, Population, contact_id, visitor_id, visitor_token};
use super::place::{Database, Place};
use super::process::own_cpu;

/// The administrator all measured requests come from.
pub(crate) const ADMIN_ID: &str = "benchAdministrator";
pub(crate) const ADMIN_TOKEN: &str = "benchmark-token-of-the-administrator-0000001";

const AT_A_TIME: u64 = 1_000;

/// How many flushes of the disk are timed.
const FLUSHES: usize = 50;

/// Of every so many contacts, one is measured for the size of its document.
const SAMPLED: usize = 16;

/// What loading showed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) contacts: u64,
    pub(crate) committed_seconds: f64,
    pub(crate) searchable_seconds: f64,
    /// Of this process, which is the store too.
    pub(crate) cpu_seconds: f64,
    /// Of the database server, where there is one.
    #[serde(default)]
    pub(crate) database_cpu_seconds: f64,
    pub(crate) view_bytes: u64,
    /// From a sample.
    pub(crate) document_bytes: u64,
    pub(crate) file_bytes: u64,
}

/// A loaded store.
pub(crate) struct Stock {
    pub(crate) place: Place,
    pub(crate) loaded: Loaded,
    /// Whether it was there already.
    pub(crate) is_reused: bool,
}

/// Loads `population` into a file in `folder`, unless it is there from an earlier run.
pub(crate) async fn load(folder: &Path, population: Population) -> Result<Stock> {
    let path = folder.join(format!("contacts-{}.db", population.contacts));
    let notes = path.with_extension("json");
    if !notes.exists() {
        for ending in ["db", "db-wal", "db-shm"] {
            // Of a run that was broken off while loading.
            let _ = fs::remove_file(path.with_extension(ending));
        }
    }
    load_into(Place::File(path), &notes, population).await
}

/// Loads `population` into a database on this server, unless it is there from an earlier run.
pub(crate) async fn load_database(server: &str, folder: &Path, population: Population) -> Result<Stock> {
    let name = format!("concord_load_{}", population.contacts);
    let notes = folder.join(format!("{name}.json"));
    let database = Database::on(server, &name, notes.exists()).await?;
    load_into(Place::Database(database), &notes, population).await
}

async fn load_into(place: Place, notes: &Path, population: Population) -> Result<Stock> {
    if let Ok(noted) = fs::read_to_string(notes) {
        let loaded = serde_json::from_str(&noted).with_context(|| format!("{} is not ours", notes.display()))?;
        put_all_back(&place, population).await?;
        return Ok(Stock { place, loaded, is_reused: true });
    }
    let loaded = fill(&place, population).await?;
    add_surroundings(&place, population).await?;
    fs::write(notes, serde_json::to_vec(&loaded)?)?;
    Ok(Stock { place, loaded, is_reused: false })
}

async fn fill(place: &Place, population: Population) -> Result<Loaded> {
    let opened = place.open_for_bulk().await?;
    let store = opened.store();
    let bar = progress(population.contacts, "contacts");
    let database_cpu = || match place {
        Place::Database(database) => Ok(database.cpu()?.unwrap_or_default()),
        Place::File(_) => anyhow::Ok(Duration::ZERO),
    };
    let (begun, cpu, of_database) = (Instant::now(), own_cpu()?, database_cpu()?);
    let (mut view_bytes, mut sampled, mut sample_bytes) = (0, 0, 0);
    let mut tasks = JoinSet::new();
    let mut tally = |(views, documents): (u64, Vec<usize>)| {
        view_bytes += views;
        sampled += documents.len() as u64;
        sample_bytes += documents.iter().sum::<usize>() as u64;
    };
    let waiting = std::thread::available_parallelism()?.get() + 6;
    for first in (0..population.contacts).step_by(usize::try_from(AT_A_TIME)?) {
        while tasks.len() >= waiting {
            tally(tasks.join_next().await.context("there are tasks")???);
        }
        let (store, bar) = (Arc::clone(&store), bar.clone());
        tasks.spawn(async move {
            let end = population.contacts.min(first + AT_A_TIME);
            let changes = (first..end).map(|n| population.creation(n)).fold(ChangeSet::default(), ChangeSet::and);
            let every = changes.contacts.iter().step_by(SAMPLED);
            let documents = every.map(|change| domain::stored::to_document(change.contact()).len()).collect();
            let views = store.commit(&changes).await?;
            bar.inc(end - first);
            anyhow::Ok((views.iter().map(|view| view.text.len() as u64).sum(), documents))
        });
    }
    while let Some(done) = tasks.join_next().await {
        tally(done??);
    }
    let committed_seconds = begun.elapsed().as_secs_f64();
    bar.set_message("waiting for the search index");
    opened.settle_search().await?;
    place.settle().await?;
    let searchable_seconds = begun.elapsed().as_secs_f64();
    let database_cpu_seconds = database_cpu()?.saturating_sub(of_database).as_secs_f64();
    let cpu_seconds = own_cpu()?.saturating_sub(cpu).as_secs_f64();
    bar.finish_and_clear();
    store.close().await?;
    Ok(Loaded {
        contacts: population.contacts,
        committed_seconds,
        searchable_seconds,
        cpu_seconds,
        view_bytes,
        document_bytes: sample_bytes * population.contacts / sampled,
        database_cpu_seconds,
        file_bytes: place.bytes().await?,
    })
}

/// What the measured requests need besides contacts: an administrator with a token, definitions,
/// settings, and the visitors who write in. Not part of what loading is measured by.
async fn add_surroundings(place: &Place, population: Population) -> Result<()> {
    let store = place.open().await?.store();
    let now = SystemClock.now();
    let user = UserId::parse(ADMIN_ID)?;
    let fields = FIELDS.iter().map(|key| Ok(Record::CustomField(definition(FieldKey::parse(key)?, now))));
    let mut put = fields.collect::<Result<Vec<_>>>()?;
    let setting = |id: &str, value| Record::Setting(Setting { id: id.to_owned(), value, updated_at: now });
    put.push(Record::User(administrator(user.clone(), now)));
    put.push(setting("API_Enable_Rate_Limiter", false.into()));
    put.push(setting(app::settings::DEFAULT_REGION, "DE".into()));
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(ADMIN_TOKEN));
    let token = Token { hash, user, created_at: now, personal: None };
    let base = store.directory().await?.revision;
    let changes = ChangeSet {
        directory: Some(DirectoryChange { base, put, remove: Vec::new() }),
        tokens: vec![TokenChange::Add(token)],
        ..ChangeSet::default()
    };
    store.commit(&changes).await?;

    let bar = progress(population.writers(), "visitors");
    let places: Vec<u64> = (0..population.writers()).collect();
    for places in places.chunks(usize::try_from(AT_A_TIME)?) {
        let visitors = places.iter().map(|place| VisitorChange::Create(visitor(population.writer_at(*place), now)));
        store.commit(&ChangeSet { visitors: visitors.collect(), ..ChangeSet::default() }).await?;
        bar.inc(places.len() as u64);
    }
    bar.finish_and_clear();
    store.close().await?;
    Ok(())
}

fn administrator(id: UserId, now: Timestamp) -> User {
    User {
        id,
        username: "bench".to_owned(),
        name: "Benchmark".to_owned(),
        emails: Vec::new(),
        roles: ["admin".to_owned(), "livechat-agent".to_owned()].into(),
        active: true,
        kind: "user".to_owned(),
        status: "online".to_owned(),
        status_text: None,
        livechat_status: Some("available".to_owned()),
        password_hash: None,
        require_password_change: false,
        bio: None,
        nickname: None,
        custom_fields: None,
        created_at: now,
        updated_at: now,
    }
}

fn definition(key: FieldKey, now: Timestamp) -> CustomFieldDefinition {
    CustomFieldDefinition {
        label: key.to_string(),
        key,
        scope: Scope::Visitor,
        visibility: "visible".to_owned(),
        kind: None,
        regexp: None,
        required: None,
        default_value: None,
        options: None,
        public: None,
        searchable: None,
        extra: Map::new(),
        updated_at: now,
    }
}

fn visitor(n: u64, now: Timestamp) -> Visitor {
    let person = Person::new(n);
    Visitor {
        name: Some(person.name),
        status: Some("online".to_owned()),
        ..Visitor::new(visitor_id(n), Some(visitor_token(n)), format!("guest-{n}"), now)
    }
}

/// Makes the contacts what they were when they were loaded, but for their revision.
pub(crate) async fn put_back(place: &Place, population: Population, touched: impl Iterator<Item = u64>) -> Result<()> {
    let touched: Vec<u64> = touched.collect();
    if touched.is_empty() {
        return Ok(());
    }
    let opened = place.open().await?;
    let store = opened.store();
    for some in touched.chunks(usize::try_from(AT_A_TIME)?) {
        let mut contacts = Vec::with_capacity(some.len());
        for n in some {
            let there = store.contact(&contact_id(*n)).await?.with_context(|| format!("contact {n} is gone"))?;
            let (mut contact, _) = population.contact(*n);
            contact.revision = there.revision.next();
            contacts.push(ContactChange::Update { base: there.revision, contact });
        }
        store.commit(&ChangeSet { contacts, ..ChangeSet::default() }).await?;
    }
    opened.settle_search().await?;
    store.close().await?;
    Ok(())
}

async fn put_all_back(place: &Place, population: Population) -> Result<()> {
    let disputed = (0..population.disputed()).map(|place| population.disputed_at(place));
    let writers = (0..population.writers()).map(|place| population.writer_at(place));
    put_back(place, population, disputed.chain(writers)).await
}

/// How long this disk takes to say that a small write is safe.
pub(crate) fn flush_time(folder: &Path) -> Result<Duration> {
    // Within a file that has its size, as the write-ahead log has after its first round.
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; 4096 * FLUSHES])?;
    file.sync_all()?;
    file.rewind()?;
    let mut times = Vec::new();
    for _ in 0..FLUSHES {
        let begun = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn progress(length: u64, of: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg} {per_sec} {elapsed_precise}")
        .expect("the template is one");
    ProgressBar::new(length).with_style(style).with_message(of)
}
