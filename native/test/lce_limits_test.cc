// What larq-compute-engine's ops refuse: sizes past the limits, and memory smaller than they touch.
#include <stdint.h>

#include <vector>

#include "kernels/lce.h"
#include "kernels/thread_pool.h"
#include "test/guarded.h"
#include "test/isa_main.h"
#include "test/lce_conv.h"

namespace xncaps {
namespace {

class LceLimitsTest : public IsaTest {};
XNCAPS_FOR_EACH_ISA(LceLimitsTest);

TEST(LceLimits, ImpossibleOnesAreRefused) {
  int count = 0;
  const LceKernels* kernels = AllIsas(&count)->lce;
  Conv conv(Params(3, 3, 32, 1, LceOutput::kFloat), 1);
  BconvLayer layer;
  ASSERT_EQ(layer.Pack(conv.params, conv.constants(), kernels), Status::kOk);
  EXPECT_EQ(layer.Resize(1, INT32_MAX, 1), Status::kOverLimit);
  EXPECT_EQ(layer.Resize(0, 3, 1), Status::kTooLarge);
  conv.params.y.dilation = INT32_MAX;
  EXPECT_EQ(layer.Pack(conv.params, conv.constants(), kernels), Status::kOk);
  EXPECT_EQ(layer.Resize(3, 3, 1), Status::kTooLarge);
  conv.params.y.filter = conv.params.x.filter = 1 << 30;
  EXPECT_EQ(layer.Pack(conv.params, conv.constants(), kernels), Status::kTooLarge);
}

// Rows that lie far apart are all kept at once: for one thread up to the limit, for several up to
// the same limit, on as many of them as it allows.
TEST_P(LceLimitsTest, AnExtremeDilationIsRefusedAndALargeOneTakesFewerThreads) {
  Conv conv(Params(3, 3, 32, 5, LceOutput::kFloat), 1);
  conv.params.y.dilation = 1 << 26;
  BconvLayer layer;
  ASSERT_EQ(layer.Pack(conv.params, conv.constants(), GetParam()->lce), Status::kOk);
  EXPECT_EQ(layer.Resize(3, 3, 1), Status::kOverLimit);
  conv.params.y.dilation = 1 << 17;
  ASSERT_EQ(layer.Pack(conv.params, conv.constants(), GetParam()->lce), Status::kOk);
  ThreadPool* pool = ThreadPool::Create(kMaxThreads);
  ASSERT_EQ(layer.Resize(3, 3, kMaxThreads), Status::kOk);
  EXPECT_LT(layer.threads(), kMaxThreads);
  std::vector<char> out(conv.out_bytes());
  ASSERT_EQ(layer.Run(pool, In(conv.in), 1, Out(&out)), Status::kOk);
  EXPECT_EQ(out, Reference(conv));
  ThreadPool::Delete(pool);
}

// A file may say any number of rows of nothing: they take no time.
TEST_P(LceLimitsTest, RowsOfNothingAreNotWalked) {
  const LceKernels& kernels = *GetParam()->lce;
  const size_t rows = SIZE_MAX / 64;
  const ConstBytes in = {nullptr, 0};
  const Bytes out = {nullptr, 0};
  EXPECT_EQ(LceQuantize(kernels, nullptr, LceType::kFloat, in, rows, 0, 0, out), Status::kOk);
  EXPECT_EQ(LceDequantize(kernels, nullptr, LceType::kInt8, in, rows, 0, 0, 0, out), Status::kOk);
  BmaxPool pool;
  pool.y.in = pool.x.in = 1 << 28;
  ASSERT_TRUE(pool.y.Place() && pool.x.Place());
  EXPECT_EQ(LceMaxPool(kernels, nullptr, pool, in, 1, out), Status::kOk);
}

// Memory one byte smaller than what would be touched is not touched.
TEST_P(LceLimitsTest, TensorsThatAreTooSmallAreRefused) {
  const LceKernels& kernels = *GetParam()->lce;
  const Conv conv(Params(3, 3, 40, 9, LceOutput::kInt8), 2);
  BconvLayer layer;
  ASSERT_EQ(layer.Pack(conv.params, conv.constants(), &kernels), Status::kOk);
  ASSERT_EQ(layer.Resize(3, 3, 1), Status::kOk);
  BmaxPool pool;
  pool.y.in = pool.x.in = 4, pool.y.filter = pool.x.filter = 2, pool.words = 1;
  ASSERT_TRUE(pool.y.Place() && pool.x.Place());
  const auto run = [&](int op, ConstBytes in, Bytes out) {
    if (op == 0) return layer.Run(nullptr, in, 2, out);
    if (op == 1) return LceQuantize(kernels, nullptr, LceType::kFloat, in, 3, 33, 0, out);
    if (op == 2) return LceDequantize(kernels, nullptr, LceType::kInt8, in, 3, 33, 1, -1, out);
    return LceMaxPool(kernels, nullptr, pool, in, 2, out);
  };
  const size_t in_bytes[] = {2 * 3 * 3 * 2 * 4, 3 * 33 * 4, 3 * 2 * 4, 2 * 4 * 4 * 4};
  const size_t out_bytes[] = {2 * 3 * 3 * 9, 3 * 2 * 4, 3 * 33, 2 * 3 * 3 * 4};
  for (int op = 0; op < 4; ++op) {
    const Guarded in(in_bytes[op]), out(out_bytes[op]);
    const Guarded short_in(in_bytes[op] - 1), short_out(out_bytes[op] - 1);
    EXPECT_EQ(run(op, in.in(), out.out()), Status::kOk) << op;
    EXPECT_EQ(run(op, short_in.in(), out.out()), Status::kTooSmall) << op;
    EXPECT_EQ(run(op, in.in(), short_out.out()), Status::kTooSmall) << op;
    EXPECT_EQ(run(op, {nullptr, 0}, out.out()), Status::kTooSmall) << op;
  }
}

}  // namespace
}  // namespace xncaps
