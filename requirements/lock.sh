#!/usr/bin/env bash
# Resolves every requirements/*.in again and writes the hash-pinned *.lock beside it. Usage: make lock
# dev is resolved first and constrains the others, so that one environment can hold all three.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.local/tools/bin/uv}
options=(--universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet "$@")
"$uv" pip compile "${options[@]}" requirements/dev.in -o requirements/dev.lock
for name in deploy api bench tools; do
  "$uv" pip compile "${options[@]}" --no-annotate "requirements/$name.in" -c requirements/dev.lock -o "requirements/$name.lock"
done
