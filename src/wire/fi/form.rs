//! Forms of statements: a FIP sends each in one generation of the FI schemas, with its quirks.

use crate::domain::document::{Document, Element};
use crate::domain::participants::{DataForms, FiSchema};
use crate::domain::quirk::Quirk;
use crate::domain::statement::{
    BankStatement, NewRow, SentStatement, Statement, StatementBody, StatementForm,
};
use crate::wire::fi::quirks::apply_quirks;
use crate::wire::fi::schema::schema_of;
use crate::wire::fi::xml::{balance_attribute, build_account_element};

/// The names of the time of a transaction, in both generations and all FI types.
pub(crate) const TIME_ATTRIBUTES: [&str; 2] = ["transactionTimestamp", "transactionDateTime"];

/// The names of the balance after a transaction of a deposit, in both generations.
pub(crate) const BALANCE_ATTRIBUTES: [&str; 3] =
    ["transactionalBalance", "currentBalance", "balance"];

/// Returns the statements in the forms in which their FIPs send them.
pub(crate) fn form_statements(
    statements: Vec<Statement>,
    forms: DataForms<'_>,
) -> Vec<SentStatement> {
    let with_form = statements.into_iter().map(|statement| {
        let form = forms.of_fip(&statement.account.fip).statement;
        form_statement(statement, form)
    });
    with_form.collect()
}

/// Returns a statement in a form. An FI type without a schema of this generation has the one of the
/// other. With quirks, the rows of a bank account become elements of a document.
pub fn form_statement(mut statement: Statement, form: impl Into<StatementForm>) -> SentStatement {
    let StatementForm { schema, quirks } = form.into();
    let fi_type = statement.account.fi_type;
    let document = match &statement.body {
        StatementBody::Other(document) => Some(schema_of(fi_type, schema).shape_document(document)),
        StatementBody::Bank(bank) => {
            (!quirks.is_empty()).then(|| build_bank_document(&statement, bank, schema))
        }
    };
    if let Some(mut document) = document {
        apply_quirks(&mut document, fi_type, schema, quirks);
        statement.body = StatementBody::Other(document);
    }
    SentStatement {
        statement,
        schema,
        has_prefix: quirks.contains(Quirk::PrefixedElements),
    }
}

/// Builds the document of a bank account, with its rows as elements.
pub(crate) fn build_bank_document(
    statement: &Statement,
    bank: &BankStatement,
    schema: FiSchema,
) -> Document {
    let root = build_account_element(statement, schema);
    let transactions = bank.transactions.as_ref().map(|transactions| {
        let range = transactions.range;
        Element::new("Transactions")
            .with_attribute("startDate", range.from.ist_date().to_string())
            .with_attribute("endDate", range.to.ist_date().to_string())
            .with_children(transactions.iter().map(|row| build_row(&row, schema)))
    });
    Document {
        root: root.with_children(transactions),
    }
}

fn build_row(row: &NewRow<'_>, schema: FiSchema) -> Element {
    Element::new_repeatable("Transaction")
        .with_attribute("txnId", row.txn_id().into_owned())
        .with_attribute("type", row.transaction_type.as_str())
        .with_attribute("mode", row.mode.name_in(schema))
        .with_attribute("amount", row.amount.to_string())
        .with_attribute(balance_attribute(schema), row.balance.to_string())
        .with_attribute("transactionTimestamp", row.at.to_ist_string())
        .with_attribute("valueDate", row.value_date().to_string())
        .with_attribute("narration", row.narration.to_owned())
        .with_attribute("reference", row.reference.to_owned())
}
