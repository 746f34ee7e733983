package org.xncaps.demo.models;

import java.nio.ByteBuffer;
import java.util.List;
import org.xncaps.core.Clock;
import org.xncaps.core.LatencyStats;
import org.xncaps.core.Picture;
import org.xncaps.core.Preprocessor;
import org.xncaps.core.SmoothedShares;
import org.xncaps.core.TopK;
import org.xncaps.core.YuvFrame;

/** Runs one model on pictures: its preprocessing, its shares, its times. Used by one thread. */
final class ModelRunner implements AutoCloseable {
  private static final int KEPT_TIMES = 100;

  private final Classifier classifier;
  private final Preprocessor preprocessor;
  private final SmoothedShares smoothed = new SmoothedShares();
  private final LatencyStats preprocessTimes = new LatencyStats(KEPT_TIMES);
  private final LatencyStats inferenceTimes = new LatencyStats(KEPT_TIMES);

  ModelRunner(Classifier classifier) {
    this.classifier = classifier;
    this.preprocessor = new Preprocessor(classifier.model.input);
  }

  /** One of a row of frames: the result is smoothed over the last ones. */
  ModelResult classify(YuvFrame frame, int degrees, float share) {
    long start = Clock.nanos();
    return finish(preprocessor.apply(frame, degrees, share), start);
  }

  /** A picture of its own. */
  ModelResult classify(Picture picture) {
    smoothed.clear();
    long start = Clock.nanos();
    return finish(preprocessor.apply(picture, 0), start);
  }

  private ModelResult finish(ByteBuffer input, long start) {
    long ready = Clock.nanos();
    float[] outputs = classifier.run(input);
    long done = Clock.nanos();
    preprocessTimes.add(ready - start);
    inferenceTimes.add(done - ready);
    double[] shares = classifier.model.scores.shares(outputs);
    List<String> labels = classifier.model.labels;
    String answer = TopK.of(shares, labels, 1).get(0).label;
    List<TopK.Entry> top =
        TopK.of(smoothed.add(shares, done), labels, Settings.MOST_RESULTS);
    return new ModelResult(
        classifier, top, answer,
        preprocessTimes.medianMillis(), preprocessTimes.p90Millis(),
        inferenceTimes.medianMillis(), inferenceTimes.p90Millis(), inferenceTimes.count());
  }

  @Override
  public void close() {
    classifier.close();
  }
}
