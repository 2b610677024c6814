//! The security modes of a sandbox. The checks of each mode are in `http::security`.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// Strictness of authentication.
    SecurityMode {
        /// Callers need not authenticate.
        Open = "open",
        /// As open, but the journal notes every call that strict mode would reject.
        Lenient = "lenient",
        /// Callers authenticate as at a certified AA.
        Strict = "strict",
    }
}
