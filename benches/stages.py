#!/usr/bin/env python3
"""Where a request's CPU time goes: whole requests through the server, sampled by `perf`, each sample
counted for the stage that its function belongs to.

    python3 benches/stages.py target/release/pixelpass PICTURES [NAME=PROCESS=FILE ...]

PICTURES is a folder of pictures; without further arguments those that `WORKLOADS` names are asked
for. The server keeps its result cache off and gets one request at a time. Needs Linux and `perf`.
"""
import http.client
import os
import random
import re
import subprocess
import sys
import tempfile
import time

WATERMARKS = (
    "image/watermark,text_SGVsbG8gU3RvbmVoZW5nZQ,size_40,color_FFFFFF,g_se,x_20,y_20"
    "/watermark,image_bG9nby5wbmc,g_nw,x_20,y_20/quality,q_80"
)
WORKLOADS = [
    ("W1", "image/resize,w_300/quality,q_80", "photo12.jpg"),
    ("W1b", "image/resize,w_300/quality,q_80", "photo12_420.jpg"),
    ("W1p", "image/resize,w_300/quality,q_80", "photo12_prog.jpg"),
    ("W2", "image/resize,w_1024/quality,q_80", "photo2.jpg"),
    ("W2b", "image/resize,w_1024/quality,q_80", "photo3.jpg"),
    ("W3", "image/resize,m_fill,w_100,h_100/quality,q_80", "small400.jpg"),
    ("W4", "image/resize,w_800/blur,r_3,s_2/sharpen,100/circle,r_250/format,png", "photo12.jpg"),
    ("W5", "image/resize,w_400/format,webp/quality,q_80", "alpha1.png"),
    ("W6", "image/resize,w_800/format,avif/quality,q_60", "photo12.jpg"),
    ("W7", "image/resize,w_100", "anim.gif"),
    ("W8", "image/blur,r_20,s_10/quality,q_80", "photo2.jpg"),
    ("W9", WATERMARKS, "photo2.jpg"),
    ("W10", "image/rotate,30/quality,q_80", "photo2.jpg"),
]

# The first that matches counts. Functions of the codecs' libraries carry no path, so that they are
# told by their names.
STAGES = [
    ("decode", r"jpeg::dc|decode_mcu|idct|ycc_(ext)?(rgb|bgr)|upsample|decompress|jinit_d|jpeg_(read|fill)|"
               r"png::(decoder|filter)|fdeflate::decompress|inflate|miniz|gif::reader|weezl::decode|codec::gif|VP8(L)?(Dec|Parse|Get)|unfilter|adler|crc32"),
    ("encode", r"encode_mcu|fdct|quantize|(rgb|bgr)x?_ycc|downsample|huff|htest|compress|jinit_c|jpeg_(write|gen)|"
               r"png::encoder|fdeflate::compress|deflate|VP8|WebP|Trellis|quantette|quantizr|weezl::encode|gif::encoder|"
               r"libaom|libheif|av1_|aom_|jsimd_.*(sample|convsamp)|emit_|ImportYUV|Accumulate|codec::webp"),
    ("weights", r"plan::|sin_fma|__sin|__cos|__exp|__ieee754"),
    ("resample, blur", r"kernel::convolve"),
    ("other kernels", r"kernel::|engine::cpu"),
    ("text", r"text::|swash|fontdb|skrifa|zeno"),
    ("allocation", r"mi_|clear_page|page_fault|anonymous|folio|zap_|pte_|alloc_pages|madvise|munmap|mmap|vma|lru|memset|exc_page"),
    ("copies", r"memmove|memcpy|copy_user|copyout|rep_movs"),
    ("read", r"ext4|xfs|filemap|vfs_read|openat|statx|path_|namei|readlink|pread|lookup|dentry"),
    ("HTTP, threads", r"."),
]


def stage(symbol, library):
    # "[k]" marks the system's functions.
    if symbol.startswith("[k]"):
        places = ("allocation", "copies", "read", "HTTP, threads")
        return next(name for name, pattern in STAGES if name in places and re.search(pattern, symbol))
    if re.search(r"libaom|libheif|libx265|libde265|libdav1d|SvtAv1|rav1e", library):
        return "encode"
    found = next(name for name, pattern in STAGES if re.search(pattern, symbol))
    # What is left of C in the server is the encoder of WebP.
    is_c = "::" not in symbol and not library.startswith(("libc", "libm", "ld-", "[vdso"))
    return "encode" if found == STAGES[-1][0] and is_c else found


def cpu_ms(pid):
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
                total += int(file.read().split()[0])
        except OSError:
            pass
    return total / 1e6


def measure(pid, port, path, seconds):
    """CPU milliseconds a request, and the share of each stage."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask():
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit("%s: %d %s" % (path, answer.status, body[:200]))

    for _ in range(3):
        ask()
    with tempfile.NamedTemporaryFile(suffix=".perf") as samples:
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-F", "4999", "-o", samples.name, "-p", str(pid)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        before, begin, count = cpu_ms(pid), time.time(), 0
        while count < 5 or time.time() - begin < seconds:
            ask()
            count += 1
        spent = (cpu_ms(pid) - before) / count
        perf.send_signal(2)
        perf.wait()
        text = subprocess.run(
            ["perf", "report", "-i", samples.name, "--no-children", "-g", "none", "--sort", "symbol,dso", "-t", "\t"],
            capture_output=True, text=True).stdout
    shares = {}
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) > 2 and parts[0].strip().endswith("%"):
            name = stage(parts[1].strip(), parts[2])
            shares[name] = shares.get(name, 0.0) + float(parts[0].strip().rstrip("%")) / 100
    return spent, shares


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    binary, pictures = sys.argv[1], os.path.abspath(sys.argv[2])
    asked = [tuple(argument.split("=", 1) + [None]) for argument in sys.argv[3:]]
    workloads = [(name, *rest.rsplit("=", 1)) for name, rest, _ in asked] or WORKLOADS
    port = random.randint(20000, 40000)
    server = subprocess.Popen(
        [binary, "serve", "--store", os.path.dirname(pictures), "--engine", "cpu", "--listen", "127.0.0.1:%d" % port],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    names = [name for name, _ in STAGES]
    print("| CPU ms | all | " + " | ".join(names) + " |")
    print("| --- |" + " ---: |" * (len(names) + 1))
    try:
        for name, process, file in workloads:
            path = "/%s/%s?x-oss-process=%s" % (os.path.basename(pictures), file, process)
            spent, shares = measure(server.pid, port, path, 2)
            cells = ["%.2f" % (spent * shares.get(stage, 0.0)) for stage in names]
            print("| %s | %.2f | %s |" % (name, spent, " | ".join(cells)), flush=True)
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
