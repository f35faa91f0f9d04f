"""The kernel of `measure` for machines with numba (extra `[fast]`): the same integers, found on runs alone.

A run is a longest stretch of one class along a row. Neighbouring rows are walked side by side: runs that touch are one
component or two adjacent classes; the core of an opening is where runs of three rows overlap; the least distance of two
classes is looked for among rows ever further apart, and ends where the rows alone are further apart than what is found.
Nothing is rounded before the last division and square root, which are those of the other kernel.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray

if numba.config.DISABLE_JIT:
    raise ImportError("compilation is switched off: the kernel of numpy is faster")

Counts = NDArray[np.int64]


def scan(index: NDArray[np.uint8], n_classes: int) -> tuple[Counts, Counts, Counts, NDArray[np.bool_], Counts, Counts]:
    """All facts of an HW uint8 index map as integers; the width is below 2^15.

    Returns:
        pixels (K+1,), twice the sums of the rows and of the columns of pixel centres (K+1, 2), components (K+1,),
        adjacent (K+1, K+1), squared distances (K+1, K+1) with -1 for none, pixels left by the opening (K+1,).
    """
    # Called one by one: compiled as one they take a third longer.
    k = n_classes + 1
    runs = _runs(index)
    pixels, sums = _sums(*runs, k)
    components, adjacent = _touching(*runs, k)
    adjacent[np.diag_indices(k)] = pixels > 0
    left = _opened(*runs)
    opened, _ = _sums(*left, k)
    return pixels, sums, components, adjacent, _distances(*left, opened, k), opened


@njit(cache=True, nogil=True)
def _sums(start, end, label, row, k):
    """Pixels of each class (K+1,), and twice the sums of rows and columns of their centres (K+1, 2)."""
    pixels, sums = np.zeros(k, np.int64), np.zeros((k, 2), np.int64)
    for r in range(row.size - 1):
        for n in range(row[r], row[r + 1]):
            length, c = np.int64(end[n] - start[n]), label[n]
            pixels[c] += length
            sums[c, 0] += length * (2 * r + 1)
            sums[c, 1] += length * (2 * start[n] + length)
    return pixels, sums


@njit(cache=True, nogil=True)
def _runs(index: NDArray[np.uint8]):
    """Runs of all classes but void: first column, column behind the last, class, and the first run of each row."""
    height, width = index.shape
    many = 0
    for r in range(height):
        before = np.uint8(0)
        for c in range(width):
            value = index[r, c]
            many += value != before and value > 0
            before = value
    start, end = np.empty(many, np.int16), np.empty(many, np.int16)
    label, row = np.empty(many, np.uint8), np.empty(height + 1, np.int32)
    n = 0
    for r in range(height):
        row[r] = n
        before = np.uint8(0)
        for c in range(width):
            value = index[r, c]
            if value != before:
                if before > 0:
                    end[n] = c
                    n += 1
                if value > 0:
                    start[n] = c
                    label[n] = value
                before = value
        if before > 0:
            end[n] = width
            n += 1
    row[height] = n
    return start, end, label, row


@njit(cache=True, nogil=True)
def _root(parent: NDArray[np.int32], n: int) -> int:
    while parent[n] != n:
        parent[n] = parent[parent[n]]
        n = parent[n]
    return n


@njit(cache=True, nogil=True)
def _touching(start, end, label, row, k):
    """8-connected components of each class (K+1,), and which classes touch (K+1, K+1)."""
    parent = np.arange(start.size).astype(np.int32)
    adjacent = np.zeros((k, k), np.bool_)
    for r in range(row.size - 1):
        above = row[r - 1] if r else row[r]
        for n in range(row[r], row[r + 1]):
            if n > row[r] and end[n - 1] == start[n]:
                adjacent[label[n], label[n - 1]] = adjacent[label[n - 1], label[n]] = True
            if not r:
                continue
            while above < row[r] and end[above] < start[n]:
                above += 1
            m = above
            while m < row[r] and start[m] <= end[n]:
                if label[m] == label[n]:
                    one, two = _root(parent, m), _root(parent, n)
                    if one != two:
                        parent[max(one, two)] = min(one, two)
                else:
                    adjacent[label[n], label[m]] = adjacent[label[m], label[n]] = True
                m += 1
    components = np.zeros(k, np.int64)
    for n in range(start.size):
        components[label[n]] += parent[n] == n
    return components, adjacent


@njit(cache=True, nogil=True)
def _opened(start, end, label, row):
    """The runs that remain when every class is opened with a 3x3 element; outside the image is never the class."""
    height = row.size - 1
    core_start, core_end = np.empty(2 * start.size + 1, np.int16), np.empty(2 * start.size + 1, np.int16)
    core_label, core_row = np.empty(2 * start.size + 1, np.uint8), np.zeros(height + 1, np.int32)
    many = 0
    for r in range(height):
        core_row[r] = many
        if r == 0 or r == height - 1:
            continue
        above, below = row[r - 1], row[r + 1]
        for n in range(row[r], row[r + 1]):
            while above < row[r] and end[above] <= start[n]:
                above += 1
            a = above
            while a < row[r] and start[a] < end[n]:
                low, high = max(start[a], start[n]), min(end[a], end[n])
                if label[a] == label[n] and high - low >= 3:
                    while below < row[r + 2] and end[below] <= low:
                        below += 1
                    b = below
                    while b < row[r + 2] and start[b] < high:
                        first, last = max(start[b], low), min(end[b], high)
                        if label[b] == label[n] and last - first >= 3:
                            core_start[many], core_end[many], core_label[many] = first + 1, last - 1, label[n]
                            many += 1
                        b += 1
                a += 1
    core_row[height] = many
    return _grown(core_start, core_end, core_label, core_row)


@njit(cache=True, nogil=True)
def _grown(start, end, label, row):
    """Core runs dilated by one pixel in eight directions. Windows of two classes never meet, so nothing clashes."""
    height = row.size - 1
    most = 3 * row[height] + 1
    out_start, out_end = np.empty(most, np.int16), np.empty(most, np.int16)
    out_label, out_row = np.empty(most, np.uint8), np.empty(height + 1, np.int32)
    at, stop = np.empty(3, np.int32), np.empty(3, np.int32)
    many = 0
    for r in range(height):
        out_row[r] = many
        for side in range(3):
            from_row = r + side - 1
            inside = 0 <= from_row < height
            at[side] = row[from_row] if inside else 0
            stop[side] = row[from_row + 1] if inside else 0
        while True:
            best = -1
            for side in range(3):
                if at[side] < stop[side] and (best < 0 or start[at[side]] < start[at[best]]):
                    best = side
            if best < 0:
                break
            n = at[best]
            at[best] += 1
            low, high = start[n] - 1, end[n] + 1
            if many > out_row[r] and out_label[many - 1] == label[n] and low <= out_end[many - 1]:
                out_end[many - 1] = max(out_end[many - 1], high)
            else:
                out_start[many], out_end[many], out_label[many] = low, high, label[n]
                many += 1
    out_row[height] = many
    return out_start[:many], out_end[:many], out_label[:many], out_row


@njit(cache=True, nogil=True)
def _distances(start, end, label, row, pixels, k):
    """(K+1, K+1) least squared distance between pixel centres of two classes; -1 where either is absent."""
    height = row.size - 1
    # Runs sorted by class, then row: first[c, r] is the first run of class c in row r.
    first = np.zeros((k, height + 1), np.int32)
    for r in range(height):
        for n in range(row[r], row[r + 1]):
            first[label[n], r + 1] += 1
    total = 0
    for c in range(k):
        first[c, 0] = total
        for r in range(height):
            first[c, r + 1] += first[c, r]
        total = first[c, height]
    low, high = np.empty(total, np.int16), np.empty(total, np.int16)
    filled = first[:, :height].copy()
    for r in range(height):
        for n in range(row[r], row[r + 1]):
            c = label[n]
            low[filled[c, r]], high[filled[c, r]] = start[n], end[n] - 1
            filled[c, r] += 1
    out = np.full((k, k), -1, np.int64)
    for i in range(1, k):
        for j in range(i + 1, k):
            if pixels[i] and pixels[j]:
                out[i, j] = out[j, i] = _least_square(low, high, first[i], first[j])
    return out


@njit(cache=True, nogil=True)
def _least_square(low, high, one, two):
    """Least squared distance between the pixels of two classes, given the first run of each in every row."""
    height = one.size - 1
    best = np.int64(1) << 62
    apart = 0
    while apart < height and apart * apart < best:
        for r in range(height):
            if one[r] == one[r + 1]:
                continue
            for way in range(2 if apart else 1):
                other = r + apart if way == 0 else r - apart
                if other < 0 or other >= height or two[other] == two[other + 1]:
                    continue
                gap = _least_gap(low, high, one[r], one[r + 1], two[other], two[other + 1])
                best = min(best, np.int64(gap) * gap + apart * apart)
        apart += 1
    return best


@njit(cache=True, nogil=True)
def _least_gap(low, high, a, a_stop, b, b_stop):
    """Least difference of columns between the runs of two rows; 0 where they overlap."""
    best = np.int32(1 << 30)
    while a < a_stop and b < b_stop:
        if high[a] < low[b]:
            best = min(best, low[b] - high[a])
            a += 1
        elif high[b] < low[a]:
            best = min(best, low[a] - high[b])
            b += 1
        else:
            return np.int32(0)
    return best
