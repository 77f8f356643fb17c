#!/bin/sh
# Every verb explains itself, and docs/commands.md says the same.
. "$2/cli/support.sh"

run 0 "--help lists the verbs" --help
says out "fleetnas help VERB"
run 1 "without a verb: usage"
says err "Verbs:"

# Lines of the text in FILE that a terminal of 110 columns would break.
no_long_line() { ! awk 'length > 110' "$1" | grep .; }
# Descriptions of options stand in one column, also where they go on.
aligned() { awk '/^Options:$/ { here = 1; next } /^$/ { here = 0 } here && !/^  -/ && match($0, /[^ ]/) != 35 { print; bad = 1 } END { exit bad }' "$1"; }
# An example that goes on in the next line is one command to a shell.
one_command() { awk '/^Example:$/ { here = NR } here && NR == here + 1, !/\\$/ { lines++ } END { exit here + lines != NR }' "$1"; }

run 0 "help lists the verbs" help
want "in lines of at most 110 characters" no_long_line "$place/out"
sed -n '/^Verbs:/,/^$/p' "$place/out" | sed -n 's/^  \([a-z ]*[a-z]\)  *  .*/\1/p' > "$place/verbs"
want "there are at least ten verbs" [ "$(wc -l < "$place/verbs")" -ge 10 ]
while read -r verb; do
    # shellcheck disable=SC2086 # one to three words
    run 0 "$verb --help" $verb --help
    cp "$place/out" "$place/help"
    says out "Example:"
    says out "  fleetnas $verb"
    want "$verb --help has lines of at most 110 characters" no_long_line "$place/help"
    want "$verb --help has its descriptions in one column" aligned "$place/help"
    want "$verb --help has an example that is one command" one_command "$place/help"
    # shellcheck disable=SC2086
    run 0 "help $verb" help $verb
    want "help $verb and $verb --help agree" cmp "$place/out" "$place/help"
    awk -v heading="## fleetnas $verb" '$0 == heading { here = 1 } here && /^```$/ { exit } here && text { print } here && /^```text$/ { text = 1 }' \
        "$tests/../docs/commands.md" > "$place/documented"
    want "docs/commands.md has the help text of $verb (scripts/update-commands.sh writes it)" diff "$place/documented" "$place/help"
done < "$place/verbs"

# ---- where lines are broken ----
run 0 "a description that is longer than a line" help front
says out "  --plot staircase|pairs|parallel how pictures show it"
says out "                                  objectives, or parallel coordinates"
run 0 "a long list of options that are needed" help device import help
says out "Usage: fleetnas device import help FILE.pt... --space SPACE --output CARD.json|FOLDER"
says out "       --index-map MAP.pt|ARCHS.csv [options]"
run 0 "a list of operands" help rival
says out "  macs                   the front by multiply-accumulates in place of the error; evaluates no more than"
says out "                         --points"
says out "Usage: fleetnas rival NAME --space SPACE"
says out "latency_ms.csv \\"
says out "      --accuracy-column cifar10_test_accuracy_pct"

run 0 "version" version
says out "fleetnas "
run 0 "--version" --version
run 0 "version --json" version --json
says out '"version": "'
finish
