#!/usr/bin/env python3
"""Makes the fixtures that no small file of a clear licence covers.

    python3 tests/reference/make.py SCENE.jpg P3.jpg A98.tif

SCENE is any photograph (ours: Landscape_1.jpg of recurser/exif-orientation-examples, MIT), P3 a
file with a Display P3 profile, A98 a 16-bit RGB TIFF with an AdobeRGB profile. Needs Pillow,
pillow-heif, tifffile, imagecodecs. The files are kept in the repository, since encoders change:
after a new run `decode.py` has to follow.
"""

import io
import struct
import sys
from pathlib import Path

import imagecodecs
import numpy
import pillow_heif
import tifffile
from PIL import Image, ImageDraw

pillow_heif.register_heif_opener()
IMAGES = Path(__file__).resolve().parents[2] / "fixtures/images"
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def path(name):
    target = IMAGES / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def exif(orientation):
    tags = Image.Exif()
    tags[0x112] = orientation
    return tags


def soft(scene):
    """The scene with an alpha that runs from 0 to 255 down a diagonal."""
    width, height = scene.size
    y, x = numpy.mgrid[0:height, 0:width]
    alpha = ((x + y) * 255 // (width + height - 2)).astype(numpy.uint8)
    return Image.merge("RGBA", (*scene.split(), Image.fromarray(alpha)))


def jpegs(scene):
    for orientation in range(1, 9):
        turn = TURNS.get(orientation)
        stored = scene if turn is None else scene.transpose(turn)
        stored.save(path(f"jpeg/orient_{orientation}.jpg"), quality=95, subsampling=0, exif=exif(orientation))
    scene.save(path("jpeg/adobe_rgb_transform0.jpg"), quality=90, keep_rgb=True)
    scene.save(path("jpeg/progressive_444.jpg"), quality=85, subsampling=0, progressive=True)
    scene.save(path("jpeg/ycbcr_422.jpg"), quality=85, subsampling=1)
    inks = 255 - numpy.asarray(scene.convert("CMYK"))
    ycck = imagecodecs.jpeg8_encode(inks, level=90, colorspace="CMYK", outcolorspace="YCCK", subsampling="444")
    path("jpeg/ycck.jpg").write_bytes(ycck)


def pngs(scene):
    rgba = numpy.asarray(soft(scene.resize((40, 30)))).astype(numpy.uint16)
    fine = rgba * 257 - (rgba > 0) * numpy.uint16(100)
    path("png/rgba16.png").write_bytes(imagecodecs.png_encode(fine))
    scene.save(path("png/rgb8.png"), optimize=True)
    soft(scene).quantize(64, method=Image.Quantize.FASTOCTREE).save(path("png/palette8_alpha.png"), optimize=True)


def bmp_file(header, palette, bits):
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(bits), 0, 0, offset) + header + palette + bits


def bmps(scene):
    small = scene.resize((31, 20))
    width, height = small.size
    texels = numpy.asarray(small).astype(numpy.uint32)
    bgrx = numpy.dstack((texels[..., ::-1], numpy.full((height, width), 7))).astype(numpy.uint8)
    info = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 32, 0, 0, 2835, 2835, 0, 0)
    path("bmp/rgb32_topdown.bmp").write_bytes(bmp_file(info, b"", bgrx.tobytes()))
    words = (texels[..., 0] >> 3 << 10 | texels[..., 1] >> 3 << 5 | texels[..., 2] >> 3).astype("<u2")
    rows = b"".join(row.tobytes() + b"\0" * (-len(row) * 2 % 4) for row in words[::-1])
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 16, 0, 0, 2835, 2835, 0, 0)
    path("bmp/rgb16_555.bmp").write_bytes(bmp_file(info, b"", rows))
    palette = small.quantize(256)
    colours = numpy.asarray(palette.getpalette() + [0] * (768 - len(palette.getpalette())), numpy.uint8)
    table = colours.reshape(256, 3)[:, ::-1].tobytes()
    rows = b"".join(row.tobytes() + b"\0" * (-len(row) % 4) for row in numpy.asarray(palette)[::-1])
    core = struct.pack("<IHHHH", 12, width, height, 1, 8)
    path("bmp/pal8_os2.bmp").write_bytes(bmp_file(core, table, rows))
    four = scene.resize((30, 20)).quantize(16)
    values = numpy.asarray(four)
    rows = b"".join((row[0::2] << 4 | row[1::2]).astype(numpy.uint8).tobytes() + b"\0" for row in values[::-1])
    colours = (four.getpalette() + [0] * 48)[:48]
    table = b"".join(bytes((colours[i + 2], colours[i + 1], colours[i], 0)) for i in range(0, 48, 3))
    info = struct.pack("<IiiHHIIiiII", 40, 30, 20, 1, 4, 0, 0, 2835, 2835, 16, 0)
    path("bmp/pal4.bmp").write_bytes(bmp_file(info, table, rows))


