//! The IP header as it was asked for beside the one that went out, field by field. Reads the two
//! decoded packets; how the kernel changes a header is in `headers_notes`, how it looks in
//! `headers_text`.

use std::ops::Range;

use serde::Serialize;

use super::headers_notes::{self, Note};
use super::json::safe;
use super::value::{field_bytes, push_hex, render_value};
use crate::decode::{Decoder, Field, Frame, Layer, Packet, Value};
use crate::event::Timestamp;

/// One packet with its field tree.
#[derive(Clone, Copy, Debug)]
struct Side<'a> {
    frame: &'a Frame<'a>,
    packet: &'a Packet,
}

/// Who decided a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// It went out as asked.
    You,
    /// The kernel wrote it, by a rule that is known.
    Kernel,
    /// It went out otherwise, and no rule that is known says why.
    Unknown,
}

/// One field of the header.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Display-filter key: `ip.len`.
    pub key: &'static str,
    /// `Total length`
    pub label: &'static str,
    /// Bytes of the header.
    pub bytes: Range<u32>,
    /// As asked for; `None`: only the packet on the wire has it.
    pub asked: Option<Shown>,
    /// As sent; `None`: only the packet that was asked for has it.
    pub wire: Option<Shown>,
    /// Who decided it.
    pub by: By,
    /// What there is to say about it.
    pub note: Option<Note>,
}

/// A value for programs and for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Number, truth value or text.
    pub value: serde_json::Value,
    /// As every view shows it.
    pub text: String,
}

/// The comparison of two headers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Headers {
    /// 4 or 6.
    pub ip_version: u8,
    /// Field by field, in the order of the header.
    pub fields: Vec<Row>,
    /// Header bytes as asked for, extension headers included.
    #[serde(serialize_with = "hex")]
    pub asked: Vec<u8>,
    /// Header bytes as sent.
    #[serde(serialize_with = "hex")]
    pub wire: Vec<u8>,
    /// Bytes behind the header.
    pub message_bytes: usize,
    /// First byte of the message that went out otherwise.
    pub message_changed_at: Option<usize>,
}

fn hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = String::new();
    push_hex(bytes, &mut text);
    serializer.serialize_str(&text)
}

impl Headers {
    /// Compares the packet that was handed to the kernel with the one that left; both begin with
    /// the IP header.
    pub fn compare(decoder: &Decoder, asked: &Frame<'_>, wire: &Frame<'_>) -> Self {
        let (mut asked_packet, mut wire_packet) = (Packet::new(), Packet::new());
        decoder.decode(asked, &mut asked_packet);
        decoder.decode(wire, &mut wire_packet);
        let asked = Side {
            frame: asked,
            packet: &asked_packet,
        };
        let wire = Side {
            frame: wire,
            packet: &wire_packet,
        };
        let (asked_header, asked_message) = asked.split();
        let (wire_header, wire_message) = wire.split();
        let same = asked_message
            .iter()
            .zip(wire_message)
            .take_while(|(a, b)| a == b);
        let same = same.count();
        let longest = asked_message.len().max(wire_message.len());
        let mut headers = Self {
            ip_version: if asked.packet.layer("ipv6").is_some() {
                6
            } else {
                4
            },
            fields: rows(asked, wire),
            asked: asked_header.to_vec(),
            wire: wire_header.to_vec(),
            message_bytes: wire_message.len(),
            message_changed_at: (same < longest).then_some(same),
        };
        headers_notes::explain(&mut headers);
        headers
    }

    /// The comparison as one JSON line.
    pub fn json(&self, seq: u16, time: Timestamp) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Line<'a> {
            r#type: &'static str,
            seq: u16,
            #[serde(flatten)]
            headers: &'a Headers,
            time: Timestamp,
        }
        let line = serde_json::to_string(&Line {
            r#type: "headers",
            seq,
            headers: self,
            time,
        })?;
        Ok(safe(&line).into_owned())
    }
}

