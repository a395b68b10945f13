/* SPDX-License-Identifier: Apache-2.0
 *
 * EBPC in parallel blocks; see ebpc_parallel.h.
 */
#include "ebpc_parallel.h"

#define BLOCK 8U            /* words of a block, and of a row */
#define DELTAS (BLOCK - 1U) /* differences in a block, and bits of a plane */
#define PLANES EBPC_PARALLEL_WORD_BITS
#define WORD_MASK ((UINT32_C(1) << PLANES) - 1U)
#define AS_IT_IS ((UINT32_C(1) << EBPC_PARALLEL_COUNT_BITS) - 1U)
#define END (AS_IT_IS - 1U)
#define ZNZ_PORT 16U
#define BPC_PORT (PLANES > 8U ? 128U : 64U)

/* A plane's code: a field of 5 bits, and 3 bits more where the plane is stored as it is. */
#define FIELD 5U
#define EXTRA 3U
#define ALL_ONES ((UINT32_C(1) << DELTAS) - 1U)
#define ZERO_PLANE 7U
#define TWO_ONES 8U
#define ALL_ONES_PLANE 14U
#define ZERO_DELTAS 15U
#define STORED 16U

/* Return the field of a plane `dbx`, made of `dbp` and the plane before it. */
static uint32_t field_of(uint32_t dbx, uint32_t dbp)
{
    uint32_t left = 0U; /* place of the leftmost one */
    uint32_t ones;

    if (dbx == 0U) {
        return ZERO_PLANE;
    }
    if (dbx == ALL_ONES) {
        return ALL_ONES_PLANE;
    }
    while (((dbx << left) & (UINT32_C(1) << (DELTAS - 1U))) == 0U) {
        left++;
    }
    ones = (dbx << left) & ALL_ONES;
    if (ones == (UINT32_C(1) << (DELTAS - 1U))) {
        return left;
    }
    if (ones == (UINT32_C(3) << (DELTAS - 2U))) {
        return TWO_ONES + left;
    }
    return (dbp == 0U) ? ZERO_DELTAS : (STORED + (dbx >> EXTRA));
}

/* Return the plane `dbx` of a field that is not STORED; `before` is the plane of differences before it. */
static uint32_t plane_of(uint32_t field, uint32_t before)
{
    if (field < ZERO_PLANE) {
        return UINT32_C(1) << (DELTAS - 1U - field);
    }
    if (field == ZERO_PLANE) {
        return 0U;
    }
    if (field < ALL_ONES_PLANE) {
        return UINT32_C(3) << (DELTAS - 2U - (field - TWO_ONES));
    }
    return (field == ALL_ONES_PLANE) ? ALL_ONES : before;
}

static bool put_block(bits_output *bpc, const ebpc_parallel_word block[BLOCK])
{
    uint32_t dbx[PLANES];
    uint32_t fields[PLANES];
    uint32_t before = 0U;
    uint32_t stored = 0U;
    unsigned count = 0U;
    bool as_it_is;
    bool fits;

    for (unsigned k = 0U; k < PLANES; k++) {
        uint32_t dbp = 0U;

        for (unsigned i = 0U; i < DELTAS; i++) {
            dbp = (dbp << 1) | ((((uint32_t)block[i + 1U] - (uint32_t)block[i]) >> k) & 1U);
        }
        dbx[k] = dbp ^ before;
        fields[k] = field_of(dbx[k], dbp);
        stored += (fields[k] >= STORED) ? 1U : 0U;
        count = (dbx[k] != 0U) ? (k + 1U) : count;
        before = dbp;
    }
    as_it_is = ((FIELD * count) + (EXTRA * stored)) >= (DELTAS * PLANES);
    fits = bits_put(bpc, as_it_is ? AS_IT_IS : count, EBPC_PARALLEL_COUNT_BITS) && bits_put(bpc, block[0], PLANES);
    if (as_it_is) {
        for (unsigned k = 0U; fits && (k < PLANES); k++) {
            fits = bits_put(bpc, dbx[k], DELTAS);
        }
    } else {
        for (unsigned k = 0U; fits && (k < count); k++) {
            fits = bits_put(bpc, fields[k], FIELD);
        }
        for (unsigned k = 0U; fits && (k < count); k++) {
            fits = (fields[k] < STORED) || bits_put(bpc, dbx[k] & ((1U << EXTRA) - 1U), EXTRA);
        }
    }
    return fits;
}

