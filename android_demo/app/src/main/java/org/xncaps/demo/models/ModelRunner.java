package org.xncaps.demo.models;

import java.nio.ByteBuffer;
import java.util.List;
import org.xncaps.core.Clock;
import org.xncaps.core.LatencyStats;
import org.xncaps.core.Picture;
import org.xncaps.core.Preprocessor;
import org.xncaps.core.TopK;
import org.xncaps.core.YuvFrame;

/** One model with its preprocessing and its times. Used by one thread. */
public final class ModelRunner implements AutoCloseable {
  private static final int KEPT_TIMES = 100;

  public final Classifier classifier;
  private final Preprocessor preprocessor;
  private final LatencyStats preprocessTimes = new LatencyStats(KEPT_TIMES);
  private final LatencyStats inferenceTimes = new LatencyStats(KEPT_TIMES);

  public ModelRunner(Classifier classifier) {
    this.classifier = classifier;
    this.preprocessor = new Preprocessor(classifier.model.input);
  }

  public ModelResult classify(YuvFrame frame, int degrees, Settings settings) {
    long start = Clock.nanos();
    return finish(preprocessor.apply(frame, degrees), start, settings);
  }

  public ModelResult classify(Picture picture, int degrees, Settings settings) {
    long start = Clock.nanos();
    return finish(preprocessor.apply(picture, degrees), start, settings);
  }

  private ModelResult finish(ByteBuffer input, long start, Settings settings) {
    long ready = Clock.nanos();
    float[] scores = classifier.run(input);
    long done = Clock.nanos();
    preprocessTimes.add(ready - start);
    inferenceTimes.add(done - ready);
    // Capsule scores are lengths and may exceed 1: then the threshold is a share of the highest.
    float threshold = settings.threshold() * TopK.scale(scores);
    List<TopK.Entry> top =
        TopK.of(scores, classifier.model.labels, settings.results, threshold);
    return new ModelResult(
        classifier.model, classifier.runtime, classifier.delegateFailure, top,
        preprocessTimes.medianMillis(), preprocessTimes.p90Millis(),
        inferenceTimes.medianMillis(), inferenceTimes.p90Millis(), inferenceTimes.count());
  }

  @Override
  public void close() {
    classifier.close();
  }
}
