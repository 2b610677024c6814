//! Accounts at FIPs, and the FI types that a consent can request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::naming::wire_enum;

wire_enum! {
    /// Kind of financial information (ReBIT AA API 2.1.0, `FITypes`).
    FiType {
        Deposit = "DEPOSIT",
        TermDeposit = "TERM_DEPOSIT",
        RecurringDeposit = "RECURRING_DEPOSIT",
        Sip = "SIP",
        Cp = "CP",
        GovtSecurities = "GOVT_SECURITIES",
        Equities = "EQUITIES",
        Bonds = "BONDS",
        Debentures = "DEBENTURES",
        MutualFunds = "MUTUAL_FUNDS",
        Etf = "ETF",
        Idr = "IDR",
        Cis = "CIS",
        Aif = "AIF",
        InsurancePolicies = "INSURANCE_POLICIES",
        Nps = "NPS",
        Invit = "INVIT",
        Reit = "REIT",
        Gstr1_3b = "GSTR1_3B",
        LifeInsurance = "LIFE_INSURANCE",
        GeneralInsurance = "GENERAL_INSURANCE",
        Other = "OTHER",
    }
}

/// A kind of FI types, which decides how a FIP identifies a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FiKind {
    Deposit,
    Insurance,
    Investment,
    Tax,
    Other,
}

impl FiType {
    /// Returns the kind of the FI type.
    pub(crate) const fn kind(self) -> FiKind {
        match self {
            Self::Deposit | Self::TermDeposit | Self::RecurringDeposit => FiKind::Deposit,
            Self::InsurancePolicies | Self::LifeInsurance | Self::GeneralInsurance => {
                FiKind::Insurance
            }
            Self::Gstr1_3b => FiKind::Tax,
            Self::Other => FiKind::Other,
            _ => FiKind::Investment,
        }
    }

    /// Parses a name, or the older word of TERM_DEPOSIT.
    ///
    /// Quirk: FIPs of ReBIT FIP API 1.x and 2.0.0 also send `TERM-DEPOSIT`
    /// (`docs/sources.md#rebit-versions`).
    pub fn parse_any_name(text: &str) -> Option<Self> {
        match text {
            "TERM-DEPOSIT" => Some(Self::TermDeposit),
            name => Self::parse(name),
        }
    }

    /// Returns whether the type is one of the three deposits, whose rows have a balance.
    pub fn is_deposit(self) -> bool {
        self.kind() == FiKind::Deposit
    }

    /// Returns whether ReBIT has withdrawn the type (`docs/sources.md#fi-schemas`).
    pub fn is_withdrawn(self) -> bool {
        self == Self::InsurancePolicies
    }
}

wire_enum! {
    /// Kind of account (ReBIT FIP API 2.0.0, `accType`). DEFAULT is used for every account that is
    /// not a bank account.
    AccountType { Savings = "SAVINGS", Current = "CURRENT", Default = "DEFAULT", Nre = "NRE", Nro = "NRO" }
}

/// An account of a customer at a FIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names, reason = "the names are those of ReBIT")]
pub struct Account {
    pub fi_type: FiType,
    /// Id of the FIP that holds the account.
    pub fip: Arc<str>,
    pub account_type: AccountType,
    /// The FIP's reference of the account (`accRefNumber`).
    pub account_ref: Box<str>,
    /// Reference of the link between this account and this AA (`linkRefNumber`).
    pub link_ref: Box<str>,
    /// The number as consents and statements show it: all but the last four digits are masked.
    pub masked_number: Box<str>,
}

/// An account that a customer has at a FIP, whether it is linked or not.
#[derive(Clone, Debug)]
pub struct LinkableAccount {
    pub account: Account,
    /// `true` if the account is linked before the world has any record of the customer.
    pub linked_by_default: bool,
}

/// An account of a customer as a world knows it.
#[derive(Clone, Debug)]
pub struct CustomerAccount {
    pub account: Account,
    /// `true` if the account is linked in this world.
    pub is_linked: bool,
}

impl Account {
    /// Returns whether the FIP knows the account by this `accRefNumber`, regardless of its link.
    pub fn matches_ref(&self, fip: &str, account_ref: &str) -> bool {
        *self.fip == *fip && *self.account_ref == *account_ref
    }
}
