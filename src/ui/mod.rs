//! Pages for people. The templates and the files that they load are compiled in.

pub(crate) mod accounts;
pub(crate) mod assets;
pub(crate) mod console;
pub(crate) mod content;
pub(crate) mod docs;
pub(crate) mod front;
pub(crate) mod icons;
pub(crate) mod journey;
pub(crate) mod mark;
pub(crate) mod messages;
pub(crate) mod qr_code;
pub(crate) mod scheme;
pub(crate) mod sdk_theme;
pub(crate) mod sign_in;
pub(crate) mod theme;
