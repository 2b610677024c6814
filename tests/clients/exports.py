"""Checks exports with independent readers: openpyxl reads the workbooks, and pypdf, pdfplumber and
statementsparser the printed statements. Their figures must equal those of the JSON.

statementsparser reads the statements of Indian banks; with `bank="hdfc"` it reads any table with lines
and the columns Date, Narration, Debit, Credit and Balance.

Run it as `python3 tests/clients/exports.py [PATH_TO_MOCKAA]`, with these packages installed.
With the environment variable MOCKAA_PICTURES, it writes the picture of a printed statement into that folder.
Exit code 0: every check passed; 1: at least one failed.
"""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from decimal import Decimal

import openpyxl
import pdfplumber
import pypdf
import statementparser

MOCKAA = sys.argv[1] if len(sys.argv) > 1 else "mockaa"
# The program refuses variables that it does not know.
PICTURES = os.environ.pop("MOCKAA_PICTURES", None)
failures = []


def check_equal(label, actual, expected):
    if actual != expected:
        failures.append(label)
        print(f"FAIL  {label}: {actual!r}, expected {expected!r}")


def generate_data(output_format, *arguments):
    command = [MOCKAA, "data", "generate", "--format", output_format, *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def to_decimal(cell):
    return Decimal(str(cell)).quantize(Decimal("0.01")) if cell is not None else Decimal(0)


def check_deposit_workbook(persona):
    transactions = json.loads(generate_data("json", "--persona", persona))["Account"]["Transactions"]["Transaction"]
    book = openpyxl.load_workbook(io.BytesIO(generate_data("xlsx", "--persona", persona)))
    check_equal(f"{persona}: first sheet", book.sheetnames[0], "DEPOSIT transactions")
    check_equal(f"{persona}: last sheet", book.sheetnames[-1], "About")
    sheet = book["DEPOSIT transactions"]
    header = [cell.value for cell in sheet[1]]
    rows = [dict(zip(header, row)) for row in sheet.iter_rows(min_row=2, values_only=True)]
    check_equal(f"{persona}: rows", len(rows), len(transactions))
    for side in ("Credit", "Debit"):
        ours = sum(to_decimal(row[side]) for row in rows)
        theirs = sum(Decimal(row["amount"]) for row in transactions if row["type"] == side.upper())
        check_equal(f"{persona}: {side}", ours, theirs)
    check_equal(f"{persona}: last balance", to_decimal(rows[-1]["Balance"]), Decimal(transactions[-1]["currentBalance"]))
    check_equal(f"{persona}: dates are dates", all(isinstance(row["Date"], datetime) for row in rows), True)
    check_equal(f"{persona}: amounts are numbers", all(isinstance(row["Balance"], (int, float)) for row in rows), True)
    check_equal(f"{persona}: header row is frozen", sheet.freeze_panes, "A2")
    check_equal(f"{persona}: number of charts", len(sheet._charts), 1)


def group_digits(amount):
    """Groups the digits of an amount as Indian banks print it: 12,34,567.89."""
    rupees, paise = amount.split(".")
    sign, digits = ("-", rupees[1:]) if rupees.startswith("-") else ("", rupees)
    head, tail = digits[:-3], digits[-3:]
    groups = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    return f"{sign}{','.join([*reversed(groups), tail])}.{paise}"


def to_printed_row(row):
    """The cells of a transaction in a printed statement, without the white space where texts wrap."""
    debit, credit = ("", row["amount"]) if row["type"] == "CREDIT" else (row["amount"], "")
    time = datetime.fromisoformat(row["transactionTimestamp"])
    cells = [
        time.strftime("%d/%m/%Y"),
        time.strftime("%H:%M:%S"),
        row["narration"],
        row["reference"],
        row["mode"],
        row["txnId"],
        debit and group_digits(debit),
        credit and group_digits(credit),
        group_digits(row.get("transactionalBalance") or row["currentBalance"]),
    ]
    return ["".join(cell.split()) for cell in cells]


PRINTED_COLUMNS = ["Date", "Time", "Narration", "Reference", "Mode", "Transaction id", "Debit", "Credit", "Balance"]


def check_printed_statement(persona):
    # A reader takes a second for 40 rows.
    arguments = ("--persona", persona, "--schema", "current", "--from", "2024-04-15", "--to", "2024-07-01")
    account = json.loads(generate_data("json", *arguments))["Account"]
    transactions = account["Transactions"]["Transaction"]
    content = generate_data("pdf", *arguments)
    expected = [to_printed_row(row) for row in transactions]
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    with pdfplumber.open(io.BytesIO(content)) as document:
        tables = [table for page in document.pages for table in page.extract_tables()]
        first = document.pages[0].extract_text()
        numbers = [page.extract_text().split()[-4:] for page in document.pages]
    check_equal(f"{persona}, printed: headers", {tuple(table[0]) for table in tables}, {tuple(PRINTED_COLUMNS)})
    cells = [["".join(cell.split()) for cell in row] for table in tables for row in table[1:]]
    check_equal(f"{persona}, printed: rows", cells[1:-1], expected)
    opening, closing = cells[0][-1], cells[-1][-1]
    check_equal(f"{persona}, printed: opening balance", cells[0][2], "OPENINGBALANCE")
    check_equal(f"{persona}, printed: closing balance", closing, expected[-1][-1])
    for column, side in ((6, "DEBIT"), (7, "CREDIT")):
        total = sum(Decimal(row["amount"]) for row in transactions if row["type"] == side)
        check_equal(f"{persona}, printed: total of {side}", cells[-1][column], group_digits(f"{total:.2f}"))
    summary = account["Summary"]
    holder = account["Profile"]["Holders"]["Holder"][0]["name"]
    range_days = [account["Transactions"][name] for name in ("startDate", "endDate")]
    period = " to ".join("/".join(reversed(day.split("-"))) for day in range_days)
    for text in (holder, f"IFSC {summary['ifsc']}", account["maskedAccNumber"], f"Period {period}"):
        check_equal(f"{persona}, printed: {text}", text in first, True)
    count = len(pages)
    check_equal(f"{persona}, printed: page numbers", numbers, [["Page", str(n), "of", str(count)] for n in range(1, count + 1)])
    lines = {line for page in pages for line in page.extract_text().splitlines()}
    check_equal(f"{persona}, printed: pypdf reads it", any(holder in line for line in lines), True)
    check_with_statement_reader(persona, content, transactions, opening, closing)


def check_with_statement_reader(persona, content, transactions, opening, closing):
    """A reader of bank statements finds each row, with the right sign."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        statement = statementparser.parse(file.name, bank="hdfc")
    rows = [(row.date.isoformat(), row.amount, "".join(row.narration.split())) for row in statement.transactions]
    expected = [
        (
            row["valueDate"],
            Decimal(row["amount"]) * (1 if row["type"] == "CREDIT" else -1),
            "".join(row["narration"].split()),
        )
        for row in transactions
    ]
    check_equal(f"{persona}, statement reader: rows", rows, expected)
    # It drops the sign of a balance.
    if not any(row["transactionalBalance"].startswith("-") for row in transactions):
        verified = statement.balance_verification
        check_equal(f"{persona}, statement reader: balances add up", verified.is_valid, True)
        balances = (group_digits(str(verified.opening_balance)), group_digits(str(verified.closing_balance)))
        check_equal(f"{persona}, statement reader: balances", balances, (opening, closing))


SCRIPTS = {
    "Devanagari": "किराना दुकान",
    "Bengali": "চা দোকান",
    "Gurmukhi": "ਚਾਹ ਦੁਕਾਨ",
    "Gujarati": "ચા દુકાન",
    "Odia": "ଚା ଦୋକାନ",
    "Tamil": "தேநீர் கடை",
    "Telugu": "టీ దుకాణం",
    "Kannada": "ಚಹಾ ಅಂಗಡಿ",
    "Malayalam": "ചായ കട",
    "Latin, Greek, Cyrillic": "Zoë Ďŕ ₹5 Ωμέγα Жар",
}


def check_scripts():
    """Letters of all scripts are printed with glyphs of their own, and a reader gets them back."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/mine.csv", "w") as statement:
            statement.write("transactionTimestamp,type,amount,currentBalance,narration\n")
            for day, text in enumerate(SCRIPTS.values(), 1):
                statement.write(f"2024-01-{day:02},CREDIT,1.00,{day}.00,{text}\n")
            # No font of India has it.
            statement.write("2024-01-30,CREDIT,1.00,11.00,\U0001f600\n")
        with open(f"{folder}/mine.yaml", "w") as persona:
            persona.write("version: 1\nname: mine\ndescription: mine\n")
            persona.write("accounts: [{ type: DEPOSIT, statement: mine.csv }]\n")
        content = generate_data("pdf", "--personas", f"{folder}/mine.yaml", "--persona", "mine")
    with pdfplumber.open(io.BytesIO(content)) as document:
        (table,) = document.pages[0].extract_tables()
        fonts = {char["fontname"] for char in document.pages[0].chars}
        text = document.pages[0].extract_text()
    # A vowel sign is read where it is drawn: before its letter, or on both sides.
    read = [set("".join(row[2].split())) for row in table[2:-2]]
    check_equal("scripts: letters", read, [set("".join(text.split())) for text in SCRIPTS.values()])
    check_equal("scripts: fonts", len(fonts) >= 13 and all(name.startswith("MOCKAA+NotoSans") for name in fonts), True)
    check_equal("scripts: characters without a glyph are told", "no font of this document has: 1." in text, True)


