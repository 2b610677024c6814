//! GST returns: documents that the official schema accepts, figures that agree with each other, and
//! the recorded shape of the Unaport tab.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use mockaa::internals::domain::account::FiType;
use mockaa::internals::domain::document::Element;
use mockaa::internals::domain::money::Paise;
use mockaa::internals::domain::participants::FiSchema;
use mockaa::internals::domain::persona::PersonaInstance;
use mockaa::internals::domain::statement::{SentStatement, Statement, StatementBody};
use mockaa::internals::domain::statement_writer::StatementWriter;
use mockaa::internals::domain::terms::{
    ConsentType, DataFilter, FilterCriterion, FilterOperator, TransactionType,
};
use mockaa::internals::domain::time::Timestamp;
use mockaa::internals::export::list_element_sheets;
use mockaa::internals::wire::fi::csv::{CsvOptions, CsvWriter};
use mockaa::internals::wire::fi::form::form_statement;
use mockaa::internals::wire::fi::json::{JsonDialect, JsonWriter};
use mockaa::internals::wire::fi::tabs::Tabs;
use mockaa::internals::wire::fi::xml;
use serde_json::Value;

use crate::skip::report_skip;
use crate::{
    CUSTOMER, StatementQuery, ist_midnight, list_accounts, load_shipped_personas, shipped_life,
};

/// Generates the returns of a persona that were filed from 2021 to 2023; `None` if it has no
/// registration.
fn generate_returns(life: &PersonaInstance, seed: u64) -> Option<Statement> {
    generate_returns_between(
        life,
        seed,
        (ist_midnight(2021, 1, 1), ist_midnight(2024, 1, 1)),
        &[],
    )
}

fn generate_returns_between(
    life: &PersonaInstance,
    seed: u64,
    (from, to): (Timestamp, Timestamp),
    filters: &[DataFilter],
) -> Option<Statement> {
    let account = list_accounts(life, seed, CUSTOMER)
        .into_iter()
        .find(|account| account.fi_type == FiType::Gstr1_3b)?;
    let query = StatementQuery {
        seed,
        filters,
        now: ist_midnight(2024, 1, 1),
        ..StatementQuery::for_range(life, &account, from, to)
    };
    Some(query.generate_statement())
}

/// Returns the registrations of all personas with five seeds.
fn all_registrations() -> Vec<Statement> {
    let mut registrations = Vec::new();
    for name in load_shipped_personas().names() {
        let life = shipped_life(name);
        registrations.extend((0..5).filter_map(|seed| generate_returns(&life, seed)));
    }
    assert!(registrations.len() >= 10, "{}", registrations.len());
    registrations
}

fn small_business_returns() -> Statement {
    generate_returns(&shipped_life("small-business"), 42).expect("a registration")
}

fn root(statement: &Statement) -> &Element {
    match &statement.body {
        StatementBody::Other(document) => &document.root,
        StatementBody::Bank(_) => panic!("expected another kind than a bank account"),
    }
}

/// Returns the element at a path of names.
fn find<'e>(element: &'e Element, path: &[&str]) -> &'e Element {
    path.iter().fold(element, |element, name| {
        element
            .find_child(name)
            .unwrap_or_else(|| panic!("{} has no {name}", element.name))
    })
}

/// Returns an amount in an attribute; zero if the element does not have it.
fn amount(element: &Element, name: &str) -> Paise {
    element.attribute_value(name).map_or(Paise(0), |text| {
        Paise::parse(text).unwrap_or_else(|| panic!("{name}: {text}"))
    })
}

fn sum(elements: &[Element], name: &str) -> Paise {
    elements.iter().map(|element| amount(element, name)).sum()
}

/// Returns the GSTR-1 and the GSTR-3B of each month that has both.
fn monthly_returns(statement: &Statement) -> Vec<(&Element, &Element)> {
    let transactions = find(root(statement), &["Transactions"]);
    let sales_returns = &find(transactions, &["Gstr1Details"]).children;
    let tax_returns = &find(transactions, &["Gstr3bDetails"]).children;
    let period = |element: &Element| element.attribute_value("ret_prd").map(str::to_owned);
    let pairs: Vec<_> = sales_returns
        .iter()
        .filter_map(|sales| {
            let tax = tax_returns
                .iter()
                .find(|tax| period(tax) == period(sales))?;
            Some((sales, tax))
        })
        .collect();
    assert!(pairs.len() >= 24, "{}", pairs.len());
    pairs
}

