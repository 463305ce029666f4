//! The memory that the commands of a batch will need, asked for some commands ahead.
//!
//! In a book that outgrew the caches, a cancel waits for its place among the ids, then for its order, then for the
//! neighbours in its queue: three times the memory's latency, one after the other. Commands ahead are known in a batch,
//! so all three are on their way while other commands are worked on.

use super::command::Command;
use super::core::Book;
use super::words::kind;

/// How many commands ahead each of the three steps is.
const STEP: usize = 8;
/// Orders that the second-level cache holds; below that, asking ahead costs more than it gains.
const MANY: usize = 16_384;

/// Ask for the memory of `value`.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch changes nothing and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let first = (value as *const T).cast::<i8>();
        _mm_prefetch::<_MM_HINT_T0>(first);
        _mm_prefetch::<_MM_HINT_T0>(first.add(size_of::<T>() - 1));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

impl Book {
    /// Whether `prepare` is worth its while.
    pub fn is_large(&self) -> bool {
        self.orders.room() > MANY
    }

    /// Ask for what filling `slot`, the new first in line, will need.
    #[inline(always)]
    pub(super) fn prepare_next_fill(&self, slot: u32) {
        if let Some(order) = self.orders.get(slot) {
            self.ids.prefetch(order.id);
            self.orders.prefetch(order.next);
        }
    }

    /// Ask for what the commands after `index` will need.
    #[inline(always)]
    pub fn prepare(&self, commands: &[Command], index: usize) {
        if let Some(command) = commands.get(index + 3 * STEP) {
            self.ids.prefetch(command.order_id);
        }
        if let Some(order_id) = cancelled(commands.get(index + 2 * STEP)) {
            self.orders.prefetch(self.ids.likely(order_id));
        }
        if let Some(order_id) = cancelled(commands.get(index + STEP)) {
            if let Some(order) = self.orders.get(self.ids.likely(order_id)) {
                self.orders.prefetch(order.previous);
                self.orders.prefetch(order.next);
            }
        }
    }
}

#[inline(always)]
fn cancelled(command: Option<&Command>) -> Option<i64> {
    command.filter(|command| command.kind == kind::CANCEL).map(|command| command.order_id)
}
