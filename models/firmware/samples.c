/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of 8 bits; see samples.h.
 */
#include "samples.h"

int32_t samples_get(uint8_t byte, bool offset)
{
    return offset ? ((int32_t)byte - 128) : (((int32_t)byte ^ 128) - 128);
}

uint8_t samples_put(int32_t number, bool offset, bool positive)
{
    const int32_t lowest = (positive && (!offset)) ? 0 : -128;
    const int32_t sample = (number < lowest) ? lowest : ((number > 127) ? 127 : number);

    return (uint8_t)(offset ? (sample + 128) : (sample & 255));
}
