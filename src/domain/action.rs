//! Actions: what the customer, the FIPs and the AA do in a scenario. The table below is their only
//! definition: name, parameters, defaults and schema. They act in `domain::scenario_plan`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::command::Command;
use crate::domain::command_arguments::{
    AccountAnswer, AccountChoice, AccountSelector, AccountStatuses, Party, TimingOverride,
};
use crate::domain::consent::{Input, Status};
use crate::domain::ids::ConsentHandle;
use crate::domain::naming::{tagged_family, wire_name_schema};
use crate::domain::notification::{NotificationContent, NotificationKind, RawNotification};
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::session::FiStatus;
use crate::domain::time::Millis;
use crate::domain::transaction_action::{AddedTransaction, EditedTransaction, RemovedTransaction};

tagged_family! {
    /// Exactly one action.
    Action,
    /// Names of the actions in scenario files.
    ActionName {
        /// A consent input with its parameters.
        Transition(ConsentAction) {
            /// The customer approves.
            Approve = "approve" {
                /// Keep the consent READY until `activate`.
                #[serde(default)]
                hold: bool,
                /// The approved accounts: `all` of the requested FI types, a list of
                /// `linkRefNumber`s, or a filter.
                #[serde(default)]
                accounts: AccountChoice,
            }
            /// Activates the artefact of a consent that was held at READY.
            Activate = "activate" {}
            /// The customer rejects.
            Reject = "reject" {}
            /// The AA fails to create the consent.
            Fail = "fail" {}
            /// The customer suspends the consent.
            Pause = "pause" {}
            /// The customer ends the suspension.
            Resume = "resume" {}
            /// A party revokes the consent.
            Revoke = "revoke" {
                /// The party that revokes.
                #[serde(default = "default_revoker")]
                by: Party,
            }
            /// The consent expires before its `consentExpiry`.
            Expire = "expire" {}
        }

        /// An answer of FIPs to a data request. If none is pending, the AA makes one.
        Answer(AnswerAction) {
            /// FIPs answer a data request. If none is pending, the AA makes one.
            Deliver = "deliver" (FipAnswers)
            /// FIPs answer DENIED.
            Deny = "deny" {
                /// The FIPs concerned; default: all.
                #[serde(default)]
                fips: Vec<Box<str>>,
                /// The `description` of the accounts in the notification.
                #[serde(skip_serializing_if = "Option::is_none")]
                #[schemars(length(min = 1))]
                reason: Option<Box<str>>,
            }
            /// FIPs answer TIMEOUT.
            TimeOut = "time_out" {
                /// The FIPs concerned; default: all.
                #[serde(default)]
                fips: Vec<Box<str>>,
            }
        }

        /// A change of the customer's accounts at the AA.
        Customer(CustomerAction) {
            /// The customer links accounts.
            Link = "link" {
                /// The FIP concerned; default: all.
                fip: Option<Box<str>>,
            }
            /// The customer delinks accounts, which revokes the consents with these accounts.
            Delink = "delink" (DelinkedAccounts)
            /// The customer deregisters from the AA.
            Deregister = "deregister" {}
        }

        /// A change of the transactions of a bank account. FIUs with a consent in force are
        /// notified.
        Bank(BankAction) {
            /// A bank account of the customer gets one more transaction.
            Add = "add_transaction" (AddedTransaction)
            /// A transaction of a bank account changes.
            Change = "change_transaction" (EditedTransaction)
            /// A transaction of a bank account is withdrawn.
            Remove = "remove_transaction" (RemovedTransaction)
        }

        /// An action of the sandbox itself, which no party takes.
        Sandbox(SandboxAction) {
            /// Sends the FIU a notification, which may be false.
            Notify = "notify" (ScriptedNotification)
            /// Changes data timing and latency of this consent from now on.
            Set = "set" (TimingOverride)
            /// From now on the customer's visits to the AA by web redirection end at once, before
            /// an answer.
            Redirect = "redirect" {
                /// The `errorcode` with which the browser comes back; without it, visits reach the
                /// page again.
                errorcode: Option<RedirectionCode>,
            }
        }
    }
}

const fn default_revoker() -> Party {
    Party::Customer
}

impl ConsentAction {
    /// Returns the column of the transition table.
    pub const fn input(&self) -> Input {
        match self {
            Self::Approve { .. } => Input::Approve,
            Self::Activate {} => Input::Activate,
            Self::Reject {} => Input::Reject,
            Self::Fail {} => Input::Fail,
            Self::Pause {} => Input::Pause,
            Self::Resume {} => Input::Resume,
            Self::Revoke { .. } => Input::Revoke,
            Self::Expire {} => Input::Expire,
        }
    }

