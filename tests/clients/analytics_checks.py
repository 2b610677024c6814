"""Figures of the analytics report that follow from a search: what recurs, loans, what an underwriter checks, the score.

docs/unaport.md, "Figures of the analytics report", has their definitions.
"""

import numpy as np
import pandas as pd

from analytics_rows import (
    BANK_HOLIDAYS,
    format_percent, format_rupees, group_by_party, is_business, list_rows, rounded_mean, rounded_median,
    split_directions, to_monthly_rate, to_rupees, to_whole_percent, to_whole_rupees)

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
    for name, group in group_by_party(book.pays[book.is_monthly_pay]):
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
    ring_points, (spent_run, shown) = count_ring_points(book), find_spent_pay(book)
    spent_points = 200 if spent_run > 2 else 100 if spent_run == 2 else 0
    is_unchanged = bool(find_unchanged_salaries(book))
    inflow, outflow = book.credits["paise"].sum(), book.debits["paise"].sum()
    income, obligation = compute_income(book), sum(loan["due"] for loan in book.loans)
    figures = [
        min(250, to_monthly_rate(count_bounces(book) * 100, book.day_count)),
        min(120, max(0, to_whole_percent(obligation, income) - 40) * 2),
        max(0, min(40, to_whole_percent(outflow - inflow, inflow))),
        min(60, to_whole_percent((book.daily < -book.limit).sum(), len(book.daily)))]
    is_fraud = is_unchanged or shown or ring_points >= 150
    lost = ring_points + (150 if is_unchanged else 0) + spent_points + (150 if is_fraud else sum(figures))
    score = max(300, 900 - lost)
    return min(700, score) if book.month_count < 3 or len(book.rows) < 12 else score


def count_bounces(book):
    return int(book.debits["subcategory"].isin(["Bounce Charges", "Cheque Bounce Charges"]).sum())


def compute_income(book):
    """Computes the verified income of a month by docs/data.md, "The credit appraisal"."""
    ring = set(find_circular_transfers(book)["name"]) if count_ring_points(book) >= 150 else set()
    shown = find_spent_pay(book)[1]
    pay = book.credits[book.credits["category"] == "Salary"]
    if len(pay):
        pay = pay[~pay["name"].isin(ring) & ~((pay["subcategory"] == "") & pay["name"].isin(shown))]
        is_bonus = pay["subcategory"] == "Bonus"
        regular = sum(average_pay(book, group) for _, group in pay[~is_bonus].groupby("name"))
        return regular + int(pay[is_bonus]["paise"].sum()) // max(12, book.month_count)
    credits = book.credits[is_business(book.credits) & ~book.credits["own"] & ~book.credits["name"].isin(ring)]
    is_capital = (credits["category"] == "Insurance") | (
        (credits["category"] == "Investments") & (credits["subcategory"] != "Dividend"))
    receipts = credits[~is_capital & ~credits["id"].isin(find_returned_deposits(book))]
    return to_monthly_rate(receipts["paise"].sum(), book.day_count)


def average_pay(book, group):
    """Returns the pay of a month of an employer who pays once a month, or more often."""
    total, months = int(group["paise"].sum()), round((group["day"].iloc[-1] - group["day"].iloc[0]).days / 30.44) + 1
    return to_monthly_rate(total, book.day_count) if len(group) > months else total // max(months, book.month_count)


def find_returned_deposits(book):
    """Returns the ids of the cheques that are returned within a week of their deposit."""
    deposits, found = book.credits[book.credits["mode"] == "CHEQUE"], []
    for returned in book.debits[book.debits["subcategory"] == "Cheque Return"].itertuples():
        days = (returned.day - deposits["day"]).dt.days
        same = deposits[(deposits.index < returned.Index) & (days <= 7) & (deposits["paise"] == returned.paise)
                        & (deposits["account"] == returned.account) & ~deposits["id"].isin(found)]
        found += same["id"].tolist()[-1:]
    return found


def find_circular_transfers(book):
    """Returns the transfers with an opposite one of almost the same amount within three days, among those who pay and are paid."""
    rows = book.rows
    transfers = rows[rows["category"].isin(TRANSFERS) & (rows["paise"] >= 100_000) & (rows["party"] != "") & ~rows["own"]]
    payers, payees = (set(part["party"]) for part in split_directions(transfers))
    transfers = transfers[transfers["party"].isin(payers & payees)]
    smaller = transfers.merge(transfers, how="cross", suffixes=("", "_other"))
    amounts = smaller[["paise", "paise_other"]]
    is_pair = ((smaller["day"] - smaller["day_other"]).dt.days.abs() <= 3) & (smaller["credit"] != smaller["credit_other"])
    is_pair &= (smaller["account"] == smaller["account_other"]) & (amounts.min(axis=1) * 20 >= amounts.max(axis=1) * 19)
    return transfers[transfers["id"].isin(smaller[is_pair]["id"])]


def count_ring_points(book):
    """Counts 20 points for each percent above 5 of the credits that goes round in the worst 90 days."""
    circular = split_directions(find_circular_transfers(book))[0]
    end = book.rows["day"].iloc[-1]
    starts = [day for day in circular["day"] if (end - day).days >= 89]
    shares = [0]
    for start in [*starts, book.rows["day"].iloc[0]]:
        part, whole = (frame[(frame["day"] - start).dt.days.between(0, 89)]["paise"].sum() for frame in (circular, book.credits))
        shares.append(to_whole_percent(part, whole))
    return min(300, max(0, max(shares) - 5) * 20)


def find_spent_pay(book):
    """Returns how often in a row an employer's pay is withdrawn at once, and the employers of whom three such pays are equal."""
    longest, shown = 0, set()
    for name, group in group_by_party(book.pays):
        run, equal, previous = 0, 0, None
        for pay in group.itertuples():
            is_spent = len(book.debits_after_pay[pay.id]) > 0
            run = run + 1 if is_spent else 0
            equal = 0 if not is_spent else equal + 1 if previous == pay.paise and equal else 1
            previous = pay.paise
            longest = max(longest, run)
            shown |= {name} if equal >= 3 else set()
    return longest, shown
