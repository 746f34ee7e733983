#include "delegate/partition.h"

#include <stdlib.h>
#include <string.h>

namespace xncaps {

extern const OpType kOpElementwise;

using tflite::kBuiltinCustom;
using tflite::kBuiltinStablehloComposite;
using tflite::TfLiteStablehloCompositeParams;

namespace {

TfLiteIntArray* Array(size_t size) {
  TfLiteIntArray* array = static_cast<TfLiteIntArray*>(malloc(sizeof(int) * (size + 1)));
  if (array != nullptr) array->size = static_cast<int>(size);
  return array;
}

// Nodes outlive the partition, but a host may move what it told us about them: these are copies.
// The node's inputs, or what the first of the ops before it is done on; then the operands of what
// is done along with it.
TfLiteIntArray* Inputs(const TfLiteNode& node, const Fusion& fusion) {
  const bool has_source = fusion.source >= 0;
  const int own = has_source ? 1 : node.inputs->size;
  TfLiteIntArray* inputs = Array(static_cast<size_t>(own) + kMaxTailNodes);
  if (inputs == nullptr) return nullptr;
  inputs->size = own;
  for (int i = 0; i < own; ++i) inputs->data[i] = has_source ? fusion.source : node.inputs->data[i];
  for (int i = 0; i < fusion.count; ++i) {
    if (fusion.nodes[i].has_op) inputs->data[inputs->size++] = fusion.nodes[i].operand;
  }
  return inputs;
}

TfLiteIntArray* Outputs(const TfLiteNode& node, const Fusion& fusion) {
  const bool has_tail = fusion.result >= 0;
  const int own = has_tail ? 1 : node.outputs->size;
  TfLiteIntArray* outputs = Array(static_cast<size_t>(own) + 1);
  if (outputs == nullptr) return nullptr;
  for (int i = 0; i < own; ++i) outputs->data[i] = has_tail ? fusion.result : node.outputs->data[i];
  outputs->size = own;
  if (fusion.bits >= 0) outputs->data[outputs->size++] = fusion.bits;
  return outputs;
}

// A built-in op by itself, of whichever of its inputs it can be done on.
bool ReadAlone(const TfLiteContext* context, const TfLiteNode* node,
               const TfLiteRegistration* registration, Fusion* fusion) {
  *fusion = Fusion();
  for (int i = 0; i < node->inputs->size; ++i) {
    const int source = node->inputs->data[i];
    if (!ReadTailNode(context, node, registration, source, &fusion->nodes[0])) continue;
    fusion->count = 1;
    fusion->source = source;
    return true;
  }
  return false;
}

// What runs at each position of the partition's list.
struct Turn {
  int runs = -1;  // position of the node; -1: none
  Fusion fusion;  // of the node at this position
};

class TurnList {
 public:
  explicit TurnList(int size)
      : turns_(static_cast<Turn*>(malloc((static_cast<size_t>(size) + 1) * sizeof(Turn)))) {
    for (int i = 0; ok() && i < size; ++i) {
      new (XncapsHere{&turns_[i]}) Turn();
      turns_[i].runs = i;
    }
  }
  ~TurnList() { free(turns_); }
  TurnList(const TurnList&) = delete;
  TurnList& operator=(const TurnList&) = delete;
  bool ok() const { return turns_ != nullptr; }
  Turn& operator[](int i) { return turns_[i]; }

