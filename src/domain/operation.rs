//! Names of the calls of the sandbox, independent of the API. Scenarios, the journal and reports
//! use them.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// A kind of call.
    Operation {
        ConsentCreate = "consent.create",
        /// Status of a consent request, by consent handle.
        ConsentStatus = "consent.status",
        /// The artefact, by consent id.
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
        /// Web redirection between the FIU and the AA's page.
        Redirection = "redirection",
        /// A request for a path that is not a call of the sandbox.
        Unknown = "unknown",
    }
}

impl Operation {
    /// Returns whether the call is about a consent or a customer. Its faults are then chosen once
    /// that subject is known.
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
                | Self::Unknown
        )
    }

    /// Returns whether the call changes or consumes something, so that repeating it has a further
    /// effect.
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
