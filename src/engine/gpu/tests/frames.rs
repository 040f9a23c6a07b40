//! Animations and overlays: all frames in one submit, what overlays decide only once.

use super::*;
use crate::engine::cpu::{CpuEngine, Seats};

/// The packed results of `plan` over frames of noise with the overlay of [`with_overlay`].
fn animate(engine: &dyn Engine, plan: &Arc<Plan>, frames: u32) -> Result<Vec<Vec<u8>>, Declined> {
    let picture = |layer: usize, seed| {
        let size = plan.layers[layer].size;
        frame(engine, size, &noise(size, true, seed))
    };
    let sources = (0..frames).map(|seed| picture(0, 100 + seed)).collect();
    let overlays = (1..plan.layers.len()).map(|layer| picture(layer, 7)).collect();
    let done = engine.run(plan, sources, overlays, &Cancel::never())?;
    Ok(done.frames.iter().map(|frame| frame.view().to_vec()).collect())
}

#[test]
fn five_frames_with_an_overlay_equal_the_cpus() {
    let Some(engine) = shared() else { return };
    let wanted = animate(&CpuEngine::new(Seats::new(1)), &with_overlay(), 5).unwrap();
    assert_eq!(wanted.len(), 5);
    assert_ne!(wanted[0], wanted[1], "frames differ");
    assert_eq!(animate(engine, &with_overlay(), 5).unwrap(), wanted);
    assert_eq!(animate(engine, &with_overlay(), 1).unwrap(), wanted[..1]);
}

#[test]
fn ten_frames_are_one_encoder_and_one_submit() {
    let Some(engine) = start(Options::default()) else { return };
    animate(&engine, &with_overlay(), 10).unwrap();
    // Two passes that only the overlay decides, and two for each frame.
    let expected = Counts { encoders: 1, submits: 1, dispatches: 2 + 2 * 10, jobs: 1, rebuilds: 0 };
    assert_eq!(engine.counters(), expected);
}

#[test]
fn more_frames_take_more_buffers_but_no_more_textures() {
    let Some(engine) = start(Options::default()) else { return };
    let plan = plan(Size::new(300, 200), false, Format::Png, |canvas| {
        canvas.blur(2, 1.0);
        canvas.sharpen(100);
    });
    animate(&engine, &plan, 1).unwrap();
    let one = engine.used_bytes();
    animate(&engine, &plan, 9).unwrap();
    // A staging buffer and a read-back a frame: 200 rows of 1280 bytes, at most an eighth more.
    let eight_more = 8 * 2 * 200 * 1280;
    let more = engine.used_bytes() - one;
    assert!((eight_more..=eight_more * 9 / 8).contains(&more), "{more}");
    // And all of it is used again.
    let used = engine.used_bytes();
    animate(&engine, &plan, 9).unwrap();
    assert_eq!(engine.used_bytes(), used);
}

#[test]
fn threads_with_animations_share_batches() {
    let Some(engine) = shared() else { return };
    let plan = with_overlay();
    let wanted = animate(&CpuEngine::new(Seats::new(1)), &plan, 4).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (plan, wanted) = (&plan, &wanted);
            scope.spawn(move || {
                let frames = 1 + thread % 4;
                assert_eq!(animate(engine, plan, frames).unwrap(), wanted[..frames as usize]);
            });
        }
    });
}

#[test]
fn a_plan_without_passes_returns_the_sources() {
    let Some(engine) = shared() else { return };
    let size = Size::new(21, 9);
    let plan = plan(size, true, Format::Png, |_| {});
    let wanted: Vec<_> = (0..3).map(|seed| noise(size, true, 100 + seed)).collect();
    assert_eq!(animate(engine, &plan, 3).unwrap(), wanted);
}

#[test]
fn a_result_that_no_frame_decides_is_every_frames() {
    let Some(engine) = shared() else { return };
    let mut plan = with_overlay().as_ref().clone();
    plan.passes.truncate(3);
    let plan = Arc::new(plan);
    let results = animate(engine, &plan, 3).unwrap();
    assert_eq!(results, animate(&CpuEngine::new(Seats::new(1)), &plan, 3).unwrap());
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
fn a_lost_device_and_a_deadline_decline_all_frames() {
    let Some(engine) = start(Options::default()) else { return };
    let plan = with_overlay();
    let wanted = animate(&engine, &plan, 3).unwrap();
    let frames = |layer: usize, count| (0..count).map(|_| engine.frame(plan.layers[layer].size).unwrap()).collect();
    let (sources, overlays): (Vec<_>, Vec<_>) = (frames(0, 3), frames(1, 1));
    engine.lose_device();
    let outcome = engine.run(&plan, sources, overlays, &Cancel::never());
    assert!(matches!(outcome, Err(Declined::Failed(_))), "{outcome:?}");
    let begin = Instant::now();
    while !engine.healthy() || engine.counters().rebuilds == 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "no rebuild");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(animate(&engine, &plan, 3).unwrap(), wanted);
    let late = Cancel::at(Instant::now());
    let outcome = engine.run(&plan, frames(0, 3), frames(1, 1), &late);
    assert!(matches!(outcome, Err(Declined::Error(_))), "{outcome:?}");
}

#[test]
fn frames_of_other_sizes_and_missing_overlays_are_refused() {
    let Some(engine) = shared() else { return };
    let plan = with_overlay();
    let frame = |layer: usize| engine.frame(plan.layers[layer].size).unwrap();
    let run = |sources, overlays| engine.run(&plan, sources, overlays, &Cancel::never());
    for (sources, overlays) in [
        (vec![frame(0), frame(1)], vec![frame(1)]),
        (vec![frame(0)], vec![]),
        (vec![frame(0)], vec![frame(0)]),
        (vec![frame(0)], vec![frame(1), frame(1)]),
        (vec![], vec![frame(1)]),
    ] {
        assert!(matches!(run(sources, overlays), Err(Declined::Error(_))));
    }
}
