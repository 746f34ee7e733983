package org.xncaps.demo.measure;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.database.Cursor;
import android.net.Uri;

/** A provider of streams that nobody may change. */
abstract class ReadOnlyProvider extends ContentProvider {
  @Override
  public boolean onCreate() {
    return true;
  }

  @Override
  public Cursor query(Uri uri, String[] columns, String where, String[] given, String order) {
    return null;
  }

  @Override
  public Uri insert(Uri uri, ContentValues values) {
    throw new UnsupportedOperationException("expected to be read");
  }

  @Override
  public int delete(Uri uri, String where, String[] given) {
    throw new UnsupportedOperationException("expected to be read");
  }

  @Override
  public int update(Uri uri, ContentValues values, String where, String[] given) {
    throw new UnsupportedOperationException("expected to be read");
  }
}
