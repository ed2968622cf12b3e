/*
 * Which tokens of rendered messages are trained on.
 */
#ifndef HM_MASK_H
#define HM_MASK_H

#include "harmony.h"

/* Options that were read, and what else every conversation needs. */
typedef struct hm_mask_rule {
    harmony_mask_options options;
    size_t opening; /* tokens of <|start|>assistant */
} hm_mask_rule;

/* Read options, which may be NULL. Errors: those of harmony_mask. */
harmony_status hm_read_mask(const harmony_encoding *encoding,
                            const harmony_mask_options *given,
                            hm_mask_rule *rule, harmony_error *error);

/* Set to 1 what is trained on of a conversation. All of it is 0 before, and
 * the parts are in order and inside the mask. */
void hm_mask(const hm_mask_rule *rule, const harmony_conversation *conversation,
             const harmony_part *parts, int8_t *mask);

#endif
