//! A running sandbox: connects the worlds, the webhook sender and the HTTP server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use crate::bankgen;
use crate::config::personas::{self, PersonaLoadError};
use crate::config::tls::prepare_tls;
use crate::config::{
    ConfigError, Options, ParticipantSetup, aa_scenarios, check_path, complete_setup,
    load_participants,
};
use crate::crypto::base64::url_encode;
use crate::crypto::trust::TrustedCas;
use crate::domain::fair_use::FairUseMode;
use crate::domain::persona::DEFAULT_PERSONA;
use crate::domain::retry_policy::RetryPolicy;
use crate::domain::session::DataTiming;
use crate::domain::time::Millis;
use crate::domain::time_source::TimeSource;
use crate::engine::clock::system_now;
use crate::engine::entropy::{random_seed, random_token};
use crate::engine::sandbox_config::{SandboxConfig, SimulatedFips};
use crate::engine::world::DEFAULT_WORLD;
use crate::engine::world::World;
use crate::engine::worlds::Worlds;
use crate::http::server::{Workers, listen, start_server};
use crate::http::{
    AccessPolicy, AnswerCache, AppState, FormKey, FramePolicy, OperatorSessions, Router,
    SecurityMode, StreamCount, VisitStore, build_document, known_paths, protocol_prefixes,
};
use crate::platform::connection_limits::ConnectionLimits;
use crate::platform::{count_cores, raise_open_files_limit, return_freed_memory};
use crate::scenario::library::{Library, RequiredScenarios, ScenarioLoadError};
use crate::webhooks::{WebhookPaths, WebhookSender, drive_world};
use crate::wire::jwk::Jwk;

/// Reason why a sandbox did not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot load scenarios:\n{0}")]
    Scenarios(ScenarioLoadError),
    #[error("cannot load personas:\n{0}")]
    Personas(#[from] PersonaLoadError),
    #[error("cannot listen on {address}: {source}; choose another --port, or 0 for a free one")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
}

/// The banks, whose data is generated.
const SIMULATED_FIPS: SimulatedFips = SimulatedFips {
    list_accounts: bankgen::generate_accounts,
    can_generate_data: bankgen::is_supported,
    opening_date: bankgen::opening_date,
    find_transaction: bankgen::find_transaction,
    find_supplied_id: bankgen::find_supplied_id,
};

/// A running sandbox. Dropping it stops it at once; [`Sandbox::stop`] lets webhooks finish.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = mockaa::Sandbox::builder().seed(42).start().await?;
/// let response = reqwest::get(format!("{}/readyz", sandbox.base_url())).await?;
/// assert!(response.status().is_success());
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
    /// Watches the scenario folder until it is dropped.
    _watcher: Option<RecommendedWatcher>,
    /// Longest time in which stopping completes responses and webhooks.
    drain_timeout: Duration,
    /// `true` once the webhooks that are lost have been logged.
    has_logged_unsent: bool,
}

