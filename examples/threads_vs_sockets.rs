//! How two workers hand a number to each other and back: a lock with a condition, a queue, and a
//! socket. Threads share memory, so all three work; processes have only the last.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::Instant;

const ROUNDS: u32 = 10_000;

fn told(way: &str, start: Instant) {
    let each = start.elapsed() / ROUNDS;
    println!("{way}: {ROUNDS} round trips, {} ns each", each.as_nanos());
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A lock around the number, and a condition to wait for its next turn: odd is theirs.
    let shared = Arc::new((Mutex::new(0_u32), Condvar::new()));
    let theirs = Arc::clone(&shared);
    let turn = |shared: &(Mutex<u32>, Condvar), odd: u32| {
        let number = shared.0.lock().map_err(|_| "a worker panicked")?;
        let wait = |number: &mut u32| *number % 2 != odd;
        let mut number = shared.1.wait_while(number, wait).map_err(|_| "panicked")?;
        *number += 1;
        shared.1.notify_one();
        Ok::<u32, &str>(*number)
    };
    let start = Instant::now();
    let worker = thread::spawn(move || (0..ROUNDS).try_for_each(|_| turn(&theirs, 1).map(drop)));
    let mut last = 0;
    for _ in 0..ROUNDS {
        last = turn(&shared, 0)?;
    }
    worker.join().map_err(|_| "the worker panicked")??;
    told("lock and condition", start);
    assert!(last + 1 >= ROUNDS * 2 - 1);

    // Two queues.
    let (to, from_us) = mpsc::channel::<u32>();
    let (to_us, from) = mpsc::channel::<u32>();
    let start = Instant::now();
    let worker = thread::spawn(move || from_us.iter().try_for_each(|n| to_us.send(n + 1)));
    for number in 0..ROUNDS {
        to.send(number)?;
        assert_eq!(from.recv()?, number + 1);
    }
    told("queue", start);
    drop(to);
    worker.join().map_err(|_| "the worker panicked")??;

    // A pair of sockets: bytes, not values, and each crossing is a system call.
    let (mut ours, mut others) = UnixStream::pair()?;
    let start = Instant::now();
    let worker = thread::spawn(move || {
        let mut bytes = [0; 4];
        while others.read_exact(&mut bytes).is_ok() {
            let next = u32::from_be_bytes(bytes) + 1;
            others.write_all(&next.to_be_bytes())?;
        }
        Ok::<(), std::io::Error>(())
    });
    let mut bytes = [0; 4];
    for number in 0..ROUNDS {
        ours.write_all(&number.to_be_bytes())?;
        ours.read_exact(&mut bytes)?;
        assert_eq!(u32::from_be_bytes(bytes), number + 1);
    }
    told("unix sockets", start);
    drop(ours);
    worker.join().map_err(|_| "the worker panicked")??;
    Ok(())
}
