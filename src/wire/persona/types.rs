//! The types of persona files: what may stand where, for the parser and for the schema that it checks against.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use crate::domain::account::{AccountType, FiType};
use crate::domain::persona::{Channel, Period};
use crate::wire::yaml::scalars::{
    HumanDuration, IntegerRange, Keyword, NAME_FORMAT, Percent, RupeeRange,
};

/// A persona.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonaFile {
    #[schemars(schema_with = "version_schema")]
    #[expect(
        dead_code,
        reason = "there is one version; the schema holds files to it"
    )]
    pub(super) version: u32,
    /// How it is asked for: lower-case letters, digits and dashes.
    #[schemars(schema_with = "name_schema")]
    pub(super) name: String,
    /// What it is for.
    pub(super) description: String,
    #[serde(default)]
    pub(super) holder: HolderSpec,
    #[schemars(with = "Vec<AccountSpec>", length(min = 1))]
    pub(super) accounts: Vec<Spanned<AccountSpec>>,
}

fn version_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": [1] })
}

fn name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": NAME_FORMAT, "pattern": "^[a-z0-9-]{1,100}$" })
}

/// Who holds the accounts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HolderSpec {
    /// Years of birth.
    #[schemars(with = "Option<IntegerRange>")]
    pub(super) born: Option<Spanned<IntegerRange>>,
    /// Two people hold them together.
    #[serde(default)]
    pub(super) joint: bool,
    /// The holder lives abroad.
    #[serde(default)]
    pub(super) non_resident: bool,
    /// A firm holds them.
    #[serde(default)]
    pub(super) firm: bool,
}

/// An account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountSpec {
    #[serde(rename = "type")]
    #[schemars(rename = "type")]
    pub(super) fi_type: Keyword<FiType>,
    /// SAVINGS, CURRENT, NRE or NRO; of bank accounts.
    pub(super) account_type: Option<Keyword<AccountType>>,
    /// Which of the sandbox's FIPs has it, from 1 on.
    #[schemars(range(min = 1, max = 100))]
    pub(super) fip: Option<usize>,
    /// Whether the customer has linked it from the beginning.
    pub(super) linked: Option<bool>,
    /// A year, years such as 2006..2012, a day, or `2 months ago`, counted from the customer's first use.
    #[serde(default)]
    #[schemars(schema_with = "opening_schema")]
    pub(super) opened: Option<Spanned<OpenedSpec>>,
    #[serde(default)]
    pub(super) dormant: bool,
    /// What is in it at the end of each quarter.
    #[schemars(with = "Option<AmountSpec>")]
    pub(super) target_balance: Option<Spanned<AmountSpec>>,
    /// The opening deposit.
    pub(super) opening_balance: Option<RupeeRange>,
    /// The limit of an overdraft.
    pub(super) overdraft: Option<RupeeRange>,
    /// Percent a year, of the savings or of the overdraft.
    pub(super) interest: Option<Percent>,
    /// Below this average of a month the bank charges.
    pub(super) minimum_balance: Option<RupeeRange>,
    /// What happens in it, again and again.
    #[schemars(with = "Option<Vec<FlowSpec>>")]
    pub(super) cash_flows: Option<Vec<Spanned<FlowSpec>>>,
    /// A statement of your own, CSV or JSON, beside this file.
    #[schemars(with = "Option<String>")]
    pub(super) statement: Option<Spanned<String>>,
    /// Principal, instalment, usual trade, sum assured or a month's turnover: of what is no bank account.
    pub(super) amount: Option<RupeeRange>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OpenedSpec {
    Year(i32),
    Text(String),
}

fn opening_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "integer", "minimum": OPENING_YEARS.start(), "maximum": OPENING_YEARS.end() },
        { "type": "string", "examples": ["2006..2012", "2019-04-08", "2 months ago"] },
    ] })
}

/// How much.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum AmountSpec {
    Keyed(KeyedAmount),
    /// Drawn each time; `usual`: whatever is usual with whom it is.
    #[schemars(with = "PlainAmount")]
    Plain(Spanned<PlainAmount>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum PlainAmount {
    Rupees(RupeeRange),
    Word(String),
    /// It is told what would have been right.
    Invalid(IgnoredAny),
}

impl JsonSchema for PlainAmount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PlainAmount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"] })
    }
}

/// How much, otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct KeyedAmount {
    /// Drawn once for the account.
    pub(super) fixed: Option<RupeeRange>,
    /// Percent of the month's income; drawn once.
    pub(super) income_percent: Option<IntegerRange>,
    /// Percent of what is there.
    pub(super) balance_percent: Option<IntegerRange>,
    /// A loan's instalment.
    pub(super) loan: Option<LoanSpec>,
}

