//! Conversion of statements and analytics to workbooks.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::{Cell, PART_COLUMN, Sheet, Workbook};
use crate::domain::appraisal::{Appraisal, ReportValue};
use crate::domain::document::Document;
use crate::domain::money::Paise;
use crate::domain::statement::{Holders, NewRow, Statement};
use crate::domain::terms::{TimeRange, TransactionType};

/// The columns of the transactions of bank accounts.
pub(super) const TRANSACTION_COLUMNS: [&str; 10] = [
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

/// Returns the cells of a transaction, by [`TRANSACTION_COLUMNS`].
pub(super) fn transaction_cells(
    row: &NewRow<'_>,
    account: &str,
) -> [Cell; TRANSACTION_COLUMNS.len()] {
    let (debit, credit) = match row.transaction_type {
        TransactionType::Debit => (Cell::Money(row.amount), Cell::Empty),
        TransactionType::Credit => (Cell::Empty, Cell::Money(row.amount)),
    };
    [
        Cell::Date(row.at.ist_date()),
        text_cell(row.narration),
        text_cell(row.reference),
        debit,
        credit,
        Cell::Money(row.balance),
        text_cell(row.mode.as_str()),
        text_cell(account),
        Cell::Text(row.at.to_ist_string()),
        text_cell(&row.txn_id()),
    ]
}

/// Returns the facts about a statement: the account, its holders and its bank.
pub(super) fn list_facts(statement: &Statement, range: Option<TimeRange>) -> Vec<(String, String)> {
    let account = &statement.account;
    let mut facts = Vec::new();
    let account_fact = format!(
        "{} at {}, {}",
        account.masked_number, statement.fip_name, account.fi_type
    );
    add_fact(&mut facts, "Account", account_fact);
    if let Some(holders) = &statement.holders {
        let names: Vec<&str> = holders.iter().map(|holder| holder.name.as_str()).collect();
        add_fact(&mut facts, "Account holder", names.join(", "));
        add_fact(&mut facts, "Address", holders.first.address.clone());
        add_fact(&mut facts, "PAN", holders.first.pan.clone());
    }
    if let Some(summary) = statement.as_bank().and_then(|bank| bank.summary.as_ref()) {
        let branch = format!(
            "{}, IFSC {}, MICR {}",
            summary.branch, summary.ifsc, summary.micr
        );
        add_fact(&mut facts, "Branch", branch);
        let balance = format!("{} on {}", summary.balance, summary.balance_at.ist_date());
        add_fact(&mut facts, "Balance", balance);
    }
    if let Some(range) = range {
        let period = format!("{} to {}", range.from.ist_date(), range.to.ist_date());
        add_fact(&mut facts, "Period", period);
    }
    facts
}

/// Adds the sheets about a bank account, summary and holders; those of several accounts share them.
pub(super) fn add_account_sheets(statement: &Statement, sheets: &mut Vec<Sheet>) {
    let account = &statement.account;
    if let Some(summary) = statement.as_bank().and_then(|bank| bank.summary.as_ref()) {
        let names = [
            "Account",
            "Bank",
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
        find_sheet(sheets, "DEPOSIT summary", &names)
            .rows
            .push(vec![
                text_cell(&account.masked_number),
                text_cell(&statement.fip_name),
                text_cell(account.account_type.as_str()),
                Cell::Money(summary.balance),
                Cell::Date(summary.balance_at.ist_date()),
                text_cell(&summary.branch),
                text_cell(&summary.ifsc),
                text_cell(&summary.micr),
                summary.opened_on.map_or(Cell::Empty, Cell::Date),
                Cell::Money(summary.overdraft_limit),
                text_cell(if summary.active { "ACTIVE" } else { "INACTIVE" }),
            ]);
    }
    let names = [
        "Account", "Name", "Born on", "Mobile", "Email", "PAN", "Address",
    ];
    let sheet = find_sheet(sheets, "DEPOSIT holders", &names);
    let holders = statement.holders.iter().flat_map(Holders::iter);
    sheet.rows.extend(holders.map(|holder| {
        vec![
            text_cell(&account.masked_number),
            text_cell(&holder.name),
            holder.date_of_birth.map_or(Cell::Empty, Cell::Date),
            text_cell(&holder.mobile),
            text_cell(&holder.email),
            text_cell(&holder.pan),
            text_cell(&holder.address),
        ]
    }));
}

/// Returns the sheet with this name, which is added if it is not there.
fn find_sheet<'s>(sheets: &'s mut Vec<Sheet>, name: &str, columns: &[&str]) -> &'s mut Sheet {
    let index = sheets.iter().position(|sheet| sheet.name == name);
    let index = index.unwrap_or_else(|| {
        sheets.push(new_sheet(name, columns, Vec::new()));
        sheets.len() - 1
    });
    &mut sheets[index]
}

fn add_fact(facts: &mut Vec<(String, String)>, name: &str, value: String) {
    facts.push((name.to_owned(), value));
}

