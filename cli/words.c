/* cli/words.c: see words.h. */
#include "words.h"

const wording words_push = {
    .topic = "push",
    .schema = "devlog.push/1",
    .title = "DevLog Push",
    .scanning = "Scanning files in ",
    .found = " to consider",
    .nothing = "No files needed uploading",
    .need = "uploaded",
    .dry_run = "Dry run - would upload",
    .doing = "Uploading",
    .doing_mark = MARK_UPLOAD,
    .file_mark = MARK_FILE,
    .complete = "Upload complete!",
    .incomplete = "Upload incomplete",
    .done = "Files uploaded",
    .did = "uploaded",
    .not_done = "Files not sent",
    .moved = "Sent",
    .moved_small = "sent",
    .bytes_moved = "Bytes sent",
};

const wording words_pull = {
    .topic = "pull",
    .schema = "devlog.pull/1",
    .title = "DevLog Pull",
    .scanning = "Listing the remote of ",
    .found = " at the remote",
    .nothing = "Everything is here already",
    .need = "downloaded",
    .dry_run = "Dry run - would download",
    .doing = "Downloading",
    .doing_mark = MARK_DOWNLOAD,
    .file_mark = MARK_FILE_IN,
    .complete = "Download complete!",
    .incomplete = "Download incomplete",
    .done = "Files downloaded",
    .did = "downloaded",
    .not_done = "Files not downloaded",
    .moved = "Received",
    .moved_small = "received",
    .bytes_moved = "Bytes received",
};

/* It only has a beginning in common with the others. */
const wording words_verify = {
    .topic = "verify",
    .schema = "devlog.verify/1",
    .title = "DevLog Verify",
    .scanning = "Scanning files in ",
    .found = " to compare",
    .did = "compared",
};
