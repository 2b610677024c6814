//! Owns writing a statement as a file, in any format. The rows of a bank account are written as they are generated,
//! so that a file of any length takes little memory.

use std::io::{self, Write};

use crate::bankgen::{StatementRequest, generate_statement, write_rows};
use crate::domain::account::FiType;
use crate::domain::naming::wire_enum;
use crate::domain::statement::{SentStatement, Statement, StatementBody, StatementForm};
use crate::domain::statement_writer::StatementWriter;
use crate::domain::terms::ConsentType;
use crate::domain::time::Timestamp;
use crate::export::svg::StatementChart;
use crate::export::{FileFormat, svg};
use crate::wire::fi::csv::{CsvOptions, CsvWriter};
use crate::wire::fi::form::form_statement;
use crate::wire::fi::json::{JsonDialect, JsonWriter};
use crate::wire::fi::tabs::Tabs;
use crate::wire::fi::xml::XmlWriter;

wire_enum! {
    /// A format of a statement.
    StatementFormat {
        Xml = "xml",
        Json = "json",
        Finvu = "finvu",
        Setu = "setu",
        Csv = "csv",
        Unaport = "unaport",
        Xlsx = "xlsx",
        Pdf = "pdf",
        Svg = "svg",
    }
}

impl StatementFormat {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml",
            Self::Json | Self::Finvu | Self::Setu | Self::Unaport => "application/json",
            Self::Csv => "text/csv",
            Self::Xlsx => FileFormat::Xlsx.media_type(),
            Self::Pdf => FileFormat::Pdf.media_type(),
            Self::Svg => svg::MEDIA_TYPE,
        }
    }

    /// Describes the format for people.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Xml => "ReBIT FI schema",
            Self::Json => "JSON with the names of the ReBIT FI schema",
            Self::Finvu => "JSON as Finvu's FIU module gives it",
            Self::Setu => "JSON as Setu's gateway gives it",
            Self::Csv => "transactions only",
            Self::Unaport => "tabs of the Unaport FIU API, Fetch Data",
            Self::Xlsx => "workbook",
            Self::Pdf => "printed statement",
            Self::Svg => "chart of the balance",
        }
    }

    /// Returns whether the format is for people: a terminal cannot show it.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Xlsx | Self::Pdf)
    }
}

/// The size from which on rows are passed on, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// A statement that becomes a file.
pub(crate) struct StatementFile<'a> {
    pub request: StatementRequest<'a>,
    pub form: StatementForm,
    pub format: StatementFormat,
    pub csv_options: CsvOptions,
    /// The title of a chart.
    pub title: String,
}

impl StatementFile<'_> {
    /// Returns the reason for which there is no file in this format; it begins with the format.
    pub(crate) fn find_refusal(&self) -> Option<String> {
        let fi_type = self.request.account.fi_type;
        if self.format == StatementFormat::Svg && fi_type != FiType::Deposit {
            return Some(format!(
                "svg exists for DEPOSIT only: {fi_type} has no running balance"
            ));
        }
        None
    }

    /// Writes the file. `on_progress` learns the time of a row now and then.
    ///
    /// # Errors
    /// Those of `out`.
    ///
    /// # Panics
    /// When the bank denies the data, or there is no file in this format.
    pub(crate) fn write(
        &self,
        out: &mut dyn Write,
        on_progress: &mut dyn FnMut(Timestamp),
    ) -> io::Result<()> {
        match self.format {
            StatementFormat::Unaport => {
                let sent = [form_statement(generate(&self.request), self.form)];
                let tabs = Tabs::without_session(&sent, self.request.now);
                serde_json::to_writer_pretty(&mut *out, &tabs)?;
                writeln!(out)
            }
            _ => self.write_rows(&mut *self.new_writer(), out, on_progress),
        }
    }

    fn new_writer(&self) -> Box<dyn StatementWriter> {
        let schema = self.form.schema;
        match self.format {
            StatementFormat::Xml => Box::new(XmlWriter::new(self.form)),
            StatementFormat::Json => Box::new(JsonWriter::new(schema, JsonDialect::Schema)),
            StatementFormat::Finvu => Box::new(JsonWriter::new(schema, JsonDialect::Finvu)),
            StatementFormat::Setu => Box::new(JsonWriter::new(schema, JsonDialect::Setu)),
            StatementFormat::Csv => Box::new(CsvWriter::new(schema, self.csv_options)),
            StatementFormat::Xlsx => FileFormat::Xlsx.statement_writer(),
            StatementFormat::Pdf => FileFormat::Pdf.statement_writer(),
            StatementFormat::Svg => Box::new(StatementChart::new(&self.title)),
            StatementFormat::Unaport => unreachable!("tabs are written from a whole statement"),
        }
    }

    /// Writes a bank account row by row. Other documents are short and are written whole.
    fn write_rows(
        &self,
        writer: &mut dyn StatementWriter,
        out: &mut dyn Write,
        on_progress: &mut dyn FnMut(Timestamp),
    ) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(CHUNK_BYTES + 1024);
        let without_rows = StatementRequest {
            consent_types: &[ConsentType::Profile, ConsentType::Summary],
            ..self.request
        };
        // A quirk changes how a balance is written, not the balance of a chart.
        let form = match self.format {
            StatementFormat::Svg => self.form.schema.into(),
            _ => self.form,
        };
        // Rows can be written as they come unless a quirk changes their order or depends on later ones.
        let is_streamed = self.request.account.fi_type == FiType::Deposit && form.quirks.is_empty();
        let head = generate(if is_streamed {
            &without_rows
        } else {
            &self.request
        });
        let SentStatement { statement, .. } = form_statement(head, form);
        if let StatementBody::Other(document) = &statement.body {
            writer.write_document(&statement, document, &mut buffer);
            writer.finish(&mut buffer);
            return out.write_all(&buffer);
        }
        writer.write_header(&statement, Some(self.request.range), &mut buffer);
        // The row callback cannot fail, so the first write error is kept until the end.
        let mut outcome = Ok(());
        write_rows(&self.request, &mut |row| {
            // The rest is of no use without its beginning.
            if outcome.is_err() {
                return;
            }
            writer.write_row(&row, &mut buffer);
            if buffer.len() >= CHUNK_BYTES {
                outcome = out.write_all(&buffer);
                buffer.clear();
            }
            on_progress(row.at);
        });
        outcome?;
        writer.write_footer(&mut buffer);
        writer.finish(&mut buffer);
        out.write_all(&buffer)
    }
}

fn generate(request: &StatementRequest<'_>) -> Statement {
    generate_statement(request).expect("the bank gives the data")
}
