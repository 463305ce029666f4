//! One book's state, and what its commands do.

use std::collections::BTreeSet;

use super::checks::is_band;
use super::command::{Command, Happenings, Outcome};
use super::ids::{Ids, NIL};
use super::ladder::Ladder;
use super::matching::{Positions, Taker};
use super::orders::{Extra, Order, Orders, PLAIN};
use super::stops::Stops;
use super::words::{BUY, CancelReason, MAX_PRICE, MAX_QUANTITY, NO_PRICE, Reject, Status, kind};

/// What a book allows: `tick` and `lot` are the steps of prices and quantities, `low` to `high` is the price band.
#[derive(Clone, Copy)]
pub struct Rules {
    pub tick: i64,
    pub lot: i64,
    pub min_quantity: i64,
    pub max_quantity: i64,
    pub low: i64,
    pub high: i64,
}

impl Rules {
    pub fn validate(&self) -> Result<(), String> {
        for (name, value, most) in [
            ("tick", self.tick, MAX_PRICE),
            ("lot", self.lot, MAX_QUANTITY),
            ("min_quantity", self.min_quantity, MAX_QUANTITY),
            ("max_quantity", self.max_quantity, MAX_QUANTITY),
        ] {
            if !(1..=most).contains(&value) {
                return Err(format!("{name} is {value}; it should be between 1 and {most}"));
            }
        }
        if self.min_quantity > self.max_quantity {
            return Err(format!(
                "min_quantity {} is above max_quantity {}",
                self.min_quantity, self.max_quantity
            ));
        }
        if !is_band(self.low, self.high) {
            return Err(format!(
                "the price band {} to {} should rise and stay within {MAX_PRICE} up and down",
                self.low, self.high
            ));
        }
        Ok(())
    }
}

pub struct Book {
    pub rules: Rules,
    /// How many commands were accepted; also the age of an order.
    pub changes: i64,
    pub now_ns: i64,
    pub last_trade: i64,
    pub(super) ids: Ids,
    pub(super) orders: Orders,
    pub(super) ladder: Ladder,
    pub(super) stops: Stops,
    /// (expiry, age, slot) of the orders that have an expiry.
    pub(super) expiries: BTreeSet<(i64, i64, u32)>,
    pub(super) positions: Positions,
}

impl Book {
    pub fn new(rules: Rules) -> Result<Self, String> {
        rules.validate()?;
        Ok(Self {
            rules,
            changes: 0,
            now_ns: 0,
            last_trade: NO_PRICE,
            ids: Ids::default(),
            orders: Orders::default(),
            ladder: Ladder::new(rules.tick),
            stops: Stops::default(),
            expiries: BTreeSet::new(),
            positions: Positions::default(),
        })
    }

    #[inline(always)]
    pub fn execute(&mut self, command: &Command, out: &mut Happenings) -> Outcome {
        match command.kind {
            kind::LIMIT if command.is_plain() => self.submit_plain(command, out),
            kind::CANCEL => self.cancel(command, out),
            kind::LIMIT | kind::MARKET => self.submit(command, out),
            _ => self.execute_rare(command, out).unwrap_or_else(Outcome::rejected),
        }
    }

    #[inline(always)]
    pub(super) fn taker(&self, order_id: i64, owner: u32, side: i8, price: i64, self_trade: u8) -> Taker {
        // A market order takes up to the band's far end.
        let limit = match (price, side) {
            (NO_PRICE, BUY) => self.rules.high,
            (NO_PRICE, _) => self.rules.low,
            _ => price,
        };
        Taker { order_id, owner, side, limit, self_trade }
    }

    /// The same as `submit`, without what a plain order does not have.
    #[inline(always)]
    fn submit_plain(&mut self, command: &Command, out: &mut Happenings) -> Outcome {
        if let Err(code) = self.check_plain(command) {
            return Outcome::rejected(code);
        }
        self.changes += 1;
        self.enter(entering(command), command.quantity, command.price, None, true, out)
    }

    #[inline(never)]
    fn submit(&mut self, command: &Command, out: &mut Happenings) -> Outcome {
        if let Err(code) = self.check_order(command) {
            return Outcome::rejected(code);
        }
        self.changes += 1;
        let order = entering(command);
        let extra = (command.display | command.expires_ns != 0).then_some(Extra {
            display: command.display,
            expires_ns: command.expires_ns,
            sequence: if command.expires_ns != 0 { self.changes } else { 0 },
            ..PLAIN
        });
        self.enter(order, command.quantity, command.price, extra, command.waits(), out)
    }

