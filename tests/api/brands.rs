//! The names, marks and colors of AAs and FIUs on the customer's pages.

use std::fs;
use std::path::PathBuf;

use mockaa::internals::crypto::base64;
use reqwest::Method;
use serde_json::{Value, json};

use crate::customer_browser::CustomerBrowser;
use crate::helpers::{Reply, TestApp, seed_request};
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

const SVG: &str = "<?xml version=\"1.0\"?><!-- a logo --><svg xmlns=\"http://www.w3.org/2000/svg\" \
                   viewBox=\"0 0 9 9\"><script>alert(1)</script><circle r=\"4\"/></svg>";

/// A PNG image of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const SVG_URL: &str = "data:image/svg+xml;base64,";

/// Creates a folder with a `mockaa.toml` and a folder of logos in it; returns the file.
fn write_config(name: &str, toml: &str, logos: &[(&str, &[u8])]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("logos")).expect("a folder");
    for (logo, bytes) in logos {
        fs::write(folder.join("logos").join(logo), bytes).expect("the logo is written");
    }
    let file = folder.join("mockaa.toml");
    fs::write(&file, toml).expect("the file is written");
    file
}

/// Returns the paths of the logos of a page in the box of the mark with this class.
fn list_logos(page: &str, class: &str) -> Vec<String> {
    let start = format!("<img class=\"{class}\" src=\"");
    let images = page.split(&*start).skip(1);
    images
        .map(|rest| {
            let (path, rest) = rest.split_once('"').expect("its end");
            assert!(
                rest.starts_with(" alt=\"\" width=\"48\" height=\"48\">"),
                "{rest}"
            );
            path.to_owned()
        })
        .collect()
}

#[tokio::test]
async fn logos_of_the_file_take_the_place_of_the_marks() {
    let png = base64::decode(PNG).expect("Base64");
    let toml = "[[aa]]\nid = \"own-aa\"\nname = \"Tara <&> Co\"\nlogo = \"logos/aa.svg\"\n\
                [[fiu]]\nid = \"FIU-1\"\nlogo = \"logos/fiu.png\"\n";
    let logos = [("aa.svg", SVG.as_bytes()), ("fiu.png", &png)];
    let file = write_config("logos-of-the-file", toml, &logos);
    let app = TestApp::start_with(|builder| builder.config(&file)).await;
    let handle = app.raise_consent_for("9876500001@own-aa").await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let page = browser.page.text.clone();
    let [aa, fiu] = ["mark", "logo"].map(|class| list_logos(&page, class));
    assert_eq!((aa.len(), fiu.len()), (1, 1), "{page}");
    assert!(list_marks(&page, "mark").is_empty() && list_marks(&page, "logo").is_empty());
    assert!(page.contains("<span lang=\"en\">Tara &#60;&#38;&#62; Co</span>"));
    assert_eq!(list_logos(browser.show("/consents").await, "logo"), fiu);
    let operator = app.get(&format!("/ui/consents/{handle}")).await.text;
    assert_eq!(list_logos(&operator, "mark"), aa);
    assert_eq!(list_logos(&operator, "logo"), fiu);
    assert!(operator.contains("<span>Tara &#60;&#38;&#62; Co</span>"));
    for (path, extension, media_type, bytes) in [
        (&aa[0], ".svg", "image/svg+xml", SVG.as_bytes()),
        (&fiu[0], ".png", "image/png", &png),
    ] {
        assert!(path.starts_with("/aa/logos/") && path.ends_with(extension));
        let reply = app.request(Method::GET, path).send().await;
        let reply = reply.expect("an answer");
        assert_eq!(reply.status(), 200, "{path}");
        let policy =
            "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";
        for (name, expected) in [
            ("content-type", media_type),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", policy),
        ] {
            assert_eq!(reply.headers()[name], expected, "{path}");
        }
        assert_eq!(
            reply
                .headers()
                .get_all("content-security-policy")
                .iter()
                .count(),
            1
        );
        assert_eq!(&reply.bytes().await.expect("bytes")[..], bytes);
        let of_other_format = path.replace(extension, ".gif");
        assert_eq!(app.get(&of_other_format).await.status, 404);
    }
}

