//! Huffman tables: as the file tells them, and as look-up tables that swallow several codes.
//! Source: ITU-T T.81, annexes C and F.

/// Bits that index a look-up table. Eleven make 7 % more work, thirteen no less.
pub const INDEX_BITS: u32 = 12;

const ENTRIES: usize = 1 << INDEX_BITS;

/// Bits of an entry that hold how many bits it swallows.
pub const LENGTH_MASK: u16 = 0x3f;

/// How far an entry's coefficients stand to the left.
pub const ADVANCE_SHIFT: u32 = 8;

/// The first coefficient that does not exist. A count of coefficients that has this bit set has
/// to be looked at; see [`Skip`].
pub const BEYOND: u32 = 64;

/// Marks the end of the block in a count of coefficients.
pub const BLOCK_END: u32 = 128;

/// What an entry holds where the codes have to be read one at a time.
const ESCAPE: u16 = ((BLOCK_END | BEYOND) << ADVANCE_SHIFT) as u16;

/// Extra bits of a DC difference and of an AC coefficient at most, with 8-bit samples: T.81, F.1.
const DC_EXTRA: u8 = 11;
const AC_EXTRA: u8 = 10;

/// Marks an index that shows a DC code but not all of the bits behind it, beside the code's length,
/// 16-fold, and their number; differences are smaller.
const PARTIAL: i16 = 0x4000;

/// Marks an index that shows no DC code.
const UNKNOWN: i16 = i16::MAX;

/// A table as DHT tells it: codes of each length, 1 to 16 bits, and their symbols.
#[derive(Clone, PartialEq, Eq)]
pub struct Spec {
    counts: [u8; 16],
    symbols: [u8; 256],
}

impl Spec {
    /// A table without codes.
    pub const EMPTY: Spec = Spec { counts: [0; 16], symbols: [0; 256] };

    /// A table and what stands behind it.
    pub fn read(bytes: &[u8]) -> Option<(Spec, &[u8])> {
        let (&counts, rest) = bytes.split_first_chunk::<16>()?;
        let count = counts.iter().map(|count| usize::from(*count)).sum::<usize>();
        let mut symbols = [0; 256];
        let (told, rest) = rest.split_at_checked(count)?;
        symbols.get_mut(..count)?.copy_from_slice(told);
        Some((Spec { counts, symbols }, rest))
    }

    /// Every code with its length and symbol, shortest first; `None` for a code that is no tree or
    /// has a code of ones only. Source: T.81, C.2.
    fn codes(&self) -> Option<impl Iterator<Item = (u32, u32, u8)>> {
        let mut next = 0u32;
        let mut firsts = [0u32; 16];
        for (length, (first, count)) in (1..).zip(firsts.iter_mut().zip(self.counts)) {
            *first = next;
            next += u32::from(count);
            if count > 0 && next >= 1 << length {
                return None;
            }
            next <<= 1;
        }
        let lengths = (1u32..).zip(firsts.into_iter().zip(self.counts));
        let codes = lengths
            .flat_map(|(length, (first, count))| (first..first + u32::from(count)).map(move |code| (code, length)));
        Some(codes.zip(self.symbols).map(|((code, length), symbol)| (code, length, symbol)))
    }

    /// Whether libjpeg-turbo takes it for DC or for AC symbols.
    pub fn is_valid(&self, dc: bool) -> bool {
        self.codes().is_some_and(|mut codes| codes.all(|(.., symbol)| !dc || symbol < 16))
    }

    /// The code that `bits` begins with (its first bit at the top): length and symbol.
    pub fn find(&self, bits: u64) -> Option<(u32, u8)> {
        let mut first = 0;
        let mut place = 0;
        for (length, count) in (1..).zip(self.counts) {
            let code = (bits >> (64 - length)) as u32;
            let count = u32::from(count);
            if code < first + count {
                return Some((length, self.symbols[(place + code.checked_sub(first)?) as usize]));
            }
            place += count;
            first = (first + count) << 1;
        }
        None
    }
}

