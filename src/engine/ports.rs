//! What a world is given from outside.

use std::fmt::Debug;
use std::sync::Arc;

use crate::domain::account::{Account, FiType};
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Terms};
use crate::domain::event::Event;
use crate::domain::participants::Participants;
use crate::domain::refusal::Refusal;
use crate::domain::session::Progression;
use crate::domain::time::Span;
use crate::domain::unaport::{FetchQuirks, Unaport};
use crate::engine::clock::ClockStart;

/// Chooses what drives a new consent.
pub trait Director: Send + Sync {
    /// The script for a consent with these terms: the one `wanted` by name, else a magic customer's, else the one that its
    /// AA is used to, else the default; `None` leaves the consent to people.
    ///
    /// # Errors
    /// [`Refusal::UnknownScenario`] when no scenario has the name.
    fn cast(
        &self,
        terms: &Terms,
        wanted: Option<&str>,
        usual: Option<&str>,
    ) -> Result<Option<Arc<dyn Script>>, Refusal>;

    /// The names that [`Director::cast`] knows, sorted.
    fn names(&self) -> Vec<String>;

    /// Reads the scenario files again; consents that run keep the version they started with.
    ///
    /// # Errors
    /// What is wrong with which file, and where; the old set stays in force.
    fn reload(&self) -> Result<usize, String>;
}

/// Drives one consent. Called inside the world's lock, after each event of the consent: it must be pure and quick.
pub trait Script: Send + Sync {
    fn name(&self) -> &str;

    /// Whether the statement itself goes out by webhook; `None` leaves it to the world's setting.
    fn push_data(&self) -> Option<bool>;

    /// When FIPs answer a request for data, `None`: as the sandbox is set; `first`: it is the first one, made by
    /// Unaport itself, which anything that the script delivers will answer.
    fn progression(&self, first: bool) -> Option<Progression>;

    /// The oddities of the data that is fetched under its consents.
    fn fetch_quirks(&self) -> FetchQuirks;

    /// What is to happen later because of this event.
    fn react(&self, event: &Event, consent: &Consent) -> Vec<Later>;
}

/// A command to be given when `after` has passed in world time.
#[derive(Clone, Debug)]
pub struct Later {
    pub after: Span,
    pub command: Command,
    /// Which step or rule it comes from, for the journal.
    pub origin: String,
}

/// The simulated FIPs; pure in the world's seed and the customer's address.
#[derive(Clone, Copy, Debug)]
pub struct Bank {
    /// The accounts of a customer at the sandbox's FIPs, whatever a world makes of them later; the first of a kind before
    /// others of that kind.
    pub accounts: fn(participants: &Participants, seed: u64, customer: &str) -> Vec<Account>,
    /// Whether it can tell accounts of this kind; others answer DENIED.
    pub tells: fn(FiType) -> bool,
}

/// What all worlds of a sandbox have in common.
#[derive(Clone)]
pub struct Setting {
    pub seed: u64,
    pub clock: ClockStart,
    /// Those of a world that nobody has changed.
    pub participants: Arc<Participants>,
    /// Where webhooks go to FIUs that are registered later and have no URL of their own.
    pub fiu_url: Option<Arc<str>>,
    /// When FIPs answer a request for data.
    pub progression: Progression,
    pub unaport: Unaport,
    /// Whether statements go out by webhook; `None`: only where the face has no data call.
    pub push_data: Option<bool>,
    pub director: Arc<dyn Director>,
    pub bank: Bank,
}

impl Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("seed", &self.seed).field("clock", &self.clock).finish_non_exhaustive()
    }
}
