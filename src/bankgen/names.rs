//! Tables of invented names of people, firms and streets; only the cities exist. The crate `fake`
//! has no Indian locale. None of the names refers to a real person, account or company.

use crate::domain::persona::NamePool;

/// First names in capitals, as banks print them.
pub(crate) const FIRST_NAMES: &[&str] = &[
    "AARAV", "ADITI", "ANANYA", "ARJUN", "BHAVNA", "CHETAN", "DEEPA", "DEVIKA", "FARHAN", "GAURI",
    "HARISH", "ISHITA", "JATIN", "KAVYA", "KIRAN", "LAKSHMI", "MANOJ", "MEERA", "NAVEEN", "NISHA",
    "OMKAR", "PALLAVI", "PRANAV", "RADHIKA", "ROHAN", "SANJANA", "SHREYA", "SURESH", "TANVI",
    "UDAY", "VARUN", "YAMINI",
];

/// Surnames in capitals, as banks print them.
pub(crate) const LAST_NAMES: &[&str] = &[
    "AGARWAL",
    "BANERJEE",
    "BHAT",
    "CHAUHAN",
    "CHOPRA",
    "DAS",
    "DESHPANDE",
    "FERNANDES",
    "GHOSH",
    "GUPTA",
    "IYER",
    "JAIN",
    "JOSHI",
    "KAPOOR",
    "KHAN",
    "KULKARNI",
    "MEHTA",
    "MENON",
    "MISHRA",
    "NAIR",
    "NAIDU",
    "PATEL",
    "PATIL",
    "PILLAI",
    "RAO",
    "REDDY",
    "SAXENA",
    "SHAH",
    "SHARMA",
    "SINGH",
    "VERMA",
    "YADAV",
];

/// Cities, with their state and the first three digits of their PIN codes.
pub(crate) const CITIES: &[(&str, &str, u32)] = &[
    ("Bengaluru", "Karnataka", 560),
    ("Chennai", "Tamil Nadu", 600),
    ("Hyderabad", "Telangana", 500),
    ("Kochi", "Kerala", 682),
    ("Kolkata", "West Bengal", 700),
    ("Lucknow", "Uttar Pradesh", 226),
    ("Mumbai", "Maharashtra", 400),
    ("New Delhi", "Delhi", 110),
    ("Pune", "Maharashtra", 411),
    ("Jaipur", "Rajasthan", 302),
];

pub(crate) const STREETS: &[&str] = &[
    "Temple Road",
    "Lake View Road",
    "Station Road",
    "Gandhi Nagar",
    "Market Street",
    "Park Lane",
    "Old Post Office Road",
    "Ashoka Avenue",
];

/// The name of a counterparty, with the range of its usual amounts in rupees; zeros if there is
/// none.
pub(crate) type NameEntry = (&'static str, i64, i64);

/// Returns the entries of a shipped list; empty for people, who are sampled from first and last
/// names, and for the account holder.
pub(crate) fn pool_entries(pool: NamePool) -> &'static [NameEntry] {
    match pool {
        NamePool::People | NamePool::Myself => &[],
        NamePool::Employers => EMPLOYERS,
        NamePool::Firms => FIRMS,
        NamePool::Lenders => LENDERS,
        NamePool::Funds => FUNDS,
        NamePool::Insurers => INSURERS,
        NamePool::Shops => SHOPS,
        NamePool::Stores => STORES,
        NamePool::Utilities => UTILITIES,
        NamePool::Telecoms => TELECOMS,
        NamePool::Platforms => PLATFORMS,
        NamePool::Schools => SCHOOLS,
    }
}

const EMPLOYERS: &[NameEntry] = &[
    ("NIMBUS SOFTWORKS PVT LTD", 0, 0),
    ("KESAR ANALYTICS INDIA PVT LTD", 0, 0),
    ("TAMRA TEXTILES LTD", 0, 0),
    ("VAYU LOGISTICS PVT LTD", 0, 0),
    ("NEELGIRI FOODS LTD", 0, 0),
    ("SARITA HEALTHCARE PVT LTD", 0, 0),
    ("DHRUVA ENGINEERING WORKS LTD", 0, 0),
    ("MAYUR PUBLISHING HOUSE", 0, 0),
];

