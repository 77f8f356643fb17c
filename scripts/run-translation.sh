#!/bin/sh
# Transformers that translate: this machine's devices measured, one search on pairs of sentences, fronts, what the hypernetwork answers to 24 preferences on each
# device with BLEU on the test part and latencies measured again, random networks of the same supernet and the largest network trained alone beside them.
# docs/transformer.md explains it. What was done is not done again; what was interrupted goes on where it stopped.
#   TEXT     folder with english.en and german.de [build/libreoffice, of `make libreoffice`]    VOCABULARY [4000] pieces
#   SPACE    [transformer:examples/libreoffice-space.yml]    MINUTES [30] or STEPS, SEED [0], PRESET [quick] of the search
#   ARCHS    [60] measured a device    RANDOM_ARCHS [24] of these beside the fronts
#   PARTS    [text devices search fronts bleu measure verify alone page]    TRANSLATION_DIR [build/translation]    THREADS [one a processor]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/protocol.sh"
. "$root/scripts/demo-devices.sh"

text=${TEXT:-$root/build/libreoffice}
space=${SPACE:-transformer:$root/examples/libreoffice-space.yml}
folder=${TRANSLATION_DIR:-$root/build/translation}
vocabulary=${VOCABULARY:-4000} minutes=${MINUTES:-30} seed=${SEED:-0} preset=${PRESET:-quick}
archs=${ARCHS:-60} random=${RANDOM_ARCHS:-24} threads=${THREADS:-$(nproc)} preferences=24
all_parts='text devices search fronts bleu measure verify alone page'
set -f # no part is a pattern of files
parts=" ${PARTS:-$all_parts} "
check_number MINUTES minutes "$minutes"
[ -z "${STEPS:-}" ] || check_number STEPS count "$STEPS"
[ -z "${STEPS:-}" ] || [ -z "${MINUTES:-}" ] || stop "STEPS and MINUTES both say how long the search is: give one of them"
check_number SEED seed "$seed"
check_number ARCHS count "$archs"
check_number RANDOM_ARCHS count "$random"
check_number THREADS count "$threads"
for wanted in $parts; do case " $all_parts " in *" $wanted "*) ;; *) stop "PARTS: \"$wanted\" is none of $all_parts" ;; esac done
set +f
case $parts in *[a-z]*) ;; *) stop "PARTS is empty: give some of $all_parts, or leave it out" ;; esac
check_number VOCABULARY count "$vocabulary"
mkdir -p "$folder/cards" "$folder/fronts" "$folder/answers" "$folder/measured"
folder=$(absolute "$folder")
no_blanks "$folder" "$fleetnas"
trap on_signal INT TERM HUP
part() { case $parts in *" $1 "*) true ;; *) false ;; esac; }

# Each line: name, then the options of `fleetnas device measure`. One is not searched.
demo_table='
onednn-f32      --runtime onednn
blas-f32        --runtime blas
onednn-f32-b8   --runtime onednn --batch 8
'
unseen=onednn-f32-b8
devices=$(demo_names)
cards_of() { for device in $1; do printf ' %s/cards/%s.json' "$folder" "$device"; done; }

# measure DEVICE CARD OPTION...: again where the machine was not quiet.
measure() {
    measure_device=$1 measure_card=$2
    shift 2
    for attempt in 1 2 3; do
        code=0
        # shellcheck disable=SC2046 # options are words
        run "$fleetnas" device measure --space "$space" --name "$measure_device" $(demo_options "$measure_device") --vocabulary-size "$vocabulary" "$@" \
            -o "$measure_card" || code=$?
        if [ $code -ne 4 ] || [ "$attempt" -eq 3 ]; then break; fi
        say "The machine was not quiet while $measure_device was measured: once more."
    done
    return $code
}

