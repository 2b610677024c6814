//! Compares mockaa with a raw baseline for the same work: interleaved rounds in one run, and the
//! median of their ratios against the floors of `docs/performance.md`. Ratios are comparable across
//! machines, absolute numbers are not. The result is never asserted, since other load on the
//! machine can lower it.

mod baseline;

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use self::baseline::{Store, id_rng};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{
    EphemeralPrivateKey, PrivateKey, UnparsedPublicKey, X25519, agree_ephemeral,
};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use mockaa::internals::bankgen::{
    StatementRequest, derive_data_key, find_supplied_id, find_transaction, generate_accounts,
    generate_statement, is_supported, opening_date,
};
use mockaa::internals::config::personas::load_personas;
use mockaa::internals::crypto::key_exchange::{KeyPair, encode_public_key};
use mockaa::internals::crypto::keys::SigningKey;
use mockaa::internals::crypto::{base64, jws};
use mockaa::internals::domain::account::Account;
use mockaa::internals::domain::action::ConsentAction;
use mockaa::internals::domain::command::{Command, OnRepeatedTxnid, RaiseConsent};
use mockaa::internals::domain::consent::{Api, Input};
use mockaa::internals::domain::ids::{ConsentHandle, SessionId};
use mockaa::internals::domain::key_exchange::{Curve, PeerKey};
use mockaa::internals::domain::participants::FiSchema;
use mockaa::internals::domain::participants::{Aa, Fip, Participants, SignatureProfile};
use mockaa::internals::domain::persona::{DEFAULT_PERSONA, PersonaInstance};
use mockaa::internals::domain::session::{ApprovalMode, DataTiming};
use mockaa::internals::domain::statement::{Statement, Transactions};
use mockaa::internals::domain::statement_writer::{StatementWriter, write_statement};
use mockaa::internals::domain::terms::{ConsentType, TimeRange};
use mockaa::internals::domain::time::{Millis, Timestamp};
use mockaa::internals::domain::unaport::UnaportConfig;
use mockaa::internals::domain::version::RebitVersion;
use mockaa::internals::engine::clock::ClockStart;
use mockaa::internals::engine::sandbox_config::{SandboxConfig, SimulatedFips};
use mockaa::internals::engine::world::World;
use mockaa::internals::export::{pdf::StatementPdf, xlsx::StatementXlsx};
use mockaa::internals::wire::artefact::ConsentDetail;
use mockaa::internals::wire::fi::csv::{CsvOptions, CsvWriter};
use mockaa::internals::wire::fi::form::form_statement;
use mockaa::internals::wire::fi::json::{JsonDialect, JsonWriter};
use mockaa::internals::wire::fi::tabs::Tabs;
use mockaa::internals::wire::fi::xml;
use mockaa::internals::wire::fields::{parse_json, parse_timestamp};
use mockaa::internals::wire::rebit::ResponseContext;
use mockaa::internals::wire::rebit::fi::{EncryptedAccount, EncryptedEntry, encode_fetch_response};
use mockaa::internals::wire::rebit::key_material::KeyMaterial;
use mockaa::internals::wire::seed::{ConsentRequest, ConsentResponse, ConsentStatusResponse};
use mockaa::{FairUseMode, RetryPolicy, SecurityMode, TimeSettings};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROUNDS: usize = 7;
const SAMPLE: Duration = Duration::from_millis(300);
const NOW: &str = "2020-07-04T06:00:00.000Z";
const KEY: &str = include_str!("../fixtures/keys/fiu-1.pem");

