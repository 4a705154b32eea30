"""The tables of a project, as the steps that made them: step n turns version n - 1 into version n.

A step that was released is never changed; what is needed later comes as a further step.
"""

APPLICATION = 0x53444552
"""SQLite's ``application_id``: "SDER"."""

Step = tuple[str, ...]

STEPS: tuple[Step, ...] = (
    (
        # name, recipe and what the page showed, each as JSON
        "CREATE TABLE document (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
        # files, folders and globs to look into; kind where the user said it
        """CREATE TABLE root (
            number INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, kind TEXT
        ) STRICT""",
        # frames taken out by hand from a root that stays
        "CREATE TABLE removed (path TEXT PRIMARY KEY) STRICT",
        # key: digest of the content, which stays when a file is moved; size and modified (ns) spare reading it again
        """CREATE TABLE frame (
            path TEXT NOT NULL, place INTEGER NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL,
            modified INTEGER NOT NULL, kind TEXT NOT NULL, header TEXT NOT NULL, PRIMARY KEY (path, place)
        ) STRICT""",
        "CREATE INDEX frame_by_key ON frame (key)",
        # frames of the last look that have no part in a run
        """CREATE TABLE refusal (
            path TEXT NOT NULL, place INTEGER NOT NULL, refused TEXT NOT NULL, PRIMARY KEY (path, place)
        ) STRICT""",
        # the newest row of a frame counts; undo takes the rows of the last step away
        """CREATE TABLE verdict (
            number INTEGER PRIMARY KEY, step INTEGER NOT NULL, key TEXT NOT NULL,
            verdict TEXT NOT NULL CHECK (verdict IN ('undecided', 'approved', 'rejected')),
            reason TEXT NOT NULL, given TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX verdict_by_key ON verdict (key, number)",
        # stars, sky and fluxes as the pipeline packs them, by everything that they depend on
        """CREATE TABLE measurement (
            key TEXT PRIMARY KEY, size INTEGER NOT NULL, used TEXT NOT NULL, data BLOB NOT NULL
        ) STRICT""",
        # the newest figures of a frame, by the frame's key
        "CREATE TABLE figures (key TEXT PRIMARY KEY, figures TEXT NOT NULL, measured TEXT NOT NULL) STRICT",
        # process and born (its start, seconds since 1970) tell whether a job that never ended still runs
        """CREATE TABLE job (
            number INTEGER PRIMARY KEY, command TEXT NOT NULL, output TEXT, process INTEGER NOT NULL,
            born REAL NOT NULL, state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'lost')),
            started TEXT NOT NULL, ended TEXT, error TEXT
        ) STRICT""",
        """CREATE TABLE result (
            path TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, report TEXT,
            job INTEGER NOT NULL REFERENCES job (number)
        ) STRICT""",
        # what a run made of a frame: used or refused, why, weight and transform, as in its report
        """CREATE TABLE fate (
            job INTEGER NOT NULL REFERENCES job (number), path TEXT NOT NULL, place INTEGER NOT NULL,
            fate TEXT NOT NULL, PRIMARY KEY (job, path, place)
        ) STRICT""",
    ),
)
