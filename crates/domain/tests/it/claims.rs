//! The rule at the heart, row by row: the examples, the table of the fold, and what follows.

use domain::contact::FieldName;
use domain::field::{
    Again, BYTES_PER_FIELD, ENTRIES_PER_FIELD, OPEN_RIVALS_PER_AUTHOR, SETTLED_KEPT, Said, Taken, Why,
};
use domain::history::Seq;

use crate::support::{
    Step, Story, assert, at, author, clear, custom, edit_another_field, offer, resolve, resolve_with_nothing, undo,
    update, user_id, wipe,
};

fn check(steps: &[Step], expected: &str) {
    assert_eq!(Story::of_name(steps).shows(), expected, "after {steps:?}");
}

fn check_unknown(steps: &[Step], expected: &str) {
    assert_eq!(Story::unknown(FieldName::Name).then(steps).shows(), expected, "after {steps:?}");
}

fn check_custom(steps: &[Step], expected: &str) {
    for story in [Story::known(custom("tier")), Story::unknown(custom("tier"))] {
        assert_eq!(story.then(steps).shows(), expected, "after {steps:?}");
    }
}

#[test]
fn what_is_said_first_is_shown_and_what_differs_is_a_rival() {
    check(&[offer('A', "Ana")], "Ana |");
    check(&[offer('A', "Ana"), offer('W', "Ana Roe")], "Ana | Ana Roe");
    check(&[offer('A', "Ana"), offer('W', "Ana Roe"), offer('W', "ana roe")], "Ana | Ana Roe, ana roe");
    let spaced = [offer('A', "Ana"), offer('W', "Ana Roe"), offer('W', "ana roe"), offer('W', " Ana  Roe ")];
    check(&spaced, "Ana | Ana Roe, ana roe");
}

#[test]
fn an_unknown_contact_takes_the_latest_name() {
    check_unknown(&[offer('A', "Ana"), offer('W', "Ana Roe")], "Ana Roe |");
}

#[test]
fn settled_stays_settled_for_who_had_said_it_and_for_nobody_else() {
    check(&[offer('A', "Ana"), offer('W', "Anna"), resolve('g', "Anna")], "Anna |");
    check(&[offer('A', "Ana"), offer('W', "Anna"), resolve('g', "Anna"), offer('A', "Ana")], "Anna |");
    let third = [offer('A', "Ana"), offer('W', "Anna"), resolve('g', "Anna"), offer('A', "Ana"), offer('M', "Ana")];
    check(&third, "Anna | Ana");
}

#[test]
fn an_edit_takes_away_the_rival_it_chooses_and_leaves_the_others() {
    check(&[offer('A', "Ana"), offer('W', "Anna"), update('g', "Anna")], "Anna |");
    check(&[offer('A', "Ana"), offer('W', "Anna"), update('g', "Anne")], "Anne | Anna");
    check(&[offer('A', "Ana"), offer('W', "Anna"), update('g', "Anne"), offer('A', "Ana")], "Anne | Anna");
}

#[test]
fn a_wipe_keeps_what_is_shown_and_its_undo_brings_the_rivals_back() {
    check(&[offer('A', "Ana"), offer('W', "Anna"), wipe('g')], "Ana |");
    check(&[offer('A', "Ana"), offer('W', "Anna"), wipe('g'), undo(3)], "Ana | Anna");
}

#[test]
fn a_resolution_undone_under_a_later_edit_brings_back_rivals_and_not_the_value() {
    let steps = [offer('A', "Ana"), offer('W', "Anna"), resolve('g', "Anna"), update('h', "Anne"), undo(3)];
    check(&steps, "Anne | Anna");
}

#[test]
fn an_undo_can_itself_be_undone() {
    let steps = [offer('A', "Ana"), offer('W', "Anna"), wipe('g'), undo(3)];
    check(&[&steps[..], &[undo(4)]].concat(), "Ana |");
    check(&[&steps[..], &[undo(4), undo(5)]].concat(), "Ana | Anna");
}

