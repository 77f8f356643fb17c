#!/bin/sh
# Once-for-All's space on HELP's twelve GPU settings: one search with the errors of OFA's accuracy predictor, fronts for all devices, rivals on the
# same models, scores, a page. docs/mobilenetv3.md explains it. What was done is not done again; what was interrupted goes on where it stopped.
#   TABLES   folder with architectures_latency_ms.csv, accuracy_predictor.npz and splits.json
#   SPLITS [batch model]   which devices the search never sees: "batch" those of splits.json, "model" every batch size of their GPU models
#   SEEDS [1 2 3]    STEPS [1000] of the search    NAME [fleetnas] what the page calls it
#   RIVALS [random local-search nsga2 regularised-evolution parego]    EVALUATIONS [24 100 1000 10000]    SLOW_EVALUATIONS [24 100 1000] of parego    RIVAL_SEEDS [SEEDS]
#   PARTS    [cards search rivals score page]    OFA_DIR [build/ofa]    THREADS [one a processor]
#   Of the commands: PREDICTOR_OPTIONS, SEARCH_OPTIONS [--hypernet continuous], JUDGE_OPTIONS [--holdout 0.001]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/protocol.sh"

TABLES=${TABLES:-}
[ -n "$TABLES" ] || stop "TABLES=FOLDER is missing: the folder with architectures_latency_ms.csv, accuracy_predictor.npz, splits.json (docs/mobilenetv3.md)"
TABLES=$(absolute "$TABLES")
folder=${OFA_DIR:-$root/build/ofa}
threads=${THREADS:-$(nproc)}
parts=" ${PARTS:-cards search rivals score page} "
split_kinds=${SPLITS:-batch model}
seeds=${SEEDS:-1 2 3}
rival_seeds=${RIVAL_SEEDS:-$seeds}
steps=${STEPS:-1000}
name=${NAME:-fleetnas}
space=mobilenetv3
error=surrogate:$TABLES/accuracy_predictor.npz
splits=$TABLES/splits.json
budgets=${EVALUATIONS:-24 100 1000 10000}
slow_budgets=${SLOW_EVALUATIONS:-24 100 1000}
check_numbers SEEDS seed "$seeds"
check_numbers RIVAL_SEEDS seed "$rival_seeds"
check_number STEPS count "$steps"
check_numbers EVALUATIONS count "$budgets"
check_numbers SLOW_EVALUATIONS count "$slow_budgets"
check_number THREADS count "$threads"

for file in architectures_latency_ms.csv accuracy_predictor.npz splits.json; do [ -s "$TABLES/$file" ] || stop "$TABLES/$file is missing"; done
mkdir -p "$folder/whole" "$folder/references"
folder=$(absolute "$folder")
no_blanks "$TABLES" "$folder" "$fleetnas"
case $name in *[!A-Za-z0-9_.-]* | '') stop "NAME=$name: letters, digits, '.', '_' and '-'" ;; esac
times=$folder/times.csv
searched_most=$(split search_devices)
unseen_least=$(split unseen_devices)
devices="$searched_most $unseen_least"
[ -n "$searched_most" ] || stop "$splits: no \"search_devices\""
[ -n "$unseen_least" ] || stop "$splits: no \"unseen_devices\""

part() { case $parts in *" $1 "*) true ;; *) false ;; esac; }
for wanted in $parts; do
    case $wanted in cards | search | rivals | score | page) ;; *) stop "PARTS: \"$wanted\" is none of cards, search, rivals, score, page" ;; esac
done
for kind in $split_kinds; do case $kind in batch | model) ;; *) stop "SPLITS: \"$kind\" is none of batch, model" ;; esac done

# unseen_of KIND, searched_of KIND: devices. A name is a GPU's, then _ and the batch size.
unseen_of() {
    for device in $devices; do
        for known in $unseen_least; do
            if [ "$device" = "$known" ] || { [ "$1" = model ] && [ "${device%_*}" = "${known%_*}" ]; }; then echo "$device"; fi
        done
    done
}
searched_of() { for device in $devices; do unseen_of "$1" | grep -qx "$device" || echo "$device"; done; }

# ---- times ----

trap on_signal INT TERM HUP
[ -s "$times" ] || say "split,method,seed,stage,seconds,processor_seconds" > "$times"

# Processor seconds of what this shell has waited for: a builtin, which no subshell could answer.
processor_seconds() {
    times > "$folder/.processor"
    spent=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, part, "[ms]"); sum += 60 * part[1] + part[2] } print sum }' "$folder/.processor")
}

# stage SPLIT METHOD SEED STAGE COMMAND...: runs it and keeps its seconds, also where it failed or was interrupted.
stage() {
    stage_row="$1,$2,$3,$4"
    shift 4
    processor_seconds
    spent_before=$spent
    begun=$(date +%s) code=0
    "$@" || code=$?
    seconds=$(($(date +%s) - begun))
    processor_seconds
    printf '%s,%s,%s\n' "$stage_row" $seconds "$(awk -v now="$spent" -v before="$spent_before" 'BEGIN { printf "%.1f", now - before }')" >> "$times"
    if [ -n "$interrupted" ]; then
        say "Interrupted. The same command goes on from here." >&2
        exit 130
    fi
    [ $code -eq 0 ] || exit $code
}

