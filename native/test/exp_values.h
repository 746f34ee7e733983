// Exp of the instruction sets, each from a file of its own that has their flags.
#ifndef XNCAPS_TEST_EXP_VALUES_H_
#define XNCAPS_TEST_EXP_VALUES_H_

#include <stddef.h>

namespace xncaps {

// y[i] = Exp(x[i]), count a multiple of 8.
typedef void (*ExpValues)(const float* x, size_t count, float* y);
void ExpPortable(const float* x, size_t count, float* y);
void ExpAvx2(const float* x, size_t count, float* y);
void ExpNeon(const float* x, size_t count, float* y);

}  // namespace xncaps

#endif  // XNCAPS_TEST_EXP_VALUES_H_