#[tokio::test]
async fn a_page_names_the_logo_of_its_world() {
    let toml = "[[aa]]\nid = \"own-aa\"\nlogo = \"logos/aa.svg\"\n";
    let file = write_config("logos-of-a-world", toml, &[("aa.svg", SVG.as_bytes())]);
    let app = TestApp::start_with(|builder| builder.config(&file)).await;
    let browser = CustomerBrowser::open(&app, "/w/other/aa").await;
    let logo = list_logos(&browser.page.text, "mark").remove(0);
    assert!(logo.starts_with("/w/other/aa/logos/"), "{logo}");
    assert_eq!(app.get(&logo).await.text, SVG);

    let url = SVG_URL.to_owned() + &base64::encode(SVG.replace('4', "3").as_bytes());
    let path = format!("/w/other{FIU_PATH}");
    put_fiu(&app, &path, &json!({ "logo": url }))
        .await
        .expect_ok();
    let ended = app
        .get(&format!("/w/other/aa/visits/{}", "0".repeat(32)))
        .await;
    assert_eq!(list_logos(&ended.text, "mark"), [logo]);
    let body = seed_request();
    let handle = app.post("/w/other/consent", &body).await.expect_ok()["ConsentHandle"].clone();
    let handle = handle.as_str().expect("a handle");
    let page = app.get(&format!("/w/other/ui/consents/{handle}")).await;
    let logo = list_logos(&page.text, "logo").remove(0);
    assert_eq!(app.get(&logo).await.status, 200);
    let of_default_world = logo.strip_prefix("/w/other").expect("the world");
    assert_eq!(app.get(of_default_world).await.status, 404);
}

#[tokio::test]
async fn null_restores_the_mark_of_an_fiu() {
    let app = TestApp::start().await;
    let default = app.get(FIU_PATH).await.expect_ok();
    assert_eq!(default["logo"], Value::Null);
    let handle = app.raise_consent(|_| {}).await;
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    let default_mark = list_marks(&browser.page.text, "logo");

    let url = SVG_URL.to_owned() + &base64::encode(SVG.as_bytes());
    let changed = put_fiu(&app, FIU_PATH, &json!({ "logo": url }))
        .await
        .expect_ok();
    assert_eq!(changed["logo"], json!(url));
    let logo = list_logos(browser.show("").await, "logo");
    assert_eq!(app.get(&logo[0]).await.text, SVG);
    let listed = app.get("/_mockaa/v1/config/fiu").await.expect_ok();
    assert_eq!(listed["items"][0], changed);
    let renamed = put_fiu(&app, FIU_PATH, &json!({ "name": "A" }))
        .await
        .expect_ok();
    assert_eq!(
        renamed["logo"],
        json!(url),
        "an omitted field keeps its value"
    );
    assert_eq!(put_fiu(&app, FIU_PATH, &changed).await.expect_ok(), changed);

    let png = format!("data:image/png;base64,{PNG}");
    let replaced = put_fiu(&app, FIU_PATH, &json!({ "logo": png }))
        .await
        .expect_ok();
    assert_eq!(replaced["logo"], json!(png));
    assert_eq!(
        app.get(&logo[0]).await.status,
        404,
        "no FIU has the old logo"
    );
    let restored = put_fiu(&app, FIU_PATH, &json!({ "logo": null }))
        .await
        .expect_ok();
    assert_eq!(restored, default);
    assert_eq!(list_marks(browser.show("").await, "logo"), default_mark);
}

