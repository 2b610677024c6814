"""Checks exports with independent readers: openpyxl reads the workbooks and pypdf the printed
statements. Their figures must equal those of the JSON.

Run it as `python3 tests/clients/exports.py [PATH_TO_MOCKAA]`, with openpyxl and pypdf installed.
Exit code 0: every check passed; 1: at least one failed.
"""

import io
import json
import re
import subprocess
import sys
from datetime import datetime
from decimal import Decimal

import openpyxl
import pypdf

MOCKAA = sys.argv[1] if len(sys.argv) > 1 else "mockaa"
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


def check_printed_statement(persona):
    account = json.loads(generate_data("json", "--persona", persona))["Account"]
    transactions = account["Transactions"]["Transaction"]
    document = pypdf.PdfReader(io.BytesIO(generate_data("pdf", "--persona", persona)))
    lines = [line for page in document.pages for line in page.extract_text().splitlines()]
    row = re.compile(r"[\d,]+ (\d{4}-\d\d-\d\d) .*? ([\d,]+\.\d\d) (-?[\d,]+\.\d\d)(?: [A-Z_]+)?(?: X+\d+)?$")
    rows = [match.groups() for match in map(row.match, lines) if match]
    expected = [
        (row["valueDate"], group_digits(row["amount"]), group_digits(row["currentBalance"])) for row in transactions
    ]
    check_equal(f"{persona}, printed: rows", len(rows), len(expected))
    check_equal(f"{persona}, printed: figures", rows, expected)
    holder = account["Profile"]["Holders"]["Holder"][0]["name"]
    check_equal(f"{persona}, printed: holder", any(line.endswith(f"holder {holder}") for line in lines), True)


def print_cell(cell):
    """Writes a cell of a workbook as a document prints it; None for a text that may be wrapped."""
    if isinstance(cell.value, datetime):
        return cell.value.strftime("%Y-%m-%d")
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
        missing = [name for name in header if name and name[:8] not in printed]
        check_equal(f"{label}, {sheet.title}: columns that are not printed", missing, [])
        for row in rows:
            for name, cell in zip(header, row):
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
    check_printed_statement(name)
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
print("all checks passed" if not failures else f"{len(failures)} checks failed")
sys.exit(1 if failures else 0)
