#!/bin/sh
# Errors estimated from short trainings: a table, taken up after a kill, searched with, compared with a table of true errors; what is refused.
. "$2/cli/support.sh"
make_cards
errors=$place/errors.csv

# estimate WORD...: arguments for an estimate that takes seconds.
estimate() {
    wanted=$1 text=$2
    shift 2
    run "$wanted" "$text" error estimate --space "$space" --data "$data" --proxy channels=4 --score-proxy channels=4 --score-images 8 --steps 10 --batch 8 --seed 3 -o "$errors" "$@"
}

estimate 0 "an estimate" --trainings 80 --device "$place/a.json" "$place/b.json"
says out "80 trainings (0 of an earlier call)"
want "a row for every cell" [ "$(wc -l < "$errors")" -eq 15626 ]
want "its columns" grep -q "^arch,error_pct,deviation_pct,trained_error_pct$" "$errors"
cp "$errors" "$place/first.csv"
rm "$errors"
estimate 0 "trainings are taken over" --trainings 80 --device "$place/a.json" "$place/b.json" --json
says out '"resumed": 80'
want "the table is the same" cmp "$errors" "$place/first.csv"
estimate 0 "of kept scores alone" --ingredients naswot,meco
says out "9444 architectures that differ, from scores of untrained networks alone"

# A kill loses at most the round that was being trained.
rm -f "$errors" "$errors.trainings"
"$fleetnas" error estimate --space "$space" --data "$data" --proxy channels=4 --score-proxy channels=4 --score-images 8 --steps 600 --batch 8 --seed 3 -o "$errors" --trainings 64 > "$place/out" 2>&1 &
job=$!
for _ in $(seq 900); do
    ! grep -q "expressivity: 9444/9444" "$place/out" || break
    sleep 0.1
done
# Until a round is on the disk: an architecture's name stands in the file, and the journal, whose beginning is zero once it is of no more use,
# could not take it back.
could_be_taken_back() { [ -n "$(head -c 8 "$errors.trainings-journal" 2> /dev/null | tr -d '\000')" ]; }
for _ in $(seq 600); do
    ! grep -qF '|+|' "$errors.trainings" || could_be_taken_back || break
    sleep 0.05
done
kill -9 $job
wait $job 2> /dev/null || true
want "no table yet" [ ! -e "$errors" ]
run 0 "after the kill" error estimate --space "$space" --data "$data" --proxy channels=4 --score-proxy channels=4 --score-images 8 --steps 600 --batch 8 --seed 3 -o "$errors" --trainings 64
want "trainings of the killed call are taken over" grep -q "([1-9][0-9]* of an earlier call)" "$place/out"

run 0 "a search with it" search --space "$space" --error "table:$place/first.csv:error_pct" --device "$place/a.json" "$place/b.json" --steps 20 --out "$place/run"
run 0 "its front" front "$place/run" --device "$place/c.json" --csv
# Made-up truth: the estimate with a little more for every none.
awk -F, 'NR == 1 { print "arch,error_pct,ms"; next } { nones = gsub(/none/, "none", $1); print $1 "," ($2 + nones) / 2 "," 10 - nones }' "$place/first.csv" > "$place/truth.csv"
run 0 "compared with a table" error eval "$place/first.csv" --space "$space" --truth "$place/truth.csv" --column latency_ms=ms
says out "Kendall"

estimate 1 "two lengths" --trainings 16 --minutes 1
run 1 "steps below ten" error estimate --space "$space" --data "$data" --steps 5 -o "$place/x.csv"
says err "--steps 5: possible are"
mkdir "$place/held.csv.trainings"
run 3 "a folder in the place of the trainings" error estimate --space "$space" --data "$data" --device "$place/nowhere.json" -o "$place/held.csv"
says err "held.csv.trainings is a folder, where the trainings are kept"
run 2 "other steps than those trained" error estimate --space "$space" --data "$data" --proxy channels=4 --score-proxy channels=4 --score-images 8 --steps 20 --batch 8 --seed 3 -o "$errors"
says err "600 steps"
run 2 "images that do not fit" error estimate --space "$space" --data "$data" --proxy input=2x8x8 -o "$place/x.csv"
says err "has 1 channel and is resized"
run 2 "a card of another space" error estimate --space nb201:channels=8,cells=1,classes=4,input=1x8x8 --data "$data" --device "$place/a.json" -o "$place/x.csv"
want "nothing was written" [ ! -e "$place/x.csv" ]
finish
