/* cli/exits.c: takes how a push ended, gives the exit code. */
#include "exits.h"

static int code_of(dl_status status) {
  static const struct {
    dl_status status;
    int code;
  } codes[] = {
      {DL_OK, EXIT_DONE},          {DL_ERR_CONFIG, EXIT_CONFIG},   {DL_ERR_STATE, EXIT_CONFIG},
      {DL_ERR_AUTH, EXIT_AUTH},    {DL_ERR_NETWORK, EXIT_NETWORK}, {DL_ERR_CONFLICT, EXIT_CONFLICT},
      {DL_ERR_LOCKED, EXIT_LOCKED}};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    if (codes[i].status == status) return codes[i].code;
  }
  return EXIT_FAILED;
}

/* One code for many failed files: theirs if they all failed for the same one of
 * the reasons that a script can act on, else 1. */
static int code_of_files(const dl_push_result *result) {
  if (result->error_count == 0) return EXIT_FAILED;
  int32_t first = result->errors[0]->status;
  if (first != DL_ERR_AUTH && first != DL_ERR_NETWORK && first != DL_ERR_CONFLICT) {
    return EXIT_FAILED;
  }
  for (size_t i = 1; i < result->error_count; i++) {
    if (result->errors[i]->status != first) return EXIT_FAILED;
  }
  return code_of((dl_status)first);
}

int exit_code(dl_status status, const dl_push_result *result, int signal_number) {
  /* A push that was done when the signal came is done all the same. */
  if (status != DL_OK && signal_number != 0) return EXIT_SIGNAL + signal_number;
  if (status == DL_ERR_PARTIAL) return code_of_files(result);
  return code_of(status);
}
