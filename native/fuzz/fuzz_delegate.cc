// Throws made-up graphs at the delegate on a stand-in TFLite: nodes, options, shapes, types and
// buffers that are right, nearly right or nonsense. Constants and tensors lie in memory of exactly
// their size, so that AddressSanitizer sees every byte too far. An input's bytes are the decisions.
//
// Built with clang and XNCAPS_LIBFUZZER it is libFuzzer's, which the coverage guides. Else, with
// any compiler:
//
//   fuzz_delegate COUNT [SEED]
//
// Both print how many were accepted: a fuzzer that makes only refused graphs tests nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delegate/delegate.h"
#include "delegate/op.h"
#include "fuzz/graph.h"

namespace xncaps {
namespace {

long inputs_seen = 0, inputs_run = 0;

void PrintCounts() {
  fprintf(stderr, "%ld inputs, %ld accepted and run\n", inputs_seen, inputs_run);
}

void Fill(Mutator* m, FakeContext* fake, int index) {
  const TfLiteTensor& tensor = fake->tensor(index);
  if (tensor.allocation_type == tflite::kTfLiteMmapRo || !fake->Holds(index)) return;
  if (tensor.bytes < 4) return;
  const std::vector<uint8_t> values =
      tensor.type == kTfLiteFloat32 ? m->Floats(tensor.bytes / 4) : m->Bytes(tensor.bytes);
  memcpy(tensor.data, values.data(), tensor.bytes / 4 * 4);
}

// What is prepared is also run, but for tensors of more bytes: a batch of 65,536, minutes of it,
// shows nothing that three do not.
constexpr size_t kMostBytes = size_t{1} << 16;

tflite::TfLiteStatus Invoke(FakeContext* fake) {
  const std::vector<int> outside = fake->Outside();
  for (int index : outside) {
    size_t bytes = 0;
    if (!ShapeBytes(&fake->tensor(index), &bytes) || bytes > kMostBytes) return kTfLiteError;
  }
  return fake->Invoke(outside);
}

void ChangeShape(Mutator* m, FakeContext* fake, int index) {
  if (fake->tensor(index).allocation_type == tflite::kTfLiteMmapRo) return;
  const tflite::TfLiteIntArray* now = fake->tensor(index).dims;
  std::vector<int> dims(now->data, now->data + now->size);
  if (!dims.empty()) dims[0] = m->Below(4);
  if (m->OneIn(2))
    for (size_t i = 1; i < dims.size(); ++i) dims[i] = 1 + m->Below(9);
  Spoil(m, &dims);
  fake->SetDims(index, dims);
}

// True: accepted and run.
bool OneInput(const uint8_t* data, size_t size) {
  Mutator m(data, size);
  FakeContext fake;
  DelegateOptions options;
  options.num_threads = m.OneIn(20) ? 2 : 1;
  options.isa = m.OneIn(2) ? "scalar" : nullptr;
  Graph graph(&m, &fake);
  graph.AddNodes();
  TfLiteDelegate* delegate = CreateDelegate(options, nullptr);
  bool ran = false;
  if (fake.Apply(delegate, graph.Outputs()) == kTfLiteOk && fake.replaced() &&
      fake.Prepare() == kTfLiteOk) {
    (void)Invoke(&fake);
    for (int index : graph.fed()) Fill(&m, &fake, index);
    ran = Invoke(&fake) == kTfLiteOk;
    if (m.OneIn(2)) {
      for (int index : graph.fed()) ChangeShape(&m, &fake, index);
      // Also without being prepared again: a host's own nodes change shapes as they run.
      if (m.OneIn(4) || fake.Prepare() == kTfLiteOk) (void)Invoke(&fake);
    }
  }
  fake.Release();
  DeleteDelegate(delegate);
  return ran;
}

}  // namespace
}  // namespace xncaps

// A file may say shapes of any size: there is not memory for all of them.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:max_allocation_size_mb=256";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (xncaps::inputs_seen++ == 0) atexit(xncaps::PrintCounts);
  xncaps::inputs_run += xncaps::OneInput(data, size) ? 1 : 0;
  return 0;
}

#ifndef XNCAPS_LIBFUZZER
int main(int argc, char** argv) {
  const long count = argc > 1 ? atol(argv[1]) : 20000;
  unsigned state = argc > 2 ? static_cast<unsigned>(atol(argv[2])) : 1;
  std::vector<uint8_t> data(400);
  for (long i = 0; i < count; ++i) {
    for (auto& byte : data)
      byte = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    LLVMFuzzerTestOneInput(data.data(), data.size());
  }
  if (xncaps::inputs_run * 10 < count) {
    fprintf(stderr, "fewer than a tenth were accepted: the mutator tests too little\n");
    return 1;
  }
  return 0;
}
#endif
