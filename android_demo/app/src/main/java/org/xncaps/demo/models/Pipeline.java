package org.xncaps.demo.models;

import android.os.Handler;
import android.os.HandlerThread;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.xncaps.core.Clock;
import org.xncaps.core.FrameGate;
import org.xncaps.core.FrameRate;
import org.xncaps.core.ModelException;
import org.xncaps.core.Picture;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.R;

/**
 * The inference thread: loads one or two models and classifies the newest frame by each, while the
 * frames that come meanwhile are dropped.
 */
public final class Pipeline {
  /** Told on the inference thread. */
  public interface Listener {
    /** The models are loaded, or tried to be; those that failed are missing. */
    void onModels(Pipeline from, List<Classifier> loaded, Problem problem);

    void onResults(Pipeline from, List<ModelResult> results, double framesPerSecond);

    void onProblem(Pipeline from, Problem problem);
  }

  /** Brings a picture, on the inference thread. */
  public interface PictureSource {
    Picture load() throws IOException;
  }

  private final ModelStore store;
  private final List<String> references;
  private final Settings settings;
  private final Listener listener;
  private final FrameGate gate = new FrameGate();
  private final Frames frames = new Frames();
  private final FrameRate rate = new FrameRate();
  private final List<ModelRunner> runners = new ArrayList<>();
  private final HandlerThread thread =
      new HandlerThread("inference") {
        @Override
        public void run() {
          try {
            super.run();
          } finally {
            closeRunners(); // whatever ended the loop, and whatever was still to be done in it
          }
        }
      };
  private Handler handler;
  private volatile boolean closed;

  /** @param references the models, by their names in the store */
  public Pipeline(
      ModelStore store, List<String> references, Settings settings, Listener listener) {
    this.store = store;
    this.references = references;
    this.settings = settings;
    this.listener = listener;
  }

  public void start() {
    thread.start();
    handler = new Handler(thread.getLooper());
    handler.post(this::load);
  }

  private void load() {
    List<Classifier> loaded = new ArrayList<>();
    Problem problem = null;
    for (String reference : references) {
      if (closed) {
        return;
      }
      try {
        Classifier classifier =
            Classifier.open(store.load(reference), settings.threads, settings.delegate);
        runners.add(new ModelRunner(classifier));
        loaded.add(classifier);
      } catch (ModelException e) {
        android.util.Log.w("xncaps", "model " + reference, e);
        problem = Explanations.of(e);
      }
    }
    if (!closed) {
      listener.onModels(this, loaded, problem);
    }
  }

  /**
   * Takes the frame if the last one is done; it is copied, so its memory is free on return.
   *
   * @param share how much of the sides of the largest part in the middle the models look at
   */
  public void offer(YuvFrame frame, int degrees, float share) {
    if (closed || !gate.tryEnter()) {
      return;
    }
    boolean posted = false;
    try {
      YuvFrame mine = frames.copy(frame);
      posted =
          handler.post(
              () -> {
                try {
                  classify(mine, degrees, share);
                } finally {
                  gate.leave();
                }
              });
    } finally {
      if (!posted) {
        gate.leave();
      }
    }
  }

  /** Loads and classifies a picture as soon as the models are loaded. */
  public void offer(PictureSource source) {
    handler.post(() -> classify(source));
  }

  private void classify(PictureSource source) {
    if (closed) {
      return;
    }
    try {
      Picture picture = source.load();
      List<ModelResult> results = new ArrayList<>();
      for (ModelRunner runner : runners) {
        results.add(runner.classify(picture));
      }
      if (!closed && !results.isEmpty()) {
        listener.onResults(this, results, 0);
      }
    } catch (IOException | OutOfMemoryError e) {
      android.util.Log.w("xncaps", "picture", e);
      listener.onProblem(
          this,
          new Problem(
              R.string.picture_unreadable, R.string.picture_unreadable_advice, e.getMessage()));
    } catch (IllegalArgumentException | IllegalStateException e) {
      failed(e);
    }
  }

  private void classify(YuvFrame frame, int degrees, float share) {
    if (closed || runners.isEmpty()) {
      return;
    }
    try {
      List<ModelResult> results = new ArrayList<>();
      for (ModelRunner runner : runners) {
        results.add(runner.classify(frame, degrees, share));
      }
      long now = Clock.nanos();
      rate.frame(now);
      listener.onResults(this, results, rate.perSecond(now));
    } catch (IllegalArgumentException | IllegalStateException e) {
      failed(e);
    }
  }

  private void failed(RuntimeException error) {
    android.util.Log.w("xncaps", "inference", error);
    closeRunners(); // the next frame would fail the same way, for ever
    listener.onProblem(
        this,
        new Problem(R.string.inference_failed, R.string.model_broken_advice, error.getMessage()));
  }

  public FrameGate gate() {
    return gate;
  }

  /** Stops after the frame that is being classified, and closes the models. Does not wait. */
  public void close() {
    closed = true;
    thread.quit();
  }

  private void closeRunners() {
    for (ModelRunner runner : runners) {
      runner.close();
    }
    runners.clear();
  }
}
