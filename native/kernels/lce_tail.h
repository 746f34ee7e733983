// What follows a binary convolution, on floats in registers or in memory, as one instruction set's
// compiler has vectors: F is a vector of floats (or a float) with the operators of one. Each step's
// values are rounded before the next one: the results are those of one op after the other.
#ifndef XNCAPS_KERNELS_LCE_TAIL_H_
#define XNCAPS_KERNELS_LCE_TAIL_H_

#include "kernels/lce_kernels.h"
#include "kernels/memory.h"

namespace xncaps {
namespace {

template <typename F>
inline F LoadFloats(const float* p) {
  F x;
  memcpy(&x, p, sizeof x);
  return x;
}

template <typename F>
inline void StoreFloats(float* p, F x) {
  memcpy(p, &x, sizeof x);
}

// As XNNPACK has them where a value is not a number or a zero has a sign.
template <typename F>
inline F Smaller(F a, F b) {
  return a < b ? a : b;
}
template <typename F>
inline F Larger(F a, F b) {
  return a > b ? a : b;
}

// y[i] = function(y[i], x[i]), i < count; vectors of x lie one behind the other.
template <typename F, typename Function>
inline __attribute__((always_inline)) void OnEach(F* y, const float* x, size_t count,
                                                  Function function) {
#pragma GCC unroll 8
  for (size_t i = 0; i < count; ++i)
    y[i] = function(y[i], LoadFloats<F>(x + i * (sizeof(F) / sizeof(float))));
}

// A step on `count` vectors y and those of its operand at x.
template <typename F>
inline __attribute__((always_inline)) void TailStepOn(const TailStep& step, F* y, const float* x,
                                                      size_t count) {
  switch (step.op) {
    case TailOp::kAdd:
      return OnEach(y, x, count, [](F a, F b) { return a + b; });
    case TailOp::kMul:
      return OnEach(y, x, count, [](F a, F b) { return a * b; });
    case TailOp::kMin:
      return OnEach(y, x, count, [](F a, F b) { return Smaller(a, b); });
    case TailOp::kMax:
      return OnEach(y, x, count, [](F a, F b) { return Larger(a, b); });
    case TailOp::kClamp: {
      const F low = F{} + step.low, high = F{} + step.high;
#pragma GCC unroll 8
      for (size_t i = 0; i < count; ++i) y[i] = Smaller(high, Larger(low, y[i]));
    }
  }
}

// Steps on rows of memory.
void ApplyTail(const TailStep* steps, int count, float* values, size_t first, size_t rows,
               size_t cols) {
  constexpr size_t kAtOnce = 2048;  // floats: they stay in the first cache for all steps
  const size_t part = cols >= kAtOnce ? 1 : kAtOnce / cols;
  for (size_t done = 0; done < rows; done += part) {
    const size_t now = rows - done < part ? rows - done : part;
    float* y = values + done * cols;
    for (int s = 0; s < count; ++s) {
      const TailStep& step = steps[s];
      if (!step.per_channel) {
        const float* x = step.operand == nullptr ? nullptr : step.operand + first + done * cols;
        TailStepOn(step, y, x, now * cols);
        continue;
      }
      for (size_t r = 0; r < now; ++r) TailStepOn(step, y + r * cols, step.operand, cols);
    }
  }
}

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_LCE_TAIL_H_
