//! The names, marks and colors of AAs and FIUs on the customer's pages.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::customer_browser::CustomerBrowser;
use crate::helpers::{Reply, TestApp};
use crate::lender::start_configured;

const FIU_PATH: &str = "/_mockaa/v1/config/fiu/FIU-1";

async fn put_fiu(app: &TestApp, path: &str, change: &Value) -> Reply {
    app.send(app.request(Method::PUT, path).json(change)).await
}

/// Returns the marks of a page that have this class, each up to its end.
fn list_marks(page: &str, class: &str) -> Vec<String> {
    let start = format!("<svg class=\"{class}\" viewBox=\"0 0 48 48\" aria-hidden=\"true\">");
    let marks = page.split(&*start).skip(1);
    marks
        .map(|rest| rest.split("</svg>").next().expect("its end").to_owned())
        .collect()
}

/// Returns the path of the theme that a page loads.
fn theme_of(page: &str) -> String {
    let mut paths = page.split('"').filter(|it| it.starts_with("/aa/themes/"));
    let path = paths.next().expect("the page loads a theme").to_owned();
    assert_eq!(paths.next(), None);
    path
}

#[tokio::test]
async fn the_page_shows_the_name_and_the_marks() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let page = CustomerBrowser::open_consent(&app, &handle).await.page.text;
    assert!(page.contains("<span lang=\"en\">Neel</span>"), "{page}");
    assert!(page.contains("· Neel</title>"), "{page}");
    let [aa, fiu] = ["mark", "logo"].map(|class| list_marks(&page, class));
    assert_eq!((aa.len(), fiu.len()), (1, 1));
    assert!(aa[0].contains("fill=\"#3a3aa0\""), "{}", aa[0]);
    assert_ne!(aa, fiu);
    assert!(
        page.contains("<legend class=\"bank\"><svg viewBox=\"0 0 48 48\""),
        "{page}"
    );
    assert!(!page.contains("style="), "the policy forbids it: {page}");
}

#[tokio::test]
async fn the_list_of_consents_has_the_marks_of_the_fius() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let logo = list_marks(&browser.page.text, "logo");
    let list = list_marks(browser.show("/consents").await, "logo");
    assert_eq!(list, logo);
}

