//! Banks that answer otherwise than usual while a customer looks for accounts and links them, and the
//! codes with which such visits end (aa-redirection-standards 1.5.0, error codes).

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::customer_browser::CustomerBrowser;
use crate::helpers::TestApp;
use crate::participants::Journey;
use crate::redirection::{NOW, PASSPHRASE, decrypt_outcome, redirection_query};

/// The customer of [`Journey`]'s consents.
const CUSTOMER: &str = "9876500001@mockaa";

/// Installs a scenario with these lines, for the customer's consents.
async fn script(app: &TestApp, lines: &str) {
    let text = format!("version: 1\nname: banks\nconsent: manual\n{lines}\n");
    let put = app.request(Method::PUT, "/_mockaa/v1/scenarios/banks");
    app.send(put.body(text)).await.expect_ok();
    let pin = json!({ "customer": CUSTOMER });
    app.post("/_mockaa/v1/scenarios/banks/pin", &pin)
        .await
        .expect_ok();
}

/// Registers the customer, so that no account is linked.
async fn register_customer(app: &TestApp) {
    let path = format!("/_mockaa/v1/customers/{CUSTOMER}/register");
    app.post(&path, &Value::Null).await.expect_ok();
}

/// Begins the visit of the customer whom the FIU sends. `extra` is added to `ecreq`.
async fn open_sent<'a>(app: &'a TestApp, handle: &str, extra: &str) -> CustomerBrowser<'a> {
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &format!("{handle}{extra}"));
    CustomerBrowser::begin(app, &format!("/aa/webview?{query}")).await
}

/// Leaves the visit, and returns the code that the FIU reads.
async fn leave(browser: &mut CustomerBrowser<'_>) -> String {
    browser.show("/leave").await;
    let back = browser.finish("/leave", &[]).await.expect("an address");
    let outcome = decrypt_outcome(&back);
    let code = outcome.split("errorcode=").nth(1).expect("a code");
    code.split('&').next().expect("a code").to_owned()
}

