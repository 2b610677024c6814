//! A printed statement: what a bank sends to the holder of an account.

use pdf_writer::Rect;

use super::document::{Document, HEIGHT, MARGIN, PRINTED_WIDTH, WIDTH};
use super::font::Weight;
use super::{ORIGIN, table};
use crate::domain::brand::{Brand, Color};
use crate::domain::document::Document as FiDocument;
use crate::domain::money::{Paise, group_count};
use crate::domain::statement::{Holders, NewRow, Statement, Summary};
use crate::domain::statement_writer::StatementWriter;
use crate::domain::terms::{TimeRange, TransactionType};
use crate::export::tables::add_account_sheets;
use crate::export::{Sheet, list_element_sheets, print_date};

const TITLE: &str = "Account statement";

const FONT_SIZE: f32 = 7.0;
const LINE_HEIGHT: f32 = 9.5;

/// The space between the lines around a cell and its text.
const PADDING: f32 = 3.0;

/// The column of the table whose texts wrap, and takes the width that the others leave.
const NARRATION: usize = 2;

/// The columns of the table with their widths.
const COLUMNS: [(&str, f32); 9] = [
    ("Date", 50.0),
    ("Time", 42.0),
    ("Narration", PRINTED_WIDTH - 542.0),
    ("Reference", 94.0),
    ("Mode", 74.0),
    ("Transaction id", 66.0),
    ("Debit", 70.0),
    ("Credit", 70.0),
    ("Balance", 76.0),
];

/// The first of the columns with amounts, which are aligned right.
const FIRST_AMOUNT: usize = 6;

/// The ground of the names of the columns and of the totals.
const HEADER_GRAY: f32 = 0.93;

/// The maximum number of lines of a row on one page.
const ROW_LINES_MAX: usize = 40;

/// The side of a bank's mark.
const MARK_SIZE: f32 = 34.0;

/// Sums of the rows of an account.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    opening: Option<Paise>,
    closing: Paise,
    debits: Paise,
    debit_count: usize,
    credits: Paise,
    credit_count: usize,
}

impl Totals {
    fn add(&mut self, row: &NewRow<'_>) {
        match row.transaction_type {
            TransactionType::Debit => {
                self.debits += row.amount;
                self.debit_count += 1;
            }
            TransactionType::Credit => {
                self.credits += row.amount;
                self.credit_count += 1;
            }
        }
        self.closing = row.balance;
    }
}

/// The writer of printed statements. Those of several accounts follow each other, each on a page of its own.
pub struct StatementPdf {
    document: Document,
    totals: Totals,
    /// The sheets about the account, which follow its transactions.
    sheets: Vec<Sheet>,
    /// `true` if the statement has transactions.
    has_table: bool,
    /// The y at which the lines of the table begin on this page.
    table_top: f32,
}

impl Default for StatementPdf {
    fn default() -> Self {
        Self {
            document: Document::new(TITLE, &format!("{TITLE}, {ORIGIN}")),
            totals: Totals::default(),
            sheets: Vec::new(),
            has_table: false,
            table_top: 0.0,
        }
    }
}

impl StatementWriter for StatementPdf {
    fn write_header(&mut self, statement: &Statement, range: Option<TimeRange>, out: &mut Vec<u8>) {
        self.totals = Totals::default();
        self.sheets.clear();
        add_account_sheets(statement, &mut self.sheets);
        self.begin_account(statement);
        let summary = statement.as_bank().and_then(|bank| bank.summary.as_ref());
        self.draw_facts(statement, summary, range);
        self.has_table = range.is_some();
        if self.has_table {
            self.begin_table();
        }
        self.document.take_bytes(out);
    }

    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        if self.totals.opening.is_none() {
            let opening = row.balance - row.signed_amount();
            self.totals.opening = Some(opening);
            self.draw_line(
                [
                    "",
                    "",
                    "OPENING BALANCE",
                    "",
                    "",
                    "",
                    "",
                    "",
                    &opening.group(),
                ],
                Weight::Bold,
            );
        }
        self.totals.add(row);
        let (date, time) = (print_date(row.at.ist_date()), row.at.ist_time().to_string());
        let (amount, balance) = (row.amount.group(), row.balance.group());
        let (debit, credit) = match row.transaction_type {
            TransactionType::Debit => (&*amount, ""),
            TransactionType::Credit => ("", &*amount),
        };
        let id = row.txn_id();
        let cells = [
            &*date,
            time.get(..8).unwrap_or(&time),
            row.narration,
            row.reference,
            row.mode.as_str(),
            &id,
            debit,
            credit,
            &balance,
        ];
        self.draw_line(cells, Weight::Regular);
        self.document.take_bytes(out);
    }

    fn write_footer(&mut self, out: &mut Vec<u8>) {
        if self.has_table {
            self.draw_totals();
        }
        for sheet in std::mem::take(&mut self.sheets) {
            table::draw_sheet(&mut self.document, &sheet);
        }
        self.document.take_bytes(out);
    }

    fn write_document(&mut self, statement: &Statement, document: &FiDocument, out: &mut Vec<u8>) {
        self.begin_account(statement);
        self.draw_facts(statement, None, None);
        for sheet in list_element_sheets(statement, document) {
            table::draw_sheet(&mut self.document, &sheet);
        }
        self.document.take_bytes(out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.document.finish();
        self.document.take_bytes(out);
    }
}

