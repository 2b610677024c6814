//! The layouts in which banks print narrations.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// Layout of the narrations of a bank account (`docs/data.md#narrations`).
    NarrationLayout {
        A = "layout-a",
        B = "layout-b",
        C = "layout-c",
        D = "layout-d",
        E = "layout-e",
    }
}

impl NarrationLayout {
    /// Returns the layout of a FIP that sets none. It follows from the id, so that FIPs differ.
    pub fn from_fip_id(id: &str) -> Self {
        let hash = id
            .bytes()
            .fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % 9973);
        Self::ALL[hash % Self::ALL.len()]
    }
}
