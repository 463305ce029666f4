//! Random commands to this book and to `matchcore`, an order book by others: equal fills, levels and queues.
//!
//! The common subset: limit orders (GTC, IOC, FOK, post-only), market orders, icebergs that enter without trading,
//! amendments of plain orders, cancels. Icebergs that trade as they enter show a different first part there, stops
//! are set off in another order, and self-trade prevention is not theirs.

use hedgerow_kernels::book::command::{Command, Happenings, Outcome};
use hedgerow_kernels::book::core::{Book, Rules};
use hedgerow_kernels::book::words::{BUY, POST_ONLY, Reject, SELL, Status, kind, tif};
use matchcore as other;

const SEEDS: u64 = 400;
const COMMANDS: i64 = 300;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit as u64) as i64
    }
}

fn random_command(random: &mut Random, order_id: i64) -> Command {
    let side = if random.below(2) == 0 { BUY } else { SELL };
    let plain = Command {
        side,
        quantity: 1 + random.below(20),
        price: 95 + random.below(11),
        flags: 0,
        ..Command::new(kind::LIMIT, order_id)
    };
    let old = (order_id - 1 - random.below(40)).max(0);
    match random.below(20) {
        0..9 => plain,
        9 | 10 => Command { time_in_force: tif::IOC, ..plain },
        11 => Command { time_in_force: tif::FOK, ..plain },
        12 => Command { flags: POST_ONLY, ..plain },
        13 => {
            let display = 1 + random.below(4);
            Command { flags: POST_ONLY, display, quantity: display * (2 + random.below(4)), ..plain }
        }
        14 => Command { price: i64::MIN, time_in_force: tif::IOC, kind: kind::MARKET, ..plain },
        15 | 16 => Command { order_id: old, kind: kind::CANCEL, ..plain },
        _ => Command { order_id: old, kind: kind::AMEND, ..plain },
    }
}

fn side_of(side: i8) -> other::Side {
    if side == BUY { other::Side::Buy } else { other::Side::Sell }
}

fn theirs(command: &Command) -> other::CommandKind {
    let quantity = other::Quantity(command.quantity as u64);
    let price = other::Price(command.price as u64);
    let order_id = other::OrderId(command.order_id as u64);
    match command.kind {
        kind::CANCEL => {
            other::CommandKind::Cancel(other::CancelCmd { order_id, order_kind: other::OrderKind::Limit })
        }
        kind::AMEND => other::CommandKind::Amend(other::AmendCmd {
            order_id,
            patch: other::AmendPatch::Limit(
                other::LimitOrderPatch::new()
                    .with_price(price)
                    .with_quantity_policy(other::QuantityPolicy::Standard { quantity }),
            ),
        }),
        kind::MARKET => other::CommandKind::Submit(other::SubmitCmd {
            order: other::NewOrder::Market(other::MarketOrder::new(quantity, side_of(command.side), false)),
        }),
        _ => {
            let policy = match command.display {
                0 => other::QuantityPolicy::Standard { quantity },
                display => other::QuantityPolicy::Iceberg {
                    visible_quantity: other::Quantity(display as u64),
                    hidden_quantity: other::Quantity((command.quantity - display) as u64),
                    replenish_quantity: other::Quantity(display as u64),
                },
            };
            let time_in_force = match command.time_in_force {
                tif::IOC => other::TimeInForce::Ioc,
                tif::FOK => other::TimeInForce::Fok,
                _ => other::TimeInForce::Gtc,
            };
            let post_only = command.flags & POST_ONLY != 0;
            let flags = other::OrderFlags::new(side_of(command.side), post_only, time_in_force);
            other::CommandKind::Submit(other::SubmitCmd {
                order: other::NewOrder::Limit(other::LimitOrder::new(price, policy, flags)),
            })
        }
    }
}

/// What both can tell: fills (maker, price, quantity), and whether the order rests, filled, or is neither.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    fills: Vec<(i64, i64, i64)>,
    refused: bool,
}

fn ours_told(outcome: Outcome, happenings: &Happenings) -> Told {
    Told {
        fills: happenings.fills.iter().map(|fill| (fill[1], fill[2], fill[3])).collect(),
        refused: matches!(outcome.status, Status::Rejected | Status::Cancelled),
    }
}

