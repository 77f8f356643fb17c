#!/bin/sh
# Makes what lies beside it from `lines` and `rules.tsv`, with SentencePiece's tools (Debian's package sentencepiece 0.1.97): small models of both
# types and one with byte pieces, the ids that spm_encode gives for the lines, and what spm_decode makes of those.
set -eu
cd "$(dirname "$0")"

make() {
    name=$1
    shift
    spm_train --input=lines --model_prefix="$name" --normalization_rule_tsv=rules.tsv --num_threads=1 --minloglevel=2 "$@"
    rm "$name.vocab"
    spm_encode --model="$name.model" --output_format=id <lines >"$name.ids"
    # an empty line has no id; spm_decode would take it for one, and <s> is decoded to nothing
    sed 's/^$/1/' "$name.ids" | spm_decode --model="$name.model" --input_format=id >"$name.text"
}

make unigram --vocab_size=250 --pad_id=3 --character_coverage=0.98 --user_defined_symbols='<sep>,[MASK]'
make bpe --vocab_size=250 --model_type=bpe --character_coverage=0.98
make bytes --vocab_size=420 --model_type=bpe --byte_fallback --character_coverage=0.98 --user_defined_symbols='<sep>,[MASK]'
