//! Animations that other people's optimisers made small: none is refused, and each frame is what was
//! drawn.
//!
//! Made at test time by gifsicle and ImageMagick, from seeded animations. `PIXELPASS_TEST_GIF_PROGRAMS`
//! is `require` (the default: their absence is a failure) or `off`.

use crate::support::pictures::Random;
use crate::support::request::frames;
use crate::support::server::Folder;
use gif::{DisposalMethod, Encoder, Repeat};
use pixelpass::codec;
use pixelpass::limits::Limits;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Ways to make an animation small: a program with its arguments, whether it may change pixels, and
/// how many animations it is given.
const WAYS: [(&str, &[&str], bool, usize); 9] = [
    ("gifsicle", &["-O1"], true, 60),
    ("gifsicle", &["-O2"], true, 60),
    ("gifsicle", &["-O3"], true, 60),
    ("gifsicle", &["-O3", "--interlace"], true, 60),
    ("gifsicle", &["-O3", "--lossy=60"], false, 60),
    ("mogrify", &["-layers", "OptimizeFrame"], true, 60),
    ("mogrify", &["-layers", "OptimizeTransparency"], true, 60),
    ("mogrify", &["-layers", "OptimizePlus"], true, 40),
    ("mogrify", &["-layers", "optimize"], true, 40),
];

/// The index of what is transparent, in animations that have it.
const CLEAR: u8 = 0;

/// An animation as it was drawn: the indices of each frame, whole.
struct Drawn {
    width: u16,
    height: u16,
    /// Red, green, blue by index.
    palette: Vec<u8>,
    /// Whether the index [`CLEAR`] shows nothing.
    holed: bool,
    frames: Vec<Vec<u8>>,
}

impl Drawn {
    /// Typing, a bar that grows, a ball, flat colours, a pattern, or a ball on nothing.
    fn new(seed: u64) -> Drawn {
        let mut random = Random::new(seed);
        let mut below = |limit: u32| random.next() % limit;
        let (width, height) = (2 + below(46), 2 + below(34));
        let count = 2 + below(6);
        let colors = [2, 3, 7, 30, 200][below(5) as usize];
        let palette: Vec<u8> = (0..3 * colors).map(|_| below(256) as u8).collect();
        let area = (width * height) as usize;
        let kind = seed % 6;
        let mut ground = vec![0; area];
        let mut frames = Vec::new();
        for number in 0..count {
            let flat = below(colors) as u8;
            if kind == 0 {
                for _ in 0..3 {
                    ground[below(area as u32) as usize] = below(colors) as u8;
                }
            }
            let index = |at: usize| {
                let (x, y) = (at as u32 % width, at as u32 / width);
                let (from_x, from_y) = (x.abs_diff(3 + number * 5), y.abs_diff(height / 2));
                match kind {
                    1 if y >= height / 3 && y < height / 2 + 1 && x * count <= number * width => 1,
                    2 | 5 if from_x * from_x + from_y * from_y < 20 => 1,
                    3 => flat,
                    4 => ((x * x + 3 * y + number) % colors) as u8,
                    _ => ground[at],
                }
            };
            frames.push((0..area).map(index).collect());
        }
        Drawn { width: width as u16, height: height as u16, palette, holed: kind == 5, frames }
    }

    /// The animation with all frames whole.
    fn file(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width, self.height, &self.palette).expect("a header");
        encoder.set_repeat(Repeat::Infinite).expect("a loop");
        for indices in &self.frames {
            let frame = gif::Frame {
                width: self.width,
                height: self.height,
                buffer: indices.as_slice().into(),
                delay: 8,
                transparent: self.holed.then_some(CLEAR),
                dispose: if self.holed { DisposalMethod::Background } else { DisposalMethod::Keep },
                ..gif::Frame::default()
            };
            encoder.write_frame(&frame).expect("a frame");
        }
        drop(encoder);
        file
    }

    fn texels(&self) -> Vec<u8> {
        let color = |index: &u8| {
            let at = usize::from(*index) * 3;
            let alpha = if self.holed && *index == CLEAR { 0 } else { 255 };
            [self.palette[at], self.palette[at + 1], self.palette[at + 2], alpha]
        };
        visible(self.frames.iter().flatten().flat_map(color).collect())
    }
}

