//! What a customer does on the AA's page.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// The end of a customer's visit.
    VisitAction {
        /// Approves all consents.
        Approve = "approve",
        /// Rejects all consents.
        Reject = "reject",
        /// Answers each consent by itself.
        Answer = "answer",
        /// Leaves without an answer. The consents stay PENDING, and the link stays usable.
        Leave = "leave",
    }
}
