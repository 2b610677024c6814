"""Recomputes the analytics report of each persona with pandas, from the rows that Fetch Data returns.

Each figure of the report must equal its definition in docs/unaport.md, "Figures of the analytics report". A leaf
of the report is a figure if it is a number, a text that is a number or a percentage, a date, or a list of such.
A figure that is not recomputed here is a failure, apart from those of `IDENTIFIERS`; so is a figure that the
report lacks. The script fails if all personas together cover fewer than 300 different figures.

The words of a row (categories, tags, counterparty, app) are the product's choice and are taken from the report. A
report of many rows lists only some. A row that it does not list has the words of a listed row whose narration
differs only in the reference, if necessary in a report of its day.

The figures of the credit appraisal are read from the workbook and recomputed, too.

Run it as `python3 tests/clients/analytics.py [--list] [PATH_TO_MOCKAA [PERSONA ...]]`, with pandas and openpyxl
installed.
`--list` prints the covered figures.
Exit code 0: all figures agree; 1: at least one does not.
"""

import io
import json
import os
import re
import subprocess
import sys
import urllib.request
import uuid
from collections import Counter, namedtuple
from decimal import Decimal

import openpyxl
import pandas as pd

from analytics_checks import compute_income, compute_score, count_bounces
from analytics_figures import recompute_report
from analytics_rows import Book, get_form, number_rows, to_rupees, to_whole_rupees

ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--list"]
MOCKAA, PERSONAS = (ARGUMENTS[0], ARGUMENTS[1:]) if ARGUMENTS else ("mockaa", [])
# Settings of the developer's environment must not change the test.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MOCKAA_")}
COVERED_MIN, SHOWN_MAX = 300, 20
# A case has the rows with an amount from `amount_min` rupees on, or all, and `added` ones.
Case = namedtuple("Case", "persona period amount_min added", defaults=[None, ()])
# Tab of Fetch Data, id of its first account, report with the id of each row in its place, rows of the report by id,
# values of the appraisal by item.
Session = namedtuple("Session", "tab first_id report listed appraisal")
# FIPs send the current generation by then. Its modes are those of the report; the retired one has fewer.
CLOCK = "2026-01-01T06:00:00Z,frozen"
YEAR, HALF_YEAR = ("2023-07-01", "2024-06-30"), ("2024-01-01", "2024-06-30")
# `new-account` opens two months before the clock.
PERIODS = {"new-account": ("2025-01-01", "2025-12-31")}
MORE_CASES = [
    Case("salaried", HALF_YEAR), Case("doctor", HALF_YEAR), Case("over-indebted", HALF_YEAR),
    # Days at the edges of a short file are no month.
    Case("salaried", ("2023-11-30", "2023-12-31")), Case("gig-worker", ("2024-01-01", "2024-02-14")),
    Case("kirana-merchant", ("2023-11-21", "2024-02-14")), Case("small-business", HALF_YEAR), Case("nri", HALF_YEAR),
    # The last twelve months differ from all.
    Case("salaried", ("2023-01-01", "2024-06-30")),
    # A filter leaves gaps between the balances.
    Case("two-banks", YEAR, 1000),
    # No persona has a row for each check of an underwriter.
    Case("salaried", YEAR, None, (
        ("2023-10-02", "CREDIT", "CHEQUE", "2500.00", "BY CLG CHQ 123456 PRAGATI PACKAGING WORKS GOODS"),
        ("2023-10-02", "DEBIT", "OTHERS", "2500.00", "CHQ 123456 RETURNED INSUFFICIENT FUNDS"),
        ("2023-10-03", "DEBIT", "OTHERS", "295.00", "CHQ RTN CHGS INCL GST"),
        ("2023-10-04", "CREDIT", "CASH", "900000.01", "CASH DEP-PUNE-COUNTER"),
        ("2023-10-05", "DEBIT", "RTGS", "199999.99", "RTGS DR-MOCK0000001-PRAGATI PACKAGING WORKS-MOCK BANK-GOODS"),
        ("2023-10-06", "DEBIT", "ATM", "20000.01", "ATM/CASH WDL/PUNE/S1AW0042"),
        ("2023-10-09", "DEBIT", "OTHERS", "7000.00", "TAX-INCOME TAX-ADVANCE"),
        ("2023-10-10", "DEBIT", "OTHERS", "118.00", "MIN BAL CHGS SEP 2023 INCL GST"),
        ("2023-10-11", "DEBIT", "OTHERS", "295.00", "RTN CHGS INSUFFICIENT FUNDS INCL GST"),
        ("2023-10-12", "DEBIT", "OTHERS", "1234.50", "TRF TO ADITI SINGH-SAME BANK"),
        ("2023-10-12", "DEBIT", "OTHERS", "1234.50", "TRF TO ADITI SINGH-SAME BANK"),
    )),
]
# The keys of a row's words in the report, and in the table.
WORDS = {"categories": "path", "tags": "tags", "counterparty": "party", "upiApp": "app"}
# The endings of UPI addresses, and the apps that give them.
UPI_APPS = {"mockpay": "MockPay", "mockbank": "MockBank UPI", "mockupi": "MockUPI", "mockwallet": "MockWallet", "mockapp": "MockApp"}
# Figures of the layout, which follow from no transaction.
IDENTIFIERS = {
    "customAnalysis[].section": "number of the table",
    "customAnalysis[].setId": "number of the row in its table",
    "customAnalysis[].sectionValues[].id": "number of the column",
    "overview.account.verifiedAccount": 'always "2", as recorded',
}


