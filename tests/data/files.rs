//! Custom personas and statements: a valid file is used unchanged, an error is reported with its
//! position.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mockaa::internals::config::personas::load_personas;
use mockaa::internals::domain::participants::FiSchema;
use mockaa::internals::domain::persona::PersonaInstance;
use mockaa::internals::domain::statement::SentStatement;
use mockaa::internals::domain::statement_writer::write_statement;
use mockaa::internals::wire::fi::form::form_statement;
use mockaa::internals::wire::fi::json::{JsonDialect, JsonWriter};
use mockaa::internals::wire::fi::tabs::Tabs;
use mockaa::internals::wire::fi::xml;

use crate::{
    CUSTOMER, StatementQuery, first_deposit, ist_midnight, shipped_life, summary, transactions,
};

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

/// A statement with all parts, in XML of the current generation.
const WHOLE_XML: &str = r#"<Account xmlns="http://api.rebit.org.in/FISchema/deposit" type="deposit" version="2.0.0" maskedAccNumber="XX42" linkedAccRef="L">
<Profile><Holders type="JOINT">
<Holder name="First Holder" dob="1980-02-03" mobile="919000000001" landline="0112345" email="first@example.in" pan="ZZZPH0001A" address="1, Test Road" nominee="NOT-REGISTERED" ckycRegistered="NO_DATA_AVAILABLE"/>
<Holder name="Second Holder"/>
<Holder name="Third Holder" nickname="T"/>
</Holders></Profile>
<Summary currentBalance="1200.00" currency="INR" balanceDateTime="2024-02-01T10:00:00+05:30" accountType="NRE" accountSubType="SAVINGS" branch="Test Branch" ifsc="TEST0000042" micrCode="999000042" openingDate="2011-04-05" currentODLimit="5000.00" drawingLimit="5000.00" facility="OVERDRAFT" status="INACTIVE"><PendingTxns><PendingTxn transactionType="DEBIT" amount="5.00"/></PendingTxns></Summary>
<Transactions startDate="2024-01-01" endDate="2024-02-01">
<Transaction txnId="S/1" type="CREDIT" mode="NEFT" amount="1000.00" transactionalBalance="1500.00" transactionTimestamp="2024-01-05T10:00:00+05:30" valueDate="2024-01-08" narration="PAY" reference="REF-1"/>
<Transaction txnId="S/2" type="DEBIT" mode="ATM" amount="300.00" transactionalBalance="1200.00" transactionTimestamp="2024-02-01T09:30:00+05:30" valueDate="2024-02-01" narration="ATM" reference=""/>
</Transactions></Account>"#;

fn whole_statement() -> (PersonaInstance, SentStatement) {
    let life = load_with_statement("whole", "own.xml", WHOLE_XML).expect("the file is valid");
    let sent = send_statement(&life);
    (life, sent)
}

/// Returns the statement of the year 2024 of the only account.
fn send_statement(life: &PersonaInstance) -> SentStatement {
    let account = first_deposit(life, 42, CUSTOMER);
    let query = StatementQuery::for_range(
        life,
        &account,
        ist_midnight(2024, 1, 1),
        ist_midnight(2024, 12, 31),
    );
    form_statement(query.generate_statement(), FiSchema::Current)
}

fn write_xml(sent: &SentStatement) -> String {
    let mut xml = Vec::new();
    xml::write_statement(sent, &mut xml);
    String::from_utf8(xml).expect("documents are UTF-8")
}

