//! Custom personas and statements: a valid file is used unchanged, an error is reported with its
//! position.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mockaa::internals::config::personas::load_personas;
use mockaa::internals::domain::persona::PersonaInstance;

use crate::{CUSTOMER, StatementQuery, first_deposit, ist_midnight, summary, transactions};

/// Creates a folder for this test.
fn create_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Returns the errors of a persona with this text, without the folder name; empty if it is valid.
fn persona_errors(name: &str, text: &str) -> String {
    let folder = create_folder(name);
    fs::write(folder.join("mine.yaml"), text).expect("a file");
    let errors = load_personas(Some(&folder))
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    errors.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn every_error_in_a_persona_is_reported_at_once() {
    insta::assert_snapshot!(persona_errors(
        "wrong-types",
        "version: 2\nname: Mine\ndescription: x\nholder: { born: 1850, age: 3 }\naccounts:\n  - { type: DEPOSITS, opened: soon }\n"
    ));
    let errors = persona_errors(
        "quirk-without-data",
        "version: 1\nname: mine\ndescription: x\nquirks: [newest-first, empty-micr]\naccounts:\n  - { type: NPS }\n",
    );
    assert!(
        errors.contains("mine.yaml:4:") && errors.contains("quirk empty-micr meets no data"),
        "{errors}"
    );
    assert!(!errors.contains("newest-first meets"), "{errors}");
    let contents = |share: &str, on: &str, last: &str| {
        format!(
            "version: 1\nname: mine\ndescription: x\naccounts:\n\
             \x20 - {{ type: DEPOSIT, opened: soon, amount: 5, cash_flows: [] }}\n\
             \x20 - {{ type: NPS, cash_flows: [] }}\n\
             \x20 - type: DEPOSIT\n\
             \x20   target_balance: {{ balance_percent: 5 }}\n\
             \x20   cash_flows:\n\
             \x20     - {{ out: {{ income_percent: {share} }}, by: upi }}\n\
             \x20     - {{ out: usual, by: card, with: employers }}\n\
             \x20     - {{ out: 5, by: upi, any_of: shop }}\n\
             \x20     - {{ in: 5, by: nach, mandate: true, day: {on} }}\n\
             \x20     - {last}\n"
        )
    };
    insta::assert_snapshot!(persona_errors(
        "wrong-contents",
        &contents("5..2", "40", "{ by: upi }")
    ));
    let no_name = "{ in: 5, income: true, by: upi, with: [\"<b>\"] }";
    insta::assert_snapshot!(persona_errors(
        "wrong-meaning",
        &contents("2..5", "sometimes", no_name)
    ));
}

#[test]
fn a_layout_of_narrations_is_only_for_generated_bank_accounts() {
    for (case, account, expected) in [
        (
            "unknown-layout",
            "{ type: DEPOSIT, narration: layout-f, cash_flows: [] }",
            "mine.yaml:4:40: 'layout-f' is not one of layout-a, layout-b, layout-c, layout-d, layout-e",
        ),
        (
            "misspelled-layout",
            "{ type: DEPOSIT, narration: layoutb, cash_flows: [] }",
            "did you mean layout-b",
        ),
        (
            "layout-of-a-holding",
            "{ type: NPS, narration: layout-b }",
            "mine.yaml:4:36: narration is only for a DEPOSIT with cash_flows; remove it from this NPS",
        ),
        (
            "layout-of-a-statement",
            "{ type: DEPOSIT, statement: nowhere.csv, narration: layout-b }",
            "mine.yaml:4:64: narration is only for a DEPOSIT with cash_flows; remove it, or use cash_flows in place of statement",
        ),
    ] {
        let errors = persona_errors(
            case,
            &format!("version: 1\nname: mine\ndescription: x\naccounts: [{account}]\n"),
        );
        assert!(errors.contains(expected), "{case}: {errors}");
    }
}

#[test]
fn duplicate_names_and_a_missing_statement_are_reported() {
    let persona_folder = create_folder("two-of-a-name");
    let text =
        "version: 1\nname: mine\ndescription: x\naccounts: [{ type: DEPOSIT, cash_flows: [] }]\n";
    fs::write(persona_folder.join("a.yaml"), text).expect("a file");
    fs::write(persona_folder.join("b.yaml"), text).expect("a file");
    let errors = load_personas(Some(&persona_folder))
        .expect_err("one name")
        .to_string();
    assert!(
        errors.contains("b.yaml: the name 'mine' is taken by") && errors.contains("a.yaml"),
        "{errors}"
    );
    let errors = self::persona_errors(
        "no-statement",
        &text.replace("cash_flows: []", "statement: nowhere.csv"),
    );
    assert!(
        errors.starts_with("mine.yaml:4:") && errors.contains("nowhere.csv: cannot be read"),
        "{errors}"
    );
}

const HEADER: &str = "transactionTimestamp,type,amount,currentBalance,narration,mode\n";

/// Returns the errors of a persona with one cash flow, followed by the text `rest`.
fn flow_errors(name: &str, flow: &str, rest: &str) -> String {
    persona_errors(
        name,
        &format!(
            "version: 1\nname: mine\ndescription: x\naccounts:\n  - type: DEPOSIT\n    cash_flows:\n      - {flow}\n{rest}"
        ),
    )
}

#[test]
fn invalid_amounts_and_sides_are_reported_with_what_is_allowed() {
    for (case, amount) in [
        ("words", "\"50k\""),
        ("below", "-5"),
        ("turned", "5000..100"),
    ] {
        let errors = flow_errors(case, &format!("{{ out: {amount}, by: upi }}"), "");
        assert!(
            errors.contains("mine.yaml:7:16: ") && errors.contains("rupees"),
            "{case}: {errors}"
        );
        assert!(!errors.contains("untagged"), "{case}: {errors}");
    }
    let commas = flow_errors("commas", "{ in: 5,00,000, by: upi }", "");
    assert!(
        commas.contains(
            "mine.yaml:7:17: unknown key '00' in the cash_flow; write a number without commas"
        ),
        "{commas}"
    );
    let braces = flow_errors(
        "braces",
        "{ in: 5, by: upi, purpose: \"PAY {mon} {year}\" }",
        "",
    );
    assert!(
        braces
            .contains("purpose 'PAY {mon} {year}' has a placeholder other than {month} and {year}"),
        "{braces}"
    );
    let side = "{ out: 30000..40000, day: 1, by: imps, with: myself, transfer_name: house }";
    let other = |flow: &str| format!("  - {{ type: DEPOSIT, fip: 2, cash_flows: [{flow}] }}\n");
    let alone = "transfer_name house: a transfer is an in and an out of that name in two accounts";
    assert!(flow_errors("alone", side, "").contains(alone));
    let unlike = side.replace("out:", "in:").replace("40000", "50000");
    assert!(flow_errors("unlike", side, &other(&unlike)).contains(alone));
    let random_side = side.replace("30000..40000", "{ fixed: 30000..40000 }");
    assert!(
        flow_errors(
            "drawn",
            &random_side,
            &other(&random_side.replace("out:", "in:"))
        )
        .contains("needs an amount in rupees")
    );
    assert_eq!(
        flow_errors("both", side, &other(&side.replace("out:", "in:"))),
        ""
    );
}

pub(crate) fn load_with_statement(
    name: &str,
    file: &str,
    statement: &str,
) -> Result<PersonaInstance, String> {
    let folder = create_folder(name);
    fs::write(folder.join(file), statement).expect("a file");
    let text = format!(
        "version: 1\nname: mine\ndescription: x\naccounts: [{{ type: DEPOSIT, statement: {file} }}]\n"
    );
    fs::write(folder.join("mine.yaml"), text).expect("a file");
    let personas = load_personas(Some(&folder)).map_err(|error| {
        error
            .to_string()
            .replace(&format!("{}/", folder.display()), "")
    })?;
    Ok(PersonaInstance {
        definition: Arc::clone(personas.get("mine").expect("the persona was loaded")),
        as_of: ist_midnight(2024, 6, 15).ist_date(),
    })
}

#[test]
fn a_custom_statement_is_used_unchanged() {
    let csv = format!(
        "{HEADER}2024-01-05,CREDIT,1000.00,1500.00,\"PAY, JANUARY\",NEFT\n2024-01-07T10:00:00+05:30,DEBIT,200.5,1299.50,SHOP,UPI\n\
         2024-02-01 09:30:00,DEBIT,99.5,1200,ATM,\n"
    );
    let json = r#"{"Transactions":{"Transaction":[
        {"transactionTimestamp":"2024-01-05","type":"CREDIT","amount":"1000.00","currentBalance":"1500.00","narration":"PAY, JANUARY","mode":"NEFT"},
        {"transactionTimestamp":"2024-01-07T10:00:00+05:30","type":"DEBIT","amount":200.5,"currentBalance":1299.5,"narration":"SHOP","mode":"UPI"},
        {"transactionTimestamp":"2024-02-01T09:30:00","type":"DEBIT","amount":99.5,"currentBalance":1200,"narration":"ATM"}]}}"#;
    for (name, file, text) in [
        ("own-csv", "own.csv", csv.as_str()),
        ("own-json", "own.json", json),
        (
            "own-xml",
            "own.xml",
            &own_xml("deposit", "transactionalBalance"),
        ),
        (
            "own-old-xml",
            "own.xml",
            &own_xml("deposit", "currentBalance"),
        ),
    ] {
        let life = load_with_statement(name, file, text).expect("the file is valid");
        let account = first_deposit(&life, 42, CUSTOMER);
        let query = StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2024, 1, 6),
            ist_midnight(2024, 12, 31),
        );
        let statement = query.generate_statement();
        let listed = transactions(&statement);
        let rows: Vec<_> = listed
            .rows
            .iter()
            .map(|row| (row.amount.0, row.balance.0, listed.narration(row)))
            .collect();
        assert_eq!(
            rows,
            [(20_050, 129_950, "SHOP"), (9_950, 120_000, "ATM")],
            "{file}"
        );
        assert_eq!(summary(&statement).balance.0, 120_000);
        assert_eq!(
            summary(
                &StatementQuery {
                    now: ist_midnight(2024, 1, 6),
                    ..query
                }
                .generate_statement()
            )
            .balance
            .0,
            150_000
        );
    }
}

