# SPDX-License-Identifier: Apache-2.0
"""gRPC itself: what is no call, no message, too long, or too late."""

KV = "/etcdserverpb.KV/"


def methods_that_nobody_serves(s):
    s.raw(KV + "Fly", b"")
    s.raw("/etcdserverpb.Bird/Fly", b"")
    s.raw("/etcdserverpb.kv/Range", b"")
    s.raw("/KV/Range", b"")
    s.raw("/Range", b"")
    s.raw("//", b"")


def bytes_that_are_no_message(s):
    for body in (b"\xff", b"\x0a\x05ab", b"\x08", b"\x0a\xff\xff\xff\xff\x0f", b"\0"):
        s.raw(KV + "Range", body)


def fields_of_later_versions(s):
    s.raw(KV + "Range", b"\x0a\x01a\xfa\x01\x03new")
    s.raw(KV + "Put", b"\x0a\x01a\x12\x011\xf8\x07\x05")
    s.range("a")


def fields_twice(s):
    s.raw(KV + "Put", b"\x0a\x01a\x0a\x01b\x12\x011\x12\x012")
    s.range("a", range_end="z")


def messages_that_are_too_large(s):
    s.raw(KV + "Put", b"\x0a\x01a\x12" + b"\x80\x80\x80\x02" + b"x" * (4 << 20))


def what_a_client_says_of_itself(s):
    s.range("a", metadata=(("client-api-version", "3.5.0"),))
    s.range("a", metadata=(("client-api-version", ""),))
    s.range("a", metadata=(("hasleader", "true"),))
    s.range("a", metadata=(("hasleader", "false"),))
    s.range("a", metadata=(("anything-bin", b"\0\xff"),))


def tokens_while_nobody_needs_one(s):
    s.range("a", metadata=(("token", "nonsense"),))
    s.range("a", metadata=(("authorization", "Bearer nonsense"),))
    s.put("a", "1", metadata=(("token", "nonsense"),))


def many_calls_at_once(s):
    calls = [s.later("KV.Put", key=f"k{number:03}", value="v") for number in range(200)]
    revisions = []
    for call in calls:
        answer = call.answer()
        revisions.append(answer.header.revision - s.base)
    s.record("each has a revision of its own", sorted(revisions))
    s.range("k", range_end="l", count_only=True)
