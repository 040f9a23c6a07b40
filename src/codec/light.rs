//! Linear light as values of sRGB. Source: IEC 61966-2-1.

use std::sync::LazyLock;

/// Steps of the table: near black, where the curve is steepest, one is a fifth of a level.
pub const STEPS: usize = 1 << 14;

static CODES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let code = |step| {
        let light = f64::from(step) / STEPS as f64;
        let code = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        (code * 255.0).round() as u8
    };
    (0..=STEPS as u32).map(code).collect()
});

/// The values for no light and for each of [`STEPS`] equal steps up to full light.
pub fn codes() -> &'static [u8] {
    &CODES
}

/// The value of so much light, 1 for full light; what is more or less, or no number, is clipped.
pub fn code(light: f32) -> u8 {
    // The cast saturates, and takes no number for 0.
    let step = (light * STEPS as f32 + 0.5) as usize;
    CODES[step.min(STEPS)]
}

/// Y of L*, of 0 to 100, 1 for white. Source: CIE 15.
pub fn of_lightness(lightness: f32) -> f32 {
    from_cube_root((lightness + 16.0) / 116.0)
}

/// A stimulus from the part of it that L*, a* and b* are made of.
pub fn from_cube_root(part: f32) -> f32 {
    if part > 6.0 / 29.0 { part * part * part } else { (part - 4.0 / 29.0) * 108.0 / 841.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_has_the_values_of_the_standard() {
        // Half the light is 187.5; a fifth, 123.9; 0.001 is on the straight part, 3.29.
        let values = [(0.0, 0), (1.0, 255), (0.5, 188), (0.2, 124), (0.001, 3), (-1.0, 0), (9.0, 255), (f32::NAN, 0)];
        for (light, value) in values {
            assert_eq!(code(light), value, "{light}");
        }
    }
}