/// The names of attributes that follow from the sandbox's account, or are not kept.
fn blank_references(xml: &str) -> String {
    let pattern = r#" (?:linkedAccRef|maskedAccNumber|nickname|startDate|endDate|xmlns:xsi|xsi:schemaLocation)="[^"]*"|<PendingTxns>.*</PendingTxns>|\n|<\?xml[^>]*>"#;
    let pattern = regex::Regex::new(pattern).expect("a pattern");
    let xml = pattern.replace_all(xml, "");
    // An empty element has two spellings, and the order of attributes is the schema's.
    let tags = regex::Regex::new(r"<(/?\w+)([^>]*?)(/?)>").expect("a pattern");
    let attributes = regex::Regex::new(r#"[\w:]+="[^"]*""#).expect("a pattern");
    let mut lines = Vec::new();
    for tag in tags.captures_iter(&xml) {
        let mut found: Vec<&str> = attributes
            .find_iter(&tag[2])
            .map(|found| found.as_str())
            .collect();
        found.sort_unstable();
        if &tag[1] != "/Summary" {
            lines.push(format!("{} {}", &tag[1], found.join(" ")));
        }
    }
    lines.join("\n")
}

#[test]
fn a_supplied_statement_keeps_its_parts() {
    let (life, sent) = whole_statement();
    let written = blank_references(&write_xml(&sent));
    // A holder without data about the registry says so.
    let expected = blank_references(WHOLE_XML).replace(
        " name=\"Second Holder\"",
        " ckycRegistered=\"NO_DATA_AVAILABLE\" name=\"Second Holder\"",
    );
    let expected = expected.replace(
        " name=\"Third Holder\"",
        " ckycRegistered=\"NO_DATA_AVAILABLE\" name=\"Third Holder\"",
    );
    assert_eq!(written, expected);
    let account = first_deposit(&life, 42, CUSTOMER);
    assert_eq!(account.account_type.as_str(), "NRE");
    let early = StatementQuery {
        now: ist_midnight(2024, 1, 20),
        ..StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2024, 1, 1),
            ist_midnight(2024, 12, 31),
        )
    };
    let summary_then = summary(&early.generate_statement()).clone();
    assert_eq!(
        (summary_then.balance.0, summary_then.balance_at),
        (150_000, ist_midnight(2024, 1, 20)),
        "before the time of the summary the balance is that of the rows"
    );
}

#[test]
fn what_a_supplied_statement_loses_is_named() {
    let folder = create_folder("lost-fields");
    fs::write(folder.join("own.xml"), WHOLE_XML).expect("a file");
    let text = "version: 1\nname: mine\ndescription: x\naccounts: [{ type: DEPOSIT, statement: own.xml }]\n";
    fs::write(folder.join("mine.yaml"), text).expect("a file");
    let personas = load_personas(Some(&folder)).expect("the files are valid");
    let notes = personas.notes().join("\n");
    let notes = notes.replace(&format!("{}/", folder.display()), "");
    assert_eq!(
        notes,
        "own.xml:5: nickname of Holder is not kept\nown.xml:7: PendingTxns of Summary is not kept"
    );
}

#[test]
fn what_a_supplied_account_in_json_loses_is_named() {
    let folder = create_folder("lost-keys");
    let json = r#"{
      "fetchedBy": "gateway",
      "account": {
        "linkedAccRef": "R1", "maskedAccNumber": "XX01", "type": "deposit", "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "riskScore": 7,
        "profile": { "rating": "A", "holders": { "type": "SINGLE", "count": 1, "holder": [
          { "name": "First Holder", "pan": "AAAPL1234C", "devices": ["x"] } ] } },
        "summary": { "currentBalance": "1000.00", "pending": { "amount": "5.00" }, "branch": "B", "branch": "C" },
        "transactions": { "startDate": "2024-01-01", "endDate": "2024-01-31", "source": "core", "transaction": [
          { "type": "CREDIT", "mode": "UPI", "amount": "1000.00", "currentBalance": "1000.00", "narration": "UPI/1",
            "transactionTimestamp": "2024-01-05T10:00:00+05:30", "valueDate": "2024-01-05", "txnId": "T1",
            "reference": "R1", "reference": "R2", "category": "salary" } ] }
      }
    }"#;
    fs::write(folder.join("own.json"), json).expect("a file");
    let text = "version: 1\nname: mine\ndescription: x\naccounts: [{ type: DEPOSIT, statement: own.json }]\n";
    fs::write(folder.join("mine.yaml"), text).expect("a file");
    let personas = load_personas(Some(&folder)).expect("the files are valid");
    let notes = personas.notes().join("\n");
    let mut named: Vec<_> = notes.lines().collect();
    named.sort_unstable();
    for (name, line) in [
        ("fetchedBy of the file is not kept", 2),
        ("riskScore of Account is not kept", 5),
        ("rating of Profile is not kept", 6),
        ("count of Holders is not kept", 6),
        ("devices of Holder is not kept", 7),
        ("pending of Summary is not kept", 8),
        ("source of Transactions is not kept", 9),
        (
            "the key 'branch' stands twice in its object, and the first value is read; so do 1 more",
            8,
        ),
        ("category of a transaction is not kept", 10),
    ] {
        let found = named.iter().find(|note| note.contains(name));
        let found = found.unwrap_or_else(|| panic!("{name}: {named:#?}"));
        assert!(found.contains(&format!("own.json:{line}:")), "{found}");
    }
    assert_eq!(named.len(), 9, "{named:#?}");
}