/// Returns a document of a schema, with the rows of the other formats and this name of the balance.
fn own_xml(schema: &str, balance: &str) -> String {
    let row = |day: &str, kind: &str, amount: &str, after: &str, narration: &str| {
        format!(
            "<Transaction txnId=\"T{day}\" type=\"{kind}\" mode=\"OTHERS\" amount=\"{amount}\" {balance}=\"{after}\" \
             transactionTimestamp=\"2024-{day}T10:00:00+05:30\" narration=\"{narration}\"/>\n"
        )
    };
    format!(
        "<?xml version=\"1.0\"?>\n<Account xmlns=\"http://api.rebit.org.in/FISchema/{schema}\"><Transactions>\n{}{}{}</Transactions></Account>",
        row("01-05", "CREDIT", "1000.00", "1500.00", "PAY, JANUARY"),
        row("01-07", "DEBIT", "200.50", "1299.50", "SHOP"),
        row("02-01", "DEBIT", "99.50", "1200.00", "ATM"),
    )
}

#[test]
fn a_statement_in_xml_is_one_of_a_bank_account() {
    let text = own_xml("mutual_funds", "transactionalBalance");
    let errors = load_with_statement("own-fund", "own.xml", &text).expect_err("it is of a fund");
    assert!(
        errors.contains("own.xml:2: the document is of the schema 'http://api.rebit.org.in/FISchema/mutual_funds'; a statement is of the schema of DEPOSIT"),
        "{errors}"
    );
    let text = format!("\n\n{text}");
    let errors = load_with_statement("own-late", "own.xml", &text).expect_err("it is of a fund");
    assert!(errors.contains("own.xml:4: "), "{errors}");
    let errors = load_with_statement("own-cut", "own.xml", "<Account>").expect_err("it is cut");
    assert!(errors.contains("invalid XML"), "{errors}");
}