impl StatementPdf {
    /// Draws the bank's mark and name at the top of a page.
    fn begin_account(&mut self, statement: &Statement) {
        let document = &mut self.document;
        if !document.is_at_top() {
            document.next_page();
        }
        let brand = Brand::from_id(&statement.account.fip);
        let top = HEIGHT - MARGIN;
        document.set_color(brand.color);
        document.fill_rect(Rect::new(MARGIN, top - MARK_SIZE, MARGIN + MARK_SIZE, top));
        document.set_color(brand.color.readable_ink());
        let initials = initials_of(&statement.fip_name);
        let width = document.fonts().text_width(&initials, Weight::Bold, 15.0);
        document.y = top - 22.5;
        document.draw_text(
            MARGIN + (MARK_SIZE - width) / 2.0,
            15.0,
            Weight::Bold,
            &initials,
        );
        document.set_color(Color::BLACK);
        document.y = top - 16.0;
        document.draw_text(
            MARGIN + MARK_SIZE + 10.0,
            16.0,
            Weight::Bold,
            &statement.fip_name,
        );
        document.draw_text_right(WIDTH - MARGIN, 13.0, Weight::Bold, TITLE);
        document.y = top - 30.0;
        document.draw_text(
            MARGIN + MARK_SIZE + 10.0,
            8.0,
            Weight::Regular,
            "Test data. This is no statement of a real bank.",
        );
        document.draw_text_right(
            WIDTH - MARGIN,
            8.0,
            Weight::Regular,
            statement.account.fi_type.as_str(),
        );
        document.y = top - MARK_SIZE - 16.0;
    }

    /// Draws the holders at the left and the account at the right.
    fn draw_facts(
        &mut self,
        statement: &Statement,
        summary: Option<&Summary>,
        range: Option<TimeRange>,
    ) {
        let top = self.document.y;
        let holders: Vec<(&str, String)> = statement
            .holders
            .iter()
            .flat_map(list_holder_facts)
            .collect();
        self.draw_pairs(MARGIN, 62.0, 270.0, &holders);
        let lowest = self.document.y;
        self.document.y = top;
        self.draw_pairs(
            WIDTH / 2.0,
            92.0,
            290.0,
            &list_account_facts(statement, summary, range),
        );
        self.document.y = self.document.y.min(lowest) - 6.0;
    }

    /// Draws names with values, one below the other.
    fn draw_pairs(&mut self, x: f32, name_width: f32, value_width: f32, pairs: &[(&str, String)]) {
        for (name, value) in pairs {
            self.document.draw_text(x, 8.0, Weight::Regular, name);
            let lines = self
                .document
                .fonts()
                .wrap_text(value, Weight::Bold, 8.0, value_width);
            for line in lines {
                self.document
                    .draw_text(x + name_width, 8.0, Weight::Bold, line);
                self.document.y -= 11.0;
            }
        }
    }

    fn begin_table(&mut self) {
        self.table_top = self.document.y;
        let bottom = self.table_top - LINE_HEIGHT - PADDING;
        let ground = Rect::new(MARGIN, bottom, WIDTH - MARGIN, self.table_top);
        self.document.fill_gray(HEADER_GRAY, ground);
        self.draw_line(COLUMNS.map(|(name, _)| name), Weight::Bold);
    }

    /// Draws the lines between the columns, from the beginning of the table on this page.
    fn end_table(&mut self) {
        let (top, bottom) = (self.table_top, self.document.y);
        let mut x = MARGIN;
        self.document.draw_rule((x, top), (x, bottom));
        for (_, width) in COLUMNS {
            x += width;
            self.document.draw_rule((x, top), (x, bottom));
        }
        self.document
            .draw_rule((MARGIN, top), (WIDTH - MARGIN, top));
    }

    /// Draws a row of the table, on the next page if there is no place.
    fn draw_line(&mut self, cells: [&str; COLUMNS.len()], weight: Weight) {
        let fonts = self.document.fonts();
        let lines: Vec<Vec<&str>> = cells
            .iter()
            .zip(COLUMNS)
            .map(|(text, (_, width))| {
                fonts.wrap_text(text, weight, FONT_SIZE, width - 2.0 * PADDING)
            })
            .collect();
        let count = lines.iter().map(Vec::len).max().unwrap_or(1);
        // A row may be longer than a page.
        for start in (0..count).step_by(ROW_LINES_MAX) {
            let part: Vec<&[&str]> = lines
                .iter()
                .map(|texts| {
                    let end = texts.len().min(start + ROW_LINES_MAX);
                    texts.get(start..end).unwrap_or_default()
                })
                .collect();
            self.draw_row_part(&part, weight);
        }
    }

