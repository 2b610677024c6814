//! Invariants of a world, tested with random commands: only legal transitions happen, each with one
//! event; final states stay final; replaying the journal's events rebuilds the state.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use chrono::Days;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::account::{Account, AccountType, FiType, LinkableAccount};
use crate::domain::action::ConsentAction;
use crate::domain::command::{
    Command, FetchData, FipStatusReport, OnPendingLink, OnRepeatedTxnid, RaiseConsent, RequestData,
};
use crate::domain::command_arguments::{AccountChoice, AccountStatuses};
use crate::domain::consent::{Api, Consent, Input, Status};
use crate::domain::event::Event;
use crate::domain::fair_use::FairUseMode;
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::JournalRecord;
use crate::domain::key_exchange::{Curve, PeerKey};
use crate::domain::ledger_changes::{
    ChangeTransaction, LEDGER_CHANGES_MAX, NewTransaction, TransactionChange, TransactionContent,
    TransactionFields, TransactionKey, TransactionTime, TxnId,
};
use crate::domain::money::Paise;
use crate::domain::participants::{Aa, Fip, Participants};
use crate::domain::persona::{HolderPlan, Persona};
use crate::domain::quirk::Quirks;
use crate::domain::rejection::Rejection;
use crate::domain::retry_policy::RetryPolicy;
use crate::domain::security_mode::SecurityMode;
use crate::domain::session::{ApprovalMode, DataTiming, FiStatus, Session};
use crate::domain::statement::TransactionMode;
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataLifeUnit, FetchType, FrequencyUnit, Purpose, Terms,
    TimeRange, TransactionType,
};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::time_source::TimeSettings;
use crate::domain::unaport::UnaportConfig;
use crate::domain::version::RebitVersion;
use crate::engine::clock::ClockStart;
use crate::engine::sandbox_config::{ENDED_CONSENTS_MAX, SandboxConfig, SimulatedFips};
use crate::engine::state::State;
use crate::engine::world::World;

const START: Timestamp = Timestamp::from_millis(1_600_000_000_000);

/// Returns a world without scenarios, with one AA and one FIP.
pub(crate) fn new_world() -> Arc<World> {
    new_world_with_bound(ENDED_CONSENTS_MAX)
}

/// Returns such a world that keeps so many ended consents.
pub(crate) fn new_world_with_bound(ended_consents_max: usize) -> Arc<World> {
    let aa = Aa::with_id("aa");
    let config = SandboxConfig {
        seed: 1,
        clock: ClockStart {
            at: Some(START),
            frozen: true,
        },
        security: SecurityMode::Lenient,
        fair_use: FairUseMode::Note,
        time_settings: TimeSettings::default(),
        initial_participants: Arc::new(Participants {
            aas: vec![Arc::new(aa)],
            fius: Vec::new(),
            fips: vec![Arc::new(Fip::with_id("FIP-1"))],
        }),
        default_webhook_url: None,
        data_timing: DataTiming::Immediate,
        approval_mode: ApprovalMode::Manual,
        unaport: UnaportConfig::for_fiu("FIU-1".into()),
        retries: RetryPolicy::default(),
        push_data: Some(true),
        scenarios: Arc::default(),
        fips: SimulatedFips {
            list_accounts: |_, _, _, _| {
                vec![LinkableAccount {
                    account: test_account(),
                    linked_by_default: true,
                }]
            },
            can_generate_data: |_, _, _, _| true,
            opening_date: |_| Some(START.ist_date() - Days::new(100)),
            find_transaction: |_, id| generated_transaction(id),
            find_supplied_id: |_, _| None,
        },
        personas: Arc::default(),
        default_persona: Arc::new(test_persona()),
        ended_consents_max,
    };
    Arc::new(World::new("laws", Arc::new(config)))
}

/// Returns a persona for tests.
fn test_persona() -> Persona {
    let holder = HolderPlan {
        birth_years: (1980, 1980),
        has_joint_holder: false,
        non_resident: false,
        is_firm: false,
    };
    Persona {
        name: "nobody".into(),
        description: String::new(),
        holder,
        accounts: Vec::new(),
        quirks: Quirks::default(),
    }
}

