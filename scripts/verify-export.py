#!/usr/bin/env python3
"""Checks a file that `nanoguard audit export` wrote. Python 3.9 or newer and its standard library, nothing else.

It shares no code with nanoguard, on purpose: read it whole, then trust it. It checks that
  - every line is the RFC 8785 canonical form of itself, the last line counts them and carries their SHA-256;
  - the checkpoint is signed (C2SP signed-note, Ed25519 as in RFC 8032) and so is every other one in the header,
    each with a proof (RFC 6962) that its tree is a beginning of this one;
  - every record is in that tree, in order, none left out of the range that the header names;
  - every person that is named is the one that the record commits to: SHA-256(salt || value).

usage: verify-export.py EXPORT [--key VKEY] [--anchor NOTE-FILE-OR-DIRECTORY ...]
exit:  0 accepted, 1 rejected, 2 wrong usage

Without --key the key is the one in the file: whoever made the whole file up is then not noticed.
"""
import argparse
import base64
import hashlib
import json
import math
import os
import re
import sys

MAX_LINE = 8 << 20


class Rejected(Exception):
    pass


def require(condition, message):
    if not condition:
        raise Rejected(message)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(text, size=None):
    require(isinstance(text, str), "base64 is not a string")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Rejected("not base64") from None
    require(base64.b64encode(data).decode() == text, "base64 is not in its one form")
    require(size is None or len(data) == size, "base64 of another length than it should be")
    return data


# ---- JSON: RFC 8785 ---------------------------------------------------------------------------------------------


def format_number(value):
    """A double as ECMAScript's Number::toString writes it (ECMA-262, 6.1.6.1.20)."""
    require(math.isfinite(value), "a number is not finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    rest = "." + digits[1:] if count > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def canonical(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return format_number(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in keys) + "}"


def not_json(name):
    raise Rejected(f"{name} is not JSON")


def parse_line(line):
    try:
        # Every number is a double, as RFC 8785 has it.
        value = json.loads(line.decode("utf-8"), parse_int=float, parse_constant=not_json)
        same = canonical(value).encode("utf-8") + b"\n" == line
    except (ValueError, RecursionError):
        raise Rejected("not JSON") from None
    require(same, "not the canonical form of itself")
    require(isinstance(value, dict), "not an object")
    return value


def whole(value, name):
    fine = isinstance(value, float) and value.is_integer() and 0 <= value < 2**53
    require(fine, f"{name} is not a whole number")
    return int(value)


def only(value, required, optional=()):
    require(isinstance(value, dict), "not an object")
    missing, unknown = set(required) - set(value), set(value) - set(required) - set(optional)
    require(not missing, f"without {', '.join(sorted(missing))}")
    require(not unknown, f"with an unknown member {', '.join(sorted(unknown))}")