impl Sandbox {
    /// Returns a builder with the defaults: a free port of 127.0.0.1, a random seed, the system
    /// clock and lenient security.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder {
            options: Options::default(),
            clock: None,
        }
    }

    /// Starts a sandbox with the options. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] with the option, the file or the address that is invalid.
    #[expect(
        clippy::unused_async,
        reason = "it needs a running Tokio runtime, which an async function has"
    )]
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options {
            bind,
            port,
            config,
            config_text,
            fiu_url,
            seed,
            clock,
            time_settings,
            scenarios,
            default_scenario,
            personas,
            default_persona,
            security,
            fair_use,
            push_data,
            push_data_path,
            data_timing,
            approval,
            control_token,
            allow_host,
            allow_origin,
            frame_origin,
            public_url,
            customer_login,
            customer_session,
            tls_folder,
            ca_files,
            webhook_timeout,
            webhook_retries,
            drain_timeout,
            world_ttl,
            ended_consents_max,
            workers,
        } = options;
        check_path(&push_data_path)?;
        let setup = match config_text {
            Some(text) => complete_setup("the participants", text, None, fiu_url.as_deref())?,
            None => load_participants(config.as_deref(), fiu_url.as_deref())?,
        };
        let time_settings = time_settings.complete_with(setup.time_settings);
        setup.check_times(security, time_settings)?;
        let access = AccessPolicy::new(bind, &allow_host, &allow_origin, public_url.as_deref())
            .map_err(ConfigError::Access)?;
        let frames = FramePolicy::parse(&frame_origin).map_err(ConfigError::Access)?;
        let ParticipantSetup {
            participants,
            keys,
            fiu_url,
            unaport,
            time_settings: _,
        } = setup;
        let keys = Arc::new(keys);
        let personas = Arc::new(personas::load_personas(personas.as_deref())?);
        for note in personas.notes() {
            tracing::warn!("{note}");
        }
        let default_persona = personas::find_persona(
            &personas,
            default_persona.as_deref().unwrap_or(DEFAULT_PERSONA),
        )?;
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
            security,
            fair_use,
            time_settings,
            initial_participants: Arc::new(participants),
            default_webhook_url: fiu_url,
            data_timing,
            approval_mode: approval,
            unaport,
            retries: webhook_retries,
            push_data,
            scenarios: Arc::clone(library.scenarios()),
            fips: SIMULATED_FIPS,
            ended_consents_max,
            personas,
            default_persona,
        });
        let (new_world_sender, new_worlds) = unbounded_channel();
        let worlds = Arc::new(Worlds::new(sandbox_config, new_world_sender));
        let reaper_task =
            world_ttl.map(|ttl| tokio::spawn(reap_idle_worlds(Arc::clone(&worlds), ttl)));

        let tls = tls_folder
            .map(|folder| {
                let mut names = access.certificate_names();
                if !bind.is_unspecified() {
                    names.push(bind.to_string());
                }
                prepare_tls(&folder, names, system_now().ist_date())
            })
            .transpose()?;
        let (acceptor, authority) = tls.map(|tls| (tls.acceptor, tls.authority)).unzip();
        let control_token =
            control_token.or_else(|| (!bind.is_loopback()).then(|| url_encode(&random_token())));
        let trusted = TrustedCas::read_files(&ca_files)
            .map_err(|error| ConfigError::Ca(error.to_string()))?;
        let issuer_url = access.issuer_url();
        let shared = Data::new(AppState {
            worlds: Arc::clone(&worlds),
            scenarios: library,
            keys: Arc::clone(&keys),
            control_token,
            access,
            started_at: system_now(),
            authority,
            describe_calls: build_document,
            router: Router::new(),
            protocol_prefixes: protocol_prefixes(),
            known_paths: known_paths(),
            form_key: FormKey::random(),
            operator_sessions: OperatorSessions::default(),
            answers: AnswerCache::default(),
            event_streams: StreamCount::default(),
            customer_login,
            visits: VisitStore::new(customer_session),
            frames,
        });
        let address = SocketAddr::new(bind, port);
        let bind_error = |source| StartError::Bind { address, source };
        let listener = listen(address).map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        let worker_count = workers.unwrap_or_else(count_cores);
        let limits = ConnectionLimits::for_open_files(raise_open_files_limit(), worker_count);
        let workers = Workers {
            count: worker_count,
            connections_max: limits.connections_per_worker,
        };
        let webhook_sender = Arc::new(WebhookSender::new(
            keys,
            WebhookPaths {
                fi_data: push_data_path,
            },
            issuer_url,
            webhook_timeout,
            limits,
            trusted,
        ));
        let driver_task = tokio::spawn(drive_new_worlds(new_worlds, webhook_sender));
        let server =
            start_server(listener, workers, acceptor, shared.clone()).map_err(bind_error)?;
        let handle = server.handle();
        let server_task = tokio::spawn(server);
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
            has_logged_unsent: false,
        })
    }

    /// Returns the address on which the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the root URL of the default world, without a slash at the end. For a sandbox that
    /// listens on all addresses it is the loopback URL.
    pub fn base_url(&self) -> String {
        let scheme = if self.shared.authority.is_some() {
            "https"
        } else {
            "http"
        };
        local_url(scheme, self.address)
    }

    /// Returns the URL under which browsers reach the sandbox, without a slash at the end; `None` if
    /// it was not set.
    pub fn public_url(&self) -> Option<String> {
        self.shared.access.public_url()
    }

    /// Returns the seed from which all worlds derive theirs; starting with it repeats a run.
    pub fn seed(&self) -> u64 {
        self.worlds.config().seed
    }

    /// Returns the `kid` of the key that signs responses and webhooks, as published in
    /// `/.well-known/jwks.json`.
    pub fn kid(&self) -> &str {
        &self.shared.keys.default_key().public.kid
    }

    /// Returns the token that the control API requires; `None` on loopback.
    pub fn control_token(&self) -> Option<&str> {
        self.shared.control_token.as_deref()
    }

    /// Returns the certificate of the development CA in PEM; `None` for a sandbox without https.
    pub(crate) fn authority(&self) -> Option<&str> {
        self.shared.authority.as_deref()
    }

    /// Returns the configuration that all worlds share.
    pub(crate) fn config(&self) -> &SandboxConfig {
        self.worlds.config()
    }

    /// Returns the AAs' public keys as a JSON Web Key Set: the current keys and the next ones.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        let keyring = &self.shared.keys;
        let keys = keyring
            .all_keys()
            .iter()
            .flat_map(|key| [key.public.clone(), keyring.next_public_key(key)]);
        serde_json::json!({ "keys": keys.map(|key| Jwk::from(&key)).collect::<Vec<_>>() })
    }

    /// Returns the worlds.
    pub(crate) fn worlds(&self) -> &Worlds {
        &self.worlds
    }

    /// Returns the default world.
    pub(crate) fn default_world(&self) -> Arc<World> {
        self.worlds
            .get_or_create(DEFAULT_WORLD)
            .expect("the default world is created first and never exceeds the limit")
    }

    /// Stops accepting connections, completes the responses in progress, sends the webhooks that are
    /// due, and ends. Takes at most the drain time; what is then left is logged.
    pub async fn stop(mut self) {
        let drain_worlds = async || {
            let worlds = self.worlds.list_worlds();
            for world in &worlds {
                world.begin_draining();
            }
            for world in &worlds {
                world.wait_until_quiescent().await;
            }
        };
        let drain = async {
            tokio::join!(self.server_handle.stop(true), drain_worlds());
            // The last responses have caused webhooks too.
            drain_worlds().await;
        };
        // The rest is counted below.
        let _ = tokio::time::timeout(self.drain_timeout, drain).await;
        self.log_unsent();
        self.has_logged_unsent = true;
        drop(self.server_handle.stop(false));
        if let Err(error) = (&mut self.server_task).await {
            tracing::error!(%error, "the server ended with an error");
        }
    }
}

