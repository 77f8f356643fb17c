#!/bin/sh
# What is typed wrongly is named, with a suggestion where one is near; exit code 1.
. "$2/cli/support.sh"
make_cards

run 1 "unknown verb" serch
says err 'unknown verb "serch": did you mean "search"?'
run 1 "unknown verb far from any" xyzzyx
says err 'fleetnas help lists them'
run 1 "noun without verb" device
says err "fleetnas device measure"
run 1 "noun with unknown verb" device shw
says err 'did you mean "device show"?'
run 1 "misspelt noun" devise show x.json
says err 'did you mean "device show"?'
run 1 "help of an unknown verb" help serch
says err 'did you mean "search"?'

run 1 "help of two verbs" help verify front
says err '"front" is one word too many'
run 0 "help of a verb of two words" help device show

run 1 "unknown option" search --devcie x.json --out run
says err "unknown option --devcie: did you mean --device?"
run 1 "unknown short option" front run -x
says err "unknown option -x"
run 1 "unknown option with a value" search --sede=3
says err "did you mean --seed?"
run 1 "missing value" search --device a.json --out
says err "--out needs a value"
run 1 "missing required option" search --device "$place/a.json"
says err "--out RUN is missing"
run 1 "missing operand" front --device "$place/a.json"
says err "RUN is missing"
run 1 "operand swallowed by --device" verify --device a.json b.json run
says err "put RUN first"
run 1 "too many operands" front one two --device a.json
says err '"two" is one word too many'
run 1 "an option given twice" search --seed 1 --seed 2 --device a.json --out run
says err "--seed is given twice"
run 1 "a flag with a value" front run --device a.json --json=yes
says err "--json takes no value"

for number in 1e3 0 -1 3x 0x10 1.5 99999999999999999999 ""; do
    run 1 "--steps '$number'" search --device a.json --out run --steps "$number"
    says err "--steps"
done
for number in nan inf 0 -1 1x ""; do
    run 1 "--minutes '$number'" search --device a.json --out run --minutes "$number"
    says err "--minutes"
done
run 1 "--seed beyond 64 bits" search --device a.json --out run --seed 18446744073709551616
says err "--seed"
run 1 "unknown choice" search --device a.json --out run --update mdg
says err "did you mean mgd?"
run 1 "unknown objective of a search" search --space "$space" --data "$data" --device "$place/a.json" --out "$place/run" --objectives error,latency
says err "latency_ms"
run 1 "steps and epochs" search --space "$space" --data "$data" --device "$place/a.json" --out "$place/run" --steps 2 --epochs 2
says err "one of"
run 1 "json and csv at once" front run --device a.json --json --csv
says err "--json and --csv"
run 1 "output of an unknown form" front run --device a.json --output front.txt
says err ".json, .csv or .svg"
run 3 "a card that could not be written is not measured" device measure --space "$space" --name a -o "$place/none/a.json"
says err "nothing was done"
run 3 "a report that could not be written is not made" report run --verify -o "$place/none/report.html"
says err "nothing was done"
run 1 "pick without a wish" pick run --device a.json
says err "--prefer"
want "nothing was written" [ ! -e "$place/run" ]
finish
