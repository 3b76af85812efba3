//! Seals messages of many lengths, so that each width of a vector path is exercised, and prints a
//! digest of all results: each key depends on the previous tags.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};

fn main() {
    let mut key: [u8; 32] = std::array::from_fn(|place| 0x80 + place as u8);
    let nonce = XNonce::from(std::array::from_fn::<u8, 24, _>(|place| 0x40 + place as u8));
    let data = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
    for length in (0..=1100_usize).chain([4096, 65553]) {
        let plain: Vec<u8> = (0..length).map(|place| (place * 7 + length) as u8).collect();
        let cipher = XChaCha20Poly1305::new((&key).into());
        let mut buffer = plain.clone();
        let tag = cipher
            .encrypt_inout_detached(&nonce, &data, buffer.as_mut_slice().into())
            .expect("messages are short");
        cipher
            .decrypt_inout_detached(&nonce, &data, buffer.as_mut_slice().into(), &tag)
            .expect("what was sealed opens");
        assert!(buffer == plain, "{length} bytes come back");
        for (place, byte) in tag.iter().chain(tag.iter().rev()).enumerate() {
            key[place] ^= byte;
        }
    }
    key.iter().for_each(|byte| print!("{byte:02x}"));
}
