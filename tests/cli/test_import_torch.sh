#!/bin/sh
# State dictionaries of PyTorch: files that it made become safetensors, Once-for-All's supernet becomes shared weights; and what is refused.
. "$2/cli/support.sh"
files=$tests/files/torch
python=/usr/bin/python3

for form in zip old nested; do
    run 0 "$form" import torch "$files/$form.pth" -o "$place/$form.safetensors"
    says out "9 tensors, 66 numbers"
    says out "left out: 1 tensor of whole numbers"
    want "$form is written" grep -q '"ramp.turned":{"dtype":"F32","shape":\[6,4\]' "$place/$form.safetensors"
done
want "both forms give one file" cmp "$place/zip.safetensors" "$place/old.safetensors"
run 0 "as JSON" import torch "$files/zip.pth" -o "$place/again.safetensors" --json
says out '"tensors": 9'
says out '"integers_left_out": 1'
want "the same file again" cmp "$place/zip.safetensors" "$place/again.safetensors"

run 1 "no output" import torch "$files/zip.pth"
says err "--output"
cp "$files/zip.pth" "$place/own.pth"
run 1 "its own output" import torch "$place/own.pth" -o "$place/own.pth"
want "the input stays" cmp "$files/zip.pth" "$place/own.pth"
run 2 "no such file" import torch "$place/none.pth" -o "$place/none.safetensors"
says err "none.pth"
printf '\200\002cos\nsystem\nX\002\000\000\000id\205R.' > "$place/attack.pkl"
run 2 "a bare pickle" import torch "$place/attack.pkl" -o "$place/none.safetensors"
says err "neither a ZIP archive nor begins with PyTorch's magic number"
run 2 "another network" import torch "$files/zip.pth" --space mobilenetv3 -o "$place/none.safetensors"
says err "not the weights of this space"
says err '"first_conv.conv.weight"'
says err '9 tensors are none of the space'"'"'s: "ramp.weight"'
run 2 "a space without weights" import torch "$files/zip.pth" --space "$tests/fuzz/corpus/space/tower.json" -o "$place/none.safetensors"
run 2 "a space that is none" import torch "$files/zip.pth" --space mobilenetv4 -o "$place/none.safetensors"
head -c 2000 "$files/zip.pth" > "$place/cut.pth"
run 2 "cut off" import torch "$place/cut.pth" -o "$place/none.safetensors"
says err "cut.pth: truncated"
run 2 "a device" import torch /dev/zero -o "$place/none.safetensors"
says err "/dev/zero is a device: name a file"
mkfifo "$place/pipe"
"$fleetnas" import torch /dev/stdin -o "$place/none.safetensors" < "$place/pipe" > "$place/out" 2> "$place/err" &
importing=$!
{
    printf PK
    head -c 1000000 /dev/zero # more than a pipe holds: it is being read
    kill -TERM $importing
    head -c 300000000 /dev/zero 2> /dev/null
} > "$place/pipe" || true
code=0
wait $importing || code=$?
want "interrupted while it reads: 130, not $code" [ $code -eq 130 ]
says err "interrupted: nothing was written"
want "nothing is written" [ ! -e "$place/none.safetensors" ]
want "nothing is left over" [ -z "$(find "$place" -name '.fnas*')" ]

# Whole supernets, made by PyTorch with OFA's names and shapes.
code=0
"$python" -B "$tests/cli/make_supernet.py" make "$place" 1.0 10 zip old turned spoilt > "$place/want" 2>&1 || code=$?
if [ $code -eq 77 ]; then
    echo "skip - supernets: python3-torch is not installed"
    finish
fi
if [ $code -eq 0 ]; then pass "PyTorch makes supernets"; else fail "make_supernet.py: $(tail -1 "$place/want")"; fi
for form in zip old turned; do
    run 0 "a supernet, $form" import torch "$place/$form.pth" --space mobilenetv3:width=1.0,classes=10 -o "$place/$form.safetensors" --json
    says out '"integers_left_out": 64'
    says out '"statistics_left_out": 128'
    want "its weights" "$python" -B "$tests/cli/make_supernet.py" check "$place/$form.safetensors" 1.0 10
done
want "every form gives one file" cmp "$place/zip.safetensors" "$place/old.safetensors"
want "every form gives one file" cmp "$place/zip.safetensors" "$place/turned.safetensors"
run 2 "spoilt" import torch "$place/spoilt.pth" --space mobilenetv3:width=1.0,classes=10 -o "$place/none.safetensors"
says err '1 tensor is missing: "blocks.5.conv.point_linear.bn.weight"'
says err '1 tensor is none of the space'"'"'s: "extra.weight"'
says err '1 tensor has another shape: "classifier.linear.bias" has [11], expected [10]'
run 2 "of another width" import torch "$place/zip.pth" --space mobilenetv3:classes=10 -o "$place/none.safetensors"
says err "have another shape: "
want "nothing is written" [ ! -e "$place/none.safetensors" ]
finish
