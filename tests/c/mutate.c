/*
 * A fuzz target without a fuzzer, as fast as it goes: inputs that it knows,
 * each changed in a few places, with nothing measured. A fuzzer finds what
 * reaches new code; this tries what it found in many more forms.
 *
 * mutate COUNT SEED FILE... What breaks the target is written to `mutated`.
 */
#include <signal.h>
#include <stdio.h>

#include "fuzz.h"

#define LONGEST 128

struct known {
    uint8_t **bytes;
    size_t *sizes;
    size_t count;
};

static uint8_t input[2 * LONGEST];
static size_t input_size;

static void keep_input(int number)
{
    FILE *file = fopen("mutated", "wb");

    if (file != NULL) {
        fwrite(input, 1, input_size, file);
        fclose(file);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* Put some bytes in the place of `removed` others at a position. */
static void replace(size_t at, size_t removed, const uint8_t *bytes,
                    size_t added)
{
    memmove(input + at + added, input + at + removed,
            input_size - at - removed);
    memcpy(input + at, bytes, added);
    input_size += added - removed;
    if (input_size > LONGEST)
        input_size = LONGEST;
}

/* Change the input in one place: bytes of another one, of its own or new ones,
 * in place of some or of none; new ones are small in half of all cases, as what
 * stands for special tokens is. */
static void mutate(const struct known *known, uint64_t *seed)
{
    uint8_t fresh[4];
    const uint8_t *from = fresh;
    size_t at = random_below(seed, (uint32_t)input_size + 1), other, i;
    size_t left = input_size - at, added = random_below(seed, 5);
    size_t removed = random_below(seed, 5);

    for (i = 0; i < sizeof fresh; i++)
        fresh[i] = (uint8_t)random_below(seed, i % 2 == 0 ? 16 : 256);
    if (random_below(seed, 4) == 0) {
        other = random_below(seed, (uint32_t)known->count);
        added = random_below(seed, (uint32_t)known->sizes[other] + 1);
        from = known->bytes[other] + known->sizes[other] - added;
    }
    replace(at, removed < left ? removed : left, from, added);
}

static void read_known(struct known *known, char **paths, size_t count)
{
    size_t i;

    known->count = count;
    known->bytes = room(count * sizeof *known->bytes);
    known->sizes = room(count * sizeof *known->sizes);
    for (i = 0; i < count; i++) {
        known->bytes[i] = (uint8_t *)read_file(paths[i], known->sizes + i);
        if (known->sizes[i] > LONGEST)
            known->sizes[i] = LONGEST;
    }
}

static void free_known(struct known *known)
{
    size_t i;

    for (i = 0; i < known->count; i++)
        free(known->bytes[i]);
    free(known->bytes);
    free(known->sizes);
}

int main(int count, char **arguments)
{
    struct known known;
    unsigned long i, turns;
    uint64_t seed;
    uint32_t changes;

    if (count < 4)
        return EXIT_FAILURE;
    turns = strtoul(arguments[1], NULL, 10);
    seed = strtoul(arguments[2], NULL, 10);
    read_known(&known, arguments + 3, (size_t)count - 3);
    signal(SIGABRT, keep_input);
    signal(SIGSEGV, keep_input);
    for (i = 0; i < turns; i++) {
        size_t base = random_below(&seed, (uint32_t)known.count);

        input_size = known.sizes[base];
        memcpy(input, known.bytes[base], input_size);
        for (changes = random_below(&seed, 4) + 1; changes > 0; changes--)
            mutate(&known, &seed);
        LLVMFuzzerTestOneInput(input, input_size);
    }
    free_known(&known);
    printf("mutate: %lu inputs\n", turns);
    return EXIT_SUCCESS;
}
