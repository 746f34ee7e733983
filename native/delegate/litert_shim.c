/* A library under the name that LiteRT looks for in an environment's runtime path. It is empty but
 * for its need of libxncaps_delegate, in which LiteRT's dlsym then finds LiteRtAcceleratorImpl. */
#include "xncaps/xncaps.h"

extern const char LiteRtAcceleratorImpl[];
extern XNCAPS_EXPORT const void* const xncaps_litert_accelerator;
const void* const xncaps_litert_accelerator = LiteRtAcceleratorImpl;
