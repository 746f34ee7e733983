// Steps on floats [rows, cols] where a convolution has just left them, as one instruction set's
// compiler vectorises them. Each step's values are rounded and stored before the next one: the
// results are those of one op after the other.
#ifndef XNCAPS_KERNELS_LCE_TAIL_H_
#define XNCAPS_KERNELS_LCE_TAIL_H_

#include "kernels/lce_kernels.h"

namespace xncaps {
namespace {

template <typename Function>
inline void ForEach(float* y, const float* x, size_t count, Function function) {
  for (size_t i = 0; i < count; ++i) y[i] = function(y[i], x[i]);
}

// As XNNPACK has them where a value is not a number or a zero has a sign.
inline void TailStepOn(const TailStep& step, float* y, const float* x, size_t count) {
  switch (step.op) {
    case TailOp::kAdd:
      return ForEach(y, x, count, [](float a, float b) { return a + b; });
    case TailOp::kMul:
      return ForEach(y, x, count, [](float a, float b) { return a * b; });
    case TailOp::kMin:
      return ForEach(y, x, count, [](float a, float b) { return a < b ? a : b; });
    case TailOp::kMax:
      return ForEach(y, x, count, [](float a, float b) { return a > b ? a : b; });
    case TailOp::kClamp: {
      const float low = step.low, high = step.high;
      for (size_t i = 0; i < count; ++i) {
        const float raised = y[i] < low ? low : y[i];
        y[i] = raised > high ? high : raised;
      }
    }
  }
}

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
