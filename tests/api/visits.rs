//! The customer's pages at the AA: reading and answering consents, leaving, the way back, and the
//! customer's own consents.

use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use crate::customer_browser::CustomerBrowser;
use crate::helpers::TestApp;
use crate::lender::Lender;
use crate::participants::Journey;
use crate::redirection::{NOW, PASSPHRASE, decrypt_outcome, redirection_query};

/// Raises a consent for bank accounts and deposits, of which the customer has several.
async fn raise_for_deposits(app: &TestApp) -> String {
    app.raise_consent(|body| {
        body["ConsentDetail"]["Customer"]["id"] = "9876543210@mockaa".into();
        body["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT", "TERM_DEPOSIT", "RECURRING_DEPOSIT"]);
    })
    .await
}

/// Returns the `linkRefNumber`s of the accounts on a page.
fn list_links(page: &str) -> Vec<String> {
    let inputs = page.split("<input type=\"checkbox\"").skip(1);
    inputs
        .map(|input| {
            let value = input.split("value=\"").nth(1).expect("a value");
            value.split('"').next().expect("a value").to_owned()
        })
        .collect()
}

async fn granted_links(app: &TestApp, handle: &str) -> Vec<String> {
    let consent = app.get(&format!("/_mockaa/v1/consents/{handle}")).await;
    let accounts = consent.expect_ok()["accounts"].clone();
    let accounts = accounts.as_array().expect("accounts").iter();
    let links = accounts.map(|account| account["linkRefNumber"].as_str().expect("a link"));
    links.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_customer_reads_a_consent_in_words_and_gives_it_for_chosen_accounts() {
    let app = TestApp::start().await;
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = browser.page.text.clone();
    for text in [
        "First Example FIU asks for your consent",
        "About you: name, date of birth, PAN, address, contact",
        "Bank account, Fixed deposit, Recurring deposit",
        "First Example Bank",
        "Savings",
        "All times are Indian Standard Time (IST).",
        "Give consent",
        "Refuse",
        "Leave without answering",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let (facts, _) = page.split_once("<summary>").expect("details");
    for raw in ["PROFILE", "STORE", "DEPOSIT", "FIP-1", handle.as_str()] {
        let shown = facts.replace(&format!("name=\"account.{handle}\""), "");
        assert!(!shown.contains(raw), "{raw}: {shown}");
    }
    let links = list_links(&page);
    assert!(links.len() > 1, "{links:?}");
    let account = format!("account.{handle}");
    let fields = [
        (&*format!("answer.{handle}"), "approve"),
        (&*account, links[1].as_str()),
    ];
    let back = browser.finish("/answer", &fields).await;
    assert_eq!(back, None, "the FIU has named no address");
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
    assert_eq!(granted_links(&app, &handle).await, [links[1].as_str()]);
    let page = &browser.page.text;
    for text in [
        "You have given your consent",
        "may receive data of one account until",
        "You may close this page.",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

/// Starts a sandbox whose customers sign in.
async fn start_with_login() -> TestApp {
    TestApp::start_with(|builder| builder.customer_login(true)).await
}

#[tokio::test]
async fn a_customer_signs_in_with_a_password_before_anything_is_shown() {
    let app = start_with_login().await;
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = browser.page.text.clone();
    for text in [
        "Sign in to Neel",
        "This request is for \u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}3210",
        "First Example FIU gets your financial information through Neel, and only if you agree.",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("Give consent"), "{page}");
    let path = format!("{}/result", browser.visit);
    let (status, _) = app.send_raw(app.request(Method::GET, &path)).await;
    assert_eq!(
        status,
        StatusCode::SEE_OTHER,
        "nothing is shown before the sign-in"
    );
    let visit = format!("{}{}", app.sandbox.base_url(), browser.visit);
    for path in ["/consents", "/refuse", &format!("/consents/{handle}")] {
        let request = app.request(Method::GET, &format!("{}{path}", browser.visit));
        let (status, location) = app.send_raw(request).await;
        assert_eq!(
            (status, location),
            (StatusCode::SEE_OTHER, Some(visit.clone())),
            "{path}"
        );
    }
    for (path, fields) in [
        ("/answer", vec![(format!("answer.{handle}"), "reject")]),
        ("/refuse", vec![]),
    ] {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (&**name, *value))
            .collect();
        browser.show("").await;
        browser.submit(path, &fields).await;
        assert_eq!(app.consent_state(&handle).await, "PENDING", "{path}");
    }
    browser.show("").await;
    let (status, _) = browser.submit("/sign-in", &[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let page = browser.show("").await;
    for text in [
        "Neel has sent a code to",
        "Here the code is 123456",
        "You can ask for a new OTP in",
        "autocomplete=\"one-time-code\"",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (otp, text) in [
        ("", "Enter the OTP"),
        ("12a", "An OTP has only digits, 4 to 6 of them"),
        ("999999", "That OTP is not right. Tries left: 2"),
    ] {
        let (status, _) = browser.submit("/otp", &[("otp", otp)]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let page = &browser.page.text;
        assert!(
            page.contains(text) && page.contains("aria-invalid"),
            "{text}: {page}"
        );
        assert!(
            !page.contains("value=\"999999\""),
            "a password is not repeated"
        );
    }
    let (status, _) = browser.submit("/sign-in", &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "too soon");
    browser.submit("/otp", &[("otp", "123 456")]).await;
    let page = browser.show("").await;
    assert!(
        page.contains("Give consent") && page.contains("Signed in as"),
        "{page}"
    );
    assert!(
        list_links(page).len() > 1 && !page.contains(" checked"),
        "nothing is ticked"
    );
}

/// A password lives in world time, and a wrong one three times over needs another one.
#[tokio::test]
async fn a_password_expires_and_a_locked_sign_in_leads_back_to_the_fiu() {
    let app = start_with_login().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    let mut browser = CustomerBrowser::open(&app, &format!("/aa/webview?{query}")).await;
    browser.submit("/sign-in", &[]).await;
    browser.show("").await;
    app.advance_clock("10m").await;
    browser.submit("/otp", &[("otp", "123456")]).await;
    assert!(
        browser.page.text.contains("That OTP has expired."),
        "{}",
        browser.page.text
    );

    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    browser.submit("/sign-in", &[]).await;
    browser.show("").await;
    for text in [
        "Tries left: 2",
        "Tries left: 1",
        "Too many wrong tries.",
        "Too many wrong tries.",
    ] {
        browser.submit("/otp", &[("otp", "0000")]).await;
        assert!(
            browser.page.text.contains(text),
            "{text}: {}",
            browser.page.text
        );
    }
    browser.show("/leave").await;
    browser.finish("/leave", &[]).await;
    assert_eq!(app.consent_state(&handle).await, "PENDING");
}

/// Without a request, the customer types the number and reads the own consents.
#[tokio::test]
async fn a_customer_comes_for_the_own_consents() {
    let app = TestApp::start().await;
    let handle = app
        .raise_consent(|body| body["ConsentDetail"]["Customer"]["id"] = "9876543210@mockaa".into())
        .await;
    let mut browser = CustomerBrowser::open(&app, "/aa").await;
    for typed in ["", "98765", "98765432101", "number"] {
        let (status, _) = browser.submit("/sign-in", &[("mobile", typed)]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let page = &browser.page.text;
        assert!(
            page.contains("Enter a mobile number of 10 digits"),
            "{page}"
        );
        assert!(page.contains(&format!("value=\"{typed}\"")), "{page}");
    }
    browser
        .submit("/sign-in", &[("mobile", "+91 98765 43210")])
        .await;
    browser.show("").await;
    browser.submit("/otp", &[("otp", "1234")]).await;
    let page = browser.show("/consents").await;
    assert!(
        page.contains(&handle) && page.contains("Waiting for you"),
        "{page}"
    );
    assert!(page.contains("Asked on "), "{page}");
    let page = browser.show(&format!("/consents/{handle}")).await;
    for text in [
        "Read and answer",
        "What is shared",
        &format!("/aa/consents/{handle}\""),
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

/// The AA fetches data for a lender with the Unaport API, and the customer reads when.
#[tokio::test]
async fn a_customer_reads_when_the_aa_has_fetched_data() {
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    let path = format!("/_mockaa/v1/consents/{handle}");
    app.post(&format!("{path}/approve"), &Value::Null)
        .await
        .expect_ok();
    app.advance_clock("1m").await;
    lender.fetch_newest_session(&app, &handle).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = browser.show(&format!("/consents/{handle}")).await;
    assert!(page.contains("Fetched once, on "), "{page}");
}

/// The own consents are those at one AA, which the address names.
#[tokio::test]
async fn the_app_of_each_aa_can_be_opened() {
    let app = TestApp::start().await;
    for (query, name) in [("", "Neel"), ("?aa=UNACORES-AA-UAT", "Kesar")] {
        let browser = CustomerBrowser::open(&app, &format!("/aa{query}")).await;
        let page = &browser.page.text;
        assert!(page.contains(&format!("Sign in to {name}")), "{page}");
    }
    let unknown = app.get("/aa?aa=AA-99").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert!(
        unknown.text.contains("AA-99' is not one of"),
        "{}",
        unknown.text
    );
}

/// A search narrows the list, and what is chosen stays chosen.
#[tokio::test]
async fn a_search_for_a_bank_keeps_those_that_are_chosen() {
    let app = TestApp::start().await;
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    browser.show("/accounts").await;
    let fields = [("bank", "FIP-1"), ("search", "acme & co"), ("find", "true")];
    let (status, location) = browser.submit("/accounts", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
    let address = location.expect("an address");
    let (_, page) = address.split_once(&browser.visit).expect("the visit");
    let page = browser.show(page).await;
    assert!(
        page.contains("No bank matches &#34;acme &#38; co&#34;."),
        "{page}"
    );
    assert!(page.contains("value=\"FIP-1\" checked"), "{page}");
    let page = browser.show("/accounts?search=acme").await;
    assert!(page.contains("Acme Bank") && page.contains("value=\"FIP-1\" checked"));
    assert!(!page.contains("Second Example Bank"), "{page}");
}

/// The link of the AA works again, the request of a web redirection does not.
#[tokio::test]
async fn who_leaves_reads_how_to_come_back() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    for (path, text) in [
        (
            format!("/aa/consents/{handle}"),
            "The same link brings you back.",
        ),
        (
            format!("/aa/webview?{query}"),
            "First Example FIU can send you here again.",
        ),
    ] {
        let mut browser = CustomerBrowser::open(&app, &path).await;
        let page = browser.show("/leave").await;
        assert!(page.contains(text), "{text}: {page}");
    }
}

/// Registers the customer of [`raise_for_deposits`] without linked accounts.
async fn register_customer(app: &TestApp) {
    let path = "/_mockaa/v1/customers/9876543210@mockaa/register";
    app.post(path, &Value::Null).await.expect_ok();
}

/// A customer without linked accounts finds them at two banks: one verifies by a password, the other
/// by itself.
#[tokio::test]
async fn a_customer_finds_and_links_accounts_before_giving_consent() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fip/FIP-2");
    app.send(request.json(&json!({ "linking": "DIRECT" })))
        .await
        .expect_ok();
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = &browser.page.text;
    assert!(page.contains("No account of the kind that First Example FIU asks for is linked."));
    assert!(page.contains("Find my accounts") && !page.contains("Give consent"));
    assert!(
        page.contains("/accounts\"") && list_links(page).is_empty(),
        "{page}"
    );
    let page = browser.show("/accounts?search=acme").await;
    assert!(
        page.contains("Acme Bank") && !page.contains("First Example Bank"),
        "{page}"
    );
    let page = browser.show("/accounts?search=zzz").await;
    assert!(page.contains("No bank matches &#34;zzz&#34;."), "{page}");
    browser.show("/accounts").await;
    let (status, _) = browser.submit("/accounts", &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(browser.page.text.contains("Choose at least one bank"));
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fip/FIP-9");
    app.send(request.json(&json!({ "name": "Empty Bank" })))
        .await
        .expect_ok();
    let banks = ["FIP-1", "FIP-2", "FIP-9"].map(|id| ("bank", id));
    browser.submit("/accounts", &banks).await;
    let page = browser.show("/accounts/found").await.to_owned();
    assert!(page.contains("Empty Bank has no account for"), "{page}");
    let found = list_links(&page);
    let (first, second): (Vec<_>, Vec<_>) = found.iter().partition(|it| it.starts_with("FIP-1/"));
    assert!(!first.is_empty() && !second.is_empty(), "{found:?}");
    let (status, _) = browser.submit("/accounts/link", &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(browser.page.text.contains("Choose at least one account"));
    let chosen = [("account", &**first[0]), ("account", &**second[0])];
    let (_, location) = browser.submit("/accounts/link", &chosen).await;
    assert!(location.expect("an address").ends_with("/accounts/otp"));
    let page = browser.show("/accounts/otp").await;
    for text in [
        "First Example Bank has sent a code to",
        "Go on without First Example Bank",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (otp, text) in [
        ("", "Enter the OTP"),
        ("12", "An OTP has only digits"),
        ("999999", "That OTP is not right."),
    ] {
        let (status, _) = browser.submit("/accounts/otp", &[("otp", otp)]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            browser.page.text.contains(text),
            "{text}: {}",
            browser.page.text
        );
    }
    let (_, location) = browser.submit("/accounts/otp", &[("otp", "1234")]).await;
    assert!(location.expect("an address").ends_with(&browser.visit));
    let page = browser.show("").await;
    assert_eq!(list_links(page).len(), 2, "{page}");
    browser.show("/accounts/found").await;
    assert!(
        browser.page.text.contains("Already linked"),
        "{}",
        browser.page.text
    );
    browser.show("").await;
    browser.approve(&handle).await;
    assert_eq!(granted_links(&app, &handle).await.len(), 2);
}

#[tokio::test]
async fn a_bank_without_an_answer_of_the_customer_is_skipped() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    browser
        .submit("/accounts", &[("bank", "FIP-1"), ("bank", "FIP-2")])
        .await;
    let page = browser.show("/accounts/found").await.to_owned();
    let found = list_links(&page);
    let chosen: Vec<_> = found.iter().map(|it| ("account", &**it)).collect();
    browser.submit("/accounts/link", &chosen).await;
    browser.show("/accounts/otp").await;
    let (_, location) = browser.submit("/accounts/skip", &[]).await;
    assert!(location.expect("an address").ends_with("/accounts/otp"));
    let page = browser.show("/accounts/otp").await;
    assert!(
        page.contains("Second Example Bank has sent a code to"),
        "{page}"
    );
    app.advance_clock("11m").await;
    browser.submit("/accounts/otp", &[("otp", "123456")]).await;
    assert!(
        browser.page.text.contains("That OTP has expired."),
        "{}",
        browser.page.text
    );
    let (_, location) = browser.submit("/accounts/skip", &[]).await;
    assert!(location.expect("an address").ends_with(&browser.visit));
    // A bank that was skipped is asked again, and three wrong tries are too many.
    browser.show("/accounts/found").await;
    let first: Vec<_> = chosen
        .iter()
        .filter(|(_, it)| it.starts_with("FIP-1/"))
        .collect();
    browser.submit("/accounts/link", &[*first[0]]).await;
    browser.show("/accounts/otp").await;
    for text in [
        "is not right",
        "is not right",
        "is not right",
        "Too many wrong tries",
    ] {
        browser.submit("/accounts/otp", &[("otp", "0000")]).await;
        assert!(
            browser.page.text.contains(text),
            "{text}: {}",
            browser.page.text
        );
    }
    for (page, fields, status) in [
        ("/accounts", [("bank", "FIP-99")], 400),
        ("/accounts/link", [("account", "nonsense")], 400),
        ("/accounts/link", [("account", "FIP-1/nonsense")], 400),
    ] {
        browser.show("/accounts").await;
        let (actual, _) = browser.submit(page, &fields).await;
        assert_eq!(actual.as_u16(), status, "{page}: {}", browser.page.text);
    }
}

/// Asks banks for accounts and then to link those that they find, and returns these.
async fn request_links(browser: &mut CustomerBrowser<'_>, banks: &[&str]) -> Vec<String> {
    let fields: Vec<_> = banks.iter().map(|id| ("bank", *id)).collect();
    browser.submit("/accounts", &fields).await;
    let found = list_links(browser.show("/accounts/found").await);
    let chosen: Vec<_> = found.iter().map(|it| ("account", &**it)).collect();
    browser.submit("/accounts/link", &chosen).await;
    found
}

/// Two tabs, or a double click, ask about the same bank: the later one changes no other bank.
#[tokio::test]
async fn an_old_page_of_one_bank_does_not_act_on_the_next_one() {
    for otp in [None, Some("123456"), Some("999999")] {
        let app = TestApp::start().await;
        register_customer(&app).await;
        let handle = raise_for_deposits(&app).await;
        let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
        let found = request_links(&mut browser, &["FIP-1", "FIP-2"]).await;
        let (first, second): (Vec<_>, Vec<_>) =
            found.iter().partition(|it| it.starts_with("FIP-1/"));
        let old_page = browser.show("/accounts/otp").await.to_owned();
        assert!(old_page.contains("First Example Bank has sent"));
        for _ in 0..2 {
            browser.page.text = old_page.clone();
            let (status, location) = match otp {
                None => browser.submit("/accounts/skip", &[]).await,
                Some("999999") => {
                    browser.submit("/accounts/skip", &[]).await;
                    browser.page.text = old_page.clone();
                    browser.submit("/accounts/otp", &[("otp", "999999")]).await
                }
                Some(otp) => browser.submit("/accounts/otp", &[("otp", otp)]).await,
            };
            assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
            assert!(location.expect("an address").ends_with("/accounts/otp"));
            let page = browser.show("/accounts/otp").await;
            let text = "Second Example Bank has sent a code to";
            assert!(page.contains(text), "{otp:?}: {page}");
        }
        browser.submit("/accounts/otp", &[("otp", "123456")]).await;
        let page = browser.show("").await;
        let first = if otp == Some("123456") {
            first.len()
        } else {
            0
        };
        assert_eq!(list_links(page).len(), first + second.len(), "{page}");
    }
}

/// A form without the id of its bank is refused, and says so.
#[tokio::test]
async fn a_password_names_the_bank_that_it_is_for() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    request_links(&mut browser, &["FIP-1"]).await;
    for fields in [&[][..], &[("link", "nonsense")]] {
        browser.show("/accounts/otp").await;
        let token = browser.token();
        let fields = [&[("csrf", &*token), ("otp", "123456")], fields].concat();
        let (status, _) = browser.submit_exactly("/accounts/otp", &fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(browser.page.text.contains("is not the id of a link"));
    }
}

/// A bank that was skipped is asked anew, for the accounts that are chosen now only.
#[tokio::test]
async fn an_account_that_is_no_longer_chosen_is_not_linked() {
    let app = TestApp::start().await;
    register_customer(&app).await;
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let found = request_links(&mut browser, &["FIP-1"]).await;
    let [first, .., last] = &*found else {
        panic!("two accounts: {found:?}");
    };
    browser.show("/accounts/otp").await;
    browser.submit("/accounts/skip", &[]).await;
    for account in [last, first] {
        let linked = list_links(browser.show("").await).len();
        browser.show("/accounts/found").await;
        browser
            .submit("/accounts/link", &[("account", account)])
            .await;
        browser.show("/accounts/otp").await;
        let (status, _) = browser.submit("/accounts/otp", &[("otp", "1234")]).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
        let page = browser.show("").await;
        assert_eq!(list_links(page).len(), linked + 1, "{page}");
    }
}

/// What is wrong in a form is said, and what was chosen stays.
#[tokio::test]
async fn a_form_without_an_account_or_an_answer_is_shown_again() {
    let app = TestApp::start().await;
    let handle = raise_for_deposits(&app).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let answer = format!("answer.{handle}");
    let account = format!("account.{handle}");
    for (fields, text) in [
        (vec![(&*answer, "approve")], "Choose at least one account"),
        (
            vec![(&*answer, "approve"), (&*account, "nonsense")],
            "One of the accounts is no longer linked",
        ),
        (vec![], "Answer each request"),
    ] {
        let (status, _) = browser.submit("/answer", &fields).await;
        let page = &browser.page.text;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{page}");
        assert!(
            page.contains("<title>There is a problem: ") && page.contains(text),
            "{text}: {page}"
        );
        assert_eq!(app.consent_state(&handle).await, "PENDING");
    }
    for (fields, text) in [
        (vec![(&*answer, "perhaps")], "is not one of approve, reject"),
        (vec![("answer.x", "approve")], "answer.x"),
    ] {
        browser.show("").await;
        let (status, _) = browser.submit("/answer", &fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(browser.page.text.contains(text), "{}", browser.page.text);
    }
}

#[tokio::test]
async fn a_form_of_another_visit_is_refused() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let other = CustomerBrowser::open_consent(&app, &handle).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let token = other.token();
    for token in ["", "0123", &token] {
        let (status, _) = browser.submit_exactly("/refuse", &[("csrf", token)]).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(app.consent_state(&handle).await, "PENDING");
    }
    browser.show("/refuse").await;
    let (status, _) = browser.submit("/refuse", &[("reason", "boredom")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        browser
            .page
            .text
            .contains("unclear, later, private, missing, other")
    );
}

#[tokio::test]
async fn a_customer_refuses_with_a_reason() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = browser.show("/refuse").await;
    assert!(page.contains("I do not want to share this"), "{page}");
    browser.finish("/refuse", &[("reason", "private")]).await;
    assert!(
        browser
            .page
            .text
            .contains("You have refused. Nothing was shared.")
    );
    assert_eq!(app.consent_state(&handle).await, "REJECTED");
    let journal = Value::from(app.read_full_journal().await).to_string();
    assert!(journal.contains(&format!("reason for refusing {handle}: private")));
}

#[tokio::test]
async fn who_leaves_can_come_back_by_the_same_link() {
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            body["redirectUrl"] = "https://lender.example/back?loan=1".into();
        })
        .await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = browser.show("/leave").await;
    assert!(page.contains("The same link brings you back."), "{page}");
    let back = browser.finish("/leave", &[]).await;
    assert_eq!(back.as_deref(), Some("https://lender.example/back?loan=1"));
    assert!(
        browser
            .page
            .text
            .contains("You have left without answering.")
    );
    assert!(browser.page.text.contains("lender.example</code>"));
    assert_eq!(app.consent_state(&handle).await, "PENDING");
    let page = browser.show("/result?stay=true").await;
    assert!(
        page.contains("Back to ") && !page.contains("Stay on this page"),
        "{page}"
    );
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    browser.approve(&handle).await;
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
}

/// A page shows what a consent is now, whoever changed it.
#[tokio::test]
async fn a_consent_that_changed_meanwhile_is_shown_as_it_is() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let form = browser.page.text.clone();
    app.post(
        &format!("/_mockaa/v1/consents/{handle}/reject"),
        &Value::Null,
    )
    .await
    .expect_ok();
    let answer = format!("answer.{handle}");
    let account = format!("account.{handle}");
    let links = list_links(&form);
    let fields = [(&*answer, "approve"), (&*account, links[0].as_str())];
    let (status, location) = browser.submit("/answer", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(location.expect("an address").ends_with(&browser.visit));
    let page = browser.show("").await;
    for text in [
        "You have refused. Nothing was shared.",
        "Since 4 Jul 2020, 11:30 am IST",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for page in ["/refuse", "/leave"] {
        let path = format!("{}{page}", browser.visit);
        let (status, _) = app.send_raw(app.request(Method::GET, &path)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    }
    let revoked = app.raise_consent(|_| {}).await;
    let mut browser = CustomerBrowser::open_consent(&app, &revoked).await;
    for action in ["approve", "revoke"] {
        app.post(
            &format!("/_mockaa/v1/consents/{revoked}/{action}"),
            &Value::Null,
        )
        .await
        .expect_ok();
    }
    let page = browser.show("").await;
    assert!(page.contains("Withdrawn"), "{page}");
}

#[tokio::test]
async fn a_visit_that_is_unknown_or_of_another_world_has_a_page_that_says_so() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let browser = CustomerBrowser::open_consent(&app, &handle).await;
    let elsewhere = format!("/w/other{}", browser.visit);
    for path in ["/aa/visits/0123456789abcdef0123456789abcdef", &*elsewhere] {
        let reply = app.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.text.contains("This visit is over."), "{}", reply.text);
        assert!(reply.text.contains("/aa\">My consents"), "{}", reply.text);
        let request = app.request(Method::POST, &format!("{path}/answer"));
        assert_eq!(app.send(request).await.status, 404, "{path}");
    }
    let refused = app.get(&format!("{}?lang=xx", browser.visit)).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["field"]),
        (400, &"lang".into())
    );
}

/// The customer's switch, then the FIU's `isoLanguageCode`, then the browser's languages.
#[tokio::test]
async fn pages_are_in_the_customers_language() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let request = app.request(Method::GET, &format!("/aa/consents/{handle}"));
    let request = request.header("accept-language", "hi-IN,hi;q=0.9,en;q=0.5");
    let (_, location) = app.send_raw(request).await;
    let base = app.sandbox.base_url();
    let location = location.expect("an address");
    let path = location.strip_prefix(&base).expect("a path");
    let page = app.get(path).await.text;
    for text in ["<html lang=\"hi\">", "सहमति दें", "बचत", "hreflang=\"en\""]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    let english = app.get(&format!("{path}?lang=en")).await.text;
    assert!(english.contains("Give consent"));
    let again = app.get(path).await.text;
    assert!(again.contains("Give consent"), "the switch stays");
}

#[tokio::test]
async fn an_fiu_that_sends_the_customer_gets_the_browser_back_with_the_outcome() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (first, second) = (
        journey.raise_consent(|_| ()).await,
        journey.raise_consent(|_| ()).await,
    );
    let handles = format!("{first},{second}");
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handles);
    let path = format!("/aa/webview?{query}");
    let mut browser = CustomerBrowser::open(&app, &path).await;
    let page = &browser.page.text;
    assert!(
        page.contains("asks for 2 consents. Answer each one."),
        "{page}"
    );
    let answers = [
        (format!("answer.{first}"), "approve".to_owned()),
        (format!("account.{first}"), list_links(page)[0].clone()),
        (format!("answer.{second}"), "reject".to_owned()),
    ];
    let fields: Vec<_> = answers
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let (status, _) = browser.submit("/answer", &fields[..2]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        browser.page.text.contains("href=\"#answer-2\""),
        "{}",
        browser.page.text
    );
    let back = browser
        .finish("/answer", &fields)
        .await
        .expect("an address");
    let outcome = decrypt_outcome(&back);
    for part in ["status=S", "errorcode=0", &format!("srcref={first}")] {
        assert!(
            outcome.contains(part) && !outcome.contains(&second),
            "{outcome}"
        );
    }
    assert_eq!(app.consent_state(&first).await, "ACTIVE");
    assert_eq!(app.consent_state(&second).await, "REJECTED");
    assert!(browser.page.text.contains("You agreed to 1 of 2 requests."));

    for (page, code) in [("/refuse", "1"), ("/leave", "20")] {
        let handle = journey.raise_consent(|_| ()).await;
        let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
        let mut browser = CustomerBrowser::open(&app, &format!("/aa/webview?{query}")).await;
        browser.show(page).await;
        let back = browser.finish(page, &[]).await.expect("an address");
        assert!(
            decrypt_outcome(&back).contains(&format!("errorcode={code}&")),
            "{page}"
        );
    }
}

/// A visit ends once: who goes back after an answer does not take it back, and what others have
/// answered is what the FIU reads.
#[tokio::test]
async fn the_fiu_reads_what_the_consents_are_whoever_answered() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let begin = async |handles: String| {
        let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handles);
        CustomerBrowser::open(&app, &format!("/aa/webview?{query}")).await
    };
    let answer = async |handle: &str, action: &str| {
        let path = format!("/_mockaa/v1/consents/{handle}/{action}");
        app.post(&path, &Value::Null).await.expect_ok();
    };
    let handle = journey.raise_consent(|_| ()).await;
    let mut browser = begin(handle.clone()).await;
    let token = browser.token();
    let back = browser.approve(&handle).await.expect("an address");
    let (status, location) = browser.submit_exactly("/leave", &[("csrf", &token)]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(location.expect("an address").ends_with("/result"));
    let page = browser.show("/result").await;
    let link = back.replace('&', "&#38;");
    assert!(
        page.contains("You have given your consent") && page.contains(&link),
        "{page}"
    );
    assert!(decrypt_outcome(&back).contains("errorcode=0&"));

    for (action, code) in [("approve", "0"), ("reject", "1"), ("expire", "2")] {
        let handle = journey.raise_consent(|_| ()).await;
        let mut browser = begin(handle.clone()).await;
        answer(&handle, action).await;
        let page = browser.show("").await;
        assert!(page.contains("Back to First Example FIU"), "{page}");
        let back = browser.finish("/leave", &[]).await.expect("an address");
        assert!(
            decrypt_outcome(&back).contains(&format!("errorcode={code}&")),
            "{action}"
        );
        assert!(
            !browser.page.text.contains("You have left"),
            "{}",
            browser.page.text
        );
    }

    let (first, second) = (
        journey.raise_consent(|_| ()).await,
        journey.raise_consent(|_| ()).await,
    );
    let mut browser = begin(format!("{first},{second}")).await;
    answer(&first, "approve").await;
    browser.show("/refuse").await;
    let back = browser.finish("/refuse", &[]).await.expect("an address");
    let outcome = decrypt_outcome(&back);
    assert!(
        outcome.contains(&format!("errorcode=0&srcref={first}")),
        "{outcome}"
    );
}

#[tokio::test]
async fn a_customer_pauses_resumes_and_withdraws_a_consent() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let other = app
        .raise_consent(|body| body["ConsentDetail"]["Customer"]["id"] = "9123456789@mockaa".into())
        .await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    assert!(browser.show("/consents").await.contains("Waiting for you"));
    browser.show("").await;
    browser.approve(&handle).await;
    let page = browser.show("/consents").await;
    assert!(
        page.contains("In force and paused") && page.contains("Not used yet"),
        "{page}"
    );
    assert!(page.contains(&handle) && !page.contains(&other), "{page}");
    let detail = format!("/consents/{handle}");
    for (input, button, state, shown) in [
        ("pause", "Pause", "PAUSED", "Paused"),
        ("resume", "Resume", "ACTIVE", "In force"),
        ("revoke", "Yes, withdraw", "REVOKED", "Withdrawn"),
    ] {
        let page = browser.show(&detail).await;
        let action = format!("{detail}/{input}");
        assert!(page.contains(&action), "{input}: {page}");
        let page = browser.show(&action).await;
        assert!(page.contains(button), "{page}");
        let (status, location) = browser.submit(&action, &[]).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert!(location.expect("an address").ends_with(&detail));
        assert_eq!(app.consent_state(&handle).await, state);
        let page = browser.show(&detail).await;
        assert!(page.contains(shown), "{page}");
        // A stale click changes nothing and shows what the consent is.
        let (status, _) = browser.submit_exactly(&action, &[("csrf", "")]).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
    let history = browser.show(&detail).await;
    assert!(history.matches("<li>").count() >= 5, "{history}");
    for (path, status) in [
        (format!("/consents/{other}"), 404),
        (format!("/consents/{other}/revoke"), 404),
        (format!("{detail}/expire"), 404),
        ("/consents/nonsense".to_owned(), 404),
    ] {
        let reply = app.get(&format!("{}{path}", browser.visit)).await;
        assert_eq!(reply.status, status, "{path}");
    }
}

/// No text of a caller becomes part of a page.
#[tokio::test]
async fn what_callers_write_cannot_break_a_page() {
    let app = TestApp::start().await;
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(2)>";
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/UNACORES-FIU-UAT");
    app.send(request.json(&json!({ "name": hostile })))
        .await
        .expect_ok();
    for fip in ["FIP-1", "FIP-2", "FIP-3"] {
        let request = app.request(Method::PUT, &format!("/_mockaa/v1/config/fip/{fip}"));
        app.send(request.json(&json!({ "name": hostile })))
            .await
            .expect_ok();
    }
    let lender = Lender::log_in(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            body["trackingId"] = hostile[..40].into();
            crate::lender::consent_detail_mut(body)["Purpose"]["text"] = hostile.into();
        })
        .await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let mut pages = vec![
        app.get("/").await.text,
        app.get(&format!("/ui/consents/{handle}")).await.text,
    ];
    for path in ["", "/refuse", "/leave", "/consents", "/result"] {
        pages.push(browser.show(path).await.to_owned());
    }
    browser.show("").await;
    browser.approve(&handle).await;
    pages.push(browser.page.text.clone());
    let detail = format!("/consents/{handle}");
    for path in [
        detail.clone(),
        format!("{detail}/revoke"),
        "/consents".to_owned(),
    ] {
        pages.push(browser.show(&path).await.to_owned());
    }
    for path in ["/aa/%22%3E%3Cscript%3E", "/ui/consents/%3Cscript%3E"] {
        let request = app.request(Method::GET, path).header("accept", "text/html");
        pages.push(app.send(request).await.text);
    }
    for page in pages {
        let lower = page.to_lowercase();
        assert!(
            !lower.contains("<script>") && !lower.contains("<img src"),
            "{page}"
        );
    }
}

/// A browser gets a page for any failure; a script gets JSON.
#[tokio::test]
async fn a_failure_is_a_page_for_browsers_and_json_for_scripts() {
    let app = TestApp::start().await;
    for (path, status) in [
        ("/ui/nothing", 404),
        ("/nothing", 404),
        ("/ui/consents/00000000-0000-4000-8000-000000000000", 404),
        ("/_mockaa/v1/nothing", 404),
        ("/backend-v2/api/v2/FIU/GetConsent/x", 401),
        ("/backend-v2/api/v2/public/shorten/zzzzzz", 404),
    ] {
        let request = app.request(Method::GET, path);
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let response = request
            .header("accept", browser)
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), status, "{path}");
        let media_type = response.headers()["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        let page = response.text().await.expect("text");
        assert!(media_type.starts_with("text/html"), "{path}: {page}");
        let shown_path = format!("<code>{path}</code>");
        assert!(
            page.contains(&shown_path)
                && (page.contains("href=\"/\"") || page.contains(">Go back</a>")),
            "{page}"
        );
        for accept in [
            "*/*",
            "application/json, text/html",
            "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
            "text/html;q=0",
        ] {
            let script = app.request(Method::GET, path).header("accept", accept);
            app.send(script).await.json();
        }
    }
}

/// The front door: a page for people, links for machines.
#[tokio::test]
async fn the_start_page_leads_to_everything() {
    let app = TestApp::start().await;
    let base = app.sandbox.base_url();
    for world in ["", "/w/other"] {
        let start = app.get(&format!("{world}/")).await.expect_ok();
        assert_eq!(start["name"], "mockaa");
        assert_eq!(start["links"]["docs"], format!("{base}{world}/docs"));
        let links = start["links"].as_object().expect("links");
        for (name, link) in links {
            let link = Url::parse(link.as_str().expect("a URL")).expect("a URL");
            if !name.starts_with("unaport") && name != "rebit" {
                assert_eq!(app.get(link.path()).await.status, 200, "{name}");
            }
        }
        for path in [world.to_owned(), format!("{world}?x=1")] {
            assert_eq!(app.get(&path).await.expect_ok(), start, "{path}");
        }
        let posted = app.send(app.request(Method::POST, world)).await;
        assert_eq!(posted.status, 405, "{world}");
        let request = app.request(Method::GET, &format!("{world}/"));
        let page = app.send(request.header("accept", "text/html")).await.text;
        for text in ["FIU-1", "mockaa-dev-fiu-1-api-key", "9999999001"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        let path = format!("{world}/docs/");
        let (status, location) = app.send_raw(app.request(Method::GET, &path)).await;
        assert_eq!(status, StatusCode::FOUND);
        assert_eq!(location, Some(format!("{base}{world}/docs")));
    }
    for icon in ["/favicon.ico", "/favicon.svg"] {
        assert_eq!(app.get(icon).await.status, 200, "{icon}");
    }
}

/// A customer with a bad link reads what to do, and a developer what is wrong; a script gets JSON.
#[tokio::test]
async fn a_link_that_cannot_be_used_has_a_page_for_its_customer() {
    let app = TestApp::start().await;
    let unknown = "0b811819-9044-4856-b0ee-8c88035f8858";
    let cases = [
        (
            format!("/aa/consents/{unknown}"),
            404,
            "There is no such request here.",
            unknown,
        ),
        (
            "/aa/consents/nonsense".to_owned(),
            404,
            "There is no such request here.",
            "nonsense",
        ),
        (
            "/aa/webview?fi=AA&reqdate=040720200500000&ecreq=AA".to_owned(),
            400,
            "This link is damaged or too old.",
            "is more than 180 s behind the clock",
        ),
        (
            format!("/aa/webview?fi=AA&reqdate={NOW}&ecreq=AA"),
            400,
            "This link is damaged or too old.",
            "does not name a registered FIU",
        ),
        (
            "/aa/webview".to_owned(),
            400,
            "This link is damaged or too old.",
            "fi is missing",
        ),
    ];
    for (path, status, text, details) in cases {
        let page = app
            .request(Method::GET, &path)
            .header("accept", "text/html");
        let page = app.send(page).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        for part in [text, details, "class=\"app\""] {
            assert!(page.text.contains(part), "{path} {part}: {}", page.text);
        }
        let json = app.get(&path).await;
        assert_eq!(json.status.as_u16(), status, "{path}");
        assert!(json.text.contains(details), "{path}: {}", json.text);
        assert!(json.json().is_object(), "{path}");
    }
}

/// Registration and sign-in are one step: a customer who had left the AA is registered again.
#[tokio::test]
async fn a_customer_who_had_left_signs_in_again() {
    let app = start_with_login().await;
    let customer = "/_mockaa/v1/customers/9876543210@mockaa";
    for verb in ["register", "deregister"] {
        let path = format!("{customer}/{verb}");
        app.post(&path, &Value::Null).await.expect_ok();
    }
    let mut browser = CustomerBrowser::open(&app, "/aa").await;
    browser
        .submit("/sign-in", &[("mobile", "९८७६५ ४३२१०")])
        .await;
    browser.show("").await;
    let (status, _) = browser.submit("/otp", &[("otp", "१२३४")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
    let accounts = app.get(&format!("{customer}/accounts")).await.expect_ok();
    assert_eq!(accounts["registered"], true, "{accounts}");
    browser.show("/accounts").await;
    browser.submit("/accounts", &[("bank", "FIP-1")]).await;
    let page = browser.show("/accounts/found").await.to_owned();
    let found = list_links(&page);
    let (status, _) = browser
        .submit("/accounts/link", &[("account", &found[0])])
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.page.text);
}
