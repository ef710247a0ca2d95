//! The order of conversations as SQL says it, which is the same in every database: their columns
//! have the same names.
//!
//! Evidence: the conformance suite (`room_search.rs`).

use app::store::RoomSortKey;

/// Ties go by order of creation, in the direction of the first key.
pub(crate) fn order_of_rooms(sort: &[(RoomSortKey, bool)]) -> String {
    let direction = |descending: bool| if descending { "DESC" } else { "ASC" };
    let keys = sort.iter().map(|(key, descending)| {
        let column = match key {
            RoomSortKey::OpenedAt => "opened_at",
            RoomSortKey::ClosedAt => "closed_at",
            RoomSortKey::LastMessageAt => "last_message_at",
            RoomSortKey::Name => "name",
            RoomSortKey::Messages => "messages",
        };
        (column, *descending)
    });
    let last = ("n", sort.first().is_some_and(|(_, descending)| *descending));
    let keys: Vec<String> =
        keys.chain([last]).map(|(column, descending)| format!("{column} {}", direction(descending))).collect();
    format!(" ORDER BY {}", keys.join(", "))
}