# The comparison.

FIGURE = re.compile(r"-?\d+(\.\d+)?%?|\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}")
covered = set()
failures = Counter()


def record_failure(persona, path, normal, problem):
    failures[normal] += 1
    if failures[normal] <= SHOWN_MAX:
        print(f"FAIL  {persona}: {path}: {problem}")


def is_figure(leaf):
    if isinstance(leaf, list):
        return any(map(is_figure, leaf))
    return bool(FIGURE.fullmatch(leaf)) if isinstance(leaf, str) else isinstance(leaf, (int, Decimal)) and not isinstance(leaf, bool)


def normalize_key(parent, key):
    if parent in ("summary.dataDeposits", "summary.dataWithdrawals"):
        return "{category}"
    if parent.endswith(".subCategories"):
        return "{subcategory}"
    return "{day}" if parent == "dailyBalance.day" and key.isdigit() else key


def walk_leaves(value, path="", normal=""):
    """Yields each leaf with its path and with the path that leaves out places and names. A list of scalars is one leaf."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from walk_leaves(child, f"{path}.{key}".lstrip("."), f"{normal}.{normalize_key(normal, key)}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for place, child in enumerate(value):
            yield from walk_leaves(child, f"{path}[{place}]", f"{normal}[]")
    else:
        yield path, f"{normal}[]" if isinstance(value, list) else normal, value


def compare_reports(persona, actual, expected):
    """Compares the leaves of two reports; returns the number of figures."""
    found = {path: (normal, leaf) for path, normal, leaf in walk_leaves(actual)}
    count = 0
    for path, normal, leaf in walk_leaves(expected):
        if path not in found:
            record_failure(persona, path, normal, f"absent, expected {leaf!r}")
            continue
        _, found_leaf = found.pop(path)
        if found_leaf != leaf:
            record_failure(persona, path, normal, f"{found_leaf!r}, expected {leaf!r}")
        if is_figure(leaf):
            covered.add(normal)
            count += 1
    for path, (normal, leaf) in found.items():
        if is_figure(leaf) and normal not in IDENTIFIERS:
            record_failure(persona, path, normal, f"not covered: {leaf!r}")
    return count


def find_cheque_number(row):
    parts = re.split("[/ -]", row.narration) if row.mode == "CHEQUE" else []
    return next((part for part in parts if re.fullmatch(r"\d{6}", part)), "")


def compare_rows(persona, book, listed):
    """Compares the listed rows with the fetched ones; returns the number of figures."""
    count = 0
    for row in book.rows[book.rows["id"].isin(listed)].itertuples():
        expected = {
            "id": row.id, "date": row.date, "amount": to_rupees(row.paise), "particular": row.narration,
            "balance": to_rupees(row.balance), "cheque_number": find_cheque_number(row), "type": "CR" if row.credit else "DB",
            "computedBalance": to_rupees(row.computed), "balanceGap": to_rupees(row.balance - row.computed),
            **{key: getattr(row, column) for key, column in WORDS.items()}}
        if listed[row.id] != expected:
            record_failure(persona, f"row {row.id}", "row", f"{listed[row.id]!r}, expected {expected!r}")
        figures = [key for key, value in expected.items() if is_figure(value)]
        covered.update(f"row.{key}" for key in figures)
        count += len(figures)
    for id in set(listed) - set(book.rows["id"]):
        record_failure(persona, f"row {id}", "row", "not fetched")
    return count


def compare_appraisal(persona, book, appraisal):
    """Compares the figures of the appraisal with those of the rows; returns their number."""
    income, obligation = compute_income(book), sum(loan["due"] for loan in book.loans)
    expected = {
        "Average balance": group_rupees(book.average_balance(len(book.months))), "Verified income a month": group_rupees(income),
        "Obligations a month": group_rupees(obligation), "Score": str(compute_score(book)),
        "FOIR": f"{obligation * 1000 // income / 10:.1f} %" if income else "not defined",
        "Returned payments": str(count_bounces(book)),
        "Eligible instalment a month": group_rupees(max(0, income // 2 - obligation))}
    for item, value in expected.items():
        if appraisal[item] != value:
            record_failure(persona, f"appraisal, {item}", "appraisal", f"{appraisal[item]!r}, expected {value!r}")
        covered.add(f"appraisal.{item}")
    return len(expected)


def group_rupees(paise):
    """Formats whole rupees with Indian grouping: Rs 12,34,567."""
    sign, digits = "-" if paise < 0 else "", str(abs(to_whole_rupees(paise)))
    head = re.sub(r"\B(?=(\d\d)+$)", ",", digits[:-3])
    return f"Rs {sign}{head}{',' if head else ''}{digits[-3:]}"


# The calls.


class Lender:
    """An FIU at the Unaport API of a `mockaa serve` process."""

    API = "/backend-v2/api/v2/FIU"

    def __init__(self):
        command = [MOCKAA, "serve", "--port", "0", "--clock", CLOCK, "--seed", "7"]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.base_url, self.token = json.loads(self.process.stdout.readline())["base_url"], ""

    def call(self, method, path, body=None, hook=None):
        """Returns the JSON of the answer. `body` is JSON, or a text of YAML."""
        return json.loads(self.read(method, path, body), parse_float=Decimal, object_hook=hook)

    def read(self, method, path, body=None):
        """Returns the bytes of the answer."""
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.read()

    def log_in(self):
        login = self.call("POST", "/api/v1/public/user/login", {"emailId": "dev@lender.example", "password": "any-password"})
        self.token = login["access_token"]
        return self.call("GET", "/api/v1/FIU/getClientOrganisation")["orgId"]

    def list_banks(self):
        """Returns the names of the FIPs."""
        return {fip["name"] for fip in self.call("GET", "/_mockaa/v1/config/fip")["items"]}

    def assign_persona(self, mobile, persona):
        scenario = f"version: 1\nname: lived\npersona: {persona}\nsteps: [approve: {{}}]\n"
        self.call("PUT", "/_mockaa/v1/scenarios/lived", scenario)
        self.call("POST", "/_mockaa/v1/scenarios/lived/pin", {"customer": f"{mobile}@ink"})

    def fetch(self, mobile, case):
        """Returns the session of a consent of a customer."""
        organisation = self.log_in()
        self.assign_persona(mobile, case.persona)
        for day, direction, mode, amount, narration in case.added:
            row = {"type": direction, "mode": mode, "amount": amount, "narration": narration}
            self.call("POST", f"/_mockaa/v1/customers/{mobile}@ink/transactions", {**row, "transactionTimestamp": f"{day}T12:00:00+05:30"})
        now = self.call("GET", "/_mockaa/v1/clock")["now"]
        request = build_consent_request(now, mobile, case)
        session = self.await_data(self.call("POST", f"{self.API}/Consents/{organisation}", request)["ConsentHandle"])
        tabs = self.call("GET", f"{self.API}/FifetchDataBySessionId/{session}")
        first_id = self.call("GET", f"{self.API}/FI/AnalyticAggregate/{organisation}/{session}")["reportId"]
        listed = {}

        def replace_row(value):
            if "balanceGap" not in value:
                return value
            if listed.setdefault(value["id"], value) != value:
                record_failure(case.persona, f"row {value['id']}", "row", "differs between two lists")
            return value["id"]

        report = self.call("GET", f"{self.API}/AnaliticAggregate/{session}", hook=replace_row)
        workbook = self.read("GET", f"{self.API}/AnaliticAggregate/Export/{session}?format=xlsx")
        sheet = openpyxl.load_workbook(io.BytesIO(workbook), read_only=True).worksheets[0]
        appraisal = {row[0]: row[1] for row in sheet.iter_rows(values_only=True)}
        return Session(tabs["DEPOSIT"], int(first_id), report, listed, appraisal)

    def await_data(self, handle):
        """Returns the id of the consent's session as soon as its data is ready."""
        for _ in range(10):
            for session in self.call("GET", "/_mockaa/v1/sessions")["items"]:
                if session["consentHandle"] == handle and "READY" in json.dumps(session):
                    return session["sessionId"]
            self.call("POST", "/_mockaa/v1/clock/advance", {"by": "1m"})
        raise SystemExit(f"FAIL  no data for the consent {handle} after ten minutes")

    def learn_words(self, mobile, case, session):
        """Returns the words of each form of transaction in a session."""
        words = list_words(session)
        unknown = {row["tranTimestamp"][:10] for row in session.tab["transactions"] if get_form(row) not in words}
        for day in sorted(unknown):
            words |= list_words(self.fetch(mobile, case._replace(period=(day, day), added=())))
        return words


