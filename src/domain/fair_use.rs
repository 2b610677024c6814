//! The fair-use limits of consent requests and data requests: one table by purpose, and the rule by
//! which a request is compared with it (fair-use guidelines for AAs; `docs/sources.md#fair-use`).
//!
//! Rules without a template hold for every FIU. Those of a template hold for the FIUs that are
//! registered for it, and take precedence for them.

use std::fmt;

use crate::domain::account::FiType;
use crate::domain::naming::wire_enum;
use crate::domain::terms::{ConsentType, DataLifeUnit, FetchType, FrequencyUnit, Terms, TimeRange};
use crate::domain::time::{Millis, Timestamp};

wire_enum! {
    /// The treatment of requests outside fair use.
    #[derive(Default)]
    FairUseMode {
        /// They are not looked for.
        Off = "off",
        /// The journal notes them.
        #[default]
        Note = "note",
        /// They are answered with 412.
        Refuse = "refuse",
    }
}

wire_enum! {
    /// Templates that hold for single FIUs.
    FairUseTemplate {
        Ct006 = "CT006",
        Ct010 = "CT010",
        Ct019 = "CT019",
        Ct035 = "CT035",
        Ct042 = "CT042",
        Ct043 = "CT043",
        Ct045 = "CT045",
        Ct046 = "CT046",
    }
}

/// A limit that a request exceeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FairUseDeviation {
    /// The field, such as `ConsentDetail.DataLife.value`.
    pub field: &'static str,
    /// Continues a sentence that begins with the field: the value, and the limit.
    pub message: String,
}

/// The comparison of a consent request with the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FairUseVerdict {
    /// The rules that were applied, in words.
    pub basis: String,
    pub deviations: Vec<FairUseDeviation>,
}

/// One row of the table.
struct Rule {
    /// `None`: for every FIU.
    template: Option<FairUseTemplate>,
    purpose: &'static str,
    fetch_type: FetchType,
    fi_types: &'static [FiType],
    consent_types: &'static [ConsentType],
    data_life: DataLifeLimit,
    frequency: FrequencyLimit,
    expiry: Span,
    /// The age of the oldest data, from `consentStart` on.
    data_range: Span,
}

/// The longest data life, in each unit.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct DataLifeLimit {
    days: u32,
    months: u32,
}

/// The most fetches, for each unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FrequencyLimit {
    /// A single fetch has no frequency.
    NotApplicable,
    Periodic {
        per_day: u32,
        per_month: u32,
    },
}

/// A number of calendar units.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Span {
    Days(u32),
    Months(u32),
    Years(u32),
}

const BANK_AND_INSURANCE: &[FiType] = &[
    FiType::Deposit,
    FiType::TermDeposit,
    FiType::RecurringDeposit,
    FiType::InsurancePolicies,
    FiType::Nps,
    FiType::Gstr1_3b,
    FiType::LifeInsurance,
    FiType::GeneralInsurance,
    FiType::Other,
];

const SECURITIES: &[FiType] = &[
    FiType::Sip,
    FiType::Equities,
    FiType::MutualFunds,
    FiType::Etf,
    FiType::Idr,
    FiType::Cis,
    FiType::Aif,
    FiType::Invit,
    FiType::Reit,
];

const SECURITIES_AND_BONDS: &[FiType] = &[
    FiType::Sip,
    FiType::Equities,
    FiType::Bonds,
    FiType::Debentures,
    FiType::MutualFunds,
    FiType::Etf,
    FiType::Idr,
    FiType::Cis,
    FiType::Aif,
    FiType::Invit,
    FiType::Reit,
];

const SECURITIES_AND_DEBENTURES: &[FiType] = &[
    FiType::Sip,
    FiType::Equities,
    FiType::Debentures,
    FiType::MutualFunds,
    FiType::Etf,
    FiType::Idr,
    FiType::Cis,
    FiType::Aif,
    FiType::Invit,
    FiType::Reit,
];

/// The FI types of lending.
const LENDING: &[FiType] = &[
    FiType::Deposit,
    FiType::TermDeposit,
    FiType::RecurringDeposit,
    FiType::Sip,
    FiType::Equities,
    FiType::MutualFunds,
    FiType::Etf,
    FiType::Idr,
    FiType::Cis,
    FiType::Aif,
    FiType::Invit,
    FiType::Reit,
    FiType::Gstr1_3b,
    FiType::LifeInsurance,
    FiType::GeneralInsurance,
    FiType::Nps,
    FiType::InsurancePolicies,
];

