// Throws made-up files at the delegate on a stand-in TFLite: options, shapes, types and buffers
// that are right, nearly right or nonsense. Constants and tensors lie in memory of exactly their
// size, so that AddressSanitizer sees every byte too far. Same seed, same inputs.
//
//   fuzz_delegate COUNT [SEED]
//
// Prints how many were accepted: a mutator that makes only refused files tests nothing.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <random>
#include <string>

#include "delegate/delegate.h"
#include "test/fake_context.h"

namespace xncaps {
namespace {

using testing_support::FakeContext;
using namespace tflite;  // NOLINT

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  int Below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool OneIn(int n) { return Below(n) == 0; }

  // Small sizes round the kernels' blocks; now and then silly ones.
  int Dim() {
    static const int kNear[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33};
    if (OneIn(60)) {
      static const int kSilly[] = {0, -1, 1 << 30, 2147483647, -2147483647, 65536};
      return kSilly[Below(6)];
    }
    return kNear[Below(12)];
  }

  std::vector<uint8_t> Bytes(size_t count) {
    std::vector<uint8_t> bytes(count);
    for (auto& b : bytes) b = static_cast<uint8_t>(random_());
    return bytes;
  }

  // Floats of every kind: ordinary, zero, denormal, huge, infinite, not a number.
  std::vector<uint8_t> Floats(size_t count) {
    std::vector<uint8_t> bytes(count * 4);
    const bool wild = OneIn(8);
    for (size_t i = 0; i < count; ++i) {
      float x = static_cast<float>(Below(2001) - 1000) * 1e-3f;
      if (wild && OneIn(10)) {
        const float odd[] = {0.0f, -0.0f, 1e-42f, 3e38f, -3e38f, INFINITY, NAN};
        x = odd[Below(7)];
      }
      memcpy(&bytes[i * 4], &x, 4);
    }
    return bytes;
  }

  // {"routing_iterations": R, "version": 1}, often spoilt.
  std::vector<uint8_t> Options() {
    const char text[] = "routing_iterations\0version";
    std::vector<uint8_t> bytes(text, text + sizeof text);
    for (int x : {2, 28, 10, 2, 1, 2, 1 + Below(4), 1, 4, 4, 4, 36, 1})
      bytes.push_back(static_cast<uint8_t>(x));
    if (OneIn(5)) {
      for (int i = Below(4); i >= 0; --i)
        bytes[Below(static_cast<int>(bytes.size()))] = static_cast<uint8_t>(random_());
    }
    if (OneIn(30)) bytes.resize(Below(static_cast<int>(bytes.size())));
    return bytes;
  }

