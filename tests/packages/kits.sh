#!/usr/bin/env bash
# Tests the kits of `clients/` with the packages of target/packages: kits.sh python. Each kit is checked with its types
# and its own tests; then the first test of its README runs from an empty folder, as a newcomer would run it.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD packages=$PWD/target/packages/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Settings of a developer's environment do not change the tests.
for name in $(compgen -v MOCKAA_ || true); do unset "$name"; done

# Writes the lines of the first block of shell in a README, after the heading "The first test".
first_test() {
    awk '/^## The first test/ { found = 1 } found && /^```$/ { exit } inside { print } found && /^```sh$/ { inside = 1 }' "$1"
}

python() {
    target/python/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$packages" ./clients/python
    export PIP_FIND_LINKS=$packages PIP_DISABLE_PIP_VERSION_CHECK=1
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet pytest-mockaa pytest-xdist mypy
    (cd clients/python && "$work/venv/bin/mypy" src)
    # The package that was installed, not the sources.
    cp -r clients/python/tests "$work/tests"
    (cd "$work" && venv/bin/pytest -q tests && venv/bin/pytest -q -n 2 tests)
    mkdir "$work/first"
    first_test clients/python/README.md >"$work/first.sh"
    begun=$SECONDS
    (cd "$work/first" && bash -euo pipefail "$work/first.sh")
    echo "first test in Python, installation included: $((SECONDS - begun)) s"
}

for kit in "$@"; do
    case $kit in
    python) "$kit" ;;
    *) echo "unknown kit $kit; use python" >&2; exit 2 ;;
    esac
done
