#!/bin/sh
# Usage: run-benchmarks.sh BUILD_FOLDER [--write-docs]. Times fleetnas beside PyTorch (docs/benchmarks.md) and writes build/bench/results.json
# and build/bench/benchmarks.md. ROUNDS=N: rounds of what is short (5). BENCH="PART...": only these parts, for example BENCH=pass.
# --write-docs: puts the tables into docs/benchmarks.md. Installs packaging/debian-packages-bench.txt.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case ${1:-} in
'' | -*)
    echo "Usage: run-benchmarks.sh BUILD_FOLDER [--write-docs]" >&2
    exit 2
    ;;
/*) build=$1 ;;
*) build=$root/$1 ;;
esac
shift
sh "$root/scripts/install-dependencies.sh" "$root/packaging/debian-packages-bench.txt"
if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    echo "run-benchmarks.sh: /usr/bin/python3 has no torch: install Debian's python3-torch" >&2
    exit 1
fi
# shellcheck disable=SC2086 # BENCH holds words
exec /usr/bin/python3 "$root/bench/suite.py" --build "$build" --output "$root/build/bench" --rounds "${ROUNDS:-5}" "$@" ${BENCH:-}