const FIRMS: &[NameEntry] = &[
    ("ARAVALI TRADERS", 0, 0),
    ("PRAGATI PACKAGING WORKS", 0, 0),
    ("SUVIDHA WHOLESALE MART", 0, 0),
    ("INDUS VALLEY DISTRIBUTORS", 0, 0),
    ("KAVERI AGRO SUPPLIES", 0, 0),
    ("MERIDIAN STEEL CRAFTS", 0, 0),
    ("TRISHUL ELECTRICALS", 0, 0),
    ("OMEGA PLASTOMERS LLP", 0, 0),
    ("SHAKTI TRANSPORT CO", 0, 0),
    ("RAINBOW PAPER AGENCIES", 0, 0),
];

const LENDERS: &[NameEntry] = &[
    ("MOCK HOUSING FINANCE LTD", 0, 0),
    ("SAMRIDDHI FINSERVE LTD", 0, 0),
    ("UDHAAR CAPITAL PVT LTD", 0, 0),
    ("QUICKRIN FINTECH PVT LTD", 0, 0),
    ("VAHAN AUTO FINANCE LTD", 0, 0),
];

const FUNDS: &[NameEntry] = &[
    ("MOCK MUTUAL FUND", 0, 0),
    ("TARA ASSET MANAGEMENT", 0, 0),
    ("VRIDDHI MUTUAL FUND", 0, 0),
];

const INSURERS: &[NameEntry] = &[
    ("MOCK LIFE INSURANCE CO LTD", 0, 0),
    ("KAVACH GENERAL INSURANCE LTD", 0, 0),
    ("AROGYA HEALTH ASSURANCE", 0, 0),
];

const SHOPS: &[NameEntry] = &[
    ("CHAI POINT CORNER", 20, 180),
    ("ANAND PROVISION STORE", 60, 1400),
    ("TAZA SABZI", 40, 600),
    ("SHREE MEDICALS", 80, 1600),
    ("RIDE AUTO", 45, 420),
    ("BHOJAN EXPRESS", 120, 950),
    ("SWAD TIFFIN SERVICE", 90, 700),
    ("METRO CARD RECHARGE", 100, 500),
    ("PETROL PUMP 4471", 200, 2200),
    ("KIDDO STATIONERS", 30, 800),
    ("NAAI SALON", 150, 900),
    ("DAIRY FRESH BOOTH", 28, 240),
];

const STORES: &[NameEntry] = &[
    ("BIG BAZARIA", 400, 5200),
    ("CITY CINEPLEX", 300, 1600),
    ("VASTRA STORES", 700, 6500),
    ("DECATHA SPORTS", 500, 4800),
    ("GHAR FURNISHINGS", 900, 7800),
    ("ELECTRO PLAZA", 800, 9500),
];

const UTILITIES: &[NameEntry] = &[
    ("STATE ELECTRICITY BOARD", 650, 3400),
    ("CITY WATER SUPPLY", 180, 700),
    ("INDRA PIPED GAS", 350, 1200),
];

const TELECOMS: &[NameEntry] = &[
    ("TARANG MOBILE", 239, 719),
    ("BHARAT FIBRE BROADBAND", 599, 1299),
];

const PLATFORMS: &[NameEntry] = &[
    ("SAWARI CAB PARTNERS", 0, 0),
    ("JHATPAT DELIVERY", 0, 0),
    ("KAARYA FREELANCE", 0, 0),
    ("GHARSEVA SERVICES", 0, 0),
];

const SCHOOLS: &[NameEntry] = &[
    ("SARASWATI PUBLIC SCHOOL", 0, 0),
    ("NALANDA COLLEGE HOSTEL", 0, 0),
];

/// Addresses of holders who live abroad.
pub(crate) const FOREIGN_ADDRESSES: &[&str] = &[
    "Creek Avenue, Dubai, UAE",
    "Harbour Street, Singapore",
    "Mill Lane, Leicester, UK",
    "Oak Drive, Edison NJ, USA",
];
