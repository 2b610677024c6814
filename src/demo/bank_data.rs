//! The bank data that the lender has fetched: the tabs of Unaport's Fetch Data, or the documents of ReBIT, read back.

use std::sync::Arc;

use roxmltree::Document;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::account::{Account, AccountType, FiType};
use crate::domain::money::Paise;
use crate::domain::statement::{
    BankStatement, Holder, Holders, NewRow, Statement, StatementBody, Summary, SuppliedFields,
    TransactionMode, Transactions,
};
use crate::domain::terms::{TimeRange, TransactionType};
use crate::files::statement::{self, StatementCheck};
use crate::fiu::data::ReceivedDocument;
use crate::wire::fields::parse_timestamp;

/// The columns of the tab of bank accounts that the lender reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BankTab {
    summary: Vec<SummaryRow>,
    account_holder: Vec<HolderRow>,
    transactions: Vec<TransactionRow>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryRow {
    fip: String,
    account_number: String,
    account_type: String,
    current_od_limit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HolderRow {
    account_number: String,
    name: String,
    dob: String,
    pan: String,
    mobile: String,
    email: String,
    address: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransactionRow {
    account_number: String,
    tran_timestamp: String,
    narration: String,
    amount: String,
    r#type: String,
    mode: String,
    current_balance: Option<String>,
    reference: String,
}

/// Reads the statements of the bank accounts in an answer of Fetch Data, whose rows are of this range.
/// `bank_name` returns the name of a FIP by its id.
///
/// # Errors
/// The problem, in words.
pub(super) fn read_tabs(
    answer: &Value,
    range: TimeRange,
    bank_name: impl Fn(&str) -> Arc<str>,
) -> Result<Vec<Statement>, String> {
    let tab = answer.get("DEPOSIT").or_else(|| answer.get("DEPOSIT_V2"));
    let tab = tab.ok_or("the data has no tab of bank accounts")?;
    let BankTab {
        summary,
        account_holder,
        transactions,
    } = BankTab::deserialize(tab).map_err(|error| format!("the tab of bank accounts: {error}"))?;
    let statements = summary.iter().map(|account| {
        let number = &account.account_number;
        let mut statement = read_statement(
            account,
            transactions
                .iter()
                .filter(|row| row.account_number == *number),
            range,
            bank_name(&account.fip),
        )?;
        let holders = account_holder
            .iter()
            .filter(|row| row.account_number == *number)
            .map(read_holder);
        statement.holders = pair_holders(holders.collect::<Result<_, _>>()?);
        Ok(statement)
    });
    statements.collect()
}

fn read_statement<'r>(
    account: &SummaryRow,
    rows: impl Iterator<Item = &'r TransactionRow>,
    range: TimeRange,
    bank_name: Arc<str>,
) -> Result<Statement, String> {
    let mut transactions = Transactions::new(range);
    for (row, id) in rows.zip(1..) {
        let read = read_row(row, id);
        transactions.push(read.ok_or_else(|| format!("the row {row:?} cannot be read"))?);
    }
    Ok(build_statement(
        AccountFacts {
            fip: &account.fip,
            fip_name: bank_name,
            account_type: &account.account_type,
            masked_number: &account.account_number,
            overdraft_limit: account.current_od_limit.as_deref(),
        },
        transactions,
    ))
}

/// The facts about an account beside its transactions.
struct AccountFacts<'a> {
    fip: &'a str,
    fip_name: Arc<str>,
    account_type: &'a str,
    masked_number: &'a str,
    overdraft_limit: Option<&'a str>,
}

fn build_statement(facts: AccountFacts<'_>, transactions: Transactions) -> Statement {
    Statement {
        account: Account {
            fi_type: FiType::Deposit,
            fip: facts.fip.into(),
            account_type: AccountType::parse(facts.account_type).unwrap_or(AccountType::Default),
            account_ref: facts.masked_number.into(),
            link_ref: "".into(),
            masked_number: facts.masked_number.into(),
        },
        fip_name: facts.fip_name,
        holders: None,
        body: StatementBody::Bank(BankStatement {
            summary: Some(build_summary(facts.overdraft_limit, &transactions)),
            transactions: Some(transactions),
        }),
    }
}