impl Sandbox {
    /// Logs the webhooks that are lost when the sandbox ends.
    fn log_unsent(&self) {
        for world in self.worlds.list_worlds() {
            let unsent = world.count_unsent();
            if unsent.total() > 0 {
                tracing::warn!(
                    world = world.name(),
                    queued = unsent.queued,
                    in_flight = unsent.in_flight,
                    waiting_for_retry = unsent.waiting,
                    "{} webhooks were not sent",
                    unsent.total()
                );
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if !self.has_logged_unsent {
            self.log_unsent();
        }
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

/// Delay between a change of the folder and reading its files; an editor writes in several steps.
const RELOAD_DEBOUNCE: Duration = Duration::from_millis(200);

/// Reloads the scenario files when one changes, until the watcher is dropped. If a file is invalid,
/// the previous scenarios stay active; the log and `/readyz` report the errors.
fn watch_scenarios(library: &Arc<Library>) -> Option<RecommendedWatcher> {
    let folder = library.folder()?;
    let (sender, mut changes) = unbounded_channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file causes an event too.
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
            tracing::warn!(%error, "cannot watch the scenario folder; reload scenarios with POST /_mockaa/v1/scenarios/reload");
            return None;
        }
    };
    let library = Arc::clone(library);
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            while let Ok(Some(())) = tokio::time::timeout(RELOAD_DEBOUNCE, changes.recv()).await {}
            match library.reload_scenarios() {
                Ok(count) => tracing::info!(count, "scenarios reloaded"),
                Err(diagnostics) => {
                    tracing::error!("scenarios are invalid; the previous scenarios stay active");
                    // Each event of the log is one line.
                    for line in diagnostics.to_string().lines() {
                        tracing::error!("{line}");
                    }
                }
            }
        }
    });
    Some(watcher)
}

