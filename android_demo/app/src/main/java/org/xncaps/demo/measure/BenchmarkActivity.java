package org.xncaps.demo.measure;

import android.app.Activity;
import android.content.Context;
import android.content.Intent;
import android.os.Bundle;
import android.view.WindowManager;
import android.widget.ProgressBar;
import android.widget.TextView;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import org.xncaps.core.measure.Endpoint;
import org.xncaps.core.measure.MeasureServer;
import org.xncaps.demo.R;
import org.xncaps.demo.ui.Edges;

/**
 * The screen that adb starts (docs/adb-protocol.md). It stays lit while the host measures; leaving
 * it ends the job that is going on.
 */
public final class BenchmarkActivity extends Activity implements BenchmarkRunner.Listener {
  static final String SOCKET = "socket";
  static final String FOLDER = "folder";
  static final String JOB = "job";
  static final String OUT = "out";
  private static final String NAME = "xncaps-[0-9a-f]{32}";

  /** Opens the socket of a name; tests open loopback. */
  interface Endpoints {
    Endpoint open(Context context, String name) throws IOException;
  }

  static Endpoints endpoints = LocalEndpoint::new;
  static long silenceMillis = MeasureServer.SILENCE_MILLIS;

  private BenchmarkRunner runner;
  private MeasureServer server;
  private Thread thread;
  private TextView text;
  private ProgressBar bar;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    setContentView(R.layout.benchmark);
    Edges.reach(this);
    Edges.pad(findViewById(R.id.root), true, true, true, true);
    text = findViewById(R.id.benchmark_text);
    bar = findViewById(R.id.benchmark_bar);
    getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    begin(getIntent());
  }

  @Override
  protected void onNewIntent(Intent intent) {
    super.onNewIntent(intent);
    if (server != null || (thread != null && thread.isAlive())) {
      // The host of before is served on; who starts anew stops the app first.
      text.setText(getString(R.string.benchmark_rejected, getString(R.string.benchmark_busy)));
      return;
    }
    setIntent(intent);
    begin(intent);
  }

  private void begin(Intent intent) {
    runner = new BenchmarkRunner(this, this);
    MeasureServer.clean(root());
    try {
      if (intent.hasExtra(FOLDER)) {
        beginFolder(intent);
      } else {
        beginSocket(intent.getStringExtra(SOCKET));
      }
    } catch (IllegalArgumentException | IOException e) {
      android.util.Log.w("xncaps", "benchmark", e);
      text.setText(getString(R.string.benchmark_rejected, e.getMessage()));
    }
  }

  private File root() {
    return new File(getFilesDir(), "measure");
  }

  private void beginSocket(String name) throws IOException {
    if (name == null || !name.matches(NAME)) {
      throw new IllegalArgumentException("socket: expected " + NAME + ", got " + name);
    }
    text.setText(getString(R.string.benchmark_waiting));
    server =
        new MeasureServer(
            endpoints.open(this, name), root(), runner,
            DeviceFacts.app(this), silenceMillis, this::onEnd);
    server.start();
  }

  private void beginFolder(Intent intent) {
    FolderRun.Out out = ResultProvider::awaitReader;
    if ("files".equals(intent.getStringExtra(OUT))) {
      // Before Android 9 `content` has no `read`; what the app itself writes there adb can read.
      File file = new File(getExternalFilesDir("measure"), "frames");
      out = () -> new FileOutputStream(file);
    }
    thread =
        new Thread(
            new FolderRun(intent.getStringExtra(FOLDER), intent.getStringExtra(JOB), runner, out),
            "benchmark");
    thread.start();
  }

  private void onEnd(String why) {
    runOnUiThread(
        () -> {
          if (why != null) {
            text.setText(getString(R.string.benchmark_ended, why));
          }
          finish(); // nothing is left to keep the screen lit for
        });
  }

  @Override
  public void onProgress(String state, int done, int total, String model, String error) {
    runOnUiThread(
        () -> {
          bar.setMax(Math.max(1, total));
          bar.setProgress(done);
          text.setText(words(state, done, total, model, error));
        });
  }

  private String words(String state, int done, int total, String model, String error) {
    if (error != null) {
      return getString(R.string.benchmark_ended, error);
    }
    return "done".equals(state) ? getString(R.string.benchmark_done, done, total)
        : ProgressWords.of(this, state, done, total, model);
  }

  @Override
  protected void onStop() {
    super.onStop();
    // Not in front any more: the system slows the app down, and times would lie.
    if (!isChangingConfigurations()) {
      runner.cancel();
    }
  }

  @Override
  protected void onDestroy() {
    runner.cancel();
    if (server != null) {
      server.close();
    }
    super.onDestroy();
  }
}
