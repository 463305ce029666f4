//! Commands in, reports out: the records of a batch.

use super::words::{
    ALL_FLAGS, CancelReason, NO_PRICE, POST_ONLY, REDUCE_ONLY, Reject, SELF_TRADE_SHIFT, Status, kind,
    self_trade, tif,
};

/// A `COMMAND` record of `hedgerow.kernels.book_records`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Command {
    pub order_id: i64,
    pub price: i64,
    pub quantity: i64,
    pub stop_price: i64,
    pub display: i64,
    pub expires_ns: i64,
    pub owner: u32,
    pub kind: u8,
    pub side: i8,
    pub time_in_force: u8,
    pub flags: u8,
}

impl Command {
    pub const BYTES: usize = size_of::<Self>();

    pub fn new(kind: u8, order_id: i64) -> Self {
        Self {
            order_id,
            price: NO_PRICE,
            quantity: 0,
            stop_price: NO_PRICE,
            display: 0,
            expires_ns: 0,
            owner: 0,
            kind,
            side: super::words::BUY,
            time_in_force: tif::GTC,
            flags: self_trade::CANCEL_NEWEST << SELF_TRADE_SHIFT,
        }
    }

    #[inline(always)]
    pub fn waits(&self) -> bool {
        self.time_in_force <= tif::GTD
    }

    /// A GTC limit order with nothing special about it, as most are.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.kind == kind::LIMIT
            && self.time_in_force == tif::GTC
            && self.flags & !(ALL_FLAGS & !(POST_ONLY | REDUCE_ONLY)) == 0
            && self.price != NO_PRICE
            && self.stop_price == NO_PRICE
            && self.display | self.expires_ns == 0
    }

    #[inline(always)]
    pub fn is_stop(&self) -> bool {
        self.kind == kind::STOP || self.kind == kind::STOP_LIMIT
    }
}

/// What one command came to; what it made happen is in `Happenings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: Status,
    pub code: Reject,
    pub filled: i64,
    pub remaining: i64,
}

impl Outcome {
    pub fn rejected(code: Reject) -> Self {
        Self { status: Status::Rejected, code, filled: 0, remaining: 0 }
    }

    pub fn done() -> Self {
        Self::accepted(Status::Done, 0, 0)
    }

    pub fn accepted(status: Status, filled: i64, remaining: i64) -> Self {
        Self { status, code: Reject::None, filled, remaining }
    }

    /// A `REPORT` record: filled, remaining, and code and status in the bytes of the third number.
    #[inline(always)]
    pub fn record(&self) -> [i64; 3] {
        [self.filled, self.remaining, self.code as i64 | (self.status as i64) << 16]
    }
}

/// What commands made happen, in order, as `FILL`, `CANCEL` and `TRIGGER` records.
#[derive(Default)]
pub struct Happenings {
    pub fills: Vec<[i64; 5]>,
    pub cancels: Vec<[i64; 4]>,
    pub triggers: Vec<[i64; 2]>,
    /// Index of the command in its batch.
    pub command: i64,
}

impl Happenings {
    pub fn clear(&mut self) {
        self.fills.clear();
        self.cancels.clear();
        self.triggers.clear();
    }

    #[inline(always)]
    pub fn fill(&mut self, taker: i64, maker: i64, price: i64, quantity: i64) {
        self.fills.push([taker, maker, price, quantity, self.command]);
    }

    #[inline(always)]
    pub fn cancel(&mut self, order_id: i64, quantity: i64, reason: CancelReason) {
        self.cancels.push([order_id, quantity, reason as i64, self.command]);
    }
}