fn main() {
    let filter = BenchFilter(
        std::env::args()
            .skip(1)
            .filter(|argument| !argument.starts_with('-'))
            .collect(),
    );
    if let Some(bytes) = filter
        .includes("memory")
        .then(bytes_per_pending_consent)
        .flatten()
    {
        println!(
            "{bytes} bytes per pending consent, measured with {STORED_CONSENTS} consents of different customers (limit: 1000)\n"
        );
    }
    println!(
        "{ROUNDS} interleaved rounds of {} ms for each side; the ratio is the median of the rounds\n",
        SAMPLE.as_millis()
    );
    println!(
        "{:40} {:>14} {:>14} {:>7} {:>7}",
        "", "mockaa", "baseline", "ratio", "floor"
    );
    filter.compare_if_selected(
        "create a consent (per s)",
        0.80,
        create_with_mockaa,
        create_with_baseline,
    );
    filter.compare_if_selected(
        "get a consent (per s)",
        0.80,
        get_with_mockaa,
        get_with_baseline,
    );
    for (format, floor) in Format::ALL {
        let name = format!("12-month statement as {} (MB/s)", format.name());
        filter.compare_if_selected(
            &name,
            floor,
            || write_statement_with_mockaa(format, measure_megabytes),
            || write_statement_with_baseline(measure_megabytes),
        );
        let name = format!("12-month statement as {} (rows per s)", format.name());
        filter.compare_if_selected(
            &name,
            0.0,
            || write_statement_with_mockaa(format, measure_rows),
            || write_statement_with_baseline(measure_rows),
        );
    }
    filter.compare_if_selected(
        "sign a webhook (per s)",
        0.95,
        sign_with_mockaa,
        sign_with_baseline,
    );
    filter.compare_if_selected(
        "fetch 1,000 rows, X25519 (per s)",
        0.55,
        || fetch_with_mockaa(Curve::X25519),
        fetch_with_baseline,
    );
    filter.compare_if_selected(
        "fetch 1,000 rows, Weierstrass (per s)",
        0.0,
        || fetch_with_mockaa(Curve::Weierstrass),
        fetch_with_baseline,
    );
}

/// The words of the command line. `cargo bench -- XML fetch` runs the benchmarks with one of these
/// words in their name; without words, all run.
struct BenchFilter(Vec<String>);

impl BenchFilter {
    fn includes(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|word| name.contains(word.as_str()))
    }

    fn compare_if_selected(
        &self,
        name: &str,
        floor: f64,
        product: impl FnOnce() -> Work,
        baseline: impl FnOnce() -> Work,
    ) {
        if self.includes(name) {
            compare_rates(name, floor, product(), baseline());
        }
    }
}

/// The number of consents that are stored to measure the memory of one.
const STORED_CONSENTS: u64 = 500_000;

/// Returns the growth of the process for each stored consent; `None` where the system does not
/// report it (only Linux does).
fn bytes_per_pending_consent() -> Option<u64> {
    let world = new_world();
    raise_consent(&world, &seed_request(STORED_CONSENTS));
    let before = resident_bytes()?;
    for number in 0..STORED_CONSENTS {
        raise_consent(&world, &seed_request(number));
    }
    Some((resident_bytes()? - before) / STORED_CONSENTS)
}

fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}

/// A unit of work that returns how much it did: 1 for a call, megabytes or rows for a statement.
type Work = Box<dyn FnMut() -> f64>;