fn invoices(sales_return: &Element) -> &[Element] {
    &find(sales_return, &["b2b_dtls"]).children
}

fn send(statement: &Statement) -> SentStatement {
    form_statement(statement.clone(), FiSchema::Current)
}

fn write_xml(statement: &Statement) -> String {
    let mut document = Vec::new();
    xml::write_statement(&send(statement), &mut document);
    String::from_utf8(document).expect("documents are UTF-8")
}

fn schema_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/fi-schemas/xsd-official/gstr1_3b_v1.1.0.xsd")
}

#[test]
fn returns_validate_against_the_official_schema() {
    let xmllint = Command::new("xmllint").arg("--version").output();
    if !schema_path().exists() || xmllint.is_err() {
        report_skip("../shared/fi-schemas and xmllint (Debian: libxml2-utils)");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gst-returns");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut documents: Vec<String> = all_registrations().iter().map(write_xml).collect();
    let life = shipped_life("small-business");
    let account = list_accounts(&life, 42, CUSTOMER)
        .into_iter()
        .find(|account| account.fi_type == FiType::Gstr1_3b)
        .expect("a registration");
    // A range without returns, and each part alone.
    let years = [(1990, 1991), (2021, 2022), (2021, 2022), (2021, 2022)];
    let parts: [&[ConsentType]; 4] = [
        ConsentType::ALL,
        &[ConsentType::Profile],
        &[ConsentType::Summary],
        &[ConsentType::Transactions],
    ];
    for ((from, to), consent_types) in years.into_iter().zip(parts) {
        let range = (ist_midnight(from, 1, 1), ist_midnight(to, 1, 1));
        let query = StatementQuery {
            consent_types,
            ..StatementQuery::for_range(&life, &account, range.0, range.1)
        };
        documents.push(write_xml(&query.generate_statement()));
    }
    let files: Vec<PathBuf> = (0..documents.len())
        .map(|number| folder.join(format!("{number}.xml")))
        .collect();
    for (file, document) in files.iter().zip(&documents) {
        std::fs::write(file, document).expect("a file");
    }
    let check = Command::new("xmllint")
        .args(["--noout", "--schema"])
        .arg(schema_path())
        .args(&files)
        .output()
        .expect("xmllint runs");
    let stderr = String::from_utf8_lossy(&check.stderr);
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|line| !line.ends_with(" validates"))
        .take(5)
        .collect();
    assert!(check.status.success(), "{}", errors.join("\n"));
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn invoices_add_up_and_their_tax_is_that_of_the_place() {
    let (mut inter_state_count, mut local_count) = (0, 0);
    for statement in &all_registrations() {
        let home = find(root(statement), &["Profile", "PlaceofBusiness", "Address"])
            .attribute_value("stcd")
            .expect("a state");
        for (sales, _) in monthly_returns(statement) {
            let mut numbers = HashSet::new();
            for invoice in invoices(sales) {
                let items = &find(invoice, &["itm_det"]).children;
                let [value, integrated, central, state] =
                    ["txval", "iamt", "camt", "samt"].map(|name| sum(items, name));
                assert_eq!(
                    amount(invoice, "val"),
                    value + integrated + central + state,
                    "{invoice:?}"
                );
                assert_eq!(central, state);
                let place = invoice.attribute_value("pos").expect("a place");
                if place == home {
                    local_count += 1;
                    assert!(integrated == Paise(0) && central > Paise(0), "{invoice:?}");
                } else {
                    inter_state_count += 1;
                    assert!(central == Paise(0) && integrated > Paise(0), "{invoice:?}");
                }
                let customer = invoice.attribute_value("ctin").expect("a customer");
                assert!(
                    customer.starts_with(&format!("{place}XXXXXXXXXX")) && customer.len() == 15,
                    "{customer}"
                );
                let number = invoice.attribute_value("inum").expect("a number");
                assert!(number.len() <= 16 && numbers.insert(number), "{number}");
                let date = invoice
                    .attribute_value("idt")
                    .expect("a date")
                    .replace('-', "");
                assert_eq!(sales.attribute_value("ret_prd"), Some(&date[2..]));
            }
            assert!(numbers.len() >= 6, "{}", numbers.len());
        }
    }
    assert!(inter_state_count > 100 && local_count > inter_state_count);
}

#[test]
fn the_tax_return_declares_the_invoices_and_the_retail_sales() {
    let mut composition_count = 0;
    for statement in &all_registrations() {
        for (sales, tax) in monthly_returns(statement) {
            let supplies = find(tax, &["sup_details", "osup_det"]);
            let items: Vec<Element> = invoices(sales)
                .iter()
                .flat_map(|invoice| find(invoice, &["itm_det"]).children.clone())
                .collect();
            let retail = &find(tax, &["sup_inter", "unreg_details_list"]).children;
            assert!(!retail.is_empty());
            assert_eq!(
                amount(supplies, "iamt"),
                sum(&items, "iamt") + sum(retail, "iamt")
            );
            assert_eq!(amount(supplies, "camt"), amount(supplies, "samt"));
            assert!(amount(supplies, "camt") > sum(&items, "camt"));
            // 70 % of the sales are to registered customers, in whole rupees.
            let expected = Paise::from_rupees(amount(supplies, "txval").0 / 100 * 70 / 100);
            assert_eq!(sum(&items, "txval"), expected);
            for row in &find(tax, &["sup_inter", "comp_details_list"]).children {
                composition_count += 1;
                assert!(amount(row, "iamt") <= sum(&items, "iamt"), "{row:?}");
            }
        }
    }
    assert!(composition_count > 0);
}

/// Computes the check character of the first 14 characters of a GSTIN: each is a digit to the base
/// of 36, from the left multiplied by 1 and 2 in turn, and the two digits of each product are added.
fn check_character(body: &str) -> char {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    assert_eq!(body.len(), 14, "{body}");
    let mut sum = 0;
    for (index, character) in body.bytes().enumerate() {
        let value = DIGITS.iter().position(|digit| *digit == character);
        let product = value.unwrap_or_else(|| panic!("{body}")) * (1 + index % 2);
        sum += product / 36 + product % 36;
    }
    char::from(DIGITS[(36 - sum % 36) % 36])
}

/// The number of a registration belongs to the PAN of the holder, which is hidden in it: its check
/// character is that of the whole number.
#[test]
fn a_registration_has_the_check_character_of_its_holders_pan() {
    // The number that validators of GSTINs use as their example.
    assert_eq!(check_character("27AAPFU0939F1Z"), 'V');
    let mut customer_checks = HashSet::new();
    for statement in &all_registrations() {
        let masked = root(statement)
            .attribute_value("maskedGstinNumber")
            .expect("a number");
        let holder = &statement.holders.as_ref().expect("the holders").first;
        assert_eq!(&masked[2..12], "XXXXXXXXXX");
        assert_eq!(&masked[13..14], "Z");
        let body = format!("{}{}{}", &masked[..2], holder.pan, &masked[12..14]);
        assert!(
            masked.ends_with(check_character(&body)),
            "{masked} of {}",
            holder.pan
        );
        let business = find(root(statement), &["Profile", "BusinessDetails"]);
        assert_eq!(
            business.attribute_value("lgnm"),
            Some(&*holder.name),
            "the legal name is that of the holder"
        );
        for (sales, _) in monthly_returns(statement) {
            for invoice in invoices(sales) {
                let customer = invoice.attribute_value("ctin").expect("a customer");
                customer_checks.insert(customer.to_owned());
            }
        }
    }
    assert!(customer_checks.len() > 10, "{customer_checks:?}");
}

#[test]
fn cash_and_credit_pay_the_tax_that_is_due() {
    let (mut late_count, mut on_time_count) = (0, 0);
    for statement in &all_registrations() {
        for (_, tax) in monthly_returns(statement) {
            let credit = find(tax, &["itc_elg"]);
            let net = find(credit, &["itc_net"]);
            let available = &find(credit, &["itc_avl_list"]).children;
            let reversed = &find(credit, &["itc_rev_list"]).children;
            for name in ["iamt", "camt", "samt", "csamt"] {
                let expected = sum(available, name) - sum(reversed, name);
                assert_eq!(amount(net, name), expected, "{name}");
            }
            let due = &find(tax, &["tx_pmt", "tx_py_list"]).children;
            let cash = &find(tax, &["pdcash_dtls", "pdcash_list"]).children;
            let used = find(tax, &["pdcash_dtls", "pditc"]);
            let kinds = [
                ("igst", "ipd", "i_intrpd", &["i_pdi", "i_pdc", "i_pds"][..]),
                ("cgst", "cpd", "c_intrpd", &["c_pdi", "c_pdc"]),
                ("sgst", "spd", "s_intrpd", &["s_pdi", "s_pds"]),
                ("cess", "cspd", "cs_intrpd", &["cs_pdcs"]),
            ];
            for (kind, cash_name, interest_name, used_names) in kinds {
                let due: Vec<Element> = due.iter().map(|row| find(row, &[kind]).clone()).collect();
                let used: Paise = used_names.iter().map(|name| amount(used, name)).sum();
                assert_eq!(sum(cash, cash_name) + used, sum(&due, "tx"), "{kind}");
                assert_eq!(sum(cash, interest_name), sum(&due, "intr"), "{kind}");
            }
            let supplies = find(tax, &["sup_details"]);
            let declared = ["osup_det", "isup_rev"].map(|name| find(supplies, &[name]).clone());
            for (kind, name) in [("igst", "iamt"), ("cgst", "camt"), ("sgst", "samt")] {
                let due: Vec<Element> = due.iter().map(|row| find(row, &[kind]).clone()).collect();
                assert_eq!(sum(&due, "tx"), sum(&declared, name), "{kind}");
            }
            let fee = amount(find(tax, &["intr_ltfee", "ltfee_details"]), "camt");
            assert_eq!(fee, sum(cash, "c_lfeepd"));
            let filed_on = tax.attribute_value("dof").expect("a date");
            let day: i64 = filed_on[8..].parse().expect("a day");
            assert_eq!(
                fee,
                Paise::from_rupees(25 * (day - 20).max(0)),
                "{filed_on}"
            );
            if day > 20 {
                late_count += 1;
            } else {
                on_time_count += 1;
            }
        }
    }
    assert!(late_count > 0 && on_time_count > late_count);
}

#[test]
fn no_more_credit_is_used_than_there_is() {
    let life = shipped_life("small-business");
    for seed in 0..5 {
        let range = (ist_midnight(2016, 1, 1), ist_midnight(2024, 1, 1));
        let statement = generate_returns_between(&life, seed, range, &[]).expect("a registration");
        let mut balance = Paise(0);
        let returns = find(root(&statement), &["Transactions", "Gstr3bDetails"]);
        for tax in &returns.children {
            let net = find(tax, &["itc_elg", "itc_net"]);
            balance += ["iamt", "camt", "samt"]
                .iter()
                .map(|name| amount(net, name))
                .sum();
            let used = find(tax, &["pdcash_dtls", "pditc"]);
            let names = [
                "i_pdi", "i_pdc", "i_pds", "c_pdi", "c_pdc", "s_pdi", "s_pds",
            ];
            let used: Paise = names.iter().map(|name| amount(used, name)).sum();
            assert!(used > Paise(0));
            balance = balance - used;
            assert!(balance >= Paise(0), "{tax:?}");
        }
    }
}

#[test]
fn ranges_and_filters_select_returns() {
    let life = shipped_life("small-business");
    let count = |statement: &Statement, name| {
        find(root(statement), &["Transactions", name])
            .children
            .len()
    };
    let year = (ist_midnight(2022, 1, 1), ist_midnight(2023, 1, 1));
    let all = generate_returns_between(&life, 42, year, &[]).expect("a registration");
    assert_eq!(count(&all, "Gstr1Details"), 12);
    assert_eq!(count(&all, "Gstr3bDetails"), 12);
    let credits_only = [DataFilter {
        operator: FilterOperator::Equal,
        criterion: FilterCriterion::Type(TransactionType::Credit),
        value: "CREDIT".into(),
        is_json_string: true,
    }];
    let sales = generate_returns_between(&life, 42, year, &credits_only).expect("a registration");
    assert_eq!(count(&sales, "Gstr1Details"), 12);
    assert_eq!(count(&sales, "Gstr3bDetails"), 0);
}

/// Returns the tab of registrations as an FIU of the Unaport API receives it.
fn fetch_tab(statements: &[Statement]) -> Value {
    let statements: Vec<_> = statements.iter().map(send).collect();
    let tabs = Tabs::without_session(&statements, ist_midnight(2024, 1, 1));
    serde_json::to_value(tabs).expect("it is JSON")["GSTR1_3B"].clone()
}

/// Returns the path of each key in document order, with `null`, `text` or `list` for its value;
/// the contents of lists are left out.
fn list_keys(value: &Value, path: &str, keys: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match value {
            Value::Object(_) => list_keys(value, &path, keys),
            Value::Array(_) => keys.push(format!("{path} list")),
            Value::Null => keys.push(format!("{path} null")),
            _ => keys.push(format!("{path} text")),
        }
    }
}

