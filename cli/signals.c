/* cli/signals.c: takes SIGINT and SIGTERM, hands the first on as dl_cancel, and
 * remembers which it was. A handler has no argument of ours, hence the statics. */
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "exits.h"

static const int numbers[] = {SIGINT, SIGTERM};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

static struct sigaction before[NUMBERS];
static _Atomic(dl_sync *) target;
static atomic_int received;

static void stop(int number) {
  static const char text[] = "\ndevlog: stopped at once\n";
  int none = 0;
  if (atomic_compare_exchange_strong(&received, &none, number)) {
    dl_cancel(atomic_load(&target));
    return;
  }
  /* There is nobody left to tell if the write fails. */
  ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
  (void)written;
  _exit(EXIT_SIGNAL + number);
}

void signals_catch(dl_sync *sync) {
  atomic_store(&received, 0);
  atomic_store(&target, sync);
  /* sigaction fails only for numbers that cannot be caught. */
  for (size_t i = 0; i < NUMBERS; i++) {
    (void)sigaction(numbers[i], NULL, &before[i]);
    if (before[i].sa_handler == SIG_IGN) continue;
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(numbers[i], &action, NULL);
  }
}

int signals_release(void) {
  for (size_t i = 0; i < NUMBERS; i++) (void)sigaction(numbers[i], &before[i], NULL);
  atomic_store(&target, NULL);
  return atomic_load(&received);
}
