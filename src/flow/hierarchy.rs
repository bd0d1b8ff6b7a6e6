//! Protocol hierarchy: how many packets and bytes each protocol carried, by what it lay in.

use crate::decode::{Packet, Proto};

/// Most different paths of protocols; a packet can be made to have any.
pub const MAX_NODES: usize = 4096;

/// A protocol within those around it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which.
    pub proto: &'static Proto,
    /// How deep it lies; 0 for the link layer.
    pub depth: usize,
    /// Packets that hold it here.
    pub packets: u64,
    /// All bytes of those packets.
    pub bytes: u64,
    first_child: Option<usize>,
    next: Option<usize>,
}

/// The tree.
#[derive(Clone, Debug, Default)]
pub struct Hierarchy {
    nodes: Vec<Node>,
    first: Option<usize>,
    left_out: u64,
}

impl Hierarchy {
    /// Counts a packet of `bytes` bytes. Extension headers (`ipv6.hopopts`) belong to their
    /// protocol; quoted layers were not carried.
    pub fn add(&mut self, packet: &Packet, bytes: u64) {
        let mut parent = None;
        let layers = packet.layers().iter();
        let layers = layers.filter(|layer| !layer.quoted && !layer.proto.key.contains('.'));
        for (depth, layer) in layers.enumerate() {
            let Some(at) = self.child(parent, layer.proto, depth) else {
                self.left_out = self.left_out.saturating_add(1);
                return;
            };
            if let Some(node) = self.nodes.get_mut(at) {
                node.packets = node.packets.saturating_add(1);
                node.bytes = node.bytes.saturating_add(bytes);
            }
            parent = Some(at);
        }
    }

    /// Packets that could not be counted to their end: too many different paths.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Every node, in the order of a table: below each the protocols in it, largest first.
    pub fn rows(&self) -> Vec<&Node> {
        let mut rows = Vec::with_capacity(self.nodes.len());
        let mut open = self.largest_last(self.first);
        while let Some(at) = open.pop() {
            if let Some(node) = self.nodes.get(at) {
                rows.push(node);
                open.extend(self.largest_last(node.first_child));
            }
        }
        rows
    }

    fn largest_last(&self, first: Option<usize>) -> Vec<usize> {
        let mut all: Vec<usize> = Vec::new();
        let mut next = first;
        while let Some(at) = next {
            all.push(at);
            next = self.nodes.get(at).and_then(|node| node.next);
        }
        let size = |at: &usize| self.nodes.get(*at).map(|node| (node.packets, node.bytes));
        // The one that came first is the last of equals, so that it is shown first.
        all.sort_by_key(|at| (size(at), std::cmp::Reverse(*at)));
        all
    }

    /// The node of a protocol below another one; a new one while there is room.
    fn child(
        &mut self,
        parent: Option<usize>,
        proto: &'static Proto,
        depth: usize,
    ) -> Option<usize> {
        let mut next = match parent {
            Some(parent) => self.nodes.get(parent)?.first_child,
            None => self.first,
        };
        let mut last = None;
        while let Some(at) = next {
            let node = self.nodes.get(at)?;
            if std::ptr::eq(node.proto, proto) {
                return Some(at);
            }
            last = Some(at);
            next = node.next;
        }
        let at = self.nodes.len();
        if at >= MAX_NODES {
            return None;
        }
        self.nodes.push(Node {
            proto,
            depth,
            packets: 0,
            bytes: 0,
            first_child: None,
            next: None,
        });
        let link = match (last, parent) {
            (Some(last), _) => &mut self.nodes.get_mut(last)?.next,
            (None, Some(parent)) => &mut self.nodes.get_mut(parent)?.first_child,
            (None, None) => &mut self.first,
        };
        *link = Some(at);
        Some(at)
    }
}
