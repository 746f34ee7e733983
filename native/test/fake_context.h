// A stand-in for TFLite: tensors and nodes that a test or the fuzzer makes up. As TFLite does, it
// makes one kernel of each run of nodes that the delegate claims; the other nodes are its own.
#ifndef XNCAPS_TEST_FAKE_CONTEXT_H_
#define XNCAPS_TEST_FAKE_CONTEXT_H_

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
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

  // A node of the host's: gives its outputs one shape when it is prepared, another when it runs.
  int AddHostNode(const std::vector<int>& inputs, const std::vector<int>& outputs,
                  const std::vector<int>& prepared, const std::vector<int>& invoked) {
    const int index = AddNode("Host", inputs, outputs, {});
    nodes_.back()->prepared = prepared;
    nodes_.back()->invoked = invoked;
    return index;
  }

  // A built-in op, which the delegate may claim; else the host's, with outputs of that shape.
  int AddBuiltinNode(int code, const std::vector<int>& inputs, const std::vector<int>& outputs,
                     const std::vector<int>& dims, int activation) {
    const int index = AddHostNode(inputs, outputs, dims, dims);
    Node& node = *nodes_.back();
    node.parameters[0] = activation;
    node.node.builtin_data = node.parameters;
    node.registration.builtin_code = code;
    node.registration.custom_name = nullptr;
    return index;
  }

  // Applies the delegate. `outputs`: tensors of its nodes that the user sees.
  TfLiteStatus Apply(TfLiteDelegate* delegate, const std::vector<int>& outputs) {
    outputs_ = outputs;
    steps_.clear();
    for (size_t i = 0; i < nodes_.size(); ++i) steps_.push_back({static_cast<int>(i), nullptr});
    context_.tensors = tensors_.data();
    context_.tensors_size = tensors_.size();
    return delegate->Prepare(&context_, delegate);
  }

  TfLiteStatus Prepare() {
    for (const Step& step : steps_) {
      if (step.kernel == nullptr)
        GiveShape(*nodes_[step.node], nodes_[step.node]->prepared);
      else if (step.kernel->registration.prepare(&context_, &step.kernel->node) != kTfLiteOk)
        return kTfLiteError;
    }
    return kTfLiteOk;
  }

  // Gives every tensor of the outside memory of exactly its size, then runs.
  TfLiteStatus Invoke(const std::vector<int>& outside) {
    for (int index : outside) {
      if (!Allocate(index)) return kTfLiteError;
    }
    for (const Step& step : steps_) {
      if (step.kernel == nullptr) {
        GiveShape(*nodes_[step.node], nodes_[step.node]->invoked);
        for (int index : Values(nodes_[step.node]->node.outputs)) {
          if (Exists(index) && !Allocate(index)) return kTfLiteError;
        }
      } else if (step.kernel->registration.invoke(&context_, &step.kernel->node) != kTfLiteOk) {
        return kTfLiteError;
      }
    }
    return kTfLiteOk;
  }

  // The tensors that TFLite gives memory: those of its own nodes, and of kernels' outsides.
  std::vector<int> Outside() const {
    std::vector<int> outside;
    for (const Step& step : steps_) {
      const std::vector<int>& inputs =
          step.kernel != nullptr ? step.kernel->inputs : Values(nodes_[step.node]->node.inputs);
      const std::vector<int>& outputs =
          step.kernel != nullptr ? step.kernel->outputs : Values(nodes_[step.node]->node.outputs);
      for (const auto* list : {&inputs, &outputs}) {
        for (int index : *list) {
          if (Exists(index)) outside.push_back(index);
        }
      }
    }
    return outside;
  }

  // Frees the delegate's kernels, as an interpreter does before its delegates go.
  void Release() {
    for (auto& kernel : kernels_) kernel->registration.free(&context_, kernel->node.user_data);
    kernels_.clear();
    steps_.clear();
  }

  TfLiteTensor& tensor(int index) { return tensors_[index]; }
  // Whether the tensor's memory has the size that its shape has now.
  bool Holds(int index) const {
    const size_t at = static_cast<size_t>(index);
    return at < memory_.size() && memory_[at] != nullptr && sizes_[at] == tensors_[at].bytes;
  }
  int tensor_count() const { return static_cast<int>(tensors_.size()); }
  void SetDims(int index, const std::vector<int>& dims) {
    free(tensors_[index].dims);
    tensors_[index].dims = Array(dims);
  }
  TfLiteContext* context() { return &context_; }
  int claimed() const { return claimed_; }
  bool replaced() const { return !kernels_.empty(); }
  const std::string& error() const { return error_; }

 private:
  struct Free {
    void operator()(void* p) const { free(p); }
  };
  struct Node {
    std::string name;
    std::unique_ptr<uint8_t[]> options;
    TfLiteNode node;
    TfLiteRegistration registration;
    std::vector<int> prepared, invoked;
    int parameters[4] = {};
    ~Node() {
      free(node.inputs);
      free(node.outputs);
    }
  };
  struct Kernel {
    TfLiteRegistration registration;
    TfLiteNode node;
    std::vector<int> inputs, outputs;
    std::unique_ptr<TfLiteIntArray, Free> ins, outs;
  };
  struct Step {
    int node;
    Kernel* kernel;  // null: the node is the host's
  };

  static std::vector<int> Values(const TfLiteIntArray* array) {
    return std::vector<int>(array->data, array->data + array->size);
  }
  static bool Contains(const std::vector<int>& list, int value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }
  bool Exists(int index) const { return index >= 0 && index < static_cast<int>(tensors_.size()); }

  void GiveShape(const Node& node, const std::vector<int>& dims) {
    for (int index : Values(node.node.outputs)) {
      if (Exists(index)) Resize(&context_, &tensors_[index], Array(dims));
    }
  }

  bool Allocate(int index) {
    TfLiteTensor& tensor = tensors_[index];
    if (tensor.allocation_type == kTfLiteMmapRo) return true;
    tensor.bytes = Bytes(tensor.type, tensor.dims);
    if (tensor.bytes > (size_t{1} << 24)) return false;
    if (sizes_.size() < tensors_.size())
      sizes_.resize(tensors_.size()), memory_.resize(tensors_.size());
    if (memory_[index] == nullptr || sizes_[index] != tensor.bytes) {
      memory_[index].reset(new char[tensor.bytes]());
      sizes_[index] = tensor.bytes;
    }
    tensor.data = memory_[index].get();
    return true;
  }

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
    int kernels = static_cast<int>(self->nodes_.size());
    for (const Step& step : self->steps_)
      all.push_back(step.kernel == nullptr ? step.node : kernels++);
    self->plan_.reset(Array(all));
    *plan = self->plan_.get();
    return kTfLiteOk;
  }
  static TfLiteStatus GetNode(TfLiteContext* context, int index, TfLiteNode** node,
                              TfLiteRegistration** registration) {
    FakeContext* self = Self(context);
    const size_t count = self->nodes_.size(), at = static_cast<size_t>(index);
    if (index < 0 || at >= count + self->kernels_.size()) return kTfLiteError;
    if (at >= count) {
      *node = &self->kernels_[at - count]->node;
      *registration = &self->kernels_[at - count]->registration;
      return kTfLiteOk;
    }
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
    const std::vector<int> claimed = Values(nodes);
    std::vector<Step> steps;
    for (size_t i = 0; i < self->nodes_.size();) {
      std::vector<int> run;
      while (i < self->nodes_.size() && Contains(claimed, static_cast<int>(i)))
        run.push_back(static_cast<int>(i++));
      if (run.empty())
        steps.push_back({static_cast<int>(i++), nullptr});
      else
        steps.push_back({run[0], self->AddKernel(registration, run, delegate)});
    }
    self->steps_ = steps;
    return kTfLiteOk;
  }

  Kernel* AddKernel(const TfLiteRegistration& registration, const std::vector<int>& run,
                    TfLiteDelegate* delegate) {
    kernels_.emplace_back(new Kernel());
    Kernel* kernel = kernels_.back().get();
    kernel->registration = registration;
    kernel->node.delegate = delegate;
    std::vector<int> made;
    for (int i : run) {
      for (int index : Values(nodes_[i]->node.inputs)) {
        if (!Contains(made, index)) kernel->inputs.push_back(index);
      }
      for (int index : Values(nodes_[i]->node.outputs)) made.push_back(index);
    }
    for (int index : made) {
      bool seen = Contains(outputs_, index);
      for (int i = 0; i < static_cast<int>(nodes_.size()); ++i)
        seen = seen || (!Contains(run, i) && Contains(Values(nodes_[i]->node.inputs), index));
      if (seen) kernel->outputs.push_back(index);
    }
    std::unique_ptr<TfLiteIntArray, Free> nodes(Array(run)), inputs(Array(kernel->inputs)),
        outputs(Array(kernel->outputs));
    kernel->ins.reset(Array(kernel->inputs));
    kernel->outs.reset(Array(kernel->outputs));
    kernel->node.inputs = kernel->ins.get();
    kernel->node.outputs = kernel->outs.get();
    TfLiteDelegateParams params = {delegate, nodes.get(), inputs.get(), outputs.get()};
    kernel->node.user_data =
        registration.init(&context_, reinterpret_cast<const char*>(&params), sizeof params);
    return kernel;
  }

  TfLiteContext context_;
  std::vector<TfLiteTensor> tensors_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<char[]>> constants_, memory_;
  std::vector<size_t> sizes_;
  std::unique_ptr<TfLiteIntArray, Free> plan_;
  std::vector<int> outputs_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<Step> steps_;
  std::string error_;
  int claimed_ = 0;
};

}  // namespace testing_support
}  // namespace xncaps

#endif  // XNCAPS_TEST_FAKE_CONTEXT_H_