#[test]
fn the_tab_has_the_keys_of_the_recorded_one_in_its_order() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/unaport/collection.json");
    let Ok(collection) = std::fs::read_to_string(path) else {
        report_skip("../shared/unaport");
        return;
    };
    let collection: Value = serde_json::from_str(&collection).expect("it is JSON");
    let recorded = find_recorded_tab(&collection).expect("the collection has this tab");
    let mut recorded_keys = Vec::new();
    list_keys(&recorded, "", &mut recorded_keys);
    // The recorded registration has neither returns nor a floor number.
    let life = shipped_life("small-business");
    let range = (ist_midnight(2010, 1, 1), ist_midnight(2011, 1, 1));
    let has_equal_keys = (0..20).any(|seed| {
        let statement = generate_returns_between(&life, seed, range, &[]).expect("a registration");
        let mut keys = Vec::new();
        list_keys(&fetch_tab(&[statement]), "", &mut keys);
        let without_nulls = |keys: &[String]| -> Vec<String> {
            keys.iter()
                .map(|key| key.replace("floorNumber null", "floorNumber text"))
                .collect()
        };
        assert_eq!(without_nulls(&keys), without_nulls(&recorded_keys));
        keys == recorded_keys
    });
    assert!(has_equal_keys, "a seed without a floor number");
}

