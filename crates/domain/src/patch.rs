//! Three answers where an `Option` has two: a field left out is not a field cleared.

/// What a request asks of one field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The request does not speak of it.
    #[default]
    Keep,
    /// The request empties it.
    Clear,
    /// The request gives it this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the request speaks of the field at all.
    pub fn is_given(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}
