// convolve: a weighted sum of source pixels along one axis.
//
// Says both passes of a resize (one table row for each place along the axis) and of a blur (one
// row that all places share).
//
// Table row: word 0 is `first`, an i32, the source place of the first tap; words 1..=taps are
// weights, which sum to 1: i32 with `digits` binary digits after the point where the picture is
// `opaque`, else f32. With `stride` 0 there is one row, and `advance` 1 moves `first` along with
// the place.
// Opaque pictures are summed in integers, rounded half up and clamped, exact on every adapter: the
// host sees to it that no sum leaves an i32.
// Border: taps are clamped into [low, high); a resize has weight 0 beyond its edges, so that only
// a blur sees the edge pixel repeated.
// Alpha: colour is premultiplied unless the picture is `opaque`. With `keep_alpha` the result's
// alpha is the overlay's, and pixels with alpha 0 stay as they are in the overlay.
// Twin: src/kernel/convolve.rs.

struct Params {
    width: u32,      // of the result, pixels
    height: u32,
    axis: u32,       // 0 along x, 1 along y
    cross: u32,      // source place across the axis that the result's first row or column shows
    taps: u32,       // weights in a row, at least 1
    stride: u32,     // words from one table row to the next, 0: all places share the first
    advance: u32,    // added to `first` for each place, 0 or 1
    low: i32,        // valid source places along the axis
    high: i32,
    opaque: u32,     // 1: every alpha is 255 and need not be looked at
    keep_alpha: u32, // 1: alpha comes from the overlay
    digits: u32,  // binary digits after the point of the weights, 1..22, where opaque
}

fn tap(along: i32, across: i32) -> vec4<u32> {
    let place = clamp(along, params.low, params.high - 1);
    if (params.axis == 0u) {
        return load(place, across);
    }
    return load(across, place);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let place = select(id.y, id.x, params.axis == 0u);
    let across = i32(select(id.x, id.y, params.axis == 0u) + params.cross);
    let row = place * params.stride;
    let first = bitcast<i32>(table[row]) + i32(place * params.advance);
    if (params.opaque == 1u) {
        var total = vec3<i32>(1 << (params.digits - 1u));
        for (var t = 0u; t < params.taps; t++) {
            total += bitcast<i32>(table[row + 1u + t]) * vec3<i32>(tap(first + i32(t), across).xyz);
        }
        let colour = clamp(total >> vec3<u32>(params.digits), vec3<i32>(0), vec3<i32>(255));
        textureStore(dst, vec2<u32>(id.xy), vec4<u32>(vec3<u32>(colour), 255u));
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var t = 0u; t < params.taps; t++) {
        let texel = tap(first + i32(t), across);
        let alpha = f32(texel.w);
        let premultiplied = vec4<f32>(vec3<f32>(texel.xyz) * alpha, alpha);
        sum += bitcast<f32>(table[row + 1u + t]) * premultiplied;
    }
    let alpha = quantise(sum.w);
    // A pixel that nothing shows through is white, so that flattening it yields white.
    var texel = vec4<u32>(255u, 255u, 255u, 0u);
    if (alpha > 0u) {
        texel = vec4<u32>(quantise(sum.x / sum.w), quantise(sum.y / sum.w), quantise(sum.z / sum.w), alpha);
    }
    if (params.keep_alpha == 1u) {
        let kept = textureLoad(overlay, vec2<i32>(id.xy), 0);
        if (kept.w == 0u || alpha == 0u) {
            texel = kept;
        }
        texel.w = kept.w;
    }
    textureStore(dst, vec2<u32>(id.xy), texel);
}