def print_cell(cell):
    """Writes a cell of a workbook as a document prints it; None for a text that may be wrapped."""
    if isinstance(cell.value, datetime):
        return cell.value.strftime("%d/%m/%Y")
    if isinstance(cell.value, str):
        return cell.value if len(cell.value) <= 12 else None
    if "0.00" in cell.number_format:
        return group_digits(f"{cell.value:.2f}")
    return str(cell.value)


def check_printed_columns(label, arguments):
    """Each column of the workbook, and each of its values that is on one line, is in the document."""
    book = openpyxl.load_workbook(io.BytesIO(generate_data("xlsx", *arguments)))
    document = pypdf.PdfReader(io.BytesIO(generate_data("pdf", *arguments)))
    printed = "\n".join(page.extract_text() for page in document.pages)
    words = set(printed.split())
    for sheet in book.worksheets:
        if sheet.title == "About":
            continue
        header, *rows = sheet.iter_rows()
        header = [cell.value for cell in header]
        # A printed bank statement has date and time in place of the timestamp, and the account in its heading.
        apart = {"Timestamp", "Account"} if sheet.title == "DEPOSIT transactions" else set()
        missing = [name for name in header if name and name not in apart and name[:8] not in printed]
        check_equal(f"{label}, {sheet.title}: columns that are not printed", missing, [])
        for row in rows:
            for name, cell in zip(header, row):
                if name in apart:
                    continue
                text = print_cell(cell) if cell.value not in (None, "") else None
                if text and not set(text.split()) <= words:
                    check_equal(f"{label}, {sheet.title}: {name} {cell.value} is not printed", text, None)


