"""The figures of the analytics report, computed with pandas from the rows that Fetch Data returns.

docs/unaport.md, "Figures of the analytics report", has their definitions. A text that is no figure is left out where
the rows do not have it.
"""

from bisect import bisect_right

import numpy as np
import pandas as pd

from analytics_checks import (
    analyze_loans, check_irregularities, compute_score, list_bounced_cheques, list_circular_pairs, list_emis,
    list_loans, list_recurring, list_returns_and_charges, list_salaries)
from analytics_rows import (
    IdList, PartyList, RowList, divide_rounded, format_percent, format_rupees, group_by_party, is_business, list_ids, list_rows,
    rounded_mean, rounded_median, split_directions, to_paise, to_rupees, to_whole_rupees)

LISTED_MAX = 10_000
PARTIES_MAX = 2_000


def summarize_months(book):
    def list_amounts(compute):
        return [{"amount": format_rupees(compute(month)), "month": label} for month, label in enumerate(book.labels)]

    return {
        "months": book.labels,
        "openingBalance": list_amounts(lambda month: book.balance_before(book.months[month].start_time)),
        "closingBalance": list_amounts(lambda month: book.balances_of(month).iloc[-1]),
        "maxEodBalance": list_amounts(lambda month: book.balances_of(month).max()),
        "minEodBalance": list_amounts(lambda month: book.balances_of(month).min()),
        "avgEodBalance": list_amounts(lambda month: rounded_mean(book.balances_of(month))),
        "dataDeposits": {"Deposits": {"data": list_monthly_sums(book, book.credits)}, **summarize_categories(book, book.credits)},
        "dataWithdrawals": {"Withdrawals": {"data": list_monthly_sums(book, book.debits)}, **summarize_categories(book, book.debits)},
    }


def summarize_categories(book, frame):
    return {
        category: {
            "data": list_monthly_sums(book, group),
            "subCategories": {name: list_monthly_sums(book, part) for name, part in group.groupby("subcategory") if name}}
        for category, group in frame.groupby("category")}


def list_monthly_sums(book, frame):
    rows = []
    for label, group in zip(book.labels, book.group_by_month(frame)):
        listed = {"transactions": list_rows(group)} if len(group) else {}
        amount = format_rupees(group["paise"].sum()) if len(group) else ""
        rows.append({"amount": amount, "month": label, "count": str(len(group)), **listed})
    return rows


def analyze_cashflow(book):
    def list_top_rows(frame):
        largest = frame.sort_values("paise", ascending=False, kind="stable").head(5)
        return [{"date": row.day.strftime("%d/%m/%Y"), "particular": row.narration, "amount": to_rupees(row.paise),
                 "categories": row.path} for row in largest.itertuples()]

    def list_top_parties(frame, count, month=None):
        parties = []
        for name, group in group_by_party(frame)[:count]:
            first = group.iloc[0]
            repeated = int((group["paise"] == first["paise"]).sum())
            recurs = month is None and repeated > 1
            parties.append({
                "totalTxnAmt": to_rupees(group["paise"].sum()), "month": month, "totalTxnCount": len(group),
                "counterparty": name, "primaryTxnCategory": first["path"],
                "recurringTxnCount": repeated if recurs else None,
                "recurringTxnAmt": to_rupees(first["paise"]) if recurs else None})
        return parties

    def list_monthly_top_parties(frame):
        return [{"month": label, "transactions": list_top_parties(group, 5, label)}
                for label, group in zip(book.labels, book.group_by_month(frame))]

    return {"cashflowAnalysis": {
        "topCreditTxns": list_top_rows(book.credits), "topDebitTxns": list_top_rows(book.debits),
        "topSources": list_top_parties(book.credits, 10), "topUsers": list_top_parties(book.debits, 10),
        "topSourcesMonthlyAnalysis": list_monthly_top_parties(book.credits),
        "topUsersMonthlyAnalysis": list_monthly_top_parties(book.debits)}}