/// Each format that `data generate` writes is read again, and nothing is lost but what a format does not have.
#[test]
fn a_statement_comes_back_from_every_format() {
    let code = regex::Regex::new(r#"branch="[^"]*""#).expect("a pattern");
    for persona in ["joint-account", "small-business", "nri"] {
        let life = shipped_life(persona);
        let account = first_deposit(&life, 42, CUSTOMER);
        let (from, to) = (ist_midnight(2024, 1, 1), ist_midnight(2024, 6, 1));
        let query = StatementQuery::for_range(&life, &account, from, to);
        for schema in [FiSchema::Current, FiSchema::Retired] {
            let sent = form_statement(query.generate_statement(), schema);
            let original = blank_references(&write_xml(&sent));
            for (name, dialect) in [
                ("schema", JsonDialect::Schema),
                ("finvu", JsonDialect::Finvu),
                ("setu", JsonDialect::Setu),
            ] {
                let mut json = Vec::new();
                let mut writer = JsonWriter::new(schema, dialect);
                write_statement(&sent, &mut writer, &mut json);
                let json = String::from_utf8(json).expect("JSON is UTF-8");
                check_return(persona, name, &json, schema, &original);
            }
            let tabs = Tabs::without_session(std::slice::from_ref(&sent), to);
            let tabs = serde_json::to_string(&tabs).expect("it is JSON");
            // A tab has the code of the branch, not its name.
            let ifsc = &summary(&sent).ifsc;
            let branch = format!("branch=\"{}\"", &ifsc[ifsc.len() - 4..]);
            let original = code.replace_all(&original, branch.as_str());
            check_return(persona, "unaport", &tabs, schema, &original);
        }
    }
}

fn check_return(persona: &str, format: &str, text: &str, schema: FiSchema, original: &str) {
    let name = format!("back-{persona}-{format}-{schema}");
    let life = load_with_statement(&name, "own.json", text);
    let life = life.unwrap_or_else(|errors| panic!("{name}: {errors}"));
    let account = first_deposit(&life, 42, CUSTOMER);
    let (from, to) = (ist_midnight(2024, 1, 1), ist_midnight(2024, 6, 1));
    let query = StatementQuery::for_range(&life, &account, from, to);
    let sent = form_statement(query.generate_statement(), schema);
    assert_eq!(blank_references(&write_xml(&sent)), original, "{name}");
}

#[test]
fn a_file_of_a_gateway_is_of_one_account() {
    let row = |number: &str| {
        format!(
            r#"{{"tranTimestamp":"2024-01-05T00:00:00+05:30","type":"CREDIT","mode":"UPI","amount":"10","currentBalance":"{number}0","narration":"A","reference":"","accountNumber":"{number}"}}"#
        )
    };
    let tabs = format!(
        r#"{{"tabs":[{{"name":"DEPOSIT"}}],"DEPOSIT":{{"summary":[],"accountHolder":[],"transactions":[{},{}]}}}}"#,
        row("1"),
        row("2")
    );
    let errors = load_with_statement("two-tabs", "own.json", &tabs).expect_err("there are two");
    assert!(
        errors.contains("the file has the accounts '1' and '2'; a statement is of one"),
        "{errors}"
    );
    // As the second API of MoneyOne: a list, other names beside Profile, Summary and Transactions.
    let account = r#"{"linkReferenceNumber":"L","maskedAccountNumber":"XX42","fiType":"DEPOSIT","bank":"TEST",
        "Profile":{"Holders":{"type":"SINGLE","Holder":{"name":"One Holder"}}},
        "Summary":{"currentBalance":"20.00"},
        "Transactions":{"Transaction":{"txnId":"1","type":"CREDIT","mode":"UPI","amount":10.0,"currentBalance":"2.0E1","transactionTimestamp":"2024-01-05T00:00:00+05:30","narration":"A"}}}"#;
    let life = load_with_statement("one-of-list", "own.json", &format!("[{account}]"));
    let life = life.expect("there is one");
    let first = first_deposit(&life, 42, CUSTOMER);
    let query = StatementQuery::for_range(
        &life,
        &first,
        ist_midnight(2024, 1, 1),
        ist_midnight(2024, 6, 1),
    );
    let statement = query.generate_statement();
    let holders = statement.holders.as_ref().expect("the profile is kept");
    assert_eq!(holders.first.name, "One Holder");
    assert_eq!(transactions(&statement).rows[0].balance.0, 2_000);
    let two = format!("[{account},{account}]");
    let errors = load_with_statement("two-of-list", "own.json", &two).expect_err("there are two");
    assert!(errors.contains("the file has a second account"), "{errors}");
}

