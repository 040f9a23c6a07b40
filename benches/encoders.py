#!/usr/bin/env python3
"""What encoded answers weigh, and how near they are: PNG against libpng, HEIC and WebP against JPEG.

    python3 benches/encoders.py target/release/pixelpass PICTURES [OTHER_PROGRAM]

PICTURES is a folder of pictures that Pillow reads; each is asked for whole and 600 pixels wide. PNG is
held against libpng at level 1 with all filters to choose from, its own default but for the level
(libpng16.so.16, as the system has it), of the very pixels of the answer. HEIC and WebP are held against
a JPEG of the same pixels (Pillow's, 4:2:0, optimised tables) at the same SSIM of luma, from 900 pixels
wide on. With another program each answer is asked of both. Needs Pillow, pillow-heif and numpy.
"""
import ctypes
import io
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
png = ctypes.CDLL("libpng16.so.16")
png.png_create_write_struct.restype = ctypes.c_void_p
png.png_create_info_struct.restype = ctypes.c_void_p
png.png_get_libpng_ver.restype = ctypes.c_char_p
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
FLUSH = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
ALL_FILTERS = 0xF8


def libpng_bytes(pixels, level=1):
    """Bytes of the file that libpng makes of 8-bit RGB or RGBA."""
    height, width, channels = pixels.shape
    written = [0]

    def count(_writer, _data, length):
        written[0] += length

    write, flush = WRITE(count), FLUSH(lambda _writer: None)
    writer = ctypes.c_void_p(png.png_create_write_struct(png.png_get_libpng_ver(None), None, None, None))
    info = ctypes.c_void_p(png.png_create_info_struct(writer))
    png.png_set_write_fn(writer, None, write, flush)
    png.png_set_IHDR(writer, info, width, height, 8, 6 if channels == 4 else 2, 0, 0, 0)
    png.png_set_compression_level(writer, level)
    png.png_set_filter(writer, 0, ALL_FILTERS)
    png.png_write_info(writer, info)
    for row in pixels:
        png.png_write_row(writer, row.tobytes())
    png.png_write_end(writer, info)
    return written[0]


WINDOW = np.exp(-np.arange(-5, 6) ** 2 / 4.5)
WINDOW /= WINDOW.sum()


def blur(plane):
    down = sum(WINDOW[i] * plane[i:plane.shape[0] - 10 + i] for i in range(11))
    return sum(WINDOW[i] * down[:, i:plane.shape[1] - 10 + i] for i in range(11))


def ssim(one, other):
    """Of luma, in a Gaussian window of 11 by 11, sigma 1.5."""
    x, y = (picture.astype(np.float64) @ [0.299, 0.587, 0.114] for picture in (one, other))
    mx, my = blur(x), blur(y)
    vx, vy, both = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    a, b = 2.55 ** 2, 7.65 ** 2
    return float(((2 * mx * my + a) * (2 * both + b) / ((mx * mx + my * my + a) * (vx + vy + b))).mean())


def rgb(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def jpeg_at(pixels, wanted):
    """Bytes of a JPEG at an SSIM, between two qualities in proportion."""
    def at(quality):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=2, optimize=True)
        return ssim(pixels, rgb(file.getvalue())), len(file.getvalue())

    low, high = 1, 100
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle)[0] < wanted else (low, middle)
    (s0, b0), (s1, b1) = at(low), at(high)
    return b0 + (b1 - b0) * (wanted - s0) / (s1 - s0)


def answer(program, process, source, extension, folder, runs=1):
    """The file, and the least milliseconds that encoding took."""
    target = os.path.join(folder, "answer." + extension)
    command = [program, "process", "--engine", "cpu", "--statistics", source, target, process]
    times = []
    for _ in range(runs):
        told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        times.append(float(re.search(r"encode\D*([0-9.]+) ms", told).group(1)))
    with open(target, "rb") as file:
        return file.read(), min(times)


def main(programs, pictures):
    names = sorted(name for name in os.listdir(pictures) if name.rsplit(".", 1)[-1] in ("jpg", "png", "webp"))
    ours, theirs = {program: np.zeros(2) for program in programs}, 0
    lossy = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            source = os.path.join(pictures, name)
            for resize in ("", "resize,w_600/"):
                files = {p: answer(p, "image/%sformat,png" % resize, source, "png", folder, 5) for p in programs}
                pixels = np.asarray(Image.open(io.BytesIO(files[programs[0]][0])))
                libpng = libpng_bytes(pixels)
                for program in programs:
                    file, milliseconds = files[program]
                    assert (np.asarray(Image.open(io.BytesIO(file))) == pixels).all(), program
                    ours[program] += len(file), milliseconds
                theirs += libpng
                told = " ".join("%9d %7.2f ms" % (len(files[p][0]), files[p][1]) for p in programs)
                print("png %-44s %s libpng %9d" % (name + " " + resize, told, libpng), flush=True)
            if Image.open(source).width < 900 or Image.open(source).mode != "RGB":
                continue
            with open(os.path.join(folder, "source.png"), "wb") as file:
                file.write(answer(programs[0], "image/resize,w_923/format,png", source, "png", folder)[0])
            reference = rgb(open(file.name, "rb").read())
            for program in programs:
                for extension in ("heic", "webp"):
                    made, milliseconds = answer(program, "image/format," + extension, file.name, extension, folder, 3)
                    likeness = ssim(reference, rgb(made))
                    row = (len(made), likeness, jpeg_at(reference, likeness), milliseconds)
                    lossy.setdefault((extension, program), []).append(row)
                    print("%s %-44s %9d SSIM %.4f JPEG %9.0f %7.1f ms" % ((extension, name) + row), flush=True)
    for program in programs:
        size, milliseconds = ours[program]
        print("PNG: %d bytes, libpng %d, ratio %.3f, %.1f ms  %s" % (size, theirs, size / theirs, milliseconds, program))
    for (extension, program), rows in lossy.items():
        made, likeness, jpeg, milliseconds = np.mean(rows, axis=0)
        told = (extension, made, likeness, made / jpeg, milliseconds, program)
        print("%s: %.0f bytes, SSIM %.4f, of a JPEG with that SSIM %.2f, %.1f ms  %s" % told)


main(sys.argv[1:2] + sys.argv[3:4], sys.argv[2])
