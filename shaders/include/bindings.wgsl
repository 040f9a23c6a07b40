// The five slots that every kernel sees, in group 0. `Params` is the kernel's own struct.
//
// Textures hold RGBA8 with straight alpha as integers: storing is exact on every adapter.

@group(0) @binding(0) var src: texture_2d<u32>;
@group(0) @binding(1) var overlay: texture_2d<u32>;
@group(0) @binding(2) var dst: texture_storage_2d<rgba8uint, write>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;