def check_holding_workbook(fi_type, amount):
    account = json.loads(generate_data("json", "--fi-type", fi_type))["Account"]
    transactions = account["Transactions"]["Transaction"]
    book = openpyxl.load_workbook(io.BytesIO(generate_data("xlsx", "--fi-type", fi_type)))
    check_equal(f"{fi_type}: first sheet", book.sheetnames[0], f"{fi_type} Transaction")
    check_equal(f"{fi_type}: last sheet", book.sheetnames[-1], "About")
    sheet = book[f"{fi_type} Transaction"]
    column = [cell.value for cell in sheet[1]].index(amount)
    ours = sum(to_decimal(row[column]) for row in sheet.iter_rows(min_row=2, values_only=True))
    check_equal(f"{fi_type}: {amount}", ours, sum(Decimal(row[amount]) for row in transactions))


for name in ("salaried", "over-indebted", "kirana-merchant", "small-business"):
    check_deposit_workbook(name)
for name in ("salaried", "over-indebted", "joint-account", "small-business"):
    check_printed_statement(name)
check_scripts()
for fi_type, amount in (("MUTUAL_FUNDS", "amount"), ("EQUITIES", "tradeValue"), ("TERM_DEPOSIT", "amount")):
    check_holding_workbook(fi_type, amount)
def check_child_rows(fi_type, element, key):
    """The rows of an element have the key of the element around them."""
    book = openpyxl.load_workbook(io.BytesIO(generate_data("xlsx", "--fi-type", fi_type)))
    header, *rows = book[f"{fi_type} {element}"].iter_rows(values_only=True)
    column = header.index(key) if key in header else None
    check_equal(f"{fi_type}, {element}: has {key}", column is not None and all(row[column] for row in rows), True)


for fi_type, element, key in (
    ("EQUITIES", "Holding", "holdingsType"),
    ("GENERAL_INSURANCE", "Cover", "policyNumber"),
    ("INSURANCE_POLICIES", "MoneyBack", "policyNumber"),
    ("SIP", "Investment", "investmentsType"),
    ("NPS", "Tier1Holding", "schemePreferenceType"),
    ("GSTR1_3B", "b2b", "ret_prd"),
):
    check_child_rows(fi_type, element, key)

catalogue = subprocess.run([MOCKAA, "data", "generate", "--fi-type", "?"], capture_output=True, text=True).stderr
fi_types = re.findall(r"\b[A-Z][A-Z0-9_]+\b", catalogue)
check_equal("there are FI types", len(fi_types) > 15, True)
# No persona of the catalogue has accounts of the type OTHER.
for fi_type in sorted(set(fi_types) - {"OTHER"}):
    check_printed_columns(fi_type, ("--fi-type", fi_type))
if PICTURES:
    with pdfplumber.open(io.BytesIO(generate_data("pdf", "--from", "2024-04-01"))) as document:
        picture = document.pages[0].to_image(resolution=104, antialias=True).original
    picture.quantize(32).save(f"{PICTURES}/statement.png", optimize=True)
print("all checks passed" if not failures else f"{len(failures)} checks failed")
sys.exit(1 if failures else 0)
