//! Two captures of one exchange.

use std::time::Duration;

use rawsock::decode::{Decoder, Direction};
use rawsock::event::{self, Timestamp};
use rawsock::view::ladder::join::{Joined, join};
use rawsock::view::ladder::{Clock, End, Ladder};

use crate::run::segment;

/// The same segment with a wall time and a direction.
fn seen(client: bool, seq: u32, millis: i64, dir: Direction) -> event::Packet {
    event::Packet {
        wall: Timestamp(millis * 1_000_000),
        dir,
        ..segment(client, 0x18, seq, 1, b"x")
    }
}

fn joined(dirs: [Direction; 2]) -> Joined {
    let [out, back] = dirs;
    // The second clock is 1000 ms ahead; ways take 4 ms and more.
    let first = [
        seen(true, 1, 0, out),
        seen(true, 2, 10, out),
        seen(false, 1, 30, back),
        seen(true, 3, 40, out),
    ];
    let second = [
        seen(true, 1, 1004, back),
        seen(true, 2, 1015, back),
        seen(false, 1, 1026, out),
    ];
    join(
        &Decoder::new(),
        &["h1".into(), "h2".into()],
        &first,
        &second,
        1 << 20,
    )
}

#[test]
fn clocks_are_made_one_from_the_fastest_ways() {
    for dirs in [
        [Direction::Out, Direction::In],
        [Direction::Unknown, Direction::Unknown],
    ] {
        let joined = joined(dirs);
        assert_eq!(joined.matched, 3);
        assert_eq!(joined.warning, None);
        let Clock::Estimated { offset, error } = joined.clock.clone() else {
            panic!("{:?}", joined.clock);
        };
        assert_eq!(offset, -1_000_000_000);
        assert_eq!(error, Duration::from_millis(4));
        let ladder = Ladder::new(&joined.list, &Decoder::new(), "two", joined.clock.clone());
        let flights: Vec<Option<u128>> = ladder
            .arrows
            .iter()
            .map(|arrow| match arrow.end {
                End::Arrived(at) => Some(at.since(arrow.sent).as_millis()),
                _ => None,
            })
            .collect();
        // The last segment of the client was not seen by the other.
        assert_eq!(flights, [Some(4), Some(5), Some(4), None]);
        assert_eq!(ladder.arrows[3].end, End::NotSeen);
        assert_eq!((ladder.arrows[2].from, ladder.arrows[2].to), (1, 0));
    }
}

#[test]
fn captures_of_different_things_are_told_apart() {
    let joined = join(
        &Decoder::new(),
        &["a".into(), "b".into()],
        &[seen(true, 1, 0, Direction::Unknown)],
        &[seen(true, 2, 0, Direction::Unknown)],
        1 << 20,
    );
    assert_eq!(joined.matched, 0);
    assert_eq!(joined.warning, Some("no packet is in both captures"));
}
