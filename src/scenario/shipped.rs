//! The scenarios in the binary.

macro_rules! shipped {
    ($($file:literal),+ $(,)?) => {
        /// File name and text of each.
        pub const SHIPPED: &[(&str, &str)] =
            &[$(($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/", $file)))),+];
    };
}

shipped!(
    "approve-deposit.yaml",
    "approve.yaml",
    "data-later.yaml",
    "expire.yaml",
    "hold-at-ready.yaml",
    "never-answered.yaml",
    "pause-resume.yaml",
    "recorded-rhythm.yaml",
    "reject.yaml",
    "revoke.yaml",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SHIPPED;

    #[test]
    fn every_file_of_the_folder_is_shipped() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).expect("the folder is there");
        let files: BTreeSet<_> = folder.map(|entry| entry.expect("it can be listed").file_name()).collect();
        let shipped: BTreeSet<_> = SHIPPED.iter().map(|(file, _)| (*file).into()).collect();
        assert_eq!(files, shipped);
    }
}
