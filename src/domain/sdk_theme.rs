//! The theme that a caller of Unaport's web SDK gives to the customer's pages.

use std::collections::BTreeMap;

use crate::domain::brand::Color;
use crate::domain::naming::wire_enum;

wire_enum! {
    /// A color of a theme.
    ThemeColor {
        Background = "background",
        Accent = "accent",
        Primary = "primary",
        PrimaryText = "primaryText",
        PrimaryButtonText = "primaryButtonText",
        Secondary = "secondary",
        SecondaryText = "secondaryText",
        Disabled = "disabled",
        DisabledText = "disabledText",
        Border = "border",
        HintText = "hintText",
        ErrorText = "errorText",
        LoaderColor = "loaderColor",
        FailureColor = "failureColor",
    }
}

/// The theme of a visit. A color that is absent is the AA's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SdkTheme {
    pub colors: BTreeMap<ThemeColor, Color>,
    pub font_name: Option<Box<str>>,
}

impl SdkTheme {
    pub(crate) fn color(&self, name: ThemeColor) -> Option<Color> {
        self.colors.get(&name).copied()
    }

    /// Returns the names of the colors that are absent.
    pub(crate) fn absent_colors(&self) -> Vec<&'static str> {
        let all = ThemeColor::ALL.iter();
        all.filter(|name| !self.colors.contains_key(name))
            .map(|name| name.as_str())
            .collect()
    }
}
