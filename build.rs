//! Links the unwinder into the program where the compiler brings it as a static library: loading
//! libgcc_s.so would be a tenth of the time that a ping of one echo takes. Where there is none
//! (musl has its own way), nothing changes.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() != Ok("gnu") || cross() {
        return;
    }
    // Prints the bare name if the compiler has no such file.
    let said = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    let Ok(said) = said else { return };
    let path = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if let Some(folder) = Path::new(&path)
        .parent()
        .filter(|folder| folder.is_absolute())
    {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// `cc` is the host's: what it has is of no use to another target.
fn cross() -> bool {
    env::var("HOST") != env::var("TARGET")
}
