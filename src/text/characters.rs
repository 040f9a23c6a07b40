//! Characters that leave no ink, or that no face is asked for.

use swash::text::{Category, Codepoint};

/// Whether a character is drawn as a space.
pub(super) fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether a character only directs breaks, direction or looks: many faces would show a box for it.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0100}'..='\u{E01EF}')
}

/// Whether a glyph without ink is what a face should have for a character: white space, format
/// characters, and the fillers and blanks that Unicode counts among letters, marks and symbols.
pub(super) fn may_be_blank(character: char) -> bool {
    character.is_whitespace()
        || character.category() == Category::Format
        || is_invisible(character)
        || matches!(
            character,
            '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'
                ..='\u{180F}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}'
        )
}
