/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec transform; see transform.h.
 */
#include "transform.h"

#define SYMBOL_MASK (HUFFMAN_END - 1U)
#define SYMBOL_SIGN (HUFFMAN_END >> 1)

/* Samples of all blocks, those that fill up the last ones included. */
static size_t samples_of(const transform_map *map)
{
    const size_t down = (map->height / TRANSFORM_BLOCK) + (((map->height % TRANSFORM_BLOCK) > 0U) ? 1U : 0U);
    const size_t across = (map->width / TRANSFORM_BLOCK) + (((map->width % TRANSFORM_BLOCK) > 0U) ? 1U : 0U);

    return down * across * TRANSFORM_BLOCK * TRANSFORM_BLOCK * map->channels;
}

/* Whether vectors are all channels of a block, or single samples of any number of channels. */
static bool fits_matrix(const transform_map *map)
{
    return (TRANSFORM_MATRIX == 0U) || ((TRANSFORM_BLOCK * TRANSFORM_BLOCK * map->channels) == TRANSFORM_COLUMNS);
}

/* The place of a sample, by its number in the order of vectors; false if it only fills up a block. */
static bool find(const transform_map *map, size_t number, size_t *place)
{
    const size_t channel = number % map->channels;
    const size_t pixel = number / map->channels;
    const size_t within = pixel % (TRANSFORM_BLOCK * TRANSFORM_BLOCK);
    const size_t block = pixel / (TRANSFORM_BLOCK * TRANSFORM_BLOCK);
    const size_t blocks = ((map->width - 1U) / TRANSFORM_BLOCK) + 1U;
    size_t row = ((block / blocks) * TRANSFORM_BLOCK) + (within / TRANSFORM_BLOCK);
    size_t column = ((block % blocks) * TRANSFORM_BLOCK) + (within % TRANSFORM_BLOCK);
    const bool inside = (row < map->height) && (column < map->width);

    row = (row < map->height) ? row : (map->height - 1U);
    column = (column < map->width) ? column : (map->width - 1U);
    *place = (((channel * map->height) + row) * map->width) + column;
    return inside;
}

/* Take a number of 32 bits as a signed one, shift it right, rounding down, and saturate it to so many bits. */
static int32_t scaled(uint32_t sum, unsigned shift, unsigned bits)
{
    const int32_t limit = INT32_C(1) << (bits - 1U);
    int32_t value;

    if (sum > UINT32_C(0x7FFFFFFF)) {
        value = -1 - (int32_t)((UINT32_C(0xFFFFFFFF) - sum) >> shift);
    } else {
        value = (int32_t)(sum >> shift);
    }
    return (value < -limit) ? -limit : ((value >= limit) ? (limit - 1) : value);
}

bool transform_encode(const transform_map *map, bits_output *packet)
{
    const size_t total = samples_of(map);
    bool fits = fits_matrix(map);
    huffman_output symbols;

    huffman_begin(&symbols, packet);
    for (size_t start = 0U; fits && (start < total); start += TRANSFORM_COLUMNS) {
        int32_t vector[TRANSFORM_COLUMNS];

        for (size_t j = 0U; j < TRANSFORM_COLUMNS; j++) {
            size_t place;

            (void)find(map, start + j, &place);
            vector[j] = samples_get(map->samples[place], map->offset);
            fits = fits && (map->offset || (TRANSFORM_SIGNED != 0U) || (vector[j] >= 0));
        }
        for (size_t i = 0U; i < TRANSFORM_ROWS; i++) {
            uint32_t sum = (uint32_t)transform_bias[i];

            for (size_t j = 0U; j < TRANSFORM_COLUMNS; j++) {
                sum += (uint32_t)(transform_matrix[i][j] * vector[j]);
            }
            fits =
                fits && huffman_put(&symbols, (uint32_t)scaled(sum, TRANSFORM_SHIFT, HUFFMAN_SYMBOL_BITS) & SYMBOL_MASK);
        }
    }
    return fits && huffman_finish(&symbols);
}

bool transform_decode(bits_input packet, const transform_map *map)
{
    const size_t total = samples_of(map);
    huffman_input symbols;

    if (!fits_matrix(map)) {
        return false;
    }
    huffman_open(&symbols, packet);
    for (size_t start = 0U; (start < total) && (!symbols.failed); start += TRANSFORM_COLUMNS) {
        int32_t components[TRANSFORM_ROWS];

        for (size_t i = 0U; i < TRANSFORM_ROWS; i++) {
            const unsigned symbol = huffman_get(&symbols);

            components[i] = (int32_t)(symbol ^ SYMBOL_SIGN) - (int32_t)SYMBOL_SIGN;
        }
        for (size_t j = 0U; j < TRANSFORM_COLUMNS; j++) {
            uint32_t sum = (uint32_t)transform_inverse_bias[j];
            size_t place;

            for (size_t i = 0U; i < TRANSFORM_ROWS; i++) {
                sum += (uint32_t)(transform_inverse_matrix[j][i] * components[i]);
            }
            if (find(map, start + j, &place)) {
                const int32_t sample = scaled(sum, TRANSFORM_INVERSE_SHIFT, 8U);

                map->samples[place] = samples_put(sample, map->offset, TRANSFORM_SIGNED == 0U);
            }
        }
    }
    return huffman_ended(&symbols);
}