    /// Returns the action with default parameters: approval takes effect at once, the customer
    /// revokes.
    pub const fn with_defaults(input: Input) -> Self {
        match input {
            Input::Approve => Self::Approve {
                hold: false,
                accounts: AccountChoice::All,
            },
            Input::Activate => Self::Activate {},
            Input::Reject => Self::Reject {},
            Input::Fail => Self::Fail {},
            Input::Pause => Self::Pause {},
            Input::Resume => Self::Resume {},
            Input::Revoke => Self::Revoke {
                by: default_revoker(),
            },
            Input::Expire => Self::Expire {},
        }
    }
}

/// The answers of FIPs to a data request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct FipAnswers {
    /// The answer for accounts that no other key names; default: READY if no other key is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<FipAnswer>,
    /// Answers by FIP id.
    pub fips: BTreeMap<Box<str>, FipAnswer>,
    /// Answers by `linkRefNumber`.
    pub accounts: BTreeMap<Box<str>, FipAnswer>,
    /// The answer of the last FIP, in sessions with several FIPs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fip: Option<FipAnswer>,
}

/// An answer, immediate or with details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum FipAnswer {
    Immediate(#[schemars(schema_with = "answer_schema")] FiStatus),
    Detailed(DetailedAnswer),
}

/// An answer with its delay and its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = add_fail_synonym)]
pub struct DetailedAnswer {
    #[serde(alias = "fail")]
    #[schemars(schema_with = "answer_schema")]
    pub answer: FiStatus,
    /// The delay of the answer, in world time.
    #[serde(default)]
    pub after: Millis,
    /// The `description` of the account in the notification; default: that of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub reason: Option<Box<str>>,
}

fn answer_schema(_: &mut SchemaGenerator) -> Schema {
    wire_name_schema(FiStatus::ANSWERS)
}

/// Adds `fail`, a synonym of `answer` for DENIED and TIMEOUT.
fn add_fail_synonym(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties") else {
        return;
    };
    properties["fail"] = properties["answer"].clone();
    properties["fail"]["description"] = "A synonym of `answer`, for DENIED and TIMEOUT.".into();
    schema.remove("required");
    let choices = json!([{ "required": ["answer"] }, { "required": ["fail"] }]);
    schema.insert("oneOf".to_owned(), choices);
}

impl FipAnswer {
    const fn status(&self) -> FiStatus {
        match self {
            Self::Immediate(status) => *status,
            Self::Detailed(answer) => answer.answer,
        }
    }

    const fn delay(&self) -> Millis {
        match self {
            Self::Immediate(_) => Millis::ZERO,
            Self::Detailed(answer) => answer.after,
        }
    }

    /// Returns what the answer contributes at one of the delays. An answer that is due at another
    /// delay is PENDING, so that the default does not apply to it.
    fn answer_at_delay(&self, delay: Millis) -> AccountAnswer {
        if self.delay() == delay {
            self.to_account_answer()
        } else {
            FiStatus::Pending.into()
        }
    }

    fn to_account_answer(&self) -> AccountAnswer {
        let reason = match self {
            Self::Immediate(_) => None,
            Self::Detailed(answer) => answer.reason.clone(),
        };
        AccountAnswer {
            status: self.status(),
            reason,
        }
    }
}

impl FipAnswers {
    /// Returns the same immediate answer for all accounts.
    pub fn uniform_answer(status: FiStatus) -> Self {
        Self {
            default: Some(FipAnswer::Immediate(status)),
            ..Self::default()
        }
    }

    fn answers_at_fips(fips: &[Box<str>], answer: FipAnswer) -> Self {
        if fips.is_empty() {
            return Self {
                default: Some(answer),
                ..Self::default()
            };
        }
        Self {
            fips: fips
                .iter()
                .map(|fip| (fip.clone(), answer.clone()))
                .collect(),
            ..Self::default()
        }
    }

    fn default_answer(&self) -> Option<FipAnswer> {
        let names_nothing =
            self.fips.is_empty() && self.accounts.is_empty() && self.last_fip.is_none();
        let ready = names_nothing.then_some(FipAnswer::Immediate(FiStatus::Ready));
        self.default.clone().or(ready)
    }

    /// Returns whether one of the answers is this one.
    pub fn has_status(&self, status: FiStatus) -> bool {
        self.default_answer()
            .iter()
            .chain(&self.last_fip)
            .chain(self.fips.values())
            .chain(self.accounts.values())
            .any(|answer| answer.status() == status)
    }

    /// Returns the different delays of the answers, in ascending order.
    pub fn delays(&self) -> BTreeSet<Millis> {
        self.default_answer()
            .iter()
            .chain(&self.last_fip)
            .chain(self.fips.values())
            .chain(self.accounts.values())
            .map(FipAnswer::delay)
            .collect()
    }

