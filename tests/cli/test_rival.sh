#!/bin/sh
# fleetnas rival: fronts on a truth table, scored by fleetnas score.
. "$2/cli/support.sh"

# A table of 200 cells: every architecture of a small part of the space.
awk 'BEGIN {
    split("none skip_connect nor_conv_1x1 nor_conv_3x3 avg_pool_3x3", op, " ")
    print "arch,accuracy,ms,mj"
    for (k = 0; k < 200; k++) {
        a = k % 5; b = int(k / 5) % 5; c = int(k / 25) % 5; d = int(k / 125)
        printf "|%s~0|+|%s~0|%s~1|+|%s~0|nor_conv_3x3~1|nor_conv_1x1~2|,%.2f,%.2f,%.2f\n", op[a + 1], op[b + 1], op[c + 1], op[d + 1], \
            40 + 9 * ((a * 3 + 1) % 5) + 2 * ((b * 2 + c) % 5) + d, 1 + 0.5 * a + 0.3 * b + 0.2 * c + 0.1 * d, 2 + 0.7 * ((a + b + c) % 5)
    }
}' > "$place/truth.csv"

# rival NAME WORD...
rival() {
    name=$1
    shift
    run 0 "rival $name $*" rival "$name" --space nb201 --partial --truth "$place/truth.csv" --accuracy-column accuracy --column latency_ms=ms -o "$place/$name.csv" "$@"
}
tables="--space nb201 --partial --truth $place/truth.csv --accuracy-column accuracy --column latency_ms=ms"

run 0 "rival --help" rival --help
for name in random local-search nsga2 regularised-evolution macs untrained linear-scalarisation random-scalarisation parego ehvi; do
    want "the help names $name, with what it is" grep -q "^  $name  *[^ ]" "$place/out"
done

for name in linear-scalarisation random-scalarisation parego ehvi; do
    rival "$name" --evaluations 40 --seed 3
    says out "40 evaluations"
    cp "$place/$name.csv" "$place/first.csv"
    rival "$name" --evaluations 40 --seed 3 --json
    says out "\"rival\": \"$name\""
    says out '"evaluations": 40'
    want "$name: equal seeds, equal files" cmp "$place/first.csv" "$place/$name.csv"
    # shellcheck disable=SC2086
    run 0 "score of $name" score $tables --front "$place/$name.csv"
done
rival ehvi --evaluations 40 --column energy_mj=mj
want "the front has its columns" grep -qx 'arch,error,latency_ms,energy_mj' "$place/ehvi.csv"

rival parego --evaluations 200 --points 200
# shellcheck disable=SC2086
run 0 "all of the table: the true front" score $tables --front "$place/parego.csv" --json
want "its ratio is 1" grep -Eq '"ratio": (1|1\.0+|0\.99999999[0-9]*)[,}]?' "$place/out"

# shellcheck disable=SC2086
run 1 "more evaluations than there are" rival ehvi $tables --evaluations 201 -o "$place/none.csv"
says err "--evaluations 201: possible are 1 to 200"
# shellcheck disable=SC2086
run 1 "a front that is no CSV by its name" rival random $tables --evaluations 5 -o "$place/front.json"
says err "front.json: the name must end in .csv"
want "nothing is written" [ ! -e "$place/front.json" ]
run 1 "one column as accuracy and cost" rival random --space nb201 --partial --truth "$place/truth.csv" --accuracy-column accuracy --column latency_ms=accuracy --evaluations 5 -o "$place/none.csv"
says err 'column "accuracy" is named for the accuracy and for latency_ms'
run 1 "one column as error and cost" score --space nb201 --partial --truth "$place/truth.csv" --error-column ms --column latency_ms=ms --front "$place/none.csv"
says err 'column "ms" is named for the error and for latency_ms'
awk -F, -v OFS=, 'NR > 1 { $2 /= 100 } { print }' "$place/truth.csv" > "$place/fractions.csv"
run 2 "accuracies as fractions" rival random --space nb201 --partial --truth "$place/fractions.csv" --accuracy-column accuracy --column latency_ms=ms --evaluations 5 -o "$place/none.csv"
says err 'fractions.csv: column "accuracy": no architecture has an error under 90 %: accuracies are in %'
# A space of twelve, fewer than the 24 points of a front by default.
awk -v table="$place/twelve.csv" 'BEGIN {
    print "arch,error_pct,ms" > table
    for (k = 0; k < 12; k++) {
        arch = substr("abcd", k % 4 + 1, 1) "/" substr("xyz", int(k / 4) + 1, 1)
        print arch "," 20 - k "," 1 + k > table
        if (k < 10) references = references (k ? ", " : "") "\"" arch "\""
    }
    print "{\"format\": \"fleetnas-space/1\", \"name\": \"twelve\", \"decisions\": [{\"name\": \"d\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]},"
    print "{\"name\": \"e\", \"choices\": [\"x\", \"y\", \"z\"]}], \"references\": [" references "]}"
}' > "$place/twelve.json"
twelve="--space $place/twelve.json --truth $place/twelve.csv --column latency_ms=ms --evaluations 12"
# shellcheck disable=SC2086
run 0 "points by default are no more than there are architectures" rival random $twelve -o "$place/twelve-front.csv"
want "the front has all of them" [ "$(wc -l < "$place/twelve-front.csv")" = 13 ]
# shellcheck disable=SC2086
run 1 "those that are asked for are not clipped" rival random $twelve --points 13 -o "$place/none.csv"
says err "--points 13: possible are 1 to 12"
# shellcheck disable=SC2086
run 1 "unknown rival" rival parago $tables --evaluations 20 -o "$place/none.csv"
says err 'did you mean "parego"?'
# shellcheck disable=SC2086
run 2 "four objectives for ehvi" rival ehvi $tables --column energy_mj=mj --column macs=ms --evaluations 20 -o "$place/none.csv"
says err "2 or 3 objectives"
want "nothing is written by what fails" [ ! -e "$place/none.csv" ]
finish
