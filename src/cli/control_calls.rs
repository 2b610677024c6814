//! The command of each call of the control API. The errors of a sandbox name calls; the program
//! names the commands that make them.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::http::routes::{Section, all_routes};

/// The calls of the control API by their names in `/openapi.json`, and their commands.
const COMMANDS: &[(&str, &str)] = &[
    ("listConsents", "consent list"),
    ("getConsent", "consent show"),
    ("playSteps", "consent play"),
    ("applyConsentAction", "consent approve"),
    ("listSessions", "session list"),
    ("getSession", "session show"),
    ("deliverData", "session deliver"),
    ("notifyAnalytics", "session analytics"),
    ("listCustomers", "customer list"),
    ("listAccounts", "customer accounts"),
    ("registerCustomer", "customer register"),
    ("deregisterCustomer", "customer deregister"),
    ("linkAccounts", "customer link"),
    ("verifyLink", "customer verify"),
    ("delinkAccount", "customer delink"),
    ("assignPersona", "customer persona"),
    ("listPersonas", "persona list"),
    ("putPersona", "persona put"),
    ("listTransactions", "customer transaction list"),
    ("getStatement", "customer statement"),
    ("putStatement", "customer supply"),
    ("addTransaction", "customer transaction add"),
    ("changeTransaction", "customer transaction change"),
    ("removeTransaction", "customer transaction remove"),
    ("listFius", "fiu list"),
    ("listFips", "fip list"),
    ("getFiu", "fiu show"),
    ("putFiu", "fiu put"),
    ("getFip", "fip show"),
    ("putFip", "fip put"),
    ("listWebhooks", "webhook list"),
    ("getWebhook", "webhook show"),
    ("getWebhookBody", "webhook show --body"),
    ("resendWebhook", "webhook resend"),
    ("listJournal", "journal"),
    ("waitForJournal", "journal --wait"),
    ("streamEvents", "journal --follow"),
    ("getJournalEntry", "journal"),
    ("getJournalRequest", "journal --request"),
    ("getJournalAnswer", "journal --answer"),
    ("checkExpectations", "assert"),
    ("getReport", "report"),
    ("listFaults", "fault list"),
    ("deleteAllFaults", "fault delete"),
    ("getFaults", "fault show"),
    ("putFaults", "fault put"),
    ("deleteFaults", "fault delete"),
    ("listScenarios", "scenario list"),
    ("lintScenario", "scenario lint"),
    ("getSchema", "scenario schema"),
    ("reloadScenarios", "scenario reload"),
    ("getDefaultScenario", "scenario default"),
    ("setDefaultScenario", "scenario default"),
    ("getScenario", "scenario show"),
    ("putScenario", "scenario put"),
    ("deleteScenario", "scenario delete"),
    ("pinScenario", "scenario pin"),
    ("listMagicCustomers", "magic"),
    ("getKeys", "jws keys"),
    ("getClock", "clock show"),
    ("listTimers", "clock due"),
    ("freezeClock", "clock freeze"),
    ("runClock", "clock run"),
    ("setClock", "clock set"),
    ("advanceClock", "clock advance"),
    ("getInfo", "info"),
    ("getWorld", "world show"),
    ("listWorlds", "world list"),
    ("deleteWorld", "world delete"),
    ("resetWorld", "world reset"),
];

/// Returns the words after `mockaa` of the command that makes a call of the control API.
pub fn command_of_call(id: &str) -> Option<&'static str> {
    let mut commands = COMMANDS.iter();
    commands
        .find(|(call, _)| *call == id)
        .map(|(_, command)| *command)
}

/// A call of the control API as a message names it.
static NAMED_CALL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(GET|POST|PUT|DELETE) (/_mockaa/v1/[A-Za-z0-9_./{}@:-]*[A-Za-z0-9_}])")
        .expect("the pattern is valid")
});

/// Replaces the calls that a message names by their commands.
pub(crate) fn name_commands(message: &str) -> Cow<'_, str> {
    NAMED_CALL.replace_all(message, |call: &Captures<'_>| {
        find_command(&call[1], &call[2]).map_or_else(
            || call[0].to_owned(),
            |command| format!("`mockaa {command}`"),
        )
    })
}

fn find_command(method: &str, path: &str) -> Option<&'static str> {
    let route = all_routes().find(|route| {
        route.section == Section::Control
            && route.method.as_str() == method
            && is_path_of(route.path, path)
    })?;
    command_of_call(route.id)
}

/// Returns whether a path is that of a route; a segment in braces may have any text.
fn is_path_of(pattern: &str, path: &str) -> bool {
    pattern.split('/').count() == path.split('/').count()
        && pattern
            .split('/')
            .zip(path.split('/'))
            .all(|(expected, actual)| expected.starts_with('{') || expected == actual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_commands_instead_of_calls() {
        assert_eq!(
            name_commands("unknown; list them with GET /_mockaa/v1/consents"),
            "unknown; list them with `mockaa consent list`"
        );
        assert_eq!(
            name_commands("use PUT /_mockaa/v1/faults/NAME, or POST /_mockaa/v1/nothing."),
            "use `mockaa fault put`, or POST /_mockaa/v1/nothing."
        );
        assert_eq!(
            name_commands("link with POST /_mockaa/v1/customers/9@mockaa/link"),
            "link with `mockaa customer link`"
        );
    }
}
