//! Answers to `GET /consent/{id}` that hold until the consent changes. An FIU that polls gets the same
//! bytes each time.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use actix_web::web::Bytes;

use crate::domain::consent::Consent;
use crate::domain::participants::Aa;

/// The number of answers that are kept. Two consents with the same remainder of their numbers share a
/// place.
const ANSWERS_MAX: usize = 4_096;

/// The longest answer that is kept, in bytes.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Answers of all worlds.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    places: Box<[Mutex<Option<Answer>>]>,
}

/// An answer, and what it was made of. Neither changes in place.
#[derive(Debug)]
struct Answer {
    consent: Weak<Consent>,
    aa: Weak<Aa>,
    body: Bytes,
}

impl Default for AnswerCache {
    fn default() -> Self {
        let places = std::iter::repeat_with(Mutex::default);
        Self {
            places: places.take(ANSWERS_MAX).collect(),
        }
    }
}

impl AnswerCache {
    /// Returns the answer that was made of this consent and its AA.
    pub(crate) fn find(&self, consent: &Arc<Consent>, aa: &Arc<Aa>) -> Option<Bytes> {
        let place = self.place_of(consent).lock();
        let place = place.unwrap_or_else(PoisonError::into_inner);
        let answer = place.as_ref()?;
        let is_same = answer.consent.as_ptr() == Arc::as_ptr(consent)
            && answer.aa.as_ptr() == Arc::as_ptr(aa);
        is_same.then(|| answer.body.clone())
    }

    /// Keeps an answer in place of an older one.
    pub(crate) fn keep(&self, consent: &Arc<Consent>, aa: &Arc<Aa>, body: Bytes) {
        if body.len() > ANSWER_BYTES_MAX {
            return;
        }
        let answer = Answer {
            consent: Arc::downgrade(consent),
            aa: Arc::downgrade(aa),
            body,
        };
        let place = self.place_of(consent).lock();
        *place.unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    fn place_of(&self, consent: &Consent) -> &Mutex<Option<Answer>> {
        &self.places[consent.number as usize % ANSWERS_MAX]
    }
}
