#!/bin/sh
# The protocol of Once-for-All's space on twelve GPU settings, small: what was done is not done again, the page says what was scored. With the shared
# tables (FLEETNAS_TEST_DATA), of which it takes a few rows; without them, what is refused.
. "$2/cli/support.sh"
cd "$place" || exit 1
script=$tests/../scripts/run-ofa.sh
export FLEETNAS="$fleetnas" OFA_DIR="$place/made" THREADS=2

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
says err "architectures_latency_ms.csv is missing"

echo x > empty/architectures_latency_ms.csv
cp empty/architectures_latency_ms.csv empty/accuracy_predictor.npz
cp empty/architectures_latency_ms.csv empty/splits.json
for wrong in SEEDS=01 SEEDS=a RIVAL_SEEDS=-1 STEPS=0 STEPS=1.5 EVALUATIONS=0 SLOW_EVALUATIONS=ten THREADS=0; do
    protocol 2 "$wrong" TABLES="$place/empty" $wrong
    says err "run-ofa: ${wrong%%=*}: \"${wrong#*=}\": whole numbers"
done
protocol 2 "a budget twice" TABLES="$place/empty" EVALUATIONS="24 100 24"
says err "EVALUATIONS: 24 is given twice"
protocol 2 "a command that is not there" TABLES="$place/empty" FLEETNAS=nothing/fleetnas
says err "$place/nothing/fleetnas is missing"
want "nothing was made" [ ! -e made ]

shared=${FLEETNAS_TEST_DATA:-}/ofa
if [ ! -s "$shared/accuracy_predictor.npz" ]; then
    echo "skipped: set FLEETNAS_TEST_DATA to the folder that holds ofa/architectures_latency_ms.csv, accuracy_predictor.npz and splits.json"
    finish
fi
mkdir tables
cp "$shared/accuracy_predictor.npz" "$shared/splits.json" tables/
# The ten references, and 150 rows more.
awk -F, 'NR == 1 || NR <= 151 || index(" 1316 1587 1621 1636 1980 2329 2487 3355 3740 4948 ", " " $1 " ")' "$shared/architectures_latency_ms.csv" > tables/architectures_latency_ms.csv
export TABLES="$place/tables" SEEDS=1 STEPS=3 RIVALS="random parego" EVALUATIONS="24 40" SLOW_EVALUATIONS=12 PREDICTOR_OPTIONS="--steps 20" JUDGE_OPTIONS="--holdout 0.2"
protocol 2 "a part that there is not" PARTS="cards serch"
says err '"serch" is none of'
protocol 2 "a split that there is not" SPLITS=all
says err '"all" is none of'
ln -s "$fleetnas" fleetnas
protocol 0 "the protocol" FLEETNAS=./fleetnas PARTS="cards search rivals score page"
want "a front of every device, method, split and budget" [ "$(find made/batch/fronts made/model/fronts -name '*.csv' | wc -l)" -eq $((2 * 12 * (2 + 2 + 1))) ]
want "a score of each" [ "$(wc -l < made/scores.csv)" -eq $((1 + 2 * 12 * 5)) ]
want "hypervolumes" awk -F, 'NR > 1 && !($6 > 0 && $6 < 1) { exit 1 }' made/scores.csv
want "the search saw eleven devices" sh -c "grep -q '\"v100_64\"' made/batch/fleetnas-3-1/config.json && ! grep -q titan_rtx_64 made/batch/fleetnas-3-1/config.json"
want "and nine, without the GPU model" sh -c "grep -q titan_xp_64 made/model/fleetnas-3-1/config.json && ! grep -q titan_rtx made/model/fleetnas-3-1/config.json"
want "the page has a row a method" grep -qE '^\| random \| 40 \| 0\.[0-9]{4} \| 0\.[0-9]{4} \| 0\.[0-9]{4} \| 1 \|$' made/results.md
want "means are those of the scores" sh -c "awk -F, '\$1 == \"model\" && \$3 == \"random\" && \$4 == \"evaluations-40\" { sum += \$6 } END { printf \"| random | 40 | %.4f |\", sum / 12 }' made/scores.csv > row && grep -qF \"\$(cat row)\" made/results.md"
want "and what each split's search asked the models" grep -qF "at $((11 * 16 * (1 + 2 * 6))) sampled architectures (batch; model: $((9 * 16 * (1 + 2 * 6)))), all" made/results.md
want "who is unseen stands in the table" [ "$(grep -c '(unseen)' made/results.md)" -eq 4 ]
want "a judge for each device" [ "$(sed -n '/^## The judge/,$p' made/results.md | grep -cE '^\| [a-z0-9_]+ \| -?[0-9.]+ \| [0-9.]+ \| [0-9.]+ \|$')" -eq 12 ]
cp made/scores.csv made/results.md .
touch marker
protocol 0 "once more" PARTS="cards search rivals score page"
want "searches and fits nothing" [ -z "$(find made -newer marker -name '*.safetensors' -o -newer marker -path '*fronts/*.csv')" ]
want "the same scores" cmp scores.csv made/scores.csv
want "the same page" cmp results.md made/results.md
rm made/batch/fronts/random,evaluations-24,titan_xp_1,1.csv
protocol 0 "a lost front" PARTS="rivals score"
says out "split batch, random, 24 evaluations: 1 to do"
want "is the same" cmp scores.csv made/scores.csv
want "fits, searches and rivals took processor seconds" awk -F, 'NR > 1 && ($4 == "predictor" || $4 == "search") { sum[$4] += $6 } END { exit !(sum["predictor"] > 0 && sum["search"] > 0) }' made/times.csv

# A signal to the script alone reaches the search.
env PARTS=search SPLITS=batch STEPS=1000000 SEEDS=9 sh "$script" > log 2>&1 < /dev/null &
alone=$!
for _ in $(seq 600); do
    [ ! -e made/batch/fleetnas-1000000-9/config.json ] || break
    sleep 0.1
done
kill -TERM $alone
code=0
wait $alone || code=$?
want "the script alone interrupted: 130, not $code" [ $code -eq 130 ]
want "the search has heard of it" grep -q "resume" log
want "its times are kept, those of the processor too" sh -c "awk -F, '\$1 == \"batch\" && \$3 == 9 && \$4 == \"search\" && \$6 > 0 { found = 1 } END { exit !found }' made/times.csv"
finish
