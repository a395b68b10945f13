/* Run a codec on noise, on memory of exactly the size that it may use: to be compiled with -fsanitize=address. */
#include <stdlib.h>
#include <string.h>

#include HEADER

static uint32_t state = 1U;

static unsigned draw(unsigned below)
{
    state = (state * 1664525U) + 1013904223U;
    return (unsigned)((state >> 8) % below);
}

static void fill(void *data, size_t size, unsigned odds)
{
    for (size_t i = 0U; i < size; i++) {
        ((uint8_t *)data)[i] = (uint8_t)((draw(8U) < odds) ? draw(256U) : 0U);
    }
}

int main(void)
{
    for (unsigned turn = 0U; turn < 4000U; turn++) {
        const size_t count = draw(60U);
        const unsigned odds = draw(9U);
        bits_output outputs[STREAMS];
        bits_input inputs[STREAMS];
        uint8_t *exact[STREAMS];
        WORD *words = malloc(count * sizeof(WORD));
        bool fits;

        fill(words, count * sizeof(WORD), odds);
        for (unsigned i = 0U; i < STREAMS; i++) {
            outputs[i].size = draw(200U);
            outputs[i].data = malloc(outputs[i].size);
        }
        fits = ENCODE(words, count, outputs);
        for (unsigned i = 0U; i < STREAMS; i++) {
            if (!fits) { /* noise, then, else what was written with some of it damaged */
                fill(outputs[i].data, outputs[i].size, odds);
                outputs[i].bits = 8U * outputs[i].size;
            } else if (outputs[i].bits > 0U) {
                outputs[i].data[draw((unsigned)((outputs[i].bits + 7U) / 8U))] ^= (uint8_t)draw(256U);
            }
            exact[i] = malloc((outputs[i].bits + 7U) / 8U);
            (void)memcpy(exact[i], outputs[i].data, (outputs[i].bits + 7U) / 8U);
            inputs[i].data = exact[i];
            inputs[i].bits = outputs[i].bits;
        }
        (void)DECODE(inputs, words, count);
        for (unsigned i = 0U; i < STREAMS; i++) {
            free(outputs[i].data);
            free(exact[i]);
        }
        free(words);
    }
    return 0;
}
