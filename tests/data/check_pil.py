"""Usage: check_pil.py PICTURE FLOATS HEIGHT WIDTH [TOP LEFT PART_HEIGHT PART_WIDTH]. Compares an image [3, H, W] of floats 0..255 with what PIL makes of the
file: the evaluation's centre as torchvision computes it, or the part, each resized with antialiasing. Exit code 77: PIL or numpy are not installed."""
import sys

try:
    import numpy as np
    from PIL import Image
except ImportError:
    sys.exit(77)

path, floats, height, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
picture = Image.open(path).convert("RGB")
if len(sys.argv) > 5:
    top, left, part_height, part_width = map(int, sys.argv[5:9])
    wanted = picture.crop((left, top, left + part_width, top + part_height)).resize((width, height), Image.BILINEAR)
else:  # torchvision's Resize(size / 0.875), CenterCrop(size)
    assert height == width
    side = int(height / 0.875 + 0.5)
    short, long = sorted(picture.size)
    extent = (side, int(side * long / short)) if picture.size[0] <= picture.size[1] else (int(side * long / short), side)
    resized = picture.resize(extent, Image.BILINEAR)
    left, top = int(round((extent[0] - width) / 2.0)), int(round((extent[1] - height) / 2.0))
    wanted = resized.crop((left, top, left + width, top + height))
found = np.fromfile(floats, dtype=np.float32).reshape(3, height, width).transpose(1, 2, 0)
difference = np.abs(found - np.asarray(wanted, dtype=np.float32))
# PIL rounds to 8 bits after each of the two passes: at most 0.5 each, and a little for its weights of 22 bits.
print("max", difference.max(), "mean", difference.mean())
sys.exit(0 if difference.max() <= 1.01 else 1)
