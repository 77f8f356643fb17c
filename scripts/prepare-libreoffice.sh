#!/bin/sh
# Parallel text that needs no large collection: LibreOffice's help in English and German (Debian's packages libreoffice-help-en-us and
# libreoffice-help-de, 5 MB), aligned by file and paragraph. Downloads the packages without installing them, writes english.en and german.de, and has
# `fleetnas data prepare` make libreoffice.pairs of them, with the options that this script is given. docs/text.md has an outcome. Debian only.
#   TEXT_DIR  where everything goes [build/libreoffice]     FLEETNAS  the command [build/release/fleetnas]
set -eu
cd "$(dirname "$0")/.."
fleetnas=$(realpath "${FLEETNAS:-build/release/fleetnas}")
folder=${TEXT_DIR:-build/libreoffice}
least=5 most=40 # words of the English side
[ -x "$fleetnas" ] || { echo "$fleetnas is missing: make build" >&2; exit 1; }
mkdir -p "$folder"
cd "$folder"

fetch() {
    for file in "$1"_*.deb; do [ ! -e "$file" ] || return 0; done
    apt-get download -qq "$1" >/dev/null 2>apt.log && return 0
    # the lists of packages may be missing or old
    apt-get update -qq >/dev/null 2>>apt.log && apt-get download -qq "$1" >/dev/null 2>>apt.log && return 0
    echo "cannot get Debian's package $1:" >&2
    tail -3 apt.log >&2
    exit 3
}

# A line for each paragraph and heading with an identifier: file, identifier, text. Of what is there for macOS and for all others (hidden until a
# script picks one) the others' is taken.
paragraphs() {
    awk -v file="$2" '
    BEGIN { RS = "<" }
    function finish() {
        gsub(/[ \t\r\n]+/, " ", text); sub(/^ /, "", text); sub(/ $/, "", text)
        gsub(/&nbsp;/, " ", text); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&#39;/, "\x27", text)
        gsub(/&amp;/, "\\&", text)
        if (text != "" && !(id in seen)) print file "\t" id "\t" text
        seen[id] = 1
        id = ""
    }
    {
        at = index($0, ">")
        if (!at) next
        tag = substr($0, 1, at - 1); rest = substr($0, at + 1)
        if (tag ~ /^(p|h[1-6])[ \n]/ && match(tag, /id="[^"]+"/)) { id = substr(tag, RSTART + 4, RLENGTH - 5); text = ""; spans = other = 0 }
        else if (tag ~ /^\/(p|h[1-6])$/) { if (id != "") finish() }
        else if (tag ~ /^span/) { spans++; if (!other && tag ~ /id="MAC/) other = spans }
        else if (tag ~ /^\/span/) { if (other == spans) other = 0; spans-- }
        else if (tag ~ /^br/) text = text " "
        if (id != "" && !other) text = text rest
    }' "$1"
}

# language, folder of the package: all its paragraphs, files in the order of their names
extract() {
    root=$1/usr/share/libreoffice/help/$2/text
    (cd "$root" && find . -name '*.html' | LC_ALL=C sort) | while read -r file; do paragraphs "$root/$file" "$file"; done
}

for package in libreoffice-help-en-us libreoffice-help-de; do
    fetch $package
    rm -rf "$package" && mkdir "$package"
    dpkg -x "$package"_*.deb "$package"
done
extract libreoffice-help-en-us en-US > english.tsv
extract libreoffice-help-de de > german.tsv

rm -f english.en german.de
# Once each; what is the same in both languages is no translation (names, code).
LC_ALL=C awk -F '\t' -v least=$least -v most=$most '
NR == FNR { english[$1, $2] = $3; next }
!(($1, $2) in english) { next }
{
    aligned++
    source = english[$1, $2]
    if (source == $3) { same++; next }
    if ((source, $3) in seen) { again++; next }
    seen[source, $3] = 1
    different++
    words = split(source, parts, " ")
    if (words < least || words > most) next
    kept++
    print source > "english.en"
    print $3 > "german.de"
}
END {
    printf "%d paragraphs in both languages: %d are the same in both, %d stand there again, %d pairs are left\n", aligned, same, again, different
    printf "%d of these have %d to %d English words: english.en, german.de\n", kept, least, most
}' english.tsv german.tsv
rm -rf libreoffice-help-en-us libreoffice-help-de english.tsv german.tsv apt.log

"$fleetnas" data prepare text:english.en,german.de -o libreoffice.pairs "$@"
