#!/bin/sh
# The protocol of NAS-Bench-201, small, on made-up tables: the searching part runs where neither accuracies nor test images are; what was done
# is not done again, what was interrupted goes on; the page says what was scored.
. "$2/cli/support.sh"
cd "$place" || exit 1
script=$tests/../scripts/run-nb201.sh
export FLEETNAS="$fleetnas" NB201_DIR="$place/made" THREADS=2

# ---- made-up tables: two devices to search on, one unseen, which has energies too ----
mkdir tables cifar
make_truth made_up.csv
awk -F, -v OFS=, 'NR == 1 { print $0, "cifar10_Error_pct"; next } { print $0, 100 - $5 }' made_up.csv > tables/architectures.csv
awk -F, -v OFS=, 'NR == 1 { print "arch_index,phone,board_32,eyeriss"; next } { print $1, 1 + $4 / 20 + ($1 % 11) / 10, 3 + $4 / 9 + ($1 % 7) / 5, 2 + $4 / 30 + ($1 % 5) / 9 }' \
    tables/architectures.csv > tables/latency_ms.csv
awk -F, -v OFS=, 'NR == 1 { print "arch_index,eyeriss_energy_mj,pi5_onnx_latency_ms,pi5_onnx_energy_mj"; next } { print $1, 1 + $4 / 12 + ($1 % 3), 2 + $4 / 8, 5 + $4 / 3 + ($1 % 13) }' \
    tables/architectures.csv > tables/energy_mj.csv
printf '{"search_devices": ["phone", "board_32"],\n "unseen_devices": ["eyeriss"],\n "reference_archs": [' > tables/splits.json
for index in 0 3124 7812 15624 4687 9371 1953 11718 6248 13500; do
    awk -F, -v index_of=$index '$1 == index_of { printf "%s\"%s\"", (index_of ? ", " : ""), $2 }' tables/architectures.csv
done >> tables/splits.json
echo ']}' >> tables/splits.json

# Training images in CIFAR-10's binary form: ten plain colours, 10,000 records a batch; and a test batch that is none.
awk 'BEGIN { for (label = 0; label < 10; label++) { printf "%c", label; for (k = 0; k < 3072; k++) printf "%c", 40 + (label * (7 + int(k / 1024)) * 13 + k % 5) % 80 } }' > ten
want "ten records" [ "$(wc -c < ten)" -eq 30730 ]
for _ in 1 2 3 4 5 6 7 8 9 10; do cat ten; done > hundred
for _ in 1 2 3 4 5 6 7 8 9 10; do cat hundred; done > thousand
for _ in 1 2 3 4 5 6 7 8 9 10; do cat thousand; done | xz -0 > cifar/data_batch_1.bin.xz
for batch in 2 3 4 5; do cp cifar/data_batch_1.bin.xz cifar/data_batch_$batch.bin.xz; done
echo "not to be read" > cifar/test_batch.bin
rm ten hundred thousand

# protocol CODE TEXT SEARCH_NAME=VALUE...: runs the script.
protocol() {
    wanted=$1 text=$2
    shift 2
    code=0
    env "$@" sh "$script" > "$place/out" 2> "$place/err" < /dev/null || code=$?
    if [ $code -eq "$wanted" ]; then pass "$text"; else fail "$text (exit code $code, wanted $wanted)"; fi
}

