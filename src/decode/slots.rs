//! The arena of fields: room that is written over for every packet. Nothing is cleared between two
//! packets, and a run of fields costs one look at the room. No decoding here.

use super::packet::MAX_FIELDS;
use super::{Field, Value, data};

/// What stands where no field was written yet.
const NOTHING: Field = Field {
    spec: &data::LEN,
    at: 0,
    len: 0,
    depth: 0,
    value: Value::None,
};

/// Fields of a packet, at most [`MAX_FIELDS`].
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    /// Of these, only the first `count` are the packet's.
    room: Vec<Field>,
    count: usize,
}

impl Slots {
    /// How many fields there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// The fields.
    #[inline]
    pub fn as_slice(&self) -> &[Field] {
        self.room.get(..self.count).unwrap_or(&[])
    }

    /// One of the fields.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Field> {
        let fields = self.room.get_mut(..self.count)?;
        fields.get_mut(index)
    }

    /// Keeps the first `count` fields.
    #[inline]
    pub fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
    }

    /// The place of one more field, which the caller writes; `None` without room.
    #[inline]
    pub fn next(&mut self) -> Option<&mut Field> {
        let slot = self.room.get_mut(self.count)?;
        self.count = self.count.wrapping_add(1);
        Some(slot)
    }

    /// Adds a field; left out if there are as many as there may be.
    pub fn push(&mut self, field: Field) {
        if self.count >= self.room.len() && !self.grow() {
            return;
        }
        if let Some(slot) = self.next() {
            *slot = field;
        }
    }

    /// Puts a field in before the one at `place`; false if there are as many as there may be.
    pub fn insert(&mut self, place: usize, field: Field) -> bool {
        let before = self.count;
        self.push(field);
        let behind = self.room.get_mut(place..self.count);
        if let (true, Some(behind)) = (self.count > before, behind) {
            behind.rotate_right(1);
            return true;
        }
        false
    }

    /// The places of `N` more fields, which the caller writes; `None` without room.
    #[inline]
    pub fn several<const N: usize>(&mut self) -> Option<&mut [Field; N]> {
        let slots = self.room.get_mut(self.count..)?.first_chunk_mut()?;
        self.count = self.count.wrapping_add(N);
        Some(slots)
    }

    /// Makes room; false if there are as many fields as there may be.
    #[cold]
    #[inline(never)]
    pub fn grow(&mut self) -> bool {
        let len = self.room.len();
        let more = len.saturating_mul(2).clamp(128, MAX_FIELDS);
        self.room.resize(more, NOTHING);
        more > len
    }
}
