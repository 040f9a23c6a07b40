//! Files written by hand, whose DC values are known.

/// Bits of entropy-coded data, with their stuffing.
#[derive(Default)]
pub struct Bits {
    text: String,
}

impl Bits {
    /// The lowest `count` bits of a number.
    pub fn push(&mut self, number: u32, count: usize) -> &mut Bits {
        if count > 0 {
            self.text += &format!("{number:0count$b}");
        }
        self
    }

    /// A DC difference by the table of [`File`]: four bits of size, then the number.
    pub fn dc(&mut self, difference: i32) -> &mut Bits {
        let size = (32 - difference.unsigned_abs().leading_zeros()) as usize;
        self.push(size as u32, 4);
        let number = if difference < 0 { difference - 1 } else { difference };
        self.push(number as u32 & ((1 << size) - 1), size)
    }

    /// A whole block without other coefficients.
    pub fn block(&mut self, difference: i32) -> &mut Bits {
        self.dc(difference).end()
    }

    /// The end of a block.
    pub fn end(&mut self) -> &mut Bits {
        self.push(0b00, 2)
    }

    /// A coefficient of 1, no zeros before it.
    pub fn one(&mut self) -> &mut Bits {
        self.push(0b011, 3)
    }

    /// Sixteen zeros.
    pub fn zeros(&mut self) -> &mut Bits {
        self.push(0b10, 2)
    }

    /// The bytes, the last one filled with ones.
    pub fn bytes(&self) -> Vec<u8> {
        let padded = self.text.clone() + &"1".repeat(self.text.len().next_multiple_of(8) - self.text.len());
        let bytes = padded.as_bytes().chunks(8).map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0')));
        bytes.flat_map(|byte| if byte == 0xff { vec![0xff, 0] } else { vec![byte] }).collect()
    }
}

/// A file in the making. Its DC table has a code of four bits for each of the sizes 0 to 11, its AC
/// table three codes of two bits: end of block, a size of 1, sixteen zeros.
pub struct File(pub Vec<u8>);

impl File {
    /// The file up to the first scan; `components` are sampling factors, across and down; all have
    /// a quantisation step of 16, so that a DC of 1 makes samples 2 brighter.
    pub fn new(frame: u8, width: u16, height: u16, components: &[(u8, u8)]) -> File {
        let mut file = File(vec![0xff, 0xd8]);
        file.segment(0xdb, &[[0].as_slice(), &[16; 64]].concat());
        let mut header = vec![8];
        header.extend(height.to_be_bytes());
        header.extend(width.to_be_bytes());
        header.push(components.len() as u8);
        for (number, (across, down)) in (1..).zip(components) {
            header.extend([number, across << 4 | down, 0]);
        }
        file.segment(frame, &header);
        file.segment(0xc4, &[&[0, 0, 0, 0, 12], [0; 12].as_slice(), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]].concat());
        file.segment(0xc4, &[&[0x10, 0, 3], [0; 14].as_slice(), &[0x00, 0x01, 0xf0]].concat());
        file
    }

    pub fn segment(&mut self, marker: u8, payload: &[u8]) -> &mut File {
        self.0.extend([0xff, marker]);
        self.0.extend((payload.len() as u16 + 2).to_be_bytes());
        self.0.extend(payload);
        self
    }

    /// A scan of some components; `bounds` are the first and last coefficient and the bits left out.
    pub fn scan(&mut self, components: &[u8], bounds: [u8; 3], data: &[u8]) -> &mut File {
        let mut header = vec![components.len() as u8];
        components.iter().for_each(|number| header.extend([*number, 0]));
        header.extend(bounds);
        self.segment(0xda, &header);
        self.0.extend(data);
        self
    }

    /// A sequential scan.
    pub fn whole_scan(&mut self, components: &[u8], data: &Bits) -> &mut File {
        self.scan(components, [0, 63, 0], &data.bytes())
    }

    pub fn end(&mut self) -> Vec<u8> {
        self.0.extend([0xff, 0xd9]);
        self.0.clone()
    }
}
