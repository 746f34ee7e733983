#include "delegate/fusion.h"

#include <stdlib.h>
#include <string.h>

#include "delegate/partition.h"

namespace xncaps {
namespace {

bool IsOp(const TfLiteNode* node, const TfLiteRegistration* registration, const char* name) {
  const OpType* type = OpOfNode(node, registration, nullptr);
  return type != nullptr && strcmp(type->name, name) == 0;
}

}  // namespace

Fuser::~Fuser() {
  free(uses_);
  free(taken_);
}

bool Fuser::Node(int position, TfLiteNode** node, TfLiteRegistration** registration) const {
  const int index = list_->data[position];
  return context_->GetNodeAndRegistration(context_, index, node, registration) == kTfLiteOk;
}

Fuser::Use* Fuser::UseOf(int tensor) const {
  const bool exists = tensor >= 0 && static_cast<size_t>(tensor) < context_->tensors_size;
  return exists ? &uses_[tensor] : nullptr;
}

bool Fuser::Read() {
  uses_ = static_cast<Use*>(calloc(context_->tensors_size + 1, sizeof(Use)));
  taken_ = static_cast<bool*>(calloc(static_cast<size_t>(list_->size) + 1, sizeof(bool)));
  if (uses_ == nullptr || taken_ == nullptr) return false;
  for (int i = 0; i < list_->size; ++i) {
    TfLiteNode* node = nullptr;
    TfLiteRegistration* registration = nullptr;
    if (!Node(i, &node, &registration)) return false;
    for (int k = 0; k < node->inputs->size; ++k) {
      Use* use = UseOf(node->inputs->data[k]);
      if (use != nullptr && use->readers++ == 0) use->reader = i;
    }
    for (int k = 0; k < node->outputs->size; ++k) {
      Use* use = UseOf(node->outputs->data[k]);
      if (use != nullptr) ++use->producers, use->producer = i;
    }
  }
  return true;
}

bool Fuser::IsBconv(const TfLiteNode* node, const TfLiteRegistration* registration) const {
  return IsOp(node, registration, "LceBconv2d") && node->outputs->size == 1 &&
         UseOf(node->outputs->data[0]) != nullptr &&
         context_->tensors[node->outputs->data[0]].type == kTfLiteFloat32;
}

bool Fuser::IsQuantize(const TfLiteNode* node, const TfLiteRegistration* registration) const {
  return IsOp(node, registration, "LceQuantize") && node->inputs->size == 1 &&
         node->outputs->size == 1;
}

bool Fuser::Hidden(int tensor) const {
  const Use* use = UseOf(tensor);
  if (use == nullptr || use->producers != 1 || use->readers != 1 || use->reader <= use->producer)
    return false;
  for (int i = 0; visible_ != nullptr && i < visible_->size; ++i) {
    if (visible_->data[i] == tensor) return false;
  }
  return true;
}

// By the node that reads the tensor.
bool Fuser::Extend(int tensor, Fusion* fusion) {
  if (fusion->count == kMaxTailNodes || !Hidden(tensor)) return false;
  const int position = UseOf(tensor)->reader;
  TfLiteNode* node = nullptr;
  TfLiteRegistration* registration = nullptr;
  TailNode tail;
  if (taken_[position] || !Node(position, &node, &registration) ||
      !ReadTailNode(context_, node, registration, tensor, &tail)) {
    return false;
  }
  const Use* operand = UseOf(tail.operand);
  const Use* made = UseOf(node->outputs->data[0]);
  const bool known = operand == nullptr || operand->producers == 0 ||
                     (operand->producers == 1 && operand->producer < position);
  const bool read_early = made->readers > 0 && made->reader <= position;
  if (!known || made->producers != 1 || read_early) return false;
  taken_[position] = true;
  fusion->positions[fusion->count] = position;
  fusion->nodes[fusion->count++] = tail;
  fusion->result = node->outputs->data[0];
  return true;
}

void Fuser::FindQuantize(Fusion* fusion) {
  const Use* use = UseOf(fusion->result);
  TfLiteNode* node = nullptr;
  TfLiteRegistration* registration = nullptr;
  if (use == nullptr || use->readers == 0 || use->producers != 1 || use->reader <= use->producer ||
      taken_[use->reader] || !Node(use->reader, &node, &registration) ||
      !IsQuantize(node, registration)) {
    return;
  }
  const Use* bits = UseOf(node->outputs->data[0]);
  if (bits == nullptr || bits->producers != 1 ||
      context_->tensors[node->outputs->data[0]].type != kTfLiteInt32)
    return;
  fusion->quantize = use->reader;
  fusion->bits = node->outputs->data[0];
  taken_[use->reader] = true;
}

// By the node that makes the tensor: with a constant of the file, for it is claimed with the
// quantize wherever the host lets that one run.
bool Fuser::Precede(int tensor, Fusion* fusion) {
  if (fusion->count == kMaxTailNodes || !Hidden(tensor)) return false;
  const int position = UseOf(tensor)->producer;
  TfLiteNode* node = nullptr;
  TfLiteRegistration* registration = nullptr;
  if (taken_[position] || !Node(position, &node, &registration)) return false;
  for (int k = 0; k < node->inputs->size; ++k) {
    TailNode tail;
    if (!ReadTailNode(context_, node, registration, node->inputs->data[k], &tail)) continue;
    if (tail.has_op && !IsConstant(&context_->tensors[tail.operand])) continue;
    taken_[position] = true;
    for (int i = fusion->count++; i > 0; --i) {
      fusion->nodes[i] = fusion->nodes[i - 1];
      fusion->positions[i] = fusion->positions[i - 1];
    }
    fusion->nodes[0] = tail;
    fusion->positions[0] = position;
    fusion->source = node->inputs->data[k];
    return true;
  }
  return false;
}

bool Fuser::Find(int position, Fusion* fusion) {
  TfLiteNode* node = nullptr;
  TfLiteRegistration* registration = nullptr;
  *fusion = Fusion();
  if (taken_[position] || !Node(position, &node, &registration)) return false;
  if (IsQuantize(node, registration)) {
    int tensor = node->inputs->data[0];
    while (Precede(tensor, fusion)) tensor = fusion->source;
    return fusion->count > 0;
  }
  if (!IsBconv(node, registration)) return false;
  fusion->result = node->outputs->data[0];
  while (Extend(fusion->result, fusion)) {
  }
  FindQuantize(fusion);
  return fusion->count > 0 || fusion->quantize >= 0;
}

namespace {

// TFLite runs as much as it can of one side, then of the other, in turns: a node's turn is the
// first of its side in which all of its inputs are there. Ours are odd.
class Turns {
 public:
  Turns(TfLiteContext* context, int* turns) : context_(context), turns_(turns) {}

