#!/bin/sh
# Device cards from tables that others measured; what is wrong with a table is said with its line.
. "$2/cli/support.sh"

# cells: the made-up card's architectures, references first, one a line; table NAME...: their latencies as CSV.
make_card a 0.01 0.05 0.20 0.04 40 > "$place/a.json"
grep -oE '\|[a-z0-9_]+~0\|\+[^"]*' "$place/a.json" | awk '!seen[$0]++' > "$place/cells"
want "there are fifty cells" [ "$(wc -l < "$place/cells")" -ge 48 ]
awk 'BEGIN { print "arch_index,arch" } { print NR - 1 "," $0 }' "$place/cells" > "$place/archs.csv"
awk 'BEGIN { print "arch_index,board_1,board_32,fast_phone_ms" } { print NR - 1 "," 1 + NR / 8 "," 3 + NR "," 100 / NR }' "$place/cells" > "$place/table.csv"
awk 'BEGIN { print "arch,draw_mj" } { print $0 "," 5 + NR }' "$place/cells" > "$place/energy.csv"
head -10 "$place/cells" | awk 'BEGIN { printf "[" } { printf "%s\"%s\"", (NR > 1 ? ", " : ""), $0 } END { print "]" }' > "$place/ten.json"

csv() { # CODE TEXT WORD...: imports table.csv
    wanted_code=$1 text=$2
    shift 2
    run "$wanted_code" "$text" device import csv "$@" --space "$space" --references "$place/ten.json"
}

csv 0 "one column" "$place/table.csv" --archs "$place/archs.csv" --column latency_ms=fast_phone_ms --processor "Kryo 260" --threads 4 -o "$place/phone.json"
says out "phone.json: fast_phone, batch 1, 4 threads, $(wc -l < "$place/cells") architectures and 10 references"
run 0 "the card is one" device show "$place/phone.json"
says out "imported"
says out "Kryo 260"
csv 0 "with energy of another table" "$place/table.csv" "$place/energy.csv" --archs "$place/archs.csv" --column latency_ms=board_32 --column energy_mj=draw_mj --batch 32 -o "$place/board.json"
says out "board_32, batch 32, 1 thread"
says out "with energy"
run 0 "its energy is shown" device show "$place/board.json"
says out "6 to 15 mJ"
run 0 "and in JSON" device show "$place/board.json" --json
says out '"energy_mj_least": 6'
csv 0 "all columns" "$place/table.csv" --archs "$place/archs.csv" --all --batch-suffixes 32,64 -o "$place/devices"
says out "board_32, batch 32"
says out "board_1, batch 1"
want "three cards" [ "$(ls "$place/devices" | tr '\n' ' ')" = "board_1.json board_32.json fast_phone.json " ]
csv 0 "a batch size is hinted at" "$place/table.csv" --archs "$place/archs.csv" --all -o "$place/devices"
says err 'warning: "board_32" ends in 32, and its card says batch 1'
sed '1s/board_32/board_32_latency_ms/' "$place/table.csv" > "$place/named.csv"
csv 0 "a batch size before the unit" "$place/named.csv" --archs "$place/archs.csv" --all -o "$place/devices"
says err 'warning: "board_32" ends in 32, and its card says batch 1'
csv 0 "a batch size before the unit is taken" "$place/named.csv" --archs "$place/archs.csv" --all --batch-suffixes 32 -o "$place/devices"
says out "board_32, batch 32"
csv 0 "references alone" "$place/table.csv" --archs "$place/archs.csv" --column latency_ms=board_1 --reference-only --json -o "$place/only.json"
says out '"measurements": 0'
says out '"card": "'
want "a card of references alone has no measurements" sh -c "! grep -q measurements '$place/only.json'"
run 0 "a predictor's input" device show "$place/devices/board_1.json" "$place/devices/board_32.json" "$place/devices/fast_phone.json"
says out "Spearman"