fn text_cell(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn new_sheet(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Sheet {
    Sheet {
        name: name.to_owned(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows,
        ..Sheet::default()
    }
}

/// Returns the sheets of a document, one for each name of an element with data.
pub fn list_element_sheets(statement: &Statement, document: &Document) -> Vec<Sheet> {
    let mut sheets = Vec::new();
    add_element_sheets(statement, document, &mut sheets);
    sheets
}

/// Adds a row for each element of a document with data, to a sheet by FI type and element name.
pub(super) fn add_element_sheets(
    statement: &Statement,
    document: &Document,
    sheets: &mut Vec<Sheet>,
) {
    let account = &statement.account;
    for row in document.root.table_rows() {
        let name = format!("{} {}", account.fi_type, row.element);
        let sheet = find_sheet(sheets, &name, &["Account"]);
        sheet.is_main = row.element.ends_with("Transaction");
        let mut cells = vec![text_cell(&account.masked_number)];
        for (column, value) in row.cells {
            let index = sheet
                .columns
                .iter()
                .position(|known| known == column)
                .unwrap_or_else(|| {
                    sheet.columns.push(column.to_owned());
                    sheet.columns.len() - 1
                });
            cells.resize(cells.len().max(index + 1), Cell::Empty);
            cells[index] = attribute_to_cell(column, value);
        }
        sheet.rows.push(cells);
    }
}

/// Converts an attribute to a typed cell. Numbers that are identifiers (folios, codes) stay texts.
fn attribute_to_cell(name: &str, value: &str) -> Cell {
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

/// Builds the workbook of an analytics report from its appraisal, its named sections and all its
/// transactions: the appraisal first, then a sheet for each section, and one of the transactions.
pub(crate) fn build_analytics_workbook<'s>(
    appraisal: &Appraisal,
    sections: impl IntoIterator<Item = (&'s str, Value)>,
    transactions: impl IntoIterator<Item = Value>,
) -> Workbook {
    let mut sheets = vec![build_appraisal_sheet(appraisal)];
    let mut header_fields = Vec::new();
    for (name, section) in sections {
        if name == "overview" {
            header_fields = list_report_facts(&section);
        }
        let mut rows = Vec::new();
        collect_rows(&section, "", name, &mut rows);
        sheets.extend(rows_to_sheet(name, &rows));
    }
    let transactions = transactions.into_iter();
    let transaction_rows: Vec<Map<String, Value>> =
        transactions.map(|row| scalar_fields(&row)).collect();
    sheets.extend(rows_to_sheet("transactions", &transaction_rows));
    Workbook {
        title: "Analytics".to_owned(),
        header_fields,
        sheets,
    }
}

fn build_appraisal_sheet(appraisal: &Appraisal) -> Sheet {
    let facts = appraisal.facts.iter().map(|fact| {
        let texts = [fact.item, &fact.value, &fact.evidence];
        texts.map(|text| Cell::Text(text.to_owned())).to_vec()
    });
    new_sheet(
        "credit appraisal",
        &["item", "value", "evidence"],
        facts.collect(),
    )
}

/// Builds the printed report of an appraisal: the appraisal sheet, then its parts.
pub(crate) fn build_appraisal_document(appraisal: &Appraisal) -> Workbook {
    let parts = appraisal.parts.iter().map(|part| {
        let rows = part.rows.iter().map(|row| {
            let cells = row.iter().map(|value| match value {
                ReportValue::Text(text) => Cell::Text(text.clone()),
                ReportValue::Money(amount) => Cell::Money(*amount),
                ReportValue::Count(count) => Cell::Count(u32::try_from(*count).unwrap_or(u32::MAX)),
            });
            cells.collect()
        });
        Sheet {
            intro: part.sentence.clone(),
            bars: part.bars,
            ..new_sheet(part.title, &part.columns, rows.collect())
        }
    });
    let overview = Sheet {
        name: "Overview".to_owned(),
        intro: appraisal.sentence.clone(),
        ..build_appraisal_sheet(appraisal)
    };
    Workbook {
        title: "Credit appraisal".to_owned(),
        header_fields: Vec::new(),
        sheets: std::iter::once(overview).chain(parts).collect(),
    }
}

fn list_report_facts(overview: &Value) -> Vec<(String, String)> {
    let account = &overview["account"];
    let facts = [
        ("Account holder", &account["accountHolderName"]),
        ("Account", &account["accountNumber"]),
        ("Bank", &account["bankName"]),
        ("Period", &account["statementPeriod"]),
        ("Transactions", &overview["transactionCount"]),
        ("Average daily balance", &overview["averageDailyBalance"]),
        ("Score", &overview["bsaScore"]),
    ];
    facts
        .map(|(name, value)| (name.to_owned(), json_to_text(value)))
        .to_vec()
}

fn json_to_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the fields of an object that are neither lists nor objects.
fn scalar_fields(value: &Value) -> Map<String, Value> {
    let fields = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_array() && !value.is_object());
    fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Collects the rows of a section: the items of its lists, and its scalar fields as `figure` and
/// `value`, each with the path of its part of the section.
fn collect_rows(value: &Value, part: &str, section: &str, rows: &mut Vec<Map<String, Value>>) {
    match value {
        Value::Array(items) => {
            for item in items.iter().filter(|item| item.is_object()) {
                let row = scalar_fields(item);
                let names: Vec<&str> = row.values().filter_map(Value::as_str).collect();
                let item_part = qualify_part(part, &names.join(" "), section);
                // The lists of an item are expanded only if the item has few fields itself.
                let is_self_contained = row.len() > 2;
                if !row.is_empty() {
                    rows.push(with_part(row, part));
                }
                if is_self_contained {
                    continue;
                }
                for value in item.as_object().into_iter().flat_map(Map::values) {
                    if value.is_array() {
                        collect_rows(value, &item_part, section, rows);
                    }
                }
            }
        }
        Value::Object(fields) => {
            for (name, value) in scalar_fields(value) {
                let row = Map::from_iter([
                    ("figure".to_owned(), name.into()),
                    ("value".to_owned(), value),
                ]);
                rows.push(with_part(row, part));
            }
            for (name, value) in fields
                .iter()
                .filter(|(_, value)| value.is_array() || value.is_object())
            {
                collect_rows(value, &qualify_part(part, name, section), section, rows);
            }
        }
        _ => {}
    }
}

fn with_part(mut row: Map<String, Value>, part: &str) -> Map<String, Value> {
    if !part.is_empty() {
        row.insert(PART_COLUMN.to_owned(), part.into());
    }
    row
}

/// Returns the path of `name` in `part`. A field that has the section's name adds nothing to the
/// path.
fn qualify_part(part: &str, name: &str, section: &str) -> String {
    match (part, name) {
        (part, name) if name == section => part.to_owned(),
        ("", name) => name.to_owned(),
        (part, name) => format!("{part}, {name}"),
    }
}

/// Builds a sheet of rows, with a column for each field that occurs in any row.
fn rows_to_sheet(name: &str, rows: &[Map<String, Value>]) -> Option<Sheet> {
    let mut columns: Vec<String> = Vec::new();
    for column in [PART_COLUMN, "figure", "value"]
        .into_iter()
        .chain(rows.iter().flat_map(Map::keys).map(String::as_str))
    {
        if !columns.iter().any(|known| known == column)
            && rows.iter().any(|row| row.contains_key(column))
        {
            columns.push(column.to_owned());
        }
    }
    let rows = rows
        .iter()
        .map(|row| {
            columns
                .iter()
                .map(|name| row.get(name).map_or(Cell::Empty, json_to_cell))
                .collect()
        })
        .collect();
    (!columns.is_empty()).then(|| Sheet {
        name: name.to_owned(),
        rows,
        columns,
        ..Sheet::default()
    })
}

/// Converts a value of an analytics report to a typed cell. The report has amounts as texts.
fn json_to_cell(value: &Value) -> Cell {
    match value {
        Value::Number(number) => number.as_f64().map_or(Cell::Empty, Cell::Number),
        Value::String(text) if text.is_empty() => Cell::Empty,
        Value::String(text) => match (text.parse::<NaiveDate>(), Paise::parse(text)) {
            (Ok(date), _) => Cell::Date(date),
            (_, Some(amount)) if text.contains('.') => Cell::Money(amount),
            // A number without decimals is a count.
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

    use super::build_analytics_workbook;
    use crate::domain::appraisal::{Appraisal, AppraisalFigures};

    #[test]
    fn a_section_is_a_sheet_and_names_its_parts() {
        let appraisal = Appraisal {
            figures: AppraisalFigures::default(),
            sentence: "The score is 900 of 900.".to_owned(),
            facts: Vec::new(),
            parts: Vec::new(),
        };
        let transaction = json!({ "date": "2024-01-05", "amount": "1.00", "id": 7 });
        let sections = [
            (
                "overview",
                json!({ "account": { "accountNumber": "X1" }, "bsaScore": "700" }),
            ),
            (
                "summary",
                json!({
                    "closing": [{ "month": "Jan 2024", "amount": "12.50" }],
                    "deposits": [{ "month": "Jan 2024", "amount": "7.00", "count": "3" }],
                }),
            ),
            (
                "oddities",
                json!([{ "activity": "Cash", "transactions": [transaction] }]),
            ),
        ];
        let workbook_sheets = build_analytics_workbook(&appraisal, sections, []).sheets;
        let sheets: Vec<_> = workbook_sheets
            .iter()
            .map(|sheet| (&*sheet.name, sheet.columns.join(" ")))
            .collect();
        assert_eq!(
            sheets,
            [
                ("credit appraisal", "item value evidence".to_owned()),
                ("overview", "part figure value".to_owned()),
                ("summary", "part month amount count".to_owned()),
                ("oddities", "part activity date amount id".to_owned()),
            ]
        );
        let rows: Vec<Vec<String>> = workbook_sheets[2]
            .rows
            .iter()
            .map(|row| row.iter().map(super::Cell::to_text).collect())
            .collect();
        assert_eq!(
            rows,
            [
                ["closing", "Jan 2024", "12.50", ""],
                ["deposits", "Jan 2024", "7.00", "3"]
            ]
        );
        assert_eq!(workbook_sheets[3].rows[1][0].to_text(), "Cash");
    }
}
