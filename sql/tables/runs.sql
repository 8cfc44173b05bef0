-- One row a run: one execution of the experiment seen from one host, where it came from and what it
-- held.
CREATE TABLE runs (
    -- The run's number in this warehouse, given when it is loaded.
    run_id INTEGER NOT NULL,
    -- The run directory's or archive's own name, without its ending.
    name VARCHAR NOT NULL,
    -- The machine that recorded the run.
    machine VARCHAR,
    -- The host's part in the experiment: `server` or `client`.
    role VARCHAR,
    -- The experiment's name, such as `handshake` or `load`.
    experiment VARCHAR,
    -- Which repetition of the experiment on that machine this is; both ends' runs share it.
    repetition INTEGER,
    -- When the run started, ns since the Unix epoch; the first event's or packet's time where
    -- nothing says so.
    started_at BIGINT,
    -- The time of the first kernel event, ns since the Unix epoch.
    first_ts BIGINT,
    -- The time of the last kernel event, ns since the Unix epoch.
    last_ts BIGINT,
    -- The kernel's release, as `uname -r` prints it.
    kernel VARCHAR,
    -- How many cpus the machine has; the cpus seen in the trace where nothing says so.
    cpus INTEGER,
    -- The cpu's model name.
    cpu_model VARCHAR,
    -- The network interface that carried the experiment.
    interface VARCHAR,
    -- The network interface's driver.
    driver VARCHAR,
    -- The tracer's name and version.
    tracer VARCHAR,
    -- The name of the trace's clock.
    clock VARCHAR,
    -- The frequency of the trace's clock in Hz.
    clock_frequency BIGINT,
    -- The offset of the trace's clock from the Unix epoch, in ns.
    clock_offset BIGINT,
    -- One step of the capture's times in ns, such as 1000 in a pcap of microseconds, which is up to
    -- that much early; of several captures, the coarsest. NULL without a capture.
    capture_resolution BIGINT,
    -- The digest of the run's inputs: two runs of one content are one run.
    content_hash VARCHAR,
    -- The digest of the file or directory that the run was loaded from, known without unpacking it.
    source_hash VARCHAR,
    -- The file or directory that the run was loaded from.
    source_path VARCHAR NOT NULL,
    -- How many kernel events were loaded.
    events BIGINT NOT NULL,
    -- How many captured packets were loaded.
    packets BIGINT NOT NULL,
    -- How many events the tracer said it had discarded.
    events_discarded BIGINT NOT NULL,
    -- `ok`; `partial` where an input was damaged and what came before the damage was loaded;
    -- `failed` where nothing was.
    status VARCHAR NOT NULL,
    -- What was wrong with the run's inputs, a sentence each, naming file and place.
    warnings VARCHAR[] NOT NULL
);
