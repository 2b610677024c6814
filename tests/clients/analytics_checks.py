"""Figures of the analytics report that follow from a search: what recurs, loans, what an underwriter checks, the score.

docs/unaport.md, "Figures of the analytics report", has their definitions.
"""

import numpy as np
import pandas as pd

from analytics_rows import (
    format_percent, format_rupees, group_by_party, is_business, list_rows, rounded_mean, rounded_median,
    split_directions, to_rupees, to_whole_percent, to_whole_rupees)

# Bank holidays in the periods of the cases, from the lists of the Government of India.
BANK_HOLIDAYS = """2023-07-29 2023-08-15 2023-09-07 2023-09-28 2023-10-02 2023-10-24 2023-11-12 2023-11-27 2023-12-25
    2024-01-26 2024-03-25 2024-03-29 2024-04-01 2024-04-11 2024-04-21 2024-05-23 2024-06-17 2025-11-05 2025-12-25""".split()
TRANSFERS = ["I/W Funds Transfer", "O/W Funds Transfer"]


def check_irregularities(book):
    """Returns the matches of the twelve checks, in the order of the report."""
    rows, credits, debits = book.rows, book.credits, book.debits

    def describe(month, party, group):
        credit, debit = (part["paise"].sum() for part in split_directions(group))
        account = book.accounts[group["account"].iloc[0]]
        return {
            "month": book.labels[month], "debitAmount": format_rupees(debit), "creditAmount": format_rupees(credit),
            "accountDetails": {"accountId": str(account["id"]), "accountType": code_account_type(account),
                               "accountNumber": account["accountNumber"]},
            "pctDebit": format_percent(debit, debits["paise"].sum()), "pctCredit": format_percent(credit, credits["paise"].sum()),
            "counterparty": party, "txnCount": len(group), "transactions": list_rows(group)}

    def find_equal_months():
        for month, group in rows.groupby("month"):
            credit, debit = (part["paise"].sum() for part in split_directions(group))
            if credit and abs(credit - debit) * 100 <= credit:
                yield describe(month, "", group)

    def find_cash_over_salary():
        for month, group in credits.groupby("month"):
            cash, salary = (group[group["category"] == name] for name in ("Cash & ATM", "Salary"))
            if len(salary) and cash["paise"].sum() > salary["paise"].sum():
                yield describe(month, "", cash)

    def find_debits_after_salary():
        for place, pay in book.pays.iterrows():
            large = book.debits_after_pay[pay["id"]]
            if len(large):
                yield describe(pay["month"], pay["name"], pd.concat([book.rows.loc[[place]], large]))

    def find_two_way_parties():
        for month, group in rows[rows["party"] != ""].groupby("month"):
            for name, part in group_by_party(group):
                if part["credit"].nunique() == 2:
                    yield describe(month, name, part)

    unchanged = [describe(run["month"].iloc[0], name, run) for name, run in find_unchanged_salaries(book)]
    is_rtgs, is_cheque, is_atm = (rows["mode"] == mode for mode in ("RTGS", "CHEQUE", "ATM"))
    return [
        {"transactions": list_rows(rows[is_rtgs & ~rows["credit"] & (rows["paise"] < 20_000_000)])},
        {"transactions": list_rows(rows[is_cheque & rows["credit"] & rows["date"].isin(BANK_HOLIDAYS)])},
        {"transactions": list_rows(rows[(rows["category"] == "Tax Paid") & (rows["paise"] % 100_000 == 0)])},
        {"transactions": list_rows(rows[is_atm & ~rows["credit"] & (rows["paise"] > 2_000_000)])},
        {"transactions": list_rows(rows[rows["balance"] < 0])},
        {"transactions": list_rows(rows[rows["balance"] != rows["computed"]])},
        {"monthlyTransactions": list(find_equal_months())},
        {"monthlyTransactions": list(find_cash_over_salary())},
        {"files": []},
        {"monthlyTransactions": list(find_debits_after_salary())},
        {"monthlyTransactions": unchanged},
        {"monthlyTransactions": list(find_two_way_parties())},
    ]


