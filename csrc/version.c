/*
 * The version that is linked, which need not be that of the header.
 */
#include "harmony.h"

const char *harmony_version(void)
{
    return HARMONY_VERSION;
}