#[tokio::test]
async fn the_theme_of_an_aa_is_a_stylesheet_that_never_changes() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let page = CustomerBrowser::open_consent(&app, &handle).await.page.text;
    let path = theme_of(&page);
    assert_eq!(path, "/aa/themes/3a3aa0-b9b9ff.css");
    let reply = app.request(Method::GET, &path).send().await;
    let reply = reply.expect("an answer");
    assert_eq!(reply.status(), 200);
    for (name, expected) in [
        ("content-type", "text/css; charset=utf-8"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(reply.headers()[name], expected);
    }
    let css = reply.text().await.expect("text");
    for start in [
        "--brand: light-dark(#3a3aa0, #b9b9ff);",
        "--brand-fill: light-dark(#3a3aa0, ",
        "--brand-soft: light-dark(#",
        "--on-brand: light-dark(#ffffff, #ffffff);",
    ] {
        assert!(css.contains(start), "{start}: {css}");
    }
    for file in ["3A3AA0-b9b9ff.css", "3a3aa0.css", "red-blue.css", "x"] {
        let reply = app.get(&format!("/aa/themes/{file}")).await;
        assert_eq!(reply.status, 404, "{file}");
        assert!(reply.text.contains("3a3aa0-b9b9ff.css"), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_visit_that_has_ended_keeps_the_brand() {
    let app = TestApp::start().await;
    let visit = format!("/aa/visits/{}", "0".repeat(32));
    let page = app.get(&visit).await;
    assert_eq!(page.status, 404);
    assert_eq!(list_marks(&page.text, "mark").len(), 1);
    assert_eq!(theme_of(&page.text), "/aa/themes/3a3aa0-b9b9ff.css");
}

#[tokio::test]
async fn an_aa_has_the_name_and_the_colors_of_the_file() {
    let toml = "[[aa]]\nid = \"own-aa\"\nname = \"Tara <&> Co\"\nhandle = \"own\"\ncolor = \"FFD800\"\n\
                accent_color = \"#102030\"\n";
    let app = start_configured("brand-of-an-aa", toml).await;
    let handle = app.raise_consent_for("9876500001@own").await;
    let page = CustomerBrowser::open_consent(&app, &handle).await.page.text;
    assert!(
        page.contains("Tara &#60;&#38;&#62; Co") && !page.contains("Tara <"),
        "{page}"
    );
    assert_eq!(theme_of(&page), "/aa/themes/ffd800-102030.css");
    let mark = &list_marks(&page, "mark")[0];
    for color in ["#ffd800", "#102030", "#000000"] {
        assert!(
            mark.contains(&format!("fill=\"{color}\"")),
            "{color}: {mark}"
        );
    }
    let start = app.request(Method::GET, "/").header("accept", "text/html");
    let start = app.send(start).await.text;
    assert!(start.contains("Tara &#60;&#38;&#62; Co"), "{start}");
}

#[tokio::test]
async fn an_aa_without_a_name_is_called_by_its_id() {
    let app = start_configured("aa-without-name", "[[aa]]\nid = \"only-aa\"\n").await;
    let handle = app.raise_consent_for("9876500001@only-aa").await;
    let page = CustomerBrowser::open_consent(&app, &handle).await.page.text;
    assert!(page.contains("<span lang=\"en\">only-aa</span>"), "{page}");
}

#[tokio::test]
async fn a_color_that_is_none_is_refused_with_its_field() {
    let folder = std::env::temp_dir().join(format!("mockaa-brands-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("mockaa.toml");
    let remedy = "is not a color; write # and six hexadecimal digits, such as #";
    for (text, field, value) in [
        (
            "[[aa]]\nid = \"x\"\ncolor = \"blue\"\n",
            "aa.color",
            "'blue'",
        ),
        (
            "[[aa]]\nid = \"x\"\naccent_color = \"#fff\"\n",
            "aa.accent_color",
            "'#fff'",
        ),
        ("[[fiu]]\nid = \"x\"\ncolor = \"\"\n", "fiu.color", "''"),
        (
            "[[fiu]]\nid = \"x\"\naccent_color = \"#3a3aa0ff\"\n",
            "fiu.accentColor",
            "'#3a3aa0ff'",
        ),
    ] {
        fs::write(&file, text).expect("the file is written");
        let start = mockaa::Sandbox::builder().config(&file).start();
        let error = start.await.expect_err("the file is invalid").to_string();
        for part in ["mockaa.toml", field, value, remedy] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    fs::remove_dir_all(&folder).expect("the folder is removed");

    let app = TestApp::start().await;
    let before = app.get(FIU_PATH).await.expect_ok();
    let reply = put_fiu(&app, FIU_PATH, &json!({ "accentColor": "rgb(1,2,3)" })).await;
    assert_eq!(reply.status, 400);
    for part in ["fiu.accentColor", "'rgb(1,2,3)'", remedy] {
        assert!(reply.text.contains(part), "{part}: {}", reply.text);
    }
    let reply = put_fiu(&app, FIU_PATH, &json!({ "logo": "#3a3aa0" })).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(app.get(FIU_PATH).await.expect_ok(), before);
}

#[tokio::test]
async fn null_restores_the_colors_of_an_fiu() {
    let app = TestApp::start().await;
    let default = app.get(FIU_PATH).await.expect_ok();
    let colors = |fiu: &Value| (fiu["color"].clone(), fiu["accentColor"].clone());
    let handle = app.raise_consent(|_| {}).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let default_logo = list_marks(&browser.page.text, "logo");

    let changed = put_fiu(&app, FIU_PATH, &json!({ "color": "0B5C66" })).await;
    let changed = changed.expect_ok();
    assert_eq!(
        colors(&changed),
        (json!("#0b5c66"), default["accentColor"].clone())
    );
    let logo = list_marks(browser.show("").await, "logo");
    assert!(logo[0].contains("fill=\"#0b5c66\""), "{logo:?}");

    let again = put_fiu(&app, FIU_PATH, &json!({ "accent_color": "#a8e6ea" })).await;
    assert_eq!(
        colors(&again.expect_ok()),
        (json!("#0b5c66"), json!("#a8e6ea"))
    );
    let one_restored = put_fiu(&app, FIU_PATH, &json!({ "color": null })).await;
    assert_eq!(
        colors(&one_restored.expect_ok()),
        (default["color"].clone(), json!("#a8e6ea"))
    );
    let restored = put_fiu(&app, FIU_PATH, &json!({ "accent_color": null })).await;
    assert_eq!(restored.expect_ok(), default);
    assert_eq!(list_marks(browser.show("").await, "logo"), default_logo);
}
