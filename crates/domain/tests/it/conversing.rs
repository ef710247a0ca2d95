//! A conversation's summary stays true to its messages, whatever happens in it and in whichever
//! order.

use domain::change_set::{ChangeSet, MessageChange, RoomChange};
use domain::converse::{self, Ending};
use domain::ids::{InquiryId, MessageId, Revision, RoomId, Timestamp};
use domain::message::{Message, MessageKind, PageVisit, Sender, Writer};
use domain::room::{Closer, Inquiry, InquiryStatus, Room, Serving};
use proptest::prelude::*;

use crate::support::{at, contact_id, user_id, visitor, visitor_id, widget};

fn message_id(n: usize) -> MessageId {
    MessageId::parse(&format!("message-{n}")).unwrap()
}

fn agent(name: &str) -> Sender {
    Sender { who: Writer::Agent(user_id(name)), username: name.to_owned(), name: None }
}

fn serving(name: &str, second: usize) -> Serving {
    Serving { agent: user_id(name), username: name.to_owned(), since: at(second), unread: 1 }
}

fn blank_room(status: InquiryStatus) -> Room {
    let inquiry = Inquiry { id: InquiryId::parse("66f0a1b2c3d4e5f600000021").unwrap(), status };
    let named = (contact_id(), "Ana".to_owned());
    Room::opened(RoomId::parse("room").unwrap(), named, visitor_id('A'), widget(), inquiry, at(0))
}

fn page(is_shown: bool) -> MessageKind {
    let page =
        PageVisit { title: "Roofs".to_owned(), address: "https://shop.example".to_owned(), change: "url".to_owned() };
    MessageKind::Navigated { page, is_shown }
}

/// A conversation and its messages, oldest first, as a store would keep them.
#[derive(Debug, Clone)]
struct Talk {
    room: Room,
    messages: Vec<Message>,
    second: usize,
    /// Of the agent who serves it now: what it has not answered.
    unread: Option<u32>,
}

impl Talk {
    fn begin(serving: Option<Serving>) -> Self {
        let serving = serving.map(|serving| (serving, message_id(1000)));
        let unread = serving.is_some().then_some(1);
        let room = blank_room(InquiryStatus::Queued);
        let (room, changes) = converse::open(room, message_id(1001), visitor('A').sender(), serving);
        let mut talk = Self { room: blank_room(InquiryStatus::Queued), messages: Vec::new(), second: 0, unread };
        talk.apply(&changes);
        assert_eq!(talk.room, room, "the conversation answered with is the one committed");
        talk
    }

    fn now(&self) -> Timestamp {
        at(self.second)
    }

    fn written(&self, kind: MessageKind, text: &str, sender: Sender) -> Message {
        Message::new(message_id(self.second), self.room.id.clone(), kind, text.to_owned(), sender, self.now())
    }

    /// What a store does with a change set, each base checked.
    fn apply(&mut self, changes: &ChangeSet) {
        for change in &changes.rooms {
            match change {
                RoomChange::Create(room) => self.room = room.clone(),
                RoomChange::Update { base, room } => {
                    assert_eq!((*base, room.revision), (self.room.revision, self.room.revision.next()));
                    self.room = room.clone();
                }
                other => panic!("{other:?}"),
            }
        }
        for change in &changes.messages {
            match change {
                MessageChange::Create(message) => {
                    assert!(self.messages.iter().all(|other| other.id != message.id));
                    assert_eq!((&message.room, message.revision), (&self.room.id, Revision::FIRST));
                    self.messages.push(message.clone());
                }
                MessageChange::Update { base, message } => {
                    let kept = self.messages.iter_mut().find(|kept| kept.id == message.id).unwrap();
                    assert_eq!((*base, message.revision), (kept.revision, kept.revision.next()));
                    *kept = message.clone();
                }
                MessageChange::Remove { base, message, .. } => {
                    let place = self.messages.iter().position(|kept| kept.id == *message).unwrap();
                    assert_eq!(self.messages.remove(place).revision, *base);
                }
            }
        }
    }

    fn newest_first(&self) -> Vec<Message> {
        self.messages.iter().rev().filter(|message| !message.is_hidden()).cloned().collect()
    }

