//! `makefile`: lines and pieces over a socket's bytes. One `recv` may feed several lines.

use std::io;

use super::sock::{Filed, Sock};
use crate::call::{Failure, MAX_BYTES, Outcome, Value};

/// Longest line.
const LONGEST: usize = 64 * 1024;

/// Up to and with the next line feed; what is left at the end of the stream.
pub fn readline(
    file: &mut Filed,
    sock: &mut Sock,
    buffer: usize,
    lines: &mut Vec<String>,
) -> io::Result<Value> {
    let mut receives = 0;
    loop {
        let end = file.read.iter().position(|byte| *byte == b'\n');
        if let Some(end) = end {
            if receives == 0 {
                lines.push("no recv: the line was in the buffer already".into());
            }
            return Ok(take(file, end + 1));
        }
        if file.ended || file.read.len() >= LONGEST {
            let all = file.read.len();
            return Ok(take(file, all));
        }
        receive(file, sock, buffer)?;
        receives += 1;
    }
}

/// So many bytes; fewer only at the end of the stream.
pub fn read(file: &mut Filed, sock: &mut Sock, size: usize, buffer: usize) -> io::Result<Value> {
    while file.read.len() < size && !file.ended {
        receive(file, sock, buffer)?;
    }
    Ok(take(file, size.min(file.read.len())))
}

/// Keeps bytes until [`flush`].
pub fn write(file: &mut Filed, bytes: &[u8]) -> Outcome {
    if file.written.len().saturating_add(bytes.len()) > MAX_BYTES {
        return Err(Failure::Refused(format!(
            "a file keeps at most {MAX_BYTES} bytes"
        )));
    }
    file.written.extend(bytes);
    Ok(Value::Int(i64::try_from(bytes.len()).unwrap_or(i64::MAX)))
}

/// Sends what was written.
pub fn flush(file: &mut Filed, sock: &mut Sock) -> io::Result<Value> {
    let written = std::mem::take(&mut file.written);
    if !written.is_empty() {
        sock.traced.sendall(&written)?;
    }
    Ok(Value::None)
}

fn receive(file: &mut Filed, sock: &mut Sock, buffer: usize) -> io::Result<()> {
    let mut bytes = vec![0; buffer];
    let len = sock.traced.recv(&mut bytes, 0)?;
    file.ended = len == 0;
    file.read.extend(bytes.get(..len).unwrap_or(&[]));
    Ok(())
}

fn take(file: &mut Filed, len: usize) -> Value {
    Value::Bytes(file.read.drain(..len).collect())
}
