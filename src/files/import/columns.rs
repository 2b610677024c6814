//! The columns of exports: which header names what, in the exports of banks and in a map of the user.

use serde::Deserialize;

use super::cells::DateOrder;
use super::grid::GridRow;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::text::quote_value;
use crate::files::statement::line_diagnostic;

/// The rows at the beginning of an export among which the header is looked for.
const HEADER_ROWS_MAX: usize = 100;

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Date,
    ValueDate,
    Narration,
    Reference,
    TxnId,
    Debit,
    Credit,
    /// An amount whose direction is in its sign, beside it or in a column of its own.
    Amount,
    Direction,
    Balance,
    BalanceDirection,
}

/// The header names of each role, as banks have them, without regard to case, spaces and punctuation. The first role
/// that has a name gets it.
const NAMES: [(Role, &[&str]); 10] = [
    (
        Role::Date,
        &[
            "date",
            "txndate",
            "trandate",
            "transactiondate",
            "postdate",
            "posteddate",
            "txnposteddate",
            "datetime",
        ],
    ),
    (Role::ValueDate, &["valuedate", "valuedt", "valuedat"]),
    (
        Role::Narration,
        &[
            "narration",
            "description",
            "particulars",
            "remarks",
            "details",
            "transactionremarks",
            "transactiondetails",
            "transactiondescription",
            "transactionparticulars",
        ],
    ),
    (
        Role::Reference,
        &[
            "chqrefno",
            "chqrefnumber",
            "refnochequeno",
            "chequenoreferenceno",
            "chequenumber",
            "chequeno",
            "chqno",
            "refno",
            "referenceno",
            "referencenumber",
            "utrnumber",
            "chequedetails",
        ],
    ),
    (Role::TxnId, &["transactionid", "tranid", "txnid", "txnno"]),
    (
        Role::Debit,
        &[
            "debit",
            "debits",
            "dr",
            "debitamount",
            "dramount",
            "debitinr",
            "debitrs",
            "withdrawal",
            "withdrawals",
            "withdrawaldr",
            "withdrawalamt",
            "withdrawalamtdr",
            "withdrawalamount",
            "withdrawalamountinr",
            "paidout",
        ],
    ),
    (
        Role::Credit,
        &[
            "credit",
            "credits",
            "cr",
            "creditamount",
            "cramount",
            "creditinr",
            "creditrs",
            "deposit",
            "deposits",
            "depositcr",
            "depositamt",
            "depositamtcr",
            "depositamount",
            "depositamountinr",
            "paidin",
        ],
    ),
    (
        Role::Amount,
        &[
            "amount",
            "amountinr",
            "amountrs",
            "transactionamount",
            "transactionamountinr",
        ],
    ),
    (
        Role::Direction,
        &["drcr", "crdr", "debitcredit", "type", "drcrindicator"],
    ),
    (
        Role::Balance,
        &[
            "balance",
            "bal",
            "balanceinr",
            "balancers",
            "balanceamount",
            "closingbalance",
            "runningbalance",
            "runningbalancecr",
            "availablebalance",
            "availablebalanceinr",
        ],
    ),
];

/// A shape of exports.
pub(super) struct Shape {
    /// The columns that its header has, by role.
    columns: &'static [(Role, &'static str)],
}