#[tokio::test]
async fn a_file_that_is_no_logo_is_refused_with_its_key() {
    let large = format!("{SVG}{}", " ".repeat(64 * 1024 + 1 - SVG.len()));
    let logos = [
        ("large.svg", large.as_bytes()),
        ("a.gif", b"GIF89a"),
        ("page.svg", b"<!DOCTYPE html><html></html>"),
        (
            "open.svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g></svg>",
        ),
    ];
    for (logo, problem, remedy) in [
        (
            "none.svg",
            "No such file",
            "name a PNG or SVG file, absolute or relative",
        ),
        (
            "",
            "directory",
            "name a PNG or SVG file, absolute or relative",
        ),
        ("large.svg", "is larger than 64 KiB", "use a smaller image"),
        (
            "a.gif",
            "is neither a PNG nor an SVG image",
            "use one of these formats",
        ),
        (
            "page.svg",
            "its root element is <html>",
            "use one whose root element is <svg>",
        ),
        ("open.svg", "is no well-formed SVG image", "or use PNG"),
    ] {
        for table in ["aa", "fiu"] {
            let toml = format!("[[{table}]]\nid = \"x\"\nlogo = \"logos/{logo}\"\n");
            let file = write_config("logos-that-are-none", &toml, &logos);
            let start = mockaa::Sandbox::builder().config(&file).start();
            let error = start.await.expect_err("the file is invalid").to_string();
            let key = format!("{table}.logo ");
            let path = format!("logos/{logo}");
            for part in ["mockaa.toml: ", &key, &path, problem, remedy] {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
    }
    let toml = "[[aa]]\nid = \"x\"\nlogo = \"data:image/png;base64,iVBO\"\n";
    let file = write_config("logos-that-are-none", toml, &logos);
    let start = mockaa::Sandbox::builder().config(&file).start();
    let error = start.await.expect_err("the file is invalid").to_string();
    assert!(
        error.ends_with(
            "aa.logo is a data URL, which only the control API takes; name a PNG or SVG file"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_data_url_that_is_no_logo_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let before = app.get(FIU_PATH).await.expect_ok();
    let encode = |bytes: &[u8]| base64::encode(bytes);
    let large = format!("{SVG}{}", " ".repeat(64 * 1024 + 1 - SVG.len()));
    for (logo, problem) in [
        (
            String::new(),
            "'' is no data URL of an image; begin it with data:image/png;base64,",
        ),
        (
            "logos/bank.svg".to_owned(),
            "'logos/bank.svg' is no data URL of an image; begin it with",
        ),
        (
            format!("data:image/gif;base64,{PNG}"),
            "is no data URL of an image; begin it with",
        ),
        (
            format!("{SVG_URL}%3Csvg/%3E"),
            "has no Base64 after its comma; encode the image in the",
        ),
        (
            SVG_URL.to_owned(),
            "is neither a PNG nor an SVG image; use one of these formats",
        ),
        (
            SVG_URL.to_owned() + &encode(b"GIF89a"),
            "is neither a PNG nor an SVG image; use one of",
        ),
        (
            SVG_URL.to_owned() + &encode(large.as_bytes()),
            "is larger than 64 KiB; use a smaller",
        ),
        (
            SVG_URL.to_owned() + &encode(b"<svg/>"),
            "add xmlns=\\\"http://www.w3.org/2000/svg\\\"",
        ),
        (
            SVG_URL.to_owned() + PNG,
            "says image/svg+xml, but the image is image/png; correct the",
        ),
    ] {
        let reply = put_fiu(&app, FIU_PATH, &json!({ "logo": logo })).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        for part in ["\"field\":\"fiu.logo\"", problem] {
            assert!(reply.text.contains(part), "{part}: {}", reply.text);
        }
        assert!(reply.text.len() < 1_000, "the message quotes a part only");
    }
    assert_eq!(
        put_fiu(&app, FIU_PATH, &json!({ "logo": 1 })).await.status,
        400
    );
    assert_eq!(app.get(FIU_PATH).await.expect_ok(), before);
    let largest = format!("{SVG}{}", " ".repeat(64 * 1024 - SVG.len()));
    let url = SVG_URL.to_owned() + &encode(largest.as_bytes());
    put_fiu(&app, FIU_PATH, &json!({ "logo": url }))
        .await
        .expect_ok();
}
