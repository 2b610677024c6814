//! Persona files, version 1: YAML or JSON (`docs/data.md`).
//!
//! ```text
//! text → `wire::yaml` (against the schema of types) → types (serde) → what they mean
//! ```

mod types;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use self::types::{
    AccountSpec, AmountSpec, File, FlowSpec, HolderSpec, LoanSpec, MonthNumber, NamesSpec, OPENED,
    OnSpec, OpenedSpec, PlainAmount, SaidAmount, ThenSpec,
};
use crate::domain::account::{AccountType, FiType};
use crate::domain::consent::TransactionType;
use crate::domain::money::Paise;
use crate::domain::naming::{Named, alternatives};
use crate::domain::persona::{
    AccountPlan, Amount, Between, Cast, Content, Every, Flow, HolderPlan, List, Loan, On, Opened,
    Persona, Story, Then, With,
};
use crate::domain::script::TextFault;
use crate::domain::statement::Ledger;
use crate::domain::time::Span;
use crate::wire::fields::quoted;
use crate::wire::yaml::words::{Lasting, Percent, Rupees, Whole, Word};
use crate::wire::yaml::{fault, schema_of, typed};

/// How a persona gets at the statement files that it names.
pub type Statements<'a> = &'a dyn Fn(&str) -> Result<Ledger, String>;

/// Reads a persona.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(text: &str, statements: Statements<'_>) -> Result<Persona, Vec<TextFault>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let file = typed::<File>(text, SCHEMA.get_or_init(schema_of::<File>), "the persona")?;
    let mut reader = Reader {
        statements,
        faults: Vec::new(),
        sides: BTreeMap::new(),
    };
    let persona = reader.persona(file);
    if reader.faults.is_empty() {
        return Ok(persona);
    }
    reader.faults.sort();
    Err(reader.faults)
}

/// Whether a transfer between two accounts comes in just where it goes out.
fn has_both_sides(accounts: &[AccountPlan], side: &str) -> bool {
    let of = |plan: &AccountPlan| match &plan.content {
        Content::Story(story) => story
            .flows
            .iter()
            .filter(|flow| flow.side_of.as_deref() == Some(side))
            .cloned()
            .collect(),
        Content::Told(_) | Content::Holding { .. } => Vec::new(),
    };
    let sides: Vec<Vec<Flow>> = accounts
        .iter()
        .map(of)
        .filter(|flows: &Vec<Flow>| !flows.is_empty())
        .collect();
    let [one, other] = &sides[..] else {
        return false;
    };
    let ([one], [other]) = (&one[..], &other[..]) else {
        return false;
    };
    let Flow {
        amount,
        grows,
        varies,
        step,
        every,
        times,
        months,
        on,
        channel,
        chance,
        ..
    } = one.clone();
    let mirrored = Flow {
        amount,
        grows,
        varies,
        step,
        every,
        times,
        months,
        on,
        channel,
        chance,
        ..other.clone()
    };
    one.direction != other.direction && mirrored == *other
}

/// Nothing happens more often than that in a period.
const TIMES_MAX: i64 = 5_000;

struct Reader<'a> {
    statements: Statements<'a>,
    faults: Vec<TextFault>,
    /// Where each transfer between two accounts is first named.
    sides: BTreeMap<String, Location>,
}

