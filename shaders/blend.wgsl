// blend: a second picture laid over the first, once or as tiles, with straight alpha on both.
//
// The overlay may have any size. Tiles begin at (left, top) and repeat to the right and downwards
// every (step_x, step_y) pixels; where no tile lies the source shows as it is.
// With a = alpha of the overlay * opacity, 0..25500, and k = 25500 - a:
//   whole  = 255*a + source alpha * k                          at most 255*25500 = 6502500
//   alpha  = whole / 25500                                     rounded half up
//   colour = (overlay*255*a + source * source alpha * k) / whole  rounded half up
// Colours are at most 255, so the last numerator with its whole/2 is at most 255.5*whole < 2^31:
// everything fits a u32.
// Pixels that stay transparent are white, so that flattening them yields white.
// No table. Twin: src/kernel/blend.rs.

struct Params {
    width: u32,          // of the result, pixels
    height: u32,
    left: i32,           // place of the first tile in the result, pixels; may be negative
    top: i32,
    step_x: u32,         // from one tile to the next, pixels, at least 1; 2^30: only one
    step_y: u32,
    overlay_width: u32,  // pixels
    overlay_height: u32,
    opacity: u32,        // of the overlay, 0..100 percent
}

fn over(s: vec4<u32>, d: vec4<u32>) -> vec4<u32> {
    let a = s.w * params.opacity;
    let k = 25500u - a;
    let whole = 255u * a + d.w * k;
    let alpha = (whole + 12750u) / 25500u;
    if (alpha == 0u) {
        return vec4<u32>(255u, 255u, 255u, 0u);
    }
    let colour = (s.xyz * (255u * a) + d.xyz * (d.w * k) + vec3<u32>(whole / 2u)) / vec3<u32>(whole);
    return vec4<u32>(colour, alpha);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let dx = i32(id.x) - params.left;
    let dy = i32(id.y) - params.top;
    var texel = load(i32(id.x), i32(id.y));
    if (dx >= 0 && dy >= 0) {
        let overlay_x = u32(dx) % params.step_x;
        let overlay_y = u32(dy) % params.step_y;
        if (overlay_x < params.overlay_width && overlay_y < params.overlay_height) {
            texel = over(textureLoad(overlay, vec2<u32>(overlay_x, overlay_y), 0), texel);
        }
    }
    textureStore(dst, vec2<u32>(id.xy), texel);
}
