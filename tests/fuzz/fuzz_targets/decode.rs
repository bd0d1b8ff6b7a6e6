//! Any bytes decode; every range lies inside the frame.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(frame) = frame::frame(data) else {
        return;
    };
    let mut packet = rawsock::decode::Packet::new();
    rawsock::decode::Decoder::new().decode(&frame, &mut packet);
    for layer in packet.layers() {
        for field in packet.fields_of(layer) {
            assert!(field.at as usize + field.len as usize <= frame.bytes.len());
        }
    }
});
