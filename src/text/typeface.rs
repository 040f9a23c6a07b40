//! The names of typefaces in the process language, and the families that stand for them.

/// A face of the language's table, by the name that a process string gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Typeface {
    #[default]
    WqyZenhei,
    WqyMicrohei,
    FangzhengShusong,
    FangzhengKaiti,
    FangzhengHeiti,
    FangzhengFangsong,
    DroidSansFallback,
}

impl Typeface {
    /// Every typeface.
    pub const ALL: [Typeface; 7] = [
        Typeface::WqyZenhei,
        Typeface::WqyMicrohei,
        Typeface::FangzhengShusong,
        Typeface::FangzhengKaiti,
        Typeface::FangzhengHeiti,
        Typeface::FangzhengFangsong,
        Typeface::DroidSansFallback,
    ];

    /// Other spellings: the documentation prints `fangzhenghei` once, and a Base64 value that decodes
    /// to the misspelt Droid name.
    const ALIASES: [(&'static str, Typeface); 2] =
        [("fangzhenghei", Typeface::FangzhengHeiti), ("droidsans0Pllback", Typeface::DroidSansFallback)];

    /// The typeface with this name, aliases included.
    pub fn parse(name: &str) -> Option<Typeface> {
        let names = Typeface::ALL.map(|typeface| (typeface.name(), typeface));
        names.iter().chain(&Typeface::ALIASES).find(|(known, _)| *known == name).map(|(_, typeface)| *typeface)
    }

    /// The name in the process string.
    pub fn name(self) -> &'static str {
        match self {
            Typeface::WqyZenhei => "wqy-zenhei",
            Typeface::WqyMicrohei => "wqy-microhei",
            Typeface::FangzhengShusong => "fangzhengshusong",
            Typeface::FangzhengKaiti => "fangzhengkaiti",
            Typeface::FangzhengHeiti => "fangzhengheiti",
            Typeface::FangzhengFangsong => "fangzhengfangsong",
            Typeface::DroidSansFallback => "droidsansfallback",
        }
    }

    /// Font families that show this typeface, best first.
    ///
    /// The Founder faces are proprietary: they lead where a machine has them, and free ones of the
    /// same style follow.
    pub(super) fn families(self) -> &'static [&'static str] {
        match self {
            Typeface::WqyZenhei => &["WenQuanYi Zen Hei"],
            // The embedded face is this one, mended.
            Typeface::WqyMicrohei => &[],
            Typeface::FangzhengShusong => &["FZShuSong-Z01", "AR PL UMing CN", "Noto Serif CJK SC"],
            Typeface::FangzhengKaiti => &["FZKai-Z03", "AR PL UKai CN", "LXGW WenKai"],
            Typeface::FangzhengHeiti => &["FZHei-B01", "WenQuanYi Zen Hei", "Noto Sans CJK SC"],
            Typeface::FangzhengFangsong => &["FZFangSong-Z02", "cwTeXFangSong", "AR PL UMing CN"],
            Typeface::DroidSansFallback => &["Droid Sans Fallback"],
        }
    }
}
