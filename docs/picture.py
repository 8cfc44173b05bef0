"""Draw the picture of the README from the warehouse: one connection from its SYN to `accept`.

python docs/picture.py WAREHOUSE RUN > docs/handshake.svg
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape

import tcpdw

WIDTH, LEFT, RIGHT = 980, 150, 20
LANES = (
    ("the wire", 64),
    ("hardware interrupt", 118),
    ("softirq NET_RX", 162),
    ("the thread", 206),
)
STAGES = (
    ("syn_to_synack", "SYN → SYN-ACK", "#4c78a8"),
    ("synack_to_ack", "to the client and back", "#9ecae9"),
    ("ack_to_wake", "ACK → waking", "#f58518"),
    ("wake_to_run", "waking → cpu", "#e45756"),
    ("run_to_return", "→ return", "#b279a2"),
    ("return_to_accept", "→ accept", "#54a24b"),
)


def draw(warehouse: str, run: str) -> Iterator[str]:
    """Yield the lines of the SVG."""
    with tcpdw.connect(warehouse) as connection:
        connection.execute("SET VARIABLE run = (SELECT run_id FROM runs WHERE name = ?)", [run])
        names = ", ".join(stage for stage, _, _ in STAGES)
        ts, dur, tid, saddr, sport, *stages = connection.execute(
            f"SELECT ts, dur, tid, saddr, sport, {names} FROM syn_to_wake "
            "WHERE run_id = getvariable('run') LIMIT 1"
        ).fetchall()[0]
        end = ts + sum(stages)
        first, last = ts - (end - ts) * 0.07, end + (end - ts) * 0.06
        window = f"run_id = getvariable('run') AND ts BETWEEN {first:.0f} AND {last:.0f}"
        irqs = connection.execute(
            f"SELECT ts, exit_ts, irq_name FROM hardirqs WHERE {window} AND ts IN "
            "(SELECT irq_ts FROM softirqs WHERE run_id = getvariable('run') AND vec = 3) "
            "ORDER BY ts"
        ).fetchall()
        softirqs = connection.execute(
            f"SELECT ts, exit_ts FROM softirqs WHERE {window} AND vec = 3 ORDER BY ts"
        ).fetchall()
        segments = connection.execute(
            f"SELECT ts, direction, flags FROM tcp_segments WHERE {window} AND "
            "((saddr, sport) = (?, ?) OR (daddr, dport) = (?, ?)) ORDER BY ts",
            [saddr, sport, saddr, sport],
        ).fetchall()
    scale = (WIDTH - LEFT - RIGHT) / (last - first)

    def x(time: float) -> float:
        return LEFT + (time - first) * scale

    def box(start: float, stop: float, y: int, colour: str, height: int = 18) -> str:
        width = max(x(stop) - x(start), 1.5)
        return (
            f'<rect x="{x(start):.1f}" y="{y - height / 2}" width="{width:.1f}" '
            f'height="{height}" rx="2" fill="{colour}"/>'
        )

    def text(at: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
        return f'<text x="{at:.1f}" y="{y}" text-anchor="{anchor}" {more}>{escape(words)}</text>'

    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 330" font-size="12" '
        'font-family="system-ui, sans-serif" role="img" '
        'aria-label="One connection from its SYN to accept, as the kernel saw it">'
    )
    yield f'<rect width="{WIDTH}" height="330" fill="#ffffff"/>'
    title = f"{run}: one connection, {dur / 1e6:.2f} ms from its SYN to the waking of the server"
    yield text(LEFT, 22, title, "start", 'font-weight="600" font-size="14"')
    for name, y in LANES:
        yield text(LEFT - 12, y + 4, name, "end", 'fill="#555555"')
        yield f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
    for time, direction, flags in segments:
        words = {2: "SYN", 18: "SYN-ACK", 16: "ACK"}.get(flags & 22, "RST")
        up, down = (44, 76) if direction == "rx" else (76, 44)
        yield (
            f'<path d="M{x(time):.1f} {up}V{down}" stroke="#222222" stroke-width="2"/>'
            f'<circle cx="{x(time):.1f}" cy="{down}" r="3.5" fill="#222222"/>'
        )
        right = words == "SYN-ACK"
        yield text(x(time) + (7 if right else -7), 58, words, "start" if right else "end")
    for start, stop, name in irqs:
        yield box(start, stop, 118, "#7f7f7f")
        yield text(x(start) + 4, 106, str(name), "start", 'font-size="10" fill="#555555"')
    for start, stop in softirqs:
        yield box(start, stop, 162, "#bab0ac")
    woken = ts + dur
    returns = woken + stages[3] + stages[4]
    yield box(first, woken, 206, "#eeeeee")
    yield text(
        (x(first) + x(woken)) / 2, 210, f"tid {tid} sleeps in its wait call", more='fill="#777777"'
    )
    yield box(woken, woken + stages[3], 206, "#e45756")
    yield box(woken + stages[3], returns, 206, "#b279a2")
    yield box(returns, end, 206, "#54a24b")
    place = float(ts)
    for (_, _, colour), length in zip(STAGES, stages, strict=True):
        yield box(place, place + length, 252, colour, 22)
        place += length
    yield text(LEFT - 12, 256, "one row", "end", 'fill="#555555"')
    at = float(LEFT)
    for (_, words, colour), length in zip(STAGES, stages, strict=True):
        yield f'<rect x="{at:.1f}" y="281" width="12" height="12" rx="2" fill="{colour}"/>'
        yield text(at + 17, 291, words, "start")
        yield text(at + 17, 308, f"{length / 1e3:,.0f} us", "start", 'fill="#555555"')
        at += 36 + 6.4 * len(words)
    yield "</svg>"


if __name__ == "__main__":
    sys.stdout.write("\n".join(draw(sys.argv[1], sys.argv[2])) + "\n")
