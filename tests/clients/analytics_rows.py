"""The rows of a session as a pandas table, with what several figures of the analytics report need.

Amounts are integer paise.
"""

import math
import re
from collections import Counter
from datetime import date
from decimal import Decimal

import pandas as pd

NO_BUSINESS = ["Cash & ATM", "Cash & ATM withdrawals", "Loan", "Interest", "Charges & Fees", "Returns", "Debit Card Refund"]
# Bank holidays in the periods of the cases, from the lists of the Government of India.
BANK_HOLIDAYS = """2023-07-29 2023-08-15 2023-09-07 2023-09-28 2023-10-02 2023-10-24 2023-11-12 2023-11-27 2023-12-25
    2024-01-26 2024-03-25 2024-03-29 2024-04-01 2024-04-11 2024-04-21 2024-05-23 2024-06-17 2025-11-05 2025-12-25""".split()
INSTALMENT = re.compile(r"EMI (\d+) OF (\d+)(?: P([\d.]+) I([\d.]+))?")


def to_paise(text):
    return int(Decimal(text) * 100)


def to_rupees(paise):
    return Decimal(int(paise)) / 100


def format_rupees(paise):
    return f"{to_rupees(paise):f}"


def to_whole_rupees(paise):
    return int(paise) // 100


def divide_rounded(part, whole):
    """Divides and rounds to an integer, halves up; 0 without a whole."""
    part, whole = int(part), int(whole)
    return (2 * part + whole) // (2 * whole) if whole else 0


def rounded_mean(values):
    return divide_rounded(values.sum(), len(values))


def rounded_median(values):
    return math.floor(values.median() + 0.5) if len(values) else 0


def format_percent(part, whole):
    hundredths = divide_rounded(int(part) * 10_000, whole)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def to_monthly_rate(total, days):
    """Returns what comes in a month of 30.44 days, if a total comes in some days."""
    return int(total) * 3044 // max(int(days) * 100, 3044)