/// Asks these banks for accounts, and returns the page with their answers.
async fn search(browser: &mut CustomerBrowser<'_>, banks: &[&str]) -> String {
    browser.show("/accounts").await;
    let fields: Vec<_> = banks.iter().map(|id| ("bank", *id)).collect();
    let (status, _) = browser.submit("/accounts", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
    browser.show("/accounts/found").await.to_owned()
}

/// Asks to link everything that the page offers.
async fn link_all(browser: &mut CustomerBrowser<'_>) {
    let page = browser.show("/accounts/found").await.to_owned();
    let found = page.split("name=\"account\" value=\"").skip(1);
    let found = found.filter(|rest| {
        !rest
            .split('>')
            .next()
            .unwrap_or_default()
            .contains("disabled")
    });
    let found: Vec<_> = found.filter_map(|rest| rest.split('"').next()).collect();
    let fields: Vec<_> = found.iter().map(|it| ("account", *it)).collect();
    let (status, _) = browser.submit("/accounts/link", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
}

async fn enter_password(browser: &mut CustomerBrowser<'_>, otp: &str) {
    browser.show("/accounts/otp").await;
    browser.submit("/accounts/otp", &[("otp", otp)]).await;
}

/// Shows the page of a visit until it says that the visit has ended.
async fn wait_until_over(browser: &mut CustomerBrowser<'_>) {
    let ended = async { while !browser.show("").await.contains("This visit is over.") {} };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, ended)
        .await
        .expect("the visit ends");
}

/// Returns the outcome that the FIU reads when the browser follows the last page of an ended visit.
async fn read_outcome(browser: &mut CustomerBrowser<'_>) -> String {
    let page = browser.show("/result").await;
    let address = page.split("href=\"http://127.0.0.1:9/").nth(1);
    let address = address.and_then(|rest| rest.split('"').next());
    let address = address.expect("an address").replace("&#38;", "&");
    decrypt_outcome(&format!("http://127.0.0.1:9/{address}"))
}

async fn skip(browser: &mut CustomerBrowser<'_>) {
    browser.show("/accounts/otp").await;
    browser.submit("/accounts/skip", &[]).await;
}

#[tokio::test]
async fn each_bank_answers_as_the_scenario_says() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    script(
        &app,
        "discovery: { FIP-1: none, FIP-2: error, FIP-3: unknown_customer, ACME-FIP: slow }",
    )
    .await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = search(&mut browser, &["FIP-1", "FIP-2", "FIP-3", "ACME-FIP"]).await;
    for text in [
        "First Example Bank has no account for",
        "Second Example Bank could not answer. Ask again, or go on without it.",
        "Third Example Bank and Depository did not recognise you by these details.",
        "Asking Acme Bank\u{2026}",
        "Go on without Second Example Bank",
        "Ask Second Example Bank again",
        "See whether the bank has answered",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("None of the banks that you chose"), "{page}");
    let (status, _) = browser
        .submit("/accounts/found", &[("without", "ACME-FIP")])
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let page = browser.show("/accounts/found").await;
    assert!(!page.contains("Acme Bank"), "{page}");
    assert!(
        page.contains("None of the banks that you chose has an account"),
        "{page}"
    );
    for fields in [
        vec![("retry", "FIP-99")],
        vec![],
        vec![("retry", "FIP-1"), ("without", "FIP-1")],
    ] {
        let (status, _) = browser.submit("/accounts/found", &fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{fields:?}");
        browser.show("/accounts/found").await;
    }
    let notes = app.read_full_journal().await;
    let note = "FIP-2 answers the search for accounts with error";
    assert!(notes.iter().any(|it| it.to_string().contains(note)));
}

/// A fault of the first search only shows how an app copes with a bank that is asked again.
#[tokio::test]
async fn a_bank_that_failed_once_is_asked_again() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    let faults = "api_faults:\n  - where: { op: redirection, calls: 1 }\n    fault: { discovery: { FIP-1: error } }\n";
    app.put_faults(faults).await.expect_ok();
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = search(&mut browser, &["FIP-1"]).await;
    assert!(page.contains("could not answer"), "{page}");
    browser
        .submit("/accounts/found", &[("retry", "FIP-1")])
        .await;
    let page = browser.show("/accounts/found").await;
    assert!(page.contains("First Example Bank: "), "{page}");
    assert!(page.contains("name=\"account\""), "{page}");
}

#[tokio::test]
async fn a_bank_answers_after_its_delay() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    script(&app, "discovery: { FIP-1: { after: 100ms } }").await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = search(&mut browser, &["FIP-1"]).await;
    assert!(page.contains("Asking First Example Bank"), "{page}");
    assert!(!page.contains("name=\"account\""), "{page}");
    let answered = async {
        while !browser
            .show("/accounts/found")
            .await
            .contains("name=\"account\"")
        {}
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, answered)
        .await
        .expect("the bank answers");
}

#[tokio::test]
async fn faults_of_visits_name_their_operation_and_banks() {
    let app = TestApp::start().await;
    for (fault, expected) in [
        ("discovery: { FIP-1: none }", "where: { op: redirection }"),
        ("linking: { FIP-1: refused }", "where: { op: redirection }"),
        ("discovery: { FIP-1: later }", "later"),
        ("linking: { FIP-1: slow }", "slow"),
        ("discovery: {}", "discovery"),
        (
            "discovery: { FIP-77: none } }\n    where: { op: redirection",
            "FIP-77",
        ),
    ] {
        let faults = format!("api_faults:\n  - fault: {{ {fault} }}\n");
        let refused = app.put_faults(faults).await;
        assert_eq!(refused.status, 400, "{fault}");
        assert!(refused.text.contains(expected), "{fault}: {}", refused.text);
    }
}

