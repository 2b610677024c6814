//! The one check of `Host` and `Origin`, which keeps web pages of other sites from controlling a
//! sandbox. A page whose name resolves to 127.0.0.1 (DNS rebinding) reaches the sandbox with its
//! own name in `Host`; a page that sends a request from another site names that site in `Origin`.
//!
//! The table of calls decides which calls are judged: [`AccessRule`]. Only the bytes of the request
//! count; `X-Forwarded-Host` and `Forwarded` are ignored.

use std::net::IpAddr;

use actix_web::http::Uri;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};

use crate::domain::text::quote_value;
use crate::wire::api_error::ApiError;
use crate::wire::web_authority::{Authority, Origin};

/// Rule by which `Host` and `Origin` of a call are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessRule {
    /// Neither is judged: a call of a protocol, a health check, public keys.
    AnyHost,
    /// A call of the control API. Beyond loopback its token replaces the judgement of `Host`.
    Operator,
    /// A page, or a part of one.
    Page,
}

/// Names under which the sandbox is reached.
#[derive(Clone, Debug)]
pub(crate) struct AccessPolicy {
    listens_on_loopback: bool,
    allowed_hosts: Vec<Authority>,
    public_origin: Option<Origin>,
    allowed_origins: AllowedOrigins,
}

/// The web pages whose scripts may read the answers of the ReBIT and seed calls (CORS).
#[derive(Clone, Debug)]
enum AllowedOrigins {
    Any,
    Listed(Vec<Origin>),
}

impl AllowedOrigins {
    fn parse(texts: &[String]) -> Result<Self, String> {
        let texts: Vec<_> = texts.iter().filter(|text| !text.is_empty()).collect();
        if texts.iter().any(|text| *text == "*") {
            return Ok(Self::Any);
        }
        let origins = texts.into_iter().map(|text| {
            Origin::parse(text).ok_or_else(|| {
                format!(
                    "--allow-origin {} is not scheme, host and port; give an origin such as \
                     http://localhost:3000, or * for all",
                    quote_value(text)
                )
            })
        });
        origins.collect::<Result<_, _>>().map(Self::Listed)
    }
}

/// Issuer of tokens in a sandbox without a public URL.
const DEFAULT_ISSUER_URL: &str = "http://mockaa";

impl AccessPolicy {
    /// Returns the policy of a sandbox that listens on `bind`, with the values of `--allow-host`,
    /// `--allow-origin` and `--public-url`.
    ///
    /// # Errors
    /// The invalid option, its problem and the remedy.
    pub(crate) fn new(
        bind: IpAddr,
        allowed_hosts: &[String],
        allowed_origins: &[String],
        public_url: Option<&str>,
    ) -> Result<Self, String> {
        let allowed_hosts = allowed_hosts.iter().filter(|host| !host.is_empty());
        let allowed_hosts: Result<Vec<_>, _> = allowed_hosts
            .map(|host| {
                Authority::parse(host).ok_or_else(|| {
                    format!(
                        "--allow-host {} is not a host name; give a name such as sandbox.test, \
                         or a name and a port",
                        quote_value(host)
                    )
                })
            })
            .collect();
        let public_url = public_url.filter(|url| !url.is_empty());
        let public_origin = public_url.map(|url| {
            let origin = Origin::parse(url.strip_suffix('/').unwrap_or(url));
            origin.ok_or_else(|| {
                format!(
                    "--public-url {} is not scheme, host and port; give a URL such as \
                     https://sandbox.test",
                    quote_value(url)
                )
            })
        });
        Ok(Self {
            listens_on_loopback: bind.to_canonical().is_loopback(),
            allowed_hosts: allowed_hosts?,
            public_origin: public_origin.transpose()?,
            allowed_origins: AllowedOrigins::parse(allowed_origins)?,
        })
    }

