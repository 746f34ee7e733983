package org.xncaps.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.view.GestureDetector;
import android.view.LayoutInflater;
import android.view.MotionEvent;
import android.view.View;
import android.view.accessibility.AccessibilityNodeInfo;
import android.widget.LinearLayout;
import android.widget.TextView;
import org.xncaps.core.TopK;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Settings;

/**
 * The result of one model: the best class large, with its share; drawn up, or touched, also the bars,
 * the times and what runs.
 */
public final class ResultSheet extends LinearLayout {
  /** Of the window's height, so that what it is about stays in sight, whatever the font. */
  private static final float MOST = 0.55f;

  private final View head;
  private final View details;
  private final TextView best;
  private final TextView share;
  private final TextView under;
  private final BarsView bars;
  private final TextView times;
  private final TextView status;
  private final TextView runtime;
  private final GestureDetector gestures;
  private boolean open;
  private boolean fixed;
  private ModelResult shown;

  public ResultSheet(Context context, AttributeSet attributes) {
    super(context, attributes);
    setOrientation(VERTICAL);
    LayoutInflater.from(context).inflate(R.layout.sheet_content, this);
    head = findViewById(R.id.sheet_head);
    details = findViewById(R.id.sheet_details);
    best = findViewById(R.id.best);
    share = findViewById(R.id.best_share);
    under = findViewById(R.id.under_best);
    bars = findViewById(R.id.bars);
    times = findViewById(R.id.times);
    status = findViewById(R.id.status);
    runtime = findViewById(R.id.runtime);
    gestures = new GestureDetector(context, new Drawing());
    head.setOnClickListener(view -> setOpen(!open));
    head.setOnTouchListener((view, event) -> gestures.onTouchEvent(event));
    setOpen(false);
  }

  @Override
  protected void onMeasure(int widthSpec, int heightSpec) {
    if (MeasureSpec.getMode(heightSpec) != MeasureSpec.EXACTLY) {
      float window =
          getResources().getConfiguration().screenHeightDp
              * getResources().getDisplayMetrics().density;
      int room = Math.round(MOST * window);
      if (MeasureSpec.getMode(heightSpec) == MeasureSpec.AT_MOST) {
        room = Math.min(room, MeasureSpec.getSize(heightSpec));
      }
      heightSpec = MeasureSpec.makeMeasureSpec(room, MeasureSpec.AT_MOST);
    }
    super.onMeasure(widthSpec, heightSpec);
  }

  /** Always open: there is room beside the picture. */
  public void fixOpen() {
    setOpen(true);
    fixed = true;
    head.setClickable(false);
    findViewById(R.id.sheet_handle).setVisibility(GONE);
  }

  public void setOpen(boolean open) {
    if (fixed) {
      return;
    }
    this.open = open;
    details.setVisibility(open ? VISIBLE : GONE);
    head.setAccessibilityDelegate(
        new View.AccessibilityDelegate() {
          @Override
          public void onInitializeAccessibilityNodeInfo(
              View host, AccessibilityNodeInfo info) {
            super.onInitializeAccessibilityNodeInfo(host, info);
            info.addAction(
                new AccessibilityNodeInfo.AccessibilityAction(
                    AccessibilityNodeInfo.ACTION_CLICK,
                    getContext().getString(open ? R.string.sheet_hide : R.string.sheet_show)));
          }
        });
  }

  public boolean isOpen() {
    return open;
  }

  public void showLoading() {
    shown = null;
    best.setText(R.string.loading);
    share.setText("");
    under.setText("");
    detail(times, "");
    detail(runtime, "");
    bars.clear();
  }

  /** What runs; the screen says what it waits for. */
  public void showModel(Classifier running) {
    detail(runtime, Words.runtime(getContext(), running));
  }

  /** Says nothing but this: there is nothing to classify yet. */
  public void showHint(int words) {
    shown = null;
    best.setText(words);
    share.setText("");
    under.setText("");
    bars.clear();
    detail(times, "");
  }

  public void show(ModelResult result, Settings settings) {
    shown = result;
    Context context = getContext();
    TopK.Entry first = result.top.get(0);
    boolean notSure = result.notSure(settings);
    String percent = Words.share(context, first.share);
    set(best, notSure ? context.getString(R.string.not_sure) : Words.label(first.label));
    set(share, notSure ? "" : percent);
    String milliseconds = context.getString(R.string.milliseconds, result.inferenceMedian);
    set(under,
        notSure
            ? context.getString(R.string.perhaps, first.label, percent)
            : context.getString(
                R.string.one_glance, milliseconds, Words.head(context, result.model)));
    bars.show(
        result.top.subList(0, Math.min(settings.results, result.top.size())), settings.results);
    bars.setContentDescription(
        context.getString(R.string.result_spoken, result.model.name, bars.spoken()));
    detail(times, Words.times(context, result));
  }

  public void showStatus(String words) {
    detail(status, words);
  }

  /** TalkBack reads a text that is set anew, also where it is the same. */
  private static void set(TextView view, String words) {
    if (!words.contentEquals(view.getText())) {
      view.setText(words);
    }
  }

  /** A line of the details, which takes no room while there is nothing to say. */
  private static void detail(TextView view, String words) {
    set(view, words);
    view.setVisibility(words.isEmpty() ? GONE : VISIBLE);
  }

  /** What is shown; null before the first result. */
  public ModelResult shown() {
    return shown;
  }

  public BarsView bars() {
    return bars;
  }

  /** Up opens, down closes. */
  private final class Drawing extends GestureDetector.SimpleOnGestureListener {
    @Override
    public boolean onFling(MotionEvent from, MotionEvent to, float velocityX, float velocityY) {
      if (Math.abs(velocityY) < Math.abs(velocityX)) {
        return false;
      }
      setOpen(velocityY < 0);
      return true;
    }
  }
}
