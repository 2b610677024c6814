//! Statements in JSON: a list of transactions, an account with the names of the FI schema, what the FIU modules of
//! gateways make of it (`docs/sources.md#fi-schemas`), and the tabs of Unaport.

use std::collections::HashSet;

use super::line_diagnostic;
use super::parts::{Fields, SummaryDraft, read_holder};
use super::rows::{StatementBuilder, is_kept};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::naming::WireEnum;
use crate::domain::text::{escape_controls, quote_value};
use crate::domain::unaport::DepositTab;
use crate::files::yaml::diagnostic_at;
use crate::files::yaml::node::{self, Node, SpannedNode};
use crate::wire::fi::element_json::lowercase_first;

/// The columns of a row of a tab that are about the session or the account.
const TAB_COLUMNS: [&str; 12] = [
    "id",
    "orgId",
    "sessionId",
    "consentId",
    "accountNumber",
    "createdAt",
    "balance",
    "transactionDate",
    "fip",
    "fetchType",
    "exchangeRate",
    "accountHoldertype",
];

/// The size of the largest statement. Its tree takes some ten times as much memory.
const BYTES_MAX: usize = 64 << 20;

pub(super) fn read_json(text: &str, builder: &mut StatementBuilder) -> Result<(), Vec<Diagnostic>> {
    if text.len() > BYTES_MAX {
        let message = format!(
            "a statement in JSON has {} MiB at most; use CSV or XML, or split it",
            BYTES_MAX >> 20
        );
        return Err(vec![line_diagnostic(0, message)]);
    }
    let tree = node::parse_data_tree(text).map_err(|diagnostic| vec![diagnostic])?;
    note_repeated(&tree, builder);
    if let Some(tab) = find_bank_tab(&tree) {
        return read_tab(tab, builder);
    }
    let account = find_account(&tree)?;
    let rows = find_transactions(account).ok_or_else(|| {
        let message = "the file is neither a list of transactions nor an account with Transactions.Transaction; CSV and \
                       JSON are checked for DEPOSIT only, use XML for other types";
        vec![diagnostic_at(tree.referenced, message.to_owned())]
    })?;
    check_is_deposit(account)?;
    if !std::ptr::eq(account, &raw const tree) {
        note_unknown(&tree, "the file", &["Account"], builder);
    }
    note_unknown(account, "Account", &ACCOUNT_PARTS, builder);
    let profile = find_value(account, "Profile");
    let holders = profile.and_then(|profile| find_value(profile, "Holders"));
    for (part, name, known) in [
        (profile, "Profile", &["Holders"][..]),
        (holders, "Holders", &["Holder", "type"]),
        (
            find_value(account, "Transactions"),
            "Transactions",
            &["Transaction", "startDate", "endDate"],
        ),
    ] {
        if let Some(part) = part {
            note_unknown(part, name, known, builder);
        }
    }
    if let Some(holders) = holders.and_then(|holders| find_value(holders, "Holder")) {
        for holder in items_of(holders) {
            note_parts(holder, "Holder", builder);
            let holder = read_holder(&collect_fields(holder, &[]), &mut builder.notes);
            builder.add_holder(holder);
        }
    }
    if let Some(summary) = find_value(account, "Summary") {
        note_parts(summary, "Summary", builder);
        let draft = SummaryDraft::read(&collect_fields(summary, &[]), &mut builder.notes);
        builder.add_summary(draft);
    }
    let end = find_value(account, "Transactions").and_then(|list| find_value(list, "endDate"));
    builder.end = end.and_then(scalar_text).and_then(|day| day.parse().ok());
    read_rows(rows, builder, is_kept, |name| name);
    Ok(())
}

/// Returns the only account of a file.
fn find_account(tree: &SpannedNode) -> Result<&SpannedNode, Vec<Diagnostic>> {
    let is_account = |node: &&SpannedNode| {
        find_value(node, "Account").is_some() || find_value(node, "Transactions").is_some()
    };
    let Node::List(items) = &tree.value else {
        return Ok(find_value(tree, "Account").unwrap_or(tree));
    };
    let mut accounts = items.iter().filter(is_account);
    match (accounts.next(), accounts.next()) {
        (None, _) => Ok(tree),
        (Some(only), None) => Ok(find_value(only, "Account").unwrap_or(only)),
        (Some(_), Some(second)) => {
            let message =
                "the file has a second account; a statement is of one, so remove the others";
            Err(vec![diagnostic_at(second.referenced, message.to_owned())])
        }
    }
}

