// mask: alpha times the coverage of a shape whose four corners are alike.
//
// Says circle and rounded corners. Table: for each of `rows` rows, counted from the nearer of the
// upper and lower edge, three words: `outer`, the first place from the nearer of the left and right
// edge with any coverage; `inner`, the first with full coverage; and the index of the word that
// holds the coverage at `outer`. Coverages are 0..65535. Rows from `rows` on are fully covered.
// Pixels that become transparent are white, so that flattening them yields white.
// Twin: src/kernel/mask.rs.

struct Params {
    width: u32,  // of the result, pixels
    height: u32,
    rows: u32,   // rows that the table speaks of
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.height) {
        return;
    }
    let u = min(id.x, params.width - 1u - id.x);
    let v = min(id.y, params.height - 1u - id.y);
    var coverage = 65535u;
    if (v < params.rows) {
        let outer = table[3u * v];
        let inner = table[3u * v + 1u];
        if (u < outer) {
            coverage = 0u;
        } else if (u < inner) {
            coverage = table[table[3u * v + 2u] + u - outer];
        }
    }
    let texel = load(i32(id.x), i32(id.y));
    let alpha = (texel.w * coverage + 32767u) / 65535u;
    let masked = select(vec4<u32>(texel.xyz, alpha), vec4<u32>(255u, 255u, 255u, 0u), alpha == 0u);
    textureStore(dst, vec2<u32>(id.xy), masked);
}
