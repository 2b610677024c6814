//! Laws of a world, attacked with random commands: only legal moves happen, each told once; what has ended stays so;
//! replaying the journal's events rebuilds the consents.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::domain::account::{Account, AccountType, FiType};
use crate::domain::command::{Choice, Command, Outcome, RaiseConsent, Verb};
use crate::domain::consent::{
    Consent, ConsentType, ConsumerType, DataLifeUnit, Face, FetchType, FrequencyUnit, Input, Mode, Purpose, Range,
    Status, Terms,
};
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::{Aa, Participants};
use crate::domain::record::What;
use crate::domain::refusal::Refusal;
use crate::domain::session::FiStatus;
use crate::domain::time::{Span, Timestamp};
use crate::engine::clock::ClockStart;
use crate::engine::ports::{Bank, Director, Script, Setting};
use crate::engine::state::State;
use crate::engine::world::World;

struct Nobody;

impl Director for Nobody {
    fn cast(&self, _: &Terms, _: Option<&str>) -> Result<Option<Arc<dyn Script>>, Refusal> {
        Ok(None)
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn reload(&self) -> Result<usize, String> {
        Ok(0)
    }
}

const START: Timestamp = Timestamp::from_millis(1_600_000_000_000);

fn world() -> Arc<World> {
    let aa = Aa { id: "aa".into(), handle: "aa".into(), api_key: "key".into() };
    let setting = Setting {
        seed: 1,
        clock: ClockStart { at: Some(START), frozen: true },
        participants: Arc::new(Participants { aa, fius: Vec::new(), fips: Vec::new() }),
        data_is_manual: false,
        push_data: Some(true),
        director: Arc::new(Nobody),
        bank: Bank { accounts: |_, _, _| vec![account()], tells: |_| true },
    };
    Arc::new(World::new("laws", Arc::new(setting)))
}

fn account() -> Account {
    Account {
        fi_type: FiType::Deposit,
        fip: "FIP-1".into(),
        account_type: AccountType::Savings,
        account_ref: "1".into(),
        link_ref: "1".into(),
        masked_number: "X1".into(),
    }
}

fn raise(customer: u8, days: i64) -> Command {
    let expiry = START.plus(Span::seconds(days * 86_400));
    let purpose = Purpose { code: "101".into(), ref_uri: None, text: None, category: None };
    let terms = Terms {
        start: START,
        expiry,
        mode: Mode::View,
        fetch_type: FetchType::OneTime,
        consent_types: [ConsentType::Profile].into(),
        fi_types: [FiType::Deposit].into(),
        consumer: "FIU-1".into(),
        consumer_type: ConsumerType::Fiu,
        customer: format!("{customer}@aa").into(),
        purpose: Arc::new(purpose),
        range: Range { from: START, to: expiry },
        data_life: (DataLifeUnit::Day, 1),
        frequency: (FrequencyUnit::Day, 1),
        filters: None,
        vdr_provider: None,
        txnid: "t".into(),
    };
    Command::RaiseConsent(RaiseConsent { terms, face: Face::Seed, fiu: "FIU-1".into(), scenario: None })
}

/// What a caller may do; consents are named by how many were raised before.
#[derive(Clone, Debug)]
enum Deed {
    Raise { customer: u8, days: i64 },
    Move { consent: usize, verb: Verb },
    Deliver { consent: usize },
    Wait { days: i64 },
}

fn deed() -> impl Strategy<Value = Deed> {
    let verb = (0..Input::ALL.len(), any::<bool>()).prop_map(|(input, hold)| match Verb::plain(Input::ALL[input]) {
        Verb::Approve { .. } => Verb::Approve { hold, accounts: Choice::All },
        verb => verb,
    });
    prop_oneof![
        2 => (0u8..4, 1i64..60).prop_map(|(customer, days)| Deed::Raise { customer, days }),
        6 => (0usize..12, verb).prop_map(|(consent, verb)| Deed::Move { consent, verb }),
        1 => (0usize..12).prop_map(|consent| Deed::Deliver { consent }),
        1 => (1i64..20).prop_map(|days| Deed::Wait { days }),
    ]
}

/// A consent as far as two worlds can agree on it.
fn shown(consent: &Consent) -> String {
    let grant =
        consent.grant.as_ref().map(|grant| (grant.consent_id, grant.approved_at, grant.uses, grant.last_used_at));
    format!("{:?} {:?} {:?} {:?} {grant:?}", consent.handle, consent.status, consent.created_at, consent.history)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_legal_moves_happen_and_replay_equals_live(deeds in proptest::collection::vec(deed(), 1..60)) {
        let world = world();
        let mut handles: Vec<ConsentHandle> = Vec::new();
        let mut expected: HashMap<ConsentHandle, (Status, Timestamp)> = HashMap::new();
        let mut now = START;
        for deed in deeds {
            match deed {
                Deed::Raise { customer, days } => {
                    let expiry = START.plus(Span::seconds(days * 86_400));
                    match world.submit(raise(customer, days)) {
                        Ok(receipt) => {
                            let handle = receipt.consent().handle;
                            prop_assert!(expiry > now && !expected.contains_key(&handle));
                            handles.push(handle);
                            expected.insert(handle, (Status::Pending, expiry));
                        }
                        Err(refusal) => prop_assert_eq!(refusal, Refusal::AlreadyExpired { expiry, now }),
                    }
                }
                Deed::Move { consent, verb } => {
                    let Some(handle) = handles.get(consent).copied() else { continue };
                    let status = expected[&handle].0;
                    let outcome = world.submit(Command::MoveConsent { handle, verb: verb.clone() });
                    match (status.after(verb.input()), outcome) {
                        (Some(next), Ok(receipt)) => {
                            let next = if matches!(verb, Verb::Approve { hold: false, .. }) { Status::Active } else { next };
                            prop_assert_eq!(receipt.consent().status, next);
                            expected.get_mut(&handle).expect("it was raised").0 = next;
                        }
                        (None, Err(refusal)) => {
                            prop_assert_eq!(refusal, Refusal::IllegalMove { status, input: verb.input() });
                        }
                        (next, outcome) => prop_assert!(false, "{status} {verb:?}: {next:?}, but {outcome:?}"),
                    }
                }
                Deed::Deliver { consent } => {
                    let Some(handle) = handles.get(consent).copied() else { continue };
                    let outcome = world.submit(Command::Deliver { handle, outcome: Outcome::all(FiStatus::Ready) });
                    prop_assert_eq!(outcome.is_ok(), expected[&handle].0 == Status::Active);
                }
                Deed::Wait { days } => {
                    now = now.plus(Span::seconds(days * 86_400));
                    {
                        let mut inner = world.lock();
                        inner.clock = inner.clock.stopped_at(now);
                    }
                    for (status, expiry) in expected.values_mut() {
                        if *expiry <= now && status.after(Input::Expire).is_some() {
                            *status = Status::Expired;
                        }
                    }
                }
            }
            for (handle, (status, _)) in &expected {
                prop_assert_eq!(world.consent(*handle).expect("it was raised").status, *status);
            }
        }
        let mut replayed = State::default();
        let mut moves = 0;
        for entry in world.journal(0, usize::MAX).0 {
            if let What::Event(event) = entry.what {
                moves += usize::from(event.status().is_some());
                replayed.apply(&event, entry.at);
            }
        }
        let live: Vec<_> = world.consents(0, usize::MAX).iter().map(|consent| shown(consent)).collect();
        let again: Vec<_> = replayed.consents(0).map(|consent| shown(consent)).collect();
        prop_assert_eq!(&live, &again);
        let told: usize = world.consents(0, usize::MAX).iter().map(|consent| consent.history.len()).sum();
        prop_assert_eq!(told, moves, "each move is one event");
    }
}
