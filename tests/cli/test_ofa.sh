#!/bin/sh
# MobileNetV3: its devices measured here, latency tables of Once-for-All written for one and read again; and what is refused.
. "$2/cli/support.sh"
small=mobilenetv3:width=1.0,classes=10

run 0 "the space" space show mobilenetv3
says out "mobilenetv3:width=1.2,classes=1000"
run 0 "its reference architectures" space show "$small" --json
says out '"reference_archs"'
run 2 "a width that is none" space show mobilenetv3:width=3
says err "width=3 must be a number from 0.1 to 2"

# try WORD...: a measurement, from at most six attempts: on a busy machine the drift check may refuse some (exit code 4). Where it refuses all, nothing is said
# of this program, and the script ends.
try() {
    for attempt in 1 2 3 4 5 6; do
        code=0
        "$fleetnas" "$@" > "$place/out" 2> "$place/err" || code=$?
        [ $code -eq 4 ] || break
    done
    if [ $code -eq 4 ]; then
        echo "skip - $*: the machine is not quiet, six measurements drifted"
        finish
    fi
    if [ $code -eq 0 ]; then pass "$*"; else fail "$*: exit code $code"; fi
}

# Ten references at the least resolution: quick to measure.
awk 'BEGIN { printf "["
    for (i = 0; i < 10; i++) { printf "%s\"{\\\"wid\\\":null,\\\"ks\\\":[", (i ? ",\n" : "")
        for (s = 0; s < 20; s++) printf "%s%d", (s ? "," : ""), 3 + 2 * (s == 1 ? int(i / 3) % 3 : (i + s) % 3)
        printf "],\\\"e\\\":["
        for (s = 0; s < 20; s++) printf "%s%d", (s ? "," : ""), i == 9 || s % 5 == 4 ? 4 : 3
        printf "],\\\"d\\\":[2,%d,2,2,%d],\\\"r\\\":128}\"", 2 + i % 3, 2 + i % 2 }
    print "]" }' > "$place/ten.json"
try device measure --space "$small" --name here --references "$place/ten.json" --reference-only -o "$place/here.json"
try device measure --space "$small" --name blas --runtime blas --references "$place/ten.json" --reference-only -o "$place/blas.json"
run 0 "both" device show "$place/here.json" "$place/blas.json"
says out "Spearman"

run 1 "resolutions that are none" device export ofa "$place/here.json" --resolutions 128,x -o "$place/none"
says err "--resolutions 128,x"
run 2 "a resolution that the space lacks" device export ofa "$place/here.json" --resolutions 130 -o "$place/none"
says err "resolution 130 is none of the space's"
run 2 "one file for two tables" device export ofa "$place/here.json" --resolutions 128,132 -o "$place/none.yaml"
says err "need a folder"
run 2 "few rounds" device export ofa "$place/here.json" --resolutions 128 --rounds 3 -o "$place/none.yaml"
says err "rounds is 3"
make_card far 0.01 0.05 0.20 0.04 40 > "$place/far.json"
run 2 "a device of another space" device export ofa "$place/far.json" -o "$place/none"
says err "use mobilenetv3"
want "nothing is written" [ ! -e "$place/none" ]

try device export ofa "$place/here.json" --resolutions 128 -o "$place/tables" --json
says out '"blocks": 96'
says out '"median_error_pct"'
table=$place/tables/128_lookup_table.yaml
want "a block a key" [ "$(grep -c '^[A-Z_a-z0-9]*-input:' "$table")" -eq 96 ]
want "as OFA writes them" grep -q '^expanded_conv-input:32x32x24-output:32x32x24-expand:144-kernel:7-stride:1-idskip:1-se:0-hs:0:$' "$table"

run 1 "more architectures than can be asked for" device import ofa "$table" --space "$small" --name many --references-from-table --archs 999999999 -o "$place/many.json"
says err "the number of architectures (--archs) is 999999999: it must be 1 to"
run 2 "references of other resolutions" device import ofa "$table" --space "$small" --name again -o "$place/again.json"
says err "no table is of resolution 196, which reference architecture 0 has"
run 0 "the table is read" device import ofa "$table" --space "$small" --name again --references "$place/ten.json" --archs 30 -o "$place/again.json"
says out "again, batch 1, 1 thread, 40 architectures and 10 references"
run 0 "and its sums rank architectures" device show "$place/here.json" "$place/again.json"
says out "Spearman"
run 0 "references of its own" device import ofa "$table" --space "$small" --name own --references-from-table --archs 20 -o "$place/own.json"
says out "20 architectures and 10 references"
sed '3,6d' "$table" > "$place/less.yaml"
run 2 "a table that is cut" device import ofa "$place/less.yaml" --space "$small" --name less --references-from-table -o "$place/none.json"
says err "less.yaml"
sed '5,8d' "$table" > "$place/less.yaml"
run 2 "a block is missing" device import ofa "$place/less.yaml" --space "$small" --name less --references-from-table -o "$place/none.json"
says err "(1 of the 96 that"
{ cat "$table"; printf 'expanded_conv-input:7x7x192-output:7x7x320-expand:6-kernel:5-stride:1-idskip:0:\n  count: 61\n  mean: 3.86\n  std: 0.05\n'; } > "$place/more.yaml"
run 0 "a block that no such network has" device import ofa "$place/more.yaml" --space "$small" --name more --references-from-table -o "$place/more.json"
says err "more.yaml: 1 of its 97 blocks are none of $small at resolution 128"
run 2 "two tables of a resolution" device import ofa "$table" "$place/more.yaml" --space "$small" --name two --references-from-table -o "$place/none.json"
says err "are both of resolution 128"
run 2 "another width" device import ofa "$table" --space mobilenetv3 --name wide --references-from-table -o "$place/none.json"
says err "it is no table of mobilenetv3:width=1.2"
run 2 "another space" device import ofa "$table" --space nb201 --name cells --references-from-table -o "$place/none.json"
says err "use mobilenetv3"
want "no card of these" [ ! -e "$place/none.json" ]

finish
