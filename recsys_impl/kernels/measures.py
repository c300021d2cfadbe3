"""The loops of ranking and measuring: one row of scores at a time to a list and an AUC, hits of lists, similar pairs.

A row of scores is copied into a buffer, and everything that is done to it is done there: the model's array is read once
and never written to, and the buffer (14 KB for MovieLens-1M) stays in the fastest cache.
"""

import numpy as np

from recsys_impl.kernels.compile import kernel
from recsys_impl.kernels.topk import mask_rows, top_k_rows

LARGEST = np.finfo(np.float32).max


@kernel
def rank_rows(scores, users, seed, seen_indptr, seen_indices, relevant_indptr, relevant_indices, lists, auc):
    """Fill the lists and AUCs of some users. Returns the first row with a score that is not finite, or -1.

    scores float32 (b, n_items), users int64 (b,), CSR of seen and of relevant items (all users, no pair twice),
    lists int32 (b, k), auc float64 (b,).
    """
    buffer = np.empty((1, scores.shape[1]), np.float32)
    best = np.empty((1, lists.shape[1]), np.float32)
    for row in range(len(users)):
        if not _copy_finite(scores[row], buffer[0]):
            return row
        user = users[row]
        mask_rows(buffer, users[row : row + 1], seen_indptr, seen_indices)
        n_seen = seen_indptr[user + 1] - seen_indptr[user]
        relevant = relevant_indices[relevant_indptr[user] : relevant_indptr[user + 1]]
        auc[row] = auc_of_row(buffer[0], relevant, n_seen)
        top_k_rows(buffer, users[row : row + 1], seed, lists[row : row + 1], best)
    return -1


@kernel
def _copy_finite(source, target):
    """Copy a row; whether all of it is finite. In one loop: a copy by slices takes twice the time of this."""
    wrong = np.int32(0)
    for item in range(len(source)):
        value = source[item]
        target[item] = value
        wrong = np.int32(wrong + np.int32(not abs(value) <= LARGEST))  # NaN isn't, either
    return wrong == 0


@kernel
def auc_of_row(scores, relevant, n_seen):
    """The chance that a relevant item scores above a candidate that isn't relevant, ties half; NaN if there is no pair.

    scores (n_items,) with -inf at the n_seen items that are no candidates, relevant (R,) distinct candidates.

    Against all candidates, a relevant item wins (below + not above) / 2 times, ties counting half. Among themselves
    and with themselves the R relevant items account for R²/2 of these. Counting twice everything keeps it in integers.
    """
    twice_wins = 0
    for item in relevant:
        score = scores[item]
        below, not_above = np.int32(0), np.int32(0)  # as in topk.py
        for other in range(len(scores)):  # by index: over the elements themselves it isn't vectorised, 8 times slower
            below = np.int32(below + np.int32(scores[other] < score))
            not_above = np.int32(not_above + np.int32(scores[other] <= score))
        twice_wins += np.int64(below) + np.int64(not_above) - 2 * n_seen
    n_relevant = len(relevant)
    pairs = n_relevant * (len(scores) - n_seen - n_relevant)
    return (twice_wins - n_relevant * n_relevant) / (2 * pairs) if pairs > 0 else np.nan


@kernel
def mark_hits(lists, users, relevant_indptr, relevant_indices, n_items, hits):
    """Which listed items are relevant. lists int32 (n, k) with -1 for none, users (n,), hits bool (n, k) is filled."""
    is_relevant = np.zeros(n_items, np.bool_)
    for row in range(len(users)):
        relevant = relevant_indices[relevant_indptr[users[row]] : relevant_indptr[users[row] + 1]]
        for item in relevant:
            is_relevant[item] = True
        for place in range(lists.shape[1]):
            hits[row, place] = lists[row, place] >= 0 and is_relevant[lists[row, place]]
        for item in relevant:
            is_relevant[item] = False


@kernel
def _bits_set(word):
    """How many bits of a uint64 are 1, added up in pairs, fours and bytes (LLVM knows it as one instruction)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@kernel
def similarity_to_better(lists, indptr, indices, n_items, similarity):
    """The sum of each listed item's cosines with the items before it in its list. similarity float64 (n, k) is filled.

    lists int32 (n, k) with -1 for none at the ends, user x item CSR (no pair twice).

    The cosine of two columns of zeros and ones is |both| / sqrt(|one| |other|). A column is a row of bits, 64 users a
    word, so that |both| is an "and" and a count of bits: sixteen times faster on MovieLens-1M than adding up the
    columns' entries. Users come in chunks of 64 words, 512 bytes an item: a list's items fit in the fastest cache.
    """
    words = 64
    counts = np.zeros(n_items, np.int64)
    for item in indices:
        counts[item] += 1
    unit = 1 / np.sqrt(np.maximum(counts, 1))
    bits = np.empty((n_items, words), np.uint64)
    similarity[:] = 0
    n_users = len(indptr) - 1
    for start in range(0, n_users, 64 * words):
        bits[:] = 0
        for user in range(start, min(start + 64 * words, n_users)):
            word, bit = (user - start) // 64, np.uint64(1) << np.uint64(user % 64)
            for position in range(indptr[user], indptr[user + 1]):
                bits[indices[position], word] |= bit
        for row in range(len(lists)):
            for place in range(1, lists.shape[1]):
                item = lists[row, place]
                if item < 0:
                    break
                for other in lists[row, :place]:
                    both = np.uint64(0)
                    for word in range(words):
                        both += _bits_set(bits[item, word] & bits[other, word])
                    similarity[row, place] += both * unit[item] * unit[other]