def find_unchanged_salaries(book):
    """Returns the first six or more equal pays in a row of each employer."""
    found = []
    for name, group in group_by_party(book.pays[book.is_large_pay]):
        runs = (group["paise"] != group["paise"].shift()).cumsum()
        long_runs = [run for _, run in group.groupby(runs) if len(run) >= 6]
        found += [(name, run) for run in long_runs[:1]]
    return found


def list_bounced_cheques(book):
    returned = book.debits[book.debits["subcategory"] == "Cheque Return"]
    deposits = book.credits[book.credits["mode"] == "CHEQUE"]
    deposited = set(zip(deposits["date"], deposits["paise"]))
    same_day = np.array([pair in deposited for pair in zip(returned["date"], returned["paise"])], dtype=bool)
    return {"outwardChequeTransactions": list_rows(returned), "inwardChequeTransactions": [],
            "sameDayChequeTransactions": list_rows(returned[same_day])}


def list_returns_and_charges(book):
    return {key: list_rows(book.debits[book.debits["category"] == category])
            for key, category in [("charges", "Charges & Fees"), ("returns", "Returns")]}


def list_circular_pairs(book):
    def describe(row):
        return {"date": row.date, "amount": to_rupees(row.paise), "bankAccountId": book.accounts[row.account]["id"],
                "particulars": row.narration, "type": "CR" if row.credit else "DB"}

    return {"circular": [
        {"idPair": [book.accounts[row.account]["id"] for row in pair], "circular": [describe(row) for row in pair]}
        for pair in book.pairs]}


def code_account_type(account):
    return "CA" if account["accountType"] == "CURRENT" else "SA"


def describe_recurrence(book, group):
    first, last = group.iloc[0], group.iloc[-1]
    interval = name_interval(group)
    missed = find_missed_days(book, group) if interval == "MONTHLY" else []
    account = book.accounts[first["account"]]
    return {
        "amount": format_rupees(rounded_median(group["paise"])), "startDate": first["date"], "endDate": last["date"],
        "accountType": code_account_type(account), "accountId": str(account["id"]), "account": account["accountNumber"],
        "transactions": list_rows(group), "transactionType": "CR" if first["credit"] else "DB",
        "misses": str(len(missed)) if missed else None, "missesDates": missed or None, "counterparty": first["party"],
        "interval": interval, "transactionCount": str(len(group)), "particulars": first["narration"]}


def name_interval(group):
    if len(group) < 2:
        return ""
    days = rounded_median(group["day"].diff().dropna().dt.days)
    intervals = {"FORTNIGHTLY": (13, 17), "MONTHLY": (26, 35), "QUARTERLY": (80, 100)}
    return next((name for name, (low, high) in intervals.items() if low <= days <= high), "IRREGULAR")


def find_missed_days(book, group):
    """Returns the day of the first payment in each month between the first and the last that has none."""
    day = group["day"].iloc[0].day
    missed = sorted(set(range(group["month"].iloc[0], group["month"].iloc[-1])) - set(group["month"]))
    return [f"{book.months[month]}-{min(day, book.months[month].days_in_month):02}" for month in missed]


def list_recurring(book, frame):
    recurring = []
    for _, group in group_by_party(frame[frame["party"] != ""]):
        middle = rounded_median(group["paise"])
        similar = group[(group["paise"] - middle).abs() * 10 <= middle]
        if len(similar) >= 2:
            recurring.append(describe_recurrence(book, similar))
    return recurring


def list_salaries(book):
    salaries = book.credits[book.credits["category"] == "Salary"]
    return [describe_recurrence(book, group) for _, group in group_by_party(salaries)]


def list_emis(book):
    return [describe_recurrence(book, loan["rows"]) for loan in book.loans]


def list_loans(book):
    paid_out = book.credits[book.credits["category"] == "Loan"]
    return list_emis(book) + [describe_recurrence(book, group) for _, group in group_by_party(paid_out)]