if part text && [ ! -s "$folder/text.pairs" ]; then
    say "== Pairs of sentences"
    for file in english.en german.de; do [ -s "$text/$file" ] || stop "$text/$file is missing: \`make libreoffice\` makes it, TEXT=FOLDER names another folder"; done
    run "$fleetnas" data prepare "text:$text/english.en,$text/german.de" --vocabulary-size "$vocabulary" -o "$folder/text.pairs"
fi

if part devices; then
    say "== Devices"
    for device in $devices; do [ -s "$folder/cards/$device.json" ] || measure "$device" "$folder/cards/$device.json" --archs "$archs"; done
    # shellcheck disable=SC2046 # a list of words
    run "$fleetnas" device show $(cards_of "$devices")
fi

# needs PART FILE...: what an earlier part leaves behind.
needs() {
    needed=$1
    shift
    for file in "$@"; do [ -e "$file" ] || stop "$file is missing: the part \"$needed\" makes it"; done
}

# search_once RUN OPTION...: begun searches go on, finished ones leave RUN.done.
search_once() {
    search_run=$1
    shift
    if [ -e "$search_run/config.json" ]; then
        run "$fleetnas" resume "$search_run" --threads "$threads"
    else
        rm -rf "$search_run"
        # shellcheck disable=SC2046 # a list of words
        run "$fleetnas" search --space "$space" --data "$folder/text.pairs" --device $(cards_of "$(demo_names | grep -vx "$unseen")") --preset "$preset" \
            --seed "$seed" --threads "$threads" --out "$search_run" "$@"
    fi
    : > "$search_run.done"
}

if part search && [ ! -e "$folder/run.done" ]; then
    if [ -n "${STEPS:-}" ]; then
        say "== Search, $STEPS steps ($unseen is not searched)"
        search_once "$folder/run" --steps "$STEPS"
    else
        say "== Search, $minutes minutes ($unseen is not searched)"
        search_once "$folder/run" --minutes "$minutes"
    fi
fi

# ---- architectures ----

archs_of() { sed -n 's/.*"arch": "\([^"]*\)".*/\1/p' "$1"; } # FILE.json: of fronts, answers and cards
json_list() { awk 'NR > 1 { printf ",\n" } NR == 1 { printf "[" } { printf "\"%s\"", $0 } END { print "]" }'; }

# What the hypernetwork answers to evenly spaced preferences, from nothing but the error to nothing but the latency: lines of weight of the latency, tab, architecture.
answers() { # DEVICE
    i=0
    while [ $i -lt $preferences ]; do
        weights=$(awk -v i=$i -v n=$((preferences - 1)) 'BEGIN { printf "error=%.9f,latency_ms=%.9f", 1 - i / n, i / n }')
        "$fleetnas" pick "$folder/run" --device "$folder/cards/$1.json" --predicted-only --prefer "$weights" --json --quiet > "$folder/.answer" 2> "$folder/.warnings" || {
            cat "$folder/.warnings" >&2
            return 1
        }
        printf '%s\t%s\n' "${weights##*=}" "$(archs_of "$folder/.answer")"
        i=$((i + 1))
    done
}

# The device's networks that are compared, each once: front, answers, random ones, the largest.
compared() { # DEVICE
    { archs_of "$folder/fronts/$1.json" && cut -f 2 "$folder/answers/$1.tsv" && random_of "$1" && cat "$folder/largest"; } | awk '!seen[$0]++'
}
random_of() { sed -n '/"measurements"/,$p' "$folder/cards/$1.json" > "$folder/.measurements" && archs_of "$folder/.measurements" | head -n "$random"; }

largest() {
    "$fleetnas" space show "$space" --json | awk '/"largest":/ { sub(/.*"largest": "/, ""); sub(/",?$/, ""); print }'
}

if part fronts; then
    needs search "$folder/run.done"
    say "== Fronts, and answers to $preferences preferences"
    [ -s "$folder/largest" ] || fresh "$folder/largest" largest
    for device in $devices; do
        [ -s "$folder/fronts/$device.json" ] ||
            run "$fleetnas" front "$folder/run" --device "$folder/cards/$device.json" --predicted-only --threads "$threads" -o "$folder/fronts/$device.json" --svg "$folder/fronts/$device.svg"
        [ -s "$folder/answers/$device.tsv" ] || fresh "$folder/answers/$device.tsv" answers "$device"
        compared "$device" | json_list > "$folder/answers/$device.json"
    done
