/*
 * What a conversation is made of, and checking one that comes from outside.
 */
#ifndef HM_CONVERSATION_H
#define HM_CONVERSATION_H

#include "harmony.h"

/* The roles that have a word: those of messages of their own, from 0 on. */
#define HM_ROLE_COUNT (HARMONY_ROLE_TOOL + 1)

/* The word for a role, in lower case. */
const char *hm_role_word(int32_t role);

/* An absent span. */
harmony_span hm_absent(void);

/* Check that each message has a known role and its spans inside the text, and
 * that the first one continues nothing. Of a further content item, only the
 * content counts. Errors: HARMONY_BAD_ARGUMENT (position: index of the
 * message). */
harmony_status hm_check_conversation(const harmony_conversation *conversation,
                                     harmony_error *error);

#endif