/// Returns the shapes of the exports of the banks whose narrations have a layout. They are those of public descriptions
/// (`docs/sources.md#exports-of-banks`).
fn shapes_of(layout: NarrationLayout) -> &'static [Shape] {
    use Role::{
        Amount, Balance, Credit, Date, Debit, Direction, Narration, Reference, TxnId, ValueDate,
    };
    match layout {
        NarrationLayout::A => &[Shape {
            columns: &[
                (Date, "Txn Date"),
                (ValueDate, "Value Date"),
                (Reference, "Cheque No."),
                (Narration, "Description"),
                (Debit, "Debit"),
                (Credit, "Credit"),
                (Balance, "Balance"),
            ],
        }],
        NarrationLayout::B => &[
            Shape {
                columns: &[
                    (Date, "Date"),
                    (Narration, "Narration"),
                    (Reference, "Chq./Ref.No."),
                    (ValueDate, "Value Dt"),
                    (Debit, "Withdrawal Amt."),
                    (Credit, "Deposit Amt."),
                    (Balance, "Closing Balance"),
                ],
            },
            Shape {
                columns: &[
                    (Date, "Date"),
                    (Narration, "Narration"),
                    (ValueDate, "Value Dat"),
                    (Debit, "Debit Amount"),
                    (Credit, "Credit Amount"),
                    (Reference, "Chq/Ref Number"),
                    (Balance, "Closing Balance"),
                ],
            },
        ],
        NarrationLayout::C => &[
            Shape {
                columns: &[
                    (Date, "Txn Date"),
                    (ValueDate, "Value Date"),
                    (Narration, "Description"),
                    (Reference, "Ref No./Cheque No."),
                    (Debit, "Debit"),
                    (Credit, "Credit"),
                    (Balance, "Balance"),
                ],
            },
            Shape {
                columns: &[
                    (Date, "Date"),
                    (Narration, "Details"),
                    (Reference, "Ref No/Cheque No"),
                    (Debit, "Debit"),
                    (Credit, "Credit"),
                    (Balance, "Balance"),
                ],
            },
        ],
        NarrationLayout::D => &[
            Shape {
                columns: &[
                    (ValueDate, "Value Date"),
                    (Date, "Transaction Date"),
                    (Reference, "Cheque Number"),
                    (Narration, "Transaction Remarks"),
                    (Debit, "Withdrawal Amount(INR)"),
                    (Credit, "Deposit Amount(INR)"),
                    (Balance, "Balance(INR)"),
                ],
            },
            Shape {
                columns: &[
                    (TxnId, "Transaction ID"),
                    (ValueDate, "Value Date"),
                    (Date, "Txn Posted Date"),
                    (Reference, "ChequeNo."),
                    (Narration, "Description"),
                    (Direction, "Cr/Dr"),
                    (Amount, "Transaction Amount(INR)"),
                    (Balance, "Available Balance(INR)"),
                ],
            },
        ],
        NarrationLayout::E => &[Shape {
            columns: &[
                (Date, "Tran Date"),
                (Reference, "CHQNO"),
                (Narration, "PARTICULARS"),
                (Debit, "DR"),
                (Credit, "CR"),
                (Balance, "BAL"),
            ],
        }],
    }
}

/// The columns of an export, in words of the user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnMap {
    columns: ColumnNames,
    /// The order of the dates, such as `dd/mm/yyyy`.
    #[serde(default)]
    dates: Option<String>,
    /// The character before the decimals: `.` or `,`.
    #[serde(default)]
    decimal: Option<String>,
    /// The line of the header, from 1.
    #[serde(default)]
    header_row: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnNames {
    date: String,
    narration: String,
    #[serde(default)]
    value_date: Option<String>,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    txn_id: Option<String>,
    #[serde(default)]
    debit: Option<String>,
    #[serde(default)]
    credit: Option<String>,
    #[serde(default)]
    amount: Option<String>,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    balance: Option<String>,
    #[serde(default)]
    balance_direction: Option<String>,
}

