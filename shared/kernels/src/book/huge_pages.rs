//! Huge pages for the tables of a large book: with small ones, almost every look-up would also miss the processor's
//! table of pages.

/// Advise the system to back the room of a table with huge pages, before the room is written to. Where it cannot or
/// does not want to, the pages are small.
pub fn advise<T>(room: &Vec<T>) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 1 << 21;
        let first = (room.as_ptr() as usize).next_multiple_of(PAGE);
        let end = (room.as_ptr() as usize + room.capacity() * size_of::<T>()) & !(PAGE - 1);
        if first < end {
            // SAFETY: the range is memory of this table; advice changes nothing of what is in it.
            unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}
