//! What other servers committed in conversations since it was last looked at, in one statement.
//!
//! Each log is read in the order of its numbers, and the logs are put together by the clock of the
//! database: what one conversation had committed one after the other was written one after the
//! other, since whoever changes it holds its row. Rows that are gone before they were read are
//! noticed by what their log says of them, whatever the clocks say. A row that cannot be read, or of
//! a kind that only a later version knows, is passed over: what comes after it is heard.
//! Evidence: the tests below; `tests/it/postgres/happenings.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::sync::Once;
use std::time::{Duration, Instant};

use app::store::{Happened, Marks, News, StoreError};
use domain::ids::{MessageId, RoomId};
use tokio_postgres::Row;

use super::connection::Connection;
use super::happenings::{Logs, MESSAGE, MESSAGE_REMOVED, NOT_TYPING, ROOM, TYPING};
use super::read::{Read, bound};
use super::text::unescaped;
use crate::key::parsed;

/// Whoever has not looked for so long cannot know of logs that are forgotten meanwhile; half as long
/// as logs are kept in mind.
const LOOKS_AT_LEAST_EVERY: Duration = Duration::from_secs(30 * 60);

/// What one log holds that was not read yet.
#[derive(Debug, Default)]
struct Unread {
    rows: VecDeque<Entry>,
    /// There may be more.
    is_cut: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    seq: i64,
    at: i64,
    /// None, where it is passed over.
    happened: Option<Happened>,
}

pub(super) async fn news(connection: &Connection, logs: &Logs, since: &Marks, limit: usize) -> Read<News> {
    let looked_at = Instant::now();
    let Some(before) = since.looked_at else { return begin(connection, logs, false).await };
    if looked_at.duration_since(before) > LOOKS_AT_LEAST_EVERY {
        return begin(connection, logs, true).await;
    }
    let mut marks = since.by_writer.clone();
    let doubts = logs.doubts();
    for (writer, known) in &doubts {
        marks.entry(*writer).or_insert(*known);
    }
    let sql = "SELECT w.writer, w.pruned, h.seq, h.at, h.kind, h.room, h.subject \
               FROM writers AS w \
               LEFT JOIN unnest($1::bigint[], $2::bigint[]) AS m (writer, seq) ON m.writer = w.writer \
               LEFT JOIN LATERAL (SELECT h.seq, h.at, h.kind, h.room, h.subject FROM happenings AS h \
                                  WHERE h.writer = w.writer AND h.seq > coalesce(m.seq, 0) \
                                  ORDER BY h.seq LIMIT $3) AS h ON true \
               WHERE w.server <> $4 OR w.writer = ANY ($5) \
               ORDER BY w.writer, h.seq";
    let (writers, seqs): (Vec<i64>, Vec<i64>) = marks.iter().unzip();
    let doubted: Vec<i64> = doubts.iter().map(|(writer, _)| *writer).collect();
    let rows = connection.query(sql, &[&writers, &seqs, &bound(limit), &logs.server, &doubted]).await?;
    let mut unread: BTreeMap<i64, Unread> = BTreeMap::new();
    let mut read = BTreeMap::new();
    for row in &rows {
        let (writer, pruned): (i64, i64) = (row.get(0), row.get(1));
        // A log that is new began after the last look, so nothing of it was read.
        let mark = marks.get(&writer).copied().unwrap_or(0);
        if pruned > mark {
            return begin(connection, logs, true).await;
        }
        read.insert(writer, mark);
        if let Some(entry) = to_entry(row) {
            unread.entry(writer).or_default().rows.push_back(entry);
        }
    }
    for unread in unread.values_mut() {
        unread.is_cut = unread.rows.len() >= limit;
    }
    let (happened, goes_on) = merge(unread, limit, &mut read);
    Ok(News { happened, marks: Marks { looked_at: Some(looked_at), by_writer: read }, goes_on, has_gap: false })
}

/// Nothing so far, and all that comes from here on.
async fn begin(connection: &Connection, logs: &Logs, has_gap: bool) -> Read<News> {
    let looked_at = Instant::now();
    let sql = "SELECT w.writer, greatest(w.pruned, coalesce(h.seq, 0)) FROM writers AS w \
               LEFT JOIN LATERAL (SELECT h.seq FROM happenings AS h WHERE h.writer = w.writer \
                                  ORDER BY h.seq DESC LIMIT 1) AS h ON true \
               WHERE w.server <> $1 OR w.writer = ANY ($2)";
    let doubted: Vec<i64> = logs.doubts().into_iter().map(|(writer, _)| writer).collect();
    let rows = connection.query(sql, &[&logs.server, &doubted]).await?;
    let by_writer = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let marks = Marks { looked_at: Some(looked_at), by_writer };
    Ok(News { happened: Vec::new(), marks, goes_on: false, has_gap })
}

