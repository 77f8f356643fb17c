#!/bin/sh
# fleetnas bench: lists, checks, reports; refuses what it does not understand before it measures anything.
. "$2/cli/support.sh"

run 0 "bench --list" bench --list
says out "conv: a convolution"
says out "direction=forward|data|weights"
run 0 "bench --list --json" bench --list --json
says out '"family": "pass"'

run 0 "an operator and a pass" bench conv:images=2 pass:images=2,channels=4,cells=1,gradient=both --quick --threads 1
says out "peak on 1 thread: f32"
says out "quick: to see that all works"
says out "conv:images=2,in=16,out=16"
says out "images_per_s"
run 0 "as JSON" bench relu:images=2 --quick --threads 1 --json --quiet
says out '"problem": "relu:images=2,channels=16,size=32,direction=forward,add=no,precision=f32"'
[ ! -s "$place/err" ] && pass "--quiet is quiet" || fail "--quiet is quiet"
run 0 "an iteration with the cells of a file" bench "iteration:cells=$2/../bench/cells-13.txt,images=26,batch=shared,channels=4,depth=1" --quick --threads 2
says out "paths 26, distinct_paths 26, images 52"
grep -v '^#' "$2/../bench/cells-13.txt" | sed -n '1p;1p' >"$place/again.txt"
run 0 "a cell that stands there twice" bench "iteration:cells=$place/again.txt,images=2,channels=4,depth=1" --quick --threads 1
says out "paths 4, distinct_paths 2, images 8"
run 0 "a dump" bench pass:images=2,channels=4,cells=1 --quick --threads 1 --dump "$place/pass.safetensors"
[ -s "$place/pass.safetensors" ] && pass "the dump is there" || fail "the dump is there"

run 1 "no problem" bench
says err "PROBLEM is missing"
run 1 "an unknown problem" bench convolution
run 1 "a problem that is nearly known" bench pas
says err 'did you mean "pass"?'
run 1 "an unknown key" bench conv:kernle=3
says err 'did you mean "kernel"?'
run 2 "an impossible shape" bench conv:size=4,kernel=7,padding=0
says err "at most 4"
run 1 "problems beside --list" bench conv --list
run 1 "a dump of an operator" bench conv --dump "$place/x.safetensors"
says err 'of the family "pass"'
run 3 "a dump into a folder that is not there" bench pass --dump "$place/nowhere/x.safetensors"
run 1 "no repeats" bench conv --repeats 0
finish
