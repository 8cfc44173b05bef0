-- Whether a captured packet's time lets it be the packet of a kernel event: a scalar macro. It was
-- seen between the capture's `capture_ts` and `last_ts`, after the event and before the driver's
-- transmit; both clocks are one host's, so that 1 ms is enough for what the offset of the trace's
-- may be wrong by. Where no transmit is known, it was seen within 200 ms of the event, the least
-- time after which Linux sends a segment anew because no answer came.
CREATE MACRO same_packet_time(event_ts, until_ts, capture_ts, last_ts) AS
event_ts <= last_ts + 1000000
AND capture_ts <= COALESCE(until_ts + 1000000, event_ts + 200000000);
