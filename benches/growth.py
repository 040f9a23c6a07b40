#!/usr/bin/env python3
"""How cost grows: CPU time and peak memory of whole `pixelpass process` runs against pixels, chain
length and blur radius, as a CSV and a plot for each (SVG).

    python3 benches/growth.py target/release/pixelpass fixtures/demo/landscape.jpg --out docs/plots

Needs Pillow, to lay the photograph side by side until it has the pixels asked for. CPU time is
that of the process, user and system, the least of a few runs; what an empty run takes (a picture
of 1 x 1) is taken off. Memory is the most resident memory, as the system tells it.
"""
import argparse
import csv
import math
import os
import tempfile

from PIL import Image

Image.MAX_IMAGE_PIXELS = None

MEGAPIXELS = [0.1, 0.3, 1, 3, 12, 30, 60, 120, 250]
CHAIN_LENGTHS = [1, 2, 3, 4, 6, 8, 12, 16]
RADII = [1, 2, 4, 6, 8, 12, 16, 20, 25, 32, 40, 50]
COLORS = ["#1f6feb", "#d1242f", "#1a7f37", "#9a6700"]


def run(binary, source, process, folder, runs):
    """The least CPU milliseconds and the most peak megabytes of a few runs."""
    result = os.path.join(folder, "result")
    best, peak = None, 0.0
    for _ in range(runs):
        child = os.fork()
        if child == 0:
            argv = [binary, "process", source, result, process, "--engine", "cpu", "--limit-source-mb", "4096"]
            os.execv(binary, argv)
        _, status, usage = os.wait4(child, 0)
        if status != 0:
            raise SystemExit("%s failed on %s" % (process, source))
        cpu_ms = (usage.ru_utime + usage.ru_stime) * 1000
        best = cpu_ms if best is None else min(best, cpu_ms)
        peak = max(peak, usage.ru_maxrss / 1024)
    return best, peak


def laid(photo, megapixels):
    """The photograph side by side and below itself, 4 : 3, of so many pixels."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    picture = Image.new("RGB", (width, height))
    for top in range(0, height, photo.height):
        for left in range(0, width, photo.width):
            picture.paste(photo, (left, top))
    return picture


def save(photo, megapixels, path, options):
    """Writes such a picture, in a process of its own: the memory of whoever starts another counts as
    that one's."""
    child = os.fork()
    if child == 0:
        laid(Image.open(photo).convert("RGB"), megapixels).save(path, **options)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit("no picture of %g megapixels" % megapixels)


def series_of_pixels(binary, photo, folder, empty):
    rows = []
    for megapixels in MEGAPIXELS:
        sources = {
            "JPEG to 300": ("jpg", dict(quality=88), "image/resize,w_300"),
            "progressive JPEG to 300": ("jpg", dict(quality=88, progressive=True), "image/resize,w_300"),
            "PNG to 300": ("png", dict(compress_level=1), "image/resize,w_300/format,jpg"),
            "JPEG brightened, whole": ("jpg", dict(quality=88), "image/bright,20"),
        }
        for name, (ending, options, process) in sources.items():
            source = os.path.join(folder, "source." + ending)
            save(photo, megapixels, source, options)
            cpu_ms, peak_mb = run(binary, source, process, folder, 3 if megapixels < 50 else 1)
            rows.append((name, megapixels, cpu_ms - empty, peak_mb))
            print("%-28s %7.1f MP %9.1f ms %7.0f MB" % rows[-1], flush=True)
    return rows


def series_of_chains(binary, source, folder, empty):
    rows = []
    for name, action in [("blur r_3", "blur,r_3,s_2"), ("sharpen", "sharpen,100"), ("bright", "bright,3")]:
        for length in CHAIN_LENGTHS:
            process = "image/" + "/".join([action] * length)
            cpu_ms, peak_mb = run(binary, source, process, folder, 3)
            rows.append((name, length, cpu_ms - empty, peak_mb))
            print("%-28s %3d times %9.1f ms %7.0f MB" % rows[-1], flush=True)
    return rows