def list_words(session):
    rows = zip(session.tab["transactions"], number_rows(session.tab, session.first_id))
    return {get_form(row): {key: session.listed[id][key] for key in WORDS} for row, id in rows if id in session.listed}


def build_consent_request(now, mobile, case):
    edges = {"from": f"{case.period[0]}T00:00:00", "to": f"{case.period[1]}T23:59:59"}
    data_range = {key: f"{pd.Timestamp(at, tz='Asia/Kolkata').tz_convert('UTC'):%Y-%m-%dT%H:%M:%S.000Z}" for key, at in edges.items()}
    detail = {
        "consentStart": now, "consentExpiry": "2035-01-01T00:00:00.000Z", "consentMode": "STORE", "fetchType": "ONETIME",
        "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
        "DataConsumer": {"id": "UNACORES-FIU-UAT", "type": "FIU"},
        "Customer": {"id": "", "Identifiers": [{"type": "MOBILE", "value": mobile}]},
        "Purpose": {"code": "101", "refUri": "https://api.rebit.org.in/aa/purpose/101.xml", "text": "Wealth management service",
                    "Category": {"type": "string"}},
        "FIDataRange": data_range, "DataLife": {"unit": "YEAR", "value": 1}, "Frequency": {"unit": "MONTH", "value": 1}}
    if case.amount_min:
        detail["DataFilter"] = [{"type": "TRANSACTIONAMOUNT", "operator": ">=", "value": str(case.amount_min)}]
    message = {"ver": "2.0.0", "timestamp": now, "txnid": str(uuid.uuid4()), "ConsentDetail": detail}
    return {"ConsentsRequest": message, "vuaId": "", "createdBy": "dev", "trackingId": f"T{mobile}", "aaId": "UNACORES-AA-UAT",
            "fiuId": "UNACORES-FIU-UAT", "fiuBaseUrl": "http://127.0.0.1:9", "redirectUrl": "https://lender.example/back"}


