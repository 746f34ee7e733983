package org.xncaps.demo.ui;

import android.app.Activity;
import android.content.res.Configuration;
import java.util.Collections;
import java.util.List;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;

/** A screen with one model that looks at what stands still, and a sheet with what it says. */
public abstract class StillActivity extends Activity implements OnMainThread.Screen {
  protected ProblemView problems;
  protected ResultSheet sheet;
  protected Settings settings;
  private Pipeline pipeline;

  protected Page create(int layout, int title) {
    Page page = new Page(this, layout, title);
    problems = new ProblemView(this);
    sheet = findViewById(R.id.sheet);
    if (getResources().getConfiguration().orientation == Configuration.ORIENTATION_LANDSCAPE) {
      sheet.fixOpen();
    } else {
      sheet.setOpen(true);
    }
    return page;
  }

  @Override
  protected void onStart() {
    super.onStart();
    settings = Settings.load(this);
    problems.hide();
    sheet.showLoading();
  }

  /** @param reference of the model, as the store knows it */
  protected void load(String reference) {
    pipeline =
        new Pipeline(
            new ModelStore(this), Collections.singletonList(reference), settings,
            new OnMainThread(this));
    pipeline.start();
  }

  @Override
  protected void onStop() {
    if (pipeline != null) {
      pipeline.close();
      pipeline = null;
    }
    super.onStop();
  }

  @Override
  public void onModels(List<Classifier> loaded, Problem problem) {
    if (problem != null) {
      problems.show(problem);
    }
    for (Classifier running : loaded) {
      sheet.showModel(running);
    }
  }

  @Override
  public void onPipelineProblem(Problem problem) {
    problems.show(problem);
  }

  @Override
  public Pipeline pipeline() {
    return pipeline;
  }
}
