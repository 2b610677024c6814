//! The ledger of a salaried account, told month by month.
//!
//! Pay comes on the last working day, then rent, instalment, fund and bills on their days, cash and shopping in
//! between. Each month ends at [`Persona::close`]; what is over or missing by the 24th moves to or from the
//! customer's own deposit, as an auto-sweep facility does. So a month needs nothing from the months before it,
//! except that a quarter's interest is computed on the daily balances of its three months.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use rand::{Rng, RngExt};

use crate::bankgen::calendar::Month;
use crate::bankgen::names::{BILLS, CARD_SHOPS, UPI_SHOPS};
use crate::bankgen::persona::{Persona, ordinal, pick};
use crate::bankgen::{StatementRequest, stream};
use crate::domain::consent::TransactionType;
use crate::domain::money::Paise;
use crate::domain::statement::{NewRow, Summary, TransactionMode, Transactions};
use crate::domain::stream::Kind;
use crate::domain::time::Timestamp;

/// Savings interest, in basis points a year.
const INTEREST_BASIS_POINTS: i64 = 300;

const MONTHS: [&str; 12] =
    ["Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "];

/// The day on which the sweep evens the month out.
const SWEEP_DAY: u32 = 24;

/// The story ends here, so that a range up to the year 9999 costs no more than one of a lifetime.
///
/// `Assumption:` nobody tests with statements of the next century.
const LAST_MONTH: Month = Month { year: 2099, month: 12 };

/// One entry of a month, before it has a place in a statement.
#[derive(Clone, Copy, Debug)]
struct Posting {
    at: NaiveDateTime,
    transaction_type: TransactionType,
    mode: TransactionMode,
    amount: Paise,
    /// Where its texts stand in [`Book::texts`]: start of the narration, its end and start of the reference, its end.
    texts: (u32, u32, u32),
}

impl Posting {
    fn signed(&self) -> Paise {
        match self.transaction_type {
            TransactionType::Credit => self.amount,
            TransactionType::Debit => -self.amount,
        }
    }
}

/// The postings of one month, and the buffer of their texts; reused from month to month.
#[derive(Debug, Default)]
struct Book {
    postings: Vec<Posting>,
    texts: String,
}

impl Book {
    fn post(&mut self, at: NaiveDateTime, movement: Movement, narration: &[Piece<'_>], reference: Reference) {
        let Movement { transaction_type, mode, amount } = movement;
        let start = self.length();
        for piece in narration {
            self.write(*piece);
        }
        let middle = self.length();
        self.write(Text(reference.prefix));
        self.write(reference.digits());
        let texts = (start, middle, self.length());
        self.postings.push(Posting { at, transaction_type, mode, amount, texts });
    }

    fn write(&mut self, piece: Piece<'_>) {
        match piece {
            Text(text) => self.texts.push_str(text),
            Number { value, digits } => {
                let mut scale = 10u64.pow(digits);
                if digits % 2 == 1 {
                    scale /= 10;
                    self.texts.push(char::from(b'0' + u8::try_from(value / scale % 10).expect("a digit")));
                }
                while scale > 1 {
                    scale /= 100;
                    let pair = 2 * usize::try_from(value / scale % 100).expect("below 100");
                    self.texts.push_str(&PAIRS[pair..pair + 2]);
                }
            }
        }
    }

    fn length(&self) -> u32 {
        u32::try_from(self.texts.len()).expect("a month's texts are short")
    }
}

/// 00 to 99: two digits at a time, already text.
const PAIRS: &str = "0001020304050607080910111213141516171819\
                     2021222324252627282930313233343536373839\
                     4041424344454647484950515253545556575859\
                     6061626364656667686970717273747576777879\
                     8081828384858687888990919293949596979899";

/// A part of a narration. Rows are made by the thousand, and format strings cost several times as much as these.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    /// With leading zeros, at most 18 digits.
    Number {
        value: u64,
        digits: u32,
    },
}

use Piece::{Number, Text};

#[derive(Clone, Copy)]
struct Movement {
    transaction_type: TransactionType,
    mode: TransactionMode,
    amount: Paise,
}