fn compare_rates(name: &str, floor: f64, mut product: Work, mut baseline: Work) {
    let (mut ratios, mut product_rates, mut baseline_rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let product_rate = measure_rate(&mut product);
        let baseline_rate = measure_rate(&mut baseline);
        ratios.push(product_rate / baseline_rate);
        product_rates.push(product_rate);
        baseline_rates.push(baseline_rate);
    }
    let ratio = median(ratios);
    let product_rate = median(product_rates);
    let baseline_rate = median(baseline_rates);
    let verdict = if ratio >= floor {
        ""
    } else {
        "  below the floor"
    };
    println!(
        "{name:40} {product_rate:>14.0} {baseline_rate:>14.0} {ratio:>7.2} {floor:>7.2}{verdict}"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures elapsed time"
)]
fn measure_rate(work: &mut Work) -> f64 {
    let start = Instant::now();
    let mut done = 0.0;
    while start.elapsed() < SAMPLE {
        for _ in 0..8 {
            done += work();
        }
    }
    done / start.elapsed().as_secs_f64()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Returns the consent request of the seed documents, for another customer for each number.
fn seed_request(number: u64) -> Vec<u8> {
    include_str!("../fixtures/seed/consent-request.json")
        .replace("{{current_timestamp}}", NOW)
        .replace("1999999999", &format!("{:010}", 1_000_000_000 + number))
        .into_bytes()
}

fn bench_participants() -> Participants {
    let aa = Aa::with_id("mockaa");
    Participants {
        aas: vec![Arc::new(aa)],
        fius: Vec::new(),
        fips: vec![Arc::new(Fip::with_id("FIP-1"))],
    }
}

fn new_world() -> Arc<World> {
    let config = SandboxConfig {
        personas: Arc::default(),
        default_persona: default_persona().definition,
        seed: 42,
        clock: ClockStart {
            at: parse_timestamp(NOW),
            frozen: true,
        },
        security: SecurityMode::Lenient,
        fair_use: FairUseMode::Note,
        time_settings: TimeSettings::default(),
        initial_participants: Arc::new(bench_participants()),
        retries: RetryPolicy::default(),
        push_data: None,
        scenarios: Arc::default(),
        fips: SimulatedFips {
            list_accounts: generate_accounts,
            can_generate_data: is_supported,
            opening_date,
            find_transaction,
            find_supplied_id,
        },
        default_webhook_url: None,
        data_timing: DataTiming::Immediate,
        approval_mode: ApprovalMode::Manual,
        unaport: UnaportConfig::for_fiu("FIU-1".into()),
        ended_consents_max: 100_000,
    };
    Arc::new(World::new("bench", Arc::new(config)))
}

fn raise_consent(world: &Arc<World>, body: &[u8]) -> Vec<u8> {
    let request: ConsentRequest = parse_json(body).expect("a request");
    let terms = request
        .into_terms("mockaa", world.now())
        .expect("a valid request");
    let raise = RaiseConsent {
        terms,
        api: Api::Seed,
        aa: "mockaa".into(),
        fiu: "FIU-1".into(),
        metadata: None,
        scenario: None,
        persona: None,
        on_repeated_txnid: OnRepeatedTxnid::Note,
    };
    let receipt = world
        .submit(None, Command::RaiseConsent(raise))
        .expect("it is raised");
    let outcome = receipt.release_webhooks();
    serde_json::to_vec(&ConsentResponse::new(
        outcome.consent(),
        outcome.clocks.system,
    ))
    .expect("it serialises")
}

/// Creates a consent: parse, validate, decide, journal, store, respond.
fn create_with_mockaa() -> Work {
    let (world, mut number) = (new_world(), 0);
    Box::new(move || {
        number += 1;
        black_box(raise_consent(&world, &seed_request(number)));
        1.0
    })
}

fn create_with_baseline() -> Work {
    let (store, mut ids, mut number) = (Store::default(), id_rng(), 0);
    Box::new(move || {
        number += 1;
        let request = baseline::ConsentRequest::parse(&seed_request(number));
        black_box(store.create(request.expect("a valid request"), &mut ids));
        1.0
    })
}

/// Gets one of 10,000 approved consents: look it up, build its detail, use the cached signature,
/// serialise.
fn get_with_mockaa() -> Work {
    let world = new_world();
    let key = SigningKey::from_pem("k", KEY).expect("a key");
    let aa = Arc::clone(bench_participants().default_aa());
    let mut handles: Vec<ConsentHandle> = Vec::new();
    for number in 0..10_000 {
        raise_consent(&world, &seed_request(number));
    }
    for consent in world.catch_up().consents(0, 10_000) {
        world
            .submit(
                None,
                Command::TransitionConsent {
                    handle: consent.handle,
                    action: ConsentAction::with_defaults(Input::Approve),
                },
            )
            .expect("it is approved")
            .release_webhooks();
        handles.push(consent.handle);
    }
    let signature = key.sign(b"detail");
    let mut next = 0;
    Box::new(move || {
        next = (next + 1) % handles.len();
        let consent = world
            .catch_up()
            .consent(handles[next])
            .expect("it is there");
        let grant = consent.grant.as_ref().expect("it is approved");
        let signature_bytes = grant
            .signatures
            .detail
            .get_or_init(|| signature.clone().into());
        let detail = ConsentDetail::new(&consent, &aa);
        let state =
            ConsentStatusResponse::new(&consent, &detail, Some(base64::encode(signature_bytes)));
        black_box(serde_json::to_vec(&state).expect("it serialises"));
        1.0
    })
}

fn get_with_baseline() -> Work {
    let (store, mut rng) = (Store::default(), id_rng());
    for number in 0..10_000 {
        let request = baseline::ConsentRequest::parse(&seed_request(number));
        store.create(request.expect("a valid request"), &mut rng);
    }
    let (ids, mut next) = (store.ids(), 0);
    Box::new(move || {
        next = (next + 1) % ids.len();
        black_box(store.get(ids[next]).expect("it is there"));
        1.0
    })
}

/// The format of a statement.
#[derive(Clone, Copy)]
enum Format {
    Xml,
    Json,
    Csv,
    Unaport,
    Xlsx,
    Pdf,
}

impl Format {
    /// All formats with their floors. Only XML has a floor; 0 means none.
    const ALL: [(Self, f64); 6] = [
        (Self::Xml, 0.70),
        (Self::Json, 0.0),
        (Self::Csv, 0.0),
        (Self::Unaport, 0.0),
        (Self::Xlsx, 0.0),
        (Self::Pdf, 0.0),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Xml => "XML",
            Self::Json => "JSON",
            Self::Csv => "CSV",
            Self::Unaport => "Unaport",
            Self::Xlsx => "XLSX",
            Self::Pdf => "PDF",
        }
    }
}

