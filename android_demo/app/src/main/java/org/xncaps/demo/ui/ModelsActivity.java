package org.xncaps.demo.ui;

import android.app.Activity;
import android.content.Intent;
import android.net.Uri;
import android.os.Bundle;
import android.os.Handler;
import android.os.HandlerThread;
import android.view.View;
import android.widget.Button;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.util.List;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.ModelException;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Explanations;
import org.xncaps.demo.models.ModelCard;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Settings;

/** The models of the app with what is known of each, and files that the user adds. */
public final class ModelsActivity extends Activity {
  private static final int ADD = 1;

  private ModelStore store;
  private ProblemView problems;
  private LinearLayout list;
  private HandlerThread copying; // files are large, and other apps' providers slow

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    new Page(this, R.layout.list, R.string.models);
    store = new ModelStore(this);
    problems = new ProblemView(this);
    list = findViewById(R.id.list);
    Button add = findViewById(R.id.list_action);
    add.setText(R.string.models_add);
    add.setOnClickListener(view -> pick());
    copying = new HandlerThread("copying");
    copying.start();
  }

  @Override
  protected void onStart() {
    super.onStart();
    show();
  }

  @Override
  protected void onDestroy() {
    copying.quitSafely();
    super.onDestroy();
  }

  private void show() {
    list.removeAllViews();
    try {
      Settings settings = Settings.load(this);
      List<String> all = store.all();
      for (String reference : all) {
        boolean current =
            reference.equals(settings.model.isEmpty() ? all.get(0) : settings.model);
        list.addView(card(reference, current));
      }
    } catch (ModelException e) {
      problems.show(Explanations.of(e));
    }
  }

  private View card(String reference, boolean current) {
    View card = getLayoutInflater().inflate(R.layout.model_card, list, false);
    TextView name = card.findViewById(R.id.card_name);
    TextView text = card.findViewById(R.id.card_text);
    try {
      ClassifierModel model = store.describe(reference);
      String title = store.card(reference).title;
      name.setText(title == null ? model.name : title);
      text.setText(about(reference, model));
      card.setContentDescription(null);
    } catch (ModelException e) {
      name.setText(ModelStore.nameOf(reference));
      text.setText(Explanations.of(e).words(this));
    }
    card.findViewById(R.id.card_current).setVisibility(current ? View.VISIBLE : View.GONE);
    card.setSelected(current);
    card.setOnClickListener(
        view -> {
          Settings.load(this).withModel(reference).save(this);
          finish();
        });
    if (reference.startsWith(ModelStore.PICKED)) {
      View remove = card.findViewById(R.id.card_remove);
      remove.setVisibility(View.VISIBLE);
      remove.setOnClickListener(view -> remove(reference));
    }
    return card;
  }

  private String about(String reference, ClassifierModel model) throws ModelException {
    ModelCard card = store.card(reference);
    int bytes = store.load(reference).bytes.capacity();
    StringBuilder out =
        new StringBuilder(
            getString(
                R.string.models_size, Words.classes(this, model), Words.bytes(this, bytes),
                Words.head(this, model)));
    if (card.accuracy != null && card.images > 0) {
      out.append('\n').append(
          getString(R.string.models_accuracy, 100 * card.accuracy, card.images));
    } else if (!model.description.isEmpty()) {
      out.append('\n').append(model.description);
    }
    if (card.source != null) {
      out.append('\n').append(getString(R.string.models_data, card.source, card.licence));
    }
    if (reference.startsWith(ModelStore.PICKED)) {
      out.append('\n').append(getString(R.string.models_picked));
    }
    return out.toString();
  }

  private void remove(String reference) {
    store.remove(reference);
    Settings settings = Settings.load(this);
    if (reference.equals(settings.model)) {
      settings.withModel("").save(this);
    }
    show();
  }

  private void pick() {
    startActivityForResult(
        new Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            .setType("*/*"),
        ADD);
  }

  @Override
  protected void onActivityResult(int request, int result, Intent data) {
    super.onActivityResult(request, result, data);
    Uri uri = data == null ? null : data.getData();
    if (request == ADD && result == RESULT_OK && uri != null) {
      problems.hide();
      new Handler(copying.getLooper()).post(() -> add(uri));
    }
  }

  /** On the copying thread. */
  private void add(Uri uri) {
    try {
      String reference = store.add(uri);
      Settings.load(this).withModel(reference).save(this);
      runOnUiThread(this::show);
    } catch (ModelException e) {
      android.util.Log.w("xncaps", "added model", e);
      runOnUiThread(() -> problems.show(Explanations.of(e)));
    }
  }
}
