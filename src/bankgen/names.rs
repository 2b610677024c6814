//! Tables of invented names. `fake` has no Indian locale, so people, firms and places are ours; none is meant to be a
//! real person, account or company.

pub const FIRST: &[&str] = &[
    "Aarav", "Aditi", "Ananya", "Arjun", "Bhavna", "Chetan", "Deepa", "Devika", "Farhan", "Gauri", "Harish", "Ishita",
    "Jatin", "Kavya", "Kiran", "Lakshmi", "Manoj", "Meera", "Naveen", "Nisha", "Omkar", "Pallavi", "Pranav", "Radhika",
    "Rohan", "Sanjana", "Shreya", "Suresh", "Tanvi", "Uday", "Varun", "Yamini",
];

pub const LAST: &[&str] = &[
    "Agarwal",
    "Banerjee",
    "Bhat",
    "Chauhan",
    "Chopra",
    "Das",
    "Deshpande",
    "Fernandes",
    "Ghosh",
    "Gupta",
    "Iyer",
    "Jain",
    "Joshi",
    "Kapoor",
    "Khan",
    "Kulkarni",
    "Mehta",
    "Menon",
    "Mishra",
    "Nair",
    "Naidu",
    "Patel",
    "Patil",
    "Pillai",
    "Rao",
    "Reddy",
    "Saxena",
    "Shah",
    "Sharma",
    "Singh",
    "Verma",
    "Yadav",
];

/// Employers.
pub const EMPLOYERS: &[&str] = &[
    "NIMBUS SOFTWORKS PVT LTD",
    "KESAR ANALYTICS INDIA PVT LTD",
    "TAMRA TEXTILES LTD",
    "VAYU LOGISTICS PVT LTD",
    "NEELGIRI FOODS LTD",
    "SARITA HEALTHCARE PVT LTD",
    "DHRUVA ENGINEERING WORKS LTD",
    "MAYUR PUBLISHING HOUSE",
];

/// City, state code of a PIN, first three digits of its PIN codes.
pub const CITIES: &[(&str, &str, u32)] = &[
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

pub const STREETS: &[&str] = &[
    "Temple Road",
    "Lake View Road",
    "Station Road",
    "Gandhi Nagar",
    "Market Street",
    "Park Lane",
    "Old Post Office Road",
    "Ashoka Avenue",
];

/// Shops paid by UPI: name, its UPI address, smallest and largest ticket in rupees.
pub const UPI_SHOPS: &[(&str, &str, i64, i64)] = &[
    ("CHAI POINT CORNER", "chaicorner.12@mockbank", 20, 180),
    ("ANAND PROVISION STORE", "anandstore@mockbank", 60, 1400),
    ("TAZA SABZI", "tazasabzi.88@mockpay", 40, 600),
    ("SHREE MEDICALS", "shreemed@mockbank", 80, 1600),
    ("RIDE AUTO", "rideauto.trip@mockpay", 45, 420),
    ("BHOJAN EXPRESS", "bhojan.orders@mockpay", 120, 950),
    ("SWAD TIFFIN SERVICE", "swadtiffin@mockpay", 90, 700),
    ("METRO CARD RECHARGE", "metrocard@mockbank", 100, 500),
    ("PETROL PUMP 4471", "fuel4471@mockbank", 200, 2200),
    ("KIDDO STATIONERS", "kiddo.stat@mockpay", 30, 800),
    ("NAAI SALON", "naaisalon@mockpay", 150, 900),
    ("DAIRY FRESH BOOTH", "dairyfresh@mockbank", 28, 240),
];

/// Shops paid by card: name, smallest and largest ticket in rupees.
pub const CARD_SHOPS: &[(&str, i64, i64)] = &[
    ("BIG BAZARIA", 400, 5200),
    ("CITY CINEPLEX", 300, 1600),
    ("VASTRA STORES", 700, 6500),
    ("DECATHA SPORTS", 500, 4800),
    ("GHAR FURNISHINGS", 900, 7800),
    ("ELECTRO PLAZA", 800, 9500),
];

/// Monthly bills paid by UPI: name, its UPI address, smallest and largest bill in rupees.
pub const BILLS: &[(&str, &str, i64, i64)] = &[
    ("STATE ELECTRICITY BOARD", "seb.bills@mockbank", 650, 3400),
    ("BHARAT FIBRE BROADBAND", "bfb.billpay@mockbank", 599, 1299),
    ("TARANG MOBILE", "tarang.recharge@mockpay", 239, 719),
];
