//! Any bytes as a block of the receive ring, as if the kernel were hostile: the walk ends, and
//! every packet lies inside the block and behind its header.

use rawsock::capture::live::block::Walk;

/// Walks the block twice: what it finds does not depend on what was before.
pub fn check(block: &[u8]) {
    let mut walk = Walk::new(block);
    let mut again = Walk::new(block);
    // A header has 48 bytes, and each step goes on by one at least.
    let most = block.len() / 48 + 1;
    for _ in 0..=most {
        let item = walk.next(block);
        assert_eq!(again.next(block), item);
        let Some(item) = item else {
            return;
        };
        assert!(item.start >= 48 && item.start <= item.end && item.end <= block.len());
    }
    panic!("more packets than the block has room for");
}