# ---- rivals: one job, called by xargs below ----

models_of() { echo "--space $space --error $error --predictor $folder/$1/predictor.safetensors --device $folder/references/$2.json"; } # SPLIT DEVICE

if [ "${1:-}" = rival ]; then # SPLIT METHOD EVALUATIONS DEVICE SEED
    front=$folder/$2/fronts/$3,evaluations-$4,$5,$6.csv
    part=$folder/$2/fronts/.$3,evaluations-$4,$5,$6.csv # hidden from what takes all fronts
    # shellcheck disable=SC2046 # a list of words
    "$fleetnas" rival "$3" $(models_of "$2" "$5") --evaluations "$4" --seed "$6" -o "$part" --json --quiet > "$front.$$" || exit 255 # xargs stops
    made=$(sed -n 's/.*"evaluations": \([0-9]*\).*/\1/p' "$front.$$")
    rm "$front.$$"
    if [ "$made" != "$4" ]; then
        printf 'run-ofa: %s made %s evaluations of %s\n' "$3" "$made" "$4" >&2
        exit 255
    fi
    mv "$part" "$front"
    exit 0
fi

# ---- cards, and the predictors ----

import_cards() { # FOLDER [--reference-only]
    columns=''
    for device in $devices; do [ -s "$folder/$1/$device.json" ] || columns="$columns --column latency_ms=${device}_ms"; done
    [ -n "$columns" ] || return 0
    # shellcheck disable=SC2086 # lists of words
    run "$fleetnas" device import csv "$TABLES/architectures_latency_ms.csv" --space $space --batch-suffixes 1,32,64 $columns ${2:-} -o "$folder/$1" > /dev/null
}

make_cards() { import_cards whole && import_cards references --reference-only; }

cards_missing() {
    for device in $devices; do if [ ! -s "$folder/whole/$device.json" ] || [ ! -s "$folder/references/$device.json" ]; then return 0; fi; done
    return 1
}

cards_of() { for device in $1; do printf ' %s/whole/%s.json' "$folder" "$device"; done; } # DEVICES

fit() { # FILE DEVICES OPTION...: what it says of rows that were kept out goes to FILE.json
    fit_file=$1 fit_devices=$2
    shift 2
    # shellcheck disable=SC2046,SC2086
    fresh "$fit_file.json" run "$fleetnas" predictor fit --space $space --device $(cards_of "$fit_devices") --threads "$threads" "$@" ${PREDICTOR_OPTIONS:-} --json -o "$fit_file"
}

# The scores' latencies: of every device by a model fitted to its whole table (but for the few rows that a fit has to keep out). How good such a
# model is says one that keeps a tenth of the rows out, and is evaluated on these.
fit_judge() {
    [ -s "$folder/judge-part.safetensors" ] || stage all judge 0 predictor fit "$folder/judge-part.safetensors" "$devices" --holdout 0.1
    # shellcheck disable=SC2086 # a list of words
    [ -s "$folder/judge.safetensors" ] || stage all judge 0 predictor fit "$folder/judge.safetensors" "$devices" ${JUDGE_OPTIONS---holdout 0.001}
}

if part cards; then
    say "== Cards, predictors"
    ! cards_missing || stage all shared 0 cards make_cards
    fit_judge
    for kind in $split_kinds; do
        mkdir -p "$folder/$kind/fronts"
        [ -s "$folder/$kind/predictor.safetensors" ] || stage "$kind" shared 0 predictor fit "$folder/$kind/predictor.safetensors" "$(searched_of "$kind")"
    done
fi

# ---- the search, and its fronts ----

search_once() { # RUN SEED DEVICES PREDICTOR: begun searches go on, finished ones leave RUN.done
    if [ -e "$1/config.json" ]; then
        run "$fleetnas" resume "$1" --threads "$threads" || return $?
    else
        rm -rf "$1"
        # shellcheck disable=SC2046,SC2086
        run "$fleetnas" search --space $space --error "$error" --device $(cards_of "$3") --predictor "$4" --steps "$steps" --seed "$2" --threads "$threads" ${SEARCH_OPTIONS---hypernet continuous} --out "$1" || return $?
    fi
    : > "$1.done"
}

# Every front by the ten references alone, also of a device that was searched: what its card has measured has no place in what is compared.
make_fronts() { # SPLIT METHOD RUN SEED OPTION...
    front_split=$1 front_method=$2 front_run=$3 front_seed=$4
    shift 4
    for device in $devices; do
        front=$folder/$front_split/fronts/$front_method,search,$device,$front_seed.csv
        [ -s "$front" ] || fresh "$front" run "$fleetnas" front "$front_run" --device "$folder/references/$device.json" --points 24 --threads "$threads" --csv "$@" || return $?
    done
}

fronts_missing() { # SPLIT METHOD SEED
    for device in $devices; do [ -s "$folder/$1/fronts/$2,search,$device,$3.csv" ] || return 0; done
    return 1
}

