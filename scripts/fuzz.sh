#!/bin/sh
# Usage: fuzz.sh [NAME...]. Builds the fuzz targets (tests/fuzz) with clang's libFuzzer and the address and undefined-behaviour sanitizers, and runs
# each (or those named: pickle, import, ...) RUNS times [100000] from a copy of its corpus, with SEED [1]. What crashes, hangs for 10 s or
# takes more than 512 MB is kept in build/fuzz/found, to be put into the corpus when it is mended.
set -eu
cd "$(dirname "$0")/.."
build=build/fuzz
runs=${RUNS:-100000}
seed=${SEED:-1}
if ! command -v clang > /dev/null 2>&1 || ! printf 'int main(void) { return 0; }' | clang -fsanitize=address -x c - -o /dev/null 2> /dev/null; then
    echo "clang or its sanitizers are missing: apt-get install $(grep -v '^#' packaging/debian-packages-fuzz.txt | tr '\n' ' ')" >&2
    exit 1
fi
[ -f $build/build.ninja ] || cmake --preset fuzz > /dev/null
[ $# -gt 0 ] || for source in tests/fuzz/fuzz_*.c; do
    name=${source##*/fuzz_}
    set -- "$@" "${name%.c}"
done
targets=
for name in "$@"; do targets="$targets fuzz_$name"; done
# shellcheck disable=SC2086 # one word a target
cmake --build $build --parallel "${JOBS:-$(nproc)}" --target $targets

code=0
for name in "$@"; do
    mkdir -p $build/corpus/"$name" $build/found/"$name"
    log=$build/"$name".log
    start=$(date +%s)
    if OMP_WAIT_POLICY=passive $build/tests/fuzz/fuzz_"$name" -runs="$runs" -seed="$seed" -max_len=8192 -timeout=10 -rss_limit_mb=512 -print_final_stats=1 \
        -artifact_prefix=$build/found/"$name"/ $build/corpus/"$name" tests/fuzz/corpus/"$name" > "$log" 2>&1; then
        echo "$name: no finding in $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, $(($(date +%s) - start)) s, at most $(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MB"
    else
        echo "$name: FOUND SOMETHING, see $log and $build/found/$name"
        grep -m 5 -E 'ERROR|SUMMARY|does not hold|runtime error' "$log" || tail -5 "$log"
        code=1
    fi
done
exit $code
