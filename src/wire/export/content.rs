//! From statements and analytics to tables.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::{Cell, PART, Sheet, Workbook};
use crate::domain::consent::TransactionType;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::statement::{Body, Holders, Statement};

/// The tables of statements, those of one kind together.
pub fn of_statements(statements: &[Statement]) -> Workbook {
    let mut heading = Vec::new();
    let mut say = |name: &str, value: String| heading.push((name.to_owned(), value));
    let holder = statements
        .iter()
        .find_map(|statement| statement.holders.as_ref());
    if let Some(holders) = holder {
        say(
            "Account holder",
            holders
                .iter()
                .map(|holder| holder.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        );
        say("Address", holders.first.address.clone());
        say("PAN", holders.first.pan.clone());
    }
    for statement in statements {
        let account = &statement.account;
        say(
            "Account",
            format!(
                "{} at {}, {}",
                account.masked_number, account.fip, account.fi_type
            ),
        );
        if let Some(summary) = statement.bank().and_then(|bank| bank.summary.as_ref()) {
            say(
                "Branch",
                format!(
                    "{}, IFSC {}, MICR {}",
                    summary.branch, summary.ifsc, summary.micr
                ),
            );
            say(
                "Balance",
                format!("{} on {}", summary.balance, summary.balance_at.ist_date()),
            );
        }
    }
    let range = statements
        .iter()
        .find_map(Statement::transactions)
        .map(|told| told.range);
    if let Some(range) = range {
        say(
            "Period",
            format!("{} to {}", range.from.ist_date(), range.to.ist_date()),
        );
    }
    let mut sheets = Vec::new();
    bank_sheets(statements, &mut sheets);
    for statement in statements {
        if let Body::Other(document) = &statement.body {
            let kind = statement.account.fi_type.as_str();
            element_sheets(
                &document.root,
                kind,
                &statement.account.masked_number,
                &mut sheets,
            );
        }
    }
    Workbook {
        title: "Account statement".to_owned(),
        heading,
        sheets,
    }
}

fn bank_sheets(statements: &[Statement], sheets: &mut Vec<Sheet>) {
    let banks: Vec<&Statement> = statements
        .iter()
        .filter(|statement| statement.bank().is_some())
        .collect();
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
    let names = [
        "Account",
        "FIP",
        "Type",
        "Balance",
        "Balance of",
        "Branch",
        "IFSC",
        "MICR",
        "Opened on",
        "Limit",
        "Status",
    ];
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
    let names = [
        "Account", "Name", "Born on", "Mobile", "Email", "PAN", "Address",
    ];
    sheets.push(sheet("DEPOSIT holders", &names, holders.collect()));
    let mut rows = Vec::new();
    for statement in banks {
        if let Some(told) = statement.transactions() {
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
    sheets.push(Sheet {
        chart: Some((0, 5)),
        ..told
    });
}

fn sheet(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Sheet {
    Sheet {
        name: name.to_owned(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows,
        chart: None,
    }
}

/// A sheet for each element that may repeat, and for each that has attributes; accounts of one kind share it.
fn element_sheets(element: &Element, kind: &str, account: &str, sheets: &mut Vec<Sheet>) {
    let attributes: Vec<_> = element
        .attributes
        .iter()
        .filter(|(name, _)| !name.contains("xmlns"))
        .collect();
    if !attributes.is_empty() {
        let name = format!("{kind} {}", element.name);
        let cells = attributes.iter().map(|(name, value)| typed(name, value));
        let row: Vec<Cell> = std::iter::once(Cell::Text(account.to_owned()))
            .chain(cells)
            .collect();
        let place = sheets
            .iter()
            .position(|sheet| sheet.name == name)
            .unwrap_or_else(|| {
                let names = attributes.iter().map(|(name, _)| (*name).to_owned());
                let columns = std::iter::once("Account".to_owned()).chain(names).collect();
                sheets.push(Sheet {
                    name,
                    columns,
                    rows: Vec::new(),
                    chart: None,
                });
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
    let decimals = value
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    match decimals {
        2 if Paise::parse(value).is_some() => Cell::Money(Paise::parse(value).unwrap_or_default()),
        3 | 4 if value.parse::<f64>().is_ok() => Cell::Number(value.parse().unwrap_or_default()),
        0 if name.to_lowercase().contains("units") && value.parse::<u32>().is_ok() => {
            Cell::Number(value.parse::<u32>().map(f64::from).unwrap_or_default())
        }
        _ => Cell::Text(value.to_owned()),
    }
}

/// The tables of analytics: one for each section, and one of all transactions.
pub fn of_analytics(report: &Value) -> Workbook {
    let mut sheets = Vec::new();
    let overview = &report["overview"];
    let account = &overview["account"];
    let said = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let heading = [
        ("Account holder", &account["accountHolderName"]),
        ("Account", &account["accountNumber"]),
        ("Bank", &account["bankName"]),
        ("Period", &account["statementPeriod"]),
        ("Transactions", &overview["transactionCount"]),
        ("Average daily balance", &overview["averageDailyBalance"]),
        ("Score", &overview["bsaScore"]),
    ];
    let heading = heading
        .map(|(name, value)| (name.to_owned(), said(value)))
        .to_vec();
    for (name, section) in report.as_object().into_iter().flatten() {
        let mut rows = Vec::new();
        told(section, "", name, &mut rows);
        sheets.extend(of_rows(name, &rows));
    }
    // Every transaction once, as the months have them.
    let all = report["cashflow"]["monthly"]
        .as_array()
        .into_iter()
        .flatten();
    let all: Vec<&Value> = all
        .flat_map(|month| month["transactions"].as_array().into_iter().flatten())
        .collect();
    let all: Vec<Map<String, Value>> = all.into_iter().map(plain).collect();
    sheets.extend(of_rows("transactions", &all));
    Workbook {
        title: "Analytics".to_owned(),
        heading,
        sheets,
    }
}

/// What is no list and no object.
fn plain(value: &Value) -> Map<String, Value> {
    let fields = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_array() && !value.is_object());
    fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The rows of a section: items of its lists, each with the part of the section that it is from, and single figures by name.
fn told(value: &Value, part: &str, section: &str, rows: &mut Vec<Map<String, Value>>) {
    let with_part = |mut row: Map<String, Value>| {
        if !part.is_empty() {
            row.insert(PART.to_owned(), part.into());
        }
        row
    };
    // A section is often called like the only thing in it.
    let within = |name: &str| match (part, name) {
        (part, name) if name == section => part.to_owned(),
        ("", name) => name.to_owned(),
        (part, name) => format!("{part}, {name}"),
    };
    match value {
        Value::Array(items) => {
            for item in items.iter().filter(|item| item.is_object()) {
                let row = plain(item);
                let names: Vec<&str> = row.values().filter_map(Value::as_str).collect();
                let (within, told_alone) = (within(&names.join(" ")), row.len() > 2);
                if !row.is_empty() {
                    rows.push(with_part(row));
                }
                // Where little is said of an item itself, it is what is in it that counts.
                let inner = item
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(_, value)| value.is_array() && !told_alone);
                inner.for_each(|(_, value)| told(value, &within, section, rows));
            }
        }
        Value::Object(fields) => {
            for (name, value) in plain(value) {
                rows.push(with_part(
                    [
                        ("figure".to_owned(), name.into()),
                        ("value".to_owned(), value),
                    ]
                    .into_iter()
                    .collect(),
                ));
            }
            for (name, value) in fields
                .iter()
                .filter(|(_, value)| value.is_array() || value.is_object())
            {
                told(value, &within(name), section, rows);
            }
        }
        _ => {}
    }
}

/// The rows, below the names of all that is in one of them.
fn of_rows(name: &str, rows: &[Map<String, Value>]) -> Option<Sheet> {
    let mut columns: Vec<String> = Vec::new();
    for column in [PART, "figure", "value"]
        .into_iter()
        .chain(rows.iter().flat_map(Map::keys).map(String::as_str))
    {
        if !columns.iter().any(|known| known == column)
            && rows.iter().any(|row| row.contains_key(column))
        {
            columns.push(column.to_owned());
        }
    }
    let cells = |row: &Map<String, Value>| {
        columns
            .iter()
            .map(|name| row.get(name).map_or(Cell::Empty, cell))
            .collect()
    };
    let rows = rows.iter().map(cells).collect();
    (!columns.is_empty()).then(|| Sheet {
        name: name.to_owned(),
        rows,
        columns,
        chart: None,
    })
}

/// Amounts are texts in analytics, and become figures here.
fn cell(value: &Value) -> Cell {
    match value {
        Value::Number(number) => number.as_f64().map_or(Cell::Empty, Cell::Number),
        Value::String(text) if text.is_empty() => Cell::Empty,
        Value::String(text) => match (text.parse::<NaiveDate>(), Paise::parse(text)) {
            (Ok(date), _) => Cell::Date(date),
            (_, Some(amount)) if text.contains('.') => Cell::Money(amount),
            // What has no decimals is a count.
            _ if text.len() < 10 => text
                .parse::<u32>()
                .map_or_else(|_| Cell::Text(text.clone()), |n| Cell::Number(n.into())),
            _ => Cell::Text(text.clone()),
        },
        Value::Bool(flag) => Cell::Text(flag.to_string()),
        _ => Cell::Empty,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of_analytics;

    #[test]
    fn a_section_is_a_sheet_and_names_its_parts() {
        let report = json!({
            "overview": { "account": { "accountNumber": "X1" }, "bsaScore": "700" },
            "summary": {
                "closing": [{ "month": "Jan 2024", "amount": "12.50" }],
                "deposits": [{ "month": "Jan 2024", "amount": "7.00", "count": "3" }],
            },
            "oddities": [{ "activity": "Cash", "transactions": [{ "date": "2024-01-05", "amount": "1.00", "id": 7 }] }],
        });
        let told = of_analytics(&report).sheets;
        let sheets: Vec<_> = told
            .iter()
            .map(|sheet| (&*sheet.name, sheet.columns.join(" ")))
            .collect();
        assert_eq!(
            sheets,
            [
                ("oddities", "part activity amount date id".to_owned()),
                ("overview", "part figure value".to_owned()),
                ("summary", "part amount month count".to_owned()),
            ]
        );
        let rows: Vec<Vec<String>> = told[2]
            .rows
            .iter()
            .map(|row| row.iter().map(super::Cell::text).collect())
            .collect();
        assert_eq!(
            rows,
            [
                ["closing", "12.50", "Jan 2024", ""],
                ["deposits", "7.00", "Jan 2024", "3"]
            ]
        );
        assert_eq!(told[0].rows[1][0].text(), "Cash");
    }
}