/// What one symbol does to the count of coefficients, and the bits behind its code; `None` for
/// symbols that 8-bit samples have no use for.
pub fn effect(symbol: u8, dc: bool) -> Option<(u32, u32)> {
    let (run, extra) = (symbol >> 4, symbol & 15);
    match (dc, run, extra) {
        (true, 0, 0..=DC_EXTRA) => Some((1, extra.into())),
        (true, ..) => None,
        (false, 0, 0) => Some((BLOCK_END, 0)),
        (false, 15, 0) => Some((16, 0)),
        (false, _, 1..=AC_EXTRA) => Some((u32::from(run) + 1, extra.into())),
        (false, ..) => None,
    }
}

/// A table that says for the next bits how far to go, without telling values.
///
/// An entry swallows as many whole codes as the index shows, and the bits that belong to the last
/// one even if the index does not show them. Its upper byte is added to the count of the block's
/// coefficients, 64 being all; [`BLOCK_END`] comes on top where the last code is the end of the
/// block. So after adding, a count has
/// - neither bit: the block goes on;
/// - [`BLOCK_END`] alone: the block is over as it should;
/// - [`BEYOND`]: the count is exactly 64 and the block is over, or more codes were swallowed than
///   the block has, or the entry is an escape: all of these have to be looked at singly.
pub type Skip = [u16; ENTRIES];

/// The tables of a component: for the begin of a block, where the DC comes first, and for the rest.
pub struct Tables {
    dc: Spec,
    ac: Spec,
    pub begin: Box<Skip>,
    pub rest: Box<Skip>,
    /// The DC difference that the index begins with, [`PARTIAL`] or [`UNKNOWN`].
    differences: Box<[i16; ENTRIES]>,
}

impl Tables {
    pub fn new(dc: &Spec, ac: &Spec) -> Option<Tables> {
        if !dc.is_valid(true) {
            return None;
        }
        let narrow = narrow(ac)?;
        let mut begin = Box::new([0; ENTRIES]);
        let mut differences = Box::new([UNKNOWN; ENTRIES]);
        for (code, length, symbol) in dc.codes()?.take_while(|(_, length, _)| *length <= INDEX_BITS) {
            let Some((count, extra)) = effect(symbol, true) else { continue };
            let own = (code << (INDEX_BITS - length)) as usize..((code + 1) << (INDEX_BITS - length)) as usize;
            fill(&mut begin[own.clone()], INDEX_BITS, count, length + extra, &narrow);
            let Some(spare) = INDEX_BITS.checked_sub(length + extra) else {
                differences[own].fill(PARTIAL | (length << 4 | extra) as i16);
                continue;
            };
            for (number, alike) in (0u64..).zip(differences[own].chunks_exact_mut(1 << spare)) {
                alike.fill(extended(number << (63 - extra) << 1, extra) as i16);
            }
        }
        let mut rest = Box::new([0; ENTRIES]);
        rest.copy_from_slice(&narrow[ENTRIES..]);
        for entry in begin.iter_mut().chain(rest.iter_mut()).filter(|entry| **entry == 0) {
            *entry = ESCAPE;
        }
        Some(Tables { dc: dc.clone(), ac: ac.clone(), begin, rest, differences })
    }

    fn is_for(&self, dc: &Spec, ac: &Spec) -> bool {
        self.dc == *dc && self.ac == *ac
    }

    /// The DC difference that `bits` begin with; `None` if there is none.
    #[inline(always)]
    pub fn difference(&self, bits: u64) -> Option<i32> {
        let entry = self.differences[(bits >> (64 - INDEX_BITS)) as usize];
        if entry < PARTIAL { Some(entry.into()) } else { self.hidden(entry, bits).map(|(_, difference)| difference) }
    }

    /// The DC code and the difference that `bits` begin with: how many bits those are and what they
    /// say; `None` if there is no such code.
    #[inline(always)]
    pub fn dc_code(&self, bits: u64) -> Option<(u32, i32)> {
        let index = (bits >> (64 - INDEX_BITS)) as usize;
        let entry = self.differences[index];
        if entry < PARTIAL {
            return Some((u32::from(self.begin[index] & LENGTH_MASK), entry.into()));
        }
        self.hidden(entry, bits)
    }