    /// Draws lines of the cells of a row that are on one page.
    fn draw_row_part(&mut self, lines: &[&[&str]], weight: Weight) {
        let count = lines.iter().map(|texts| texts.len()).max().unwrap_or(1);
        #[expect(clippy::cast_precision_loss, reason = "a page has a few lines")]
        let height = LINE_HEIGHT * count as f32 + PADDING;
        if self.document.y - height < MARGIN {
            self.end_table();
            self.document.next_page();
            self.document.y += LINE_HEIGHT;
            self.begin_table();
        }
        let top = self.document.y;
        let mut x = MARGIN;
        for (index, (texts, (_, width))) in lines.iter().zip(COLUMNS).enumerate() {
            self.document.y = top - LINE_HEIGHT + 1.0;
            for text in *texts {
                if index >= FIRST_AMOUNT {
                    let right = x + width - PADDING;
                    self.document
                        .draw_text_right(right, FONT_SIZE, weight, text);
                } else {
                    self.document
                        .draw_text(x + PADDING, FONT_SIZE, weight, text);
                }
                self.document.y -= LINE_HEIGHT;
            }
            x += width;
        }
        self.document.y = top - height;
        self.document
            .draw_rule((MARGIN, top - height), (WIDTH - MARGIN, top - height));
    }

    /// Draws the totals below the rows.
    fn draw_totals(&mut self) {
        let totals = self.totals;
        let Some(opening) = totals.opening else {
            let mut cells = [""; COLUMNS.len()];
            cells[NARRATION] = "No transactions in this period";
            self.draw_line(cells, Weight::Regular);
            self.end_table();
            self.document.y -= 16.0;
            return;
        };
        let (debits, credits, closing) = (
            totals.debits.group(),
            totals.credits.group(),
            totals.closing.group(),
        );
        self.draw_line(
            [
                "",
                "",
                "TOTALS AND CLOSING BALANCE",
                "",
                "",
                "",
                &debits,
                &credits,
                &closing,
            ],
            Weight::Bold,
        );
        self.end_table();
        if self.document.y < MARGIN + 50.0 {
            self.document.next_page();
        }
        self.document.y -= 16.0;
        let summary = format!(
            "Opening balance {}  +  credits {credits} ({})  -  debits {debits} ({})  =  closing balance {closing}",
            opening.group(),
            group_count(totals.credit_count),
            group_count(totals.debit_count),
        );
        self.document.draw_text(MARGIN, 8.0, Weight::Bold, &summary);
        if opening + totals.credits - totals.debits != totals.closing {
            self.document.y -= 11.0;
            let notice = "The sum differs: balances count transactions that a filter of the consent keeps back, or that the bank added.";
            self.document
                .draw_text(MARGIN, 8.0, Weight::Regular, notice);
        }
        self.document.y -= 16.0;
    }
}

/// Returns the first letters of the first two words of a bank's name.
fn initials_of(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect()
}

fn list_holder_facts(holders: &Holders) -> Vec<(&'static str, String)> {
    let names: Vec<&str> = holders.iter().map(|holder| &*holder.name).collect();
    let first = &holders.first;
    vec![
        (
            if names.len() > 1 { "Holders" } else { "Holder" },
            names.join(", "),
        ),
        ("Address", first.address.clone()),
        ("PAN", first.pan.clone()),
        ("Mobile", first.mobile.clone()),
        ("Email", first.email.clone()),
    ]
}

fn list_account_facts(
    statement: &Statement,
    summary: Option<&Summary>,
    range: Option<TimeRange>,
) -> Vec<(&'static str, String)> {
    let account = &statement.account;
    let mut facts = vec![("Account", account.masked_number.to_string())];
    if let Some(summary) = summary {
        let status = if summary.active { "active" } else { "inactive" };
        let opened = summary
            .opened_on
            .map(|day| format!(", opened on {}", print_date(day)));
        let account_type = account.account_type.as_str();
        let opened = opened.unwrap_or_default();
        facts.push(("Type", format!("{account_type}, {status}{opened}")));
        let codes = [
            ("", &summary.branch),
            ("IFSC ", &summary.ifsc),
            ("MICR ", &summary.micr),
        ];
        let codes = codes.into_iter().filter(|(_, code)| !code.is_empty());
        let codes: Vec<String> = codes.map(|(name, code)| format!("{name}{code}")).collect();
        facts.push(("Branch", codes.join(", ")));
        if summary.overdraft_limit.0 > 0 {
            facts.push(("Overdraft limit", summary.overdraft_limit.group()));
        }
    }
    if let Some(range) = range {
        let (from, to) = (
            print_date(range.from.ist_date()),
            print_date(range.to.ist_date()),
        );
        facts.push(("Period", format!("{from} to {to}")));
    }
    if let Some(summary) = summary {
        let day = print_date(summary.balance_at.ist_date());
        facts.push(("Balance", format!("{} on {day}", summary.balance.group())));
    }
    facts.push(("Currency", "INR, in rupees".to_owned()));
    facts
}
