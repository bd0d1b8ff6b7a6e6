//! Borders between the messages of a stream: none, a line feed, or a length in front. Pure.

/// How messages are told apart in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Not at all: what one receive gives is what there is.
    #[default]
    None,
    /// Each ends with a line feed.
    Line,
    /// Four bytes in network order in front of each say how long it is.
    Len,
}

/// Longest message with a border.
pub const LONGEST: usize = 64 * 1024;

impl Framing {
    /// Appends a message with its border.
    pub fn wrap(self, message: &[u8], out: &mut Vec<u8>) {
        if self == Self::Len {
            let len = u32::try_from(message.len()).unwrap_or(u32::MAX);
            out.extend(len.to_be_bytes());
        }
        out.extend(message);
        if self == Self::Line {
            out.push(b'\n');
        }
    }

    /// Takes the first whole message out of what has come; `None` if none is whole yet. An error
    /// says why there will never be one.
    pub fn take(self, input: &mut Vec<u8>) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::None => Ok((!input.is_empty()).then(|| std::mem::take(input))),
            Self::Line => {
                let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
                    return too_long(input.len()).map(|()| None);
                };
                let mut message: Vec<u8> = input.drain(..=end).collect();
                message.pop();
                Ok(Some(message))
            }
            Self::Len => {
                let Some((len, _)) = input.split_first_chunk::<4>() else {
                    return Ok(None);
                };
                let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
                too_long(len)?;
                if input.len() < len.saturating_add(4) {
                    return Ok(None);
                }
                Ok(Some(input.drain(..len.saturating_add(4)).skip(4).collect()))
            }
        }
    }
}

fn too_long(len: usize) -> Result<(), String> {
    if len > LONGEST {
        return Err(format!("a message of more than {LONGEST} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(framing: Framing, input: &[u8]) -> Vec<Vec<u8>> {
        let mut input = input.to_vec();
        let mut found = Vec::new();
        while let Some(message) = framing.take(&mut input).unwrap() {
            found.push(message);
        }
        found
    }

    #[test]
    fn what_is_wrapped_is_taken_out_whole() {
        for framing in [Framing::Line, Framing::Len] {
            let mut stream = Vec::new();
            for message in [&b"one"[..], b"", "你好".as_bytes()] {
                framing.wrap(message, &mut stream);
            }
            let expected = vec![b"one".to_vec(), Vec::new(), "你好".as_bytes().to_vec()];
            assert_eq!(all(framing, &stream), expected);
            for cut in 0..stream.len() {
                assert!(all(framing, &stream[..cut]).len() < 3, "{framing:?} {cut}");
            }
        }
    }

    #[test]
    fn without_borders_messages_stick() {
        let mut stream = Vec::new();
        Framing::None.wrap(b"one", &mut stream);
        Framing::None.wrap(b"two!", &mut stream);
        assert_eq!(all(Framing::None, &stream), [b"onetwo!"]);
    }

    #[test]
    fn a_length_that_lies_is_refused_before_any_memory_is_taken() {
        let mut lie = vec![0xff, 0xff, 0xff, 0xff, 1];
        assert!(Framing::Len.take(&mut lie).is_err());
        let mut endless = vec![b'x'; LONGEST + 1];
        assert!(Framing::Line.take(&mut endless).is_err());
    }
}
