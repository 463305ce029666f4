//! The book's words as integers; `hedgerow.kernels.book_words` names and explains them.

pub const BUY: i8 = 1;
pub const SELL: i8 = -1;
pub const NO_PRICE: i64 = i64::MIN;
pub const ANY_OWNER: u32 = u32::MAX;
pub const OWNERS: u32 = 1 << 20;
pub const MAX_QUANTITY: i64 = 1 << 40;
pub const MAX_PRICE: i64 = 1 << 53;
pub const MAX_POSITION: i64 = 1 << 60;

pub mod kind {
    pub const LIMIT: u8 = 1;
    pub const MARKET: u8 = 2;
    pub const STOP: u8 = 3;
    pub const STOP_LIMIT: u8 = 4;
    pub const AMEND: u8 = 5;
    pub const CANCEL: u8 = 6;
    pub const MASS_CANCEL: u8 = 7;
    pub const EXPIRE: u8 = 8;
    pub const SET_BAND: u8 = 9;
    pub const SET_POSITION: u8 = 10;
}

pub mod tif {
    pub const GTC: u8 = 1;
    pub const GTD: u8 = 2;
    pub const IOC: u8 = 3;
    pub const FOK: u8 = 4;
}

pub mod self_trade {
    pub const ALLOW: u8 = 0;
    pub const CANCEL_NEWEST: u8 = 1;
    pub const CANCEL_OLDEST: u8 = 2;
    pub const CANCEL_BOTH: u8 = 3;
}

pub const POST_ONLY: u8 = 1;
pub const REDUCE_ONLY: u8 = 2;
pub const SELF_TRADE_SHIFT: u8 = 2;
pub const ALL_FLAGS: u8 = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Rejected = 0,
    Rests = 1,
    Filled = 2,
    Cancelled = 3,
    WaitsForTrigger = 4,
    Done = 5,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CancelReason {
    Requested = 1,
    Unfilled = 2,
    SelfTrade = 3,
    Expired = 4,
    ReduceOnly = 5,
}

/// Why a command was rejected; it then changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reject {
    None = 0,
    BadKind,
    BadSide,
    BadOwner,
    DuplicateOrderId,
    UnknownOrder,
    BadTimeInForce,
    BadFlags,
    PostOnlyNotAllowed,
    PriceRequired,
    PriceNotAllowed,
    PriceOffTick,
    PriceOutsideBand,
    StopPriceRequired,
    StopPriceNotAllowed,
    StopWouldTrigger,
    QuantityTooSmall,
    QuantityTooLarge,
    QuantityOffLot,
    DisplayNotAllowed,
    BadDisplay,
    ExpiryRequired,
    ExpiryNotAllowed,
    ExpiryPassed,
    ReduceOnlyExceedsPosition,
    PostOnlyWouldTake,
    FokCannotFill,
    StopCannotBeAmended,
    AmendChangesNothing,
    TimeWentBack,
    BadBand,
    BadPosition,
}