/// The row of the standard at which a visit is left decides the code.
#[tokio::test]
async fn a_visit_that_is_left_before_an_answer_says_at_which_step() {
    for (lines, extra, steps, code) in [
        ("discovery: { FIP-1: none }", "&fipid=FIP-1", "find", "7"),
        ("discovery: { FIP-1: error }", "&fipid=FIP-1", "find", "8"),
        ("discovery: { FIP-1: none }", "", "find", "9"),
        ("", "", "", "20"),
        ("discovery: { FIP-1: slow }", "", "find", "20"),
        ("", "", "find", "11"),
        ("", "", "find link skip", "12"),
        ("", "", "find link", "12"),
        ("", "", "find link wrong", "14"),
        ("linking: { FIP-1: refused }", "", "find link right", "16"),
    ] {
        let app = TestApp::start().await;
        register_customer(&app).await;
        script(&app, lines).await;
        let handle = Journey::new(&app).raise_consent(|_| ()).await;
        let mut browser = open_sent(&app, &handle, extra).await;
        let mut page = String::new();
        for step in steps.split_whitespace() {
            match step {
                "find" => {
                    let banks = browser.show("/accounts").await;
                    let is_chosen = banks.contains("value=\"FIP-1\" checked");
                    assert_eq!(is_chosen, !extra.is_empty(), "{banks}");
                    search(&mut browser, &["FIP-1"]).await;
                }
                "link" => link_all(&mut browser).await,
                "skip" => skip(&mut browser).await,
                "wrong" => enter_password(&mut browser, "999999").await,
                _ => enter_password(&mut browser, "123456").await,
            }
            page = browser.show("").await.to_owned();
        }
        if code == "16" {
            let text = "First Example Bank linked none of your accounts.";
            assert!(page.contains(text), "{page}");
        }
        assert_eq!(leave(&mut browser).await, code, "{lines} {steps}");
        assert_eq!(app.consent_state(&handle).await, "PENDING");
    }
}

/// With some accounts linked the customer can go on; the FIU learns that others failed.
#[tokio::test]
async fn a_bank_that_fails_beside_another_has_codes_of_its_own() {
    for (lines, second, code) in [
        ("", "999999", "17"),
        ("linking: { FIP-2: refused }", "123456", "19"),
        ("linking: { FIP-2: refused }", "skip", "20"),
    ] {
        let app = TestApp::start().await;
        register_customer(&app).await;
        script(&app, lines).await;
        let handle = Journey::new(&app).raise_consent(|_| ()).await;
        let mut browser = open_sent(&app, &handle, "").await;
        search(&mut browser, &["FIP-1", "FIP-2"]).await;
        link_all(&mut browser).await;
        enter_password(&mut browser, "123456").await;
        if second == "skip" {
            skip(&mut browser).await;
        } else {
            enter_password(&mut browser, second).await;
        }
        assert_eq!(leave(&mut browser).await, code, "{lines} {second}");
    }
}

#[tokio::test]
async fn a_bank_links_some_of_the_accounts_and_says_which_it_refused() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    script(&app, "linking: { FIP-1: partial }").await;
    let all_types = json!(["DEPOSIT", "TERM_DEPOSIT", "RECURRING_DEPOSIT"]);
    let journey = Journey::new(&app);
    let handle = journey
        .raise_consent(|body| body["ConsentDetail"]["fiTypes"] = all_types)
        .await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = search(&mut browser, &["FIP-1"]).await;
    assert!(page.matches("name=\"account\"").count() > 1, "{page}");
    link_all(&mut browser).await;
    enter_password(&mut browser, "1234").await;
    let page = browser.show("").await.to_owned();
    let account = format!("name=\"account.{handle}\"");
    assert_eq!(page.matches(&account).count(), 1, "{page}");
    assert!(page.contains("First Example Bank did not link"), "{page}");
    assert!(page.contains("The others are linked."), "{page}");
    browser.approve(&handle).await;
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
    let events = app.read_journal_events().await;
    let refused = events
        .iter()
        .filter(|it| it["kind"] == "account.link_refused");
    assert_eq!(refused.count(), 1);
    // What was refused can be asked for again.
    let own = journey.raise_consent(|_| ()).await;
    let mut browser = CustomerBrowser::open_consent(&app, &own).await;
    let page = search(&mut browser, &["FIP-1"]).await;
    assert!(page.contains("Already linked"), "{page}");
    link_all(&mut browser).await;
    let page = browser.show("/accounts/otp").await;
    assert!(
        page.contains("First Example Bank has sent a code"),
        "{page}"
    );
}

