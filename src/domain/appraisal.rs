//! The credit appraisal of a customer's bank accounts: what an underwriter reads before the details.

use crate::domain::money::Paise;

/// The figures of an appraisal on which a lender decides. Amounts are those of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AppraisalFigures {
    /// The mean of the closing balances of all days.
    pub average_balance: Paise,
    pub income: Paise,
    /// The instalments that are due.
    pub obligation: Paise,
    /// The largest instalment that the customer can pay in addition.
    pub eligible_instalment: Paise,
    /// 300 to 900.
    pub score: i64,
}

/// A credit appraisal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Appraisal {
    pub figures: AppraisalFigures,
    /// The result in a sentence.
    pub sentence: String,
    /// The lines of the appraisal sheet.
    pub facts: Vec<AppraisalFact>,
    /// The parts of the printed report that follow the sheet.
    pub parts: Vec<ReportPart>,
}

/// A line of the appraisal sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppraisalFact {
    pub item: &'static str,
    pub value: String,
    /// From what the value follows.
    pub evidence: String,
}

/// A part of the printed report: a sentence and a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportPart {
    pub title: &'static str,
    pub sentence: String,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<ReportValue>>,
    /// The columns of two amounts that a chart compares row by row, if the part has one.
    pub bars: Option<(usize, usize)>,
}

/// A value in the table of a printed report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReportValue {
    Text(String),
    Money(Paise),
    Count(usize),
}
