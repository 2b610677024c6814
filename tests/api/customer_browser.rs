//! A customer's browser on the pages of the AA: it follows redirects within the sandbox, and sends
//! forms with the hidden fields of the page and with `Origin`.

use reqwest::{Method, StatusCode, Url};

use crate::helpers::{Reply, TestApp};

pub struct CustomerBrowser<'a> {
    app: &'a TestApp,
    /// The path of the visit, without a slash at its end.
    pub visit: String,
    /// The page that was shown last.
    pub page: Reply,
}

impl<'a> CustomerBrowser<'a> {
    /// Opens an address that begins a visit.
    pub async fn open(app: &'a TestApp, path: &str) -> Self {
        let browser = Self::begin(app, path).await;
        assert_eq!(browser.page.status, StatusCode::OK, "{path}");
        browser
    }

    /// Opens an address that begins a visit, which may have ended already.
    pub async fn begin(app: &'a TestApp, path: &str) -> Self {
        let base = app.sandbox.base_url();
        let mut path = path.to_owned();
        loop {
            let request = app.request(Method::GET, &path);
            let response = request.send().await.expect("an answer");
            let location = response.headers().get("location");
            let Some(location) = location.map(|it| it.to_str().expect("text").to_owned()) else {
                let page = Reply {
                    status: response.status(),
                    signature: None,
                    text: response.text().await.expect("text"),
                };
                let visit = path.split('?').next().expect("a path").to_owned();
                return Self { app, visit, page };
            };
            path = location
                .strip_prefix(&base)
                .unwrap_or_else(|| panic!("{location} is not within the sandbox"))
                .to_owned();
        }
    }

    /// Opens the pages of one consent.
    pub async fn open_consent(app: &'a TestApp, handle: &str) -> Self {
        Self::open(app, &format!("/aa/consents/{handle}")).await
    }

    /// Shows a page below that of the visit.
    pub async fn show(&mut self, page: &str) -> &str {
        self.page = self.app.get(&format!("{}{page}", self.visit)).await;
        &self.page.text
    }

    /// Asks for a page as a script does that waits for a change but does not show it.
    pub async fn poll(&self, page: &str) -> Reply {
        let request = self
            .app
            .request(Method::GET, &format!("{}{page}", self.visit));
        self.app.send(request.header("x-mockaa-poll", "true")).await
    }

    /// Returns the hidden token of the page.
    pub fn token(&self) -> String {
        let hidden = self.page.text.split("name=\"csrf\" value=\"").nth(1);
        let token = hidden.and_then(|rest| rest.split('"').next());
        token.unwrap_or_default().to_owned()
    }

    /// Returns the hidden fields of the form for this page, or else the hidden token.
    fn hidden_fields(&self, page: &str) -> Vec<(String, String)> {
        let action = format!("action=\"{}{page}\"", self.visit);
        let forms = self.page.text.split(&action).skip(1);
        let mut forms = forms.filter_map(|rest| rest.split("</form>").next());
        let Some(form) = forms.find(|form| form.contains("name=\"csrf\"")) else {
            return vec![("csrf".to_owned(), self.token())];
        };
        let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
        let pairs = inputs.filter_map(|input| input.split_once("\" value=\""));
        pairs
            .map(|(name, rest)| {
                let value = rest.split('"').next().unwrap_or_default();
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }

    /// Sends a form of the page; returns the status and the address of the redirect.
    pub async fn submit(
        &mut self,
        page: &str,
        fields: &[(&str, &str)],
    ) -> (StatusCode, Option<String>) {
        let hidden = self.hidden_fields(page);
        let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
        let fields: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        self.submit_exactly(page, &fields).await
    }

    /// Sends a form with these fields only.
    pub async fn submit_exactly(
        &mut self,
        page: &str,
        fields: &[(&str, &str)],
    ) -> (StatusCode, Option<String>) {
        let mut form = Url::parse("form:").expect("a URL");
        form.query_pairs_mut().extend_pairs(fields);
        let path = format!("{}{page}", self.visit);
        let request = self
            .app
            .request(Method::POST, &path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", self.app.sandbox.base_url())
            .body(form.query().unwrap_or_default().to_owned());
        let response = request.send().await.expect("an answer");
        let location = response.headers().get("location");
        let location = location.map(|it| it.to_str().expect("text").to_owned());
        let status = response.status();
        self.page = Reply {
            status,
            signature: None,
            text: response.text().await.expect("text"),
        };
        (status, location)
    }

    /// Gives consent with all accounts that the page has ticked, and returns the address to which the
    /// result page leads.
    pub async fn approve(&mut self, handle: &str) -> Option<String> {
        let account = format!("account.{handle}");
        let ticked: Vec<String> = self
            .page
            .text
            .split("<input type=\"checkbox\"")
            .skip(1)
            .filter_map(|input| input.split('>').next())
            .filter(|input| input.contains(&account) && input.contains(" checked"))
            .filter_map(|input| input.split("value=\"").nth(1)?.split('"').next())
            .map(str::to_owned)
            .collect();
        let answer = format!("answer.{handle}");
        let mut fields = vec![(answer.as_str(), "approve")];
        fields.extend(ticked.iter().map(|link| (account.as_str(), link.as_str())));
        self.finish("/answer", &fields).await
    }

    /// Sends a form that ends the visit, and returns the address to which the result page leads.
    pub async fn finish(&mut self, page: &str, fields: &[(&str, &str)]) -> Option<String> {
        let (status, location) = self.submit(page, fields).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{}", self.page.text);
        let result = format!("{}{}/result", self.app.sandbox.base_url(), self.visit);
        assert_eq!(location.as_deref(), Some(&*result));
        let request = self
            .app
            .request(Method::GET, &format!("{}/result", self.visit));
        let response = request.send().await.expect("an answer");
        let refresh = response.headers().get("refresh");
        let refresh = refresh.map(|it| it.to_str().expect("text").to_owned());
        self.page = Reply {
            status: response.status(),
            signature: None,
            text: response.text().await.expect("text"),
        };
        let address = refresh.map(|it| it.strip_prefix("5; url=").expect("5 s").to_owned());
        if let Some(address) = &address {
            let link = format!("href=\"{}\"", address.replace('&', "&#38;"));
            assert!(self.page.text.contains(&link), "{}", self.page.text);
        }
        address
    }
}
