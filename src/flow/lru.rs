//! A table with a limit: what was used longest ago gives way to what is new. Every step costs the
//! same, however full the table is.

use std::collections::HashMap;
use std::hash::Hash;

/// No slot.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    older: u32,
    newer: u32,
}

/// The table. Its hash keys are random, and taken when it is made: before a sandbox.
#[derive(Debug)]
pub struct Lru<K, V> {
    index: HashMap<K, u32>,
    slots: Vec<Slot<K, V>>,
    oldest: u32,
    newest: u32,
    most: usize,
    let_go: u64,
}

impl<K: Copy + Eq + Hash, V> Lru<K, V> {
    /// An empty table for `most` entries, at least one. Memory is taken as it fills.
    pub fn new(most: usize) -> Self {
        Self {
            index: HashMap::new(),
            slots: Vec::new(),
            oldest: NONE,
            newest: NONE,
            most: most.clamp(1, NONE as usize),
            let_go: 0,
        }
    }

    /// The entry of a key, which becomes the one that was used last.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        let at = *self.index.get(key)?;
        self.touch(at);
        self.slots.get_mut(at as usize).map(|slot| &mut slot.value)
    }

    /// Puts in what is not there: [`Lru::get`] has just said so. What gave way comes back.
    pub fn put(&mut self, key: K, value: V) -> Option<V> {
        let mut gone = None;
        let slot = Slot {
            key,
            value,
            older: NONE,
            newer: NONE,
        };
        let at = if self.slots.len() < self.most {
            self.slots.push(slot);
            u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(NONE)
        } else {
            let at = self.oldest;
            self.unlink(at);
            if let Some(place) = self.slots.get_mut(at as usize) {
                let old = std::mem::replace(place, slot);
                self.index.remove(&old.key);
                self.let_go = self.let_go.saturating_add(1);
                gone = Some(old.value);
            }
            at
        };
        self.index.insert(key, at);
        self.link(at);
        gone
    }

    /// How many entries gave way.
    pub fn let_go(&self) -> u64 {
        self.let_go
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Every entry, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.value))
    }

    fn touch(&mut self, at: u32) {
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some(slot) = self.slots.get(at as usize) else {
            return;
        };
        let (older, newer) = (slot.older, slot.newer);
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
    }

    fn link(&mut self, at: u32) {
        let before = self.newest;
        if let Some(slot) = self.slots.get_mut(at as usize) {
            (slot.older, slot.newer) = (before, NONE);
        }
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gets or puts, as every user of the table does.
    fn visit(table: &mut Lru<u32, u32>, key: u32) -> Option<u32> {
        match table.get(&key) {
            Some(count) => {
                *count = count.saturating_add(1);
                None
            }
            None => table.put(key, 1),
        }
    }

    #[test]
    fn what_was_used_longest_ago_gives_way() {
        let mut table = Lru::new(3);
        for key in [1, 2, 3, 1] {
            assert_eq!(visit(&mut table, key), None);
        }
        // 2 was used longest ago, then 3.
        assert_eq!(visit(&mut table, 4), Some(1));
        assert_eq!(table.get(&2), None);
        assert_eq!(table.get(&1), Some(&mut 2));
        assert_eq!(visit(&mut table, 5), Some(1));
        assert_eq!(table.get(&3), None);
        let mut keys: Vec<u32> = table.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        assert_eq!((keys, table.let_go(), table.len()), (vec![1, 4, 5], 2, 3));
    }

    #[test]
    fn it_agrees_with_a_plain_list() {
        // The same with a list in order of use, over a fixed walk through 40 keys.
        for most in [1, 2, 7, 16] {
            let mut table = Lru::new(most);
            let mut list: Vec<u32> = Vec::new();
            let mut seed = 1u32;
            for _ in 0..5000 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let key = (seed >> 16) % 40;
                visit(&mut table, key);
                list.retain(|known| *known != key);
                list.push(key);
                if list.len() > most {
                    list.remove(0);
                }
                assert!(list.iter().all(|key| table.index.contains_key(key)));
                assert_eq!(table.len(), list.len());
            }
        }
    }
}
