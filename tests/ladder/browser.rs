//! The page in a real browser: headless Chromium, spoken to over a pipe (DevTools protocol). Its pipe
//! is descriptors 3 and 4, which a shell lays down for it, so no unsafe code is needed here.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rawsock::event::{Host, Kind, List};
use serde_json::{Value, json};

use crate::command::Folder;
use crate::page::page;
use crate::run::{at, call, lossy_run, segment, sent};

/// A browser that does not answer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// Says loudly that a program is missing, and fails where it must be there.
pub fn missing(program: &str) {
    let required = std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some_and(|value| value == "1");
    assert!(!required, "{program} is not installed");
    // Not by a print macro: libtest would hide it.
    let _ = std::io::stderr()
        .write_all(format!("\n*** SKIPPED: {program} is not installed ***\n").as_bytes());
}

/// A browser with one page open.
struct Browser {
    child: Child,
    to: File,
    from: File,
    buffer: Vec<u8>,
    next: u64,
    session: String,
    /// Everything that it told without being asked.
    events: Vec<Value>,
    folder: Folder,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// `None` where there is no Chromium; CI must have it.
    fn open(name: &str, html: &str) -> Option<Self> {
        let program = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
        let Some(program) = program.iter().find(|path| Path::new(path).exists()) else {
            missing("chromium");
            return None;
        };
        let folder = Folder::new(name);
        let file = folder.file("page.html");
        std::fs::write(&file, html).unwrap();
        let (their_in, to) = std::io::pipe().unwrap();
        let (from, their_out) = std::io::pipe().unwrap();
        let profile = folder.file("profile");
        // The shell moves its standard input and output to 3 and 4.
        let script = "exec 3<&0 4>&1 </dev/null >/dev/null; exec \"$@\"";
        let child = Command::new("sh")
            .args(["-c", script, "sh", program])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-pipe",
                "--window-size=1600,1000",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::from(their_in))
            .stdout(Stdio::from(their_out))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self {
            child,
            to: File::from(OwnedFd::from(to)),
            from: File::from(OwnedFd::from(from)),
            buffer: Vec::new(),
            next: 0,
            session: String::new(),
            events: Vec::new(),
            folder,
        };
        let target = browser.ask("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.ask("Target.attachToTarget", &attach);
        session["sessionId"]
            .as_str()
            .unwrap()
            .clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.ask(&format!("{domain}.enable"), &json!({}));
        }
        let url = format!("file://{}", file.display());
        browser.ask("Page.navigate", &json!({"url": url}));
        browser.wait_for("Page.loadEventFired");
        Some(browser)
    }

    /// A command and its answer.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn wait_for(&mut self, method: &str) {
        while !self.events.iter().any(|event| event["method"] == method) {
            let message = self.receive();
            self.events.push(message);
        }
    }

    /// The next message; they end with a zero byte.
    #[expect(clippy::disallowed_methods, reason = "tests have deadlines")]
    fn receive(&mut self) -> Value {
        let start = Instant::now();
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == 0) {
                let rest = self.buffer.split_off(end + 1);
                let mut message = std::mem::replace(&mut self.buffer, rest);
                message.pop();
                return serde_json::from_slice(&message).unwrap();
            }
            assert!(start.elapsed() < PATIENCE, "the browser is silent");
            let mut room = [0; 4096];
            let count = self.from.read(&mut room).unwrap();
            assert!(count > 0, "the browser ended");
            self.buffer.extend_from_slice(&room[..count]);
        }
    }

    /// The value of an expression in the page.
    fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true});
        let result = self.ask("Runtime.evaluate", &params);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    fn text(&mut self, selector: &str) -> String {
        let selector = serde_json::to_string(selector).unwrap();
        let found = self.value(&format!(
            "document.querySelector({selector})?.textContent ?? ''"
        ));
        found.as_str().unwrap().to_owned()
    }

    fn count(&mut self, selector: &str) -> u64 {
        let selector = serde_json::to_string(selector).unwrap();
        let found = self.value(&format!("document.querySelectorAll({selector}).length"));
        found.as_u64().unwrap()
    }

    /// A key as a hand presses it.
    fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({"type": kind, "key": key});
            if kind == "keyDown" && key.chars().count() == 1 {
                params["text"] = json!(key);
            }
            self.ask("Input.dispatchKeyEvent", &params);
        }
    }

    /// The mouse goes to the middle of an element.
    fn point(&mut self, selector: &str) {
        let quoted = serde_json::to_string(selector).unwrap();
        let place = self.value(&format!(
            "(() => {{ const node = document.querySelector({quoted}); \
             node.scrollIntoView({{block: 'center'}}); const box = node.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        let params = json!({"type": "mouseMoved", "x": place[0], "y": place[1]});
        self.ask("Input.dispatchMouseEvent", &params);
    }

    /// A picture of the page, kept if `RAWSOCK_SHOTS` names a folder: for eyes.
    fn picture(&mut self, name: &str) {
        let result = self.ask("Page.captureScreenshot", &json!({"format": "png"}));
        let data = result["data"].as_str().unwrap();
        assert!(data.len() > 10_000, "an empty picture");
        if let Some(folder) = std::env::var_os("RAWSOCK_SHOTS") {
            let path = Path::new(&folder).join(format!("{name}.png.base64"));
            std::fs::write(path, data).unwrap();
        }
    }

    /// Nothing was logged, nothing was thrown, nothing was fetched but the page itself.
    fn is_quiet(&mut self) {
        // Whatever was told before this answer has come.
        self.value("1");
        for event in &self.events {
            let method = event["method"].as_str().unwrap_or("");
            let bad = [
                "Runtime.exceptionThrown",
                "Runtime.consoleAPICalled",
                "Log.entryAdded",
            ];
            assert!(!bad.contains(&method), "{event}");
            if method == "Network.requestWillBeSent" {
                let url = event["params"]["request"]["url"].as_str().unwrap();
                assert!(
                    url.starts_with("file://") && url.ends_with("/page.html"),
                    "{url}"
                );
            }
        }
    }

    fn is_dark(&mut self) -> bool {
        let color = self.value("getComputedStyle(document.body).backgroundColor");
        let color = color.as_str().unwrap().to_owned();
        let digits: String = color
            .chars()
            .skip(4)
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse::<u32>().unwrap() < 100
    }
}

#[test]
fn pointing_at_a_packet_shows_its_headers_and_a_field_its_bytes() {
    let Some(mut b) = Browser::open("hover", &page(&lossy_run(), "a run")) else {
        return;
    };
    assert_eq!(b.count(".ladder .arrow"), 6);
    assert_eq!(b.count("#list tbody tr"), 6 + 4);
    b.point(".arrow[data-n='0'] .label");
    assert_eq!(b.text("#packet h2"), "SYN seq 0");
    assert_eq!(b.count("#packet .box"), 2);
    // Source port of TCP, behind the 20 bytes of IPv4.
    b.point("#packet .box:last-of-type .cell");
    assert!(
        b.text("#note")
            .starts_with("Source port = 41802 tcp.srcport, 2 bytes."),
        "{}",
        b.text("#note")
    );
    assert_eq!(b.count(".byte.on"), 2);
    assert_eq!(
        b.value("[...document.querySelectorAll('.byte.on')].map(n => n.textContent).join('')"),
        "a34a"
    );
    // And back: the byte of the flags, in which SYN alone is set.
    b.point(".hex .byte:nth-of-type(2)");
    assert!(b.count(".cell.on") >= 1);
    assert!(b.text("#note").contains("ip."), "{}", b.text("#note"));
    b.picture("hover");
    b.is_quiet();
}

#[test]
fn keys_present_step_by_step() {
    let Some(mut b) = Browser::open("keys", &page(&lossy_run(), "a run")) else {
        return;
    };
    assert_eq!(b.count(".arrow.later"), 0);
    b.key("ArrowRight");
    assert_eq!(b.count(".arrow.later"), 5);
    assert_eq!(b.text("#packet h2"), "SYN seq 0");
    b.key("ArrowRight");
    b.key("ArrowRight");
    assert_eq!(b.count(".arrow.later"), 3);
    b.key("ArrowLeft");
    assert_eq!(b.count(".arrow.later"), 4);
    b.picture("step");
    for _ in 0..9 {
        b.key("ArrowRight");
    }
    assert_eq!(b.count(".arrow.later"), 0);
    let label = "getComputedStyle(document.querySelector('.ladder .label')).visibility";
    b.key("q");
    assert_eq!(b.value(label), "hidden");
    b.key("q");
    assert_eq!(b.value(label), "visible");
    let size = "parseFloat(getComputedStyle(document.querySelector('.ladder .label')).fontSize)";
    let before = b.value(size).as_f64().unwrap();
    b.key("+");
    b.key("+");
    assert!(b.value(size).as_f64().unwrap() > before);
    b.key("-");
    b.key("-");
    assert!((b.value(size).as_f64().unwrap() - before).abs() < 0.01);
    let night = b.is_dark();
    b.key("d");
    assert_ne!(b.is_dark(), night);
    b.picture("other-theme");
    b.key("d");
    assert_eq!(b.is_dark(), night);
    b.is_quiet();
}

#[test]
fn it_can_be_used_without_a_mouse() {
    let Some(mut b) = Browser::open("focus", &page(&lossy_run(), "a run")) else {
        return;
    };
    b.value("document.querySelector('.arrow[data-n=\"3\"]').focus()");
    assert_eq!(b.text("#packet h2"), "PSH,ACK 1:13, lost on the wire");
    let name = b.value("document.activeElement.getAttribute('aria-label')");
    assert_eq!(name, "10.310 ms: PSH,ACK 1:13, lost on the wire");
    b.key("Enter");
    b.value("document.querySelector('.arrow[data-n=\"0\"]').focus()");
    assert!(
        b.text("#packet h2").starts_with("PSH,ACK 1:13"),
        "it stays pinned"
    );
    assert!(b.text("#list").contains("retransmission after 205 ms"));
    b.is_quiet();
}

#[test]
fn hostile_names_and_payloads_stay_text() {
    let evil = "<img src=x onerror=\"document.title='owned'\">";
    let mut list: List = lossy_run();
    list.hosts = vec![
        evil.into(),
        "</script><script>document.title='owned'</script>".into(),
    ];
    let data = format!("GET /{evil} HTTP/1.1\r\nHost: {evil}\r\n\r\n");
    let mut packet = segment(true, 0x18, 1013, 7001, data.as_bytes());
    // To port 80, where HTTP is read.
    let mut bytes = packet.bytes.to_vec();
    bytes[22..24].copy_from_slice(&80u16.to_be_bytes());
    packet.bytes = bytes.into();
    sent(&mut list, 300_000, 0, packet);
    call(&mut list, 299_000, 0, "send", evil, evil, 10);
    list.push(at(310_000), Host(0), Kind::Note(evil.into()), None);
    let html = page(&list, "</title><script>document.title='owned'</script>");
    let Some(mut b) = Browser::open("hostile", &html) else {
        return;
    };
    b.point(".arrow[data-n='6'] .label");
    assert!(
        b.text("#packet").contains("onerror"),
        "{}",
        b.text("#packet")
    );
    b.point("#packet .box:last-of-type .cell");
    assert_eq!(b.count("img"), 0);
    assert_eq!(b.count("script"), 2);
    assert!(
        b.value("document.title")
            .as_str()
            .unwrap()
            .starts_with("</title>")
    );
    b.is_quiet();
}

#[test]
fn it_prints_the_ladder_on_one_page_and_the_table_behind() {
    let Some(mut b) = Browser::open("print", &page(&lossy_run(), "a run")) else {
        return;
    };
    // What is not revealed yet is printed too.
    b.key("ArrowRight");
    b.ask("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    assert_eq!(
        b.value("getComputedStyle(document.querySelector('nav')).display"),
        "none"
    );
    assert_eq!(
        b.value("getComputedStyle(document.querySelector('.arrow.later')).visibility"),
        "visible"
    );
    assert!(!b.is_dark());
    b.picture("print");
    let pdf = b.ask("Page.printToPDF", &json!({"printBackground": true}));
    assert!(pdf["data"].as_str().unwrap().len() > 5_000);
    let path = b.folder.file("page.pdf.base64");
    std::fs::write(&path, pdf["data"].as_str().unwrap()).unwrap();
    if let Some(folder) = std::env::var_os("RAWSOCK_SHOTS") {
        std::fs::copy(&path, Path::new(&folder).join("print.pdf.base64")).unwrap();
    }
    b.is_quiet();
}
