/* fuzz_annotation.c: any bytes as the text of an entry. Each annotation stands where
 * devlog/entry.h says, and is found from any place before it. */
#include "fuzz.h"
#include "journal/annotation.h"

/* What stands at it, and that a search from its start or later finds it, or not. */
static void check_place(const char *text, const dl_annotation *a) {
  size_t sign = a->kind == DL_ANNOTATION_PROJECT ? 2 : 1;
  const char *signs = a->kind == DL_ANNOTATION_PROJECT  ? "::"
                      : a->kind == DL_ANNOTATION_PERSON ? "@"
                                                        : "+";
  dl_annotation again = DL_ANNOTATION_INIT;
  require(a->struct_size == sizeof *a && a->start + sign == a->name && a->name < a->end);
  require(a->end <= strlen(text) && strncmp(text + a->start, signs, sign) == 0);
  for (size_t i = a->name; i < a->end; i++) {
    require((unsigned char)text[i] > ' ' && strchr("@:,;/\"'\\", text[i]) == NULL);
  }
  require(dl_annotation_next(text, a->start, &again) == 1);
  require(memcmp(a, &again, sizeof again) == 0);
}

static void check_list(const dl__names *names, size_t at, const char *text,
                       const dl_annotation *a) {
  require(at < names->count && strlen(names->items[at]) == a->end - a->name);
  require(strncmp(names->items[at], text + a->name, a->end - a->name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = text_of(data, size);
  dl__annotations all = {0};
  size_t tags = 0, people = 0, projects = 0;
  require(dl__annotations_parse(&all, text));
  for (dl_annotation a = DL_ANNOTATION_INIT; dl_annotation_next(text, a.end, &a) != 0;) {
    check_place(text, &a);
    if (a.kind == DL_ANNOTATION_TAG)
      check_list(&all.tags, tags++, text, &a);
    else if (a.kind == DL_ANNOTATION_PERSON)
      check_list(&all.people, people++, text, &a);
    else
      check_list(&all.projects, projects++, text, &a);
  }
  require(tags == all.tags.count && people == all.people.count && projects == all.projects.count);
  require(dl__annotations_empty(&all) == (tags + people + projects == 0));
  dl__annotations_clear(&all);
  free(text);
  return 0;
}
