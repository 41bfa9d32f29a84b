//! Keeps the types and texts that the web UI is compiled with equal to what the node speaks.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use ts_rs::{Config, TS, TypeVisitor};

use super::{Command, Delta, Notice, Reply};
use crate::{Snapshot, hints, http::ErrorBody};

/// The form of every type that crosses the control server, as the UI is compiled with it.
fn types_page() -> String {
    let mut types = Collected {
        config: Config::new().with_large_int("number"),
        declared: BTreeMap::new(),
    };
    types.visit::<Command>();
    types.visit::<Reply>();
    types.visit::<Snapshot>();
    types.visit::<Delta>();
    types.visit::<Notice>();
    types.visit::<ErrorBody>();
    let mut page = String::from(
        "// Made from the types in `crates/api/src`; a test keeps the two equal:\n\
         // LANSPREAD_WRITE_TYPES=1 cargo test -p lanspread-api types\n\
         //\n\
         // Every number stays below 2^53. Times are milliseconds, amounts bytes.\n",
    );
    for declaration in types.declared.values() {
        write!(page, "\n{declaration}").unwrap();
    }
    page
}

/// Every declaration that is needed, by name.
struct Collected {
    config: Config,
    declared: BTreeMap<String, String>,
}

impl TypeVisitor for Collected {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // What has no file of its own is a form of TypeScript itself.
        if T::output_path().is_some() {
            let name = T::ident(&self.config);
            if self.declared.contains_key(&name) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            let text = format!("{docs}export {}\n", indented(&T::decl(&self.config)));
            self.declared.insert(name, text);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// All but the first line belong into its braces.
fn indented(declaration: &str) -> String {
    let lines: Vec<_> = declaration.lines().map(str::trim_end).collect();
    lines.join("\n  ")
}

/// With `LANSPREAD_WRITE_TYPES` set, the file is written instead.
fn check_generated(name: &str, text: &str) {
    let path = directory().join(name);
    if std::env::var_os("LANSPREAD_WRITE_TYPES").is_some() {
        write(&path, text);
    }
    assert!(
        read(&path).as_deref() == Some(text),
        "ui/src/types/{name} is old: LANSPREAD_WRITE_TYPES=1 cargo test -p lanspread-api types"
    );
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/types")
}

#[expect(clippy::disallowed_methods, reason = "the file is written on demand")]
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the test reads the file")]
fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[test]
fn types_of_the_ui_are_up_to_date() {
    check_generated("api.ts", &types_page());
}

#[test]
fn hints_among_the_types_are_up_to_date() {
    check_generated("hints.json", &hints::for_pages());
}

#[test]
fn types_name_what_they_use() {
    let page = types_page();
    let check = |text: &str| assert!(page.contains(text), "{text} is not in\n{page}");
    check("export type Phase = ");
    check("export type SettingsChange = {\n");
    check("\"command\": \"snapshot\"");
    check("done_bytes: number");
    assert!(!page.contains("bigint"), "JSON has no such thing");
}
