// warp: every pixel of the result looks at a place of the source between four of its pixels.
//
// Says free rotation. Table, words that hold an i32, 16.16 fixed point, in source pixels:
// 2*width words (ux, uy) for the columns of the result, then 2*height words (vx, vy) for its rows.
// The upper left of the four taps of (x, y) is at (ux[x] + vx[y], uy[x] + vy[y]); the host has
// subtracted the half pixel, and keeps the sums within an i32.
// Border: taps outside the source have alpha 0, which makes edges soft.
// Alpha: colour is premultiplied. Weights are in 1/65536 and sum to 1, so that
//   whole  = sum(alpha * weight)                   at most 255*65536
//   alpha  = whole / 65536                         rounded half up
//   colour = sum(colour * alpha * weight) / whole  rounded half up
// The last sum is at most 65025*65536, with whole/2 4269834240 < 2^32: everything fits a u32.
// Pixels that nothing shows through are white, so that flattening them yields white.
// Twin: src/kernel/warp.rs.

struct Params {
    width: u32,         // of the result, pixels
    height: u32,
    source_width: u32,  // pixels
    source_height: u32,
}

fn tap(x: i32, y: i32) -> vec4<u32> {
    if (x < 0 || y < 0 || x >= i32(params.source_width) || y >= i32(params.source_height)) {
        return vec4<u32>(0u);
    }
    return load(x, y);
}

// Colour times alpha times weight, and alpha times weight.
fn weighted(texel: vec4<u32>, weight: u32) -> vec4<u32> {
    let alpha = texel.w * weight;
    return vec4<u32>(texel.xyz * alpha, alpha);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let column = 2u * id.x;
    let row = 2u * (params.width + id.y);
    let place_x = bitcast<i32>(table[column]) + bitcast<i32>(table[row]);
    let place_y = bitcast<i32>(table[column + 1u]) + bitcast<i32>(table[row + 1u]);
    let x = place_x >> 16u;
    let y = place_y >> 16u;
    let right = u32((place_x >> 8u) & 255);
    let down = u32((place_y >> 8u) & 255);
    let sum = weighted(tap(x, y), (256u - right) * (256u - down))
        + weighted(tap(x + 1, y), right * (256u - down))
        + weighted(tap(x, y + 1), (256u - right) * down)
        + weighted(tap(x + 1, y + 1), right * down);
    let whole = sum.w;
    let alpha = (whole + 32768u) >> 16u;
    var texel = vec4<u32>(255u, 255u, 255u, 0u);
    if (alpha > 0u) {
        texel = vec4<u32>((sum.xyz + vec3<u32>(whole / 2u)) / vec3<u32>(whole), alpha);
    }
    textureStore(dst, vec2<u32>(id.xy), texel);
}
