// sharpen: v + (amount / 500) * (sum over the four neighbours of (a_n / 255) * (v - v_n)), on straight
// colour: a neighbour counts by its alpha a_n, so that what does not show draws no ring around what does,
// and a shape of one colour keeps it whatever its edges.
//
// All in integers, so that every adapter gives the same: (127500 v + amount * sum) / 127500, rounded half
// up. At most 127500 * 255 + 399 * 4 * 255 * 255 < 2^28 in size, so that twice of it fits an i32.
// Border: edge pixels are repeated. Alpha is untouched; pixels with alpha 0 stay as they are.
// No table. Twin: src/kernel/sharpen.rs. Source: the specification, section 4.4.

struct Params {
    width: u32,  // of the result, pixels
    height: u32,
    amount: i32, // 50..399, the argument of the action
}

const WHOLE: i32 = 127500; // 500 * 255

// How far `here` stands out from a neighbour, by the neighbour's alpha.
fn above(here: vec3<i32>, x: i32, y: i32) -> vec3<i32> {
    let near = load(clamp(x, 0, i32(params.width) - 1), clamp(y, 0, i32(params.height) - 1));
    return i32(near.w) * (here - vec3<i32>(near.xyz));
}

// numerator / WHOLE rounded half up, clamped to a channel's range.
fn ratio(numerator: i32) -> u32 {
    return u32(min((2 * max(numerator, 0) + WHOLE) / (2 * WHOLE), 255));
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let x = i32(id.x);
    let y = i32(id.y);
    let texel = load(x, y);
    var sharp = texel;
    if (texel.w > 0u) {
        let here = vec3<i32>(texel.xyz);
        let sum = above(here, x, y - 1) + above(here, x, y + 1) + above(here, x - 1, y) + above(here, x + 1, y);
        let numerator = WHOLE * here + params.amount * sum;
        sharp = vec4<u32>(ratio(numerator.x), ratio(numerator.y), ratio(numerator.z), texel.w);
    }
    textureStore(dst, vec2<u32>(id.xy), sharp);
}