/// Checks that an account is a bank account, if it says what it is.
fn check_is_deposit(account: &SpannedNode) -> Result<(), Vec<Diagnostic>> {
    let fi_type = ["type", "fiType"];
    let fi_type = fi_type.iter().find_map(|name| find_value(account, name));
    let Some(fi_type) = fi_type.and_then(scalar_text) else {
        return Ok(());
    };
    if fi_type.eq_ignore_ascii_case("deposit") {
        return Ok(());
    }
    let message = format!(
        "the statement is of type {fi_type}; CSV and JSON are checked for DEPOSIT only, use XML for other types"
    );
    Err(vec![diagnostic_at(account.referenced, message)])
}

/// The parts of an account, and what says which account it is: a statement is that of the account it is supplied for.
const ACCOUNT_PARTS: [&str; 10] = [
    "Profile",
    "Summary",
    "Transactions",
    "type",
    "fiType",
    "version",
    "linkedAccRef",
    "maskedAccNumber",
    "schemaLocation",
    "xmlns",
];

/// Notes the keys of a part that a statement does not keep. Those with a colon are of XML: its namespaces.
fn note_unknown(part: &SpannedNode, name: &str, known: &[&str], builder: &mut StatementBuilder) {
    let Node::Map(entries) = &part.value else {
        return;
    };
    for (key, value) in entries {
        let key = key.value.trim_start_matches('@');
        let is_known = known
            .iter()
            .any(|known| key == *known || key == lowercase_first(known));
        if !is_known && !key.contains(':') && !matches!(value.value, Node::Null) {
            let message = format!("{} of {name} is not kept", escape_controls(key));
            builder.notes.push(diagnostic_at(value.referenced, message));
        }
    }
}