#[test]
fn only_what_is_past_and_not_undone_can_be_undone() {
    let mut story = Story::of_name(&[offer('A', "Ana"), update('g', "Anne"), undo(2)]);
    let history = &mut story.contact.history;
    history.begin(&author('g'), at(9));
    assert_eq!(history.withdraw(story.steps[1]), None, "it is undone already");
    assert_eq!(history.withdraw(history.upcoming()), None, "it has not happened");
    let drawn = history.draw();
    assert_eq!(history.withdraw(drawn), None, "it is happening");
}

#[test]
fn what_is_asserted_is_shown_and_is_no_rival() {
    check_custom(&[assert('A', "gold"), offer('A', "silver"), assert('A', "silver")], "silver |");
    check_custom(&[assert('A', "gold"), offer('A', "silver"), assert('A', "bronze")], "bronze | silver");
    check_custom(&[assert('A', "gold"), offer('A', "gold")], "gold |");
}

#[test]
fn a_manager_is_taken_away_with_every_rival_by_resolving_with_nothing() {
    let story = Story::known(FieldName::Manager);
    let story = story.then(&[update('g', "agent-1"), offer('W', "agent-2"), resolve_with_nothing('g')]);
    assert_eq!(story.shows(), "- |");
    assert_eq!(story.contact.manager_id(), None);
    let story = Story::known(FieldName::Manager).then(&[update('g', "agent-1"), offer('W', "agent-2")]);
    assert_eq!(story.contact.manager_id(), Some(user_id("agent-1")));
}

/// S with L's claims, and L as it was.
fn merged() -> (Story, Story, Seq) {
    let mut survivor = Story::of_name(&[offer('A', "Ana")]);
    let other = Story::of_name(&[offer('W', "Anna"), offer('T', "Ann")]);
    let union = survivor.merge(&other);
    (survivor, other, union)
}

#[test]
fn a_merge_offers_what_the_other_contact_shows_and_then_its_rivals() {
    let (survivor, ..) = merged();
    assert_eq!(survivor.shows(), "Ana | Anna, Ann");
}

#[test]
fn a_contact_taken_apart_again_takes_along_what_its_channels_have_said_since() {
    let (survivor, mut other, union) = merged();
    let mut survivor = survivor.then(&[offer('W', "Annie"), offer('A', "Annabel")]);
    assert_eq!(survivor.shows(), "Ana | Anna, Ann, Annie, Annabel");
    survivor.unmerge(union, &['W', 'T'], &mut other);
    assert_eq!(survivor.shows(), "Ana | Annabel");
    assert_eq!(other.shows(), "Anna | Ann, Annie");
}

#[test]
fn a_channel_repeating_after_the_merge_what_it_said_before_says_it_to_its_own_contact() {
    let (survivor, mut other, union) = merged();
    let mut survivor = survivor.then(&[offer('W', "Anna"), update('g', "Anne")]);
    survivor.unmerge(union, &['W', 'T'], &mut other);
    assert_eq!(survivor.shows(), "Anne |", "a decision stays with the survivor");
    assert_eq!(other.shows(), "Anna | Ann");
    assert_eq!(other.field().entries()[0].again, Some(Again(1, at(3))));
}

#[test]
fn authors_keep_their_claims_and_their_settled_values_in_a_merge() {
    let mut survivor = Story::of_name(&[offer('A', "Ana")]);
    let other = Story::of_name(&[offer('T', "Tina"), offer('W', "Anna"), resolve('g', "Anne"), offer('T', "Ann")]);
    survivor.merge(&other);
    assert_eq!(survivor.shows(), "Ana | Anne, Ann");
    let said = survivor.clone().then(&[offer('T', "Tina"), offer('W', "Anna"), offer('T', "Ann"), wipe('g')]);
    assert_eq!(said.shows(), "Ana |");
    let said = said.then(&[offer('T', "Ann"), offer('W', "Ann"), offer('W', "Tina")]);
    assert_eq!(said.shows(), "Ana | Ann, Tina");
}

