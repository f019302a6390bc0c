#!/usr/bin/env python3
"""A scripted HTTP server that misbehaves on command. Prints "port N", then serves 127.0.0.1:N.

A script is a JSON list of rules; for each request the first rule that fits is played:
  method, target   regular expressions that the whole method and a part of the target (path and
                   query, as sent) must match; default: any
  skip, times      not the first `skip` requests that fit, and then only `times` of them;
                   each: true counts every target by itself
  do               list of actions, each a list of a name and its arguments:
    ["read", N]           reads the body, up to N bytes of it, or all ("all")
    ["wait", SECONDS]     does nothing for so long
    ["hold", PATH]        makes the file PATH.held, and does nothing until the file PATH is there
    ["send", TEXT]        sends TEXT (each character is a byte)
    ["reply", STATUS, HEADERS, BODY]  sends a whole reply: "201 Created", {name: value} and text;
                          with Content-Length and an id of the request, unless HEADERS say other
                          ones or null. The value "=NAME" is that header of the request
    ["drip", TEXT, S]     sends TEXT one byte at a time, with S seconds between
    ["repeat", TEXT, N]   sends TEXT N times, or (null) until the client has gone
    ["forward", OPTIONS]  reads the body, sends the request to the backend, and its reply back;
                          OPTIONS, all optional:
        request  only so many bytes of the request reach the backend, which then sees the end
        flip     one bit of this byte of the request's body is another one at the backend
        status   the reply starts with this line instead
        set      {name: value}: headers that are set, or (null) taken away
        body     [pattern, replacement]: what is replaced in the body, as a regular expression
        gzip     true: the body is packed
        send     only so many bytes of the reply are sent; below 0: without the last ones
    ["tunnel"]            answers 200 and passes bytes to the backend and back: for CONNECT
    ["fin"]               ends the connection, without reading what is still to come
    ["rst"]               resets the connection
    ["silent"]            neither reads nor sends until the client has gone
Afterwards the connection waits for its next request. A number may be "\\1": what the first group of
`target` matched. {"connection": N, "do": ..} is played on the N-th connection (from 1; 0: all)
before anything is read. What no rule fits is forwarded, or without a backend answered 404.

Each connection and each request is a line of JSON in the log, which for a request is written before
the first byte of the reply: body_bytes is what was read by then."""

import argparse
import gzip
import hashlib
import json
import os
import re
import select
import signal
import socket
import ssl
import struct
import threading
import time

HEAD_MAX = 256 * 1024
GONE = (OSError, ssl.SSLError)


class Over(Exception):
    """This connection has ended."""


class Rule:
    def __init__(self, entry):
        self.connection = entry.get("connection")
        self.method = re.compile(entry.get("method", ".*"))
        self.target = re.compile(entry.get("target", ""))
        self.first = entry.get("skip", 0)
        self.end = self.first + entry.get("times", 1 << 60)
        self.each = entry.get("each", False)
        self.actions = entry["do"]
        self.seen = {}

    def count(self, target=""):
        """True if it is this rule's turn, now that a request fits."""
        key = target if self.each else ""
        number = self.seen[key] = self.seen.get(key, -1) + 1
        return self.first <= number < self.end

    def play_for(self, request):
        """The actions for this request, or None."""
        match = self.connection is None and self.target.search(request.target)
        if not match or not self.method.fullmatch(request.method):
            return None
        if not self.count(request.target):
            return None
        return fill_in(self.actions, match)


def fill_in(value, match):
    """Every "\\1" in a list or table, as the number that was matched."""
    if isinstance(value, list):
        return [fill_in(item, match) for item in value]
    if isinstance(value, dict):
        return {name: fill_in(item, match) for name, item in value.items()}
    return int(match[1]) if value == r"\1" else value


class Message:
    """A request or a reply: its first line, its headers in order, its body."""

    def __init__(self, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.first = first
        self.headers = [tuple(line.split(":", 1)) for line in lines if ":" in line]
        self.headers = [(name, value.strip()) for name, value in self.headers]
        self.method, _, rest = first.partition(" ")
        self.target = rest.rpartition(" ")[0]
        self.body = b""

    def get(self, name, default=""):
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else default

    def set(self, name, value):
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))

    def head(self):
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")


def unchunk(data):
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size.split(b";")[0], 16)
        body, data = body + data[:count], data[count + 2:]
    return body


