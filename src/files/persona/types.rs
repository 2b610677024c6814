//! The serde types of persona files, for the parser and for the JSON Schema that files are
//! validated against. Values are not interpreted here; the parent module does that.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::domain::account::{AccountType, FiType};
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::persona::{Channel, Period};
use crate::domain::quirk::Quirk;
use crate::domain::time::Millis;
use crate::files::statement::StatementCheck;
use crate::files::yaml::scalars::{IntegerRange, NAME_FORMAT, Percent, RupeeRange};

/// A persona file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonaFile {
    #[schemars(schema_with = "version_schema")]
    #[expect(dead_code, reason = "there is one version; the schema enforces it")]
    pub(super) version: u32,
    /// The name that selects the persona: lower-case letters, digits and dashes.
    #[schemars(schema_with = "name_schema")]
    pub(super) name: String,
    /// The purpose of the persona.
    pub(super) description: String,
    #[serde(default)]
    pub(super) holder: HolderSpec,
    #[schemars(with = "Vec<AccountSpec>", length(min = 1))]
    pub(super) accounts: Vec<Spanned<AccountSpec>>,
    /// The irregularities of the documents of all accounts.
    #[serde(default)]
    #[schemars(with = "Vec<Quirk>")]
    pub(super) quirks: Vec<Spanned<Quirk>>,
}

fn version_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": [1] })
}

fn name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": NAME_FORMAT, "pattern": "^[a-z0-9-]{1,100}$" })
}

/// The holder of the accounts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HolderSpec {
    /// The range of the year of birth, from 1920 to 2020.
    #[schemars(with = "Option<IntegerRange>")]
    pub(super) born: Option<Spanned<IntegerRange>>,
    /// The accounts have two holders.
    #[serde(default)]
    pub(super) joint: bool,
    /// The holder lives abroad.
    #[serde(default)]
    pub(super) non_resident: bool,
    /// The holder is a firm.
    #[serde(default)]
    pub(super) firm: bool,
}

/// An account of a persona.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountSpec {
    #[serde(rename = "type")]
    #[schemars(rename = "type")]
    pub(super) fi_type: FiType,
    /// SAVINGS (the default), CURRENT, NRE or NRO; for bank accounts only.
    pub(super) account_type: Option<AccountType>,
    /// The number of the FIP that has the account, from 1.
    #[schemars(range(min = 1, max = 100))]
    pub(super) fip: Option<usize>,
    /// The account is linked from the beginning (default: true).
    pub(super) linked: Option<bool>,
    /// The opening date: a year, years such as 2006..2012, a day, or `2 months ago`, relative to
    /// the customer's first use.
    #[serde(default)]
    #[schemars(schema_with = "opening_schema")]
    pub(super) opened: Option<Spanned<OpenedSpec>>,
    #[serde(default)]
    pub(super) dormant: bool,
    /// The balance at the end of each quarter; the excess is swept.
    #[schemars(with = "Option<AmountSpec>")]
    pub(super) target_balance: Option<Spanned<AmountSpec>>,
    /// The opening deposit.
    pub(super) opening_balance: Option<RupeeRange>,
    /// The overdraft limit.
    pub(super) overdraft: Option<RupeeRange>,
    /// The interest rate of the savings or of the overdraft, in percent a year.
    pub(super) interest: Option<Percent>,
    /// The monthly average balance below which the bank charges a fee.
    pub(super) minimum_balance: Option<RupeeRange>,
    /// The layout of the narrations (default: that of the FIP).
    #[schemars(with = "Option<NarrationLayout>")]
    pub(super) narration: Option<Spanned<NarrationLayout>>,
    /// The recurring transactions of the account.
    #[schemars(with = "Option<Vec<FlowSpec>>")]
    pub(super) cash_flows: Option<Vec<Spanned<FlowSpec>>>,
    /// The path of a custom statement (CSV, JSON or XML), relative to this file.
    #[schemars(with = "Option<String>")]
    pub(super) statement: Option<Spanned<String>>,
    /// The treatment of a statement that looks wrong although each of its rows can be read (default: strict).
    #[serde(default)]
    #[schemars(schema_with = "check_schema")]
    pub(super) check: Option<Spanned<CheckSpec>>,
    /// The principal, instalment, typical trade, sum assured or monthly turnover of an account
    /// other than a bank account.
    pub(super) amount: Option<RupeeRange>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OpenedSpec {
    Year(i32),
    Text(String),
}

/// A check of a statement. YAML takes `off` for `false`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum CheckSpec {
    Name(StatementCheck),
    /// The schema allows `false` alone.
    Switch(#[expect(dead_code, reason = "it is false")] bool),
}

impl CheckSpec {
    pub(super) fn resolve(&self) -> StatementCheck {
        match self {
            Self::Name(check) => *check,
            Self::Switch(_) => StatementCheck::Off,
        }
    }
}

fn check_schema(_: &mut SchemaGenerator) -> Schema {
    let names = StatementCheck::ALL.iter().map(|check| check.as_str());
    let mut values: Vec<Value> = names.map(Value::from).collect();
    values.push(false.into());
    json_schema!({ "enum": values })
}

fn opening_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "integer", "minimum": OPENING_YEARS.start(), "maximum": OPENING_YEARS.end() },
        { "type": "string", "examples": ["2006..2012", "2019-04-08", "2 months ago"] },
    ] })
}

