// Reading and rounding, the twin of `src/pixel.rs`.

// The texel of the main picture; the caller keeps x and y inside.
fn load(x: i32, y: i32) -> vec4<u32> {
    return textureLoad(src, vec2<i32>(x, y), 0);
}

// A channel value (0..255, fractions allowed) rounded half up and clamped.
fn quantise(value: f32) -> u32 {
    return u32(max(min(value + 0.5, 255.5), 0.0));
}

// The texel of a little-endian word: red in the lowest byte.
fn unpack(word: u32) -> vec4<u32> {
    return vec4<u32>(word & 255u, (word >> 8u) & 255u, (word >> 16u) & 255u, word >> 24u);
}