#[test]
fn a_merge_fills_what_is_empty_and_treats_the_survivor_as_known() {
    let other = Story::of_name(&[offer('W', "Anna")]);
    let mut empty = Story::of_name(&[]);
    empty.merge(&other);
    assert_eq!(empty.shows(), "Anna |");
    assert_eq!(empty.state().why, Some(Why::Merged));
    let mut unknown = Story::unknown(FieldName::Name).then(&[offer('A', "Ana")]);
    unknown.merge(&other);
    assert_eq!(unknown.shows(), "Ana | Anna");
}

#[test]
fn a_claim_of_two_where_one_was_settled_is_offered_by_the_other() {
    let mut survivor = Story::of_name(&[offer('A', "Ana"), offer('W', "Anna"), wipe('g')]);
    survivor.merge(&Story::of_name(&[offer('W', "Anna"), offer('T', "Anna")]));
    assert_eq!(survivor.shows(), "Ana | Anna");
    assert_eq!(voices(&survivor, 0), ["T"]);
}

/// Who stands behind a rival.
fn voices(story: &Story, rival: usize) -> Vec<String> {
    let authors = story.state().rivals[rival].voices.clone();
    let authors = authors.into_iter().map(|voice| story.contact.history.author(voice).unwrap().clone());
    authors.map(|one| ('A'..='z').find(|letter| author(*letter) == one).unwrap().to_string()).collect()
}

#[test]
fn every_row_of_the_fold_does_what_it_says() {
    check(&[offer('A', " ")], "- |");
    check(&[offer('A', "Ana"), offer('W', "")], "Ana |");
    check(&[clear('g'), offer('A', "Ana")], "Ana |");
    check(&[assert('A', ""), offer('W', "Ana")], "Ana |");
    check(&[offer('A', "Ana"), offer('W', "Anna"), offer('M', "Anna"), offer('M', "Ana")], "Ana | Anna");
    check(&[offer('A', "Ana"), offer('W', "Anna"), assert('M', "Anna")], "Anna |");
    check(&[offer('A', "Ana"), offer('W', "Anna"), clear('g')], "- | Anna");
    check(&[offer('A', "Ana"), offer('W', "Anna"), resolve_with_nothing('g')], "- |");
    check(&[offer('A', "Ana"), offer('W', "Anna"), resolve('g', "  ")], "   |");
    check(&[offer('A', "Ana"), update('g', "Anne"), offer('A', "Ana")], "Anne |");
    check(&[assert('A', "Ana"), assert('W', "Anne"), offer('A', "Ana")], "Anne | Ana");
}

#[test]
fn a_voice_is_added_to_the_claim_it_agrees_with() {
    let story = Story::of_name(&[offer('A', "Ana"), offer('W', "Anna"), offer('M', " Anna"), offer('M', "Anna")]);
    assert_eq!(story.shows(), "Ana | Anna");
    assert_eq!(voices(&story, 0), ["W", "M"]);
}

#[test]
fn a_cleared_field_stays_clear_for_who_was_heard_and_is_filled_by_anyone_new() {
    let cleared = [offer('A', "Ana"), offer('W', "Anna"), clear('g')];
    check(&[&cleared[..], &[offer('A', "Ana"), offer('W', "Anna")]].concat(), "- | Anna");
    check(&[&cleared[..], &[offer('M', "Anna")]].concat(), "Anna |");
    check(&[&cleared[..], &[offer('M', "Ana")]].concat(), "Ana | Anna");
    check(&[offer('A', "Ana"), resolve_with_nothing('g'), offer('A', "Ana")], "- |");
}

#[test]
fn an_unknown_contact_keeps_what_it_showed_as_a_past_claim() {
    let story = Story::unknown(FieldName::Name).then(&[offer('A', "Ana"), offer('W', "Anna")]);
    assert!(story.state().settled.is_empty(), "nobody decided against it");
    assert_eq!(story.field().entries().len(), 2);
    let known = story.clone().then(&[edit_another_field('g'), offer('A', "Ana")]);
    assert_eq!(known.shows(), "Anna | Ana");
    let again = story.then(&[offer('A', "Ana")]);
    assert_eq!(again.shows(), "Ana |", "the latest is shown, said before or not");
}

