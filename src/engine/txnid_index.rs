//! Finds what an earlier message has made by the `txnid` of the message. The index holds positions
//! only: a `txnid` is kept with the consent or the session.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::domain::time::{Millis, Timestamp};

/// Time for which a `txnid` is used up, in world time.
///
/// `Assumption:` ReBIT AA API 2.0.0 defines IdempotencyError ("UUID/Id is not unique"), but neither
/// the time nor the calls nor the senders among which an id is unique. Each FIU has its own, each for
/// consents and for data requests; only an accepted message uses it up.
const TXNID_TTL: Millis = Millis::from_secs(24 * 60 * 60);

/// The sender of a message and its `txnid`. A UUID has the same meaning in upper and lower case
/// (RFC 9562, section 4), so case is ignored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageKey<'a> {
    pub fiu: &'a str,
    pub txnid: &'a str,
}

impl PartialEq for MessageKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.fiu == other.fiu && self.txnid.eq_ignore_ascii_case(other.txnid)
    }
}

impl Hash for MessageKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fiu.hash(state);
        // A UUID in one piece.
        for bytes in self.txnid.as_bytes().chunks(36) {
            let mut lower = [0; 36];
            let lower = &mut lower[..bytes.len()];
            lower.copy_from_slice(bytes);
            lower.make_ascii_lowercase();
            state.write(lower);
        }
    }
}

/// Positions in a list of consents or sessions, by the message that has made each.
#[derive(Debug, Default)]
pub(crate) struct TxnidIndex {
    positions: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl TxnidIndex {
    /// Returns the position that an accepted message with this key has, if its `txnid` is still used
    /// up. `describe` returns the key and the time of the message at a position.
    pub(crate) fn find<'a>(
        &self,
        key: MessageKey<'_>,
        now: Timestamp,
        describe: impl Fn(u32) -> (MessageKey<'a>, Timestamp),
    ) -> Option<u32> {
        let position = *self.positions.find(self.hasher.hash_one(key), |position| {
            describe(*position).0 == key
        })?;
        (now < describe(position).1.saturating_add(TXNID_TTL)).then_some(position)
    }

    /// Forgets the positions for which a condition does not hold.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(u32) -> bool) {
        self.positions.retain(|position| is_kept(*position));
    }

    /// Records an accepted message. Of several with one key, the first within the time counts.
    pub(crate) fn insert<'a>(
        &mut self,
        position: u32,
        describe: impl Fn(u32) -> (MessageKey<'a>, Timestamp),
    ) {
        let (key, at) = describe(position);
        if self.find(key, at, &describe).is_some() {
            return;
        }
        let hash = self.hasher.hash_one(key);
        let expired = self
            .positions
            .find_mut(hash, |other| describe(*other).0 == key);
        if let Some(expired) = expired {
            *expired = position;
            return;
        }
        let hasher = &self.hasher;
        self.positions
            .insert_unique(hash, position, |other| hasher.hash_one(describe(*other).0));
    }
}
