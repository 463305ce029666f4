//! The rules that an order can break, in the order in which they are told.

use super::command::Command;
use super::core::{Book, Rules};
use super::stops::would_trigger;
use super::words::{
    ALL_FLAGS, MAX_PRICE, NO_PRICE, OWNERS, POST_ONLY, REDUCE_ONLY, Reject, SELF_TRADE_SHIFT, kind, tif,
};

pub type Checked = Result<(), Reject>;

#[inline(always)]
fn no(broken: bool, code: Reject) -> Checked {
    if broken { Err(code) } else { Ok(()) }
}

pub fn is_band(low: i64, high: i64) -> bool {
    -MAX_PRICE <= low && low <= high && high <= MAX_PRICE
}

impl Rules {
    #[inline(always)]
    fn off_tick(&self, price: i64) -> bool {
        self.tick != 1 && price % self.tick != 0
    }

    #[inline(always)]
    pub fn check_price(&self, price: i64) -> Checked {
        no(self.off_tick(price), Reject::PriceOffTick)?;
        no(price < self.low || price > self.high, Reject::PriceOutsideBand)
    }

    #[inline(always)]
    pub fn check_quantity(&self, quantity: i64) -> Checked {
        no(quantity < self.min_quantity, Reject::QuantityTooSmall)?;
        no(quantity > self.max_quantity, Reject::QuantityTooLarge)?;
        no(self.lot != 1 && quantity % self.lot != 0, Reject::QuantityOffLot)
    }

    #[inline(always)]
    fn check_prices(&self, command: &Command) -> Checked {
        if command.kind == kind::LIMIT || command.kind == kind::STOP_LIMIT {
            no(command.price == NO_PRICE, Reject::PriceRequired)?;
            self.check_price(command.price)?;
        } else {
            no(command.price != NO_PRICE, Reject::PriceNotAllowed)?;
        }
        if !command.is_stop() {
            return no(command.stop_price != NO_PRICE, Reject::StopPriceNotAllowed);
        }
        no(command.stop_price == NO_PRICE, Reject::StopPriceRequired)?;
        no(self.off_tick(command.stop_price), Reject::PriceOffTick)?;
        no(!is_band(command.stop_price, command.stop_price), Reject::PriceOutsideBand)
    }

    #[inline(always)]
    fn check_waiting(&self, command: &Command, now_ns: i64) -> Checked {
        if command.display != 0 {
            no(command.price == NO_PRICE || !command.waits(), Reject::DisplayNotAllowed)?;
            let part = 0 < command.display && command.display < command.quantity;
            no(!part || command.display % self.lot != 0, Reject::BadDisplay)?;
        }
        if command.time_in_force != tif::GTD {
            return no(command.expires_ns != 0, Reject::ExpiryNotAllowed);
        }
        no(command.expires_ns == 0, Reject::ExpiryRequired)?;
        no(command.expires_ns <= now_ns, Reject::ExpiryPassed)
    }
}

#[inline(always)]
fn check_shape(command: &Command) -> Checked {
    no(command.side.unsigned_abs() != 1, Reject::BadSide)?;
    no(command.owner >= OWNERS, Reject::BadOwner)?;
    let fits = match command.kind {
        kind::LIMIT => (tif::GTC..=tif::FOK).contains(&command.time_in_force),
        kind::MARKET => command.time_in_force == tif::IOC || command.time_in_force == tif::FOK,
        _ => command.time_in_force == tif::GTC || command.time_in_force == tif::GTD,
    };
    no(!fits, Reject::BadTimeInForce)?;
    no(command.flags & !ALL_FLAGS != 0, Reject::BadFlags)?;
    let may_post = command.kind == kind::LIMIT && command.waits();
    no(command.flags & POST_ONLY != 0 && !may_post, Reject::PostOnlyNotAllowed)
}

impl Book {
    /// What `check_order` comes to for a plain order.
    #[inline(always)]
    pub(super) fn check_plain(&self, command: &Command) -> Checked {
        no(command.side.unsigned_abs() != 1, Reject::BadSide)?;
        no(command.owner >= OWNERS, Reject::BadOwner)?;
        no(self.ids.get(command.order_id, &self.orders) != super::ids::NIL, Reject::DuplicateOrderId)?;
        self.rules.check_price(command.price)?;
        self.rules.check_quantity(command.quantity)
    }

    pub(super) fn check_order(&self, command: &Command) -> Checked {
        check_shape(command)?;
        no(self.ids.get(command.order_id, &self.orders) != super::ids::NIL, Reject::DuplicateOrderId)?;
        self.rules.check_prices(command)?;
        self.rules.check_quantity(command.quantity)?;
        self.rules.check_waiting(command, self.now_ns)?;
        if command.is_stop() {
            let triggers = would_trigger(command.side, command.stop_price, self.last_trade);
            return no(triggers, Reject::StopWouldTrigger);
        }
        self.check_flags(command.owner, command.side, command.quantity, command.price, command.flags)?;
        if command.time_in_force != tif::FOK {
            return Ok(());
        }
        let fills = self.fills_whole(
            &self.taker(
                command.order_id,
                command.owner,
                command.side,
                command.price,
                command.flags >> SELF_TRADE_SHIFT,
            ),
            command.quantity,
        );
        no(!fills, Reject::FokCannotFill)
    }

    /// What reduce-only and post-only forbid.
    #[inline(always)]
    pub(super) fn check_flags(&self, owner: u32, side: i8, quantity: i64, price: i64, flags: u8) -> Checked {
        if flags & REDUCE_ONLY != 0 {
            no(quantity > self.positions.reducible(owner, side), Reject::ReduceOnlyExceedsPosition)?;
        }
        if flags & POST_ONLY != 0 {
            let takes = (price - self.ladder.best_price(-side)) * side as i64 >= 0;
            no(takes, Reject::PostOnlyWouldTake)?;
        }
        Ok(())
    }
}