#[test]
fn a_statement_that_does_not_add_up_is_rejected_with_its_lines() {
    for (name, text, expected) in [
        (
            "csv-balance",
            format!("{HEADER}2024-01-05,CREDIT,10,20,A,\n2024-01-06,DEBIT,5,16,B,\n"),
            "own.csv:3: currentBalance is 16.00, but 20.00 and -5.00 make 15.00",
        ),
        (
            "csv-order",
            format!("{HEADER}2024-01-05,CREDIT,10,20,A,\n2024-01-04,DEBIT,5,15,B,\n"),
            "own.csv:3: 2024-01-04 follows 2024-01-05; sort the rows by time, oldest first",
        ),
        (
            "csv-field",
            format!("{HEADER}2024-13-05,CREDITED,1.234,20,A,PIGEON\n"),
            "own.csv:2: type 'CREDITED' is not CREDIT or DEBIT",
        ),
        (
            "csv-header",
            "date,amount\n".to_owned(),
            "own.csv:1: the header lacks type, transactionalBalance",
        ),
        (
            "csv-empty",
            HEADER.to_owned(),
            "own.csv: the file has no rows",
        ),
        (
            "csv-windows",
            format!("{HEADER}2024-01-05,CREDIT,10,20,A,\n2024-01-06,DEBIT,5,16,B,\n")
                .replace('\n', "\r\n"),
            "own.csv:3: currentBalance is 16.00",
        ),
        (
            "csv-comma",
            format!("{HEADER}2024-01-05,CREDIT,10,20,A,B,\n2024-01-06,CREDIT,\"5,000\",5,B,\n"),
            "own.csv:2: the row has 7 fields, but the header has 6; quote a text that contains a comma, write amounts without commas\n\
             own.csv:3: amount '5,000' is not an amount above 0, such as 1250.50, without commas",
        ),
        (
            // A row that could not be read does not cause errors in later rows.
            "csv-gap",
            format!(
                "{HEADER}2024-01-05,CREDIT,10,20,A,\n2024-01-06,DEBIT,x,16,B,\n2024-01-07,DEBIT,5,99,C,\n"
            ),
            "own.csv:3: amount 'x' is not an amount above 0, such as 1250.50, without commas and with at most two decimals",
        ),
    ] {
        let errors = load_with_statement(name, "own.csv", &text).expect_err("the file is invalid");
        assert!(errors.contains(expected), "{name}: {errors}");
    }
    let result = load_with_statement(
        "csv-several",
        "own.csv",
        &format!("{HEADER}2024-13-05,CREDITED,1.234,20,A,PIGEON\n"),
    );
    let errors = result.expect_err("the file is invalid");
    for field in ["type", "amount", "transactionTimestamp", "mode"] {
        assert!(errors.contains(&format!("{field} '")), "{field}: {errors}");
    }
}
