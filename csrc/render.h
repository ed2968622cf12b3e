/*
 * What is left out of a prompt, for callers that render messages one by one.
 */
#ifndef HM_RENDER_H
#define HM_RENDER_H

#include "harmony.h"

/* The index before which a rule, a harmony_drop, leaves out analysis: every
 * message that hm_is_analysis. No rule reaches the very last message. Of the
 * messages, only roles and channels count. */
size_t hm_kept_from(const harmony_conversation *conversation, int32_t rule);

int hm_is_analysis(const harmony_conversation *conversation, size_t index);

#endif
