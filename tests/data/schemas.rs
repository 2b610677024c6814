//! Checks of every document of every FI type against ReBIT's own schemas, which are not part of the
//! repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use mockaa::internals::bankgen::is_supported;
use mockaa::internals::domain::account::FiType;
use mockaa::internals::domain::document::Element;
use mockaa::internals::domain::participants::FiSchema;
use mockaa::internals::domain::statement::{Statement, StatementBody};
use mockaa::internals::domain::terms::ConsentType;
use mockaa::internals::domain::time::Timestamp;
use mockaa::internals::export::list_element_sheets;
use mockaa::internals::wire::fi::form::form_statement;
use mockaa::internals::wire::fi::xml;
use rsa::sha2::{Digest, Sha256};

use crate::skip::report_skip;
use crate::{
    CUSTOMER, StatementQuery, first_deposit, ist_midnight, list_accounts, load_shipped_personas,
    shipped_life, transactions,
};

const GENERATIONS: [FiSchema; 2] = [FiSchema::Current, FiSchema::Retired];

fn write_document(statement: Statement, schema: FiSchema) -> String {
    let mut document = Vec::new();
    xml::write_statement(&form_statement(statement, schema), &mut document);
    String::from_utf8(document).expect("documents are UTF-8")
}

/// Hashes of the generated documents for seed 42. A deliberate change updates them in a separate
/// commit.
#[test]
fn a_seeds_bytes_are_pinned() {
    let mut listing = String::new();
    for name in load_shipped_personas()
        .names()
        .filter(|name| *name != "huge-statement")
    {
        let life = shipped_life(name);
        for account in list_accounts(&life, 42, CUSTOMER) {
            if !is_supported(42, CUSTOMER, &life, &account) {
                continue;
            }
            let query = StatementQuery {
                now: ist_midnight(2024, 7, 1),
                ..StatementQuery::for_range(
                    &life,
                    &account,
                    ist_midnight(2023, 4, 1),
                    ist_midnight(2024, 3, 31),
                )
            };
            for schema in GENERATIONS {
                let document = write_document(query.generate_statement(), schema);
                let hash = format!("{:x}", Sha256::digest(document.as_bytes()));
                let (fi_type, bytes) = (account.fi_type, document.len());
                listing += &format!(
                    "{name:22} {fi_type:20} {schema:8} {bytes:7} bytes, SHA-256 {}…\n",
                    &hash[..16]
                );
            }
        }
    }
    insta::assert_snapshot!(listing);
}

/// Returns the path of the schema of an FI type in a generation, if the generation has the type.
///
/// Of the retired generation, the published schemas of most types allow one leaf element each; their
/// copies with repeatable leaves are used.
fn schema_path(fi_type: FiType, schema: FiSchema) -> Option<PathBuf> {
    let name = fi_type.as_str().to_lowercase();
    let path = match (fi_type, schema) {
        (FiType::Gstr1_3b, _) => "fi-schemas/xsd-official/gstr1_3b_v1.1.0.xsd".to_owned(),
        // No current schema of these types is public.
        (
            FiType::Nps
            | FiType::Bonds
            | FiType::Debentures
            | FiType::GovtSecurities
            | FiType::Cp
            | FiType::Idr
            | FiType::Cis
            | FiType::Aif
            | FiType::InsurancePolicies,
            FiSchema::Current,
        )
        | (FiType::LifeInsurance | FiType::GeneralInsurance, FiSchema::Retired) => return None,
        (_, FiSchema::Current) => format!("fi-schemas/xsd/{name}.xsd"),
        (FiType::Deposit | FiType::TermDeposit | FiType::RecurringDeposit, FiSchema::Retired) => {
            format!("rebit/xsd/{name}.xsd")
        }
        (_, FiSchema::Retired) => format!("rebit/xsd-repeatable/{name}.xsd"),
    };
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    Some(shared.join(path))
}

/// The files of the documents of one FI type in one generation.
type DocumentFiles = BTreeMap<(FiType, FiSchema), Vec<PathBuf>>;

/// A range of requested data, and the present time of its request.
#[derive(Clone, Copy)]
struct RequestedRange {
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
}