fn theirs_told(outcome: &other::CommandOutcome) -> Told {
    let effects = match outcome {
        other::CommandOutcome::Rejected(_) => return Told { fills: Vec::new(), refused: true },
        other::CommandOutcome::Applied(other::CommandReport::Cancel) => {
            return Told { fills: Vec::new(), refused: false };
        }
        other::CommandOutcome::Applied(
            other::CommandReport::Submit(effects) | other::CommandReport::Amend(effects),
        ) => effects,
    };
    let target = effects.target_order();
    let trades = target.match_result().map_or(&[][..], |result| result.trades());
    Told {
        fills: trades
            .iter()
            .map(|trade| (trade.maker_order_id().0 as i64, trade.price().0 as i64, trade.quantity().0 as i64))
            .collect(),
        refused: target.cancel_reason().is_some(),
    }
}

/// Levels with everything that rests there, hidden quantity included, best first.
fn our_levels(book: &Book, side: i8) -> Vec<(u64, u64)> {
    let total = |price| book.queue(side, price).into_iter().map(|id| book.remaining(id)).sum::<i64>();
    book.levels(side, usize::MAX).into_iter().map(|(price, _)| (price as u64, total(price) as u64)).collect()
}

fn their_levels(levels: &[(other::Price, other::Quantity)]) -> Vec<(u64, u64)> {
    levels.iter().map(|(price, quantity)| (price.0, quantity.0)).collect()
}

/// Where both are known to differ for reasons of theirs.
fn skips(book: &Book, posted: &[i64], command: &Command) -> bool {
    let order_id = command.order_id;
    let side = match command.kind {
        kind::LIMIT => command.side,
        // A post-only order that would take when amended is cancelled there and left as it was here; an iceberg (all of
        // them are post-only) shows another first part there.
        kind::AMEND if posted.contains(&order_id) => return true,
        kind::AMEND => match side_of_resting(book, order_id) {
            Some(side) => side,
            None => return false,
        },
        _ => return false,
    };
    let same_price = book.queue(side, command.price).contains(&order_id);
    // An amendment that changes nothing is refused here and accepted there.
    let changes_nothing = same_price && book.remaining(order_id) == command.quantity;
    changes_nothing || (!same_price && trades_through(book, side, command))
}

fn side_of_resting(book: &Book, order_id: i64) -> Option<i8> {
    [BUY, SELL].into_iter().find(|&side| {
        book.levels(side, usize::MAX).iter().any(|&(price, _)| book.queue(side, price).contains(&order_id))
    })
}

/// matchcore 0.4.0 matches a limit order that crosses without its limit (it gives `match_order` the limit `None`), so
/// an order that is larger than what it may take goes on at worse prices.
fn trades_through(book: &Book, side: i8, command: &Command) -> bool {
    let levels = our_levels(book, -side);
    let reaches = |price: u64| (command.price - price as i64) * side as i64 >= 0;
    let (within, beyond): (Vec<_>, Vec<_>) = levels.into_iter().partition(|(price, _)| reaches(*price));
    let takes: u64 = within.iter().map(|(_, quantity)| quantity).sum();
    takes > 0 && !beyond.is_empty() && command.quantity as u64 > takes && command.time_in_force != tif::FOK
}

#[test]
fn an_order_book_by_others_does_the_same() {
    let rules = Rules { tick: 1, lot: 1, min_quantity: 1, max_quantity: 1 << 40, low: 1, high: 1 << 53 };
    let (mut filled, mut refused) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut ours = Book::new(rules).expect("the rules make sense");
        let mut book = other::OrderBook::new("third opinion");
        let mut posted = Vec::new();
        for number in 0..COMMANDS {
            let mut command = random_command(&mut random, number);
            while skips(&ours, &posted, &command) {
                command = random_command(&mut random, number);
            }
            if command.flags & POST_ONLY != 0 {
                posted.push(command.order_id);
            }
            let mut happenings = Happenings::default();
            let outcome = ours.execute(&command, &mut happenings);
            let meta = other::CommandMeta {
                sequence_number: other::SequenceNumber(number as u64),
                timestamp: other::Timestamp(number as u64),
            };
            let their_outcome = book.execute(&other::Command { meta, kind: theirs(&command) });
            let at = format!("seed {seed}, command {number}: {command:?}, {outcome:?}, {their_outcome:?}");
            let told = ours_told(outcome, &happenings);
            assert_eq!(told, theirs_told(&their_outcome), "{at}");
            let levels = other::Level2::from(&book);
            assert_eq!(our_levels(&ours, BUY), their_levels(levels.bid_levels()), "{at}");
            assert_eq!(our_levels(&ours, SELL), their_levels(levels.ask_levels()), "{at}");
            filled += told.fills.len();
            refused += usize::from(outcome.code != Reject::None);
        }
    }
    assert!(filled > 50 * SEEDS as usize, "only {filled} fills");
    assert!(refused > 10 * SEEDS as usize, "only {refused} rejections");
}
