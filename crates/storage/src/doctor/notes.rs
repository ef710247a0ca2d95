//! What a look writes down while it goes on: what it found, what can be done about it, how far it is.

use super::{Examination, Examined, Finding, Remedy, Step};

/// How many rows are looked at between two steps that are told.
const ROWS_A_STEP: u64 = 4096;

/// What a database can do about a finding.
pub(crate) trait Mending {
    /// What that is, in words.
    fn remedy(&self) -> Remedy;
}

/// The notes of one look.
pub(crate) struct Notes<'a, M> {
    progress: &'a mut dyn FnMut(Step),
    pub(crate) found: Examination,
    /// What can be done, in the order of what was found.
    pub(crate) mends: Vec<M>,
}

impl<'a, M: Mending> Notes<'a, M> {
    pub(crate) fn new(progress: &'a mut dyn FnMut(Step)) -> Self {
        Self { progress, found: Examination::default(), mends: Vec::new() }
    }

    pub(crate) fn find(&mut self, table: &'static str, key: impl Into<String>, problem: impl Into<String>, mend: M) {
        let remedy = mend.remedy();
        self.found.findings.push(Finding { table, key: key.into(), problem: problem.into(), remedy });
        if remedy.is_known() {
            self.mends.push(mend);
        }
    }

    pub(crate) fn step(&mut self, table: &'static str, rows: u64) {
        if rows.is_multiple_of(ROWS_A_STEP) {
            (self.progress)(Step { table, rows });
        }
    }

    pub(crate) fn looked_at(&mut self, table: &'static str, rows: u64) {
        self.found.tables.push(Examined { table, rows });
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).expect("four bits are one digit"));
        }
        text
    })
}
