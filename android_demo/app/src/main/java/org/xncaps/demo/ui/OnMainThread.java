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
  private void tell(Pipeline from, Runnable what) {
    activity.runOnUiThread(
        () -> {
          if (from == screen.pipeline()) {
            what.run();
          }
        });
  }

  @Override
  public void onModels(Pipeline from, List<Classifier> loaded, Problem problem) {
    tell(from, () -> screen.onModels(loaded, problem));
  }

  @Override
  public void onResults(Pipeline from, List<ModelResult> results, double rate) {
    tell(from, () -> screen.onResults(results, rate));
  }

  @Override
  public void onProblem(Pipeline from, Problem problem) {
    tell(from, () -> screen.onPipelineProblem(problem));
  }
}