const ALL_PARTS: &[ConsentType] = ConsentType::ALL;

/// The limits, those for every FIU first (fair-use guidelines, rule set for consents).
const RULES: &[Rule] = &[
    Rule {
        purpose: "101",
        fi_types: BANK_AND_INSURANCE,
        ..PERSONAL_FINANCE
    },
    Rule {
        purpose: "101",
        fi_types: SECURITIES,
        data_range: Span::Years(20),
        ..PERSONAL_FINANCE
    },
    Rule {
        fi_types: BANK_AND_INSURANCE,
        ..SPENDING_PATTERNS
    },
    Rule {
        fi_types: SECURITIES,
        data_range: Span::Years(10),
        ..SPENDING_PATTERNS
    },
    UNDERWRITING,
    MONITORING,
    ACCOUNT_CHECK,
    Rule {
        template: Some(FairUseTemplate::Ct006),
        fi_types: &[
            FiType::Deposit,
            FiType::TermDeposit,
            FiType::RecurringDeposit,
            FiType::MutualFunds,
            FiType::Gstr1_3b,
        ],
        data_life: DataLifeLimit {
            days: 45,
            months: 1,
        },
        expiry: Span::Days(45),
        data_range: Span::Months(12),
        ..UNDERWRITING
    },
    Rule {
        template: Some(FairUseTemplate::Ct010),
        fi_types: &[
            FiType::Deposit,
            FiType::TermDeposit,
            FiType::RecurringDeposit,
            FiType::Sip,
            FiType::Equities,
            FiType::Bonds,
            FiType::Debentures,
            FiType::MutualFunds,
            FiType::Etf,
            FiType::Idr,
            FiType::Cis,
            FiType::Aif,
            FiType::Invit,
            FiType::Reit,
            FiType::Gstr1_3b,
        ],
        consent_types: ALL_PARTS,
        data_life: DataLifeLimit { days: 7, months: 0 },
        expiry: Span::Months(1),
        data_range: Span::Months(6),
        ..ACCOUNT_CHECK
    },
    Rule {
        template: Some(FairUseTemplate::Ct019),
        fi_types: BANK_AND_INSURANCE,
        data_life: DataLifeLimit { days: 7, months: 0 },
        ..SPENDING_PATTERNS
    },
    Rule {
        template: Some(FairUseTemplate::Ct019),
        fi_types: SECURITIES_AND_BONDS,
        data_life: DataLifeLimit { days: 7, months: 0 },
        data_range: Span::Years(10),
        ..SPENDING_PATTERNS
    },
    Rule {
        template: Some(FairUseTemplate::Ct035),
        fi_types: &[FiType::Deposit],
        consent_types: &[ConsentType::Summary],
        frequency: FrequencyLimit::Periodic {
            per_day: 1,
            per_month: 31,
        },
        expiry: Span::Years(8),
        data_range: Span::Days(1),
        ..MONITORING
    },
    Rule {
        template: Some(FairUseTemplate::Ct042),
        fi_types: &[FiType::Deposit, FiType::Gstr1_3b],
        data_life: DataLifeLimit {
            days: 90,
            months: 3,
        },
        frequency: FrequencyLimit::Periodic {
            per_day: 0,
            per_month: 1,
        },
        expiry: Span::Years(1),
        ..MONITORING
    },
    Rule {
        template: Some(FairUseTemplate::Ct043),
        fi_types: SECURITIES_AND_DEBENTURES,
        data_life: DataLifeLimit { days: 7, months: 0 },
        frequency: FrequencyLimit::Periodic {
            per_day: 0,
            per_month: 25,
        },
        expiry: Span::Years(1),
        ..MONITORING
    },
    Rule {
        template: Some(FairUseTemplate::Ct045),
        fi_types: &[
            FiType::Gstr1_3b,
            FiType::InsurancePolicies,
            FiType::LifeInsurance,
            FiType::GeneralInsurance,
            FiType::MutualFunds,
            FiType::Deposit,
        ],
        consent_types: ALL_PARTS,
        data_range: Span::Months(12),
        ..ACCOUNT_CHECK
    },
    Rule {
        template: Some(FairUseTemplate::Ct046),
        fi_types: &[FiType::Deposit],
        data_life: DataLifeLimit { days: 1, months: 0 },
        frequency: FrequencyLimit::Periodic {
            per_day: 0,
            per_month: 3,
        },
        expiry: Span::Months(18),
        data_range: Span::Months(1),
        ..MONITORING
    },
];