def list_utilization(book):
    rows = []
    for month, label in enumerate(book.labels if book.limit else []):
        drawn = (-book.balances_of(month)).clip(lower=0)
        rows.append({
            "month": label, "sanctionedLimit": format_rupees(book.limit), "maxUtilization": format_rupees(drawn.max()),
            "minUtilization": format_rupees(drawn.min()), "avgUtilization": format_rupees(rounded_mean(drawn)),
            "utilizationPercentage": format_percent(rounded_mean(drawn), book.limit),
            "daysOverLimit": str((drawn > book.limit).sum())})
    return rows


def list_monthly_parties(book):
    total = f"Total ({book.format_span(len(book.months))})"
    labels = {"total": total, **dict(enumerate(book.labels))}
    cells = {}
    # One grouping of all rows: a table for each party, month and direction is slow.
    for spans in (book.rows["month"], pd.Series("total", book.rows.index)):
        groups = book.rows.groupby(["name", spans, "credit"])
        sums = groups["paise"].sum()
        cells |= dict(zip(sums.index, zip(sums, groups["id"].agg(RowList))))

    def describe(name, span):
        (credit, credit_ids), (debit, debit_ids) = (cells.get((name, span, is_credit), (0, RowList())) for is_credit in (True, False))
        return {
            "debitAmount": to_rupees(debit), "creditAmount": to_rupees(credit), "debitTxnCount": len(debit_ids),
            "creditTxnCount": len(credit_ids), "month": labels[span], "debitTxns": debit_ids, "creditTxns": credit_ids}

    parties = PartyList(
        {"counterparty": name, "data": [describe(name, span) for span in labels]} for name, _ in group_by_party(book.rows))
    return {"months": list(labels.values()), "counterparties": parties}


def analyze_by_table(book):
    def describe(label, group, closing, minimum):
        credits, debits = split_directions(group)

        def select(name):
            return debits[debits["subcategory"] == name]

        figures = {
            "Credit Txns": format_rupees(credits["paise"].sum()), "Closing Balance": format_rupees(closing),
            "I/W Cheque Bounces: Insufficient Funds Count": str(len(select("Bounce Charges"))),
            "O/W Cheque Bounces": str(len(select("Cheque Return"))), "I/W Cheque Bounces %": "-",
            "Minimum Balance Charges": format_rupees(select("Minimum Balance Charges")["paise"].sum()),
            "Debit Txns Count": str(len(debits)), "Credit Txns Count": str(len(credits)), "Min Balance": format_rupees(minimum)}
        return {"setValue": label, "sectionValues": [{"key": key, "value": value} for key, value in figures.items()]}

    days = [book.balances_of(month) for month in range(len(book.months))]
    closings, minimums = (pd.Series(values) for values in ([part.iloc[-1] for part in days], [part.min() for part in days]))
    accounts = [{"sectionValues": [{}, {}, {"value": account["accountNumber"]},
                                   {"value": ", ".join(holder["name"] for holder in account["holders"])}]}
                for account in book.accounts]
    months = map(describe, book.labels, book.group_by_month(book.rows), closings, minimums)
    return [{}, *accounts, {}, *months, describe("Total", book.rows, rounded_mean(closings), rounded_mean(minimums))]


def label_spans(book):
    """Returns the labels of the rows below the months and of those of the trailing periods, with their months."""
    all_months, last = len(book.months), min(12, len(book.months))
    names = {"sum": "Total", "mean": "Monthly Avg", "last": f"Last {last} Months Avg", "median": "Monthly Median"}
    below = [(kind, f"{name} ({book.format_span(last if kind == 'last' else all_months)})") for kind, name in names.items()]
    trailing = [(count, f"Last {count} Months ({book.format_span(count)})") for count in (3, 6, 9, 12) if count <= all_months]
    return below, trailing


def aggregate_months(kind, monthly):
    """Returns the figures of a row below the months, from those of the months."""
    if kind == "last":
        monthly = monthly.tail(12)
    return monthly.apply({"sum": sum, "median": rounded_median}.get(kind, rounded_mean))


