#!/usr/bin/env python3
"""Opens what the encoders write with other decoders: format, size, alpha, frames, delays, loops.

    cargo build && python3 tests/reference/encoders.py target/debug/pixelpass

Needs Pillow and pillow-heif. Formats that the machine cannot write are told and passed over.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pillow_heif
from PIL import Image, ImageChops, ImageStat

pillow_heif.register_heif_opener()
IMAGES = Path(__file__).resolve().parents[2] / "fixtures/images"
NAMES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tiff": "TIFF", "heic": "HEIF",
         "avif": "AVIF"}
OPAQUE, CLEAR = "png/rgb8.png", "png/rgba16.png"
DELAYS = [70, 120, 30, 200]

# Source, process, format, size, whether alpha is kept, frames. Loops are compared with the source's.
CASES = [
    (OPAQUE, "image/resize,w_60/format,jpg", "jpg", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_60/format,jpg/interlace,1", "jpg", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_60/format,png", "png", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_60/format,webp", "webp", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_60/format,bmp", "bmp", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_60/format,tiff", "tiff", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_60/format,heic", "heic", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_60/format,avif", "avif", (60, 40), False, 1),
    (OPAQUE, "image/resize,w_61/format,heic", "heic", (61, 41), False, 1),
    (OPAQUE, "image/resize,w_61/format,avif", "avif", (61, 41), False, 1),
    (CLEAR, "image/format,jpg", "jpg", (40, 30), False, 1),
    (CLEAR, "image/format,png", "png", (40, 30), True, 1),
    (CLEAR, "image/format,webp", "webp", (40, 30), True, 1),
    (CLEAR, "image/format,bmp", "bmp", (40, 30), True, 1),
    (CLEAR, "image/format,tiff", "tiff", (40, 30), True, 1),
    (CLEAR, "image/format,heic", "heic", (40, 30), True, 1),
    (CLEAR, "image/format,avif", "avif", (40, 30), True, 1),
    ("gif/transparent_static.gif", "image/resize,w_32", "gif", (32, 24), True, 1),
    ("gif/anim_keep.gif", "image/resize,w_32", "gif", (32, 24), True, 4),
    ("gif/anim_background.gif", "image/resize,w_32", "gif", (32, 24), True, 4),
    ("gif/anim_background.gif", "image/resize,w_32/format,webp", "webp", (32, 24), True, 1),
    ("gif/anim_background.gif", "image/resize,w_32/format,png", "png", (32, 24), True, 1),
    ("webp/anim_lossless_alpha.webp", "image/resize,w_32", "webp", (32, 24), True, 4),
    ("jpeg/orient_6.jpg", "image/resize,w_60/format,png", "png", (60, 40), False, 1),
]


def plays(image):
    """How often an animation plays; GIF counts the repeats after the first, and none where it says nothing."""
    loop = image.info.get("loop")
    if image.format != "GIF":
        return loop
    return 1 if loop is None else loop + (loop > 0)


def delays(image):
    found = []
    for index in range(image.n_frames):
        image.seek(index)
        image.load()
        found.append(image.info.get("duration"))
    return found


def has_alpha(image):
    return image.convert("RGBA").getchannel("A").getextrema()[0] < 255


def mistakes(path, case):
    source, process, kind, size, alpha, frames = case
    with Image.open(path) as image:
        found = getattr(image, "n_frames", 1)
        if image.format != NAMES[kind]:
            yield f"format {image.format}"
        if image.size != size:
            yield f"size {image.size}"
        if has_alpha(image) != alpha:
            yield f"alpha {has_alpha(image)}, mode {image.mode}"
        if "interlace" in process and not image.info.get("progressive"):
            yield "not progressive"
        if image.getexif().get(0x112, 1) != 1:
            yield "an orientation is left in the answer"
        if found != frames:
            yield f"{found} frames"
        elif frames > 1:
            if delays(image) != DELAYS:
                yield f"delays {delays(image)}"
            with Image.open(IMAGES / source) as before:
                if plays(image) != plays(before):
                    yield f"plays {plays(image)} times, the source {plays(before)}"
        image.seek(0)
        yield from unlike(image, source)


def unlike(image, source):
    """The answer against the source made as small by Pillow: the mean difference of a channel."""
    with Image.open(IMAGES / source) as before:
        before = before.convert("RGBA")
        if source == "jpeg/orient_6.jpg":
            before = before.transpose(Image.Transpose.ROTATE_270)
        before = before.resize(image.size, Image.Resampling.LANCZOS)
        ground = Image.new("RGBA", image.size, "white")
        flat = [Image.alpha_composite(ground, each).convert("RGB") for each in (before, image.convert("RGBA"))]
        largest = max(ImageStat.Stat(ImageChops.difference(*flat)).mean)
        if largest > 8:
            yield f"colours differ by {largest:.1f} on average"


def main():
    program, failures, absent = sys.argv[1], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            path = Path(folder) / f"{number}.{case[2]}"
            ran = subprocess.run([program, "process", "--animated-webp", "on", IMAGES / case[0], path, case[1]], capture_output=True, text=True)
            if ran.returncode != 0:
                missing = "NotImplemented" in ran.stderr and case[2] in ("heic", "avif")
                absent += missing
                failures += not missing
                found = ran.stderr.strip().splitlines()[-1:]
            else:
                found = list(mistakes(path, case))
                failures += bool(found)
            print(f"{'ok  ' if not found else 'FAIL'} {case[0]} {case[1]} {'; '.join(found)}")
    print(f"{len(CASES) - failures - absent} right, {failures} wrong, {absent} not writable here")
    sys.exit(failures > 0)


main()
