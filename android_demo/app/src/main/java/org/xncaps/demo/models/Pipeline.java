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
  private final Settings settings;
  private final Listener listener;
  private final FrameGate gate = new FrameGate();
  private final Frames frames = new Frames();
  private final FrameRate rate = new FrameRate();
  private final HandlerThread thread = new HandlerThread("inference");
  private final List<ModelRunner> lanes = new ArrayList<>();
  private Handler handler;
  private volatile boolean closed;

  public Pipeline(ModelStore store, Settings settings, Listener listener) {
    this.store = store;
    this.settings = settings;
    this.listener = listener;
  }

  public void start() {
    thread.start();
    handler = new Handler(thread.getLooper());
    handler.post(
        new Runnable() {
          @Override
          public void run() {
            load();
          }
        });
  }

  private void load() {
    List<Classifier> loaded = new ArrayList<>();
    Problem problem = null;
    List<String> references = new ArrayList<>();
    references.add(settings.model);
    if (!settings.second.isEmpty()) {
      references.add(settings.second);
    }
    for (String reference : references) {
      try {
        if (closed) {
          return;
        }
        Classifier classifier =
            Classifier.open(store.load(reference), settings.threads, settings.delegate);
        lanes.add(new ModelRunner(classifier));
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

  /** Takes the frame if the last one is done; it is copied, so its memory is free on return. */
  public void offer(YuvFrame frame, final int degrees) {
    if (closed || !gate.tryEnter()) {
      return;
    }
    boolean posted = false;
    try {
      final YuvFrame mine = frames.copy(frame);
      posted =
          handler.post(
              new Runnable() {
                @Override
                public void run() {
                  try {
                    classify(mine, degrees);
                  } finally {
                    gate.leave();
                  }
                }
              });
    } finally {
      if (!posted) {
        gate.leave();
      }
    }
  }

  /** Loads and classifies a picture as soon as the models are loaded. */
  public void offer(final PictureSource source) {
    handler.post(
        new Runnable() {
          @Override
          public void run() {
            classify(source);
          }
        });
  }

  private void classify(PictureSource source) {
    if (closed) {
      return;
    }
    try {
      Picture picture = source.load();
      List<ModelResult> results = new ArrayList<>();
      for (ModelRunner lane : lanes) {
        results.add(lane.classify(picture, 0, settings));
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

  private void classify(YuvFrame frame, int degrees) {
    if (closed || lanes.isEmpty()) {
      return;
    }
    try {
      List<ModelResult> results = new ArrayList<>();
      for (ModelRunner lane : lanes) {
        results.add(lane.classify(frame, degrees, settings));
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
    closeLanes(); // the next frame would fail the same way, for ever
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
    if (handler == null) {
      return;
    }
    handler.post(
        new Runnable() {
          @Override
          public void run() {
            closeLanes();
          }
        });
    thread.quitSafely();
  }

  /** Waits for close to be done; for tests and for the benchmark, never on the main thread. */
  public boolean awaitClosed(long millis) throws InterruptedException {
    thread.join(millis);
    return !thread.isAlive();
  }

  private void closeLanes() {
    for (ModelRunner lane : lanes) {
      lane.close();
    }
    lanes.clear();
  }
}