#[test]
fn what_made_the_contact_known_is_undone_with_its_act() {
    let steps = [offer('A', "Ana"), edit_another_field('g'), offer('W', "Anna")];
    check_unknown(&steps, "Ana | Anna");
    check_unknown(&[&steps[..], &[undo(2)]].concat(), "Anna |");
    check_unknown(&[&steps[..], &[undo(2), undo(4)]].concat(), "Ana | Anna");
}

#[test]
fn a_custom_field_of_an_unknown_contact_is_flagged_as_of_a_known_one() {
    check_custom(&[offer('A', "123"), offer('W', "456")], "123 | 456");
}

#[test]
fn why_a_value_is_shown_is_told_with_the_entry_that_put_it_there() {
    let check = |steps: &[Step], why: Why, step: usize| {
        let story = Story::unknown(FieldName::Name).then(steps);
        let state = story.state();
        assert_eq!(state.why, Some(why), "after {steps:?}");
        assert_eq!(state.shown.map(|shown| shown.n), Some(story.steps[step - 1]), "after {steps:?}");
    };
    check(&[offer('A', "Ana")], Why::First, 1);
    check(&[offer('A', "Ana"), offer('W', "Ana")], Why::First, 1);
    check(&[offer('A', "Ana"), offer('W', "Anna")], Why::Unknown, 2);
    check(&[offer('A', "Ana"), assert('W', "Anna")], Why::Asserted, 2);
    check(&[offer('A', "Ana"), update('g', "Ana")], Why::Updated, 2);
    check(&[offer('A', "Ana"), resolve('g', "Anna"), offer('W', "Anne")], Why::Resolved, 2);
    check(&[offer('A', "Ana"), resolve('g', "Anna"), undo(2)], Why::First, 1);
}

#[test]
fn a_repeat_is_no_entry_but_moves_the_count_and_the_last_time() {
    let mut story = Story::of_name(&[offer('A', "Ana"), offer('W', "Anna")]);
    assert_eq!(story.take(&offer('W', "Anna ")), Taken::Again);
    assert_eq!(story.take(&offer('A', "Ana")), Taken::Again);
    assert_eq!(story.take(&offer('W', "Anna")), Taken::Again);
    let again: Vec<Option<Again>> = story.field().entries().iter().map(|entry| entry.again).collect();
    assert_eq!(again, [Some(Again(1, at(4))), Some(Again(2, at(5)))]);
    assert_eq!(story.shows(), "Ana | Anna");
}

#[test]
fn a_repeat_of_what_was_settled_is_counted_too() {
    let mut story = Story::of_name(&[offer('A', "Ana"), resolve('g', "Anna")]);
    assert_eq!(story.take(&offer('A', "Ana")), Taken::Again);
    assert_eq!(story.field().entries()[0].again, Some(Again(1, at(3))));
}

#[test]
fn an_assertion_is_no_repeat_once_anything_was_decided() {
    let mut story = Story::known(custom("tier")).then(&[assert('A', "gold"), assert('W', "gold"), offer('M', "tin")]);
    assert_eq!(story.take(&assert('A', "gold")), Taken::Again);
    let mut story = story.then(&[update('g', "gold")]);
    assert_eq!(story.take(&assert('A', "gold")), Taken::Recorded, "g's edit may be undone");
    let mut story = Story::known(custom("tier")).then(&[offer('A', "gold"), update('g', "tin"), update('h', "gold")]);
    assert_eq!(story.take(&assert('A', "gold")), Taken::Recorded);
    assert_eq!(story.then(&[undo(3)]).shows(), "gold |", "it was asserted after g's edit");
}

#[test]
fn the_decision_of_another_agent_stands_on_its_own() {
    let twice = [offer('A', "Ana"), update('g', "Anne"), update('g', "Anne")];
    check(&[&twice[..], &[undo(2)]].concat(), "Ana |");
    let another = [offer('A', "Ana"), update('g', "Anne"), update('h', "Anne")];
    check(&[&another[..], &[undo(2)]].concat(), "Anne |");
    let again = [offer('A', "Ana"), update('g', "Anne"), undo(2), update('g', "Anne")];
    check(&again, "Anne |");
}

