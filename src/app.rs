//! A running sandbox: wires the worlds, the webhooks and the HTTP surface together.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use socket2::SockRef;
use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use crate::bankgen;
use crate::config::personas::{self, PersonaLoadError};
use crate::config::{
    ConfigError, Options, ParticipantSetup, aa_scenarios, check_path, load_participants,
};
use crate::crypto::base64::url_encode;
use crate::domain::persona::DEFAULT_PERSONA;
use crate::domain::session::DataTiming;
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::entropy::{random_seed, random_token};
use crate::engine::ports::{Bank, SandboxConfig, ScenarioProvider};
use crate::engine::world::World;
use crate::engine::worlds::{DEFAULT_WORLD, Worlds};
use crate::http::{AppState, ClientSocket, SecurityMode, configure_routes};
use crate::scenario::library::{Library, RequiredScenarios, ScenarioLoadError};
use crate::webhooks::{SenderError, WebhookPaths, WebhookSender, drive_world};
use crate::wire::jwk::Jwk;

/// How long stopping waits for requests that are being answered, in seconds.
const SHUTDOWN_TIMEOUT_S: u64 = 5;

/// How long an idle connection is kept open.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// Why a sandbox did not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("scenarios cannot be loaded:\n{0}")]
    Scenarios(ScenarioLoadError),
    #[error("personas cannot be loaded:\n{0}")]
    Personas(#[from] PersonaLoadError),
    #[error("cannot listen on {address}: {source}; choose another --port, or 0 for a free one")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(transparent)]
    Webhooks(#[from] SenderError),
}

/// A running sandbox. Dropping it stops it at once; [`Sandbox::stop`] lets webhooks finish.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = mockaa::Sandbox::builder().seed(42).start().await?;
/// let answer = reqwest::get(format!("{}/readyz", sandbox.base_url())).await?;
/// assert!(answer.status().is_success());
/// sandbox.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    worlds: Arc<Worlds>,
    shared: Data<AppState>,
    server_handle: ServerHandle,
    server_task: JoinHandle<io::Result<()>>,
    driver_task: JoinHandle<()>,
    reaper_task: Option<JoinHandle<()>>,
    /// Watches the folder of scenarios for as long as it lives.
    _watcher: Option<RecommendedWatcher>,
    /// How long stopping waits for webhooks that are being sent: as long as one may take.
    drain_timeout: Duration,
}