/// Some years of data, in which every account has transactions.
fn usual_range() -> RequestedRange {
    let from = ist_midnight(2023, 1, 1);
    RequestedRange {
        from,
        to: from.saturating_add_months(14),
        now: ist_midnight(2024, 5, 5),
    }
}

/// Writes the complete documents of all personas' accounts in both generations, and each part of a
/// deposit separately.
fn write_documents(
    folder: &Path,
    seeds: std::ops::Range<u64>,
    range: RequestedRange,
) -> DocumentFiles {
    let parts: [&[ConsentType]; 4] = [
        ConsentType::ALL,
        &[ConsentType::Profile],
        &[ConsentType::Summary],
        &[ConsentType::Transactions],
    ];
    let mut files = DocumentFiles::new();
    let mut count = 0;
    for name in load_shipped_personas().names() {
        let life = shipped_life(name);
        let accounts = seeds.clone().flat_map(|seed| {
            let accounts = list_accounts(&life, seed, CUSTOMER).into_iter();
            accounts.map(move |account| (seed, account))
        });
        for (seed, account) in accounts {
            if !is_supported(seed, CUSTOMER, &life, &account) {
                continue;
            }
            let to = if name == "huge-statement" {
                range.to.min(range.from.saturating_add_months(1))
            } else {
                range.to
            };
            let requested_parts = if account.fi_type == FiType::Deposit && seed < 2 {
                &parts[..]
            } else {
                &parts[..1]
            };
            for consent_types in requested_parts {
                let query = StatementQuery {
                    seed,
                    consent_types,
                    now: range.now,
                    ..StatementQuery::for_range(&life, &account, range.from, to)
                };
                for schema in GENERATIONS {
                    if schema_path(account.fi_type, schema).is_none() {
                        continue;
                    }
                    count += 1;
                    let file = folder.join(format!("{count}.xml"));
                    let document = write_document(query.generate_statement(), schema);
                    std::fs::write(&file, document).expect("a file");
                    let key = (account.fi_type, schema);
                    files.entry(key).or_default().push(file);
                }
            }
        }
    }
    files
}

/// Returns whether an error of xmllint is expected: the retired schemas demand a `Summary`, which an
/// account without holdings has not, and a row in each group of the transactions of NPS.
fn is_expected_error(fi_type: FiType, error: &str) -> bool {
    let ends_at = |element: &str| {
        error.contains(&format!(
            "}}{element}': Missing child element(s). Expected is"
        )) || error.contains(&format!(
            "}}{element}': This element is not expected. Expected is"
        ))
    };
    match fi_type {
        FiType::Nps => ["1Scheme", "2Scheme", "1Investment", "2Investment"]
            .iter()
            .any(|group| ends_at(&format!("Tier{group}Transactions"))),
        FiType::Cis | FiType::Idr | FiType::Invit | FiType::Reit => {
            (ends_at("Account") || ends_at("Transactions")) && error.contains("}Summary )")
        }
        _ => false,
    }
}

