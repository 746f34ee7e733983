package org.xncaps.demo;

import java.util.List;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.ResultText;
import org.xncaps.core.TopK;

/** What one model said of one picture, and how long the last hundred took. */
final class LaneResult {
  final ClassifierModel model;
  final String runtime;
  final String delegateFailure;
  final List<TopK.Entry> top;
  final double preprocessMedian;
  final double preprocessP90;
  final double inferenceMedian;
  final double inferenceP90;
  final int count;

  LaneResult(
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

  ResultText.Answer answer() {
    return new ResultText.Answer(model, runtime, top, preprocessMedian, inferenceMedian);
  }
}
