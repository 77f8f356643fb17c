#!/bin/sh
# Rivals that score untrained networks: fronts, what they need, what they refuse.
. "$2/cli/support.sh"

# Five cells, from the fastest to the slowest; the first is cut off.
cat > "$place/truth.csv" <<'EOF'
arch,accuracy,ms
|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|,10.0,0.5
|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|,60.0,1.0
|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|,70.0,2.0
|skip_connect~0|+|skip_connect~0|none~1|+|skip_connect~0|skip_connect~1|skip_connect~2|,65.0,2.5
|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|,90.0,9.0
EOF
# rival CODE TEXT NAME WORD...
rival() {
    code=$1 text=$2 name=$3
    shift 3
    run "$code" "$text" rival "$name" --space "$space" --partial --truth "$place/truth.csv" --accuracy-column accuracy --column latency_ms=ms \
        --evaluations 5 --points 5 -o "$place/front.csv" "$@"
}

rival 0 "synflow" synflow --proxy channels=2
says out "synflow"
want "the largest cell is the best" grep -q "nor_conv_3x3~2|,10,9$" "$place/front.csv"
want "the fastest that sees its input is there" grep -q "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|,40,1$" "$place/front.csv"
want "what is cut off is not evaluated" sh -c '! grep -q ",90," "$1"' sh "$place/front.csv"
cp "$place/front.csv" "$place/first.csv"
rival 0 "synflow on one thread" synflow --proxy channels=2 --threads 1
want "the same front" cmp "$place/first.csv" "$place/front.csv"

rival 0 "naswot" naswot --data "$data" --seed 4
want "the largest cell is the best" grep -q "nor_conv_3x3~2|,10,9$" "$place/front.csv"
cp "$place/front.csv" "$place/first.csv"
rival 0 "naswot on one thread" naswot --data "$data" --seed 4 --threads 1
want "the same front" cmp "$place/first.csv" "$place/front.csv"
rival 0 "naswot on smaller images" naswot --data synthetic:1x16x16,classes=4,images=100 --json
says out '"rival": "naswot"'

rival 1 "naswot without data" naswot
says err "--data"
rival 1 "data that nobody looks at" synflow --data "$data"
says err "leave --data out"
rival 1 "a proxy without a use" macs --proxy channels=2
says err "leave --proxy out"
rival 1 "a proxy out of range" synflow --proxy channels=0
says err "--proxy channels=0: "
rival 1 "a proxy that the space has not" synflow --proxy chanels=2
says err "channels"
rival 2 "colours where the space takes grey" naswot --data synthetic:3x8x8,classes=4,images=100
says err "use input=3xHxW in --space or --proxy"
rival 2 "too few images" naswot --data synthetic:1x8x8,classes=4,images=20
says err "20 training images"
rival 1 "unknown data" naswot --data cifar11
says err "cifar11"
rival 1 "misspelt" naswt
says err 'did you mean "naswot"?'
finish