def clock(count, size=(64, 48), transparent=True):
    """Frames in which a bar walks over a ground."""
    frames = []
    for index in range(count):
        ground = (0, 0, 0, 0) if transparent else (40, 90, 160, 255)
        frame = Image.new("RGBA", size, ground)
        draw = ImageDraw.Draw(frame)
        draw.rectangle((4 + index * 10, 6, 14 + index * 10, 40), fill=(230, 60 + 30 * index, 30, 255))
        draw.ellipse((2, 30, 18, 46), fill=(20, 200, 90, 255))
        frames.append(frame)
    return frames


def animations():
    for name, disposal, loop in (("keep", 1, 0), ("background", 2, 3), ("previous", 3, 1)):
        first, *rest = clock(4)
        first.save(
            path(f"gif/anim_{name}.gif"),
            save_all=True,
            append_images=rest,
            duration=[70, 120, 30, 200],
            disposal=disposal,
            loop=loop,
        )
    first, *rest = clock(3, transparent=False)
    first.convert("P").save(
        path("gif/anim_once.gif"), save_all=True, append_images=[frame.convert("P") for frame in rest], duration=100
    )
    clock(1)[0].save(path("gif/transparent_static.gif"), interlace=1)
    for name, lossless, clear in (("lossless_alpha", True, True), ("lossy_opaque", False, False)):
        first, *rest = clock(4, transparent=clear)
        first.save(
            path(f"webp/anim_{name}.webp"),
            save_all=True,
            append_images=rest,
            duration=[70, 120, 30, 200],
            loop=3,
            lossless=lossless,
            minimize_size=True,
        )


def webps(scene, p3):
    scene.save(path("webp/lossy_icc_orientation_6.webp"), quality=90, exif=exif(6), icc_profile=p3)
    soft(scene).save(path("webp/lossless_alpha.webp"), lossless=True)
    scene.resize((117, 79)).save(path("webp/lossy_odd.webp"), quality=80)
    soft(scene).save(path("webp/lossy_alpha.webp"), quality=80)


def tiffs(scene, a98):
    rgb = numpy.asarray(scene)
    rgba = numpy.asarray(soft(scene))
    grey = numpy.asarray(scene.convert("L"))
    write = tifffile.imwrite
    write(path("tiff/none_rgb.tif"), rgb, photometric="rgb", rowsperstrip=16)
    write(path("tiff/lzw_predictor_rgb_big_endian.tif"), rgb, byteorder=">", photometric="rgb", compression="lzw", predictor=2)
    write(path("tiff/tiled_deflate_rgb.tif"), rgb, photometric="rgb", tile=(32, 48), compression="zlib")
    planes = numpy.ascontiguousarray(rgb.transpose(2, 0, 1))
    write(path("tiff/planar_lzw_rgb.tif"), planes, photometric="rgb", planarconfig="separate", compression="lzw")
    write(path("tiff/lzw_rgba.tif"), rgba, photometric="rgb", extrasamples=["unassalpha"], compression="lzw")
    write(path("tiff/packbits_white_is_zero.tif"), 255 - grey, photometric="miniswhite", compression="packbits")
    sixteen = rgb.astype(numpy.uint16) * 257
    write(path("tiff/deflate_rgb16_adobergb.tif"), sixteen, photometric="rgb", compression="zlib", iccprofile=a98)
    tags = [(274, "H", 1, 6, True)]
    write(path("tiff/orientation_6.tif"), rgb, photometric="rgb", compression="zlib", extratags=tags)


