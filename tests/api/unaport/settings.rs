//! AAs, accounts, templates and the other settings of a `mockaa.toml`.

use serde_json::{Value, json};

use crate::jws_verifier::JwsVerifier;
use crate::lender::{
    AA_ID, APP_PREFIX, Lender, expect_text, start_configured, start_configured_with,
    template_consent_request, write_temp_file,
};

#[tokio::test]
async fn each_aa_has_its_own_handle_key_and_scenario() {
    let toml = "[[aa]]\nid = \"first-aa\"\n[[aa]]\nid = \"quick-aa\"\nhandle = \"quick\"\nscenario = \"reject\"\n\
                [[aa]]\nid = \"onemoney-aa\"\nhandle = \"onemoney\"\n";
    let mut app = start_configured("aas", toml).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let jwks = app.get("/.well-known/jwks.json").await.expect_ok();
    for (aa, handle, index) in [("first-aa", "first-aa", 0), ("onemoney-aa", "onemoney", 2)] {
        let created = lender
            .create_consent(&app, |body| body["aaId"] = aa.into())
            .await
            .expect_ok();
        assert_eq!(created["Customer"]["id"], format!("9876500001@{handle}"));
        let consent = expect_text(&created["ConsentHandle"]);
        app.apply_verb(&consent, "approve").await.expect_ok();
        app.advance_clock("0s").await;
        let verifier = JwsVerifier::from_jwk(&jwks["keys"][index]);
        for message in app.fiu.drain_messages() {
            assert_eq!(
                message.json()["Notifier"],
                json!({ "type": "AA", "id": aa })
            );
            // The token service signs with the key of the first AA.
            let token_verifier = JwsVerifier::from_jwk(&jwks["keys"][0]);
            let claims = token_verifier.decode_compact(message.header("aa_api_key"));
            assert_eq!(claims["azp"], aa);
            assert!(verifier.is_valid_detached(message.header("x-jws-signature"), &message.body));
        }
        let record = lender.fetch_record(&app, &consent).await;
        let artefact = verifier.decode_compact(record["signedConsent"].as_str().expect("a JWS"));
        assert_eq!(
            (&record["aaId"], &artefact["DataProvider"]["id"]),
            (&json!(aa), &json!(aa))
        );
        assert_eq!(artefact.get("DataFilter"), None, "the request has none");
        assert_eq!(
            lender.fetch_notifications(&app, &consent).await[0]["Notifier"]["id"],
            aa
        );
    }
    // The scenario of an AA drives the consents of its customers.
    let handle = lender
        .raise_consent(&app, |body| body["aaId"] = "quick-aa".into())
        .await;
    app.advance_clock("2s").await;
    assert_eq!(lender.fetch_statuses(&app, &handle).await.0, "FAILED");
    let unknown = lender
        .create_consent(&app, |body| body["aaId"] = "UNACORES-AA-UAT".into())
        .await;
    assert_eq!(unknown.status, 400);
    let problem = &unknown.json()["errors"][0];
    assert_eq!(problem["field"], "aaId");
    assert!(
        expect_text(&problem["message"]).contains("one of first-aa, quick-aa, onemoney-aa"),
        "{problem}"
    );
    // The Central Registry of the ReBIT API lists all of them.
    assert_eq!(
        app.get("/entityInfo/AA")
            .await
            .expect_ok()
            .as_array()
            .expect("a list")
            .len(),
        3
    );
}

