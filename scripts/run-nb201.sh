#!/bin/sh
# The protocol of NAS-Bench-201 on 19 devices: one search, fronts for all devices, scores, rivals, a page. docs/nb201.md explains it.
# What was done is not done again; what was interrupted goes on where it stopped.
#   TABLES   folder with architectures.csv, latency_ms.csv, energy_mj.csv and splits.json
#   CIFAR10  folder with data_batch_1..5.bin, plain or .xz [TABLES/../cifar10]
#   SEEDS [1 2 3]    MINUTES [60] of a whole search, everything counted; several make a curve    SEARCH_MINUTES [2] of those: the hypernetwork's
#   JUDGE    whence errors: estimate, supernet, macs, or table:FILE.csv:COLUMN [estimate]
#   SEARCH_NAME  what the results call the search [fleetnas; with another judge fleetnas-JUDGE]
#   RIVALS   [all that `fleetnas help rival` lists]    EVALUATIONS [24 100 1000]    RIVAL_SEEDS [1 2 3 4 5 6 7 8 9 10]    SLOW_SEEDS [1 2 3]
#   PARTS    [copies search score rivals page]    THREE=no: without three objectives    UNSEEN=no: the unseen devices are not scored
#   NB201_DIR [build/nb201]    THREADS [one a processor]
#   Of the commands: PREDICTOR_OPTIONS, JUDGE_OPTIONS [half-size images, 8 channels trained, 16 scored], SEARCH_OPTIONS, FRONT_OPTIONS, SEARCH_STEPS (in the place of SEARCH_MINUTES)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/protocol.sh"

parts=" ${PARTS:-copies search score rivals page} "
TABLES=${TABLES:-}
if [ "$parts" != " search " ]; then # which needs no more than its copies
    [ -n "$TABLES" ] || stop "TABLES=FOLDER is missing: the folder with architectures.csv, latency_ms.csv, energy_mj.csv, splits.json (docs/nb201.md)"
    TABLES=$(absolute "$TABLES")
fi
CIFAR10=${CIFAR10:-$TABLES/../cifar10}
folder=${NB201_DIR:-$root/build/nb201}
threads=${THREADS:-$(nproc)}
seeds=${SEEDS:-1 2 3}
minutes_list=${MINUTES:-60}
search_minutes=${SEARCH_MINUTES:-2}
budgets=${EVALUATIONS:-24 100 1000}
rival_seeds=${RIVAL_SEEDS:-1 2 3 4 5 6 7 8 9 10}
slow_seeds=${SLOW_SEEDS:-1 2 3}
judge=${JUDGE:-estimate}
three=${THREE:-yes}
unseen_too=${UNSEEN:-yes}
space=nb201
accuracy=cifar10_test_accuracy_pct
. "$root/scripts/nb201-common.sh"
check_numbers SEEDS seed "$seeds"
check_numbers MINUTES minutes "$minutes_list"
check_number SEARCH_MINUTES minutes "$search_minutes"
[ -z "${SEARCH_STEPS:-}" ] || check_number SEARCH_STEPS count "$SEARCH_STEPS"
check_numbers EVALUATIONS count "$budgets"
check_numbers RIVAL_SEEDS seed "$rival_seeds"
check_numbers SLOW_SEEDS seed "$slow_seeds"
check_number THREADS count "$threads"
rival_proxy=$(printf '%s\n' "$judge_options" | sed -n 's/.*--score-proxy *\([^ ]*\).*/--proxy \1/p') # rivals score untrained networks at the judge's scale

mkdir -p "$folder/results" "$folder/rivals" "$folder/search"
folder=$(absolute "$folder")
no_blanks "$TABLES" "$folder" "$fleetnas"
own=$folder/search # all that the searching part sees
results=$folder/results
times=$results/times.csv

