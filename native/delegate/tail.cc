#include "delegate/tail.h"

#include <string.h>

#include "kernels/sizes.h"

namespace xncaps {
namespace {

constexpr float kInfinity = __builtin_inff();

// TFLite's ActivationFunctionType.
bool ReadClamp(int activation, TailNode* tail) {
  tail->has_clamp = activation != 0;
  tail->low = activation == 2 ? -1.0f : 0.0f;
  tail->high = activation == 2 ? 1.0f : activation == 3 ? 6.0f : kInfinity;
  return activation >= 0 && activation <= 3;
}

bool ReadOp(const TfLiteNode* node, int code, TailNode* tail) {
  tail->has_op = true;
  switch (code) {
    case tflite::kBuiltinAdd:
    case tflite::kBuiltinMul:
      // Both parameters begin with the activation.
      tail->op = code == tflite::kBuiltinAdd ? TailOp::kAdd : TailOp::kMul;
      return node->builtin_data != nullptr &&
             ReadClamp(*static_cast<const int*>(node->builtin_data), tail);
    case tflite::kBuiltinMinimum:
      tail->op = TailOp::kMin;
      return true;
    case tflite::kBuiltinMaximum:
      tail->op = TailOp::kMax;
      return true;
    default:
      return false;
  }
}

bool ReadActivation(int code, TailNode* tail) {
  tail->has_op = false;
  if (code == tflite::kBuiltinRelu) return ReadClamp(1, tail);
  if (code == tflite::kBuiltinReluN1To1) return ReadClamp(2, tail);
  return code == tflite::kBuiltinRelu6 && ReadClamp(3, tail);
}

const TfLiteTensor* FloatTensor(const TfLiteContext* context, int index) {
  if (index < 0 || static_cast<size_t>(index) >= context->tensors_size) return nullptr;
  const TfLiteTensor* tensor = &context->tensors[index];
  return tensor->type == kTfLiteFloat32 && tensor->dims != nullptr ? tensor : nullptr;
}

bool SameShape(const TfLiteTensor* a, const TfLiteTensor* b) {
  return a->dims->size == b->dims->size &&
         memcmp(a->dims->data, b->dims->data, sizeof(int) * static_cast<size_t>(a->dims->size)) ==
             0;
}

// One value, or one for each of the last axis.
bool IsPerChannel(const TfLiteTensor* tensor, int channels) {
  int last = 1;
  for (int i = 0; i < tensor->dims->size; ++i) {
    const int size = tensor->dims->data[i];
    if (size != 1 && i + 1 < tensor->dims->size) return false;
    last = size;
  }
  return last == 1 || last == channels;
}

}  // namespace

bool ReadTailNode(const TfLiteContext* context, const TfLiteNode* node,
                  const TfLiteRegistration* registration, int source, TailNode* tail) {
  const int code = registration->builtin_code, inputs = node->inputs->size;
  if (node->outputs->size != 1 || inputs < 1 || inputs > 2) return false;
  const bool unary = inputs == 1;
  if (unary ? !ReadActivation(code, tail) : !ReadOp(node, code, tail)) return false;
  const TfLiteTensor* output = FloatTensor(context, node->outputs->data[0]);
  const TfLiteTensor* input = FloatTensor(context, source);
  if (output == nullptr || input == nullptr || IsConstant(output) || IsConstant(input) ||
      output->dims->size != 4 || !SameShape(input, output)) {
    return false;
  }
  const int first = node->inputs->data[0];
  if (unary) return first == source;
  const int second = node->inputs->data[1];
  if ((first == source) == (second == source)) return false;
  tail->operand = first == source ? second : first;
  const TfLiteTensor* operand = FloatTensor(context, tail->operand);
  if (operand == nullptr) return false;
  return IsConstant(operand) ? IsPerChannel(operand, output->dims->data[3])
                             : SameShape(operand, output);
}

bool Tail::Read(const TailNode* nodes, int count) {
  if (count > kMaxTailNodes) return false;
  int operands = 0;
  count_ = 0;
  for (int i = 0; i < count; ++i) {
    const TailNode& node = nodes[i];
    if (node.has_op) {
      steps_[count_].op = node.op;
      input_[count_++] = operands++;
    }
    if (node.has_clamp) {
      steps_[count_].op = TailOp::kClamp;
      steps_[count_].low = node.low;
      steps_[count_].high = node.high;
      input_[count_++] = -1;
    }
  }
  return true;
}

TfLiteStatus Tail::CopyConstant(const OpContext& op, const TfLiteTensor* operand, int step,
                                int cols) {
  if (op.CheckConstant(operand, "operand") != kTfLiteOk) return kTfLiteError;
  if (!IsPerChannel(operand, cols)) {
    return op.Error("expected a constant operand of one value or one for each of %d channels.",
                    cols);
  }
  const size_t count = static_cast<size_t>(cols);
  Sizes sizes;
  const size_t bytes = sizes.Product(count + kTailBlock, sizeof(float));
  if (!sizes.ok() || !constants_[step].Reserve(bytes)) return op.Error("out of memory.");
  memset(constants_[step].as<float>() + count, 0, kTailBlock * 4);
  const bool one = operand->bytes == 4;
  for (size_t i = 0; i < count; ++i) {
    constants_[step].as<float>()[i] = LoadUnaligned<float>(operand->data, one ? 0 : i);
  }
  steps_[step].per_channel = true;
  steps_[step].operand = constants_[step].as<float>();
  return kTfLiteOk;
}

TfLiteStatus Tail::Prepare(const OpContext& op, int first, const TfLiteTensor* output) {
  for (int s = 0; s < count_; ++s) {
    if (input_[s] < 0) continue;
    const TfLiteTensor* operand = op.Input(first + input_[s]);
    if (op.CheckInput(operand, "operand", kTfLiteFloat32, -1) != kTfLiteOk) return kTfLiteError;
    if (IsConstant(operand)) {
      const int rank = output->dims->size;
      if (CopyConstant(op, operand, s, output->dims->data[rank - 1]) != kTfLiteOk)
        return kTfLiteError;
      continue;
    }
    if (!SameShape(operand, output)) {
      return op.Error("expected operand '%.80s' of the output's shape, as in the file.",
                      operand->name == nullptr ? "" : operand->name);
    }
    steps_[s].per_channel = false;
  }
  return kTfLiteOk;
}

TfLiteStatus Tail::Steps(const OpContext& op, int first, size_t bytes, const TailStep** steps) {
  for (int s = 0; s < count_; ++s) {
    if (input_[s] < 0 || steps_[s].per_channel) continue;
    const ConstBytes operand = op.InputBytes(first + input_[s]);
    if (operand.size < bytes) return op.Ran(Status::kTooSmall);
    steps_[s].operand = static_cast<const float*>(operand.data);
  }
  *steps = steps_;
  return kTfLiteOk;
}

}  // namespace xncaps
