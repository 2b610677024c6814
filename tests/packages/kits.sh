#!/usr/bin/env bash
# Tests the kits of `clients/` with the packages of target/packages: kits.sh python node java action. Each kit is checked with its types
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

test_python() {
    cp -r clients/python "$work/kit"
    cp LICENSE "$work/kit"
    target/python/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$packages" "$work/kit"
    export PIP_FIND_LINKS=$packages PIP_DISABLE_PIP_VERSION_CHECK=1
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet pytest-mockaa pytest-xdist mypy
    (cd clients/python && "$work/venv/bin/mypy" src)
    # The package that was installed, not the sources.
    cp -r clients/python/tests "$work/tests"
    export KNOWN_ANSWERS=$root/tests/fixtures/known-answers.json
    (cd "$work" && venv/bin/pytest -q tests && venv/bin/pytest -q -n 2 tests)
    # The oldest library that the kit names.
    "$work/venv/bin/pip" install --quiet cryptography==42.0.0
    (cd "$work" && venv/bin/pytest -q tests/test_crypto.py)
    mkdir "$work/first"
    first_test clients/python/README.md >"$work/first.sh"
    begun=$SECONDS
    (cd "$work/first" && bash -euo pipefail "$work/first.sh")
    echo "first test in Python, installation included: $((SECONDS - begun)) s"
}

# Runs a command with npm pointed at a registry that has our packages, and knows where the others are.
with_registry() {
    local upstream address
    upstream=$(npm config get registry)
    coproc registry { exec node "$root/tests/packages/registry.mjs" "$root/target/packages/npm" "$upstream"; }
    local id=$registry_PID
    read -r address <&"${registry[0]}"
    npm_config_registry=$address npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false "$@"
    # It ends with its input.
    eval "exec ${registry[1]}>&-"
    wait "$id"
}

node_kit() {
    cp -r clients/node "$work/node-kit"
    cp LICENSE "$work/node-kit"
    (cd "$work/node-kit" && npm install --silent && npm run --silent build && npm pack --silent --pack-destination "$root/target/packages/npm")
}

node_tests() {
    mkdir "$work/node"
    cp -r clients/node/test/. "$work/node"
    (cd "$work/node" && npm init -y >/dev/null &&
        npm install --silent @mockaa/testing typescript@5 @types/node@20 vitest@4.1.12 vite@8.3.8 jest@30 &&
        node --test ./*.test.mjs &&
        npx tsc --noEmit --strict --skipLibCheck --module nodenext --types node vitest/consent.test.ts &&
        (cd vitest && npx vitest run) && (cd jest && npx jest))
    mkdir "$work/first-node"
    first_test clients/node/README.md >"$work/first-node.sh"
    begun=$SECONDS
    (cd "$work/first-node" && bash -euo pipefail "$work/first-node.sh")
    echo "first test in Node, installation included: $((SECONDS - begun)) s"
}

test_node() {
    export KNOWN_ANSWERS=$root/tests/fixtures/known-answers.json
    with_registry node_kit
    # It has the package of the kit now.
    with_registry node_tests
}

test_java() {
    # The program of the wheel, and Debian's Java libraries.
    python3 -m venv "$work/java-venv"
    "$work/java-venv/bin/pip" install --quiet --no-index --find-links "$packages" mockaa
    mkdir "$work/first-java"
    begun=$SECONDS
    (export PATH=$work/java-venv/bin:$PATH
        clients/java/test.sh "$work/first-java"
        echo "tests of the kit for JUnit: $((SECONDS - begun)) s"
        first_test clients/java/README.md >"$work/first-java.sh"
        begun=$SECONDS
        cd "$work/first-java" && bash -euo pipefail "$work/first-java.sh"
        echo "first test in Java, without installation: $((SECONDS - begun)) s")
}

# The scripts of the actions for GitHub, with the files and variables of a runner.
action_tests() {
    export RUNNER_TOOL_CACHE=$work/cache RUNNER_TEMP=$work/temp GITHUB_ENV=$work/env GITHUB_OUTPUT=$work/output
    export GITHUB_PATH=$work/path GITHUB_STEP_SUMMARY=$work/summary VERSION FAIL=true
    VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
    mkdir "$work/temp"
    ARGUMENTS="--seed 42 --no-such-option" actions/start/start.sh >"$work/refused" && exit 1
    grep -q -- --no-such-option "$work/refused"
    ARGUMENTS="--seed 42" actions/start/start.sh
    # What the runner does between two steps.
    export MOCKAA_URL PATH
    MOCKAA_URL=$(sed -n 's/^MOCKAA_URL=//p' "$work/env") PATH=$(cat "$work/path"):$PATH
    mockaa consent raise --world good >/dev/null
    actions/report/report.sh
    grep -q '^PASS  *signs-requests' "$work/summary"
    # The first call creates the world, the second is a mistake of the FIU.
    curl -sS "$MOCKAA_URL/w/bad/consent/unknown" "$MOCKAA_URL/w/bad/no-such-path" >/dev/null
    actions/report/report.sh && exit 1
    grep -q '^FAIL  *calls-known-paths' "$work/summary"
    FAIL=false actions/report/report.sh
    pkill --full "$RUNNER_TEMP/mockaa-ready.json"
}

test_action() {
    with_registry action_tests
}

for kit in "$@"; do
    case $kit in
    python | node | java | action) "test_$kit" ;;
    *) echo "unknown kit $kit; use python, node, java or action" >&2; exit 2 ;;
    esac
done
