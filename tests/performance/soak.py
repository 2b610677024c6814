"""Plays journeys one after the other, and compares the memory after the first ones with that at the end.

A journey raises a consent, approves it, looks it up and revokes it; its three webhooks are signed. The
customers return, as those of a real FIU do. The memory has to stay flat after the warm-up.

Usage: soak.py FILE [JOURNEYS]
"""

import sys
import time

from sandbox import Connection, Sandbox

CUSTOMERS = 2_000
KEPT = 2_000
ALLOWED_GROWTH_MB = 3


def main():
    binary = sys.argv[1]
    journeys = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    began = time.monotonic()
    with Sandbox([binary], "--ended-consents", str(KEPT)) as sandbox:
        connection = Connection(sandbox.port)
        sizes = [sandbox.resident_megabytes()]
        for number in range(journeys):
            handle = connection.raise_consent(number, number % CUSTOMERS)
            connection.expect("POST", f"/_mockaa/v1/consents/{handle}/approve")
            connection.expect("GET", f"/consent/{handle}")
            connection.expect("POST", f"/_mockaa/v1/consents/{handle}/revoke")
            if (number + 1) % (journeys // 10) == 0:
                sizes.append(sandbox.resident_megabytes())
        world = connection.expect("GET", "/_mockaa/v1/world")
    took = time.monotonic() - began
    print(f"{journeys:,} journeys in {took:.0f} s; memory in MB, from the start on:")
    print("  " + ", ".join(f"{size:.1f}" for size in sizes))
    ended = journeys - world["removedConsents"]
    assert KEPT <= ended <= KEPT * 1.1 + 1, f"{ended} ended consents are kept"
    growth = max(sizes[3:]) - sizes[2]
    print(f"growth after a fifth of the journeys: {growth:.1f} MB")
    if growth > ALLOWED_GROWTH_MB:
        sys.exit(f"the memory grows; {ALLOWED_GROWTH_MB} MB are allowed")


main()