    /// Returns the value of `Access-Control-Allow-Origin` for a script of this page; `None` if the
    /// page is not allowed.
    pub(crate) fn find_allowed_origin<'o>(&self, origin: &'o str) -> Option<&'o str> {
        match &self.allowed_origins {
            AllowedOrigins::Any => Some("*"),
            AllowedOrigins::Listed(allowed) => {
                let page = Origin::parse(origin)?;
                allowed.contains(&page).then_some(origin)
            }
        }
    }

    /// Returns whether any page may call the ReBIT API from a browser.
    pub(crate) fn allows_origins(&self) -> bool {
        match &self.allowed_origins {
            AllowedOrigins::Any => true,
            AllowedOrigins::Listed(allowed) => !allowed.is_empty(),
        }
    }

    /// Returns whether only this machine reaches the sandbox.
    pub(crate) fn listens_on_loopback(&self) -> bool {
        self.listens_on_loopback
    }

    /// Returns the value of `--public-url` without a slash at its end.
    pub(crate) fn public_url(&self) -> Option<String> {
        self.public_origin.as_ref().map(Origin::to_url)
    }

    /// Returns the names and addresses under which the sandbox is reached, for its certificate.
    pub(crate) fn certificate_names(&self) -> Vec<String> {
        let local = [
            "localhost",
            "*.localhost",
            "127.0.0.1",
            "::1",
            "host.docker.internal",
            "mockaa",
        ];
        let public = self.public_origin.iter().map(|origin| &origin.host);
        let allowed = self.allowed_hosts.iter().map(|allowed| &allowed.host);
        let further = public.chain(allowed).map(|host| {
            host.trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned()
        });
        let mut names: Vec<_> = local
            .map(str::to_owned)
            .into_iter()
            .chain(further)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the URL that tokens name as their issuer: the public one, else one that depends on
    /// neither address nor port, so that equal runs give equal tokens.
    pub(crate) fn issuer_url(&self) -> String {
        self.public_url()
            .unwrap_or_else(|| DEFAULT_ISSUER_URL.to_owned())
    }

    /// Judges a request by the rule of its route.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] with the header, its value and the remedy.
    pub(crate) fn check_request(
        &self,
        rule: AccessRule,
        uri: &Uri,
        headers: &HeaderMap,
        is_tls: bool,
    ) -> Result<(), ApiError> {
        let is_host_judged = match rule {
            AccessRule::AnyHost => return Ok(()),
            // Without its token the call is rejected anyway.
            AccessRule::Operator => self.listens_on_loopback,
            AccessRule::Page => true,
        };
        if is_host_judged {
            self.check_hosts(uri, headers)?;
        }
        self.check_origins(uri, headers, is_tls)
    }

    /// Checks the `Host` header, and the host of an absolute request target.
    fn check_hosts(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        if let Some(target) = uri.authority() {
            self.check_host("the host of the request target,", target.as_str())?;
        }
        let hosts = list_values(headers, &HOST);
        if hosts.is_empty() && uri.authority().is_none() {
            return Err(forbid(
                "the header Host is missing; send the name or the address of this sandbox"
                    .to_owned(),
            ));
        }
        for host in &hosts {
            self.check_host("the header Host", host)?;
        }
        Ok(())
    }

    fn check_host(&self, place: &str, text: &str) -> Result<(), ApiError> {
        let Some(authority) = Authority::parse(text) else {
            return Err(forbid(format!(
                "{place} {} is not a host name with an optional port; send the name or the \
                 address of this sandbox",
                quote_value(text)
            )));
        };
        if self.is_own_name(&authority) {
            return Ok(());
        }
        Err(forbid(format!(
            "{place} {} is not a name of this sandbox; use localhost or an IP address, or start \
             mockaa with --allow-host {}",
            quote_value(text),
            authority.host
        )))
    }

    /// Returns whether this is a name of this sandbox: a local one, or one that an option names.
    fn is_own_name(&self, authority: &Authority) -> bool {
        let host = &*authority.host;
        let name = host.strip_suffix('.').unwrap_or(host);
        authority.is_local()
            || self.allowed_hosts.iter().any(|allowed| {
                allowed.host == name && allowed.port.is_none_or(|port| authority.port == Some(port))
            })
            || self
                .public_origin
                .as_ref()
                .is_some_and(|origin| origin.host == name)
    }

    /// Checks each `Origin` against the origin of the request and against `--public-url`.
    fn check_origins(&self, uri: &Uri, headers: &HeaderMap, is_tls: bool) -> Result<(), ApiError> {
        let (scheme, default_port) = if is_tls { ("https", 443) } else { ("http", 80) };
        let own = find_host(uri, headers)
            .as_deref()
            .and_then(Authority::parse)
            .map(|authority| Origin {
                scheme: scheme.to_owned(),
                port: authority.port.unwrap_or(default_port),
                host: authority.host,
            });
        for text in list_values(headers, &ORIGIN) {
            let origin = Origin::parse(&text);
            let is_own = origin.is_some() && (origin == own || origin == self.public_origin);
            if !is_own {
                let own = own
                    .as_ref()
                    .map_or_else(|| "which has no origin".to_owned(), Origin::to_url);
                return Err(forbid(format!(
                    "the header Origin {} is not the origin of this call, {own}; call from a page \
                     of this sandbox, or start mockaa with --public-url if a proxy changes the \
                     address",
                    quote_value(&text)
                )));
            }
        }
        Ok(())
    }
}