const PERSONAL_FINANCE: Rule = Rule {
    template: None,
    purpose: "101",
    fetch_type: FetchType::Periodic,
    fi_types: BANK_AND_INSURANCE,
    consent_types: ALL_PARTS,
    data_life: DataLifeLimit {
        days: 31,
        months: 1,
    },
    frequency: FrequencyLimit::Periodic {
        per_day: 1,
        per_month: 31,
    },
    expiry: Span::Years(1),
    data_range: Span::Months(13),
};

const SPENDING_PATTERNS: Rule = Rule {
    purpose: "102",
    frequency: FrequencyLimit::Periodic {
        per_day: 1,
        per_month: 45,
    },
    ..PERSONAL_FINANCE
};

const UNDERWRITING: Rule = Rule {
    purpose: "103",
    fetch_type: FetchType::OneTime,
    fi_types: LENDING,
    frequency: FrequencyLimit::NotApplicable,
    expiry: Span::Months(1),
    data_range: Span::Months(14),
    ..PERSONAL_FINANCE
};

const MONITORING: Rule = Rule {
    purpose: "104",
    fi_types: LENDING,
    frequency: FrequencyLimit::Periodic {
        per_day: 0,
        per_month: 5,
    },
    expiry: Span::Years(5),
    data_range: Span::Months(6),
    ..PERSONAL_FINANCE
};

const ACCOUNT_CHECK: Rule = Rule {
    purpose: "105",
    fetch_type: FetchType::OneTime,
    fi_types: &[
        FiType::Deposit,
        FiType::Gstr1_3b,
        FiType::InsurancePolicies,
        FiType::LifeInsurance,
        FiType::GeneralInsurance,
    ],
    consent_types: &[ConsentType::Profile, ConsentType::Summary],
    data_life: DataLifeLimit { days: 1, months: 0 },
    frequency: FrequencyLimit::NotApplicable,
    expiry: Span::Days(1),
    data_range: Span::Days(1),
    ..PERSONAL_FINANCE
};

/// Compares a consent request with the limits for an FIU that is registered for these templates.
///
/// With several FI types the widest limit among their rules applies.
///
/// `Assumption:` dates are compared by the day in India; the guidelines count in calendar units and
/// name no time of the day.
pub(crate) fn check_consent(terms: &Terms, templates: &[FairUseTemplate]) -> FairUseVerdict {
    let of_purpose: Vec<_> = select_rules(terms, templates).collect();
    let mut candidates: Vec<_> = of_purpose
        .iter()
        .copied()
        .filter(|rule| rule.fetch_type == terms.fetch_type)
        .collect();
    // A rule of a template takes precedence over the rules for every FIU.
    if candidates.iter().any(|rule| rule.template.is_some()) {
        candidates.retain(|rule| rule.template.is_some());
    }
    let mut check = Check {
        terms,
        deviations: Vec::new(),
    };
    if candidates.is_empty() {
        check.reject_fetch_type(&of_purpose);
    } else {
        check.compare_with(&candidates);
    }
    FairUseVerdict {
        basis: describe_basis(terms, &candidates),
        deviations: check.deviations,
    }
}

/// Returns the deviation of a data request whose range is longer than one request may have
/// (fair-use guidelines, rule set for data requests); with several FI types the shortest limit
/// applies.
///
/// `Assumption:` a ONETIME template of the FIU replaces the limit by the consent's own range: its
/// only request could not fetch what the template allows otherwise (CT010, CT045).
pub(crate) fn check_data_request(
    terms: &Terms,
    templates: &[FairUseTemplate],
    range: TimeRange,
) -> Option<FairUseDeviation> {
    if terms.fetch_type == FetchType::OneTime {
        let mut rules = select_rules(terms, templates);
        if rules.any(|rule| rule.template.is_some() && rule.fetch_type == FetchType::OneTime) {
            return None;
        }
    }
    let limits = terms
        .fi_types
        .iter()
        .filter_map(|fi_type| request_limit(&terms.purpose.code, *fi_type));
    let limit = limits.max_by_key(|limit| limit.before(range.to))?;
    let earliest = limit.before(range.to);
    (range.from.ist_date() < earliest.ist_date()).then(|| FairUseDeviation {
        field: "FIDataRange",
        message: format!(
            "from {} to {} is longer than {limit}, the most for one request of purpose {}",
            range.from, range.to, terms.purpose.code
        ),
    })
}

