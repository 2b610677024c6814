//! Parts of the lists of a world, and the filters that select their items. The items of a list are
//! numbered from 1, the oldest first.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::consent::{Consent, Status};
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::ids::ConsentHandle;
use crate::domain::notification::NotificationKind;
use crate::domain::session::{Session, SessionStatus};

/// The place where a part of a list begins, and the order of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Above a number, the oldest first.
    After(u64),
    /// Below a number, the newest first.
    Before(u64),
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPart {
    pub cursor: Cursor,
    /// The largest number of items.
    pub limit: usize,
}

impl ListPart {
    /// Returns the part with the oldest items.
    pub(crate) fn oldest(limit: usize) -> Self {
        Self {
            cursor: Cursor::OLDEST,
            limit,
        }
    }
}

/// The items of a part with their numbers, and the counts of all items.
#[derive(Clone, Debug)]
pub struct Listing<T, S> {
    pub items: Vec<(u64, T)>,
    /// The number of items in each state that match the filter, whatever state it asks for.
    pub counts: Vec<(S, usize)>,
}

/// Counts the items in each state; empty states are left out.
pub(crate) fn count_states<S: Copy + PartialEq>(all: &[S], states: &[S]) -> Vec<(S, usize)> {
    let counts = all.iter().map(|state| {
        let count = states.iter().filter(|it| *it == state).count();
        (*state, count)
    });
    counts.filter(|(_, count)| *count > 0).collect()
}

impl Cursor {
    /// Before the first item, so that the oldest come first.
    pub const OLDEST: Self = Self::After(0);
    /// Behind the last item, so that the newest come first.
    pub const NEWEST: Self = Self::Before(u64::MAX);

    /// Returns the items of a list beyond the cursor with their numbers, in its order.
    pub(crate) fn beyond<T>(
        self,
        list: &NumberedList<T>,
    ) -> Box<dyn Iterator<Item = (u64, &T)> + '_> {
        let index = |number: u64| {
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            number.saturating_sub(list.dropped).min(list.items.len())
        };
        let number = |index: usize| (list.dropped + index) as u64 + 1;
        match self {
            Self::After(after) => {
                let start = index(after);
                let items = list.items.range(start..).enumerate();
                Box::new(items.map(move |(place, item)| (number(start + place), item)))
            }
            Self::Before(before) => {
                let items = list.items.range(..index(before.saturating_sub(1)));
                Box::new(
                    items
                        .enumerate()
                        .rev()
                        .map(move |(place, item)| (number(place), item)),
                )
            }
        }
    }
}

/// A list whose items keep their numbers, from 1, when the first ones are dropped.
#[derive(Debug)]
pub(crate) struct NumberedList<T> {
    dropped: usize,
    items: VecDeque<T>,
}

impl<T> Default for NumberedList<T> {
    fn default() -> Self {
        Self {
            dropped: 0,
            items: VecDeque::new(),
        }
    }
}

impl<T> NumberedList<T> {
    /// Adds an item and returns its position, from 0.
    pub(crate) fn push(&mut self, item: T) -> usize {
        self.items.push_back(item);
        self.dropped + self.items.len() - 1
    }

