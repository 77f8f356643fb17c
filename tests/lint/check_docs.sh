#!/bin/sh
# Usage: check_docs.sh SOURCE_FOLDER. Public functions have docstrings that name their errors; the command's verbs and options stand in
# docs/commands.md, and README and docs mention no verb that does not exist.
set -eu
cd "${1:-.}"
failures=0
complain() { echo "$1" >&2; failures=$((failures + 1)); }

# A docstring stands above each block of declarations (a block ends at an empty line or at the next docstring). Where a function of the block can
# fail, the docstring, or the comment that stands alone above a group of blocks, says how: it names a status or says "Errors".
awk '
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad++ }
FNR == 1 { section = ""; documented = 0; comment = ""; open = 0; alone = 0 }
/^[ \t]*$/ { if (alone) section = comment; documented = 0; comment = ""; alone = 0; next }
/^\/\*/ { alone = !documented; comment = ""; documented = 1; open = 1 }
open { comment = comment $0; if ($0 ~ /\*\//) open = 0; if ($0 !~ /FNAS_API/) next }
{ alone = 0 }
/^FNAS_API/ {
    name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
    functions++
    if (!documented) complain(name " has no docstring above its block")
    else if ($0 ~ /fnas_status fnas_/ && $0 ~ /FNAS_NODISCARD/ && (section comment) !~ /FNAS_ERR|FNAS_INTERRUPTED|[Ee]rrors|[Ff]ails/)
        complain(name " can fail, and the docstring of its block does not say how (FNAS_ERR_..., \"Errors as ...\")")
}
END { if (bad || !functions) exit 1; printf "%d public functions documented\n", functions }' include/fleetnas/*.h || failures=$((failures + 1))

# Verbs and options as src/cli declares them: VERB lines carry .name = "search"; options are rows {"seed", 0, CLI_..., in
# macros perhaps broken behind the name.
verbs=$(sed -n 's/^ *\.name = "\([a-z ]*\)",.*/\1/p' src/cli/*.c | sort -u)
[ -n "$verbs" ] || complain "src/cli declares no verb: has the form of its tables changed?"
options=$(grep -hoE '"[a-z-]+", *((0|.[a-z].), +CLI_|(0, *)?\\$)' src/cli/*.[ch] | sed 's/^"\([a-z-]*\)".*/\1/' | sort -u)
[ -n "$options" ] || complain "src/cli declares no option: has the form of its tables changed?"
count=0
IFS='
'
for verb in $verbs; do
    count=$((count + 1))
    grep -q "^## fleetnas $verb\$" docs/commands.md || complain "docs/commands.md: no section '## fleetnas $verb'"
done
for option in $options; do
    grep -q -- "--$option\b" docs/commands.md || complain "docs/commands.md: --$option is not documented"
done

# `fleetnas VERB` at the start of a command line or in code marks.
mentioned=$(grep -hoE '(^ +|^\$ |`)fleetnas( [a-z]+){1,3}' README.md docs/*.md | sed 's/.*fleetnas //' | sort -u)
for mention in $mentioned; do
    one=${mention%% *}
    rest=${mention#"$one"}
    rest=${rest# }
    two="$one ${rest%% *}"
    if ! printf '%s\n' "$verbs" | grep -qxF -e "$mention" -e "$two" -e "$one"; then complain "README.md or docs mention 'fleetnas $mention', which is no verb"; fi
done

[ $failures -eq 0 ] || exit 1
echo "$count verbs and $(printf '%s\n' "$options" | wc -l) options documented"
