-- Households that may be one: keyed fingerprints to find them by (a cache, of no use without the key,
-- which is not in here), what was decided about pairs (a log), and which merges hold now (derived).

create table duplicate_key (
    document {{blob}} primary key,
    campaign {{blob}} not null,
    unit     text     not null,
    position {{int}}  not null,          -- newest change the fingerprints are of
    basis    text     not null,          -- key and version they were made with
    body     {{blob}} not null           -- CBOR
){{strict}};
create index duplicate_key_unit on duplicate_key (campaign, unit);

-- Appended to; only what came too late (fate) is taken or left once its list is returned.
create table pair_decision (
    campaign {{blob}} not null,
    unit     text     not null,          -- of the first household
    position {{int}}  not null,          -- from 1 in a unit, no gaps
    kind     text     not null check (kind in ('dismissed', 'reopened', 'linked', 'unlinked')),
    one      {{blob}} not null,          -- document; of a merge the one that stays
    other    {{blob}} not null,          -- document; of a merge the absorbed one
    body     text     not null,          -- JSON of the merge, else empty
    reason   text     not null,
    fate     text     not null check (fate in ('taken', 'late', 'void')),
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, unit, position)
){{strict}};

create table household_link (
    absorbed {{blob}} primary key,
    campaign {{blob}} not null,
    unit     text     not null,
    kept     {{blob}} not null,
    position {{int}}  not null,          -- of the decision
    body     text     not null
){{strict}};
create index household_link_kept on household_link (kept);
create index household_link_unit on household_link (campaign, unit);