    /// Returns the item at a position, from 0; `None` if it was dropped.
    pub(crate) fn get(&self, position: usize) -> Option<&T> {
        self.items.get(position.checked_sub(self.dropped)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// Drops the first items for which a condition holds, up to one for which it does not.
    pub(crate) fn drop_first_while(&mut self, is_dropped: impl Fn(&T) -> bool) {
        while self.items.front().is_some_and(&is_dropped) {
            self.items.pop_front();
            self.dropped += 1;
        }
    }
}

/// A filter of consents. What is absent lets all pass.
#[derive(Debug, Default)]
pub struct ConsentFilter {
    pub status: Option<Status>,
    /// The id of the FIU.
    pub fiu: Option<String>,
    /// The address of the customer.
    pub customer: Option<Arc<str>>,
    /// The name of the scenario that drives it.
    pub scenario: Option<String>,
    /// A part of the handle, the id, the tracking id or the customer's address, in small letters.
    pub text: Option<String>,
}

impl ConsentFilter {
    /// Returns whether a consent, driven by a scenario, passes all but the status.
    pub(crate) fn matches_but_for_status(&self, consent: &Consent, scenario: Option<&str>) -> bool {
        let Self {
            status: _,
            fiu,
            customer,
            scenario: wanted_scenario,
            text,
        } = self;
        fiu.as_deref().is_none_or(|fiu| *consent.fiu == *fiu)
            && customer
                .as_deref()
                .is_none_or(|customer| *consent.terms.customer == *customer)
            && wanted_scenario
                .as_deref()
                .is_none_or(|wanted| scenario == Some(wanted))
            && text.as_deref().is_none_or(|text| has_text(consent, text))
    }

    /// Returns whether it lets all consents of a status pass.
    pub(crate) fn has_status_only(&self) -> bool {
        let Self {
            status: _,
            fiu,
            customer,
            scenario,
            text,
        } = self;
        fiu.is_none() && customer.is_none() && scenario.is_none() && text.is_none()
    }
}

fn has_text(consent: &Consent, text: &str) -> bool {
    let id = consent
        .grant
        .as_ref()
        .map(|grant| grant.consent_id.to_string());
    let tracking_id = consent
        .metadata
        .as_ref()
        .map(|metadata| metadata.tracking_id.to_lowercase());
    let customer = consent.terms.customer.to_lowercase();
    let texts = [
        Some(consent.handle.to_string()),
        id,
        tracking_id,
        Some(customer),
    ];
    texts.into_iter().flatten().any(|it| it.contains(text))
}

/// A filter of data sessions. What is absent lets all pass.
#[derive(Debug, Default)]
pub struct SessionFilter {
    pub status: Option<SessionStatus>,
    /// The handle of the consent.
    pub handle: Option<ConsentHandle>,
}

impl SessionFilter {
    pub(crate) fn matches_but_for_status(&self, session: &Session) -> bool {
        self.handle.is_none_or(|handle| session.handle == handle)
    }
}

/// A filter of deliveries of webhooks. What is absent lets all pass.
#[derive(Debug, Default)]
pub struct DeliveryFilter {
    pub state: Option<DeliveryState>,
    pub event: Option<NotificationKind>,
    /// The id of the FIU.
    pub fiu: Option<String>,
    /// The handle of the consent.
    pub handle: Option<ConsentHandle>,
}

impl DeliveryFilter {
    pub(crate) fn matches_but_for_state(&self, delivery: &Delivery) -> bool {
        let Self {
            state: _,
            event,
            fiu,
            handle,
        } = self;
        let notification = &delivery.notification;
        event.is_none_or(|event| notification.kind() == event)
            && fiu.as_deref().is_none_or(|fiu| *notification.fiu == *fiu)
            && handle.is_none_or(|handle| notification.consent.handle == handle)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, NumberedList};

    #[test]
    fn a_cursor_goes_both_ways() {
        let mut list = NumberedList::default();
        for item in ["a", "b", "c"] {
            list.push(item);
        }
        let read = |cursor: Cursor| cursor.beyond(&list).collect::<Vec<_>>();
        assert_eq!(read(Cursor::After(1)), [(2, &"b"), (3, &"c")]);
        assert_eq!(read(Cursor::Before(3)), [(2, &"b"), (1, &"a")]);
        assert_eq!(read(Cursor::Before(u64::MAX)).len(), 3);
        assert_eq!(read(Cursor::After(u64::MAX)), []);
        assert_eq!(read(Cursor::Before(0)), []);
    }

    #[test]
    fn items_keep_their_numbers_when_the_first_ones_are_dropped() {
        let mut list = NumberedList::default();
        for item in ["a", "b", "c", "d"] {
            list.push(item);
        }
        list.drop_first_while(|item| *item < "c");
        assert_eq!((list.get(1), list.get(2)), (None, Some(&"c")));
        assert_eq!(list.push("e"), 4);
        let read = |cursor: Cursor| cursor.beyond(&list).collect::<Vec<_>>();
        assert_eq!(read(Cursor::OLDEST), [(3, &"c"), (4, &"d"), (5, &"e")]);
        assert_eq!(read(Cursor::After(3)), [(4, &"d"), (5, &"e")]);
        assert_eq!(read(Cursor::Before(4)), [(3, &"c")]);
        assert_eq!(read(Cursor::Before(2)), []);
    }
}