class Connection:
    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.pending = b""  # received, not used yet
        self.request = None
        self.rule = None
        self.logged = True

    def receive(self, size=1 << 16):
        data = self.pending[:size] or self.sock.recv(size)
        self.pending = self.pending[len(data):]
        return data

    def send(self, data):
        self.log()
        self.sock.sendall(data)

    def read_request(self):
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.receive()
            if not more or len(data) > HEAD_MAX:
                raise Over
            data += more
        head, _, self.pending = data.partition(b"\r\n\r\n")
        return Message(head)

    # ------------------------------------------------------------ actions

    def do_read(self, size):
        request = self.request
        length = int(request.get("Content-Length", "0"))
        end = length if size == "all" else min(length, len(request.body) + size)
        if len(request.body) < end and request.get("Expect"):
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(request.body) < end:
            data = self.receive(min(1 << 16, end - len(request.body)))
            if not data:
                raise Over
            request.body += data

    def do_wait(self, seconds):
        time.sleep(seconds)

    def do_hold(self, path):
        with open(path + ".held", "x", encoding="utf-8"):
            pass
        while not os.path.exists(path):
            time.sleep(0.01)

    def do_send(self, text):
        self.send(text.encode("latin-1"))

    def do_reply(self, status, headers=None, body=""):
        reply = Message(b"HTTP/1.1 " + status.encode())
        data = body.encode("latin-1")
        for name, value in {"x-ms-request-id": "scripted", "Content-Length": str(len(data)),
                            **(headers or {})}.items():
            if value and value.startswith("="):
                value = self.request.get(value[1:])
            reply.set(name, value)
        self.send(reply.head() + data)

    def do_drip(self, text, seconds):
        for byte in text.encode("latin-1"):
            self.send(bytes([byte]))
            time.sleep(seconds)

    def do_repeat(self, text, count=None):
        data = text.encode("latin-1")
        while count is None or count > 0:
            self.send(data)
            count = None if count is None else count - 1

    def do_forward(self, options=None):
        options = options or {}
        self.do_read("all")
        body = bytearray(self.request.body)
        if "flip" in options:
            body[options["flip"]] ^= 1
        reply = self.server.ask(self.request, body, options.get("request"))
        if reply is None:
            raise Over
        if "status" in options:
            reply.first = options["status"]
        if "body" in options:
            pattern, text = (part.encode() for part in options["body"])
            reply.body = re.sub(pattern, text, reply.body, flags=re.S)
            reply.set("Content-Length", str(len(reply.body)))
        if options.get("gzip"):
            reply.body = gzip.compress(reply.body)
            reply.set("Content-Encoding", "gzip")
            reply.set("Content-Length", str(len(reply.body)))
        for name, value in options.get("set", {}).items():
            reply.set(name, value)
        self.send((reply.head() + reply.body)[:options.get("send")])

    def do_tunnel(self):
        self.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        with socket.create_connection(self.server.backend) as back:
            ends = {self.sock: back, back: self.sock}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(1 << 16)
                    if not data:
                        raise Over
                    ends[end].sendall(data)

    def do_fin(self):
        self.sock.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        raise Over

    def do_rst(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Over

    def do_silent(self):
        self.log()
        watch = select.poll()
        watch.register(self.sock.fileno(), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        watch.poll()
        raise Over

    # ------------------------------------------------------------ a connection

    def play(self, actions):
        for name, *arguments in actions:
            getattr(self, "do_" + name)(*arguments)

    def log(self):
        """Before the first byte of the reply, so that who has seen the reply finds the line."""
        if self.logged:
            return
        self.logged = True
        request = self.request
        self.server.log({
            "event": "request", "connection": self.number, "method": request.method,
            "target": request.target, "rule": self.rule, "body_bytes": len(request.body),
            "body_md5": hashlib.md5(request.body).hexdigest(),
            "headers": {name.lower(): value for name, value in request.headers}})

    def serve_request(self):
        self.request = self.read_request()
        self.logged = False
        self.rule, actions = self.server.choose(self.request)
        try:
            self.play(actions)
        finally:
            self.log()

    def serve(self):
        self.server.log({"event": "connection", "connection": self.number})
        try:
            self.play(self.server.greeting(self.number))
            if self.server.tls:
                self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
            while True:
                self.serve_request()
        except (Over, *GONE):
            pass
        finally:
            self.sock.close()


class Server:
    def __init__(self, options):
        with open(options.script, encoding="utf-8") as script:
            self.rules = [Rule(entry) for entry in json.load(script)]
        self.backend = None
        if options.backend:
            host, _, port = options.backend.rpartition(":")
            self.backend = (host.rpartition("/")[2], int(port))
        self.tls = None
        if options.cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(options.cert, options.key)
        self.lock = threading.Lock()
        self.output = open(options.log, "a", encoding="utf-8")
        self.started = time.monotonic()

    def log(self, entry):
        entry["ms"] = int((time.monotonic() - self.started) * 1000)
        with self.lock:
            self.output.write(json.dumps(entry) + "\n")
            self.output.flush()

    def choose(self, request):
        """Gives the number of the rule that fits and its actions."""
        with self.lock:
            for number, rule in enumerate(self.rules):
                actions = rule.play_for(request)
                if actions is not None:
                    return number, actions
        if self.backend:
            return None, [["forward"]]
        return None, [["read", "all"],
                      ["send", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]]

    def greeting(self, number):
        with self.lock:
            for rule in self.rules:
                if rule.connection in (0, number) and rule.count():
                    return rule.actions
        return []

    def ask(self, request, body, limit):
        """Gives the backend's reply; None if it gave none."""
        sent = Message(request.head())
        sent.set("Connection", "close")
        sent.set("Expect", None)
        with socket.create_connection(self.backend, timeout=60) as back:
            back.sendall((sent.head() + body)[:limit])
            if limit is not None:
                return None
            data = b"".join(iter(lambda: back.recv(1 << 16), b""))
        head, found, body = data.partition(b"\r\n\r\n")
        if not found:
            return None
        reply = Message(head)
        reply.set("Connection", None)
        reply.set("Keep-Alive", None)
        if reply.get("Transfer-Encoding"):
            body = unchunk(body)
            reply.set("Transfer-Encoding", None)
            reply.set("Content-Length", str(len(body)))
        reply.body = body
        return reply

    def run(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        print("port", listener.getsockname()[1], flush=True)
        number = 0
        while True:
            sock = listener.accept()[0]
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number += 1
            connection = Connection(self, sock, number)
            threading.Thread(target=connection.serve, daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--log", required=True, help="file for the log, which is appended to")
    parser.add_argument("--backend", help="HOST:PORT or http://HOST:PORT to forward to")
    parser.add_argument("--cert", help="speaks TLS with this certificate ...")
    parser.add_argument("--key", help="... and this key")
    parser.add_argument("--seconds", type=int, default=900, help="ends itself after so long")
    parser.add_argument("script", nargs="?", default="/dev/stdin", help="the rules")
    options = parser.parse_args()
    signal.alarm(options.seconds)
    Server(options).run()


main()
