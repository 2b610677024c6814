//! Checks of every document of every FI type against ReBIT's own schemas, which are not part of the
//! repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use mockaa::internals::bankgen::is_supported;
use mockaa::internals::domain::account::FiType;
use mockaa::internals::domain::participants::FiSchema;
use mockaa::internals::domain::statement::Statement;
use mockaa::internals::domain::terms::ConsentType;
use mockaa::internals::wire::fi::xml;
use rsa::sha2::{Digest, Sha256};

use crate::skip::report_skip;
use crate::{
    CUSTOMER, StatementQuery, first_deposit, ist_midnight, list_accounts, load_shipped_personas,
    shipped_life, transactions,
};

fn write_document(statement: &Statement, schema: FiSchema) -> String {
    let mut document = Vec::new();
    xml::write_statement(statement, schema, &mut document);
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
            let document = write_document(&query.generate_statement(), FiSchema::V1);
            let hash = format!("{:x}", Sha256::digest(document.as_bytes()));
            let (kind, bytes) = (account.fi_type, document.len());
            listing += &format!(
                "{name:22} {kind:20} {bytes:7} bytes, SHA-256 {}…\n",
                &hash[..16]
            );
        }
    }
    insta::assert_snapshot!(listing);
}

/// Returns the path of the schema of an FI type: unaltered for deposits; for the others with
/// repeatable leaf elements, of which the published schemas allow only one each.
fn schema_path(fi_type: FiType) -> Option<PathBuf> {
    let folder = match fi_type {
        FiType::Deposit | FiType::TermDeposit | FiType::RecurringDeposit => "xsd",
        // Its schema is of another folder and version: see `gst`.
        FiType::Gstr1_3b => return None,
        _ => "xsd-repeatable",
    };
    let name = fi_type.as_str().to_lowercase();
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/rebit/{folder}/{name}.xsd")))
}

/// Validates the complete documents of all personas' accounts, and each part of a deposit
/// separately.
fn validate_documents(seeds: std::ops::Range<u64>) {
    let xmllint = Command::new("xmllint").arg("--version").output();
    let has_schemas = schema_path(FiType::Deposit).expect("a schema").exists();
    if !has_schemas || xmllint.is_err() {
        report_skip("../shared/rebit/xsd and xmllint (Debian: libxml2-utils)");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("documents-{}", seeds.end));
    std::fs::create_dir_all(&folder).expect("a folder");
    let parts: [&[ConsentType]; 4] = [
        ConsentType::ALL,
        &[ConsentType::Profile],
        &[ConsentType::Summary],
        &[ConsentType::Transactions],
    ];
    let mut kinds = std::collections::BTreeMap::<FiType, Vec<PathBuf>>::new();
    let mut count = 0;
    for name in load_shipped_personas().names() {
        let life = shipped_life(name);
        for seed in seeds.clone() {
            for account in list_accounts(&life, seed, CUSTOMER) {
                if !is_supported(seed, CUSTOMER, &life, &account)
                    || schema_path(account.fi_type).is_none()
                {
                    continue;
                }
                let months = if name == "huge-statement" { 1 } else { 14 };
                let requested_parts = if account.fi_type == FiType::Deposit && seed < 2 {
                    &parts[..]
                } else {
                    &parts[..1]
                };
                for consent_types in requested_parts {
                    let to = ist_midnight(2023, 1, 1).saturating_add_months(months);
                    let query = StatementQuery {
                        seed,
                        consent_types,
                        now: ist_midnight(2024, 5, 5),
                        ..StatementQuery::for_range(&life, &account, ist_midnight(2023, 1, 1), to)
                    };
                    count += 1;
                    let file = folder.join(format!("{count}.xml"));
                    std::fs::write(
                        &file,
                        write_document(&query.generate_statement(), FiSchema::V1),
                    )
                    .expect("a file");
                    kinds.entry(account.fi_type).or_default().push(file);
                }
            }
        }
    }
    assert_eq!(kinds.len(), 18, "every kind that has a schema");
    let mut failures = String::new();
    for (kind, files) in &kinds {
        for files in files.chunks(500) {
            let schema = schema_path(*kind).expect("a schema");
            let check = Command::new("xmllint")
                .arg("--noout")
                .arg("--schema")
                .arg(&schema)
                .args(files)
                .output();
            let check = check.expect("xmllint runs");
            let stderr = String::from_utf8_lossy(&check.stderr);
            let wrong: Vec<&str> = stderr
                .lines()
                .filter(|line| !line.ends_with(" validates"))
                .take(5)
                .collect();
            if !check.status.success() {
                failures += &format!("{kind}:\n{}\n", wrong.join("\n"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn documents_validate_against_the_schemas() {
    validate_documents(0..5);
}

/// The longer run: `cargo test --release --test data -- --ignored`.
#[test]
#[ignore = "takes minutes; run separately"]
fn documents_of_two_hundred_seeds_validate_against_the_schemas() {
    validate_documents(0..200);
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
        write_document(&statement, FiSchema::V1),
        write_document(&statement, FiSchema::V2),
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
    let v2 = write_document(&statement, FiSchema::V2);
    assert!(
        v2.contains("currency=\"INR\" currentBalance=\"") && v2.contains("transactionalBalance=\""),
        "{v2}"
    );
    let (old, other) = ("currentValue", " balance=");
    assert!(!v2.contains(old) && !v2.contains(other), "{v2}");
}

/// Validates against schemas of our own, which were written from public sources. ReBIT's are not
/// public as files.
#[test]
fn version_two_of_the_deposits_is_valid_against_our_schemas() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        report_skip("xmllint (Debian: libxml2-utils)");
        return;
    }
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fi-schemas-2.0.0");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("documents-2.0.0");
    std::fs::create_dir_all(&folder).expect("a folder");
    let fi_types = [
        FiType::Deposit,
        FiType::TermDeposit,
        FiType::RecurringDeposit,
    ];
    for fi_type in fi_types {
        let mut documents = Vec::new();
        for persona in ["salaried", "pensioner", "small-business"] {
            let life = shipped_life(persona);
            let accounts = list_accounts(&life, 42, CUSTOMER);
            for account in accounts.iter().filter(|account| account.fi_type == fi_type) {
                let range = (ist_midnight(2023, 1, 1), ist_midnight(2024, 1, 1));
                let statement = StatementQuery::for_range(&life, account, range.0, range.1)
                    .generate_statement();
                let name = format!("{}-{}.xml", fi_type.as_str(), documents.len());
                let path = folder.join(name);
                std::fs::write(&path, write_document(&statement, FiSchema::V2)).expect("a file");
                documents.push(path);
            }
        }
        assert!(!documents.is_empty(), "{fi_type}");
        let schema = schemas.join(format!("{}.xsd", fi_type.as_str().to_lowercase()));
        let result = Command::new("xmllint")
            .args(["--noout", "--schema"])
            .arg(schema)
            .args(documents)
            .output()
            .expect("xmllint runs");
        assert!(
            result.status.success(),
            "{}",
            String::from_utf8_lossy(&result.stderr)
        );
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
            write_document(&statement, FiSchema::V1).contains("<Transactions"),
            empty,
            "{kind}"
        );
    }
}
