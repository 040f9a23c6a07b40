// gather: every pixel of the result is one pixel of the source, or the fill.
//
// Says crops, strips, flips, quarter turns and padding. The result's (x, y) shows the source's
//   (start_x + x*right_x + y*down_x, start_y + x*right_y + y*down_y).
// Border: places outside [left, right) x [top, bottom) show `fill`.
// No table. Twin: src/kernel/gather.rs.

struct Params {
    width: u32,   // of the result, pixels
    height: u32,
    start_x: i32, // source pixel shown at (0, 0); may lie outside
    start_y: i32,
    right_x: i32, // step in the source for one step right
    right_y: i32,
    down_x: i32,  // step in the source for one step down
    down_y: i32,
    left: i32,    // the source's valid window, pixels
    top: i32,
    right: i32,
    bottom: i32,
    fill: u32,    // texel word, red in the lowest byte
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let x = i32(id.x);
    let y = i32(id.y);
    let source_x = params.start_x + x * params.right_x + y * params.down_x;
    let source_y = params.start_y + x * params.right_y + y * params.down_y;
    var texel = unpack(params.fill);
    if (source_x >= params.left && source_x < params.right && source_y >= params.top && source_y < params.bottom) {
        texel = load(source_x, source_y);
    }
    textureStore(dst, vec2<i32>(x, y), texel);
}