/* Read the planes of a block by their fields; marks the stream as failed if there may not be so many. */
static void get_planes(bits_reader *bpc, uint32_t count, uint32_t dbx[PLANES])
{
    bits_reader extras = *bpc;
    uint32_t before = 0U;
    uint32_t stored = 0U;

    if ((count > PLANES) || ((bpc->stream.bits - bpc->position) < ((size_t)FIELD * count))) {
        bpc->failed = true;
        return;
    }
    extras.position += (size_t)FIELD * count;
    for (uint32_t k = 0U; k < count; k++) {
        const uint32_t field = bits_get(bpc, FIELD);

        if (field >= STORED) {
            dbx[k] = ((field - STORED) << EXTRA) | bits_get(&extras, EXTRA);
            stored++;
        } else {
            dbx[k] = plane_of(field, before);
        }
        before ^= dbx[k];
    }
    *bpc = extras;
    if (((FIELD * count) + (EXTRA * stored)) >= (DELTAS * PLANES)) {
        bpc->failed = true;
    }
}

static void get_block(bits_reader *bpc, ebpc_parallel_word block[BLOCK])
{
    uint32_t dbx[PLANES] = {0U};
    uint32_t delta[DELTAS] = {0U};
    uint32_t dbp = 0U;
    const uint32_t count = bits_get(bpc, EBPC_PARALLEL_COUNT_BITS);
    uint32_t word = bits_get(bpc, PLANES);

    if (count == AS_IT_IS) {
        for (unsigned k = 0U; k < PLANES; k++) {
            dbx[k] = bits_get(bpc, DELTAS);
        }
    } else {
        get_planes(bpc, count, dbx);
    }
    for (unsigned k = 0U; k < PLANES; k++) {
        dbp ^= dbx[k];
        for (unsigned i = 0U; i < DELTAS; i++) {
            delta[i] |= ((dbp >> (DELTAS - 1U - i)) & 1U) << k;
        }
    }
    block[0] = (ebpc_parallel_word)word;
    for (unsigned i = 0U; i < DELTAS; i++) {
        word = (word + delta[i]) & WORD_MASK;
        block[i + 1U] = (ebpc_parallel_word)word;
    }
}

bool ebpc_parallel_encode(const ebpc_parallel_word *words, size_t count, bits_output *znz, bits_output *bpc)
{
    ebpc_parallel_word block[BLOCK];
    unsigned filled = 0U;
    bool fits = true;

    znz->bits = 0U;
    bpc->bits = 0U;
    for (size_t start = 0U; fits && (start < count); start += BLOCK) {
        uint32_t flags = 0U; /* a bit for each word of the row, the first one leftmost */

        for (size_t i = 0U; fits && (i < BLOCK) && (i < (count - start)); i++) {
            const uint32_t word = words[start + i] & WORD_MASK;

            if (word != 0U) {
                flags |= UINT32_C(1) << (BLOCK - 1U - i);
                block[filled] = (ebpc_parallel_word)word;
                filled++;
            }
            if (filled == BLOCK) {
                fits = put_block(bpc, block);
                filled = 0U;
            }
        }
        if (flags == 0U) {
            fits = fits && bits_put(znz, 0U, 1U);
        } else if (flags == 0xFFU) {
            fits = fits && bits_put(znz, 2U, 2U);
        } else {
            fits = fits && bits_put(znz, 3U, 2U) && bits_put(znz, flags, BLOCK);
        }
    }
    if (fits && (filled > 0U)) {
        while (filled < BLOCK) {
            block[filled] = 0U;
            filled++;
        }
        fits = put_block(bpc, block);
    }
    return fits && bits_put(bpc, END, EBPC_PARALLEL_COUNT_BITS);
}

/* Read which words of a row are not zero. */
static uint32_t get_flags(bits_reader *znz)
{
    if (bits_get(znz, 1U) == 0U) {
        return 0U;
    }
    return (bits_get(znz, 1U) == 0U) ? 0xFFU : bits_get(znz, BLOCK);
}

bool ebpc_parallel_decode(bits_input znz, bits_input bpc, ebpc_parallel_word *words, size_t count)
{
    bits_reader zeros = {znz, 0U, false};
    bits_reader planes = {bpc, 0U, false};
    ebpc_parallel_word block[BLOCK];
    unsigned used = BLOCK;

    for (size_t start = 0U; (start < count) && (!zeros.failed) && (!planes.failed); start += BLOCK) {
        uint32_t flags = get_flags(&zeros);

        for (size_t i = 0U; (i < BLOCK) && (i < (count - start)); i++) {
            words[start + i] = 0U;
            if ((flags & 0x80U) != 0U) {
                if (used == BLOCK) {
                    get_block(&planes, block);
                    used = 0U;
                }
                words[start + i] = block[used];
                used++;
            }
            flags = (flags << 1) & 0xFFU;
        }
        if (((count - start) < BLOCK) && (flags != 0U)) {
            zeros.failed = true;
        }
    }
    if (bits_get(&planes, EBPC_PARALLEL_COUNT_BITS) != END) {
        planes.failed = true;
    }
    return bits_ended(&zeros, ZNZ_PORT) && bits_ended(&planes, BPC_PORT);
}
