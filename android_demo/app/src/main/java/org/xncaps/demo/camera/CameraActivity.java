package org.xncaps.demo.camera;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.Intent;
import android.content.res.Configuration;
import android.os.Bundle;
import android.view.View;
import android.widget.ImageButton;
import android.widget.PopupMenu;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.xncaps.demo.R;
import org.xncaps.demo.draw.DrawActivity;
import org.xncaps.demo.measure.MeasureActivity;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.ui.AboutActivity;
import org.xncaps.demo.ui.Edges;
import org.xncaps.demo.ui.ModelHead;
import org.xncaps.demo.ui.ModelsActivity;
import org.xncaps.demo.ui.ResultSheet;
import org.xncaps.demo.ui.SettingsDialog;
import org.xncaps.demo.ui.Sharing;

/** The first screen: what the camera sees, and what the model says of it. */
public final class CameraActivity extends LiveActivity {
  private static final String OPEN = "open";
  /** Further screens, by the words for them, in the order of the menu. */
  private static final Map<Integer, Class<? extends Activity>> MENU = new LinkedHashMap<>();

  static {
    MENU.put(R.string.compare, CompareActivity.class);
    MENU.put(R.string.draw, DrawActivity.class);
    MENU.put(R.string.measure, MeasureActivity.class);
    MENU.put(R.string.about, AboutActivity.class);
  }

  private ModelHead head;
  private ResultSheet sheet;
  private List<ModelResult> latest;
  private AlertDialog dialog;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    create(saved, R.layout.camera);
    head = new ModelHead(this);
    sheet = findViewById(R.id.sheet);
    boolean upright =
        getResources().getConfiguration().orientation == Configuration.ORIENTATION_PORTRAIT;
    Edges.pad(findViewById(R.id.top), true, true, upright, false);
    if (upright) {
      Edges.pad(sheet, false, false, false, true);
      sheet.setOpen(saved != null && saved.getBoolean(OPEN));
    } else {
      Edges.pad(findViewById(R.id.side), false, true, true, true);
      sheet.fixOpen();
    }
    findViewById(R.id.flip)
        .setOnClickListener(view -> change(settings.withFront(!settings.front)));
    findViewById(R.id.torch).setOnClickListener(view -> setTorch(!torch()));
    findViewById(R.id.freeze).setOnClickListener(view -> setFrozen(!frozen()));
    findViewById(R.id.picture).setOnClickListener(view -> open(PictureActivity.class));
    findViewById(R.id.models).setOnClickListener(view -> open(ModelsActivity.class));
    findViewById(R.id.top).setOnClickListener(view -> open(ModelsActivity.class));
    findViewById(R.id.settings)
        .setOnClickListener(view -> dialog = SettingsDialog.show(this, settings, this::change));
    findViewById(R.id.more).setOnClickListener(this::showMenu);
  }

  private void open(Class<? extends Activity> screen) {
    startActivity(new Intent(this, screen));
  }

  private void showMenu(View at) {
    PopupMenu menu = new PopupMenu(this, at);
    for (int words : MENU.keySet()) {
      menu.getMenu().add(0, words, 0, words);
    }
    menu.getMenu().add(0, R.string.share, 0, R.string.share);
    menu.setOnMenuItemClickListener(
        item -> {
          onMenu(item.getItemId());
          return true;
        });
    menu.show();
  }

  /** @param words of the choice */
  void onMenu(int words) {
    if (words == R.string.share) {
      Sharing.share(this, latest, settings);
    } else {
      open(MENU.get(words));
    }
  }

  @Override
  void showControls() {
    findViewById(R.id.torch).setActivated(torch());
    ImageButton button = findViewById(R.id.freeze);
    button.setActivated(frozen());
    button.setImageResource(frozen() ? R.drawable.ic_go : R.drawable.ic_freeze);
    button.setContentDescription(getString(frozen() ? R.string.unfreeze : R.string.freeze));
  }

  @Override
  protected void onSaveInstanceState(Bundle out) {
    super.onSaveInstanceState(out);
    out.putBoolean(OPEN, sheet.isOpen());
  }

  @Override
  protected void onDestroy() {
    if (dialog != null) {
      dialog.dismiss(); // its window would outlive this screen's
    }
    super.onDestroy();
  }

  @Override
  List<String> references() {
    return Collections.singletonList(settings.model);
  }

  @Override
  void showLoading() {
    latest = null; // of the model before
    head.clear("");
    sheet.showLoading();
  }

  @Override
  void showStatus(String words) {
    sheet.showStatus(words);
  }

  @Override
  void showSeeing(boolean seeing) {
    for (int control : new int[] {R.id.flip, R.id.torch, R.id.freeze}) {
      if (!seeing) {
        findViewById(control).setVisibility(View.GONE); // what the camera can do brings them back
      }
    }
    if (!seeing || latest == null) {
      sheet.showHint(waiting());
    }
  }

  @Override
  void showAbilities(FrameSource.Abilities abilities) {
    findViewById(R.id.freeze).setVisibility(View.VISIBLE);
    findViewById(R.id.torch).setVisibility(abilities.torch ? View.VISIBLE : View.GONE);
    findViewById(R.id.flip).setVisibility(abilities.otherSide ? View.VISIBLE : View.GONE);
  }

  @Override
  void change(org.xncaps.demo.models.Settings changed) {
    super.change(changed);
    if (latest != null) {
      sheet.show(latest.get(0), settings); // other bars, another threshold: at once
    }
  }

  @Override
  public void onModels(List<Classifier> loaded, Problem problem) {
    if (problem != null) {
      showProblem(problem);
    }
    for (Classifier running : loaded) {
      head.show(running);
      sheet.showModel(running);
      sheet.showHint(waiting());
    }
  }

  @Override
  public void onResults(List<ModelResult> results, double rate) {
    latest = results;
    setRate(rate);
    sheet.show(results.get(0), settings);
  }
}