/// A loan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoanSpec {
    pub(super) principal: RupeeRange,
    /// Instalments.
    #[schemars(range(min = 2, max = 480))]
    pub(super) months: u32,
    /// Percent a year, on the reducing balance.
    pub(super) rate: Percent,
    /// The lender pays it out to this account.
    #[serde(default)]
    pub(super) disbursed_to_account: bool,
}

/// Something that happens again and again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["in"] }, { "required": ["out"] }]))]
pub(super) struct FlowSpec {
    /// Money that comes.
    #[schemars(with = "Option<AmountSpec>")]
    pub(super) r#in: Option<Spanned<AmountSpec>>,
    /// Money that goes.
    #[schemars(with = "Option<AmountSpec>")]
    pub(super) out: Option<Spanned<AmountSpec>>,
    /// Percent by which it rises each April; amounts are those of the year from April 2024.
    #[schemars(range(max = 50))]
    pub(super) annual_growth_percent: Option<u8>,
    /// Percent by which it is off each time.
    #[schemars(range(max = 90))]
    pub(super) variation_percent: Option<u8>,
    /// It is a multiple of this.
    #[schemars(with = "Option<RupeeRange>")]
    pub(super) step: Option<Spanned<RupeeRange>>,
    pub(super) every: Option<Keyword<Period>>,
    /// How often in each of these periods.
    #[schemars(with = "Option<IntegerRange>")]
    pub(super) times: Option<Spanned<IntegerRange>>,
    /// Calendar months, 1 to 12.
    #[schemars(length(min = 1))]
    pub(super) months: Option<Vec<MonthNumber>>,
    /// Only in these months of the account's life, such as 3..14.
    pub(super) account_age_months: Option<IntegerRange>,
    /// A day or days of the month such as 1..4, `any`, `working day`, `last working day`.
    #[schemars(with = "Option<DaySchema>")]
    pub(super) day: Option<Spanned<DaySpec>>,
    pub(super) by: Keyword<Channel>,
    /// Drawn once: one of your own names, or a shipped list: `employers`, `people` …
    #[schemars(with = "Option<NamesSpec>")]
    pub(super) with: Option<Spanned<NamesSpec>>,
    /// Drawn each time.
    #[schemars(with = "Option<NamesSpec>")]
    pub(super) any_of: Option<Spanned<NamesSpec>>,
    /// What the narration says it is for; {month} and {year} are filled in.
    pub(super) purpose: Option<String>,
    /// Percent of the cases in which it happens.
    #[schemars(range(min = 1, max = 100))]
    pub(super) chance: Option<u32>,
    /// The payee collects it; where the money is not there it bounces.
    #[serde(default)]
    pub(super) mandate: bool,
    /// Shares are measured by it.
    #[serde(default)]
    pub(super) income: bool,
    /// One side of a transfer between two accounts; the flow of this name in the other account is the other side.
    #[schemars(with = "Option<String>")]
    pub(super) transfer_name: Option<Spanned<String>>,
    pub(super) then: Option<FollowUpSpec>,
}

/// A calendar month.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct MonthNumber(#[schemars(range(min = 1, max = 12))] pub(super) u16);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum DaySpec {
    Number(i64),
    Text(String),
}

pub(super) struct DaySchema;

impl JsonSchema for DaySchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OnText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 31 }, { "type": "string" }] })
    }
}

/// One name, or several to draw from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum NamesSpec {
    One(String),
    Several(#[schemars(length(min = 1))] Vec<String>),
}

/// What follows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["in"] }, { "required": ["out"] }]))]
pub(super) struct FollowUpSpec {
    /// Percent of it that comes back.
    pub(super) r#in: Option<IntegerRange>,
    /// Percent of it that goes on.
    pub(super) out: Option<IntegerRange>,
    /// How long after; within the month.
    pub(super) after: Option<HumanDuration>,
    /// At most.
    pub(super) within: Option<HumanDuration>,
    pub(super) by: Keyword<Channel>,
    pub(super) with: Option<NamesSpec>,
    pub(super) any_of: Option<NamesSpec>,
    pub(super) purpose: Option<String>,
    #[schemars(range(min = 1, max = 100))]
    pub(super) chance: Option<u32>,
}

/// Years in which an account can have been opened.
pub(super) const OPENING_YEARS: RangeInclusive<i32> = 1970..=2090;
