/*
 * Conversations that come from outside.
 */
#ifndef HM_CONVERSATION_H
#define HM_CONVERSATION_H

#include "harmony.h"

/* Check that each message has a known role and its spans inside the text, and
 * that the first one continues nothing. Of a further content item, only the
 * content counts. Errors: HARMONY_BAD_ARGUMENT (position: index of the
 * message). */
harmony_status hm_check_conversation(const harmony_conversation *conversation,
                                     harmony_error *error);

#endif