def to_whole_percent(part, whole):
    return max(0, int(part) * 100 // int(whole)) if whole > 0 else 0


class RowList(list):
    """The ids of rows that a list of the report has to contain."""


class IdList(list):
    """The ids that a list of ids has to contain."""


class PartyList(list):
    """The counterparties that a list has to contain, the largest sums first."""


class Book:
    """The rows of a session, by day, and those of one day by account, in the order of the statement."""

    def __init__(self, tab, first_id, words, period):
        """Takes the tab of Fetch Data, the id of its first account, the words of the report for each form, and the days of the range."""
        frame = pd.DataFrame(tab["transactions"])
        places = list_accounts(tab)
        self.accounts = [
            {**account, "id": first_id + place, "holders": [
                holder for holder in tab["accountHolder"] if holder["accountNumber"] == account["accountNumber"]]}
            for place, account in enumerate(tab["summary"])]
        rows = pd.DataFrame({
            "id": number_rows(tab, first_id), "account": frame["accountNumber"].map(places),
            "date": frame["tranTimestamp"].str[:10], "credit": frame["type"] == "CREDIT", "mode": frame["mode"],
            "paise": frame["amount"].map(to_paise), "balance": frame["currentBalance"].map(to_paise),
            "narration": frame["narration"]})
        words = pd.DataFrame([words[get_form(transaction)] for transaction in tab["transactions"]])
        rows[["path", "tags", "party", "app"]] = words[["categories", "tags", "counterparty", "upiApp"]]
        rows[["category", "subcategory"]] = [(path.split(" / ", 1) + [""])[:2] for path in rows["path"]]
        rows["name"] = rows["party"].replace("", "Unknown")
        # Read from the narration, not from the report: a holder's name is in transfers to oneself only.
        names = {holder["name"].upper() for holder in tab["accountHolder"]}
        rows["own"] = rows["narration"].str.upper().str.contains("|".join(map(re.escape, sorted(names))) or "$^", regex=True)
        rows["signed"] = rows["paise"].where(rows["credit"], -rows["paise"])
        before = rows.groupby("account")["balance"].shift()
        rows["computed"] = (before + rows["signed"]).fillna(rows["balance"]).astype("int64")
        first_rows = rows.groupby("account").first()
        self.openings = first_rows["balance"] - first_rows["signed"]
        rows["day"] = pd.to_datetime(rows["date"])
        rows = rows.sort_values(["day", "account"], kind="stable", ignore_index=True)
        self.months = pd.period_range(rows["date"].iloc[0][:7], rows["date"].iloc[-1][:7], freq="M")
        self.labels = [month.strftime("%b %Y") for month in self.months]
        ordinals = rows["day"].dt.year * 12 + rows["day"].dt.month
        rows["month"] = ordinals - ordinals.iloc[0]
        self.rows = rows
        self.credits, self.debits = rows[rows["credit"]], rows[~rows["credit"]]
        self.daily = compute_daily_balances(rows, self.openings)
        self.daily_month = (self.daily.index.year * 12 + self.daily.index.month) - ordinals.iloc[0]
        self.limit = sum(to_paise(account["currentOdLimit"] or "0") for account in self.accounts)
        self.pays = self.credits[(self.credits["category"] == "Salary") & (self.credits["subcategory"] == "")]
        self.pairs = find_circular_pairs(rows)
        edge = pd.Timedelta(days=5)
        start, end = (pd.Timestamp(day) for day in period)
        start, end = max(start, rows["day"].iloc[0] - edge), min(end, rows["day"].iloc[-1] + edge)
        self.day_count = (end - start).days + 1
        day_after = end + pd.Timedelta(days=1)
        self.month_count = max(months for months in range(600) if start + pd.DateOffset(months=months) <= day_after)
        self.loans = group_loans(self.debits[self.debits["category"] == "Loan"])
        self.is_monthly_pay = self.pays["paise"] >= 500_000
        self.debits_after_pay = {pay.id: find_large_debits_after(self, pay) for pay in self.pays.itertuples()}

    def format_span(self, count):
        return f"{self.labels[-min(count, len(self.labels))]} - {self.labels[-1]}"

    def select_last_months(self, frame, count):
        return frame[frame["month"] >= len(self.months) - count]

    def balances_of(self, month):
        """Returns the closing balances of a month's days."""
        return self.daily[self.daily_month == month]

    def average_balance(self, count):
        return rounded_mean(self.daily[self.daily_month >= len(self.months) - count])

    def balance_before(self, day):
        """Returns the balance of all accounts at the end of the previous day."""
        previous = day - pd.Timedelta(days=1)
        return self.daily[previous] if previous in self.daily.index else self.openings.sum()

    def group_by_month(self, frame):
        groups = dict(list(frame.groupby("month")))
        return [groups.get(month, frame.iloc[:0]) for month in range(len(self.months))]


def list_accounts(tab):
    """Returns the place of each account number."""
    return {account["accountNumber"]: place for place, account in enumerate(tab["summary"])}


def number_rows(tab, first_id):
    """Returns the id of each row: a million for each account id, and the place in its statement."""
    counts, places = Counter(), list_accounts(tab)
    ids = []
    for transaction in tab["transactions"]:
        number = transaction["accountNumber"]
        counts[number] += 1
        ids.append((first_id + places[number]) * 1_000_000 + counts[number])
    return ids


def get_form(transaction):
    """Returns what decides the words of a transaction: all but the day, the amount and the reference."""
    narration = transaction["narration"].replace(transaction["reference"] or "", "")
    return transaction["accountNumber"], transaction["type"], transaction["mode"], narration


def compute_daily_balances(rows, openings):
    """Returns the closing balance of each day, from the first day of the first month to that of the last row."""
    days = pd.date_range(rows["day"].iloc[0].replace(day=1), rows["day"].iloc[-1])
    closing = rows.groupby(["day", "account"])["balance"].last().unstack().reindex(days)
    return closing.ffill().fillna(openings).sum(axis=1).astype("int64")


def find_circular_pairs(rows):
    """Pairs each row of 1,000 rupees or more with the next opposite one of that amount within three days."""
    pairs = []
    large = rows[rows["paise"] >= 100_000]
    for _, group in large.groupby("paise"):
        if group["credit"].nunique() < 2:
            continue
        waiting = []
        for row in group.itertuples():
            waiting = [other for other in waiting if (row.day - other.day).days <= 3]
            partner = next((other for other in waiting if other.credit != row.credit), None)
            if partner is None:
                waiting.append(row)
            else:
                waiting.remove(partner)
                pairs.append((partner, row))
    return sorted(pairs, key=lambda pair: pair[0].Index)


def find_large_debits_after(book, pay):
    """Returns the debits of at least half of a pay from its account, up to two working days later, own transfers excepted.

    A pay below 5,000 rupees is a daily wage, and has none.
    """
    debits = book.debits
    if not book.is_monthly_pay[pay.Index]:
        return debits.iloc[:0]
    is_soon = (debits["day"] >= pay.day) & (debits["day"] <= add_working_days(pay.day, 2))
    return debits[is_soon & (debits["account"] == pay.account) & (debits["paise"] * 2 >= pay.paise)
                  & (debits["subcategory"] != "Fixed Deposit") & ~debits["own"]]


def add_working_days(day, count):
    """Returns the working day of banks that comes this many working days after a day."""
    while count:
        day += pd.Timedelta(days=1)
        is_free_saturday = day.weekday() == 5 and (day.day - 1) // 7 in (1, 3)
        is_free = day.weekday() == 6 or is_free_saturday or str(day.date()) in BANK_HOLIDAYS
        count -= not is_free
    return day


def group_by_party(frame):
    """Returns the rows of each counterparty, the largest sum first, equal sums by name."""
    return sorted(frame.groupby("name"), key=lambda item: (-item[1]["paise"].sum(), item[0]))


def split_directions(frame):
    return frame[frame["credit"]], frame[~frame["credit"]]


def is_business(frame):
    return ~frame["category"].isin(NO_BUSINESS) & ~frame["narration"].str.contains("SELF TRANSFER", regex=False)


def group_loans(paid):
    """Groups instalments by the loan of their lender that each continues with the nearest amount."""
    loans = []
    for lender, group in group_by_party(paid):
        loans_of_lender = []
        for row in group.itertuples():
            continued = [loan for loan in loans_of_lender if continues_loan(row, loan)]
            if continued:
                loan = min(continued, key=lambda loan: (count_numbers(row, loan["last"]) == 0, abs(read_due(row) - read_due(loan["last"]))))
            else:
                loan = {"lender": lender, "first": row, "places": []}
                loans_of_lender.append(loan)
            loan["places"].append(row.Index)
            loan["last"] = row
        for loan in join_loans(loans_of_lender):
            loans += split_by_day(paid, loan)
    return [{**loan, "rows": paid.loc[loan["places"]], "due": compute_obligation(loan["last"])} for loan in loans]


def join_loans(loans):
    """Joins each loan to the first one of its lender that ends where it begins."""
    joined = []
    for loan in loans:
        for earlier in joined:
            first, last = loan["first"], earlier["last"]
            if first.date >= last.date and count_numbers(first, last) == 1 and is_similar(first, last, 4):
                earlier["places"] += loan["places"]
                earlier["last"] = loan["last"]
                break
        else:
            joined.append(loan)
    return joined


def split_by_day(paid, loan):
    """Splits a loan without numbers, if each of three successive months has several instalments of it."""
    rows = sorted(paid.loc[loan["places"]].itertuples(), key=lambda row: row.Index)
    if INSTALMENT.search(loan["last"].narration):
        return [loan]
    months = {}
    for row in rows:
        months.setdefault(int(row.date[:4]) * 12 + int(row.date[5:7]), []).append(row)
    sizes = [min(len(months.get(month + later, [])) for later in range(3)) for month in months]
    count = max(sizes + [1])
    usual_days = next([int(row.date[8:]) for row in month] for month in months.values() if len(month) >= count)
    parts = [[] for _ in range(count)]
    for month in months.values():
        free = list(range(count))
        for place, row in enumerate(month):
            index = min(place, count - 1) if len(month) >= count else \
                min(free, key=lambda it: abs(usual_days[it] - int(row.date[8:])))
            free = [it for it in free if it != index]
            parts[index].append(row)
    return [{**loan, "first": part[0], "last": part[-1], "places": [row.Index for row in part]} for part in parts if part]


def continues_loan(row, loan):
    """Tells whether an instalment may be the next one of a loan."""
    first, last = loan["first"], loan["last"]
    progress, progress_in_all = count_numbers(row, last), count_numbers(row, first)
    if progress is None or progress_in_all is None:
        has_numbers = INSTALMENT.search(row.narration) or INSTALMENT.search(last.narration)
        return not has_numbers and is_similar(row, last, 10)
    if progress == 0:
        is_soon = (date.fromisoformat(row.date) - date.fromisoformat(last.date)).days <= 15
        return is_soon and read_due(row) == read_due(last)
    is_in_step = (progress, count_months(row, last)) == (1, 1)
    return progress > 0 and progress_in_all <= count_months(row, first) and (is_in_step or is_similar(row, last, 4))


def count_numbers(row, known):
    """Returns how much larger the number of an instalment is; None if they are not of as many instalments."""
    told, known = INSTALMENT.search(row.narration), INSTALMENT.search(known.narration)
    return int(told[1]) - int(known[1]) if told and known and told[2] == known[2] else None


def count_months(row, known):
    return (int(row.date[:4]) - int(known.date[:4])) * 12 + int(row.date[5:7]) - int(known.date[5:7])


def is_similar(row, known, parts):
    return abs(read_due(row) - read_due(known)) * parts <= read_due(known)


def read_due(row):
    """Returns what was due: principal and interest where they are told, else what was paid."""
    told = INSTALMENT.search(row.narration)
    return to_paise(told[3]) + to_paise(told[4]) if told and told[3] else row.paise


def compute_obligation(last):
    """Returns the instalment that is due each month; 0 after the last one."""
    told = INSTALMENT.search(last.narration)
    return 0 if told and int(told[1]) >= int(told[2]) else read_due(last)


def list_rows(frame):
    return RowList(frame["id"].tolist())


def list_ids(frame):
    return IdList(frame["id"].tolist())