# ---- bad input ----
protocol 2 "without tables"
says err "TABLES=FOLDER is missing"
protocol 2 "a folder that is missing" TABLES="$place/none"
says err "no such folder"
protocol 2 "a judge that there is not" TABLES="$place/tables" CIFAR10="$place/cifar" JUDGE=oracle
says err "JUDGE=oracle"
protocol 2 "a name that would not do in a file's name" TABLES="$place/tables" CIFAR10="$place/cifar" SEARCH_NAME=a,b
protocol 2 "a part that there is not" TABLES="$place/tables" CIFAR10="$place/cifar" PARTS="copies serch"
says err '"serch" is none of'
protocol 2 "images that are missing" TABLES="$place/tables" CIFAR10="$place/tables" PARTS=copies
says err "data_batch_1.bin.xz"
mv tables/latency_ms.csv all.csv
cut -d, -f1,2,4 all.csv > tables/latency_ms.csv
protocol 2 "a device without a column" TABLES="$place/tables" CIFAR10="$place/cifar" PARTS=copies
says err "has no column board_32"
mv all.csv tables/latency_ms.csv
# refuse VARIABLE WORDS MESSAGE: before anything is done.
refuse() {
    protocol 2 "$1=$2" TABLES="$place/tables" CIFAR10="$place/cifar" "$1=$2"
    says err "run-nb201: $1$3"
    want "nothing was done: $1=$2" [ ! -e made ]
}
rm -rf made
refuse SEEDS 01 ': "01": whole numbers'
refuse SEEDS "1 2 1" ": 1 is given twice"
refuse SEEDS "1 *" ': "*": whole numbers'
refuse SEEDS " " " is empty"
refuse MINUTES "5 0" ': "0": numbers above 0'
refuse MINUTES 0.00 ': "0.00": numbers above 0'
refuse MINUTES "2.5 2.50" ": 2.5 is given twice"
refuse MINUTES hour ': "hour": numbers above 0'
refuse MINUTES -5 ': "-5": numbers above 0'
refuse SEARCH_MINUTES 1e3 ': "1e3": numbers above 0'
refuse EVALUATIONS "24 0" ': "0": whole numbers from 1'
refuse EVALUATIONS "24 -1" ': "-1": whole numbers from 1'
refuse EVALUATIONS 24.5 ': "24.5": whole numbers from 1'
refuse RIVAL_SEEDS "1 x" ': "x": whole numbers'
refuse SLOW_SEEDS "1 1" ": 1 is given twice"
refuse SEARCH_STEPS 0 ': "0": whole numbers from 1'
refuse THREADS 0 ': "0": whole numbers from 1'

protocol 2 "a search without its copies" PARTS=search
says err 'the part "copies" makes it'
rm -rf made

# ---- the searching part, where there is nothing else ----
mkdir shim
printf '#!/bin/sh\ncase $1 in */data_batch_3.bin.xz) head -c 100 "$1"; exit 1 ;; esac\nPATH=%s exec cat "$@"\n' "$PATH" > shim/cat
chmod 755 shim/cat
protocol 2 "a copy that fails" TABLES="$place/tables" CIFAR10="$place/cifar" PARTS="copies search" PATH="$place/shim:$PATH"
says err "cifar/data_batch_3.bin.xz could not be copied"
never_says out "== Search"
want "no part of it is left" [ -z "$(find made -name '*.part' -o -name data_batch_3.bin.xz)" ]
want "what was copied stays" [ -s made/search/cifar10/data_batch_2.bin.xz ]
ln -s "$fleetnas" fleetnas
protocol 0 "copies" FLEETNAS=./fleetnas TABLES="$place/tables" CIFAR10="$place/cifar" PARTS=copies
want "neither accuracies nor errors among the copies" sh -c "! grep -rqiE 'accuracy|error' made/search/tables"
want "MACs stayed" sh -c "head -1 made/search/tables/architectures.csv | grep -qx 'arch_index,arch,params_million,macs_million'"
want "no test images among the copies" [ "$(cd made/search/cifar10 && echo *)" = "data_batch_1.bin.xz data_batch_2.bin.xz data_batch_3.bin.xz data_batch_4.bin.xz data_batch_5.bin.xz" ]
mkdir away
mv tables cifar away/
chmod 0 away 2> /dev/null
want "the tables are gone" [ ! -e tables ]
quick="--preset quick --paths 4"
protocol 2 "a command that is not there" FLEETNAS=nothing/fleetnas PARTS=search
says err "$place/nothing/fleetnas is missing"
protocol 0 "a search with shared weights runs without them" FLEETNAS=./fleetnas PARTS=search JUDGE=supernet SEARCH_NAME=weights MINUTES=5 SEEDS=1 THREE=no SEARCH_STEPS=3 \
    PREDICTOR_OPTIONS="--steps 100" SEARCH_OPTIONS="$quick --proxy channels=4,cells=1" FRONT_OPTIONS="--candidates 2"
