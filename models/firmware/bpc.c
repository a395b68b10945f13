/* SPDX-License-Identifier: Apache-2.0
 *
 * BPC, bit-plane compression; see bpc.h.
 */
#include "bpc.h"

#define DELTAS (BPC_BLOCK_SIZE - 1U) /* differences in a block, and bits of a plane */
#define PLANES (BPC_WORD_BITS + 1U)  /* bits of a difference */
#define ALL_ONES ((UINT32_C(1) << DELTAS) - 1U)
#define SIGN (UINT32_C(1) << (BPC_WORD_BITS - 1U))
#define WORD_MASK ((UINT32_C(1) << BPC_WORD_BITS) - 1U)

/* Write a run of zero planes, of 0 to PLANES. */
static bool put_zero_planes(bits_output *bpc, uint32_t run)
{
    if (run == 0U) {
        return true;
    }
    if (run == 1U) {
        return bits_put(bpc, 1U, 2U);
    }
    return bits_put(bpc, 1U, 3U) && bits_put(bpc, run - 2U, BPC_PLANE_RUN_FIELD);
}

/* Write a plane that is not zero: `dbx`, made of `dbp` and the plane before it. */
static bool put_plane(bits_output *bpc, uint32_t dbx, uint32_t dbp)
{
    uint32_t lowest = 0U; /* place of the lowest one, from the right */

    if (dbx == ALL_ONES) {
        return bits_put(bpc, 0U, 5U);
    }
    if (dbp == 0U) {
        return bits_put(bpc, 1U, 5U);
    }
    while (((dbx >> lowest) & 1U) == 0U) {
        lowest++;
    }
    if ((dbx >> lowest) == 3U) {
        return bits_put(bpc, 2U, 5U) && bits_put(bpc, DELTAS - 2U - lowest, BPC_POSITION_FIELD);
    }
    if ((dbx >> lowest) == 1U) {
        return bits_put(bpc, 3U, 5U) && bits_put(bpc, DELTAS - 1U - lowest, BPC_POSITION_FIELD);
    }
    return bits_put(bpc, 1U, 1U) && bits_put(bpc, dbx, DELTAS);
}

bool bpc_put_block(bits_output *bpc, const bpc_word block[BPC_BLOCK_SIZE])
{
    uint32_t delta[DELTAS];
    uint32_t before = 0U;
    uint32_t zeros = 0U;
    bool fits = bits_put(bpc, block[0], BPC_WORD_BITS);

    for (unsigned i = 0U; i < DELTAS; i++) {
        /* With the sign inverted, words are ordered as the signed numbers are. */
        delta[i] = (block[i + 1U] ^ SIGN) - (block[i] ^ SIGN);
    }
    for (unsigned k = 0U; fits && (k < PLANES); k++) {
        uint32_t dbp = 0U;

        for (unsigned i = 0U; i < DELTAS; i++) {
            dbp = (dbp << 1) | ((delta[i] >> k) & 1U);
        }
        if (dbp == before) {
            zeros++;
        } else {
            fits = put_zero_planes(bpc, zeros) && put_plane(bpc, dbp ^ before, dbp);
            zeros = 0U;
        }
        before = dbp;
    }
    return fits && put_zero_planes(bpc, zeros);
}

/* Read one code that is no run of zero planes, after its bits `000`: a plane `dbx`, which follows on `before`. */
static uint32_t get_named_plane(bits_reader *bpc, uint32_t before)
{
    const uint32_t kind = bits_get(bpc, 2U);
    uint32_t ones;
    uint32_t position;

    if (kind == 0U) {
        return ALL_ONES;
    }
    if (kind == 1U) {
        return before; /* so that the plane of differences is zero */
    }
    ones = (kind == 2U) ? 2U : 1U;
    position = bits_get(bpc, BPC_POSITION_FIELD);
    if ((position + ones) > DELTAS) {
        bpc->failed = true;
        return 0U;
    }
    return ((ones == 2U) ? UINT32_C(3) : UINT32_C(1)) << (DELTAS - ones - position);
}

void bpc_get_block(bits_reader *bpc, bpc_word block[BPC_BLOCK_SIZE])
{
    uint32_t delta[DELTAS] = {0U};
    uint32_t dbp = 0U;
    uint32_t zeros = 0U;
    uint32_t word = bits_get(bpc, BPC_WORD_BITS) ^ SIGN;

    block[0] = (bpc_word)(word ^ SIGN);
    for (unsigned k = 0U; k < PLANES; k++) {
        if (zeros > 0U) {
            zeros--;
        } else if (bits_get(bpc, 1U) == 1U) {
            dbp ^= bits_get(bpc, DELTAS);
        } else if (bits_get(bpc, 1U) == 1U) {
            zeros = 0U;
        } else if (bits_get(bpc, 1U) == 1U) {
            zeros = bits_get(bpc, BPC_PLANE_RUN_FIELD) + 1U; /* besides this one */
            if (zeros >= (PLANES - k)) {
                bpc->failed = true;
            }
        } else {
            dbp ^= get_named_plane(bpc, dbp);
        }
        for (unsigned i = 0U; i < DELTAS; i++) {
            delta[i] |= ((dbp >> (DELTAS - 1U - i)) & 1U) << k;
        }
    }
    for (unsigned i = 0U; i < DELTAS; i++) {
        /* The sum has a bit more than a word; a difference that leads out of the words' range shows there. */
        word = (word + delta[i]) & ((WORD_MASK << 1) | 1U);
        if (word > WORD_MASK) {
            bpc->failed = true;
        }
        block[i + 1U] = (bpc_word)((word & WORD_MASK) ^ SIGN);
    }
}

bool bpc_encode(const bpc_word *words, size_t count, bits_output *bpc)
{
    bpc_word block[BPC_BLOCK_SIZE];
    bool fits = true;

    bpc->bits = 0U;
    for (size_t start = 0U; fits && (start < count); start += BPC_BLOCK_SIZE) {
        for (size_t i = 0U; i < BPC_BLOCK_SIZE; i++) {
            block[i] = (i < (count - start)) ? (bpc_word)(words[start + i] & WORD_MASK) : 0U;
        }
        fits = bpc_put_block(bpc, block);
    }
    return fits;
}

bool bpc_decode(bits_input bpc, bpc_word *words, size_t count)
{
    bits_reader planes = {bpc, 0U, false};
    bpc_word block[BPC_BLOCK_SIZE];

    for (size_t start = 0U; (start < count) && (!planes.failed); start += BPC_BLOCK_SIZE) {
        bpc_get_block(&planes, block);
        for (size_t i = 0U; (i < BPC_BLOCK_SIZE) && (i < (count - start)); i++) {
            words[start + i] = block[i];
        }
    }
    return bits_ended(&planes, 8U);
}
