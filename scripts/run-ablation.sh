#!/bin/sh
# The ablation of docs/nb201.md: searches that differ in one thing from the default, all with the same errors, each scored on the searched devices.
# Begins where run-nb201.sh left its copies, cards, predictor and errors. What was done is not done again; other settings begin anew, and what others
# have left is moved aside.
#   TABLES    folder of the truth, as in run-nb201.sh        NB201_DIR  [build/nb201]
#   ERRORS    the frozen judge: a table of errors, below NB201_DIR/search [fleetnas-60/seed-1/errors.csv]
#             With its .trainings beside it, for the rows of its ingredients; JUDGE_OPTIONS those that it was made with
#   SEEDS     [1 2 3]     STEPS  of a search [10000]     ROWS  [all]     THREADS  searches at a time [one a processor]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/protocol.sh"
folder=${NB201_DIR:-$root/build/nb201}
seeds=${SEEDS:-1 2 3}
steps=${STEPS:-10000}
errors=${ERRORS:-fleetnas-60/seed-1/errors.csv}
[ -n "${TABLES:-}" ] || stop "TABLES=FOLDER is missing: the folder with architectures.csv and latency_ms.csv (docs/nb201.md)"
TABLES=$(absolute "$TABLES")
folder=$(cd "$folder" 2> /dev/null && pwd) || stop "${NB201_DIR:-build/nb201} is missing: make nb201 PARTS=\"copies search\" makes it"
own=$folder/search
[ -s "$own/$errors" ] || stop "$own/$errors is missing: ERRORS=FILE names the errors of a finished search below $own"
splits=$own/tables/splits.json
[ -s "$splits" ] || stop "$splits is missing: make nb201 PARTS=copies makes it"
. "$root/scripts/nb201-common.sh"

# Rows: name, what differs, options of the search. The words devices=N, errors=macs, errors=random and ingredients=LIST are this script's own.
rows='
default | the default |
update-mean | mean of the gradients in the place of the min-norm point | --update mean
update-sequential | one device after the other | --update sequential
update-sample | one random device a step | --update sample
sampler-gdas | GDAS in the place of ReinMax | --sampler gdas
hypernet-continuous | continuous hypernetwork in the place of tables | --hypernet continuous
start-random | hypernetwork as drawn, not pre-trained | --start random
scalarise-chebyshev | augmented Chebyshev in the place of linear scalarisation | --scalarise chebyshev
paths-26 | 26 paths a step in the place of 13 | --paths 26
paths-52 | 52 paths a step | --paths 52
devices-2 | 2 search devices in the place of 13, and a predictor of those | devices=2
devices-4 | 4 search devices, and a predictor of those | devices=4
devices-8 | 8 search devices, and a predictor of those | devices=8
scores-alone | errors: by the four scores of untrained networks, without trainings | ingredients=naswot,zico,meco,expressivity
trainings-alone | errors: by the regression over the trainings alone, which then knows no score | ingredients=trainings
without-naswot | errors: without NASWOT | ingredients=zico,meco,expressivity,trainings
without-zico | errors: without ZiCo | ingredients=naswot,meco,expressivity,trainings
without-meco | errors: without MeCo | ingredients=naswot,zico,expressivity,trainings
without-expressivity | errors: without expressivity | ingredients=naswot,zico,meco,trainings
errors-macs | errors: more multiply-accumulates are better | errors=macs
errors-random | errors: at random | errors=random
'

field() { printf '%s\n' "$rows" | awk -F' [|] ?' -v name="$1" -v at="$2" '$1 == name { print $at }'; } # ROW COLUMN
searched=$(split search_devices)
known=$(printf '%s\n' "$rows" | sed -n 's/ [|].*//p')
names=${ROWS:-$known}

check_numbers SEEDS seed "$seeds"
check_number STEPS count "$steps"
[ -z "${THREADS:-}" ] || check_number THREADS count "$THREADS"
set -f # no word is a pattern of files
checked=' '
for name in $names; do
    printf '%s\n' "$known" | grep -qxF -e "$name" || stop "ROWS: \"$name\" is none of $(printf '%s' "$known" | tr '\n' ' ')"
    case $checked in *" $name "*) stop "ROWS: $name is given twice" ;; esac
    checked="$checked$name "
done
set +f
[ "$checked" != ' ' ] || stop "ROWS is empty: give names, or leave it out"

# ---- one job: ROW SEED ----

# The table of errors for $1: the judge's, or what takes its place.
errors_of() { # WORD SEED FILE
    case $1 in
    macs) errors_of_macs > "$3" ;;
    random)
        awk -F, -v seed="$2" 'BEGIN { srand(seed) }
            NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "arch,error_pct"; next }
            { printf "%s,%.6f\n", $at["arch"], 10 + 70 * rand() }' "$own/tables/architectures.csv" > "$3"
        ;;
    esac
}

# The judge's errors anew from what it has kept, of some ingredients alone: 16 are the fewest trainings that can be asked for, and all that are kept count.
errors_of_ingredients() { # LIST PLACE
    kept=$own/$errors.trainings judge_seed=${errors#*seed-}
    [ -s "$kept" ] || stop "$kept is missing: without it no errors can be made of some ingredients (ROWS leaves such rows out)"
    cp "$kept" "$own/$2/errors.csv.trainings"
    case ,$1, in *,trainings,*) how='--trainings 16' ;; *) how='' ;; esac
    # shellcheck disable=SC2086 # lists of words
    (cd "$own" && exec "$fleetnas" error estimate --space nb201 --data cifar10:cifar10 $judge_options --seed "${judge_seed%%/*}" --ingredients "$1" $how \
        --threads 1 -o "$2/errors.csv" --quiet)
}

