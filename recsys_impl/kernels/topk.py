"""The one top-k of the house: mask what was seen, break ties by a hash, pad with -1.

Most of a catalogue can be passed over. The largest score of each of 128 interleaved lanes is found first, a loop that
compiles to vector maxima; a value that k of those 128 reach is reached by k scores, so it is a valid first threshold,
and only some 2k items pass it. The loop after that counts, 64 items at a time, whether any passes, keeps a sorted list
of k and raises the threshold.

Counts are int32, 8 or 16 in a vector; Numba widens a sum of them to int64, hence the second cast. With int64, or an
"or" of booleans, the same loops took three times as long.
"""

import numpy as np

from recsys_impl.kernels.compile import kernel

LANES = 128


@kernel(inline="always")
def tie_hash(seed, user, item):
    """A pseudo-random uint64 for (seed, user, item): the finaliser of SplitMix64 (Steele et al. 2014), twice."""
    x = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(user)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = (x ^ (x >> np.uint64(31))) + (np.uint64(item) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def mask_rows(scores, users, indptr, indices):
    """Write -inf at each user's seen items. scores (b, n_items), users (b,), indptr and indices of the seen CSR."""
    for row in range(len(users)):
        for position in range(indptr[users[row]], indptr[users[row] + 1]):
            scores[row, indices[position]] = -np.inf


@kernel(inline="always")
def _count_from(values, start, length, threshold):
    """How many of the ``length`` values from ``start`` on are at least the threshold; a constant length is unrolled."""
    count = np.int32(0)
    for n in range(length):
        count = np.int32(count + np.int32(values[start + n] >= threshold))
    return count


@kernel
def _reached_by(lanes, k):
    """A value that at least k of the lanes reach, near the k-th largest: bisection between finite lanes, or -inf."""
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for value in lanes:
        if value > -np.inf:
            low, high = min(low, value), max(high, value)
    if low > high or _count_from(lanes, 0, LANES, low) < k:
        return np.float32(-np.inf)
    for _ in range(10):
        middle = low + (high - low) / np.float32(2)
        if _count_from(lanes, 0, LANES, middle) >= k:
            low = middle
        else:
            high = middle
    return low


@kernel
def _first_threshold(row, k, lanes):
    """A value that at least k entries of ``row`` reach, or -inf. lanes (128,) is scratch."""
    n = len(row)
    if k > LANES or n < 2 * LANES:
        return np.float32(-np.inf)
    lanes[:] = row[:LANES]
    full = n // LANES
    for block in range(1, full):
        part = row[block * LANES : (block + 1) * LANES]
        for lane in range(LANES):
            lanes[lane] = part[lane] if part[lane] > lanes[lane] else lanes[lane]
    return _reached_by(lanes, k)


@kernel(inline="always")
def _is_better(seed, user, score, item, other_score, other_item):
    """Whether the score is higher than the other's or, at a tie, the hash."""
    if score != other_score:
        return score > other_score
    return tie_hash(seed, user, item) > tie_hash(seed, user, other_item)


@kernel
def top_k_rows(scores, users, seed, out_items, out_scores):
    """The best items of each row, best first; -inf is never taken; places left over are -1.

    scores float32 (b, n_items), users (b,) for the ties' hash, out_items int32 (b, k), out_scores float32 (b, k).
    """
    k = out_items.shape[1]
    if k == 0:  # there would be no last place to look at
        return
    lanes = np.empty(LANES, np.float32)
    for row_number in range(len(users)):
        row, items, best = scores[row_number], out_items[row_number], out_scores[row_number]
        user = users[row_number]
        items[:] = -1
        best[:] = -np.inf
        threshold = _first_threshold(row, k, lanes)
        found = 0
        for start in range(0, len(row), 64):
            stop = start + 64
            if stop <= len(row) and _count_from(row, start, 64, threshold) == 0:
                continue
            for item in range(start, min(stop, len(row))):
                score = row[item]
                if score < threshold or score == -np.inf:
                    continue
                if found == k and not _is_better(seed, user, score, item, best[k - 1], items[k - 1]):
                    continue
                place = found if found < k else k - 1
                while place > 0 and _is_better(seed, user, score, item, best[place - 1], items[place - 1]):
                    best[place], items[place] = best[place - 1], items[place - 1]
                    place -= 1
                best[place], items[place] = score, item
                found = min(found + 1, k)
                if found == k:
                    threshold = max(threshold, best[k - 1])


@kernel
def random_scores(seed, users, scores):
    """Uniform numbers in [0, 1) that depend on (seed, user, item) alone. users (b,), scores float32 (b, n_items)."""
    for row in range(len(users)):
        for item in range(scores.shape[1]):
            scores[row, item] = np.float32(tie_hash(seed, users[row], item) >> np.uint64(40)) / np.float32(2**24)


@kernel
def tie_hashes(seed, users, items, out):
    """``tie_hash`` of each pair. users, items (n,), out uint64 (n,)."""
    for n in range(len(users)):
        out[n] = tie_hash(seed, users[n], items[n])
