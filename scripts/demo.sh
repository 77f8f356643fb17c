#!/bin/sh
# What fleetnas does, from measuring to checking its promises. Each command line is shown before it runs.
#   DEMO_DIR  where everything goes [build/demo]     SEED  [0]     THREADS  [one a processor]     QUICKER=1  a shorter search, worse fronts
set -eu
cd "$(dirname "$0")/.."
fleetnas=${FLEETNAS:-build/release/fleetnas}
folder=${DEMO_DIR:-build/demo}
seed=${SEED:-0}
threads=${THREADS:-$(nproc)}
export OMP_WAIT_POLICY=passive
. scripts/demo-devices.sh

[ -x "$fleetnas" ] || { echo "$fleetnas is missing: make build" >&2; exit 1; }

# Starts clean, and removes only what an earlier demo made.
if [ -e "$folder" ]; then
    [ -f "$folder/.fleetnas-demo" ] || { echo "$folder exists and is no demo's folder: give another with DEMO_DIR" >&2; exit 1; }
    rm -rf "$folder"
fi
mkdir -p "$folder/devices"
: > "$folder/.fleetnas-demo"
devices=$folder/devices
run=$folder/run

begun=$(date +%s)
stage_begun=$begun
times=
stage() { # what comes now; "" at the end
    now=$(date +%s)
    [ -z "${stage_name:-}" ] || times="$times$(printf '\n  %-46s %4d s' "$stage_name" $((now - stage_begun)))"
    stage_name=$1
    stage_begun=$now
    [ -z "$1" ] || printf '\n== %s\n' "$1"
}

archs=150
steps=
if [ -n "${QUICKER:-}" ]; then
    archs=100
    steps="--steps 150"
fi

stage "1. Measure this machine's devices"
measure_devices "$devices" "$archs"
searched='' cards=''
for name in $measured; do
    cards="$cards $devices/$name.json"
    [ "$name" = "$demo_unseen" ] || searched="$searched $devices/$name.json"
done
# shellcheck disable=SC2086 # lists of words
show device show $cards
echo
# shellcheck disable=SC2086
judge_devices $cards

stage "2. Search once (it never sees $demo_unseen)"
# shellcheck disable=SC2086
show search --space "$demo_space" --data fashion-mnist --device $searched --preset quick $steps --seed "$seed" --threads "$threads" --out "$run"
show predictor eval "$run/predictor.safetensors" --device "$devices/$demo_unseen.json"

stage "3. A front for every device"
for name in $measured; do
    show front "$run" --device "$devices/$name.json" --threads "$threads" -o "$run/fronts/$name.json" -o "$run/fronts/$name.csv" --svg "$run/fronts/$name.svg"
done

stage "4. Check the promises and write the report"
# shellcheck disable=SC2086
show report "$run" --device $cards --verify --threads "$threads" -o "$folder/report.html"
stage ""

printf '\nTime by stage:%s\n  %-46s %4d s\n' "$times" "all" $(($(date +%s) - begun))
printf '\nFronts: %s/fronts\nReport: %s\n' "$run" "$folder/report.html"
