#!/bin/sh
# Measuring this machine for real, with few architectures: the card is whole, comes out with the same architectures for equal seeds, and can be used.
. "$2/cli/support.sh"

# measure NAME WORD...: a card, from at most six attempts: on a busy machine the drift check may refuse some (exit code 4). Where it refuses all, nothing is said
# of this program, and the script ends.
measure() {
    name=$1
    shift
    for attempt in 1 2 3 4 5 6; do
        code=0
        "$fleetnas" device measure --space "$space" --name "$name" -o "$place/$name.json" "$@" > "$place/out" 2> "$place/err" || code=$?
        [ $code -eq 4 ] || break
    done
    if [ $code -eq 4 ] && [ "$attempt" -eq 6 ]; then
        echo "skip - measure $name: the machine is not quiet, six measurements drifted"
        finish
    fi
    if [ $code -eq 0 ]; then pass "measure $name $*"; else fail "measure $name $*: exit code $code"; fi
}

run 1 "references alone, and architectures" device measure --space "$space" --name few --reference-only --archs 3 -o "$place/x.json"
says err "--reference-only"
run 2 "blas knows f32 only" device measure --space "$space" --name x --runtime blas --precision int8 -o "$place/x.json"
says err "int8"
run 1 "an unknown runtime" device measure --space "$space" --name x --runtime onedn -o "$place/x.json"
says err "did you mean onednn?"
run 2 "too few rounds" device measure --space "$space" --name x --rounds 3 -o "$place/x.json"
says err "12"
echo '["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"]' > "$place/few.txt"
run 2 "one reference is not ten" device measure --space "$space" --name x --references "$place/few.txt" -o "$place/x.json"
says err "few.txt"
run 2 "references that are missing" device measure --space "$space" --name x --references "$place/nothing.json" -o "$place/x.json"
says err "nothing.json"
run 2 "a name that no search would take" device measure --space "$space" --name a/b --reference-only -o "$place/x.json"
says err "device name \"a/b\": use letters"
want "no card was written" [ ! -e "$place/x.json" ]

measure one --archs 12
says out "12 architectures and 10 references"
measure two --archs 12 --runtime blas --data "$data"
run 0 "show both" device show "$place/one.json" "$place/two.json" --json
says out '"runtime": "blas"'
grep -o '"arch": "[^"]*"' "$place/one.json" > "$place/archs1"
grep -o '"arch": "[^"]*"' "$place/two.json" > "$place/archs2"
want "equal seeds measure the same architectures" cmp "$place/archs1" "$place/archs2"
measure other --archs 12 --seed 5
grep -o '"arch": "[^"]*"' "$place/other.json" > "$place/archs3"
want "other seeds measure others" sh -c "! cmp -s '$place/archs1' '$place/archs3'"

# The card grows, and the references of another fleet are among what it has measured then.
measure other --add --archs 3 --seed 5
says out "15 architectures (3 added) and 10 references"
sed -n 's/^    {"arch": \("[^"]*"\).*/\1/p' "$place/other.json" | tail -10 | paste -sd, | sed 's/.*/[&]/' > "$place/ten.json"
run 0 "other references" device rebase "$place/other.json" --references "$place/ten.json" -o "$place/rebased.json"
says out "25 architectures and 10 references"
run 2 "another runtime is another device" device measure --space "$space" --name other --runtime blas --add --archs 3 -o "$place/other.json"
says err 'its runtime is "onednn", this measurement'"'"'s "blas"'

# verify: the card of another machine is left out and named, that of this machine is not lost. Busy machines may lose it too (exit code 4).
make_cards
run 0 "a search to verify" search --space "$space" --data "$data" --device "$place/one.json" --preset quick --proxy channels=4 --paths 4 --steps 8 --out "$place/run"
set -- verify "$place/run" --device "$place/a.json" "$place/one.json" --random 2 --scale 6 --test-images 50 --candidates 4
code=0
"$fleetnas" "$@" --json > "$place/out" 2> "$place/err" || code=$?
says err "a is left out: device a was imported"
case $code in
    0)
        pass "verify with a card of another machine"
        says out '"device": "one"'
        says out '"reason": "device a was imported'
        ;;
    4) echo "skip - verify: the machine is not quiet" ;;
    *) fail "verify with a card of another machine: exit code $code" ;;
esac

measure few --reference-only
says out "0 architectures and 10 references"
finish
