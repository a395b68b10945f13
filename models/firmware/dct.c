/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec dct; see dct.h.
 */
#include "dct.h"

#define SIDE 8U
#define EMPTY 0U      /* levels of columns: all is zero; */
#define SHORT_LEVEL 1U /* no planes, and the last four quotients are zero; */
#define FULL 2U       /* from here on the number of planes */
#define LAST_LEVEL 11U
#define FIRST_REFERENCE 5U
#define MOST_QUOTIENTS 15U
#define LOW_PLANES 4U
#define MEAN_BITS 2U
#define VALUE_MASK 2047
#define MEAN_OFFSET (1024 >> DCT_STEP_BITS)

/* A column that is coded: what its level leaves to be written, and the level. */
typedef struct {
    uint16_t values[SIDE];
    unsigned level;
    unsigned mean; /* low bits of the mean, of a tile's first column */
    bool first;
} column;

typedef struct {
    size_t map;
    size_t top;
    size_t left;
} place;

/* Shift right, rounding down. */
static int32_t shifted(int32_t value, unsigned shift)
{
    return (value < 0) ? (-1 - ((-1 - value) >> shift)) : (value >> shift);
}

static size_t smaller(size_t one, size_t other)
{
    return (one < other) ? one : other;
}

static unsigned planes_of(unsigned level)
{
    return (level > FULL) ? (level - FULL) : 0U;
}

/* Go on to the next tile; false after the last one. */
static bool next_tile(const dct_maps *maps, place *tile)
{
    tile->left += SIDE;
    if (tile->left >= maps->width) {
        tile->left = 0U;
        tile->top += SIDE;
    }
    if (tile->top >= maps->height) {
        tile->top = 0U;
        tile->map++;
    }
    return tile->map < maps->count;
}

static bool has_tiles(const dct_maps *maps)
{
    return (maps->count > 0U) && (maps->height > 0U) && (maps->width > 0U);
}

/* Multiply eight numbers, `step` apart, by a matrix, and round. */
static void transform(int32_t *x, size_t step, const int16_t matrix[8][8], int32_t half, unsigned shift)
{
    int32_t result[SIDE];

    for (size_t i = 0U; i < SIDE; i++) {
        result[i] = half;
        for (size_t k = 0U; k < SIDE; k++) {
            result[i] += matrix[i][k] * x[k * step];
        }
    }
    for (size_t i = 0U; i < SIDE; i++) {
        x[i * step] = shifted(result[i], shift);
    }
}

/* Read a tile's samples; false if one is negative that must not be. */
static bool load(const dct_maps *maps, const place *tile, int32_t x[64])
{
    bool valid = true;

    for (size_t i = 0U; i < 64U; i++) {
        const size_t row = smaller(tile->top + (i / SIDE), maps->height - 1U);
        const size_t across = smaller(tile->left + (i % SIDE), maps->width - 1U);

        x[i] = samples_get(maps->samples[(((tile->map * maps->height) + row) * maps->width) + across], maps->offset);
        valid = valid && (maps->offset || (DCT_SIGNED != 0U) || (x[i] >= 0));
    }
    return valid;
}

static void store(const dct_maps *maps, const place *tile, const int32_t x[64])
{
    for (size_t i = 0U; i < 64U; i++) {
        const size_t row = tile->top + (i / SIDE);
        const size_t across = tile->left + (i % SIDE);

        if ((row < maps->height) && (across < maps->width)) {
            maps->samples[(((tile->map * maps->height) + row) * maps->width) + across] =
                samples_put(x[i], maps->offset, DCT_SIGNED == 0U);
        }
    }
}

/* Transform and quantise a tile, and fold the coefficients; column u is at 8 u. */
static bool quantise(const dct_maps *maps, const place *tile, uint16_t folded[64])
{
    int32_t x[64];
    const bool valid = load(maps, tile, x);

    for (size_t row = 0U; row < SIDE; row++) {
        transform(&x[SIDE * row], 1U, dct_forward, 128, 8U);
    }
    for (size_t u = 0U; u < SIDE; u++) {
        transform(&x[u], SIDE, dct_forward, 0, 10U);
        for (size_t v = 0U; v < SIDE; v++) {
            const int32_t q = shifted(x[(SIDE * v) + u] + (1 << DCT_STEP_BITS), DCT_STEP_BITS + 1U);

            folded[(SIDE * u) + v] = (uint16_t)((q < 0) ? (-1 - (2 * q)) : (2 * q));
            if ((u == 0U) && (v == 0U) && (maps->offset || (DCT_SIGNED == 0U))) {
                folded[0] = (uint16_t)(q + (maps->offset ? MEAN_OFFSET : 0));
            }
        }
    }
    return valid;
}