    /// The shortest stretch of the newest that a removal may be decided on.
    fn newest_for(&self, message: &Message) -> Vec<Message> {
        let all = self.newest_first();
        let enough = (0..=all.len()).find(|count| converse::is_far_enough(&all[..*count], message));
        all[..enough.unwrap_or(all.len())].to_vec()
    }

    /// Whether no agent wrote after the message.
    fn is_unanswered(&self, message: &Message) -> bool {
        let later = self.messages.iter().rev().take_while(|other| other.id != message.id);
        !later.filter(|other| other.is_said()).any(Message::is_from_agent)
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Ask,
    Answer,
    Look { is_shown: bool },
    Edit(usize),
    Remove(usize),
    Take,
    GiveBack,
    Close { with_offer: bool },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Ask),
        3 => Just(Act::Answer),
        2 => any::<bool>().prop_map(|is_shown| Act::Look { is_shown }),
        2 => any::<usize>().prop_map(Act::Edit),
        4 => any::<usize>().prop_map(Act::Remove),
        1 => Just(Act::Take),
        1 => Just(Act::GiveBack),
    ]
}

/// What a use case does of an act, with what it would have refused left out.
fn live(talk: &mut Talk, act: Act) {
    talk.second += 1;
    let (room, now) = (talk.room.clone(), talk.now());
    let visitor = visitor('A').sender();
    let own: Vec<Message> = talk.messages.iter().filter(|message| message.is_said()).cloned().collect();
    let note = message_id(talk.second);
    let changes = match act {
        Act::Ask => {
            talk.unread = talk.unread.map(|unread| unread + 1);
            converse::say(&room, talk.written(MessageKind::Said, "A question", visitor))
        }
        Act::Answer => {
            talk.unread = talk.unread.map(|_| 0);
            converse::say(&room, talk.written(MessageKind::Said, "An answer", agent("ann")))
        }
        Act::Look { is_shown } => converse::say(&room, talk.written(page(is_shown), "Roofs", visitor)),
        Act::Edit(place) if !own.is_empty() => {
            let message = &own[place % own.len()];
            converse::edit(&room, message, format!("edited at {}", talk.second), message.sender.clone(), now)
        }
        Act::Remove(place) if !own.is_empty() => {
            let message = &own[place % own.len()];
            let since = room.serving.as_ref().map(|serving| serving.since);
            if talk.is_unanswered(message) && !message.is_from_agent() && since.is_some_and(|since| since <= message.at)
            {
                talk.unread = talk.unread.map(|unread| unread.saturating_sub(1));
            }
            let changes = converse::remove(&room, message, &talk.newest_for(message), now);
            assert_eq!(changes, converse::remove(&room, message, &talk.newest_first(), now), "more is not better");
            changes
        }
        Act::Take if room.serving.is_none() => {
            talk.unread = Some(1);
            converse::take(&room, serving("bob", talk.second), note)
        }
        Act::GiveBack if room.serving.is_some() => {
            talk.unread = None;
            converse::give_back(&room, note, agent("bob"), now)
        }
        Act::Close { with_offer } => {
            let ending = Ending {
                message: note,
                by: Closer::User(user_id("ann")),
                sender: agent("ann"),
                comment: "Done".to_owned(),
                tags: Vec::new(),
                offer: with_offer.then(|| message_id(2000)),
            };
            converse::close(&room, ending, now)
        }
        Act::Edit(_) | Act::Remove(_) | Act::Take | Act::GiveBack => return,
    };
    talk.apply(&changes);
}

