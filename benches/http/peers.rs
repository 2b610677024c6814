//! Other mock servers on the same two calls, from their npm packages. They answer with fixed or
//! templated bodies; none stores, times, signs or calls back as mockaa does.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::calls::{get, post};
use crate::load::{seed_request, write_paths};
use crate::options::Options;
use crate::report::{Floor, Rounds, print_ratio};
use crate::server::{SERVER_CORE, Server, Side, Target, end};

/// The npm packages with their versions.
const PACKAGES: [&str; 4] = [
    "@mockoon/cli@9.9.0",
    "@stoplight/prism-cli@5.14.2",
    "json-server@0.17.4",
    "wiremock@3.13.2",
];

const PORT: &str = "18080";

/// The time for which a peer is warmed up on all cores: the compilers of Java and JavaScript need it.
const WARM_UP_S: u32 = 30;

/// A server with its command line, and the ratios that mockaa should have.
struct Peer {
    name: &'static str,
    command: Vec<String>,
    floor: f64,
}

/// A path of GET that each peer answers: the first consent that json-server has stored.
const GET_PATH: &str = "/consent/1";

/// Compares mockaa with each peer: the rates of both calls.
pub async fn compare(options: &Options) {
    let folder = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/peers"));
    install(&folder);
    for peer in list_peers(&folder) {
        let mut rounds: [[Rounds; 2]; 2] = Default::default();
        let server = PeerServer::start(&peer, &folder).await;
        for _ in 0..options.rounds.min(3) {
            server.signal("CONT");
            let file = write_paths(&[GET_PATH.to_owned()]);
            rounds[0][1].add(post(&server, 10_000_000, options.seconds, 0).rate);
            rounds[1][1].add(get(&server, file, options.seconds).rate);
            // A peer that rests may still collect its garbage.
            server.signal("STOP");
            let mockaa = Server::start(Side::Mockaa, &options.program, &[]);
            rounds[0][0].add(post(&mockaa, 10_000_000, options.seconds, 0).rate);
            let paths = mockaa.raise_consents(1_000).await;
            let file = write_paths(&paths);
            get(&mockaa, file.clone(), 1);
            rounds[1][0].add(get(&mockaa, file, options.seconds).rate);
        }
        for (call, [mockaa, other]) in ["POST", "GET"].into_iter().zip(&rounds) {
            let name = format!("`{call}` / {}", peer.name);
            print_ratio(&name, "/s", [mockaa, other], Floor::AtLeast(peer.floor));
        }
    }
}

/// Installs the packages, unless they are there.
fn install(folder: &Path) {
    if folder.join("node_modules").is_dir() {
        return;
    }
    std::fs::create_dir_all(folder).expect("the folder is writable");
    let status = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--prefix"])
        .arg(folder)
        .args(PACKAGES)
        .stdout(Stdio::null())
        .status();
    assert!(
        status.expect("npm runs").success(),
        "npm installs the peers"
    );
}

/// Writes the configuration of each peer and returns the peers.
fn list_peers(folder: &Path) -> Vec<Peer> {
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("it is writable");
        std::fs::write(&file, text).expect("it is writable");
        file.display().to_string()
    };
    let tool = |name: &str| {
        folder
            .join("node_modules/.bin")
            .join(name)
            .display()
            .to_string()
    };
    let mappings = [
        (
            "post",
            "POST",
            "/consent",
            json!({ "equalTo": "application/json" }),
        ),
        ("get", "GET", "/consent/[^/]+", Value::Null),
    ];
    for (name, method, path, content_type) in mappings {
        let mut request = json!({ "method": method, "urlPathPattern": path });
        if !content_type.is_null() {
            request["headers"] = json!({ "content-type": content_type });
            request["bodyPatterns"] = json!([{ "matchesJsonPath": "$.ConsentDetail.Customer.id" }]);
        }
        let body = json!({
            "ver": "1.0", "timestamp": "{{now}}", "ConsentHandle": "{{randomValue type='UUID'}}",
            "detail": serde_json::from_str::<Value>(&seed_request()).expect("it is JSON")["ConsentDetail"],
        });
        let mapping = json!({
            "request": request,
            "response": {
                "status": 200, "body": body.to_string(), "transformers": ["response-template"],
                "headers": { "content-type": "application/json" },
            },
        });
        write(
            &format!("wiremock/mappings/{name}.json"),
            mapping.to_string(),
        );
    }
    let prism = write("openapi.json", describe_calls().to_string());
    let mockoon = write("mockoon.json", describe_for_mockoon().to_string());
    let database = write("db.json", json!({ "consent": [] }).to_string());
    let wiremock = folder.join("wiremock").display().to_string();
    let jar = "node_modules/wiremock/build/wiremock-standalone-3.13.2.jar";
    let jar = folder.join(jar).display().to_string();
    let peer = |name, floor, command: &[&str]| Peer {
        name,
        command: command.iter().map(|it| (*it).to_owned()).collect(),
        floor,
    };
    vec![
        peer(
            "WireMock, templates, warmed",
            4.5,
            &[
                "java",
                "-jar",
                &jar,
                "--port",
                PORT,
                "--root-dir",
                &wiremock,
                "--no-request-journal",
                "--disable-banner",
            ],
        ),
        peer(
            "Prism, static examples",
            10.0,
            &[
                &tool("prism"),
                "mock",
                "-p",
                PORT,
                "--verboseLevel",
                "silent",
                &prism,
            ],
        ),
        peer(
            "Mockoon, templates",
            10.0,
            &[
                &tool("mockoon-cli"),
                "start",
                "--data",
                &mockoon,
                "--port",
                PORT,
                "--disable-log-to-file",
            ],
        ),
        peer(
            "json-server, stateful",
            10.0,
            &[&tool("json-server"), "--port", PORT, "--quiet", &database],
        ),
    ]
}

