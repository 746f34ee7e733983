// What is done to floats before an LceQuantize packs them, in one pass, against one step after the
// other.
#include <math.h>

#include <random>
#include <vector>

#include "kernels/lce.h"
#include "kernels/thread_pool.h"
#include "test/guarded.h"
#include "test/isa_main.h"

namespace xncaps {
namespace {

class LceTailTest : public IsaTest {};
XNCAPS_FOR_EACH_ISA(LceTailTest);

constexpr int kMostSteps = 5;

// Values, steps and their operands, drawn from a seed; one in eight values is no ordinary number.
struct Drawn {
  size_t rows, cols;
  std::mt19937 random;
  std::vector<float> values;
  std::vector<std::vector<float>> operands;
  std::vector<TailStep> steps;

  Drawn(size_t row_count, size_t col_count, unsigned seed)
      : rows(row_count), cols(col_count), random(seed), values(Floats(rows * cols)) {
    const size_t count = 1 + random() % kMostSteps;
    operands.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      TailStep step = {};
      step.op = static_cast<TailOp>((seed + i) % 5);
      if (step.op == TailOp::kClamp) {
        step.low = random() % 2 == 0 ? -0.5f : 0.0f;
        step.high = random() % 2 == 0 ? 1.0f : INFINITY;
      } else {
        step.per_channel = random() % 2 == 0;
        operands.push_back(Floats(step.per_channel ? cols : rows * cols));
        if (step.per_channel) operands.back().resize(cols + kTailBlock);
        step.operand = operands.back().data();
      }
      steps.push_back(step);
    }
  }

  std::vector<float> Floats(size_t count) {
    const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-42f, -1e-42f, -3.4e38f};
    std::uniform_real_distribution<float> uniform(-2, 2);
    std::vector<float> floats(count);
    for (auto& x : floats) x = random() % 8 == 0 ? odd[random() % 9] : uniform(random);
    return floats;
  }

  // Bits, by loops over all values for one step after the other.
  std::vector<uint32_t> Want() const {
    std::vector<float> y = values;
    for (const TailStep& step : steps) {
      for (size_t i = 0; i < y.size(); ++i) {
        const float x =
            step.op == TailOp::kClamp ? 0 : step.operand[step.per_channel ? i % cols : i];
        if (step.op == TailOp::kAdd) y[i] = y[i] + x;
        if (step.op == TailOp::kMul) y[i] = y[i] * x;
        if (step.op == TailOp::kMin) y[i] = y[i] < x ? y[i] : x;
        if (step.op == TailOp::kMax) y[i] = y[i] > x ? y[i] : x;
        if (step.op != TailOp::kClamp) continue;
        const float above = step.low > y[i] ? step.low : y[i];
        y[i] = step.high < above ? step.high : above;
      }
    }
    const size_t words = (cols + 31) / 32;
    std::vector<uint32_t> bits(rows * words);
    for (size_t i = 0; i < y.size(); ++i) {
      if (y[i] <= kLargestNegative) bits[i / cols * words + i % cols / 32] |= 1u << i % cols % 32;
    }
    return bits;
  }

  Status Run(const Isa& isa, ThreadPool* pool, ConstBytes in, Bytes out) const {
    return LceQuantize(*isa.lce, pool, LceType::kFloat, in, rows, cols, 0, out, steps.data(),
                       static_cast<int>(steps.size()));
  }
};

TEST_P(LceTailTest, StepsAndSignsInOnePassAreThoseOfOneStepAfterTheOther) {
  unsigned seed = 0;
  for (size_t cols : {1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 100, 127, 128, 129, 200}) {
    for (size_t rows : {1, 2, 5}) {
      for (int repeat = 0; repeat < 5; ++repeat, ++seed) {
        const Drawn drawn(rows, cols, seed);
        const std::vector<uint32_t> want = drawn.Want();
        Guarded in(drawn.values.data(), drawn.values.size() * 4), out(want.size() * 4);
        ASSERT_EQ(drawn.Run(*GetParam(), nullptr, in.in(), out.out()), Status::kOk);
        for (size_t i = 0; i < want.size(); ++i) {
          ASSERT_EQ(LoadUnaligned<uint32_t>(out.as<char>(), i), want[i])
              << "seed " << seed << ": " << rows << " rows of " << cols << ", word " << i;
        }
      }
    }
  }
}

TEST_P(LceTailTest, ThreadsGiveTheSameAndWhatIsTooSmallIsNotTouched) {
  ThreadPool* pool = ThreadPool::Create(3);
  ASSERT_NE(pool, nullptr);
  for (unsigned seed = 0; seed < 5; ++seed) {
    const Drawn drawn(301, 1003, seed);
    const std::vector<uint32_t> want = drawn.Want();
    std::vector<uint32_t> made(want.size());
    ASSERT_EQ(drawn.Run(*GetParam(), pool, In(drawn.values), Out(&made)), Status::kOk);
    ASSERT_EQ(made, want) << "seed " << seed;
    ConstBytes in = In(drawn.values);
    Bytes out = Out(&made);
    in.size -= 4;
    EXPECT_EQ(drawn.Run(*GetParam(), pool, in, out), Status::kTooSmall);
    in.size += 4, out.size -= 4;
    EXPECT_EQ(drawn.Run(*GetParam(), pool, in, out), Status::kTooSmall);
  }
  ThreadPool::Delete(pool);
}

}  // namespace
}  // namespace xncaps