/// The amount of a cash flow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum AmountSpec {
    Keyed(KeyedAmount),
    /// An amount that is sampled for each occurrence; `usual` is the typical amount of the
    /// counterparty.
    #[schemars(with = "PlainAmount")]
    Plain(Spanned<PlainAmount>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum PlainAmount {
    Rupees(RupeeRange),
    Word(String),
    /// Any other value; the diagnostic lists the accepted forms.
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

/// An amount with a key that defines its meaning.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct KeyedAmount {
    /// An amount that is sampled once for the account.
    pub(super) fixed: Option<RupeeRange>,
    /// A percentage of the month's income, sampled once for the account.
    pub(super) income_percent: Option<IntegerRange>,
    /// A percentage of the current balance.
    pub(super) balance_percent: Option<IntegerRange>,
    /// The instalment of a loan.
    pub(super) loan: Option<LoanSpec>,
}

/// The terms of a loan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoanSpec {
    pub(super) principal: RupeeRange,
    /// The number of monthly instalments.
    #[schemars(range(min = 2, max = 480))]
    pub(super) months: u32,
    /// The interest rate on the reducing balance, in percent a year.
    pub(super) rate: Percent,
    /// The lender credits the principal to this account.
    #[serde(default)]
    pub(super) disbursed_to_account: bool,
}

/// A recurring cash flow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["in"] }, { "required": ["out"] }]))]
pub(super) struct FlowSpec {
    /// The amount of a credit.
    #[schemars(with = "Option<AmountSpec>")]
    pub(super) r#in: Option<Spanned<AmountSpec>>,
    /// The amount of a debit.
    #[schemars(with = "Option<AmountSpec>")]
    pub(super) out: Option<Spanned<AmountSpec>>,
    /// The percentage by which the amount rises each April. The given amount is that of the year
    /// from April 2024.
    #[schemars(range(max = 50))]
    pub(super) annual_growth_percent: Option<u8>,
    /// The maximum deviation of an occurrence from the amount, in percent.
    #[schemars(range(max = 90))]
    pub(super) variation_percent: Option<u8>,
    /// The amount is rounded to a multiple of this.
    #[schemars(with = "Option<RupeeRange>")]
    pub(super) step: Option<Spanned<RupeeRange>>,
    pub(super) every: Option<Period>,
    /// The number of occurrences in each period (default: 1).
    #[schemars(with = "Option<IntegerRange>")]
    pub(super) times: Option<Spanned<IntegerRange>>,
    /// The calendar months, from 1 to 12, in which the flow occurs (default: all).
    #[schemars(length(min = 1))]
    pub(super) months: Option<Vec<MonthNumber>>,
    /// The age of the account in months, such as 3..14, in which the flow occurs (default: always).
    pub(super) account_age_months: Option<IntegerRange>,
    /// A day or days of the month such as 1..4, `any` (the default), `working day` or
    /// `last working day`.
    #[schemars(with = "Option<DaySchema>")]
    pub(super) day: Option<Spanned<DaySpec>>,
    pub(super) by: Channel,
    /// The counterparty, sampled once for the account: custom names, or a shipped list such as
    /// `employers` or `people`.
    #[schemars(with = "Option<NamesSpec>")]
    pub(super) with: Option<Spanned<NamesSpec>>,
    /// The counterparty, sampled for each occurrence.
    #[schemars(with = "Option<NamesSpec>")]
    pub(super) any_of: Option<Spanned<NamesSpec>>,
    /// The purpose in the narration; {month} and {year} are replaced.
    pub(super) purpose: Option<String>,
    /// The probability of an occurrence, in percent (default: 100).
    #[schemars(range(min = 1, max = 100))]
    pub(super) chance: Option<u32>,
    /// The payee collects the amount; the debit bounces if the balance is too low.
    #[serde(default)]
    pub(super) mandate: bool,
    /// The flow counts as income, of which `income_percent` is a percentage.
    #[serde(default)]
    pub(super) income: bool,
    /// The flow occurs 1.8 times as often in October and November, before Diwali. Payments at `shops` and
    /// `stores` always do.
    #[serde(default)]
    pub(super) festive: bool,
    /// The name of a transfer between two accounts; the flow with the same name in the other
    /// account is the other side.
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
        "DaySchema".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 31 }, { "type": "string" }] })
    }
}

/// One name, or several to sample from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum NamesSpec {
    One(String),
    Several(#[schemars(length(min = 1))] Vec<String>),
}

/// A second movement that a cash flow causes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["in"] }, { "required": ["out"] }]))]
pub(super) struct FollowUpSpec {
    /// The percentage of the first amount that is credited.
    pub(super) r#in: Option<IntegerRange>,
    /// The percentage of the first amount that is debited.
    pub(super) out: Option<IntegerRange>,
    /// The minimum delay (default: one minute). The movement stays within the month.
    pub(super) after: Option<Millis>,
    /// The maximum delay (default: the minimum).
    pub(super) within: Option<Millis>,
    pub(super) by: Channel,
    pub(super) with: Option<NamesSpec>,
    pub(super) any_of: Option<NamesSpec>,
    pub(super) purpose: Option<String>,
    #[schemars(range(min = 1, max = 100))]
    pub(super) chance: Option<u32>,
}

/// The years in which an account can have been opened.
pub(super) const OPENING_YEARS: RangeInclusive<i32> = 1970..=2090;
