//! Persona files, version 1: parsing of YAML or JSON (`docs/data.md`).
//!
//! ```text
//! text → `files::yaml` (validated against the schema of `types`) → `types` (serde) → `Persona`
//! ```
//!
//! All diagnostics of a file are reported at once. Finding and reading files is left to `config`.

pub(crate) mod types;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use self::types::{
    AccountSpec, AmountSpec, DaySpec, FlowSpec, FollowUpSpec, HolderSpec, KeyedAmount, LoanSpec,
    MonthNumber, NamesSpec, OPENING_YEARS, OpenedSpec, PersonaFile, PlainAmount,
};
use crate::domain::account::{AccountType, FiType};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::money::Paise;
use crate::domain::naming::{WireEnum, suggest_name};
use crate::domain::persona::{
    AccountPlan, AmountRule, CashFlowPlan, ContentPlan, CounterpartyChoice, DayRule, Flow,
    FollowUp, HolderPlan, Loan, MinMax, NamePool, NameSource, OpeningDate, Period, Persona,
};
use crate::domain::statement::Ledger;
use crate::domain::terms::TransactionType;
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::files::statement::StatementCheck;
use crate::files::yaml::scalars::{IntegerRange, Percent, RupeeRange};
use crate::files::yaml::{self, diagnostic_at, parse_typed, schema_for};

/// A function that loads a statement file that a persona names.
pub(crate) type StatementLoader<'a> = &'a dyn Fn(&str, StatementCheck) -> Result<Ledger, String>;

/// Parses the text of a persona that comes without the files beside it.
///
/// # Errors
/// All diagnostics, sorted by position.
pub(crate) fn parse_without_files(text: &str) -> Result<Persona, Vec<Diagnostic>> {
    parse(text, &|file, _| {
        Err(format!(
            "{} cannot be read: a persona that is sent to a world has no files beside it; put both into a folder and name it by serve --personas",
            quote_value(file)
        ))
    })
}

/// Parses a persona file.
///
/// # Errors
/// All diagnostics, sorted by position.
pub(crate) fn parse(
    text: &str,
    load_statement: StatementLoader<'_>,
) -> Result<Persona, Vec<Diagnostic>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let schema = SCHEMA.get_or_init(schema_for::<PersonaFile>);
    build_persona(parse_typed(text, schema, "the persona")?, load_statement)
}

/// Parses a persona that is part of the program.
///
/// # Errors
/// The first diagnostics of the text.
pub(crate) fn parse_shipped(text: &str) -> Result<Persona, Vec<Diagnostic>> {
    build_persona(yaml::parse_shipped(text)?, &|_, _| {
        Err("a shipped persona has no files beside it".to_owned())
    })
}

fn build_persona(
    file: PersonaFile,
    load_statement: StatementLoader<'_>,
) -> Result<Persona, Vec<Diagnostic>> {
    let mut builder = PersonaBuilder {
        load_statement,
        diagnostics: Vec::new(),
        transfer_locations: BTreeMap::new(),
    };
    let persona = builder.build_persona(file);
    if builder.diagnostics.is_empty() {
        return Ok(persona);
    }
    builder.diagnostics.sort();
    Err(builder.diagnostics)
}

/// Returns whether a transfer has exactly two sides, in two accounts and in opposite directions,
/// with the same amounts and times.
fn has_matching_sides(accounts: &[AccountPlan], transfer_name: &str) -> bool {
    let flows_by_account: Vec<Vec<&Flow>> = accounts
        .iter()
        .map(|plan| transfer_flows(plan, transfer_name))
        .filter(|flows| !flows.is_empty())
        .collect();
    let [first, second] = &flows_by_account[..] else {
        return false;
    };
    let ([first], [second]) = (&first[..], &second[..]) else {
        return false;
    };
    let Flow {
        amount,
        annual_growth_percent,
        variation_percent,
        rounding_step: step,
        period: every,
        times_per_period: times,
        month_mask: months,
        day_rule,
        channel,
        chance_percent: chance,
        ..
    } = Flow::clone(first);
    let mirrored = Flow {
        amount,
        annual_growth_percent,
        variation_percent,
        rounding_step: step,
        period: every,
        times_per_period: times,
        month_mask: months,
        day_rule,
        channel,
        chance_percent: chance,
        ..Flow::clone(second)
    };
    first.direction != second.direction && mirrored == **second
}

