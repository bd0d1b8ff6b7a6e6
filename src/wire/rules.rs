//! Exact fates: which rules a frame meets.

use crate::decode::{Decoder, Frame, Packet};
use crate::display::{Seen, Where, WhereError};

use super::config::{Act, Rule, What};
use super::{Way, Ways};

/// A rule with its expression compiled and what it counted.
#[derive(Debug)]
pub(super) struct Live {
    rule: Rule,
    condition: Option<Where>,
    matched: Ways<u64>,
    /// How often it acted.
    pub acted: u64,
}

impl Live {
    pub fn new(rule: Rule, decoder: &Decoder) -> Result<Self, (String, WhereError)> {
        let condition = match &rule.what {
            What::Number(_) => None,
            What::Match(text, _) => {
                Some(Where::compile(text, decoder).map_err(|fault| (text.clone(), fault))?)
            }
        };
        Ok(Self {
            rule,
            condition,
            matched: Ways::default(),
            acted: 0,
        })
    }

    /// What it does to this frame, the `n`-th counted one of its direction (`None`: not counted).
    pub fn look(
        &mut self,
        way: Way,
        n: Option<u64>,
        frame: &Frame<'_>,
        packet: &Packet,
    ) -> Option<Act> {
        if self.rule.way.is_some_and(|only| only != way) {
            return None;
        }
        let hit = match &self.rule.what {
            What::Number(number) => n == Some(*number),
            What::Match(_, nth) => {
                let condition = self.condition.as_ref()?;
                let seen = Seen {
                    number: n.unwrap_or(0),
                    ..Seen::new(frame, packet)
                };
                if !condition.matches(&seen) {
                    return None;
                }
                let matched = self.matched.get_mut(way);
                *matched = matched.saturating_add(1);
                // With a number it acts once.
                nth.is_none_or(|nth| nth == *matched && self.acted == 0)
            }
        };
        if hit {
            self.acted = self.acted.saturating_add(1);
        }
        hit.then_some(self.rule.act)
    }
}