for device in phone board_32 eyeriss; do want "a front of $device" grep -q '"arch"' made/search/weights-5/seed-1/fronts/$device.json; done
want "its errors are the weights' own" grep -q '"source": "supernet"' made/search/weights-5/seed-1/fronts/eyeriss.json

# Interrupted in the search, and gone on with.
: > log
setsid env PARTS=search JUDGE=macs SEARCH_NAME=trial MINUTES=5 SEEDS=1 SEARCH_STEPS=150 SEARCH_OPTIONS="$quick" sh "$script" > log 2>&1 < /dev/null &
group=$!
for _ in $(seq 600); do
    [ ! -e made/search/trial-5/seed-1/run/config.json ] || break
    sleep 0.1
done
kill -TERM -$group
code=0
wait $group || code=$?
want "an interrupted protocol ends with 130, not $code" [ $code -eq 130 ]
want "and says how to go on" grep -q "goes on from here" log
want "its search is not done" [ ! -e made/search/trial-5/seed-1/run.done ]
cp made/search/trial-5/seed-1/run/config.json config.json
touch config.json marker
protocol 0 "the same command goes on" PARTS=search JUDGE=macs SEARCH_NAME=trial MINUTES=5 SEEDS=1 SEARCH_STEPS=150 SEARCH_OPTIONS="$quick"
want "with the same run" cmp config.json made/search/trial-5/seed-1/run/config.json
want "its run is done" [ -e made/search/trial-5/seed-1/run.done ]
want "and a search with energy" [ -e made/search/trial-5/seed-1/run-three.done ]
for device in eyeriss raspi5; do want "three objectives of $device" grep -q '"name": "energy_mj"' made/search/trial-5/seed-1/fronts-three/$device.json; done
want "the cards were not made again" [ ! made/search/devices/phone.json -nt marker ]
want "every stage has its time" sh -c "for stage in shared,0,cards shared,0,predictor trial,1,search trial,1,fronts; do grep -q \"\$stage,\" made/results/times.csv || exit 1; done"
touch marker
protocol 0 "once more" PARTS=search JUDGE=macs SEARCH_NAME=trial MINUTES=5 SEEDS=1 SEARCH_STEPS=150 SEARCH_OPTIONS="$quick"
want "does nothing" [ -z "$(find made/search -newer marker -type f)" ]

# A signal to the script alone reaches the search.
env PARTS=search JUDGE=macs SEARCH_NAME=alone MINUTES=5 SEEDS=1 THREE=no SEARCH_STEPS=1000000 SEARCH_OPTIONS="$quick" sh "$script" > log 2>&1 < /dev/null &
alone=$!
for _ in $(seq 600); do
    [ ! -e made/search/alone-5/seed-1/run/config.json ] || break
    sleep 0.1
done
kill -TERM $alone
code=0
wait $alone || code=$?
want "the script alone interrupted: 130, not $code" [ $code -eq 130 ]
want "and says how to go on" grep -q "goes on from here" log
want "the search has heard of it" grep -q "resume" log
want "its time is kept" grep -q "^5,alone,1,search," made/results/times.csv