/// An idle visit ends, and its last page leads back to the FIU, which learns of the time-out.
#[tokio::test]
async fn an_idle_visit_ends_and_leads_back_to_the_fiu() {
    let idle_time = Duration::from_millis(1);
    let app = TestApp::start_with(|builder| builder.customer_session(idle_time)).await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = open_sent(&app, &handle, "").await;
    wait_until_over(&mut browser).await;
    for text in [
        "You were signed out. Sign in to go on.",
        "Back to First Example FIU",
        &format!("/aa/consents/{handle}"),
    ] {
        assert!(
            browser.page.text.contains(text),
            "{text}: {}",
            browser.page.text
        );
    }
    assert!(!browser.page.text.contains("Give consent"));
    let answer = format!("answer.{handle}");
    let (status, _) = browser.submit("/answer", &[(&answer, "reject")]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(app.consent_state(&handle).await, "PENDING");
    browser.show("").await;
    let (status, _) = browser.submit("/leave", &[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
    let outcome = read_outcome(&mut browser).await;
    assert!(outcome.contains("errorcode=6&"), "{outcome}");
}

/// A script that waits for a bank or a scenario does not keep the visit of an absent customer alive.
#[tokio::test]
async fn polls_do_not_keep_a_visit_from_ending() {
    let idle_time = Duration::from_millis(200);
    let app = TestApp::start_with(|builder| builder.customer_session(idle_time)).await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let browser = open_sent(&app, &handle, "").await;
    let mut statuses = Vec::new();
    let ended = async {
        while statuses.last() != Some(&StatusCode::NOT_FOUND) {
            statuses.push(browser.poll("").await.status);
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, ended)
        .await
        .expect("the visit ends");
    statuses.dedup();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::NOT_FOUND]);
}

/// A visit ends once: a double click or an old page does not change what the FIU reads.
#[tokio::test]
async fn who_leaves_twice_has_left_once() {
    let app = TestApp::start().await;
    let faults = "api_faults:\n  - where: { op: redirection, calls: 1 }\n    fault: { redirect: { errorcode: 13 } }\n";
    app.put_faults(faults).await.expect_ok();
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = open_sent(&app, &handle, "").await;
    let question = browser.show("/leave").await.to_owned();
    for _ in 0..2 {
        browser.page.text.clone_from(&question);
        let back = browser.finish("/leave", &[]).await.expect("an address");
        let outcome = decrypt_outcome(&back);
        assert!(outcome.contains("errorcode=13&"), "{outcome}");
    }
}

/// What one bank has answered does not count once others are asked.
#[tokio::test]
async fn a_new_search_begins_anew() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    script(&app, "discovery: { FIP-2: none }").await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = open_sent(&app, &handle, "").await;
    search(&mut browser, &["FIP-1"]).await;
    link_all(&mut browser).await;
    skip(&mut browser).await;
    search(&mut browser, &["FIP-2"]).await;
    assert_eq!(leave(&mut browser).await, "9");
}

/// Two visits of one customer ask the same bank: the later request replaces the earlier one.
#[tokio::test]
async fn a_bank_that_another_visit_has_asked_anew_is_chosen_again() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut first = open_sent(&app, &handle, "").await;
    search(&mut first, &["FIP-1"]).await;
    link_all(&mut first).await;
    enter_password(&mut first, "999999").await;
    let mut second = open_sent(&app, &handle, "").await;
    search(&mut second, &["FIP-1"]).await;
    link_all(&mut second).await;
    let (status, _) = first.submit("/accounts/otp", &[("otp", "123456")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let text = "First Example Bank was asked again in another window.";
    assert!(first.page.text.contains(text), "{}", first.page.text);
    link_all(&mut first).await;
    first.show("/accounts/otp").await;
    enter_password(&mut first, "999999").await;
    link_all(&mut second).await;
    enter_password(&mut second, "123456").await;
    // Here the accounts are linked, so that nothing is wrong any more.
    let (status, _) = first.submit("/accounts/otp", &[("otp", "123456")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", first.page.text);
    assert_eq!(leave(&mut first).await, "20");
}

/// The fault of a consent's own scenario meets the visit that has ended, too.
#[tokio::test]
async fn a_time_out_has_the_code_that_the_consents_scenario_sets() {
    let idle_time = Duration::from_millis(1);
    let app = TestApp::start_with(|builder| builder.customer_session(idle_time)).await;
    let fault =
        "api_faults:\n  - where: { op: redirection }\n    fault: { redirect: { errorcode: 13 } }";
    script(&app, fault).await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = open_sent(&app, &handle, "").await;
    wait_until_over(&mut browser).await;
    browser.submit("/leave", &[]).await;
    let outcome = read_outcome(&mut browser).await;
    assert!(outcome.contains("errorcode=13&"), "{outcome}");
}

/// Banks for investments and insurance need more than the mobile number; others are not asked for it.
#[tokio::test]
async fn a_pan_and_a_date_of_birth_are_asked_for_where_banks_need_them() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    let journey = Journey::new(&app);
    let deposits = journey.raise_consent(|_| ()).await;
    let mut browser = CustomerBrowser::open_consent(&app, &deposits).await;
    let page = browser.show("/accounts").await;
    assert!(!page.contains("name=\"pan\"") && !page.contains("name=\"dob\""));
    let handle = journey
        .raise_consent(|body| {
            body["ConsentDetail"]["fiTypes"] = json!(["EQUITIES", "LIFE_INSURANCE"]);
        })
        .await;
    let mut browser = open_sent(&app, &handle, "&pan=ABCDE1234F&dob=1990-02-28").await;
    let page = browser.show("/accounts").await.to_owned();
    assert!(page.contains("value=\"ABCDE1234F\""), "{page}");
    assert!(page.contains("value=\"1990-02-28\""), "{page}");
    let bank = ("bank", "FIP-1");
    for (pan, date, text) in [
        ("", "1990-02-28", "Enter a PAN"),
        ("ABCDE12345", "1990-02-28", "Enter a PAN"),
        ("ABCDE1234F", "", "Enter your date of birth"),
        ("ABCDE1234F", "28/02/1990", "Enter your date of birth"),
        ("ABCDE1234F", "2020-07-04", "Enter your date of birth"),
    ] {
        let fields = [bank, ("pan", pan), ("dob", date)];
        let (status, _) = browser.submit("/accounts", &fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{pan} {date}");
        let page = &browser.page.text;
        assert!(page.contains(text), "{pan} {date}: {page}");
        assert!(page.contains("value=\"FIP-1\" checked"), "{page}");
    }
    let fields = [bank, ("pan", " abcde1234f "), ("dob", "1990-02-28")];
    let (status, _) = browser.submit("/accounts", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
}

#[tokio::test]
async fn a_request_suggests_a_bank_and_a_language() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let mut browser = open_sent(&app, &handle, "&fipid=FIP-3&isoLanguageCode=hi-IN").await;
    let page = browser.show("/accounts").await;
    assert!(page.contains("<html lang=\"hi\">"), "{page}");
    let page = browser.show("/accounts?lang=en").await;
    let (first, _) = page.split_once("FIP-1\"").expect("the other banks follow");
    assert!(first.contains("value=\"FIP-3\" checked"), "{page}");
    assert!(first.contains("Suggested by First Example FIU"), "{page}");

    let browser = open_sent(&app, &handle, "&isoLanguageCode=ta-IN").await;
    let page = &browser.page.text;
    assert!(page.contains("<html lang=\"en\">"), "{page}");
    assert!(
        page.contains("do not exist in the language ta-IN"),
        "{page}"
    );
}
