//! The commands that come seldom: stops, amendments, mass cancels, the time, the band, positions.

use std::collections::VecDeque;

use super::checks::is_band;
use super::command::{Command, Happenings, Outcome};
use super::core::{Book, entering};
use super::ids::NIL;
use super::orders::{Extra, PLAIN};
use super::words::{
    ANY_OWNER, BUY, CancelReason, MAX_POSITION, NO_PRICE, OWNERS, Reject, SELL, Status, kind,
};

impl Book {
    #[inline(never)]
    pub(super) fn execute_rare(
        &mut self,
        command: &Command,
        out: &mut Happenings,
    ) -> Result<Outcome, Reject> {
        match command.kind {
            kind::STOP | kind::STOP_LIMIT => self.submit_stop(command),
            kind::AMEND => self.amend(command, out),
            kind::MASS_CANCEL => self.mass_cancel(command, out),
            kind::EXPIRE => self.expire(command, out),
            kind::SET_BAND => self.set_band(command),
            kind::SET_POSITION => self.set_position(command),
            _ => Err(Reject::BadKind),
        }
    }

    fn submit_stop(&mut self, command: &Command) -> Result<Outcome, Reject> {
        self.check_order(command)?;
        self.changes += 1;
        let extra = Extra {
            display: command.display,
            expires_ns: command.expires_ns,
            sequence: self.changes,
            price: command.price,
            stop_price: command.stop_price,
            kind: command.kind,
            ..PLAIN
        };
        let slot = self.keep(entering(command), Some(extra));
        self.stops.add(command.side, command.stop_price, self.changes, slot);
        Ok(Outcome::accepted(Status::WaitsForTrigger, 0, command.quantity))
    }

    /// Execute the stops that the fills from `seen` on set off, and those that these set off in turn.
    #[inline(never)]
    pub(super) fn fire_stops(&mut self, mut seen: usize, out: &mut Happenings) {
        let mut queue = VecDeque::new();
        loop {
            let prices = out.fills[seen..].iter().map(|fill| fill[2]);
            if let (Some(low), Some(high)) = (prices.clone().min(), prices.max()) {
                self.last_trade = out.fills[out.fills.len() - 1][2];
                seen = out.fills.len();
                queue.extend(self.stops.take_triggered(low, high));
            }
            match queue.pop_front() {
                Some(slot) => self.fire(slot, out),
                None => return,
            }
        }
    }

    fn fire(&mut self, slot: u32, out: &mut Happenings) {
        let (mut order, extra) = (self.orders[slot], *self.orders.extra(slot));
        self.forget(slot);
        out.triggers.push([order.id, out.command]);
        let mut quantity = order.visible;
        if order.reduce_only() {
            quantity = quantity.min(self.positions.reducible(order.owner, order.side));
            if quantity < order.visible {
                out.cancel(order.id, order.visible - quantity, CancelReason::ReduceOnly);
            }
            if quantity == 0 {
                return;
            }
        }
        order.extra = NIL;
        let resting = (extra.display | extra.expires_ns != 0).then_some(Extra {
            display: extra.display,
            expires_ns: extra.expires_ns,
            sequence: if extra.expires_ns != 0 { extra.sequence } else { 0 },
            ..PLAIN
        });
        self.match_or_rest(order, quantity, extra.price, resting, extra.kind == kind::STOP_LIMIT, out);
    }

    fn amend(&mut self, command: &Command, out: &mut Happenings) -> Result<Outcome, Reject> {
        let slot = self.find(command.order_id)?;
        let (mut order, mut extra) = (self.orders[slot], *self.orders.extra(slot));
        if extra.stop_price != NO_PRICE {
            return Err(Reject::StopCannotBeAmended);
        }
        let here = self.ladder.price(order.place);
        let price = if command.price == NO_PRICE { here } else { command.price };
        self.rules.check_quantity(command.quantity)?;
        if price != here {
            self.rules.check_price(price)?;
        }
        let open = order.visible + extra.hidden;
        if price == here && command.quantity <= open {
            return self.reduce(slot, command.quantity, open);
        }
        self.check_flags(order.owner, order.side, command.quantity, price, order.flags)?;
        self.changes += 1;
        self.ladder.remove(&mut self.orders, &order);
        self.forget(slot);
        extra.sequence = if extra.expires_ns != 0 { self.changes } else { 0 };
        let extra = (order.extra != NIL).then_some(extra);
        order.extra = NIL;
        Ok(self.enter(order, command.quantity, price, extra, true, out))
    }

    /// Leave an order with less; what it hides goes first. It keeps its place.
    fn reduce(&mut self, slot: u32, quantity: i64, open: i64) -> Result<Outcome, Reject> {
        if quantity == open {
            return Err(Reject::AmendChangesNothing);
        }
        self.changes += 1;
        let order = &mut self.orders[slot];
        let visible = order.visible.min(quantity);
        self.ladder.level_mut(order.place).visible -= order.visible - visible;
        order.visible = visible;
        if order.extra != NIL {
            self.orders.extra_mut(slot).hidden = quantity - visible;
        }
        Ok(Outcome::accepted(Status::Rests, 0, quantity))
    }

    fn mass_cancel(&mut self, command: &Command, out: &mut Happenings) -> Result<Outcome, Reject> {
        if ![BUY, SELL, 0].contains(&command.side) {
            return Err(Reject::BadSide);
        }
        if command.owner != ANY_OWNER && command.owner >= OWNERS {
            return Err(Reject::BadOwner);
        }
        self.changes += 1;
        for slot in self.everything() {
            let order = &self.orders[slot];
            let owned = command.owner == ANY_OWNER || command.owner == order.owner;
            if owned && (command.side == 0 || command.side == order.side) {
                self.cancel_open(slot, CancelReason::Requested, out);
            }
        }
        Ok(Outcome::done())
    }

    fn expire(&mut self, command: &Command, out: &mut Happenings) -> Result<Outcome, Reject> {
        if command.expires_ns < self.now_ns {
            return Err(Reject::TimeWentBack);
        }
        self.changes += 1;
        self.now_ns = command.expires_ns;
        while let Some(&(expires_ns, _, slot)) = self.expiries.first() {
            if expires_ns > self.now_ns {
                break;
            }
            self.cancel_open(slot, CancelReason::Expired, out);
        }
        Ok(Outcome::done())
    }

    fn set_band(&mut self, command: &Command) -> Result<Outcome, Reject> {
        if !is_band(command.price, command.stop_price) {
            return Err(Reject::BadBand);
        }
        self.changes += 1;
        (self.rules.low, self.rules.high) = (command.price, command.stop_price);
        Ok(Outcome::done())
    }

    fn set_position(&mut self, command: &Command) -> Result<Outcome, Reject> {
        if command.owner >= OWNERS {
            return Err(Reject::BadOwner);
        }
        if !(-MAX_POSITION..=MAX_POSITION).contains(&command.quantity) {
            return Err(Reject::BadPosition);
        }
        self.changes += 1;
        self.positions.set(command.owner, command.quantity);
        Ok(Outcome::done())
    }
}