impl Sandbox {
    /// A sandbox on a free port of 127.0.0.1, with a random seed, the wall's clock and lenient security, unless told
    /// otherwise.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder {
            options: Options::default(),
            clock: None,
        }
    }

    /// Starts what the options say. Called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] names the option, the file or the address that is wrong.
    #[expect(
        clippy::unused_async,
        reason = "it needs a running Tokio runtime, which an async function has"
    )]
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options {
            bind,
            port,
            config,
            fiu_url,
            seed,
            clock,
            scenarios,
            default_scenario,
            personas,
            default_persona: persona,
            security,
            push_data,
            push_data_path,
            data_timing: progression,
            approval,
            control_token,
            webhook_timeout,
            world_ttl,
            workers,
        } = options;
        check_path(&push_data_path)?;
        let ParticipantSetup {
            participants,
            keys,
            fiu_url,
            unaport,
        } = load_participants(config.as_deref(), fiu_url.as_deref())?;
        let keys = Arc::new(keys);
        let personas = Arc::new(personas::load_personas(personas.as_deref())?);
        let persona =
            personas::find_persona(&personas, persona.as_deref().unwrap_or(DEFAULT_PERSONA))?;
        let required = RequiredScenarios {
            default: default_scenario,
            aa_scenarios: aa_scenarios(&participants),
        };
        let library = Library::load(scenarios, required, Arc::clone(&personas))
            .map_err(StartError::Scenarios)?;
        let library = Arc::new(library);
        let watcher = watch_scenarios(&library);
        let sandbox_config = Arc::new(SandboxConfig {
            seed: seed.unwrap_or_else(random_seed),
            clock,
            participants: Arc::new(participants),
            fiu_url,
            data_timing: progression,
            approval_mode: approval,
            unaport,
            push_data,
            scenario_provider: library,
            bank: Bank {
                list_accounts: bankgen::generate_accounts,
                is_supported: bankgen::is_supported,
            },
            personas,
            default_persona: persona,
        });
        let (new_world_sender, new_worlds) = unbounded_channel();
        let worlds = Arc::new(Worlds::new(sandbox_config, new_world_sender));
        let webhook_sender = Arc::new(WebhookSender::new(
            Arc::clone(&keys),
            WebhookPaths {
                fi_data: push_data_path,
            },
            webhook_timeout,
        )?);
        let driver_task = tokio::spawn(drive_new_worlds(new_worlds, webhook_sender));
        let reaper_task =
            world_ttl.map(|ttl| tokio::spawn(reap_idle_worlds(Arc::clone(&worlds), ttl)));

        let control_token =
            control_token.or_else(|| (!bind.is_loopback()).then(|| url_encode(&random_token())));
        let shared = Data::new(AppState {
            worlds: Arc::clone(&worlds),
            keys,
            security,
            control_token,
        });
        let app_data = shared.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(app_data.clone())
                .configure(configure_routes)
        })
        .workers(
            workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, Into::into)),
        )
        // Longer than clients keep an idle connection: one that is reused is never closed under the request.
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_TIMEOUT_S)
        // Faults of the transport are done to the socket itself.
        .on_connect(|stream, connection| {
            let stream = stream.downcast_ref::<TcpStream>();
            if let Some(socket) = stream.and_then(|stream| SockRef::from(stream).try_clone().ok()) {
                connection.insert(ClientSocket(Arc::new(socket)));
            }
        })
        .disable_signals();
        let address = SocketAddr::new(bind, port);
        let server = server
            .bind(address)
            .map_err(|source| StartError::Bind { address, source })?;
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        let server_task = tokio::spawn(server);
        let drain_timeout = webhook_timeout;
        Ok(Self {
            address,
            worlds,
            shared,
            server_handle: handle,
            server_task,
            driver_task,
            reaper_task,
            _watcher: watcher,
            drain_timeout,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root of the default world, without a slash at the end. A sandbox that listens on every address is told by
    /// its loopback one.
    pub fn base_url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let loopback = if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            };
            address.set_ip(loopback);
        }
        format!("http://{address}")
    }

    /// The seed that all worlds get theirs from; with it, a run can be repeated.
    pub fn seed(&self) -> u64 {
        self.worlds.config().seed
    }

    /// Name of the key in `/.well-known/jwks.json` that signs answers and webhooks.
    pub fn kid(&self) -> &str {
        &self.shared.keys.default_key().public.kid
    }

    /// What the control API asks for; `None` on loopback.
    pub fn control_token(&self) -> Option<&str> {
        self.shared.control_token.as_deref()
    }

    /// The participants and what all worlds share.
    pub(crate) fn config(&self) -> &SandboxConfig {
        self.worlds.config()
    }

    /// The AAs' public keys, those that they have and those that they will have next.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        let keyring = &self.shared.keys;
        let keys = keyring
            .all_keys()
            .iter()
            .flat_map(|key| [key.public.clone(), keyring.next_public_key(key)]);
        serde_json::json!({ "keys": keys.map(|key| Jwk::from(&key)).collect::<Vec<_>>() })
    }

    /// Its worlds.
    pub(crate) fn worlds(&self) -> &Worlds {
        &self.worlds
    }

    /// The default world.
    pub(crate) fn default_world(&self) -> Arc<World> {
        self.worlds
            .get_or_create(DEFAULT_WORLD)
            .expect("the default world is made first, and may always be there")
    }

    /// Stops accepting, lets answers and webhooks finish that are under way, and ends; bounded by the webhook timeout.
    pub async fn stop(mut self) {
        self.server_handle.stop(true).await;
        let drain_worlds = async {
            for world in self.worlds.list_worlds() {
                world.drain_deliveries().await;
            }
        };
        if tokio::time::timeout(self.drain_timeout, drain_worlds)
            .await
            .is_err()
        {
            tracing::warn!("stopping although webhooks are still on their way");
        }
        if let Err(error) = (&mut self.server_task).await {
            tracing::error!(%error, "the server did not end well");
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The command is sent at once; the future only waits for its completion.
        drop(self.server_handle.stop(false));
        self.driver_task.abort();
        if let Some(reaper_task) = &self.reaper_task {
            reaper_task.abort();
        }
        for world in self.worlds.list_worlds() {
            world.close();
        }
    }
}

/// How long after a change of the folder its files are read: an editor writes in several steps.
const RELOAD_DEBOUNCE: Duration = Duration::from_millis(200);

/// Reads the scenario files again whenever one changes, until the watcher is dropped. A set that is wrong leaves the one
/// before in force; the log says so, and so does `/readyz`.
fn watch_scenarios(library: &Arc<Library>) -> Option<RecommendedWatcher> {
    let folder = library.folder()?;
    let (sender, mut changes) = unbounded_channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is no change of it, though it is an event.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.send(());
        }
    });
    let started = watcher.and_then(|mut watcher| {
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .map(|()| watcher)
    });
    let watcher = match started {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "scenarios are not watched; POST /_mockaa/v1/scenarios/reload reads them again");
            return None;
        }
    };
    let library = Arc::clone(library);
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            while let Ok(Some(())) = tokio::time::timeout(RELOAD_DEBOUNCE, changes.recv()).await {}
            match library.reload_scenarios() {
                Ok(count) => tracing::info!(count, "scenarios were read again"),
                Err(diagnostics) => {
                    tracing::error!(
                        "scenarios are wrong, the old ones stay in force:\n{diagnostics}"
                    );
                }
            }
        }
    });
    Some(watcher)
}