 private:
  std::mt19937 random_;
};

struct Size {
  bool ok = true;
  size_t count = 1;
};

// Elements of a shape, as long as a test can hold them.
Size Count(const std::vector<int>& dims) {
  Size size;
  for (int d : dims) {
    if (d < 0 || d > 4096) size.ok = false;
    if (size.ok) size.count *= static_cast<size_t>(d);
    if (size.count > (1u << 20)) size.ok = false;
  }
  if (!size.ok) size.count = 8;
  return size;
}

void Spoil(Mutator* m, std::vector<int>* dims) {
  if (!m->OneIn(12)) return;
  if (m->OneIn(3))
    dims->push_back(m->Dim());
  else if (m->OneIn(3) && !dims->empty())
    dims->pop_back();
  else if (!dims->empty())
    (*dims)[static_cast<size_t>(m->Below(static_cast<int>(dims->size())))] = m->Dim();
}

// A constant of this shape; its bytes now and then too few or too many.
int Constant(Mutator* m, FakeContext* fake, TfLiteType type, std::vector<int> dims) {
  Spoil(m, &dims);
  const size_t width = type == kTfLiteFloat32 ? 4 : type == kTfLiteFloat16 ? 2 : 1;
  size_t bytes = Count(dims).count * width;
  if (m->OneIn(30)) bytes = bytes > 4 ? bytes - static_cast<size_t>(m->Below(4)) : bytes + 3;
  std::vector<uint8_t> data =
      type == kTfLiteFloat32 ? m->Floats(bytes / 4 + 1) : m->Bytes(bytes + 1);
  const int index = fake->AddTensor(type, dims, data.data(), bytes);
  if (m->OneIn(60)) fake->tensor(index).allocation_type = kTfLiteArenaRw;
  if (m->OneIn(80)) fake->tensor(index).data = nullptr;
  return index;
}

struct Made {
  int input, output;
};

Made AddCaps(Mutator* m, FakeContext* fake) {
  static const char* const kNames[] = {"XnCapsOdr", "XnCapsIdr", "XnCapsFc"};
  const int kind = m->Below(3), n = m->Dim(), d = m->Dim(), j = m->Dim(), e = m->Dim();
  std::vector<int> u_dims = {m->Below(3), n, d}, v_dims = {1, j, e};
  Spoil(m, &u_dims);
  Spoil(m, &v_dims);
  if (m->OneIn(20)) v_dims.clear();
  const TfLiteType other = m->OneIn(40) ? kTfLiteInt8 : kTfLiteFloat32;
  const int u = fake->AddTensor(other, u_dims);
  std::vector<int> inputs = {u};
  if (kind == 0) {
    inputs.push_back(Constant(m, fake, kTfLiteUInt8, {n, j, e, d / 8 + (d % 8 != 0)}));
    const TfLiteType type = m->OneIn(2) ? kTfLiteFloat32 : kTfLiteFloat16;
    if (m->OneIn(2))
      inputs.push_back(Constant(m, fake, type, {n, j, e}));
    else if (m->OneIn(2))
      inputs.push_back(Constant(m, fake, type, {n, j}));
    else if (m->OneIn(2))
      inputs.push_back(-1);
  } else {
    const TfLiteType type = m->OneIn(2) ? kTfLiteFloat32 : kTfLiteFloat16;
    inputs.push_back(Constant(m, fake, type, {n, j, d, e}));
  }
  const int v = fake->AddTensor(kTfLiteFloat32, v_dims);
  std::vector<int> outputs = {v};
  if (m->OneIn(40)) inputs.pop_back();
  if (m->OneIn(40)) inputs.push_back(m->Below(9) - 3);
  if (m->OneIn(60)) outputs.push_back(v);
  if (m->OneIn(60)) outputs[0] = m->Below(200) - 100;
  fake->AddNode(kNames[kind], inputs, outputs, m->Options());
  return {u, v};
}

void FillInput(Mutator* m, FakeContext* fake, int index) {
  const TfLiteTensor& tensor = fake->tensor(index);
  if (tensor.data == nullptr || tensor.bytes < 4) return;
  const std::vector<uint8_t> values = m->Floats(tensor.bytes / 4);
  memcpy(tensor.data, values.data(), tensor.bytes / 4 * 4);
}

// True: accepted and run.
bool OneInput(unsigned seed) {
  Mutator m(seed);
  FakeContext fake;
  const Made made = AddCaps(&m, &fake);
  DelegateOptions options;
  options.num_threads = m.OneIn(20) ? 2 : 1;
  options.isa = m.OneIn(2) ? "scalar" : nullptr;
  TfLiteDelegate* delegate = CreateDelegate(options, nullptr);
  bool ran = false;
  {
    if (fake.Apply(delegate, {made.output}) == kTfLiteOk && fake.replaced() &&
        fake.Prepare() == kTfLiteOk) {
      fake.Invoke({made.input, made.output});
      FillInput(&m, &fake, made.input);
      ran = fake.Invoke({made.input, made.output}) == kTfLiteOk;
      std::vector<int> dims = {m.Below(4), m.Dim(), m.Dim()};
      if (m.OneIn(2)) {
        const TfLiteIntArray* now = fake.tensor(made.input).dims;
        for (int i = 1; i < 3 && i < now->size; ++i) dims[static_cast<size_t>(i)] = now->data[i];
      }
      fake.SetDims(made.input, dims);
      if (fake.Prepare() == kTfLiteOk) fake.Invoke({made.input, made.output});
    }
    fake.Release();
  }
  DeleteDelegate(delegate);
  return ran;
}

}  // namespace
}  // namespace xncaps

int main(int argc, char** argv) {
  const long count = argc > 1 ? atol(argv[1]) : 20000;
  const unsigned seed = argc > 2 ? static_cast<unsigned>(atol(argv[2])) : 1;
  long ran = 0;
  for (long i = 0; i < count; ++i) ran += xncaps::OneInput(seed + static_cast<unsigned>(i)) ? 1 : 0;
  printf("%ld inputs from seed %u, %ld accepted and run\n", count, seed, ran);
  if (ran * 10 < count) {
    fprintf(stderr, "fewer than a tenth were accepted: the mutator tests too little\n");
    return 1;
  }
  return 0;
}
