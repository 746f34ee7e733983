#include "delegate/partition.h"

#include <stdlib.h>
#include <string.h>

namespace xncaps {

using tflite::kBuiltinCustom;
using tflite::kBuiltinStablehloComposite;
using tflite::TfLiteStablehloCompositeParams;

namespace {

// Nodes outlive the partition, but a host may move what it told us about them: keep copies.
TfLiteIntArray* Copy(const TfLiteIntArray* array) {
  const size_t bytes = sizeof(int) * (static_cast<size_t>(array->size) + 1);
  TfLiteIntArray* copy = static_cast<TfLiteIntArray*>(malloc(bytes));
  if (copy != nullptr) memcpy(copy, array, bytes);
  return copy;
}

bool Contains(const TfLiteIntArray* array, int value) {
  for (int i = 0; i < array->size; ++i) {
    if (array->data[i] == value) return true;
  }
  return false;
}

}  // namespace

const OpType* OpOfNode(const TfLiteNode* node, const TfLiteRegistration* registration,
                       FlexMap* options) {
  if (registration->builtin_code == kBuiltinStablehloComposite && node->builtin_data != nullptr) {
    const auto* composite = static_cast<const TfLiteStablehloCompositeParams*>(node->builtin_data);
    const OpType* type = FindOp(composite->name);
    if (type != nullptr && options != nullptr) {
      *options = FlexMap(composite->attributes, composite->attributes_size);
    }
    return type;
  }
  if (registration->builtin_code != kBuiltinCustom) return nullptr;
  const OpType* type = FindOp(registration->custom_name);
  if (type != nullptr && options != nullptr) {
    const int size = node->custom_initial_data_size;
    *options = FlexMap(node->custom_initial_data, size > 0 ? static_cast<size_t>(size) : 0);
  }
  return type;
}

bool Partition::AddNode(TfLiteContext* context, int index, const Isa* isa, ThreadPool* pool) {
  TfLiteNode* from = nullptr;
  TfLiteRegistration* registration = nullptr;
  if (context->GetNodeAndRegistration(context, index, &from, &registration) != kTfLiteOk)
    return false;
  Node* node = new (XncapsHere{&nodes_[node_count_]}) Node();
  node->type = OpOfNode(from, registration, &node->op.options_);
  if (node->type == nullptr) return false;
  node->op.context_ = context;
  node->op.partition_ = this;
  node->op.name_ = node->type->name;
  node->op.node_ = index;
  node->op.isa_ = isa;
  node->op.pool_ = pool;
  node->op.inputs_ = Copy(from->inputs);
  node->op.outputs_ = Copy(from->outputs);
  node->state = calloc(1, node->type->state_size);
  if (node->state != nullptr) node->type->construct(node->state);
  ++node_count_;  // from here on Delete() takes care of it
  return node->op.inputs_ != nullptr && node->op.outputs_ != nullptr && node->state != nullptr;
}

bool Partition::AddOwnTensors(const TfLiteIntArray* outside) {
  int count = 0;
  for (int i = 0; i < node_count_; ++i) count += nodes_[i].op.outputs_->size;
  own_ = static_cast<OwnTensor*>(calloc(static_cast<size_t>(count) + 1, sizeof(OwnTensor)));
  if (own_ == nullptr) return false;
  for (int i = 0; i < node_count_; ++i) {
    const TfLiteIntArray* outputs = nodes_[i].op.outputs_;
    for (int k = 0; k < outputs->size; ++k) {
      if (Contains(outside, outputs->data[k])) continue;
      new (XncapsHere{&own_[own_count_]}) OwnTensor();
      own_[own_count_++].index = outputs->data[k];
    }
  }
  return true;
}

Partition* Partition::Create(TfLiteContext* context, const TfLiteDelegateParams* params,
                             const Isa* isa, ThreadPool* pool) {
  void* memory = calloc(1, sizeof(Partition));
  if (memory == nullptr) return nullptr;
  Partition* partition = new (XncapsHere{memory}) Partition();
  partition->context_ = context;
  const TfLiteIntArray* nodes = params->nodes_to_replace;
  partition->nodes_ =
      static_cast<Node*>(calloc(static_cast<size_t>(nodes->size) + 1, sizeof(Node)));
  bool ok = partition->nodes_ != nullptr;
  for (int i = 0; ok && i < nodes->size; ++i)
    ok = partition->AddNode(context, nodes->data[i], isa, pool);
  if (ok && partition->AddOwnTensors(params->output_tensors)) return partition;
  context->ReportError(context, "xncaps: a node cannot be read, or out of memory");
  Delete(partition);
  return nullptr;
}

void Partition::Delete(Partition* partition) {
  if (partition == nullptr) return;
  for (int i = 0; i < partition->node_count_; ++i) {
    Node& node = partition->nodes_[i];
    if (node.state != nullptr) node.type->destroy(node.state);
    free(node.state);
    free(const_cast<TfLiteIntArray*>(node.op.inputs_));
    free(const_cast<TfLiteIntArray*>(node.op.outputs_));
  }
  for (int i = 0; i < partition->own_count_; ++i) partition->own_[i].~OwnTensor();
  free(partition->nodes_);
  free(partition->own_);
  partition->~Partition();
  free(partition);
}

bool Partition::OwnBytes(int tensor, Bytes* bytes) const {
  for (int i = 0; i < own_count_; ++i) {
    if (own_[i].index != tensor) continue;
    *bytes = {own_[i].buffer.data(), own_[i].bytes};
    return true;
  }
  return false;
}

TfLiteStatus Partition::ReserveOutputs(const Node& node) {
  for (int k = 0; k < node.op.outputs_->size; ++k) {
    for (int i = 0; i < own_count_; ++i) {
      if (own_[i].index != node.op.outputs_->data[k]) continue;
      const TfLiteTensor* tensor = node.op.Output(k);
      own_[i].bytes = 0;
      size_t bytes = 0;
      if (tensor == nullptr || !ShapeBytes(tensor, &bytes) || !own_[i].buffer.ReserveUnset(bytes))
        return node.op.Error("no memory for output %d.", k);
      own_[i].bytes = bytes;
    }
  }
  return kTfLiteOk;
}

TfLiteStatus Partition::Prepare() {
  for (int i = 0; i < node_count_; ++i) {
    TfLiteStatus status = nodes_[i].type->prepare(nodes_[i].state, nodes_[i].op);
    if (status == kTfLiteOk) status = ReserveOutputs(nodes_[i]);
    if (status != kTfLiteOk) return status;
  }
  return kTfLiteOk;
}

TfLiteStatus Partition::Invoke() {
  for (int i = 0; i < node_count_; ++i) {
    const TfLiteStatus status = nodes_[i].type->invoke(nodes_[i].state, nodes_[i].op);
    if (status != kTfLiteOk) return status;
  }
  return kTfLiteOk;
}

}  // namespace xncaps
