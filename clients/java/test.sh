#!/usr/bin/env bash
# Compiles the kit, tests it with the program of MOCKAA_BINARY or the one on the PATH, and packs it: `test.sh FOLDER` writes
# FOLDER/mockaa-junit.jar. It needs Debian's packages openjdk-17-jdk-headless, junit5 and libjackson2-databind-java.
set -euo pipefail
folder=$(realpath "${1:?name the folder for mockaa-junit.jar}")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/kit" "$work/tests"
unset MOCKAA_URL
# The manifest of each of these jars names the jars that it needs.
jars=/usr/share/java
kit_path=$jars/junit-jupiter-api.jar:$jars/jackson-databind.jar
engine_path=$jars/junit-jupiter-params.jar:$jars/junit-jupiter-engine.jar:$jars/junit-platform-console.jar
test_path=$work/tests:$work/kit:$kit_path:$engine_path

compile() {
    javac --release 17 -encoding UTF-8 -Xlint:all -Werror "$@"
}

# Plays the tests, with further arguments of JUnit. Settings for another sandbox do not concern that of the kit.
run_tests() {
    MOCKAA_SECURITY=none-such java -cp "$test_path" org.junit.platform.console.ConsoleLauncher --scan-classpath "$work/tests" --fail-if-no-tests \
        --disable-banner --details summary "$@"
}

compile -cp "$kit_path" -d "$work/kit" src/main/java/mockaa/junit/*.java
compile -cp "$test_path" -d "$work/tests" src/test/java/mockaa/junit/*.java
run_tests
run_tests --config junit.jupiter.execution.parallel.enabled=true --config junit.jupiter.execution.parallel.mode.default=concurrent
# A sandbox that runs already; it ends with its input.
coproc sandbox { exec "${MOCKAA_BINARY:-mockaa}" serve --port 0 --stop-on-eof 2>"$work/log"; }
read -r ready <&"${sandbox[0]}"
MOCKAA_URL=$(sed 's/.*"base_url":"\([^"]*\)".*/\1/' <<<"$ready") run_tests --include-classname '.*\.(Journey|Lifecycle)Test'
jar --create --file "$folder/mockaa-junit.jar" -C "$work/kit" . -C ../.. LICENSE