/// Validates the documents of all personas with xmllint.
fn validate_documents(seeds: std::ops::Range<u64>, range: RequestedRange) {
    let xmllint = Command::new("xmllint").arg("--version").output();
    let has_schemas = GENERATIONS
        .into_iter()
        .filter_map(|schema| schema_path(FiType::Deposit, schema))
        .all(|path| path.exists());
    if !has_schemas || xmllint.is_err() {
        report_skip("../shared/rebit, ../shared/fi-schemas and xmllint (Debian: libxml2-utils)");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "documents-{}-{}",
        seeds.end,
        range.to.as_millis()
    ));
    std::fs::create_dir_all(&folder).expect("a folder");
    let documents = write_documents(&folder, seeds, range);
    let mut expected = BTreeSet::new();
    for fi_type in FiType::ALL.iter().filter(|it| **it != FiType::Other) {
        for schema in GENERATIONS {
            expected.extend(schema_path(*fi_type, schema).map(|_| (*fi_type, schema)));
        }
    }
    assert_eq!(
        documents.keys().copied().collect::<BTreeSet<_>>(),
        expected,
        "every FI type of each generation has documents"
    );
    let mut failures = String::new();
    for ((fi_type, schema), files) in &documents {
        for files in files.chunks(500) {
            let check = Command::new("xmllint")
                .arg("--noout")
                .arg("--schema")
                .arg(schema_path(*fi_type, *schema).expect("a schema"))
                .args(files)
                .output();
            let check = check.expect("xmllint runs");
            let stderr = String::from_utf8_lossy(&check.stderr);
            let wrong: Vec<&str> = stderr
                .lines()
                .filter(|line| {
                    !line.ends_with(" validates") && !line.ends_with(" fails to validate")
                })
                .filter(|line| !is_expected_error(*fi_type, line))
                .take(5)
                .collect();
            if !wrong.is_empty() {
                failures += &format!("{fi_type} {schema}:\n{}\n", wrong.join("\n"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn documents_validate_against_the_schemas() {
    validate_documents(0..5, usual_range());
}

/// Accounts hold nothing before their first purchase, and a day has few transactions or none.
#[test]
fn documents_of_early_and_short_ranges_validate_against_the_schemas() {
    for (from, to) in [
        (ist_midnight(1990, 1, 1), ist_midnight(1990, 7, 1)),
        (ist_midnight(2016, 1, 1), ist_midnight(2016, 7, 1)),
        (ist_midnight(2024, 6, 25), ist_midnight(2024, 6, 26)),
    ] {
        validate_documents(0..2, RequestedRange { from, to, now: to });
    }
}

/// The longer run: `cargo test --release --test data -- --ignored`.
#[test]
#[ignore = "takes minutes; run separately"]
fn documents_of_two_hundred_seeds_validate_against_the_schemas() {
    validate_documents(0..200, usual_range());
}

/// Version 2.0.0 renames elements and keeps every value.
#[test]
fn version_two_of_the_deposits_has_its_own_names() {
    let life = shipped_life("small-business");
    let account = first_deposit(&life, 42, CUSTOMER);
    let query = StatementQuery {
        now: ist_midnight(2024, 4, 1),
        ..StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2024, 1, 1),
            ist_midnight(2024, 4, 1),
        )
    };
    let statement = query.generate_statement();
    let (v1, v2) = (
        write_document(statement.clone(), FiSchema::Retired),
        write_document(statement.clone(), FiSchema::Current),
    );
    for (name, absent) in [
        ("version=\"2.0.0\"", "version=\"1.1\""),
        ("deposit_v2.0.0.xsd", "deposit.xsd"),
        ("ckycRegistered=\"YES\"", "ckycCompliance"),
        (
            "accountType=\"REGULAR\" accountSubType=\"CURRENT\"",
            " type=\"CURRENT\"",
        ),
        (" ifsc=\"", "ifscCode"),
        ("facility=\"OVERDRAFT\"", "facility=\"OD\""),
        ("transactionalBalance=\"", "<Transaction currentBalance"),
        ("mode=\"RTGS\"", "mode=\"FT\""),
    ] {
        assert!(v2.contains(name) && !v2.contains(absent), "{name}");
    }
    assert_eq!(
        v1.matches("<Transaction ").count(),
        v2.matches("<Transaction ").count()
    );
    assert_eq!(
        transactions(&statement).rows.len(),
        v2.matches("<Transaction ").count()
    );
    let pensioner = crate::shipped_life("pensioner");
    let term = list_accounts(&pensioner, 42, CUSTOMER)
        .into_iter()
        .find(|account| account.fi_type == FiType::TermDeposit);
    let term = term.expect("an account of this type");
    let statement = StatementQuery::for_range(
        &pensioner,
        &term,
        ist_midnight(2020, 1, 1),
        ist_midnight(2024, 4, 1),
    )
    .generate_statement();
    let v2 = write_document(statement, FiSchema::Current);
    assert!(
        v2.contains("currency=\"INR\" currentBalance=\"") && v2.contains("transactionalBalance=\""),
        "{v2}"
    );
    let (old, other) = ("currentValue", " balance=");
    assert!(!v2.contains(old) && !v2.contains(other), "{v2}");
}

/// A document is built with the names of both generations. Each name that a builder gives, beside
/// those of the account and its holders, which all FI types share, is in one of the schemas.
#[test]
fn no_generated_value_is_left_out_of_both_generations() {
    fn list_names(element: &Element, path: &str, names: &mut BTreeSet<String>) {
        let path = format!("{path}/{}", element.name);
        if !matches!(element.name, "Account" | "Holder") {
            for (name, _) in &element.attributes {
                names.insert(format!("{path}@{name}"));
            }
        }
        names.insert(path.clone());
        for child in &element.children {
            list_names(child, &path, names);
        }
    }
    let names_of = |statement: &Statement| {
        let StatementBody::Other(document) = &statement.body else {
            panic!("the account has a document");
        };
        let mut names = BTreeSet::new();
        list_names(&document.root, "", &mut names);
        names
    };
    // The FI types that share a builder.
    let builder_of = |fi_type| match fi_type {
        FiType::InsurancePolicies => FiType::LifeInsurance,
        FiType::Invit => FiType::Reit,
        FiType::Idr => FiType::Equities,
        FiType::RecurringDeposit => FiType::TermDeposit,
        other => other,
    };
    let life = shipped_life("salaried");
    let mut built = BTreeMap::<FiType, BTreeSet<String>>::new();
    let mut sent = built.clone();
    for account in list_accounts(&life, 42, CUSTOMER) {
        if account.fi_type == FiType::Deposit || !is_supported(42, CUSTOMER, &life, &account) {
            continue;
        }
        let range = (ist_midnight(2010, 1, 1), ist_midnight(2024, 1, 1));
        let statement =
            StatementQuery::for_range(&life, &account, range.0, range.1).generate_statement();
        let builder = builder_of(account.fi_type);
        let names = sent.entry(builder).or_default();
        for schema in GENERATIONS {
            names.append(&mut names_of(&form_statement(statement.clone(), schema)));
        }
        built
            .entry(builder)
            .or_default()
            .append(&mut names_of(&statement));
    }
    for (builder, names) in built {
        let lost: Vec<_> = names
            .difference(&sent[&builder])
            // GSTR1_3B has no holders, and not every type has a type of holders.
            .filter(|name| !name.starts_with("/Account/Profile/Holders"))
            .collect();
        assert_eq!(lost, [""; 0], "{builder}");
    }
}

/// A range without transactions: most schemas allow no empty list, so it is omitted; the deposit
/// schemas allow it.
#[test]
fn an_empty_range_is_written_as_the_schema_requires() {
    let life = shipped_life("salaried");
    for (kind, empty) in [
        (FiType::InsurancePolicies, false),
        (FiType::Equities, false),
        (FiType::TermDeposit, true),
    ] {
        let account = list_accounts(&life, 42, CUSTOMER)
            .into_iter()
            .find(|account| account.fi_type == kind)
            .expect("an account of this type");
        let statement = StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(1990, 1, 1),
            ist_midnight(1991, 1, 1),
        )
        .generate_statement();
        assert_eq!(
            write_document(statement, FiSchema::Retired).contains("<Transactions"),
            empty,
            "{kind}"
        );
    }
}

/// The namespace and the location of the schema are no data of an account.
#[test]
fn a_workbook_has_no_columns_of_namespaces() {
    let life = shipped_life("salaried");
    for account in list_accounts(&life, 42, CUSTOMER) {
        if !is_supported(42, CUSTOMER, &life, &account) {
            continue;
        }
        let range = (ist_midnight(2023, 1, 1), ist_midnight(2024, 1, 1));
        let statement =
            StatementQuery::for_range(&life, &account, range.0, range.1).generate_statement();
        for schema in GENERATIONS {
            let sent = form_statement(statement.clone(), schema);
            let StatementBody::Other(document) = &sent.body else {
                continue;
            };
            let sheets = list_element_sheets(&sent, document);
            let columns = sheets.iter().flat_map(|sheet| &sheet.columns);
            let of_xml: Vec<_> = columns
                .filter(|column| column.contains("xmlns") || column.contains(':'))
                .collect();
            assert_eq!(of_xml, [""; 0], "{} {schema}", account.fi_type);
        }
    }
}
