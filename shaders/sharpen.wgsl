// sharpen: v + (amount / 500) * (4v - up - down - left - right), on premultiplied colour.
//
// All in integers, so that every adapter gives the same: with premultiplied p = v * alpha the
// result is (500 p + amount * laplacian) / (500 * alpha), rounded half up. At most
// 500 * 65025 + 399 * 260100 < 2^28 in size, so that twice of it fits an i32.
// Border: edge pixels are repeated. Alpha is untouched; pixels with alpha 0 stay as they are.
// No table. Twin: src/kernel/sharpen.rs.

struct Params {
    width: u32,  // of the result, pixels
    height: u32,
    amount: i32, // 50..399, the argument of the action
}

fn premultiplied(x: i32, y: i32) -> vec3<i32> {
    let texel = load(clamp(x, 0, i32(params.width) - 1), clamp(y, 0, i32(params.height) - 1));
    return vec3<i32>(texel.xyz) * i32(texel.w);
}

// numerator / denominator rounded half up, clamped to a channel's range.
fn ratio(numerator: i32, denominator: i32) -> u32 {
    return u32(min((2 * max(numerator, 0) + denominator) / (2 * denominator), 255));
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
        let here = premultiplied(x, y);
        let around = premultiplied(x, y - 1) + premultiplied(x, y + 1) + premultiplied(x - 1, y) + premultiplied(x + 1, y);
        let numerator = 500 * here + params.amount * (4 * here - around);
        let denominator = 500 * i32(texel.w);
        sharp = vec4<u32>(ratio(numerator.x, denominator), ratio(numerator.y, denominator), ratio(numerator.z, denominator), texel.w);
    }
    textureStore(dst, vec2<u32>(id.xy), sharp);
}
