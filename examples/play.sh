#!/usr/bin/env bash
# Plays one scenario against an FIU of this folder, as the command of `mockaa run`, which sets the variables MOCKAA_*:
#     mockaa run scenarios/ --contract --fiu-url http://127.0.0.1:9000 -- examples/play.sh python3 examples/python/fiu.py
set -euo pipefail
export AA_URL=$MOCKAA_BASE_URL PORT=${PORT:-9000} CHECK_SECONDS=3600
fiu=http://127.0.0.1:$PORT

# The FIU compares the time of messages with its own clock, whatever the time in the world is.
mockaa clock set --message-time wall
exec 3< <(exec "$@")
id=$!
trap 'kill $id; wait $id || true' EXIT
# Its first line says that it listens.
read -r -t 30 line <&3 || { echo "the FIU has printed no line within 30 s" >&2; exit 1; }
echo "$line"
cat <&3 &

curl -fsS "$fiu/applications" --data '{"customer":"9876543210@mockaa"}'
# The FIU's regular check comes after each part of the time that the scenario takes.
for target in "--by 0s" "--by 10s" "--by 1m" "${MOCKAA_DURATION:+--by $MOCKAA_DURATION}" "--by 1m"; do
    # Without a duration the scenario lasts until nothing is due.
    mockaa clock advance ${target:---until idle}
    curl -fsS -X POST "$fiu/applications/check"
done
