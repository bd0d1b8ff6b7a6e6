//! The packets of a page as JSON: header boxes cell by cell, bytes, and the words of each field once.
//! The boxes are measured from the decoder, as `explain` does it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::decode::{Decoder, Packet, Spec};
use crate::event;
use crate::view::boxes::Measure;
use crate::view::boxes::rows::whole_value;
use crate::view::escape::escape;
use crate::view::line;

/// Bytes of a packet that a page holds; the rest is counted.
const SHOWN: usize = 256;

/// Packets for a page, and every spec that they use.
#[derive(Debug, Default)]
pub struct Data {
    specs: Vec<Value>,
    numbers: HashMap<usize, usize>,
    packets: Vec<Value>,
    measure: Measure,
}

impl Data {
    /// Adds a packet.
    pub fn push(&mut self, decoder: &Decoder, packet: &event::Packet) {
        let mut arena = Packet::new();
        let frame = packet.frame();
        decoder.decode(&frame, &mut arena);
        let mut layers = Vec::new();
        for (index, layer) in arena.layers().iter().enumerate() {
            let cells = self.measure.cells(&frame, &arena, index);
            let fields = arena.fields_of(layer);
            let mut cell_list = Vec::new();
            for cell in &cells {
                let field = cell
                    .field
                    .and_then(|index| Some((index, fields.get(index)?)));
                cell_list.push(match field {
                    Some((index, field)) => json!([
                        self.spec(field.spec),
                        cell.from,
                        cell.to,
                        clip(&whole_value(&frame, &arena, layer, index)),
                    ]),
                    None => json!([-1, cell.from, cell.to, ""]),
                });
            }
            // What is computed has no bits: listed below the box.
            let mut rest = Vec::new();
            for (index, field) in fields.iter().enumerate() {
                let drawn = cells.iter().any(|cell| cell.field == Some(index));
                if field.len == 0 && !drawn {
                    let value = whole_value(&frame, &arena, layer, index);
                    rest.push(json!([self.spec(field.spec), clip(&value)]));
                }
            }
            layers.push(json!([
                layer.proto.name,
                layer.at,
                layer.len,
                u8::from(layer.quoted),
                cell_list,
                rest
            ]));
        }
        let mut words = String::new();
        line::render_line(&frame, &arena, line::Style::default(), &mut words);
        let problems: Vec<String> = arena
            .problems()
            .iter()
            .map(|problem| escape(&problem.text).into_owned())
            .collect();
        let shown = packet.bytes.get(..SHOWN).unwrap_or(&packet.bytes);
        let mut hex = String::new();
        crate::view::value::push_hex(shown, &mut hex);
        self.packets.push(json!({
            "w": words,
            "l": packet.wire_len,
            "h": hex,
            "y": layers,
            "p": problems,
        }));
    }

    /// The number of a spec, new or known.
    fn spec(&mut self, spec: &'static Spec) -> usize {
        let key = std::ptr::from_ref(spec).addr();
        let next = self.specs.len();
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.specs
                .push(json!([spec.label, spec.key, spec.explain, spec.rfc]));
        }
        number
    }

    /// All of it as one JSON object.
    pub fn json(&self) -> String {
        json!({ "specs": self.specs, "packets": self.packets }).to_string()
    }
}

/// A value in at most 120 characters.
fn clip(value: &str) -> String {
    if value.chars().count() <= 120 {
        return value.to_owned();
    }
    let mut cut: String = value.chars().take(119).collect();
    cut.push('…');
    cut
}