/// What looks wrong is an error, a note or nothing, as `check` says.
#[test]
fn a_check_may_warn_or_be_off() {
    // A bank that prints the balance of the end of the day, newest first.
    let rows = format!(
        "{HEADER}2024-01-06,DEBIT,5,12,C,\n2024-01-05,CREDIT,2,17,B,\n2024-01-05,CREDIT,10,17,A,\n"
    );
    let folder = create_folder("checks");
    fs::write(folder.join("own.csv"), rows).expect("a file");
    let load = |check: &str| {
        let text = format!(
            "version: 1\nname: mine\ndescription: x\naccounts: [{{ type: DEPOSIT, statement: own.csv{check} }}]\n"
        );
        fs::write(folder.join("mine.yaml"), text).expect("a file");
        load_personas(Some(&folder))
    };
    for strict in ["", ", check: strict"] {
        let errors = load(strict).expect_err("it is refused").to_string();
        assert!(errors.contains("make"), "{errors}");
    }
    let warned = load(", check: warn").expect("it is used");
    let notes = warned.notes().join("\n");
    for expected in [
        "own.csv:3: 2024-01-05 follows 2024-01-06",
        "own.csv:4: currentBalance is 17.00, but 17.00 and 10.00 make 27.00",
        "own.csv: the rows are sorted by time, oldest first",
    ] {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }
    let off = load(", check: off").expect("it is used");
    assert!(
        !off.notes().join("\n").contains("make"),
        "{:?}",
        off.notes()
    );
    let definition = Arc::clone(off.get("mine").expect("it was loaded"));
    let life = PersonaInstance {
        definition,
        as_of: ist_midnight(2024, 6, 15).ist_date(),
    };
    let account = first_deposit(&life, 42, CUSTOMER);
    let query = StatementQuery::for_range(
        &life,
        &account,
        ist_midnight(2024, 1, 1),
        ist_midnight(2024, 6, 1),
    );
    let statement = query.generate_statement();
    let listed = transactions(&statement);
    let texts: Vec<&str> = listed
        .rows
        .iter()
        .map(|row| listed.narration(row))
        .collect();
    assert_eq!(texts, ["A", "B", "C"]);
    let errors = load(", check: loose")
        .expect_err("it is no check")
        .to_string();
    assert!(errors.contains("strict"), "{errors}");
}

