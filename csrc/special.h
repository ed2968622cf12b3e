/*
 * The texts of special tokens, for an encoding to give out.
 */
#ifndef HM_SPECIAL_H
#define HM_SPECIAL_H

#include "harmony.h"

#define HM_FIRST_SPECIAL HARMONY_TOKEN_STARTOFTEXT
#define HM_SPECIAL_COUNT (HARMONY_TOKEN_LIMIT - HM_FIRST_SPECIAL)
#define HM_SPECIAL_ROOM 20 /* "<|reserved_201088|>" and a NUL */

/* By their ids less the first. */
typedef struct hm_special {
    char text[HM_SPECIAL_COUNT][HM_SPECIAL_ROOM];
} hm_special;

/* Write the text of each special token. */
void hm_spell_special(hm_special *special);

#endif