# spoil SED_SCRIPT: the table with one thing wrong.
spoil() { sed "$1" "$place/table.csv" > "$place/wrong.csv"; }
refuse() { # SED_SCRIPT WORDS
    spoil "$1"
    csv 2 "refused: $1" "$place/wrong.csv" --archs "$place/archs.csv" --all -o "$place/none"
    says err "$2"
    want "nothing is written" [ ! -e "$place/none" ]
}
refuse '7s/,[^,]*$//' 'wrong.csv:7: 3 cells, the header has 4'
refuse '7s/,[^,]*$/,-1/' 'wrong.csv:7: "fast_phone_ms" is -1, a latency is finite and above 0'
refuse '7s/,[^,]*$/,NaN/' 'wrong.csv:7: "fast_phone_ms" is "NaN", it must be a finite number'
refuse '7s/^5,/4,/' 'wrong.csv:7: the architecture stands already in line 6'
refuse '7s/^5,/5000,/' 'wrong.csv:7: "arch_index" is 5000, the table of architectures has no such index'
refuse '1s/fast_phone_ms/fast_phone_us/' 'column "fast_phone_us" seems to be in microseconds'
refuse '1s/fast_phone_ms/board_1_ms/' 'two devices would be called "board_1"'
refuse '3d' 'has no row for the reference architecture'
refuse '1s/board_1/board 1/' 'device name "board 1"'

csv 1 "no column" "$place/table.csv" --archs "$place/archs.csv" -o "$place/none.json"
says err "which column has the latencies?"
csv 1 "a unit that is none of ours" "$place/table.csv" --column latency_us=board_1 -o "$place/none.json"
says err "write latency_ms=COLUMN or energy_mj=COLUMN"
csv 1 "--all and --column" "$place/table.csv" --all --column latency_ms=board_1 -o "$place/none.json"
csv 1 "two energies" "$place/table.csv" --column latency_ms=a --column energy_mj=b --column energy_mj=c -o "$place/none.json"
csv 1 "an energy of two devices" "$place/table.csv" --column latency_ms=a --column latency_ms=b --column energy_mj=c -o "$place/none"
csv 1 "several cards in one file" "$place/table.csv" --archs "$place/archs.csv" --all -o "$place/none.json"
says err "3 devices need a folder"
csv 1 "one name for several" "$place/table.csv" --archs "$place/archs.csv" --all --name x -o "$place/none"
csv 1 "indices without their table" "$place/table.csv" --all -o "$place/none"
says err "--archs"
csv 1 "batch sizes that are none" "$place/table.csv" --archs "$place/archs.csv" --all --batch-suffixes 1,x -o "$place/none"
says err "--batch-suffixes 1,x"
csv 2 "a column that is missing" "$place/table.csv" --archs "$place/archs.csv" --column latency_ms=bord_1 -o "$place/none.json"
says err 'did you mean "board_1"?'
csv 3 "a folder that is missing" "$place/table.csv" --archs "$place/archs.csv" --column latency_ms=board_1 -o "$place/no/none.json"
: > "$place/file"
csv 3 "a file where the folder should be" "$place/table.csv" --archs "$place/archs.csv" --all -o "$place/file"
says err "is a file"
csv 2 "a table that is missing" "$place/absent.csv" --all -o "$place/none"

# References from the table itself.
run 0 "ten rows of its own" device import csv "$place/table.csv" --archs "$place/archs.csv" --space "$space" --column latency_ms=board_1 --references-from-table -o "$place/own.json"
want "every fifth row is one" sh -c "sed -n '/latency_ms/{s/.*\[//;s/\].*//;p;q;}' '$place/own.json' | grep -q '^1.125, 1.7'"
csv 1 "two kinds of references" "$place/table.csv" --all --references-from-table -o "$place/none"
says err "exclude each other"

# HAT: on a space whose decisions are the columns (here cells take the place of averages).
awk 'BEGIN { print "device,1<-0,2<-0,2<-1,3<-0,3<-1,3<-2,latency_mean_encoder,latency_mean_decoder,latency_std_encoder,latency_std_decoder" }
    { gsub(/~[0-9]/, ""); gsub(/\|\+\|/, ","); gsub(/^\||\|$/, ""); gsub(/\|/, ","); print (NR % 2 ? "xeon" : "pi") "," $0 "," NR ",100,0.5,0.25" }' "$place/cells" > "$place/hat.csv"
run 0 "HAT's tables" device import hat "$place/hat.csv" --space "$space" --references-from-table -o "$place/from-hat"
says out "from-hat/xeon.json: xeon"
run 0 "encoder and decoder together" device show "$place/from-hat/pi.json"
says out "102 to "
# Its own space: devices that share hardly a row, a predictor over their own references, and ten rows of a new device that it chooses.
awk 'function any(n) { seed = (seed * 16807) % 2147483647; return int(seed % n) }
    BEGIN { seed = 11; print "device,encoder_embed_dim,encoder_ffn_embed_dim_avg,decoder_embed_dim,decoder_layer_num,decoder_ffn_embed_dim_avg,latency_mean_encoder,latency_mean_decoder"
        for (d = 1; d <= 3; d++) { for (k in seen) delete seen[k]
            for (i = 0; i < 150; i++) { e = 512 + 128 * any(2); f = 512 * (1 + any(6)); g = 512 + 128 * any(2); l = 1 + any(6); h = 512 * (1 + any(6))
                if (seen[e, f, g, l, h]++) continue
                print "board" d "," e "," f "," g "," l "," h "," d * (5 + e * f / 1e5) "," d * (3 + g / 100 + l * (4 + d * g * h / 3e5)) } } }' > "$place/hat-rows.csv"
