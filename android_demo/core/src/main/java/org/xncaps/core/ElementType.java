package org.xncaps.core;

/** The element types that an input or output of a classifier may have. */
public enum ElementType {
  FLOAT32(4),
  INT8(1),
  UINT8(1);

  public final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** By the number in TensorFlow Lite's schema (TensorType). */
  static ElementType ofSchema(int code, String where) throws ModelException {
    switch (code) {
      case 0:
        return FLOAT32;
      case 3:
        return UINT8;
      case 9:
        return INT8;
      default:
        throw new ModelException(
            ModelException.Kind.UNFIT,
            where + ": expected float32, int8 or uint8, got TensorType " + code);
    }
  }
}