/// Returns the generated transactions of the accounts of tests: three in the days before the start.
fn generated_transaction(id: u64) -> Option<TransactionContent> {
    (1..=3).contains(&id).then(|| TransactionContent {
        at: TransactionTime::DaysAgo(u32::try_from(id).expect("small")).resolve(START),
        transaction_type: TransactionType::Debit,
        mode: TransactionMode::Upi,
        amount: Paise::from_rupees(100),
        narration: "GENERATED".into(),
        reference: "1".into(),
        supplied_id: None,
        value_date: None,
    })
}

fn test_account() -> Account {
    Account {
        fi_type: FiType::Deposit,
        fip: "FIP-1".into(),
        account_type: AccountType::Savings,
        account_ref: "1".into(),
        link_ref: "1".into(),
        masked_number: "X1".into(),
    }
}

fn customer_address(customer: u8) -> Arc<str> {
    format!("{customer}@aa").into()
}

/// Returns the command that raises a consent of this customer for some days.
pub(crate) fn raise_consent(customer: u8, days: i64) -> Command {
    let expiry = START.saturating_add(Millis::from_secs(days * 86_400));
    let purpose = Purpose {
        code: "101".into(),
        ref_uri: None,
        text: None,
        category: None,
    };
    let terms = Terms {
        start: START,
        expiry,
        mode: ConsentMode::View,
        fetch_type: FetchType::OneTime,
        consent_types: [ConsentType::Profile].into(),
        fi_types: [FiType::Deposit].into(),
        consumer: "FIU-1".into(),
        consumer_type: ConsumerType::Fiu,
        customer: customer_address(customer),
        sent_customer: None,
        purpose: Arc::new(purpose),
        range: TimeRange {
            from: START,
            to: expiry,
        },
        data_life: (DataLifeUnit::Day, 1),
        frequency: (FrequencyUnit::Day, 1),
        filters: None,
        vdr_provider: None,
        txnid: "t".into(),
    };
    Command::RaiseConsent(RaiseConsent {
        terms,
        api: Api::Seed,
        aa: "mockaa".into(),
        fiu: "FIU-1".into(),
        metadata: None,
        scenario: None,
        persona: None,
        on_repeated_txnid: OnRepeatedTxnid::Note,
    })
}

/// Moves the stopped clock of a world and runs the work that has become due.
pub(crate) fn advance_world(world: &World, by: Millis) {
    let to = world.now().saturating_add(by);
    {
        let mut inner = world.lock();
        inner.clock = inner.clock.stopped_at(to);
    }
    let _ = world.catch_up();
}

/// A step around consents; consents are named by the number raised before them.
#[derive(Clone, Debug)]
enum ConsentStep {
    Raise {
        customer: u8,
        days: i64,
    },
    Transition {
        consent: usize,
        action: ConsentAction,
    },
    Deliver {
        consent: usize,
    },
    Wait {
        days: i64,
    },
}

fn any_consent_step() -> impl Strategy<Value = ConsentStep> {
    let action = (0..Input::ALL.len(), any::<bool>()).prop_map(|(input, hold)| {
        match ConsentAction::with_defaults(Input::ALL[input]) {
            ConsentAction::Approve { .. } => ConsentAction::Approve {
                hold,
                accounts: AccountChoice::All,
            },
            action => action,
        }
    });
    prop_oneof![
        2 => (0u8..4, 1i64..60).prop_map(|(customer, days)| ConsentStep::Raise { customer, days }),
        6 => (0usize..12, action).prop_map(|(consent, action)| ConsentStep::Transition { consent, action }),
        1 => (0usize..12).prop_map(|consent| ConsentStep::Deliver { consent }),
        1 => (1i64..20).prop_map(|days| ConsentStep::Wait { days }),
    ]
}

