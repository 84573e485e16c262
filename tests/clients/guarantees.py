# SPDX-License-Identifier: Apache-2.0
"""What etcd promises of a watch, held against what has happened: ordered, unique, atomic, bookmarkable, resumable, complete."""

from harness import expect

SHOWN = 5


def check(watch, happened, compactions):
    """Of a watch that was told all up to happened.newest."""
    expect(not watch.problems, f"{watch.name}: {watch.problems[:SHOWN]}")
    _check_marks(watch)
    _check_gaps(watch, compactions)
    told = [event for part in watch.told for event in part.events]
    _check_complete(watch, told, _expected(watch, happened))
    _check_records(watch, told, happened, compactions)


def _check_marks(watch):
    """Ordered, and nothing is told twice, in two parts, or after it was said to have been told."""
    newest, mark = 0, watch.first - 1
    for part in watch.told:
        revisions = [event.revision for event in part.events]
        expect(revisions == sorted(revisions), f"{watch.name}: ordered: {revisions}")
        if revisions:
            expect(revisions[0] > newest, f"{watch.name}: unique and atomic: {revisions[0]} after {newest} was told before")
            expect(revisions[0] > mark, f"{watch.name}: bookmarkable: {revisions[0]} after it was told that {mark} was passed")
            expect(part.bookmark >= revisions[-1], f"{watch.name}: {revisions[-1]} below a header of {part.bookmark}")
            newest = revisions[-1]
        mark = max(mark, part.bookmark)


def _check_gaps(watch, compactions):
    for first, compacted in watch.gaps:
        expect(compacted in compactions and first < compacted,
               f"{watch.name}: it is told that {compacted} is compacted, and wanted {first}; compacted were {sorted(compactions)}")


def _expected(watch, happened):
    lost = {revision for first, compacted in watch.gaps for revision in range(first, compacted)}
    return [event for revision in range(watch.first, happened.newest + 1) if revision not in lost
            for event in happened.revisions.get(revision, []) if watch.wants(event)]


def _check_complete(watch, told, expected):
    names = [(event.revision, event.kind, event.key) for event in told]
    wanted = [(event.revision, event.kind, event.key) for event in expected]
    if names == wanted:
        return
    have, want = set(names), set(wanted)
    missing = [str(event) for event in expected if (event.revision, event.kind, event.key) not in have]
    more = [str(event) for event in told if (event.revision, event.kind, event.key) not in want]
    expect(False, f"{watch.name}: complete from {watch.first} on, {len(names)} told: {len(missing)} are missing "
                  f"{missing[:SHOWN]}, {len(more)} should not be {more[:SHOWN]}, gaps {watch.gaps}")


def _check_records(watch, told, happened, compactions):
    expected = {(event.revision, event.key): event for events in happened.revisions.values() for event in events}
    for event in told:
        meant = expected[event.revision, event.key]
        expect(event.record == meant.record, f"{watch.name}: {event} tells {event.record}, and it was {meant.record}")
        if not watch.prev_kv:
            expect(event.prev is None, f"{watch.name}: {event} tells what was before, and was not asked to")
        elif event.prev != meant.prev:
            expect(event.prev is None and event.revision in compactions,
                   f"{watch.name}: before {event} was {meant.prev}, and it tells {event.prev}")
