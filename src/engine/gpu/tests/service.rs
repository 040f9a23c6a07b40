//! The engine as a service: batches, limits, loss and recovery.

use super::*;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(60);

/// Waits until `holds`; what is waited for always comes, or the test is to fail.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < WAIT, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn five_passes(size: Size) -> Arc<Plan> {
    plan(size, false, Format::Png, |canvas| {
        canvas.blur(2, 1.0);
        canvas.sharpen(100);
        canvas.mask_corners(5);
        canvas.sharpen(50);
    })
}

#[test]
fn the_known_answer_is_given() {
    let Some(engine) = shared() else { return };
    assert_eq!(known_answer(engine), Ok(()));
    assert!(describe().iter().any(|description| description.name == engine.facts().name));
}

#[test]
fn a_chain_is_one_encoder_and_one_submit() {
    let Some(engine) = start(Options::default()) else { return };
    assert_eq!(engine.counters(), Counts::default());
    let plan = five_passes(Size::new(40, 30));
    run(&engine, &plan, &noise(Size::new(40, 30), false, 1)).unwrap();
    let expected = Counts { encoders: 1, submits: 1, dispatches: 5, jobs: 1, rebuilds: 0 };
    assert_eq!(engine.counters(), expected);
}

#[test]
fn what_is_given_back_is_used_again() {
    let Some(engine) = start(Options::default()) else { return };
    let plan = five_passes(Size::new(300, 200));
    let pixels = noise(Size::new(300, 200), false, 2);
    let first = run(&engine, &plan, &pixels).unwrap();
    let used = engine.used_bytes();
    for _ in 0..20 {
        assert_eq!(run(&engine, &plan, &pixels).unwrap(), first);
    }
    assert_eq!(engine.used_bytes(), used);
}

#[test]
fn threads_share_batches_and_get_their_own_results() {
    for in_flight in [1, 2] {
        share_batches(in_flight);
    }
}

fn share_batches(in_flight: usize) {
    let Some(engine) = start(Options { in_flight: Some(in_flight), ..Options::default() }) else { return };
    std::thread::scope(|scope| {
        for thread in 0..12u32 {
            let engine = &engine;
            scope.spawn(move || {
                for turn in 0..6 {
                    let size = Size::new(20 + 13 * (thread % 4), 30 + turn);
                    let plan = five_passes(size);
                    let pixels = noise(size, false, thread * 100 + turn);
                    let wanted = reference(&plan, &pixels);
                    assert_eq!(run(engine, &plan, &pixels).unwrap(), wanted, "thread {thread} turn {turn}");
                }
            });
        }
    });
    let counts = engine.counters();
    assert_eq!((counts.jobs, counts.dispatches), (72, 72 * 5));
    assert_eq!(counts.encoders, counts.submits);
    assert!(counts.submits <= counts.jobs);
}

#[test]
fn results_of_a_kept_frame_stay_as_they_are() {
    let Some(engine) = shared() else { return };
    let size = Size::new(50, 20);
    let plan = five_passes(size);
    let pixels = noise(size, false, 5);
    let layer = frame(engine, size, &pixels);
    let mut done = engine.run(&plan, vec![layer], vec![], &Cancel::never()).unwrap();
    let kept = done.frames[0].view().to_vec();
    run(engine, &plan, &noise(size, false, 6)).unwrap();
    assert_eq!(done.frames[0].view().to_vec(), kept);
    // Writing works too, into a copy.
    done.frames[0].view_mut().row(0)[0] ^= 255;
    assert_eq!(done.frames[0].view().row(0)[0], kept[0] ^ 255);
    assert_eq!(done.frames[0].view().to_vec()[1..], kept[1..]);
}

#[test]
fn the_budget_and_the_limits_are_kept() {
    let budget_bytes = 4 << 20;
    let Some(engine) = start(Options { budget_bytes, ..Options::default() }) else { return };
    assert!(matches!(engine.frame(Size::new(2000, 1000)), Err(Declined::Limit("byte budget"))));
    let side = engine.facts().texture_side;
    assert!(matches!(engine.frame(Size::new(side + 1, 1)), Err(Declined::Limit("texture side"))));
    assert!(matches!(engine.frame(Size::new(u32::MAX, u32::MAX)), Err(Declined::Limit("texture side"))));
    assert!(matches!(engine.frame(Size::new(0, 5)), Err(Declined::Limit("texture side"))));
    // A layer fits, but not all that its plan needs.
    let size = Size::new(900, 700);
    let plan = five_passes(size);
    assert!(matches!(run(&engine, &plan, &noise(size, false, 3)), Err(Declined::Limit("byte budget"))));
    // Different sizes one after the other: idle things make room.
    for width in (64..=640).step_by(64) {
        let size = Size::new(width, 300);
        let pixels = noise(size, false, width);
        let plan = five_passes(size);
        assert_eq!(run(&engine, &plan, &pixels).unwrap(), reference(&plan, &pixels));
        assert!(engine.used_bytes() <= budget_bytes);
    }
}

