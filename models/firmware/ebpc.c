/* SPDX-License-Identifier: Apache-2.0
 *
 * EBPC, extended bit-plane compression; see ebpc.h.
 */
#include "ebpc.h"

#define DELTAS (EBPC_BLOCK_SIZE - 1U)       /* differences in a block, and bits of a plane */
#define PLANES (EBPC_WORD_BITS + 1U)        /* bits of a difference */
#define ALL_ONES ((UINT32_C(1) << DELTAS) - 1U)
#define SIGN (UINT32_C(1) << (EBPC_WORD_BITS - 1U))
#define WORD_MASK ((UINT32_C(1) << EBPC_WORD_BITS) - 1U)

typedef struct {
    ebpc_input stream;
    size_t position;
    bool failed;
} reader;

/* Append the low `length` bits of a value, most significant first; false if there is no room. */
static bool put(ebpc_output *stream, uint32_t value, unsigned length)
{
    unsigned left = length;

    while (left > 0U) {
        const size_t place = stream->bits >> 3;
        const unsigned room = 8U - (unsigned)(stream->bits & 7U);
        const unsigned taken = (left < room) ? left : room;
        const uint32_t part = (value >> (left - taken)) & ((UINT32_C(1) << taken) - 1U);
        uint32_t byte = 0U;

        if (place >= stream->size) {
            return false;
        }
        if (room < 8U) {
            byte = stream->data[place];
        }
        stream->data[place] = (uint8_t)(byte | (part << (room - taken)));
        stream->bits += taken;
        left -= taken;
    }
    return true;
}

/* Take `length` bits; zeros, and a mark that it failed, if there are not so many. */
static uint32_t get(reader *from, unsigned length)
{
    uint32_t value = 0U;
    unsigned left = length;

    if ((from->stream.bits - from->position) < length) {
        from->failed = true;
        left = 0U;
    }
    while (left > 0U) {
        const uint32_t byte = from->stream.data[from->position >> 3];
        const unsigned room = 8U - (unsigned)(from->position & 7U);
        const unsigned taken = (left < room) ? left : room;

        value = (value << taken) | ((byte >> (room - taken)) & ((UINT32_C(1) << taken) - 1U));
        from->position += taken;
        left -= taken;
    }
    return value;
}

/* Whether nothing but the zero bits that fill up a word is left. */
static bool ended(reader *from)
{
    const size_t left = from->stream.bits - from->position;

    return (!from->failed) && (left < EBPC_WORD_BITS) && (get(from, (unsigned)left) == 0U);
}

/* Write a run of zero words, of 0 to EBPC_MAX_ZERO_RUN. */
static bool put_zero_words(ebpc_output *znz, uint32_t run)
{
    return (run == 0U) || (put(znz, 0U, 1U) && put(znz, run - 1U, EBPC_ZERO_RUN_FIELD));
}

/* Write a run of zero planes, of 0 to PLANES. */
static bool put_zero_planes(ebpc_output *bpc, uint32_t run)
{
    if (run == 0U) {
        return true;
    }
    if (run == 1U) {
        return put(bpc, 1U, 2U);
    }
    return put(bpc, 1U, 3U) && put(bpc, run - 2U, EBPC_PLANE_RUN_FIELD);
}

/* Write a plane that is not zero: `dbx`, made of `dbp` and the plane before it. */
static bool put_plane(ebpc_output *bpc, uint32_t dbx, uint32_t dbp)
{
    uint32_t lowest = 0U; /* place of the lowest one, from the right */

    if (dbx == ALL_ONES) {
        return put(bpc, 0U, 5U);
    }
    if (dbp == 0U) {
        return put(bpc, 1U, 5U);
    }
    while (((dbx >> lowest) & 1U) == 0U) {
        lowest++;
    }
    if ((dbx >> lowest) == 3U) {
        return put(bpc, 2U, 5U) && put(bpc, DELTAS - 2U - lowest, EBPC_POSITION_FIELD);
    }
    if ((dbx >> lowest) == 1U) {
        return put(bpc, 3U, 5U) && put(bpc, DELTAS - 1U - lowest, EBPC_POSITION_FIELD);
    }
    return put(bpc, 1U, 1U) && put(bpc, dbx, DELTAS);
}