/// Returns the recorded tab from a response in the collection.
fn find_recorded_tab(value: &Value) -> Option<Value> {
    match value {
        Value::Object(fields) => fields.values().find_map(find_recorded_tab),
        Value::Array(items) => items.iter().find_map(find_recorded_tab),
        Value::String(text) if text.contains("GSTR1_3B0") => {
            let body: Value = serde_json::from_str(text).ok()?;
            Some(body["GSTR1_3B"].clone())
        }
        _ => None,
    }
}

#[test]
fn the_tab_has_the_recorded_words_and_the_returns_in_camel_case() {
    let tab = fetch_tab(&[small_business_returns(), small_business_returns()]);
    let names: Vec<&String> = tab.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["GSTR1_3B0", "GSTR1_3B1"]);
    let registration = &tab["GSTR1_3B0"];
    let business = &registration["profile"]["businessDetails"];
    assert_eq!(business["dty"], "TP");
    assert_eq!(business["sts"], "A");
    assert_eq!(business["iscmp"], "No");
    assert_eq!(
        business["categoryList"],
        serde_json::json!({ "catList": ["NA"] })
    );
    let transactions = &registration["transactions"];
    let names: Vec<&String> = transactions
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    assert_eq!(names, ["gstr1Details", "gstr3bDetails"], "no dates");
    let sales = &transactions["gstr1Details"]["gstr1DetailsList"][0];
    let names: Vec<&String> = sales.as_object().expect("an object").keys().collect();
    assert_eq!(
        names,
        ["retPrd", "dof", "filingFrequency", "status", "b2bDtls"]
    );
    assert!(sales["b2bDtls"]["b2b"][0]["itmDet"]["itm"][0]["txval"].is_string());
    let tax = &transactions["gstr3bDetails"]["gstr3bList"][0];
    let names: Vec<&String> = tax.as_object().expect("an object").keys().collect();
    let expected = [
        "retPrd",
        "dof",
        "filingFrequency",
        "status",
        "supDetails",
        "supInter",
        "ecoDtls",
        "itcElg",
        "inwardSup",
        "intrLtfee",
        "txPmt",
        "pdcashDtls",
    ];
    assert_eq!(names, expected);
    let uin_list = &tax["supInter"]["uinDetailsList"];
    assert_eq!(*uin_list, serde_json::json!({ "uinDetails": null }));
    assert_eq!(tax["itcElg"]["itcAvlList"]["itcAvl"][4]["type"], "OTH");
    assert!(tax["pdcashDtls"]["pditc"]["iPdi"].is_string());
}

