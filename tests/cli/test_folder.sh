#!/bin/sh
# A search on a folder of images, and on what `data prepare` makes of it; sizes that do not fit are resized, and it is said.
. "$2/cli/support.sh"

# Patterns of 12x12 pixels: PNG files with a palette, and a grey JPEG.
png() {
    case $1 in
    0) echo iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMAQMAAABsu86kAAAABlBMVEUUyJbcACjNSICOAAAAEUlEQVR42mP4/4EBguAAQwQABWkLm19GO98AAAAASUVORK5CYII= ;;
    1) echo iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMAQMAAABsu86kAAAABlBMVEXcPCgUoJZtiDb5AAAADUlEQVR42mOQKWAghAB0TAaR5Lz4ZAAAAABJRU5ErkJggg== ;;
    2) echo iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMAQMAAABsu86kAAAABlBMVEXceCgUeJaJGodnAAAAHUlEQVR42mOQKWCweMBQeIDhcQPDcQGGPgMGDBEAz+oLmx6joGUAAAAASUVORK5CYII= ;;
    3) echo iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMAQMAAABsu86kAAAABlBMVEXctCgUUJb4oiwXAAAAEUlEQVR42mNg/sCAhv4woCEAzz8Lm7UtIKkAAAAASUVORK5CYII= ;;
    esac | base64 -d
}
jpeg() {
    echo /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAMAAwBAREA/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAIEBf/EACIQAAAFAQkAAAAAAAAAAAAAAAABAgMEERIUMTRTYYGisf/aAAgBAQAAPwBpD7cllTTKrS1YFQy3Elxk6fYgQM43z4Y1x//Z | base64 -d
}
for class in 0 1 2 3; do
    for part in train val; do
        mkdir -p "$place/set/$part/class$class"
        png $class > "$place/set/$part/class$class/0.png"
        [ $class -ne 3 ] || jpeg > "$place/set/$part/class3/grey.JPEG"
        i=1
        while [ $i -lt 75 ]; do
            cp "$place/set/$part/class$class/0.png" "$place/set/$part/class$class/$i.png"
            i=$((i + 1))
        done
    done
done
space=nb201:channels=4,cells=1,classes=4,input=3x16x16
make_cards

# ---- one file of it ----
echo "no image" > "$place/set/train/class1/damaged.jpg"
run 0 "data prepare" data prepare "folder:$place/set" --size 32 -o "$place/set.images"
says out "set.images: 301 training and 301 test images in 4 classes, shorter sides at most 32 pixels"
says out "1 damaged file left out"
says err "left out: $place/set/train/class1/damaged.jpg: neither a JPEG nor a PNG file"
says err "prepare: 603/603"
cp "$place/set.images" "$place/copy.images"
run 0 "data prepare of what is there already" data prepare "folder:$place/set" --size 32 -o "$place/set.images" --threads 2 --json
says out '"was_there": true'
says out '"train_images": 301'
rm "$place/set.images"
run 0 "data prepare with one thread" data prepare "folder:$place/set" --size 32 -o "$place/set.images" --threads 1 --quiet
want "makes the same bytes" cmp "$place/set.images" "$place/copy.images"
want "--quiet leaves warnings" [ "$(grep -cv warning "$place/err")" = 0 ]
run 1 "data prepare of another data set" data prepare cifar10:x -o "$place/x"
says err "folder:DIR"
run 1 "data prepare with a size out of range" data prepare "folder:$place/set" --size 5000 -o "$place/x"
says err "8..4096"
run 2 "data prepare of a folder that is not there" data prepare "folder:$place/nowhere" -o "$place/x"
run 3 "data prepare into a folder that is not there" data prepare "folder:$place/set" -o "$place/nowhere/x"
want "nothing was made of what was refused" [ ! -e "$place/x" ]
rm "$place/set/train/class1/damaged.jpg"

# ---- searches ----
data=folder:$place/set
want "a search on the folder" tiny_search "$place/one" --steps 6 --threads 1
tiny_search "$place/two" --steps 6 --threads 2 > "$place/out" 2> "$place/err"
want "it says once what is resized" [ "$(grep -c "pictures are cut and resized to 3x16x16" "$place/err")" = 1 ]
for file in checkpoint.safetensors config.json metrics.csv; do
    want "1 and 2 threads: $file has the same bytes" cmp "$place/one/$file" "$place/two/$file"
done
want "the run says which images, not where" sh -c "grep -q '\"data\": \"folder:[0-9a-f]*,classes=4,train=301,test=301\"' '$place/one/config.json' && ! grep -q '$place' '$place/one/config.json'"
run 0 "front, with the data where the search found them" front "$place/one" --device "$place/c.json" --points 3
run 2 "the prepared file is stale" search --space "$space" --data "$place/set.images" --device "$place/a.json" --out "$place/x"
says err "set.images: stale: $place/set has changed since it was made of it"
run 0 "it is made anew" data prepare "$data" --size 32 -o "$place/set.images"
data=folder:$place/set.images
want "a search on the prepared file" tiny_search "$place/three" --steps 6
want "on all its images" grep -q ',classes=4,train=301,test=301,side=32"' "$place/three/config.json"
run 2 "front with other data than the run's" front "$place/three" --device "$place/c.json" --data "folder:$place/set"
says err "the run was made on folder:"
run 2 "data of other classes" search --space "$space" --data synthetic:3x16x16,classes=5 --device "$place/a.json" --out "$place/x"
says err "the space tells 4 classes apart, the data set synthetic:3x16x16,classes=5,images=2000 has 5"
head -c 1000 "$place/set.images" > "$place/cut.images"
run 2 "a truncated file" search --space "$space" --data "folder:$place/cut.images" --device "$place/a.json" --out "$place/x"
says err "cut.images: truncated: its end is missing: make it anew"

# ---- images of another size than the space's ----
data=synthetic:1x8x8,classes=4,images=600
want "a search on smaller, grey images" tiny_search "$place/grey" --steps 2
tiny_search "$place/grey2" --steps 2 > "$place/out" 2> "$place/err"
says err "images of 1x8x8 are made 3x16x16 (bilinear)"
run 2 "colours where the space takes grey" search --space nb201:channels=4,cells=1,classes=4,input=1x16x16 --data synthetic:3x8x8,classes=4 --device "$place/a.json" --out "$place/x"
want "and no run is left of what was refused" [ ! -e "$place/x" ]
finish
