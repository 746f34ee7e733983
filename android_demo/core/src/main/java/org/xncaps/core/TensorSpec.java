package org.xncaps.core;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Shape and type of one tensor, and how its integers stand for real numbers. */
public final class TensorSpec {
  public final ElementType type;
  public final float scale;
  public final int zeroPoint;
  private final int[] shape;

  public TensorSpec(int[] shape, ElementType type, float scale, int zeroPoint) {
    for (int size : shape) {
      if (size < 1) {
        throw new IllegalArgumentException(
            "expected a shape of positive sizes, got " + Arrays.toString(shape));
      }
    }
    if (type != ElementType.FLOAT32 && !(scale > 0)) {
      throw new IllegalArgumentException("expected a positive scale for " + type + ", got " + scale);
    }
    this.shape = shape.clone();
    this.type = type;
    this.scale = scale;
    this.zeroPoint = zeroPoint;
  }

  public int[] shape() {
    return shape.clone();
  }

  public int size(int axis) {
    return shape[axis];
  }

  public int rank() {
    return shape.length;
  }

  public int elements() {
    int product = 1;
    for (int size : shape) {
      product = Math.multiplyExact(product, size);
    }
    return product;
  }

  public int byteSize() {
    return Math.multiplyExact(elements(), type.bytes);
  }

  /** All elements of a buffer as real numbers, from its beginning. */
  public float[] read(ByteBuffer in) {
    float[] out = new float[elements()];
    for (int i = 0; i < out.length; i++) {
      if (type == ElementType.FLOAT32) {
        out[i] = in.getFloat(4 * i);
      } else {
        int q = type == ElementType.INT8 ? in.get(i) : in.get(i) & 255;
        out[i] = (q - zeroPoint) * scale;
      }
    }
    return out;
  }

  @Override
  public String toString() {
    return type.name().toLowerCase(java.util.Locale.ROOT) + Arrays.toString(shape);
  }
}
