package org.xncaps.core;

import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import org.tensorflow.lite.schema.BuiltinOperator;
import org.tensorflow.lite.schema.Model;
import org.tensorflow.lite.schema.OperatorCode;

/** The ops of a model that TensorFlow Lite does not bring itself. */
public final class Ops {
  /**
   * The last built-in op of the runtime in this app (2.16.1); newer converters write later ones,
   * such as STABLEHLO_COMPOSITE (206).
   */
  static final int LAST_BUILTIN = 205;

  private static final int CUSTOM = BuiltinOperator.CUSTOM;

  /** Custom ops that the delegate runs: this toolkit's and larq-compute-engine's. */
  public final Set<String> delegated;
  /** What neither the runtime nor the delegate knows. */
  public final Set<String> unknown;

  private Ops(Set<String> delegated, Set<String> unknown) {
    this.delegated = Collections.unmodifiableSet(delegated);
    this.unknown = Collections.unmodifiableSet(unknown);
  }

  static Ops of(Model model) {
    Set<String> delegated = new TreeSet<>();
    Set<String> unknown = new TreeSet<>();
    for (int i = 0; i < model.operatorCodesLength(); i++) {
      OperatorCode code = model.operatorCodes(i);
      int builtin = Math.max(code.builtinCode(), code.deprecatedBuiltinCode());
      if (builtin == CUSTOM) {
        String name = String.valueOf(code.customCode());
        (isDelegated(name) ? delegated : unknown).add(name);
      } else if (builtin > LAST_BUILTIN) {
        unknown.add(builtin == 206 ? "STABLEHLO_COMPOSITE" : "built-in op " + builtin);
      }
    }
    return new Ops(delegated, unknown);
  }

  /** The capsule layer among them as papers call it; null where there is none. */
  public String head() {
    return delegated.contains("XnCapsOdr") ? "XnODR"
        : delegated.contains("XnCapsIdr") ? "XnIDR"
        : delegated.contains("XnCapsFc") ? "CapsFC" : null;
  }

  private static boolean isDelegated(String name) {
    switch (name) {
      case "XnCapsOdr":
      case "XnCapsIdr":
      case "XnCapsFc":
      case "LceQuantize":
      case "LceDequantize":
      case "LceBconv2d":
      case "LceBMaxPool2d":
        return true;
      default:
        return false;
    }
  }

  /** @throws ModelException where this app cannot run the model */
  public void check(boolean delegateOn) throws ModelException {
    if (!unknown.isEmpty()) {
      throw new ModelException(
          ModelException.Kind.UNKNOWN_OP,
          "expected ops of TensorFlow Lite 2.16 or of the xncaps delegate, got " + unknown);
    }
    if (!delegateOn && !delegated.isEmpty()) {
      throw new ModelException(
          ModelException.Kind.NEEDS_DELEGATE,
          "expected the xncaps delegate for " + delegated + ", but it is off");
    }
  }
}