/// Computes the amount of work from the bytes and the rows of a statement.
type Measure = fn(usize, usize) -> f64;

#[expect(clippy::cast_precision_loss, reason = "statements are short")]
fn measure_megabytes(bytes: usize, _: usize) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "statements are short")]
fn measure_rows(_: usize, rows: usize) -> f64 {
    rows as f64
}

/// Generates and writes a year of the default persona's account each time.
fn write_statement_with_mockaa(format: Format, measure: Measure) -> Work {
    let account = generate_accounts(
        &bench_participants(),
        &default_persona().definition,
        42,
        "9812345678@mockaa",
    )
    .remove(0)
    .account;
    let persona = default_persona();
    let from = parse_timestamp("2023-03-31T18:30:00Z").expect("a date");
    let to = parse_timestamp("2024-03-31T18:29:59Z").expect("a date");
    let mut out = Vec::new();
    Box::new(move || {
        let statement = statement_of(&persona, &account, TimeRange { from, to });
        let statements = [form_statement(statement, FiSchema::Current)];
        out.clear();
        match format {
            Format::Xml => xml::write_statement(&statements[0], &mut out),
            Format::Json => {
                let mut writer = JsonWriter::new(FiSchema::Current, JsonDialect::Schema);
                write_file(&mut writer, &statements[0], &mut out);
            }
            Format::Csv => {
                let mut writer = CsvWriter::new(FiSchema::Current, CsvOptions::default());
                write_file(&mut writer, &statements[0], &mut out);
            }
            Format::Unaport => {
                serde_json::to_writer(&mut out, &Tabs::without_session(&statements, to))
                    .expect("it serialises");
            }
            Format::Xlsx => write_file(&mut StatementXlsx::default(), &statements[0], &mut out),
            Format::Pdf => write_file(&mut StatementPdf::default(), &statements[0], &mut out),
        }
        black_box(&out);
        measure(out.len(), transactions(&statements[0]).rows.len())
    })
}

fn write_file(writer: &mut dyn StatementWriter, statement: &Statement, out: &mut Vec<u8>) {
    write_statement(statement, writer, out);
    writer.finish(out);
}

fn transactions(statement: &Statement) -> &Transactions {
    statement
        .transactions()
        .expect("transactions were requested")
}

/// Writes random records as XML, with narrations from a fixed list.
fn write_statement_with_baseline(measure: Measure) -> Work {
    const ROWS: u32 = 571;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        write_random_rows(&mut rng, ROWS, &mut out);
        black_box(&out);
        measure(out.len(), ROWS as usize)
    })
}

