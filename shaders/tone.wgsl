// tone: each colour channel looked up in a tone table; alpha untouched.
//
// Table: 256 words; word v holds the red, green and blue that v becomes, red in the lowest byte.
// Twin: src/kernel/tone.rs.

struct Params {
    width: u32,  // of the result, pixels
    height: u32,
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let texel = load(i32(id.x), i32(id.y));
    let red = table[texel.x] & 255u;
    let green = (table[texel.y] >> 8u) & 255u;
    let blue = (table[texel.z] >> 16u) & 255u;
    textureStore(dst, vec2<u32>(id.xy), vec4<u32>(red, green, blue, texel.w));
}
