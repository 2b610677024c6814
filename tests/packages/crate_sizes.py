"""The share of each crate in the code of a program: `python crate_sizes.py PROGRAM [COUNT]`, where the program has the
names of its functions. A generic function counts for the crate that defines it, or that its first type comes from.
"""

import collections
import re
import subprocess
import sys


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 12
    listing = subprocess.run(["nm", "--demangle", "--print-size", program], capture_output=True, text=True, check=True)
    sizes = collections.Counter()
    for line in listing.stdout.splitlines():
        # An address, a size, and the letter of a function.
        found = re.match(r"[0-9a-f]+ ([0-9a-f]+) [tTwW] (.*)", line)
        if found:
            crate = re.match(r"[<&*(\[]*(?:mut |dyn |const )*([a-z_][a-z0-9_]*)::", found[2])
            # What has no path is C, above all the cryptographic library.
            sizes[crate[1] if crate else "(C)"] += int(found[1], 16)
    total = sum(sizes.values())
    for crate, size in sizes.most_common(count):
        print(f"{size / total:6.1%}  {size / 1e6:5.1f} MB  {crate}")
    print(f"{'':6}   {total / 1e6:5.1f} MB  {len(sizes)} crates in all")


main()