fn debit(mode: TransactionMode, amount: Paise) -> Movement {
    Movement { transaction_type: TransactionType::Debit, mode, amount }
}

fn credit(mode: TransactionMode, amount: Paise) -> Movement {
    Movement { transaction_type: TransactionType::Credit, mode, amount }
}

/// The bank's reference: a prefix and a number of so many digits.
#[derive(Clone, Copy)]
struct Reference {
    prefix: &'static str,
    digits: u32,
    number: u64,
}

impl Reference {
    fn digits(self) -> Piece<'static> {
        Number { value: self.number, digits: self.digits }
    }

    /// Retrieval reference number of UPI and IMPS: last digit of the year, day of the year, eight more.
    fn rrn(rng: &mut impl Rng, date: NaiveDate) -> Self {
        let year = u64::from(date.year().unsigned_abs() % 10);
        let number = (year * 1000 + u64::from(date.ordinal())) * 100_000_000 + rng.random_range(0..100_000_000);
        Self { prefix: "", digits: 12, number }
    }

    fn utr(rng: &mut impl Rng) -> Self {
        Self { prefix: "MOCKN", digits: 11, number: rng.random_range(0..100_000_000_000) }
    }

    fn mandate(rng: &mut impl Rng) -> Self {
        Self { prefix: "MOCK", digits: 10, number: rng.random_range(0..10_000_000_000) }
    }
}

fn opening(persona: &Persona<'_>, month: Month) -> Paise {
    if month <= persona.first_month() { Paise::default() } else { persona.close(month.previous()) }
}

/// Tells months, best in order: what a quarter's interest needs of the months just told is kept.
pub struct Story<'a> {
    persona: &'a Persona<'a>,
    book: Book,
    /// The last two months told, with their [`daily_products`].
    told: [Option<(Month, i128)>; 2],
}

impl<'a> Story<'a> {
    pub fn of(persona: &'a Persona<'a>) -> Self {
        Self { persona, book: Book::default(), told: [None; 2] }
    }

    /// The transactions of the request's range, cut at its now, filtered.
    pub fn transactions(&mut self, request: &StatementRequest<'_>) -> Transactions {
        let StatementRequest { range, filters, now, .. } = *request;
        let mut statement = Transactions::new(range);
        let end = range.to.min(now);
        if range.from > end {
            return statement;
        }
        let mut month = Month::of(range.from.ist_date()).max(self.persona.first_month());
        let last = Month::of(end.ist_date()).min(LAST_MONTH);
        while month <= last {
            self.tell(month, &mut |id, at, posting, balance, texts| {
                let inside = range.from <= at && at <= end;
                if inside && filters.iter().all(|filter| filter.keeps(posting.amount, posting.transaction_type)) {
                    let (start, middle, stop) = posting.texts;
                    statement.push(NewRow {
                        at,
                        transaction_type: posting.transaction_type,
                        mode: posting.mode,
                        amount: posting.amount,
                        balance,
                        id,
                        narration: &texts[start as usize..middle as usize],
                        reference: &texts[middle as usize..stop as usize],
                    });
                }
            });
            month = month.next();
        }
        statement
    }

    /// The account as it stands at `now`.
    pub fn summary(&mut self, now: Timestamp) -> Summary {
        let branch = self.persona.branch;
        Summary {
            balance: self.balance_at(now),
            balance_at: now,
            branch: branch.city.to_owned(),
            ifsc: branch.ifsc(),
            micr: branch.micr(),
            opened_on: self.persona.opened_on,
        }
    }

    fn balance_at(&mut self, now: Timestamp) -> Paise {
        let month = Month::of(now.ist_date()).min(LAST_MONTH);
        if month < self.persona.first_month() {
            return Paise::default();
        }
        let mut balance = opening(self.persona, month);
        self.tell(month, &mut |_, at, _, after, _| {
            if at <= now {
                balance = after;
            }
        });
        balance
    }

