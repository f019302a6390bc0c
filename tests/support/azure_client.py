#!/usr/bin/env python3
"""A small client of Azure Blob Storage that shares no code with devlog's: it makes what a test
starts from, and looks at what a test left behind.

The environment says where: AZURITE_ENDPOINT (http://HOST:PORT/ACCOUNT), AZURITE_ACCOUNT,
AZURITE_KEY; AZURITE_CA for https."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.parse
import xml.etree.ElementTree as xml
from email.utils import formatdate

VERSION = "2021-12-02"
ACCOUNT = os.environ["AZURITE_ACCOUNT"]
KEY = base64.b64decode(os.environ["AZURITE_KEY"])

# What devlog writes as %XX in the name of a blob (lib/storage/azure_name.h); bytes that are not
# UTF-8 are surrogates here.
ESCAPED = re.compile(r"[\x00-\x1f\x7f\\\ufffe\uffff\udc80-\udcff]|\.(?=/|\Z)|%(?=[0-9A-F]{2})")


class Refused(Exception):
    pass


def blob_name(path):
    """The name of the blob for a path as the file system gave it."""
    text = os.fsencode(path).decode("utf-8", "surrogateescape")
    return ESCAPED.sub(lambda match: "".join(
        f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape")), text)


def sign(text):
    return base64.b64encode(hmac.new(KEY, text.encode(), hashlib.sha256).digest()).decode()


class Client:
    def __init__(self):
        where = urllib.parse.urlsplit(os.environ["AZURITE_ENDPOINT"])
        self.base = where.path
        if where.scheme == "https":
            context = ssl.create_default_context(cafile=os.environ.get("AZURITE_CA"))
            self.http = http.client.HTTPSConnection(where.netloc, timeout=60, context=context)
        else:
            self.http = http.client.HTTPConnection(where.netloc, timeout=60)

    def call(self, method, path, query=(), headers=(), body=b""):
        """Gives headers and body of the reply; Refused if it is not 2xx."""
        target = self.base + "/" + urllib.parse.quote(path)
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION, **dict(headers)}
        standard = ["", "", str(len(body) or ""), *[""] * 8]  # Content-Encoding ... Range
        own = [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
        resource = [f"/{ACCOUNT}{target}", *(f"{name}:{value}" for name, value in sorted(query))]
        text = "\n".join([method, *standard, *own, *resource])
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{sign(text)}"
        headers["Content-Length"] = str(len(body))
        if query:
            target += "?" + urllib.parse.urlencode(query)
        self.http.request(method, target, body, headers)
        reply = self.http.getresponse()
        content = reply.read()
        if reply.status // 100 != 2:
            raise Refused(f"{method} {target}: {reply.status} {reply.headers['x-ms-error-code']}")
        return reply.headers, content

    def create(self, container):
        self.call("PUT", container, [("restype", "container")])

    def put(self, container, name, file, keep=""):
        """With keep, the blob's metadata stay what they were."""
        headers = {"x-ms-blob-type": "BlockBlob"}
        if keep:
            old = self.call("HEAD", f"{container}/{name}")[0]
            headers |= {name: old[name] for name in old if name.startswith("x-ms-meta-")}
        with open(file, "rb") as source:
            self.call("PUT", f"{container}/{name}", (), headers, source.read())

    def stage(self, container, name, block, size="1000"):
        """A block with this id, which nobody commits."""
        query = [("comp", "block"), ("blockid", base64.b64encode(block.encode()).decode())]
        self.call("PUT", f"{container}/{name}", query, (), b"#" * int(size))

    def staged(self, container, name):
        """Prints how many blocks are staged."""
        query = [("comp", "blocklist"), ("blocklisttype", "uncommitted")]
        root = xml.fromstring(self.call("GET", f"{container}/{name}", query)[1])
        print(len(list(root.iter("Block"))))

    def read(self, container, name):
        return self.call("GET", f"{container}/{name}")[1]

    def get(self, container, name):
        sys.stdout.buffer.write(self.read(container, name))

    def delete(self, container, name):
        self.call("DELETE", f"{container}/{name}")

    def block_list(self, container, name):
        """Gives (staged, id, size) of each block of a blob; of none if there is no such blob."""
        try:
            text = self.call("GET", f"{container}/{name}",
                             [("comp", "blocklist"), ("blocklisttype", "all")])[1]
        except Refused as refused:
            if ": 404 " not in str(refused):
                raise
            return
        root = xml.fromstring(text)
        for kind in ("CommittedBlocks", "UncommittedBlocks"):
            for block in root.iterfind(f"{kind}/Block"):
                yield kind[0] == "U", block.findtext("Name"), int(block.findtext("Size"))

    def blocks(self, container, name):
        for staged, block, size in self.block_list(container, name):
            print(json.dumps({"staged": staged, "id": block, "size": size}))

    def stage_file(self, container, name, block, file):
        with open(file, "rb") as source:
            self.call("PUT", f"{container}/{name}", [("comp", "block"), ("blockid", block)], (),
                      source.read())

    def commit(self, container, name, *blocks):
        """Makes the blob of these blocks, or without any of those that it has; staged ones that
        are not named are gone then."""
        blocks = blocks or [block for staged, block, _ in self.block_list(container, name)
                            if not staged]
        text = "".join(f"<Latest>{block}</Latest>" for block in blocks)
        self.call("PUT", f"{container}/{name}", [("comp", "blocklist")], (),
                  f"<BlockList>{text}</BlockList>".encode())

    def follow(self, container, name, file, stop):
        """Reads the blob again and again, until the file stop is there: it must always be the
        start of file, which only grows, and never less than before. Prints how many different
        ones it has seen."""
        seen = [0]
        while not os.path.exists(stop):
            blob = self.read(container, name)
            if len(blob) < seen[-1]:
                raise Refused(f"{len(blob)} bytes after {seen[-1]}")
            with open(file, "rb") as source:
                if source.read(len(blob)) != blob:
                    raise Refused(f"the {len(blob)} bytes are not the start of the file")
            if len(blob) > seen[-1]:
                seen.append(len(blob))
            time.sleep(0.01)
        print(len(seen) - 1)

    def attend(self, container, name, *command):
        """Runs a program that says "look SIZE MD5" when the blob should have these, and answers
        with a line if it has."""
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as program:
            for line in program.stdout:
                if not line.startswith("look "):
                    print(line, end="")
                    continue
                head = self.call("HEAD", f"{container}/{name}")[0]
                md5 = base64.b64decode(head["Content-MD5"] or "").hex()
                good = line.split() == ["look", head["Content-Length"], md5]
                program.stdin.write("\n" if good else f"{md5}\n")
                program.stdin.flush()
        if program.returncode != 0:
            raise Refused(f"it ended with {program.returncode}")

    def blobs(self, container, prefix=""):
        """Gives (name, size, MD5 as hex) of each blob."""
        query = [("comp", "list"), ("restype", "container"), ("prefix", prefix)]
        marker = ""
        while True:
            root = xml.fromstring(self.call("GET", container, [*query, ("marker", marker)])[1])
            for blob in root.iter("Blob"):
                element = blob.find("Name")
                name = element.text or ""
                if element.get("Encoded") == "true":
                    name = urllib.parse.unquote(name)
                md5 = blob.findtext("Properties/Content-MD5") or ""
                size = int(blob.findtext("Properties/Content-Length"))
                yield name, size, base64.b64decode(md5).hex()
            marker = root.findtext("NextMarker") or ""
            if not marker:
                return

    def list(self, container, prefix=""):
        for name, size, md5 in self.blobs(container, prefix):
            print(json.dumps({"name": name, "size": size, "md5": md5}))

    def compare(self, container, folder, prefix="", more=""):
        """Every file of folder is there byte for byte; and nothing else, unless more is "more".
        Files whose name starts with a dot do not count."""
        local = {}
        for parent, _, files in os.walk(folder):
            for name in files:
                path = os.path.join(parent, name)
                if not name.startswith(".") and os.path.isfile(path) and not os.path.islink(path):
                    local[prefix + blob_name(os.path.relpath(path, folder))] = path
        remote = {name for name, _, _ in self.blobs(container, prefix)}
        bad = [f"not there: {name!r}" for name in sorted(local.keys() - remote)]
        if not more:
            bad += [f"not here: {name!r}" for name in sorted(remote - local.keys())]
        for name in sorted(remote & local.keys()):
            with open(local[name], "rb") as source:
                if source.read() != self.read(container, name):
                    bad.append(f"differs: {name!r}")
        if bad:
            raise Refused("\n".join(bad[:20]))

    def proven(self, container, folder, result, prefix=""):
        """Every file that result, the --json output of a push, calls uploaded is there byte for
        byte, whatever became of the others."""
        with open(result, encoding="utf-8") as lines:
            events = [json.loads(line) for line in lines]
        done = [event for event in events if event["event"] == "file_upload_complete"]
        for event in done:
            path = event["path"].encode()
            if "path_base64" in event:
                path = base64.b64decode(event["path_base64"])
            with open(os.path.join(os.fsencode(folder), path), "rb") as source:
                if source.read() != self.read(container, prefix + blob_name(path)):
                    raise Refused(f"not what was pushed: {path!r}")
        count = events[-1]["files_uploaded"]
        if count != len(done):
            raise Refused(f"{len(done)} uploads were told, and {count} in the result")

    def sas(self, container, permissions="racwdl", start="2020-01-01", expiry="2099-01-01"):
        """Prints a service SAS for the container (version 2020-12-06 and later)."""
        resource = f"/blob/{ACCOUNT}/{container}"
        version = "2021-12-02"
        text = "\n".join([permissions, start, expiry, resource, "", "", "", version, "c",
                          *[""] * 7])
        print(urllib.parse.urlencode([("sv", version), ("sr", "c"), ("sp", permissions),
                                      ("st", start), ("se", expiry), ("sig", sign(text))]))

    def leaks(self, file, *more):
        """Fails if file holds the key or one of the strings more, as it is, as percent escapes,
        as hex or decoded, or a signature made with it."""
        with open(file, "rb") as source:
            text = source.read()
        signs = [b"SharedKey " + ACCOUNT.encode() + b":"]
        for secret in [os.environ["AZURITE_KEY"], *more]:
            forms = [secret.encode(), urllib.parse.unquote_to_bytes(secret)]
            try:
                forms.append(base64.b64decode(forms[1], validate=True))
            except ValueError:
                pass
            for form in forms:
                escaped = urllib.parse.quote_from_bytes(form, safe="").encode()
                signs += [form, form[:16], escaped, escaped.lower(), form.hex().encode(),
                          form.hex().upper().encode(), base64.b64encode(form)[:-4],
                          base64.urlsafe_b64encode(form)[:-4]]
        signs = [sign for sign in signs if len(sign) >= 8]
        found = [number for number, sign in enumerate(signs) if sign in text]
        if found:
            raise Refused(f"a secret is shown (forms {found})")


def main():
    command, *arguments = sys.argv[1:]
    try:
        getattr(Client(), command)(*arguments)
    except Refused as refused:
        print(str(refused).encode("ascii", "backslashreplace").decode())
        sys.exit(1)


main()
