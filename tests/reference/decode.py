#!/usr/bin/env python3
"""What other decoders make of the fixtures: writes fixtures/tables/decoded.csv.

    python3 tests/reference/decode.py

Needs Pillow, pillow-heif, tifffile and imagecodecs. Per frame the mean premultiplied RGBA of an
8 × 8 grid of blocks, as hex. Profiles are turned to sRGB, 16 bits to 8 by round(v · 255 / 65535),
the EXIF orientation is told and not applied; turns of HEIF containers are applied, as its standard
asks. Animations of more than five frames give their first alone.
"""

import csv
import io
import struct
from pathlib import Path

import imagecodecs
import numpy
import pillow_heif
import tifffile
from PIL import Image, ImageCms, ImageOps

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FORMATS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "DIB": "bmp", "GIF": "gif",
           "TIFF": "tiff", "HEIF": "heic", "AVIF": "avif"}
GRID = 8
MOST_FRAMES = 5


def managed(image, profile):
    """`image` in sRGB; a profile that does not suit the pixels is passed over."""
    if not profile:
        return image
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    plain = {"RGBA": "RGB", "LA": "L", "P": "RGB", "1": "L"}.get(image.mode)
    plain = image.convert(plain) if plain else image
    space = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
    if {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}.get(space) != plain.mode:
        return image
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    plain = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    if alpha:
        plain.putalpha(alpha)
    return plain


def eight(values):
    """8 bits of 16, rounded."""
    return ((values.astype(numpy.uint32) * 255 + 32767) // 65535).astype(numpy.uint8)


def rgba(values):
    """Four channels of one to four."""
    if values.ndim == 2:
        values = values[..., None]
    height, width, channels = values.shape
    colour = numpy.repeat(values[..., :1], 3, axis=2) if channels < 3 else values[..., :3]
    opaque = numpy.full((height, width, 1), 255, numpy.uint8)
    return numpy.dstack((colour, values[..., -1:] if channels in (2, 4) else opaque))


def png16(data):
    """A PNG of 16 bits; a transparent colour is compared at 16 bits."""
    values = imagecodecs.png_decode(data)
    position, key = 8, None
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position:position + 8])
        if kind == b"tRNS":
            key = numpy.frombuffer(data[position + 8:position + 8 + length], ">u2")
        position += 12 + length
    channels = 1 if values.ndim == 2 else values.shape[2]
    if key is None or channels in (2, 4):
        return rgba(eight(values))
    texels = rgba(eight(values))
    clear = (values.reshape(*values.shape[:2], -1) == key).all(axis=2)
    texels[clear, 3] = 0
    return texels


def tiff(path):
    """The first page and its orientation."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        values = page.asarray()
        photometric = page.photometric.name
        orientation = page.tags[274].value if 274 in page.tags else 1
        profile = bytes(page.tags[34675].value) if 34675 in page.tags else None
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and values.ndim == 3:
            values = values.transpose(1, 2, 0)
        if values.dtype == bool:
            values = values.astype(numpy.uint8) * 255
        if photometric == "PALETTE":
            values = eight(page.colormap.T.astype(numpy.uint16)[values])
        if values.dtype == numpy.uint16:
            values = eight(values)
        if photometric == "MINISWHITE":
            values = 255 - values
        if photometric == "SEPARATED":
            image = managed(Image.fromarray(numpy.ascontiguousarray(values), "CMYK"), profile).convert("RGB")
            return numpy.asarray(image.convert("RGBA")), int(orientation)
        texels = Image.fromarray(rgba(values), "RGBA")
        return numpy.asarray(managed(texels, profile).convert("RGBA")), int(orientation)


def read(path):
    """Format, orientation, number of frames, and the texels of the frames to be compared."""
    data = path.read_bytes()
    if path.suffix in (".tif", ".tiff"):
        texels, orientation = tiff(path)
        return "tiff", orientation, 1, [texels]
    with Image.open(path) as image:
        name = FORMATS[image.format]
        orientation = image.getexif().get(0x112, 1)
        orientation = orientation if orientation in range(1, 9) else 1
        frames = getattr(image, "n_frames", 1) if name in ("gif", "webp") else 1
        if name == "png" and data[24] == 16:
            return name, orientation, 1, [png16(data)]
        texels = []
        for index in range(frames if frames <= MOST_FRAMES else 1):
            image.seek(index)
            frame = managed(image, image.info.get("icc_profile"))
            if name == "avif":
                frame = ImageOps.exif_transpose(frame)
            texels.append(numpy.asarray(frame.convert("RGBA")))
        if name in ("heic", "avif"):
            orientation = 1
        return name, orientation, frames, texels


def blocks(texels):
    """The means, row by row."""
    height, width, _ = texels.shape
    values = texels.astype(numpy.float64)
    values[..., :3] *= values[..., 3:] / 255

    def span(index, side):
        start = index * side // GRID
        return slice(start, max((index + 1) * side // GRID, start + 1))

    means = [values[span(row, height), span(column, width)].reshape(-1, 4).mean(axis=0)
             for row in range(GRID) for column in range(GRID)]
    return numpy.floor(numpy.array(means) + 0.5).astype(numpy.uint8).tobytes().hex()


def main():
    rows = []
    for path in sorted((FIXTURES / "images").rglob("*")):
        name = path.relative_to(FIXTURES / "images").as_posix()
        if path.is_dir() or name.startswith("bad/"):
            continue
        kind, orientation, frames, texels = read(path)
        height, width, _ = texels[0].shape
        rows.append((name, kind, width, height, orientation, frames, " ".join(map(blocks, texels))))
    with open(FIXTURES / "tables/decoded.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "format", "width", "height", "orientation", "frames", "blocks"))
        writer.writerows(rows)


main()