def heifs(scene):
    odd = scene.resize((117, 79))
    odd.save(path("heic/rgb_420_odd.heic"), quality=90, chroma=420)
    scene.save(path("heic/rgb_444.heic"), quality=90, chroma=444)
    scene.convert("L").save(path("heic/mono.heic"), quality=90)
    soft(scene).save(path("heic/alpha.heic"), quality=90)
    deep = (numpy.asarray(scene).astype(numpy.uint16) * 257)
    ten = pillow_heif.from_bytes("RGB;16", scene.size, deep.tobytes())
    ten.save(path("heic/rgb_10bit.heic"), quality=90)
    odd.save(path("avif/rgb_420_odd.avif"), quality=85, subsampling="4:2:0")
    scene.save(path("avif/rgb_444.avif"), quality=85, subsampling="4:4:4")
    scene.convert("L").save(path("avif/mono.avif"), quality=85, subsampling="4:0:0")
    scene.convert("L").save(path("avif/mono_limited.avif"), quality=85, subsampling="4:0:0", range="limited")
    scene.save(path("avif/irot_270.avif"), quality=85, exif=exif(6))
    soft(scene).save(path("avif/alpha.avif"), quality=85)
    ten = (numpy.asarray(scene).astype(numpy.uint32) * 1023 // 255).astype(numpy.uint16)
    path("avif/rgb_10bit.avif").write_bytes(imagecodecs.avif_encode(ten, level=85, bitspersample=10, speed=6))


def bads():
    path("bad/pdf.pdf").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
    path("bad/empty.jpg").write_bytes(b"")
    path("bad/text.txt").write_bytes(b"This is no picture.\n")
    path("bad/only_ftyp.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    path("bad/only_ftyp.avif").write_bytes(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif")
    path("bad/riff_without_chunks.webp").write_bytes(b"RIFF\x04\0\0\0WEBP")
    vp8x = b"VP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff"
    path("bad/canvas_16777216.webp").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x)
    path("bad/directory_loops.tif").write_bytes(b"II*\0\x08\0\0\0\0\0\x08\0\0\0")
    tags = ((256, 4, 1, 0x7FFFFFFF), (257, 4, 1, 0x7FFFFFFF), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1))
    tags += ((273, 4, 1, 8), (279, 4, 1, 1))
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    small = io.BytesIO()
    Image.new("RGB", (8000, 8000), (10, 20, 30)).save(small, "AVIF", quality=30, speed=10, subsampling="4:2:0")
    small = bytearray(small.getvalue())
    place = small.index(b"ispe") + 8
    small[place:place + 8] = struct.pack(">II", 10, 10)
    path("bad/calls_itself_small.avif").write_bytes(small)
    huge = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    path("bad/sides_lie.tif").write_bytes(huge)


def main():
    scene_path, p3_path, a98_path = sys.argv[1:]
    scene = Image.open(scene_path).convert("RGB").resize((120, 80), Image.Resampling.LANCZOS)
    with tifffile.TiffFile(a98_path) as file:
        a98 = bytes(file.pages[0].tags[34675].value)
    jpegs(scene)
    pngs(scene)
    bmps(scene)
    animations()
    webps(scene, Image.open(p3_path).info["icc_profile"])
    tiffs(scene, a98)
    heifs(scene)
    bads()


main()