# ---- Ed25519: RFC 8032, sections 5.1 and 6 ------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(a, b):
    """Points in extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def decode_point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signature_holds(public, message, signature):
    a, r, s = decode_point(public), decode_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = multiply(s, BASE), add(r, multiply(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- Merkle tree: RFC 6962, in the words of RFC 9162, sections 2.1.3.2 and 2.1.4.2 --------------------------------


def node(left, right):
    return sha256(b"\x01", left, right)


def root_of_inclusion(index, size, leaf, proof):
    require(index < size, "lies outside of the checkpoint's tree")
    fn, sn, root = index, size - 1, leaf
    for step in proof:
        require(sn > 0, "its proof is too long")
        if fn & 1 or fn == sn:
            root = node(step, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node(root, step)
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0, "its proof is too short")
    return root


def is_beginning(first, first_root, second, second_root, proof):
    """Whether the tree of `first` leaves is a beginning of the tree of `second`."""
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof
    if first > second or not proof:
        return False
    steps = list(proof) if first & (first - 1) else [first_root, *proof]
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node(step, old), node(step, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node(new, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == first_root and new == second_root


# ---- checkpoints: C2SP signed-note and tlog-checkpoint ------------------------------------------------------------


def parse_key(text):
    require(isinstance(text, str) and text.count("+") >= 2, "a key that is not name+id+base64")
    name, identity, encoded = text.split("+", 2)
    data = unbase64(encoded, 33)
    require(data[0] == 1, "a key that is not Ed25519")
    require(sha256(name.encode() + b"\n", data)[:4].hex() == identity, "a key whose id is not its own")
    return name, bytes.fromhex(identity), data[1:]


def read_checkpoint(note, key):
    """Size and root of a note that `key` signed under its name."""
    require(isinstance(note, str) and len(note) < 65536, "a checkpoint that is no text")
    text, found, signatures = note.rpartition("\n\n")
    require(found and signatures.endswith("\n"), "a checkpoint without signature")
    text += "\n"
    lines = text.split("\n")
    require(len(lines) >= 4 and lines[0] == key[0], "a checkpoint of another log")
    require(re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]) is not None, "a checkpoint without size")
    root = unbase64(lines[2], 32)
    for line in signatures[:-1].split("\n"):
        require(line.startswith("\u2014 ") and line.count(" ") == 2, "a signature line that is none")
        _, name, encoded = line.split(" ")
        if name != key[0] or unbase64(encoded)[:4] != key[1]:
            continue
        require(signature_holds(key[2], text.encode(), unbase64(encoded, 68)[4:]), "a checkpoint whose signature is wrong")
        return int(lines[1]), root
    raise Rejected("a checkpoint that the log's key did not sign")


def read_anchors(paths, key):
    for path in paths:
        names = [path]
        if os.path.isdir(path):
            names = sorted(os.path.join(folder, name) for folder, _, files in os.walk(path) for name in files)
        for name in names:
            with open(name, encoding="utf-8", newline="", errors="surrogateescape") as file:
                note = file.read(65536)
            if note.split("\n", 1)[0] == key[0]:
                yield name, read_checkpoint(note, key)


# ---- the file -----------------------------------------------------------------------------------------------------


def check_header(line, trusted):
    only(line, ["type", "schema", "time", "origin", "key", "checkpoint", "checkpoints", "from", "to", "selection"])
    require(line["type"] == "header", "not a header")
    require(line["schema"] == "nanoguard.audit-export/1", "another format than this program reads")
    only(line["selection"], [], ["agent", "since", "until"])
    require(all(isinstance(text, str) for text in line["selection"].values()), "a selection that is no text")
    require(trusted is None or line["key"] == trusted, "signed for another key than the one given")
    key = parse_key(line["key"])
    require(line["origin"] == key[0], "an origin that is not the key's name")
    size, root = read_checkpoint(line["checkpoint"], key)
    first, last = whole(line["from"], "from"), whole(line["to"], "to")
    require(1 <= first <= last + 1 and last <= size, "a range outside of the checkpoint's tree")
    known = {size: root}
    require(isinstance(line["checkpoints"], list), "checkpoints that are no list")
    for item in line["checkpoints"]:
        only(item, ["note", "proof"])
        earlier, earlier_root = read_checkpoint(item["note"], key)
        require(isinstance(item["proof"], list), "a proof that is no list")
        proof = [unbase64(step, 32) for step in item["proof"]]
        fits = is_beginning(earlier, earlier_root, size, root, proof)
        require(fits, f"a checkpoint of {earlier} records that is not a beginning of this tree")
        known[earlier] = earlier_root
    return key, size, root, first, last, known


def people_of(record):
    """The commitments to personal values in a record: who operates, decided, wrote a note, owns an exception."""
    verdict = record.get("verdict")
    excepted = verdict.get("excepted") if isinstance(verdict, dict) else None
    owners = [one.get("owner") for one in excepted if isinstance(one, dict)] if isinstance(excepted, list) else []
    by = record.get("by") if isinstance(record.get("by"), list) else []
    values = [record.get("operator"), record.get("note"), *by, *owners]
    return {value for value in values if isinstance(value, str) and value.startswith("person:")}


def is_opened(person, named):
    """Whether an opening opens what it should; False where the value was erased."""
    erased = isinstance(person, dict) and "erased" in person
    only(person, ["commitment", "erased"] if erased else ["commitment", "salt", "value"])
    require(all(isinstance(person[name], str) for name in person if name != "erased"), "opens a person that is no text")
    require(person["commitment"] in named, "does not name the person that is opened")
    named.remove(person["commitment"])
    if erased:
        require(person["erased"] is True, "names a person that is neither opened nor erased")
        return False
    require(re.fullmatch("[A-Za-z0-9_-]{43}", person["salt"]) is not None, "has a salt that is not 32 bytes")
    salt = base64.urlsafe_b64decode(person["salt"] + "=")
    made = base64.urlsafe_b64encode(sha256(salt, person["value"].encode())).decode().rstrip("=")
    require(person["commitment"] == "person:" + made, "names a person that is not the one it commits to")
    return True


def check_record(line, size, root, selection):
    only(line, ["type", "seq", "record", "proof"], ["people"])
    seq, record = whole(line["seq"], "seq"), line["record"]
    require(isinstance(record, dict) and isinstance(line["proof"], list), "without a record or a proof")
    proof = [unbase64(step, 32) for step in line["proof"]]
    leaf = sha256(b"\x00", canonical(record).encode())
    require(root_of_inclusion(seq - 1, size, leaf, proof) == root, "is not in the checkpoint's tree")
    require(selection.get("agent", record.get("agent")) == record.get("agent"), "is of another agent than selected")
    if "since" in selection or "until" in selection:
        time = record.get("time")
        require(isinstance(time, str), "has no time")
        # RFC 3339 in UTC with milliseconds, so the order of the texts is the order of the times.
        require(selection.get("since", time) <= time <= selection.get("until", time), "is of another time than selected")
    people = line.get("people", [])
    require(isinstance(people, list), "has people that are no list")
    named = people_of(record)
    opened = sum([is_opened(person, named) for person in people])
    return opened, len(people) - opened


def verify(file, trusted, anchors):
    digest = hashlib.sha256()
    counts = {"records": 0, "archived": 0, "opened": 0, "erased": 0}
    header = next_seq = end = None
    number = 0
    where = "the file"
    try:
        while True:
            raw = file.readline(MAX_LINE)
            if not raw:
                break
            number += 1
            where = f"line {number}"
            require(end is None, "stands after the end")
            require(raw.endswith(b"\n"), "is cut off")
            line = parse_line(raw)
            kind = line.get("type")
            if header is None:
                header = check_header(line, trusted)
                selection, next_seq = line["selection"], header[3]
            elif kind == "record":
                seq = whole(line.get("seq"), "seq")
                where = f"line {number}, record {seq}"
                in_order = next_seq <= seq <= header[4] if selection else seq == next_seq <= header[4]
                require(in_order, f"stands where record {next_seq} should")
                opened, erased = check_record(line, header[1], header[2], selection)
                counts["records"] += 1
                counts["opened"] += opened
                counts["erased"] += erased
                next_seq = seq + 1
            elif kind == "archived":
                only(line, ["type", "from", "to"])
                first, last = whole(line["from"], "from"), whole(line["to"], "to")
                require(first == next_seq and first <= last <= header[4], "is another range than is missing here")
                counts["archived"] += last - first + 1
                next_seq = last + 1
            elif kind == "end":
                only(line, ["type", "digest", *counts])
                end = {name: whole(line[name], name) for name in counts}
                require(end == counts, f"counts {end}, and there are {counts}")
                require(unbase64(line["digest"], 32) == digest.digest(), "has another SHA-256 than the lines before it")
                require(selection or next_seq == header[4] + 1, f"comes before record {next_seq}")
            else:
                raise Rejected("is of no kind that is known")
            digest.update(raw)
        where = "the file"
        require(end is not None, "ends before its end: it was cut")
        compared, unknown = 0, 0
        for name, (size, root) in read_anchors(anchors, header[0]):
            where = f"anchor {name}"
            require(size not in header[5] or header[5][size] == root, f"has another tree of {size} records")
            compared += size in header[5]
            unknown += size not in header[5]
        where = "the anchors"
        require(not anchors or compared or unknown, "hold no checkpoint of this log")
    except Rejected as problem:
        return f"REJECTED: {where}: {problem}".replace("\n", " ")
    notes = [f"{counts['records']} records {header[3]}..{header[4]} of {header[0][0]}, under a checkpoint of {header[1]}"]
    if trusted is None:
        notes.append("not checked: whether the key is the log's (it came with the file; give --key)")
    if selection:
        notes.append("not checked: whether the selection left records out")
    if counts["archived"]:
        notes.append(f"not checked: {counts['archived']} archived records")
    if counts["erased"]:
        notes.append(f"{counts['erased']} personal values were erased")
    if not anchors:
        notes.append("not checked: any checkpoint outside of the host (give --anchor)")
    elif unknown:
        notes.append(f"not checked: {unknown} outside checkpoints that the file has no proof for ({compared} fit)")
    return "\n".join(["accepted", *notes])


def main():
    options = argparse.ArgumentParser(description="Checks a file that `nanoguard audit export` wrote.")
    options.add_argument("export")
    options.add_argument("--key", metavar="VKEY", help="the log's public key, from a place that you trust")
    options.add_argument("--anchor", metavar="PATH", action="append", default=[], help="checkpoints kept elsewhere")
    given = options.parse_args()
    try:
        with open(given.export, "rb") as file:
            answer = verify(file, given.key, given.anchor)
    except OSError as problem:
        options.error(str(problem))
    # Text of the file may be anything: only plain characters reach the terminal.
    print("\n".join(line.encode("unicode_escape").decode("ascii") for line in answer.split("\n")))
    return 1 if answer.startswith("REJECTED") else 0


if __name__ == "__main__":
    sys.exit(main())
