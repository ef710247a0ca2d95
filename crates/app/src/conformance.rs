//! What every store must do, as tests: a store is done when `store_conformance!` passes on it.
//!
//! Each promise is a function over a store that is empty and nobody else's; the list in the
//! macro names it once. The argument of the macro is an expression, evaluated for each test
//! within an async function: a pair of the store, made with [`render`], and a guard that is
//! kept for as long as the test runs (a folder, a server).

pub mod absences;
pub mod around;
pub mod commits;
pub mod contacts;
pub mod fixtures;
pub mod histories;
pub mod journals;
pub mod messages;
pub mod outbox;
pub mod pages;
pub mod reading;
pub mod room_search;
pub mod rooms;
pub mod search;
pub mod visitor_search;
pub mod windows;

use domain::contact::{Contact, Portrait};

/// What the stores under test render: enough of a contact to tell any two states of it apart.
pub fn render(contact: &Contact, portrait: &Portrait) -> String {
    format!("{} {:?} {portrait:?} {:?}", contact.id, contact.revision, contact.channels)
}

/// One test for each thing a store must do.
#[macro_export]
macro_rules! store_conformance {
    ($open:expr) => {
        $crate::store_conformance! { @tests $open;
            commits:
                a_commit_is_read_back_whole
                what_was_never_committed_is_not_there
                an_update_is_read_back_whole
                a_stale_commit_changes_nothing_at_all
                a_change_set_is_told_apart_from_what_is_stored_by_revision
                a_record_made_in_a_change_set_can_be_changed_in_it
                of_two_changes_to_one_record_in_a_change_set_on_one_base_neither_is_done
                of_two_changes_on_one_base_exactly_one_wins
                many_parallel_commits_on_different_contacts_all_land
                a_closed_store_refuses_everything;
            absences:
                an_absent_channel_is_honoured_both_ways
                an_absent_pre_registered_email_is_honoured_both_ways
                an_absent_pre_registered_phone_is_honoured_both_ways
                an_absent_visitor_token_is_honoured_both_ways
                an_absent_visitor_email_and_phone_are_honoured_both_ways
                an_absent_open_room_is_honoured_both_ways
                a_hundred_parallel_first_messages_make_one_contact
                a_channel_belongs_to_at_most_one_live_contact
                a_channel_moves_between_contacts_in_one_commit;
            contacts:
                a_contact_is_found_by_its_channel_alone
                contacts_of_a_visitor_come_oldest_first
                deleting_frees_the_channel_and_the_email
                a_deleted_contact_is_found_by_id_alone
                a_contact_exists_by_what_it_shows_now
                a_blank_address_matches_nobody
                pre_registered_finds_by_email_or_phone_the_oldest
                pre_registered_finds_only_those_that_wait
                figures_count_contacts_and_open_conflicts_right
                figures_count_what_was_committed_and_refused;
            search:
                a_search_finds_a_part_of_name_email_and_phone
                a_search_is_without_regard_to_case
                a_search_takes_terms_literally
                a_search_finds_terms_of_one_two_and_three_characters
                a_search_finds_whatever_matches_any_term
                no_term_matches_across_two_texts
                the_next_search_finds_what_was_committed
                a_search_after_an_update_finds_the_new_and_not_the_old
                a_search_sees_deletion_at_once
                unknown_contacts_are_searched_apart;
            pages:
                pages_concatenate_to_the_whole_in_every_order
                names_sort_byte_by_byte_and_blank_ones_first
                contacts_without_a_conversation_sort_first
                later_sort_keys_decide_ties_of_earlier_ones
                ties_go_by_order_of_creation_in_either_direction
                a_page_past_the_end_is_empty_and_tells_the_total;
            journals:
                a_journal_comes_newest_first_up_to_the_limit
                a_journal_entry_is_read_back_whole
                redaction_takes_the_values_and_leaves_the_acts
                redaction_spares_other_contacts;
            rooms:
                a_room_is_read_back_whole
                of_rooms_asked_for_those_that_are_there_are_read
                open_rooms_of_a_visitor_come_oldest_first_until_closed
                a_rename_reaches_every_room_of_the_contact
                a_rename_outlives_a_room_decided_on_before_it
                removing_the_rooms_of_a_visitor_spares_the_others
                changes_to_rooms_take_place_in_their_order
                open_rooms_are_counted_by_agent
                a_stale_room_is_refused
                a_room_is_found_by_its_place_in_the_queue
                the_removal_of_a_room_rests_on_its_revision
                a_room_is_made_and_removed_and_made_anew_in_one_commit;
            messages:
                a_message_is_read_back_whole
                of_messages_asked_for_those_that_are_there_are_read
                what_a_store_committed_itself_is_no_news_to_it
                an_edited_message_keeps_its_place
                a_stale_message_is_refused
                a_stale_message_holds_up_its_whole_change_set
                of_two_messages_with_one_id_the_second_is_refused
                of_many_messages_with_one_id_exactly_one_lands
                a_message_of_a_conversation_that_is_not_there_is_refused
                changes_to_messages_take_place_in_their_order
                messages_come_newest_first_and_those_of_one_instant_by_arrival
                a_stretch_lies_between_its_instants
                pages_of_messages_concatenate
                a_hidden_page_is_read_only_in_the_walk
                a_conversation_takes_its_messages_with_it
                a_conversation_made_anew_has_no_earlier_messages;
            room_search:
                rooms_are_found_by_each_criterion_alone
                rooms_are_found_by_any_two_criteria
                rooms_are_found_by_all_criteria_at_once
                rooms_are_found_without_regard_to_case_and_literally
                what_is_said_is_found_and_what_the_house_notes_is_not
                periods_include_their_ends
                rooms_sort_by_each_key_both_ways_and_ties_by_creation
                later_keys_decide_between_rooms_that_tie
                pages_of_rooms_concatenate
                a_room_is_found_as_it_is_now;
            visitor_search:
                a_term_finds_a_part_of_name_username_and_the_fields_named
                a_term_finds_an_email_and_a_phone_only_whole
                a_prefix_finds_the_start_of_a_name
                a_prefix_passes_over_the_usernames_left_out
                exact_criteria_must_all_hold
                visitors_are_searched_literally_and_without_regard_to_case
                no_search_for_visitors_matches_across_two_texts
                a_blank_key_finds_no_visitor
                a_deleted_visitor_is_found_by_nothing
                a_visitor_is_found_as_it_is_now
                pages_of_visitors_concatenate_newest_first;
            around:
                a_visitor_is_found_by_token_email_and_phone
                of_several_visitors_with_an_email_the_oldest_is_found
                a_visitor_is_not_found_by_what_it_no_longer_has
                a_stale_visitor_is_refused
                directory_rows_are_put_and_removed
                a_change_on_an_older_directory_is_refused
                tokens_are_added_and_revoked
                revoking_all_tokens_of_a_user_spares_those_named
                a_token_is_found_by_its_hash_until_it_is_revoked
                heads_move_with_the_small_tables_and_with_tokens_and_with_nothing_else
                counters_add_up
                parallel_draws_never_give_a_number_twice
                the_outbox_counts_every_event;
            outbox:
                events_wait_in_their_order_and_are_read_back_whole
                no_more_events_are_read_than_asked_for
                events_are_taken_out_exactly_and_counted
                the_outbox_is_one_readers_until_its_time_is_over
                a_reader_who_is_late_takes_nothing_out
                of_many_who_want_the_outbox_exactly_one_gets_it
                no_event_is_lost_while_others_are_taken_out;
            windows:
                a_window_counts_until_it_ends_and_then_begins_anew
                windows_of_others_are_not_concerned
                a_window_that_is_given_more_lets_through_again
                the_failure_that_reaches_the_limit_begins_the_block
                failures_beyond_the_limit_do_not_make_the_block_longer
                failures_far_apart_never_add_up
                forgetting_wipes_the_slate
                of_many_who_count_at_once_each_has_a_number_of_its_own
                of_many_failures_at_once_the_one_that_reaches_the_limit_begins_the_block;
            histories:
                a_random_history_leaves_the_store_equal_to_its_model
                another_random_history_leaves_the_store_equal_to_its_model
                a_third_random_history_leaves_the_store_equal_to_its_model;
        }
    };
    (@tests $open:expr; $($file:ident: $($promise:ident)*;)*) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let (store, _guard) = $open;
                $crate::conformance::$file::$promise(&store).await;
            }
        )*)*
    };
}

