//! The calls of the sandbox, by one name for each whatever face it is called on: scenarios, the journal and reports
//! speak of them.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// What a caller wants.
    Operation {
        ConsentCreate = "consent.create",
        /// How a consent request fares: by handle.
        ConsentStatus = "consent.status",
        /// The artefact: by consent id.
        ConsentFetch = "consent.fetch",
        ConsentRevoke = "consent.revoke",
        ConsentNotification = "consent.notification",
        FiRequest = "fi.request",
        FiStatus = "fi.status",
        FiFetch = "fi.fetch",
        FiNotification = "fi.notification",
        AccountDetails = "account.details",
        AnalyticsGenerate = "analytics.generate",
        AnalyticsFetch = "analytics.fetch",
        /// Data or analytics as a file.
        Export = "export",
        AccountNotification = "account.notification",
        Heartbeat = "heartbeat",
        Login = "login",
        LoginRefresh = "login.refresh",
        Organisation = "organisation",
        TemplateSave = "template.save",
        TemplateList = "template.list",
        Token = "token",
        Registry = "registry",
        /// The customer's way from the FIU to the AA's page and back.
        Redirection = "redirection",
        /// Something that is no call of the sandbox.
        Unknown = "unknown",
    }
}

impl Operation {
    /// Whether it is about a consent, or a customer, so that what goes wrong with it is decided when that is known.
    pub const fn has_subject(self) -> bool {
        !matches!(
            self,
            Self::Heartbeat
                | Self::Login
                | Self::LoginRefresh
                | Self::Organisation
                | Self::TemplateSave
                | Self::TemplateList
                | Self::Token
                | Self::Registry
                | Self::Redirection
                | Self::Unknown
        )
    }

    /// Whether it changes or uses up something, so that doing it twice is more than doing it once.
    pub const fn has_side_effects(self) -> bool {
        matches!(
            self,
            Self::ConsentCreate
                | Self::FiRequest
                | Self::ConsentRevoke
                | Self::TemplateSave
                | Self::AnalyticsGenerate
        )
    }
}