def analyze_loans(book):
    loan_rows = book.rows[book.rows["category"] == "Loan"]
    lenders = group_by_party(loan_rows)
    names = [lender for lender, _ in lenders]
    charges = book.debits[book.debits["subcategory"] == "Bounce Charges"]
    payees = charges["narration"].str.upper().str.extract(r"RTN CHGS (.*?)(?:RECOVERED|INSUFFICIENT|INCL GST)")[0].str.strip().fillna("")
    is_of_loan = payees.isin(["", *names])
    charges, payees = charges[is_of_loan], payees[is_of_loan]

    def describe_bounces(label, group):
        return {"emiBounceCount": len(group), "month": label, "emiReturnChargesCount": len(group),
                "emiReturnChargesAmt": to_whole_rupees(group["paise"].sum())}

    details = [describe_lender(book, place, lender, group, int((payees == lender).sum()))
               for place, (lender, group) in enumerate(lenders, 1)]
    if lenders:
        details.append(describe_all_lenders(book, details, loan_rows, len(charges)))
    bounces = [describe_bounces(label, group) for label, group in zip(book.labels, book.group_by_month(charges))]
    return {"loanAnalysis": {"loanDetails": details, "emiReturnCharges": [*bounces, describe_bounces("Total", charges)]}}


def describe_lender(book, place, lender, group, bounces):
    paid = group[~group["credit"]]
    amount = to_whole_rupees(paid["paise"].sum())
    due = to_whole_rupees(sum(loan["due"] for loan in book.loans if loan["lender"] == lender))
    months = []
    for label, part in zip(book.labels, book.group_by_month(paid)):
        last = part["day"].iloc[-1] if len(part) else None
        months.append({
            "date": last.day if len(part) else None, "month": label, "emiPaidAmt": to_whole_rupees(part["paise"].sum()),
            "prevDayBalance": to_whole_rupees(book.balance_before(last)) if len(part) else None})
    return {
        "no": str(place), "lender": lender, "emiObligationStatus": "Yes" if due else "No",
        "emiStartedOn": paid["date"].iloc[0] if len(paid) else None, "emiDebit": amount, "emiObligationAmt": due,
        "loanCredit": to_whole_rupees(split_directions(group)[0]["paise"].sum()), "loanDebit": amount,
        "statementPeriod": {"months": len(book.months), "emiPaidCount": len(paid), "emiPaidAmt": amount,
                            "emiBounce": bounces, "avgPrevDayBalance": average_balance_before(book, paid)},
        "monthlyDetails": months}


def average_balance_before(book, paid):
    return to_whole_rupees(rounded_mean(pd.Series([book.balance_before(day) for day in paid["day"]], dtype="int64")))


def describe_all_lenders(book, lenders, loan_rows, bounces):
    paid = loan_rows[~loan_rows["credit"]]
    amount, average = to_whole_rupees(paid["paise"].sum()), average_balance_before(book, paid)
    credit = to_whole_rupees(split_directions(loan_rows)[0]["paise"].sum())
    due = sum(lender["emiObligationAmt"] for lender in lenders)
    due_loans = [loan for loan in book.loans if loan["due"]]
    months = []
    for label, part in zip(book.labels, book.group_by_month(paid)):
        total = to_whole_rupees(part["paise"].sum())
        before = to_whole_rupees(book.balance_before(part["day"].iloc[-1])) if len(part) else None
        months.append({"date": len(part), "prevDayBalance": before, "month": label, "totalEmiPaidAmt": total,
                       "totalDateCount": len(part), "emiPaidAmt": total})
    return {
        "no": "Total", "lender": str(len(lenders)), "bankNameEmiRunning": str(len({loan["lender"] for loan in due_loans})),
        "emiDebit": amount, "emiObligationAmt": due, "loanCredit": credit, "loanDebit": amount,
        "totalEmiObligationCount": len(due_loans), "totalEmiDebit": amount, "totalEmiObligationAmt": due,
        "totalLoanCredit": credit, "totalLoanDebit": amount, "totalLenderCount": len(lenders),
        "statementPeriod": {
            "emiPaidCount": len(paid), "emiPaidAmt": amount, "emiBounce": bounces, "avgPrevDayBalance": average,
            "totalEmiBounceCount": bounces, "totalEmiPaidAmt": amount, "totalAvgPrevDayBalance": average,
            "totalEmiPaidCount": len(paid)},
        "monthlyDetails": months}


