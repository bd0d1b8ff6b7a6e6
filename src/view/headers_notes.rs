//! What the kernel does to a header that comes by IP_HDRINCL, as sentences. Measured on Linux 6.18
//! and in raw(7), but for the differences that the sentences name. IPv6 has no such rules.

use serde::Serialize;

use super::headers::{By, Headers, Row};

/// A remark on one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Note {
    /// In a few words, to stand beside the field.
    pub short: &'static str,
    /// In a sentence.
    pub text: &'static str,
}

const LENGTH: Note = Note {
    short: "always overwritten",
    text: "The kernel always writes the true length of the packet, whatever you ask for.",
};
const CHECKSUM: Note = Note {
    short: "always overwritten",
    text: "The kernel always computes the header checksum: a wrong one cannot be sent this way.",
};
const ID_FILLED: Note = Note {
    short: "0 is replaced",
    text: "0 asks the kernel for a number, but only where Don't fragment is not set.",
};
const ID_KEPT: Note = Note {
    short: "0 stays: DF is set",
    text: "raw(7) says that 0 is filled in; with Don't fragment set it goes out as 0. What is \
           never fragmented needs no number (RFC 6864 4.1).",
};
const SOURCE: Note = Note {
    short: "0.0.0.0 filled in",
    text: "0.0.0.0 asks the kernel for the address that the route leaves from. Any other address \
           goes out as it is, ours or not.",
};
const VERSION: Note = Note {
    short: "not checked",
    text: "The kernel does not look at the version; the receiver drops the packet.",
};
const OPTIONS: Note = Note {
    short: "written on the way",
    text: "A host that the packet passed wrote into the option, this one included.",
};

/// Marks what the kernel did and adds the notes.
pub fn explain(headers: &mut Headers) {
    if headers.ip_version != 4 {
        return;
    }
    let df = headers.fields.iter().find(|row| row.key == "ip.flags.df");
    let df = df
        .and_then(|row| row.asked.as_ref())
        .is_some_and(|df| df.value == true);
    for row in &mut headers.fields {
        row.note = note(row, df);
        let kernel = !matches!(row.key, "ip.version") && row.note.is_some();
        if kernel && row.by == By::Unknown {
            row.by = By::Kernel;
        }
    }
}

fn note(row: &Row, df: bool) -> Option<Note> {
    let asked = &row.asked.as_ref()?.value;
    let changed = row.by != By::You;
    match row.key {
        "ip.len" => Some(LENGTH),
        "ip.checksum" => Some(CHECKSUM),
        "ip.id" if *asked == 0 && changed && !df => Some(ID_FILLED),
        "ip.id" if *asked == 0 && !changed && df => Some(ID_KEPT),
        "ip.src" if *asked == "0.0.0.0" && changed => Some(SOURCE),
        "ip.version" if *asked != 4 && !changed => Some(VERSION),
        "ip.opt" if changed => Some(OPTIONS),
        _ => None,
    }
}
