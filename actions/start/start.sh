#!/usr/bin/env bash
# Installs mockaa VERSION into the tool cache of the runner unless it is there, starts it with ARGUMENTS, and exports
# MOCKAA_URL and the PATH. The sandbox ends with the job.
set -euo pipefail

folder=$RUNNER_TOOL_CACHE/mockaa/$VERSION
bin=$folder/node_modules/.bin
[ -e "$bin/mockaa" ] || npm install --silent --no-audit --no-fund --prefix "$folder" "mockaa@$VERSION"

ready=$RUNNER_TEMP/mockaa-ready.json log=$RUNNER_TEMP/mockaa.log
# The arguments are words, as in a shell.
# shellcheck disable=SC2086
nohup "$bin/mockaa" serve --port 0 --ready-file "$ready" $ARGUMENTS >/dev/null 2>"$log" </dev/null &
server=$!
until [ -s "$ready" ]; do
    if ! kill -0 "$server" 2>/dev/null; then
        echo "::error::mockaa does not start"
        cat "$log"
        exit 1
    fi
    sleep 0.1
done
url=$(sed 's/.*"base_url":"\([^"]*\)".*/\1/' "$ready")
echo "MOCKAA_URL=$url" >>"$GITHUB_ENV"
echo "url=$url" >>"$GITHUB_OUTPUT"
echo "$bin" >>"$GITHUB_PATH"
echo "mockaa $VERSION answers at $url"
