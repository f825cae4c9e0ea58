-- Every nowcast that was made before its release, as it was made. No archive could make it again.
CREATE TABLE IF NOT EXISTS nowcasts_made (
    target TEXT NOT NULL,
    month TEXT NOT NULL,
    made TEXT NOT NULL,
    stated TEXT NOT NULL, -- the columns of the published table `nowcasts`, as JSON
    PRIMARY KEY (target, month, made)
);
