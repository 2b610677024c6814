"""Reads statements with two public packages that know nothing of mockaa. xmlschema (PyPI) decodes the XML by an
XSD to numbers, dates and lists; fast-xml-parser (npm) reads it without one, as a program in Node does. What they
read must be complete and equal the JSON, and all forms of JSON must have the same content.

Run it as `python3 tests/clients/readers.py [PATH_TO_MOCKAA [NODE_MODULES]]`, with xmlschema and Node installed and
fast-xml-parser in the folder NODE_MODULES (default: target/readers/node_modules). The XSDs are those of
../shared; xmlschema skips an FI type without one.
Exit code 0: every check passed; 1: the message names the first difference.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import xmlschema

ROOT = Path(__file__).resolve().parents[2]
MOCKAA = sys.argv[1] if len(sys.argv) > 1 else "mockaa"
NODE_MODULES = Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "target/readers/node_modules").resolve()

STATEMENTS = [
    *(("DEPOSIT", persona) for persona in ("salaried", "joint-account", "nri", "over-indebted", "kirana-merchant")),
    *(("DEPOSIT", persona) for persona in ("small-business", "new-account", "dormant-account")),
    *((fi_type, "investor") for fi_type in ("TERM_DEPOSIT", "MUTUAL_FUNDS", "EQUITIES", "ETF", "NPS")),
    *((fi_type, "salaried") for fi_type in ("TERM_DEPOSIT", "RECURRING_DEPOSIT", "MUTUAL_FUNDS", "EQUITIES", "ETF")),
    *((fi_type, "salaried") for fi_type in ("SIP", "REIT", "INVIT", "LIFE_INSURANCE", "GENERAL_INSURANCE", "NPS")),
    *((fi_type, "salaried") for fi_type in ("BONDS", "DEBENTURES", "GOVT_SECURITIES", "CP", "IDR", "CIS", "AIF")),
    ("GSTR1_3B", "small-business"),
]
# Types whose current shape is not public: mockaa sends the retired one.
RETIRED = ("NPS", "BONDS", "DEBENTURES", "GOVT_SECURITIES", "CP", "IDR", "CIS", "AIF")
# Elements that are lists in JSON even if there is one. Finvu's JSON has a single holder as an object.
LISTS = ("Holder", "Holding", "Transaction")
# Attributes that have to be numbers and dates, wherever they have a value; the XSDs leave some of them texts.
NUMBERS = ("amount", "transactionalBalance", "currentBalance", "currentValue", "costValue", "principalAmount", "nav")
DATES = re.compile("dob|.*(Date|Timestamp|DateTime)")
# The defaults of the package, except that it reads attributes and leaves texts of elements as texts.
READ_WITH_FAST_XML_PARSER = """
    const { XMLParser } = require("fast-xml-parser");
    const names = { attributeNamePrefix: "@", ignoreDeclaration: true };
    const parser = new XMLParser({ ...names, ignoreAttributes: false, parseTagValue: false });
    const text = require("node:fs").readFileSync(0, "utf8");
    process.stdout.write(JSON.stringify(parser.parse(text, true).Account));