#[cfg(test)]
mod tests {
    /// A promise written and not listed would be one that no store is held to.
    #[test]
    fn every_promise_is_listed() {
        let list = include_str!("conformance.rs");
        let files = [
            include_str!("conformance/absences.rs"),
            include_str!("conformance/around.rs"),
            include_str!("conformance/commits.rs"),
            include_str!("conformance/contacts.rs"),
            include_str!("conformance/histories.rs"),
            include_str!("conformance/journals.rs"),
            include_str!("conformance/messages.rs"),
            include_str!("conformance/outbox.rs"),
            include_str!("conformance/pages.rs"),
            include_str!("conformance/room_search.rs"),
            include_str!("conformance/rooms.rs"),
            include_str!("conformance/search.rs"),
            include_str!("conformance/visitor_search.rs"),
            include_str!("conformance/windows.rs"),
        ];
        let promises: Vec<&str> = files
            .iter()
            .flat_map(|file| file.lines())
            .filter_map(|line| line.strip_prefix("pub async fn ")?.strip_suffix("(store: &Shared) {"))
            .collect();
        assert!(promises.len() > 50, "found only {promises:?}");
        for promise in promises {
            assert!(list.lines().any(|line| line.trim().trim_end_matches(';') == promise), "`{promise}` is not listed");
        }
    }
}
