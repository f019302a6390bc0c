/* cli/editor.c: takes a file, runs the editor on it. $VISUAL may hold options, so a
 * shell takes it apart; the name of the file is an argument of that shell and never
 * part of what it reads as a command. */
#include "editor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

static const char *editor_name(void) {
  static const char *const variables[] = {"VISUAL", "EDITOR"};
  for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
    const char *value = getenv(variables[i]);
    if (value != NULL && value[strspn(value, " \t")] != '\0') return value;
  }
  return "vi";
}

/* In the child: the signals as a program expects them at its start. */
static void become_editor(const char *command, const char *path, const sigset_t *mask) {
  const int numbers[] = {SIGINT, SIGQUIT, SIGPIPE};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    (void)signal(numbers[i], SIG_DFL);
  }
  (void)sigprocmask(SIG_SETMASK, mask, NULL);
  (void)execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
  _exit(127);
}

/* Ctrl-C at the terminal is the editor's business while it runs, as in system(3).
 * @return the status of waitpid, or -1 and errno. */
static int run(const char *command, const char *path) {
  sigset_t mask;
  struct sigaction ignore = {.sa_handler = SIG_IGN}, on_int, on_quit;
  if (sigprocmask(SIG_SETMASK, NULL, &mask) != 0) return -1;
  (void)sigaction(SIGINT, &ignore, &on_int);
  (void)sigaction(SIGQUIT, &ignore, &on_quit);
  pid_t child = fork();
  if (child == 0) become_editor(command, path, &mask);
  int status = -1;
  int failure = errno;
  while (child > 0 && waitpid(child, &status, 0) < 0) {
    failure = errno;
    if (failure == EINTR) continue;
    status = -1;
    break;
  }
  (void)sigaction(SIGINT, &on_int, NULL);
  (void)sigaction(SIGQUIT, &on_quit, NULL);
  errno = failure;
  return status;
}

/* A shell tells of a signal that ended its command by 128 and the number. */
static bool report(const char *name, int status) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  int number = WIFSIGNALED(status) ? WTERMSIG(status) : code > 128 ? code - 128 : 0;
  if (number > 0) {
    complain("the editor '%s' was ended by signal %d: nothing is written", name, number);
  } else if (code == 127) {
    complain("the editor '%s' was not found: set VISUAL or EDITOR, or use -m", name);
  } else if (code != 0) {
    complain("the editor '%s' ended with %d: nothing is written", name, code);
  }
  return number == 0 && code == 0;
}

/* The trap keeps the shell from ending at a Ctrl-C that the editor survives; the editor
 * itself starts with the signal as it is by default. */
bool editor_run(const char *path) {
  static const char before[] = "trap : INT QUIT; ", argument[] = " \"$1\"";
  const char *name = editor_name();
  size_t size = sizeof before + strlen(name) + sizeof argument;
  char *command = malloc(size);
  if (command == NULL) {
    complain("out of memory");
    return false;
  }
  (void)snprintf(command, size, "%s%s%s", before, name, argument);
  int status = run(command, path);
  free(command);
  if (status != -1) return report(name, status);
  complain("cannot start the editor '%s': %s", name, strerror(errno));
  return false;
}