    /// Tells a month's postings: id, instant, posting, balance after it, texts.
    fn tell(&mut self, month: Month, row: &mut dyn FnMut(u64, Timestamp, &Posting, Paise, &str)) {
        let Self { persona, book, told } = self;
        write_month(persona, month, *told, book);
        let mut balance = opening(persona, month);
        told.swap(0, 1);
        told[1] = Some((month, daily_products(balance, month, &book.postings, month.length())));
        for (posting, number) in book.postings.iter().zip(1..) {
            balance += posting.signed();
            let date = posting.at.date();
            let day = u64::from(date.year().unsigned_abs()) * 10_000 + u64::from(date.month() * 100 + date.day());
            row(day * 1_000 + number, Timestamp::from_ist(posting.at), posting, balance, &book.texts);
        }
    }
}

/// Fills the book with the month's postings, in order of time.
fn write_month(persona: &Persona<'_>, month: Month, told: [Option<(Month, i128)>; 2], book: &mut Book) {
    book.postings.clear();
    book.texts.clear();
    if month == persona.first_month() {
        write_opening(persona, month, book);
    } else {
        write_life(persona, month, book);
        write_returns(persona, month, book);
        if month.ends_quarter() {
            write_interest(persona, month, told, book);
        }
        write_sweep(persona, month, book);
    }
    book.postings.sort_by_key(|posting| posting.at);
}

fn write_opening(persona: &Persona<'_>, month: Month, book: &mut Book) {
    let at = persona.opened_on.and_time(time(11, 20, 0));
    let deposit = credit(TransactionMode::Cash, persona.close(month));
    let reference = Reference { prefix: "CASH", digits: 6, number: u64::from(persona.branch.code) };
    book.post(at, deposit, &[Text("BY CASH/ACCOUNT OPENING DEPOSIT/"), Text(persona.branch.city)], reference);
}

fn write_life(persona: &Persona<'_>, month: Month, book: &mut Book) {
    let rng = &mut stream(persona.key(Kind::Month, ordinal(month)));
    let salary = persona.salary(month);

    let payday = month.day(month.last_working_day());
    let at = payday.and_time(time(9, rng.random_range(5..50), rng.random_range(0..60)));
    let reference = Reference::utr(rng);
    book.post(
        at,
        credit(TransactionMode::Ft, salary),
        &[
            Text("NEFT CR-MOCK0000001-"),
            Text(persona.employer),
            Text("-SALARY "),
            Text(MONTHS[payday.month0() as usize]),
            Number { value: u64::from(payday.year().unsigned_abs()), digits: 4 },
            Text("-MOCKN"),
            reference.digits(),
        ],
        reference,
    );

    let date = month.day(rng.random_range(1..=4));
    let reference = Reference::rrn(rng, date);
    book.post(
        at_some_time(rng, date),
        debit(TransactionMode::Ft, persona.rent(month)),
        &[Text("IMPS/P2A/"), reference.digits(), Text("/"), Text(&persona.landlord), Text("/MOCKBANK/RENT")],
        reference,
    );

    let date = month.day(5);
    let reference = Reference::mandate(rng);
    book.post(
        date.and_time(time(6, 10, rng.random_range(0..60))),
        debit(TransactionMode::Others, persona.emi(month)),
        &[Text("NACH/ACH-DR/MOCK HOUSING FINANCE LTD/EMI/"), reference.digits()],
        reference,
    );

    let date = month.day(10);
    let reference = Reference::mandate(rng);
    book.post(
        date.and_time(time(7, 30, rng.random_range(0..60))),
        debit(TransactionMode::Others, persona.sip(month)),
        &[Text("NACH/ACH-DR/MOCK MUTUAL FUND SIP/"), reference.digits()],
        reference,
    );

    for (name, address, low, high) in BILLS {
        let date = month.day(rng.random_range(6..=20));
        let amount = rupees(rng, *low, *high);
        pay_by_upi(book, rng, date, amount, (name, address), "BILL");
    }

    // What is left after the fixed costs bounds the small spending, so that no month runs dry.
    let mut budget = Paise(salary.0 * 28 / 100);
    for _ in 0..rng.random_range(14..=26) {
        let date = any_day(rng, month);
        let (name, address, low, high) = pick(rng, UPI_SHOPS);
        let amount = spend(&mut budget, rupees_and_paise(rng, low, high));
        if let Some(amount) = amount {
            pay_by_upi(book, rng, date, amount, (name, address), "PAYMENT");
        }
    }
    for _ in 0..rng.random_range(2..=5) {
        let date = any_day(rng, month);
        let (name, low, high) = pick(rng, CARD_SHOPS);
        let amount = rupees_and_paise(rng, low, high);
        let reference = Reference { prefix: "", digits: 12, number: rng.random_range(0..1_000_000_000_000) };
        let at = at_some_time(rng, date);
        if let Some(amount) = spend(&mut budget, amount) {
            let narration = [
                Text("POS 4XXXXXXXXXXX"),
                branch_code(persona),
                Text(" "),
                Text(name),
                Text(" "),
                Text(persona.branch.city),
            ];
            book.post(at, debit(TransactionMode::Card, amount), &narration, reference);
        }
    }
    for _ in 0..rng.random_range(1..=3) {
        let date = any_day(rng, month);
        let amount = Paise::rupees(rng.random_range(1..=10) * 500);
        let reference = Reference { prefix: "", digits: 6, number: rng.random_range(0..1_000_000) };
        let at = at_some_time(rng, date);
        if let Some(amount) = spend(&mut budget, amount) {
            let narration = [Text("ATM/CASH WDL/"), Text(persona.branch.city), Text("/S1AW"), branch_code(persona)];
            book.post(at, debit(TransactionMode::Atm, amount), &narration, reference);
        }
    }
    for _ in 0..rng.random_range(0..=2) {
        let date = any_day(rng, month);
        let reference = Reference::rrn(rng, date);
        let amount = rupees(rng, 150, 3000);
        let narration = [
            Text("UPI/CR/"),
            reference.digits(),
            Text("/"),
            Text(&persona.friend),
            Text("/MOCKBANK/friend@mockpay/SPLIT"),
        ];
        book.post(at_some_time(rng, date), credit(TransactionMode::Upi, amount), &narration, reference);
    }
}

