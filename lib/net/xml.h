/* net/xml.h: XML of a server, read without trust in it. */
#ifndef DL_NET_XML_H
#define DL_NET_XML_H

#include <stdbool.h>
#include <stddef.h>

#include <devlog/error.h>

/* An element that just ended. Valid during the call. */
typedef struct dl__xml_element {
  const char *path;   /* names from the root on, such as "EnumerationResults/Blobs/Blob/Name" */
  const char *text;   /* its own text (entities and CDATA resolved), NUL-terminated; without
                         the white space before a child if there was nothing else yet */
  size_t text_length; /* strlen(text): no document with a NUL in it is taken */
  bool encoded;       /* it has the attribute Encoded="true": text is percent-encoded */
} dl__xml_element;

/* Anything but DL_OK ends the parse, which returns it. */
typedef dl_status (*dl__xml_fn)(const dl__xml_element *element, void *user, dl_error *err);

/* Parses a whole document and calls fn at the end of each element, inner ones first.
 * DL_ERR_STORAGE: not well-formed, not complete (the root did not close), not in UTF-8,
 * with a DOCTYPE, nested deeper than 32, a name over 256 bytes, a text or (a few longer
 * ones are taken) a tag or remark over 64 KiB, more than 1,000,000 elements, or larger
 * than 16 MiB. fn may have been called before; what it was told counts only after DL_OK. */
dl_status dl__xml_parse(const char *data, size_t size, dl__xml_fn fn, void *user, dl_error *err);

#endif
