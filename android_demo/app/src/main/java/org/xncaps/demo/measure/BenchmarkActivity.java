package org.xncaps.demo.measure;

import android.app.Activity;
import android.content.Intent;
import android.os.Bundle;
import android.util.Base64;
import android.view.WindowManager;
import android.widget.ProgressBar;
import android.widget.TextView;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.xncaps.core.BenchmarkJob;
import org.xncaps.demo.R;

/**
 * The screen that adb starts with a job (docs/android.md). It stays lit while the job runs; leaving
 * it ends the job.
 */
public final class BenchmarkActivity extends Activity implements BenchmarkRunner.Listener {
  public static final String JOB = "job";
  public static final String JOB_BASE64 = "job_base64";
  public static final String FOLDER = "bench";

  private BenchmarkRunner runner;
  private Thread thread;
  private TextView text;
  private ProgressBar bar;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    setContentView(R.layout.benchmark);
    text = findViewById(R.id.benchmark_text);
    bar = findViewById(R.id.benchmark_bar);
    getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    begin(getIntent());
  }

  @Override
  protected void onNewIntent(Intent intent) {
    super.onNewIntent(intent);
    if (thread != null && thread.isAlive()) {
      reject(intent, "busy: expected the running job to end first");
      return;
    }
    setIntent(intent);
    begin(intent);
  }

  /** Where the jobs' folders are; adb's shell can write there, and needs no root. */
  public static File root(android.content.Context context) {
    File external = context.getExternalFilesDir(FOLDER);
    return external != null ? external : new File(context.getFilesDir(), FOLDER);
  }

  private void begin(Intent intent) {
    File root = root(this);
    String json = json(intent);
    if (json == null) {
      // Started without a job: makes the folder, so that the host can push into it.
      text.setText(getString(R.string.benchmark_waiting, root.getPath()));
      return;
    }
    try {
      BenchmarkJob job = BenchmarkJob.parse(json);
      runner = new BenchmarkRunner(this, job, new File(root, job.id), this);
      thread = new Thread(new Work(runner), "benchmark");
      thread.start();
    } catch (IllegalArgumentException | IOException e) {
      reject(intent, e.getMessage());
    }
  }

  private static String json(Intent intent) {
    String encoded = intent.getStringExtra(JOB_BASE64);
    if (encoded == null) {
      return intent.getStringExtra(JOB);
    }
    try {
      return new String(
          Base64.decode(encoded, Base64.URL_SAFE | Base64.NO_WRAP), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return "not base64: " + e.getMessage(); // parse says what is wrong with that
    }
  }

  /** A job that cannot start is answered in rejected.json of the root, which the host reads. */
  private void reject(Intent intent, String why) {
    text.setText(getString(R.string.benchmark_rejected, why));
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("version", BenchmarkJob.VERSION);
    answer.put("state", "rejected");
    answer.put("error", why);
    answer.put("job", json(intent));
    try {
      new BenchmarkFolder(root(this)).writeRejection(answer);
    } catch (IOException e) {
      android.util.Log.w("xncaps", "benchmark: " + why, e);
    }
  }

  @Override
  public void onProgress(
      final String state, final int done, final int total, final String model,
      final String error) {
    runOnUiThread(
        new Runnable() {
          @Override
          public void run() {
            bar.setMax(Math.max(1, total));
            bar.setProgress(done);
            text.setText(words(state, done, total, model, error));
          }
        });
  }

  private String words(String state, int done, int total, String model, String error) {
    if (error != null) {
      return getString(R.string.benchmark_ended, error);
    }
    String now;
    switch (state) {
      case "done":
        return getString(R.string.benchmark_done, done, total);
      case "measuring":
        now = getString(R.string.benchmark_measuring, done, total);
        break;
      case "warming":
        now = getString(R.string.benchmark_warming, model);
        break;
      case "cooling":
        now = getString(R.string.benchmark_cooling);
        break;
      default:
        now = getString(R.string.benchmark_loading);
    }
    return now + "\n" + getString(R.string.benchmark_keep);
  }

  @Override
  protected void onStop() {
    super.onStop();
    // Not in front any more: the system slows the app down, and times would lie.
    if (runner != null && !isChangingConfigurations()) {
      runner.cancel();
    }
  }

  @Override
  protected void onDestroy() {
    if (runner != null) {
      runner.cancel();
    }
    super.onDestroy();
  }

  /** For tests: the thread of the job, null if none was started. */
  public Thread job() {
    return thread;
  }

  private static final class Work implements Runnable {
    private final BenchmarkRunner runner;

    Work(BenchmarkRunner runner) {
      this.runner = runner;
    }

    @Override
    public void run() {
      try {
        runner.run();
      } catch (IOException e) {
        // Storage is full or gone: there is nowhere left to say it but the log.
        android.util.Log.e("xncaps", "benchmark result lost", e);
      }
    }
  }
}