#[test]
fn json_keeps_the_names_of_the_schema_and_lists_of_texts() {
    let sent = send(&small_business_returns());
    let StatementBody::Other(document) = &sent.body else {
        panic!("expected another kind than a bank account")
    };
    let mut out = Vec::new();
    let mut writer = JsonWriter::new(FiSchema::Current, JsonDialect::Schema);
    writer.write_document(&sent, document, &mut out);
    let json: Value = serde_json::from_slice(&out).expect("it is JSON");
    let profile = &json["Account"]["Profile"];
    assert_eq!(
        profile["BusinessDetails"]["CategoryList"],
        serde_json::json!({ "cat": ["NA"] })
    );
    assert_eq!(
        profile["PlaceofBusiness"]["Address"]["NatureOfBusinessList"],
        serde_json::json!({ "ntr": ["WHOLESALE_BUSINESS"] })
    );
    let returns = &json["Account"]["Transactions"]["Gstr1Details"]["gstr1"];
    assert!(returns[0]["b2b_dtls"]["b2b"][0]["inum"].is_string());
}

#[test]
fn texts_are_escaped_in_xml() {
    let mut statement = small_business_returns();
    if let StatementBody::Other(document) = &mut statement.body {
        document.root =
            Element::new("Account").with_children([Element::new_text("cat", "Goods & <Services>")]);
    }
    let sent = SentStatement {
        statement,
        schema: FiSchema::Current,
        has_prefix: false,
    };
    let mut document = Vec::new();
    xml::write_statement(&sent, &mut document);
    let document = String::from_utf8(document).expect("documents are UTF-8");
    assert!(
        document.ends_with("<Account><cat>Goods &amp; &lt;Services&gt;</cat></Account>"),
        "{document}"
    );
}

