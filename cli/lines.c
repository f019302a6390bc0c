/* cli/lines.c: takes what a line is to say, writes it in the form that the screen
 * can show. Failures stay in stdout's error flag, which is looked at in the end. */
#include "lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

/* In ASCII and in UTF-8. Some signs are two columns wide and some are not: hence
 * one space or two behind them. */
static const char *const marks[][2] = {
    [MARK_ENTRY] = {"* ", "📓 "},
    [MARK_PUSH] = {"* ", "🔄 "},
    [MARK_SCAN] = {"* ", "🔍 "},
    [MARK_FOUND] = {"* ", "📁 "},
    [MARK_NEED] = {"* ", "📝 "},
    [MARK_NOTHING] = {"* ", "✨ "},
    [MARK_UPLOAD] = {"* ", "⬆️  "},
    [MARK_DOWNLOAD] = {"* ", "⬇️  "},
    [MARK_NOTE] = {"note: ", "ℹ️  "},
    [MARK_COMPLETE] = {"* ", "✅ "},
    [MARK_INCOMPLETE] = {"! ", "❌ "},
    [MARK_WARNING] = {"! ", "⚠️  "},
    [MARK_FILE] = {"  > ", "  📤 "},
    [MARK_FILE_IN] = {"  > ", "  📥 "},
    [MARK_FILE_OK] = {"  ok ", "  ✅ "},
    [MARK_FILE_FAILED] = {"  FAILED ", "  ❌ "},
    [MARK_FILE_RETRY] = {"  again ", "  🔁 "},
    [MARK_FILE_NOTE] = {"  note: ", "  ℹ️  "},
};

static void put(const char *text) {
  (void)fputs(text, stdout);
}

static void put_text(term t, const char *text) {
  text_print(stdout, text, t.utf8);
}

static void begin(term t, mark m, const char *color) {
  if (t.color && color != NULL) put(color);
  put(marks[m][t.utf8]);
}

static void end_color(term t, const char *color) {
  if (t.color && color != NULL) put("\x1b[0m");
}

void line(term t, mark m, const char *color, const char *format, ...) {
  va_list args;
  begin(t, m, color);
  va_start(args, format);
  (void)vfprintf(stdout, format, args);
  va_end(args);
  end_color(t, color);
  put("\n");
}

void line_quoted(term t, mark m, const char *before, const char *text, const char *after) {
  begin(t, m, NULL);
  (void)printf("%s\"", before);
  put_text(t, text);
  (void)printf("\"%s\n", after);
}

void line_about(term t, mark m, const char *color, const char *path, const char *message) {
  begin(t, m, color);
  if (path != NULL) put_text(t, path);
  if (path != NULL && message != NULL) put(": ");
  if (message != NULL) put_text(t, message);
  end_color(t, color);
  put("\n");
}

void line_file(term t, mark m, const char *path, uint64_t size_bytes) {
  begin(t, m, NULL);
  put_text(t, path);
  (void)printf(" (%" PRIu64 " bytes)\n", size_bytes);
}

static void put_file_ok(term t, const char *path) {
  begin(t, MARK_FILE_OK, GREEN);
  end_color(t, GREEN);
  put_text(t, path);
}

void line_file_ok(term t, const char *path) {
  put_file_ok(t, path);
  put("\n");
}

/* `BEFORE1.0 KiB of 512 MiBAFTER` */
static void put_part(const char *before, uint64_t part_bytes, uint64_t all_bytes,
                     const char *after) {
  char part[32], all[32];
  text_bytes(part, sizeof part, (double)part_bytes);
  text_bytes(all, sizeof all, (double)all_bytes);
  (void)printf("%s%s of %s%s\n", before, part, all, after);
}

void line_file_reused(term t, const char *path, const char *moved, uint64_t moved_bytes,
                      uint64_t size_bytes) {
  put_file_ok(t, path);
  (void)printf(" (%s ", moved);
  put_part("", moved_bytes, size_bytes, ")");
}

void line_value(term t, const char *name, const char *value) {
  (void)printf("   %s: ", name);
  put_text(t, value);
  put("\n");
}

void line_count(const char *name, uint64_t count, const char *unit) {
  (void)printf("   %s: %" PRIu64 "%s\n", name, count, unit);
}

void line_part(const char *name, uint64_t part_bytes, uint64_t all_bytes) {
  (void)printf("   %s", name);
  put_part(": ", part_bytes, all_bytes, "");
}