/// With one colour under all that is transparent.
fn visible(mut texels: Vec<u8>) -> Vec<u8> {
    texels.chunks_exact_mut(4).filter(|texel| texel[3] == 0).for_each(|texel| texel.fill(0));
    texels
}

/// Whether the programs shall be run.
fn wanted() -> bool {
    match std::env::var("PIXELPASS_TEST_GIF_PROGRAMS").as_deref() {
        Err(_) | Ok("" | "require") => true,
        Ok("off") => {
            eprintln!("tests with optimisers of GIF did not run: PIXELPASS_TEST_GIF_PROGRAMS is off");
            false
        }
        Ok(other) => panic!("PIXELPASS_TEST_GIF_PROGRAMS={other}: must be require or off"),
    }
}

fn run(program: &str, arguments: &[&str], files: &[PathBuf]) {
    let done = Command::new(program).args(arguments).args(files).output().unwrap_or_else(|error| {
        panic!("{program}: {error}: run deploy/setup tests, or set PIXELPASS_TEST_GIF_PROGRAMS=off to do without")
    });
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
}

/// All frames of a file, one after the other.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    let bytes = std::fs::read(file).expect("the optimised file");
    let probe = codec::probe(&bytes, &Limits::OSS).map_err(|error| format!("{error}: {:?}", error.source))?;
    if probe.frames == 1 {
        return Ok(visible(crate::support::request::pixels(&bytes).view().to_vec()));
    }
    let frames = frames(&bytes).0;
    Ok(visible(frames.into_iter().flat_map(|(frame, _)| frame.view().to_vec()).collect()))
}

#[test]
fn optimised_animations_are_what_was_drawn() {
    if !wanted() {
        return;
    }
    let (mut complaints, mut spoilt, mut tried) = (Vec::new(), Vec::new(), 0);
    for (way, (program, arguments, lossless, count)) in WAYS.iter().enumerate() {
        let folder = Folder::new();
        let drawn: Vec<_> = (0..*count).map(|number| Drawn::new((way * 1000 + number) as u64)).collect();
        let path = |number: usize| folder.path().join(format!("{number:03}.gif"));
        for (number, drawn) in drawn.iter().enumerate() {
            std::fs::write(path(number), drawn.file()).expect("the source");
        }
        let files: Vec<_> = (0..*count).map(path).collect();
        // Both change the files where they lie.
        let in_place: &[&str] = if *program == "gifsicle" { &["--batch", "--no-warnings"] } else { &[] };
        run(program, &[in_place, arguments].concat(), &files);
        run("mogrify", &["-coalesce", "-depth", "8", "-format", "rgba"], &files);
        for (file, drawn) in files.iter().zip(&drawn) {
            tried += 1;
            let theirs = visible(std::fs::read(file.with_extension("rgba")).expect("the frames that ImageMagick sees"));
            // Frames that show the same are made one.
            let changes = |texels: &[u8]| {
                let mut frames: Vec<_> = texels.chunks(drawn.frames[0].len() * 4).map(<[u8]>::to_vec).collect();
                frames.dedup();
                frames
            };
            let sound = !lossless || changes(&theirs) == changes(&drawn.texels());
            let name = format!("{program} {arguments:?} {}", file.file_name().unwrap_or_default().display());
            match read(file) {
                Ok(ours) if ours == theirs && sound => {}
                Ok(_) if !sound => spoilt.push(name),
                Ok(_) => complaints.push(format!("{name}: other pixels")),
                Err(error) => complaints.push(format!("{name}: {error}")),
            }
        }
    }
    assert!(complaints.is_empty(), "{} of {tried}:\n{}", complaints.len(), complaints.join("\n"));
    // What an optimiser itself got wrong says nothing.
    assert!(tried == 500 && spoilt.len() * 50 < tried, "{} spoilt:\n{}", spoilt.len(), spoilt.join("\n"));
}
