//! The shaders as naga reads them: valid, twins of the Rust structs, and nothing a driver may
//! round its own way.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Expression, Handle, MathFunction, Module, Scalar, ScalarKind, TypeInner};
use pixelpass::kernel::{KERNELS, WORKGROUP_SIDE};
use std::collections::BTreeSet;

fn modules() -> Vec<(&'static pixelpass::kernel::Kernel, Module)> {
    KERNELS
        .iter()
        .map(|kernel| {
            let text = kernel.module();
            let module = naga::front::wgsl::parse_str(&text);
            (kernel, module.unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&text))))
        })
        .collect()
}

#[test]
fn every_shader_is_valid_without_optional_capabilities() {
    for (kernel, module) in modules() {
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
        validator.validate(&module).unwrap_or_else(|error| panic!("{}: {error:?}", kernel.name));
    }
}

#[test]
fn params_agree_field_by_field() {
    for (kernel, module) in modules() {
        let (_, params) = module
            .types
            .iter()
            .find(|(_, kind)| kind.name.as_deref() == Some("Params"))
            .unwrap_or_else(|| panic!("{} has no Params", kernel.name));
        let TypeInner::Struct { members, span } = &params.inner else { panic!("{}: Params is no struct", kernel.name) };
        let theirs: Vec<_> =
            members.iter().map(|member| (member.name.as_deref().unwrap_or(""), member.offset as usize)).collect();
        assert_eq!(theirs, kernel.fields, "{}", kernel.name);
        assert_eq!(*span as usize, kernel.params_bytes, "{}", kernel.name);
        for member in members {
            let inner = &module.types[member.ty].inner;
            assert!(
                matches!(inner, TypeInner::Scalar(Scalar { kind: ScalarKind::Sint | ScalarKind::Uint, width: 4 })),
                "{}.{:?} is no 32-bit integer",
                kernel.name,
                member.name
            );
        }
    }
}

#[test]
fn every_kernel_has_the_five_slots_and_the_workgroup() {
    for (kernel, module) in modules() {
        let slots: BTreeSet<_> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| {
                let binding = variable.binding?;
                Some((binding.group, binding.binding, variable.name.clone()?, variable.space))
            })
            .map(|(group, binding, name, space)| (group, binding, name, space == AddressSpace::Uniform))
            .collect();
        let expected = [("src", false), ("overlay", false), ("dst", false), ("table", false), ("params", true)];
        let expected: BTreeSet<_> = expected
            .into_iter()
            .enumerate()
            .map(|(binding, (name, uniform))| (0, binding as u32, name.to_owned(), uniform))
            .collect();
        assert_eq!(slots, expected, "{}", kernel.name);
        assert_eq!(module.entry_points.len(), 1, "{}", kernel.name);
        let entry = &module.entry_points[0];
        assert_eq!((entry.name.as_str(), entry.workgroup_size), ("main", [WORKGROUP_SIDE, WORKGROUP_SIDE, 1]));
    }
}

/// Functions whose result every adapter agrees on.
fn is_exact(function: MathFunction) -> bool {
    use MathFunction::*;
    matches!(function, Abs | Min | Max | Clamp | Floor | Dot)
}

#[test]
fn hard_mathematics_stays_on_the_host() {
    for (kernel, module) in modules() {
        let functions = module.functions.iter().map(|(_, function)| function);
        let entries = module.entry_points.iter().map(|entry| &entry.function);
        for function in functions.chain(entries) {
            for (_, expression) in function.expressions.iter() {
                let refused = refused(expression);
                assert!(refused.is_none(), "{}: {refused:?}", kernel.name);
            }
        }
    }
}

fn refused(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Math { fun, .. } if !is_exact(*fun) => Some(format!("{fun:?}")),
        Expression::ImageSample { .. } => Some("a sampler".to_owned()),
        Expression::Derivative { .. } => Some("a derivative".to_owned()),
        _ => None,
    }
}

#[test]
fn the_check_refuses_what_it_should() {
    let arg: Handle<Expression> = naga::front::wgsl::parse_str("fn f(x: f32) -> f32 { return sin(x); }")
        .expect("valid")
        .functions
        .iter()
        .flat_map(|(_, function)| function.expressions.iter().map(|(handle, _)| handle).collect::<Vec<_>>())
        .next()
        .expect("an expression");
    let math = |fun| Expression::Math { fun, arg, arg1: None, arg2: None, arg3: None };
    assert!(refused(&math(MathFunction::Sin)).is_some());
    assert!(refused(&math(MathFunction::Fma)).is_some());
    assert!(refused(&math(MathFunction::Max)).is_none());
}

#[test]
fn every_shader_file_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let files: BTreeSet<_> = std::fs::read_dir(folder)
        .expect("the shaders folder is there")
        .filter_map(|entry| entry.expect("a readable entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".wgsl").map(str::to_owned))
        .collect();
    let listed: BTreeSet<_> = KERNELS.iter().map(|kernel| kernel.name.to_owned()).collect();
    assert_eq!(files, listed);
}