/// The earliest of all logs, one after the other, as far as all of them are known, and up to how
/// many are wanted. Whether there may be more, and which are read then.
fn merge(mut unread: BTreeMap<i64, Unread>, limit: usize, read: &mut BTreeMap<i64, i64>) -> (Vec<Happened>, bool) {
    let mut happened = Vec::new();
    loop {
        let first = unread.iter().filter_map(|(writer, log)| Some((log.rows.front()?.at, *writer))).min();
        let Some((_, writer)) = first else { return (happened, false) };
        if happened.len() >= limit {
            return (happened, true);
        }
        let log = unread.get_mut(&writer).expect("it was just seen");
        let Some(entry) = log.rows.pop_front() else { return (happened, false) };
        read.insert(writer, entry.seq);
        happened.extend(entry.happened);
        if log.rows.is_empty() && log.is_cut {
            // What comes next of this log may be earlier than what the others have.
            return (happened, true);
        }
    }
}

fn to_entry(row: &Row) -> Option<Entry> {
    let (writer, seq): (i64, i64) = (row.get(0), row.get::<_, Option<i64>>(2)?);
    let happened = to_happened(row).unwrap_or_else(|error| {
        tracing::warn!(writer, seq, error = &error as &dyn Error, "what happened cannot be read; it is passed over");
        None
    });
    Some(Entry { seq, at: row.get(3), happened })
}

/// None of a kind that only a later version knows.
fn to_happened(row: &Row) -> Result<Option<Happened>, StoreError> {
    static IS_SAID: Once = Once::new();
    let room = || parsed("happenings", row.get(5), RoomId::parse);
    let subject: &str = row.get::<_, Option<&str>>(6).unwrap_or_default();
    let message = || parsed("happenings", subject, MessageId::parse);
    Ok(Some(match row.get(4) {
        MESSAGE => Happened::Message { room: room()?, message: message()? },
        MESSAGE_REMOVED => Happened::MessageRemoved { room: room()?, message: message()? },
        ROOM => Happened::Room(room()?),
        kind @ (TYPING | NOT_TYPING) => {
            Happened::Typing { room: room()?, who: unescaped(subject).into_owned(), is_typing: kind == TYPING }
        }
        kind => {
            IS_SAID.call_once(|| {
                tracing::warn!(kind, "another server tells what only a later version knows; it is passed over");
            });
            return Ok(None);
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(is_cut: bool, entries: &[(i64, i64)]) -> Unread {
        let room = |at| Happened::Room(RoomId::parse(&format!("at-{at}")).unwrap());
        let rows = entries.iter().map(|(seq, at)| Entry { seq: *seq, at: *at, happened: Some(room(*at)) }).collect();
        Unread { rows, is_cut }
    }

    fn merged(logs: Vec<Unread>, limit: usize) -> (Vec<String>, bool, Vec<i64>) {
        let mut read = BTreeMap::new();
        let (happened, goes_on) = merge((1..).zip(logs).collect(), limit, &mut read);
        (happened.iter().map(|one| one.room().to_string()).collect(), goes_on, read.into_values().collect())
    }

    #[test]
    fn logs_are_put_together_by_the_clock() {
        let (happened, goes_on, read) = merged(vec![log(false, &[(1, 10), (2, 30)]), log(false, &[(7, 20)])], 10);
        assert_eq!(happened, ["at-10", "at-20", "at-30"]);
        assert_eq!((goes_on, read), (false, vec![2, 7]));
    }

    #[test]
    fn a_log_keeps_its_order_whatever_the_clock_says() {
        let (happened, _, read) = merged(vec![log(false, &[(1, 30), (2, 10)]), log(false, &[(1, 20)])], 10);
        assert_eq!(happened, ["at-20", "at-30", "at-10"]);
        assert_eq!(read, [2, 1]);
    }

    #[test]
    fn nothing_overtakes_what_was_not_read_yet() {
        let (happened, goes_on, read) =
            merged(vec![log(true, &[(1, 10), (2, 20)]), log(false, &[(1, 15), (2, 25)])], 10);
        assert_eq!(happened, ["at-10", "at-15", "at-20"]);
        assert_eq!((goes_on, read), (true, vec![2, 1]));
    }

    #[test]
    fn no_more_is_handed_out_than_wanted_and_the_rest_is_left() {
        let (happened, goes_on, read) = merged(vec![log(false, &[(1, 10)]), log(false, &[(1, 15), (2, 25)])], 2);
        assert_eq!(happened, ["at-10", "at-15"]);
        assert_eq!((goes_on, read), (true, vec![1, 1]));
        let (_, goes_on, _) = merged(vec![log(false, &[(1, 10)])], 1);
        assert!(!goes_on);
    }
}