/// Writes random records as XML, without a library.
fn write_random_rows(rng: &mut ChaCha8Rng, count: u32, out: &mut Vec<u8>) {
    const NARRATIONS: [&[u8]; 4] = [
        b"UPI/DR/409012345678/ANAND PROVISION STORE/MOCKBANK/anandstore@mockbank/PAYMENT",
        b"NEFT CR-MOCK0000001-NIMBUS SOFTWORKS PVT LTD-SALARY",
        b"ATM/CASH WDL/Pune/S1AW0042",
        b"POS 4XXXXXXXXXXX0042 VASTRA STORES Pune",
    ];
    let mut balance = 1_000_000u64;
    for row in 0..count {
        let amount = rng.random_range(100..500_000u64);
        let credit = rng.random_bool(0.3);
        balance = if credit {
            balance + amount
        } else {
            balance.saturating_sub(amount)
        };
        let at =
            Timestamp::from_millis(1_700_000_000_000 + i64::from(row) * 77_000_000).to_ist_bytes();
        out.extend_from_slice(b"<Transaction txnId=\"M");
        write_digits(out, 20_240_101_000 + u64::from(row));
        out.extend_from_slice(if credit {
            b"\" type=\"CREDIT\" mode=\""
        } else {
            b"\" type=\"DEBIT\"  mode=\""
        });
        out.extend_from_slice(b"UPI\" amount=\"");
        write_money(out, amount);
        out.extend_from_slice(b"\" currentBalance=\"");
        write_money(out, balance);
        out.extend_from_slice(b"\" transactionTimestamp=\"");
        out.extend_from_slice(&at);
        out.extend_from_slice(b"\" valueDate=\"");
        out.extend_from_slice(&at[..10]);
        out.extend_from_slice(b"\" narration=\"");
        out.extend_from_slice(NARRATIONS[rng.random_range(0..4)]);
        out.extend_from_slice(b"\" reference=\"");
        write_digits(out, rng.random_range(100_000_000_000..999_999_999_999));
        out.extend_from_slice(b"\"/>");
    }
}

fn default_persona() -> PersonaInstance {
    let personas = load_personas(None).expect("the shipped personas are valid");
    let as_of = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date");
    PersonaInstance {
        definition: Arc::clone(personas.get(DEFAULT_PERSONA).expect("it is shipped")),
        as_of,
    }
}

fn statement_of(persona: &PersonaInstance, account: &Account, range: TimeRange) -> Statement {
    static PARTICIPANTS: LazyLock<Participants> = LazyLock::new(bench_participants);
    let request = StatementRequest {
        seed: 42,
        participants: &PARTICIPANTS,
        customer: "9812345678@mockaa",
        persona,
        account,
        consent_types: ConsentType::ALL,
        range,
        filters: &[],
        now: range.to.saturating_add(Millis(1)),
        changes: None,
    };
    generate_statement(&request).expect("deposits are simulated")
}

/// Generates a statement, encrypts it for the FIU's key and writes it into a response, as POST
/// /FI/fetch does for one account.
fn fetch_with_mockaa(curve: Curve) -> Work {
    let account = generate_accounts(
        &bench_participants(),
        &default_persona().definition,
        42,
        "9812345678@mockaa",
    )
    .remove(0)
    .account;
    let persona = default_persona();
    // About a thousand rows.
    let from = parse_timestamp("2022-06-30T18:30:00Z").expect("a date");
    let to = parse_timestamp("2024-03-31T18:29:59Z").expect("a date");
    let fiu = KeyPair::from_random(curve, [7; 32], [9; 32]);
    let peer = PeerKey {
        curve,
        public: fiu.public,
        nonce: fiu.nonce,
        labels: None,
    };
    let session = SessionId::from_random([3; 16]);
    Box::new(move || {
        let statement = statement_of(&persona, &account, TimeRange { from, to });
        let mut document = Vec::new();
        let sent = form_statement(statement, FiSchema::Current);
        xml::write_statement(&sent, &mut document);
        let (secret, nonce) = derive_data_key(42, session, &account.fip, "xml");
        let pair = KeyPair::from_random(curve, secret, nonce);
        let encrypted = [EncryptedEntry {
            fip: account.fip.to_string(),
            accounts: vec![EncryptedAccount {
                link_ref: account.link_ref.to_string(),
                masked_number: account.masked_number.to_string(),
                encrypted: pair.encrypt(&peer, document).expect("it encrypts"),
            }],
            key_material: KeyMaterial::new(
                curve,
                encode_public_key(curve, &pair.public),
                base64::encode(&pair.nonce),
                to,
            ),
        }];
        let echo = ResponseContext {
            ver: RebitVersion::V2_0_0,
            txnid: "t",
            timestamp: to,
        };
        black_box(encode_fetch_response(echo, &encrypted));
        1.0
    })
}

