//! The FIU's side of the messages of an AA. The commands that play an FIU and the lender of the demo share it.

pub(crate) mod consent_request;
pub(crate) mod data;
pub(crate) mod inbox;
pub(crate) mod notification;
pub(crate) mod webhook_check;
