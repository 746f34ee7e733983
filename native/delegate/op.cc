#include "delegate/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delegate/partition.h"
#include "kernels/memory.h"
#include "kernels/sizes.h"

namespace xncaps {

#define XNCAPS_OP(name, type) extern const OpType type;
#include "delegate/ops.inc"
#undef XNCAPS_OP

const OpType* FindOp(const char* name) {
  static const OpType* const kOps[] = {
#define XNCAPS_OP(name, type) &type,
#include "delegate/ops.inc"
#undef XNCAPS_OP
  };
  if (name == nullptr) return nullptr;
  for (const OpType* op : kOps) {
    if (strcmp(op->name, name) == 0) return op;
  }
  return nullptr;
}

size_t TypeSize(TfLiteType type) {
  switch (type) {
    case kTfLiteFloat32:
    case kTfLiteInt32:
      return 4;
    case kTfLiteInt64:
      return 8;
    case kTfLiteFloat16:
      return 2;
    case kTfLiteUInt8:
    case kTfLiteInt8:
    case kTfLiteBool:
      return 1;
    default:
      return 0;
  }
}

const char* TypeName(TfLiteType type) {
  switch (type) {
    case kTfLiteFloat32:
      return "float32";
    case kTfLiteInt32:
      return "int32";
    case kTfLiteInt64:
      return "int64";
    case kTfLiteFloat16:
      return "float16";
    case kTfLiteUInt8:
      return "uint8";
    case kTfLiteInt8:
      return "int8";
    case kTfLiteBool:
      return "bool";
    default:
      return "another type";
  }
}

bool ShapeBytes(const TfLiteTensor* tensor, size_t* bytes) {
  if (tensor->dims == nullptr) return false;
  Sizes sizes;
  *bytes = TypeSize(tensor->type);
  for (int i = 0; i < tensor->dims->size; ++i) {
    if (tensor->dims->data[i] < 0) return false;
    *bytes = sizes.Product(*bytes, static_cast<size_t>(tensor->dims->data[i]));
  }
  return sizes.ok();
}

bool IsConstant(const TfLiteTensor* tensor) {
  return tensor->allocation_type == kTfLiteMmapRo || tensor->allocation_type == kTfLitePersistentRo;
}

const TfLiteTensor* OpContext::Tensor(const TfLiteIntArray* list, int i) const {
  if (i < 0 || i >= list->size) return nullptr;
  const int index = list->data[i];
  if (index < 0 || static_cast<size_t>(index) >= context_->tensors_size) return nullptr;
  return &context_->tensors[index];
}

ConstBytes OpContext::InputBytes(int i) const {
  const TfLiteTensor* tensor = Input(i);
  if (tensor == nullptr) return {nullptr, 0};
  Bytes bytes;
  if (!partition_->OwnBytes(inputs_->data[i], &bytes)) bytes = {tensor->data, tensor->bytes};
  return {bytes.data, bytes.data == nullptr ? 0 : bytes.size};
}

Bytes OpContext::OutputBytes(int i) const {
  const TfLiteTensor* tensor = Output(i);
  if (tensor == nullptr || IsConstant(tensor)) return {nullptr, 0};
  Bytes bytes;
  if (!partition_->OwnBytes(outputs_->data[i], &bytes)) bytes = {tensor->data, tensor->bytes};
  return {bytes.data, bytes.data == nullptr ? 0 : bytes.size};
}

TfLiteStatus OpContext::Ran(Status status) const {
  if (status == Status::kOk) return kTfLiteOk;
  if (status != Status::kTooSmall) return Error("out of memory.");
  char sizes[200];
  size_t used = 0;
  for (int i = 0; i < input_count() + output_count() && used < sizeof sizes; ++i) {
    const bool input = i < input_count();
    const int k = input ? i : i - input_count();
    const size_t size = input ? InputBytes(k).size : OutputBytes(k).size;
    const int n = snprintf(sizes + used, sizeof sizes - used, "%s%s %d: %zu", i == 0 ? "" : ", ",
                           input ? "input" : "output", k, size);
    used += n > 0 ? static_cast<size_t>(n) : 0;
  }
  return Error(
      "expected tensors of at least the bytes that their shapes had when they were prepared. "
      "Received: %s bytes. Another node of the file changes one of them.",
      sizes);
}

TfLiteStatus OpContext::Error(const char* format, ...) const {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  context_->ReportError(context_, "%s (node %d): %s", name_, node_, message);
  return kTfLiteError;
}

TfLiteStatus OpContext::CheckCounts(int min_inputs, int max_inputs, int outputs) const {
  if (input_count() < min_inputs || input_count() > max_inputs) {
    return Error("expected %d to %d inputs. Received: %d.", min_inputs, max_inputs, input_count());
  }
  if (output_count() != outputs) {
    return Error("expected %d output(s). Received: %d.", outputs, output_count());
  }
  return kTfLiteOk;
}

namespace {

// "[1, 128, 8]" of a shape.
const char* ShapeText(const TfLiteIntArray* dims, char* text, size_t size) {
  size_t used = 0;
  for (int i = 0; i < dims->size && used + 16 < size; ++i) {
    const int n = snprintf(text + used, size - used, "%s%d", i == 0 ? "[" : ", ", dims->data[i]);
    used += n > 0 ? static_cast<size_t>(n) : 0;
  }
  snprintf(text + used, size - used, dims->size == 0 ? "[]" : "]");
  return text;
}

}  // namespace

TfLiteStatus OpContext::CheckTensor(const TfLiteTensor* tensor, const char* what, TfLiteType type,
                                    int rank) const {
  char shape[128];
  if (tensor == nullptr) return Error("expected %s. Received: no such tensor.", what);
  const char* tensor_name = tensor->name == nullptr ? "" : tensor->name;
  if (tensor->dims == nullptr) return Error("%s '%.80s' has no shape.", what, tensor_name);
  if (tensor->type != type) {
    return Error("expected %s '%.80s' of %s. Received: %s.", what, tensor_name, TypeName(type),
                 TypeName(tensor->type));
  }
  ShapeText(tensor->dims, shape, sizeof shape);
  if (rank >= 0 && tensor->dims->size != rank) {
    return Error("expected %s '%.80s' of rank %d. Received: %s.", what, tensor_name, rank, shape);
  }
  size_t bytes = 0;
  if (!ShapeBytes(tensor, &bytes)) {
    return Error("%s '%.80s' has an impossible shape %s.", what, tensor_name, shape);
  }
  return kTfLiteOk;
}

TfLiteStatus OpContext::CheckConstant(const TfLiteTensor* tensor, const char* what) const {
  const char* tensor_name = tensor->name == nullptr ? "" : tensor->name;
  if (!IsConstant(tensor) || tensor->data == nullptr) {
    return Error("expected %s '%.80s' to be a constant of the file.", what, tensor_name);
  }
  size_t bytes = 0;
  if (!ShapeBytes(tensor, &bytes) || bytes != tensor->bytes) {
    char shape[128];
    return Error("expected %s '%.80s' to have the bytes of its shape %s. Received: %zu bytes.",
                 what, tensor_name, ShapeText(tensor->dims, shape, sizeof shape), tensor->bytes);
  }
  return kTfLiteOk;
}

TfLiteStatus OpContext::CheckInput(const TfLiteTensor* tensor, const char* what, TfLiteType type,
                                   int rank) const {
  if (CheckTensor(tensor, what, type, rank) != kTfLiteOk) return kTfLiteError;
  return IsConstant(tensor) ? CheckConstant(tensor, what) : kTfLiteOk;
}

TfLiteStatus OpContext::CheckQuantization(const TfLiteTensor* tensor, const char* what) const {
  const float scale = tensor->params.scale;
  const int zero_point = tensor->params.zero_point;
  if (scale > 0.0f && zero_point >= -128 && zero_point <= 127) return kTfLiteOk;
  return Error(
      "expected an int8 %s with a scale > 0 and a zero point within -128 and 127. "
      "Received: scale %g, zero point %d.",
      what, static_cast<double>(scale), zero_point);
}

TfLiteStatus OpContext::IntOption(const char* key, int low, int high, const int* fallback,
                                  int* value) const {
  int64_t number = 0;
  switch (options_.GetInt(key, &number)) {
    case FlexMap::kFound:
      break;
    case FlexMap::kMissing:
      if (fallback == nullptr) return Error("expected an option %s. Received: none.", key);
      *value = *fallback;
      return kTfLiteOk;
    case FlexMap::kNotANumber:
      return Error("expected option %s to be an integer.", key);
    case FlexMap::kMalformed:
      return Error("the options are not a FlexBuffers map.");
  }
  if (number < low || number > high) {
    return Error("expected option %s within %d and %d. Received: %lld.", key, low, high,
                 static_cast<long long>(number));
  }
  *value = static_cast<int>(number);
  return kTfLiteOk;
}

TfLiteStatus OpContext::ResizeOutput(int i, int rank, const int* dims) const {
  const TfLiteTensor* output = Output(i);
  if (output == nullptr) return Error("expected output %d. Received: no such tensor.", i);
  if (output->dims != nullptr && output->dims->size == rank &&
      memcmp(output->dims->data, dims, sizeof(int) * rank) == 0) {
    return kTfLiteOk;
  }
  // ResizeTensor takes ownership and frees with free().
  TfLiteIntArray* shape = static_cast<TfLiteIntArray*>(malloc(sizeof(int) * (rank + 1)));
  if (shape == nullptr) return Error("out of memory");
  shape->size = rank;
  memcpy(shape->data, dims, sizeof(int) * rank);
  const TfLiteStatus status =
      context_->ResizeTensor(context_, &context_->tensors[outputs_->data[i]], shape);
  return status == kTfLiteOk ? status : Error("output %d cannot be resized.", i);
}

}  // namespace xncaps