 private:
  Turn* turns_;
};

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

bool Partition::AddNode(TfLiteContext* context, int index, const Fusion& fusion) {
  TfLiteNode* from = nullptr;
  TfLiteRegistration* registration = nullptr;
  if (context->GetNodeAndRegistration(context, index, &from, &registration) != kTfLiteOk)
    return false;
  Node* node = new (XncapsHere{&nodes_[node_count_]}) Node();
  node->type = OpOfNode(from, registration, &node->op.options_);
  node->fusion = fusion;
  if (node->type == nullptr && !ReadAlone(context, from, registration, &node->fusion)) return false;
  if (node->type == nullptr) node->type = &kOpElementwise;
  node->op.context_ = context;
  node->op.partition_ = this;
  node->op.name_ = node->type->name;
  node->op.node_ = index;
  node->op.isa_ = isa_;
  node->op.pool_ = pool_;
  node->op.tail_ = node->fusion.nodes;
  node->op.tail_count_ = node->fusion.count;
  node->op.has_tail_bits_ = node->fusion.bits >= 0;
  node->op.inputs_ = Inputs(*from, node->fusion);
  node->op.outputs_ = Outputs(*from, node->fusion);
  node->state = calloc(1, node->type->state_size);
  if (node->state != nullptr) node->type->construct(node->state);
  ++node_count_;  // from here on Delete() takes care of it
  return node->op.inputs_ != nullptr && node->op.outputs_ != nullptr && node->state != nullptr;
}

// Each node, but those that are done along with others: a quantize where it stands, a convolution
// where the last built-in op behind it does, for that one's operands have been made then.
bool Partition::AddNodes(TfLiteContext* context, const TfLiteDelegateParams* params) {
  const TfLiteIntArray* list = params->nodes_to_replace;
  Fuser fuser(context, list, params->output_tensors);
  TurnList turns(list->size);
  if (!turns.ok() || !fuser.Read()) return false;
  for (int i = 0; i < list->size; ++i) {
    Fusion* fusion = &turns[i].fusion;
    if (!fuser.Find(i, fusion)) continue;
    for (int k = 0; k < fusion->count; ++k) turns[fusion->positions[k]].runs = -1;
    if (fusion->quantize >= 0) turns[fusion->quantize].runs = -1;
    if (fusion->count == 0 || fusion->source >= 0) continue;
    turns[i].runs = -1;
    turns[fusion->positions[fusion->count - 1]].runs = i;
  }
  for (int i = 0; i < list->size; ++i) {
    const int runs = turns[i].runs;
    if (runs >= 0 && !AddNode(context, list->data[runs], turns[runs].fusion)) return false;
  }
  return true;
}

bool Partition::AddOwnTensors(const TfLiteIntArray* outside) {
  int count = 0;
  for (int i = 0; i < node_count_; ++i) count += nodes_[i].op.outputs_->size;
  own_ = static_cast<OwnTensor*>(calloc(static_cast<size_t>(count) + 1, sizeof(OwnTensor)));
  places_ = static_cast<Place*>(calloc(static_cast<size_t>(count) + 1, sizeof(Place)));
  if (own_ == nullptr || places_ == nullptr) return false;
  for (int i = 0; i < node_count_; ++i) {
    const TfLiteIntArray* outputs = nodes_[i].op.outputs_;
    for (int k = 0; k < outputs->size; ++k) {
      if (Contains(outside, outputs->data[k])) continue;
      own_[own_count_++] = {outputs->data[k], PlaceFor(outputs->data[k], i), 0};
    }
  }
  return true;
}

// Where the tensor that the node makes can lie: in the youngest place whose tensor is not read any
// more, for its lines are in the cache, or in a new one.
Buffer* Partition::PlaceFor(int tensor, int node) {
  int last = node;
  for (int i = node + 1; i < node_count_; ++i) {
    if (Contains(nodes_[i].op.inputs_, tensor)) last = i;
  }
  const bool exists = tensor >= 0 && static_cast<size_t>(tensor) < context_->tensors_size;
  const TfLiteType type = exists ? context_->tensors[tensor].type : tflite::kTfLiteNoType;
  Place* best = nullptr;
  for (int i = 0; i < place_count_; ++i) {
    Place* place = &places_[i];
    if (place->type == type && place->last < node && (best == nullptr || place->last > best->last))
      best = place;
  }
  if (best == nullptr) best = new (XncapsHere{&places_[place_count_++]}) Place();
  best->type = type;
  best->last = last;
  return &best->buffer;
}

Partition* Partition::Create(TfLiteContext* context, const TfLiteDelegateParams* params,
                             const Isa* isa, ThreadPool* pool) {
  void* memory = calloc(1, sizeof(Partition));
  if (memory == nullptr) return nullptr;
  Partition* partition = new (XncapsHere{memory}) Partition();
  partition->context_ = context;
  partition->isa_ = isa;
  partition->pool_ = pool;
  const size_t nodes = static_cast<size_t>(params->nodes_to_replace->size);
  partition->nodes_ = static_cast<Node*>(calloc(nodes + 1, sizeof(Node)));
  if (partition->nodes_ != nullptr && partition->AddNodes(context, params) &&
      partition->AddOwnTensors(params->output_tensors)) {
    return partition;
  }
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
  for (int i = 0; i < partition->place_count_; ++i) partition->places_[i].~Place();
  free(partition->places_);
  free(partition->nodes_);
  free(partition->own_);
  partition->~Partition();
  free(partition);
}

bool Partition::OwnBytes(int tensor, Bytes* bytes) const {
  for (int i = 0; i < own_count_; ++i) {
    if (own_[i].index != tensor) continue;
    *bytes = {own_[i].place->data(), own_[i].bytes};
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
      if (tensor == nullptr || !ShapeBytes(tensor, &bytes) || !own_[i].place->ReserveUnset(bytes))
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
