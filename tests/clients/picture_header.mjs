// Format and size of a picture, from its header: enough for the answers of the tests.

export function pictureHeader(bytes) {
  const text = (from, to) => bytes.toString("latin1", from, to);
  if (text(1, 4) === "PNG") return { type: "image/png", size: [bytes.readUInt32BE(16), bytes.readUInt32BE(20)] };
  if (text(0, 3) === "GIF") return { type: "image/gif", size: [bytes.readUInt16LE(6), bytes.readUInt16LE(8)] };
  if (text(0, 2) === "BM") return { type: "image/bmp", size: [bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22))] };
  if (text(0, 4) === "II*\0") return { type: "image/tiff", size: tiff(bytes) };
  if (text(0, 2) === "\xff\xd8") return { type: "image/jpeg", size: jpeg(bytes) };
  if (text(8, 12) === "WEBP") return { type: "image/webp", size: webp(bytes, text(12, 16)) };
  throw new Error(`no picture: ${text(0, 16)}`);
}

// The frame header is the first marker of C0 to CF that is no table and no extension.
function jpeg(bytes) {
  let at = 2;
  while (bytes[at + 1] < 0xc0 || bytes[at + 1] > 0xcf || [0xc4, 0xc8, 0xcc].includes(bytes[at + 1])) {
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
}

// ImageWidth is entry 256 of the first directory, ImageLength 257; each a SHORT (3) or a LONG.
function tiff(bytes) {
  const directory = bytes.readUInt32LE(4);
  const size = [];
  for (let n = 0; n < bytes.readUInt16LE(directory); n += 1) {
    const entry = directory + 2 + n * 12;
    const tag = bytes.readUInt16LE(entry);
    const value = bytes.readUInt16LE(entry + 2) === 3 ? bytes.readUInt16LE(entry + 8) : bytes.readUInt32LE(entry + 8);
    if (tag === 256 || tag === 257) size[tag - 256] = value;
  }
  return size;
}

function webp(bytes, chunk) {
  if (chunk === "VP8 ") return [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
  if (chunk === "VP8X") return [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1];
  const bits = bytes.readUInt32LE(21);
  return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
}