# N of the searched devices, evenly through the list, in which devices of a kind are neighbours.
some_of() { # N
    # shellcheck disable=SC2086
    printf '%s\n' $searched | awk -v n="$1" '{ name[NR] = $0 } END { for (i = 0; i < n; i++) print name[1 + int(i * (NR - 1) / (n - 1) + 0.5)] }'
}

search_row() { # ROW SEED PLACE
    devices=$searched predictor="--predictor predictor.safetensors" table=$errors words=''
    for word in $(field "$1" 3); do
        case $word in
        devices=*) devices=$(some_of "${word#devices=}") predictor='' ;;
        errors=*)
            errors_of "${word#errors=}" "$2" "$own/$3/errors.csv"
            table=$3/errors.csv
            ;;
        ingredients=*)
            errors_of_ingredients "${word#ingredients=}" "$3" || return $?
            table=$3/errors.csv
            ;;
        *) words="$words $word" ;;
        esac
    done
    cards=''
    for device in $devices; do cards="$cards devices/$device.json"; done
    # shellcheck disable=SC2086 # lists of words
    (cd "$own" && exec "$fleetnas" search --space nb201 --error "table:$table:error_pct" $predictor --device $cards --steps "$steps" --seed "$2" \
        --threads 1 $words --out "$3/run" --quiet)
}

# The mean ratio over the searched devices of fronts with predicted latencies, asked for with OPTIONS.
mean_ratio() { # PLACE OPTIONS...
    from=$1
    shift
    asked=''
    for device in $searched; do asked="$asked devices/$device.json"; done
    # shellcheck disable=SC2086
    (cd "$own" && exec "$fleetnas" front "$from/run" --device $asked --points 24 --threads 1 --predicted-only "$@" --folder "$from/fronts" --quiet) > /dev/null || return $?
    for device in $searched; do
        "$fleetnas" score --space nb201 --truth "$TABLES/architectures.csv" "$TABLES/latency_ms.csv" --accuracy-column cifar10_test_accuracy_pct \
            --column "latency_ms=$device" --front "$own/$from/fronts/$device.json" --json --quiet || return $?
    done > "$own/$from/scores"
    # shellcheck disable=SC2086
    sed -n 's/.*"ratio": *\([0-9.e+-]*\).*/\1/p' "$own/$from/scores" |
        awk -v devices="$(printf '%s\n' $searched | wc -l)" '{ sum += $1 } END { if (NR != devices) exit 1; printf "%.6f", sum / NR }'
}

job() { # ROW SEED
    place=ablation/$1/seed-$2
    rm -rf "${own:?}/$place"
    mkdir -p "$own/$place"
    search_row "$1" "$2" "$place" > /dev/null || return $?
    offered=$(mean_ratio "$place" --as-offered) || return $?
    whole=$(mean_ratio "$place") || return $?
    printf '%s,%s,%s,%s\n' "$1" "$2" "$offered" "$whole" > "$folder/ablation/.$1,$2"
    mv "$folder/ablation/.$1,$2" "$folder/ablation/$1,$2"
}

mkdir -p "$folder/ablation"
if [ "${1:-}" = job ]; then
    job "$2" "$3" || exit 255 # xargs stops
    exit 0
fi

# ---- all jobs, and their table ----

# Results took hours, and the runs that they are of lie beside the searching part's others: both get the first number that is free.
move_aside() {
    [ -n "$(ls -A "$folder/ablation")" ] || return 0
    number=1
    while [ -e "$folder/ablation-$number" ] || [ -e "$own/ablation-$number" ]; do number=$((number + 1)); done
    mv "$folder/ablation" "$folder/ablation-$number"
    [ ! -e "$own/ablation" ] || mv "$own/ablation" "$own/ablation-$number"
    printf 'run-ablation: results of other settings are now in %s, their runs in %s\n' "$folder/ablation-$number" "$own/ablation-$number" >&2
}

# Results of other settings are none of this ablation's.
settings="steps $steps, errors $(cksum < "$own/$errors"), tables $(cat "$TABLES/architectures.csv" "$TABLES/latency_ms.csv" | cksum)"
if [ "$(cat "$folder/ablation/settings" 2> /dev/null)" != "$settings" ]; then
    move_aside
    mkdir -p "$folder/ablation"
    printf '%s\n' "$settings" > "$folder/ablation/settings"
fi

for name in $names; do
    for seed in $seeds; do [ -s "$folder/ablation/$name,$seed" ] || printf '%s %s\n' "$name" "$seed"; done
done > "$folder/ablation/jobs"
export TABLES FLEETNAS="$fleetnas" NB201_DIR="$folder" STEPS="$steps" ERRORS="$errors"
[ ! -s "$folder/ablation/jobs" ] || xargs -P "${THREADS:-$(nproc)}" -n 2 sh "$0" job < "$folder/ablation/jobs" || stop "a search failed: see above"

for name in $names; do say_unlisted "ablation-$name" >&2; done

printf '| | as offered | all of the space |\n|---|---|---|\n'
for name in $names; do
    for seed in $seeds; do cat "$folder/ablation/$name,$seed"; done | awk -F, -v what="$(field "$name" 2)" '
        # The mean and its standard error (Welford 1962: seeds that agree leave no rounding error, of which there is no root).
        function add(k, value, before) { before = value - mean[k]; mean[k] += before / n; squares[k] += before * (value - mean[k]) }
        function told(k) { return sprintf("%.4f", mean[k]) (n > 1 ? sprintf(" ± %.4f", sqrt(squares[k] / (n - 1) / n)) : "") }
        { n++; add(3, $3); add(4, $4) }
        END { printf "| %s | %s | %s |\n", what, told(3), told(4) }'
done
