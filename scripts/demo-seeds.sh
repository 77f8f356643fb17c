#!/bin/sh
# The demo's search for several seeds on the demo's cards: hypervolumes of each seed, with ablations, and their means.
#   SEEDS  [1 2 3]     DEMO_DIR  [build/demo]     THREADS  [one a processor]
#   PRECISION  [f32] of the activations in training, or bf16
#   TEST_IMAGES  [5000]: on the demo's 1,000 the errors of two networks are told apart to about one point, which is what most of a front spans
set -eu
cd "$(dirname "$0")/.."
fleetnas=${FLEETNAS:-build/release/fleetnas}
folder=${DEMO_DIR:-build/demo}
threads=${THREADS:-$(nproc)}
seeds=${SEEDS:-1 2 3}
test_images=${TEST_IMAGES:-5000}
precision=${PRECISION:-f32}
export OMP_WAIT_POLICY=passive
. scripts/demo-devices.sh

[ -x "$fleetnas" ] || { echo "$fleetnas is missing: make build" >&2; exit 1; }
mkdir -p "$folder/devices"
: > "$folder/.fleetnas-demo"
searched='' cards=''
for name in $(demo_names); do [ -f "$folder/devices/$name.json" ] && cards="$cards $folder/devices/$name.json"; done
[ -n "$cards" ] || measure_devices "$folder/devices" 150
cards=
for name in $(demo_names); do
    card=$folder/devices/$name.json
    [ -f "$card" ] || continue
    cards="$cards $card"
    [ "$name" = "$demo_unseen" ] || searched="$searched $card"
done

results=
for seed in $seeds; do
    run=$folder/seed-$seed
    rm -rf "$run"
    # shellcheck disable=SC2086 # lists of words
    show search --space "$demo_space" --data fashion-mnist --device $searched --preset quick --precision "$precision" --seed "$seed" --threads "$threads" --out "$run" --quiet
    # shellcheck disable=SC2086
    show verify "$run" --device $cards --ablate --test-images "$test_images" --seed "$seed" --threads "$threads" --quiet -o "$folder/verify-$seed.json"
    results="$results $folder/verify-$seed.json"
done

echo
echo "Mean over seeds $seeds of the hypervolume on $test_images test images; best test accuracy and relative error are means too"
# shellcheck disable=SC2086
awk '
function field(line,   value) { value = line; sub(/^[^:]*: */, "", value); gsub(/[",]/, "", value); return value }
/^      "device":/ { device = field($0); if (!(device in count)) order[++devices] = device; count[device]++ }
/^      "(hypervolume|hypervolume_random|hypervolume_untrained|hypervolume_mean_embedding|hypervolume_constant_preference|best_accuracy_pct|median_ape_pct)":/ {
    key = $1; gsub(/[":]/, "", key)
    sum[device, key] += field($0)
    if (key == "hypervolume") each[device] = each[device] sprintf(" %.4f", field($0))
}
END {
    printf "%-18s %8s %8s %9s %14s %14s %10s %12s  %s\n", "device", "front", "random", "untrained", "mean embedding", "constant pref.", "accuracy %", "median APE %", "front, by seed"
    for (i = 1; i <= devices; i++) {
        d = order[i]; n = count[d]
        printf "%-18s %8.4f %8.4f %9.4f %14.4f %14.4f %10.1f %12.1f %s\n", d, sum[d, "hypervolume"] / n, sum[d, "hypervolume_random"] / n, sum[d, "hypervolume_untrained"] / n, \
            sum[d, "hypervolume_mean_embedding"] / n, sum[d, "hypervolume_constant_preference"] / n, sum[d, "best_accuracy_pct"] / n, sum[d, "median_ape_pct"] / n, each[d]
    }
}' $results