/// Reads the document of a bank account, whose rows are of this range.
///
/// # Errors
/// The problem, in words.
pub(super) fn read_document(
    received: &ReceivedDocument,
    range: TimeRange,
    bank_name: Arc<str>,
) -> Result<Statement, String> {
    let document = Document::parse(&received.document)
        .map_err(|error| format!("a document of {} is no XML: {error}", received.fip_id))?;
    let find = |name: &'static str| {
        let mut nodes = document.descendants();
        nodes.find(move |node| node.tag_name().name() == name)
    };
    let mut transactions = Transactions::new(range);
    if find("Transaction").is_some() {
        let ledger = statement::parse(received.document.as_bytes(), StatementCheck::Strict);
        let ledger = ledger.map_err(|problems| {
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            format!("a document of {}: {}", received.fip_id, texts.join("; "))
        })?;
        transactions = ledger.transactions;
        transactions.range = range;
    }
    let summary = find("Summary");
    let attribute = |name| summary.and_then(|node| node.attribute(name));
    let facts = AccountFacts {
        fip: &received.fip_id,
        fip_name: bank_name,
        account_type: attribute("type").unwrap_or_default(),
        masked_number: &received.masked_number,
        overdraft_limit: attribute("currentODLimit"),
    };
    let mut read = build_statement(facts, transactions);
    let holders = document.descendants();
    let holders = holders.filter(|node| node.tag_name().name() == "Holder");
    let holders = holders.map(|node| {
        let text = |name| node.attribute(name).unwrap_or_default().to_owned();
        read_holder(&HolderRow {
            account_number: String::new(),
            name: text("name"),
            dob: text("dob"),
            pan: text("pan"),
            mobile: text("mobile"),
            email: text("email"),
            address: text("address"),
        })
    });
    read.holders = pair_holders(holders.collect::<Result<_, _>>()?);
    Ok(read)
}

fn pair_holders(holders: Vec<Holder>) -> Option<Holders> {
    let mut holders = holders.into_iter();
    holders.next().map(|first| Holders {
        first,
        others: holders.collect(),
    })
}

/// Builds the part of a summary on which the figures depend. The rest, such as the name of the branch, is empty.
fn build_summary(overdraft_limit: Option<&str>, transactions: &Transactions) -> Summary {
    let limit = overdraft_limit.and_then(Paise::parse);
    let last = transactions.rows.last();
    Summary {
        balance: last.map_or(Paise(0), |row| row.balance),
        balance_at: transactions.range.to,
        branch: String::new(),
        ifsc: String::new(),
        micr: String::new(),
        opened_on: None,
        overdraft_limit: limit.unwrap_or(Paise(0)),
        active: true,
    }
}

fn read_holder(row: &HolderRow) -> Result<Holder, String> {
    let birth = row.dob.parse();
    Ok(Holder {
        name: row.name.clone(),
        date_of_birth: Some(
            birth.map_err(|_| format!("the date of birth {} cannot be read", row.dob))?,
        ),
        mobile: row.mobile.clone(),
        landline: String::new(),
        email: row.email.clone(),
        pan: row.pan.clone(),
        address: row.address.clone(),
        nominee_registered: None,
        ckyc_compliant: None,
        demat_id: String::new(),
    })
}

