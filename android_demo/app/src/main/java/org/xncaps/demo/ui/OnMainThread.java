package org.xncaps.demo.ui;

import android.app.Activity;
import java.util.List;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;

/** Brings what a pipeline tells to a screen: on the main thread, and of the newest pipeline alone. */
public final class OnMainThread implements Pipeline.Listener {
  /** A screen with a pipeline. */
  public interface Screen {
    /** The pipeline in use, null where there is none. */
    Pipeline pipeline();

    /** @param problem of a model that is missing among those loaded; null where none is */
    void onModels(List<Classifier> loaded, Problem problem);

    void onResults(List<ModelResult> results, double framesPerSecond);

    void onPipelineProblem(Problem problem);
  }

  private final Activity activity;
  private final Screen screen;

  public <S extends Activity & Screen> OnMainThread(S activity) {
    this.activity = activity;
    this.screen = activity;
  }

  /** What is told of a pipeline that the screen has left comes too late, and is dropped. */
  private abstract class Told implements Runnable {
    private final Pipeline from;

    Told(Pipeline from) {
      this.from = from;
    }

    @Override
    public final void run() {
      if (from == screen.pipeline()) {
        tell();
      }
    }

    abstract void tell();
  }

  @Override
  public void onModels(Pipeline from, final List<Classifier> loaded, final Problem problem) {
    activity.runOnUiThread(
        new Told(from) {
          @Override
          void tell() {
            screen.onModels(loaded, problem);
          }
        });
  }

  @Override
  public void onResults(Pipeline from, final List<ModelResult> results, final double rate) {
    activity.runOnUiThread(
        new Told(from) {
          @Override
          void tell() {
            screen.onResults(results, rate);
          }
        });
  }

  @Override
  public void onProblem(Pipeline from, final Problem problem) {
    activity.runOnUiThread(
        new Told(from) {
          @Override
          void tell() {
            screen.onPipelineProblem(problem);
          }
        });
  }
}
