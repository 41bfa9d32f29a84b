use alloc::vec;

use super::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn request(peer: u8, number: u32) -> Reservation {
    Reservation {
        key: RequestKey {
            lane: LaneId(u64::from(peer)),
            request: RequestId(number),
        },
        peer: PeerId::from_bytes([peer; 32]),
        content: ContentId::from_bytes([0; 32]),
        piece: PieceIndex(number),
        bytes: 1 << 20,
        offered: false,
    }
}

fn ask(upload: &mut Upload, peer: u8, numbers: core::ops::Range<u32>) -> usize {
    numbers
        .filter(|n| upload.on_request(at(0), request(peer, *n)) == Admission::Queued)
        .count()
}

/// Who was started, in order; everything started is finished at once.
fn drain(upload: &mut Upload) -> Vec<u8> {
    let mut order = Vec::new();
    while let Some(action) = upload.poll_action() {
        upload.assert_invariants();
        if let UploadAction::Start(reservation) = action {
            order.push(reservation.peer.as_bytes()[0]);
            upload.on_finished(at(0), reservation.key);
        }
    }
    order
}

#[test]
fn two_are_sent_eight_wait_the_rest_is_busy() {
    let mut upload = Upload::new(at(0), GBIT);
    assert_eq!(ask(&mut upload, 1, 0..20), 10);
    let busy = Admission::Busy {
        queued_bytes: 10 << 20,
    };
    assert_eq!(upload.on_request(at(0), request(1, 99)), busy);
    assert_eq!(upload.sending().count(), 2);
    assert_eq!(drain(&mut upload).len(), 10);
    let mut fast = Upload::new(at(0), 10 * GBIT);
    assert_eq!(ask(&mut fast, 1, 0..200), 100);
}

#[test]
fn peers_take_turns_and_nobody_is_shut_out() {
    let mut upload = Upload::new(at(0), GBIT);
    assert_eq!(ask(&mut upload, 1, 0..20), 10);
    // Two start, and a first one waits although the queue is full.
    assert_eq!(ask(&mut upload, 2, 0..20), 3);
    assert_eq!(ask(&mut upload, 3, 0..20), 3);
    let order = drain(&mut upload);
    assert_eq!(order[..6], [1, 1, 2, 2, 3, 3]);
    assert!(
        order[6..10].contains(&2) && order[6..10].contains(&3),
        "{order:?}"
    );
}

#[test]
fn pause_and_cancel_answer_what_they_stop() {
    let check = |stop: &dyn Fn(&mut Upload), reason: GoneReason, stopped: usize| {
        let mut upload = Upload::new(at(0), GBIT);
        ask(&mut upload, 1, 0..4);
        while upload.poll_action().is_some() {}
        stop(&mut upload);
        upload.assert_invariants();
        let stops: Vec<_> = core::iter::from_fn(|| upload.poll_action())
            .filter(|action| matches!(action, UploadAction::Stop(_, why) if *why == reason))
            .collect();
        assert_eq!(stops.len(), stopped, "{reason:?}");
    };
    let one = request(1, 0);
    check(&|u| u.set_paused(true), GoneReason::Paused, 4);
    check(&|u| u.on_cancel(at(1), one.key), GoneReason::Cancelled, 1);
    let gone = GoneReason::DiskFault;
    check(&|u| u.on_content_gone(at(1), one.content, gone), gone, 4);
    check(&|u| u.on_peer_down(at(1), one.peer), GoneReason::Refused, 0);

    let mut upload = Upload::new(at(0), GBIT);
    upload.set_paused(true);
    let paused = Admission::Refused(GoneReason::Paused);
    assert_eq!(upload.on_request(at(0), one), paused);
    upload.set_paused(false);
    assert_eq!(upload.on_request(at(0), one), Admission::Queued);
}