impl<'a> Side<'a> {
    /// The layers of the IP header: IPv4, or IPv6 and its extension headers.
    fn layers(self) -> impl Iterator<Item = &'a Layer> {
        let layers = self.packet.layers().iter();
        layers.take_while(|layer| layer.proto.key == "ip" || layer.proto.key.starts_with("ipv6"))
    }

    /// Header and message.
    fn split(self) -> (&'a [u8], &'a [u8]) {
        let ends = self
            .layers()
            .map(|layer| layer.at.saturating_add(layer.len));
        let end = usize::try_from(ends.max().unwrap_or(0)).unwrap_or(usize::MAX);
        self.frame.bytes.split_at(end.min(self.frame.bytes.len()))
    }

    fn shown(self, layer: &Layer, index: usize) -> Option<Shown> {
        let field = self.packet.fields_of(layer).get(index)?;
        let mut text = String::new();
        render_value(self.frame, self.packet, layer, index, &mut text);
        let value = match field.value {
            Value::Uint(number) => number.into(),
            Value::Int(number) => number.into(),
            Value::Bool(set) => set.into(),
            Value::None => {
                // An option: its name for people, its bytes for programs.
                let mut bytes = String::new();
                push_hex(field_bytes(self.frame, field), &mut bytes);
                bytes.into()
            }
            _ => text.clone().into(),
        };
        Some(Shown { value, text })
    }

    /// The fields worth a row: their layer, their place in it, and how often their key came before.
    fn fields(self) -> Vec<(&'a Layer, usize, &'a Field, usize)> {
        let mut list: Vec<(&Layer, usize, &Field, usize)> = Vec::new();
        for layer in self.layers() {
            let fields = self.packet.fields_of(layer);
            // Deeper fields than this are parts of an option that has its row.
            let mut inside: Option<u8> = None;
            for (index, field) in fields.iter().enumerate() {
                if inside.is_some_and(|depth| field.depth > depth) {
                    continue;
                }
                let option = ["ip.opt", "ipv6.opt"].contains(&field.spec.key);
                inside = option.then_some(field.depth);
                let next = fields.get(index.saturating_add(1));
                let has_parts = next.is_some_and(|next| next.depth > field.depth);
                let computed = field.len == 0 || field.spec.key.ends_with("_calculated");
                if computed || (has_parts && !option) {
                    continue;
                }
                let before = list
                    .iter()
                    .filter(|(_, _, f, _)| f.spec.key == field.spec.key);
                let before = before.count();
                list.push((layer, index, field, before));
            }
        }
        list
    }
}

fn rows(asked: Side<'_>, wire: Side<'_>) -> Vec<Row> {
    let (left, right) = (asked.fields(), wire.fields());
    let twin = |key: &str, nth: usize, list: &[(&_, usize, &Field, usize)]| {
        list.iter()
            .position(|(_, _, field, n)| field.spec.key == key && *n == nth)
    };
    let mut rows: Vec<Row> = left
        .iter()
        .map(|(layer, index, field, nth)| {
            let other = twin(field.spec.key, *nth, &right).and_then(|at| right.get(at));
            let same = other.is_some_and(|(_, _, other, _)| {
                let bytes = |side: Side<'_>, field| field_bytes(side.frame, field).to_vec();
                field.value == other.value
                    && (field.value != Value::None || bytes(asked, field) == bytes(wire, other))
            });
            Row {
                key: field.spec.key,
                label: field.spec.label,
                bytes: field.at..field.at.saturating_add(field.len),
                asked: asked.shown(layer, *index),
                wire: other.and_then(|(layer, index, ..)| wire.shown(layer, *index)),
                by: if same { By::You } else { By::Unknown },
                note: None,
            }
        })
        .collect();
    let only_there = right
        .iter()
        .filter(|(_, _, field, nth)| twin(field.spec.key, *nth, &left).is_none());
    rows.extend(only_there.map(|(layer, index, field, _)| Row {
        key: field.spec.key,
        label: field.spec.label,
        bytes: field.at..field.at.saturating_add(field.len),
        asked: None,
        wire: wire.shown(layer, *index),
        by: By::Unknown,
        note: None,
    }));
    rows
}
