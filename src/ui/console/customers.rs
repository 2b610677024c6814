//! Pages of customers, and of what their banks have.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ConsoleFrame, ListAddress};
use crate::domain::account::{Account, CustomerAccount, FiType};
use crate::domain::appraisal::Appraisal;
use crate::domain::customer::{Customer, PendingLink};
use crate::domain::money::{Paise, group_count};
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::participants::Participants;
use crate::domain::statement::{Statement, Transactions};
use crate::domain::terms::{TimeRange, TransactionType};
use crate::ui::messages::Language;

/// The page with the customers of a world.
#[derive(Debug, Template)]
#[template(path = "console_customers.html")]
pub(crate) struct CustomersPage {
    pub console: ConsoleFrame,
    /// The address of each customer's page, and the customer's address.
    pub customers: Vec<(String, String)>,
    /// The address of the next part.
    pub next: Option<String>,
    /// The problem of a typed address.
    pub problem: Option<String>,
}

/// Returns the path of the page of a customer.
pub(crate) fn customer_path(base_path: &str, customer: &str) -> String {
    let customer = utf8_percent_encode(customer, NON_ALPHANUMERIC);
    format!("{base_path}/ui/customers/{customer}")
}

/// Returns the path of the page with the data of an account.
pub(super) fn data_path(customer_path: &str, account: &Account) -> String {
    let reference = utf8_percent_encode(&account.account_ref, NON_ALPHANUMERIC);
    format!("{customer_path}/data?account={reference}")
}

/// Returns the address of a statement as a file in a format.
pub(super) fn statement_address(
    base_path: &str,
    customer: &str,
    account: &Account,
    range: TimeRange,
    format: &str,
) -> String {
    let customer = utf8_percent_encode(customer, NON_ALPHANUMERIC);
    let path = format!("{base_path}/_mockaa/v1/customers/{customer}/statement");
    let parameters = [
        ("account", account.account_ref.to_string()),
        ("from", range.from.to_string()),
        ("to", range.to.to_string()),
        ("format", format.to_owned()),
    ];
    let parameters = parameters.map(|(name, value)| (name, Some(value)));
    ListAddress::new(path, parameters, None).with_state(None)
}

/// The page of one customer.
#[derive(Debug, Template)]
#[template(path = "console_customer.html")]
pub(crate) struct CustomerPage {
    console: ConsoleFrame,
    customer: String,
    persona: String,
    registration: &'static str,
    personas: Vec<String>,
    path: String,
    accounts: Vec<AccountRow>,
    /// The reference and the number of each bank account.
    bank_accounts: Vec<(String, String)>,
    layouts: &'static [NarrationLayout],
    /// The notes about a statement that was supplied.
    notes: Vec<String>,
    /// The pending requests to link accounts.
    links: Vec<String>,
    consents_address: String,
}

#[derive(Debug)]
struct AccountRow {
    fi_type: FiType,
    number: String,
    bank: String,
    reference: String,
    is_linked: bool,
    /// The address of its statement; `None` if its bank denies the data.
    data: Option<String>,
}

impl CustomerPage {
    /// Returns the page. Each account has `true` if it has statements.
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        customer: &str,
        persona: &str,
        record: Option<&Customer>,
        personas: Vec<String>,
        accounts: &[(CustomerAccount, bool)],
    ) -> Self {
        let path = customer_path(&console.base_path, customer);
        let rows = accounts.iter().map(|(it, has_statement)| {
            let account = &it.account;
            AccountRow {
                fi_type: account.fi_type,
                number: account.masked_number.to_string(),
                bank: participants.fip_name(&account.fip).to_string(),
                reference: account.account_ref.to_string(),
                is_linked: it.is_linked,
                data: has_statement.then(|| data_path(&path, account)),
            }
        });
        Self {
            customer: customer.to_owned(),
            persona: persona.to_owned(),
            links: record
                .iter()
                .flat_map(|record| &record.pending_links)
                .map(|link| describe_link(link, participants))
                .collect(),
            registration: match record.map(|record| record.registered) {
                None => "no record yet: counts as registered, with the usual accounts linked",
                Some(true) => "registered at the AA",
                Some(false) => "not registered at the AA",
            },
            accounts: rows.collect(),
            bank_accounts: accounts
                .iter()
                .map(|(it, _)| &it.account)
                .filter(|account| account.fi_type == FiType::Deposit)
                .map(|account| {
                    (
                        account.account_ref.to_string(),
                        account.masked_number.to_string(),
                    )
                })
                .collect(),
            layouts: NarrationLayout::ALL,
            notes: Vec::new(),
            consents_address: format!(
                "{}/ui/consents?customer={}",
                console.base_path,
                utf8_percent_encode(customer, NON_ALPHANUMERIC)
            ),
            personas,
            path,
            console,
        }
    }

    /// Returns the page with the notes about a statement that was supplied.
    pub(crate) fn with_notes(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }
}