#[test]
fn a_party_is_sent_to_at_once() {
    let mut upload = Upload::new(at(0), GBIT);
    for peer in 1..=8 {
        ask(&mut upload, peer, 0..2);
    }
    assert_eq!(upload.sending().count() as u64, SENDING_PER_GBIT);
    for peer in 1..=8 {
        let peer = PeerId::from_bytes([peer; 32]);
        let count = upload.sending().filter(|r| r.peer == peer).count();
        assert!(count <= 2, "{peer:?}: {count}");
    }
}

#[test]
fn receivers_without_credit_hold_nobody_up() {
    let mut upload = Upload::new(at(0), GBIT);
    (1..=6).for_each(|peer| assert_eq!(ask(&mut upload, peer, 0..2), 2));
    ask(&mut upload, 7, 0..2);
    while upload.poll_action().is_some() {}
    assert_eq!(upload.poll_timeout(at(0)), Some(at(500)));
    upload.on_timeout(at(500));
    let started = upload.poll_action();
    assert!(matches!(started, Some(UploadAction::Start(r)) if r.peer.as_bytes()[0] == 7));
    upload.on_timeout(at(15_000));
    let stops = core::iter::from_fn(|| upload.poll_action())
        .filter(|action| matches!(action, UploadAction::Stop(..)))
        .count();
    assert_eq!(stops as u64, SENDING_PER_GBIT);
    assert_eq!(upload.sending().count(), 2);
}

/// Two receivers that take a byte now and then would else be all that is ever sent to.
#[test]
fn receivers_that_trickle_hold_nobody_up() {
    let started = |limit: Option<u64>, bytes: u64| {
        let mut upload = Upload::new(at(0), GBIT);
        upload.set_limit(limit);
        (1..=6).for_each(|peer| assert_eq!(ask(&mut upload, peer, 0..2), 2));
        ask(&mut upload, 7, 0..1);
        while upload.poll_action().is_some() {}
        for millis in (100..=400).step_by(100) {
            for (peer, number) in (1..=6).flat_map(|peer| [(peer, 0), (peer, 1)]) {
                upload.on_bytes(at(millis), request(peer, number).key, bytes);
            }
        }
        upload.on_timeout(at(500));
        upload.poll_action().is_some()
    };
    assert!(started(None, 1));
    assert!(started(None, MOVES_BYTES / 8));
    assert!(!started(None, MOVES_BYTES / 4));
    // Where the person wants it slow, slow is what they all are.
    assert!(!started(Some(100_000), 10_000));
    assert!(started(Some(100_000), 100));

    let mut upload = Upload::new(at(0), GBIT);
    ask(&mut upload, 1, 0..1);
    let key = request(1, 0).key;
    for second in 1..=15 {
        upload.on_bytes(at(1_000 * second), key, 1_000);
        upload.on_timeout(at(1_000 * second));
    }
    assert_eq!(upload.sending().count(), 0, "a slot is held for ever");
}

#[test]
fn a_cancelled_start_is_not_carried_out() {
    let mut upload = Upload::new(at(0), GBIT);
    ask(&mut upload, 1, 0..1);
    upload.on_cancel(at(0), request(1, 0).key);
    let all: Vec<_> = core::iter::from_fn(|| upload.poll_action()).collect();
    assert_eq!(
        all,
        vec![UploadAction::Stop(request(1, 0), GoneReason::Cancelled)]
    );
}

#[test]
fn offered_pieces_go_first_and_pulls_do_not_starve() {
    let mut upload = Upload::new(at(0), 4 * GBIT);
    ask(&mut upload, 1, 0..40);
    drain(&mut upload);
    upload.on_request(at(0), request(9, 0));
    for number in 0..14 {
        let offered = Reservation {
            offered: true,
            ..request(1, number)
        };
        upload.on_request(at(0), offered);
        upload.on_request(at(0), request(2, number));
    }
    let order = drain(&mut upload);
    let run = order.iter().skip_while(|peer| **peer != 1);
    let pulled = run.take(14).filter(|peer| **peer == 2).count();
    assert!((1..=7).contains(&pulled), "{order:?}");
}