/// Returns the rules for the purpose that hold for an FIU with these templates, of any fetch type.
fn select_rules<'a>(
    terms: &'a Terms,
    templates: &'a [FairUseTemplate],
) -> impl Iterator<Item = &'static Rule> {
    RULES
        .iter()
        .filter(|rule| rule.purpose == &*terms.purpose.code)
        .filter(|rule| {
            rule.template
                .is_none_or(|template| templates.contains(&template))
        })
}

/// Returns the longest range of one data request.
fn request_limit(purpose: &str, fi_type: FiType) -> Option<Span> {
    let is_security = SECURITIES_AND_BONDS.contains(&fi_type);
    match purpose {
        "101" | "102" if is_security => Some(Span::Years(2)),
        "101" | "102" => Some(Span::Months(13)),
        "103" if fi_type == FiType::Deposit => Some(Span::Months(24)),
        "103" => Some(Span::Months(14)),
        "104" => Some(Span::Months(6)),
        "105" => Some(Span::Days(1)),
        _ => None,
    }
}

/// A comparison in progress.
struct Check<'a> {
    terms: &'a Terms,
    deviations: Vec<FairUseDeviation>,
}

impl Check<'_> {
    fn report(&mut self, field: &'static str, message: String) {
        self.deviations.push(FairUseDeviation { field, message });
    }

    fn reject_fetch_type(&mut self, of_purpose: &[&Rule]) {
        let (fetch_type, code) = (self.terms.fetch_type, &self.terms.purpose.code);
        if let Some(rule) = of_purpose.first() {
            let allowed = rule.fetch_type;
            let message = format!("is {fetch_type}; purpose {code} allows {allowed} only");
            self.report("ConsentDetail.fetchType", message);
        } else {
            let message = format!("is {code}, for which no template exists");
            self.report("ConsentDetail.Purpose.code", message);
        }
    }

    fn compare_with(&mut self, candidates: &[&Rule]) {
        let terms = self.terms;
        let names = |list: Vec<&str>| list.join(", ");
        let missing: Vec<_> = terms
            .fi_types
            .iter()
            .filter(|fi_type| {
                !candidates
                    .iter()
                    .any(|rule| rule.fi_types.contains(fi_type))
            })
            .map(|fi_type| fi_type.as_str())
            .collect();
        if !missing.is_empty() {
            let message = format!("has {}, which the template does not have", names(missing));
            self.report("ConsentDetail.fiTypes", message);
        }
        let rules: Vec<_> = candidates
            .iter()
            .copied()
            .filter(|rule| {
                let mut requested = terms.fi_types.iter();
                requested.any(|fi_type| rule.fi_types.contains(fi_type))
            })
            .collect();
        if rules.is_empty() {
            return;
        }
        let excess: Vec<_> = terms
            .consent_types
            .iter()
            .filter(|part| !rules.iter().any(|rule| rule.consent_types.contains(part)))
            .map(|part| part.as_str())
            .collect();
        if !excess.is_empty() {
            let message = format!("has {}, which the template does not have", names(excess));
            self.report("ConsentDetail.consentTypes", message);
        }
        self.compare_data_life(&rules);
        self.compare_frequency(&rules);
        self.compare_dates(&rules);
    }

    fn compare_data_life(&mut self, rules: &[&Rule]) {
        let (unit, value) = self.terms.data_life;
        let days = max_of(rules, |rule| rule.data_life.days);
        let months = max_of(rules, |rule| rule.data_life.months);
        let is_within = match unit {
            DataLifeUnit::Day => value <= days,
            DataLifeUnit::Month => value <= months,
            DataLifeUnit::Year => value == 0,
            DataLifeUnit::Inf => false,
        };
        if !is_within {
            let message = format!(
                "is {value} {unit}; the limit is {}",
                join_limits([(days, "DAY"), (months, "MONTH")])
            );
            self.report("ConsentDetail.DataLife.value", message);
        }
    }

    fn compare_frequency(&mut self, rules: &[&Rule]) {
        let limits = rules.iter().filter_map(|rule| match rule.frequency {
            FrequencyLimit::NotApplicable => None,
            FrequencyLimit::Periodic { per_day, per_month } => Some((per_day, per_month)),
        });
        let Some((per_day, per_month)) =
            limits.reduce(|one, other| (one.0.max(other.0), one.1.max(other.1)))
        else {
            return;
        };
        let (unit, value) = self.terms.frequency;
        let is_within = match unit {
            FrequencyUnit::Day => value <= per_day,
            FrequencyUnit::Month => value <= per_month,
            FrequencyUnit::Hour | FrequencyUnit::Year | FrequencyUnit::Inf => false,
        };
        if !is_within {
            let message = format!(
                "is {value} per {unit}; the limit is {}",
                join_limits([(per_day, "per DAY"), (per_month, "per MONTH")])
            );
            self.report("ConsentDetail.Frequency.value", message);
        }
    }

    fn compare_dates(&mut self, rules: &[&Rule]) {
        let Terms {
            start,
            expiry,
            range,
            ..
        } = *self.terms;
        let longest = rules.iter().map(|rule| rule.expiry);
        let longest = longest.max_by_key(|span| span.after(start));
        if let Some(span) = longest.filter(|span| expiry.ist_date() > span.after(start).ist_date())
        {
            let latest = span.after(start).ist_date();
            let message = format!(
                "is {}; the limit is {span} after consentStart, {latest}",
                expiry.ist_date()
            );
            self.report("ConsentDetail.consentExpiry", message);
        }
        let widest = rules.iter().map(|rule| rule.data_range);
        let widest = widest.min_by_key(|span| span.before(start));
        if let Some(span) =
            widest.filter(|span| range.from.ist_date() < span.before(start).ist_date())
        {
            let earliest = span.before(start).ist_date();
            let message = format!(
                "is {}; the limit is {span} before consentStart, {earliest}",
                range.from.ist_date()
            );
            self.report("ConsentDetail.FIDataRange.from", message);
        }
        if range.to.ist_date() > expiry.ist_date() {
            let message = format!(
                "is {}; the limit is consentExpiry, {}",
                range.to.ist_date(),
                expiry.ist_date()
            );
            self.report("ConsentDetail.FIDataRange.to", message);
        }
    }
}