# ---- scores, rivals, page ----
chmod 755 away
mv away/tables away/cifar .
page="score rivals page"
protocol 0 "scores, rivals, page" TABLES="$place/tables" CIFAR10="$place/cifar" PARTS="$page" JUDGE=macs SEARCH_NAME=trial MINUTES=5 SEEDS=1 RIVALS="random nsga2 macs" EVALUATIONS="24 60" RIVAL_SEEDS="1 2"
# 3 devices: one search, two rivals with two budgets and two seeds, MACs; 2 devices with energy: one search, two rivals, two budgets, two seeds
want "one file a score" [ "$(ls made/results/*,*.json | wc -l)" -eq $((3 * (1 + 8 + 1) + 2 * (1 + 8))) ]
says out "has no line of \"trial\""
want "the page compares" grep -qE '^\| random \| 60 evaluations \| 0\.[0-9]+ ± 0\.[0-9]+ \| 0\.[0-9]+ ± 0\.[0-9]+ \| 2 \| 180 \|$' made/results.md
want "the page has the search" grep -qE '^\| trial \| 5 minutes \| \*\*0\.[0-9]+\*\* \| \*\*0\.[0-9]+\*\* \| 1 \| one search \|$' made/results.md
want "the page has three objectives" grep -qE '^\| raspi5 \| nsga2 \| 60 evaluations \| 0\.[0-9]+ ± 0\.[0-9]+ \| 2 \|$' made/results.md
want "the page counts what was scored" grep -q "configurations\{0,1\} of the search .* ever scored against the truth" made/results.md
want "a radar" grep -q "never seen by the search" made/results.svg
lost=made/results/error+latency_ms,nsga2,evaluations-60,board_32,2.json
cp "$lost" kept.json
rm "$lost"
touch marker
protocol 0 "a lost score is made again" TABLES="$place/tables" CIFAR10="$place/cifar" PARTS="$page" JUDGE=macs SEARCH_NAME=trial MINUTES=5 SEEDS=1 RIVALS="random nsga2 macs" EVALUATIONS="24 60" RIVAL_SEEDS="1 2"
says out "nsga2, 60 evaluations, error+latency_ms: 1 to do"
want "and it alone" [ "$(find made/results -name '*,*.json' -newer marker)" = "$lost" ]
want "to the same numbers" cmp "$lost" kept.json

# ---- a longer search begins with what a shorter one's judge has done ----
# Cards and predictor count: however long they took, the judge has some seconds.
took=$(awk -F, '$2 == "shared" { sum += $5 } END { print sum / 60 }' made/results/times.csv)
less=$(awk -v took="$took" 'BEGIN { printf "%.2f", took + 0.5 }') more=$(awk -v took="$took" 'BEGIN { printf "%.2f", took + 0.6 }')
short=made/search/curve-$less/seed-1 long=made/search/curve-$more/seed-1 tiny=channels=2,cells=1,input=3x8x8
protocol 0 "two searches with estimated errors" PARTS=search SEARCH_NAME=curve MINUTES="$less $more" SEARCH_MINUTES=0.05 SEARCH_STEPS=20 SEEDS=1 THREE=no SEARCH_OPTIONS="$quick" \
    JUDGE_OPTIONS="--proxy $tiny --score-proxy $tiny --score-images 4 --steps 40"
want "what the shorter one trained" sh -c "cut -d, -f1,4 $short/errors.csv | grep '[0-9]$' | sort > short; [ -s short ]"
want "the longer one has as well" sh -c "cut -d, -f1,4 $long/errors.csv | grep '[0-9]$' | sort > long; [ -z \"\$(comm -23 short long)\" ]"
want "it scored nothing anew" sh -c "! sed -n '/$more minutes/,\$p' err out | grep -q naswot"
want "the shorter one's seconds count in both" [ "$(grep -c "^$less,curve,1,judge" made/results/times.csv)" -lt "$(grep -c "^$more,curve,1,judge" made/results/times.csv)" ]

# ---- a rival that fails ----
code=0
env TABLES="$place/tables" CIFAR10="$place/cifar" PARTS=rivals RIVALS=nosuch EVALUATIONS=24 RIVAL_SEEDS=1 THREE=no sh "$script" > out 2> err < /dev/null || code=$?
want "stops the protocol, with $code" [ $code -eq 2 ]
says err "a rival failed"
want "and leaves no score" [ -z "$(find made/results -name '*nosuch*.json')" ]