fn describe_calls() -> Value {
    let answer = json!({
        "200": { "description": "an answer", "content": { "application/json": {
            "schema": { "type": "object" },
            "example": serde_json::from_str::<Value>(&seed_request()).expect("it is JSON"),
        } } },
    });
    let id =
        json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }]);
    json!({
        "openapi": "3.0.3", "info": { "title": "consents", "version": "1" },
        "paths": {
            "/consent": { "post": {
                "requestBody": { "content": { "application/json": { "schema": {
                    "type": "object", "required": ["ver", "timestamp", "txnid", "ConsentDetail"],
                } } } },
                "responses": answer,
            } },
            "/consent/{id}": { "get": { "parameters": id, "responses": answer } },
        },
    })
}

fn describe_for_mockoon() -> Value {
    let body = format!(
        "{{\"ver\":\"1.0\",\"timestamp\":\"{{{{now}}}}\",\"ConsentHandle\":\"{{{{faker 'string.uuid'}}}}\",\"request\":{}}}",
        seed_request()
    );
    let route = |uuid: &str, method: &str, endpoint: &str| {
        json!({
            "uuid": uuid, "type": "http", "documentation": "", "method": method, "endpoint": endpoint,
            "responseMode": null,
            "responses": [{
                "uuid": format!("{uuid}-answer"), "body": body, "latency": 0, "statusCode": 200, "label": "",
                "headers": [{ "key": "content-type", "value": "application/json" }], "bodyType": "INLINE",
                "filePath": "", "databucketID": "", "sendFileAsBody": false, "rules": [], "rulesOperator": "OR",
                "disableTemplating": false, "fallbackTo404": false, "default": true, "crudKey": "id", "callbacks": [],
            }],
        })
    };
    json!({
        "uuid": "consents", "lastMigration": 33, "name": "consents", "endpointPrefix": "", "latency": 0,
        "port": 18080, "hostname": "", "folders": [],
        "routes": [route("post", "post", "consent"), route("get", "get", "consent/:id")],
        "rootChildren": [{ "type": "route", "uuid": "post" }, { "type": "route", "uuid": "get" }],
        "proxyMode": false, "proxyHost": "", "proxyRemovePrefix": false, "tlsOptions": { "enabled": false },
        "cors": true, "headers": [], "proxyReqHeaders": [], "proxyResHeaders": [], "data": [], "callbacks": [],
    })
}

/// A running peer. It ends with this value.
struct PeerServer {
    process: Child,
    base_url: String,
}

impl PeerServer {
    /// Starts a peer, warms it up on all cores, and binds it to its own.
    async fn start(peer: &Peer, folder: &Path) -> Self {
        let (program, arguments) = peer.command.split_first().expect("it has a program");
        let process = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let server = Self {
            process,
            base_url: format!("http://127.0.0.1:{PORT}"),
        };
        server.wait_until_ready().await;
        post(&server, 0, WARM_UP_S, 0);
        let pid = server.process.id().to_string();
        let bound = Command::new("taskset")
            .args(["-a", "-p", "-c", SERVER_CORE, &pid])
            .output();
        assert!(bound.expect("taskset runs").status.success());
        server
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.expect("kill runs").success());
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a peer does not say that it is ready"
    )]
    async fn wait_until_ready(&self) {
        for _ in 0..300 {
            if reqwest::get(&self.base_url).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("a peer does not answer at {}", self.base_url);
    }
}

impl Target for PeerServer {
    fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl Drop for PeerServer {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}
