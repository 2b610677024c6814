//! An operator's browser on the console: it keeps its cookie, follows redirects within the sandbox, and
//! sends forms with the hidden fields of the page and with `Origin`.

use reqwest::{Method, StatusCode, Url};

use crate::helpers::TestApp;

pub struct OperatorBrowser<'a> {
    app: &'a TestApp,
    cookie: String,
    /// The path of the page that was shown last, with its query.
    pub path: String,
    pub status: StatusCode,
    pub text: String,
}

impl<'a> OperatorBrowser<'a> {
    /// Opens a page of the world of the app.
    pub async fn open(app: &'a TestApp, path: &str) -> Self {
        let mut browser = Self {
            app,
            cookie: String::new(),
            path: String::new(),
            status: StatusCode::OK,
            text: String::new(),
        };
        browser.show(path).await;
        browser
    }

    /// Shows a page.
    pub async fn show(&mut self, path: &str) -> &str {
        let base = self.app.sandbox.base_url();
        let prefix = self
            .app
            .request(Method::GET, "")
            .build()
            .expect("a request");
        let prefix = prefix.url().path().trim_end_matches('/').to_owned();
        let path = if path.starts_with("/w/") {
            path.to_owned()
        } else {
            format!("{prefix}{path}")
        };
        self.call(Method::GET, format!("{base}{path}"), None).await;
        &self.text
    }

    /// Sends a form of the page with its hidden fields and these; shows the page to which it leads.
    pub async fn submit(&mut self, action: &str, fields: &[(&str, &str)]) -> &str {
        let hidden = self.hidden_fields(action);
        let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
        let fields: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        self.submit_exactly(action, &fields).await
    }

    /// Sends a form with these fields only.
    pub async fn submit_exactly(&mut self, action: &str, fields: &[(&str, &str)]) -> &str {
        let mut form = Url::parse("form:").expect("a URL");
        form.query_pairs_mut().extend_pairs(fields);
        let body = form.query().unwrap_or_default().to_owned();
        let address = format!("{}{action}", self.app.sandbox.base_url());
        self.call(Method::POST, address, Some(body)).await;
        &self.text
    }

    /// Returns the cookie that the browser sends.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Returns the token of the forms of the page.
    pub fn form_token(&self) -> String {
        let hidden = self.text.split("name=\"csrf\" value=\"").nth(1);
        let token = hidden.and_then(|rest| rest.split('"').next());
        token.expect("a form").to_owned()
    }

    /// Returns the hidden fields of the form with this action.
    ///
    /// # Panics
    /// When the page has no such form.
    fn hidden_fields(&self, action: &str) -> Vec<(String, String)> {
        let start = format!("action=\"{action}\"");
        let forms = self.text.split(&start).skip(1);
        let mut forms = forms.filter_map(|rest| rest.split("</form>").next());
        let form = forms.find(|form| form.contains("name=\"csrf\""));
        let form = form.unwrap_or_else(|| panic!("no form {action}: {}", self.text));
        let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
        let pairs = inputs.filter_map(|input| input.split_once("\" value=\""));
        pairs
            .map(|(name, rest)| {
                let value = rest.split('"').next().unwrap_or_default();
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }

    /// Makes a call and follows redirects within the sandbox.
    async fn call(&mut self, method: Method, address: String, body: Option<String>) {
        let base = self.app.sandbox.base_url();
        let (mut method, mut address, mut body) = (method, address, body);
        loop {
            let client = &self.app.client;
            let mut request = client
                .request(method.clone(), &address)
                .header("accept", "text/html")
                .header("cookie", &self.cookie);
            if !self.path.is_empty() {
                request = request.header("referer", format!("{base}{}", self.path));
            }
            if let Some(body) = body.take() {
                request = request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header("origin", &base)
                    .body(body);
            }
            let response = request.send().await.expect("an answer");
            if let Some(cookie) = response.headers().get("set-cookie") {
                let cookie = cookie.to_str().expect("text");
                cookie
                    .split(';')
                    .next()
                    .unwrap_or_default()
                    .clone_into(&mut self.cookie);
            }
            let location = response.headers().get("location");
            let location = location.map(|it| it.to_str().expect("text").to_owned());
            let Some(location) = location else {
                let path = address.strip_prefix(&base).unwrap_or_default();
                path.clone_into(&mut self.path);
                self.status = response.status();
                self.text = response.text().await.expect("text");
                return;
            };
            method = Method::GET;
            address = match location.strip_prefix('/') {
                Some(path) => format!("{base}/{path}"),
                None => location,
            };
            assert!(address.starts_with(&base), "{address}");
        }
    }
}