impl ColumnMap {
    /// Parses a map in YAML.
    ///
    /// # Errors
    /// The problem, with its place.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let map: Self =
            serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())?;
        if let Some(dates) = &map.dates
            && DateOrder::parse(dates).is_none()
        {
            return Err(format!(
                "dates {} is no order of day, month and year, such as dd/mm/yyyy",
                quote_value(dates)
            ));
        }
        if let Some(decimal) = map
            .decimal
            .as_ref()
            .filter(|text| !matches!(text.as_str(), "." | ","))
        {
            return Err(format!(
                "decimal {} is neither '.' nor ','",
                quote_value(decimal)
            ));
        }
        let names = &map.columns;
        match (&names.debit, &names.credit, &names.amount) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => Ok(map),
            _ => Err("columns needs debit and credit, or amount".to_owned()),
        }
    }

    fn list_columns(&self) -> Vec<(Role, &str)> {
        let names = &self.columns;
        let optional = [
            (Role::ValueDate, &names.value_date),
            (Role::Reference, &names.reference),
            (Role::TxnId, &names.txn_id),
            (Role::Debit, &names.debit),
            (Role::Credit, &names.credit),
            (Role::Amount, &names.amount),
            (Role::Direction, &names.direction),
            (Role::Balance, &names.balance),
            (Role::BalanceDirection, &names.balance_direction),
        ];
        let required = [
            (Role::Date, names.date.as_str()),
            (Role::Narration, names.narration.as_str()),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(role, name)| Some((role, name.as_deref()?)));
        required.into_iter().chain(optional).collect()
    }

    pub(super) fn date_order(&self) -> DateOrder {
        self.dates
            .as_deref()
            .and_then(DateOrder::parse)
            .unwrap_or_default()
    }

    pub(super) fn decimal(&self) -> char {
        self.decimal
            .as_deref()
            .and_then(|text| text.chars().next())
            .unwrap_or('.')
    }
}

/// A guide to the columns of an export.
#[derive(Clone, Debug, Default)]
pub(crate) enum ImportGuide {
    /// The names that banks use.
    #[default]
    KnownNames,
    /// The export of a bank whose narrations have this layout.
    Like(NarrationLayout),
    Map(Box<ColumnMap>),
}

/// The columns of the table in an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The index of the header among the rows.
    pub header: usize,
    indexes: Vec<(Role, usize)>,
}

impl Columns {
    /// Returns the index of a column, if the table has it.
    pub(super) fn index(&self, role: Role) -> Option<usize> {
        let mut indexes = self.indexes.iter();
        indexes
            .find(|(known, _)| *known == role)
            .map(|(_, index)| *index)
    }