#[test]
fn implausible_statements_are_rejected_with_their_lines() {
    let header =
        "txnId,transactionTimestamp,valueDate,type,amount,currentBalance,narration,reference\n";
    let row = |id: &str, day: &str, value_day: &str, balance: &str, reference: &str| {
        format!("{id},{day},{value_day},CREDIT,10,{balance},A,{reference}\n")
    };
    for (name, rows, expected) in [
        (
            "twice-id",
            row("1", "2024-01-05", "", "10", "a") + &row("1", "2024-01-05", "", "20", "b"),
            "own.csv:3: txnId '1' is that of line 2 too",
        ),
        (
            "twice-reference",
            row("1", "2024-01-05", "", "10", "R1") + &row("2", "2024-02-05", "", "20", "R1"),
            "own.csv:3: 2 reference 'R1' is that of line 2 too, in the same direction",
        ),
        (
            "epoch",
            row("1", "1970-01-01", "", "10", ""),
            "own.csv:2: 1 1970-01-01 is no plausible date",
        ),
        (
            "far-year",
            row("1", "2204-01-01", "", "10", ""),
            "own.csv:2: 1 2204-01-01 is no plausible date",
        ),
        (
            "gap",
            row("1", "2004-01-01", "", "10", "") + &row("2", "2024-01-01", "", "20", ""),
            "own.csv:3: 2 2024-01-01 follows 2004-01-01, more than five years",
        ),
        (
            "value-date",
            row("1", "2024-01-05", "2024-05-01", "10", ""),
            "own.csv:2: 1 valueDate 2024-05-01 is more than a month",
        ),
        (
            "quote",
            row("1", "2024-01-05", "", "10", "\"") + &row("2", "2024-01-05", "", "20", ""),
            "own.csv:2: the quote that begins in this line is not closed",
        ),
    ] {
        let text = format!("{header}{rows}");
        let errors = load_with_statement(name, "own.csv", &text).expect_err("it is refused");
        assert!(errors.contains(expected), "{name}: {errors}");
    }
    let texts = row("1", "2024-01-05", "", "10", "R\u{ffff}");
    let errors = load_with_statement("texts", "own.csv", &format!("{header}{texts}"));
    let errors = errors.expect_err("no format can write it");
    assert!(
        errors.contains("own.csv:2: reference has the character U+FFFF, which XML cannot have"),
        "{errors}"
    );
    let charge = format!(
        "{header}{}{}",
        row("1", "2024-01-05", "", "10", "R1"),
        row("2", "2024-01-05", "", "12", "R1").replace("CREDIT,10", "CREDIT,2")
    );
    load_with_statement("charge", "own.csv", &charge).expect("a charge has it too");
    // Zeros are no reference, and banks use numbers again in later months.
    for (second_day, reference) in [("2024-01-05", "0000"), ("2024-02-06", "R1")] {
        let fine = row("1", "2024-01-05", "", "10", reference)
            + &row("2", second_day, "", "20", reference);
        load_with_statement("fine", "own.csv", &format!("{header}{fine}")).expect("it is fine");
    }
    let below = WHOLE_XML
        .replace("5000.00", "0.00")
        .replace("1500.00", "-1500.00")
        .replace("1200.00", "-1800.00");
    let errors = load_with_statement("below", "own.xml", &below).expect_err("it has no overdraft");
    assert!(
        errors.contains("own.xml:10: S/2 transactionalBalance -1800.00 is below 0.00, the limit of the overdraft"),
        "{errors}"
    );
    let many: String = (0..300).map(|number| format!(" a{number}=\"x\"")).collect();
    let wide = WHOLE_XML.replace("<Summary ", &format!("<Summary{many} "));
    let errors = load_with_statement("wide", "own.xml", &wide).expect_err("it is too wide");
    assert!(
        errors.contains("own.xml:7: an element has more than 256 attributes"),
        "{errors}"
    );
}

/// A row without an id has one that no row of the file has.
#[test]
fn generated_ids_are_not_those_of_the_file() {
    let rows = "txnId,transactionTimestamp,type,amount,currentBalance,narration\n\
                ,2024-01-05,CREDIT,10,10,A\n\
                M2024010500001,2024-01-05,CREDIT,10,20,B\n\
                2024010500002,2024-01-05,CREDIT,10,30,C\n\
                ,2024-01-06,CREDIT,10,40,D\n";
    let life = load_with_statement("ids", "own.csv", rows).expect("the file is valid");
    let xml = write_xml(&send_statement(&life));
    let ids = regex::Regex::new(" txnId=\"([^\"]*)\"").expect("a pattern");
    let ids: Vec<_> = ids
        .captures_iter(&xml)
        .map(|found| found[1].to_owned())
        .collect();
    let expected = [
        "M2024010500003",
        "M2024010500001",
        "2024010500002",
        "M2024010600001",
    ];
    assert_eq!(ids, expected);
}