/// Removes worlds that have been idle for `ttl`.
async fn reap_idle_worlds(worlds: Arc<Worlds>, ttl: Duration) {
    let mut interval = tokio::time::interval((ttl / 4).max(Duration::from_millis(10)));
    let ttl = Millis(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
    loop {
        interval.tick().await;
        for name in worlds.remove_idle(system_now().saturating_add(Millis(-ttl.0))) {
            tracing::info!(world = &*name, "removed an idle world");
        }
    }
}

/// Returns the URL of a sandbox that listens on this address, as this machine reaches it.
fn local_url(scheme: &str, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        };
        address.set_ip(loopback);
    }
    format!("{scheme}://{address}")
}

/// Spawns a driver task for every new world, and returns the memory of those that have ended.
async fn drive_new_worlds(
    mut new_worlds: UnboundedReceiver<Arc<World>>,
    webhook_sender: Arc<WebhookSender>,
) {
    let closed = Arc::new(Notify::new());
    let drive = async {
        while let Some(world) = new_worlds.recv().await {
            let (webhook_sender, closed) = (Arc::clone(&webhook_sender), Arc::clone(&closed));
            tokio::spawn(async move {
                drive_world(world, webhook_sender).await;
                closed.notify_one();
            });
        }
    };
    tokio::select! {
        () = drive => {}
        () = return_memory_of_closed_worlds(&closed) => {}
    }
}

/// Time after the end of a world in which what still uses it ends. Its memory is returned then, together
/// with that of the worlds that have ended meanwhile.
const MEMORY_RETURN_DELAY: Duration = Duration::from_secs(1);

/// Returns memory to the operating system after worlds were closed.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when the last user of a world has ended"
)]
async fn return_memory_of_closed_worlds(closed: &Notify) {
    loop {
        closed.notified().await;
        tokio::time::sleep(MEMORY_RETURN_DELAY).await;
        // The runtime may be shutting down.
        let _ = tokio::task::spawn_blocking(return_freed_memory).await;
    }
}

/// Builder of a sandbox, for tests in Rust.
#[derive(Clone, Debug)]
pub struct SandboxBuilder {
    options: Options,
    clock: Option<String>,
}

impl SandboxBuilder {
    /// Sets the seed of all ids and data; default: random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// Sets the base URL of webhooks.
    #[must_use]
    pub fn fiu_url(mut self, url: impl Into<String>) -> Self {
        self.options.fiu_url = Some(url.into());
        self
    }