fn describe_link(link: &PendingLink, participants: &Participants) -> String {
    let accounts: Vec<_> = link.accounts.iter().map(|it| &*it.masked_number).collect();
    format!(
        "{} of {}: waits until {}",
        accounts.join(", "),
        participants.fip_name(&link.fip),
        Language::English.format_time(link.expires_at)
    )
}

/// The number of rows on the page of a statement.
pub(crate) const STATEMENT_ROWS_MAX: usize = 100;

/// The content of the page of a statement.
#[derive(Debug)]
pub(crate) struct StatementDetails<'a> {
    pub statement: &'a Statement,
    pub appraisal: Option<Appraisal>,
    pub range: TimeRange,
    /// The number of transactions before those that are shown.
    pub skip: usize,
    /// The names of the formats of its files.
    pub formats: &'a [&'static str],
}

/// The page of the statement of an account.
#[derive(Debug, Template)]
#[template(path = "console_statement.html")]
pub(crate) struct StatementPage {
    console: ConsoleFrame,
    customer: String,
    customer_address: String,
    account: String,
    fi_type: FiType,
    bank: String,
    from: String,
    to: String,
    reference: String,
    /// The addresses of the statement as a file, each with the name of its format.
    files: Vec<(&'static str, String)>,
    appraisal: Option<Appraisal>,
    /// `None` for an account that is none at a bank.
    bank_data: Option<BankData>,
    path: String,
}

#[derive(Debug)]
struct BankData {
    balance: String,
    chart: BalanceChart,
    rows: Vec<StatementRow>,
    /// The places of the rows among all of them, in words.
    shown: String,
    earlier: Option<String>,
    later: Option<String>,
}

#[derive(Debug)]
struct StatementRow {
    at: String,
    instant: String,
    narration: String,
    mode: &'static str,
    debit: String,
    credit: String,
    balance: String,
}

/// A chart of the balance as steps, 600 by 120.
#[derive(Debug)]
struct BalanceChart {
    line: String,
    area: String,
    zero: i64,
    lowest: String,
    highest: String,
}

const CHART_WIDTH: i64 = 600;
const CHART_HEIGHT: i64 = 120;

/// The largest number of steps of a chart.
const CHART_STEPS: usize = 400;

impl BalanceChart {
    fn new(transactions: &Transactions) -> Self {
        let rows = &transactions.rows;
        let balances = rows.iter().map(|row| row.balance.0);
        let lowest = balances.clone().min().unwrap_or(0);
        let highest = balances.clone().max().unwrap_or(0);
        let (bottom, top) = (lowest.min(0), highest.max(lowest.min(0) + 1));
        let span = transactions
            .range
            .to
            .duration_since(transactions.range.from);
        let span = span.0.max(1);
        let place_y = |balance: i64| {
            CHART_HEIGHT
                - i64::try_from(
                    i128::from(balance - bottom) * i128::from(CHART_HEIGHT)
                        / i128::from(top - bottom),
                )
                .unwrap_or(0)
        };
        // Of the rows between two steps, the lowest and the highest balance are shown.
        let size = rows.len().div_ceil(CHART_STEPS).max(1);
        let mut line = String::new();
        for chunk in rows.chunks(size) {
            let x = chunk[0].at.duration_since(transactions.range.from).0 * CHART_WIDTH / span;
            let x = x.clamp(0, CHART_WIDTH);
            let balances = chunk.iter().map(|row| row.balance.0);
            let (low, high) = (balances.clone().min(), balances.max());
            let last = chunk[chunk.len() - 1].balance.0;
            let ys = [low, high, Some(last)].into_iter().flatten().map(place_y);
            for (place, y) in ys.enumerate() {
                line += &match (line.is_empty(), place) {
                    (true, _) => format!("M{x} {y}"),
                    (false, 0) => format!("H{x}V{y}"),
                    (false, _) => format!("V{y}"),
                };
            }
        }
        if !line.is_empty() {
            line += &format!("H{CHART_WIDTH}");
        }
        let zero = place_y(0);
        let start = line.strip_prefix('M').and_then(|it| it.split(' ').next());
        let area = match start {
            Some(x) => format!("{line}V{zero}H{x}z"),
            None => String::new(),
        };
        Self {
            line,
            area,
            zero,
            lowest: Paise(lowest).group_rupees(),
            highest: Paise(highest).group_rupees(),
        }
    }
}

impl StatementPage {
    /// Returns the page.
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        customer: &str,
        details: StatementDetails<'_>,
    ) -> Self {
        let StatementDetails {
            statement,
            appraisal,
            range,
            skip,
            formats,
        } = details;
        let account = &statement.account;
        let path = customer_path(&console.base_path, customer);
        let parameters = [
            ("account", Some(account.account_ref.to_string())),
            ("from", Some(range.from.to_string())),
            ("to", Some(range.to.to_string())),
        ];
        let list = ListAddress::new(format!("{path}/data"), parameters, None);
        let files = formats.iter().map(|format| {
            let address = statement_address(&console.base_path, customer, account, range, format);
            (*format, address)
        });
        Self {
            customer: customer.to_owned(),
            customer_address: path.clone(),
            account: account.masked_number.to_string(),
            fi_type: account.fi_type,
            bank: participants.fip_name(&account.fip).to_string(),
            from: range.from.to_string(),
            to: range.to.to_string(),
            reference: account.account_ref.to_string(),
            files: files.collect(),
            bank_data: statement
                .transactions()
                .map(|transactions| BankData::new(transactions, skip, &list)),
            path: format!("{path}/data"),
            appraisal,
            console,
        }
    }
}

