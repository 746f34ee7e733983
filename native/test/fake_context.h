// A stand-in for TFLite: tensors and nodes that a test or the fuzzer makes up, one delegate kernel.
#ifndef XNCAPS_TEST_FAKE_CONTEXT_H_
#define XNCAPS_TEST_FAKE_CONTEXT_H_

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memory>
#include <string>
#include <vector>

#include "delegate/tflite_abi.h"

namespace xncaps {
namespace testing_support {

using tflite::kBuiltinCustom;
using tflite::kTfLiteArenaRw;
using tflite::kTfLiteError;
using tflite::kTfLiteFloat16;
using tflite::kTfLiteFloat32;
using tflite::kTfLiteInt32;
using tflite::kTfLiteMmapRo;
using tflite::kTfLiteOk;
using tflite::TfLiteContext;
using tflite::TfLiteDelegate;
using tflite::TfLiteDelegateParams;
using tflite::TfLiteIntArray;
using tflite::TfLiteNode;
using tflite::TfLiteRegistration;
using tflite::TfLiteStatus;
using tflite::TfLiteTensor;
using tflite::TfLiteType;

// TFLite's struct as a later version may have it.
struct LongerRegistration {
  TfLiteRegistration known;
  void* more[5];
};

// What the host takes by value, as it declares it.
enum class Host { kOfToday, kLater };

class FakeContext {
 public:
  explicit FakeContext(Host host = Host::kOfToday) {
    memset(&context_, 0, sizeof context_);
    context_.impl_ = this;
    context_.GetExecutionPlan = GetPlan;
    context_.ResizeTensor = Resize;
    context_.ReportError = Report;
    context_.GetNodeAndRegistration = GetNode;
    // As in a real host, the function's own type differs from the one that the delegate declares.
    typedef void (*Any)();
    const Any replace = host == Host::kOfToday ? reinterpret_cast<Any>(Replace)
                                               : reinterpret_cast<Any>(ReplaceLater);
    context_.ReplaceNodeSubsetsWithDelegateKernels =
        reinterpret_cast<decltype(context_.ReplaceNodeSubsetsWithDelegateKernels)>(replace);
    context_.recommended_num_threads = -1;
  }
  FakeContext(const FakeContext&) = delete;
  FakeContext& operator=(const FakeContext&) = delete;
  ~FakeContext() {
    Release();
    for (auto& tensor : tensors_) free(tensor.dims);
  }

  // A constant where `data` is not null: then `bytes` of it are copied to memory of exactly that
  // size.
  int AddTensor(TfLiteType type, const std::vector<int>& dims, const void* data = nullptr,
                size_t bytes = 0) {
    TfLiteTensor tensor;
    memset(&tensor, 0, sizeof tensor);
    tensor.type = type;
    tensor.dims = Array(dims);
    tensor.name = "tensor";
    tensor.allocation_type = data != nullptr ? kTfLiteMmapRo : kTfLiteArenaRw;
    if (data != nullptr) {
      constants_.emplace_back(new char[bytes]);
      memcpy(constants_.back().get(), data, bytes);
      tensor.data = constants_.back().get();
    }
    tensor.bytes = data != nullptr ? bytes : Bytes(type, tensor.dims);
    tensors_.push_back(tensor);
    return static_cast<int>(tensors_.size()) - 1;
  }

  int AddNode(const std::string& name, const std::vector<int>& inputs,
              const std::vector<int>& outputs, const std::vector<uint8_t>& options) {
    nodes_.emplace_back(new Node);
    Node& node = *nodes_.back();
    node.name = name;
    node.options.reset(new uint8_t[options.size() + 1]);
    if (!options.empty()) memcpy(node.options.get(), options.data(), options.size());
    memset(&node.node, 0, sizeof node.node);
    memset(&node.registration, 0, sizeof node.registration);
    node.node.inputs = Array(inputs);
    node.node.outputs = Array(outputs);
    node.node.custom_initial_data = node.options.get();
    node.node.custom_initial_data_size = static_cast<int>(options.size());
    node.registration.builtin_code = kBuiltinCustom;
    node.registration.custom_name = node.name.c_str();
    return static_cast<int>(nodes_.size()) - 1;
  }

  // Applies the delegate; all its nodes become one kernel. `outputs`: tensors that TFLite sees.
  TfLiteStatus Apply(TfLiteDelegate* delegate, const std::vector<int>& outputs) {
    outputs_ = outputs;
    context_.tensors = tensors_.data();
    context_.tensors_size = tensors_.size();
    return delegate->Prepare(&context_, delegate);
  }

  TfLiteStatus Prepare() { return kernel_.prepare(&context_, &node_); }

  // Gives every tensor of the outside memory of exactly its size, then runs.
  TfLiteStatus Invoke(const std::vector<int>& outside) {
    for (int index : outside) {
      TfLiteTensor& tensor = tensors_[index];
      if (tensor.allocation_type == kTfLiteMmapRo) continue;
      tensor.bytes = Bytes(tensor.type, tensor.dims);
      if (tensor.bytes > (size_t{1} << 28)) return kTfLiteError;
      if (sizes_.size() <= static_cast<size_t>(index))
        sizes_.resize(index + 1), memory_.resize(index + 1);
      if (memory_[index] == nullptr || sizes_[index] != tensor.bytes) {
        memory_[index].reset(new char[tensor.bytes]());
        sizes_[index] = tensor.bytes;
      }
      tensor.data = memory_[index].get();
    }
    return kernel_.invoke(&context_, &node_);
  }

