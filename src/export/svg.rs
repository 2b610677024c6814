//! SVG charts of an account's balance.

use std::fmt::Write;

use crate::domain::document::Document;
use crate::domain::money::Paise;
use crate::domain::statement::{NewRow, Statement, Transactions};
use crate::domain::statement_writer::StatementWriter;
use crate::domain::terms::TimeRange;
use crate::domain::time::Timestamp;

const WIDTH: i64 = 720;
const HEIGHT: i64 = 180;
/// Space for the labels of the scale.
const MARGIN_LEFT: i64 = 70;
const MARGIN_TOP: i64 = 24;
const MARGIN_BOTTOM: i64 = 20;

/// The style of a chart that is shown small: larger labels inside the chart, and no title.
const SMALL_STYLE: &str = "@media (max-width:420px){text{font-size:26px;paint-order:stroke;stroke:#fff;stroke-width:7px}.title{display:none}.scale{text-anchor:start;transform:translate(12px,-6px)}}";

/// The media type of SVG.
pub(crate) const MEDIA_TYPE: &str = "image/svg+xml";

/// The writer of a chart of the balance of a bank account. It keeps one balance for each day.
pub(crate) struct StatementChart {
    title: String,
    range: TimeRange,
    /// The days from the range's start, each with its last balance.
    closing_balances: Vec<(i64, i64)>,
}

impl StatementChart {
    pub(crate) fn new(title: &str) -> Self {
        let start = Timestamp::from_millis(0);
        Self {
            title: title.to_owned(),
            range: TimeRange {
                from: start,
                to: start,
            },
            closing_balances: Vec::new(),
        }
    }

    fn add_balance(&mut self, at: Timestamp, balance: Paise) {
        let day = (at.ist_date() - self.range.from.ist_date()).num_days();
        match self.closing_balances.last_mut() {
            Some((last, known)) if *last == day => *known = balance.0,
            _ => self.closing_balances.push((day, balance.0)),
        }
    }
}

impl StatementWriter for StatementChart {
    fn write_header(&mut self, _: &Statement, range: Option<TimeRange>, _: &mut Vec<u8>) {
        self.range = range.unwrap_or(self.range);
    }

    fn write_row(&mut self, row: &NewRow<'_>, _: &mut Vec<u8>) {
        self.add_balance(row.at, row.balance);
    }

    fn write_footer(&mut self, out: &mut Vec<u8>) {
        let chart = draw_chart(&self.title, self.range, &self.closing_balances);
        out.extend_from_slice(chart.as_bytes());
    }

    /// Nothing: a document has no running balance.
    fn write_document(&mut self, _: &Statement, _: &Document, _: &mut Vec<u8>) {}
}

/// Returns an SVG line chart of closing balances over the range, with a scale; equal transactions
/// give equal bytes.
pub(crate) fn balance_chart(title: &str, transactions: &Transactions) -> String {
    let mut chart = StatementChart::new(title);
    chart.range = transactions.range;
    for row in &transactions.rows {
        chart.add_balance(row.at, row.balance);
    }
    draw_chart(title, chart.range, &chart.closing_balances)
}

fn draw_chart(title: &str, range: TimeRange, closing_balances: &[(i64, i64)]) -> String {
    let days = (range.to.ist_date() - range.from.ist_date())
        .num_days()
        .max(1);
    let min_balance = closing_balances
        .iter()
        .map(|(_, balance)| *balance)
        .min()
        .unwrap_or(0)
        .min(0);
    let max_balance = closing_balances
        .iter()
        .map(|(_, balance)| *balance)
        .max()
        .unwrap_or(0)
        .max(min_balance + 100);
    let scale = Scale {
        days,
        min_balance,
        max_balance,
    };
    let mut path = String::new();
    for (index, (day, balance)) in closing_balances.iter().enumerate() {
        // A balance is constant until the next day with a transaction.
        match index {
            0 => write!(path, "M{} {}", scale.x(*day), scale.y(*balance)),
            _ => write!(path, "H{}V{}", scale.x(*day), scale.y(*balance)),
        }
        .expect("writing to a string cannot fail");
    }
    if !closing_balances.is_empty() {
        write!(path, "H{}", scale.x(days)).expect("writing to a string cannot fail");
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n<style>{SMALL_STYLE}</style>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n<text class=\"title\" x=\"{MARGIN_LEFT}\" y=\"15\" fill=\"#333\">{}</text>\n",
        escape_xml(title)
    );
    for balance in [
        max_balance,
        i64::midpoint(max_balance, min_balance),
        min_balance,
    ] {
        let (y, label) = (scale.y(balance), Paise(balance).group_rupees());
        svg += &format!(
            "<path d=\"M{MARGIN_LEFT} {y}H{}\" stroke=\"#ddd\"/><text class=\"scale\" x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#777\">{label}</text>\n",
            WIDTH - 10,
            MARGIN_LEFT - 6,
            y + 4
        );
    }
    svg += &format!("<path d=\"{path}\" fill=\"none\" stroke=\"#0a6\" stroke-width=\"1.3\"/>\n");
    let (from, to) = (range.from.ist_date(), range.to.ist_date());
    svg += &format!(
        "<text x=\"{MARGIN_LEFT}\" y=\"{}\" fill=\"#777\">{from}</text>\n",
        HEIGHT - 5
    );
    svg += &format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#777\">{to}</text>\n</svg>\n",
        WIDTH - 10,
        HEIGHT - 5
    );
    svg
}

/// The mapping of days and balances (paise) to coordinates.
struct Scale {
    days: i64,
    min_balance: i64,
    max_balance: i64,
}

impl Scale {
    fn x(&self, day: i64) -> i64 {
        MARGIN_LEFT + day * (WIDTH - MARGIN_LEFT - 10) / self.days
    }

    fn y(&self, balance: i64) -> i64 {
        let height = i128::from(HEIGHT - MARGIN_TOP - MARGIN_BOTTOM);
        let offset = i128::from(self.max_balance - balance) * height
            / i128::from(self.max_balance - self.min_balance);
        MARGIN_TOP + i64::try_from(offset).expect("within the chart")
    }
}

fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
