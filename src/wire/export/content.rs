//! From statements and analytics to tables.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::{Cell, Sheet, Workbook};
use crate::domain::consent::TransactionType;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::statement::{Body, Holders, Statement};

/// The tables of statements, those of one kind together.
pub fn of_statements(statements: &[Statement]) -> Workbook {
    let mut heading = Vec::new();
    let mut say = |name: &str, value: String| heading.push((name.to_owned(), value));
    let holder = statements.iter().find_map(|statement| statement.holders.as_ref());
    if let Some(holders) = holder {
        say("Account holder", holders.iter().map(|holder| holder.name.as_str()).collect::<Vec<_>>().join(", "));
        say("Address", holders.first.address.clone());
        say("PAN", holders.first.pan.clone());
    }
    for statement in statements {
        let account = &statement.account;
        say("Account", format!("{} at {}, {}", account.masked_number, account.fip, account.fi_type));
        if let Some(summary) = statement.bank().and_then(|bank| bank.summary.as_ref()) {
            say("Branch", format!("{}, IFSC {}, MICR {}", summary.branch, summary.ifsc, summary.micr));
            say("Balance", format!("{} on {}", summary.balance, summary.balance_at.ist_date()));
        }
    }
    let range = statements.iter().find_map(|statement| statement.bank()?.transactions.as_ref()).map(|told| told.range);
    if let Some(range) = range {
        say("Period", format!("{} to {}", range.from.ist_date(), range.to.ist_date()));
    }
    let mut sheets = Vec::new();
    bank_sheets(statements, &mut sheets);
    for statement in statements {
        if let Body::Other(document) = &statement.body {
            let kind = statement.account.fi_type.as_str();
            element_sheets(&document.root, kind, &statement.account.masked_number, &mut sheets);
        }
    }
    Workbook { title: "Account statement".to_owned(), heading, sheets }
}

fn bank_sheets(statements: &[Statement], sheets: &mut Vec<Sheet>) {
    let banks: Vec<&Statement> = statements.iter().filter(|statement| statement.bank().is_some()).collect();
    if banks.is_empty() {
        return;
    }
    let text = |text: &str| Cell::Text(text.to_owned());
    let accounts = banks.iter().filter_map(|statement| {
        let summary = statement.bank()?.summary.as_ref()?;
        let account = &statement.account;
        Some(vec![
            text(&account.masked_number),
            text(&account.fip),
            text(account.account_type.as_str()),
            Cell::Money(summary.balance),
            Cell::Date(summary.balance_at.ist_date()),
            text(&summary.branch),
            text(&summary.ifsc),
            text(&summary.micr),
            Cell::Date(summary.opened_on),
            Cell::Money(summary.limit),
            text(if summary.active { "ACTIVE" } else { "INACTIVE" }),
        ])
    });
    let names =
        ["Account", "FIP", "Type", "Balance", "Balance of", "Branch", "IFSC", "MICR", "Opened on", "Limit", "Status"];
    sheets.push(sheet("DEPOSIT summary", &names, accounts.collect()));
    let holders = banks.iter().flat_map(|statement| {
        let holders = statement.holders.iter().flat_map(Holders::iter);
        holders.map(|holder| {
            vec![
                text(&statement.account.masked_number),
                text(&holder.name),
                Cell::Date(holder.born),
                text(&holder.mobile),
                text(&holder.email),
                text(&holder.pan),
                text(&holder.address),
            ]
        })
    });
    let names = ["Account", "Name", "Born on", "Mobile", "Email", "PAN", "Address"];
    sheets.push(sheet("DEPOSIT holders", &names, holders.collect()));
    let mut rows = Vec::new();
    for statement in banks {
        if let Some(told) = statement.bank().and_then(|bank| bank.transactions.as_ref()) {
            for row in told.iter() {
                let (debit, credit) = match row.transaction_type {
                    TransactionType::Debit => (Cell::Money(row.amount), Cell::Empty),
                    TransactionType::Credit => (Cell::Empty, Cell::Money(row.amount)),
                };
                rows.push(vec![
                    Cell::Date(row.at.ist_date()),
                    Cell::Text(row.narration.to_owned()),
                    Cell::Text(row.reference.to_owned()),
                    debit,
                    credit,
                    Cell::Money(row.balance),
                    text(row.mode.as_str()),
                    text(&statement.account.masked_number),
                    Cell::Text(row.at.ist_string()),
                    Cell::Text(format!("M{}", row.id)),
                ]);
            }
        }
    }
    let names = [
        "Date",
        "Narration",
        "Reference",
        "Debit",
        "Credit",
        "Balance",
        "Mode",
        "Account",
        "Timestamp",
        "Transaction id",
    ];
    let told = sheet("DEPOSIT transactions", &names, rows);
    sheets.push(Sheet { chart: Some((0, 5)), ..told });
}

