/* Conformance: what is not there, not there any more, or there again. */
#include <string.h>

#include "remote.h"

static const char *const missing[] = {"missing", "folder/missing", "a/b/c/d/missing"};

START_TEST(missing_in_empty_remote) {
  dl_error err;
  assert_absent(&storage, missing[_i]);
  if (tested_can(CAN_REMOVE)) {
    ASSERT_FAILS(dl__storage_remove(&storage, missing[_i], &err), DL_ERR_NOT_FOUND, err);
  }
}
END_TEST

START_TEST(missing_beside_others) {
  dl_error err;
  put_text(&storage, "missin", "1");
  put_text(&storage, "missing2", "2");
  put_text(&storage, "folder/other", "3");
  put_text(&storage, "a/b/c/other", "4");
  assert_absent(&storage, missing[_i]);
  if (tested_can(CAN_REMOVE)) {
    ASSERT_FAILS(dl__storage_remove(&storage, missing[_i], &err), DL_ERR_NOT_FOUND, err);
  }
  assert_keys(&storage, "", "a/b/c/other\nfolder/other\nmissin\nmissing2");
}
END_TEST

/* The part in front of a slash is no object. */
START_TEST(folder_is_no_object) {
  dl_error err;
  put_text(&storage, "a/b/c", "content");
  assert_absent(&storage, "a");
  assert_absent(&storage, "a/b");
  if (tested_can(CAN_REMOVE)) {
    ASSERT_FAILS(dl__storage_remove(&storage, "a", &err), DL_ERR_NOT_FOUND, err);
    ASSERT_FAILS(dl__storage_remove(&storage, "a/b", &err), DL_ERR_NOT_FOUND, err);
  }
  assert_text(&storage, "a/b/c", "content");
}
END_TEST

START_TEST(object_is_no_folder) {
  dl_error err;
  put_text(&storage, "a", "content");
  assert_absent(&storage, "a/b");
  assert_absent(&storage, "a/b/c");
  if (tested_can(CAN_REMOVE)) {
    ASSERT_FAILS(dl__storage_remove(&storage, "a/b", &err), DL_ERR_NOT_FOUND, err);
  }
  assert_text(&storage, "a", "content");
}
END_TEST

START_TEST(error_names_the_key) {
  dl_error err;
  object o = {0};
  ASSERT_FAILS(dl__storage_stat(&storage, "folder/missing", object_take, &o, &err),
               DL_ERR_NOT_FOUND, err);
  ck_assert_str_eq(err.path, "folder/missing");
}
END_TEST

/* err may be NULL; the status is the same. */
START_TEST(error_not_wanted) {
  object o = {0};
  bytes content = {0};
  const dl_storage *slots = storage.owner;
  ck_assert_int_eq(slots->stat(slots->self, "missing", object_take, &o, NULL), DL_ERR_NOT_FOUND);
  ck_assert_int_eq(try_get(&storage, "missing", &content, NULL), DL_ERR_NOT_FOUND);
  listing l = {0};
  ck_assert_int_eq(slots->list(slots->self, "", listing_add, &l, NULL), DL_OK);
  ck_assert_uint_eq(l.count, 0);
  if (tested_can(CAN_REMOVE)) {
    ck_assert_int_eq(slots->remove(slots->self, "missing", NULL), DL_ERR_NOT_FOUND);
  }
}
END_TEST

START_TEST(remove_then_look) {
  put_text(&storage, "a", "1");
  put_text(&storage, "b", "2");
  remove_object(&storage, "a");
  assert_absent(&storage, "a");
  assert_text(&storage, "b", "2");
  assert_keys(&storage, "", "b");
}
END_TEST

START_TEST(remove_twice) {
  dl_error err;
  put_text(&storage, "a", "1");
  remove_object(&storage, "a");
  ASSERT_FAILS(dl__storage_remove(&storage, "a", &err), DL_ERR_NOT_FOUND, err);
  assert_keys(&storage, "", "");
}
END_TEST

START_TEST(remove_all) {
  static const char *const keys[] = {"a", "b/1", "b/2", "c/d/e", "z"};
  for (int i = 0; i < COUNT(keys); i++) put_text(&storage, keys[i], keys[i]);
  for (int i = 0; i < COUNT(keys); i++) remove_object(&storage, keys[i]);
  assert_keys(&storage, "", "");
}
END_TEST

/* Nothing of the first object may stick to the second. */
START_TEST(remove_and_put_again) {
  bytes content = bytes_text("first");
  (void)put_with_digest(&storage, "folder/a", content);
  bytes_clear(&content);
  remove_object(&storage, "folder/a");
  put_text(&storage, "folder/a", "other");
  assert_text(&storage, "folder/a", "other");
  object o = stat_of(&storage, "folder/a");
  ck_assert(!o.has_digest || tested_sum(o.digest));
  object_clear(&o);
}
END_TEST

/* Keys are all that there is: a folder that has become empty is in nobody's way. */
START_TEST(remove_and_put_in_place_of_folder) {
  put_text(&storage, "a/b/c", "1");
  remove_object(&storage, "a/b/c");
  put_text(&storage, "a", "2");
  assert_text(&storage, "a", "2");
  remove_object(&storage, "a");
  put_text(&storage, "a/b/c", "3");
  assert_text(&storage, "a/b/c", "3");
}
END_TEST

START_TEST(remove_leaves_neighbours) {
  put_text(&storage, "a/1", "1");
  put_text(&storage, "a/12", "2");
  put_text(&storage, "a.1", "3");
  put_text(&storage, "A/1", "4");
  remove_object(&storage, "a/1");
  assert_keys(&storage, "", "A/1\na.1\na/12");
}
END_TEST

void cases_absent(Suite *suite) {
  TCase *tc = case_new(suite, "absent");
  tcase_add_loop_test(tc, missing_in_empty_remote, 0, COUNT(missing));
  tcase_add_loop_test(tc, missing_beside_others, 0, COUNT(missing));
  tcase_add_test(tc, folder_is_no_object);
  tcase_add_test(tc, object_is_no_folder);
  tcase_add_test(tc, error_names_the_key);
  tcase_add_test(tc, error_not_wanted);
  if (!tested_can(CAN_REMOVE)) return;
  tcase_add_test(tc, remove_then_look);
  tcase_add_test(tc, remove_twice);
  tcase_add_test(tc, remove_all);
  tcase_add_test(tc, remove_and_put_again);
  tcase_add_test(tc, remove_and_put_in_place_of_folder);
  tcase_add_test(tc, remove_leaves_neighbours);
}