impl BankData {
    fn new(transactions: &Transactions, skip: usize, list: &ListAddress) -> Self {
        let total = transactions.rows.len();
        let start = skip.min(total);
        let part = transactions.iter().skip(start).take(STATEMENT_ROWS_MAX);
        let rows: Vec<_> = part
            .map(|row| {
                let amount = row.amount.group();
                let is_credit = row.transaction_type == TransactionType::Credit;
                StatementRow {
                    at: Language::English.format_time(row.at),
                    instant: row.at.to_string(),
                    narration: row.narration.to_owned(),
                    mode: row.mode.as_str(),
                    debit: if is_credit {
                        String::new()
                    } else {
                        amount.clone()
                    },
                    credit: if is_credit { amount } else { String::new() },
                    balance: row.balance.group(),
                }
            })
            .collect();
        let end = start + rows.len();
        let last = transactions.rows.last();
        Self {
            balance: last.map_or_else(String::new, |row| row.balance.group_rupees()),
            chart: BalanceChart::new(transactions),
            shown: if total == 0 {
                "no transactions".to_owned()
            } else {
                format!(
                    "{}–{} of {}",
                    group_count(start + 1),
                    group_count(end),
                    group_count(total)
                )
            },
            earlier: (start > 0)
                .then(|| list.at("after", start.saturating_sub(STATEMENT_ROWS_MAX) as u64)),
            later: (end < total).then(|| list.at("after", end as u64)),
            rows,
        }
    }
}