/// Returns the blocks of a CSV file: a header and its records.
fn csv_blocks(statement: &Statement) -> Vec<(Vec<String>, Vec<Vec<String>>)> {
    let StatementBody::Other(document) = &statement.body else {
        panic!("expected another kind than a bank account")
    };
    let mut out = Vec::new();
    let mut writer = CsvWriter::new(FiSchema::Current, CsvOptions::default());
    writer.write_document(statement, document, &mut out);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(&out[..]);
    let mut blocks: Vec<(Vec<String>, Vec<Vec<String>>)> = Vec::new();
    for record in reader.records() {
        let record: Vec<String> = record
            .expect("a record")
            .iter()
            .map(str::to_owned)
            .collect();
        if record[0] == "element" {
            blocks.push((record, Vec::new()));
        } else {
            let (header, rows) = blocks.last_mut().expect("a header comes first");
            assert_eq!(record.len(), header.len(), "{record:?}");
            rows.push(record);
        }
    }
    blocks
}

#[test]
fn csv_and_sheets_have_every_figure_with_its_period() {
    let statement = small_business_returns();
    let transactions = find(root(&statement), &["Transactions"]);
    let invoice_count: usize = find(transactions, &["Gstr1Details"])
        .children
        .iter()
        .map(|sales| invoices(sales).len())
        .sum();
    let blocks = csv_blocks(&statement);
    let block = |name: &str| {
        blocks
            .iter()
            .find(|(_, rows)| rows[0][0] == name)
            .unwrap_or_else(|| panic!("no block {name}"))
    };
    let (header, rows) = block("b2b");
    assert_eq!(header[..5], ["element", "ret_prd", "ctin", "inum", "idt"]);
    assert_eq!(rows.len(), invoice_count);
    let (header, rows) = block("itm");
    let columns = [
        "element", "ret_prd", "inum", "txval", "iamt", "camt", "samt", "csamt",
    ];
    assert_eq!(*header, columns);
    assert!(rows.len() >= invoice_count);
    let (header, _) = block("cgst");
    assert_eq!(
        *header,
        ["element", "ret_prd", "trans_desc", "intr", "tx", "fee"]
    );
    let (header, rows) = block("osup_det");
    assert_eq!(header[1], "ret_prd");
    assert_eq!(
        rows.len(),
        find(transactions, &["Gstr3bDetails"]).children.len()
    );
    let sent = send(&statement);
    let StatementBody::Other(document) = &sent.body else {
        panic!("expected another kind than a bank account")
    };
    let sheets = list_element_sheets(&sent, document);
    for (header, rows) in &blocks {
        let name = format!("GSTR1_3B {}", rows[0][0]);
        let sheet = sheets.iter().find(|sheet| sheet.name == name);
        let sheet = sheet.unwrap_or_else(|| panic!("no sheet {name}"));
        assert_eq!(sheet.columns[0], "Account");
        assert_eq!(sheet.columns[1..], header[1..], "{name}");
        assert_eq!(sheet.rows.len(), rows.len(), "{name}");
    }
    for name in ["cat", "ntr"] {
        let name = format!("GSTR1_3B {name}");
        assert!(sheets.iter().any(|sheet| sheet.name == name), "{name}");
    }
}