/// Describes a consent without what is specific to one world object.
fn snapshot_consent(consent: &Consent) -> String {
    let grant = consent.grant.as_ref().map(|grant| {
        (
            grant.consent_id,
            grant.approved_at,
            grant.use_count,
            grant.last_used_at,
        )
    });
    format!(
        "{:?} {:?} {:?} {:?} {grant:?}",
        consent.handle, consent.status, consent.created_at, consent.history
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_legal_transitions_happen_and_replay_equals_live(steps in proptest::collection::vec(any_consent_step(), 1..60)) {
        let world = new_world();
        let mut handles: Vec<ConsentHandle> = Vec::new();
        let mut expected: HashMap<ConsentHandle, (Status, Timestamp)> = HashMap::new();
        let mut now = START;
        for step in steps {
            match step {
                ConsentStep::Raise { customer, days } => {
                    let expiry = START.saturating_add(Millis::from_secs(days * 86_400));
                    match world.submit(None, raise_consent(customer, days)) {
                        Ok(receipt) => {
                            let handle = receipt.release_webhooks().consent().handle;
                            prop_assert!(expiry > now && !expected.contains_key(&handle));
                            handles.push(handle);
                            expected.insert(handle, (Status::Pending, expiry));
                        }
                        Err(rejection) => prop_assert_eq!(rejection, Rejection::AlreadyExpired { expiry, now }),
                    }
                }
                ConsentStep::Transition { consent, action } => {
                    let Some(handle) = handles.get(consent).copied() else { continue };
                    let status = expected[&handle].0;
                    let outcome = world.submit(None, Command::TransitionConsent { handle, action: action.clone() });
                    match (status.transition_on(action.input()), outcome) {
                        (Some(next), Ok(receipt)) => {
                            let next = if matches!(action, ConsentAction::Approve { hold: false, .. }) { Status::Active } else { next };
                            prop_assert_eq!(receipt.release_webhooks().consent().status, next);
                            expected.get_mut(&handle).expect("it was raised").0 = next;
                        }
                        (None, Err(rejection)) => {
                            prop_assert_eq!(rejection, Rejection::IllegalTransition { status, input: action.input() });
                        }
                        (next, outcome) => prop_assert!(false, "{status} {action:?}: {next:?}, but {outcome:?}"),
                    }
                }
                ConsentStep::Deliver { consent } => {
                    let Some(handle) = handles.get(consent).copied() else { continue };
                    let outcome = world.submit(None, Command::DeliverData { handle, session: None, statuses: AccountStatuses::uniform_status(FiStatus::Ready) });
                    prop_assert_eq!(outcome.is_ok(), expected[&handle].0 == Status::Active);
                }
                ConsentStep::Wait { days } => {
                    now = now.saturating_add(Millis::from_secs(days * 86_400));
                    {
                        let mut inner = world.lock();
                        inner.clock = inner.clock.stopped_at(now);
                    }
                    for (status, expiry) in expected.values_mut() {
                        if *expiry <= now && status.transition_on(Input::Expire).is_some() {
                            *status = Status::Expired;
                        }
                    }
                }
            }
            for (handle, (status, _)) in &expected {
                prop_assert_eq!(world.catch_up().consent(*handle).expect("it was raised").status, *status);
            }
        }
        let mut replayed = State::new(ENDED_CONSENTS_MAX);
        let mut transition_count = 0;
        for entry in world.catch_up().journal_after(0, usize::MAX).0 {
            if let JournalRecord::Event(event) = entry.record {
                transition_count += usize::from(event.resulting_status().is_some());
                replayed.apply(&event, entry.at);
            }
        }
        let live: Vec<_> = world.catch_up().consents(0, usize::MAX).iter().map(|consent| snapshot_consent(consent)).collect();
        let replayed_consents: Vec<_> = replayed.consents(0).map(|consent| snapshot_consent(consent)).collect();
        prop_assert_eq!(&live, &replayed_consents);
        let history_len: usize = world.catch_up().consents(0, usize::MAX).iter().map(|consent| consent.history.len()).sum();
        prop_assert_eq!(history_len, transition_count, "each transition is one event");
    }
}

/// A step around data and accounts; consents and sessions are named by the number of earlier ones.
#[derive(Clone, Debug)]
enum DataStep {
    Raise { customer: u8 },
    Approve { consent: usize },
    Pause { consent: usize },
    Resume { consent: usize },
    RequestData { consent: usize },
    Answer { session: usize, status: FiStatus },
    FetchData { session: usize },
    RegisterCustomer { customer: u8 },
    DeregisterCustomer { customer: u8 },
    Link { customer: u8, valid_token: bool },
    Delink { customer: u8 },
    ChangeTransaction { customer: u8, id: u64, kind: u8 },
    Wait { hours: i64 },
}

fn any_data_step() -> impl Strategy<Value = DataStep> {
    let status = (0..FiStatus::ALL.len()).prop_map(|index| FiStatus::ALL[index]);
    prop_oneof![
        3 => (0u8..3).prop_map(|customer| DataStep::Raise { customer }),
        6 => (0usize..5).prop_map(|consent| DataStep::Approve { consent }),
        4 => (0usize..5).prop_map(|consent| DataStep::Pause { consent }),
        6 => (0usize..5).prop_map(|consent| DataStep::Resume { consent }),
        6 => (0usize..5).prop_map(|consent| DataStep::RequestData { consent }),
        2 => (0usize..8, status).prop_map(|(session, status)| DataStep::Answer { session, status }),
        3 => (0usize..8).prop_map(|session| DataStep::FetchData { session }),
        1 => (0u8..3).prop_map(|customer| DataStep::RegisterCustomer { customer }),
        1 => (0u8..3).prop_map(|customer| DataStep::DeregisterCustomer { customer }),
        2 => (0u8..3, any::<bool>()).prop_map(|(customer, valid_token)| DataStep::Link { customer, valid_token }),
        1 => (0u8..3).prop_map(|customer| DataStep::Delink { customer }),
        3 => (0u8..3, 1u64..5, 0u8..3).prop_map(|(customer, id, kind)| DataStep::ChangeTransaction { customer, id, kind }),
        6 => (1i64..15).prop_map(|hours| DataStep::Wait { hours }),
    ]
}

/// The number of requests that one day's window allows.
const REQUESTS_PER_DAY: u32 = 2;

fn handle_at(world: &World, index: usize) -> Option<ConsentHandle> {
    Some(world.catch_up().consents(index, 1).first()?.handle)
}

fn session_at(world: &World, index: usize) -> Option<Arc<Session>> {
    world.catch_up().sessions(index, 1).first().cloned()
}

fn to_command(step: &DataStep, world: &World) -> Option<Command> {
    Some(match step {
        DataStep::Raise { customer } => {
            let Command::RaiseConsent(mut request) = raise_consent(*customer, 30) else {
                unreachable!("it raises")
            };
            request.terms.fetch_type = FetchType::Periodic;
            request.terms.frequency = (FrequencyUnit::Day, REQUESTS_PER_DAY);
            // One customer uses Unaport, which also requests data by schedule.
            request.api = if *customer == 2 {
                Api::Unaport
            } else {
                Api::Rebit(RebitVersion::V2_0_0)
            };
            Command::RaiseConsent(request)
        }
        DataStep::Approve { consent: index } => Command::TransitionConsent {
            handle: handle_at(world, *index)?,
            action: ConsentAction::with_defaults(Input::Approve),
        },
        DataStep::Pause { consent: index } => Command::TransitionConsent {
            handle: handle_at(world, *index)?,
            action: ConsentAction::with_defaults(Input::Pause),
        },
        DataStep::Resume { consent: index } => Command::TransitionConsent {
            handle: handle_at(world, *index)?,
            action: ConsentAction::with_defaults(Input::Resume),
        },
        DataStep::RequestData { consent: index } => Command::RequestData(RequestData {
            handle: handle_at(world, *index)?,
            range: TimeRange {
                from: START,
                to: START,
            },
            key: Arc::new(PeerKey {
                curve: Curve::X25519,
                public: [0; 32].into(),
                nonce: [0; 32],
                labels: None,
            }),
            txnid: "t".into(),
            on_repeated_txnid: OnRepeatedTxnid::Note,
        }),
        DataStep::Answer {
            session: index,
            status,
        } => {
            let session = session_at(world, *index)?;
            let part = &session.fips[0];
            let accounts = vec![("1".into(), *status, "said".into())];
            Command::ReportFipStatus(FipStatusReport {
                session: part.id,
                fip: Arc::clone(&part.fip),
                session_failed: false,
                accounts,
            })
        }
        DataStep::FetchData { session: index } => Command::FetchData(FetchData {
            session: session_at(world, *index)?.id,
            fip: None,
            link_refs: Vec::new(),
        }),
        DataStep::RegisterCustomer { customer } => Command::RegisterCustomer {
            customer: customer_address(*customer),
        },
        DataStep::DeregisterCustomer { customer } => Command::DeregisterCustomer {
            customer: customer_address(*customer),
        },
        DataStep::Link {
            customer,
            valid_token,
        } => {
            let customer = customer_address(*customer);
            match world
                .catch_up()
                .customer(&customer)
                .0
                .and_then(|known| known.pending_links.first().map(|link| link.id))
            {
                Some(link) => Command::VerifyLink {
                    customer,
                    link,
                    token: if *valid_token { "1234" } else { "0" }.into(),
                    refused: Vec::new(),
                },
                None => Command::LinkAccounts {
                    customer,
                    fip: "FIP-1".into(),
                    accounts: vec!["1".into()],
                    on_pending_link: OnPendingLink::Refuse,
                },
            }
        }
        DataStep::Delink { customer } => Command::DelinkAccount {
            customer: customer_address(*customer),
            link_ref: "1".into(),
        },
        DataStep::ChangeTransaction { customer, id, kind } => {
            Command::ChangeTransaction(ChangeTransaction {
                customer: customer_address(*customer),
                account: None,
                consent: None,
                change: match kind {
                    0 => TransactionChange::Add(new_transaction()),
                    1 => TransactionChange::Remove(TransactionKey::Id(TxnId::from(*id))),
                    _ => TransactionChange::Change(
                        TransactionKey::Id(TxnId::from(*id)),
                        amount_of(i64::from(*customer) + 1),
                    ),
                },
            })
        }
        DataStep::Wait { .. } => return None,
    })
}

fn new_transaction() -> NewTransaction {
    NewTransaction {
        time: TransactionTime::DaysAgo(2),
        transaction_type: TransactionType::Credit,
        mode: TransactionMode::Neft,
        amount: Paise::from_rupees(5),
        narration: "ADDED".into(),
        reference: None,
    }
}

fn amount_of(rupees: i64) -> TransactionFields {
    TransactionFields {
        amount: Some(Paise::from_rupees(rupees)),
        ..TransactionFields::default()
    }
}

/// Describes the data and accounts of a state.
fn snapshot_state(state: &State) -> String {
    let consents = state.consents(0).map(|consent| {
        let grant = consent.grant.as_ref().map(|grant| {
            let runs = (
                grant.run_count,
                grant.last_run_at,
                grant.next_run_at,
                grant.fetch_count,
            );
            (
                grant.use_count,
                grant.window,
                grant.session,
                runs,
                grant.accounts.clone(),
            )
        });
        format!(
            "{:?} {:?} {} {grant:?}\n",
            consent.handle, consent.status, consent.hidden
        )
    });
    let sessions = state.sessions(0).map(|session| format!("{session:?}\n"));
    let customers = state.customer_addresses().into_iter().map(|address| {
        let changes = state.ledger_changes(&address, &test_account(), &test_persona());
        format!("{:?} {changes:?}\n", state.customer(&address))
    });
    consents.chain(sessions).chain(customers).collect()
}

/// Asserts that the written form of a value gives the same value again.
fn assert_reads_back<T: Serialize + DeserializeOwned + Debug>(value: &T) {
    let written = serde_json::to_string(value).expect("a value of the state can be written");
    let read: T = serde_json::from_str(&written).expect("a written value");
    assert_eq!(format!("{read:?}"), format!("{value:?}"));
}

/// Asserts that the written form of each consent, session and customer gives the same one again.
fn assert_state_reads_back(state: &State) {
    state.consents(0).for_each(assert_reads_back);
    state.sessions(0).for_each(assert_reads_back);
    for address in state.customer_addresses() {
        assert_reads_back(&state.customer(&address).cloned());
        assert_reads_back(&state.stream_ordinals(&address));
        assert_reads_back(&state.persona_instances(&address).to_vec());
        let changes = state.ledger_changes(&address, &test_account(), &test_persona());
        assert_reads_back(&changes.cloned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn data_is_delivered_within_the_consent_and_replay_equals_live(steps in proptest::collection::vec(any_data_step(), 1..80)) {
        let world = new_world();
        let mut now = START;
        let mut request_times: HashMap<ConsentHandle, Vec<Timestamp>> = HashMap::new();
        for step in steps {
            if let DataStep::Wait { hours } = step {
                now = now.saturating_add(Millis::from_secs(hours * 3_600));
                let mut inner = world.lock();
                // A driver looks at the next work while it waits; that changes nothing.
                inner.discard_stale_and_peek();
                inner.clock = inner.clock.stopped_at(now);
                continue;
            }
            let Some(command) = to_command(&step, &world) else { continue };
            let written = world.catch_up().journal_after(u64::MAX, 1).1;
            let outcome = world.submit(None, command.clone());
            if outcome.is_err() {
                prop_assert_eq!(world.catch_up().journal_after(u64::MAX, 1).1, written, "a rejection changes nothing");
            }
            if let (Ok(receipt), Command::RequestData(request)) = (outcome, command) {
                prop_assert_eq!(receipt.release_webhooks().consent().status, Status::Active);
                request_times.entry(request.handle).or_default().push(now);
            }
            for consent in world.catch_up().consents(0, usize::MAX) {
                let linked = world.catch_up().customer(&consent.terms.customer).1;
                if consent.status == Status::Active && !consent.hidden {
                    prop_assert!(linked.iter().any(|account| account.is_linked), "an account of a consent in force is linked");
                    let next_run = consent.grant.as_ref().and_then(|grant| grant.next_run_at);
                    prop_assert!(next_run.is_none_or(|at| at > now), "no run of a consent in force is overdue");
                }
            }
        }
        let day = Millis::from_secs(86_400);
        for times in request_times.values() {
            for (index, window_start) in times.iter().enumerate() {
                // A window begins with its first request, so at most two windows overlap one day.
                let within = times[index..].iter().filter(|time| time.duration_since(*window_start).0 < day.0).count();
                prop_assert!(within <= 2 * REQUESTS_PER_DAY as usize);
            }
        }
        let mut replayed = State::new(ENDED_CONSENTS_MAX);
        for entry in world.catch_up().journal_after(0, usize::MAX).0 {
            if let JournalRecord::Event(event) = entry.record {
                assert_reads_back(&event);
                replayed.apply(&event, entry.at);
            }
        }
        let live = snapshot_state(&world.lock().state);
        prop_assert_eq!(live, snapshot_state(&replayed));
        assert_state_reads_back(&world.lock().state);
    }
}

/// Raises and approves a consent of the first customer, and requests its data.
fn world_with_session(api: Api) -> (Arc<World>, ConsentHandle) {
    let world = new_world();
    let Command::RaiseConsent(mut request) = raise_consent(0, 30) else {
        unreachable!("it raises")
    };
    request.terms.fetch_type = FetchType::Periodic;
    request.api = api;
    let receipt = world.submit(None, Command::RaiseConsent(request));
    let handle = receipt
        .expect("it is raised")
        .release_webhooks()
        .consent()
        .handle;
    for step in [
        DataStep::Approve { consent: 0 },
        DataStep::RequestData { consent: 0 },
    ] {
        let command = to_command(&step, &world).expect("a consent");
        drop(
            world
                .submit(None, command)
                .expect("it is legal")
                .release_webhooks(),
        );
    }
    (world, handle)
}

fn change(world: &Arc<World>, change: TransactionChange) -> Result<Event, Rejection> {
    let receipt = world.submit(
        None,
        Command::ChangeTransaction(ChangeTransaction {
            customer: customer_address(0),
            account: None,
            consent: None,
            change,
        }),
    )?;
    Ok(receipt.release_webhooks().last_event)
}

fn event_names(world: &World, after: u64) -> Vec<&'static str> {
    let entries = world.catch_up().journal_after(after, usize::MAX).0;
    let names = entries.iter().filter_map(|entry| match &entry.record {
        JournalRecord::Event(event) => Some(event.name().as_str()),
        _ => None,
    });
    names.collect()
}

#[test]
fn a_session_keeps_its_data_and_a_later_one_has_the_change() {
    let (world, _) = world_with_session(Api::Rebit(RebitVersion::V2_0_0));
    let event = change(&world, TransactionChange::Add(new_transaction())).expect("it is legal");
    assert_eq!(event.name().as_str(), "transaction.added");
    let first = session_at(&world, 0).expect("it was requested");
    assert_eq!(first.accounts[0].changes, None);
    // The clock stands still: the order alone decides what a session contains.
    let request = to_command(&DataStep::RequestData { consent: 0 }, &world).expect("a consent");
    drop(world.submit(None, request));
    advance_world(&world, Millis::from_secs(86_400));
    let request = to_command(&DataStep::RequestData { consent: 0 }, &world).expect("a consent");
    drop(
        world
            .submit(None, request)
            .expect("it is legal")
            .release_webhooks(),
    );
    let sessions = world.catch_up().sessions(0, usize::MAX);
    let later = sessions.last().expect("a session");
    let revision = later.accounts[0]
        .changes
        .as_ref()
        .map(|changes| changes.revision());
    assert_eq!(revision, Some(1));
    let fetch = to_command(
        &DataStep::FetchData {
            session: sessions.len() - 1,
        },
        &world,
    );
    drop(
        world
            .submit(None, fetch.expect("a session"))
            .expect("it is legal")
            .release_webhooks(),
    );
    let fetched = session_at(&world, sessions.len() - 1).expect("a session");
    assert_eq!(fetched.accounts[0].changes, later.accounts[0].changes);
    assert_eq!(
        session_at(&world, 0).expect("a session").accounts[0].changes,
        None
    );
}

#[test]
fn a_consent_in_force_with_data_gets_a_notification() {
    let (world, handle) = world_with_session(Api::Rebit(RebitVersion::V2_0_0));
    let open = world.catch_up().overview().webhooks_open;
    let last = world.catch_up().journal_after(u64::MAX, 1).1;
    change(
        &world,
        TransactionChange::Remove(TransactionKey::Id(TxnId::from(2))),
    )
    .expect("it is legal");
    assert_eq!(
        event_names(&world, last),
        ["transaction.removed", "fi.outdated"]
    );
    assert_eq!(world.catch_up().overview().webhooks_open, open + 1);
    let session = session_at(&world, 0).expect("a session");
    assert_eq!(session.accounts[0].description, "Data is ready");

    let pause = ConsentAction::with_defaults(Input::Pause);
    let pause = Command::TransitionConsent {
        handle,
        action: pause,
    };
    drop(
        world
            .submit(None, pause)
            .expect("it is legal")
            .release_webhooks(),
    );
    let last = world.catch_up().journal_after(u64::MAX, 1).1;
    change(
        &world,
        TransactionChange::Remove(TransactionKey::Id(TxnId::from(1))),
    )
    .expect("it is legal");
    assert_eq!(event_names(&world, last), ["transaction.removed"]);
}

#[test]
fn an_impossible_change_is_rejected() {
    let world = new_world();
    let customer = customer_address(0).to_string();
    let unknown = |id: u64| Rejection::UnknownTransaction {
        customer: customer.clone(),
        transaction: format!("M{id}"),
        account: None,
    };
    assert_eq!(
        change(
            &world,
            TransactionChange::Remove(TransactionKey::Id(TxnId::from(9)))
        )
        .unwrap_err(),
        unknown(9)
    );
    change(
        &world,
        TransactionChange::Remove(TransactionKey::Id(TxnId::from(1))),
    )
    .expect("it exists");
    assert_eq!(
        change(
            &world,
            TransactionChange::Remove(TransactionKey::Id(TxnId::from(1)))
        )
        .unwrap_err(),
        unknown(1)
    );
    assert_eq!(
        change(
            &world,
            TransactionChange::Change(TransactionKey::Id(TxnId::from(2)), amount_of(100))
        )
        .unwrap_err(),
        Rejection::TransactionUnchanged("M2".into())
    );
    let at = START.saturating_add(Millis(1));
    let late = NewTransaction {
        time: TransactionTime::At(at),
        ..new_transaction()
    };
    assert_eq!(
        change(&world, TransactionChange::Add(late)).unwrap_err(),
        Rejection::TransactionInFuture { at, now: START }
    );
    let early = NewTransaction {
        time: TransactionTime::DaysAgo(101),
        ..new_transaction()
    };
    let rejection = change(&world, TransactionChange::Add(early)).unwrap_err();
    assert!(
        matches!(rejection, Rejection::TransactionBeforeOpening { .. }),
        "{rejection}"
    );
    let first_day = NewTransaction {
        time: TransactionTime::DaysAgo(100),
        ..new_transaction()
    };
    change(&world, TransactionChange::Add(first_day)).expect("the account is open");
}

#[test]
fn the_number_of_changes_is_limited_and_a_changed_transaction_can_change_again() {
    let world = new_world();
    for _ in 0..LEDGER_CHANGES_MAX {
        change(&world, TransactionChange::Add(new_transaction())).expect("there is room");
    }
    let rejection = change(
        &world,
        TransactionChange::Remove(TransactionKey::Id(TxnId::from(1))),
    )
    .unwrap_err();
    assert!(
        matches!(rejection, Rejection::TooManyTransactions { .. }),
        "{rejection}"
    );
    let event = change(&world, TransactionChange::Add(new_transaction()));
    assert!(event.is_err());
    let state_id = generated_transaction(2)
        .expect("a transaction")
        .at
        .ist_date();
    let first = format!("{}000001", state_id.format("%Y%m%d"))
        .parse::<u64>()
        .expect("digits");
    change(
        &world,
        TransactionChange::Remove(TransactionKey::Id(TxnId::from(first))),
    )
    .expect("it was added");
    change(
        &world,
        TransactionChange::Remove(TransactionKey::Id(TxnId::from(1))),
    )
    .expect("there is room again");
}
