//! What routers wrote into the IPv4 options of an answer, in iputils' words (`RR:`, `TS:`).

use std::fmt::Write;

use crate::decode::{Field, Packet, Value};

/// The lines of all recorded routes and times, or nothing; ends with an empty line as iputils does.
pub fn render(answer: &Packet) -> String {
    let mut text = String::new();
    let Some(layer) = answer.layer("ip") else {
        return text;
    };
    let mut rest = answer.fields_of(layer);
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if first.spec.key == "ip.opt" {
            let inside = behind
                .iter()
                .take_while(|field| field.depth > first.depth)
                .count();
            option(behind.get(..inside).unwrap_or(&[]), &mut text);
        }
    }
    text
}

fn option(fields: &[Field], text: &mut String) {
    let number = |key: &str| {
        let field = fields.iter().find(|field| field.spec.key == key);
        field.and_then(|field| field.value.as_u64())
    };
    let lines: Vec<String> = match number("ip.opt.type") {
        Some(7) => fields
            .iter()
            .filter(|f| f.spec.key == "ip.rec_rt")
            .map(address)
            .collect(),
        Some(68) => stamps(fields),
        _ => return,
    };
    if lines.is_empty() {
        return;
    }
    let name = if number("ip.opt.type") == Some(7) {
        "RR"
    } else {
        "TS"
    };
    let _ = writeln!(text, "{name}: \t{}\n", lines.join("\n\t"));
}

fn address(field: &Field) -> String {
    match field.value {
        Value::Ipv4(address) => address.to_string(),
        _ => String::new(),
    }
}

/// Milliseconds since midnight: the first absolute, the others as steps from the one before.
fn stamps(fields: &[Field]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut who = None;
    let mut before: Option<i64> = None;
    for field in fields {
        match field.spec.key {
            "ip.opt.time_stamp_addr" => who = Some(address(field)),
            "ip.opt.time_stamp" => {
                let ms = field.value.as_u64().unwrap_or(0);
                let nonstandard = ms & 0x8000_0000 != 0;
                let ms = i64::try_from(ms & 0x7fff_ffff).unwrap_or(0);
                let time = match before {
                    Some(before) => (ms - before).to_string(),
                    None => format!("{ms} absolute"),
                };
                before = Some(ms);
                let mark = if nonstandard { " not-standard" } else { "" };
                let who = who.take().map(|who| who + "\t").unwrap_or_default();
                lines.push(format!("{who}{time}{mark}"));
            }
            _ => {}
        }
    }
    lines
}