#[test]
fn the_ninth_rival_of_an_author_settles_that_authors_oldest() {
    let names: Vec<String> = (1..=OPEN_RIVALS_PER_AUTHOR + 1).map(|i| format!("name {i}")).collect();
    let mut steps = vec![offer('A', "Ana"), offer('M', "mine")];
    steps.extend(names.iter().map(|name| offer('W', name)));
    let story = Story::of_name(&steps);
    assert_eq!(story.shows(), format!("Ana | mine, {}", names[1..].join(", ")));
    assert_eq!(story.state().settled[0].value, "name 1");
    assert_eq!(story.field().entries().len(), steps.len(), "nothing said is lost");
    assert_eq!(story.then(&[offer('W', "name 1"), offer('M', "ours")]).state().rivals.len(), 10);
}

#[test]
fn each_value_is_settled_once_however_often_it_is_closed() {
    let steps: Vec<Step> = (0..20).map(|i| update('g', if i % 2 == 0 { "Ana" } else { "Anna" })).collect();
    let state = Story::of_name(&steps).state();
    assert_eq!(state.settled.len(), 2);
}

#[test]
fn a_field_stays_bounded_and_remembers_what_was_settled_last() {
    let mut story = Story::of_name(&[offer('A', "Ana")]);
    let said = 1000;
    for i in 0..said {
        story.take(&offer('W', &format!("name {i}")));
        assert!(story.field().entries().len() <= ENTRIES_PER_FIELD);
    }
    let state = story.state();
    assert_eq!(state.value(), Some("Ana"));
    assert_eq!(state.rivals.len(), OPEN_RIVALS_PER_AUTHOR);
    assert!(state.settled.len() <= SETTLED_KEPT + ENTRIES_PER_FIELD);
    let recent = format!("name {}", said - OPEN_RIVALS_PER_AUTHOR - SETTLED_KEPT / 2);
    assert_eq!(story.take(&offer('W', &recent)), Taken::Again);
    assert_eq!(story.take(&offer('A', "Ana")), Taken::Again);
    assert!(matches!(story.field().entries()[0].said, Said::Base(_)));
}

#[test]
fn who_said_what_when_is_still_told_after_acts_were_forgotten() {
    let mut story = Story::of_name(&[offer('A', "Ana"), offer('W', "Anna")]);
    for i in 0..600 {
        story.take(&update('g', if i % 2 == 0 { "Ana" } else { "Anne" }));
        story.contact.settle_act(at(i));
    }
    let state = story.state();
    let rival = state.settled.iter().chain(&state.rivals).find(|claim| claim.value == "Anna").unwrap();
    assert_eq!(story.contact.history.time_of(rival.n), at(2));
    assert_eq!(story.contact.history.author(story.contact.history.author_of(rival.n)), Some(&author('W')));
    assert!(story.contact.history.acts() < 600);
}

#[test]
fn an_undo_stands_and_can_be_undone_after_acts_were_forgotten() {
    let mut story = Story::of_name(&[offer('A', "Ana"), offer('W', "Anna"), wipe('g'), undo(3)]);
    for i in 0..600 {
        story.contact.history.begin(&author('A'), at(i));
        story.contact.say(&custom("tier"), Said::Assert(format!("tier {i}")));
        story.contact.settle_act(at(i));
    }
    assert!(story.contact.history.acts() < 300);
    assert_eq!(story.shows(), "Ana | Anna");
    assert_eq!(story.then(&[undo(4)]).shows(), "Ana |");
}

#[test]
fn a_field_stays_small_however_long_the_values_a_channel_says() {
    let long = |i: usize| format!("{i:04}{}", "x".repeat(8_000));
    let mut story = Story::of_name(&[offer('A', "Ana")]);
    for i in 0..300 {
        story.take(&offer('W', &long(i)));
    }
    let state = story.state();
    assert_eq!(state.value(), Some("Ana"));
    let open: Vec<String> = state.rivals.iter().map(|claim| claim.value.clone()).collect();
    assert_eq!(open, (292..300).map(long).collect::<Vec<_>>());
    let bytes = domain::stored::to_document(&story.contact).len();
    assert!(bytes < 3 * BYTES_PER_FIELD, "{bytes} bytes");
}
