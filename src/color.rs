//! Colours as the process string writes them.

/// An opaque 8-bit sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

impl Color {
    pub const BLACK: Color = Color { red: 0, green: 0, blue: 0 };
    pub const WHITE: Color = Color { red: 255, green: 255, blue: 255 };

    /// Six hex digits, either case, with one `#` allowed before and one after: the older
    /// documentation writes `#00FF00#`, the newer `00FF00`.
    pub fn parse(text: &str) -> Option<Color> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let digits = digits.strip_suffix('#').unwrap_or(digits);
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = value.to_be_bytes();
        Some(Color { red, green, blue })
    }

    /// The opaque texel of this colour as a little-endian word: red in the lowest byte.
    pub fn texel(self) -> u32 {
        u32::from_le_bytes([self.red, self.green, self.blue, 255])
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02X}{:02X}{:02X}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_notations_are_read() {
        let green = Color { red: 0, green: 255, blue: 0 };
        for text in ["00FF00", "00ff00", "#00FF00", "#00FF00#"] {
            assert_eq!(Color::parse(text), Some(green), "{text}");
        }
        for text in ["", "FFF", "GG0000", "+0FF00", "##00FF00", "00FF000"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
        assert_eq!(green.texel(), 0xFF00_FF00);
    }
}
