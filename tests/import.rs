//! `mockaa data import`: exports of different shapes with the same transactions, written after public descriptions of the
//! exports of banks in India; and exports that it refuses.

mod binary;

use std::fs;
use std::path::{Path, PathBuf};

use crate::binary::{create_folder, run_in};

/// Day, mode, type, amount, balance and a word of the narration of each transaction in the exports.
const TRANSACTIONS: [(&str, &str, &str, &str, &str, &str); 7] = [
    (
        "2025-04-01",
        "NEFT",
        "CREDIT",
        "125000.00",
        "167350.75",
        "TAMRA",
    ),
    (
        "2025-04-02",
        "UPI",
        "DEBIT",
        "240.00",
        "167110.75",
        "CHAI STALL",
    ),
    (
        "2025-04-02",
        "UPI",
        "DEBIT",
        "1200.50",
        "165910.25",
        "NILA BOOKS",
    ),
    (
        "2025-04-05",
        "NACH",
        "DEBIT",
        "18450.00",
        "147460.25",
        "MOCK0012345678",
    ),
    ("2025-04-14", "ATM", "DEBIT", "10000.00", "137460.25", "ATM"),
    (
        "2025-04-21",
        "IMPS",
        "CREDIT",
        "3000.00",
        "140460.25",
        "ARJUN MENON",
    ),
    (
        "2025-04-30",
        "OTHERS",
        "DEBIT",
        "17.70",
        "140442.55",
        "SMS CHGS",
    ),
];

fn exports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exports")
}

/// Imports a file into `mine.csv` and returns the exit code and stderr.
fn import(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let arguments = [&["data", "import", "--output", "mine.csv"], arguments].concat();
    let (code, stdout, stderr) = run_in(folder, &arguments);
    assert_eq!(stdout, "");
    (code, stderr)
}

fn read_records(folder: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_path(folder.join("mine.csv")).expect("the file is written");
    let header = reader
        .headers()
        .expect("a header")
        .iter()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(
        header,
        "txnId type mode amount transactionalBalance transactionTimestamp valueDate narration reference"
    );
    let records = reader.records();
    records
        .collect::<Result<_, _>>()
        .expect("the rows are read")
}

/// Checks that the statement has the transactions of all exports.
fn check_transactions(folder: &Path, export: &str) {
    let records = read_records(folder);
    assert_eq!(records.len(), TRANSACTIONS.len(), "{export}");
    for (record, expected) in records.iter().zip(TRANSACTIONS) {
        let (day, mode, direction, amount, balance, word) = expected;
        let word = if export.starts_with("continued") || !word.starts_with("ATM") {
            word
        } else {
            ""
        };
        let columns = [1, 2, 3, 4].map(|index| &record[index]);
        assert_eq!(columns, [direction, mode, amount, balance], "{export}");
        assert!(record[5].starts_with(day), "{export}: {}", &record[5]);
        let text = format!("{} {}", &record[7], &record[8]);
        assert!(text.contains(word), "{export}: {word} in {text}");
        assert!(
            !record[7].contains(['\n', '\u{ca}']),
            "{export}: {}",
            &record[7]
        );
    }
}