case $judge in
estimate) name=${SEARCH_NAME:-fleetnas} ;;
table:*:*)
    name=${SEARCH_NAME:-fleetnas-table}
    file=${judge#table:}
    case $file in /*) ;; *) judge=table:$PWD/$file ;; esac
    ;;
supernet | macs) name=${SEARCH_NAME:-fleetnas-$judge} ;;
*) stop "JUDGE=$judge: use estimate, supernet, macs or table:FILE.csv:COLUMN" ;;
esac
case $name in *[!A-Za-z0-9_.-]* | '') stop "SEARCH_NAME=$name: letters, digits, '.', '_' and '-'" ;; esac

part() { case $parts in *" $1 "*) true ;; *) false ;; esac; }
for wanted in $parts; do
    case $wanted in copies | search | score | rivals | page) ;; *) stop "PARTS: \"$wanted\" is none of copies, search, score, rivals, page" ;; esac
done

# Cards with energy: name, columns, tables beside architectures.csv.
three_table='
eyeriss latency_ms=eyeriss energy_mj=eyeriss_energy_mj latency_ms.csv energy_mj.csv
raspi5 latency_ms=pi5_onnx_latency_ms energy_mj=pi5_onnx_energy_mj energy_mj.csv
'
three_devices='eyeriss raspi5'
two_objectives=error+latency_ms
three_objectives=error+latency_ms+energy_mj

three_row() { printf '%s' "$three_table" | sed -n "s/^$1 //p"; }
has_column() { head -1 "$1" | tr -d '\r' | tr ',' '\n' | grep -qxF -e "$2"; } # TABLE COLUMN

# ---- times ----

trap on_signal INT TERM HUP
[ -s "$times" ] || say "minutes,method,seed,stage,seconds" > "$times"

# stage MINUTES METHOD SEED STAGE COMMAND...: runs it and keeps its seconds, also where it failed or was interrupted.
stage() {
    stage_row="$1,$2,$3,$4"
    shift 4
    begun=$(date +%s) code=0
    "$@" || code=$?
    printf '%s,%s\n' "$stage_row" $(($(date +%s) - begun)) >> "$times"
    if [ -n "$interrupted" ]; then
        say "Interrupted. The same command goes on from here." >&2
        exit 130
    fi
    [ $code -eq 0 ] || exit $code
}

seconds_of_shared() { awk -F, '$2 == "shared" { sum += $5 } END { print sum + 0 }' "$times"; }

# ---- rivals: one job, called by xargs below ----

# truth_options OBJECTIVES DEVICE: sets $truth_words.
truth_options() {
    truth_words="--truth $TABLES/architectures.csv"
    truth_columns="--column latency_ms=$2"
    if [ "$1" = $three_objectives ]; then
        truth_columns=''
        for word in $(three_row "$2"); do
            case $word in *=*) truth_columns="$truth_columns --column $word" ;; *) truth_words="$truth_words $TABLES/$word" ;; esac
        done
    else
        truth_words="$truth_words $TABLES/latency_ms.csv"
    fi
    truth_words="--space $space $truth_words --accuracy-column $accuracy $truth_columns"
}

# What some rivals want beside the table.
rival_options() {
    case $1 in
    naswot) echo "--data cifar10:$own/cifar10 $rival_proxy" ;;
    synflow) echo "$rival_proxy" ;;
    esac
}

# rival_job OBJECTIVES METHOD EVALUATIONS DEVICE SEED; 0 evaluations: what needs none.
rival_job() {
    key=$1,$2,evaluations-$3,$4,$5
    allowed=$3
    [ "$allowed" -gt 0 ] || allowed=24
    truth_options "$1" "$4"
    # shellcheck disable=SC2086,SC2046 # lists of words
    "$fleetnas" rival "$2" $truth_words --evaluations "$allowed" --seed "$5" $(rival_options "$2") -o "$folder/rivals/$key.csv" --json --quiet > "$results/.$key.$$" ||
        return $?
    mv "$results/.$key.$$" "$results/$key.json"
}

if [ "${1:-}" = rival ]; then
    shift
    rival_job "$@" || exit 255 # xargs stops
    exit 0
fi
rm -f "$results"/.[!.]*

# ---- copies: what the searching part may see ----

check_inputs() {
    for file in architectures.csv latency_ms.csv splits.json; do [ -s "$TABLES/$file" ] || stop "$TABLES/$file is missing"; done
    if [ "$three" = yes ] && [ ! -s "$TABLES/energy_mj.csv" ]; then stop "$TABLES/energy_mj.csv is missing: THREE=no does without"; fi
    splits=$TABLES/splits.json
    [ -n "$(split search_devices)" ] || stop "$splits: no \"search_devices\""
    for device in $(split search_devices) $(split unseen_devices); do
        has_column "$TABLES/latency_ms.csv" "$device" || stop "$TABLES/latency_ms.csv has no column $device, a device of splits.json"
    done
    has_column "$TABLES/architectures.csv" $accuracy || stop "$TABLES/architectures.csv has no column $accuracy: nothing could be scored"
    for batch in 1 2 3 4 5; do
        [ -s "$CIFAR10/data_batch_$batch.bin" ] || [ -s "$CIFAR10/data_batch_$batch.bin.xz" ] ||
            stop "$CIFAR10 has neither data_batch_$batch.bin nor data_batch_$batch.bin.xz: CIFAR10=FOLDER says where CIFAR-10's binary version lies"
    done
}

# All columns but those that tell how often or how badly networks err.
without_accuracy() {
    awk -F, -v OFS=, '
        NR == 1 { for (i = 1; i <= NF; i++) if (tolower($i) !~ /accuracy|error|loss/) keep[++count] = i }
        { line = $keep[1]; for (k = 2; k <= count; k++) line = line OFS $keep[k]; print line }' "$1"
}

# Nothing goes on behind a copy that failed.
copy_by() { # COMMAND FROM TO
    fresh "$3" "$1" "$2" || stop "$2 could not be copied to $3"
}

make_copies() {
    mkdir -p "$own/tables" "$own/cifar10"
    for file in architectures.csv latency_ms.csv energy_mj.csv; do
        if [ -s "$TABLES/$file" ] && [ ! -s "$own/tables/$file" ]; then copy_by without_accuracy "$TABLES/$file" "$own/tables/$file"; fi
    done
    copy_by cat "$TABLES/splits.json" "$own/tables/splits.json"
    for batch in 1 2 3 4 5; do
        for file in "data_batch_$batch.bin" "data_batch_$batch.bin.xz"; do
            if [ -s "$own/cifar10/$file" ]; then break; fi
            [ -s "$CIFAR10/$file" ] || continue
            copy_by cat "$CIFAR10/$file" "$own/cifar10/$file"
            break
        done
    done
}

if part copies; then
    say "== Copies for the searching part: no accuracies, no test images"
    check_inputs
    make_copies
fi

# ---- the searching part: every command runs in its own folder and is given relative paths ----

# shellcheck disable=SC2016 # the inner shell's
in_own() { run sh -c 'cd "$0" && exec "$@"' "$own" "$fleetnas" "$@"; }

import_cards() { # DEVICES [--reference-only]: those that are missing
    columns=''
    for device in $1; do [ -s "$own/devices/$device.json" ] || columns="$columns --column latency_ms=$device"; done
    [ -n "$columns" ] || return 0
    # shellcheck disable=SC2086 # lists of words
    in_own device import csv tables/latency_ms.csv --space $space --archs tables/architectures.csv $columns --batch-suffixes 1,32,256 --references tables/splits.json ${2:-} -o devices
}

import_three() { # DEVICE
    words='' three_columns=''
    for word in $(three_row "$1"); do
        case $word in *=*) three_columns="$three_columns --column $word" ;; *) words="$words tables/$word" ;; esac
    done
    # shellcheck disable=SC2086
    in_own device import csv $words --space $space --archs tables/architectures.csv $three_columns --name "$1" --references tables/splits.json -o "energy/$1.json"
}

make_cards() {
    mkdir -p "$own/devices" "$own/energy"
    import_cards "$searched" && import_cards "$unseen" --reference-only || return $?
    [ "$three" = yes ] || return 0
    for device in $three_devices; do [ -s "$own/energy/$device.json" ] || import_three "$device" || return $?; done
}

cards_missing() {
    for device in $searched $unseen; do [ -s "$own/devices/$device.json" ] || return 0; done
    [ "$three" = yes ] || return 1
    for device in $three_devices; do [ -s "$own/energy/$device.json" ] || return 0; done
    return 1
}

fit_predictor() {
    words=''
    for device in $searched; do words="$words devices/$device.json"; done
    # shellcheck disable=SC2086
    in_own predictor fit --space $space --device $words ${PREDICTOR_OPTIONS:-} -o predictor.safetensors
}

# Minutes that are left of $1 for the judge, or for a search that judges itself: behind cards, predictor, hypernetwork and a third of a minute for the fronts.
minutes_left() {
    awk -v all="$1" -v search="$2" -v shared="$(seconds_of_shared)" 'BEGIN {
        left = all - search - shared / 60 - 1 / 3
        if (left < 0.001) exit 1 # what is printed must be above 0
        printf "%.3f\n", left }' || stop "MINUTES=$1 leaves nothing for the judge: cards and predictor took $(seconds_of_shared) s, the search gets $2 minutes"
}

# longest_shorter MINUTES: the longest of $minutes_list that is shorter, or nothing.
longest_shorter() {
    # shellcheck disable=SC2086
    printf '%s\n' $minutes_list | awk -v most="$1" '$1 + 0 < most + 0 && (best == "" || $1 + 0 > best + 0) { best = $1 } END { print best }'
}

# A longer search's judge begins by what a shorter one's with the same seed did: it would do just that. Its seconds count in both.
begin_as_shorter() { # MINUTES SEED
    shorter=$(longest_shorter "$1")
    [ -n "$shorter" ] || return 0
    from=$own/$name-$shorter/seed-$2/errors.csv.trainings to=$own/$name-$1/seed-$2/errors.csv.trainings
    if [ -e "$to" ] || [ ! -s "$from" ]; then return 0; fi
    awk -F, -v OFS=, -v from="$shorter" -v to="$1" -v name="$name" -v seed="$2" \
        '$1 == from && $2 == name && $3 == seed && $4 == "judge" { $1 = to; print }' "$times" > "$times.part"
    cat "$times.part" >> "$times"
    rm "$times.part"
    fresh "$to" cat "$from"
}

make_errors() { # PLACE MINUTES SEED
    case $judge in
    macs) fresh "$own/$1/errors.csv" errors_of_macs ;;
    estimate)
        words=''
        for device in $searched; do words="$words devices/$device.json"; done
        # shellcheck disable=SC2086
        in_own error estimate --space $space --data cifar10:cifar10 --device $words --minutes "$2" --seed "$3" --threads "$threads" $judge_options -o "$1/errors.csv"
        ;;
    esac
}

# search_once RUN SEED LENGTH... -- CARDS...: begun searches go on, finished ones leave RUN.done.
search_once() {
    search_run=$1 search_seed=$2
    shift 2
    if [ -e "$own/$search_run/config.json" ]; then
        in_own resume "$search_run" --threads "$threads" || return $?
    else
        rm -rf "${own:?}/$search_run"
        # shellcheck disable=SC2086
        in_own search --space $space "$@" --seed "$search_seed" --threads "$threads" ${SEARCH_OPTIONS:-} --out "$search_run" || return $?
    fi
    : > "$own/$search_run.done"
}

make_fronts() { # RUN CARDS_FOLDER FRONTS DEVICES
    cards=''
    for device in $4; do [ -s "$own/$3/$device.json" ] || cards="$cards $2/$device.json"; done
    # shellcheck disable=SC2086
    [ -z "$cards" ] || in_own front "$1" --device $cards --points 24 --threads "$threads" ${FRONT_OPTIONS:-} --folder "$3" > /dev/null
}

fronts_missing() { # FRONTS DEVICES
    for device in $2; do [ -s "$own/$1/$device.json" ] || return 0; done
    return 1
}

# The error's source and the search's length for one place: sets $source_words.
source_options() { # PLACE MINUTES
    length="--minutes $search_minutes"
    [ -z "${SEARCH_STEPS:-}" ] || length="--steps $SEARCH_STEPS"
    case $judge in
    supernet)
        [ -n "${SEARCH_STEPS:-}" ] || length="--minutes $(minutes_left "$2" 0)" || exit $?
        source_words="--data cifar10:cifar10 $length"
        ;;
    table:*) source_words="--error $judge $length" ;;
    *) source_words="--error table:$1/errors.csv:error_pct $length" ;;
    esac
}

search_seed() { # MINUTES SEED
    place=$name-$1/seed-$2
    mkdir -p "$own/$place"
    case $judge in
    estimate | macs)
        if [ ! -s "$own/$place/errors.csv" ]; then
            left=$(minutes_left "$1" "$search_minutes") || exit $?
            [ "$judge" = macs ] || begin_as_shorter "$1" "$2"
            stage "$1" "$name" "$2" judge make_errors "$place" "$left" "$2"
        fi
        ;;
    esac
    source_options "$place" "$1"
    cards=''
    for device in $searched; do cards="$cards devices/$device.json"; done
    # shellcheck disable=SC2086
    [ -e "$own/$place/run.done" ] || stage "$1" "$name" "$2" search search_once "$place/run" "$2" $source_words --predictor predictor.safetensors --device $cards
    ! fronts_missing "$place/fronts" "$searched $unseen" || stage "$1" "$name" "$2" fronts make_fronts "$place/run" devices "$place/fronts" "$searched $unseen"
    [ "$three" = yes ] || return 0
    cards=''
    for device in $three_devices; do cards="$cards energy/$device.json"; done
    # shellcheck disable=SC2086
    [ -e "$own/$place/run-three.done" ] ||
        stage "$1" "$name-three-objectives" "$2" search search_once "$place/run-three" "$2" $source_words --objectives error,latency_ms,energy_mj --device $cards
    ! fronts_missing "$place/fronts-three" "$three_devices" ||
        stage "$1" "$name-three-objectives" "$2" fronts make_fronts "$place/run-three" energy "$place/fronts-three" "$three_devices"
}

search_all() {
    ! cards_missing || stage 0 shared 0 cards make_cards
    [ -s "$own/predictor.safetensors" ] || stage 0 shared 0 predictor fit_predictor
    for minutes in $minutes_list; do
        for seed in $seeds; do
            say "== Search: $name, $minutes minutes, seed $seed"
            search_seed "$minutes" "$seed"
        done
    done
}

splits=$own/tables/splits.json
[ -s "$splits" ] || stop "$splits is missing: the part \"copies\" makes it"
searched=$(split search_devices)
unseen=$(split unseen_devices)
if part search; then search_all; fi

# ---- scores: here the truth comes in ----

score_front() { # OBJECTIVES MINUTES DEVICE SEED FRONT
    key=$1,$name,minutes-$2,$3,$4
    [ ! -s "$results/$key.json" ] || return 0
    [ -s "$own/$5" ] || stop "$own/$5 is missing: the part \"search\" makes it"
    truth_options "$1" "$3"
    # shellcheck disable=SC2086
    run "$fleetnas" score $truth_words --front "$own/$5" --json --quiet > "$results/.$key.$$" || return $?
    mv "$results/.$key.$$" "$results/$key.json"
}

score_all() {
    to_score=$searched
    [ "$unseen_too" != yes ] || to_score="$searched $unseen"
    for minutes in $minutes_list; do
        for seed in $seeds; do
            place=$name-$minutes/seed-$seed
            for device in $to_score; do score_front $two_objectives "$minutes" "$device" "$seed" "$place/fronts/$device.json" || exit $?; done
            [ "$three" = yes ] || continue
            for device in $three_devices; do score_front $three_objectives "$minutes" "$device" "$seed" "$place/fronts-three/$device.json" || exit $?; done
        done
    done
}

if part score; then
    say "== Scores"
    score_all
    say_unlisted "$name"
fi
cp "$splits" "$results/splits.json"

# ---- rivals ----

all_rivals() { "$fleetnas" help rival | sed -n '/^NAME is one of/,/^Each/s/^  \([a-z][a-z0-9-]*\)  .*/\1/p'; }

rival_kind() { # NAME: free (needs no evaluation), slow (Gaussian processes), quick
    case $1 in
    macs | synflow | naswot) echo free ;;
    linear-scalarisation | random-scalarisation | parego | ehvi) echo slow ;;
    *) echo quick ;;
    esac
}

