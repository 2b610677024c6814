//! Forms of statements: a FIP sends each in one generation of the FI schemas.

use crate::domain::participants::{DataForm, DataForms, FiSchema};
use crate::domain::statement::{SentStatement, Statement, StatementBody};
use crate::wire::fi::schema::schema_of;

/// Returns the statements in the forms in which their FIPs send them.
pub(crate) fn form_statements(
    statements: Vec<Statement>,
    forms: DataForms<'_>,
) -> Vec<SentStatement> {
    let with_form = statements.into_iter().map(|statement| {
        let DataForm { schema, .. } = forms.of_fip(&statement.account.fip);
        form_statement(statement, schema)
    });
    with_form.collect()
}

/// Returns a statement in the form in which its FIP sends it. An FI type without a schema of this
/// generation has the one of the other.
pub fn form_statement(mut statement: Statement, schema: FiSchema) -> SentStatement {
    if let StatementBody::Other(document) = &mut statement.body {
        *document = schema_of(statement.account.fi_type, schema).shape_document(document);
    }
    SentStatement { statement, schema }
}
