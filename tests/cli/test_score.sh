#!/bin/sh
# Fronts and rivals against truth tables: what is wrong with a table or a front is named, and refused.
. "$2/cli/support.sh"
cd "$place" || exit 1
make_truth archs.csv
awk -F, -v OFS=, 'NR == 1 { print "arch_index,phone_ms,draw_mj"; next } { print $1, 1 + $4 / 20 + ($1 % 11) / 10, 3 + $4 / 9 + ($1 % 7) / 5 }' archs.csv > costs.csv
want "the table is whole" [ "$(wc -l < archs.csv)" -eq 15626 ]
accuracy=cifar10_test_accuracy_pct

score() { # CODE TEXT FRONT WORD...
    wanted_code=$1 text=$2 front=$3
    shift 3
    run "$wanted_code" "$text" score --space nb201 --truth archs.csv costs.csv --accuracy-column $accuracy --column latency_ms=phone_ms --front "$front" "$@"
}
rival() { # CODE TEXT NAME WORD...
    wanted_code=$1 text=$2 name=$3
    shift 3
    run "$wanted_code" "$text" rival "$name" --space nb201 --truth archs.csv costs.csv --accuracy-column $accuracy --column latency_ms=phone_ms -o "$name.csv" "$@"
}

# ---- what is well ----
rival 0 "a rival" nsga2 --evaluations 60 --seed 3
says out "nsga2.csv: nsga2, 60 evaluations,"
says out "of the true hypervolume"
rival 0 "with its score" nsga2 --evaluations 60 --seed 3 --json
says out '"evaluations": 60'
grep '"ratio"' out > rival-ratio
score 0 "its file scored" nsga2.csv --json
grep '"ratio"' out > score-ratio
want "is the score that the rival told" sh -c "tr -d ' ' < rival-ratio > a && tr -d ' ' < score-ratio > b && cmp a b"
score 0 "three objectives" nsga2.csv --column energy_mj=draw_mj
rival 0 "a rival for three" random --evaluations 40 --column energy_mj=draw_mj --json
says out '"ratio"'

echo "<svg/>" > picture.svg
score 2 "a picture is no front" picture.svg
says err "a front's file ends in .json or .csv"
cp nsga2.csv named.front
score 0 "a table by another name is one" named.front
rm named.front

# ---- tables ----
spoil() { # TABLE SED_SCRIPT: a table with one thing wrong, in the place of the good one
    mv "$1" good.csv
    sed "$2" good.csv > "$1"
}
refuse() { # TABLE SED_SCRIPT WORDS: by score and by rival alike
    spoil "$1" "$2"
    score 2 "score refuses $1, $2" nsga2.csv
    says err "$3"
    rival 2 "and so does rival" random --evaluations 10
    says err "$3"
    want "no front was written by that" [ ! -e random.csv ]
    mv good.csv "$1"
}
rm -f random.csv
sed -n 8p archs.csv | cut -d, -f2 > eighth
refuse archs.csv '8s/,[^,]*$/,100.5/' "column \"$accuracy\" holds 100.5 for $(cat eighth)"
refuse archs.csv '8s/,[^,]*$/,-3/' "holds -3 for $(cat eighth)"
refuse archs.csv '8s/,[^,]*$/,NaN/' "archs.csv:8: \"$accuracy\" is \"NaN\", it must be a finite number"
refuse costs.csv '9s/,[^,]*,/,inf,/' 'costs.csv:9: "phone_ms" is "inf"'
refuse archs.csv '9{p;s/^[0-9]*/20000/}' "archs.csv:10: the architecture has the index 20000, and 7 in archs.csv:9"
refuse costs.csv '9s/^7,/6,/' "costs.csv:9"
refuse costs.csv '9d' 'column "phone_ms" has no row for'
refuse archs.csv '1s/test_accuracy/tst_accuracy/' 'did you mean "cifar10_tst_accuracy_pct"?'
grep -v '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|' archs.csv > fewer.csv
run 2 "a truth without one architecture" score --space nb201 --truth fewer.csv --accuracy-column $accuracy --column macs=macs_million --front nsga2.csv
says err "the truth tables lack 1 of the space's 15625 architectures, first |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
run 0 "is taken when it is said to be a sample" score --space nb201 --truth fewer.csv --accuracy-column $accuracy --column macs=macs_million --front nsga2.csv --partial
run 2 "a table that is missing" score --space nb201 --truth none.csv --accuracy-column $accuracy --column latency_ms=phone_ms --front nsga2.csv
says err "none.csv"