list_jobs() { # OBJECTIVES METHOD EVALUATIONS DEVICES SEEDS
    for device in $4; do
        for seed in $5; do [ -s "$results/$1,$2,evaluations-$3,$device,$seed.json" ] || printf '%s %s %s %s %s\n' "$1" "$2" "$3" "$device" "$seed"; done
    done
}

run_jobs() { # OBJECTIVES METHOD EVALUATIONS DEVICES SEEDS
    list_jobs "$@" > "$folder/jobs"
    count=$(wc -l < "$folder/jobs")
    [ "$count" -gt 0 ] || return 0
    say "$2, $3 evaluations, $1: $count to do"
    code=0
    run xargs -a "$folder/jobs" -P "$threads" -n 5 sh "$0" rival || code=$?
    if [ -n "$interrupted" ]; then exit 130; fi
    [ $code -eq 0 ] || stop "a rival failed: see above"
}

rival_all() {
    for rival in ${RIVALS:-$(all_rivals)}; do
        kind=$(rival_kind "$rival")
        if [ "$kind" = free ]; then
            run_jobs $two_objectives "$rival" 0 "$searched $unseen" 1
            continue
        fi
        for evaluations in $budgets; do
            # Gaussian processes with many points: on the unseen devices, for few seeds.
            if [ "$kind" = slow ] && [ "$evaluations" -gt 100 ]; then
                run_jobs $two_objectives "$rival" "$evaluations" "$unseen" "$slow_seeds"
            else
                run_jobs $two_objectives "$rival" "$evaluations" "$searched $unseen" "$rival_seeds"
            fi
            case $three,$rival in yes,random | yes,nsga2) run_jobs $three_objectives "$rival" "$evaluations" "$three_devices" "$rival_seeds" ;; esac
        done
    done
}

export TABLES FLEETNAS="$fleetnas" NB201_DIR="$folder"
if part rivals; then
    say "== Rivals"
    rival_all
fi

# ---- page ----

if part page; then
    "$fleetnas" results "$results" -o "$folder/results.md" --html "$folder/results.html" --svg "$folder/results.svg" --scored "$scored" \
        --title "NAS-Bench-201: one search for $(echo "$searched" | wc -w) devices, fronts for $(echo "$searched $unseen" | wc -w)"
    say "$folder/results.html"
fi
