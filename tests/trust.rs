//! The certificate authorities that the sandbox and its commands trust.

mod binary;

use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::binary::{Server, create_folder, mockaa_command, run_in};

/// A receiver over https, whose certificate no public CA has signed.
struct Receiver {
    url: String,
    /// Its certificate in PEM.
    certificate: String,
}

impl Receiver {
    /// Starts to answer each request with 200 and `{}`.
    async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let rcgen::CertifiedKey { cert, signing_key } = made.expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a certificate with its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust the certificate ends the handshake.
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut request = Vec::new();
                    while !is_whole(&request) {
                        if stream.read_buf(&mut request).await.unwrap_or_default() == 0 {
                            return;
                        }
                    }
                    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                                  content-length: 2\r\nconnection: close\r\n\r\n{}";
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self {
            url,
            certificate: cert.pem(),
        }
    }
}

/// Returns whether a request has its whole body.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.to_lowercase().lines().find_map(|line| {
        let length = line.strip_prefix("content-length: ")?;
        length.parse::<usize>().ok()
    });
    body.len() >= length.unwrap_or_default()
}

/// The time at which the sample request is raised.
const NOW: &str = "2020-07-04T06:00:00.000Z";

/// Starts `serve` with an FIU at this address, and returns the first attempt of a webhook to it.
async fn send_webhook(fiu: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let clock = format!("{NOW},frozen");
    let fixed = ["serve", "--port", "0", "--clock", &clock, "--fiu-url", fiu];
    let mut command = mockaa_command(&[&fixed, arguments].concat());
    command
        .envs(variables.iter().copied())
        .stderr(Stdio::null());
    let server = Server::spawn(&mut command);
    let url = server.base_url();
    let client = reqwest::Client::new();
    let read = async |request: reqwest::RequestBuilder| {
        let reply = request.send().await.expect("an answer");
        reply.json::<Value>().await.expect("JSON")
    };
    let consent = include_str!("../fixtures/seed/consent-request.json")
        .replace("{{current_timestamp}}", NOW)
        .replace("1999999999@onemoney", "9999999001@onemoney");
    let request = client.post(format!("{url}/consent"));
    let request = request.header("content-type", "application/json");
    let raised = read(request.body(consent)).await;
    assert!(raised["ConsentHandle"].is_string(), "{raised}");
    let advance = client.post(format!("{url}/_mockaa/v1/clock/advance"));
    // The webhooks that are due are answered, or have failed, before this call is.
    read(advance.json(&json!({ "by": "1s" }))).await;
    let list = read(client.get(format!("{url}/_mockaa/v1/webhooks?after=0"))).await;
    list["items"][0]["attempts"][0].clone()
}

/// The folders of certificates are empty, as in a container from scratch.
const NO_SYSTEM_CAS: [(&str, &str); 2] = [
    ("SSL_CERT_FILE", "/nonexistent/file"),
    ("SSL_CERT_DIR", "/nonexistent/folder"),
];

#[tokio::test]
async fn a_webhook_reaches_a_receiver_whose_ca_is_given() {
    let receiver = Receiver::start().await;
    let folder = create_folder("trust-given", &[("ca.pem", &receiver.certificate)]);
    let file = folder.join("ca.pem");
    let file = file.to_str().expect("UTF-8");
    for variables in [&[][..], &NO_SYSTEM_CAS] {
        let attempt = send_webhook(&receiver.url, &[], variables).await;
        let error = attempt["error"].as_str().unwrap_or_default();
        assert!(error.contains("trust its CA with --ca FILE"), "{attempt}");

        let attempt = send_webhook(&receiver.url, &["--ca", file], variables).await;
        assert_eq!(attempt["status"], 200, "{attempt}");
    }
    let attempt = send_webhook(&receiver.url, &[], &[("MOCKAA_CA", file)]).await;
    assert_eq!(attempt["status"], 200, "{attempt}");
}

#[tokio::test]
async fn the_doctor_trusts_a_ca_that_is_given() {
    let receiver = Receiver::start().await;
    let settings = format!("[serve]\nfiu_url = \"{}\"\nca = \"ca.pem\"\n", receiver.url);
    let files = [
        ("ca.pem", &*receiver.certificate),
        ("trusting.toml", &settings),
    ];
    let folder = create_folder("trust-doctor", &files);
    let run = async |arguments: &[&str]| {
        let (folder, arguments) = (folder.clone(), arguments.join(" "));
        let run = move || {
            let arguments: Vec<_> = arguments.split(' ').collect();
            run_in(&folder, &arguments)
        };
        tokio::task::spawn_blocking(run)
            .await
            .expect("the command runs")
    };
    let (_, findings, _) = run(&["doctor", "--fiu-url", &receiver.url]).await;
    assert!(
        findings.contains("give the certificate of its issuer with --ca"),
        "{findings}"
    );
    for arguments in [
        &["doctor", "--fiu-url", &receiver.url, "--ca", "ca.pem"][..],
        &["doctor", "--config", "trusting.toml"],
    ] {
        let (_, findings, stderr) = run(arguments).await;
        assert!(!findings.contains("--ca"), "{findings}{stderr}");
        assert!(findings.contains("signed-webhook"), "{findings}{stderr}");
    }
}

#[test]
fn a_file_without_a_certificate_is_refused() {
    let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let files = [
        ("empty.pem", ""),
        ("key.der", "\u{1}\u{2}"),
        ("broken.pem", broken),
    ];
    let folder = create_folder("trust-refused", &files);
    for (file, reason) in [
        ("none.pem", "--ca: cannot read none.pem: "),
        ("empty.pem", "--ca: empty.pem has no certificate in PEM"),
        ("key.der", "--ca: key.der has no certificate in PEM"),
        (
            "broken.pem",
            "--ca: broken.pem has a certificate that cannot be read",
        ),
    ] {
        for arguments in [
            &["serve", "--port", "0", "--ca", file][..],
            &["doctor", "--fiu-url", "https://127.0.0.1:1", "--ca", file],
        ] {
            let (code, _, stderr) = run_in(&folder, arguments);
            assert_eq!(code, 2, "{arguments:?} {stderr}");
            assert!(stderr.contains(reason), "{arguments:?} {stderr}");
        }
    }
}