/// Takes worlds away that nobody has used for so long.
async fn reap_idle_worlds(worlds: Arc<Worlds>, ttl: Duration) {
    let mut interval = tokio::time::interval((ttl / 4).max(Duration::from_millis(10)));
    let ttl = Millis(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
    loop {
        interval.tick().await;
        for name in worlds.remove_idle(system_now().saturating_add(Millis(-ttl.0))) {
            tracing::info!(world = &*name, "nobody has used it for a while; it is gone");
        }
    }
}

/// Gives every new world a task that drives it.
async fn drive_new_worlds(
    mut new_worlds: UnboundedReceiver<Arc<World>>,
    webhook_sender: Arc<WebhookSender>,
) {
    while let Some(world) = new_worlds.recv().await {
        tokio::spawn(drive_world(world, Arc::clone(&webhook_sender)));
    }
}

/// Says how a sandbox is to be, for tests in Rust.
#[derive(Clone, Debug)]
pub struct SandboxBuilder {
    options: Options,
    clock: Option<String>,
}

impl SandboxBuilder {
    /// The seed of all ids and data; without one it is random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// Base URL that webhooks go to.
    #[must_use]
    pub fn fiu_url(mut self, url: impl Into<String>) -> Self {
        self.options.fiu_url = Some(url.into());
        self
    }

    /// Where every world's clock begins: `2020-07-04T06:00:00Z`, or `2020-07-04T06:00:00Z,frozen`.
    #[must_use]
    pub fn clock(mut self, clock: impl Into<String>) -> Self {
        self.clock = Some(clock.into());
        self
    }

    /// A `mockaa.toml`: participants of your own.
    #[must_use]
    pub fn config(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.config = Some(file.into());
        self
    }

    /// FIPs wait to be told, by the control API, when and how to answer a request for data.
    #[must_use]
    pub fn manual_data(mut self) -> Self {
        self.options.data_timing = DataTiming::Manual;
        self
    }

    /// FIPs, and Unaport's own requests for data, keep to the rhythm that was recorded of the real service.
    #[must_use]
    pub fn timed_data(mut self) -> Self {
        self.options.data_timing = DataTiming::Timed;
        self
    }

    /// A folder of scenarios, added to the shipped ones.
    #[must_use]
    pub fn scenarios(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.scenarios = Some(folder.into());
        self
    }

    /// The scenario of consents that nothing else gives one.
    #[must_use]
    pub fn default_scenario(mut self, name: impl Into<String>) -> Self {
        self.options.default_scenario = Some(name.into());
        self
    }

    /// A folder of personas, or a file with one, added to the shipped ones.
    #[must_use]
    pub fn personas(mut self, place: impl Into<PathBuf>) -> Self {
        self.options.personas = Some(place.into());
        self
    }

    /// The persona of customers whom nothing else gives one.
    #[must_use]
    pub fn persona(mut self, name: impl Into<String>) -> Self {
        self.options.default_persona = Some(name.into());
        self
    }

    /// How much callers have to prove.
    #[must_use]
    pub fn security(mut self, security: SecurityMode) -> Self {
        self.options.security = security;
        self
    }

    /// Whether statements go out by webhook, on every face.
    #[must_use]
    pub fn push_data(mut self, push: bool) -> Self {
        self.options.push_data = Some(push);
        self
    }

    /// Worlds that nobody has used for so long, in wall time, are taken away.
    #[must_use]
    pub fn world_ttl(mut self, ttl: Duration) -> Self {
        self.options.world_ttl = Some(ttl);
        self
    }

    /// How many threads answer requests; one per core without it.
    #[must_use]
    pub fn workers(mut self, count: usize) -> Self {
        self.options.workers = Some(count);
        self
    }

    /// How long an FIU may take to answer a webhook, in wall time; 15 s without it.
    #[must_use]
    pub fn webhook_timeout(mut self, timeout: Duration) -> Self {
        self.options.webhook_timeout = timeout;
        self
    }

    /// Starts it, within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] names the option, the file or the address that is wrong.
    pub async fn start(mut self) -> Result<Sandbox, StartError> {
        if let Some(clock) = &self.clock {
            self.options.clock = clock.parse()?;
        }
        Sandbox::start(self.options).await
    }
}