def list_cases():
    text = subprocess.run([MOCKAA, "data", "personas"], check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout
    personas = [line for line in text.splitlines() if line and not line.startswith(" ")]
    cases = [*(Case(persona, PERIODS.get(persona, YEAR)) for persona in personas), *MORE_CASES]
    return [case for case in cases if case.persona in PERSONAS or not PERSONAS]


def check_names(persona, book, session, banks):
    """Checks the names of apps by the addresses in the narrations, and those of banks by the list of the FIPs."""
    for row in book.rows.itertuples():
        address = re.search(r"@(mock\w+)", row.narration) if row.mode == "UPI" else None
        app = UPI_APPS.get(address[1], "") if address else ""
        if row.app != app:
            record_failure(persona, f"row {row.id}", "row.upiApp", f"{row.app!r}, expected {app!r}")
    for path, normal, leaf in walk_leaves(session.report):
        key = normal.rsplit(".", 1)[-1]
        if key == "bankName" and leaf and leaf not in banks:
            record_failure(persona, path, normal, f"{leaf!r} is no name of a bank")


def check_case(lender, mobile, case):
    """Compares the report of a case; prints the numbers of rows, figures and differences."""
    session = lender.fetch(mobile, case)
    book = Book(session.tab, session.first_id, lender.learn_words(mobile, case, session), case.period)
    known = failures.total()
    count = compare_reports(case.persona, session.report, recompute_report(book)) + compare_rows(case.persona, book, session.listed)
    count += compare_appraisal(case.persona, book, session.appraisal)
    check_names(case.persona, book, session, lender.list_banks())
    remark = f", amounts from {case.amount_min}" if case.amount_min else f", {len(case.added)} added" if case.added else ""
    print(f"{case.persona}, {' to '.join(case.period)}{remark}: {len(book.rows)} rows, {count} figures compared, "
          f"{failures.total() - known} differences", flush=True)


def main():
    lender = Lender()
    try:
        for number, case in enumerate(list_cases()):
            check_case(lender, f"98765{number:05}", case)
    finally:
        lender.process.terminate()
        lender.process.wait()
    if "--list" in sys.argv:
        print("\n".join(sorted(covered)))
    print(f"{len(covered)} different figures are covered, {failures.total()} differences")
    return 1 if failures or len(covered) < COVERED_MIN and not PERSONAS else 0


if __name__ == "__main__":
    sys.exit(main())
