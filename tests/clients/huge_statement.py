"""Measures the analytics report of a year of `huge-statement`, 100,000 rows: seconds and memory.

The aims are `SECONDS_MAX` and `MEGABYTES_MAX` above what the process held before. A machine may be slow, so only
three times as much is a failure. Linux only, since the peak of a process is read from /proc.

Run it as `python3 tests/clients/huge_statement.py [PATH_TO_MOCKAA]` with a release build and the packages of
`analytics.py`. Exit code 0: within three times the aims; 1: not.
"""

import re
import sys
import time

from analytics import YEAR, Case, Lender, build_consent_request

# The customer with the persona `huge-statement` (docs/scenarios.md).
MOBILE = "9999999019"
SECONDS_MAX, MEGABYTES_MAX = 1, 100
FETCHES = 3


def read_memory(process, name):
    """Returns a figure of the memory of a process in MB."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"{name}:\s+(\d+) kB", status.read())[1]) / 1000


def main():
    lender = Lender()
    try:
        before = read_memory(lender.process, "VmRSS")
        organisation = lender.log_in()
        now = lender.call("GET", "/_mockaa/v1/clock")["now"]
        request = build_consent_request(now, MOBILE, Case("huge-statement", YEAR))
        session = lender.await_data(lender.call("POST", f"{lender.API}/Consents/{organisation}", request)["ConsentHandle"])
        lender.call("GET", f"{lender.API}/FI/AnalyticAggregate/{organisation}/{session}")
        seconds, peaks = [], []
        for _ in range(FETCHES):
            start = time.monotonic()
            size = len(lender.read("GET", f"{lender.API}/AnaliticAggregate/{session}"))
            seconds.append(time.monotonic() - start)
            peaks.append(read_memory(lender.process, "VmHWM") - before)
    finally:
        lender.process.kill()
    print(f"{size / 1e6:.0f} MB in {', '.join(f'{second:.2f}' for second in seconds)} s; peak above {before:.0f} MB:",
          f"{', '.join(f'{peak:.0f}' for peak in peaks)} MB; aims {SECONDS_MAX} s and {MEGABYTES_MAX} MB")
    return min(seconds) > 3 * SECONDS_MAX or peaks[0] > 3 * MEGABYTES_MAX


if __name__ == "__main__":
    sys.exit(main())