#[tokio::test]
async fn an_aas_scenario_comes_before_the_default_one_and_stays() {
    let folder = std::env::temp_dir().join(format!("mockaa-unaport-usual-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scenario_file = folder.join("own.yaml");
    std::fs::write(
        &scenario_file,
        "version: 1\nname: own\nsteps: [{ reject: {} }]\n",
    )
    .expect("the file is written");
    let toml = format!("[[aa]]\nid = \"{AA_ID}\"\nhandle = \"ink\"\nscenario = \"own\"\n");
    let app = start_configured_with("usual", &toml, |builder| {
        builder.scenarios(&folder).default_scenario("approve")
    })
    .await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    assert_eq!(lender.fetch_statuses(&app, &handle).await.0, "FAILED");
    std::fs::remove_file(&scenario_file).expect("the file is removed");
    let rejection = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    assert!(
        rejection.status != 200
            && rejection
                .text
                .contains(&format!("aa.scenario of {AA_ID}, own")),
        "{}",
        rejection.text
    );
    lender.raise_consent(&app, |_| ()).await;
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[tokio::test]
async fn wrong_settings_are_reported() {
    for (name, toml, expected) in [
        (
            "dialect-no",
            "[unaport]\nversion = \"1.8\"\n",
            "unaport.version '1.8' is not one of 2.0.0, 1.7",
        ),
        (
            "fiu-no",
            "[unaport]\nfiu = \"X\"\n",
            "unaport.fiu 'X' is not the id of an [[fiu]]",
        ),
        (
            "word-no",
            "[unaport]\nrejected_status = \"NO\"\n",
            "not one of FAILED, REJECTED",
        ),
        (
            "key-no",
            "[unaport]\ncolour = 1\n",
            "unknown field `colour`",
        ),
        (
            "account-no",
            "[[unaport.account]]\nemail = \"a@b\"\n",
            "unaport.account.password is missing",
        ),
        (
            "account-short",
            "[[unaport.account]]\nemail = \"a@b.example\"\npassword = \"short\"\n",
            "at least 8 are needed",
        ),
        (
            "template-no",
            "[[unaport.template]]\nproduct_name = \"x\"\n",
            "unaport.template.productId is missing",
        ),
        (
            "scenario-no",
            "[[aa]]\nid = \"a\"\nscenario = \"nope\"\n",
            "aa.scenario of a, nope: unknown scenario",
        ),
        (
            "org-no",
            "[[fiu]]\nid = \"A\"\norg_id = \"o\"\n[[fiu]]\nid = \"B\"\norg_id = \"o\"\n",
            "orgId of 'B' is already used by 'A'",
        ),
    ] {
        let file = write_temp_file(name, "toml", toml);
        let error = mockaa::Sandbox::builder()
            .config(&file)
            .start()
            .await
            .expect_err("the file is invalid")
            .to_string();
        std::fs::remove_file(&file).expect("the file is removed");
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_template_and_an_organisation_of_the_configuration_are_there_from_the_start() {
    let id = "299641fb-db12-4f0b-9548-dd739bffc616";
    let toml = format!(
        "[[fiu]]\nid = \"LENDER\"\norg_id = \"4509dd7b-9ebc-4d93-b1bd-0c2ca7025149\"\n[[unaport.template]]\nproductId = \"{id}\"\n\
         product_name = \"Ready made\"\n[unaport.template.ConsentDetail]\nconsentStart = \"2019-01-01T00:00:00.000Z\"\nconsentExpiry = \"1\"\n\
         consentMode = \"STORE\"\nfetchType = \"PERIODIC\"\nconsentTypes = [\"SUMMARY\"]\nfiTypes = [\"DEPOSIT\"]\nDataConsumer.id = \"LENDER\"\n\
         Purpose.code = \"102\"\nFIDataRange = {{ from = -1, to = 0 }}\nDataLife = {{ unit = \"DAY\", value = 1 }}\nFrequency = {{ unit = \
         \"HOUR\", value = 4 }}\n"
    );
    let app = start_configured_with("template", &toml, |builder| builder).await;
    let lender = Lender::log_in(&app).await;
    assert_eq!(lender.org_id, "4509dd7b-9ebc-4d93-b1bd-0c2ca7025149");
    let mut body = template_consent_request(id);
    body["fiuId"] = "LENDER".into();
    let created = lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/Consents/product/{}", lender.org_id),
            &body,
        )
        .await
        .expect_ok();
    let handle = expect_text(&created["ConsentHandle"]);
    app.apply_verb(&handle, "approve").await.expect_ok();
    let record = lender.fetch_record(&app, &handle).await;
    assert_eq!(
        record["nextRuntime"], "2020-07-04T06:15:00.000+00:00",
        "a fetch every 15 minutes"
    );
    let session = lender.fetch_newest_session(&app, &handle).await;
    let fetched = lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(
        fetched["DEPOSIT"]["transactions"],
        json!([]),
        "only the summary was requested"
    );
    assert_eq!(
        fetched["DEPOSIT"]["summary"].as_array().map(Vec::len),
        Some(1)
    );
}
