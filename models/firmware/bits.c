/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of bits; see bits.h.
 */
#include "bits.h"

bool bits_put(bits_output *stream, uint32_t value, unsigned length)
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

uint32_t bits_get(bits_reader *from, unsigned length)
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

bool bits_ended(bits_reader *from, unsigned word_bits)
{
    bool zeros = (!from->failed) && ((from->stream.bits - from->position) < word_bits);

    while (zeros && (from->position < from->stream.bits)) {
        zeros = (bits_get(from, 1U) == 0U);
    }
    return zeros;
}

bool bits_put_run(bits_output *stream, uint32_t run, unsigned field)
{
    return (run == 0U) || (bits_put(stream, 0U, 1U) && bits_put(stream, run - 1U, field));
}

size_t bits_get_run(bits_reader *from, unsigned field, size_t most)
{
    const size_t run = (size_t)bits_get(from, field) + 1U;

    if (run > most) {
        from->failed = true;
        return 0U;
    }
    return run;
}
