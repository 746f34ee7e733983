package org.xncaps.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What a model file says of itself: what goes in, what comes out, and what the classes are called. */
public final class ClassifierModel {
  /** The file's own name; models of one run often share the other. */
  public final String file;
  public final String name;
  public final String description;
  public final InputSpec input;
  public final TensorSpec output;
  /** What the outputs are, and how they become shares. */
  public final Scores scores;
  /** One name a class; "class 0", "class 1" ... where the file has none. */
  public final List<String> labels;
  /** Whether the file has metadata; without it the pixels go in as 0 to 255. */
  public final boolean hasMetadata;
  public final boolean hasLabels;
  public final Ops ops;

  ClassifierModel(
      String file, String name, String description, InputSpec input,
      TensorSpec output, Scores scores, List<String> labels, boolean hasMetadata, Ops ops) {
    this.file = file;
    this.name = name;
    this.description = description;
    this.input = input;
    this.output = output;
    this.scores = scores;
    this.hasLabels = !labels.isEmpty();
    this.labels = hasLabels ? Collections.unmodifiableList(labels) : numbered(classesOf(output));
    this.hasMetadata = hasMetadata;
    this.ops = ops;
  }

  private static List<String> numbered(int classes) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < classes; i++) {
      names.add("class " + i);
    }
    return Collections.unmodifiableList(names);
  }

  static int classesOf(TensorSpec output) {
    return output.size(output.rank() - 1);
  }

  public int classes() {
    return labels.size();
  }

  /** Whether a layer of one-bit weights is in it: XnODR, XnIDR, or larq's. */
  public boolean oneBit() {
    return !ops.delegated.isEmpty() && !ops.delegated.equals(Collections.singleton("XnCapsFc"));
  }
}
