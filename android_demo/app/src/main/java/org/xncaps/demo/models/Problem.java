package org.xncaps.demo.models;

import android.content.Context;

/** What went wrong, and what the user can do about it. */
public final class Problem {
  private final int what;
  private final int advice;
  private final String detail;

  /**
   * @param what a string resource
   * @param advice a string resource
   * @param detail the technical cause, shown small; may be null
   */
  public Problem(int what, int advice, String detail) {
    this.what = what;
    this.advice = advice;
    this.detail = detail;
  }

  public int what() {
    return what;
  }

  public String words(Context context) {
    String text = context.getString(what) + "\n" + context.getString(advice);
    return detail == null || detail.isEmpty() ? text : text + "\n\n" + detail;
  }
}
