//! The page as text: small, closed to the network, and nothing from outside in it is markup.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rawsock::decode::Decoder;
use rawsock::event::{List, Timestamp};
use rawsock::view::ladder::{Clock, Ladder, html, svg};

use crate::run::lossy_run;

/// The page of a run.
pub fn page(list: &List, title: &str) -> String {
    let ladder = Ladder::new(list, &Decoder::new(), title, Clock::One);
    let mut page = String::new();
    html::render(&ladder, list, &Decoder::new(), &mut page);
    page
}

/// SHA-256 in base64, by a program of others.
fn hash(text: &str) -> String {
    let script = "import sys,hashlib,base64;\
        print(base64.b64encode(hashlib.sha256(sys.stdin.buffer.read()).digest()).decode())";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What stands between two marks, the last time that the first occurs.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let start = page.rfind(from).unwrap() + from.len();
    let end = start + page[start..].find(to).unwrap();
    &page[start..end]
}

/// After a change of style or script: `RAWSOCK_BLESS=1`, and build again.
#[test]
fn the_policy_allows_the_one_style_and_the_one_script() {
    let page = page(&lossy_run(), "a run");
    for (from, to, policy, file) in [
        (
            "<style>",
            "</style>",
            "style-src 'sha256-",
            "page.css.sha256",
        ),
        (
            "<script>",
            "</script>",
            "script-src 'sha256-",
            "page.js.sha256",
        ),
    ] {
        let right = hash(between(&page, from, to));
        if std::env::var_os("RAWSOCK_BLESS").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/view/ladder");
            std::fs::write(path.join(file), format!("{right}\n")).unwrap();
        } else {
            assert_eq!(between(&page, policy, "'"), right, "{file}");
        }
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn a_page_is_small_and_names_no_place_in_the_network() {
    let list = List::new(Vec::new(), Timestamp(0), 1, 1);
    let page = page(&list, "nothing");
    assert!(page.len() < 100_000, "{}", page.len());
    let rest = page.replace("http://www.w3.org/2000/svg", "");
    for word in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!rest.contains(word), "{word}");
    }
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let mut list = lossy_run();
    list.hosts = vec!["</script><img src=x onerror=alert(1)>".into(), "<b>".into()];
    let title = "</title><script>alert(2)</script>";
    let page = page(&list, title);
    assert!(!page.contains("<img") && !page.contains("<b>"), "{page}");
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
}

#[test]
fn the_picture_is_xml() {
    let mut list = lossy_run();
    list.hosts = vec!["<&\u{0}\u{1b}\u{ffff}\"'".into(), "]]>".into()];
    let ladder = Ladder::new(&list, &Decoder::new(), "a & b", Clock::One);
    let mut picture = String::new();
    svg::render(&ladder, true, &mut picture);
    let child = Command::new("xmllint")
        .args(["--noout", "--nonet", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        crate::browser::missing("xmllint");
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(picture.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "{said}\n{picture}"
    );
}
