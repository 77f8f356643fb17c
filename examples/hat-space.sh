#!/bin/sh
# hat-space.sh TABLE.csv... > hat.json: the space of HAT's latency tables (docs/devices.md).
#
# A row of these tables describes a sub-transformer by ten numbers, averages over its layers among them. They become decisions, the numbers
# that occur their choices, and what latency is nearly a sum of is stated: encoder (six layers in every row of WMT'14), output, decoder's layers.
set -eu
[ $# -gt 0 ] || { echo "usage: hat-space.sh TABLE.csv... > hat.json" >&2; exit 1; }
for table in "$@"; do
    awk -F, '
        function is_feature(name) { return name ~ /^(encoder|decoder)_/ }
        FNR == 1 { for (i = 1; i <= NF; i++) { name[i] = $i; if (is_feature($i)) order[i] = ++count } next }
        { for (i in order) if (!seen[i, $i + 0]++) printf "%d %s %s\n", order[i], name[i], $i }' "$table"
done | sort -k1,1n -k3,3g -u | awk '
    BEGIN { printf "{\"format\": \"fleetnas-space/1\", \"name\": \"hat\", \"decisions\": [" }
    function finish() { if (choices != "") printf "%s\n{\"name\": \"%s\", \"choices\": [%s], \"values\": [%s]}", comma, last, choices, values; comma = "," }
    $2 != last { if (last != "") finish(); last = $2; choices = values = ""; number = "" }
    number == "" || $3 - number > 1e-5 * $3 { choices = choices (choices == "" ? "" : ", ") "\"" $3 "\""; values = values (values == "" ? "" : ", ") $3; number = $3 }
    END { finish(); printf "],\n\"costs\": [[\"encoder_embed_dim\"], [\"encoder_embed_dim\", \"encoder_ffn_embed_dim_avg\"], [\"decoder_embed_dim\"], [\"decoder_layer_num\"],\n[\"decoder_layer_num\", \"decoder_embed_dim\"], [\"decoder_layer_num\", \"decoder_embed_dim\", \"decoder_ffn_embed_dim_avg\"]]}\n" }'