    /// Returns the cell of a row; empty if the table has no such column.
    pub(super) fn cell<'r>(&self, row: &'r GridRow, role: Role) -> &'r str {
        self.index(role).map_or("", |index| row.cell(index))
    }

    /// Returns whether the table has amounts, and the columns without which there is no transaction.
    fn is_complete(&self) -> bool {
        let has = |role| self.index(role).is_some();
        let has_amounts = has(Role::Debit) && has(Role::Credit) || has(Role::Amount);
        has(Role::Date) && has(Role::Narration) && has_amounts
    }

    /// Finds the header.
    ///
    /// # Errors
    /// The names that are missing, or what the most similar row has.
    pub(super) fn find(rows: &[GridRow], guide: &ImportGuide) -> Result<Self, Vec<Diagnostic>> {
        match guide {
            ImportGuide::KnownNames => Self::find_known(rows),
            ImportGuide::Like(layout) => {
                let mut shapes = shapes_of(*layout).iter();
                let found = shapes.find_map(|shape| Self::find_named(rows, shape.columns).ok());
                found.ok_or_else(|| {
                    let shapes = shapes_of(*layout).iter();
                    let headers = shapes.map(|shape| {
                        let names: Vec<&str> = shape.columns.iter().map(|(_, name)| *name).collect();
                        names.join(", ")
                    });
                    let headers: Vec<String> = headers.collect();
                    let message = format!(
                        "no row has the header of {}: {}; name another layout or none, or describe the columns in a map (`mockaa data import --map`)",
                        layout.as_str(),
                        headers.join("; or ")
                    );
                    vec![line_diagnostic(0, message)]
                })
            }
            ImportGuide::Map(map) => {
                let names = map.list_columns();
                match map.header_row {
                    None => Self::find_named(rows, &names),
                    Some(line) => {
                        let row = rows.iter().position(|row| row.line == line);
                        let row = row.ok_or_else(|| {
                            vec![line_diagnostic(
                                line,
                                "header_row is not a line of the file".to_owned(),
                            )]
                        })?;
                        Self::match_names(row, &rows[row], &names)
                            .map_err(|missing| vec![missing_names(&rows[row], &missing)])
                    }
                }
            }
        }
    }

    /// Finds the first row with all of these names.
    fn find_named(rows: &[GridRow], names: &[(Role, &str)]) -> Result<Self, Vec<Diagnostic>> {
        let mut nearest: Option<(usize, Vec<String>)> = None;
        for (index, row) in rows.iter().take(HEADER_ROWS_MAX).enumerate() {
            match Self::match_names(index, row, names) {
                Ok(columns) => return Ok(columns),
                Err(missing) => {
                    if nearest
                        .as_ref()
                        .is_none_or(|(_, known)| missing.len() < known.len())
                    {
                        nearest = Some((index, missing));
                    }
                }
            }
        }
        Err(match nearest {
            Some((index, missing)) if missing.len() < names.len() => {
                vec![missing_names(&rows[index], &missing)]
            }
            _ => vec![no_header(rows)],
        })
    }

    fn match_names(
        header: usize,
        row: &GridRow,
        names: &[(Role, &str)],
    ) -> Result<Self, Vec<String>> {
        let (mut indexes, mut missing) = (Vec::new(), Vec::new());
        for (role, name) in names {
            let wanted = normalize(name);
            // A header may have a name twice: the sides of the amount and of the balance.
            let is_free = |index: usize| indexes.iter().all(|(_, used)| *used != index);
            let mut cells = row.cells.iter().enumerate();
            match cells.find(|(index, cell)| is_free(*index) && normalize(cell) == wanted) {
                Some((index, _)) => indexes.push((*role, index)),
                None => missing.push((*name).to_owned()),
            }
        }
        if missing.is_empty() {
            Ok(Self { header, indexes })
        } else {
            Err(missing)
        }
    }

    /// Finds the first row whose names are known.
    fn find_known(rows: &[GridRow]) -> Result<Self, Vec<Diagnostic>> {
        let candidates = rows.iter().take(HEADER_ROWS_MAX).enumerate();
        let mut columns = candidates.map(|(index, row)| Self::recognize(index, row));
        columns
            .find(Self::is_complete)
            .ok_or_else(|| vec![no_header(rows)])
    }

    /// Assigns roles to the names of a row that are known.
    fn recognize(header: usize, row: &GridRow) -> Self {
        let mut indexes: Vec<(Role, usize)> = Vec::new();
        for (index, cell) in row.cells.iter().enumerate() {
            let name = normalize(cell);
            let Some(role) = role_of(&name) else {
                continue;
            };
            let has = |role| indexes.iter().any(|(known, _)| *known == role);
            // The second sides are those of the balance before them.
            let role = if role == Role::Direction && has(Role::Direction) && has(Role::Balance) {
                Role::BalanceDirection
            } else {
                role
            };
            if !has(role) {
                indexes.push((role, index));
            }
        }
        Self { header, indexes }
    }
}

fn role_of(name: &str) -> Option<Role> {
    let mut roles = NAMES.iter();
    roles
        .find(|(_, names)| names.contains(&name))
        .map(|(role, _)| *role)
}

/// Returns a name without case, spaces and punctuation.
fn normalize(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn missing_names(row: &GridRow, missing: &[String]) -> Diagnostic {
    let names: Vec<&str> = row
        .cells
        .iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    let message = format!(
        "the header has no {}; it has {}",
        missing.join(", "),
        names.join(", ")
    );
    line_diagnostic(row.line, message)
}

fn no_header(rows: &[GridRow]) -> Diagnostic {
    let looked_at = rows.len().min(HEADER_ROWS_MAX);
    let message = format!(
        "none of the first {looked_at} rows is a header with a date, a narration, and debit and credit or an amount; describe the columns in a map (`mockaa data import --map`)"
    );
    line_diagnostic(0, message)
}