sh "$tests/../examples/hat-space.sh" "$place/hat-rows.csv" > "$place/hat.json" || exit 1
run 0 "cards of HAT's own space" device import hat "$place/hat-rows.csv" --space "$place/hat.json" --references-from-table -o "$place/hat-cards"
run 0 "a predictor of devices with references of their own" predictor fit --space "$place/hat.json" --device "$place/hat-cards/board1.json" "$place/hat-cards/board2.json" --steps 100 -o "$place/hat-predictor"
run 0 "references among a new device's rows" device references --predictor "$place/hat-predictor" --among "$place/hat-cards/board3.json" -o "$place/hat-references.json"
sed -n '1p;/^board3/p' "$place/hat-rows.csv" > "$place/hat-new.csv"
run 0 "its card" device import hat "$place/hat-new.csv" --space "$place/hat.json" --references "$place/hat-references.json" -o "$place/hat-new.json"
run 0 "it is predicted" predictor eval "$place/hat-predictor" --device "$place/hat-new.json" --json
want "by its ten rows" awk '/"spearman"/ { gsub(/[^0-9.]/, ""); found = 1; if ($0 < 0.98) exit 1 } END { exit !found }' "$place/out"
run 2 "a search needs references in common" search --space "$place/hat.json" --error "table:$place/hat-rows.csv:latency_mean_encoder" --device "$place/hat-cards/board1.json" "$place/hat-cards/board2.json" --preset quick --out "$place/hat-run"
says err "other reference architectures"

printf 'encoder_embed_dim,latency_mean_encoder,latency_mean_decoder\n512,1,2\n' > "$place/hat.csv"
run 2 "averages are no cells" device import hat "$place/hat.csv" --space "$space" -o "$place/none.json"
says err "on one whose decisions are these features"

# HELP's files, by Debian's PyTorch.
if /usr/bin/python3 -c 'import torch' 2> /dev/null; then
    mkdir "$place/help"
    /usr/bin/python3 - "$place" <<'PY'
import sys, torch
place = sys.argv[1]
cells = open(place + "/cells").read().split()
torch.save({cell: i for i, cell in enumerate(cells)}, place + "/help/str_arch2idx.pt")
torch.save([1.5 + i for i in range(len(cells))], place + "/help/gold_1.pt")
torch.save([300 + i for i in range(len(cells))], place + "/help/phone_32.pt")
torch.save([torch.zeros(1)] * len(cells), place + "/help/tensors.pt")
PY
    help() { # CODE TEXT WORD...
        wanted_code=$1 text=$2
        shift 2
        run "$wanted_code" "$text" device import help "$@" --index-map "$place/help/str_arch2idx.pt" --space "$space" --references "$place/ten.json"
    }
    help 0 "HELP's files" "$place/help/gold_1.pt" "$place/help/phone_32.pt" --batch-suffixes 1,32 -o "$place/from-help"
    says out "from-help/gold_1.json: gold_1, batch 1"
    says out "phone_32, batch 32"
    run 0 "their cards" device show "$place/from-help/gold_1.json"
    says out "1.5 to 10.5 ms"
    help 0 "one of them as a card" "$place/help/gold_1.pt" --name gold -o "$place/gold.json"
    help 2 "a tensor is no latency" "$place/help/tensors.pt" -o "$place/none.json"
    says err "opcode GLOBAL is refused"
    help 2 "a map is no list" "$place/help/str_arch2idx.pt" -o "$place/none.json"
    says err "latencies are a list"
else
    echo "skipped: python3-torch is not installed: HELP's files are not made"
fi

# Three words.
run 1 "the third word is missing" device import
says err '"device import" needs one more word'
says err "fleetnas device import csv"
run 1 "the third word is wrong" device import cvs table.csv
says err 'did you mean "device import csv"?'
run 1 "the first word is wrong" devise import csv table.csv
says err 'did you mean "device import csv"?'
run 1 "the third word is an option" device import --space nb201
says err '"device import" needs one more word'
run 0 "help of three words" help device import help
says out "fleetnas device import help:"
finish
