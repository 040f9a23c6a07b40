//! Bits one after the other, the lowest of a byte first.

/// Bytes that are written at a time.
const WORD_BYTES: usize = 8;

/// A stream of bits.
#[derive(Default)]
pub struct Bits {
    bytes: Vec<u8>,
    /// Bytes of `bytes` that are done.
    length: usize,
    held: Held,
}

/// Bits that make no whole byte yet: the lowest `count`.
#[derive(Clone, Copy, Default)]
struct Held {
    bits: u64,
    count: u32,
}

/// Writes into room that was made ahead.
pub struct Pen<'a> {
    room: &'a mut [u8],
    length: usize,
    held: Held,
}

impl Bits {
    /// Lets `write` put bits, which take at most `most_bytes`.
    pub fn write(&mut self, most_bytes: usize, write: impl FnOnce(&mut Pen)) {
        let wanted = self.length + most_bytes + WORD_BYTES;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        let mut pen = Pen { room: &mut self.bytes, length: self.length, held: self.held };
        write(&mut pen);
        (self.length, self.held) = (pen.length, pen.held);
    }

    /// Writes whole bytes; the last byte before them is filled with zeros.
    pub fn append(&mut self, bytes: &[u8]) {
        self.write(1, |pen| {
            pen.held.count = pen.held.count.next_multiple_of(8);
            pen.flush();
        });
        self.bytes.truncate(self.length);
        self.bytes.extend_from_slice(bytes);
        self.length = self.bytes.len();
    }

    /// The whole bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Forgets the whole bytes so far.
    pub fn clear(&mut self) {
        self.length = 0;
    }
}

impl Pen<'_> {
    /// Holds `count` more bits. At most 63 may be held.
    #[inline(always)]
    pub fn put(&mut self, bits: u64, count: u32) {
        self.held.bits |= bits << self.held.count;
        self.held.count += count;
    }

    /// Writes whole bytes of what is held, so that at most seven bits stay.
    #[inline(always)]
    pub fn flush(&mut self) {
        self.room[self.length..][..WORD_BYTES].copy_from_slice(&self.held.bits.to_le_bytes());
        self.length += (self.held.count / 8) as usize;
        self.held.bits >>= self.held.count & !7;
        self.held.count &= 7;
    }
}