def series_of_radii(binary, source, folder, empty):
    rows = []
    for radius in RADII:
        process = "image/blur,r_%d,s_%d" % (radius, max(1, radius // 2))
        cpu_ms, peak_mb = run(binary, source, process, folder, 3)
        rows.append(("blur", radius, cpu_ms - empty, peak_mb))
        print("%-28s radius %3d %9.1f ms %7.0f MB" % rows[-1], flush=True)
    return rows


def scale(values, log):
    """From a value to 0..1, and the places of the marks."""
    if log:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        marks = [10.0 ** power for power in range(low, high + 1)]
        return lambda value: (math.log10(value) - low) / max(high - low, 1), marks
    step = 10.0 ** math.floor(math.log10(max(values)))
    step = next(part * step for part in (0.2, 0.5, 1, 2) if max(values) / (part * step) <= 6)
    top = math.ceil(max(values) / step) * step
    marks = [step * number for number in range(round(top / step) + 1)]
    return lambda value: value / top, marks


def panel(rows, column, label, x_label, log, left):
    """One plot: lines of a series over x."""
    width, height, foot = 330, 230, 270
    to_x, x_marks = scale([row[1] for row in rows], log)
    to_y, y_marks = scale([max(row[column], 0.1) for row in rows], log)
    place = lambda x, y: (left + to_x(x) * width, foot - to_y(max(y, 0.1)) * height)
    parts = ['<text x="%d" y="24" class="title">%s</text>' % (left, label)]
    for mark in x_marks:
        x, _ = place(mark, 1)
        parts.append('<line x1="%.1f" y1="40" x2="%.1f" y2="%d" class="mark"/>' % (x, x, foot))
        parts.append('<text x="%.1f" y="%d" text-anchor="middle">%g</text>' % (x, foot + 16, mark))
    for mark in y_marks:
        y = foot - to_y(mark) * height if mark > 0 else foot
        parts.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" class="mark"/>' % (left, y, left + width, y))
        parts.append('<text x="%d" y="%.1f" text-anchor="end">%g</text>' % (left - 6, y + 4, mark))
    parts.append('<text x="%d" y="%d" text-anchor="middle">%s</text>' % (left + width / 2, foot + 34, x_label))
    for number, name in enumerate(dict.fromkeys(row[0] for row in rows)):
        points = [place(row[1], row[column]) for row in rows if row[0] == name]
        line = " ".join("%.1f,%.1f" % point for point in points)
        color = COLORS[number % len(COLORS)]
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (line, color))
        if column == 2:
            parts.append('<text x="%d" y="%d" style="fill:%s">%s</text>' % (left, foot + 54 + 16 * number, color, name))
    return "\n".join(parts)


def plot(path, rows, x_label, log):
    lines = len(dict.fromkeys(row[0] for row in rows))
    style = "text{font:12px sans-serif;fill:#57606a}.title{font-weight:bold}.mark{stroke:#d0d7de;stroke-width:1}"
    with open(path, "w") as out:
        out.write('<svg xmlns="http://www.w3.org/2000/svg" width="840" height="%d">\n' % (330 + 16 * lines))
        out.write('<style>%s</style>\n<rect width="100%%" height="100%%" fill="#ffffff"/>\n' % style)
        out.write(panel(rows, 2, "CPU ms", x_label, log, 60) + "\n")
        out.write(panel(rows, 3, "peak memory, MB", x_label, log, 480) + "\n</svg>\n")


def table(path, rows, unit):
    with open(path, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["series", unit, "cpu_ms", "peak_mb"])
        writer.writerows((name, x, round(cpu_ms, 1), round(peak_mb)) for name, x, cpu_ms, peak_mb in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("photo")
    parser.add_argument("--out", default="docs/plots")
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        dot = os.path.join(folder, "dot.png")
        Image.new("RGB", (1, 1)).save(dot)
        empty, _ = run(arguments.binary, dot, "image/bright,20", folder, 5)
        source = os.path.join(folder, "source.jpg")
        save(arguments.photo, 2, source, dict(quality=88))
        chains = series_of_chains(arguments.binary, source, folder, empty)
        radii = series_of_radii(arguments.binary, source, folder, empty)
        pixels = series_of_pixels(arguments.binary, arguments.photo, folder, empty)
    for name, rows, unit, label, log in [
        ("pixels", pixels, "megapixels", "megapixels of the source", True),
        ("chain", chains, "actions", "actions in the chain, on 2 megapixels", False),
        ("radius", radii, "radius_px", "blur radius, pixels, on 2 megapixels", False),
    ]:
        table(os.path.join(arguments.out, name + ".csv"), rows, unit)
        plot(os.path.join(arguments.out, name + ".svg"), rows, label, log)


if __name__ == "__main__":
    main()