/* Restore a tile of what `quantise` gives. */
static void restore(const dct_maps *maps, const place *tile, const uint16_t folded[64])
{
    int32_t x[64];

    for (size_t u = 0U; u < SIDE; u++) {
        for (size_t v = 0U; v < SIDE; v++) {
            const int32_t z = folded[(SIDE * u) + v] & VALUE_MASK;
            int32_t c = (((z & 1) != 0) ? (-1 - (z >> 1)) : (z >> 1)) * (1 << DCT_STEP_BITS);

            if ((u == 0U) && (v == 0U) && (maps->offset || (DCT_SIGNED == 0U))) {
                c = (z * (1 << DCT_STEP_BITS)) - (maps->offset ? 1024 : 0);
            }
            c = (int32_t)((((uint32_t)c & 4095U) ^ 2048U)) - 2048;
            x[(SIDE * v) + u] = (c < -1024) ? -1024 : ((c > 1023) ? 1023 : c);
        }
        transform(&x[u], SIDE, dct_inverse, 256, 9U);
    }
    for (size_t i = 0U; i < 64U; i++) {
        x[i] = (int32_t)(((uint32_t)x[i] & 16383U) ^ 8192U) - 8192;
    }
    for (size_t row = 0U; row < SIDE; row++) {
        transform(&x[SIDE * row], 1U, dct_inverse, 32768, 16U);
    }
    store(maps, tile, x);
}

/* Describe a column of folded coefficients. */
static void describe(column *to, const uint16_t folded[SIDE], bool first)
{
    uint32_t sum = 0U;
    unsigned planes = 0U;
    uint32_t late = 0U;

    to->first = first;
    to->mean = folded[0] & ((1U << MEAN_BITS) - 1U);
    for (size_t v = 0U; v < SIDE; v++) {
        to->values[v] = folded[v];
        if (first && (v == 0U)) {
            to->values[v] = (uint16_t)(folded[v] >> MEAN_BITS);
        }
        sum += to->values[v];
        late |= (v >= (SIDE / 2U)) ? to->values[v] : 0U;
    }
    while ((sum >> planes) > MOST_QUOTIENTS) {
        planes++;
    }
    to->level = FULL + planes;
    if ((planes == 0U) && (late == 0U)) {
        to->level = ((sum > 0U) || (first && (to->mean > 0U))) ? SHORT_LEVEL : EMPTY;
    }
}

/* Write so many planes of a column, from plane `lowest` on. */
static bool put_planes(bits_output *tiles, const column *from, unsigned lowest, unsigned end)
{
    bool fits = true;

    for (unsigned plane = lowest; plane < end; plane++) {
        for (size_t v = 0U; v < SIDE; v++) {
            fits = fits && bits_put(tiles, (uint32_t)from->values[v] >> plane, 1U);
        }
    }
    return fits;
}

static void get_planes(bits_reader *tiles, column *to, unsigned lowest, unsigned end)
{
    for (unsigned plane = lowest; plane < end; plane++) {
        for (size_t v = 0U; v < SIDE; v++) {
            to->values[v] = (uint16_t)(to->values[v] | (bits_get(tiles, 1U) << plane));
        }
    }
}

static bool put_level(bits_output *tiles, unsigned level, unsigned reference)
{
    if (level == reference) {
        return bits_put(tiles, 0U, 1U);
    }
    if ((level + 1U) == reference) {
        return bits_put(tiles, 2U, 2U);
    }
    if (level == (reference + 1U)) {
        return bits_put(tiles, 6U, 3U);
    }
    return bits_put(tiles, 7U, 3U) && bits_put(tiles, level, 4U);
}

static unsigned get_level(bits_reader *tiles, unsigned reference)
{
    unsigned level = reference;

    if (bits_get(tiles, 1U) == 1U) {
        if (bits_get(tiles, 1U) == 0U) {
            level = reference - 1U; /* far too large where there is none */
        } else if (bits_get(tiles, 1U) == 0U) {
            level = reference + 1U;
        } else {
            level = (unsigned)bits_get(tiles, 4U);
        }
    }
    if (level > LAST_LEVEL) {
        tiles->failed = true;
        level = EMPTY;
    }
    return level;
}

