"""A second opinion on exports: openpyxl reads the workbooks back and pypdf the printed statements, and their figures have to
be those of the JSON.

Run it as `python3 tests/clients/exports.py [PATH_TO_MOCKAA]`, with openpyxl and pypdf installed. Exit code 0: every check
held; 1: one did not.
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


def check(what, actual, expected):
    if actual != expected:
        failures.append(what)
        print(f"FAIL  {what}: {actual!r}, expected {expected!r}")


def generate(form, *arguments):
    command = [MOCKAA, "data", "generate", "--format", form, *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def money(cell):
    return Decimal(str(cell)).quantize(Decimal("0.01")) if cell is not None else Decimal(0)


def deposit(persona):
    told = json.loads(generate("json", "--persona", persona))["Account"]["Transactions"]["Transaction"]
    book = openpyxl.load_workbook(io.BytesIO(generate("xlsx", "--persona", persona)))
    sheet = book["DEPOSIT transactions"]
    header = [cell.value for cell in sheet[1]]
    rows = [dict(zip(header, row)) for row in sheet.iter_rows(min_row=2, values_only=True)]
    check(f"{persona}: rows", len(rows), len(told))
    for side in ("Credit", "Debit"):
        ours = sum(money(row[side]) for row in rows)
        theirs = sum(Decimal(row["amount"]) for row in told if row["type"] == side.upper())
        check(f"{persona}: {side}", ours, theirs)
    check(f"{persona}: last balance", money(rows[-1]["Balance"]), Decimal(told[-1]["currentBalance"]))
    check(f"{persona}: dates are dates", all(isinstance(row["Date"], datetime) for row in rows), True)
    check(f"{persona}: amounts are numbers", all(isinstance(row["Balance"], (int, float)) for row in rows), True)
    check(f"{persona}: headers stay", sheet.freeze_panes, "A2")
    check(f"{persona}: a chart", len(sheet._charts), 1)


def printed(persona):
    account = json.loads(generate("json", "--persona", persona))["Account"]
    told = account["Transactions"]["Transaction"]
    document = pypdf.PdfReader(io.BytesIO(generate("pdf", "--persona", persona)))
    lines = [line for page in document.pages for line in page.extract_text().splitlines()]
    row = re.compile(r"(\d{4}-\d\d-\d\d) .*? (\d+\.\d\d) (-?\d+\.\d\d) [A-Z_]+$")
    rows = [match.groups() for match in map(row.match, lines) if match]
    expected = [(row["valueDate"], row["amount"], row["currentBalance"]) for row in told]
    check(f"{persona}, printed: rows", len(rows), len(expected))
    check(f"{persona}, printed: figures", rows, expected)
    holder = account["Profile"]["Holders"]["Holder"][0]["name"]
    check(f"{persona}, printed: the holder", any(line.endswith(f"holder {holder}") for line in lines), True)


def holdings(kind, amount):
    account = json.loads(generate("json", "--fi-type", kind))["Account"]
    told = account["Transactions"]["Transaction"]
    book = openpyxl.load_workbook(io.BytesIO(generate("xlsx", "--fi-type", kind)))
    sheet = book[f"{kind} Transaction"]
    column = [cell.value for cell in sheet[1]].index(amount)
    ours = sum(money(row[column]) for row in sheet.iter_rows(min_row=2, values_only=True))
    check(f"{kind}: {amount}", ours, sum(Decimal(row[amount]) for row in told))


for name in ("salaried", "over-indebted", "kirana-merchant", "small-business"):
    deposit(name)
    printed(name)
for kind, amount in (("MUTUAL_FUNDS", "amount"), ("EQUITIES", "tradeValue"), ("TERM_DEPOSIT", "amount")):
    holdings(kind, amount)
print("all checks held" if not failures else f"{len(failures)} checks failed")
sys.exit(1 if failures else 0)