    /// As [`Tables::dc_code`], where the index does not show all of it.
    #[inline(always)]
    fn hidden(&self, entry: i16, bits: u64) -> Option<(u32, i32)> {
        if entry == UNKNOWN {
            return difference(&self.dc, bits);
        }
        let (length, size) = ((entry >> 4 & 15) as u32, (entry & 15) as u32);
        Some((length + size, extended(bits << length, size)))
    }

    pub fn dc(&self) -> &Spec {
        &self.dc
    }

    pub fn ac(&self) -> &Spec {
        &self.ac
    }
}

/// As [`Tables::dc_code`], for a code of any length.
#[cold]
fn difference(dc: &Spec, bits: u64) -> Option<(u32, i32)> {
    let (length, symbol) = dc.find(bits)?;
    let (_, size) = effect(symbol, true)?;
    Some((length + size, extended(bits << length, size)))
}

/// The number of `size` bits at the top of `bits`; one that begins with a zero is negative.
/// Source: T.81, F.2.2.1.
fn extended(bits: u64, size: u32) -> i32 {
    // Two shifts, since a size of 0 would make one of 64.
    let number = (bits >> 1 >> (63 - size)) as i32;
    if bits >> 63 == 0 { number - ((1 << size) - 1) } else { number }
}

/// Tables of AC codes for every width of the index up to [`INDEX_BITS`], that of `width` bits from
/// entry 2^`width` on; an entry is 0 where it swallows nothing. Each is made of narrower ones.
fn narrow(ac: &Spec) -> Option<Vec<u16>> {
    let codes: Vec<_> = ac.codes()?.take_while(|(_, length, _)| *length <= INDEX_BITS).collect();
    let mut tables = vec![0; ENTRIES * 2];
    for width in 1..=INDEX_BITS {
        let (narrower, table) = tables.split_at_mut(1 << width);
        for &(code, length, symbol) in codes.iter().take_while(|(_, length, _)| *length <= width) {
            let Some((count, extra)) = effect(symbol, false) else { continue };
            let own = (code << (width - length)) as usize..((code + 1) << (width - length)) as usize;
            if count == BLOCK_END {
                table[own].fill((count << ADVANCE_SHIFT | length) as u16);
            } else {
                fill(&mut table[own], width, count, length + extra, narrower);
            }
        }
    }
    Some(tables)
}

/// Fills the `entries` of a table of `width` bits that begin with one code: it has `used` bits and
/// brings `count` coefficients, and the bits left swallow what they do in a narrower table.
fn fill(entries: &mut [u16], width: u32, count: u32, used: u32, narrower: &[u16]) {
    let own = (count << ADVANCE_SHIFT | used) as u16;
    let Some(left) = width.checked_sub(used) else {
        return entries.fill(own);
    };
    // More coefficients than a block has are left to the next look-up.
    let most = ((BEYOND - count) << ADVANCE_SHIFT) as u16;
    let coefficients = ((BEYOND - 1) << ADVANCE_SHIFT) as u16;
    let behind = &narrower[1 << left..2 << left];
    for part in entries.chunks_exact_mut(behind.len()) {
        for (entry, more) in part.iter_mut().zip(behind) {
            *entry = if more & coefficients < most { own + more } else { own };
        }
    }
}

/// The tables used last: most files have the same ones.
#[derive(Default)]
pub struct TableCache(Vec<Tables>);

impl TableCache {
    /// More than a scan has.
    const KEPT: usize = 8;

    /// The tables for pairs of DC and AC tables, of which there are at most three; `None` if one of
    /// them is none.
    pub fn get(&mut self, specs: &[(&Spec, &Spec)]) -> Option<Vec<&Tables>> {
        for (dc, ac) in specs {
            let known = self.0.iter().position(|tables| tables.is_for(dc, ac));
            let tables = match known {
                Some(place) => self.0.remove(place),
                None => Tables::new(dc, ac)?,
            };
            // The one used longest ago stands first.
            if self.0.len() == Self::KEPT {
                self.0.remove(0);
            }
            self.0.push(tables);
        }
        specs.iter().map(|(dc, ac)| self.0.iter().find(|tables| tables.is_for(dc, ac))).collect()
    }
}
