//! Opening both ends of a copy, or saying why not. Until it is known that a destination may be
//! filled, it is only read.
//!
//! Evidence: `tests/it/transfer/refusals.rs`.

use super::ends::{Destination, Source, Standing};
use super::{TransferError, TransferOptions};
use crate::postgres::PostgresEnd;
use crate::sqlite::{SqliteEnd, is_same_file, path_of};
use crate::{OpenError, is_postgres};

/// Both ends of a copy, ready.
pub(super) struct Ends {
    pub(super) source: Box<dyn Source>,
    pub(super) destination: Box<dyn Destination>,
    pub(super) was_begun: bool,
}

pub(super) async fn open(from: &str, to: &str, options: &TransferOptions) -> Result<Ends, TransferError> {
    if from == "memory:" || to == "memory:" {
        return Err(TransferError::Memory);
    }
    if let Some(path) = path_of(from) {
        if path_of(to).is_some_and(|to| is_same_file(path, to)) {
            return Err(TransferError::Itself { to: to.to_owned() });
        }
        if !path.exists() {
            return Err(TransferError::Absent { from: from.to_owned() });
        }
    }
    let mut source = reach(from, options).await?;
    let mut destination = reach(to, options).await?;
    let (from, to) = (source.shown(), destination.shown());
    let fingerprint = source.fingerprint().await;
    if from == to || (fingerprint.is_some() && fingerprint == destination.fingerprint().await) {
        return Err(TransferError::Itself { to });
    }
    let (found, known) = source.versions().await?;
    if found != known {
        return Err(TransferError::Outdated { from, found, known });
    }
    let refused = |database: &str| {
        let database = database.to_owned();
        |source| TransferError::Refused { database, source }
    };
    if let Standing::Unfinished { of } = source.standing().await.map_err(refused(&from))? {
        return Err(TransferError::Unfinished { from, of });
    }
    let was_begun = match destination.standing().await.map_err(refused(&to))? {
        Standing::Empty => false,
        Standing::Filled { table } => return Err(TransferError::NotEmpty { to, table }),
        Standing::Unfinished { of } if of == from => true,
        Standing::Unfinished { of } => return Err(TransferError::OfAnother { to, of }),
    };
    assert_unused(source.as_mut(), &from).await?;
    assert_unused(destination.as_mut(), &to).await?;
    destination.prepare(&from).await?;
    Ok(Ends { source, destination, was_begun })
}

/// Refuses an end where somebody is who may write to it.
pub(super) async fn assert_unused<E: Source + ?Sized>(end: &mut E, name: &str) -> Result<(), TransferError> {
    let database = name.to_owned();
    match end.others().await {
        Ok(0) => Ok(()),
        Ok(sessions) => Err(TransferError::InUse { database, sessions }),
        Err(source) => Err(TransferError::Refused { database, source }),
    }
}

async fn reach(url: &str, options: &TransferOptions) -> Result<Box<dyn Destination>, OpenError> {
    match path_of(url) {
        Some(path) => Ok(Box::new(SqliteEnd::open(path, options.batch)?)),
        None if is_postgres(url) => Ok(Box::new(PostgresEnd::reach(url, &options.postgres, options.batch).await?)),
        None => Err(OpenError::UnknownUrl { url: url.to_owned() }),
    }
}