fn assert_true_to_messages(talk: &Talk) {
    let Talk { room, unread, .. } = talk;
    let shown = talk.newest_first();
    assert_eq!(room.messages as usize, shown.len(), "how many there are");
    let last = shown.first().filter(|message| message.kind != MessageKind::Started);
    assert_eq!(room.last_message.as_deref(), last, "which is the last");
    let last_said = shown.iter().find(|message| message.is_said());
    let waits = last_said.is_none_or(|said| said.is_from(&visitor_id('A')));
    assert_eq!(room.is_waiting, waits, "whether the visitor waits");
    assert_eq!(room.serving.as_ref().map(|serving| serving.unread), *unread, "how many wait for an answer");
    assert!(shown.first().is_none_or(|last| last.at <= room.last_message_at), "when the last came");
    let status = room.inquiry.as_ref().map(|inquiry| inquiry.status);
    let expected = match (&room.closing, &room.serving) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(InquiryStatus::Taken),
        (None, None) => Some(InquiryStatus::Queued),
    };
    assert_eq!(status, expected, "its place in the queue");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_summary_of_a_conversation_stays_true_to_its_messages(
        is_served in any::<bool>(),
        acts in prop::collection::vec(act(), 1..40),
        with_offer in any::<bool>(),
    ) {
        let mut talk = Talk::begin(is_served.then(|| serving("ann", 0)));
        assert_true_to_messages(&talk);
        for act in acts {
            live(&mut talk, act);
            assert_true_to_messages(&talk);
        }
        let before = talk.clone();
        live(&mut talk, Act::Close { with_offer });
        assert_true_to_messages(&talk);
        let closing = talk.room.closing.as_ref().unwrap();
        prop_assert_eq!(&talk.room.last_message.as_ref().unwrap().id, &closing.message);
        prop_assert_eq!((talk.room.last_message_at, talk.room.serving), (closing.at, before.room.serving));
        prop_assert_eq!(&talk.messages[..before.messages.len()], &before.messages[..], "nothing said is lost");
    }

    #[test]
    fn nothing_is_lost_but_what_is_taken_back(acts in prop::collection::vec(act(), 1..40)) {
        let mut talk = Talk::begin(None);
        for act in acts {
            let before = talk.messages.clone();
            live(&mut talk, act);
            let is_kept = |was: &&Message| talk.messages.iter().any(|kept| kept.id == was.id);
            let gone = before.iter().filter(|was| !is_kept(was)).count();
            prop_assert!(gone <= usize::from(matches!(act, Act::Remove(_))));
            prop_assert!(talk.messages.len() + gone >= before.len());
            let texts = before.iter().zip(&talk.messages).filter(|(was, is)| was.id == is.id && was.text != is.text);
            prop_assert!(texts.count() <= usize::from(matches!(act, Act::Edit(_))));
            prop_assert!(talk.messages.is_sorted_by_key(|message| message.at), "an edit moved a message");
        }
    }
}

fn ask(talk: &mut Talk, count: usize) {
    for _ in 0..count {
        live(talk, Act::Ask);
    }
}

#[test]
fn a_conversation_begins_with_one_message_which_is_no_news() {
    let talk = Talk::begin(None);
    assert_eq!((talk.room.messages, &talk.room.last_message, talk.room.is_waiting), (1, &None, true));
    assert_eq!(talk.messages[0].kind, MessageKind::Started);
    let talk = Talk::begin(Some(serving("ann", 0)));
    assert_eq!((talk.room.messages, talk.room.revision), (2, Revision::FIRST));
    let last = talk.room.last_message.unwrap();
    assert_eq!((last.kind, last.text.as_str(), last.sender), (MessageKind::Taken, "connected", agent("ann")));
}

#[test]
fn a_hidden_page_counts_for_nothing() {
    let mut talk = Talk::begin(Some(serving("ann", 0)));
    ask(&mut talk, 1);
    let before = talk.room.clone();
    live(&mut talk, Act::Look { is_shown: false });
    assert_eq!((talk.room.clone(), talk.messages.len()), (before, 4));
    live(&mut talk, Act::Look { is_shown: true });
    assert_eq!(talk.room.messages, 4);
    assert_eq!(talk.room.serving.as_ref().unwrap().unread, 2, "a page is no question");
    assert!(talk.room.last_message.unwrap().text.contains("Roofs"));
}

#[test]
fn a_conversation_whose_only_words_are_taken_back_is_as_it_began() {
    let mut talk = Talk::begin(None);
    let began = talk.room.clone();
    ask(&mut talk, 1);
    live(&mut talk, Act::Remove(0));
    assert_eq!((talk.room.messages, &talk.room.last_message), (began.messages, &began.last_message));
    assert!(talk.room.is_waiting);
}