/// Returns the flows of one transfer in an account.
fn transfer_flows<'a>(plan: &'a AccountPlan, transfer_name: &str) -> Vec<&'a Flow> {
    match &plan.content {
        ContentPlan::CashFlow(plan) => plan
            .flows
            .iter()
            .filter(|flow| flow.transfer_name.as_deref() == Some(transfer_name))
            .collect(),
        ContentPlan::Imported(_) | ContentPlan::Holding { .. } => Vec::new(),
    }
}

/// The maximum number of occurrences of a flow in a period.
const TIMES_MAX: i64 = 5_000;

struct PersonaBuilder<'a> {
    load_statement: StatementLoader<'a>,
    diagnostics: Vec<Diagnostic>,
    /// The location of the first flow of each transfer between two accounts.
    transfer_locations: BTreeMap<String, Location>,
}

impl PersonaBuilder<'_> {
    fn push_diagnostic(&mut self, location: Location, message: String) {
        self.diagnostics.push(diagnostic_at(location, message));
    }

    fn build_persona(&mut self, file: PersonaFile) -> Persona {
        let PersonaFile {
            version: _,
            name,
            description,
            holder,
            accounts,
            quirks,
        } = file;
        let HolderSpec {
            born,
            joint,
            non_resident,
            firm,
        } = holder;
        let birth_years = born
            .as_ref()
            .map_or((1972, 1990), |born| to_years(born.value.0));
        if let Some(born) = born.filter(|_| birth_years.0 < 1920 || birth_years.1 > 2020) {
            self.push_diagnostic(
                born.referenced,
                "born takes a year or years from 1920 to 2020".to_owned(),
            );
        }
        let holder = HolderPlan {
            birth_years,
            has_joint_holder: joint,
            non_resident,
            is_firm: firm,
        };
        let accounts: Vec<AccountPlan> = accounts
            .into_iter()
            .map(|account| self.build_account(account))
            .collect();
        for (transfer_name, location) in std::mem::take(&mut self.transfer_locations) {
            if !has_matching_sides(&accounts, &transfer_name) {
                let shared_keys = "amount, annual_growth_percent, variation_percent, step, every, times, months, day, by and chance";
                let message = format!(
                    "transfer_name {transfer_name}: a transfer is an in and an out of that name in two accounts, with the same {shared_keys}"
                );
                self.push_diagnostic(location, message);
            }
        }
        let all = quirks.iter().map(|quirk| quirk.value).collect();
        for quirk in &quirks {
            if let Some(stronger) = quirk.value.overridden_by(all) {
                let message = format!("quirk {} changes nothing beside {stronger}", quirk.value);
                self.push_diagnostic(quirk.referenced, message);
            }
            if !accounts
                .iter()
                .any(|account| quirk.value.applies_to(account.fi_type))
            {
                let message = format!(
                    "quirk {} meets no data: it changes documents of FI types that the persona does not have",
                    quirk.value
                );
                self.push_diagnostic(quirk.referenced, message);
            }
        }
        Persona {
            name: name.into(),
            description: description.trim().to_owned(),
            holder,
            accounts,
            quirks: quirks.into_iter().map(|quirk| quirk.value).collect(),
        }
    }

    fn build_account(&mut self, spec: Spanned<AccountSpec>) -> AccountPlan {
        let location = spec.referenced;
        let AccountSpec {
            fi_type,
            account_type,
            fip,
            linked,
            opened,
            dormant,
            target_balance,
            opening_balance,
            overdraft,
            interest,
            minimum_balance,
            narration,
            cash_flows,
            statement,
            check,
            amount,
        } = spec.value;
        let is_bank = fi_type == FiType::Deposit;
        let bank_keys = [
            ("target_balance", target_balance.is_some()),
            ("opening_balance", opening_balance.is_some()),
            ("overdraft", overdraft.is_some()),
            ("interest", interest.is_some()),
            ("minimum_balance", minimum_balance.is_some()),
            ("cash_flows", cash_flows.is_some()),
        ];
        let bank_key = bank_keys
            .iter()
            .find(|(_, is_given)| *is_given)
            .map(|(name, _)| *name);
        let message = match (is_bank, bank_key, &statement, amount) {
            (true, _, _, Some(_)) => {
                Some("a DEPOSIT takes cash_flows or statement, not amount".to_owned())
            }
            (true, Some(bank_key), Some(_), _) => Some(format!(
                "an account takes statement or {bank_key}, not both"
            )),
            (true, _, None, _) if cash_flows.is_none() => Some(
                "a DEPOSIT needs cash_flows or statement; use cash_flows: [] for an account without transactions"
                    .to_owned(),
            ),
            (false, Some(bank_key), ..) => Some(format!(
                "{bank_key} is only for DEPOSIT; use amount for {fi_type}"
            )),
            (false, _, Some(_), _) => Some(format!(
                "statement is only for DEPOSIT; use amount for {fi_type}"
            )),
            _ => None,
        };
        if let Some(message) = message {
            self.push_diagnostic(location, message);
        }
        if let Some(narration) = &narration
            && (!is_bank || statement.is_some())
        {
            let rest = if is_bank {
                "; remove it, or use cash_flows in place of statement".to_owned()
            } else {
                format!("; remove it from this {fi_type}")
            };
            self.push_diagnostic(
                narration.referenced,
                format!("narration is only for a DEPOSIT with cash_flows{rest}"),
            );
        }
        if let Some(check) = check.as_ref().filter(|_| statement.is_none()) {
            let message = "check is of a statement; add the statement, or remove check".to_owned();
            self.push_diagnostic(check.referenced, message);
        }
        let ledger = statement.map(|statement| {
            let check = check.map(|check| check.value.resolve()).unwrap_or_default();
            let ledger = (self.load_statement)(&statement.value, check);
            ledger.map_err(|error| self.push_diagnostic(statement.referenced, error))
        });
        let supplied_type = ledger
            .as_ref()
            .and_then(|ledger| ledger.as_ref().ok()?.account_type);
        let account_type = account_type.or(supplied_type).unwrap_or(if is_bank {
            AccountType::Savings
        } else {
            AccountType::Default
        });
        if is_bank == (account_type == AccountType::Default) {
            self.push_diagnostic(
                location,
                format!("account_type {account_type} does not exist for {fi_type}"),
            );
        }
        let opened = opened.map_or(OpeningDate::WithinYears((2006, 2012)), |opened| {
            self.parse_opening(&opened)
        });
        let content = if let Some(ledger) = ledger {
            // The file is refused if its statement is.
            ledger.map_or(ContentPlan::Holding { amount: None }, |ledger| {
                ContentPlan::Imported(Arc::new(ledger))
            })
        } else if is_bank {
            let limit = overdraft.map_or(Paise(0), |RupeeRange((_, high))| high);
            ContentPlan::CashFlow(self.build_cash_flow_plan(
                location,
                target_balance,
                cash_flows.unwrap_or_default(),
                |target_balance, flows| CashFlowPlan {
                    target_balance,
                    opening_balance: opening_balance.map_or(
                        (Paise::from_rupees(1000), Paise::from_rupees(25_000)),
                        |RupeeRange(range)| range,
                    ),
                    overdraft_limit: limit,
                    interest_bps:
                        interest.map_or(if limit.0 > 0 { 1050 } else { 300 }, |Percent(percent)| {
                            percent
                        }),
                    minimum_balance: minimum_balance.map_or(Paise(0), |RupeeRange((_, high))| high),
                    narration: narration.map(|narration| narration.value),
                    flows,
                },
            ))
        } else {
            ContentPlan::Holding {
                amount: amount.map(|RupeeRange(range)| range),
            }
        };
        let fip = fip.map_or(if is_bank { 0 } else { 2 }, |fip| fip - 1);
        AccountPlan {
            fi_type,
            account_type,
            fip_index: fip,
            linked_by_default: linked.unwrap_or(true),
            opened,
            dormant,
            content,
        }
    }

    fn parse_opening(&mut self, spec: &Spanned<OpenedSpec>) -> OpeningDate {
        let text = match &spec.value {
            OpenedSpec::Year(year) => year.to_string(),
            OpenedSpec::Text(text) => text.trim().to_owned(),
        };
        let opened = if let Some(months) = parse_relative_months(&text) {
            (months <= 50 * 12).then_some(OpeningDate::MonthsAgo(months))
        } else if let Ok(day) = text.parse::<NaiveDate>() {
            OPENING_YEARS
                .contains(&chrono::Datelike::year(&day))
                .then_some(OpeningDate::On(day))
        } else {
            let range = IntegerRange::parse(&text).map(to_years);
            range
                .filter(|(low, high)| OPENING_YEARS.contains(low) && OPENING_YEARS.contains(high))
                .map(OpeningDate::WithinYears)
        };
        opened.unwrap_or_else(|| {
            let (first, last) = (OPENING_YEARS.start(), OPENING_YEARS.end());
            let accepted_forms = format!(
                "a year from {first} to {last}, years such as 2006..2012, a day such as 2019-04-08"
            );
            self.push_diagnostic(
                spec.referenced,
                format!(
                    "opened takes {accepted_forms}, or 2 months ago, not {}",
                    quote_value(&text)
                ),
            );
            OpeningDate::WithinYears((2006, 2012))
        })
    }

    fn build_cash_flow_plan(
        &mut self,
        location: Location,
        target_balance: Option<Spanned<AmountSpec>>,
        flows: Vec<Spanned<FlowSpec>>,
        build_plan: impl FnOnce(Option<AmountRule>, Vec<Flow>) -> CashFlowPlan,
    ) -> CashFlowPlan {
        let target_balance = target_balance.map(|target_balance| {
            let amount = self.build_amount("target_balance", &target_balance);
            if matches!(
                amount,
                AmountRule::BalancePercent(_) | AmountRule::Typical | AmountRule::Loan(_)
            ) {
                self.push_diagnostic(
                    target_balance.referenced,
                    "target_balance takes rupees or { income_percent: … }".to_owned(),
                );
            }
            amount
        });
        let flows: Vec<Flow> = flows
            .into_iter()
            .map(|flow| self.build_flow(flow))
            .collect();
        let uses_income_percent = flows
            .iter()
            .map(|flow| &flow.amount)
            .chain(&target_balance)
            .any(|amount| matches!(amount, AmountRule::IncomePercent(_)));
        if uses_income_percent && !flows.iter().any(|flow| flow.counts_as_income) {
            self.push_diagnostic(
                location,
                "income_percent needs a flow with income: true".to_owned(),
            );
        }
        build_plan(target_balance, flows)
    }

    fn build_amount(&mut self, key: &str, spec: &Spanned<AmountSpec>) -> AmountRule {
        let fallback = AmountRule::PerOccurrence((Paise(100), Paise(100)));
        match &spec.value {
            AmountSpec::Plain(plain) => match &plain.value {
                PlainAmount::Rupees(RupeeRange(range)) => AmountRule::PerOccurrence(*range),
                PlainAmount::Word(word) if word == "usual" => AmountRule::Typical,
                PlainAmount::Word(_) | PlainAmount::Invalid(_) => {
                    let rejected_value = if let PlainAmount::Word(word) = &plain.value {
                        format!(", not {}", quote_value(word))
                    } else {
                        String::new()
                    };
                    self.push_diagnostic(
                        spec.referenced,
                        format!("{key} takes rupees such as 4500, a range such as 20..180, usual, or fixed, income_percent, balance_percent or loan{rejected_value}"),
                    );
                    fallback
                }
            },
            AmountSpec::Keyed(KeyedAmount {
                fixed,
                income_percent,
                balance_percent,
                loan,
            }) => match (fixed, income_percent, balance_percent, loan) {
                (Some(RupeeRange(range)), ..) => AmountRule::PerAccount(*range),
                (_, Some(IntegerRange(range)), ..) => AmountRule::IncomePercent(*range),
                (_, _, Some(IntegerRange(range)), _) => {
                    if range.1 > 100 {
                        self.push_diagnostic(
                            spec.referenced,
                            "balance_percent is a percentage of the balance, at most 100"
                                .to_owned(),
                        );
                    }
                    AmountRule::BalancePercent(*range)
                }
                (
                    ..,
                    Some(LoanSpec {
                        principal: RupeeRange(principal),
                        months,
                        rate: Percent(rate),
                        disbursed_to_account,
                    }),
                ) => AmountRule::Loan(Loan {
                    principal: *principal,
                    instalments: *months,
                    rate_bps: *rate,
                    disbursed_to_account: *disbursed_to_account,
                }),
                (None, None, None, None) => fallback,
            },
        }
    }

    fn build_flow(&mut self, spec: Spanned<FlowSpec>) -> Flow {
        let location = spec.referenced;
        let FlowSpec {
            r#in,
            out,
            annual_growth_percent,
            variation_percent,
            step,
            every,
            times,
            months,
            account_age_months,
            day,
            by: channel,
            with,
            any_of,
            purpose,
            chance,
            mandate,
            income,
            festive,
            transfer_name,
            then,
        } = spec.value;
        let (direction, amount) = match (&r#in, &out) {
            (Some(amount), _) => (TransactionType::Credit, self.build_amount("in", amount)),
            (_, Some(amount)) => (TransactionType::Debit, self.build_amount("out", amount)),
            (None, None) => (TransactionType::Debit, AmountRule::Typical),
        };
        let with = match (with, any_of) {
            (Some(_), Some(any_of)) => {
                self.push_diagnostic(
                    any_of.referenced,
                    "a flow takes with or any_of, not both".to_owned(),
                );
                CounterpartyChoice::Unnamed
            }
            (Some(with), None) => {
                CounterpartyChoice::Fixed(self.build_name_list(with.referenced, with.value))
            }
            (None, Some(any_of)) => {
                CounterpartyChoice::Varying(self.build_name_list(any_of.referenced, any_of.value))
            }
            (None, None) => CounterpartyChoice::Unnamed,
        };
        if amount == AmountRule::Typical && !has_typical_amount(&with) {
            let lists = "shops, stores, utilities, telecoms";
            self.push_diagnostic(
                location,
                format!(
                    "usual is only for the name lists {lists}; use one of them, or give an amount"
                ),
            );
        }
        if mandate && direction == TransactionType::Credit {
            self.push_diagnostic(
                location,
                "mandate is only for out: a mandate collects money".to_owned(),
            );
        }
        if income
            && (direction == TransactionType::Debit
                || !matches!(
                    amount,
                    AmountRule::PerAccount(_) | AmountRule::PerOccurrence(_)
                ))
        {
            self.push_diagnostic(
                location,
                "income is only for in, with rupees or { fixed: … }".to_owned(),
            );
        }
        let every = every.unwrap_or(Period::Month);
        if matches!(amount, AmountRule::Loan(_))
            && (direction == TransactionType::Credit || every != Period::Month)
        {
            self.push_diagnostic(
                location,
                "loan is only for out and every: month; use disbursed_to_account: true to credit the principal".to_owned(),
            );
        }
        let times = times.map_or((1, 1), |times| {
            if times.value.0.1 > TIMES_MAX {
                self.push_diagnostic(
                    times.referenced,
                    format!("times must be at most {TIMES_MAX}"),
                );
            }
            (
                saturate_to_u32(times.value.0.0),
                saturate_to_u32(times.value.0.1),
            )
        });
        let step = step.map_or(Paise(1), |step| {
            if step.value.0.0.0 == 0 {
                self.push_diagnostic(step.referenced, "step must be more than 0".to_owned());
            }
            Paise(step.value.0.0.0.max(1))
        });
        let purpose = self.check_purpose(location, purpose);
        let then = then.map(|then| self.build_follow_up(location, then));
        let transfer_name = transfer_name.map(|transfer_name| {
            if !matches!(amount, AmountRule::PerOccurrence(_)) {
                let message =
                    "a flow with transfer_name needs an amount in rupees, such as 30000..40000";
                self.push_diagnostic(transfer_name.referenced, message.to_owned());
            }
            self.transfer_locations
                .entry(transfer_name.value.clone())
                .or_insert(transfer_name.referenced);
            transfer_name.value
        });
        Flow {
            direction,
            amount,
            annual_growth_percent: annual_growth_percent.map_or(0, i64::from),
            variation_percent: variation_percent.map_or(0, i64::from),
            rounding_step: step,
            period: every,
            times_per_period: times,
            month_mask: months.map_or(0xfff, |months| {
                months
                    .iter()
                    .fold(0, |set, MonthNumber(month)| set | 1 << (month - 1))
            }),
            account_age_months: account_age_months
                .map_or((0, u32::MAX), |IntegerRange((low, high))| {
                    (saturate_to_u32(low), saturate_to_u32(high))
                }),
            day_rule: day.map_or(DayRule::Any, |day| self.parse_day_rule(&day)),
            channel,
            counterparty: with,
            purpose,
            chance_percent: chance.unwrap_or(100),
            by_mandate: mandate,
            counts_as_income: income,
            is_festive: festive,
            transfer_name,
            follow_up: then,
        }
    }

    /// Returns the purpose, empty by default. Reports placeholders other than `{month}` and
    /// `{year}`.
    fn check_purpose(&mut self, location: Location, purpose: Option<String>) -> String {
        let purpose = purpose.unwrap_or_default();
        let remainder = purpose.replace("{month}", "").replace("{year}", "");
        if remainder.contains(['{', '}']) {
            self.push_diagnostic(
                location,
                format!(
                    "purpose {} has a placeholder other than {{month}} and {{year}}",
                    quote_value(&purpose)
                ),
            );
        }
        purpose
    }

    fn parse_day_rule(&mut self, spec: &Spanned<DaySpec>) -> DayRule {
        let text = match &spec.value {
            DaySpec::Number(day) => day.to_string(),
            DaySpec::Text(text) => text.clone(),
        };
        match text.as_str() {
            "any" => DayRule::Any,
            "working day" => DayRule::AnyWorkingDay,
            "last working day" => DayRule::LastWorkingDay,
            _ => match IntegerRange::parse(&text) {
                Some((low, high)) if low >= 1 && high <= 31 => {
                    DayRule::DayOfMonth((saturate_to_u32(low), saturate_to_u32(high)))
                }
                _ => {
                    let quoted_text = quote_value(&text);
                    let accepted_forms = "a day from 1 to 31, days such as 1..4, any, working day or last working day";
                    self.push_diagnostic(
                        spec.referenced,
                        format!("day takes {accepted_forms}, not {quoted_text}"),
                    );
                    DayRule::Any
                }
            },
        }
    }

    /// Returns the source of names. A single lower-case word is the name of a shipped list.
    fn build_name_list(&mut self, location: Location, names: NamesSpec) -> NameSource {
        let names = match names {
            NamesSpec::Several(names) => names,
            NamesSpec::One(name) => {
                if let Some(pool) = NamePool::parse(&name) {
                    return NameSource::Pool(pool);
                }
                if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()) {
                    let suggestion = suggest_name(
                        &name,
                        NamePool::all_variants().iter().map(|pool| pool.wire_name()),
                    );
                    self.push_diagnostic(
                        location,
                        format!(
                            "unknown name list {}; {suggestion}; write custom names in capitals",
                            quote_value(&name)
                        ),
                    );
                }
                vec![name]
            }
        };
        if let Some(name) = names.iter().find(|name| !is_printable_name(name)) {
            let quoted_name = quote_value(name);
            self.push_diagnostic(
                location,
                format!("{quoted_name} is not a valid name; use 1 to 60 letters, digits, spaces and . & ' -"),
            );
        }
        NameSource::Custom(names.into_iter().map(|name| name.to_uppercase()).collect())
    }

    fn build_follow_up(&mut self, location: Location, spec: FollowUpSpec) -> FollowUp {
        let FollowUpSpec {
            r#in,
            out,
            after,
            within,
            by: channel,
            with,
            any_of,
            purpose,
            chance,
        } = spec;
        let (direction, percent) = match (r#in, out) {
            (Some(IntegerRange(percent)), _) => (TransactionType::Credit, percent),
            (_, out) => (
                TransactionType::Debit,
                out.map_or((100, 100), |IntegerRange(percent)| percent),
            ),
        };
        if percent.1 > 100 {
            self.push_diagnostic(
                location,
                "then takes a percentage of the first amount, at most 100".to_owned(),
            );
        }
        let min_delay = after.map_or(60, whole_seconds);
        let max_delay = within.map_or(min_delay, whole_seconds);
        if max_delay < min_delay {
            self.push_diagnostic(location, "within must not be shorter than after".to_owned());
        }
        let with = match (with, any_of) {
            (Some(with), _) => Some(CounterpartyChoice::Fixed(
                self.build_name_list(location, with),
            )),
            (None, any_of) => any_of
                .map(|any_of| CounterpartyChoice::Varying(self.build_name_list(location, any_of))),
        };
        let after = (min_delay, max_delay.max(min_delay));
        FollowUp {
            direction,
            percent,
            delay_seconds: after,
            channel,
            counterparty: with,
            purpose: self.check_purpose(location, purpose),
            chance_percent: chance.unwrap_or(100),
        }
    }
}

/// Parses `2 months ago` or `3 years ago` to a number of months.
fn parse_relative_months(text: &str) -> Option<u32> {
    let (count, unit) = text.strip_suffix(" ago")?.split_once(' ')?;
    let count: u32 = count.parse().ok()?;
    match unit {
        "month" | "months" => Some(count),
        "year" | "years" => count.checked_mul(12),
        _ => None,
    }
}

/// Returns whether the counterparties have a typical amount, which `usual` refers to.
fn has_typical_amount(counterparty: &CounterpartyChoice) -> bool {
    let (CounterpartyChoice::Fixed(names) | CounterpartyChoice::Varying(names)) = counterparty
    else {
        return false;
    };
    matches!(
        names,
        NameSource::Pool(
            NamePool::Shops | NamePool::Stores | NamePool::Utilities | NamePool::Telecoms
        )
    )
}

/// Returns whether a name has only characters that narrations of banks have.
fn is_printable_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " .&'-".contains(c))
}

fn whole_seconds(Millis(ms): Millis) -> i64 {
    ms / 1000
}

fn to_years((low, high): (i64, i64)) -> MinMax<i32> {
    (saturate_to_i32(low), saturate_to_i32(high))
}

fn saturate_to_i32(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn saturate_to_u32(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
