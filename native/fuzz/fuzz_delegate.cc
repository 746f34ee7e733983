// Throws made-up files at the delegate on a stand-in TFLite: options, shapes, types and buffers
// that are right, nearly right or nonsense. Constants and tensors lie in memory of exactly their
// size, so that AddressSanitizer sees every byte too far. Same seed, same inputs.
//
//   fuzz_delegate COUNT [SEED]
//
// Prints how many were accepted: a mutator that makes only refused files tests nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delegate/delegate.h"
#include "delegate/op.h"
#include "fuzz/mutator.h"

namespace xncaps {
namespace {

void FillInput(Mutator* m, FakeContext* fake, int index) {
  const TfLiteTensor& tensor = fake->tensor(index);
  if (tensor.data == nullptr || tensor.bytes < 4) return;
  const std::vector<uint8_t> values =
      tensor.type == kTfLiteFloat32 ? m->Floats(tensor.bytes / 4) : m->Bytes(tensor.bytes);
  memcpy(tensor.data, values.data(), tensor.bytes / 4 * 4);
}

// What is prepared is also run, but for inputs of more elements: a batch of 65,536, minutes of it,
// shows nothing that three do not.
constexpr size_t kMostBytes = size_t{1} << 17;

TfLiteStatus Invoke(FakeContext* fake, const Made& made) {
  size_t bytes = 0;
  if (!ShapeBytes(&fake->tensor(made.input), &bytes) || bytes > kMostBytes) return kTfLiteError;
  return fake->Invoke({made.input, made.output});
}

// True: accepted and run.
bool OneInput(unsigned seed) {
  Mutator m(seed);
  FakeContext fake;
  const Made made = m.OneIn(2) ? AddCaps(&m, &fake) : AddLce(&m, &fake);
  DelegateOptions options;
  options.num_threads = m.OneIn(20) ? 2 : 1;
  options.isa = m.OneIn(2) ? "scalar" : nullptr;
  TfLiteDelegate* delegate = CreateDelegate(options, nullptr);
  bool ran = false;
  {
    if (fake.Apply(delegate, {made.output}) == kTfLiteOk && fake.replaced() &&
        fake.Prepare() == kTfLiteOk) {
      Invoke(&fake, made);
      FillInput(&m, &fake, made.input);
      ran = Invoke(&fake, made) == kTfLiteOk;
      const TfLiteIntArray* now = fake.tensor(made.input).dims;
      std::vector<int> dims(now->data, now->data + now->size);
      if (!dims.empty()) dims[0] = m.Below(4);
      if (m.OneIn(2))
        for (size_t i = 1; i < dims.size(); ++i) dims[i] = 1 + m.Below(9);
      Spoil(&m, &dims);
      fake.SetDims(made.input, dims);
      if (fake.Prepare() == kTfLiteOk) Invoke(&fake, made);
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