/// Notes keys that stand twice in an object, whose first value is read.
fn note_repeated(tree: &SpannedNode, builder: &mut StatementBuilder) {
    let (mut first, mut count) = (None, 0_usize);
    let (mut open, mut seen) = (vec![tree], HashSet::new());
    while let Some(node) = open.pop() {
        match &node.value {
            Node::List(items) => open.extend(items.iter().rev()),
            Node::Map(entries) => {
                seen.clear();
                for (key, value) in entries {
                    if !seen.insert(key.value.as_str()) {
                        count += 1;
                        first.get_or_insert((value.referenced, &key.value));
                    }
                }
                open.extend(entries.iter().rev().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    if let Some((at, key)) = first {
        let key = quote_value(key);
        let more = match count - 1 {
            0 => String::new(),
            more => format!("; so do {more} more"),
        };
        let message =
            format!("the key {key} stands twice in its object, and the first value is read{more}");
        builder.notes.push(diagnostic_at(at, message));
    }
}

/// Notes the parts of a holder or a summary, such as pending transactions: a statement of ours has only their texts.
fn note_parts(part: &SpannedNode, name: &str, builder: &mut StatementBuilder) {
    let Node::Map(entries) = &part.value else {
        return;
    };
    for (key, value) in entries {
        if matches!(value.value, Node::Map(_) | Node::List(_)) {
            let message = format!("{} of {name} is not kept", escape_controls(&key.value));
            builder.notes.push(diagnostic_at(value.referenced, message));
        }
    }
}

/// Returns the tab of bank accounts in the data of Unaport's API.
fn find_bank_tab(tree: &SpannedNode) -> Option<&SpannedNode> {
    find_value(tree, "tabs")?;
    let mut names = DepositTab::all_variants().iter();
    names.find_map(|tab| find_value(tree, tab.as_str()))
}

fn read_tab(tab: &SpannedNode, builder: &mut StatementBuilder) -> Result<(), Vec<Diagnostic>> {
    let list = |name| find_value(tab, name).map_or(&[][..], items_of);
    let (rows, summaries) = (list("transactions"), list("summary"));
    check_is_one_account(rows, summaries)?;
    for holder in list("accountHolder") {
        let mut fields = collect_fields(holder, &TAB_COLUMNS);
        fields.values.retain(|(name, _)| name != "accountType");
        let holder = read_holder(&fields, &mut builder.notes);
        builder.add_holder(holder);
    }
    for summary in summaries {
        let fields = collect_fields(summary, &TAB_COLUMNS);
        let draft = SummaryDraft::read(&fields, &mut builder.notes);
        builder.add_summary(draft);
    }
    let is_known =
        |name: &str| is_kept(name) || name == "tranTimestamp" || TAB_COLUMNS.contains(&name);
    read_rows(rows, builder, is_known, |name| match name {
        "transactionTimestamp" => "tranTimestamp",
        name => name,
    });
    Ok(())
}

fn check_is_one_account(
    rows: &[SpannedNode],
    summaries: &[SpannedNode],
) -> Result<(), Vec<Diagnostic>> {
    let mut first: Option<String> = None;
    for row in rows.iter().chain(summaries) {
        let number = find_value(row, "accountNumber").and_then(scalar_text);
        let number = number.unwrap_or_default();
        match &first {
            None => first = Some(number),
            Some(known) if *known == number => {}
            Some(known) => {
                let (known, number) = (quote_value(known), quote_value(&number));
                let message = format!(
                    "the file has the accounts {known} and {number}; a statement is of one, so keep the rows with one accountNumber"
                );
                return Err(vec![diagnostic_at(row.referenced, message)]);
            }
        }
    }
    Ok(())
}

/// Reads transactions. `to_key` returns the key that the file has for a column of the schema.
fn read_rows(
    rows: &[SpannedNode],
    builder: &mut StatementBuilder,
    is_known: impl Fn(&str) -> bool,
    to_key: impl Fn(&str) -> &str,
) {
    for row in rows {
        let line = row.referenced.line();
        if !builder.check_row_limit(line) {
            break;
        }
        let Node::Map(entries) = &row.value else {
            let kind = row.value.describe_kind();
            builder.add_error(
                line,
                format!("a transaction must be keys with values, not {kind}"),
            );
            builder.skip_row();
            continue;
        };
        for (key, value) in entries {
            if !is_known(&key.value) && !matches!(value.value, Node::Null) {
                builder.drop_field(line, &key.value);
            }
        }
        builder.add_row(line, &|name| scalar_text(find_value(row, to_key(name))?));
    }
}

/// Returns the values of a part that are texts or numbers, without these.
fn collect_fields(part: &SpannedNode, excluded: &[&str]) -> Fields {
    let line = part.referenced.line();
    let Node::Map(entries) = &part.value else {
        return Fields {
            line,
            values: Vec::new(),
        };
    };
    let values = entries.iter().filter_map(|(key, value)| {
        let is_wanted = !excluded.contains(&key.value.as_str());
        let text = scalar_text(value).filter(|_| is_wanted)?;
        Some((key.value.clone(), text))
    });
    Fields {
        line,
        values: values.collect(),
    }
}

/// Returns the items of a list. Gateways write a list of one as its item.
fn items_of(node: &SpannedNode) -> &[SpannedNode] {
    match &node.value {
        Node::List(items) => items,
        Node::Null => &[],
        _ => std::slice::from_ref(node),
    }
}

fn find_transactions(account: &SpannedNode) -> Option<&[SpannedNode]> {
    if let Node::List(rows) = &account.value {
        return Some(rows);
    }
    let list = find_value(account, "Transactions")?;
    Some(items_of(find_value(list, "Transaction")?))
}

/// Returns the value of a key. Gateways write some names with a small first letter
/// (`docs/sources.md#fi-schemas`).
fn find_value<'t>(tree: &'t SpannedNode, name: &str) -> Option<&'t SpannedNode> {
    let Node::Map(entries) = &tree.value else {
        return None;
    };
    entries
        .iter()
        .find(|(key, _)| key.value == name || key.value == lowercase_first(name))
        .map(|(_, value)| value)
}

fn scalar_text(value: &SpannedNode) -> Option<String> {
    match &value.value {
        Node::Text(text) => Some(text.clone()),
        Node::Integer(number) => Some(number.to_string()),
        Node::Float(number) => Some(number.to_string()),
        Node::Bool(is_true) => Some(is_true.to_string()),
        _ => None,
    }
}
