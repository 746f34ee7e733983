package org.xncaps.demo.models;

import org.xncaps.core.ModelException;
import org.xncaps.demo.R;

/** Exceptions as words on the screen: what is wrong, and what to do. */
public final class Explanations {
  private Explanations() {}

  public static Problem of(ModelException error) {
    switch (error.kind) {
      case UNFIT:
        return new Problem(R.string.model_unfit, R.string.model_unfit_advice, error.getMessage());
      case METADATA:
        return new Problem(
            R.string.model_metadata, R.string.model_metadata_advice, error.getMessage());
      case NEEDS_DELEGATE:
        return new Problem(
            R.string.model_delegate, R.string.model_delegate_advice, error.getMessage());
      case UNKNOWN_OP:
        return new Problem(R.string.model_op, R.string.model_op_advice, error.getMessage());
      case NO_RUNTIME:
        return new Problem(R.string.runtime_none, R.string.runtime_none_advice, error.getMessage());
      case PAGE_SIZE:
        return new Problem(R.string.runtime_pages, R.string.runtime_pages_advice, error.getMessage());
      case UNREADABLE:
        return new Problem(
            R.string.model_unreadable, R.string.model_unreadable_advice, error.getMessage());
      default:
        return new Problem(R.string.model_broken, R.string.model_broken_advice, error.getMessage());
    }
  }
}