/// Does the same with random rows: a new X25519 key, key agreement, HKDF, AES-256-GCM, base64.
fn fetch_with_baseline() -> Work {
    let random = SystemRandom::new();
    let peer = PrivateKey::generate(&X25519)
        .and_then(|key| key.compute_public_key())
        .expect("a key");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    Box::new(move || {
        let mut document = Vec::new();
        write_random_rows(&mut rng, 1_000, &mut document);
        let key = EphemeralPrivateKey::generate(&X25519, &random).expect("a key");
        black_box(key.compute_public_key().expect("a public key"));
        let shared = agree_ephemeral(
            key,
            UnparsedPublicKey::new(&X25519, peer.as_ref()),
            (),
            |shared| Ok(<[u8; 32]>::try_from(shared).expect("32 bytes")),
        );
        let mut session = [0; 32];
        let extracted = Salt::new(HKDF_SHA256, &[1; 20]).extract(&shared.expect("they agree"));
        extracted
            .expand(&[], &AES_256_GCM)
            .expect("32 bytes")
            .fill(&mut session)
            .expect("32 bytes");
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &session).expect("a key"));
        let nonce = Nonce::assume_unique_for_key([2; 12]);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut document)
            .expect("it encrypts");
        black_box(base64::encode(&document));
        1.0
    })
}

fn write_money(out: &mut Vec<u8>, paise: u64) {
    write_digits(out, paise / 100);
    out.push(b'.');
    out.extend_from_slice(&DIGIT_PAIRS[usize::try_from(paise % 100).expect("below 100")]);
}

/// The two digits of each number below 100.
const DIGIT_PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        #[expect(clippy::cast_possible_truncation, reason = "digits")]
        {
            pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        }
        number += 1;
    }
    pairs
};

fn write_digits(out: &mut Vec<u8>, mut number: u64) {
    let mut buffer = [0; 20];
    let mut start = buffer.len();
    while number >= 100 {
        start -= 2;
        buffer[start..start + 2]
            .copy_from_slice(&DIGIT_PAIRS[usize::try_from(number % 100).expect("below 100")]);
        number /= 100;
    }
    let last = DIGIT_PAIRS[usize::try_from(number).expect("below 100")];
    let last = if number < 10 { &last[1..] } else { &last[..] };
    start -= last.len();
    buffer[start..start + last.len()].copy_from_slice(last);
    out.extend_from_slice(&buffer[start..]);
}

const BODY: [u8; 500] = [b'x'; 500];

fn sign_with_mockaa() -> Work {
    let key = SigningKey::from_pem("k", KEY).expect("a key");
    Box::new(move || {
        black_box(jws::sign_detached(&key, &BODY, SignatureProfile::Detached));
        1.0
    })
}

fn sign_with_baseline() -> Work {
    let (_, rest) = KEY
        .split_once("-----BEGIN PRIVATE KEY-----")
        .expect("a PEM");
    let (body, _) = rest.split_once("-----END").expect("a PEM");
    let der = base64::decode(&body.split_whitespace().collect::<String>()).expect("base64");
    let pair = RsaKeyPair::from_pkcs8(&der).expect("a key");
    Box::new(move || {
        let mut signature = [0; 256];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            &BODY,
            &mut signature,
        )
        .expect("it signs");
        black_box(&signature);
        1.0
    })
}
