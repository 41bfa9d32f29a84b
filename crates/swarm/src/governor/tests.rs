use super::{paths::FRESH, *};
use crate::random::Random;

/// A cable with a queue before it, and a sender that keeps the window full.
struct Cable {
    bytes_per_second: u64,
    /// There and back without a queue.
    trip: Duration,
    /// What the machines take besides before they grant again.
    slow: Duration,
    /// A queue that others make.
    others: Duration,
    /// One in so many probes is late, by up to 20 ms.
    late: u32,
}

/// What came of a run.
struct Run {
    /// Payload per second over the second half.
    rate: u64,
    /// The longest and the usual queue of ours over the second half.
    longest: Duration,
    usual: Duration,
}

const SOURCE: PeerId = PeerId::from_bytes([1; 32]);
const MOST: u64 = 16 << 20;
const MIB: u64 = 1 << 20;
/// What bins of rates and whole bytes make of it.
const SLACK: Duration = Duration::from_micros(300);

impl Cable {
    const fn new(bytes_per_second: u64, trip_micros: u64) -> Self {
        Self {
            bytes_per_second,
            trip: Duration::from_micros(trip_micros),
            slow: Duration::ZERO,
            others: Duration::ZERO,
            late: 0,
        }
    }

    /// Twenty seconds in steps of 5 ms: a probe each, and a step of the governor at every eighth.
    fn run(&self, seed: u64) -> Run {
        let mut random = Random::new(seed);
        let mut governor = Governor::new(Instant::ZERO, MOST);
        let (mut now, tick) = (Instant::ZERO, Duration::from_millis(5));
        let (mut sum, mut queues) = (0, alloc::vec::Vec::new());
        for n in 0_u32..4_000 {
            now += tick;
            // The first answers come before the queue is there.
            let others = if n > 200 { self.others } else { Duration::ZERO };
            let loop_time = self.trip + self.slow + others;
            let in_flight = transfer_bytes(loop_time, self.bytes_per_second);
            let standing = governor.window().saturating_sub(in_flight);
            let queue = crate::time::transfer_time(standing, self.bytes_per_second);
            let full_rate = u128::from(governor.window()) * 1_000_000_000 / loop_time.as_nanos();
            let rate = u64::try_from(full_rate).unwrap().min(self.bytes_per_second);
            let bytes = transfer_bytes(tick, rate);
            governor.on_bytes(now, bytes);
            let late = Duration::from_micros(u64::from(random.below(20_000)));
            let late = if random.one_in(self.late) {
                late
            } else {
                Duration::ZERO
            };
            let seen = if n > 4 { queue } else { Duration::ZERO };
            governor.on_round_trip(now, SOURCE, self.trip + others + seen + late);
            if n % 8 == 0 {
                governor.on_step(now, true);
            }
            if n >= 2_000 {
                sum += bytes;
                queues.push(queue);
            }
        }
        queues.sort();
        Run {
            rate: sum / 10,
            longest: *queues.last().unwrap(),
            usual: queues[queues.len() / 2],
        }
    }
}

#[test]
fn a_full_cable_with_a_short_queue() {
    let check = |cable: Cable| {
        let run = cable.run(1);
        let percent = run.rate * 100 / cable.bytes_per_second;
        let name = (cable.bytes_per_second, cable.trip, cable.slow);
        assert!(percent >= 95, "{name:?}: {percent} %");
        assert!(run.usual <= TARGET * 2 + SLACK, "{name:?}: {:?}", run.usual);
        assert!(
            run.longest <= TARGET * 2 + SLACK,
            "{name:?}: {:?}",
            run.longest
        );
    };
    for rate in [32 * MIB, 120 * MIB, 1_200 * MIB] {
        check(Cable::new(rate, 200));
        check(Cable::new(rate, 2_000));
    }
    // 200 Mbit/s, and machines that take their time.
    let mut slow = Cable::new(120 * MIB, 300);
    slow.slow = Duration::from_millis(4);
    check(slow);
}

#[test]
fn a_slow_cable_is_full_with_the_least_window() {
    let run = Cable::new(MIB, 1_000).run(1);
    assert!(run.rate * 100 / MIB >= 95);
    assert!(run.longest <= crate::time::transfer_time(WINDOW_MIN, MIB));
}

#[test]
fn late_wake_ups_do_not_slow_it_down() {
    for seed in 0..20 {
        let mut cable = Cable::new(120 * MIB, 300);
        cable.late = 2;
        let run = cable.run(seed);
        assert!(
            run.rate * 100 / cable.bytes_per_second >= 95,
            "seed {seed}: {}",
            run.rate
        );
        assert!(run.usual <= TARGET * 2, "seed {seed}: {:?}", run.usual);
    }
}

#[test]
fn a_delay_of_others_does_not_starve_it() {
    let mut cable = Cable::new(120 * MIB, 300);
    cable.others = Duration::from_millis(10);
    let run = cable.run(1);
    assert!(run.rate > 20 * MIB, "{}", run.rate);
}

#[test]
fn a_machine_that_is_too_busy_to_answer_does_not_starve_it() {
    // What is granted comes back after 10 to 30 ms, and so does every probe; no queue is there.
    for seed in 0..10 {
        let mut random = Random::new(seed);
        let mut governor = Governor::new(Instant::ZERO, MOST);
        let mut now = Instant::ZERO;
        let mut bytes = 0;
        for n in 0_u32..12_000 {
            now += Duration::from_millis(5);
            let busy = if n < 200 {
                300
            } else {
                10_000 + random.below(20_000)
            };
            let busy = Duration::from_micros(u64::from(busy));
            let rate = u128::from(governor.window()) * 1_000_000_000 / busy.as_nanos();
            let rate = u64::try_from(rate).unwrap().min(120 * MIB);
            let came = transfer_bytes(Duration::from_millis(5), rate);
            governor.on_bytes(now, came);
            governor.on_round_trip(now, SOURCE, busy);
            if n % 8 == 0 {
                governor.on_step(now, true);
            }
            bytes += if n >= 200 { came } else { 0 };
        }
        // A window of 512 KiB carries 25 MB/s over 20 ms.
        assert!(bytes / 59 > 12 * MIB, "seed {seed}: {}", bytes / 59);
    }
}

#[test]
fn only_what_all_ways_share_counts() {
    let other = PeerId::from_bytes([2; 32]);
    let mut governor = Governor::new(Instant::ZERO, MOST);
    let mut now = Instant::ZERO;
    for trip in [1, 1, 1, 1, 9, 9, 9, 9, 9, 9] {
        now += Duration::from_millis(5);
        governor.on_round_trip(now, SOURCE, Duration::from_millis(trip));
        governor.on_round_trip(now, other, Duration::from_millis(1));
    }
    assert_eq!(governor.queueing(now), Some(Duration::ZERO));
    governor.forget(other);
    assert_eq!(governor.queueing(now), Some(Duration::from_millis(8)));
    let before = governor.window();
    assert!(governor.on_step(now, true) < before);
    assert_eq!(governor.queueing(now + FRESH), None);
}

#[test]
fn without_answers_it_works_as_without_a_governor() {
    let mut governor = Governor::new(Instant::ZERO, MOST);
    let mut now = Instant::ZERO;
    for _ in 0..100 {
        now += STEP;
        governor.on_step(now, true);
    }
    assert_eq!(governor.window(), WINDOW_BLIND);
}