/// Payments that come in and go out again within a minute, in an order that keeps every balance above what it was.
fn write_returns(persona: &Persona<'_>, month: Month, book: &mut Book) {
    if persona.returns_a_day == 0 {
        return;
    }
    let rng = &mut stream(persona.key(Kind::Returns, ordinal(month)));
    for day in 1..=month.length() {
        let date = month.day(day);
        for _ in 0..persona.returns_a_day {
            let at = date.and_time(time(rng.random_range(8..22), rng.random_range(0..60), rng.random_range(0..59)));
            let amount = rupees_and_paise(rng, 1, 500);
            let (shop, address, _, _) = pick(rng, UPI_SHOPS);
            let reference = Reference::rrn(rng, date);
            let rrn = reference.digits();
            let refund = [Text("UPI/REV/"), rrn, Text("/"), Text(shop), Text("/MOCKBANK/"), Text(address)];
            book.post(at, credit(TransactionMode::Upi, amount), &refund, reference);
            let again = [Text("UPI/DR/"), rrn, Text("/"), Text(shop), Text("/MOCKBANK/"), Text(address)];
            book.post(at + chrono::Duration::seconds(1), debit(TransactionMode::Upi, amount), &again, reference);
        }
    }
}

/// Interest of the quarter that ends, on its daily closing balances up to the day before.
fn write_interest(persona: &Persona<'_>, month: Month, told: [Option<(Month, i128)>; 2], book: &mut Book) {
    let mut products = 0i128;
    for past in [month.previous().previous(), month.previous()] {
        let known = told.iter().flatten().find(|(told, _)| *told == past);
        products += match known {
            Some((_, products)) => *products,
            None if past < persona.first_month() => 0,
            None => {
                let mut earlier = Book::default();
                write_month(persona, past, told, &mut earlier);
                daily_products(opening(persona, past), past, &earlier.postings, past.length())
            }
        };
    }
    // The sweep of this month is not written yet, and it depends on the interest; its own effect on the daily
    // balances is left out. Assumption: banks that sweep pay savings interest on the unswept balance.
    let mut postings = book.postings.clone();
    postings.sort_by_key(|posting| posting.at);
    products += daily_products(opening(persona, month), month, &postings, month.length() - 1);
    let interest = products * i128::from(INTEREST_BASIS_POINTS) / (365 * 10_000);
    let interest = Paise(i64::try_from(interest).expect("interest on a savings balance fits").max(1));
    let date = month.day(month.length());
    let reference = Reference { prefix: "INT", digits: 8, number: ordinal(month) };
    let number = |value: u32, digits| Number { value: u64::from(value), digits };
    let (day, year) = (number(date.day(), 2), number(date.year().unsigned_abs(), 4));
    let narration = [Text("INT.PD:SAVINGS:QTR TO "), day, Text("-"), number(date.month(), 2), Text("-"), year];
    book.post(date.and_time(time(23, 55, 0)), credit(TransactionMode::Others, interest), &narration, reference);
}

