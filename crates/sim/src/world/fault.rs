//! Links that come and go, and everything that goes wrong on purpose.

use lanspread_proto::wire::link::Sharing;

use super::{DEATH_NOTICED, Ending, Event, RELINK_AFTER, World};
use crate::{
    host::{OutLane, Presence, lane_id, peer_id},
    scenario::{Fault, Grain},
    wire::{HostId, Message, Role},
};

impl World<'_> {
    pub(super) fn on_fault(&mut self, id: HostId, fault: Fault) {
        let now = self.now();
        self.ending = Ending::Perhaps;
        let presence = self.host(id).presence;
        match (fault, presence) {
            (Fault::Join, _) => {
                self.host(id).presence = Presence::Here;
                self.link_all(id);
            }
            (Fault::Die, _) => {
                self.host(id).presence = Presence::Dead;
                for other in self.linked(id) {
                    self.queue
                        .at(now + DEATH_NOTICED, Event::Unlinked(other, id));
                }
            }
            (Fault::Stall, Presence::Here) => self.host(id).presence = Presence::Stalled,
            (Fault::Resume, Presence::Stalled) => self.host(id).presence = Presence::Here,
            (Fault::Pause, Presence::Here) => self.set_sharing(id, Sharing::Paused),
            (Fault::Unpause, Presence::Here) => self.set_sharing(id, Sharing::On),
            (Fault::Flap, Presence::Here) => {
                for other in self.linked(id) {
                    self.unlink(id, other);
                    self.act(other);
                    self.queue.at(now + RELINK_AFTER, Event::Linked(id, other));
                }
            }
            // It is too late for this one.
            (Fault::Stall | Fault::Resume | Fault::Pause | Fault::Unpause | Fault::Flap, _) => {}
        }
    }

    fn link_all(&mut self, id: HostId) {
        for other in self.host(id).neighbours.clone() {
            self.link(id, other);
            self.act(other);
        }
    }

    /// Both ends are told, and tell each other what they have.
    pub(super) fn link(&mut self, a: HostId, b: HostId) {
        if !self.host(a).is_linked() || !self.host(b).is_linked() {
            return;
        }
        self.next_session += 1;
        let session = self.next_session;
        let credit = self.scenario.grain == Grain::Credit;
        for (here, there) in [(a, b), (b, a)] {
            let now = self.now();
            let host = self.host(here);
            let lane = OutLane {
                session,
                ..OutLane::default()
            };
            host.lanes.insert(there, lane);
            if credit {
                host.credit.on_lane_up(now, lane_id(there));
            }
            self.tell_peer(here, there, Sharing::On);
            let host = self.host(here);
            let map = match host.role {
                Role::Taker => lanspread_proto::PieceSet::new(host.store.piece_count()),
                Role::Seeder | Role::Downloader | Role::Holder => host.store.clone(),
            };
            let map = Message::HaveMap(map, host.role);
            self.send(here, there, map);
            self.offer_in_vain(here, there, lanspread_proto::PieceIndex(0));
        }
    }

    pub(super) fn unlink(&mut self, a: HostId, b: HostId) {
        if self.session(a, b).is_none() {
            return;
        }
        for (here, there) in [(a, b), (b, a)] {
            let now = self.now();
            let peer = peer_id(there);
            let host = self.host(here);
            host.lanes.remove(&there);
            host.credit.on_lane_down(lane_id(there));
            // What is on its way to the disk arrives there.
            host.requests.retain(|(from, _), _| *from != there);
            host.upload.on_peer_down(now, peer);
            if let Some(injector) = &mut host.injector {
                injector.on_downloader_gone(now, peer);
            }
            if let Some(download) = &mut host.download {
                download.on_peer_down(now, peer);
            }
        }
    }
}
