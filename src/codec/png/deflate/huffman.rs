//! Prefix codes for counted symbols. Source: RFC 1951, section 3.2.2.

/// Most symbols of an alphabet.
const MOST_SYMBOLS: usize = 286;

/// A symbol's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Code {
    /// The first bit lowest.
    pub bits: u16,
    /// 0 for a symbol that does not occur.
    pub length: u8,
}

/// Makes `codes` for symbols that occur `counts` times, none longer than `longest` bits.
///
/// One symbol alone has a code of one bit; so have the first two where none occurs.
pub fn assign(counts: &[u32], longest: u8, codes: &mut [Code]) {
    let mut lengths = [0; MOST_SYMBOLS];
    let lengths = &mut lengths[..counts.len()];
    measure(counts, longest, lengths);
    canonical(lengths, codes);
}

/// The lengths of a best code, and where that is too long those of a nearly best.
fn measure(counts: &[u32], longest: u8, lengths: &mut [u8]) {
    // Sorted by count; ties by symbol, so that nothing depends on how it is sorted.
    let mut order = [0u64; MOST_SYMBOLS];
    let mut used = 0;
    for (symbol, count) in (0u64..).zip(counts) {
        order[used] = u64::from(*count) << 16 | symbol;
        used += usize::from(*count > 0);
    }
    let order = &mut order[..used];
    if used < 2 {
        // A code of one symbol is not complete, which some decoders refuse.
        let symbol = order.first().map_or(0, |only| *only as usize & 0xffff);
        lengths[symbol] = 1;
        lengths[usize::from(symbol == 0)] = 1;
        return;
    }
    order.sort_unstable();
    let mut weights = [0u32; MOST_SYMBOLS];
    let weights = &mut weights[..used];
    weights.iter_mut().zip(&*order).for_each(|(weight, entry)| *weight = (entry >> 16) as u32);
    depths(weights);
    let mut of_length = [0u32; 33];
    for depth in &*weights {
        of_length[(*depth).min(u32::from(longest)) as usize] += 1;
    }
    shorten(&mut of_length, longest);
    // The rarest symbols have the longest codes.
    let mut symbols = order.iter().map(|entry| *entry as usize & 0xffff);
    for length in (1..=longest).rev() {
        for symbol in symbols.by_ref().take(of_length[usize::from(length)] as usize) {
            lengths[symbol] = length;
        }
    }
}

/// Turns weights in ascending order into the depths of their leaves in a tree of least cost, in
/// place. Source: Moffat and Katajainen, "In-place calculation of minimum-redundancy codes", 1995.
fn depths(weights: &mut [u32]) {
    let count = weights.len();
    // Inner nodes are made in ascending order of weight, so that they stand where leaves stood.
    let (mut leaf, mut root) = (0, 0);
    for next in 0..count - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            if leaf >= count || root < next && weights[root] < weights[leaf] {
                weight += weights[root];
                weights[root] = next as u32;
                root += 1;
            } else {
                weight += weights[leaf];
                leaf += 1;
            }
        }
        weights[next] = weight;
    }
    // Parents become depths.
    weights[count - 2] = 0;
    for node in (0..count - 2).rev() {
        weights[node] = weights[weights[node] as usize] + 1;
    }
    // At each depth, what is no inner node is a leaf.
    let (mut places, mut depth, mut inner, mut free) = (1, 0, count as isize - 2, count);
    while places > 0 {
        let mut nodes = 0;
        while inner >= 0 && weights[inner as usize] == depth {
            nodes += 1;
            inner -= 1;
        }
        for _ in nodes..places {
            free -= 1;
            weights[free] = depth;
        }
        places = 2 * nodes;
        depth += 1;
    }
}

/// Mends the numbers of codes of each length after those that were too long became `longest`.
fn shorten(of_length: &mut [u32], longest: u8) {
    let longest = usize::from(longest);
    let space = |of_length: &[u32]| (1..=longest).map(|length| of_length[length] << (longest - length)).sum::<u32>();
    let mut over = space(of_length).saturating_sub(1 << longest);
    while over > 0 {
        // A code one bit longer makes room for itself and one that was too long.
        let length = (1..longest).rev().find(|length| of_length[*length] > 0).unwrap_or(1);
        of_length[longest] -= 1;
        of_length[length] -= 1;
        of_length[length + 1] += 2;
        over -= 1;
    }
}

/// The codes that follow from lengths alone.
fn canonical(lengths: &[u8], codes: &mut [Code]) {
    let mut of_length = [0u16; 16];
    lengths.iter().for_each(|length| of_length[usize::from(*length)] += 1);
    of_length[0] = 0;
    let mut next = [0u16; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + of_length[length - 1]) << 1;
    }
    for (code, length) in codes.iter_mut().zip(lengths) {
        let number = &mut next[usize::from(*length)];
        // Codes are sent from their first bit on, all else from the lowest.
        let bits = if *length == 0 { 0 } else { number.reverse_bits() >> (16 - length) };
        *code = Code { bits, length: *length };
        *number += 1;
    }
}
