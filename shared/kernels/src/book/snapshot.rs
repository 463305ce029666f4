//! A book's whole state as bytes; `hedgerow.kernels.twin_snapshot` says what they are.

use sha2::{Digest, Sha256};

use super::core::{Book, Rules};
use super::ids::NIL;
use super::orders::{Extra, Order, PLAIN};
use super::words::{BUY, NO_PRICE, OWNERS, SELL};

const MAGIC: &[u8; 8] = b"HEDGBK01";
const NUMBERS: usize = 13;
const HEADER_BYTES: usize = 8 + 8 * NUMBERS;
const ORDER_BYTES: usize = 72;
const POSITION_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;

impl Book {
    pub fn snapshot(&self) -> Vec<u8> {
        let counts = [self.resting(BUY).count(), self.resting(SELL).count(), self.stops.by_age().len()];
        let positions: Vec<(i64, i64)> = self.positions.iter().collect();
        let rules = &self.rules;
        let mut bytes = MAGIC.to_vec();
        for number in [
            rules.tick,
            rules.lot,
            rules.min_quantity,
            rules.max_quantity,
            rules.low,
            rules.high,
            self.now_ns,
            self.changes,
            self.last_trade,
            counts[0] as i64,
            counts[1] as i64,
            counts[2] as i64,
            positions.len() as i64,
        ] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.order_records());
        for (owner, quantity) in positions {
            bytes.extend(owner.to_le_bytes());
            bytes.extend(quantity.to_le_bytes());
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        bytes
    }

    /// Every open order as an `ORDER` record.
    pub fn order_records(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() * ORDER_BYTES);
        for slot in self.everything() {
            let (order, extra) = (&self.orders[slot], self.orders.extra(slot));
            let price =
                if extra.stop_price == NO_PRICE { self.ladder.price(order.place) } else { extra.price };
            for number in [
                order.id,
                price,
                extra.stop_price,
                order.visible,
                extra.hidden,
                extra.display,
                extra.expires_ns,
                extra.sequence,
            ] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(order.owner.to_le_bytes());
            bytes.extend([order.flags, order.side as u8, extra.kind, 0]);
        }
        bytes
    }

    /// The book of a snapshot, or what is wrong with it.
    pub fn restore(snapshot: &[u8]) -> Result<Self, String> {
        let least = HEADER_BYTES + DIGEST_BYTES;
        if snapshot.len() < least {
            return Err(format!("a snapshot has at least {least} bytes; these are {}", snapshot.len()));
        }
        let (body, digest) = snapshot.split_at(snapshot.len() - DIGEST_BYTES);
        if &body[..8] != MAGIC {
            return Err(format!(
                "this is no snapshot of this version: it begins with {:?}, not {:?}",
                String::from_utf8_lossy(&body[..8]),
                String::from_utf8_lossy(MAGIC)
            ));
        }
        if Sha256::digest(body).as_slice() != digest {
            return Err("the snapshot is damaged: its SHA-256 does not match".into());
        }
        let number = |at: usize| read(body, 8 + 8 * at);
        let rules = Rules {
            tick: number(0),
            lot: number(1),
            min_quantity: number(2),
            max_quantity: number(3),
            low: number(4),
            high: number(5),
        };
        let mut book = Self::new(rules)?;
        (book.now_ns, book.changes, book.last_trade) = (number(6), number(7), number(8));
        let orders = (number(9) + number(10) + number(11)) as usize;
        let positions = number(12) as usize;
        if body.len() != HEADER_BYTES + orders * ORDER_BYTES + positions * POSITION_BYTES {
            return Err(format!("{} bytes do not hold {orders} orders, {positions} positions", body.len()));
        }
        let (orders, positions) = body[HEADER_BYTES..].split_at(orders * ORDER_BYTES);
        for record in orders.chunks_exact(ORDER_BYTES) {
            book.restore_order(record)?;
        }
        for record in positions.chunks_exact(POSITION_BYTES) {
            book.positions.set(owner(read(record, 0))?, read(record, 8));
        }
        Ok(book)
    }

    fn restore_order(&mut self, record: &[u8]) -> Result<(), String> {
        let field = |at: usize| read(record, 8 * at);
        let owner = owner(u32::from_le_bytes(record[64..68].try_into().expect("four bytes")) as i64)?;
        let order = Order {
            id: field(0),
            visible: field(3),
            next: NIL,
            previous: NIL,
            owner,
            extra: NIL,
            place: NIL,
            flags: record[68],
            side: record[69] as i8,
        };
        let resting =
            Extra { hidden: field(4), display: field(5), expires_ns: field(6), sequence: field(7), ..PLAIN };
        let stop = Extra { price: field(1), stop_price: field(2), kind: record[70], ..resting };
        let is_stop = stop.stop_price != NO_PRICE;
        let has_extra = is_stop || resting.display != 0 || resting.expires_ns != 0;
        self.positions.make_room(owner);
        let slot = self.keep(order, has_extra.then_some(if is_stop { stop } else { resting }));
        if is_stop {
            self.stops.add(order.side, stop.stop_price, stop.sequence, slot);
        } else {
            self.ladder.add(&mut self.orders, slot, order.side, stop.price);
        }
        Ok(())
    }
}

fn read(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn owner(number: i64) -> Result<u32, String> {
    u32::try_from(number)
        .ok()
        .filter(|owner| *owner < OWNERS)
        .ok_or_else(|| format!("owner {number} is not between 0 and {}", OWNERS - 1))
}
