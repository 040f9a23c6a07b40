// flatten: the picture laid over an opaque colour, for formats without alpha.
//
// colour * alpha + backdrop * (255 - alpha), divided by 255 and rounded half up, in integers.
// No table. Twin: src/kernel/flatten.rs.

struct Params {
    width: u32,    // of the result, pixels
    height: u32,
    backdrop: u32, // texel word, red in the lowest byte
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let texel = load(i32(id.x), i32(id.y));
    let backdrop = unpack(params.backdrop).xyz;
    let colour = (texel.xyz * texel.w + backdrop * (255u - texel.w) + vec3<u32>(127u)) / vec3<u32>(255u);
    textureStore(dst, vec2<u32>(id.xy), vec4<u32>(colour, 255u));
}
