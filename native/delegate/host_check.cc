#include "delegate/host_check.h"

#include "delegate/op.h"

namespace xncaps {

using tflite::TfLiteDelegate;

namespace {

// Larger ones are not counts: a host's memory would not hold them, and halves of pointers are.
constexpr int kMostTensors = 1 << 24, kMostInList = 1 << 20, kMostRank = 64;
constexpr int kMostTypes = 64, kMostBuiltins = 4096, kMostQuantizations = 16, kMostAllocations = 16,
              kMostThreads = 4096;

bool IsPointer(const void* p) {
  return p != nullptr && reinterpret_cast<uintptr_t>(p) % alignof(int) == 0;
}

bool IsList(const TfLiteIntArray* list, int most) {
  return IsPointer(list) && list->size >= 0 && list->size <= most;
}

const char* StrangeContext(const TfLiteContext* context) {
  if (context->tensors_size < 1 || context->tensors_size > static_cast<size_t>(kMostTensors))
    return "the number of tensors";
  if (!IsPointer(context->tensors)) return "the tensors";
  if (!IsPointer(context->impl_)) return "the context";
  if (context->GetExecutionPlan == nullptr || context->ResizeTensor == nullptr ||
      context->GetNodeAndRegistration == nullptr ||
      context->ReplaceNodeSubsetsWithDelegateKernels == nullptr) {
    return "the context's functions";
  }
  const int threads = context->recommended_num_threads;
  return threads < -1 || threads > kMostThreads ? "the number of threads" : nullptr;
}

// An enum's number as it lies in memory: a strange host's need not be one of the enum's.
template <typename Enum>
int NumberOf(const Enum& member) {
  static_assert(sizeof(Enum) == sizeof(int));
  int number = 0;
  memcpy(&number, &member, sizeof number);
  return number;
}

// Members that are no pointers, of one tensor. With another size or order of the struct, an array
// of a few tensors has others' members in their place.
bool IsTensor(const TfLiteTensor& tensor) {
  unsigned char flags[2];
  memcpy(&flags[0], &tensor.data_is_stale, 1);
  memcpy(&flags[1], &tensor.is_variable, 1);
  const int type = NumberOf(tensor.type);
  const int allocation = NumberOf(tensor.allocation_type);
  const int quantization = NumberOf(tensor.quantization.type);
  return type >= 0 && type < kMostTypes && allocation >= 0 && allocation < kMostAllocations &&
         flags[0] <= 1 && flags[1] <= 1 && quantization >= 0 && quantization < kMostQuantizations &&
         (tensor.dims == nullptr || IsPointer(tensor.dims));
}

const char* StrangeTensors(const TfLiteContext* context) {
  const size_t count = context->tensors_size;
  for (size_t i = 0; i < count; ++i) {
    if (!IsTensor(context->tensors[i])) return "a tensor";
  }
  // A file may say odd things of some tensors; it does not of most.
  size_t right = 0, wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    const TfLiteTensor& tensor = context->tensors[i];
    if (tensor.dims == nullptr || TypeSize(tensor.type) == 0) continue;
    if (!IsList(tensor.dims, kMostRank)) return "a tensor's shape";
    if (!IsConstant(&tensor) && tensor.allocation_type != tflite::kTfLiteArenaRw) continue;
    size_t bytes = 0;
    if (!ShapeBytes(&tensor, &bytes)) continue;
    if (bytes == tensor.bytes)
      ++right;
    else
      ++wrong;
  }
  return wrong > right ? "the tensors' bytes" : nullptr;
}

bool IsListOfTensors(const TfLiteIntArray* list, const TfLiteContext* context) {
  if (!IsList(list, kMostInList)) return false;
  for (int i = 0; i < list->size; ++i) {
    const int index = list->data[i];
    if (index < -1 || (index >= 0 && static_cast<size_t>(index) >= context->tensors_size))
      return false;
  }
  return true;
}

const char* StrangeNode(TfLiteContext* context, int index) {
  TfLiteNode* node = nullptr;
  TfLiteRegistration* registration = nullptr;
  if (context->GetNodeAndRegistration(context, index, &node, &registration) != kTfLiteOk ||
      !IsPointer(node) || !IsPointer(registration)) {
    return "a node";
  }
  if (!IsListOfTensors(node->inputs, context) || !IsListOfTensors(node->outputs, context))
    return "a node's tensors";
  if (registration->builtin_code < 0 || registration->builtin_code > kMostBuiltins)
    return "a node's kind";
  if (node->custom_initial_data_size < 0 ||
      (node->custom_initial_data == nullptr && node->custom_initial_data_size > 0)) {
    return "a node's options";
  }
  return nullptr;
}

}  // namespace

const char* StrangeHost(TfLiteContext* context) {
  const char* strange = StrangeContext(context);
  if (strange == nullptr) strange = StrangeTensors(context);
  if (strange != nullptr) return strange;
  TfLiteIntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk || !IsList(plan, kMostTensors))
    return "the execution plan";
  for (int i = 0; i < plan->size && strange == nullptr; ++i)
    strange = StrangeNode(context, plan->data[i]);
  return strange;
}

const char* StrangeReplacement(TfLiteContext* context, const TfLiteDelegate* delegate,
                               const TfLiteRegistration& registration) {
  TfLiteIntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk || !IsList(plan, kMostTensors))
    return "the execution plan";
  for (int i = 0; i < plan->size; ++i) {
    TfLiteNode* node = nullptr;
    TfLiteRegistration* kept = nullptr;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &kept) != kTfLiteOk ||
        !IsPointer(node) || !IsPointer(kept)) {
      return "a node";
    }
    if (kept->init != registration.init || node->delegate != delegate) continue;
    const bool same = kept->free == registration.free && kept->prepare == registration.prepare &&
                      kept->invoke == registration.invoke &&
                      kept->custom_name == registration.custom_name &&
                      kept->version == registration.version;
    return same ? nullptr : "a registration";
  }
  return "the delegate's nodes";
}

}  // namespace xncaps