# ---- the ablation ----
ablation() { env TABLES="$place/tables" ERRORS=trial-5/seed-1/errors.csv STEPS=20 SEEDS="1 2" ROWS="default devices-2 errors-random" THREADS=2 sh "$script_of_rows" > out 2> err < /dev/null; }
script_of_rows=$tests/../scripts/run-ablation.sh
refuse_row() { # TEXT MESSAGE NAME=VALUE...
    about=$1 message=$2
    shift 2
    want "$about" sh -c '! "$@" > out 2> err < /dev/null' sh env TABLES="$place/tables" ERRORS=trial-5/seed-1/errors.csv "$@" sh "$script_of_rows"
    says err "run-ablation: $message"
    want "nothing was done: $about" [ ! -e made/ablation ]
}
refuse_row "an ablation without steps" 'STEPS: "0": whole numbers from 1' STEPS=0
refuse_row "with steps in words" 'STEPS: "many"' STEPS=many
refuse_row "with a seed twice" "SEEDS: 2 is given twice" SEEDS="2 1 2"
refuse_row "with a seed that is none" 'SEEDS: "01"' SEEDS="1 01"
refuse_row "with a row that is none" 'ROWS: "defaults" is none of default update-mean' ROWS="default defaults"
refuse_row "with a row twice" "ROWS: default is given twice" ROWS="default default"
want "the ablation runs" ablation
want "a row each" [ "$(grep -cE '^[|] [a-z0-9 :,]+ [|] [01]\.[0-9]{4} ± 0\.[0-9]{4} [|] [01]\.[0-9]{4} ± 0\.[0-9]{4} [|]$' out)" -eq 3 ]
want "the judge's errors are better than none" awk -F' [|] ' '/default/ { judged = $3 + 0 } /at random/ { none = $3 + 0 } END { exit !(judged > none) }' out
cp out before
touch marker
want "once more" ablation
want "does nothing and says the same" sh -c "cmp out before && [ -z \"\$(find made/search/ablation -newer marker -type f)\" ]"
for seed in 1 2 3; do echo "default,$seed,0.987654,0.9" > "made/ablation/default,$seed"; done
agreeing() { env TABLES="$place/tables" ERRORS=trial-5/seed-1/errors.csv STEPS=20 SEEDS="1 2 3" ROWS=default sh "$script_of_rows" > out 2> err < /dev/null; }
want "seeds that agree" agreeing
want "have no standard error" grep -qF '| 0.9877 ± 0.0000 | 0.9000 ± 0.0000 |' out
cp $short/errors.csv.trainings judged
want "errors of some ingredients" env TABLES="$place/tables" ERRORS=curve-$less/seed-1/errors.csv JUDGE_OPTIONS="--proxy $tiny --score-proxy $tiny --score-images 4 --steps 40" STEPS=20 SEEDS=1 \
    ROWS="scores-alone without-meco" THREADS=2 sh "$script_of_rows"
want "what other errors gave is moved aside" grep -q 0.987654 made/ablation-1/default,3
want "are not the judge's, which stays" cmp judged $short/errors.csv.trainings
rows=made/search/ablation
want "and differ" sh -c "! cmp -s $rows/scores-alone/seed-1/errors.csv $rows/without-meco/seed-1/errors.csv && ! cmp -s $rows/without-meco/seed-1/errors.csv $short/errors.csv"
want "without a new training" sh -c "cut -d, -f1,4 $rows/without-meco/seed-1/errors.csv | grep '[0-9]$' | sort | cmp short -"
mkdir other
cp made/ablation/* other/
: > err
want "other settings" env TABLES="$place/tables" ERRORS=trial-5/seed-1/errors.csv STEPS=19 SEEDS=1 ROWS=default sh -c 'sh "$0" > out 2> err < /dev/null' "$script_of_rows"
says err "results of other settings are now in $place/made/ablation-2, their runs in $place/made/search/ablation-2"
want "nothing of them is lost" sh -c 'for file in other/*,*; do cmp "$file" "made/ablation-2/${file#other/}" || exit 1; done'
want "nor a run" [ -e made/search/ablation-2/scores-alone/seed-1/run/config.json ]
mv made/search/predictor.safetensors kept
want "a search that fails ends it" sh -c "! env TABLES='$place/tables' ERRORS=trial-5/seed-1/errors.csv STEPS=21 SEEDS=1 ROWS=default sh '$script_of_rows' > failed 2> err"
want "and is not done" [ ! -e made/ablation/default,1 ]
finish