  int Earliest(const TfLiteNode* node) const {
    int turn = 0;
    for (int k = 0; k < node->inputs->size; ++k) {
      const int* made = Of(node->inputs->data[k]);
      if (made != nullptr && *made > turn) turn = *made;
    }
    return turn;
  }
  void Set(const TfLiteNode* node, int turn) {
    for (int k = 0; k < node->outputs->size; ++k) {
      int* made = Of(node->outputs->data[k]);
      if (made != nullptr) *made = turn;
    }
  }

 private:
  int* Of(int tensor) const {
    const bool exists = tensor >= 0 && static_cast<size_t>(tensor) < context_->tensors_size;
    return exists ? turns_ + tensor : nullptr;
  }

  TfLiteContext* context_;
  int* turns_;  // [tensors]
};

// For each node of the plan: whether it is claimed.
struct Link {
  int before;        // position of the node that has to be claimed before, -1: none
  bool at_quantize;  // a built-in op that is claimed with the LceQuantize behind it
  int turn;
  bool claimed;
};

void LinkBuiltins(const TfLiteIntArray* plan, Fuser* fuser, Link* links) {
  for (int i = 0; i < plan->size; ++i) {
    Fusion fusion;
    if (!fuser->Find(i, &fusion)) continue;
    for (int k = 0, before = i; k < fusion.count; before = fusion.positions[k++]) {
      if (fusion.source >= 0)
        links[fusion.positions[k]].at_quantize = true;
      else
        links[fusion.positions[k]].before = before;
    }
  }
}

TfLiteStatus Claim(TfLiteContext* context, const TfLiteIntArray* plan, Turns turns, Link* links) {
  for (int i = 0; i < plan->size; ++i) {
    TfLiteNode* node = nullptr;
    TfLiteRegistration* registration = nullptr;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &registration) != kTfLiteOk)
      return kTfLiteError;
    const int earliest = turns.Earliest(node);
    Link& link = links[i];
    if (link.at_quantize || OpOfNode(node, registration, nullptr) != nullptr) {
      link.claimed = true;
      link.turn = earliest | 1;
    } else {
      link.claimed =
          link.before >= 0 && links[link.before].claimed && earliest <= links[link.before].turn;
      link.turn = link.claimed ? links[link.before].turn : earliest + earliest % 2;
    }
    turns.Set(node, link.turn);
  }
  return kTfLiteOk;
}

}  // namespace

TfLiteStatus KeepClaimed(TfLiteContext* context, bool builtins, TfLiteIntArray* plan) {
  const size_t nodes = static_cast<size_t>(plan->size) + 1;
  Fuser fuser(context, plan, nullptr);
  Link* links = static_cast<Link*>(malloc(nodes * sizeof(Link)));
  int* turns = static_cast<int*>(calloc(context->tensors_size + 1, sizeof(int)));
  TfLiteStatus status = kTfLiteError;
  if (links != nullptr && turns != nullptr && fuser.Read()) {
    for (int i = 0; i < plan->size; ++i) links[i] = {-1, false, 0, false};
    if (builtins) LinkBuiltins(plan, &fuser, links);
    status = Claim(context, plan, Turns(context, turns), links);
  }
  if (status == kTfLiteOk) {
    const int total = plan->size;
    plan->size = 0;
    for (int i = 0; i < total; ++i) {
      if (links[i].claimed) plan->data[plan->size++] = plan->data[i];
    }
  }
  free(links);
  free(turns);
  return status;
}

}  // namespace xncaps
