//! Change sets that wait to be written, handed to the writers in groups without clashes.
//!
//! No two change sets of a group, and of groups under way at the same time, touch the same record
//! or identifier: so a group can be written by one statement a table, in any order, and writers of
//! one server never wait for each other's rows. Those that touch the same thing come one after the
//! other, in the order they were asked for. Evidence: the tests below.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::store::{CommitError, Happened, StoreError};
use tokio::sync::{Notify, oneshot};

use crate::key::unavailable;
use crate::prepare::Prepared;

/// Something that a change set touches, by a digest: two that are equal may be one thing.
pub(super) type Touch = u64;

/// A change set that waits.
pub(super) struct Member {
    pub(super) prepared: Prepared,
    /// What other servers are to learn of it.
    pub(super) happened: Vec<Happened>,
    /// All that it touches, none twice.
    pub(super) touches: Vec<Touch>,
    /// Whether it must be written step by step, and so by itself.
    pub(super) is_intricate: bool,
    pub(super) reply: oneshot::Sender<Result<(), CommitError>>,
}

/// Change sets to be written together; what they touch is free again once this goes.
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    touches: HashSet<Touch>,
    queue: Arc<Queue>,
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.busy.retain(|touch| !self.touches.contains(touch));
        drop(state);
        self.queue.wake.notify_one();
    }
}

/// What waits, and what is under way.
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Notify,
    length_max: usize,
    group_max: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Member>,
    busy: HashSet<Touch>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(length_max: usize, group_max: usize) -> Self {
        Self { state: Mutex::default(), wake: Notify::new(), length_max, group_max: group_max.max(1) }
    }

    pub(super) fn push(&self, member: Member) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(unavailable("the store is closed"));
        }
        if state.waiting.len() >= self.length_max {
            return Err(StoreError::Overloaded);
        }
        state.waiting.push_back(member);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// The next group; none once the queue is closed and all was taken.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Group> {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            {
                let mut state = self.state();
                let (members, touches) = state.take(self.group_max);
                if !members.is_empty() {
                    if !state.waiting.is_empty() {
                        self.wake.notify_one();
                    }
                    return Some(Group { members, touches, queue: Arc::clone(self) });
                }
                if state.is_closed && state.waiting.is_empty() {
                    return None;
                }
            }
            woken.await;
        }
    }

    /// Takes nothing more; what waits is still handed out.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.wake.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, group_max: usize) -> (Vec<Member>, HashSet<Touch>) {
        let mut members: Vec<Member> = Vec::new();
        let mut touches = HashSet::new();
        // What those left waiting touch: nobody who came later overtakes them.
        let mut awaited: HashSet<Touch> = HashSet::new();
        let mut left = VecDeque::new();
        while let Some(member) = self.waiting.pop_front() {
            let is_barred = member
                .touches
                .iter()
                .any(|touch| self.busy.contains(touch) || touches.contains(touch) || awaited.contains(touch));
            if is_barred || (member.is_intricate && !members.is_empty()) {
                awaited.extend(&member.touches);
                left.push_back(member);
                continue;
            }
            let is_last = member.is_intricate;
            touches.extend(&member.touches);
            members.push(member);
            if is_last || members.len() >= group_max {
                break;
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
        self.busy.extend(&touches);
        (members, touches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(touches: &[Touch], is_intricate: bool) -> Member {
        let (reply, _) = oneshot::channel();
        Member { prepared: Prepared::default(), happened: Vec::new(), touches: touches.to_vec(), is_intricate, reply }
    }

    fn queue(members: &[(&[Touch], bool)]) -> Arc<Queue> {
        let queue = Arc::new(Queue::new(100, 3));
        for (touches, is_intricate) in members {
            assert!(queue.push(member(touches, *is_intricate)).is_ok());
        }
        queue
    }

    async fn next(queue: &Arc<Queue>) -> (Vec<Vec<Touch>>, Group) {
        let group = queue.take().await.expect("something waits");
        (group.members.iter().map(|member| member.touches.clone()).collect(), group)
    }

    #[tokio::test]
    async fn no_two_under_way_touch_the_same() {
        let queue = queue(&[(&[1], false), (&[1, 2], false), (&[3], false), (&[2], false), (&[4], false)]);
        let (first, first_group) = next(&queue).await;
        assert_eq!(first, [vec![1], vec![3], vec![4]], "the fourth does not overtake the second");
        let (sender, waits) = (
            Arc::clone(&queue),
            tokio::spawn({
                let queue = Arc::clone(&queue);
                async move { next(&queue).await.0 }
            }),
        );
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(first_group);
        assert_eq!(waits.await.unwrap(), [vec![1, 2]]);
        assert_eq!(next(&sender).await.0, [vec![2]]);
    }

    #[tokio::test]
    async fn what_is_written_step_by_step_is_alone() {
        let queue = queue(&[(&[1], false), (&[2], true), (&[3], false), (&[4], false), (&[5], false)]);
        assert_eq!(next(&queue).await.0, [vec![1], vec![3], vec![4]]);
        assert_eq!(next(&queue).await.0, [vec![2]]);
        assert_eq!(next(&queue).await.0, [vec![5]]);
    }

    #[tokio::test]
    async fn a_closed_queue_hands_out_what_waits_and_no_more() {
        let queue = queue(&[(&[1], false)]);
        queue.close();
        assert!(queue.push(member(&[2], false)).is_err());
        assert_eq!(next(&queue).await.0, [vec![1]]);
        assert!(queue.take().await.is_none());
    }

    #[test]
    fn a_full_queue_takes_no_more() {
        let queue = Queue::new(1, 3);
        assert!(queue.push(member(&[1], false)).is_ok());
        assert!(matches!(queue.push(member(&[2], false)), Err(StoreError::Overloaded)));
    }
}
