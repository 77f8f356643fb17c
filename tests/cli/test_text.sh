#!/bin/sh
# Parallel text: prepared from two files, in WMT's layout, with a vocabulary that is given; what the command says and refuses.
. "$2/cli/support.sh"

model=$2/files/text/bpe.model
numbered() { awk -v n="$1" -v first="$2" -v second="$3" 'BEGIN { for (i = 1; i <= n; i++) print first, second, i }'; }
numbered 200 ba ri > "$place/a.en"
numbered 200 ri ba > "$place/a.de"

run 0 "two files become four parts" data prepare "text:$place/a.en,$place/a.de" --vocabulary "$model" --seed 3 -o "$place/a.pairs" --json
says out '"read": 200'
says out '"vocabulary": 250'
says out '"repeated": 0'
sum=$(sed -n '/"kept"/,/}/s/[^0-9]//gp' "$place/out" | awk '{ sum += $1 } END { print sum }')
want "the parts are all there is" test "$sum" -eq 200
run 0 "the same again" data prepare "text:$place/a.en,$place/a.de" --vocabulary "$model" --seed 3 -o "$place/b.pairs" --quiet
says out 'kept 200 of 200 pairs'
want "equal commands make equal files" cmp "$place/a.pairs" "$place/b.pairs"

mkdir "$place/wmt"
for part in train valid test; do
    cp "$place/a.en" "$place/wmt/$part.en"
    cp "$place/a.de" "$place/wmt/$part.de"
done
printf '\377\nba\n\n' >> "$place/wmt/train.en"
printf 'ri\nri ri ri ri ri ri ri ri ri ri ri ri\nri\n' >> "$place/wmt/train.de"
run 0 "WMT's layout" data prepare "text:$place/wmt/train.en,$place/wmt/train.de" --vocabulary "$model" -o "$place/c.pairs"
says out 'kept 600 of 603 pairs'
says out '200 validation, 200 test'
says out 'left out: 1 (not UTF-8, or a 0 in it)'
says out 'left out: 1 (sides of too different lengths)'
says err 'train.en:201: left out: not UTF-8, or a 0 in it'
says err 'train.en:203: left out: an empty line'

echo more >> "$place/a.en"
rm "$place/a.pairs"
run 2 "files of different length" data prepare "text:$place/a.en,$place/a.de" --vocabulary "$model" -o "$place/a.pairs"
says err "a.de:201: the file ends before this line"
want "nothing was written" test ! -e "$place/a.pairs"
run 2 "no vocabulary" data prepare "text:$place/a.de,$place/a.de" --vocabulary "$place/a.en" -o "$place/a.pairs"
says err "a.en: no model of SentencePiece"
run 1 "an output that is an input" data prepare "text:$place/a.de,$place/a.de" --vocabulary "$model" -o "$place/a.de"
says err "would overwrite"
want "which is as it was" test "$(wc -l < "$place/a.de")" -eq 200
run 1 "a vocabulary that is given and trained" data prepare "text:$place/a.de,$place/a.de" --vocabulary "$model" --vocabulary-size 900 -o "$place/a.pairs"
says err "--vocabulary-size is for a vocabulary that is trained"
run 1 "an option of images" data prepare "text:$place/a.de,$place/a.de" --size 64 -o "$place/a.pairs"
says err "--size says something of images"
run 1 "an option of text" data prepare "folder:$place/pictures" --longest 9 -o "$place/a.pairs"
says err "--longest says something of text"
run 1 "one file alone" data prepare "text:$place/a.de" -o "$place/a.pairs"
says err "text:SOURCE,TARGET"
run 1 "a type of vocabulary that there is not" data prepare "text:$place/a.de,$place/a.de" --vocabulary-type word -o "$place/a.pairs"
code=0
PATH=/nowhere "$fleetnas" data prepare "text:$place/a.de,$place/a.de" -o "$place/a.pairs" > "$place/out" 2> "$place/err" || code=$?
want "no spm_train" test $code -eq 2
says err "install Debian's package sentencepiece, or name a model with --vocabulary"

if command -v spm_train >/dev/null 2>&1; then
    seq 1 400 | awk '{ print "the number " $1 * 7919 % 1009 " of them" > "'"$place"'/d.en"; print "die Zahl " $1 * 7919 % 1009 " davon" > "'"$place"'/d.de" }'
    run 0 "a vocabulary is trained" data prepare "text:$place/d.en,$place/d.de" --vocabulary-size 330 -o "$place/d.pairs"
    says out "of a vocabulary of 330"
else
    echo "skipped: training a vocabulary: no spm_train (Debian's package sentencepiece)"
fi
finish