"""
skipped = []


def fail(label, problem):
    sys.exit(f"FAIL  {label}: {problem}")


def generate_data(output_format, fi_type, persona):
    command = [MOCKAA, "data", "generate", "--format", output_format, "--fi-type", fi_type, "--persona", persona]
    command += ["--schema", "current"]
    result = subprocess.run(command, capture_output=True)
    if result.returncode:
        fail(f"{fi_type} of {persona}, {output_format}", result.stderr.decode().strip())
    return result.stdout.decode()


def find_schema(fi_type):
    shared = ROOT.parent / "shared"
    folder = shared / ("rebit/xsd-repeatable" if fi_type in RETIRED else "fi-schemas")
    return next(iter(sorted(folder.rglob(f"{fi_type.lower()}*.xsd"))), None)


def read_with_xmlschema(xml, fi_type):
    # Some schemas are XSD 1.1 and say so; a reader of 1.0 finds them empty. Others are read by 1.1 only, because
    # 1.0 does not permit `any` after an optional element, which a shape that is not fully known has.
    try:
        schema = xmlschema.XMLSchema10(find_schema(fi_type))
    except xmlschema.XMLSchemaModelError:
        schema = None
    if schema is None or not schema.elements:
        schema = xmlschema.XMLSchema11(find_schema(fi_type))
    return schema.to_dict(xml, datetime_types=True)


def read_with_fast_xml_parser(xml, _fi_type):
    command = ["node", "-e", READ_WITH_FAST_XML_PARSER]
    environment = os.environ | {"NODE_PATH": str(NODE_MODULES)}
    result = subprocess.run(command, input=xml.encode(), capture_output=True, check=True, env=environment)
    return json.loads(result.stdout)


READERS = {"xmlschema": read_with_xmlschema, "fast-xml-parser": read_with_fast_xml_parser}


def is_content(attribute):
    return attribute != "xmlns" and ":" not in attribute


def count_attributes(xml):
    """Counts the attributes of each name in the text, without an XML reader."""
    tags = re.sub(r"<[?!].*?>", "", xml, flags=re.DOTALL)
    return Counter(filter(is_content, re.findall(r"""\s([^\s=<>"'/]+)=(?:"[^"]*"|'[^']*')""", tags)))


def count_read_attributes(element):
    counts = Counter()
    for name, value in element.items():
        if name.startswith("@"):
            counts.update(filter(is_content, [name[1:]]))
        for child in value if isinstance(value, list) else [value]:
            counts.update(count_read_attributes(child) if isinstance(child, dict) else {})
    return counts


def normalize(element, prefix=""):
    """Returns an element with attributes and texts as values, child elements as lists, and no empty elements.

    `prefix` begins the names of attributes.
    """
    content = {}
    for name, value in element.items():
        if isinstance(value, (dict, list)):
            children = value if isinstance(value, list) else [value]
            children = [normalize(child, prefix) if isinstance(child, dict) else child for child in children]
            children = [child for child in children if child not in ({}, "", None)]
            texts = all(isinstance(child, str) for child in children)
            content |= {name: children[0] if texts and len(children) == 1 else children} if children else {}
        elif prefix and not name.startswith(prefix):
            content |= {name: value} if value else {}
        elif is_content(name[len(prefix) :]):
            content[name[len(prefix) :]] = value
    return content


def is_equal(value, text):
    if isinstance(value, bool):
        return str(value).lower() == text.lower()
    if isinstance(value, (int, float, Decimal)):
        return bool(re.fullmatch(r"-?\d+(\.\d+)?", text)) and float(value) == float(text)
    if isinstance(value, str):
        return value == text
    return value is not None and datetime.fromisoformat(str(value)) == datetime.fromisoformat(text)


def find_difference(path, read, expected):
    if isinstance(expected, dict) and isinstance(read, dict):
        for name in expected | read:
            if name not in read or name not in expected:
                return f"{path}/{name} is {'not there' if name in expected else 'not in the JSON'}"
            if difference := find_difference(f"{path}/{name}", read[name], expected[name]):
                return difference
        return None
    if isinstance(expected, list) and isinstance(read, list):
        if len(read) != len(expected):
            return f"{path} is there {len(read)} times, expected {len(expected)} times"
        pairs = enumerate(zip(read, expected), 1)
        return next(filter(None, (find_difference(f"{path}[{n}]", *pair) for n, pair in pairs)), None)
    if not isinstance(expected, str) or isinstance(read, (dict, list)) or not is_equal(read, expected):
        return f"{path} is {read!r}, expected {expected!r}"
    return None


def find_elements(element, wanted):
    for name, value in element.items():
        for child in value if isinstance(value, list) else []:
            if isinstance(child, dict):
                yield from [child] if name == wanted else []
                yield from find_elements(child, wanted)


def summarize(account):
    """Returns the figures that a reader of a statement looks for first."""
    transactions = list(find_elements(account, "Transaction"))
    totals = Counter()
    for transaction in transactions:
        totals[transaction.get("type")] += Decimal(str(transaction.get("amount") or 0)).quantize(Decimal("0.01"))
    dates = sorted(str(value) for row in transactions for name, value in row.items() if DATES.fullmatch(name))
    return {
        "holders": len(list(find_elements(account, "Holder"))),
        "holdings": len(list(find_elements(account, "Holding"))),
        "transactions": len(transactions),
        "amounts": dict(totals),
        "first and last date": [datetime.fromisoformat(date) for date in dates[:1] + dates[-1:]],
        "balance": [float(row["currentBalance"]) for row in account.get("Summary", []) if "currentBalance" in row],
    }


def check_running_balance(label, account):
    previous = None
    for row in find_elements(account, "Transaction"):
        amount, balance = (Decimal(str(row[name])) for name in ("amount", "transactionalBalance"))
        change = amount if row["type"] == "CREDIT" else -amount
        if previous is not None and previous + change != balance:
            fail(label, f"transaction {row['txnId']}: {previous} and {change} make {balance}")
        previous = balance


def check_types(label, element):
    for name, value in element.items():
        for child in value if isinstance(value, list) else []:
            if isinstance(child, dict):
                check_types(label, child)
        if isinstance(value, str) and value and (name in NUMBERS or DATES.fullmatch(name)):
            try:
                Decimal(value) if name in NUMBERS else datetime.fromisoformat(value)
            except (ArithmeticError, ValueError):
                fail(label, f"{name} {value!r} is neither a number nor a date of ISO 8601")


def check_json(label, element, lists):
    """Checks that values are texts, that none is null, and that the elements named in `lists` are lists."""
    for name, value in element.items():
        if name[:1].upper() + name[1:] in lists and not isinstance(value, list):
            fail(label, f"{name} is no list")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                check_json(label, child, lists)
            elif not isinstance(child, str):
                fail(label, f"{name} is {json.dumps(child)}, expected a text")


def rename_elements(element, rename):
    """Renames child elements, but not attributes, of a normalized element."""
    renamed = {}
    for name, value in element.items():
        if isinstance(value, list):
            children = [rename_elements(child, rename) if isinstance(child, dict) else child for child in value]
            renamed[rename(name)] = children
        else:
            renamed[name] = value
    return renamed


def lower_first(name):
    return name[:1].lower() + name[1:]


def read_json(label, output_format, fi_type, persona):
    return json.loads(generate_data(output_format, fi_type, persona), parse_constant=lambda name: fail(label, name))


def check_forms_of_json(fi_type, persona, expected, namespace):
    label = f"{fi_type} of {persona}, setu"
    setu = read_json(label, "setu", fi_type, persona)["account"]
    check_json(label, setu, LISTS)
    # The names of GST are in camel case; all others keep the name of the attribute.
    if fi_type != "GSTR1_3B" and (difference := find_difference("account", normalize(setu), rename_elements(expected, lower_first))):
        fail(label, difference)

    label = f"{fi_type} of {persona}, finvu"
    finvu = read_json(label, "finvu", fi_type, persona)
    check_json(label, finvu, LISTS[1:])
    holders = len(list(find_elements(expected, "Holder")))
    holder = finvu.get("Profile", {}).get("Holders", {}).get("Holder")
    if holder is not None and isinstance(holder, list) != (holders > 1):
        fail(label, f"Holder is {type(holder).__name__}, expected an object for one holder, a list for more")
    location = finvu.pop("schemaLocation", "")
    if fi_type not in RETIRED and not location.startswith(namespace):
        fail(label, f"schemaLocation {location!r} does not begin with the namespace {namespace}")
    pending = rename_elements(expected, lambda name: "pendingTxns" if name == "PendingTxns" else name)
    if difference := find_difference("", normalize(finvu), pending):
        fail(label, difference)


def check_statement(fi_type, persona):
    label = f"{fi_type} of {persona}"
    xml = generate_data("xml", fi_type, persona)
    account = read_json(label, "json", fi_type, persona)["Account"]
    check_json(label, account, LISTS)
    expected = normalize(account)
    figures = summarize(expected)
    for reader, read in READERS.items():
        if reader == "xmlschema" and not find_schema(fi_type):
            skipped.append(f"{fi_type} with {reader}: no XSD in ../shared")
            continue
        label = f"{fi_type} of {persona}, {reader}"
        try:
            raw = read(xml, fi_type)
        except subprocess.CalledProcessError as error:
            fail(label, next(line for line in error.stderr.decode().splitlines() if "Error: " in line))
        except xmlschema.XMLSchemaValidationError as error:
            fail(label, f"{error.path}: {error.reason}")
        except xmlschema.XMLSchemaException as error:
            fail(label, error)
        if lost := count_attributes(xml) - count_read_attributes(raw):
            fail(label, f"attributes that are in the XML and not in what was read: {dict(lost)}")
        content = normalize(raw, "@")
        for figure, value in summarize(content).items():
            if value != figures[figure]:
                fail(label, f"{figure}: {value}, expected {figures[figure]}")
        if difference := find_difference("Account", content, expected):
            fail(label, difference)
        if fi_type == "DEPOSIT":
            check_running_balance(label, content)
        check_types(label, content)
    check_forms_of_json(fi_type, persona, expected, re.search(r'\sxmlns="([^"]+)"', xml)[1])
    counts = [f"{value} {figure}" for figure, value in figures.items() if isinstance(value, int)]
    print(f"ok    {fi_type} of {persona}: {', '.join(counts)}")


for statement in STATEMENTS:
    check_statement(*statement)
for reason in sorted(set(skipped)):
    print(f"skipped: {reason}")
print("all checks passed")