def compute_score(book):
    """Computes the score by the table in docs/data.md, "The score"."""
    rows, months = book.rows, book.month_count
    bounces = rows["subcategory"].isin(["Bounce Charges", "Cheque Bounce Charges"]) & ~rows["credit"]
    pay = book.credits[book.credits["category"] == "Salary"]
    business = book.credits[is_business(book.credits) & ~book.credits["own"]]
    ring_share, ring = find_ring(book)
    ring_points = min(300, max(0, ring_share - 5) * 20)
    spent_points = min(200, max(0, worst_spent_share(book) - 50) * 5)
    unchanged = [name for name, _ in find_unchanged_salaries(book)]
    evidence = pay if len(pay) else business
    is_shown = evidence["name"].isin(unchanged if spent_points else []) & (evidence["subcategory"] == "")
    is_circular = evidence["name"].isin(ring if ring_points >= 150 else [])
    evidence = evidence[~is_circular & ~(is_shown & (evidence["category"] == "Salary"))]
    burden = to_whole_percent(sum(loan["due"] for loan in book.loans), evidence["paise"].sum() // months)
    inflow, outflow = book.credits["paise"].sum(), book.debits["paise"].sum()
    below_limit = to_whole_percent((book.daily < -book.limit).sum(), len(book.daily))
    figures = [
        min(250, int(bounces.sum()) * 100 // months), min(75, max(0, burden - 40)),
        max(0, min(40, to_whole_percent(outflow - inflow, inflow))), min(60, below_limit)]
    is_fraud = unchanged or ring_points >= 150
    lost = ring_points + (150 if unchanged else 0) + spent_points + (150 if is_fraud else sum(figures))
    score = max(300, 900 - lost)
    return min(700, score) if book.day_count < 85 or len(rows) < 12 else score


def worst_share(book, part, whole):
    """Returns the largest share of six months in a row, in whole percent."""
    length = min(6, len(book.months))
    sums = [frame.groupby("month")["paise"].sum().reindex(range(len(book.months)), fill_value=0) for frame in (part, whole)]
    parts, wholes = (values.rolling(length).sum().dropna().astype("int64") for values in sums)
    return max(map(to_whole_percent, parts, wholes))


def find_ring(book):
    """Returns the share of the money that goes round in the worst six months, and the counterparties that pass it on."""
    rows = book.rows
    transfers = rows[rows["category"].isin(TRANSFERS) & (rows["paise"] >= 100_000) & (rows["party"] != "") & ~rows["own"]]
    payers, payees = (set(part["party"]) for part in split_directions(transfers))
    waiting, pairs = [], []
    for row in transfers[transfers["party"].isin(payers & payees)].itertuples():
        waiting = [other for other in waiting if (row.day - other.day).days <= 3]
        partner = next((other for other in waiting if other.account == row.account and other.credit != row.credit
                        and min(other.paise, row.paise) * 20 >= max(other.paise, row.paise) * 19), None)
        if partner is None:
            waiting.append(row)
        else:
            waiting.remove(partner)
            pairs += [partner, row]
    circular = rows.loc[[row.Index for row in pairs if row.credit]]
    return worst_share(book, circular, book.credits), {row.name for row in pairs}


def worst_spent_share(book):
    is_spent = np.array([len(book.debits_after_pay[id]) > 0 for id in book.pays["id"]], dtype=bool)
    return worst_share(book, book.pays[is_spent], book.pays)