# ---- objectives ----
run 1 "one objective only" score --space nb201 --truth archs.csv --accuracy-column $accuracy --front nsga2.csv
says err "--column"
run 1 "a rival with one objective" rival random --space nb201 --truth archs.csv --accuracy-column $accuracy --evaluations 10 -o one.csv
says err "--column"
score 1 "an objective twice" nsga2.csv --column latency_ms=draw_mj
says err "given twice"
run 1 "accuracy and error" score --space nb201 --truth archs.csv --accuracy-column $accuracy --error-column e --column macs=macs_million --front nsga2.csv

# ---- fronts ----
printf 'arch\n|none~0|+|none~0|\n' > short.csv
score 2 "a front of no architectures" short.csv
says err "short.csv:2"
printf 'cell\nx\n' > cell.csv
score 2 "a front without its column" cell.csv
says err '"arch" is missing'
awk -F, 'NR == 1 || NR == 15626 { print $2 }' archs.csv > last.csv
sed '$d' archs.csv > without-last.csv
run 2 "a front with an architecture that the table lacks" score --space nb201 --truth without-last.csv --accuracy-column $accuracy --column macs=macs_million --partial --front last.csv
says err "the truth tables have no row for $(tail -1 last.csv), architecture 1 of the front"
printf '{"points": [{"arch": 3}]}' > three.json
score 2 "a point that is no architecture" three.json
says err '"points"[0]'

# ---- budgets ----
rival 1 "a budget larger than the space" random --evaluations 15626
says err "--evaluations 15626: possible are 1 to 15625"
rival 1 "no budget" random
rival 1 "a budget of none" random --evaluations 0
rival 1 "a rival that there is not" nsga --evaluations 10
says err 'did you mean "nsga2"?'

# ---- results ----
mkdir results
run 2 "results of nothing" results results -o page.md
says err "splits.json"
printf '{"search_devices": ["phone"], "unseen_devices": ["board"]}' > results/splits.json
run 2 "no scores" results results -o page.md
says err "holds no scores"
for seed in 1 2; do
    "$fleetnas" rival random --space nb201 --truth archs.csv costs.csv --accuracy-column $accuracy --column latency_ms=phone_ms --evaluations 24 --seed $seed -o r.csv --json \
        > results/error+latency_ms,random,evaluations-24,phone,$seed.json
done
"$fleetnas" score --space nb201 --truth archs.csv costs.csv --accuracy-column $accuracy --column latency_ms=phone_ms --front nsga2.csv --json > results/error+latency_ms,ours,minutes-60,phone,1.json
run 1 "a page among the scores" results results -o results/page.md
says err "--output results/page.md: lies in results, which holds scores alone"
run 1 "another form of it among them" results results -o page.md --html ./results/../results/x
says err "--html ./results/../results/x: lies in results"
ln -s results linked
run 1 "a picture by a link" results results/ -o page.md --svg linked/radar.svg
says err "--svg linked/radar.svg: lies in results/"
want "nothing was written there" [ ! -e results/page.md ]
run 0 "a page of three scores" results results -o page.md --html page.html
says out "page.md: 3 scores"
want "it has means and errors" grep -qE '^\| random \| 24 evaluations \| 0\.[0-9]{4} ± 0\.[0-9]{4} \| – \| 2 \| 24 \|$' page.md
want "and the search" grep -qE '^\| ours \| 60 minutes \| \*\*0\.[0-9]{4}\*\* \| – \| 1 \| one search \|$' page.md
want "HTML" grep -q '</html>' page.html
run 2 "two devices are no radar" results results -o page.md --svg radar.svg
says err "a radar needs three devices"
: > results/error+latency_ms,ours,minutes-60,phone,2.json
run 2 "an empty score" results results -o page.md
says err "error+latency_ms,ours,minutes-60,phone,2.json"
run 1 "no page" results results
run 3 "a folder that is missing" results results -o no/page.md
finish
