package org.xncaps.core;

/** What a classifier takes: one picture [1, height, width, channels] and how its pixels are scaled. */
public final class InputSpec {
  public final TensorSpec tensor;
  public final boolean invert;
  private final float[] mean;
  private final float[] std;

  /**
   * @param mean taken off each channel; one value for all or one a channel
   * @param std each channel is divided by it
   * @param invert whether 255 - pixel is what the model was trained on (white strokes on black)
   */
  public InputSpec(TensorSpec tensor, float[] mean, float[] std, boolean invert)
      throws ModelException {
    if (tensor.rank() != 4 || tensor.size(0) != 1
        || tensor.size(3) != 1 && tensor.size(3) != 3) {
      throw new ModelException(
          ModelException.Kind.UNFIT,
          "input: expected one picture [1, height, width, 1 or 3], got " + tensor);
    }
    checkPerChannel("mean", mean, tensor.size(3));
    checkPerChannel("std", std, tensor.size(3));
    for (float value : std) {
      if (!(value > 0)) {
        throw new ModelException(
            ModelException.Kind.METADATA, "std: expected positive values, got " + value);
      }
    }
    this.tensor = tensor;
    this.mean = mean.clone();
    this.std = std.clone();
    this.invert = invert;
  }

  private static void checkPerChannel(String name, float[] values, int channels)
      throws ModelException {
    if (values.length != 1 && values.length != channels) {
      throw new ModelException(
          ModelException.Kind.METADATA,
          name + ": expected 1 or " + channels + " values, got " + values.length);
    }
  }

  public int height() {
    return tensor.size(1);
  }

  public int width() {
    return tensor.size(2);
  }

  public int channels() {
    return tensor.size(3);
  }

  float mean(int channel) {
    return mean[mean.length == 1 ? 0 : channel];
  }

  float std(int channel) {
    return std[std.length == 1 ? 0 : channel];
  }
}