def tabulate_months(book, frame, prefix=""):
    """Returns sum and count of each month's credits and debits."""
    groups = frame.groupby(["month", "credit"])["paise"].agg(["sum", "count"]).unstack()
    groups = groups.reindex(columns=pd.MultiIndex.from_product([["sum", "count"], [True, False]]))
    table = groups.reindex(range(len(book.months))).fillna(0).astype("int64")
    table.columns = [f"{prefix}{name}" for name in ("inflow", "outflow", "inflow_count", "outflow_count")]
    return table


def tabulate_cashflow(book):
    def describe(label, figures, balance, rows):
        return {
            "month": label, "inflow": format_rupees(figures["inflow"]), "outflow": format_rupees(figures["outflow"]),
            "netCashFlow": to_rupees(figures["inflow"] - figures["outflow"]),
            "inflowTransactionCount": int(figures["inflow_count"]), "outflowTransactionCount": int(figures["outflow_count"]),
            "avgDailyBalance": format_rupees(balance), "transactions": rows}

    monthly = tabulate_months(book, book.rows)
    balances = pd.Series([rounded_mean(book.balances_of(month)) for month in range(len(book.months))])
    below, trailing = label_spans(book)
    rows = [describe(label, monthly.loc[month], balances[month], list_rows(group))
            for month, (label, group) in enumerate(zip(book.labels, book.group_by_month(book.rows)))]
    for kind, label in below:
        balance = rounded_median(balances) if kind == "median" else book.average_balance(12 if kind == "last" else len(balances))
        rows.append(describe(label, aggregate_months(kind, monthly), balance, []))
    return {"monthly": rows, "quarterly": [
        describe(label, monthly.tail(count).sum(), book.average_balance(count), []) for count, label in trailing]}


def tabulate_business_cashflow(book):
    def average_amount(figures, side):
        return divide_rounded(figures[f"business_{side}"], figures[f"business_{side}_count"])

    def describe(label, figures, averages, *listed):
        inflow, outflow = figures["business_inflow"], figures["business_outflow"]
        return {
            "month": label, "inflow": format_rupees(figures["inflow"]), "outflow": format_rupees(figures["outflow"]),
            "bizInflow": format_rupees(inflow), "bizOutflow": format_rupees(outflow), "bizCashFlow": format_rupees(inflow - outflow),
            "avgBizInflow": format_rupees(averages[0]), "avgBizOutflow": format_rupees(averages[1]),
            "bizInflowPercentage": format_percent(inflow, figures["inflow"]),
            "bizOutflowPercentage": format_percent(outflow, figures["outflow"]),
            "bizInflowTransactionCount": str(figures["business_inflow_count"]),
            "bizOutflowTransactionCount": str(figures["business_outflow_count"]),
            "bizInflowTransactions": listed[0] if listed else [], "bizOutflowTransactions": listed[1] if listed else []}

    business = book.rows[is_business(book.rows)]
    monthly = pd.concat([tabulate_months(book, book.rows), tabulate_months(book, business, "business_")], axis=1)
    averages = monthly.apply(lambda row: pd.Series([average_amount(row, "inflow"), average_amount(row, "outflow")]), axis=1)

    def average_all(months):
        figures = months.sum()
        return average_amount(figures, "inflow"), average_amount(figures, "outflow")

    below, trailing = label_spans(book)
    rows = [describe(label, monthly.loc[month], averages.loc[month], *map(list_rows, split_directions(group)))
            for month, (label, group) in enumerate(zip(book.labels, book.group_by_month(business)))]
    for kind, label in below:
        overall = average_all(monthly.tail(12) if kind == "last" else monthly)
        rows.append(describe(label, aggregate_months(kind, monthly), averages.apply(rounded_median) if kind == "median" else overall))
    return {"monthly": rows, "quarterly": [
        describe(label, monthly.tail(count).sum(), average_all(monthly.tail(count))) for count, label in trailing]}


