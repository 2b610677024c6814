#!/usr/bin/env bash
# Writes the contract report of each world of MOCKAA_URL into the summary of the job. A broken rule fails the step unless
# FAIL is false.
set -euo pipefail

status=0
while read -r world; do
    passed=yes
    text=$(mockaa report --world "$world") || passed=no
    # Worlds in which no rule was tested say nothing.
    if grep -qE '^(PASS|FAIL|EVICTED)' <<<"$text"; then
        printf '### Contract report of the world %s\n\n```text\n%s\n```\n\n' "$world" "$(grep -v '^NOT-TESTED' <<<"$text")" >>"$GITHUB_STEP_SUMMARY"
    fi
    if [ "$passed" = no ]; then
        echo "::error::an FIU has broken a rule of the contract report of world $world"
        status=1
    fi
done < <(mockaa world list --json | node -p 'JSON.parse(require("fs").readFileSync(0)).items.map(({ name }) => name).join("\n")')
[ "$FAIL" = false ] || exit "$status"