/// Sum of the closing balances of the month's first `days` days, in paise days.
fn daily_products(opening: Paise, month: Month, postings: &[Posting], days: u32) -> i128 {
    let mut balance = opening;
    let mut next = postings.iter().peekable();
    let mut products = 0;
    for day in 1..=days {
        let date = month.day(day);
        while let Some(posting) = next.next_if(|posting| posting.at.date() <= date) {
            balance += posting.signed();
        }
        products += i128::from(balance.0);
    }
    products
}

fn write_sweep(persona: &Persona<'_>, month: Month, book: &mut Book) {
    let moved: Paise = book.postings.iter().map(Posting::signed).sum();
    let over = opening(persona, month) + moved - persona.close(month);
    let date = month.day(SWEEP_DAY);
    let at = date.and_time(time(4, 30, 0));
    let reference = Reference { prefix: "SWP", digits: 8, number: ordinal(month) };
    let (movement, direction) = if over.0 > 0 {
        (debit(TransactionMode::Ft, over), "TO")
    } else {
        (credit(TransactionMode::Ft, -over), "FROM")
    };
    if over.0 != 0 {
        let deposit = branch_code(persona);
        let narration = [Text("AUTO SWEEP "), Text(direction), Text(" LINKED DEPOSIT XXXXXX"), deposit];
        book.post(at, movement, &narration, reference);
    }
}

fn pay_by_upi(
    book: &mut Book,
    rng: &mut impl Rng,
    date: NaiveDate,
    amount: Paise,
    (name, address): (&str, &str),
    purpose: &str,
) {
    let reference = Reference::rrn(rng, date);
    let (who, rrn) = (Text(name), reference.digits());
    let narration = [Text("UPI/DR/"), rrn, Text("/"), who, Text("/MOCKBANK/"), Text(address), Text("/"), Text(purpose)];
    book.post(at_some_time(rng, date), debit(TransactionMode::Upi, amount), &narration, reference);
}

/// Cards, cash machines and deposits of the customer carry the branch's number.
fn branch_code(persona: &Persona<'_>) -> Piece<'static> {
    Number { value: u64::from(persona.branch.code), digits: 4 }
}

fn spend(budget: &mut Paise, amount: Paise) -> Option<Paise> {
    (amount <= *budget).then(|| {
        *budget = *budget - amount;
        amount
    })
}

fn any_day(rng: &mut impl Rng, month: Month) -> NaiveDate {
    month.day(rng.random_range(1..=month.length()))
}

fn at_some_time(rng: &mut impl Rng, date: NaiveDate) -> NaiveDateTime {
    date.and_time(time(rng.random_range(8..22), rng.random_range(0..60), rng.random_range(0..60)))
}

fn time(hour: u32, minute: u32, second: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, second).expect("a time of day")
}

fn rupees(rng: &mut impl Rng, low: i64, high: i64) -> Paise {
    Paise::rupees(rng.random_range(low..=high))
}

fn rupees_and_paise(rng: &mut impl Rng, low: i64, high: i64) -> Paise {
    let paise = if rng.random_bool(0.3) { rng.random_range(0..100) } else { 0 };
    Paise(Paise::rupees(rng.random_range(low..=high)).0 + paise)
}