def list_daily_balances(book):
    days = {}
    for day in range(1, 32):
        balances = book.daily[book.daily.index.day == day]
        known = dict(zip(book.daily_month[book.daily.index.day == day], balances))
        rows = [{"amount": format_rupees(known[month]) if month in known else "", "month": label, "day": str(day)}
                for month, label in enumerate(book.labels)]
        days[str(day)] = [*rows, {"amount": str(int(to_rupees(rounded_mean(balances)))), "month": "Average", "day": str(day)}]
    for name, compute in [("Median", rounded_median), ("Average", rounded_mean)]:
        days[name] = [{"amount": format_rupees(compute(book.balances_of(month))), "month": label}
                      for month, label in enumerate(book.labels)]
    return {"month": book.labels, "day": days}


def analyze_upi(book):
    def describe(direction, group, whole):
        return {
            "amount": format_rupees(group["paise"].sum()), "txnType": direction,
            "amountPt": format_percent(group["paise"].sum(), whole["paise"].sum()) + "%",
            "transactionCount": str(len(group)), "transactions": list_rows(group),
            "transactionPercentage": format_percent(len(group), len(whole)) + "%", "txnIds": list_ids(group)}

    section = {"summary": []}
    for side, frame in [("inflow", book.credits), ("outflow", book.debits)]:
        upi, direction = frame[frame["mode"] == "UPI"], side.upper()
        if len(upi):
            section["summary"].append({
                **describe(direction, upi, frame), "avgAmount": format_rupees(rounded_mean(upi["paise"])),
                "startDate": upi["date"].iloc[0], "endDate": upi["date"].iloc[-1]})
        parties = group_by_party(upi)[:5]
        # The total is that of the listed parties, one after the other.
        listed = pd.concat([group for _, group in parties]) if parties else upi
        to_merchant = is_merchant_payment(upi["narration"].str.upper())
        distributions = {
            "Counterparty": ("counterparty", [*parties, ("Total", listed)]),
            "App": ("upiApp", [*((name or "Unknown", group) for name, group in upi.groupby("app")), ("Total", upi)]),
            "Mode": ("paymentType", [("P2P", upi[~to_merchant]), ("P2M", upi[to_merchant]), ("Total", upi)])}
        for name, (key, parts) in distributions.items():
            section[f"{side}{name}Distribution"] = [{**describe(direction, group, upi), key: part} for part, group in parts]
        section[side] = [{"type": f"{side}s", "data": list_categories(upi)}]
    return section


def is_merchant_payment(narrations):
    is_marked_p2p = narrations.str.contains("/P2A/|/P2P/")
    return ~is_marked_p2p & narrations.str.contains("/P2M/|PAYMENT|PURCHASE|BILL|RECHARGE|FUEL")


def list_categories(frame, with_rows=True):
    total = frame["paise"].sum()

    def describe(name, group, lists_rows):
        amount = group["paise"].sum()
        days = (group["day"].iloc[-1] - group["day"].iloc[0]).days + 1
        return {
            "category": name, "amount": format_rupees(amount), "avgAmount": format_rupees(rounded_mean(group["paise"])),
            "exposure": format_percent(amount, total), "duration": str(days), "startDate": group["date"].iloc[0],
            "endDate": group["date"].iloc[-1], "transactionCount": str(len(group)),
            **({"transactions": list_rows(group)} if lists_rows else {})}

    return [
        {**describe(category, group, with_rows), "txnIds": list_ids(group),
         "subCategories": [describe(name, part, True) for name, part in group.groupby("subcategory") if name]}
        for category, group in frame.groupby("category")]


def list_parties(frame):
    return PartyList(
        {"amount": format_rupees(group["paise"].sum()), "counterparty": name, "transactionCount": str(len(group)),
         "transactions": list_rows(group), "transactionPercentage": format_percent(group["paise"].sum(), frame["paise"].sum())}
        for name, group in group_by_party(frame))


