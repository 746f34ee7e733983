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
  /** The best classes of the last frames, smoothed, at most Settings.MOST_RESULTS. */
  public final List<TopK.Entry> top;
  /** The best class of this picture alone. */
  public final String answer;
  public final double preprocessMedian;
  public final double preprocessP90;
  public final double inferenceMedian;
  public final double inferenceP90;
  public final int count;

  ModelResult(
      Classifier by, List<TopK.Entry> top, String answer, double preprocessMedian,
      double preprocessP90, double inferenceMedian, double inferenceP90, int count) {
    this.model = by.model;
    this.runtime = by.runtime;
    this.delegateFailure = by.delegateFailure;
    this.top = top;
    this.answer = answer;
    this.preprocessMedian = preprocessMedian;
    this.preprocessP90 = preprocessP90;
    this.inferenceMedian = inferenceMedian;
    this.inferenceP90 = inferenceP90;
    this.count = count;
  }

  /** Whether the best share is too low to be said: by the model's own threshold, or the user's. */
  public boolean notSure(Settings settings) {
    double best = top.get(0).share;
    return model.scores.threshold != null
        ? model.scores.isNone(best) : best < settings.thresholdPercent / 100.0;
  }

  public ResultText.Answer shared(Settings settings) {
    return new ResultText.Answer(
        model, runtime, top.subList(0, Math.min(settings.results, top.size())), preprocessMedian,
        inferenceMedian);
  }
}