fn sheet(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Sheet {
    Sheet { name: name.to_owned(), columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows, chart: None }
}

/// A sheet for each element that may repeat, and for each that has attributes; accounts of one kind share it.
fn element_sheets(element: &Element, kind: &str, account: &str, sheets: &mut Vec<Sheet>) {
    let attributes: Vec<_> = element.attributes.iter().filter(|(name, _)| !name.contains("xmlns")).collect();
    if !attributes.is_empty() {
        let name = format!("{kind} {}", element.name);
        let cells = attributes.iter().map(|(name, value)| typed(name, value));
        let row: Vec<Cell> = std::iter::once(Cell::Text(account.to_owned())).chain(cells).collect();
        let place = sheets.iter().position(|sheet| sheet.name == name).unwrap_or_else(|| {
            let names = attributes.iter().map(|(name, _)| (*name).to_owned());
            let columns = std::iter::once("Account".to_owned()).chain(names).collect();
            sheets.push(Sheet { name, columns, rows: Vec::new(), chart: None });
            sheets.len() - 1
        });
        sheets[place].rows.push(row);
    }
    for child in &element.children {
        element_sheets(child, kind, account, sheets);
    }
}

/// Dates and amounts are what they are; numbers that are names (folios, codes) stay texts.
fn typed(name: &str, value: &str) -> Cell {
    if let Ok(date) = value.parse::<NaiveDate>() {
        return Cell::Date(date);
    }
    let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    match decimals {
        2 if Paise::parse(value).is_some() => Cell::Money(Paise::parse(value).unwrap_or_default()),
        3 | 4 if value.parse::<f64>().is_ok() => Cell::Number(value.parse().unwrap_or_default()),
        0 if name.to_lowercase().contains("units") && value.parse::<u32>().is_ok() => {
            Cell::Number(value.parse::<u32>().map(f64::from).unwrap_or_default())
        }
        _ => Cell::Text(value.to_owned()),
    }
}

/// The tables of analytics: one for each list of the sections, named by its way; lists of transactions within are left to
/// the sheet that has them all.
pub fn of_analytics(report: &Value) -> Workbook {
    let mut sheets = Vec::new();
    let overview = &report["overview"];
    let account = &overview["account"];
    let said = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let heading = [
        ("Account holder", &account["accountHolderName"]),
        ("Account", &account["accountNumber"]),
        ("Bank", &account["bankName"]),
        ("Period", &account["statementPeriod"]),
        ("Transactions", &overview["transactionCount"]),
        ("Average daily balance", &overview["averageDailyBalance"]),
        ("Score", &overview["bsaScore"]),
    ];
    let heading = heading.map(|(name, value)| (name.to_owned(), said(value))).to_vec();
    for (name, section) in report.as_object().into_iter().flatten() {
        lists(name, section, &mut sheets);
    }
    // Every transaction once, as the months have them.
    let all = report["cashflow"]["monthly"].as_array().into_iter().flatten();
    let all: Vec<&Value> = all.flat_map(|month| month["transactions"].as_array().into_iter().flatten()).collect();
    if let Some(told) = list_sheet("transactions", &all) {
        sheets.push(told);
    }
    Workbook { title: "Analytics".to_owned(), heading, sheets }
}

fn lists(path: &str, value: &Value, sheets: &mut Vec<Sheet>) {
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items: Vec<&Value> = items.iter().collect();
            sheets.extend(list_sheet(path, &items));
        }
        Value::Object(fields) => {
            let plain: Map<String, Value> = fields
                .iter()
                .filter(|(_, value)| !value.is_array() && !value.is_object())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if !plain.is_empty() {
                sheets.extend(list_sheet(path, &[&Value::Object(plain)]));
            }
            for (name, value) in fields {
                // A section is often called like the only thing in it.
                let within = if path.ends_with(name.as_str()) { path.to_owned() } else { format!("{path} {name}") };
                lists(&within, value, sheets);
            }
        }
        _ => {}
    }
}

/// The plain fields of the items as columns.
fn list_sheet(name: &str, items: &[&Value]) -> Option<Sheet> {
    let mut columns: Vec<String> = Vec::new();
    for item in items {
        for (name, value) in item.as_object().into_iter().flatten() {
            if !value.is_array() && !value.is_object() && !columns.contains(name) {
                columns.push(name.clone());
            }
        }
    }
    if columns.is_empty() {
        return None;
    }
    let rows = items.iter().map(|item| columns.iter().map(|column| cell(&item[column.as_str()])).collect());
    Some(Sheet { name: name.to_owned(), rows: rows.collect(), columns, chart: None })
}

/// Amounts are texts in analytics, and become figures here.
fn cell(value: &Value) -> Cell {
    match value {
        Value::Number(number) => number.as_f64().map_or(Cell::Empty, Cell::Number),
        Value::String(text) if text.is_empty() => Cell::Empty,
        Value::String(text) => match (text.parse::<NaiveDate>(), Paise::parse(text)) {
            (Ok(date), _) => Cell::Date(date),
            (_, Some(amount)) => Cell::Money(amount),
            _ => Cell::Text(text.clone()),
        },
        Value::Bool(flag) => Cell::Text(flag.to_string()),
        _ => Cell::Empty,
    }
}