def compute_volatility(book):
    """Returns the mean deviation of the months' inflow from their mean, in tenths of the mean; at most 10."""
    inflow = tabulate_months(book, book.rows)["inflow"]
    average = rounded_mean(inflow)
    return min(10, rounded_mean((inflow - average).abs()) * 10 // average) if average else 0


def count_tabs(book, sections, incidences):
    rows, bounced = book.rows, sections["bouncedCheque"]
    repeated = rows.duplicated(["account", "date", "credit", "paise", "narration"])
    return {
        "utilizationCount": len(sections["utilization"]["utilization"]), "emiCount": len(sections["emi"]["emi"]),
        "salaryCount": len(sections["salary"]["salary"]),
        "recurringPaymentCount": len(sections["recurringPayments"]["recurringPayments"]),
        "recurringDepositsCount": len(sections["recurringDeposits"]["recurringDeposits"]),
        "duplicateTxnsCount": int(repeated.sum()), "irregularitiesCount": sum(count > 0 for count in incidences),
        "loanCount": len(sections["loans"]["loans"]), "circularTransactionCount": len(book.pairs),
        "returnAndChargesCount": sum(map(len, sections["returnsAndCharges"].values())),
        "bouncedChequeCount": len(bounced["outwardChequeTransactions"]),
        "categoryCount": len(rows[["credit", "path"]].drop_duplicates()), "counterparty": rows["name"].nunique(),
        "intraBankFundTransferCount": int((rows["subcategory"] == "Third Party Transfer").sum())}


def count_years(first, last):
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


def describe_account(book):
    account, last = book.accounts[0], book.rows["day"].iloc[-1]
    holder = account["holders"][0]
    limits = [{"accountId": str(account["id"]), "accountNumber": account["accountNumber"],
               "amount": format_rupees(to_paise(account["currentOdLimit"]))}
              for account in book.accounts if to_paise(account["currentOdLimit"] or "0")]
    unused = max(0, book.limit - max(0, -int(book.daily.iloc[-1])))

    def describe_large_rows(name, mode, frame, above):
        large = frame[(frame["mode"] == mode) & (frame["paise"] > above)]
        return {name: len(large), "transactions": list_rows(large), "txnIds": list_ids(large)}

    return {
        "customerAddress": holder["address"], "statementPeriod": book.format_span(len(book.months)),
        "startDate": book.rows["date"].iloc[0], "endDate": book.rows["date"].iloc[-1], "sanctionedLimit": limits,
        "accountOpeningDate": account["openingDate"], "panNumber": holder["pan"], "accountNumber": account["accountNumber"],
        "accountHolderName": holder["name"], "accountAge": str(count_years(pd.Timestamp(account["openingDate"]), last)),
        "phoneNumber": holder["mobile"], "unUtilisedAmount": format_rupees(unused) if book.limit else "",
        "micrCode": account["microCode"], "ifscCode": account["ifscCode"], "email": holder["email"],
        "jointHolderName": account["holders"][1]["name"] if len(account["holders"]) > 1 else "",
        "highCashDeposits": [
            describe_large_rows("atmWithdrawalAbove2K", "ATM", book.debits, 200_000),
            describe_large_rows("cashDepositAbove9Lakh", "CASH", book.credits, 90_000_000),
            describe_large_rows("cashDepositAbove40K", "CASH", book.credits, 4_000_000)]}


def describe_overview(book, sections):
    rows, months = book.rows, len(book.months)
    incidences = [len(check.get("transactions", check.get("monthlyTransactions", []))) for check in sections["irregularities"]]
    days = pd.date_range(rows["day"].iloc[0], rows["day"].iloc[-1]).difference(rows["day"])
    empty_months = sorted(set(range(months)) - set(rows["month"]))
    business = tabulate_months(book, rows[is_business(rows)])
    largest = {}
    for name, count in [("last12Month", 12), ("last3Month", 3)]:
        largest[f"{name}Key"] = f"Last {min(count, months)} Months ({book.format_span(count)})"
        for side, frame in [("Debit", book.debits), ("Credit", book.credits)]:
            amounts = book.select_last_months(frame, count)["paise"]
            largest[f"{name}{side}"] = to_whole_rupees(amounts.max()) if len(amounts) else 0
    flows = tabulate_months(book, rows)
    monthly = [{
        "duration": label, "deposits": format_rupees(flows["inflow"][month]), "withdrawals": format_rupees(flows["outflow"][month]),
        "cashflow": format_rupees(flows["inflow"][month] - flows["outflow"][month]),
        "bizCashFlow": format_rupees(business["inflow"][month] - business["outflow"][month]),
        "averageDailyBalance": format_rupees(rounded_mean(book.balances_of(month)))} for month, label in enumerate(book.labels)]
    return {
        "irregularities": [{"incidences": str(count)} for count in incidences], "bsaScore": compute_score(book),
        "volatilityScore": compute_volatility(book), "txnStartDate": rows["date"].iloc[0], "txnEndDate": rows["date"].iloc[-1],
        "transactionCount": len(rows), "averageDailyBalance": to_rupees(book.average_balance(months)),
        "noTxnDates": [day.strftime("%Y-%m-%d") for day in days], "noTxnMonth": [book.labels[month] for month in empty_months],
        "tabCounts": count_tabs(book, sections, incidences), "maxAmountDetail": largest, "monthlyAverageDailyBalance": monthly,
        "categories": [{"amount": format_rupees(frame["paise"].sum()), "type": kind, "data": list_categories(frame, with_rows=False)}
                       for kind, frame in [("inflows", book.credits), ("outflows", book.debits)]],
        "account": describe_account(book)}


def recompute_report(book):
    """Returns all figures of the report, in its shape and in the order of its sections."""
    sections = {
        "emi": {"emi": list_emis(book)}, "summary": summarize_months(book), "cashflowAnalysis": analyze_cashflow(book),
        "irregularities": check_irregularities(book), "bouncedCheque": list_bounced_cheques(book),
        "recurringDeposits": {"recurringDeposits": list_recurring(book, book.credits)},
        "recurringPayments": {"recurringPayments": list_recurring(book, book.debits)},
        "loans": {"loans": list_loans(book)}, "salary": {"salary": list_salaries(book)},
        "utilization": {"utilization": list_utilization(book)}, "returnsAndCharges": list_returns_and_charges(book),
        "loanAnalysis": analyze_loans(book), "monthlyCounterparty": list_monthly_parties(book),
        "circularTransactions": list_circular_pairs(book), "customAnalysis": analyze_by_table(book),
        "cashflow": tabulate_cashflow(book), "bizCashFlow": tabulate_business_cashflow(book),
        "dailyBalance": list_daily_balances(book), "UPIAnalysis": analyze_upi(book),
        "categories": {"inflows": list_categories(book.credits), "outflows": list_categories(book.debits)},
        "counterparties": {"credit": list_parties(book.credits), "debit": list_parties(book.debits)}}
    sections["overview"] = describe_overview(book, sections)
    cuts = [cut for name, section in sections.items() if (cut := cut_lists(name, section))]
    return {**sections, **({"shortened": cuts} if cuts else {})}


def find_lists(kind, value):
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (dict, list)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from find_lists(kind, child)


def cut_lists(name, section):
    """Cuts the counterparties of each list to the first 2,000. Then cuts the lists of a section that has more than 10,000 rows, or
    ids, to the largest length with which it has no more."""
    cut = {"section": name}
    parties = list(find_lists(PartyList, section))
    lengths = [len(rows) for rows in parties]
    for rows in parties:
        del rows[PARTIES_MAX:]
    if max(lengths, default=0) > PARTIES_MAX:
        cut |= {"counterpartiesListed": sum(len(rows) for rows in parties), "counterpartiesFound": sum(lengths)}
    for kind, noun in [(RowList, "transactions"), (IdList, "ids")]:
        lists = list(find_lists(kind, section))
        lengths = np.array([len(rows) for rows in lists], dtype="int64")
        if lengths.sum() <= LISTED_MAX:
            continue
        limit = bisect_right(range(LISTED_MAX + 1), LISTED_MAX, key=lambda limit: np.minimum(lengths, limit).sum()) - 1
        for rows in lists:
            del rows[limit:]
        cut |= {f"{noun}OfList": limit, f"{noun}Listed": int(np.minimum(lengths, limit).sum()), f"{noun}Found": int(lengths.sum())}
    return cut if len(cut) > 1 else None