fn forbid(message: String) -> ApiError {
    ApiError::Forbidden(message.into())
}

/// Returns the host that a request names, with its port: that of an absolute request target, else
/// that of the first `Host` header (RFC 9112, section 3.2.2).
pub(crate) fn find_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let target = uri.authority().map(|target| target.as_str().to_owned());
    target.or_else(|| list_values(headers, &HOST).into_iter().next())
}

fn list_values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::AccessPolicy;
    use crate::wire::web_authority::Authority;

    fn policy(allowed: &[&str], public_url: Option<&str>) -> AccessPolicy {
        let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        AccessPolicy::new(IpAddr::from([127, 0, 0, 1]), &allowed, &[], public_url)
            .expect("a policy")
    }

    fn is_own(policy: &AccessPolicy, host: &str) -> bool {
        Authority::parse(host).is_some_and(|authority| policy.is_own_name(&authority))
    }

    #[test]
    fn addresses_and_local_names_are_own_names() {
        let policy = policy(
            &["Sandbox.Test", "one.test:81"],
            Some("https://aa.example:444/"),
        );
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "10.1.2.3:",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
            "[fe80::1%25eth0]:80",
            "localhost",
            "LOCALHOST:80",
            "localhost.",
            "a.localhost",
            "a.b.LocalHost.:8080",
            "mockaa",
            "mockaa_1:8080",
            "host.docker.internal:8080",
            "sandbox.test",
            "SANDBOX.test.:9",
            "one.test:81",
            "aa.example",
        ] {
            assert!(is_own(&policy, host), "{host}");
        }
    }

    #[test]
    fn names_that_others_can_own_and_malformed_hosts_are_foreign() {
        let policy = policy(&["sandbox.test", "one.test:81"], Some("https://aa.example"));
        for host in [
            "evil.test",
            "evil.test:8080",
            "evil.",
            "localhost.evil.test",
            "evillocalhost.test",
            "127.0.0.1.evil.test",
            "x.sandbox.test",
            "one.test:82",
            "one.test",
            "127.0.0.1@evil.test",
            "evil.test@127.0.0.1",
            "user:pass@localhost",
            "localhost, evil.test",
            "localhost evil.test",
            "localhost:80:80",
            "localhost:+80",
            "localhost:99999",
            "::1",
            "[::1",
            "[evil.test]",
            "[::1]x",
            "évil",
            "",
            ":8080",
        ] {
            assert!(!is_own(&policy, host), "{host}");
        }
    }

    #[test]
    fn invalid_options_are_named_with_a_remedy() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        for host in ["http://a.test", "a.test/b", "a b", "*.test", "u@a.test"] {
            let error = AccessPolicy::new(loopback, &[host.to_owned()], &[], None).expect_err(host);
            assert!(error.starts_with("--allow-host '"), "{error}");
        }
        for url in [
            "aa.test",
            "ftp://aa.test",
            "https://u@aa.test",
            "https://aa.test/x",
            "https://",
        ] {
            let error = AccessPolicy::new(loopback, &[], &[], Some(url)).expect_err(url);
            assert!(error.starts_with("--public-url '"), "{error}");
        }
        let public = AccessPolicy::new(
            loopback,
            &[String::new()],
            &[],
            Some("HTTPS://AA.test:443/"),
        );
        assert_eq!(
            public.expect("a policy").public_url().as_deref(),
            Some("https://aa.test")
        );
    }
}