/* Write what comes before the level of the next column. */
static bool put_head(bits_output *tiles, const column *from)
{
    const unsigned planes = planes_of(from->level);
    const size_t quotients = (from->level >= FULL) ? SIDE : (SIDE / 2U);
    bool fits = put_planes(tiles, from, LOW_PLANES, planes);

    for (size_t v = 0U; fits && (from->level != EMPTY) && (v < quotients); v++) {
        fits = bits_put(tiles, 1U, ((unsigned)from->values[v] >> planes) + 1U);
    }
    return fits;
}

/* Write what comes after it. */
static bool put_tail(bits_output *tiles, const column *from)
{
    const unsigned planes = planes_of(from->level);
    const bool fits = put_planes(tiles, from, 0U, (planes < LOW_PLANES) ? planes : LOW_PLANES);

    if (from->first && (from->level != EMPTY)) {
        return fits && bits_put(tiles, from->mean, MEAN_BITS);
    }
    return fits;
}

static void get_head(bits_reader *tiles, column *to)
{
    const unsigned planes = planes_of(to->level);
    const size_t quotients = (to->level >= FULL) ? SIDE : (SIDE / 2U);
    unsigned sum = 0U;

    for (size_t v = 0U; v < SIDE; v++) {
        to->values[v] = 0U;
    }
    get_planes(tiles, to, LOW_PLANES, planes);
    for (size_t v = 0U; (to->level != EMPTY) && (v < quotients) && (!tiles->failed); v++) {
        unsigned quotient = 0U;

        while ((!tiles->failed) && (bits_get(tiles, 1U) == 0U)) {
            quotient++;
            sum++;
            if (sum > MOST_QUOTIENTS) {
                tiles->failed = true;
            }
        }
        to->values[v] = (uint16_t)(to->values[v] | (quotient << planes));
    }
}

/* Read what comes after the level of the next column, and put the mean together. */
static void get_tail(bits_reader *tiles, column *to)
{
    const unsigned planes = planes_of(to->level);

    get_planes(tiles, to, 0U, (planes < LOW_PLANES) ? planes : LOW_PLANES);
    if (to->first) {
        const uint32_t low = (to->level == EMPTY) ? 0U : bits_get(tiles, MEAN_BITS);

        to->values[0] = (uint16_t)(((uint32_t)to->values[0] << MEAN_BITS) | low);
    }
}

bool dct_encode(const dct_maps *maps, bits_output *tiles)
{
    place tile = {0U, 0U, 0U};
    column before = {{0U}, 0U, 0U, false};
    unsigned first_level = FIRST_REFERENCE;
    bool started = false;
    bool fits = true;
    bool more = has_tiles(maps);

    tiles->bits = 0U;
    while (fits && more) {
        uint16_t folded[64];

        fits = quantise(maps, &tile, folded);
        for (size_t u = 0U; fits && (u < SIDE); u++) {
            column here;

            describe(&here, &folded[SIDE * u], u == 0U);
            fits = put_level(tiles, here.level, (u == 0U) ? first_level : before.level);
            if (u == 0U) {
                first_level = here.level;
            }
            if (started) {
                fits = fits && put_tail(tiles, &before);
            }
            fits = fits && put_head(tiles, &here);
            before = here;
            started = true;
        }
        more = next_tile(maps, &tile);
    }
    return fits && ((!started) || (bits_put(tiles, 0U, 1U) && put_tail(tiles, &before)));
}

bool dct_decode(bits_input tiles, const dct_maps *maps)
{
    bits_reader from = {tiles, 0U, false};
    place tile = {0U, 0U, 0U};
    bool more = has_tiles(maps);
    unsigned level = more ? get_level(&from, FIRST_REFERENCE) : EMPTY;

    while (more && (!from.failed)) {
        const place here = tile;
        const unsigned first_level = level;
        uint16_t folded[64];

        more = next_tile(maps, &tile);
        for (size_t u = 0U; u < SIDE; u++) {
            column read;

            read.level = level;
            read.first = (u == 0U);
            get_head(&from, &read);
            if (u < (SIDE - 1U)) {
                level = get_level(&from, level);
            } else if (more) {
                level = get_level(&from, first_level);
            } else if (bits_get(&from, 1U) != 0U) {
                from.failed = true;
            } else {
                level = EMPTY;
            }
            get_tail(&from, &read);
            for (size_t v = 0U; v < SIDE; v++) {
                folded[(SIDE * u) + v] = read.values[v];
            }
        }
        if (!from.failed) {
            restore(maps, &here, folded);
        }
    }
    return bits_ended(&from, 64U);
}