impl Reader<'_> {
    fn say(&mut self, place: Location, message: String) {
        self.faults.push(fault(place, message));
    }

    fn persona(&mut self, file: File) -> Persona {
        let File {
            version: _,
            name,
            description,
            holder,
            accounts,
        } = file;
        let HolderSpec {
            born,
            joint,
            abroad,
            firm,
        } = holder;
        let years = born
            .as_ref()
            .map_or((1972, 1990), |born| years(born.value.0));
        if let Some(born) = born.filter(|_| years.0 < 1920 || years.1 > 2020) {
            self.say(
                born.referenced,
                "born takes years from 1920 to 2020".to_owned(),
            );
        }
        let holder = HolderPlan {
            born: years,
            joint,
            abroad,
            firm,
        };
        let accounts: Vec<AccountPlan> = accounts
            .into_iter()
            .map(|account| self.account(account))
            .collect();
        for (side, place) in std::mem::take(&mut self.sides) {
            if !has_both_sides(&accounts, &side) {
                let alike = "amount, grows, varies, step, every, times, months, on, by and chance";
                let message = format!(
                    "side_of {side}: a transfer is an in and an out of that name in two accounts, with the same {alike}"
                );
                self.say(place, message);
            }
        }
        Persona {
            name: name.into(),
            description: description.trim().to_owned(),
            holder,
            accounts,
        }
    }

    fn account(&mut self, spec: Spanned<AccountSpec>) -> AccountPlan {
        let place = spec.referenced;
        let AccountSpec {
            fi_type: Word(fi_type),
            account,
            fip,
            linked,
            opened,
            dormant,
            keeps,
            opens_with,
            overdraft,
            interest,
            minimum,
            story,
            statement,
            amount,
        } = spec.value;
        let is_bank = fi_type == FiType::Deposit;
        let habits = [
            ("keeps", keeps.is_some()),
            ("opens_with", opens_with.is_some()),
            ("overdraft", overdraft.is_some()),
            ("interest", interest.is_some()),
            ("minimum", minimum.is_some()),
            ("story", story.is_some()),
        ];
        let given = habits
            .iter()
            .find(|(_, given)| *given)
            .map(|(name, _)| *name);
        let mut wrong = |message: String| self.say(place, message);
        match (is_bank, given, &statement, amount) {
            (true, _, _, Some(_)) => {
                wrong("a DEPOSIT has a story or a statement, and no amount".to_owned());
            }
            (true, Some(given), Some(_), _) => {
                wrong(format!("an account has a statement or {given}, not both"));
            }
            (true, _, None, _) if story.is_none() => {
                wrong("a DEPOSIT lacks one of story, statement; write story: [] where nothing happens".to_owned());
            }
            (false, Some(given), ..) => {
                wrong(format!("{given} is for DEPOSIT; {fi_type} takes an amount"));
            }
            (false, _, Some(_), _) => wrong(format!(
                "a statement is for DEPOSIT; {fi_type} takes an amount"
            )),
            _ => {}
        }
        let account_type = account.map_or_else(
            || {
                if is_bank {
                    AccountType::Savings
                } else {
                    AccountType::Default
                }
            },
            |Word(account_type)| account_type,
        );
        if is_bank == (account_type == AccountType::Default) {
            self.say(
                place,
                format!("{account_type} is no kind of account of {fi_type}"),
            );
        }
        let opened = opened.map_or(Opened::Years((2006, 2012)), |opened| self.opened(&opened));
        let content = if let Some(statement) = statement {
            match (self.statements)(&statement.value) {
                Ok(ledger) => Content::Told(Arc::new(ledger)),
                Err(problem) => {
                    self.say(statement.referenced, problem);
                    Content::Holding {
                        amount: (Paise(0), Paise(0)),
                    }
                }
            }
        } else if is_bank {
            let limit = overdraft.map_or(Paise(0), |Rupees((_, high))| high);
            Content::Story(
                self.story(place, keeps, story.unwrap_or_default(), |keeps, flows| {
                    Story {
                        keeps,
                        opens_with: opens_with.map_or(
                            (Paise::rupees(1000), Paise::rupees(25_000)),
                            |Rupees(range)| range,
                        ),
                        limit,
                        interest: interest
                            .map_or(if limit.0 > 0 { 1050 } else { 300 }, |Percent(percent)| {
                                percent
                            }),
                        minimum: minimum.map_or(Paise(0), |Rupees((_, high))| high),
                        flows,
                    }
                }),
            )
        } else {
            Content::Holding {
                amount: amount.map_or(usual_amount(fi_type), |Rupees(range)| range),
            }
        };
        let fip = fip.map_or(if is_bank { 0 } else { 2 }, |fip| fip - 1);
        AccountPlan {
            fi_type,
            account_type,
            fip,
            linked: linked.unwrap_or(true),
            opened,
            dormant,
            content,
        }
    }

    fn opened(&mut self, spec: &Spanned<OpenedSpec>) -> Opened {
        let text = match &spec.value {
            OpenedSpec::Year(year) => year.to_string(),
            OpenedSpec::Text(text) => text.trim().to_owned(),
        };
        let ago = || {
            let (count, unit) = text.strip_suffix(" ago")?.split_once(' ')?;
            let count: u32 = count.parse().ok()?;
            match unit {
                "month" | "months" => Some(count),
                "year" | "years" => count.checked_mul(12),
                _ => None,
            }
        };
        let opened = if let Some(months) = ago() {
            (months <= 50 * 12).then_some(Opened::Ago(months))
        } else if let Ok(day) = text.parse::<NaiveDate>() {
            OPENED
                .contains(&chrono::Datelike::year(&day))
                .then_some(Opened::On(day))
        } else {
            let range = Whole::parse(&text).map(years);
            range
                .filter(|(low, high)| OPENED.contains(low) && OPENED.contains(high))
                .map(Opened::Years)
        };
        opened.unwrap_or_else(|| {
            let (first, last) = (OPENED.start(), OPENED.end());
            let forms = format!(
                "a year from {first} to {last}, years such as 2006..2012, a day such as 2019-04-08"
            );
            self.say(
                spec.referenced,
                format!(
                    "opened takes {forms}, or 2 months ago, not {}",
                    quoted(&text)
                ),
            );
            Opened::Years((2006, 2012))
        })
    }

    fn story(
        &mut self,
        place: Location,
        keeps: Option<Spanned<AmountSpec>>,
        flows: Vec<Spanned<FlowSpec>>,
        made: impl FnOnce(Option<Amount>, Vec<Flow>) -> Story,
    ) -> Story {
        let keeps = keeps.map(|keeps| {
            let amount = self.amount("keeps", &keeps);
            if matches!(
                amount,
                Amount::OfBalance(_) | Amount::Usual | Amount::Loan(_)
            ) {
                self.say(
                    keeps.referenced,
                    "keeps takes rupees, or { share: … } of the income".to_owned(),
                );
            }
            amount
        });
        let flows: Vec<Flow> = flows.into_iter().map(|flow| self.flow(flow)).collect();
        let shares = flows
            .iter()
            .map(|flow| &flow.amount)
            .chain(&keeps)
            .any(|amount| matches!(amount, Amount::Share(_)));
        if shares && !flows.iter().any(|flow| flow.income) {
            self.say(
                place,
                "a share is of the income: mark what is income with income: true".to_owned(),
            );
        }
        made(keeps, flows)
    }

    fn amount(&mut self, key: &str, spec: &Spanned<AmountSpec>) -> Amount {
        let fallback = Amount::Each((Paise(100), Paise(100)));
        match &spec.value {
            AmountSpec::Plain(plain) => match &plain.value {
                PlainAmount::Rupees(Rupees(range)) => Amount::Each(*range),
                PlainAmount::Word(word) if word == "usual" => Amount::Usual,
                PlainAmount::Word(_) | PlainAmount::Wrong(_) => {
                    let told = if let PlainAmount::Word(word) = &plain.value {
                        format!(", not {}", quoted(word))
                    } else {
                        String::new()
                    };
                    self.say(
                        spec.referenced,
                        format!("{key} takes rupees such as 4500, a range such as 20..180, usual, or once, share, balance or loan{told}"),
                    );
                    fallback
                }
            },
            AmountSpec::Said(SaidAmount {
                once,
                share,
                balance,
                loan,
            }) => match (once, share, balance, loan) {
                (Some(Rupees(range)), ..) => Amount::Once(*range),
                (_, Some(Whole(range)), ..) => Amount::Share(*range),
                (_, _, Some(Whole(range)), _) => {
                    if range.1 > 100 {
                        self.say(
                            spec.referenced,
                            "balance is percent of what is there, 100 at most".to_owned(),
                        );
                    }
                    Amount::OfBalance(*range)
                }
                (
                    ..,
                    Some(LoanSpec {
                        principal: Rupees(principal),
                        months,
                        rate: Percent(rate),
                        paid_out,
                    }),
                ) => Amount::Loan(Loan {
                    principal: *principal,
                    months: *months,
                    rate: *rate,
                    paid_out: *paid_out,
                }),
                (None, None, None, None) => fallback,
            },
        }
    }

    fn flow(&mut self, spec: Spanned<FlowSpec>) -> Flow {
        let place = spec.referenced;
        let FlowSpec {
            r#in,
            out,
            grows,
            varies,
            step,
            every,
            times,
            months,
            life,
            on,
            by: Word(channel),
            with,
            any_of,
            purpose,
            chance,
            mandate,
            income,
            side_of,
            then,
        } = spec.value;
        let (direction, amount) = match (&r#in, &out) {
            (Some(amount), _) => (TransactionType::Credit, self.amount("in", amount)),
            (_, Some(amount)) => (TransactionType::Debit, self.amount("out", amount)),
            (None, None) => (TransactionType::Debit, Amount::Usual),
        };
        let with = match (with, any_of) {
            (Some(_), Some(any_of)) => {
                self.say(
                    any_of.referenced,
                    "a flow has with or any_of, not both".to_owned(),
                );
                With::Nobody
            }
            (Some(with), None) => With::OneOf(self.list(with.referenced, with.value)),
            (None, Some(any_of)) => With::AnyOf(self.list(any_of.referenced, any_of.value)),
            (None, None) => With::Nobody,
        };
        let priced = |with: &With| {
            let (With::OneOf(list) | With::AnyOf(list)) = with else {
                return false;
            };
            matches!(
                list,
                List::Shipped(Cast::Shops | Cast::Stores | Cast::Utilities | Cast::Telecoms)
            )
        };
        if amount == Amount::Usual && !priced(&with) {
            let lists = "shops, stores, utilities, telecoms";
            self.say(
                place,
                format!("usual is known of {lists}; give an amount, or draw from one of these"),
            );
        }
        if mandate && direction == TransactionType::Credit {
            self.say(
                place,
                "a mandate collects money: it goes with out".to_owned(),
            );
        }
        if income
            && (direction == TransactionType::Debit
                || !matches!(amount, Amount::Once(_) | Amount::Each(_)))
        {
            self.say(
                place,
                "income comes in, in rupees or { once: … }".to_owned(),
            );
        }
        let every = every.map_or(Every::Month, |Word(every)| every);
        if matches!(amount, Amount::Loan(_))
            && (direction == TransactionType::Credit || every != Every::Month)
        {
            self.say(
                place,
                "a loan's instalment goes out every month; paid_out says that the principal comes in".to_owned(),
            );
        }
        let times = times.map_or((1, 1), |times| {
            if times.value.0.1 > TIMES_MAX {
                self.say(times.referenced, format!("times is at most {TIMES_MAX}"));
            }
            (small(times.value.0.0), small(times.value.0.1))
        });
        let step = step.map_or(Paise(1), |step| {
            if step.value.0.0.0 == 0 {
                self.say(step.referenced, "step is more than nothing".to_owned());
            }
            Paise(step.value.0.0.0.max(1))
        });
        let purpose = self.purpose(place, purpose);
        let then = then.map(|then| self.then(place, then));
        let side_of = side_of.map(|side| {
            if !matches!(amount, Amount::Each(_)) {
                let message =
                    "the side of a transfer has an amount in rupees, such as 30000..40000";
                self.say(side.referenced, message.to_owned());
            }
            self.sides
                .entry(side.value.clone())
                .or_insert(side.referenced);
            side.value
        });
        Flow {
            direction,
            amount,
            grows: grows.map_or(0, i64::from),
            varies: varies.map_or(0, i64::from),
            step,
            every,
            times,
            months: months.map_or(0xfff, |months| {
                months
                    .iter()
                    .fold(0, |set, MonthNumber(month)| set | 1 << (month - 1))
            }),
            life: life.map_or((0, u32::MAX), |Whole((low, high))| {
                (small(low), small(high))
            }),
            on: on.map_or(On::Any, |on| self.on(&on)),
            channel,
            with,
            purpose,
            chance: chance.unwrap_or(100),
            mandate,
            income,
            side_of,
            then,
        }
    }

    /// Nothing but the month and the year is filled in.
    fn purpose(&mut self, place: Location, purpose: Option<String>) -> String {
        let purpose = purpose.unwrap_or_default();
        let rest = purpose.replace("{month}", "").replace("{year}", "");
        if rest.contains(['{', '}']) {
            self.say(
                place,
                format!(
                    "purpose {} has more in braces than {{month}} and {{year}}",
                    quoted(&purpose)
                ),
            );
        }
        purpose
    }

    fn on(&mut self, spec: &Spanned<OnSpec>) -> On {
        let text = match &spec.value {
            OnSpec::Number(day) => day.to_string(),
            OnSpec::Text(text) => text.clone(),
        };
        match text.as_str() {
            "any" => On::Any,
            "working day" => On::WorkingDay,
            "last working day" => On::LastWorkingDay,
            _ => match Whole::parse(&text) {
                Some((low, high)) if low >= 1 && high <= 31 => On::Day((small(low), small(high))),
                _ => {
                    let told = quoted(&text);
                    let forms = "a day from 1 to 31, days such as 1..4, any, working day or last working day";
                    self.say(spec.referenced, format!("on takes {forms}, not {told}"));
                    On::Any
                }
            },
        }
    }

    /// One lower-case word is a shipped list.
    fn list(&mut self, place: Location, names: NamesSpec) -> List {
        let names = match names {
            NamesSpec::Several(names) => names,
            NamesSpec::One(name) => {
                if let Some(cast) = Cast::parse(&name) {
                    return List::Shipped(cast);
                }
                if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()) {
                    let known = alternatives(&name, Cast::table().iter().map(|cast| cast.label()));
                    self.say(
                        place,
                        format!(
                            "{} is no shipped list; {known}; names of your own are in capitals",
                            quoted(&name)
                        ),
                    );
                }
                vec![name]
            }
        };
        let plain = |name: &String| {
            (1..=60).contains(&name.len())
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || " .&'-".contains(c))
        };
        if let Some(name) = names.iter().find(|name| !plain(name)) {
            let told = quoted(name);
            self.say(
                place,
                format!("{told} is no name: 1 to 60 letters, digits, spaces and . & ' - that a bank prints"),
            );
        }
        List::Own(names.into_iter().map(|name| name.to_uppercase()).collect())
    }

    fn then(&mut self, place: Location, spec: ThenSpec) -> Then {
        let ThenSpec {
            r#in,
            out,
            after,
            within,
            by: Word(channel),
            with,
            any_of,
            purpose,
            chance,
        } = spec;
        let (direction, percent) = match (r#in, out) {
            (Some(Whole(percent)), _) => (TransactionType::Credit, percent),
            (_, out) => (
                TransactionType::Debit,
                out.map_or((100, 100), |Whole(percent)| percent),
            ),
        };
        if percent.1 > 100 {
            self.say(
                place,
                "what follows is percent of the first movement, 100 at most".to_owned(),
            );
        }
        let seconds = |Lasting(Span(ms))| ms / 1000;
        let least = after.map_or(60, seconds);
        let most = within.map_or(least, seconds);
        if most < least {
            self.say(place, "within is shorter than after".to_owned());
        }
        let with = match (with, any_of) {
            (Some(with), _) => Some(With::OneOf(self.list(place, with))),
            (None, any_of) => any_of.map(|any_of| With::AnyOf(self.list(place, any_of))),
        };
        let after = (least, most.max(least));
        Then {
            direction,
            percent,
            after,
            channel,
            with,
            purpose: self.purpose(place, purpose),
            chance: chance.unwrap_or(100),
        }
    }
}

/// What holdings are of where the persona does not say.
fn usual_amount(fi_type: FiType) -> Between<Paise> {
    let (low, high) = match fi_type {
        FiType::TermDeposit => (100_000, 500_000),
        FiType::RecurringDeposit | FiType::MutualFunds | FiType::Sip | FiType::Nps => {
            (2_000, 10_000)
        }
        FiType::Gstr1_3b => (400_000, 1_500_000),
        FiType::Cp | FiType::GovtSecurities | FiType::Aif | FiType::InsurancePolicies => {
            (500_000, 2_500_000)
        }
        _ => (10_000, 60_000),
    };
    (Paise::rupees(low), Paise::rupees(high))
}

fn years((low, high): (i64, i64)) -> Between<i32> {
    let year = |number| i32::try_from(number).unwrap_or(i32::MAX);
    (year(low), year(high))
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
