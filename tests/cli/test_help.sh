#!/bin/sh
# Every verb explains itself, and docs/commands.md says the same.
. "$2/cli/support.sh"

run 0 "--help lists the verbs" --help
says out "fleetnas help VERB"
run 1 "without a verb: usage"
says err "Verbs:"

run 0 "help lists the verbs" help
sed -n '/^Verbs:/,/^$/p' "$place/out" | sed -n 's/^  \([a-z ]*[a-z]\)  *  .*/\1/p' > "$place/verbs"
want "there are at least ten verbs" [ "$(wc -l < "$place/verbs")" -ge 10 ]
while read -r verb; do
    # shellcheck disable=SC2086 # one to three words
    run 0 "$verb --help" $verb --help
    cp "$place/out" "$place/help"
    says out "Example:"
    says out "  fleetnas $verb"
    # shellcheck disable=SC2086
    run 0 "help $verb" help $verb
    want "help $verb and $verb --help agree" cmp "$place/out" "$place/help"
    awk -v heading="## fleetnas $verb" '$0 == heading { here = 1 } here && /^```$/ { exit } here && text { print } here && /^```text$/ { text = 1 }' \
        "$tests/../docs/commands.md" > "$place/documented"
    want "docs/commands.md has the help text of $verb (scripts/update-commands.sh writes it)" diff "$place/documented" "$place/help"
done < "$place/verbs"

run 0 "version" version
says out "fleetnas "
run 0 "--version" --version
run 0 "version --json" version --json
says out '"version": "'
finish