fi

# ---- BLEU and latencies ----

lists() { for device in $devices; do echo "$folder/answers/$device.json"; done; }
if part bleu && [ ! -s "$folder/bleu.csv" ]; then
    # shellcheck disable=SC2046 # a list of words
    needs fronts $(lists)
    say "== BLEU on the test part"
    # shellcheck disable=SC2046 # a list of words
    run "$fleetnas" bleu "$folder/run" --archs $(lists) --threads "$threads" -o "$folder/bleu.csv"
fi

if part measure; then
    # shellcheck disable=SC2046 # a list of words
    needs fronts $(lists)
    say "== Latencies, measured again"
    for device in $devices; do
        [ -s "$folder/measured/$device.json" ] || measure "$device" "$folder/measured/$device.json" --archs-file "$folder/answers/$device.json"
    done
fi

if part verify && [ ! -s "$folder/verify.json" ]; then
    needs search "$folder/run.done"
    say "== Hypervolumes of cross entropy and measured latency, beside random networks and the untrained hypernetwork"
    # shellcheck disable=SC2046 # a list of words
    run "$fleetnas" verify "$folder/run" --device $(cards_of "$devices") --test-images 1000000 --random "$random" --threads "$threads" -o "$folder/verify.json"
fi

# ---- the largest network alone, for as many updates on as many pairs ----

steps_of() { awk -F, 'END { print $1 }' "$1/metrics.csv"; }
# Batches of pairs a step: a path of its own each, and so many paths must go round among the devices that are searched.
number_of() { sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" "$1/config.json"; }
batches_of() { if [ "$(number_of "$1" largest_paths)" -gt 0 ]; then number_of "$1" largest_paths; else number_of "$1" paths; fi; }
if part alone; then
    needs search "$folder/run.done"
    needs fronts "$folder/largest"
    if [ ! -e "$folder/alone.done" ]; then
        say "== The largest network alone"
        batches=$(batches_of "$folder/run")
        search_once "$folder/alone" --steps "$(steps_of "$folder/run")" --paths "$batches" --largest-paths "$batches"
    fi
    [ -s "$folder/alone.csv" ] || run "$fleetnas" bleu "$folder/alone" --arch "$(cat "$folder/largest")" --threads "$threads" -o "$folder/alone.csv"
fi

# ---- page ----

latencies_of() { sed -n '/"measurements"/,$s/.*"arch": "\([^"]*\)", "latency_ms": *\([0-9.e+-]*\).*/\2\t\1/p' "$folder/measured/$1.json"; }
write_page() {
    for device in $devices; do
        latencies_of "$device" > "$folder/.latencies"
        archs_of "$folder/fronts/$device.json" > "$folder/.front"
        random_of "$device" > "$folder/.random"
        awk -v device="$device" -v unseen="$unseen" -f "$root/scripts/translation-page.awk" "$folder/bleu.csv" "$folder/.latencies" "$folder/answers/$device.tsv" "$folder/.front" "$folder/.random" "$folder/largest"
    done
    if [ -s "$folder/alone.csv" ]; then
        printf '\nThe largest network, trained alone for as many updates on as many pairs: BLEU '
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "bleu") column = NF - i } NR == 2 { printf "%.2f\n", $(NF - column) }' "$folder/alone.csv"
    fi
}

if part page; then
    # shellcheck disable=SC2046 # a list of words
    needs fronts $(lists)
    needs bleu "$folder/bleu.csv"
    for device in $devices; do needs measure "$folder/measured/$device.json"; done
    fresh "$folder/results.md" write_page
    cat "$folder/results.md"
    say "$folder/results.md"
fi