#[test]
fn frames_that_do_not_belong_are_refused() {
    let Some(engine) = shared() else { return };
    let size = Size::new(8, 8);
    let plan = five_passes(size);
    let foreign = Frame::packed(size, vec![0; 256]);
    assert!(matches!(engine.run(&plan, vec![foreign], vec![], &Cancel::never()), Err(Declined::Error(_))));
    let other = engine.frame(Size::new(9, 8)).unwrap();
    assert!(matches!(engine.run(&plan, vec![other], vec![], &Cancel::never()), Err(Declined::Error(_))));
    assert!(matches!(engine.run(&plan, vec![], vec![], &Cancel::never()), Err(Declined::Error(_))));
}

#[test]
fn given_up_requests_do_not_run() {
    let Some(engine) = shared() else { return };
    let size = Size::new(8, 8);
    let layer = engine.frame(size).unwrap();
    let late = Cancel::at(Instant::now());
    assert!(matches!(engine.run(&five_passes(size), vec![layer], vec![], &late), Err(Declined::Error(_))));
}

#[test]
fn a_lost_device_fails_its_frames_and_is_built_anew() {
    let Some(engine) = start(Options::default()) else { return };
    let size = Size::new(33, 21);
    let (plan, pixels) = (five_passes(size), noise(size, false, 9));
    let wanted = reference(&plan, &pixels);
    assert_eq!(run(&engine, &plan, &pixels).unwrap(), wanted);
    for turn in 1..=2 {
        let mut layer = frame(&engine, size, &pixels);
        let kept = frame(&engine, size, &pixels);
        engine.lose_device();
        // The mapping stays valid, whatever becomes of the device.
        layer.view_mut().row(0).fill(7);
        let outcome = engine.run(&plan, vec![layer], vec![], &Cancel::never());
        assert!(matches!(outcome, Err(Declined::Failed(_))), "{outcome:?}");
        until("a rebuild", || engine.counters().rebuilds == turn);
        until("health", || engine.healthy());
        assert_eq!(run(&engine, &plan, &pixels).unwrap(), wanted);
        assert_eq!(kept.view().to_vec(), pixels);
    }
}

#[test]
fn work_in_flight_survives_or_fails_cleanly_when_the_device_is_lost() {
    let Some(engine) = start(Options { in_flight: Some(2), ..Options::default() }) else { return };
    let size = Size::new(120, 90);
    let plan = five_passes(size);
    std::thread::scope(|scope| {
        for thread in 0..6u32 {
            let (engine, plan) = (&engine, &plan);
            scope.spawn(move || {
                let pixels = noise(size, false, thread);
                let wanted = reference(plan, &pixels);
                // Ends only if jobs run again after the last loss.
                let mut right = 0;
                let begin = Instant::now();
                while right < 10 || engine.counters().rebuilds < 3 {
                    assert!(begin.elapsed() < WAIT, "{right} right");
                    let Ok(mut layer) = engine.frame(size) else { continue };
                    let mut target = layer.view_mut();
                    for (y, row) in (0..).zip(pixels.chunks_exact(size.width as usize * 4)) {
                        target.row(y).copy_from_slice(row);
                    }
                    match engine.run(plan, vec![layer], vec![], &Cancel::never()) {
                        Ok(done) => {
                            assert_eq!(done.frames[0].view().to_vec(), wanted);
                            right += 1;
                        }
                        Err(Declined::Failed(_)) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
        for turn in 1..=3 {
            std::thread::sleep(Duration::from_millis(20));
            engine.lose_device();
            until("a rebuild", || engine.counters().rebuilds >= turn);
        }
    });
    assert!(engine.healthy());
}

#[test]
fn a_device_that_takes_too_long_is_given_up() {
    // Everything takes longer than that.
    let watchdog = Duration::from_nanos(1);
    let Some(engine) = start(Options { watchdog, ..Options::default() }) else { return };
    let size = Size::new(600, 400);
    let plan = plan(size, true, Format::Png, |canvas| canvas.blur(50, 50.0));
    let outcome = run(&engine, &plan, &noise(size, true, 4));
    assert!(matches!(outcome, Err(Declined::Failed(_))), "{outcome:?}");
    until("a rebuild", || engine.counters().rebuilds == 1);
    until("health", || engine.healthy());
}

#[test]
fn a_full_queue_is_busy() {
    let Some(engine) = start(Options { queue_jobs: 1, ..Options::default() }) else { return };
    let size = Size::new(400, 300);
    let plan = plan(size, true, Format::Png, |canvas| canvas.blur(50, 50.0));
    let pixels = noise(size, true, 8);
    let wanted = reference(&plan, &pixels);
    // One runs, one waits, and of 8 at least one finds the queue full; try until that is seen.
    let busy = AtomicU64::new(0);
    while busy.load(Ordering::Relaxed) == 0 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| match run(&engine, &plan, &pixels) {
                    Ok(result) => assert_eq!(result, wanted),
                    Err(Declined::Busy) => drop(busy.fetch_add(1, Ordering::Relaxed)),
                    Err(other) => panic!("{other}"),
                });
            }
        });
    }
}

#[test]
fn no_adapter_is_an_error_at_start() {
    let options = Options { backends: wgpu::Backends::empty(), ..Options::default() };
    assert!(GpuEngine::start(options).is_err_and(|error| error.to_string().contains("no GPU adapter")));
}