#[test]
fn exports_of_every_shape_are_the_same_statement() {
    let folder = create_folder("import-shapes", &[]);
    let files = fs::read_dir(exports()).expect("the folder exists");
    let mut count = 0;
    for file in files {
        let file = file.expect("an entry").path();
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let (code, stderr) = import(&folder, &[&file.to_string_lossy()]);
        assert_eq!(code, 0, "{name}: {stderr}");
        check_transactions(&folder, &name);
        let (code, _, stderr) = run_in(&folder, &["data", "check", "mine.csv"]);
        assert_eq!(code, 0, "{name}: {stderr}");
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn the_export_of_a_bank_is_read_as_that_of_its_layout() {
    let folder = create_folder("import-layouts", &[]);
    for (layout, names) in [
        ("layout-a", &["formulas.csv"][..]),
        ("layout-b", &["padded.csv", "asterisks.csv"]),
        ("layout-c", &["tabs.xls", "broken-lines.csv"]),
        ("layout-d", &["continued.csv", "direction-column.csv"]),
        ("layout-e", &["swapped-columns.csv"]),
    ] {
        for name in names {
            let file = exports().join(name);
            let (code, stderr) = import(&folder, &["--like", layout, &file.to_string_lossy()]);
            assert_eq!(code, 0, "{name}: {stderr}");
            check_transactions(&folder, name);
        }
    }
    let other = exports().join("padded.csv");
    let (code, stderr) = import(&folder, &["--like", "layout-c", &other.to_string_lossy()]);
    assert_eq!(code, 2);
    assert!(
        stderr.contains("no row has the header of layout-c: Txn Date, Value Date, Description"),
        "{stderr}"
    );
}

#[test]
fn stderr_tells_how_an_export_was_understood() {
    let folder = create_folder("import-report", &[]);
    fs::copy(
        exports().join("swapped-columns.csv"),
        folder.join("bank.csv"),
    )
    .expect("a copy");
    let (_, stderr) = import(&folder, &["bank.csv"]);
    insta::assert_snapshot!(stderr);
    fs::copy(exports().join("cells.xlsx"), folder.join("bank.xlsx")).expect("a copy");
    let (_, stderr) = import(&folder, &["bank.xlsx"]);
    insta::assert_snapshot!(stderr);
}

#[test]
fn a_map_names_the_columns_of_any_table() {
    let export = "made by hand\nBuchungstag;Text;Betrag;Saldo\n03/31/24;Gehalt;1.000,50;1.500,50\n04/01/24;Miete;-500,00;1.000,50\n";
    let map = "columns: { date: buchungs tag, narration: TEXT, amount: Betrag, balance: Saldo }\ndates: mm/dd/yy\ndecimal: ','\nheader_row: 2\n";
    let folder = create_folder("import-map", &[("bank.csv", export), ("map.yaml", map)]);
    let (code, stderr) = import(&folder, &["--map", "map.yaml", "bank.csv"]);
    assert_eq!(code, 0, "{stderr}");
    let records = read_records(&folder);
    let rows: Vec<_> = records
        .iter()
        .map(|row| [&row[1], &row[3], &row[4], &row[5][..10], &row[7]])
        .collect();
    assert_eq!(
        rows,
        [
            ["CREDIT", "1000.50", "1500.50", "2024-03-31", "Gehalt"],
            ["DEBIT", "500.00", "1000.50", "2024-04-01", "Miete"],
        ]
    );
    for (map, expected) in [
        (
            map.replace("Saldo", "Kontostand"),
            "bank.csv:2: the header has no Kontostand; it has Buchungstag, Text, Betrag, Saldo",
        ),
        (
            map.replace("header_row: 2", "header_row: 9"),
            "bank.csv:9: header_row is not a line of the file",
        ),
        (
            map.replace("mm/dd/yy", "mm/yy"),
            "dates 'mm/yy' is no order of day, month and year",
        ),
        (map.replace("','", "';'"), "decimal ';' is neither"),
        (
            map.replace("amount: Betrag", "debit: Betrag"),
            "columns needs debit and credit, or amount",
        ),
        (map.replace("dates:", "date:"), "unknown field"),
    ] {
        fs::write(folder.join("map.yaml"), &map).expect("a file");
        let (code, stderr) = import(&folder, &["--map", "map.yaml", "bank.csv"]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    }
}

#[test]
fn every_row_that_was_not_understood_is_listed() {
    let header = "Date,Narration,Debit,Credit,Balance\n";
    let rows = "01/04/25,OPENING,,100.00,100.00\n\
                someday,LOST,5.00,,95.00\n\
                02/04/25,BOTH,5.00,5.00,95.00\n\
                03/04/25,NO BALANCE,5.00,,\n\
                04/04/25,ODD,1.2.3,,90.00\n\
                05/04/25,LAST,10.00,,80.00\n\
                Thank you,,,,\n";
    let folder = create_folder("import-lost", &[("bank.csv", &format!("{header}{rows}"))]);
    let (code, stderr) = import(&folder, &["bank.csv"]);
    assert_eq!(code, 2);
    for expected in [
        "bank.csv:3: the row was not understood: 'someday' is no date",
        "bank.csv:4: the row was not understood: it has a debit and a credit",
        "bank.csv:5: the row was not understood: it has no balance",
        "bank.csv:6: the row was not understood: the amount '1.2.3' cannot be read",
        "bank.csv:7: transactionalBalance is 80.00, but 100.00 and -10.00 make 90.00",
        "nothing is written; --check warn writes what was understood",
    ] {
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    }
    assert!(!folder.join("mine.csv").exists());
    let (code, stderr) = import(&folder, &["--check", "warn", "bank.csv"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stderr.contains("bank.csv:3: the row was not understood"),
        "{stderr}"
    );
    assert!(
        stderr.contains("rows left out: 0 in the table (balances, totals, headers), 1 below it"),
        "{stderr}"
    );
    assert_eq!(read_records(&folder).len(), 2);
}

#[test]
fn an_export_without_balances_has_an_opening_balance() {
    let export = "Date,Narration,Amount,Type\n01/04/25,PAY,100.00,CR\n02/04/25,SHOP,30.00,DR\n";
    let folder = create_folder("import-opening", &[("bank.csv", export)]);
    let (code, stderr) = import(&folder, &["--opening-balance", "50", "bank.csv"]);
    assert_eq!(code, 0, "{stderr}");
    let records = read_records(&folder);
    let balances: Vec<&str> = records.iter().map(|row| &row[4]).collect();
    assert_eq!(balances, ["150.00", "120.00"]);
    assert!(
        stderr.contains("the export has no balances; they are computed from 50.00"),
        "{stderr}"
    );
    let file = exports().join("padded.csv");
    let (code, stderr) = import(
        &folder,
        &["--opening-balance", "50", &file.to_string_lossy()],
    );
    assert_eq!(code, 2);
    assert!(
        stderr.contains("--opening-balance is of no use"),
        "{stderr}"
    );
}

#[test]
fn what_is_no_export_is_refused_with_a_remedy() {
    let huge = "01/04/25,PAY,,9999999999999.99\n01/04/25,BACK,9999999999999.99,\n";
    let folder = create_folder(
        "import-refused",
        &[
            (
                "page.xls",
                "<html><table><tr><td>Date</td></tr></table></html>",
            ),
            (
                "cut.csv",
                "Date,Narration,Debit,Credit,Balance\n01/04/25,\"CUT,,1.00,1.00\n",
            ),
            (
                "semicolons.csv",
                "Date;Narration;Debit;Credit;Balance\n01/04/25;\"CUT;;1,00;1,00\n02/04/25;NEXT;;1,00;2,00\n",
            ),
            (
                "decimals.csv",
                "Date,Narration,Debit,Credit,Balance\n01/04/25,PAY,,1.005,1.005\n",
            ),
            (
                "sums.csv",
                &format!("Date,Narration,Debit,Credit\n{}", huge.repeat(5_000)),
            ),
            ("text.csv", "Dear customer,\nthank you.\n"),
            ("empty.csv", "\n"),
            ("header.csv", "Date,Narration,Debit,Credit,Balance\n"),
        ],
    );
    for (file, expected) in [
        (
            "page.xls",
            "page.xls:1: the file is HTML or XML with another name; open it in a spreadsheet",
        ),
        (
            "cut.csv",
            "cut.csv:2: the quote that begins in this line is not closed",
        ),
        (
            "semicolons.csv",
            "semicolons.csv:2: the quote that begins in this line is not closed",
        ),
        (
            "decimals.csv",
            "decimals.csv:2: the row was not understood: the amount '1.005' cannot be read",
        ),
        (
            "sums.csv",
            "sums.csv:12: the amounts until here are more than 100000000000000.00 together",
        ),
        (
            "text.csv",
            "is a header with a date, a narration, and debit and credit or an amount; describe the columns in a map",
        ),
        ("empty.csv", "empty.csv: the file is empty"),
        (
            "header.csv",
            "header.csv:1: no row below the header was understood",
        ),
    ] {
        let (code, stderr) = import(&folder, &[file]);
        assert_eq!(code, 2, "{file}: {stderr}");
        assert!(stderr.contains(expected), "{file}: {stderr}");
    }
}

/// A row below the last one that was understood is in the table if it looks like a transaction.
#[test]
fn rows_at_the_end_that_were_not_understood_are_listed() {
    let rows = "Date,Narration,Debit,Credit,Balance\n01/04/25,PAY,,100.00,100.00\n";
    for (last, reason) in [
        (
            "05-04-2025 6.30,SHOP,10.00,,90.00",
            "'05-04-2025 6.30' is no date",
        ),
        ("04/13/25,SHOP,10.00,,90.00", "'04/13/25' is no date"),
        (
            "05/04/25,SHOP,=10+10,,90.00",
            "the amount '=10+10' cannot be read",
        ),
        (
            "05/04/25,SHOP,10.00,10.00,90.00",
            "it has a debit and a credit",
        ),
        ("05/04/25,SHOP,10.00,,", "it has no balance"),
        ("05/04/25,SHOP,,,90.00", "it has no amount"),
        (
            "05/04/25,SHOP,\"10,50\",,89.50",
            "the amount '10,50' cannot be read",
        ),
    ] {
        let export = format!("{rows}{last}\nThank you,,,,\n");
        let folder = create_folder("import-end", &[("bank.csv", &export)]);
        let (code, stderr) = import(&folder, &["bank.csv"]);
        let expected = format!("bank.csv:3: the row was not understood: {reason}");
        assert!(code == 2 && stderr.contains(&expected), "{stderr}");
    }
}

#[test]
fn rows_of_balances_and_sums_are_no_transactions() {
    let export = "Date,Narration,Debit,Credit,Balance\n\
                  01/04/25,OPENING BALANCE,,100.00,100.00\n\
                  02/04/25,Total Energies,10.00,,90.00\n\
                  03/04/25,SHOP,10.00,,80.00\n\
                  ,TOTAL ENERGIES DELHI,,,\n\
                  04/04/25,SHOP,10.00,,-70.00 Dr\n\
                  30/04/25,Total,30.00,100.00,-70.00\n\
                  ,Grand Total:,30.00,100.00,\n"
        .replace("10.00,,-70", "150.00,,-70");
    let folder = create_folder("import-extra", &[("bank.csv", &export)]);
    let (code, stderr) = import(&folder, &["bank.csv"]);
    assert_eq!(code, 0, "{stderr}");
    let records = read_records(&folder);
    let rows: Vec<_> = records.iter().map(|row| [&row[4], &row[7]]).collect();
    assert_eq!(
        rows,
        [
            ["90.00", "Total Energies"],
            ["80.00", "SHOP TOTAL ENERGIES DELHI"],
            ["-70.00", "SHOP"],
        ]
    );
}

#[test]
fn an_export_without_balances_is_sorted_by_time_and_says_if_it_has_no_direction() {
    let export = "Date,Narration,Debit,Credit\n\
                  03/04/25 18:00,THIRD,,5.00\n\
                  03/04/25 12:00,SECOND,20.00,\n\
                  03/04/25 09:00,FIRST,,100.00\n";
    let amounts = "Date,Narration,Amount\n01/04/25,PAY,100.00\n02/04/25,SHOP,30.00\n";
    let files = [("bank.csv", export), ("amounts.csv", amounts)];
    let folder = create_folder("import-sorted", &files);
    let (code, stderr) = import(&folder, &["bank.csv"]);
    assert_eq!(code, 0, "{stderr}");
    let records = read_records(&folder);
    let rows: Vec<_> = records.iter().map(|row| [&row[4], &row[7]]).collect();
    let expected = [["100.00", "FIRST"], ["80.00", "SECOND"], ["85.00", "THIRD"]];
    assert_eq!(rows, expected);
    let (code, stderr) = import(&folder, &["amounts.csv"]);
    assert!(
        code == 0 && stderr.contains("every amount is a credit: none has a sign or Dr"),
        "{stderr}"
    );
}

/// A workbook with a cell in its last row and column takes neither memory nor time.
#[test]
fn a_workbook_with_a_stray_cell_is_bounded() {
    let folder = create_folder("import-stray", &[]);
    for (row, column, is_refused) in [
        (1_048_575, 16_383, true),
        (900_000, 16_383, true),
        (1_048_575, 20, true),
        (900_000, 20, false),
    ] {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        let rows = [
            ["Date", "Narration", "Debit", "Credit", "Balance"],
            ["01/04/25", "PAY", "", "100.00", "100.00"],
        ];
        for (number, row) in (0..).zip(rows) {
            sheet.write_row(number, 0, row).expect("a row");
        }
        sheet.write(row, column, "x").expect("a cell");
        workbook.save(folder.join("bank.xlsx")).expect("a file");
        let (code, stderr) = import(&folder, &["bank.xlsx"]);
        let limit = "a sheet has 1000000 rows and 256 columns at most";
        assert_eq!(stderr.contains(limit), is_refused, "{stderr}");
        assert_eq!(code, if is_refused { 2 } else { 0 }, "{stderr}");
    }
}
