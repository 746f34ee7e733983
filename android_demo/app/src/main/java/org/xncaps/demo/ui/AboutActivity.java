package org.xncaps.demo.ui;

import android.app.Activity;
import android.content.pm.PackageManager;
import android.os.Bundle;
import android.system.Os;
import android.system.OsConstants;
import android.view.View;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.xncaps.delegate.XncapsDelegate;
import org.xncaps.demo.R;
import org.xncaps.demo.models.NativeRuntime;

/** Version, runtime, licences and notices. */
public final class AboutActivity extends Activity {
  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    new Page(this, R.layout.list, R.string.about);
    findViewById(R.id.list_action).setVisibility(View.GONE);
    add(getString(R.string.about_version, version()), 16, R.color.ink);
    add(getString(R.string.about_runtime), 18, R.color.accent);
    long page = Os.sysconf(OsConstants._SC_PAGESIZE);
    add(
        NativeRuntime.version() + "\n"
            + getString(R.string.about_delegate, XncapsDelegate.version())
            + (page > 0 ? "\n" + getString(R.string.about_pages, page) : ""),
        15, R.color.ink);
    add(getString(R.string.about_licences), 18, R.color.accent);
    add(asset("NOTICE"), 14, R.color.ink_soft);
    add(asset("LICENSE"), 12, R.color.ink_soft);
  }

  private void add(String words, int size, int color) {
    LinearLayout list = findViewById(R.id.list);
    TextView view = new TextView(this);
    view.setText(words);
    view.setTextSize(size);
    view.setTextColor(getColor(color));
    view.setTextIsSelectable(true);
    view.setTextAlignment(View.TEXT_ALIGNMENT_VIEW_START);
    view.setPadding(0, Math.round(12 * getResources().getDisplayMetrics().density), 0, 0);
    list.addView(view);
  }

  private String version() {
    try {
      return getPackageManager().getPackageInfo(getPackageName(), 0).versionName;
    } catch (PackageManager.NameNotFoundException e) {
      throw new IllegalStateException("the app does not find itself", e);
    }
  }

  private String asset(String name) {
    try (InputStream in = getAssets().open(name)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] chunk = new byte[4096];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        out.write(chunk, 0, n);
      }
      return new String(out.toByteArray(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return name + ": " + e.getMessage();
    }
  }
}
