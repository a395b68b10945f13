/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of 8 bits, in bytes: signed, or unsigned, which with `offset` count from 128.
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

/* Take a byte as a signed number. */
int32_t samples_get(uint8_t byte, bool offset);

/* Turn a number, saturated, into a byte; with `positive` to one that is not negative, unless there is an offset. */
uint8_t samples_put(int32_t number, bool offset, bool positive);

#endif
