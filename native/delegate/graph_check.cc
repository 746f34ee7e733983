#include "delegate/graph_check.h"

#include <stdlib.h>

#include "delegate/op.h"
#include "delegate/partition.h"

namespace xncaps {
namespace {

enum : unsigned char { kMade = 1, kMadeTwice = 2, kRead = 4 };

class GraphCheck {
 public:
  // `seen`: a zeroed byte for each tensor.
  GraphCheck(TfLiteContext* context, unsigned char* seen) : context_(context), seen_(seen) {}

  TfLiteStatus Run(const TfLiteIntArray* plan) {
    for (int i = 0; i < plan->size; ++i) {
      if (!Read(plan->data[i])) return kTfLiteError;
      CountProducers();
    }
    for (int i = 0; i < plan->size; ++i) {
      if (!Read(plan->data[i]) || Visit() != kTfLiteOk) return kTfLiteError;
    }
    return kTfLiteOk;
  }

 private:
  bool Read(int index) {
    TfLiteRegistration* registration = nullptr;
    index_ = index;
    if (context_->GetNodeAndRegistration(context_, index, &node_, &registration) != kTfLiteOk)
      return false;
    type_ = OpOfNode(node_, registration, nullptr);
    return true;
  }

  // The tensor's byte; null: not a tensor of the file.
  unsigned char* Seen(int tensor) const {
    const bool exists = tensor >= 0 && static_cast<size_t>(tensor) < context_->tensors_size;
    return exists ? seen_ + tensor : nullptr;
  }

  void CountProducers() {
    for (int k = 0; k < node_->outputs->size; ++k) {
      unsigned char* seen = Seen(node_->outputs->data[k]);
      if (seen != nullptr)
        *seen = static_cast<unsigned char>(*seen | ((*seen & kMade) != 0 ? kMadeTwice : kMade));
    }
  }

  // The next node of the plan, in order.
  TfLiteStatus Visit() {
    for (int i = 0; i < node_->inputs->size; ++i) {
      unsigned char* seen = Seen(node_->inputs->data[i]);
      if (seen == nullptr) continue;
      if (type_ != nullptr && (*seen & kMadeTwice) != 0)
        return Refuse("input", i, node_->inputs, "to be made by one node. Received: by several.");
      *seen |= kRead;
    }
    for (int k = 0; type_ != nullptr && k < node_->outputs->size; ++k) {
      const char* wrong = Wrong(node_->outputs->data[k]);
      if (wrong != nullptr) return Refuse("output", k, node_->outputs, wrong);
    }
    return kTfLiteOk;
  }

  // What is wrong with an output of ours, or null.
  const char* Wrong(int tensor) const {
    const unsigned char* seen = Seen(tensor);
    if (seen == nullptr) return "to be a tensor of the file.";
    if ((*seen & kMadeTwice) != 0) return "to be made by one node. Received: by several.";
    if (IsConstant(&context_->tensors[tensor]))
      return "not to be a constant. Received: a tensor with its data in the file.";
    if ((*seen & kRead) != 0)
      return "not to be an input. Received: a tensor that this or an earlier node reads.";
    return nullptr;
  }

  TfLiteStatus Refuse(const char* kind, int i, const TfLiteIntArray* list, const char* wrong) {
    const int tensor = list->data[i];
    const char* name = Seen(tensor) == nullptr ? nullptr : context_->tensors[tensor].name;
    context_->ReportError(context_, "%s (node %d): expected %s %d '%.80s' %s", type_->name, index_,
                          kind, i, name == nullptr ? "" : name, wrong);
    return kTfLiteError;
  }

  TfLiteContext* context_;
  unsigned char* seen_;  // [tensors]
  int index_ = 0;
  TfLiteNode* node_ = nullptr;
  const OpType* type_ = nullptr;  // null: not ours
};

}  // namespace

TfLiteStatus CheckGraph(TfLiteContext* context, const TfLiteIntArray* plan) {
  unsigned char* seen = static_cast<unsigned char*>(calloc(context->tensors_size + 1, 1));
  if (seen == nullptr) {
    context->ReportError(context, "xncaps: out of memory");
    return kTfLiteError;
  }
  const TfLiteStatus status = GraphCheck(context, seen).Run(plan);
  free(seen);
  return status;
}

}  // namespace xncaps
