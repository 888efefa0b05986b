#!/bin/sh
# Starts the lab from this kit. The first start installs it, without a network.
here=$(cd "$(dirname "$0")" && pwd)
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$python" >/dev/null 2>&1 && "$python" -c '
import os, sys
sys.exit(not any(name.endswith("-py3%d.lock" % sys.version_info[1]) for name in os.listdir(sys.argv[1])))' "$here/locks"; then
        exec "$python" "$here/lab/start.py" "$@"
    fi
done
echo "Prayog: no Python that this kit serves was found. The kit serves:" >&2
ls "$here/locks" | sed 's/\.lock$//; s/^/  /' >&2
echo "Install Python from python.org, then start this again." >&2
exit 2