static bool put_block(ebpc_output *bpc, const ebpc_word block[EBPC_BLOCK_SIZE])
{
    uint32_t delta[DELTAS];
    uint32_t before = 0U;
    uint32_t zeros = 0U;
    bool fits = put(bpc, block[0], EBPC_WORD_BITS);

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

bool ebpc_encode(const ebpc_word *words, size_t count, ebpc_output *znz, ebpc_output *bpc)
{
    ebpc_word block[EBPC_BLOCK_SIZE];
    unsigned filled = 0U;
    uint32_t run = 0U;
    bool fits = true;

    znz->bits = 0U;
    bpc->bits = 0U;
    for (size_t i = 0U; fits && (i < count); i++) {
        if ((words[i] & WORD_MASK) == 0U) {
            run++;
            if (run == EBPC_MAX_ZERO_RUN) {
                fits = put_zero_words(znz, run);
                run = 0U;
            }
            continue;
        }
        fits = put_zero_words(znz, run) && put(znz, 1U, 1U);
        run = 0U;
        block[filled] = (ebpc_word)(words[i] & WORD_MASK);
        filled++;
        if (filled == EBPC_BLOCK_SIZE) {
            fits = fits && put_block(bpc, block);
            filled = 0U;
        }
    }
    if (fits && (filled > 0U)) {
        while (filled < EBPC_BLOCK_SIZE) {
            block[filled] = 0U;
            filled++;
        }
        fits = put_block(bpc, block);
    }
    return fits && put_zero_words(znz, run);
}

/* Read one code that is no run of zero planes, after its bits `000`: a plane `dbx`, which follows on `before`. */
static uint32_t get_named_plane(reader *bpc, uint32_t before)
{
    const uint32_t kind = get(bpc, 2U);
    uint32_t ones;
    uint32_t position;

    if (kind == 0U) {
        return ALL_ONES;
    }
    if (kind == 1U) {
        return before; /* so that the plane of differences is zero */
    }
    ones = (kind == 2U) ? 2U : 1U;
    position = get(bpc, EBPC_POSITION_FIELD);
    if ((position + ones) > DELTAS) {
        bpc->failed = true;
        return 0U;
    }
    return ((ones == 2U) ? UINT32_C(3) : UINT32_C(1)) << (DELTAS - ones - position);
}

static void get_block(reader *bpc, ebpc_word block[EBPC_BLOCK_SIZE])
{
    uint32_t delta[DELTAS] = {0U};
    uint32_t dbp = 0U;
    uint32_t zeros = 0U;
    uint32_t word = get(bpc, EBPC_WORD_BITS) ^ SIGN;

    block[0] = (ebpc_word)(word ^ SIGN);
    for (unsigned k = 0U; k < PLANES; k++) {
        if (zeros > 0U) {
            zeros--;
        } else if (get(bpc, 1U) == 1U) {
            dbp ^= get(bpc, DELTAS);
        } else if (get(bpc, 1U) == 1U) {
            zeros = 0U;
        } else if (get(bpc, 1U) == 1U) {
            zeros = get(bpc, EBPC_PLANE_RUN_FIELD) + 1U; /* besides this one */
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
        block[i + 1U] = (ebpc_word)((word & WORD_MASK) ^ SIGN);
    }
}

bool ebpc_decode(ebpc_input znz, ebpc_input bpc, ebpc_word *words, size_t count)
{
    reader zeros = {znz, 0U, false};
    reader planes = {bpc, 0U, false};
    ebpc_word block[EBPC_BLOCK_SIZE];
    unsigned used = EBPC_BLOCK_SIZE;
    size_t i = 0U;

    while ((i < count) && (!zeros.failed) && (!planes.failed)) {
        if (get(&zeros, 1U) == 1U) {
            if (used == EBPC_BLOCK_SIZE) {
                get_block(&planes, block);
                used = 0U;
            }
            words[i] = block[used];
            used++;
            i++;
        } else {
            uint32_t run = get(&zeros, EBPC_ZERO_RUN_FIELD) + 1U;

            if (run > (count - i)) {
                zeros.failed = true;
                run = 0U;
            }
            for (; run > 0U; run--) {
                words[i] = 0U;
                i++;
            }
        }
    }
    return ended(&zeros) && ended(&planes);
}