    /// Returns the answers grouped by their delay, in ascending order.
    pub fn group_by_delay(&self) -> Vec<(Millis, AccountStatuses)> {
        let statuses_at_delay = |answers: &BTreeMap<Box<str>, FipAnswer>, delay| {
            answers
                .iter()
                .map(|(name, answer)| (name.clone(), answer.answer_at_delay(delay)))
                .collect()
        };
        self.delays()
            .into_iter()
            .map(|delay| {
                let statuses = AccountStatuses {
                    default: self
                        .default_answer()
                        .filter(|answer| answer.delay() == delay)
                        .map(|answer| answer.to_account_answer()),
                    by_fip: statuses_at_delay(&self.fips, delay),
                    by_account: statuses_at_delay(&self.accounts, delay),
                    last_fip: self
                        .last_fip
                        .as_ref()
                        .map(|answer| answer.answer_at_delay(delay)),
                };
                (delay, statuses)
            })
            .collect()
    }
}

impl AnswerAction {
    /// Returns the answers of the action.
    pub fn answers(&self) -> FipAnswers {
        match self {
            Self::Deliver(answers) => answers.clone(),
            Self::Deny { fips, reason } => {
                let answer = DetailedAnswer {
                    answer: FiStatus::Denied,
                    after: Millis::ZERO,
                    reason: reason.clone(),
                };
                FipAnswers::answers_at_fips(fips, FipAnswer::Detailed(answer))
            }
            Self::TimeOut { fips } => {
                FipAnswers::answers_at_fips(fips, FipAnswer::Immediate(FiStatus::Timeout))
            }
        }
    }
}

/// One account, or all at a FIP; default: all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("maxProperties" = 1))]
pub struct DelinkedAccounts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fip: Option<Box<str>>,
    /// The `linkRefNumber` of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Box<str>>,
}

/// A notification with a consent status or a whole body. One of `fi.status` without either repeats
/// what is true of the newest data session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ScriptedNotification {
    /// The kind of the notification.
    #[serde(default = "default_notification")]
    pub event: NotificationKind,
    /// The consent status in the notification, which need not be the real one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The whole body. The placeholders `{{consentHandle}}`, `{{consentId}}`, `{{customer}}`,
    /// `{{fiuId}}`, `{{sessionId}}`, `{{timestamp}}` and `{{txnid}}` are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

const fn default_notification() -> NotificationKind {
    NotificationKind::ConsentStatus
}

impl ScriptedNotification {
    /// Returns the command that sends it; `None` for one without a content, which the parser refuses.
    pub(crate) fn to_command(&self, handle: ConsentHandle) -> Option<Command> {
        let content = match (&self.body, self.status) {
            (Some(body), _) => NotificationContent::Raw(Arc::new(RawNotification {
                kind: self.event,
                body: body.to_string().into_bytes().into(),
            })),
            (None, Some(status)) => NotificationContent::ConsentStatus(status),
            (None, None) if self.repeats_session() => {
                return Some(Command::RepeatDataNotification { handle });
            }
            (None, None) => return None,
        };
        Some(Command::SendScriptedNotification { handle, content })
    }

    /// Returns whether it repeats what is true of the newest data session.
    pub(crate) fn repeats_session(&self) -> bool {
        self.event == NotificationKind::FiStatus && self.status.is_none() && self.body.is_none()
    }
}

impl Action {
    /// Returns the ids of the FIPs and the `linkRefNumber`s that the action names.
    pub fn named_fips_and_accounts(&self) -> (Vec<Box<str>>, Vec<Box<str>>) {
        match self {
            Self::Transition(ConsentAction::Approve { accounts, .. }) => match accounts {
                AccountChoice::All => (Vec::new(), Vec::new()),
                AccountChoice::ByLinkRef(accounts) => (Vec::new(), accounts.clone()),
                AccountChoice::Matching(AccountSelector { fips, except, .. }) => {
                    let except = except.clone().unwrap_or_default();
                    let fips = fips.iter().cloned().chain(except.fips);
                    (fips.collect(), except.accounts)
                }
            },
            Self::Answer(action) => {
                let FipAnswers { fips, accounts, .. } = action.answers();
                (fips.into_keys().collect(), accounts.into_keys().collect())
            }
            Self::Customer(CustomerAction::Link { fip }) => {
                (fip.iter().cloned().collect(), Vec::new())
            }
            Self::Customer(CustomerAction::Delink(DelinkedAccounts { fip, account })) => (
                fip.iter().cloned().collect(),
                account.iter().cloned().collect(),
            ),
            Self::Transition(_)
            | Self::Customer(CustomerAction::Deregister {})
            | Self::Bank(_)
            | Self::Sandbox(_) => (Vec::new(), Vec::new()),
        }
    }

    /// Returns whether the action answers a data request.
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Answer(_))
    }
}