search_all() { # SPLIT
    for seed in $seeds; do
        say "== Search: $name, split $1, $steps steps, seed $seed"
        run=$folder/$1/$name-$steps-$seed
        [ -e "$run.done" ] || stage "$1" "$name" "$seed" search search_once "$run" "$seed" "$(searched_of "$1")" "$folder/$1/predictor.safetensors"
        ! fronts_missing "$1" "$name" "$seed" || stage "$1" "$name" "$seed" fronts make_fronts "$1" "$name" "$run" "$seed"
        ! fronts_missing "$1" "$name-as-offered" "$seed" || stage "$1" "$name-as-offered" "$seed" fronts make_fronts "$1" "$name-as-offered" "$run" "$seed" --as-offered
    done
}

if part search; then for kind in $split_kinds; do search_all "$kind"; done; fi

# ---- rivals ----

list_jobs() { # SPLIT METHOD EVALUATIONS
    for device in $devices; do
        for seed in $rival_seeds; do [ -s "$folder/$1/fronts/$2,evaluations-$3,$device,$seed.csv" ] || printf '%s %s %s %s %s\n' "$1" "$2" "$3" "$device" "$seed"; done
    done
}

run_jobs() { # WHAT
    say "$1: $(wc -l < "$folder/jobs") to do"
    run xargs -a "$folder/jobs" -P "$threads" -n 5 sh "$0" rival
}

rival_all() { # SPLIT
    for rival in ${RIVALS:-random local-search nsga2 regularised-evolution parego}; do
        case $rival in
        parego | ehvi | linear-scalarisation | random-scalarisation) rival_budgets=$slow_budgets ;;
        *) rival_budgets=$budgets ;;
        esac
        for evaluations in $rival_budgets; do
            list_jobs "$1" "$rival" "$evaluations" > "$folder/jobs"
            [ ! -s "$folder/jobs" ] || stage "$1" "$rival" "$evaluations" rivals run_jobs "split $1, $rival, $evaluations evaluations"
        done
    done
}

export TABLES FLEETNAS="$fleetnas" OFA_DIR="$folder"
if part rivals; then
    say "== Rivals"
    rm -f "$folder"/*/fronts/.*.csv "$folder"/*/fronts/*.part "$folder"/*/fronts/*.csv.[0-9]*
    for kind in $split_kinds; do rival_all "$kind"; done
fi

# ---- scores: all fronts of a device on one scale ----

score_device() { # SPLIT DEVICE: rows of split,device,method,budget,seed,hypervolume
    # shellcheck disable=SC2086
    run "$fleetnas" score --space $space --error "$error" --predictor "$folder/judge.safetensors" --device "$folder/references/$2.json" --front "$folder/$1/fronts/"*",$2,"*.csv --json > "$folder/.score" || return $?
    awk -v split_kind="$1" '/"front":/ { n = split($0, part, "/"); sub(/\.csv".*/, "", part[n]); split(part[n], key, ",") }
            /"hypervolume":/ { gsub(/[^-0-9.e]/, "", $2); printf "%s,%s,%s,%s,%s,%s\n", split_kind, key[3], key[1], key[2], key[4], $2 }' "$folder/.score"
}

score_all() {
    echo "split,device,method,budget,seed,hypervolume"
    for kind in $split_kinds; do
        for device in $devices; do score_device "$kind" "$device" || return $?; done
    done
}

if part score; then
    say "== Scores"
    fresh "$folder/scores.csv" score_all
fi

# ---- page ----

# What a search of a split asked the models, of the first seed's configuration: paths a step and those that are judged with each, once while the entropy is held,
# then in every round.
calls_of_search() {
    awk -F'[:,]' '/"(steps|paths|judged_paths|hypernet_rounds|entropy_hold)":/ { gsub(/[" ]/, "", $1); of[$1] = $2 }
        END { held = int(of["entropy_hold"] * of["steps"]); print of["paths"] * (1 + of["judged_paths"]) * (held + (of["steps"] - held) * of["hypernet_rounds"]) }' \
        "$folder/$1/$name-$steps-${seeds%% *}/config.json"
}

write_page() {
    # shellcheck disable=SC2086 # a list of words
    set -- $split_kinds
    awk -v splits="$split_kinds" -v devices="$devices" -v name="$name" -v steps="$steps" -v calls_1="$(calls_of_search "$1")" -v calls_2="$([ $# -lt 2 ] || calls_of_search "$2")" \
        -v unseen_1="$(unseen_of "$1" | tr '\n' ' ')" \
        -v unseen_2="$([ $# -lt 2 ] || unseen_of "$2" | tr '\n' ' ')" -f "$root/scripts/ofa-page.awk" "$folder/judge-part.safetensors.json" "$times" "$folder/scores.csv"
}

if part page; then
    [ -s "$folder/scores.csv" ] || stop "$folder/scores.csv is missing: the part \"score\" makes it"
    fresh "$folder/results.md" write_page
    say "$folder/results.md"
fi