  // Frees the delegate's kernel, as an interpreter does before its delegates go.
  void Release() {
    if (kernel_.init != nullptr) kernel_.free(&context_, node_.user_data);
    kernel_.init = nullptr;
  }

  TfLiteTensor& tensor(int index) { return tensors_[index]; }
  void SetDims(int index, const std::vector<int>& dims) {
    free(tensors_[index].dims);
    tensors_[index].dims = Array(dims);
  }
  TfLiteContext* context() { return &context_; }
  int claimed() const { return claimed_; }
  bool replaced() const { return kernel_.init != nullptr; }
  const std::string& error() const { return error_; }

 private:
  struct Node {
    std::string name;
    std::unique_ptr<uint8_t[]> options;
    TfLiteNode node;
    TfLiteRegistration registration;
    ~Node() {
      free(node.inputs);
      free(node.outputs);
    }
  };

  static TfLiteIntArray* Array(const std::vector<int>& values) {
    auto* array = static_cast<TfLiteIntArray*>(malloc(sizeof(int) * (values.size() + 1)));
    array->size = static_cast<int>(values.size());
    if (!values.empty()) memcpy(array->data, values.data(), sizeof(int) * values.size());
    return array;
  }
  static size_t Bytes(TfLiteType type, const TfLiteIntArray* dims) {
    size_t bytes = type == kTfLiteFloat32 || type == kTfLiteInt32 ? 4
                   : type == kTfLiteFloat16                       ? 2
                                                                  : 1;
    for (int i = 0; i < dims->size; ++i) {
      const size_t dim = dims->data[i] < 0 ? 0 : static_cast<size_t>(dims->data[i]);
      if (__builtin_mul_overflow(bytes, dim, &bytes)) return SIZE_MAX;
    }
    return bytes;
  }
  static FakeContext* Self(TfLiteContext* context) {
    return static_cast<FakeContext*>(context->impl_);
  }

  static TfLiteStatus GetPlan(TfLiteContext* context, TfLiteIntArray** plan) {
    FakeContext* self = Self(context);
    std::vector<int> all;
    for (size_t i = 0; i < self->nodes_.size(); ++i) all.push_back(static_cast<int>(i));
    self->plan_.reset(Array(all));
    *plan = self->plan_.get();
    return kTfLiteOk;
  }
  static TfLiteStatus GetNode(TfLiteContext* context, int index, TfLiteNode** node,
                              TfLiteRegistration** registration) {
    FakeContext* self = Self(context);
    if (index < 0 || static_cast<size_t>(index) >= self->nodes_.size()) return kTfLiteError;
    *node = &self->nodes_[index]->node;
    *registration = &self->nodes_[index]->registration;
    return kTfLiteOk;
  }
  static TfLiteStatus Resize(TfLiteContext*, TfLiteTensor* tensor, TfLiteIntArray* dims) {
    if (tensor->allocation_type == kTfLiteMmapRo) {
      free(dims);
      return kTfLiteError;
    }
    free(tensor->dims);
    tensor->dims = dims;
    tensor->bytes = Bytes(tensor->type, dims);
    return kTfLiteOk;
  }
  static void Report(TfLiteContext* context, const char* format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Self(context)->error_ = text;
  }
  static TfLiteStatus ReplaceLater(TfLiteContext* context, LongerRegistration registration,
                                   const TfLiteIntArray* nodes, TfLiteDelegate* delegate) {
    for (const void* more : registration.more) {
      if (more != nullptr) return kTfLiteError;
    }
    return Replace(context, registration.known, nodes, delegate);
  }
  static TfLiteStatus Replace(TfLiteContext* context, TfLiteRegistration registration,
                              const TfLiteIntArray* nodes, TfLiteDelegate* delegate) {
    FakeContext* self = Self(context);
    self->claimed_ = nodes->size;
    self->kernel_ = registration;
    std::unique_ptr<TfLiteIntArray, void (*)(void*)> outputs(Array(self->outputs_), free),
        none(Array({}), free);
    TfLiteDelegateParams params = {delegate, const_cast<TfLiteIntArray*>(nodes), none.get(),
                                   outputs.get()};
    memset(&self->node_, 0, sizeof self->node_);
    self->node_.user_data =
        self->kernel_.init(context, reinterpret_cast<const char*>(&params), sizeof params);
    return kTfLiteOk;
  }

  struct Free {
    void operator()(void* p) const { free(p); }
  };

  TfLiteContext context_;
  std::vector<TfLiteTensor> tensors_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<char[]>> constants_, memory_;
  std::vector<size_t> sizes_;
  std::unique_ptr<TfLiteIntArray, Free> plan_;
  std::vector<int> outputs_;
  TfLiteRegistration kernel_ = {};
  TfLiteNode node_ = {};
  std::string error_;
  int claimed_ = 0;
};

}  // namespace testing_support
}  // namespace xncaps

#endif  // XNCAPS_TEST_FAKE_CONTEXT_H_