    /// Match an accepted order, then the stops that it sets off.
    #[inline(always)]
    pub(super) fn enter(
        &mut self,
        order: Order,
        quantity: i64,
        price: i64,
        extra: Option<Extra>,
        waits: bool,
        out: &mut Happenings,
    ) -> Outcome {
        let seen = out.fills.len();
        let outcome = self.match_or_rest(order, quantity, price, extra, waits, out);
        if out.fills.len() > seen {
            self.last_trade = out.fills[out.fills.len() - 1][2];
            if !self.stops.is_empty() {
                self.fire_stops(seen, out);
            }
        }
        outcome
    }

    /// Match, then let the rest of the order wait or cancel it.
    #[inline(always)]
    pub(super) fn match_or_rest(
        &mut self,
        order: Order,
        quantity: i64,
        price: i64,
        extra: Option<Extra>,
        waits: bool,
        out: &mut Happenings,
    ) -> Outcome {
        self.positions.make_room(order.owner);
        let taker = self.taker(order.id, order.owner, order.side, price, order.self_trade());
        let (left, prevented) = self.trade(&taker, quantity, out);
        let filled = quantity - left;
        if left == 0 {
            return Outcome::accepted(Status::Filled, filled, 0);
        }
        if prevented || !waits {
            let reason = if prevented { CancelReason::SelfTrade } else { CancelReason::Unfilled };
            out.cancel(order.id, left, reason);
            return Outcome::accepted(Status::Cancelled, filled, 0);
        }
        self.rest(order, left, price, extra);
        Outcome::accepted(Status::Rests, filled, left)
    }

    #[inline(always)]
    fn rest(&mut self, mut order: Order, quantity: i64, price: i64, extra: Option<Extra>) {
        order.visible = quantity;
        let slot = self.keep(order, extra);
        if extra.is_some() {
            self.show(slot, quantity);
        }
        self.ladder.add(&mut self.orders, slot, order.side, price);
    }

    /// Give an order a slot, its id, and its place among the expiries.
    #[inline(always)]
    pub(super) fn keep(&mut self, mut order: Order, extra: Option<Extra>) -> u32 {
        if let Some(extra) = extra {
            order.extra = self.orders.add_extra(extra);
        }
        let slot = self.orders.add(order);
        self.ids.insert(slot, &self.orders);
        if let Some(Extra { expires_ns: 1.., .. }) = extra {
            let extra = self.orders.extra(slot);
            self.expiries.insert((extra.expires_ns, extra.sequence, slot));
        }
        slot
    }

    /// Forget an order that has left the ladder or the stops.
    #[inline(always)]
    pub(super) fn forget(&mut self, slot: u32) {
        self.ids.remove(self.orders[slot].id, &self.orders);
        self.free(slot);
    }

    /// Give back the slot of an order whose id is gone.
    #[inline(always)]
    fn free(&mut self, slot: u32) {
        if self.orders[slot].extra != NIL {
            self.drop_expiry(slot);
        }
        self.orders.remove(slot);
    }

    #[cold]
    fn drop_expiry(&mut self, slot: u32) {
        let extra = self.orders.extra(slot);
        self.expiries.remove(&(extra.expires_ns, extra.sequence, slot));
    }

    /// Cancel an open order, resting or waiting.
    pub(super) fn cancel_open(&mut self, slot: u32, reason: CancelReason, out: &mut Happenings) {
        self.ids.remove(self.orders[slot].id, &self.orders);
        self.cancel_known(slot, reason, out);
    }

    /// Cancel an open order whose id is gone already.
    #[inline(always)]
    fn cancel_known(&mut self, slot: u32, reason: CancelReason, out: &mut Happenings) {
        let order = self.orders[slot];
        let quantity = self.orders.quantity(slot);
        let extra = self.orders.extra(slot);
        if order.extra == NIL || extra.stop_price == NO_PRICE {
            self.ladder.remove(&mut self.orders, &order);
        } else {
            self.stops.remove(order.side, extra.stop_price, extra.sequence);
        }
        self.free(slot);
        out.cancel(order.id, quantity, reason);
    }

    #[inline(always)]
    fn cancel(&mut self, command: &Command, out: &mut Happenings) -> Outcome {
        // The id is looked for once only, as almost every cancel is of an order that is here.
        let slot = self.ids.remove(command.order_id, &self.orders);
        if slot == NIL {
            return Outcome::rejected(Reject::UnknownOrder);
        }
        self.changes += 1;
        self.cancel_known(slot, CancelReason::Requested, out);
        Outcome::done()
    }

    #[inline(always)]
    pub(super) fn find(&self, order_id: i64) -> Result<u32, Reject> {
        match self.ids.get(order_id, &self.orders) {
            NIL => Err(Reject::UnknownOrder),
            slot => Ok(slot),
        }
    }
}

#[inline(always)]
pub(super) fn entering(command: &Command) -> Order {
    Order {
        id: command.order_id,
        visible: command.quantity,
        next: NIL,
        previous: NIL,
        owner: command.owner,
        extra: NIL,
        place: NIL,
        flags: command.flags,
        side: command.side,
    }
}
