//! The README's tables equal what the program knows.

use pixelpass::process::registry;

#[test]
fn the_table_of_actions_is_the_registry() {
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&registry::markdown()), "the README wants this table:\n\n{}", registry::markdown());
}

#[test]
fn the_table_of_settings_is_the_configuration() {
    let readme = include_str!("../../README.md");
    let table = pixelpass::config::markdown();
    assert!(readme.contains(&table), "the README wants this table:\n\n{table}");
}

#[test]
fn the_table_of_calls_is_the_object_api() {
    let readme = include_str!("../../README.md");
    let table = pixelpass::oss::calls::markdown();
    assert!(readme.contains(&table), "the README wants this table:\n\n{table}");
}
