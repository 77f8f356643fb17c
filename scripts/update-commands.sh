#!/bin/sh
# Usage: update-commands.sh FLEETNAS. Rewrites docs/commands.md from the help texts, so that both say the same (a test compares them).
set -eu
fleetnas=$(realpath "$1")
cd "$(dirname "$0")/.."
{
    cat scripts/commands-head.md
    "$fleetnas" help | sed -n '/^Verbs:/,/^$/p' | sed -n 's/^  \([a-z ]*[a-z]\)  *  .*/\1/p' | while read -r verb; do
        # shellcheck disable=SC2016 # these are code marks of Markdown
        printf '\n## fleetnas %s\n\n```text\n' "$verb"
        # shellcheck disable=SC2086 # one to three words
        "$fleetnas" help $verb
        # shellcheck disable=SC2016
        printf '```\n'
    done
} > docs/commands.md.new
mv docs/commands.md.new docs/commands.md
