//! The notifications of an AA about data (ReBIT FIU API 2.0.0, `FIStatusNotification`; the Unaport API has the same
//! part).

use serde_json::Value;

/// The state of a data session, as a notification has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataNotification {
    pub session: String,
    /// `true` if no more data comes.
    pub has_ended: bool,
    /// The number of accounts whose data can be fetched, and that of all.
    pub ready: usize,
    pub total: usize,
}

impl DataNotification {
    /// Reads a message; `None` if it is not about data.
    pub(crate) fn from_message(message: &Value) -> Option<Self> {
        let notification = message.get("FIStatusNotification")?;
        let status = notification["sessionStatus"].as_str()?;
        let banks = notification["FIStatusResponse"].as_array();
        let accounts = banks
            .into_iter()
            .flatten()
            .filter_map(|bank| bank["Accounts"].as_array());
        let states = accounts.flatten().map(|account| &account["FIStatus"]);
        Some(Self {
            session: notification["sessionId"].as_str()?.to_owned(),
            has_ended: matches!(status, "COMPLETED" | "FAILED" | "EXPIRED"),
            ready: states.clone().filter(|state| **state == "READY").count(),
            total: states.count(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::DataNotification;

    #[test]
    fn a_session_ends_with_its_last_state() {
        for (status, has_ended) in [
            ("PENDING", false),
            ("ACTIVE", false),
            ("COMPLETED", true),
            ("FAILED", true),
            ("EXPIRED", true),
        ] {
            let accounts = json!([{ "FIStatus": "READY" }, { "FIStatus": "TIMEOUT" }]);
            let message = json!({ "FIStatusNotification": {
                "sessionId": "s", "sessionStatus": status, "FIStatusResponse": [{ "Accounts": accounts }],
            }});
            let expected = DataNotification {
                session: "s".to_owned(),
                has_ended,
                ready: 1,
                total: 2,
            };
            assert_eq!(DataNotification::from_message(&message), Some(expected));
        }
        let other = json!({ "ConsentStatusNotification": {} });
        assert_eq!(DataNotification::from_message(&other), None);
    }
}