#[test]
fn an_edit_changes_the_text_and_says_so_and_never_the_time() {
    let mut talk = Talk::begin(None);
    ask(&mut talk, 2);
    let before = talk.messages.clone();
    live(&mut talk, Act::Edit(0));
    let (was, is) = (&before[1], &talk.messages[1]);
    assert_eq!((is.at, &is.id, &is.sender), (was.at, &was.id, &was.sender));
    assert_eq!((is.text.as_str(), is.updated_at), ("edited at 3", at(3)));
    assert_eq!(is.edit.as_ref().map(|edit| (edit.at, &edit.by)), Some((at(3), &was.sender)));
    assert_eq!(talk.room.last_message.as_deref(), before.last(), "another is the last");
    live(&mut talk, Act::Edit(1));
    assert_eq!(talk.room.last_message.as_deref(), talk.messages.last());
}

/// The one decided second finds the conversation moved on, and is decided again.
#[test]
fn of_an_edit_and_a_removal_decided_at_once_one_is_stale() {
    let mut talk = Talk::begin(None);
    ask(&mut talk, 2);
    let (earlier, last) = (&talk.messages[1], &talk.messages[2]);
    let edit = converse::edit(&talk.room, earlier, "otherwise".to_owned(), earlier.sender.clone(), talk.now());
    let removal = converse::remove(&talk.room, last, &talk.newest_first(), talk.now());
    let base = talk.room.revision;
    for changes in [edit, removal] {
        assert!(matches!(&changes.rooms[..], [RoomChange::Update { base: on, .. }] if *on == base));
    }
}

#[test]
fn who_takes_a_conversation_has_one_message_to_answer_however_many_there_are() {
    let mut talk = Talk::begin(None);
    ask(&mut talk, 5);
    live(&mut talk, Act::Take);
    assert_eq!(talk.room.serving.as_ref().unwrap().unread, 1);
    ask(&mut talk, 2);
    assert_eq!(talk.room.serving.as_ref().unwrap().unread, 3);
    live(&mut talk, Act::Answer);
    assert_eq!((talk.room.serving.as_ref().unwrap().unread, talk.room.is_waiting), (0, false));
    live(&mut talk, Act::GiveBack);
    assert_eq!((talk.room.serving.clone(), talk.room.is_waiting), (None, false));
    assert_eq!(talk.room.last_message.as_ref().unwrap().kind, MessageKind::Returned);
}

#[test]
fn a_question_taken_back_after_its_answer_leaves_nobody_waiting() {
    let mut talk = Talk::begin(Some(serving("ann", 0)));
    ask(&mut talk, 1);
    live(&mut talk, Act::Answer);
    live(&mut talk, Act::Remove(0));
    assert_eq!((talk.room.serving.as_ref().unwrap().unread, talk.room.is_waiting), (0, false));
    ask(&mut talk, 1);
    live(&mut talk, Act::Remove(1));
    assert_eq!((talk.room.serving.as_ref().unwrap().unread, talk.room.is_waiting), (0, false));
}

#[test]
fn a_blank_comment_is_none_and_its_message_is_the_last_all_the_same() {
    let talk = Talk::begin(None);
    let ending = Ending {
        message: message_id(5),
        by: Closer::Visitor(visitor_id('A')),
        sender: visitor('A').sender(),
        comment: " \u{a0}".to_owned(),
        tags: vec!["roof".to_owned()],
        offer: Some(message_id(6)),
    };
    let changes = converse::close(&talk.room, ending, at(9));
    let [RoomChange::Update { room, .. }] = &changes.rooms[..] else { panic!("{:?}", changes.rooms) };
    let closing = room.closing.as_ref().unwrap();
    assert_eq!((&closing.comment, &closing.message, closing.at), (&None, &message_id(5), at(9)));
    assert_eq!((room.messages, &room.tags[..]), (talk.room.messages + 2, &["roof".to_owned()][..]));
    let last = room.last_message.as_ref().unwrap();
    assert_eq!((&last.kind, last.text.as_str()), (&MessageKind::Closed, ""));
}
