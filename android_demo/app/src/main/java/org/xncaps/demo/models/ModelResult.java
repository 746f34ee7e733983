package org.xncaps.demo.models;

import java.util.List;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.ResultText;
import org.xncaps.core.TopK;

/** What one model said of one picture, and how long the last hundred took. */
public final class ModelResult {
  public final ClassifierModel model;
  public final String runtime;
  public final String delegateFailure;
  public final List<TopK.Entry> top;
  public final double preprocessMedian;
  public final double preprocessP90;
  public final double inferenceMedian;
  public final double inferenceP90;
  public final int count;

  public ModelResult(
      ClassifierModel model, String runtime, String delegateFailure, List<TopK.Entry> top,
      double preprocessMedian, double preprocessP90, double inferenceMedian, double inferenceP90,
      int count) {
    this.model = model;
    this.runtime = runtime;
    this.delegateFailure = delegateFailure;
    this.top = top;
    this.preprocessMedian = preprocessMedian;
    this.preprocessP90 = preprocessP90;
    this.inferenceMedian = inferenceMedian;
    this.inferenceP90 = inferenceP90;
    this.count = count;
  }

  public ResultText.Answer answer() {
    return new ResultText.Answer(model, runtime, top, preprocessMedian, inferenceMedian);
  }
}
