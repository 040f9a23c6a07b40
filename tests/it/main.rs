mod house;
mod laws;
mod shaders;
mod support;
