"""The slices of a timeline's lanes: so many that a browser draws them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tcpdw.report import timeline_data as data
from tcpdw.report.timeline_rows import rows
from tcpdw.report.timeline_window import Moment, Span
from tcpdw.report.wording import duration

if TYPE_CHECKING:
    import duckdb

_BRIEF = 5
"""Moments shorter than this part of the time are drawn as they are."""

_LANES = "s.kind IN ('hardirq', 'softirq', 'on cpu') OR s.tid IN (SELECT UNNEST($threads))"
_COUNT = f"SELECT COUNT(*) FROM timeline_slices($run, $first, $last) AS s WHERE {_LANES}"
# What lies in a kept span stays as it is; of the rest, those of a lane that nearly touch are one.
_SLICES = f"""
WITH
spans AS (SELECT UNNEST($froms) AS a, UNNEST($tos) AS b),

thread_ends AS (
    SELECT tid, MAX(end_ts) AS gone_ts FROM threads WHERE run_id = $run GROUP BY tid
),

-- A call whose end the trace does not show ends before the thread's next, and with the thread.
slices AS (
    SELECT
        s.*,
        exit_ts IS NOT NULL AS ends,
        COALESCE(
            exit_ts,
            CASE
                WHEN kind = 'syscall'
                    THEN GREATEST(
                        ts,
                        LEAST(
                            $last,
                            gone_ts,
                            LEAD(ts) OVER (PARTITION BY kind, s.tid ORDER BY ts)
                        )
                    )
            END,
            ts
        ) AS end_ts,
        CASE WHEN kind IN ('hardirq', 'softirq', 'on cpu') THEN cpu_id ELSE s.tid END AS lane
    FROM timeline_slices($run, $first, $last) AS s
    LEFT JOIN thread_ends AS e ON s.tid = e.tid
    WHERE {_LANES}
),

kept AS (
    SELECT
        s.*,
        EXISTS (SELECT 1 FROM spans AS p WHERE s.ts <= p.b AND s.end_ts >= p.a) AS is_kept
    FROM slices AS s
),

marked AS (
    SELECT
        *,
        $gap < 0 OR is_kept OR LAG(is_kept, 1, true) OVER of_lane
        OR ts - MAX(end_ts) OVER (
            PARTITION BY kind, lane ORDER BY ts, end_ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) > $gap AS is_fresh
    FROM kept
    WINDOW of_lane AS (PARTITION BY kind, lane ORDER BY ts, end_ts)
),

numbered AS (
    SELECT
        *,
        COUNT(CASE WHEN is_fresh THEN 1 END) OVER (
            PARTITION BY kind, lane ORDER BY ts, end_ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island
    FROM marked
)

SELECT
    kind,
    MIN(ts) AS ts,
    MAX(end_ts) AS end_ts,
    BOOL_AND(ends) AS ends,
    ANY_VALUE(cpu_id) AS cpu_id,
    ARG_MAX(tid, end_ts - ts) AS tid,
    COALESCE(ARG_MAX(name, end_ts - ts), '') AS name,
    ARG_MAX(number, end_ts - ts) AS number,
    BOOL_AND(certain) AS certain,
    COUNT(*) AS count,
    COALESCE(SUM(exit_ts - ts), 0)::BIGINT AS busy
FROM numbered
GROUP BY kind, lane, island
ORDER BY 2, 1
LIMIT {8 * data.MAX_SLICES}
"""


def slices_of(
    connection: duckdb.DuckDBPyConnection,
    run_id: int,
    spans: Sequence[Span],
    moments: Sequence[Moment],
    tids: Sequence[int],
    notes: list[str],
) -> tuple[Span, list[data.Slice]]:
    """Choose the first of `spans` that holds not too much, else the last, and read its slices.

    `tids`: the threads with lanes. What lies in `moments` is drawn as it is, where that can be.
    """
    span, count = spans[-1], 0
    for span in spans:
        values = {"run": run_id, "first": span.first, "last": span.last, "threads": list(tids)}
        count = int(rows(connection, _COUNT, values)[0][0])
        if count <= 4 * data.MAX_SLICES:
            break
    if span is not spans[0]:
        notes.append(
            "The time shown is that of the connection's segments: what came long before and "
            "after is left out; --at and --around show it."
        )
    # Two a pixel are enough of what is no moment.
    gap = -1 if count <= data.MAX_SLICES else span.length // 2000
    found: list[data.Slice] = []
    brief = [moment.span for moment in moments if moment.span.length < span.length / _BRIEF]
    for kept in (brief, []):
        values = {"run": run_id, "first": span.first, "last": span.last, "threads": list(tids)}
        values |= {"froms": [s.first for s in kept], "tos": [s.last for s in kept], "gap": gap}
        found = [data.Slice(*row) for row in rows(connection, _SLICES, values)]
        if len(found) <= 2 * data.MAX_SLICES:
            break
    merged = sum(item.count for item in found)
    if merged > len(found):
        notes.append(
            f"{merged} slices are drawn as {len(found)}: outside of the moments, those of a lane "
            f"less than {duration(gap)} apart are one, and say how many they are."
        )
    return span, found


def cpus_of(
    slices: Sequence[data.Slice],
    steps: Sequence[data.Step],
    segments: Sequence[data.Segment],
    wakes: Sequence[data.Wake],
    tids: Sequence[int],
    losses: Sequence[data.Loss],
    notes: list[str],
) -> tuple[list[int], list[data.Slice]]:
    """Choose the cpus that have lanes, those that the connection was on first."""
    seen = {s.cpu_id for s in slices if s.kind in data.CPU_KINDS and s.cpu_id is not None}
    seen |= {loss.cpu_id for loss in losses if loss.cpu_id is not None}
    votes = dict.fromkeys(seen, 0)
    concerned = [
        *(s.cpu_id for s in steps),
        *(s.cpu_id for s in segments),
        *(w.cpu_id for w in wakes),
        *(s.cpu_id for s in slices if s.tid in tids),
    ]
    for cpu in concerned:
        if cpu is not None:
            votes[cpu] = votes.get(cpu, 0) + 1
    chosen = sorted(votes, key=lambda cpu: (-votes[cpu], cpu))[: data.MAX_CPUS]
    if len(votes) > len(chosen):
        notes.append(f"Of {len(votes)} cpus the {len(chosen)} most concerned have lanes.")
    kept = [s for s in slices if s.kind not in data.CPU_KINDS or s.cpu_id in chosen]
    return sorted(chosen), kept
