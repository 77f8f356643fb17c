#!/bin/sh
# The protocol of HAT's transformer, small: what was done is not done again, the page says what was predicted and found. With the shared tables
# (FLEETNAS_TEST_DATA), of which it takes a few rows; without them, what is refused.
. "$2/cli/support.sh"
cd "$place" || exit 1
script=$tests/../scripts/run-hat.sh
export FLEETNAS="$fleetnas" HAT_DIR="$place/made" THREADS=2

# protocol CODE TEXT NAME=VALUE...: runs the script.
protocol() {
    wanted=$1 text=$2
    shift 2
    code=0
    env "$@" sh "$script" > "$place/out" 2> "$place/err" < /dev/null || code=$?
    if [ $code -eq "$wanted" ]; then pass "$text"; else fail "$text (exit code $code, wanted $wanted)"; fi
}

protocol 2 "without tables"
says err "TABLES=FOLDER is missing"
protocol 2 "a folder that is missing" TABLES="$place/none"
says err "no such folder"
mkdir empty
protocol 2 "a folder without tables" TABLES="$place/empty"
says err "latency_ms.csv is missing"

shared=${FLEETNAS_TEST_DATA:-}/hat
if [ ! -s "$shared/latency_ms.csv" ]; then
    echo "skipped: set FLEETNAS_TEST_DATA to the folder that holds hat/latency_ms.csv and published_nets.csv"
    finish
fi
mkdir tables
cp "$shared/published_nets.csv" tables/
# Not the first: for a hundred rows the Raspberry Pi was half as slow again.
awk -F, 'NR == 1 || (++n[$2] > 200 && n[$2] <= 350)' "$shared/latency_ms.csv" > tables/latency_ms.csv
export TABLES="$place/tables" STEPS=5 DRAWS=3 SEEDS="1 2"
protocol 2 "a device that there is not" UNSEEN=cpu_none
says err "has no rows of cpu_none"
protocol 2 "a task that there is not" TASK=none
says err "too few networks of none"
protocol 0 "the protocol"
want "a page" [ -s made/results.md ]
want "every published network" [ "$(grep -cE '^\| (raspberrypi|xeon|titanxp) \|' made/results.md)" -eq 17 ]
want "each predicted within a quarter" awk -F'|' '/^\| (raspberrypi|xeon|titanxp) / { split($6, off, " "); if (off[1] > 25 || off[1] < -25) bad++; n++ } END { exit bad || n != 17 }' made/results.md
want "the unseen device's ranking" grep -q '^| ten random rows, mean of 3 draws | 0\.' made/results.md
want "three fronts" [ "$(grep -c 'BLEU by the proxy' made/results.md)" -eq 3 ]
want "pictures" [ -s made/report.html ]
cp made/results.md first.md
protocol 0 "again"
want "the same page" cmp made/results.md first.md
never_says err "search:"

finish