    /// Sets the start of every world's clock: `2020-07-04T06:00:00Z`, or
    /// `2020-07-04T06:00:00Z,frozen`; default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Into<String>) -> Self {
        self.clock = Some(clock.into());
        self
    }

    /// Sets the clock of `webhook-timestamp` and its HMAC; default: the wall's.
    #[must_use]
    pub fn signing_time(mut self, source: TimeSource) -> Self {
        self.options.time_settings.signing_time = Some(source);
        self
    }

    /// Sets the clock of `timestamp` in answers and webhook bodies; default: the wall's, in a
    /// frozen world and in strict security the world's.
    #[must_use]
    pub fn message_time(mut self, source: TimeSource) -> Self {
        self.options.time_settings.message_time = Some(source);
        self
    }

    /// Sets a `mockaa.toml` with other participants.
    #[must_use]
    pub fn config(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.config = Some(file.into());
        self
    }

    /// Makes FIPs answer data requests only when the control API or a scenario delivers data.
    #[must_use]
    pub fn manual_data(mut self) -> Self {
        self.options.data_timing = DataTiming::Manual;
        self
    }

    /// Makes FIPs answer, and Unaport request data, with the delays recorded from the real service.
    #[must_use]
    pub fn timed_data(mut self) -> Self {
        self.options.data_timing = DataTiming::Timed;
        self
    }

    /// Sets a folder of scenarios in addition to the shipped ones.
    #[must_use]
    pub fn scenarios(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.scenarios = Some(folder.into());
        self
    }

    /// Sets the scenario of consents that no other rule selects one for.
    #[must_use]
    pub fn default_scenario(mut self, name: impl Into<String>) -> Self {
        self.options.default_scenario = Some(name.into());
        self
    }

    /// Sets a folder of personas, or a file with one, in addition to the shipped ones.
    #[must_use]
    pub fn personas(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.personas = Some(path.into());
        self
    }

    /// Sets the persona of customers that no persona was assigned to; default: `salaried`.
    #[must_use]
    pub fn persona(mut self, name: impl Into<String>) -> Self {
        self.options.default_persona = Some(name.into());
        self
    }

    /// Sets the treatment of consent and data requests outside fair use; default: a note in the
    /// journal.
    #[must_use]
    pub fn fair_use(mut self, mode: FairUseMode) -> Self {
        self.options.fair_use = mode;
        self
    }

    /// Sets the security mode; default: lenient.
    #[must_use]
    pub fn security(mut self, security: SecurityMode) -> Self {
        self.options.security = security;
        self
    }

    /// Enables or disables webhooks with statements in all APIs; default: each API decides.
    #[must_use]
    pub fn push_data(mut self, push: bool) -> Self {
        self.options.push_data = Some(push);
        self
    }

    /// Sets the idle time after which worlds are removed, in system time; default: never.
    #[must_use]
    pub fn world_ttl(mut self, ttl: Duration) -> Self {
        self.options.world_ttl = Some(ttl);
        self
    }

    /// Sets the number of ended consents that a world keeps, at least one; the default is 100,000. Those
    /// that ended first are removed, with their data sessions.
    #[must_use]
    pub fn ended_consents(mut self, count: usize) -> Self {
        self.options.ended_consents_max = count;
        self
    }

    /// Sets the number of HTTP worker threads; default: one per core.
    #[must_use]
    pub fn workers(mut self, count: usize) -> Self {
        self.options.workers = Some(count);
        self
    }

    /// Sets the longest time in which [`Sandbox::stop`] completes responses and webhooks, in system
    /// time; default: 8 s.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.options.drain_timeout = timeout;
        self
    }

    /// Sets the time in which an FIU must answer a webhook, in system time; default: 15 s.
    #[must_use]
    pub fn webhook_timeout(mut self, timeout: Duration) -> Self {
        self.options.webhook_timeout = timeout;
        self
    }

    /// Answers https beside http, with a certificate of the development CA in this folder, which is made
    /// if there is none.
    #[must_use]
    pub fn tls_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.tls_folder = Some(folder.into());
        self
    }

    /// Trusts the CAs of this file in PEM too, when a webhook goes to an https address; beside those of
    /// the system.
    #[must_use]
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.ca_files.push(file.into());
        self
    }

    /// Sets the delays after which a webhook that failed is sent again.
    #[must_use]
    pub fn webhook_retries(mut self, retries: RetryPolicy) -> Self {
        self.options.webhook_retries = retries;
        self
    }

    /// Sets the address to listen on; default: 127.0.0.1. Beyond loopback the control API requires
    /// the token of [`Sandbox::control_token`].
    #[must_use]
    pub fn bind(mut self, address: IpAddr) -> Self {
        self.options.bind = address;
        self
    }

    /// Adds a host name under which the pages and the control API may be called, beside local
    /// names and addresses.
    #[must_use]
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.options.allow_host.push(name.into());
        self
    }

    /// Lets scripts of a web page call the ReBIT and seed APIs from a browser (CORS): its scheme,
    /// host and port, or `*` for all pages.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.options.allow_origin.push(origin.into());
        self
    }

    /// Lets a web page show the pages of the web SDK in a frame: its scheme, host and port. Default:
    /// none.
    #[must_use]
    pub fn frame_origin(mut self, origin: impl Into<String>) -> Self {
        self.options.frame_origin.push(origin.into());
        self
    }

    /// Sets scheme, host and port under which browsers reach the sandbox. Links in answers begin
    /// with it.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.options.public_url = Some(url.into());
        self
    }

    /// Begins the customer's pages of a consent with a sign-in. Default: `false`, so that they begin
    /// with the consent.
    #[must_use]
    pub fn customer_login(mut self, is_needed: bool) -> Self {
        self.options.customer_login = is_needed;
        self
    }

    /// Sets the idle time after which a customer's visit ends, in system time; default: 15 minutes.
    #[must_use]
    pub fn customer_session(mut self, idle_time: Duration) -> Self {
        self.options.customer_session = idle_time;
        self
    }

    /// Starts the sandbox. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] with the option, the file or the address that is invalid.
    pub async fn start(mut self) -> Result<Sandbox, StartError> {
        if let Some(clock) = &self.clock {
            self.options.clock = clock.parse()?;
        }
        Sandbox::start(self.options).await
    }
}