fn read_row(row: &TransactionRow, id: u64) -> Option<NewRow<'_>> {
    Some(NewRow {
        at: parse_timestamp(&row.tran_timestamp)?,
        transaction_type: TransactionType::parse(&row.r#type)?,
        mode: TransactionMode::parse_any_name(&row.mode)?,
        amount: Paise::parse(&row.amount)?,
        balance: Paise::parse(row.current_balance.as_deref()?)?,
        id,
        narration: &row.narration,
        reference: &row.reference,
        supplied: SuppliedFields::default(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::{read_document, read_tabs};
    use crate::analytics::build_report;
    use crate::bankgen::{StatementRequest, generate_accounts, generate_statement};
    use crate::config::personas::load_personas;
    use crate::config::shipped_participants;
    use crate::domain::account::FiType;
    use crate::domain::participants::FiSchema;
    use crate::domain::persona::PersonaInstance;
    use crate::domain::statement::{SentStatement, Statement};
    use crate::domain::terms::{ConsentType, TimeRange};
    use crate::fiu::data::ReceivedDocument;
    use crate::wire::fi::tabs::Tabs;
    use crate::wire::fi::xml::write_statement;
    use crate::wire::fields::parse_timestamp;

    /// The lender's figures are those of the analytics of the same rows.
    #[test]
    fn the_figures_of_fetched_data_are_those_of_the_analytics() {
        let personas = load_personas(None).expect("the shipped ones");
        let participants = shipped_participants();
        let [from, to] = ["2025-01-01T00:00:00Z", "2025-12-31T18:29:59Z"]
            .map(|text| parse_timestamp(text).expect("a time"));
        let range = TimeRange { from, to };
        for name in [
            "salaried",
            "two-banks",
            "kirana-merchant",
            "over-indebted",
            "joint-account",
        ] {
            let persona = PersonaInstance {
                definition: Arc::clone(personas.get(name).expect("a persona")),
                as_of: to.ist_date(),
            };
            let customer = "9876543210@mockaa";
            let accounts = generate_accounts(&participants, &persona.definition, 42, customer);
            let deposits = accounts.iter().map(|it| &it.account);
            let deposits = deposits.filter(|account| account.fi_type == FiType::Deposit);
            let statements: Vec<Statement> = deposits
                .filter_map(|account| {
                    generate_statement(&StatementRequest {
                        seed: 42,
                        participants: &participants,
                        customer,
                        persona: &persona,
                        account,
                        consent_types: ConsentType::ALL,
                        range,
                        filters: &[],
                        now: to,
                        changes: None,
                    })
                })
                .collect();
            let sent: Vec<_> = statements
                .iter()
                .map(|statement| SentStatement {
                    statement: statement.clone(),
                    schema: FiSchema::Current,
                    has_prefix: false,
                })
                .collect();
            let tabs = serde_json::to_string(&Tabs::without_session(&sent, to)).expect("JSON");
            let answer: Value = serde_json::from_str(&tabs).expect("JSON");
            let read = read_tabs(&answer, range, |id| participants.fip_name(&Arc::from(id)))
                .expect("all rows can be read");
            let appraise = |statements: &[Statement]| {
                let numbered: Vec<_> = (1..).zip(statements).collect();
                build_report(&numbered)
                    .expect("a report")
                    .appraisal()
                    .figures
            };
            assert!(!statements.is_empty(), "{name}");
            assert_eq!(appraise(&read), appraise(&statements), "{name}");
            for schema in [FiSchema::Current, FiSchema::Retired] {
                let documents = sent.iter().map(|sent| {
                    let mut bytes = Vec::new();
                    write_statement(
                        &SentStatement {
                            schema,
                            ..sent.clone()
                        },
                        &mut bytes,
                    );
                    let account = &sent.statement.account;
                    let received = ReceivedDocument {
                        fip_id: account.fip.to_string(),
                        link_ref: account.link_ref.to_string(),
                        masked_number: account.masked_number.to_string(),
                        document: String::from_utf8(bytes).expect("UTF-8"),
                    };
                    let bank = participants.fip_name(&account.fip);
                    read_document(&received, range, bank).expect("a document")
                });
                let documents: Vec<_> = documents.collect();
                assert_eq!(appraise(&documents), appraise(&statements), "{name}");
            }
        }
    }
}