fn max_of(rules: &[&Rule], value: impl Fn(&Rule) -> u32) -> u32 {
    rules
        .iter()
        .map(|rule| value(rule))
        .max()
        .unwrap_or_default()
}

/// Returns the limits in words; a limit of 0 excludes its unit.
fn join_limits<const N: usize>(limits: [(u32, &str); N]) -> String {
    let limits: Vec<_> = limits
        .iter()
        .filter(|(limit, _)| *limit > 0)
        .map(|(limit, unit)| format!("{limit} {unit}"))
        .collect();
    limits.join(" or ")
}

fn describe_basis(terms: &Terms, rules: &[&Rule]) -> String {
    let mut basis = format!("purpose {}, {}", terms.purpose.code, terms.fetch_type);
    let templates = rules.iter().filter_map(|rule| rule.template);
    let mut templates: Vec<_> = templates.map(FairUseTemplate::as_str).collect();
    templates.dedup();
    for template in templates {
        basis += &format!(", {template}");
    }
    basis
}

const DAY_S: i64 = 86_400;

impl Span {
    fn after(self, from: Timestamp) -> Timestamp {
        match self {
            Self::Days(days) => from.saturating_add(Millis::from_secs(i64::from(days) * DAY_S)),
            Self::Months(months) => from.saturating_add_months(months),
            Self::Years(years) => from.saturating_add_months(years * 12),
        }
    }

    fn before(self, to: Timestamp) -> Timestamp {
        let months = |months: u32| i32::try_from(months).expect("the table has small numbers");
        match self {
            Self::Days(days) => to.saturating_add(Millis::from_secs(-i64::from(days) * DAY_S)),
            Self::Months(value) => to.shift_months(-months(value)),
            Self::Years(value) => to.shift_months(-months(value * 12)),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days} DAY"),
            Self::Months(months) => write!(f, "{months} MONTH"),
            Self::Years(years) => write!(f, "{years} YEAR"),
        }
    }
}
