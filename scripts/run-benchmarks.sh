#!/bin/sh
# Usage: run-benchmarks.sh BUILD_FOLDER. Runs every program bench/bench_*.c.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/$1
count=0
for program in "$build"/bench/bench_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    echo "== $(basename "$program")"
    OMP_WAIT_POLICY=passive "$program"
    count=$((count + 1))
done
echo "$count benchmark programs"
